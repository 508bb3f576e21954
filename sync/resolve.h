/*
 * A fork resolved: the station that lists a chain's writer names the branch
 * that counts, by its last changeset, as an end of the chain in the next
 * version of its roster (FORMAT.md section 6).
 */
#ifndef SYNC_RESOLVE_H
#define SYNC_RESOLVE_H

#include <stdbool.h>

#include "roster.h"

struct err;
struct replica;

/*
 * End a chain with the changeset whose id begins with these 8 or more hex
 * digits: one that is held, was cut off here, or is of the pair.  *end is what
 * was listed; *adopted is false if that waits for root keys as a proposal
 * (issue.h).  YZ_ENOTFOUND: none is known here; YZ_ECONFLICT: several are;
 * YZ_EDENIED: another station must sign.
 */
int resolve_fork(struct replica *r, const struct chain_name *chain,
    const char *hex, struct roster_end *end, bool *adopted, struct err *err);

#endif
