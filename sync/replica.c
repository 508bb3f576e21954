#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ahead.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/memo.h"
#include "home.h"
#include "limit.h"
#include "replica_impl.h"
#include "reserve.h"
#include "roster.h"
#include "sign.h"
#include "tail.h"
#include "tally.h"

/*
 * Migrations: numbered, never changed once released.  Names that begin with
 * an underscore are ours; a kind's table is named like the kind.
 */
static const char *const migrations[] = {
    "CREATE TABLE _meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE _roster(no INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT,"
    " version INTEGER, hash BLOB, prev BLOB, signer BLOB, decides BLOB,"
    " oid BLOB, doc BLOB, UNIQUE(scope, hash));"
    "CREATE TABLE _chain(no INTEGER PRIMARY KEY, name TEXT UNIQUE,"
    " writer TEXT, inc TEXT, stream INTEGER, owner TEXT,"
    " head INTEGER, head_id BLOB, head_oid BLOB, sealed INTEGER DEFAULT 0,"
    " time INTEGER, stamp INTEGER, news INTEGER, accepted INTEGER,"
    " may_write INTEGER);"
    "CREATE TABLE _changeset(chain INTEGER, seq INTEGER, id BLOB, oid BLOB,"
    " time INTEGER, offset INTEGER, ops INTEGER,"
    " PRIMARY KEY(chain, seq)) WITHOUT ROWID;"
    "CREATE TABLE _unsealed(chain INTEGER, seq INTEGER, text BLOB, ops BLOB,"
    " PRIMARY KEY(chain, seq)) WITHOUT ROWID;"
    "CREATE TABLE _seen(chain INTEGER, other INTEGER, seq INTEGER,"
    " other_seq INTEGER, id BLOB, PRIMARY KEY(chain, other,"
    " other_seq, seq)) WITHOUT ROWID;"
    "CREATE TABLE _waiting(other INTEGER, other_seq INTEGER, chain INTEGER,"
    " PRIMARY KEY(other, other_seq, chain)) WITHOUT ROWID;"
    "CREATE TABLE _register(kind TEXT, name TEXT, no INTEGER,"
    " PRIMARY KEY(kind, name)) WITHOUT ROWID;"
    "CREATE TABLE _record(rec INTEGER PRIMARY KEY, id TEXT, kind TEXT,"
    " owner TEXT, UNIQUE(id, kind));"
    "CREATE TABLE _touch(rec INTEGER, chain INTEGER, seq INTEGER,"
    " PRIMARY KEY(rec, chain, seq)) WITHOUT ROWID;"
    "CREATE TABLE _standing(rec INTEGER, register TEXT, chain INTEGER,"
    " seq INTEGER, value TEXT, shown INTEGER,"
    " PRIMARY KEY(rec, register, chain)) WITHOUT ROWID;"
    "CREATE INDEX _standing_chain ON _standing(chain);"
    "CREATE TABLE _quarantine(chain INTEGER, seq INTEGER, op INTEGER,"
    " rec INTEGER, id TEXT, kind TEXT, reason TEXT,"
    " PRIMARY KEY(chain, seq, op)) WITHOUT ROWID;"
    "CREATE INDEX _quarantine_rec ON _quarantine(rec);"
    "CREATE TABLE _unknown(rec INTEGER PRIMARY KEY);"
    "CREATE TABLE _blob(rec INTEGER, field TEXT, hash TEXT, stream INTEGER,"
    " owner TEXT, PRIMARY KEY(rec, field, hash)) WITHOUT ROWID;"
    "CREATE INDEX _blob_hash ON _blob(hash);"
    /* text_bigrams() has made the tokens; nobody asks for their number. */
    "CREATE VIRTUAL TABLE _search USING fts5(words, content='',"
    " columnsize=0, tokenize='ascii');",
    /* The very key that signed; where an unlisted incarnation goes on from;
     * pairs that prove a fork; and what is cut off and not yet in the
     * ledger: objects, and refs to move (oid NULL: the chain's own). */
    "CREATE TABLE _key(no INTEGER PRIMARY KEY, key BLOB UNIQUE);"
    "ALTER TABLE _changeset ADD COLUMN key INTEGER;"
    "CREATE TABLE _continues(chain INTEGER PRIMARY KEY, other INTEGER,"
    " seq INTEGER, id BLOB);"
    "CREATE INDEX _continues_other ON _continues(other);"
    "CREATE TABLE _fork(chain INTEGER PRIMARY KEY, seq INTEGER,"
    " active INTEGER, sealed INTEGER, a BLOB, a_ops BLOB, b BLOB,"
    " b_ops BLOB);"
    "CREATE TABLE _loose(no INTEGER PRIMARY KEY, stream INTEGER, text BLOB,"
    " ops BLOB);"
    "CREATE TABLE _cut(no INTEGER PRIMARY KEY, chain INTEGER, ref TEXT,"
    " oid BLOB);",
    /* Of this station's own: what was cut off after base and is to be signed
     * anew; from where on a chain came from others; incarnations it had. */
    "CREATE TABLE _aside(no INTEGER PRIMARY KEY, chain TEXT, base INTEGER,"
    " seq INTEGER, text BLOB, ops BLOB);"
    "CREATE TABLE _fetched(chain TEXT PRIMARY KEY, seq INTEGER)"
    " WITHOUT ROWID;"
    "CREATE TABLE _incarnation(inc TEXT PRIMARY KEY) WITHOUT ROWID;",
    /* How many records, by some fields, and by which (tally.h); changesets in
     * the order of the ledger's page. */
    "CREATE TABLE _tally(no INTEGER PRIMARY KEY, kind TEXT, a TEXT, b TEXT,"
    " c TEXT, d TEXT, n INTEGER);"
    "CREATE INDEX _tally_key ON _tally(kind, a, b, c, d);"
    "CREATE TABLE _tallied(kind TEXT PRIMARY KEY, fields TEXT)"
    " WITHOUT ROWID;"
    "CREATE INDEX _changeset_time ON _changeset(time + offset);",
    /* An owner's records as they came; what the ledger's page shows of a
     * changeset (NULL: kept since before, it is in the ledger). */
    "CREATE INDEX _record_owner ON _record(owner, kind);"
    "ALTER TABLE _changeset ADD COLUMN author TEXT;"
    "ALTER TABLE _changeset ADD COLUMN subject TEXT;",
};

