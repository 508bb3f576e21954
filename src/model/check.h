/*
 * What must hold before anything is written: who may write, what is
 * required, what never changes.  Applying what others wrote never asks.
 */
#ifndef MODEL_CHECK_H
#define MODEL_CHECK_H

#include <stdbool.h>

#include "chain.h"

struct draft;
struct err;
struct kind;
struct replica;

/* May this station write records of owner, of this kind?  YZ_EDENIED. */
int check_writer(struct replica *r, const struct kind *base, const char *owner,
    struct err *err);
/* May records of the kind change?  Not append-only ones: YZ_EDENIED says
 * how a correction is made. */
int check_mutable(const struct kind *base, struct err *err);

/* Values that the vocabulary gives to what a new record leaves out. */
int check_defaults(struct draft *d, struct err *err);
/*
 * Required fields present (all missing ones are named at once), none
 * cleared, fields of ancestors only by an ancestor of owner.  With gaps an
 * emergency (what lies in the command stream) need only have its title.
 */
int check_fields(
    const struct draft *d, const char *owner, bool gaps, struct err *err);

#endif
