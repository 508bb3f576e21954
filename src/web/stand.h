/*
 * How far what this station wrote has come.
 */
#ifndef WEB_STAND_H
#define WEB_STAND_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct local;
struct replica;

/* Does the parent hold everything that this station wrote to the record?
 * *known is false at the top, and where this station wrote nothing. */
int stand_superior(bool *out, bool *known, struct replica *r,
    struct local *local, int64_t rec, struct err *err);

#endif
