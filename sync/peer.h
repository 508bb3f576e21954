/*
 * One end of a session between two stations: a state machine without I/O
 * (PROTOCOL.md).  Bytes in, bytes out, time as a parameter; what it knows it
 * reads and writes through a struct peer_store, so that tests and the
 * simulator use their own.
 *
 * Times are milliseconds of a clock that never goes back.
 */
#ifndef SYNC_PEER_H
#define SYNC_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "chain.h"
#include "changeset.h"
#include "roster.h"

struct run;

struct peer_head {
	struct chain_name chain;
	int64_t seq; /* 0 only if there is a fork */
	struct digest id;
	uint8_t oid[20];
	int64_t fork; /* evidence ends it before this; 0: none does */
};

struct peer_scope {
	char scope[ROSTER_SCOPE_MAX];
	int64_t version; /* the newest that counts */
	struct digest hash;
	bool contested; /* two documents of the version after it are held */
	/* Of the other's: the version of the two that it is known to hold, or
	 * 0; and what was asked and answered about it in this session. */
	int64_t pair;
	bool asked, heard, answered;
};

struct peer_partial { /* the part of a run that is here */
	struct chain_name chain;
	int64_t first, last;
	struct digest hash; /* of the run's compressed bytes */
	size_t total, held; /* bytes in all, and here */
};

/*
 * What a machine needs to know and to keep.  All functions get arg first
 * and return 0 or a YZ_E* code.  "The peer" is the one this store was made
 * for.
 */
enum peer_own {
	PEER_OWN_NONE,  /* nothing special about this chain */
	PEER_OWN_FETCH, /* ours, to be fetched and not sent */
	PEER_OWN_DOUBT, /* ours, and the peer knows more of it: to be heard
			 * out in a session for that */
};

struct peer_store {
	void *arg;

	int64_t (*wall)(void *arg);
	/* The peer's clock minus ours, better measured than before. */
	int (*offset)(void *arg, int64_t ms, struct err *err);

	/* Rosters: in an order in which they can be adopted; a document;
	 * adopt one (one that is held already is no error). */
	int (*scopes)(
	    void *arg, struct peer_scope **out, size_t *n, struct err *err);
	int (*roster_get)(void *arg, struct roster_doc *out, const char *scope,
	    int64_t version, struct err *err);
	int (*roster_put)(
	    void *arg, const struct roster_doc *doc, struct err *err);
	/* One of the two of a contested scope; the highest version that counts
	 * and leads to a document (YZ_ENOTFOUND: it is not held); the hashes of
	 * the versions that count, from *first on, malloced.  All three may be
	 * NULL where no scope is ever contested. */
	int (*roster_pair)(void *arg, struct roster_doc *out, const char *scope,
	    size_t i, struct err *err);
	int (*roster_relate)(void *arg, int64_t *common, const char *scope,
	    const struct digest *hash, struct err *err);
	int (*roster_hashes)(void *arg, struct digest **out, int64_t *first,
	    size_t *n, const char *scope, struct err *err);
	/* A request to join came. */
	int (*join)(void *arg, const void *request, size_t n, bool *confirmed,
	    struct err *err);

	/* A chain as the peer named it, that nobody but this station writes?
	 * May be NULL. */
	int (*own)(void *arg, const struct peer_head *named,
	    enum peer_own *verdict, struct err *err);
	/* Requests to rotate: the i-th that goes to the peer (YZ_ENOTFOUND: no
	 * more); and one that came.  Both may be NULL. */
	int (*rotation_get)(
	    void *arg, struct buf *out, size_t i, struct err *err);
	int (*rotation_put)(
	    void *arg, const void *text, size_t n, struct err *err);
	/* Is the peer still one to speak to, by the roster?  Else YZ_EDENIED
	 * with the reason.  May be NULL. */
	int (*welcome)(void *arg, struct err *err);