#define N_MIGRATIONS ((int64_t)(sizeof(migrations) / sizeof(migrations[0])))

static int64_t
system_wall(void *arg)
{
	(void)arg;
	return clock_wall();
}

static int
migrate(struct replica *r, struct err *err)
{
	int64_t level;
	int rc;

	rc = db_get_int(&level, r->db, err, "PRAGMA user_version", "");
	if (rc != 0)
		return rc;
	if (level > N_MIGRATIONS)
		return err_set(err, YZ_EINVAL,
		    "yizhan.db is of a newer program (level %lld, this one"
		    " knows %lld): install that version again",
		    (long long)level, (long long)N_MIGRATIONS);
	if (level == N_MIGRATIONS)
		return 0;
	rc = db_begin(r->db, err);
	/* Again: another process may just have done it. */
	if (rc == 0)
		rc = db_get_int(&level, r->db, err, "PRAGMA user_version", "");
	for (; rc == 0 && level < N_MIGRATIONS; level++)
		rc = db_exec(r->db, migrations[level], err);
	if (rc == 0) {
		struct buf sql = BUF_INIT;

		buf_printf(&sql, "PRAGMA user_version = %d", (int)N_MIGRATIONS);
		rc = db_exec(r->db, buf_str(&sql), err);
		buf_free(&sql);
	}
	if (rc == 0)
		rc = schema_load(&r->schema, r->db, true, err);
	if (rc == 0)
		rc = db_commit(r->db, err);
	if (rc != 0)
		db_rollback(r->db);
	return rc;
}

int
replica_open(struct replica **out, struct home *home, struct err *err)
{
	return replica_open_file(out, home, "yizhan.db", err);
}

int
replica_open_file(
    struct replica **out, struct home *home, const char *name, struct err *err)
{
	struct replica *r = mem_calloc(1, sizeof(*r));
	char *path = home_file(home, name);
	int rc;

