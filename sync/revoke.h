/*
 * Revoking a station's key: it counts no further than what is held here of
 * each of its chains (FORMAT.md section 8).
 */
#ifndef SYNC_REVOKE_H
#define SYNC_REVOKE_H

#include <stdbool.h>
#include <stddef.h>

#include "chain.h"
#include "roster.h"

struct err;
struct replica;

struct revoke_lower { /* a chain that is to end earlier */
	struct chain_name chain;
	int64_t seq; /* 0: nothing of it counts */
};

/*
 * End code's current key with every chain that it wrote and that is held
 * here, at its head or where lower says, and adopt the roster.  *adopted is
 * false if it waits as a proposal.  YZ_EDENIED: not this station's to revoke.
 */
int revoke_station(struct replica *r, const char *code,
    const struct revoke_lower *lower, size_t n, bool *adopted, struct err *err);

/* The places held here of the chains of writer code; freed by the caller. */
int revoke_places(struct replica *r, const char *code, struct roster_end **out,
    size_t *n, struct err *err);
/* The hash of the newest sub-roster of code that is held, or zero. */
int revoke_sub_roster(
    struct replica *r, const char *code, struct digest *out, struct err *err);

#endif