	/* May that station hold the chain? */
	bool (*reaches)(
	    void *arg, const struct chain_name *chain, const char *code);
	/* Does what we hold of that chain come from the peer? */
	bool (*through)(void *arg, const struct chain_name *chain);
	/* Every chain that both may hold and that has a head or evidence
	 * against it, sealed; any order. */
	int (*heads)(
	    void *arg, struct peer_head **out, size_t *n, struct err *err);
	/* Name and git address of the changeset at a place held; zeros for
	 * seq 0.  YZ_ENOTFOUND. */
	int (*place)(void *arg, const struct chain_name *chain, int64_t seq,
	    struct digest *id, uint8_t oid[20], struct err *err);
	int (*read)(void *arg, struct changeset *out,
	    const struct chain_name *chain, int64_t seq, struct err *err);
	/*
	 * Take a changeset in, as receive_changeset(): begins a transaction if
	 * none is open, derives.  YZ_EIO ends the session; any other failure
	 * refuses the chain.
	 */
	int (*receive)(void *arg, struct changeset *cs, struct err *err);
	/* The run whose changesets are received next, one after another; may
	 * be NULL. */
	void (*ahead)(void *arg, const struct run *run, const struct buf *plain,
	    const struct digest *id, const uint8_t oid[20]);
	int (*commit)(void *arg, struct err *err);
	void (*rollback)(void *arg);
	/* The pair that stops a chain; YZ_ENOTFOUND.  And one that came:
	 * checked and acted on (fork.h), when nothing is staged.  YZ_EIO ends
	 * the session; any other failure says that it proves nothing. */
	int (*fork_get)(void *arg, struct changeset *a, struct changeset *b,
	    const struct chain_name *chain, struct err *err);
	int (*fork_take)(void *arg, struct changeset *a, struct changeset *b,
	    struct err *err);

	/* Something new of this chain, or of one by the same writer, was
	 * committed; the session got as far as Done both ways. */
	int (*news)(void *arg, const struct chain_name *chain, struct err *err);
	int (*contact)(void *arg, struct err *err);

	/* What outlives the session. */
	int (*acked)(
	    void *arg, const struct peer_head *v, size_t n, struct err *err);
	int (*refused)(void *arg, const char *chain, int64_t seq,
	    const char *reason, struct err *err);
	int (*partials)(
	    void *arg, struct peer_partial **out, size_t *n, struct err *err);
	int (*partial_get)(void *arg, const struct chain_name *chain,
	    struct buf *bytes, struct err *err);
	int (*partial_put)(void *arg, const struct peer_partial *partial,
	    const void *data, struct err *err);
	int (*partial_drop)(
	    void *arg, const struct chain_name *chain, struct err *err);

	/* Blobs, by hash in hex: wanted ones (concatenated, 64 digits each),
	 * bytes of one that are here, more bytes at that place, and the whole
	 * checked and stored.  Of ours: bytes from offset, and may the peer
	 * have it. */
	int (*blob_missing)(
	    void *arg, struct buf *out, size_t max, struct err *err);
	/* How many may be under way now; NULL: LIMIT_WANTS. */
	size_t (*blob_room)(void *arg);
	int64_t (*blob_held)(void *arg, const char *hex);
	int (*blob_append)(void *arg, const char *hex, const void *data,
	    size_t n, struct err *err);
	int (*blob_finish)(void *arg, const char *hex, struct err *err);
	int (*blob_read)(void *arg, struct buf *out, int64_t *size,
	    const char *hex, int64_t offset, size_t max, struct err *err);
	bool (*blob_reaches)(void *arg, const char *hex);

	/* A receipt over heads (sorted): *news is false, and nothing is made,
	 * if the last one said the same.  And one that came. */
	int (*receipt_make)(void *arg, struct buf *text, uint8_t key[32],
	    uint8_t sig[64], bool *news, enum stream stream,
	    const struct peer_head *heads, size_t n, struct err *err);
	int (*receipt_take)(void *arg, const void *text, size_t n,
	    const uint8_t key[32], const uint8_t sig[64], struct err *err);
	/* The peer has read all receipts made for it. */
	int (*receipts_kept)(void *arg, struct err *err);
};

