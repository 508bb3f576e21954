#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/db_page.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"
#include "branch.h"
#include "hole.h"
#include "home.h"
#include "local.h"
#include "mend.h"
#include "replica_impl.h"
#include "roster.h"
#include "scrub_impl.h"

#define FRESH "yizhan.db-fresh" /* in HOME, while one is folded anew */
#define REF_LEN 41              /* an address and a newline */
#define SEAL_TRIES 5            /* others may write between */

void
scrub_say(struct scrubbing *s, int what, int64_t n, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (what == RIGHT)
		s->out->mended += n;
	else if (what == WANTED)
		s->out->wanted += n;
	else
		s->out->faults += n;
	s->say(s->arg, what != RIGHT, text);
}

/* --- refs ------------------------------------------------------------------
 */

struct refs { /* the files of refs being looked at */
	struct scrubbing *s;
	struct ledger *ledger;
	enum stream stream;
	bool alone; /* there is no replica that knows where they stood */
};

static bool
leads_somewhere(void *arg, const char *text, size_t n)
{
	struct refs *refs = arg;
	struct buf commit = BUF_INIT;
	struct err ignored;
	uint8_t oid[20];
	bool good;

	good = n == REF_LEN && text[n - 1] == '\n' &&
	       digest_unhex(oid, sizeof(oid), text, n - 1) &&
	       ledger_read(refs->ledger, refs->stream, oid, "commit", &commit,
		   &ignored) == 0;
	buf_free(&commit);
	return good;
}

/* Is the chain there from this head on back to its first changeset? */
static bool
chain_is_whole(struct refs *refs, const struct buf *ref)
{
	struct buf commit = BUF_INIT, ops = BUF_INIT;
	struct err ignored;
	uint8_t oid[20];
	bool more, good;

	more =
	    leads_somewhere(refs, (const char *)ref->b, ref->len) &&
	    digest_unhex(oid, sizeof(oid), (const char *)ref->b, REF_LEN - 1);
	good = more;
	while (more) {
		buf_clear(&commit);
		buf_clear(&ops);
		good = ledger_read_commit(refs->ledger, refs->stream, oid,
			   &commit, &ops, &ignored) == 0;
		more = good && branch_parent(oid, &commit);
	}
	buf_free(&commit);
	buf_free(&ops);
	return good;
}

static bool
begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/*
 * Before anything is read by refs: turn a bit back where that leads somewhere
 * again.  A chain that is whole neither in the replica nor in the ledger would
 * keep all others from being folded: it is let go, and comes anew from a peer.
 */
static int
mend_ref(
    void *arg, const char *name, int64_t size, int64_t mtime, struct err *err)
{
	struct refs *refs = arg;
	char *path = mem_printf("%s/ledger/%s.git/refs/%s", refs->s->home,
	    stream_name(refs->stream), name);
	struct buf text = BUF_INIT;
	int rc = 0;

	(void)size;
	(void)mtime;
	if (strstr(name, ".lock") != NULL ||
	    file_read(&text, path, 4096, err) != 0)
		goto out;
	if (!leads_somewhere(refs, buf_str(&text), text.len) &&
	    mend_text(path, leads_somewhere, refs, err) == 0) {
		scrub_say(refs->s, RIGHT, 1, "refs/%s put right", name);
		buf_clear(&text);
		rc = file_read(&text, path, 4096, err);
	}
	if (rc == 0 && refs->alone && begins(name, "chains/") &&
	    !chain_is_whole(refs, &text)) {
		scrub_say(refs->s, WANTED, 1,
		    "refs/%s: its chain is damaged, and so is the replica",
		    name);
		if (unlink(path) != 0)
			rc = err_sys(err, "%s", path);
	}
out:
	buf_free(&text);
	free(path);
	return rc;
}

/* Those that only the ledger has, receipts and branches cut off, once all else
 * has been written that the replica knows. */
