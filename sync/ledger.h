/*
 * The ledger: a bare git repository per stream under HOME/ledger, read by
 * auditors with stock git (lane.h).
 *
 * What is put is durable (fsync) when ledger_flush() returns; refs are moved
 * by it after the objects.  Handles are for one process; writers hold the
 * ledger's lock (ledger_lock).
 */
#ifndef SYNC_LEDGER_H
#define SYNC_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "chain.h"

struct buf;
struct err;
struct ledger;

/* home/ledger; repositories are made when first needed (create != 0). */
int ledger_open(
    struct ledger **out, const char *home, int create, struct err *err);
void ledger_close(struct ledger *ledger);

/* Exclusive among processes, until ledger_unlock(). */
int ledger_lock(struct ledger *ledger, struct err *err);
void ledger_unlock(struct ledger *ledger);

/* Queue an object of type "blob", "tree" or "commit"; its address follows
 * from its bytes and is given back in oid (may be NULL). */
int ledger_put(struct ledger *ledger, enum stream stream, const char *type,
    const void *data, size_t n, uint8_t oid[20], struct err *err);
/* Queue a ref's move, e.g. "refs/chains/520302-1f0c9a7e/520302"; to zeros:
 * its removal. */
int ledger_ref(struct ledger *ledger, enum stream stream, const char *name,
    const uint8_t oid[20], struct err *err);
/*
 * Write what is queued: loose objects when few, one pack of whole objects
 * for 100 and more; then the refs.  Takes the lock if it is not held.  (Over
 * 64 MiB of objects are written by ledger_put() itself, without the refs.)
 * Reads see what was flushed.  If a put or flush fails, all that was queued
 * is forgotten, to be put again: what is there already is not written twice.
 */
int ledger_flush(struct ledger *ledger, struct err *err);

/* Append an object's bytes, hash verified; YZ_ENOTFOUND, YZ_ECORRUPT. */
int ledger_read(struct ledger *ledger, enum stream stream,
    const uint8_t oid[20], const char *type, struct buf *out, struct err *err);
/* A commit's text and its tree's one entry named ops (or any name). */
int ledger_read_commit(struct ledger *ledger, enum stream stream,
    const uint8_t oid[20], struct buf *commit, struct buf *ops,
    struct err *err);
/* Where a ref points; YZ_ENOTFOUND. */
int ledger_ref_get(struct ledger *ledger, enum stream stream, const char *name,
    uint8_t oid[20], struct err *err);
/* Call fn for every ref below prefix ("refs/chains/"); stop if it fails. */
int ledger_refs(struct ledger *ledger, enum stream stream, const char *prefix,
    int (*fn)(
	void *arg, const char *name, const uint8_t oid[20], struct err *err),
    void *arg, struct err *err);

#endif
