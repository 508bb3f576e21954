/*
 * What peer_replica.c (chains, local.db), peer_replica_roster.c (rosters),
 * peer_replica_heads.c (heads and forks) and peer_replica_files.c (blobs,
 * receipts) share.  Nobody else includes this.
 */
#ifndef SYNC_PEER_REPLICA_IMPL_H
#define SYNC_PEER_REPLICA_IMPL_H

#include "peer.h"
#include "replica.h"

#include "local_link.h"

struct local;
struct replica;

struct peer_replica {
	struct replica *r;
	struct local *local;
	char other[CHAIN_CODE_LEN + 1];
	struct peer_store store;

	int64_t pin_version; /* 0: nothing is pinned */
	struct digest pin_hash;
	bool pinned;
	struct roster_doc *held; /* until the pinned one comes */
	size_t n_held;
	/* Root parts that came and have no place here: the first follows one
	 * that is held, each other the one before it. */
	struct roster_doc *line;
	size_t n_line, line_bytes;

	/* Of the receipts made, what local.db is to remember once they have
	 * arrived; "" where there is none. */
	char receipts[STREAM_COUNT][DIGEST_HEX_LEN + 1];

	struct local_link link;   /* what is granted */
	struct local_taken taken; /* of it, with what is staged */
	bool counts;              /* what it sends is counted: no ancestor */
	int64_t ahead; /* bytes of attachments that are counted, and to come */
	int64_t began; /* the open transaction, on clock_mono() */
	int blob_fd;   /* the one being sent, or -1 */
	int64_t blob_size;
	/* Own chains (peer_replica_own.c): */
	bool fetch;               /* they are fetched, and not sent */
	bool asked;               /* they were named so */
	bool again;               /* another session is needed */
	bool resumed;             /* the station went on anew */
	struct replica_head *own; /* as the peer named them */
	size_t n_own;

	char blob_hex[DIGEST_HEX_LEN + 1];
};

/* --- peer_replica.c */
/* Commit what is staged; to be done before the ledger's lock is taken. */
int peer_replica_settle(struct peer_replica *pr, struct err *err);
const char *peer_replica_self(const struct peer_replica *pr);
bool peer_replica_reaches(
    void *arg, const struct chain_name *chain, const char *code);
int peer_replica_place(void *arg, const struct chain_name *chain, int64_t seq,
    struct digest *id, uint8_t oid[20], struct err *err);

/* --- peer_replica_own.c */
/* To be called once what is to be named was read: the anchor says it too. */
int peer_replica_depart(struct peer_replica *pr, struct err *err);
/* While fetching, name only what the peer is known to hold of our chains. */
int peer_replica_own_heads(struct peer_replica *pr, struct peer_head *heads,
    size_t *n, struct err *err);
int peer_replica_own(void *arg, const struct peer_head *named,
    enum peer_own *verdict, struct err *err);
/* receive_changeset() of one that this station is said to have written. */
int peer_replica_receive_own(
    struct peer_replica *pr, struct changeset *cs, struct err *err);

/* --- peer_replica_take.c */
/* At the beginning of a transaction: what was taken lately. */
int peer_replica_take_begin(struct peer_replica *pr, struct err *err);
/* The next one, unless that would be over what is granted: YZ_EDENIED. */
int peer_replica_take_one(
    struct peer_replica *pr, const struct changeset *cs, struct err *err);
/* What was taken is durable: count it, and let time drain it. */
int peer_replica_take_note(struct peer_replica *pr, struct err *err);
/*
 * Outside a transaction: a roster counts like a changeset of its length, since
 * it goes to everybody and is kept for good.  Over what is granted it has no
 * place here yet: *may is false.
 */
int peer_replica_take_roster(struct peer_replica *pr,
    const struct roster_doc *doc, bool *may, struct err *err);

/*
 * Attachments have what commands leave, by the byte: how many of the largest
 * that is; or one, where nothing was taken lately and less is granted.
 */
size_t peer_replica_take_room(void *arg);
/* n bytes of one come. */
int peer_replica_take_bytes(struct peer_replica *pr, size_t n, struct err *err);

/* --- peer_replica_roster.c */
void peer_replica_roster_free(struct peer_replica *pr);

/* --- peer_replica_files.c, peer_replica_heads.c, peer_replica_news.c,
 * peer_replica_roster.c: fill in the functions they have */
void peer_replica_files_store(struct peer_store *store);
void peer_replica_heads_store(struct peer_store *store);
void peer_replica_news_store(struct peer_store *store);
void peer_replica_roster_store(struct peer_store *store);

#endif
