#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/digest.h"
#include "base/err.h"

#define TEXT_MAX 200

int
audit_open(struct db *db, struct err *err)
{
	return db_exec(db,
	    "CREATE TABLE IF NOT EXISTS audit(no INTEGER PRIMARY KEY,"
	    " at INTEGER, login TEXT, peer TEXT, what TEXT, about TEXT,"
	    " result TEXT, hash BLOB)",
	    err);
}

/* One line of it: what would end a line is a space. */
static void
put_clean(struct buf *out, const char *s)
{
	size_t i, n = strnlen(s, TEXT_MAX);

	while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--; /* never within a character */
	for (i = 0; i < n; i++)
		buf_putc(out,
		    (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? ' ' : s[i]);
}

static void
hash_entry(struct digest *out, const void *prev, const struct audit_entry *e)
{
	struct buf text = BUF_INIT;

	buf_put(&text, prev, sizeof(out->b));
	buf_printf(&text, "%lld\n%lld\n%s\n%s\n%s\n%s\n%s\n", (long long)e->no,
	    (long long)e->at, e->login, e->peer, e->what, e->about, e->result);
	digest_sha256(out, text.b, text.len);
	buf_free(&text);
}

static int
last(struct db *db, int64_t *no, struct digest *hash, struct err *err)
{
	struct db_stmt *st;
	const void *p;
	size_t n;
	int rc;

	*no = 0;
	memset(hash, 0, sizeof(*hash));
	rc = db_query(&st, db, err,
	    "SELECT no, hash FROM audit ORDER BY no DESC LIMIT 1", "");
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		*no = db_int(st, 0);
		p = db_blob(st, 1, &n);
		if (p != NULL && n == sizeof(hash->b))
			memcpy(hash->b, p, n);
		rc = 0;
	}
	db_done(st);
	return rc;
}

static int
insert(struct db *db, struct audit_entry *e, struct err *err)
{
	struct digest prev, hash;
	int rc;

	rc = last(db, &e->no, &prev, err);
	if (rc != 0)
		return rc;
	e->no++;
	hash_entry(&hash, prev.b, e);
	return db_run(db, err, "INSERT INTO audit VALUES (?,?,?,?,?,?,?,?)",
	    "iisssssb", e->no, e->at, e->login, e->peer, e->what, e->about,
	    e->result, hash.b, sizeof(hash.b));
}

int
audit_add(struct db *db, const char *login, const char *peer, const char *what,
    const char *about, const char *result, struct err *err)
{
	const char *given[5] = {login, peer, what, about, result};
	struct buf text[5];
	struct audit_entry e;
	bool own = !db_in_transaction(db);
	size_t i;
	int rc = 0;

	memset(text, 0, sizeof(text));
	for (i = 0; i < 5; i++)
		put_clean(&text[i], given[i] == NULL ? "" : given[i]);
	e.at = clock_wall();
	e.login = buf_str(&text[0]);
	e.peer = buf_str(&text[1]);
	e.what = buf_str(&text[2]);
	e.about = buf_str(&text[3]);
	e.result = buf_str(&text[4]);
	if (own)
		rc = db_begin(db, err);
	if (rc == 0)
		rc = insert(db, &e, err);
	if (own && rc == 0)
		rc = db_commit(db, err);
	if (own && rc != 0)
		db_rollback(db);
	for (i = 0; i < 5; i++)
		buf_free(&text[i]);
	return rc;
}

static void
read_entry(struct audit_entry *e, struct db_stmt *st)
{
	e->no = db_int(st, 0);
	e->at = db_int(st, 1);
	e->login = db_text(st, 2);
	e->peer = db_text(st, 3);
	e->what = db_text(st, 4);
	e->about = db_text(st, 5);
	e->result = db_text(st, 6);
}

int
audit_list(struct db *db, int64_t below, int64_t limit,
    int (*fn)(void *arg, const struct audit_entry *e, struct err *err),
    void *arg, struct err *err)
{
	struct audit_entry e;
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, db, err,
	    "SELECT no, at, login, peer, what, about, result FROM audit"
	    " WHERE ?1 = 0 OR no < ?1 ORDER BY no DESC LIMIT ?2",
	    "ii", below, limit);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		read_entry(&e, st);
		rc = fn(arg, &e, err);
		if (rc != 0)
			break;
	}
	db_done(st);
	return rc;
}

int
audit_verify(struct db *db, int64_t *entries, struct err *err)
{
	struct digest prev, hash;
	struct audit_entry e;
	struct db_stmt *st;
	const void *p;
	size_t n;
	int rc;

	*entries = 0;
	memset(&prev, 0, sizeof(prev));
	rc = db_query(&st, db, err,
	    "SELECT no, at, login, peer, what, about, result, hash FROM audit"
	    " ORDER BY no",
	    "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		read_entry(&e, st);
		p = db_blob(st, 7, &n);
		hash_entry(&hash, prev.b, &e);
		if (e.no != *entries + 1 || p == NULL || n != sizeof(hash.b) ||
		    memcmp(p, hash.b, n) != 0) {
			rc = err_set(err, YZ_ECORRUPT,
			    "audit log: entry %lld was changed or the one "
			    "before it taken out",
			    (long long)e.no);
			break;
		}
		prev = hash;
		++*entries;
	}
	db_done(st);
	return rc;
}
