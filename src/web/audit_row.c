#include "config.h"

#include <string.h>

#include "audit.h"
#include "audit_head.h"
#include "audit_row.h"
#include "base/buf.h"
#include "base/db.h"

void
audit_row_hash(
    struct digest *out, const struct digest *prev, const struct audit_entry *e)
{
	struct buf text = BUF_INIT;

	buf_put(&text, prev->b, sizeof(prev->b));
	buf_printf(&text, "%lld\n%lld\n%s\n%s\n%s\n%s\n%s\n", (long long)e->no,
	    (long long)e->at, e->login, e->peer, e->what, e->about, e->result);
	if (e->run >= 0)
		buf_printf(&text, "%lld\n", (long long)e->run);
	digest_sha256(out, text.b, text.len);
	buf_free(&text);
}

void
audit_row_read(struct audit_entry *e, struct db_stmt *st)
{
	e->no = db_int(st, 0);
	e->at = db_int(st, 1);
	e->run = db_int(st, 2);
	e->login = db_text(st, 3);
	e->peer = db_text(st, 4);
	e->what = db_text(st, 5);
	e->about = db_text(st, 6);
	e->result = db_text(st, 7);
}

void
audit_row_read_hash(struct digest *out, struct db_stmt *st, int col)
{
	memset(out, 0, sizeof(*out));
	db_bytes(out->b, sizeof(out->b), st, col);
}

/* "SELECT no, hash" of one row; none: all zero. */
int
audit_row_place(struct audit_place *out, struct db *db, const char *sql,
    int64_t arg, struct err *err)
{
	struct db_stmt *st;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = db_query(&st, db, err, sql, "i", arg);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		out->no = db_int(st, 0);
		audit_row_read_hash(&out->hash, st, 1);
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

int
audit_row_base(struct audit_place *out, struct db *db, struct err *err)
{
	return audit_row_place(
	    out, db, "SELECT no, hash FROM audit_base WHERE ? = 0", 0, err);
}

int
audit_row_last(struct audit_place *out, struct db *db, struct err *err)
{
	int rc;

	rc = audit_row_place(out, db,
	    "SELECT no, hash FROM audit WHERE ? = 0 ORDER BY no DESC LIMIT 1",
	    0, err);
	if (rc == 0 && out->no == 0)
		rc = audit_row_base(out, db, err);
	return rc;
}
