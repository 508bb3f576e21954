/*
 * What the files of the peer machine share: peer.c (life, table of states),
 * peer_table.c (chains), peer_compare.c (what the other named), peer_fork.c,
 * peer_roster.c,
 * peer_send.c, peer_receive.c, peer_run.c (runs that come in), peer_blob.c.
 * Nobody else includes this.
 */
#ifndef SYNC_PEER_STATE_H
#define SYNC_PEER_STATE_H

#include "frame.h"
#include "limit.h"
#include "peer.h"
#include "run.h"

#define PEER_VERSION 1 /* of the protocol */
/* Bytes of Data in a frame: a cut loses the frame under way. */
#define PEER_PIECE (4u << 10)

enum {
	MSG_HELLO = 1,
	MSG_ROSTER,
	MSG_SETTLED,
	MSG_JOIN,
	MSG_JOINED,
	MSG_HEADS,
	MSG_LIST,
	MSG_PARTIALS,
	MSG_RUN,
	MSG_DATA,
	MSG_HELD,
	MSG_ACK,
	MSG_REFUSE,
	MSG_SENT,
	MSG_WANT,
	MSG_BLOB,
	MSG_BLOB_DATA,
	MSG_BLOB_NONE,
	MSG_RECEIPT,
	MSG_DONE,
	MSG_PING,
	MSG_PONG,
	MSG_BYE,
	MSG_ASK,
	MSG_PLACE,
	MSG_EVIDENCE,
	MSG_ROTATE,
	MSG_VERSIONS,
	MSG_COUNT
};

enum peer_state {
	PEER_HELLO,
	PEER_ROSTER,
	PEER_HEADS,
	PEER_RUNS,
	PEER_WATCHING,
	PEER_CLOSED,
	PEER_STATES
};

enum peer_seek { /* looking for where two branches part */
	SEEK_NONE,
	SEEK_PROBE, /* do they at all? */
	SEEK_HALVE, /* between lo, the same, and hi, not */
	SEEK_PLEAD, /* mine at hi is said; the pair is to come */
	SEEK_AWAIT, /* the other has noticed, or has evidence */
};

struct peer_chain {
	struct chain_name name;
	char text[CHAIN_NAME_MAX]; /* the same; the table is sorted by it */
	int64_t mine;              /* my durable head */
	struct digest mine_id;
	uint8_t mine_oid[20];
	int64_t mine_fork; /* evidence ends it before this, or 0 */
	int64_t most;      /* the highest that either was in this session */
	int64_t named;     /* the other's head, as named at the start */
	struct digest named_id;
	uint8_t named_oid[20];
	int64_t named_fork;
	int64_t theirs;     /* what the other is known to hold */
	int64_t noted;      /* of that, what the store was told */
	int64_t sent;       /* what went out in this session, whole */
	int64_t head;       /* mine, with what is staged */
	bool staged;        /* something of it waits for the commit */
	bool fresh;         /* and it is new here */
	bool stopped;       /* the other refused it: nothing more goes out */
	bool shut;          /* we refused it: nothing more is taken in */
	bool listed;        /* peer_table_load(): still there */
	bool forked;        /* counted as such */
	bool told;          /* I sent evidence */
	int64_t their_fork; /* evidence that the other is known to have */
	enum peer_seek seek;
	int64_t seek_lo, seek_hi, seek_at;
	bool asked;  /* Ask(seek_at) is unanswered */
	char *doubt; /* why it is sought: the reason if nothing is found */
	int64_t doubt_seq;
	struct peer_partial *resume; /* what the other has of a run, or NULL */
};

struct peer_want {
	char hex[DIGEST_HEX_LEN + 1];
	int64_t offset; /* of the bytes that come next */
};

struct peer {
	struct peer_options opt;
	struct peer_store s;
	enum peer_state state;
	struct frame_reader in;
	struct buf out;
	struct buf scratch; /* a payload being written */
	int64_t now;
	struct peer_result result;

