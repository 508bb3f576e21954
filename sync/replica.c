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
#include "trust.h"

static int64_t
system_wall(void *arg)
{
	(void)arg;
	return clock_wall();
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
		rc = replica_migrate(r, err);
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
	trust_begin(r);
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

/* --- what other processes committed --------------------------------------- */

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
		rc = replica_chain_load(r, err);
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