static int
judge_ref(
    void *arg, const char *name, int64_t size, int64_t mtime, struct err *err)
{
	struct refs *refs = arg;
	struct scrubbing *s = refs->s;
	struct buf text = BUF_INIT;
	char *path;
	int rc = 0;

	(void)size;
	(void)mtime;
	if ((!begins(name, "receipts/") && !begins(name, "forks/")) ||
	    strstr(name, ".lock") != NULL)
		return 0;
	path = mem_printf("%s/ledger/%s.git/refs/%s", s->home,
	    stream_name(refs->stream), name);
	if (file_read(&text, path, 4096, err) != 0 ||
	    leads_somewhere(refs, buf_str(&text), text.len))
		goto out;
	if (begins(name, "receipts/")) {
		/* The next one of that peer begins anew. */
		rc = unlink(path) == 0 ? 0 : err_sys(err, "%s", path);
		scrub_say(s, FAULT, 1,
		    "receipts of %s in %s are damaged and gone", name + 9,
		    stream_name(refs->stream));
	} else {
		scrub_say(s, FAULT, 1, "what was cut off in refs/%s is damaged",
		    name);
	}
out:
	buf_free(&text);
	free(path);
	return rc;
}

static int
walk_refs(struct refs *refs,
    int (*fn)(void *arg, const char *name, int64_t size, int64_t mtime,
	struct err *err),
    struct err *err)
{
	char *path = mem_printf(
	    "%s/ledger/%s.git/refs", refs->s->home, stream_name(refs->stream));
	int rc = folder_walk(path, fn, refs, err);

	free(path);
	return rc;
}

/* --- the ledger's files -----------------------------------------------------
 */

static int
scrub_ledger(struct scrubbing *s, bool replica, struct err *err)
{
	struct refs refs = {.s = s, .alone = !replica};
	struct ledger *ledger = NULL;
	int i, rc = ledger_open(&ledger, s->home, 1, err);

	if (rc != 0)
		return rc;
	rc = ledger_lock(ledger, err);
	for (i = 0; rc == 0 && i < STREAM_COUNT; i++) {
		const char *name = stream_name((enum stream)i);
		char *repo = mem_printf("%s/ledger/%s.git", s->home, name);
		struct mend found = {0, 0, 0};

		if (file_exists(repo))
			rc = mend_repo(&found, repo, err);
		if (found.mended > 0)
			scrub_say(s, RIGHT, found.mended,
			    "ledger of %s: %lld damaged, put right", name,
			    (long long)found.mended);
		/* Whether they are missed is found out below. */
		if (found.lost > 0)
			scrub_say(s, RIGHT, 0,
			    "ledger of %s: %lld damaged, taken out", name,
			    (long long)found.lost);
		refs.ledger = ledger;
		refs.stream = (enum stream)i;
		if (rc == 0 && file_exists(repo))
			rc = walk_refs(&refs, mend_ref, err);
		free(repo);
	}
	ledger_close(ledger);
	return rc;
}

/* --- the databases ----------------------------------------------------------
 */

static bool
integrity(struct db *db)
{
	struct db_stmt *st = NULL;
	struct err ignored;
	const char *said = NULL;
	bool good;

	if (db_query(&st, db, &ignored, "PRAGMA integrity_check(1)", "") == 0 &&
	    db_step(st, &ignored) == 1)
		said = db_text(st, 0);
	good = said != NULL && strcmp(said, "ok") == 0;
	db_done(st);
	return good;
}

static bool
is_there(const struct scrubbing *s, const char *name)
{
	char *path = mem_printf("%s/%s", s->home, name);
	bool there = file_exists(path);

	free(path);
	return there;
}

/* Its pages, then what they say; can it be used?  One that is absent cannot. */
static bool
scrub_db(struct scrubbing *s, const char *name)
{
	char *path = mem_printf("%s/%s", s->home, name);
	struct db_health health = {0, 0, 0, 0};
	struct db *db = NULL;
	struct err ignored;
	bool good;

	good = db_open(&db, path, 0, &ignored) == 0 &&
	       db_scrub(db, &health, &ignored) == 0;
	if (good && health.mended > 0)
		scrub_say(s, RIGHT, health.mended, "%s: %lld pages put right",
		    name, (long long)health.mended);
	if (good && health.sealed > 0)
		scrub_say(s, RIGHT, health.sealed,
		    "%s: %lld pages that another program wrote have checksums"
		    " again",
		    name, (long long)health.sealed);
	good = good && health.damaged == 0 && integrity(db);
	db_close(db);
	free(path);
	return good;
}

