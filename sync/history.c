#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "replica_impl.h"

struct touch {
	int64_t chain;
	int64_t seq;
};

static int
read_touches(struct replica *r, struct touch **out, size_t *n, int64_t rec,
    struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT t.chain, t.seq FROM _touch AS t JOIN _changeset AS c"
	    " USING (chain, seq) WHERE t.rec = ?"
	    " ORDER BY c.time + c.offset, c.id",
	    "i", rec);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		*out = mem_realloc(*out, (*n + 1) * sizeof(**out));
		(*out)[*n].chain = db_int(st, 0);
		(*out)[(*n)++].seq = db_int(st, 1);
	}
	db_done(st);
	return rc;
}

int
replica_history(struct replica *r, const char *kind, const char *id,
    int (*fn)(void *arg, const struct changeset *cs, const struct op *op,
	bool accepted, struct err *err),
    void *arg, struct err *err)
{
	struct touch *touch = NULL;
	char reason[FOLD_REASON_MAX];
	size_t n = 0, i, j;
	int64_t rec;
	int rc;

	rc = replica_refresh(r, err);
	if (rc == 0)
		rc = db_get_int(&rec, r->db, err,
		    "SELECT rec FROM _record WHERE id = ? AND kind = ?", "ss",
		    id, kind);
	if (rc == YZ_ENOTFOUND)
		return err_set(
		    err, YZ_ENOTFOUND, "no %s %s is held here", kind, id);
	if (rc == 0)
		rc = read_touches(r, &touch, &n, rec, err);
	for (i = 0; rc == 0 && i < n; i++) {
		const struct chain *c = replica_chain_no(r, touch[i].chain);
		const struct kind *k = schema_kind(r->schema, kind);
		struct changeset cs;
		struct ops ops;

		rc = replica_load(r, &cs, c, touch[i].seq, err);
		if (rc != 0)
			break;
		rc = ops_parse(&ops, buf_str(&cs.ops), cs.ops.len, err);
		for (j = 0; rc == 0 && j < ops.n; j++)
			if (strcmp(ops.v[j].id, id) == 0 &&
			    strcmp(ops.v[j].kind, kind) == 0)
				rc = fn(arg, &cs, &ops.v[j],
				    !fold_refuse(r, c, k, &ops.v[j], reason),
				    err);
		ops_free(&ops);
		changeset_free(&cs);
	}
	free(touch);
	return rc;
}

/* --- what the timeline shows, where an earlier program did not keep it -------
 */

#define FILL_AT_ONCE 500 /* in a transaction */

static int
fill_one(struct replica *r, const struct touch *at, struct err *err)
{
	const struct chain *c = replica_chain_no(r, at->chain);
	struct changeset cs;
	int rc;

	if (c == NULL)
		return 0;
	rc = replica_load(r, &cs, c, at->seq, err);
	if (rc != 0)
		return rc;
	rc = db_run(r->db, err,
	    "UPDATE _changeset SET author = ?, subject = ?"
	    " WHERE chain = ? AND seq = ?",
	    "ssii", cs.author, cs.subject, at->chain, at->seq);
	changeset_free(&cs);
	return rc;
}

/* The newest that lack it: they are looked at first. */
static int
fill_some(struct replica *r, size_t *n, struct err *err)
{
	struct touch at[FILL_AT_ONCE];
	struct db_stmt *st;
	size_t i;
	int rc;

	*n = 0;
	rc = db_query(&st, r->db, err,
	    "SELECT chain, seq FROM _changeset WHERE author IS NULL"
	    " ORDER BY time + offset DESC LIMIT ?",
	    "i", (int64_t)FILL_AT_ONCE);
	if (rc != 0)
		return rc;
	while (*n < FILL_AT_ONCE && (rc = db_step(st, err)) == 1) {
		at[*n].chain = db_int(st, 0);
		at[(*n)++].seq = db_int(st, 1);
	}
	db_done(st);
	for (i = 0; rc >= 0 && i < *n; i++)
		rc = fill_one(r, &at[i], err);
	if (rc >= 0 && *n < FILL_AT_ONCE)
		rc = db_run(r->db, err,
		    "INSERT OR REPLACE INTO _meta(name, value)"
		    " VALUES ('timeline', 1)",
		    "");
	return rc < 0 ? rc : 0;
}

int
replica_fill_timeline(struct replica *r, int64_t ms, struct err *err)
{
	int64_t end = clock_mono() + ms, done;
	size_t n = FILL_AT_ONCE;
	int rc;

	rc = db_get_int(&done, r->db, err,
	    "SELECT count(*) FROM _meta WHERE name = 'timeline'", "");
	if (rc != 0 || done != 0)
		return rc;
	while (rc == 0 && n == FILL_AT_ONCE && clock_mono() < end) {
		rc = replica_begin(r, err);
		if (rc != 0)
			return rc;
		rc = fill_some(r, &n, err);
		if (rc == 0)
			rc = replica_commit(r, err);
		else
			replica_rollback(r);
	}
	return rc;
}
