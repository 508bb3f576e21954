/*
 * The replica: one SQLite database per station, the ledger beside it, the
 * roster, and the rules that tie them (design.md section 3).
 *
 * Writing happens between replica_begin() and replica_commit(), which is the
 * commit point: rows, heads and the changesets' bytes together.  commit
 * folds what became dirty first.  Sealing (replica_seal) follows, and nothing
 * leaves the station before it is sealed.
 */
#ifndef SYNC_REPLICA_H
#define SYNC_REPLICA_H

#include <stdbool.h>
#include <stdint.h>

#include "changeset.h"
#include "roster.h"

struct buf;
struct db;
struct err;
struct home;
struct ledger;
struct memo;
struct op_draft;
struct replica;
struct run;
struct schema;

/* Takes home over. */
int replica_open(struct replica **out, struct home *home, struct err *err);
void replica_close(struct replica *r);

struct db *replica_db(struct replica *r);
const struct home *replica_home(const struct replica *r);
struct ledger *replica_ledger(struct replica *r);
const struct roster *replica_roster(struct replica *r); /* newest held */
const struct schema *replica_schema(struct replica *r); /* current */

/*
 * Was this station restored from a copy (anchor.h)?  Then why, else NULL.  Such
 * a station signs nothing, neither changesets nor rosters: whoever would asks
 * replica_may_sign(), which refuses with a line that says what to do.
 */
const char *replica_restored(const struct replica *r);
int replica_may_sign(struct replica *r, struct err *err);

int replica_begin(struct replica *r, struct err *err);
int replica_commit(struct replica *r, struct err *err);
void replica_rollback(struct replica *r);

/* Read only, but as of one moment: until replica_look_end() what other
 * processes commit is not seen, and what was lent (kinds, fields, roster)
 * stays where it is. */
int replica_look(struct replica *r, struct err *err);
void replica_look_end(struct replica *r);
/* What was worked out from the state looked at, forgotten as soon as that may
 * differ; NULL outside of replica_look(). */
struct memo *replica_memo(struct replica *r);

/* Write to the ledger what is not yet there. */
int replica_seal(struct replica *r, struct err *err);
/* The ledger's ref of a chain: refs/chains/WRITER-INC/OWNER, or .../all. */
#define REPLICA_REF_MAX 64
void replica_chain_ref(
    char out[REPLICA_REF_MAX], const struct chain_name *name);

/* The wall clock used for new changesets; tests set their own. */
void replica_set_clock(struct replica *r, int64_t (*wall)(void *), void *arg);
int64_t replica_now(struct replica *r);
/* Offset to the parent's clock as last measured, ms (stored). */
int replica_set_offset(struct replica *r, int64_t ms, struct err *err);

/* replica_clock.c: what a person writes is refused, with YZ_EINVAL, when the
 * clock has gone back by a day or forward by thirty since this station last
 * wrote, unless a contact since then showed it to be right, or it is trusted
 * (for as long as the replica is open). */
int replica_clock_check(struct replica *r, int64_t now, struct err *err);
void replica_trust_clock(struct replica *r);
/* Did the last contact show the clock to be right? */
bool replica_clock_confirmed(struct replica *r, int64_t now);
/* When that station wrote last, wall ms, if that is more than a day from now;
 * else 0. */
int64_t replica_clock_ahead(
    const struct replica *r, const char *code, int64_t now);
/* More than a day off: to be shown as doubtful. */
bool replica_clock_is_doubtful(int64_t offset);

/* --- writing: an act (act.c) ------------------------------------------ */

struct act;
/* author: the person's name; login: [a-z0-9._-]; subject: the human line. */
struct act *act_new(struct replica *r, const char *author, const char *login,
    const char *subject);
void act_free(struct act *act);
/* Another human line. */
void act_subject(struct act *act, const char *subject);
/* Add an op to the chain of this station in that stream about the record's
 * owner.  Copies. */
void act_add(struct act *act, enum stream stream, const struct op_draft *op);
/*
 * Write everything as one or more changesets with one act id, inside one
 * transaction (its own, or the one already begun).  last, if not NULL, gets
 * the id of the last changeset.
 */
