/*
 * A session of rosters alone (PROTOCOL.md): what another station has of them,
 * gathered in a replica that holds nothing else.  Whether they are the ones
 * that were here is for the caller to see (trust.h).
 */
#ifndef SYNC_ROSTER_FETCH_H
#define SYNC_ROSTER_FETCH_H

#include <stdint.h>

struct err;
struct home;
struct link;
struct replica;

/* What came: never over LIMIT_FETCHED and LIMIT_FETCHED_BYTES. */
struct roster_fetched {
	int64_t documents, bytes;
};

/* Over an open link to the station of that code; to holds nothing yet.  What
 * comes is added to came.  On failure to is of no use. */
int roster_fetch(struct replica *to, struct roster_fetched *came,
    struct link *link, const struct home *home, const char *code,
    struct err *err);

#endif