	r->home = home;
	r->tally = tally_new();
	/* Even reading needs some room: for the index of SQLite's log. */
	reserve_keep(home->path, false);
	memcpy(r->began, home->inc, sizeof(r->began));
	r->wall = system_wall;
	r->version = -1;
	r->roster_stamp = -1;
	r->schema_kinds = -1;
	rc = sign_check_library(err);
	if (rc == 0)
		rc = db_open(&r->db, path, DB_CREATE | DB_TURNS, err);
	if (rc == 0)
		rc = migrate(r, err);
	if (rc == 0)
		rc = db_exec(r->db,
		    "CREATE TEMP TABLE IF NOT EXISTS"
		    " _dirty(rec INTEGER PRIMARY KEY)",
		    err);
	if (rc == 0)
		rc = ledger_open(&r->ledger, home->path, 1, err);
	if (rc == 0)
		rc = replica_refresh(r, err);
	if (rc == 0)
		rc = anchor_check(r, err);
	free(path);
	if (rc != 0) {
		replica_close(r);
		return rc;
	}
	*out = r;
	return 0;
}

void
replica_close(struct replica *r)
{
	if (r == NULL)
		return;
	ledger_close(r->ledger);
	ahead_free(r->ahead);
	tally_free(r->tally);
	memo_free(r->memo);
	schema_free(r->schema);
	roster_free(r->roster);
	db_close(r->db);
	home_free(r->home);
	free(r->chains);
	free(r);
}

struct db *
replica_db(struct replica *r)
{
	return r->db;
}

const struct home *
replica_home(const struct replica *r)
{
	return r->home;
}

struct ledger *
replica_ledger(struct replica *r)
{
	return r->ledger;
}

const struct roster *
replica_roster(struct replica *r)
{
	return r->roster;
}

const struct schema *
replica_schema(struct replica *r)
{
	return r->schema;
}

const char *
replica_restored(const struct replica *r)
{
	return r->restored[0] == '\0' ? NULL : r->restored;
}

int
replica_may_sign(struct replica *r, struct err *err)
{
	if (r->restored[0] == '\0')
		return 0;
	return err_set(err, YZ_EDENIED,
	    "this station was restored from a copy (%s): run yizhan sync, or"
	    " if nobody can be reached yizhan resume --alone",
	    r->restored);
}

void
replica_set_clock(struct replica *r, int64_t (*wall)(void *), void *arg)
{
	r->wall = wall;
	r->wall_arg = arg;
}

/* Within what a changeset can say. */
int64_t
replica_now(struct replica *r)
{
	int64_t now = r->wall(r->wall_arg);

	return now < 0 ? 0 : now > LIMIT_TIME_MAX ? LIMIT_TIME_MAX : now;
}

int
replica_set_offset(struct replica *r, int64_t ms, struct err *err)
{
	return db_run(r->db, err,
	    "INSERT OR REPLACE INTO _meta(name, value)"
	    " VALUES ('offset', ?), ('contact', ?)",
	    "ii", ms, replica_now(r));
}

/* --- chains in memory ---------------------------------------------------- */

static int
compare_names(const struct chain_name *a, const struct chain_name *b)
{
	char x[CHAIN_NAME_MAX], y[CHAIN_NAME_MAX];

	chain_format(x, a);
	chain_format(y, b);
	return strcmp(x, y);
}

