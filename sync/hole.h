/*
 * Holes: changesets that are held, but whose bytes were damaged in the
 * ledger.  What the replica has made of them stays.  In a session the station
 * names only what comes before the first one of a chain, so that the peer
 * sends it again as an ordinary run; what comes is compared with what the
 * replica knows of that place, and written to the ledger.
 */
#ifndef SYNC_HOLE_H
#define SYNC_HOLE_H

#include <stddef.h>
#include <stdint.h>

struct chain_name;
struct err;
struct local;
struct peer_head;
struct replica;

/* The first of a chain; a lower one that is known stays. */
int hole_put(struct local *local, const struct chain_name *chain, int64_t seq,
    struct err *err);
/* How many chains have one. */
int hole_count(int64_t *out, struct local *local, struct err *err);
/* Holes whose bytes are here again are none; chains that are gone too. */
int hole_refresh(struct replica *r, struct local *local, struct err *err);
/* Refresh; then lower what heads say to the place before a hole. */
int hole_cap(struct replica *r, struct local *local, struct peer_head *heads,
    size_t *n, struct err *err);

#endif
