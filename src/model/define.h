/*
 * Defining kinds, fields, lists and codes: the records of the built-in
 * kinds.  Only the root station writes them, and they only grow: what a
 * field means to the stations that hold data of it never changes.
 */
#ifndef MODEL_DEFINE_H
#define MODEL_DEFINE_H

#include "chain.h"

struct draft;
struct err;
struct kind;

bool define_is(const struct kind *base); /* a built-in kind? */

/* Is the definition complete, well-formed, and, if d->before is there,
 * unchanged where it must not change? */
int define_check(const struct draft *d, struct err *err);

/* The id follows from what is defined, so that a second definition of one
 * thing is the same record. */
void define_id(
    char id[RECORD_ID_LEN + 1], const char *root, const struct draft *d);

/* May a definition be dropped?  Only a code: old records keep showing it. */
int define_check_drop(const struct kind *base, struct err *err);

#endif