	/* Hello, Roster */
	int64_t rate_wish;         /* of the other, or 0 */
	bool watch;                /* stay after Done */
	struct peer_scope *scopes; /* the other's */
	size_t n_scopes;
	size_t partings; /* Versions said and not answered */
	bool settled_said, settled_came, bye_said;
	bool broken; /* the store failed: nothing is to be committed */

	/* Heads */
	struct peer_chain **chains; /* by their text */
	size_t n_chains, cap_chains;
	struct digest heads[STREAM_COUNT];        /* as I said */
	struct digest heads_theirs[STREAM_COUNT]; /* as the other said */
	bool heads_came;
	int next_list; /* streams below were listed, or need not be */

	/* Runs out */
	struct run_builder *builder;
	struct changeset carry;    /* read, and for the next run */
	bool carried;              /* carry holds one */
	struct run run;            /* the one under way, */
	struct buf run_bytes;      /* its bytes */
	size_t run_at;             /* and how many of them went out */
	bool run_out;              /* one is under way */
	size_t turn[STREAM_COUNT]; /* by priority: index of the last served */
	bool sent_said;
	bool rotate;                  /* requests to rotate go out */
	bool refresh;                 /* look at heads before sending on */
	int64_t window_sent;          /* bytes of Data and BlobData, in all */
	int64_t allowed;              /* bytes that may yet be said of what is
					 not urgent */
	int64_t window_held;          /* of them known to have arrived */
	int64_t rate;                 /* bytes/s */
	int64_t mark_time, mark_held; /* where the rate's sample began */
	bool blocked;                 /* the window was full since then */
	bool idle;                    /* there was nothing to send */

	/* Runs in */
	struct run in_run;       /* the one coming, */
	struct buf in_bytes;     /* its bytes */
	bool in_open;            /* one is coming */
	bool in_ignored;         /* and is thrown away: */
	size_t in_skip;          /* so many bytes yet */
	struct buf plain;        /* a run opened */
	int64_t held, held_said; /* bytes of Data and BlobData received */
	bool their_sent;         /* the other has nothing more for now */
	size_t staged;           /* plain bytes waiting for the commit */
	bool news;               /* something was committed since receipts */

	/* Blobs */
	struct peer_want wants[LIMIT_WANTS]; /* I asked for these */
	size_t n_wants;
	size_t coming; /* index of the one whose bytes come; n_wants: none */
	int64_t coming_size;
	struct buf tried; /* hex of those not to be had in this session */
	bool asked;       /* wants were looked up since the last news */
	int64_t tried_time;
	bool waits; /* more are missing than there was room to ask for */
	struct peer_want queue[LIMIT_WANTS]; /* the other asked for these */
	size_t n_queue;
	bool queue_begun; /* Blob was said for queue[0] */
	int64_t queue_size;

	/* Forks */
	size_t n_seeking; /* chains for which an answer is to come */
	int64_t asks_said, asks_heard, evidence_heard;

	/* The end */
	bool done_said, done_came;
	bool contacted;        /* and it was noted */
	int64_t receipts_time; /* when receipts were last sent */
	int64_t wrote;         /* when something was last said */
	int64_t ping_sent;     /* 0: none under way */
	uint64_t ping_token;
};

/* --- peer.c */
/* Queue a message with the payload in p->scratch, which is cleared. */
void peer_say(struct peer *p, unsigned type);
/* A chain is refused, by us (said to the other) or by the other. */
int peer_stop(struct peer *p, struct peer_chain *c, int64_t seq,
    const char *reason, bool tell, struct err *err);

/* Note, once, that the session got as far as Done both ways. */
int peer_contact(struct peer *p, struct err *err);

/* --- peer_table.c */
struct peer_chain *peer_table_find(
    struct peer *p, const struct chain_name *name);
/* Found or made; NULL when there are LIMIT_HEADS already.  Pointers hold
 * until the next one is made. */
struct peer_chain *peer_table_get(
    struct peer *p, const struct chain_name *name);
/* Take in the heads that the store holds. */
int peer_table_load(struct peer *p, struct err *err);
/* The hash of my heads, or of the named ones as I hold them, by stream. */
void peer_table_heads(const struct peer *p, struct digest out[STREAM_COUNT]);
int peer_table_named(
    struct peer *p, struct digest out[STREAM_COUNT], struct err *err);
