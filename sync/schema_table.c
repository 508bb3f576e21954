#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "schema.h"
#include "schema_table.h"
#include "tally.h"

int
schema_table_number(struct db *db, const struct kind *k, struct reg *r,
    bool create, struct err *err)
{
	int64_t no;
	int rc;

	rc = db_get_int(&no, db, err,
	    "SELECT no FROM _register WHERE kind = ? AND name = ?", "ss",
	    k->name, r->name);
	if (rc == YZ_ENOTFOUND && create) {
		rc = db_get_int(&no, db, err,
		    "SELECT coalesce(max(no), 0) + 1 FROM _register"
		    " WHERE kind = ?",
		    "s", k->name);
		if (rc == 0)
			rc = db_run(db, err,
			    "INSERT INTO _register(kind, name, no)"
			    " VALUES (?, ?, ?)",
			    "ssi", k->name, r->name, no);
	}
	if (rc != 0)
		return rc;
	r->no = (unsigned)no;
	return 0;
}

static void
put_column(struct buf *sql, const struct field *f)
{
	static const char *const types[] = {[FIELD_INT] = " INTEGER",
	    [FIELD_DECIMAL] = " INTEGER",
	    [FIELD_BOOL] = " INTEGER"};
	bool whole = f->elem == ELEM_ONE && f->type <= FIELD_BOOL &&
		     types[f->type] != NULL;

	db_quote(sql, f->name);
	buf_puts(sql, whole ? types[f->type] : " TEXT");
}

bool
schema_is_ordered(const struct kind *base, const struct field *f)
{
	size_t i;

	if (base->stream == STREAM_ROSTER)
		return false;
	for (i = 0; i < base->n_tallied; i++)
		if (base->tallied[i] == f)
			return f->type == FIELD_CODE;
	return strcmp(f->name, base->title) == 0;
}

void
schema_put_index(
    struct buf *sql, const struct kind *base, const struct field *f)
{
	bool title = strcmp(f->name, base->title) == 0;

	buf_printf(sql, "\"_%s_%s%s\"", base->name, title ? "title" : "by_",
	    title ? "" : f->name);
}

static int
create_indexes(struct db *db, const struct kind *k, struct err *err)
{
	bool rkind = schema_field(k, "rkind", 5) != NULL;
	struct buf sql = BUF_INIT;
	size_t i;
	int rc = 0;

	if (k->geo && schema_field(k, "lat", 3) != NULL &&
	    schema_field(k, "lon", 3) != NULL) {
		buf_puts(&sql, "CREATE INDEX IF NOT EXISTS ");
		buf_printf(&sql, "\"_%s_place\" ON ", k->name);
		db_quote(&sql, k->name);
		buf_printf(
		    &sql, "(%s\"lat\", \"lon\")", rkind ? "\"rkind\", " : "");
		rc = db_exec(db, buf_str(&sql), err);
	}
	for (i = 0; rc == 0 && i < k->n_fields; i++) {
		if (!schema_is_ordered(k, k->fields[i]))
			continue;
		buf_clear(&sql);
		buf_puts(&sql, "CREATE INDEX IF NOT EXISTS ");
		schema_put_index(&sql, k, k->fields[i]);
		buf_puts(&sql, " ON ");
		db_quote(&sql, k->name);
		buf_puts(&sql, "(coalesce(");
		db_quote(&sql, k->fields[i]->name);
		buf_puts(&sql, ", -9e999))");
		rc = db_exec(db, buf_str(&sql), err);
	}
	if (rc == 0 && strcmp(k->name, "code") == 0)
		rc = db_exec(db,
		    "CREATE INDEX IF NOT EXISTS _code_list"
		    " ON \"code\"(\"list\", \"code\");"
		    "CREATE INDEX IF NOT EXISTS _code_label"
		    " ON \"code\"(\"list\", \"label_zh\")",
		    err);
	buf_free(&sql);
	return rc;
}

/* Columns the table has already, in *n; 0 if there is no table. */
static int
count_columns(int64_t *n, struct db *db, const struct kind *k, struct err *err)
{
	return db_get_int(n, db, err,
	    "SELECT count(*) FROM pragma_table_info(?)", "s", k->name);
}

static int
has_column(
    struct db *db, const struct kind *k, const struct field *f, struct err *err)
{
	int64_t n = 0;
	int rc;

	rc = db_get_int(&n, db, err,
	    "SELECT count(*) FROM pragma_table_info(?) WHERE name = ?", "ss",
	    k->name, f->name);
	return rc != 0 ? rc : n != 0;
}

#define OWN_COLUMNS 7 /* rec ... created_by */