enum peer_purpose { PEER_SYNC, PEER_WATCH, PEER_JOIN };
enum peer_bye {
	PEER_BYE_DONE,
	PEER_BYE_FAULT,
	PEER_BYE_REFUSED,
	PEER_BYE_TROUBLE,
	PEER_BYE_IDLE,
	PEER_BYE_AGAIN
};

struct peer_options {
	bool caller;
	bool invited; /* called with an invitation's key */
	bool rosters; /* calls for rosters alone: the end once they came */
	char self[CHAIN_CODE_LEN + 1];
	char other[CHAIN_CODE_LEN + 1]; /* who it has to be */
	enum peer_purpose purpose;      /* the caller's */
	int64_t rate;              /* bytes/s the other should keep to, or 0 */
	bool urgent;               /* nothing but rosters and commands */
	const struct buf *request; /* of who asks to join */
};

struct peer_result {
	bool finished;          /* Bye(0) came or was said, all in order */
	bool compared;          /* all that the other holds was named */
	bool got_all;           /* what the other named at the start is here */
	bool gave_all;          /* what we named is there: its Done proved it */
	bool asked_confirmed;   /* joining: confirmed at once */
	bool joined;            /* joining: the request is kept */
	int64_t command_news;   /* changesets with ops in the command stream */
	int64_t sent, received; /* changesets */
	int64_t refused;        /* chains, either way */
	int64_t forks;          /* chains found forked, either way */
	bool again;             /* a chain was cut off: call once more */
	int64_t blobs_sent, blobs_received;
	int64_t todo;      /* changesets to send and receive, as of the start */
	int64_t rtt;       /* ms, -1 unknown */
	bool urgent;       /* one side wanted rosters and commands only */
	char refusal[256]; /* the first of them */
	char fork[256];    /* the first of those: a line for people */
};

struct peer;

/* Takes nothing over; store is borrowed for the machine's life. */
int peer_new(struct peer **out, const struct peer_options *options,
    const struct peer_store *store, int64_t now, struct err *err);
void peer_free(struct peer *p);

/* Bytes came.  On failure the session is over: a Bye that says why is in
 * the output, err has the line for the operator. */
int peer_receive(
    struct peer *p, const void *data, size_t n, int64_t now, struct err *err);
/* Put into the output what may go out now. */
int peer_send(struct peer *p, int64_t now, struct err *err);
/* What is to be written; the driver drops what it wrote. */
struct buf *peer_output(struct peer *p);

/* Make durable what was received, then Ack it. */
int peer_commit(struct peer *p, struct err *err);
/* Plain bytes received and not yet committed; and is nothing more to come
 * for now? */
size_t peer_staged(const struct peer *p);
bool peer_quiet(const struct peer *p);
/* Let the store note what the other holds by now: a watch may last for days,
 * and people are told what has arrived. */
int peer_acked(struct peer *p, struct err *err);
/* Somebody else may have written: look at heads and rosters again. */
int peer_refresh(struct peer *p, struct err *err);

/* Say Bye and be done. */
void peer_say_bye(struct peer *p, enum peer_bye code, const char *reason);
/* The link is gone or done: commit what was applied, keep a partial run and
 * what the peer is known to hold. */
void peer_close(struct peer *p);

/* Over: nothing more will be said or read. */
bool peer_over(const struct peer *p);
/* Has the other said who it is? */
bool peer_greeted(const struct peer *p);
/* Past Done, watching. */
bool peer_watching(const struct peer *p);
/* Say no more than so many bytes of what is not urgent, until told again; what
 * peer_output() holds by now is not among them.  INT64_MAX: any. */
void peer_allow(struct peer *p, int64_t bytes);
/* What the other asked us to keep to, bytes/s, or 0. */
int64_t peer_rate_wish(const struct peer *p);
const struct peer_result *peer_result(const struct peer *p);

#endif