int act_commit(struct act *act, struct digest *last, struct err *err);

/*
 * Standing receipts (design.md section 5): where news in command was applied
 * and this station has said nothing since, an empty changeset says under
 * signature that it was seen; at most one a chain in ten minutes, and never
 * in answer to empty ones.
 */
int replica_note_seen(struct replica *r, struct err *err);

/* The first that a station says once the roster lists it: nothing, in the
 * chain that everybody holds, so that a later incarnation has a place to go on
 * from which everybody knows. */
int replica_note_joined(struct replica *r, struct err *err);

/* --- receiving (receive.c) --------------------------------------------- */

enum receive_result {
	RECEIVE_STORED, /* it is now the chain's head */
	RECEIVE_HAD,    /* held already, the same */
};

/*
 * Take a changeset in, within a transaction: reach, place in its chain
 * (seq = head + 1, prev = head's id), form, signature by a key the roster
 * ever gave its writer.  cs comes from changeset_unpack() with chain, seq,
 * prev, parent_oid set; key is filled here.  *result is set on success.
 * Refused at the door and not stored: YZ_EDENIED, YZ_ECORRUPT,
 * YZ_ECONFLICT (another changeset stands at that place), with one line.
 * YZ_ENOTFOUND: earlier ones of its chain are missing.
 */
int receive_changeset(struct replica *r, struct changeset *cs,
    enum receive_result *result, struct err *err);
/* The changesets of this run are received next, one after another: begin to
 * verify them (ahead.h).  id and oid are those of the one before. */
void receive_ahead(struct replica *r, const struct run *run,
    const struct buf *plain, const struct digest *id, const uint8_t oid[20]);

/* --- reading ------------------------------------------------------------ */

struct replica_head {
	struct chain_name chain;
	int64_t seq;
	struct digest id;
	uint8_t oid[20];
};
/* The head of a chain; seq 0 when nothing of it is held. */
int replica_head(struct replica *r, struct replica_head *out,
    const struct chain_name *chain, struct err *err);
/* Every chain with seq > 0, sorted by name; *out is freed by the caller. */
int replica_heads(
    struct replica *r, struct replica_head **out, size_t *n, struct err *err);
/* The same, all of it sealed: what may be named to a peer. */
int replica_sealed_heads(
    struct replica *r, struct replica_head **out, size_t *n, struct err *err);
/* A changeset held, from the ledger or not yet sealed; checked. */
int replica_read(struct replica *r, struct changeset *out,
    const struct chain_name *chain, int64_t seq, struct err *err);
/* Find by an id's hex prefix of >= 8 digits; YZ_ENOTFOUND, YZ_ECONFLICT. */
int replica_find(struct replica *r, struct chain_name *chain, int64_t *seq,
    const char *hex, struct err *err);

/*
 * Call fn for every changeset that touched a record, oldest first by Time +
 * Offset, with the op in it; accepted is false for a quarantined op.
 * YZ_ENOTFOUND when there is no such record.
 */
struct op;
int replica_history(struct replica *r, const char *kind, const char *id,
    int (*fn)(void *arg, const struct changeset *cs, const struct op *op,
	bool accepted, struct err *err),
    void *arg, struct err *err);

/* Who wrote each changeset, and its line, as the database keeps them beside
 * it: for those that an earlier program has stored, newest first, for about
 * ms; the rest another time. */
int replica_fill_timeline(struct replica *r, int64_t ms, struct err *err);

/* --- rosters ------------------------------------------------------------ */

/* A version of a scope's document, of those that count; 0: the newest.
 * YZ_ENOTFOUND. */
int replica_roster_doc(struct replica *r, struct roster_doc *out,
    const char *scope, int64_t version, struct err *err);
/* Any document held, by its hash; YZ_ENOTFOUND. */
int replica_roster_hash(struct replica *r, struct roster_doc *out,
    const char *scope, const struct digest *hash, struct err *err);
/* The highest version that counts and leads to that document, which need not
 * count itself; YZ_ENOTFOUND: it is not held. */
