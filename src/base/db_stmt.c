#include "config.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/db_impl.h"
#include "base/err.h"
#include "base/mem.h"

#define DB_STATEMENTS_MAX 1024 /* kept before the idle ones are dropped */

static uint64_t
hash_text(const char *s, size_t n)
{
	uint64_t h = n, word;

	for (; n >= 8; n -= 8, s += 8) {
		memcpy(&word, s, 8);
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, s, n);
	h = (h ^ word) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

/* The statement's slot, or the free one where it would stand. */
static struct db_stmt **
slot_of(struct db *db, const char *sql, size_t len, uint64_t hash)
{
	size_t i = hash & (db->n_slots - 1);
	struct db_stmt *st;

	while ((st = db->slots[i]) != NULL) {
		if (st->hash == hash && st->len == len &&
		    memcmp(st->sql, sql, len) == 0)
			break;
		i = (i + 1) & (db->n_slots - 1);
	}
	return &db->slots[i];
}

void
db_stmt_free(struct db_stmt *st)
{
	sqlite3_finalize(st->st);
	free(st->sql);
	free(st);
}

/* Move all to a new table: larger, or, once there are too many, one without
 * those not in use. */
static void
resize(struct db *db)
{
	bool drop = db->used >= DB_STATEMENTS_MAX;
	struct db_stmt **old = db->slots;
	size_t i, n = db->n_slots;

	if (!drop)
		db->n_slots *= 2;
	db->slots = mem_calloc(db->n_slots, sizeof(*db->slots));
	db->used = 0;
	for (i = 0; i < n; i++) {
		struct db_stmt *st = old[i];

		if (st == NULL)
			continue;
		if (drop && !st->busy) {
			db_stmt_free(st);
			continue;
		}
		*slot_of(db, st->sql, st->len, st->hash) = st;
		db->used++;
	}
	assert(db->used <= DB_STATEMENTS_MAX / 2 || !drop);
	free(old);
}

static int
prepare(struct db_stmt **out, struct db *db, const char *sql, struct err *err)
{
	size_t len = strlen(sql);
	uint64_t hash = hash_text(sql, len);
	struct db_stmt **slot = slot_of(db, sql, len, hash), *st;
	sqlite3_stmt *raw;

	if (*slot != NULL) {
		*out = *slot;
		return 0;
	}
	if (sqlite3_prepare_v3(db->h, sql, (int)len + 1,
		SQLITE_PREPARE_PERSISTENT, &raw, NULL) != SQLITE_OK)
		return db_failed(db, err);
	if (raw == NULL) {
		err_set(err, YZ_EINVAL, "an empty SQL statement");
		return YZ_EINVAL;
	}
	if (db->used >= db->n_slots / 2) {
		resize(db);
		slot = slot_of(db, sql, len, hash);
	}
	st = mem_calloc(1, sizeof(*st));
	st->db = db;
	st->st = raw;
	st->sql = mem_strdup(sql);
	st->len = len;
	st->hash = hash;
	st->params = sqlite3_bind_parameter_count(raw);
	*slot = st;
	db->used++;
	*out = st;
	return 0;
}

static int
bind_text(sqlite3_stmt *st, int i, const char *s, size_t n)
{
	if (s == NULL)
		return sqlite3_bind_null(st, i);
	return sqlite3_bind_text64(st, i, s, n, SQLITE_STATIC, SQLITE_UTF8);
}

static int
bind(struct db_stmt *st, const char *fmt, va_list ap)
{
	const void *p;
	int i, rc = SQLITE_OK;

	for (i = 1; rc == SQLITE_OK && *fmt != '\0'; i++, fmt++) {
		switch (*fmt) {
		case 'i':
			rc = sqlite3_bind_int64(st->st, i, va_arg(ap, int64_t));
			break;
		case 'd':
			rc = sqlite3_bind_double(st->st, i, va_arg(ap, double));
			break;
		case 's':
			p = va_arg(ap, const char *);
			rc = bind_text(st->st, i, p, p == NULL ? 0 : strlen(p));
			break;
		case 't':
			p = va_arg(ap, const char *);
			rc = bind_text(st->st, i, p, va_arg(ap, size_t));
			break;
		case 'b':
			p = va_arg(ap, const void *);
			rc = sqlite3_bind_blob64(
			    st->st, i, p, va_arg(ap, size_t), SQLITE_STATIC);
			break;
		case 'n':
			rc = sqlite3_bind_null(st->st, i);
			break;
		default:
			assert(*fmt == '\0'); /* no such letter */
		}
	}
	return rc;
}

/* Until db_done(). */
static int
take(struct db_stmt **out, struct db *db, const char *sql, struct err *err)
{
	struct db_stmt *st = NULL;
	int rc;

	*out = NULL;
	rc = prepare(&st, db, sql, err);
	if (rc != 0)
		return rc;
	/* In use: a missing db_done(), or one statement in two loops. */
	assert(!st->busy);
	st->busy = true;
	*out = st;
	return 0;
}

static int
query(struct db_stmt **out, struct db *db, struct err *err, const char *sql,
    const char *fmt, va_list ap)
{
	int rc = take(out, db, sql, err);

	if (rc != 0)
		return rc;
	assert((size_t)(*out)->params == strlen(fmt));
	if (bind(*out, fmt, ap) == SQLITE_OK)
		return 0;
	rc = db_failed(db, err);
	db_done(*out);
	*out = NULL;
	return rc;
}

int
db_query(struct db_stmt **out, struct db *db, struct err *err, const char *sql,
    const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = query(out, db, err, sql, fmt, ap);
	va_end(ap);
	return rc;
}

int
db_prepare(
    struct db_stmt **out, struct db *db, const char *sql, struct err *err)
{
	int rc = take(out, db, sql, err);

	if (rc == 0)
		sqlite3_clear_bindings((*out)->st);
	return rc;
}

/* Keep the first refusal (a value too long) for db_step to tell. */
static void
bound(struct db_stmt *st, int rc)
{
	assert(st->busy && rc != SQLITE_RANGE);
	if (st->refused == 0)
		st->refused = rc;
}

void
db_bind_int(struct db_stmt *st, int place, int64_t v)
{
	bound(st, sqlite3_bind_int64(st->st, place, v));
}

void
db_bind_text(struct db_stmt *st, int place, const char *s, size_t n)
{
	bound(st, bind_text(st->st, place, s, n));
}

void
db_bind_blob(struct db_stmt *st, int place, const void *p, size_t n)
{
	bound(st, sqlite3_bind_blob64(st->st, place, p, n, SQLITE_STATIC));
}

void
db_bind_null(struct db_stmt *st, int place)
{
	bound(st, sqlite3_bind_null(st->st, place));
}

int
db_step(struct db_stmt *st, struct err *err)
{
	int rc;

	if (st->refused != 0)
		return err_set(err, YZ_EINVAL, "database: %s",
		    sqlite3_errstr(st->refused));
	rc = sqlite3_step(st->st);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return db_failed(st->db, err);
}

void
db_done(struct db_stmt *st)
{
	if (st == NULL)
		return;
	sqlite3_reset(st->st);
	st->refused = 0;
	st->busy = false;
}

int
db_run(struct db *db, struct err *err, const char *sql, const char *fmt, ...)
{
	struct db_stmt *st;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = query(&st, db, err, sql, fmt, ap);
	va_end(ap);
	if (rc != 0)
		return rc;
	do {
		rc = db_step(st, err);
	} while (rc == 1);
	db_done(st);
	return rc;
}

int
db_get_int(int64_t *out, struct db *db, struct err *err, const char *sql,
    const char *fmt, ...)
{
	struct db_stmt *st;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = query(&st, db, err, sql, fmt, ap);
	va_end(ap);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		*out = db_int(st, 0);
		rc = 0;
	} else if (rc == 0) {
		rc = err_set(err, YZ_ENOTFOUND, "no such row");
	}
	db_done(st);
	return rc;
}