/* What the other did not list stands with it as with me. */
void peer_table_assume(struct peer *p, enum stream stream);
void peer_table_free(struct peer *p);

/* --- peer_compare.c */
/* All is named: what each chain comes to, and how much is to be done. */
int peer_compare(struct peer *p, struct err *err);

/* --- peer_fork.c (PROTOCOL.md, "Forks") */
/* The other may hold another branch at hi; certain: it does.  seq and
 * doubt are what to refuse the chain for if nothing comes of it. */
int peer_fork_seek(struct peer *p, struct peer_chain *c, int64_t hi,
    bool certain, int64_t seq, const char *doubt, struct err *err);
/* The other will prove it. */
void peer_fork_await(struct peer_chain *c, int64_t seq, const char *doubt);
/* Send the evidence of each chain that the other is not known to have. */
int peer_fork_tell(struct peer *p, struct err *err);
/* The other refused a chain: was it an answer?  *was says so. */
int peer_fork_refused(struct peer *p, struct peer_chain *c, int64_t seq,
    const char *reason, bool *was, struct err *err);
/* What was awaited did not come: for status. */
void peer_fork_close(struct peer *p);
int peer_fork_asked(struct peer *p, struct buf_reader *in, struct err *err);
int peer_fork_place(struct peer *p, struct buf_reader *in, struct err *err);
int peer_fork_evidence(struct peer *p, struct buf_reader *in, struct err *err);

/* --- peer_send.c */
int peer_send_hello(struct peer *p, struct err *err);
int peer_send_heads(struct peer *p, struct err *err);
/* Lists of the streams that differ, and Partials. */
int peer_send_lists(struct peer *p, struct err *err);
void peer_send_ping(struct peer *p);
/* Held(total): the window opens, the rate is measured. */
void peer_send_window(struct peer *p, int64_t total);
/* Bytes that may go out now. */
size_t peer_send_room(struct peer *p);
/* So many bytes of Data or BlobData went out. */
void peer_send_said(struct peer *p, size_t n);

/* --- peer_roster.c (PROTOCOL.md, "Roster") */
/* Every document that the other lacks. */
int peer_roster_send(struct peer *p, struct err *err);
/* Say Settled, unless an answer to Versions is to come first. */
int peer_roster_settle(struct peer *p, struct err *err);
int peer_roster_take(struct peer *p, struct buf_reader *in, struct err *err);
int peer_roster_versions(
    struct peer *p, struct buf_reader *in, struct err *err);
int peer_roster_settled(struct peer *p, struct buf_reader *in, struct err *err);

/* --- peer_receive.c: readers shared with the others */
int peer_receive_chain(
    struct buf_reader *in, struct chain_name *out, struct err *err);
/* A seq or size up to max: anything over is malformed. */
int64_t peer_receive_number(struct buf_reader *in, int64_t max);
void peer_receive_digest(struct buf_reader *in, struct digest *out);
void peer_receive_oid(struct buf_reader *in, uint8_t out[20]);
/* A chain that the other named and that not both may hold is refused. */
int peer_receive_reach(struct peer *p, struct peer_chain *c, struct err *err);
typedef int (*peer_receive_fn)(
    struct peer *p, struct buf_reader *in, struct err *err);
extern const peer_receive_fn peer_receive_table[MSG_COUNT];

/* --- peer_run.c */
int peer_run_begin(struct peer *p, struct buf_reader *in, struct err *err);
int peer_run_data(struct peer *p, struct buf_reader *in, struct err *err);

/* --- peer_blob.c */
/* Ask for what is missing. */
int peer_blob_ask(struct peer *p, struct err *err);
/* Say the next bytes of what was asked of us; something is in the queue. */
int peer_blob_say(struct peer *p, struct err *err);
int peer_blob_want(struct peer *p, struct buf_reader *in, struct err *err);
int peer_blob_begin(struct peer *p, struct buf_reader *in, struct err *err);
int peer_blob_data(struct peer *p, struct buf_reader *in, struct err *err);
int peer_blob_none(struct peer *p, struct buf_reader *in, struct err *err);

#endif
