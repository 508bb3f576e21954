/*
 * What the files that make up the replica share among themselves.  Nobody
 * else includes this.
 *
 *	replica.c          opening, transactions, reading
 *	replica_migrate.c  the tables, by number
 *	replica_chain.c    chains in memory
 *	replica_roster.c   roster documents
 *	replica_adopt.c    and how they come
 *	roster_seal.c      and their commits in the ledger
 *	judge.c            chains judged by them
 *	store.c            a changeset into its tables
 *	fold.c             an op into its record, when nothing contradicts it
 *	refold.c           a record from all of its ops
 *	refold_schema.c    which records, when kinds come or change
 *	merge.c            which writes stand (design.md section 6)
 *	row.c              a record's row, search words
 *	row_clock.c        and its clock
 *	tally.c            how many rows there are, by some fields
 *	fork.c             pairs that prove a fork
 *	truncate.c         a chain cut back to what counts
 *	branch.c           what was cut off, or all, from the ledger
 *	seal.c             from the replica to the ledger
 */
#ifndef SYNC_REPLICA_IMPL_H
#define SYNC_REPLICA_IMPL_H

#include "anchor.h"
#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "canon.h"
#include "ledger.h"
#include "op.h"
#include "replica.h"
#include "schema.h"

/* A chain as this replica knows it: a row of _chain. */
struct chain {
	int64_t no;
	struct chain_name name;
	int64_t head; /* 0: only heard of in a Seen line */
	struct digest id;
	uint8_t oid[20];
	int64_t time;     /* of the head, ms */
	int64_t stamp;    /* when, in the order of local events, head moved */
	int64_t news;     /* stamp of the last changeset with ops */
	int64_t accepted; /* 0, or INT64_MAX: all that is held counts */
	int64_t fork;     /* a pair proves that it forks at this seq, or 0 */
	bool may_write;   /* its writer is its owner or above (if it has one) */
};

struct replica {
	struct home *home;
	struct db *db;
	struct ledger *ledger;
	struct roster *roster;
	int64_t roster_stamp; /* number of the last document in it */
	struct schema *schema;
	bool schema_stale;    /* kinds changed since schema was loaded */
	int64_t schema_kinds; /* kinds when schema was loaded, -1 to do again */
	struct chain *chains; /* sorted by name */
	size_t n_chains;
	int64_t version;   /* db_version() when chains were read */
	struct memo *memo; /* worked out at that version, or NULL */
	bool looking;      /* within replica_look() */
	int64_t stamp;     /* highest stamp given */
	int64_t kinds;     /* head of the root's roster chain */
	bool dirty;        /* _dirty has rows */
	bool pending;      /* a chain held waits for its Continues */
	char began[CHAIN_INC_LEN + 1]; /* the incarnation in HOME/station */
	/* Why nothing may be written under this incarnation, or "". */
	char restored[ANCHOR_WHY_MAX];
	struct tally *tally; /* of the transaction */
	struct ahead *ahead; /* verifies the run being received, or NULL */
	bool clock_trusted;  /* a person said that it is right */
	int64_t (*wall)(void *);
	void *wall_arg;
};

/* --- replica.c */
/* Read chains, roster and kinds again if another process committed. */
int replica_refresh(struct replica *r, struct err *err);
/* Changeset by chain and seq, without checking it again. */
int replica_load(struct replica *r, struct changeset *out,
    const struct chain *c, int64_t seq, struct err *err);
/* For scrub.c, which makes a second one. */
int replica_open_file(
    struct replica **out, struct home *home, const char *name, struct err *err);

/* --- replica_migrate.c */
/* Make the tables what this program wants them to be. */
int replica_migrate(struct replica *r, struct err *err);

/* --- replica_chain.c */
/* All of them, again. */
int replica_chain_load(struct replica *r, struct err *err);
/* The chain of that name; made (head 0) if it is not there. */
int replica_chain(struct replica *r, struct chain **out,
    const struct chain_name *name, struct err *err);
/* Or NULL.  Pointers hold until a chain is made. */
struct chain *replica_chain_find(
    struct replica *r, const struct chain_name *name);
struct chain *replica_chain_no(struct replica *r, int64_t no);
/* Write a chain's row. */
int replica_chain_put(
    struct replica *r, const struct chain *c, struct err *err);
/* Does the changeset held at a place have an id that begins with these n
 * bytes?  1, 0, or an error. */
int replica_is_at(struct replica *r, const struct chain *c, int64_t seq,
    const void *id, size_t n, struct err *err);
/* Find r->kinds again: the head of the root's roster chains. */
void replica_count_kinds(struct replica *r);

/* --- replica_roster.c */
int replica_roster_load(struct replica *r, struct err *err);
/* What a document names as the one before it. */
int replica_roster_back(
    struct replica *r, struct digest *hash, const char *scope, struct err *err);

/* --- replica_adopt.c */
/* A transaction in which another roster may come to count: to commit it, or to
 * roll back with rc. */
int replica_roster_begin(struct replica *r, struct err *err);
int replica_roster_end(struct replica *r, int rc, struct err *err);
/* The roster of what is held now takes the place of the one that is loaded, and
 * every chain is judged by it; in a transaction. */
int replica_roster_replace(struct replica *r, struct err *err);
/* Store a document; oid is that of its commit, or NULL. */
int replica_roster_store(struct replica *r, const struct roster_doc *doc,
    const uint8_t oid[20], struct err *err);
/* As replica_adopt(), into a replica that holds rosters and nothing else, and
 * without a word to the ledger. */
int replica_roster_gather(
    struct replica *r, const struct roster_doc *doc, struct err *err);

/* --- roster_seal.c */
/* Write documents to the ledger that are not there, and move refs to what
 * counts; under its lock. */