int replica_roster_relate(struct replica *r, int64_t *common, const char *scope,
    const struct digest *hash, struct err *err);
/* The hashes of the versions that count, from *first on; the last max. */
int replica_roster_hashes(struct replica *r, struct digest **out,
    int64_t *first, size_t *n, const char *scope, size_t max, struct err *err);
/* From a document, whether it counts or not, on to the last held that follows
 * it. */
int replica_roster_last(
    struct replica *r, struct digest *hash, const char *scope, struct err *err);
/* Every document held, and the address of its commit (NULL: not sealed yet);
 * stops when fn fails. */
int replica_roster_each(struct replica *r,
    int (*fn)(void *arg, const struct roster_doc *doc, const uint8_t oid[20],
	struct err *err),
    void *arg, struct err *err);
/*
 * Take a document in, in a transaction of its own: it follows one that is
 * held (roster_follows()), is stored, and every chain is judged anew.  It may
 * follow one that another follows already: then neither counts (FORMAT.md).
 * One that is held is no failure.  YZ_ENOTFOUND: nothing that it follows is
 * held, or nobody knows who signed it, or two of its version are held; anything
 * else: it may not follow.
 */
int replica_adopt(
    struct replica *r, const struct roster_doc *doc, struct err *err);
/* Root parts, each of which follows the one before it: where the last is pinned
 * or decides for one of them, all are taken in, or none, however many others
 * of their versions are held.  YZ_ENOTFOUND (without a line): it does neither;
 * or as above. */
int replica_adopt_line(struct replica *r, const struct roster_doc *docs,
    size_t n, struct err *err);

/* --- proving (digest_state.c, verify.c, rebuild.c) -------------------------
 */

/*
 * What a stream's state comes to: the records that have accepted writes in
 * it and a SHA-256 of their rows, conflicts, chain ends and quarantine
 * (FORMAT.md, "Digest").  owner NULL: of all owners.  Stations that hold the
 * same chains and roster get the same.
 */
int replica_digest(struct replica *r, enum stream stream, const char *owner,
    int64_t *records, struct digest *out, struct err *err);

/* Does cs, as it was read here, bear the signature of a key that the roster
 * gives its station?  What is read is only parsed: who shows a changeset asks
 * this. */
bool replica_signed(const struct replica *r, const struct changeset *cs);

/* Check the ledger against FORMAT.md and the replica: every commit's form,
 * Prev, id and signature, every ref; with deep every attachment's bytes.
 * fn gets a line per fault; *checked counts changesets. */
int replica_verify(struct replica *r, bool deep, int64_t *checked,
    void (*fn)(void *arg, const char *fault), void *arg, struct err *err);

/* Empty the replica's tables and fold everything again from the ledger, by
 * the rosters held, in one transaction.  step, if not NULL, is called with
 * the changesets done and all. */
int replica_rebuild(struct replica *r, void (*step)(void *, int64_t, int64_t),
    void *arg, struct err *err);

/* --- blobs: HOME/blobs/xx/HASH ------------------------------------------- */

/* Store an attachment; hex is its SHA-256. YZ_EINVAL over LIMIT_BLOB. */
int blob_put(struct replica *r, char hex[DIGEST_HEX_LEN + 1], const void *data,
    size_t n, struct err *err);
int blob_get(
    struct replica *r, struct buf *out, const char *hex, struct err *err);
/* Open it for reading, once all of it was hashed; *fd is the caller's. */
int blob_open(struct replica *r, int *fd, int64_t *size, const char *hex,
    struct err *err);
/* Move what was received to its place, if it hashes to hex: YZ_ECORRUPT. */
int blob_take(
    struct replica *r, const char *partial, const char *hex, struct err *err);
/* Hashes that records held here name and whose bytes are absent, at most
 * max, as concatenated 64-digit strings. */
int blob_missing(
    struct replica *r, struct buf *out, size_t max, struct err *err);
/* May the bytes be given to station code: does a record in a chain that it
 * may hold name them? */
bool blob_reaches(struct replica *r, const char *hex, const char *code);

#endif