/* Where name is or would be. */
static size_t
chain_place(struct replica *r, const struct chain_name *name)
{
	size_t low = 0, high = r->n_chains;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (compare_names(&r->chains[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct chain *
replica_chain_find(struct replica *r, const struct chain_name *name)
{
	size_t i = chain_place(r, name);

	if (i < r->n_chains && chain_equal(&r->chains[i].name, name))
		return &r->chains[i];
	return NULL;
}

struct chain *
replica_chain_no(struct replica *r, int64_t no)
{
	size_t i;

	for (i = 0; i < r->n_chains; i++)
		if (r->chains[i].no == no)
			return &r->chains[i];
	return NULL;
}

static struct chain *
chain_insert(struct replica *r, const struct chain *c)
{
	size_t i = chain_place(r, &c->name), n = r->n_chains;

	/* A flood of Seen lines names thousands: grow by doubling. */
	if ((n & (n - 1)) == 0)
		r->chains = mem_realloc(
		    r->chains, (n == 0 ? 1 : 2 * n) * sizeof(*r->chains));
	memmove(r->chains + i + 1, r->chains + i,
	    (r->n_chains - i) * sizeof(*r->chains));
	r->chains[i] = *c;
	r->n_chains++;
	return &r->chains[i];
}

int
replica_chain(struct replica *r, struct chain **out,
    const struct chain_name *name, struct err *err)
{
	struct chain made = {.name = *name};
	char text[CHAIN_NAME_MAX];
	int rc;

	*out = replica_chain_find(r, name);
	if (*out != NULL)
		return 0;
	assert(db_in_transaction(r->db));
	chain_format(text, name);
	rc = db_run(r->db, err,
	    "INSERT INTO _chain(name, writer, inc, stream, owner, head, time,"
	    " stamp, news) VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0)",
	    "sssis", text, name->writer, name->inc, (int64_t)name->stream,
	    name->owner);
	if (rc != 0)
		return rc;
	made.no = db_last_rowid(r->db);
	rc = replica_judge(r, &made, err);
	if (rc != 0)
		return rc;
	*out = chain_insert(r, &made);
	return replica_chain_put(r, *out, err);
}

int
replica_chain_put(struct replica *r, const struct chain *c, struct err *err)
{
	return db_run(r->db, err,
	    "UPDATE _chain SET head = ?, head_id = ?, head_oid = ?, time = ?,"
	    " stamp = ?, news = ?, accepted = ?, may_write = ? WHERE no = ?",
	    "ibbiiiiii", c->head, c->id.b, sizeof(c->id.b), c->oid,
	    sizeof(c->oid), c->time, c->stamp, c->news, c->accepted,
	    (int64_t)c->may_write, c->no);
}

int
replica_is_at(struct replica *r, const struct chain *c, int64_t seq,
    const void *id, size_t n, struct err *err)
{
	struct db_stmt *st;
	const void *held;
	size_t len;
	int rc;

	if (seq > c->head)
		return 0;
	rc = db_query(&st, r->db, err,
	    "SELECT id FROM _changeset WHERE chain = ? AND seq = ?", "ii",
	    c->no, seq);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		held = db_blob(st, 0, &len);
		rc = len >= n && memcmp(held, id, n) == 0;
	}
	db_done(st);
	return rc;
}

void
replica_count_kinds(struct replica *r)
{
	size_t i;

	r->kinds = 0;
	for (i = 0; i < r->n_chains; i++)
		if (r->chains[i].name.stream == STREAM_ROSTER &&
		    r->chains[i].head > r->kinds &&
		    strcmp(r->chains[i].name.writer, roster_root(r->roster)) ==
			0)
			r->kinds = r->chains[i].head;
}

static int
load_chains(struct replica *r, struct err *err)
{
	struct db_stmt *st;
	size_t i;
	int rc;

	r->n_chains = 0;
	r->stamp = 0;
	rc = db_query(&st, r->db, err,
	    "SELECT no, name, head, head_id, head_oid, time, stamp, news,"
	    " accepted, may_write, f.seq FROM _chain LEFT JOIN _fork AS f"
	    " ON f.chain = no AND f.active ORDER BY name",
	    "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const char *name = db_text(st, 1);
		struct chain c = {.no = db_int(st, 0)};

		rc = chain_parse(&c.name, name, strlen(name), err);
		if (rc != 0)
			break;
		c.head = db_int(st, 2);
		db_bytes(c.id.b, sizeof(c.id.b), st, 3);
		db_bytes(c.oid, sizeof(c.oid), st, 4);
		c.time = db_int(st, 5);
		c.stamp = db_int(st, 6);
		c.news = db_int(st, 7);
		c.accepted = db_int(st, 8);
		c.may_write = db_int(st, 9) != 0;
		c.fork = db_int(st, 10);
		chain_insert(r, &c);
		if (c.stamp > r->stamp)
			r->stamp = c.stamp;
	}
	db_done(st);
	replica_count_kinds(r);
	r->pending = false;
	for (i = 0; i < r->n_chains; i++)
		r->pending |=
		    r->chains[i].head > 0 && r->chains[i].accepted == 0;
	return rc;
}

/* The incarnation that this station goes on under; HOME/station has the one
 * that it began with until the replica says another. */
static int
load_incarnation(struct replica *r, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(
	    &st, r->db, err, "SELECT value FROM _meta WHERE name = 'inc'", "");
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc >= 0)
		snprintf(r->home->inc, sizeof(r->home->inc), "%s",
		    rc == 1 ? db_text(st, 0) : r->began);
	db_done(st);
	return rc < 0 ? rc : 0;
}

static void
forget(struct replica *r)
{
	memo_free(r->memo);
	r->memo = NULL;
}

int
replica_refresh(struct replica *r, struct err *err)
{
	int64_t version = db_version(r->db);
	int rc;

	if (version == r->version)
		return 0;
	forget(r);
	rc = replica_roster_load(r, err);
	if (rc == 0)
		rc = load_incarnation(r, err);
	if (rc == 0)
		rc = tail_follow(r, err);
	if (rc == 0)
		rc = load_chains(r, err);
	if (rc == 0 && (r->schema == NULL || r->schema_kinds != r->kinds)) {
		schema_free(r->schema);
		r->schema = NULL;
		rc = schema_load(&r->schema, r->db, false, err);
		r->schema_stale = false;
		r->schema_kinds = r->kinds;
	}
	if (rc == 0)
		r->version = version;
	return rc;
}

/* --- transactions -------------------------------------------------------- */

int
replica_look(struct replica *r, struct err *err)
{
	int rc;

	rc = db_exec(r->db, "BEGIN", err);
	if (rc != 0)
		return rc;
	rc = replica_refresh(r, err);
	r->looking = rc == 0;
	if (rc != 0)
		db_rollback(r->db);
	return rc;
}

void
replica_look_end(struct replica *r)
{
	r->looking = false;
	db_rollback(r->db);
}

struct memo *
replica_memo(struct replica *r)
{
	if (!r->looking)
		return NULL;
	if (r->memo == NULL)
		r->memo = memo_new();
	return r->memo;
}

int
replica_begin(struct replica *r, struct err *err)
{
	int rc;

	rc = db_begin(r->db, err);
	if (rc != 0)
		return rc;
	/* What this connection commits does not change its version. */
	forget(r);
	rc = replica_refresh(r, err);
	/* Another process may have found the way on. */
	if (rc == 0 && r->restored[0] != '\0')
		rc = anchor_check(r, err);
	if (rc != 0)
		replica_rollback(r);
	return rc;
}

int
replica_commit(struct replica *r, struct err *err)
{
	int rc;

	rc = refold_all(r, err);
	if (rc == 0)
		rc = tally_flush(r, err);
	if (rc == 0)
		rc = db_commit(r->db, err);
	if (rc != 0)
		replica_rollback(r);
	return rc;
}

void
replica_rollback(struct replica *r)
{
	struct err ignored;

	db_rollback(r->db);
	db_exec(r->db, "DELETE FROM temp._dirty", &ignored);
	tally_forget(r->tally);
	r->dirty = false;
	/* What is in memory may be of the transaction that is gone. */
	r->version = -1;
	r->schema_kinds = -1;
}

/* --- reading ------------------------------------------------------------- */

int
replica_head(struct replica *r, struct replica_head *out,
    const struct chain_name *chain, struct err *err)
{
	struct chain *c;
	int rc;

	rc = replica_refresh(r, err);
	if (rc != 0)
		return rc;
	memset(out, 0, sizeof(*out));
	out->chain = *chain;
	c = replica_chain_find(r, chain);
	if (c != NULL) {
		out->seq = c->head;
		out->id = c->id;
		memcpy(out->oid, c->oid, sizeof(out->oid));
	}
	return 0;
}

int
replica_heads(
    struct replica *r, struct replica_head **out, size_t *n, struct err *err)
{
	size_t i;
	int rc;

	rc = replica_refresh(r, err);
	if (rc != 0)
		return rc;
	*out = mem_calloc(r->n_chains + 1, sizeof(**out));
	*n = 0;
	for (i = 0; i < r->n_chains; i++) {
		const struct chain *c = &r->chains[i];
		struct replica_head *h = &(*out)[*n];

		if (c->head == 0)
			continue;
		h->chain = c->name;
		h->seq = c->head;
		h->id = c->id;
		memcpy(h->oid, c->oid, sizeof(h->oid));
		(*n)++;
	}
	return 0;
}

/* The bytes of a changeset: not yet sealed, or from the ledger. */
static int
load_bytes(struct replica *r, const struct chain *c, int64_t seq,
    struct buf *text, struct buf *ops, struct err *err)
{
	struct db_stmt *st;
	uint8_t oid[20] = {0};
	const void *p;
	size_t n;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT text, ops FROM _unsealed WHERE chain = ? AND seq = ?", "ii",
	    c->no, seq);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		p = db_blob(st, 0, &n);
		buf_put(text, p, n);
		p = db_blob(st, 1, &n);
		buf_put(ops, p, n);
	}
	db_done(st);
	if (rc != 0)
		return rc < 0 ? rc : 0;

	rc = db_query(&st, r->db, err,
	    "SELECT oid FROM _changeset WHERE chain = ? AND seq = ?", "ii",
	    c->no, seq);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1)
		db_bytes(oid, sizeof(oid), st, 0);
	db_done(st);
	if (rc == 0)
		return err_set(err, YZ_ENOTFOUND, "changeset %lld is not held",
		    (long long)seq);
	if (rc < 0)
		return rc;
	return ledger_read_commit(
	    r->ledger, c->name.stream, oid, text, ops, err);
}