int roster_seal(struct replica *r, struct err *err);
/* Have all documents and refs written again, if any is missing in the ledger
 * or stands elsewhere: *n of them.  Under its lock; roster_seal() does it. */
int roster_unseal(struct replica *r, int64_t *n, struct err *err);
/* Check every document held; a line to fn per fault, and per scope of which
 * two of one version are held. */
int roster_verify(struct replica *r, void (*fn)(void *arg, const char *fault),
    void *arg, struct err *err);

/* --- judge.c */
/* Set c's accepted and may_write by the roster. */
int replica_judge(struct replica *r, struct chain *c, struct err *err);
/* Judge all chains of incarnations that the roster does not list: a chain
 * that they go on from has come, or was cut back. */
int replica_judge_unlisted(struct replica *r, struct err *err);
/* A new roster came after the one before: cut chains back to what counts,
 * take in again what was cut off and counts, judge all, and mark the records
 * that may come out else. */
int replica_judge_all(
    struct replica *r, const struct roster *before, struct err *err);

/* --- store.c */
/* Into the tables as the head of its chain; then fold its ops.  commit is its
 * signed commit. */
int store_changeset(struct replica *r, const struct changeset *cs,
    const struct buf *commit, const struct ops *ops, struct err *err);

/* --- fold.c */
/* One changeset's ops into the replica. */
int fold_changeset(struct replica *r, const struct chain *c,
    const struct changeset *cs, const struct ops *ops, struct err *err);
/*
 * Does an op of chain c not count?  Then why: its incarnation, its writer, the
 * record's owner, or what it writes does not travel in this stream.  kind
 * is the op's base kind, NULL if unknown.
 */
#define FOLD_REASON_MAX 200
bool fold_refuse(struct replica *r, const struct chain *c,
    const struct kind *kind, const struct op *op, char reason[FOLD_REASON_MAX]);
/* The base kind of an op, or NULL; loads the kinds again if they changed. */
int fold_kind(struct replica *r, const struct kind **out, const char *name,
    struct err *err);
/* Is any field that op names unknown here? */
bool fold_unknown_field(const struct kind *kind, const struct op *op);
int fold_quarantine(struct replica *r, const struct chain *c, int64_t seq,
    size_t opno, int64_t rec, const struct op *op, const char *reason,
    struct err *err);
/* Remember that a record waits for a definition. */
int fold_wait(struct replica *r, int64_t rec, struct err *err);
/* Have a record folded from all its ops before the commit. */
int fold_dirty(struct replica *r, int64_t rec, struct err *err);

/* --- refold.c */
/* Everything that is dirty; then dirty is empty. */
int refold_all(struct replica *r, struct err *err);

/* --- refold_schema.c */
/* Load the kinds again, make tables fit, and mark what waited for them. */
int refold_schema(struct replica *r, struct err *err);

/* --- merge.c */
/* The highest place of chain `of` that chain c knew at seq; 0 if none. */
int merge_knows(struct replica *r, int64_t *place, int64_t c, int64_t seq,
    int64_t of, struct err *err);

/* --- act.c */
/* An empty changeset; all: it names everything nameable that is held. */
int act_note(struct replica *r, const struct chain_name *chain,
    const char *subject, bool all, struct err *err);

/* --- resign.c */
/* The chain is about to be cut back to base: keep what this station is to
 * sign anew, if it is one of its own. */
int resign_keep(
    struct replica *r, const struct chain *c, int64_t base, struct err *err);
/* The place that a first changeset goes on from, if it has to say one. */
int resign_continue(struct replica *r, struct changeset *cs, struct err *err);

/* --- fork.c */
/* By the newest roster: does the pair held of c prove anything?  Sets
 * c->fork. */
int fork_judge(struct replica *r, struct chain *c, struct err *err);
/* Where a chain ends of which something is held, a changeset or a pair: 1; 0
 * if it has no end. */
int fork_end(struct replica *r, struct roster_end *out, const struct chain *c,
    struct err *err);
/* Take a pair in again from its commit in the ledger. */
int fork_unseal(struct replica *r, enum stream stream, const uint8_t oid[20],
    struct err *err);
/* Check every pair; a line to fn per fault. */
void fork_verify(
    struct replica *r, void (*fn)(void *arg, const char *fault), void *arg);
/* Write pairs to the ledger that are not there; under its lock. */
int fork_seal(struct replica *r, struct err *err);

/* --- seal.c */
/* Queue a changeset's three objects. */
int seal_changeset(struct replica *r, enum stream stream, const void *text,
    size_t text_len, const void *ops, size_t ops_len, uint8_t oid[20],
    struct err *err);

/* --- truncate.c */
/* refs/forks/WRITER-INC/OWNER: below it is what was cut off the chain. */
#define TRUNCATE_REF_MAX 96
void truncate_ref(char out[TRUNCATE_REF_MAX], const struct chain_name *chain,
    const char *name);
/* Write what was cut off, and move refs back; under the ledger's lock. */
int truncate_seal(struct replica *r, struct err *err);

/* --- verify.c */
/* As replica_verify() without attachments, but a changeset that cannot be read
 * is told to lost, and the chain goes on after it. */
int verify_all(struct replica *r, int64_t *checked,
    void (*fault)(void *arg, const char *fault),
    int (*lost)(void *arg, const struct chain *c, int64_t seq, const char *why,
	struct err *err),
    void *arg, struct err *err);

/* --- rebuild.c */
/* A file of a commit in the ledger, by its name. */
int rebuild_file(struct ledger *ledger, enum stream stream,
    const uint8_t commit[20], const char *name, struct buf *out,
    struct err *err);

/* --- row.c, row_clock.c: see their headers */

#endif
