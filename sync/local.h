/*
 * local.db: what belongs to this machine alone, is no chain and never
 * leaves: peers and how they are reached, sessions' results, open
 * invitations and requests, partial runs.
 */
#ifndef SYNC_LOCAL_H
#define SYNC_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain.h"

struct buf;
struct db;
struct err;
struct local;

int local_open(struct local **out, const char *home, struct err *err);
void local_close(struct local *local);
struct db *local_db(struct local *local);

/* Settings: short texts by name; NULL value removes. */
int local_set(
    struct local *local, const char *name, const char *value, struct err *err);
int local_get(struct local *local, struct buf *out, const char *name,
    struct err *err); /* YZ_ENOTFOUND */

struct local_peer {
	char code[CHAIN_CODE_LEN + 1];
	char address[256];     /* HOST:PORT, "" if it calls us */
	char host_key[128];    /* "ssh-ed25519 AAAA...", "" if it calls us */
	int64_t last_contact;  /* wall ms of the last session begun, 0 never */
	int64_t last_complete; /* wall ms when complete was last proven */
	int64_t offset;        /* its clock minus ours, ms */
	char trouble[256];     /* the last session's failure, "" if none */
};
/* The peer's row is made if absent. */
int local_peer_put(
    struct local *local, const struct local_peer *peer, struct err *err);
int local_peer_get(struct local *local, struct local_peer *out,
    const char *code, struct err *err); /* YZ_ENOTFOUND */
int local_peers(
    struct local *local, struct local_peer **out, size_t *n, struct err *err);
/* Of all that is known of peers, invitations and requests: another when any
 * of it is. */
struct digest;
int local_outline(struct digest *out, struct local *local, struct err *err);

/* What a peer holds, as of the last session: chain -> seq acknowledged. */
int local_acked_put(struct local *local, const char *code, const char *chain,
    int64_t seq, struct err *err);
int local_acked_get(struct local *local, const char *code, const char *chain,
    int64_t *seq, struct err *err); /* seq 0 if none */

/* What a peer refused or we refused of it, and why; cleared when the chain
 * moves on. */
int local_refusal_put(struct local *local, const char *code, const char *chain,
    int64_t seq, const char *reason, struct err *err);
int local_refusal_clear(
    struct local *local, const char *code, const char *chain, struct err *err);

/* News of a station through a peer: something came; a session with the peer
 * ended in order, or a watch went on; all there is (local_news.c). */
struct local_news {
	char writer[CHAIN_CODE_LEN + 1];
	int64_t last;     /* wall ms when something new came, 0 never */
	int64_t contacts; /* since then, that brought nothing */
	int64_t usual;    /* contacts that the longest wait took, 0 unknown */
	int64_t waits;    /* that ended with news */
};
int local_news_put(struct local *local, const char *code, const char *writer,
    int64_t when, struct err *err);
int local_news_contact(
    struct local *local, const char *code, const char *writer, struct err *err);
int local_news(struct local *local, struct local_news **out, size_t *n,
    const char *code, struct err *err);
/* Is it silent for twice as long as ever, though it was no day of quiet? */
bool local_news_overdue(const struct local_news *news, int64_t now);

/* The part of a run that is here: one per peer and chain. */
struct local_partial {
	char chain[CHAIN_NAME_MAX];
	int64_t first, last; /* seqs in the run */
	uint8_t hash[32];    /* SHA-256 of the run's compressed bytes */
	int64_t total;       /* compressed bytes in all */
	int64_t held;        /* bytes here */
};
int local_partial_begin(struct local *local, const char *code,
    const struct local_partial *p, struct err *err);
int local_partial_append(struct local *local, const char *code,
    const char *chain, const void *data, size_t n, struct err *err);
int local_partial_get(struct local *local, const char *code, const char *chain,
    struct local_partial *p, struct buf *bytes,
    struct err *err); /* YZ_ENOTFOUND; bytes may be NULL */
int local_partials(struct local *local, const char *code,
    struct local_partial **out, size_t *n, struct err *err);
int local_partial_drop(
    struct local *local, const char *code, const char *chain, struct err *err);

#endif
