/*
 * A fork resolved: the station that lists a chain's writer names the branch
 * that counts, by its last changeset, as an end of the chain in the next
 * version of its roster (FORMAT.md section 6).
 */
#ifndef SYNC_RESOLVE_H
#define SYNC_RESOLVE_H

#include "roster.h"

struct err;
struct replica;

/*
 * End a chain with the changeset whose id begins with these 8 or more hex
 * digits: one that is held, was cut off here, or is of the pair.  *end is what
 * was listed.  YZ_ENOTFOUND: none is known here; YZ_ECONFLICT: several are;
 * YZ_EDENIED: another station, or several root keys, must sign.
 */
int resolve_fork(struct replica *r, const struct chain_name *chain,
    const char *hex, struct roster_end *end, struct err *err);

#endif
