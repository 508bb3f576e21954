#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "branch.h"
#include "replica_impl.h"

/*
 * From the ledger alone: first the rosters, then every chain from its first
 * changeset on, through the same door as if a peer had sent it.
 */

struct rebuild {
	struct replica *r;
	enum stream stream;
	int64_t done, total;
	void (*step)(void *, int64_t, int64_t);
	void *arg;
};

static void
count_step(void *arg)
{
	struct rebuild *b = arg;

	if (b->step != NULL && ++b->done % 64 == 0)
		b->step(b->arg, b->done, b->total);
}

static int
fold_chain(void *arg, const char *name, const uint8_t head[20], struct err *err)
{
	struct rebuild *b = arg;
	struct branch branch;
	int rc;

	rc = branch_read(&branch, b->r, b->stream, head, err);
	if (rc == 0) {
		rc = branch_take(b->r, &branch, count_step, b, err);
		branch_free(&branch);
	}
	return rc == 0 ? 0 : err_within(err, "%s", name);
}

/* Every table of ours and of the kinds, but what only this machine knows. */
static int
drop_tables(struct replica *r, struct err *err)
{
	static const char *const keep = "DELETE FROM _chain;"
					"DELETE FROM _changeset;"
					"DELETE FROM _seen;"
					"DELETE FROM _waiting;"
					"DELETE FROM _register;"
					"DELETE FROM _record;"
					"DELETE FROM _touch;"
					"DELETE FROM _standing;"
					"DELETE FROM _quarantine;"
					"DELETE FROM _unknown;"
					"DELETE FROM _blob;"
					"DELETE FROM _key;"
					"DELETE FROM _continues;"
					"INSERT INTO _search(_search)"
					" VALUES ('delete-all');";
	struct buf sql = BUF_INIT;
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT name FROM sqlite_schema WHERE type = 'table' AND"
	    " name NOT GLOB '_*' AND name NOT GLOB 'sqlite_*'",
	    "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		buf_puts(&sql, "DROP TABLE ");
		db_quote(&sql, db_text(st, 0));
		buf_puts(&sql, ";");
	}
	db_done(st);
	buf_puts(&sql, keep);
	if (rc == 0)
		rc = db_exec(r->db, buf_str(&sql), err);
	buf_free(&sql);
	return rc;
}

/* Carry the seal marks over: all that was read from the ledger is in it. */
static int
mark_sealed(struct replica *r, struct err *err)
{
	return db_exec(r->db,
	    "DELETE FROM _unsealed; UPDATE _chain SET sealed = head;", err);
}

static int
rebuild(struct rebuild *b, struct err *err)
{
	struct replica *r = b->r;
	int rc, s;

	rc = db_get_int(
	    &b->total, r->db, err, "SELECT count(*) FROM _changeset", "");
	if (rc == 0)
		rc = drop_tables(r, err);
	if (rc != 0)
		return rc;
	r->n_chains = 0;
	r->stamp = 0;
	r->kinds = 0;
	schema_free(r->schema);
	r->schema = NULL;
	rc = schema_load(&r->schema, r->db, true, err);
	for (s = 0; rc == 0 && s < STREAM_COUNT; s++) {
		b->stream = (enum stream)s;
		rc = ledger_refs(
		    r->ledger, b->stream, "refs/chains/", fold_chain, b, err);
	}
	if (rc == 0)
		rc = refold_all(r, err);
	return rc == 0 ? mark_sealed(r, err) : rc;
}

int
replica_rebuild(struct replica *r, void (*step)(void *, int64_t, int64_t),
    void *arg, struct err *err)
{
	struct rebuild b = {.r = r, .step = step, .arg = arg};
	int rc;

	rc = replica_seal(r, err);
	if (rc == 0)
		rc = replica_begin(r, err);
	if (rc != 0)
		return rc;
	rc = rebuild(&b, err);
	if (rc == 0)
		return replica_commit(r, err);
	replica_rollback(r);
	return err_within(err, "rebuild: nothing was changed");
}