/* What the old one still says of what only this machine knows. */
static void
carry(struct db *to, struct db *from, const char *table, const char *columns,
    int n)
{
	char *sql = mem_printf("SELECT %s FROM %s", columns, table);
	struct buf put = BUF_INIT;
	struct db_stmt *in = NULL, *out;
	struct err ignored;
	int i;

	buf_printf(
	    &put, "INSERT OR REPLACE INTO %s(%s) VALUES (?", table, columns);
	for (i = 1; i < n; i++)
		buf_puts(&put, ", ?");
	buf_puts(&put, ")");
	if (db_query(&in, from, &ignored, sql, "") == 0)
		while (db_step(in, &ignored) == 1) {
			if (db_prepare(&out, to, buf_str(&put), &ignored) != 0)
				break;
			for (i = 0; i < n; i++) {
				const void *p;
				size_t len;

				switch (db_type(in, i)) {
				case DB_INT:
					db_bind_int(out, i + 1, db_int(in, i));
					break;
				case DB_TEXT:
					p = db_text(in, i);
					db_bind_text(out, i + 1, p, strlen(p));
					break;
				case DB_BLOB:
					p = db_blob(in, i, &len);
					db_bind_blob(out, i + 1, p, len);
					break;
				default:
					db_bind_null(out, i + 1);
				}
			}
			(void)db_step(out, &ignored);
			db_done(out);
		}
	db_done(in);
	buf_free(&put);
	free(sql);
}

/* Changesets that were not in the ledger yet. */
static int
carry_unsealed(struct replica *to, struct db *from, struct err *err)
{
	enum receive_result result;
	struct changeset cs;
	struct db_stmt *st = NULL;
	struct err ignored;
	int rc = replica_begin(to, err);

	if (rc != 0)
		return rc;
	if (db_query(&st, from, &ignored,
		"SELECT text, ops FROM _unsealed ORDER BY chain, seq", "") == 0)
		while (db_step(st, &ignored) == 1) {
			size_t n, n_ops;
			const void *text = db_blob(st, 0, &n);
			const void *ops = db_blob(st, 1, &n_ops);

			if (changeset_parse(
				&cs, text, n, ops, n_ops, &ignored) != 0)
				continue;
			(void)receive_changeset(to, &cs, &result, &ignored);
			changeset_free(&cs);
		}
	db_done(st);
	return replica_commit(to, err);
}

static int
fold_fresh(struct replica *fresh, struct db *old, struct err *err)
{
	int rc;

	if (old != NULL) {
		carry(replica_db(fresh), old, "_meta", "name, value", 2);
		carry(replica_db(fresh), old, "_aside",
		    "no, chain, base, seq, text, ops", 6);
		carry(replica_db(fresh), old, "_fetched", "chain, seq", 2);
		carry(replica_db(fresh), old, "_incarnation", "inc", 1);
	}
	fresh->version = -1;
	rc = replica_rebuild(fresh, NULL, NULL, err);
	return rc == 0 && old != NULL ? carry_unsealed(fresh, old, err) : rc;
}

static void
fresh_remove(struct scrubbing *s)
{
	static const char *const ends[] = {
	    "", "-wal", "-shm", "-gate", "-turn"};
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char *path = mem_printf("%s/" FRESH "%s", s->home, ends[i]);

		(void)unlink(path);
		free(path);
	}
}

/* A second replica beside the first, to fold into. */
static int
fresh_open(struct replica **out, struct scrubbing *s, struct err *err)
{
	struct home *home = NULL;
	int rc;

	fresh_remove(s);
	rc = home_open(&home, s->home, err);
	if (rc == 0)
		rc = replica_open_file(out, home, FRESH, err);
	/* It need not outlast a crash. */
	return rc == 0 ? db_exec((*out)->db, "PRAGMA synchronous=OFF", err)
		       : rc;
}

/*
 * The replica from the ledger alone, in the place of one that cannot be read
 * or says what the ledger does not.  Nobody seals meanwhile, and nobody
 * writes.
 */