int
replica_load(struct replica *r, struct changeset *out, const struct chain *c,
    int64_t seq, struct err *err)
{
	struct buf text = BUF_INIT, ops = BUF_INIT;
	char name[CHAIN_NAME_MAX];
	int rc;

	rc = load_bytes(r, c, seq, &text, &ops, err);
	if (rc == 0)
		rc =
		    changeset_parse(out, text.b, text.len, ops.b, ops.len, err);
	if (rc == 0 &&
	    (out->seq != seq || !chain_equal(&out->chain, &c->name))) {
		changeset_free(out);
		rc = err_set(err, YZ_ECORRUPT, "another changeset is there");
	}
	buf_free(&text);
	buf_free(&ops);
	if (rc != 0) {
		chain_format(name, &c->name);
		return err_within(err, "%s seq %lld", name, (long long)seq);
	}
	return 0;
}

int
replica_read(struct replica *r, struct changeset *out,
    const struct chain_name *chain, int64_t seq, struct err *err)
{
	char name[CHAIN_NAME_MAX];
	struct chain *c;
	int rc;

	rc = replica_refresh(r, err);
	if (rc != 0)
		return rc;
	c = replica_chain_find(r, chain);
	if (c == NULL || seq < 1 || seq > c->head) {
		chain_format(name, chain);
		return err_set(err, YZ_ENOTFOUND, "%s has no seq %lld here",
		    name, (long long)seq);
	}
	return replica_load(r, out, c, seq, err);
}

int
replica_find(struct replica *r, struct chain_name *chain, int64_t *seq,
    const char *hex, struct err *err)
{
	struct db_stmt *st;
	struct chain *c;
	int64_t no = 0;
	int rc, found = 0;

	if (strlen(hex) < 8 || strspn(hex, "0123456789abcdef") != strlen(hex))
		return err_set(err, YZ_EINVAL,
		    "a changeset is named by 8 or more hex digits");
	rc = replica_refresh(r, err);
	if (rc == 0)
		rc = db_query(&st, r->db, err,
		    "SELECT chain, seq FROM _changeset"
		    " WHERE lower(hex(id)) GLOB ? || '*' LIMIT 2",
		    "s", hex);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		no = db_int(st, 0);
		*seq = db_int(st, 1);
		found++;
	}
	db_done(st);
	if (rc < 0)
		return rc;
	if (found != 1)
		return err_set(err, found == 0 ? YZ_ENOTFOUND : YZ_ECONFLICT,
		    found == 0 ? "no changeset %s is held here"
			       : "%s is the beginning of several",
		    hex);
	c = replica_chain_no(r, no);
	assert(c != NULL);
	*chain = c->name;
	return 0;
}