/* --- columns ------------------------------------------------------------- */

enum db_type
db_type(struct db_stmt *st, int col)
{
	switch (sqlite3_column_type(st->st, col)) {
	case SQLITE_INTEGER:
		return DB_INT;
	case SQLITE_FLOAT:
		return DB_REAL;
	case SQLITE_TEXT:
		return DB_TEXT;
	case SQLITE_BLOB:
		return DB_BLOB;
	default:
		return DB_NULL;
	}
}

int64_t
db_int(struct db_stmt *st, int col)
{
	return sqlite3_column_int64(st->st, col);
}

double
db_real(struct db_stmt *st, int col)
{
	return sqlite3_column_double(st->st, col);
}

const char *
db_text(struct db_stmt *st, int col)
{
	return (const char *)sqlite3_column_text(st->st, col);
}

enum db_type
db_value(struct db_value *out, struct db_stmt *st, int col)
{
	sqlite3_value *v = sqlite3_column_value(st->st, col);

	switch (sqlite3_value_type(v)) {
	case SQLITE_INTEGER:
		out->number = sqlite3_value_int64(v);
		return DB_INT;
	case SQLITE_TEXT:
		out->text = (const char *)sqlite3_value_text(v);
		out->len = (size_t)sqlite3_value_bytes(v);
		return DB_TEXT;
	case SQLITE_FLOAT:
		return DB_REAL;
	case SQLITE_BLOB:
		return DB_BLOB;
	default:
		return DB_NULL;
	}
}

const void *
db_blob(struct db_stmt *st, int col, size_t *len)
{
	const void *p = sqlite3_column_blob(st->st, col);

	*len = (size_t)sqlite3_column_bytes(st->st, col);
	/* SQLite gives no pointer for an empty blob, which is not NULL. */
	if (p == NULL && sqlite3_column_type(st->st, col) != SQLITE_NULL)
		return "";
	return p;
}

bool
db_bytes(void *out, size_t size, struct db_stmt *st, int col)
{
	size_t n;
	const void *p = db_blob(st, col, &n);

	if (p == NULL || n != size)
		return false;
	memcpy(out, p, n);
	return true;
}

int
db_columns(struct db_stmt *st)
{
	return sqlite3_column_count(st->st);
}

const char *
db_column_name(struct db_stmt *st, int col)
{
	return sqlite3_column_name(st->st, col);
}