static int
refound(struct scrubbing *s, const char *why, struct err *err)
{
	char *path = mem_printf("%s/yizhan.db", s->home);
	struct replica *fresh = NULL;
	struct db *old = NULL;
	struct err ignored;
	int rc, gate = -1;

	rc = fresh_open(&fresh, s, err);
	if (rc == 0)
		rc = ledger_lock(replica_ledger(fresh), err);
	if (rc == 0)
		rc = db_gate(&gate, path, err);
	if (rc == 0) {
		db_page_lenient(true);
		(void)db_open(&old, path, 0, &ignored);
		rc = fold_fresh(fresh, old, err);
		db_close(old);
		db_page_lenient(false);
	}
	if (rc == 0)
		rc = db_replace(path, replica_db(fresh), err);
	if (gate >= 0)
		close(gate);
	replica_close(fresh);
	fresh_remove(s);
	free(path);
	if (rc == 0)
		scrub_say(s, RIGHT, 1,
		    "yizhan.db %s: folded anew from the ledger", why);
	return rc;
}

/* local.db has no other copy: if SQLite still makes sense of it, what it says
 * is taken (another program may have written it), and said. */
static int
accept_local(struct scrubbing *s, struct err *err)
{
	char *path = mem_printf("%s/local.db", s->home);
	char *copy = mem_printf("%s/local.db-copy", s->home);
	struct db *db = NULL, *again = NULL;
	struct err ignored;
	int rc, gate = -1;

	unlink(copy);
	rc = db_gate(&gate, path, err);
	db_page_lenient(true);
	if (rc == 0)
		rc = db_open(&db, path, 0, err);
	if (rc == 0 && !integrity(db))
		rc = err_set(err, YZ_ECORRUPT, "local.db is damaged");
	if (rc == 0)
		rc = db_backup(db, copy, err);
	db_close(db);
	db_page_lenient(false);
	if (rc == 0)
		rc = db_open(&again, copy, 0, err);
	if (rc == 0)
		rc = db_replace(path, again, err);
	db_close(again);
	if (gate >= 0)
		close(gate);
	unlink(copy);
	free(copy);
	free(path);
	if (rc == 0)
		scrub_say(s, RIGHT, 1,
		    "local.db was damaged, or written by another program: look"
		    " whether yizhan user list and yizhan link are as they"
		    " should be");
	else
		scrub_say(s, FAULT, 1,
		    "local.db is damaged beyond help: stop the station, move"
		    " it away and take that of the last backup");
	(void)ignored;
	return 0;
}

/* --- what the replica and the ledger say of each other -----------------------
 */

static int
scrub_refs(struct scrubbing *s, struct err *err)
{
	struct replica *r = s->r;
	char ref[REPLICA_REF_MAX];
	struct err ignored;
	int64_t unsealed;
	uint8_t oid[20];
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < r->n_chains; i++) {
		const struct chain *c = &r->chains[i];

		if (c->head == 0)
			continue;
		rc = db_get_int(&unsealed, r->db, err,
		    "SELECT count(*) FROM _unsealed WHERE chain = ?", "i",
		    c->no);
		if (rc != 0 || unsealed > 0)
			continue;
		replica_chain_ref(ref, &c->name);
		if (ledger_ref_get(
			r->ledger, c->name.stream, ref, oid, &ignored) == 0 &&
		    memcmp(oid, c->oid, sizeof(oid)) == 0)
			continue;
		rc = ledger_ref(r->ledger, c->name.stream, ref, c->oid, err);
		if (rc == 0)
			scrub_say(s, RIGHT, 1, "%s stood elsewhere", ref);
	}
	return rc == 0 ? ledger_flush(r->ledger, err) : rc;
}

/* The documents in the ledger, from the replica's; and their refs. */
static int
scrub_rosters(struct scrubbing *s, struct err *err)
{
	int64_t missing;
	int rc = ledger_lock(s->r->ledger, err);

	if (rc != 0)
		return rc;
	rc = roster_unseal(s->r, &missing, err);
	if (rc == 0 && missing > 0) {
		rc = replica_seal(s->r, err);
		if (rc == 0)
			scrub_say(s, RIGHT, missing,
			    "%lld rosters written to the ledger again",
			    (long long)missing);
	}
	ledger_unlock(s->r->ledger);
	return rc;
}