int
schema_table_create(struct db *db, const struct kind *k, struct err *err)
{
	struct buf sql = BUF_INIT;
	int64_t n;
	size_t i;
	int rc;

	rc = count_columns(&n, db, k, err);
	if (rc == 0 && n == 0) {
		buf_puts(&sql, "CREATE TABLE ");
		db_quote(&sql, k->name);
		buf_puts(&sql,
		    "(rec INTEGER PRIMARY KEY, _clock BLOB,"
		    " _conflicts INTEGER, removed INTEGER,"
		    " removed_reason TEXT, created_at TEXT, created_by TEXT");
		for (i = 0; i < k->n_fields; i++) {
			buf_puts(&sql, ", ");
			put_column(&sql, k->fields[i]);
		}
		buf_puts(&sql, ")");
		rc = db_exec(db, buf_str(&sql), err);
	} else if (rc == 0 && (size_t)n < OWN_COLUMNS + k->n_fields) {
		for (i = 0; rc == 0 && i < k->n_fields; i++) {
			rc = has_column(db, k, k->fields[i], err);
			if (rc != 0) {
				rc = rc == 1 ? 0 : rc;
				continue;
			}
			buf_clear(&sql);
			buf_puts(&sql, "ALTER TABLE ");
			db_quote(&sql, k->name);
			buf_puts(&sql, " ADD COLUMN ");
			put_column(&sql, k->fields[i]);
			rc = db_exec(db, buf_str(&sql), err);
		}
	}
	buf_free(&sql);
	if (rc == 0)
		rc = create_indexes(db, k, err);
	return rc != 0 ? rc : tally_count(db, k, err);
}

void
schema_table_tallied(struct kind *k)
{
	/* What screens count by: which sort of thing, how it stands, and
	 * whether it is an exercise. */
	static const char *const names[KIND_TALLIED_MAX] = {
	    "rkind", "status", "state", "exercise"};
	size_t i, j;

	k->n_tallied = 0;
	for (i = 0; i < KIND_TALLIED_MAX; i++)
		for (j = 0; j < k->n_fields; j++)
			if (strcmp(k->fields[j]->name, names[i]) == 0 &&
			    k->fields[j]->elem == ELEM_ONE &&
			    (k->fields[j]->type == FIELD_CODE ||
				k->fields[j]->type == FIELD_BOOL))
				k->tallied[k->n_tallied++] = k->fields[j];
}

void
schema_table_sql(struct kind *k)
{
	struct buf insert = BUF_INIT, clock = BUF_INIT, words = BUF_INIT;
	struct buf records = BUF_INIT, tallied = BUF_INIT;
	size_t i;

	buf_puts(&records,
	    "SELECT j.key, r.rec, r.id, r.owner, t.removed, t._conflicts,"
	    " t.removed_reason, t.created_at, t.created_by");
	buf_puts(&insert, "INSERT OR REPLACE INTO ");
	db_quote(&insert, k->name);
	buf_puts(&insert,
	    "(rec, _clock, _conflicts, removed, removed_reason, created_at,"
	    " created_by");
	for (i = 0; i < k->n_fields; i++) {
		buf_putc(&insert, ',');
		db_quote(&insert, k->fields[i]->name);
		if (i % DB_TAKEN_MAX == 0)
			buf_printf(
			    &records, "%s, taken(%zu", i == 0 ? "" : ")", i);
		buf_puts(&records, ", t.");
		db_quote(&records, k->fields[i]->name);
		if (!k->fields[i]->search)
			continue;
		buf_puts(&words, words.len == 0 ? "SELECT " : ", ");
		db_quote(&words, k->fields[i]->name);
	}
	buf_puts(&insert, ") VALUES (?,?,?,?,?,?,?");
	for (i = 0; i < k->n_fields; i++)
		buf_puts(&insert, ",?");
	buf_putc(&insert, ')');
	k->sql.insert = buf_take(&insert);

	buf_puts(&records, k->n_fields == 0 ? "" : ")");
	buf_puts(&records, " FROM json_each(?) j CROSS JOIN ");
	db_quote(&records, k->name);
	buf_puts(&records,
	    " t ON t.rec = j.value CROSS JOIN _record r ON r.rec = t.rec");
	k->sql.records = buf_take(&records);

	buf_puts(&tallied, "SELECT removed");
	for (i = 0; i < k->n_tallied; i++) {
		buf_puts(&tallied, ", ");
		db_quote(&tallied, k->tallied[i]->name);
	}
	buf_puts(&tallied, " FROM ");
	db_quote(&tallied, k->name);
	buf_puts(&tallied, " WHERE rec = ?");
	k->sql.tallied = buf_take(&tallied);

	buf_puts(&clock, "SELECT _clock FROM ");
	db_quote(&clock, k->name);
	buf_puts(&clock, " WHERE rec = ?");
	k->sql.clock = buf_take(&clock);

	if (words.len == 0)
		return;
	buf_puts(&words, " FROM ");
	db_quote(&words, k->name);
	buf_puts(&words, " WHERE rec = ?");
	k->sql.words = buf_take(&words);
}
