#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/db_page.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"
#include "hole.h"
#include "home.h"
#include "local.h"
#include "mend.h"
#include "replica_impl.h"
#include "roster.h"
#include "scrub.h"
#include "sign.h"

#define FRESH "yizhan.db-fresh" /* in HOME, while one is folded anew */
#define REF_LEN 41              /* an address and a newline */

struct scrubbing {
	struct scrub *out;
	const char *home;
	void (*say)(void *arg, int bad, const char *text);
	void *arg;
	struct replica *r;
	struct local *local;
};

enum { RIGHT, WANTED, FAULT }; /* what became of it */

static void __attribute__((format(printf, 4, 5)))
say(struct scrubbing *s, int what, int64_t n, const char *fmt, ...)
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

/* --- the ledger's files -----------------------------------------------------
 */

static int
scrub_ledger(struct scrubbing *s, struct err *err)
{
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
			say(s, RIGHT, found.mended,
			    "ledger of %s: %lld damaged, put right", name,
			    (long long)found.mended);
		/* Whether they are missed is found out below. */
		if (found.lost > 0)
			say(s, RIGHT, 0,
			    "ledger of %s: %lld damaged, taken out", name,
			    (long long)found.lost);
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

/* Its pages, then what they say; *good if it can be used. */
static int
scrub_db(struct scrubbing *s, const char *name, bool *good, struct err *err)
{
	char *path = mem_printf("%s/%s", s->home, name);
	struct db_health health = {0, 0, 0};
	struct db *db = NULL;
	int rc;

	*good = false;
	rc = db_open(&db, path, 0, err);
	if (rc == 0)
		rc = db_scrub(db, &health, err);
	if (rc == 0 && health.mended > 0)
		say(s, RIGHT, health.mended, "%s: %lld pages put right", name,
		    (long long)health.mended);
	*good = rc == 0 && health.damaged == 0 && integrity(db);
	db_close(db);
	free(path);
	/* Whatever it was, it is to be replaced. */
	return rc == YZ_ENOTFOUND ? rc : 0;
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

/*
 * The replica from the ledger alone, in the place of one that cannot be read.
 * Nobody seals meanwhile, and nobody writes.
 */
static int
refound(struct scrubbing *s, struct err *err)
{
	char *path = mem_printf("%s/yizhan.db", s->home);
	char *fresh_path = mem_printf("%s/" FRESH, s->home);
	char *rest[] = {mem_printf("%s-wal", fresh_path),
	    mem_printf("%s-shm", fresh_path),
	    mem_printf("%s-gate", fresh_path)};
	struct replica *fresh = NULL;
	struct home *home = NULL;
	struct db *old = NULL;
	struct err ignored;
	int rc, gate = -1;
	size_t i;

	unlink(fresh_path);
	for (i = 0; i < 2; i++)
		unlink(rest[i]);
	rc = home_open(&home, s->home, err);
	if (rc == 0)
		rc = replica_open_file(&fresh, home, FRESH, err);
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
	unlink(fresh_path);
	for (i = 0; i < 3; i++) {
		unlink(rest[i]);
		free(rest[i]);
	}
	free(path);
	free(fresh_path);
	if (rc == 0)
		say(s, RIGHT, 1,
		    "yizhan.db was damaged: folded anew from the ledger");
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
		say(s, RIGHT, 1,
		    "local.db was damaged, or written by another program: look"
		    " whether yizhan user list and yizhan link are as they"
		    " should be");
	else
		say(s, FAULT, 1,
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
			say(s, RIGHT, 1, "%s stood elsewhere", ref);
	}
	return rc == 0 ? ledger_flush(r->ledger, err) : rc;
}

/* The documents in the ledger, from the replica's; and their refs. */
static int
scrub_rosters(struct scrubbing *s, struct err *err)
{
	struct buf text = BUF_INIT, again = BUF_INIT;
	struct replica *r = s->r;
	struct db_stmt *st;
	struct err ignored;
	int rc, missing = 0;

	rc = db_query(&st, r->db, err,
	    "SELECT oid, scope, version = max(version) OVER"
	    " (PARTITION BY scope) FROM _roster WHERE oid IS NOT NULL",
	    "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		char *ref = mem_printf("refs/rosters/%s", db_text(st, 1));
		size_t n;
		const uint8_t *oid = db_blob(st, 0, &n);
		uint8_t at[20];

		buf_clear(&text);
		if (n != sizeof(at) ||
		    rebuild_file(r, STREAM_ROSTER, oid, "roster", &text,
			&ignored) != 0 ||
		    rebuild_file(r, STREAM_ROSTER, oid, "signatures", &text,
			&ignored) != 0)
			missing++;
		else
			missing += db_int(st, 2) != 0 &&
				   (ledger_ref_get(r->ledger, STREAM_ROSTER,
					ref, at, &ignored) != 0 ||
				       memcmp(at, oid, sizeof(at)) != 0);
		free(ref);
	}
	db_done(st);
	buf_free(&text);
	buf_free(&again);
	if (rc == 0 && missing > 0) {
		rc = db_exec(r->db, "UPDATE _roster SET oid = NULL", err);
		if (rc == 0)
			rc = replica_seal(r, err);
		if (rc == 0)
			say(s, RIGHT, missing,
			    "%d rosters written to the ledger again", missing);
	}
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
		say(s, RIGHT, faults, "proofs of forks written again");
	return rc;
}

/* --- refs that only the ledger has: receipts, branches cut off --------------
 */

struct loose_ref {
	struct scrubbing *s;
	enum stream stream;
};

static bool
leads_somewhere(void *arg, const char *text, size_t n)
{
	struct loose_ref *l = arg;
	struct buf commit = BUF_INIT;
	struct err ignored;
	uint8_t oid[20];
	bool good;

	good = n == REF_LEN && text[n - 1] == '\n' &&
	       digest_unhex(oid, sizeof(oid), text, n - 1) &&
	       ledger_read(l->s->r->ledger, l->stream, oid, "commit", &commit,
		   &ignored) == 0;
	buf_free(&commit);
	return good;
}

static int
scrub_loose_ref(
    void *arg, const char *name, int64_t size, int64_t mtime, struct err *err)
{
	struct loose_ref *l = arg;
	struct buf text = BUF_INIT;
	char *path;
	int rc = 0;

	(void)size;
	(void)mtime;
	if ((strncmp(name, "receipts/", 9) != 0 &&
		strncmp(name, "forks/", 6) != 0) ||
	    strstr(name, ".lock") != NULL)
		return 0;
	path = mem_printf("%s/ledger/%s.git/refs/%s", l->s->home,
	    stream_name(l->stream), name);
	if (file_read(&text, path, 4096, err) == 0 &&
	    !leads_somewhere(l, buf_str(&text), text.len)) {
		rc = mend_text(path, 0644, leads_somewhere, l, err);
		if (rc == 0)
			say(l->s, RIGHT, 1, "refs/%s put right", name);
		else if (rc == YZ_ENOTFOUND &&
			 strncmp(name, "receipts/", 9) == 0) {
			/* The next one of that peer begins anew. */
			rc = unlink(path) == 0 ? 0 : err_sys(err, "%s", path);
			say(l->s, FAULT, 1,
			    "receipts of %s in %s are damaged and gone",
			    name + 9, stream_name(l->stream));
		} else if (rc == YZ_ENOTFOUND) {
			rc = 0;
			say(l->s, FAULT, 1,
			    "what was cut off in refs/%s is damaged", name);
		}
	}
	buf_free(&text);
	free(path);
	return rc;
}

static int
scrub_loose_refs(struct scrubbing *s, struct err *err)
{
	int i, rc = 0;

	for (i = 0; rc == 0 && i < STREAM_COUNT; i++) {
		struct loose_ref l = {s, (enum stream)i};
		char *refs = mem_printf("%s/ledger/%s.git/refs", s->home,
		    stream_name((enum stream)i));

		rc = folder_walk(refs, scrub_loose_ref, &l, err);
		free(refs);
	}
	return rc;
}

/* --- changesets and attachments ---------------------------------------------
 */

static void
tell_fault(void *arg, const char *fault)
{
	say(arg, FAULT, 1, "%s", fault);
}

static int
note_lost(void *arg, const struct chain *c, int64_t seq, const char *why,
    struct err *err)
{
	struct scrubbing *s = arg;

	say(s, WANTED, 1, "%s", why);
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

			say(s, WANTED, 1, "%s", fault.msg);
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

/* --- the station and its keys ------------------------------------------------
 */

struct whose { /* a key's file, and the key that it should be */
	const uint8_t *pub;
};

static bool
is_key(void *arg, const char *text, size_t n)
{
	const struct whose *w = arg;
	struct sign_key key;
	uint8_t seed[32];
	bool same;

	if (n != 65 || text[64] != '\n' || !digest_unhex(seed, 32, text, 64))
		return false;
	sign_from_seed(&key, seed);
	same = memcmp(key.pub, w->pub, 32) == 0;
	explicit_bzero(&key, sizeof(key));
	explicit_bzero(seed, sizeof(seed));
	return same;
}

static int
scrub_key(struct scrubbing *s, const char *name, const uint8_t pub[32],
    struct err *err)
{
	char *path = mem_printf("%s/keys/%s", s->home, name);
	struct whose w = {pub};
	struct buf text = BUF_INIT;
	int rc = 0;

	if (file_read(&text, path, 4096, err) == 0 &&
	    !is_key(&w, buf_str(&text), text.len)) {
		rc = mend_text(path, 0600, is_key, &w, err);
		if (rc == 0)
			say(s, RIGHT, 1, "keys/%s put right", name);
		else if (rc == YZ_ENOTFOUND) {
			rc = 0;
			say(s, FAULT, 1,
			    "keys/%s is not the key that the roster has: yizhan"
			    " rotate --recovery FILE",
			    name);
		}
	}
	if (text.b != NULL)
		explicit_bzero(text.b, text.cap);
	buf_free(&text);
	free(path);
	return rc;
}

/* The roster by the newest documents that the database has. */
static int
load_roster(struct roster **out, struct db *db, struct err *err)
{
	struct roster_doc *docs = NULL;
	struct db_stmt *st;
	size_t n = 0, i;
	int rc;

	rc = db_query(&st, db, err,
	    "SELECT doc FROM _roster AS a WHERE version = (SELECT max(version)"
	    " FROM _roster AS b WHERE b.scope = a.scope)",
	    "");
	while (rc == 0 && (rc = db_step(st, err)) == 1) {
		size_t len;
		const void *p = db_blob(st, 0, &len);

		docs = mem_realloc(docs, (n + 1) * sizeof(*docs));
		memset(&docs[n], 0, sizeof(*docs));
		rc = roster_doc_unpack(&docs[n], p, len, err);
		n += rc == 0;
	}
	db_done(st);
	if (rc == 0)
		rc = roster_build(out, docs, n, err);
	for (i = 0; i < n; i++)
		roster_doc_free(&docs[i]);
	free(docs);
	return rc;
}

/* Before anything opens HOME, which a damaged key would stop. */
static int
scrub_keys(struct scrubbing *s, struct db *db, struct err *err)
{
	char *next = mem_printf("%s/keys/next", s->home);
	char *station = mem_printf("%s/station", s->home);
	const struct roster_station *me = NULL;
	const struct roster_key *key;
	struct roster *roster = NULL;
	struct buf text = BUF_INIT;
	struct err ignored;
	int rc = 0;

	if (load_roster(&roster, db, &ignored) == 0 &&
	    file_read(&text, station, 4096, &ignored) == 0 && text.len > 11) {
		text.b[11] = '\0'; /* after "code 520302" */
		me = roster_find(roster, (char *)text.b + 5);
	}
	key = me == NULL ? NULL : roster_current(me);
	/* While keys change, either may be right. */
	if (key != NULL && !file_exists(next)) {
		rc = scrub_key(s, "sign", key->sign, err);
		if (rc == 0)
			rc = scrub_key(s, "ssh", key->ssh, err);
	}
	roster_free(roster);
	buf_free(&text);
	free(station);
	free(next);
	return rc;
}

struct known { /* the database says which station this is */
	struct db *db;
};

static bool
is_station(void *arg, const char *text, size_t n)
{
	const struct known *k = arg;
	char code[CHAIN_CODE_LEN + 1], inc[CHAIN_INC_LEN + 1], again[64];
	struct err ignored;
	int64_t one;

	if (n != 25 ||
	    sscanf(text, "code %6[0-9]\ninc %8[0-9a-f]\n", code, inc) != 2)
		return false;
	snprintf(again, sizeof(again), "code %s\ninc %s\n", code, inc);
	return memcmp(again, text, n) == 0 &&
	       (k->db == NULL ||
		   db_get_int(&one, k->db, &ignored,
		       "SELECT 1 FROM _chain WHERE writer = ? AND inc = ?"
		       " LIMIT 1",
		       "ss", code, inc) == 0);
}

/* Before anything opens HOME as a station. */
static int
scrub_station(struct scrubbing *s, bool replica, struct err *err)
{
	char *path = mem_printf("%s/station", s->home);
	char *db_path = mem_printf("%s/yizhan.db", s->home);
	struct known k = {NULL};
	struct buf text = BUF_INIT;
	struct err ignored;
	int64_t any;
	int rc = 0;

	if (replica && db_open(&k.db, db_path, 0, &ignored) == 0 &&
	    db_get_int(&any, k.db, &ignored, "SELECT 1 FROM _chain LIMIT 1",
		"") != 0) {
		db_close(k.db);
		k.db = NULL;
	}
	if (file_read(&text, path, 4096, err) == 0 &&
	    !is_station(&k, buf_str(&text), text.len) &&
	    mend_text(path, 0644, is_station, &k, &ignored) == 0)
		say(s, RIGHT, 1, "station put right");
	if (k.db != NULL)
		rc = scrub_keys(s, k.db, err);
	db_close(k.db);
	buf_free(&text);
	free(path);
	free(db_path);
	return rc;
}

/* --- all of it --------------------------------------------------------------
 */

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
		rc = scrub_loose_refs(s, err);
	if (rc == 0)
		rc = verify_all(
		    s->r, &s->out->changesets, tell_fault, note_lost, s, err);
	if (rc == 0)
		rc = hole_refresh(s->r, s->local, err);
	return rc == 0 ? scrub_blobs(s, err) : rc;
}

static int
open_all(struct scrubbing *s, struct err *err)
{
	struct home *home;
	int rc = home_open(&home, s->home, err);

	if (rc == 0)
		rc = replica_open(&s->r, home, err);
	return rc == 0 ? local_open(&s->local, s->home, err) : rc;
}

int
scrub_run(struct scrub *out, const char *home,
    void (*fn)(void *arg, int bad, const char *text), void *arg,
    struct err *err)
{
	struct scrubbing s = {.out = out, .home = home, .say = fn, .arg = arg};
	char *station = mem_printf("%s/station", home);
	bool replica, local, there = file_exists(station);
	int rc;

	memset(out, 0, sizeof(*out));
	free(station);
	if (!there)
		return err_set(
		    err, YZ_ENOTFOUND, "there is no station in %s", home);
	rc = scrub_db(&s, "yizhan.db", &replica, err);
	if (rc == YZ_ENOTFOUND)
		rc = 0;
	if (rc == 0)
		rc = scrub_station(&s, replica, err);
	if (rc == 0)
		rc = scrub_ledger(&s, err);
	if (rc == 0 && !replica)
		rc = refound(&s, err);
	if (rc == 0)
		rc = scrub_db(&s, "local.db", &local, err);
	if (rc == YZ_ENOTFOUND)
		rc = 0; /* made anew */
	else if (rc == 0 && !local)
		rc = accept_local(&s, err);
	if (rc == 0)
		rc = open_all(&s, err);
	if (rc == 0)
		rc = scrub_replica(&s, err);
	local_close(s.local);
	replica_close(s.r);
	return rc;
}