static void
count_fault(void *arg, const char *fault)
{
	(void)fault;
	++*(int *)arg;
}

/* Pairs that prove a fork are whole in the replica. */
static int
scrub_forks(struct scrubbing *s, struct err *err)
{
	int faults = 0, rc;

	fork_verify(s->r, count_fault, &faults);
	if (faults == 0)
		return 0;
	rc = db_exec(s->r->db, "UPDATE _fork SET sealed = 0", err);
	if (rc == 0)
		rc = replica_seal(s->r, err);
	if (rc == 0)
		scrub_say(s, RIGHT, faults, "proofs of forks written again");
	return rc;
}

/* --- changesets and attachments ---------------------------------------------
 */

static void
tell_fault(void *arg, const char *fault)
{
	scrub_say(arg, FAULT, 1, "%s", fault);
}

static int
note_lost(void *arg, const struct chain *c, int64_t seq, const char *why,
    struct err *err)
{
	struct scrubbing *s = arg;

	scrub_say(s, WANTED, 1, "%s", why);
	return hole_put(s->local, &c->name, seq, err);
}

/* One that is damaged is removed: then it is asked for like a new one. */
static int
scrub_blobs(struct scrubbing *s, struct err *err)
{
	struct buf bytes = BUF_INIT;
	struct db_stmt *st;
	struct err fault;
	int rc;

	rc = db_query(&st, s->r->db, err,
	    "SELECT DISTINCT hash FROM _blob ORDER BY hash", "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const char *hex = db_text(st, 0);
		int got;

		buf_clear(&bytes);
		got = blob_get(s->r, &bytes, hex, &fault);
		if (got == YZ_ECORRUPT || got == YZ_EIO) {
			char *path =
			    mem_printf("%s/blobs/%.2s/%s", s->home, hex, hex);

			scrub_say(s, WANTED, 1, "%s", fault.msg);
			if (unlink(path) != 0)
				rc = err_sys(err, "%s", path);
			free(path);
		}
		if (rc < 0)
			break;
	}
	db_done(st);
	buf_free(&bytes);
	return rc;
}

/* --- what the records say ----------------------------------------------------
 */

struct sums { /* of all that a replica says, stream by stream */
	struct digest of[STREAM_COUNT];
};

static int
sum_all(struct sums *out, struct replica *r, struct err *err)
{
	int64_t records;
	int i, rc = 0;

	for (i = 0; rc == 0 && i < STREAM_COUNT; i++)
		rc = replica_digest(
		    r, (enum stream)i, NULL, &records, &out->of[i], err);
	return rc;
}

/* What the ledger comes to, folded beside the replica. */
static int
sum_ledger(struct sums *out, struct scrubbing *s, struct err *err)
{
	struct replica *fresh = NULL;
	int rc = fresh_open(&fresh, s, err);

	if (rc == 0)
		rc = replica_rebuild(fresh, NULL, NULL, err);
	if (rc == 0)
		rc = sum_all(out, fresh, err);
	replica_close(fresh);
	fresh_remove(s);
	return rc;
}

/*
 * A page that holds may still say what is not so: because another program
 * wrote it, or memory failed when it was written.  Others write on meanwhile,
 * but nobody seals, so that the ledger stays at what this look sees.
 */
static int
compare(struct scrubbing *s, bool *same, struct err *err)
{
	struct sums ours, ledgers;
	int64_t unsealed = 1;
	struct replica *r = s->r;
	int rc, tries;

	*same = true;
	rc = ledger_lock(r->ledger, err);
	if (rc != 0)
		return rc;
	for (tries = 0; rc == 0 && unsealed != 0 && tries < SEAL_TRIES;
	     tries++) {
		if (tries > 0)
			replica_look_end(r);
		rc = replica_seal(r, err);
		if (rc == 0)
			rc = replica_look(r, err);
		if (rc == 0)
			rc = db_get_int(&unsealed, r->db, err,
			    "SELECT EXISTS(SELECT 1 FROM _unsealed)", "");
	}
	if (rc == 0 && unsealed == 0)
		rc = sum_all(&ours, r, err);
	if (db_in_transaction(r->db))
		replica_look_end(r);
	if (rc == 0 && unsealed == 0)
		rc = sum_ledger(&ledgers, s, err);
	ledger_unlock(r->ledger);
	if (rc == 0 && unsealed == 0)
		*same = memcmp(&ours, &ledgers, sizeof(ours)) == 0;
	return rc;
}

