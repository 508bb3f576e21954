/*
 * The struct peer_store of a real station: the replica, local.db and the
 * folder of partial blobs.
 */
#ifndef SYNC_PEER_REPLICA_H
#define SYNC_PEER_REPLICA_H

#include <stdint.h>

#include "base/digest.h"
#include "peer.h"

struct err;
struct local;
struct local_link;
struct peer_replica;
struct replica;

/* r and local are borrowed. */
struct peer_replica *peer_replica_new(
    struct replica *r, struct local *local, const char *other);
void peer_replica_free(struct peer_replica *pr);
/* How much is taken from the peer; without this what limit.h says. */
void peer_replica_grant(struct peer_replica *pr, const struct local_link *link);
const struct peer_store *peer_replica_store(struct peer_replica *pr);

/*
 * Before and after a session: what becomes of the station's own chains if it
 * was restored from a copy, or a peer knows more of them (resign.h).  fetches:
 * this session is for fetching them.  again: another one is needed.  resumed:
 * the station went on under a new incarnation.
 */
int peer_replica_begin(struct peer_replica *pr, struct err *err);
int peer_replica_end(
    struct peer_replica *pr, const struct peer_result *result, struct err *err);
bool peer_replica_fetches(const struct peer_replica *pr);
bool peer_replica_again(const struct peer_replica *pr);
bool peer_replica_resumed(const struct peer_replica *pr);

/* We are in touch, and there was nothing more of anybody: it is counted for
 * status (local_news.c).  A session that ends in order is counted by itself. */
int peer_replica_contact(struct peer_replica *pr, struct err *err);

/* Adopt no roster before root document number version has come, all lead up
 * to it, and it has this hash (joining). */
void peer_replica_pin(
    struct peer_replica *pr, int64_t version, const struct digest *hash);
/* Has it come? */
bool peer_replica_pinned(const struct peer_replica *pr);

#endif
