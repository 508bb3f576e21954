#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/db.h"
#include "base/err.h"
#include "replica.h"
#include "settled.h"

int
settled_put(struct db *db, const struct digest *changeset, int64_t op,
    const struct settled *s, struct err *err)
{
	int rc;

	rc = db_run(db, err,
	    "INSERT OR IGNORE INTO settled VALUES (?,?,?,?,?,?)", "biissi",
	    changeset->b, sizeof(changeset->b), op, (int64_t)s->taken, s->login,
	    s->name, s->at);
	if (rc == 0 && db_changes(db) == 0)
		rc = err_set(err, YZ_ECONFLICT,
		    "somebody has settled this operation already");
	return rc;
}

int
settled_get(struct db *db, struct settled *out, const struct digest *changeset,
    int64_t op, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, db, err,
	    "SELECT taken, login, name, at FROM settled"
	    " WHERE changeset = ? AND op = ?",
	    "bi", changeset->b, sizeof(changeset->b), op);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		out->taken = db_int(st, 0) != 0;
		snprintf(out->login, sizeof(out->login), "%s", db_text(st, 1));
		snprintf(out->name, sizeof(out->name), "%s", db_text(st, 2));
		out->at = db_int(st, 3);
		rc = 0;
	} else if (rc == 0) {
		rc = err_set(err, YZ_ENOTFOUND, "nobody has settled that");
	}
	db_done(st);
	return rc;
}

static int
is_held(bool *out, struct replica *r, const void *id, size_t n, int64_t op,
    struct err *err)
{
	int64_t found;
	int rc;

	rc = db_get_int(&found, replica_db(r), err,
	    "SELECT count(*) FROM _changeset AS c JOIN _quarantine AS q"
	    " USING (chain, seq) WHERE c.id = ? AND q.op = ?",
	    "bi", id, n, op);
	*out = rc == 0 && found > 0;
	return rc;
}

int
settled_open(int64_t *out, struct db *db, struct replica *r, struct err *err)
{
	struct db_stmt *st;
	bool held;
	int rc;

	rc = db_get_int(
	    out, replica_db(r), err, "SELECT count(*) FROM _quarantine", "");
	if (rc != 0 || *out == 0)
		return rc;
	rc = db_query(&st, db, err, "SELECT changeset, op FROM settled", "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		size_t n;
		const void *id = db_blob(st, 0, &n);

		rc = is_held(&held, r, id, n, db_int(st, 1), err);
		if (rc != 0)
			break;
		*out -= held;
	}
	db_done(st);
	return rc;
}