/* --- all of it --------------------------------------------------------------
 */

static int
judge_refs(struct scrubbing *s, struct err *err)
{
	struct refs refs = {.s = s, .ledger = s->r->ledger};
	int i, rc = 0;

	for (i = 0; rc == 0 && i < STREAM_COUNT; i++) {
		refs.stream = (enum stream)i;
		rc = walk_refs(&refs, judge_ref, err);
	}
	return rc;
}

static int
scrub_replica(struct scrubbing *s, struct err *err)
{
	int rc;

	rc = replica_seal(s->r, err);
	if (rc == 0)
		rc = replica_refresh(s->r, err);
	if (rc == 0)
		rc = scrub_refs(s, err);
	if (rc == 0)
		rc = scrub_rosters(s, err);
	if (rc == 0)
		rc = scrub_forks(s, err);
	if (rc == 0)
		rc = judge_refs(s, err);
	if (rc == 0)
		rc = verify_all(
		    s->r, &s->out->changesets, tell_fault, note_lost, s, err);
	if (rc == 0)
		rc = hole_refresh(s->r, s->local, err);
	return rc == 0 ? scrub_blobs(s, err) : rc;
}

static int
scrub_name(struct scrubbing *s, bool replica, struct err *err)
{
	char *path = mem_printf("%s/yizhan.db", s->home);
	struct db *db = NULL;
	struct err ignored;
	int rc;

	if (replica)
		(void)db_open(&db, path, 0, &ignored);
	rc = scrub_home_name(s, db, err);
	db_close(db);
	free(path);
	return rc;
}

static int
open_all(struct scrubbing *s, struct err *err)
{
	struct home *home = NULL;
	int rc = home_open(&home, s->home, err);

	if (rc == 0)
		rc = replica_open(&s->r, home, err);
	return rc == 0 ? local_open(&s->local, s->home, err) : rc;
}

static void
close_all(struct scrubbing *s)
{
	local_close(s->local);
	replica_close(s->r);
	s->local = NULL;
	s->r = NULL;
}

/* Where all is there that the ledger should have; folding takes as long as
 * yizhan rebuild, and as much room as yizhan.db has. */
static int
scrub_records(struct scrubbing *s, struct err *err)
{
	bool same;
	int rc;

	if (s->out->wanted + s->out->faults > 0)
		return 0;
	rc = compare(s, &same, err);
	if (rc != 0 && err->sys == ENOSPC) {
		scrub_say(s, FAULT, 1,
		    "the records were not compared with the ledger: no room to"
		    " fold it anew");
		return 0;
	}
	if (rc != 0 || same)
		return rc;
	close_all(s);
	rc = refound(s, "said what the ledger does not", err);
	return rc == 0 ? open_all(s, err) : rc;
}

int
scrub_run(struct scrub *out, const char *home,
    void (*fn)(void *arg, int bad, const char *text), void *arg,
    struct err *err)
{
	struct scrubbing s = {.out = out, .home = home, .say = fn, .arg = arg};
	bool replica = false;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!is_there(&s, "station"))
		return err_set(
		    err, YZ_ENOTFOUND, "there is no station in %s", home);
	rc = scrub_home(&s, err);
	if (rc == 0)
		replica = scrub_db(&s, "yizhan.db");
	if (rc == 0)
		rc = scrub_name(&s, replica, err);
	if (rc == 0)
		rc = scrub_ledger(&s, replica, err);
	if (rc == 0 && !replica)
		rc = refound(&s, "was damaged", err);
	if (rc == 0 && !scrub_db(&s, "local.db") && is_there(&s, "local.db"))
		rc = accept_local(&s, err);
	if (rc == 0)
		rc = open_all(&s, err);
	if (rc == 0)
		rc = scrub_replica(&s, err);
	if (rc == 0)
		rc = scrub_records(&s, err);
	close_all(&s);
	return rc;
}
