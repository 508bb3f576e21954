/*
 * What waits to be sent to a peer.
 */
#ifndef MODEL_WAITING_H
#define MODEL_WAITING_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct local;
struct replica;
struct replica_head;

/*
 * How many changesets of chains that the peer may hold it is not known to
 * have; fn, if not NULL, is called for each such chain with its head and the
 * place that the peer is known to hold.  0 for a station that has not joined.
 */
int waiting_count(int64_t *out, struct replica *r, struct local *local,
    const struct replica_head *heads, size_t n, const char *code,
    void (*fn)(void *arg, const struct replica_head *head, int64_t acked),
    void *arg, struct err *err);

#endif
