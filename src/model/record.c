#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "canon.h"
#include "code.h"
#include "home.h"
#include "kind.h"
#include "record.h"
#include "replica.h"
#include "schema.h"
#include "value.h"

void
record_free(struct record *rec)
{
	size_t i;

	for (i = 0; i < rec->n; i++)
		free(rec->values[i]);
	free(rec->values);
	free(rec->removed_reason);
	free(rec->created_at);
	free(rec->created_by);
	*rec = (struct record)RECORD_INIT;
}

/* --- finding one --------------------------------------------------------- */

/* CODE- and lower-case hex digits, at least RECORD_PREFIX_MIN? */
static bool
is_prefix(const char *s)
{
	size_t n = strlen(s);

	return n > CHAIN_CODE_LEN + RECORD_PREFIX_MIN && n <= RECORD_ID_LEN &&
	       chain_is_code(s, CHAIN_CODE_LEN) && s[CHAIN_CODE_LEN] == '-' &&
	       strspn(s + CHAIN_CODE_LEN + 1, "0123456789abcdef") ==
		   n - CHAIN_CODE_LEN - 1;
}

int
record_find(char id[RECORD_ID_LEN + 1], struct replica *r, const char *kind,
    const char *prefix, struct err *err)
{
	char end[RECORD_ID_LEN + 2];
	struct db_stmt *st;
	const char *found;
	int rc, n = 0;

	if (!is_prefix(prefix))
		return err_set(err, YZ_EINVAL,
		    "%.64s is no id: a station's code, - and at least %d hex "
		    "digits",
		    prefix, RECORD_PREFIX_MIN);
	/* "g" is past every hex digit. */
	snprintf(end, sizeof(end), "%.*sg", RECORD_ID_LEN, prefix);
	rc = db_query(&st, replica_db(r), err,
	    "SELECT id FROM _record WHERE id >= ? AND id < ? AND kind = ?"
	    " LIMIT 2",
	    "sss", prefix, end, kind);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		found = db_text(st, 0);
		if (n++ == 0 && found != NULL && strlen(found) == RECORD_ID_LEN)
			memcpy(id, found, RECORD_ID_LEN + 1);
	}
	db_done(st);
	if (rc < 0)
		return rc;
	if (n == 0)
		return err_set(
		    err, YZ_ENOTFOUND, "no %s %s here", kind, prefix);
	if (n > 1)
		return err_set(err, YZ_ECONFLICT,
		    "several records of %s begin with %s", kind, prefix);
	return 0;
}

/* The one record with this title; 0 found, YZ_ENOTFOUND, YZ_ECONFLICT. */
static int
find_title(char id[RECORD_ID_LEN + 1], struct replica *r,
    const struct kind *base, const char *title, struct err *err)
{
	struct buf sql = BUF_INIT;
	struct db_stmt *st;
	const char *found;
	int rc, n = 0;

	if (schema_field(base, base->title, strlen(base->title)) == NULL)
		return err_set(
		    err, YZ_ENOTFOUND, "no %s %.64s here", base->name, title);
	buf_puts(&sql, "SELECT r.id FROM ");
	db_quote(&sql, base->name);
	buf_puts(&sql, " t JOIN _record r USING (rec) WHERE t.");
	db_quote(&sql, base->title);
	buf_puts(&sql, " = ? AND t.removed = 0 LIMIT 2");
	rc = db_query(&st, replica_db(r), err, buf_str(&sql), "s", title);
	buf_free(&sql);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		found = db_text(st, 0);
		if (n++ == 0 && found != NULL && strlen(found) == RECORD_ID_LEN)
			memcpy(id, found, RECORD_ID_LEN + 1);
	}
	db_done(st);
	if (rc < 0)
		return rc;
	if (n == 0)
		return err_set(
		    err, YZ_ENOTFOUND, "no %s %.64s here", base->name, title);
	if (n > 1)
		return err_set(err, YZ_ECONFLICT,
		    "several records of %s are called %.64s: give the id",
		    base->name, title);
	return 0;
}

/* Is this station to hold the record, so that its absence means it does not
 * exist? */
static bool
must_hold(struct replica *r, const struct kind *base, const char *id)
{
	struct chain_name c = {.stream = base->stream};

	if (!stream_everyone(base->stream))
		memcpy(c.owner, id, CHAIN_CODE_LEN);
	return chain_reaches(replica_roster(r), &c, replica_home(r)->code);
}

int
record_resolve(char id[RECORD_ID_LEN + 1], struct replica *r, const char *kind,
    const char *text, struct err *err)
{
	const struct schema *schema = replica_schema(r);
	const struct kind *k = schema_kind(schema, kind), *base;
	int rc;

	if (k == NULL) {
		/* The kind is not known here yet: only the form counts. */
		if (!chain_is_record_id(text, strlen(text)))
			return err_set(
			    err, YZ_EINVAL, "%.64s is no record's id", text);
		memcpy(id, text, RECORD_ID_LEN + 1);
		return 0;
	}
	base = schema_base(schema, k);
	if (!is_prefix(text))
		return find_title(id, r, base, text, err);
	rc = record_find(id, r, base->name, text, err);
	if (rc == YZ_ENOTFOUND && strlen(text) == RECORD_ID_LEN &&
	    !must_hold(r, base, text)) {
		memcpy(id, text, RECORD_ID_LEN + 1);
		return 0;
	}
	return rc;
}

/* --- reading ------------------------------------------------------------- */

#define FRAME_COLUMNS 8 /* before the fields */

static void
put_select(struct buf *sql, const struct kind *base)
{
	size_t i;

	buf_puts(sql,
	    "SELECT r.rec, r.id, r.owner, t.removed, t.removed_reason,"
	    " t.created_at, t.created_by, t._conflicts");
	for (i = 0; i < base->n_fields; i++) {
		buf_puts(sql, ", t.");
		db_quote(sql, base->fields[i]->name);
	}
	buf_puts(sql, " FROM _record r JOIN ");
	db_quote(sql, base->name);
	buf_puts(sql, " t ON t.rec = r.rec");
}

static char *
column_text(struct db_stmt *st, int col)
{
	const char *s = db_text(st, col);

	return mem_strdup(s == NULL ? "" : s);
}

static void
copy_id(char *out, size_t size, const char *s)
{
	size_t n = s == NULL ? 0 : strlen(s);

	if (n >= size)
		n = size - 1;
	if (n > 0)
		memcpy(out, s, n);
	out[n] = '\0';
}

static void
from_row(struct record *out, const struct kind *base, struct db_stmt *st)
{
	struct buf value = BUF_INIT;
	size_t i;

	out->kind = base;
	out->rec = db_int(st, 0);
	copy_id(out->id, sizeof(out->id), db_text(st, 1));
	copy_id(out->owner, sizeof(out->owner), db_text(st, 2));
	out->removed = db_int(st, 3) != 0;
	out->removed_reason = column_text(st, 4);
	out->created_at = column_text(st, 5);
	out->created_by = column_text(st, 6);
	out->conflicts = db_int(st, 7);
	out->n = base->n_fields;
	out->values = mem_calloc(out->n + 1, sizeof(*out->values));
	for (i = 0; i < out->n; i++)
		if (value_column(
			&value, base->fields[i], st, (int)i + FRAME_COLUMNS))
			out->values[i] = buf_take(&value);
	buf_free(&value);
}

int
record_load(struct record *out, struct replica *r, const struct kind *base,
    int64_t row, struct err *err)
{
	struct buf sql = BUF_INIT;
	struct db_stmt *st;
	int rc;

	put_select(&sql, base);
	buf_puts(&sql, " WHERE r.rec = ?");
	rc = db_query(&st, replica_db(r), err, buf_str(&sql), "i", row);
	buf_free(&sql);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1)
		from_row(out, base, st);
	else if (rc == 0)
		rc = err_set(err, YZ_ENOTFOUND, "no such row");
	db_done(st);
	return rc < 0 ? rc : 0;
}

int
record_read(struct record *out, struct replica *r, const char *kind,
    const char *id, struct err *err)
{
	const struct schema *schema = replica_schema(r);
	const struct kind *base;
	char whole[RECORD_ID_LEN + 1];
	struct buf sql = BUF_INIT;
	struct db_stmt *st;
	int rc;

	rc = kind_find(&base, schema, kind, err);
	if (rc != 0)
		return rc;
	base = schema_base(schema, base);
	rc = record_find(whole, r, base->name, id, err);
	if (rc != 0)
		return rc;
	put_select(&sql, base);
	buf_puts(&sql, " WHERE r.id = ? AND r.kind = ?");
	rc = db_query(
	    &st, replica_db(r), err, buf_str(&sql), "ss", whole, base->name);
	buf_free(&sql);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1)
		from_row(out, base, st);
	else if (rc == 0)
		rc = err_set(err, YZ_ENOTFOUND,
		    "%s %s is only referred to: nothing of it is accepted here",
		    base->name, whole);
	db_done(st);
	return rc < 0 ? rc : 0;
}

int
record_in_conflict(bool *out, struct replica *r, const struct record *rec,
    const struct reg *reg, struct err *err)
{
	size_t n = strlen(reg->name);
	struct db_stmt *st;
	int rc;

	*out = false;
	if (rec->conflicts == 0)
		return 0;
	rc = db_query(&st, replica_db(r), err,
	    "SELECT register FROM _standing WHERE rec = ?"
	    " GROUP BY register HAVING count(DISTINCT value) > 1",
	    "i", rec->rec);
	if (rc != 0)
		return rc;
	while (!*out && (rc = db_step(st, err)) == 1) {
		const char *name = db_text(st, 0);

		/* An element's register is SET=ELEMENT. */
		*out = name != NULL && strncmp(name, reg->name, n) == 0 &&
		       (name[n] == '\0' || name[n] == '=');
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

const char *
record_value(const struct record *rec, const char *field)
{
	int i = kind_index(rec->kind, field);

	return i < 0 ? NULL : rec->values[i];
}

const struct kind *
record_sub(struct replica *r, const struct record *rec)
{
	const struct schema *schema = replica_schema(r);
	struct buf field = BUF_INIT, code = BUF_INIT;
	const struct kind *sub = NULL;
	const char *value;

	if (kind_chooser(&field, schema, rec->kind)) {
		value = record_value(rec, buf_str(&field));
		if (value != NULL) {
			value_plain(&code, value);
			sub = kind_chosen(schema, rec->kind, buf_str(&code));
		}
	}
	buf_free(&field);
	buf_free(&code);
	return sub;
}

int
record_title(struct buf *out, struct replica *r, const char *kind,
    const char *id, struct err *err)
{
	const struct schema *schema = replica_schema(r);
	const struct kind *base = schema_kind(schema, kind);
	struct buf sql = BUF_INIT, value = BUF_INIT;
	const struct field *f;
	struct db_stmt *st;
	int rc;

	if (base == NULL)
		return 0;
	base = schema_base(schema, base);
	f = schema_field(base, base->title, strlen(base->title));
	if (f == NULL)
		return 0;
	buf_puts(&sql, "SELECT t.");
	db_quote(&sql, f->name);
	buf_puts(&sql, " FROM _record r JOIN ");
	db_quote(&sql, base->name);
	buf_puts(&sql, " t ON t.rec = r.rec WHERE r.id = ? AND r.kind = ?");
	rc = db_query(
	    &st, replica_db(r), err, buf_str(&sql), "ss", id, base->name);
	buf_free(&sql);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1 && value_column(&value, f, st, 0))
		value_plain(out, buf_str(&value));
	db_done(st);
	buf_free(&value);
	return rc < 0 ? rc : 0;
}

/* --- listing ------------------------------------------------------------- */

int
record_filter_parse(struct record_filter *out, char *arg, struct err *err)
{
	char *eq = strchr(arg, '=');

	if (eq == NULL || eq == arg)
		return err_set(err, YZ_EINVAL, "%.64s is not F=V", arg);
	*eq = '\0';
	out->field = arg;
	out->text = eq + 1;
	return 0;
}

/* Add a JSON value to args and append the SQL that reads it. */
static void
put_arg(struct buf *sql, struct buf *args, size_t *n, const char *json)
{
	buf_puts(args, args->len == 0 ? "[" : ",");
	buf_puts(args, json);
	buf_printf(sql, "json_extract(?1, '$[%zu]')", (*n)++);
}

/* The same for an array, as "IN (its elements)". */
static void
put_arg_in(struct buf *sql, struct buf *args, size_t *n, const char *json)
{
	buf_puts(args, args->len == 0 ? "[" : ",");
	buf_puts(args, json);
	buf_printf(
	    sql, " IN (SELECT value FROM json_each(?1, '$[%zu]'))", (*n)++);
}

static void
put_column(struct buf *sql, const char *name)
{
	buf_puts(sql, " AND t.");
	db_quote(sql, name);
}

static int
where_field(struct buf *sql, struct buf *args, size_t *n, struct replica *r,
    const struct field *f, const char *text, struct err *err)
{
	struct buf value = BUF_INIT, stored = BUF_INIT, plain = BUF_INIT;
	bool many = f->elem != ELEM_ONE;
	int rc = 0;

	if (*text == '\0') {
		put_column(sql, f->name);
		buf_puts(sql, " IS NULL");
		return 0;
	}
	rc = value_parse(&value, r, f, text, err);
	if (rc != 0)
		goto out;
	value_plain(&plain, buf_str(&value));
	if (many) {
		buf_puts(sql, " AND EXISTS (SELECT 1 FROM json_each(t.");
		db_quote(sql, f->name);
		buf_puts(sql, ") WHERE value");
	} else {
		put_column(sql, f->name);
	}
	if (f->type == FIELD_CODE && strcmp(f->code_rule, "prefix") == 0) {
		rc = code_below(&stored, r, f, buf_str(&plain), err);
		put_arg_in(sql, args, n, buf_str(&stored));
	} else {
		value_stored(&stored, f, buf_str(&value));
		buf_puts(sql, " = ");
		put_arg(sql, args, n, buf_str(&stored));
	}
	if (many)
		buf_putc(sql, ')');
out:
	buf_free(&value);
	buf_free(&stored);
	buf_free(&plain);
	return rc;
}

/* Only records for which the sub-kind stands. */
static void
where_sub(struct buf *sql, struct buf *args, size_t *n,
    const struct schema *schema, const struct kind *base,
    const struct kind *sub)
{
	struct buf field = BUF_INIT, codes = BUF_INIT, code = BUF_INIT;
	size_t i;

	if (kind_chooser(&field, schema, base)) {
		for (i = 0; kind_when_at(&code, sub, i); i++) {
			buf_putc(&codes, i == 0 ? '[' : ',');
			canon_put_text(&codes, buf_str(&code), code.len);
			buf_clear(&code);
		}
		buf_puts(&codes, i == 0 ? "[]" : "]");
		put_column(sql, buf_str(&field));
		put_arg_in(sql, args, n, buf_str(&codes));
	}
	buf_free(&field);
	buf_free(&codes);
	buf_free(&code);
}

int
record_where(struct buf *sql, struct buf *args, struct replica *r,
    const struct kind *kind, const struct record_filter *filters, size_t n,
    struct err *err)
{
	const struct schema *schema = replica_schema(r);
	const struct kind *base = schema_base(schema, kind);
	const struct field *f;
	size_t i, used = 0;
	int rc = 0;

	buf_puts(sql, " AND ?1 IS NOT NULL");
	if (kind != base)
		where_sub(sql, args, &used, schema, base, kind);
	for (i = 0; rc == 0 && i < n; i++) {
		if (strcmp(filters[i].field, "owner") == 0) {
			struct buf owner = BUF_INIT;

			canon_put_text(
			    &owner, filters[i].text, strlen(filters[i].text));
			buf_puts(sql, " AND r.owner = ");
			put_arg(sql, args, &used, buf_str(&owner));
			buf_free(&owner);
			continue;
		}
		/* The base kind's table has every sub-kind's columns. */
		f = schema_field(
		    base, filters[i].field, strlen(filters[i].field));
		if (f == NULL)
			rc = kind_field_find(
			    &f, base, kind, filters[i].field, err);
		if (rc == 0)
			rc = where_field(
			    sql, args, &used, r, f, filters[i].text, err);
	}
	buf_puts(args, args->len == 0 ? "[]" : "]");
	return rc;
}

/* What a list is sorted by besides the id: nothing, or a column in which no
 * value comes first. */
static int
put_sort(struct buf *out, const struct kind *kind, const struct kind *base,
    const char *sort, struct err *err)
{
	const struct field *f;
	int rc;

	if (sort == NULL)
		return 0;
	if (*sort == '-')
		sort++;
	f = schema_field(base, sort, strlen(sort));
	rc = f != NULL ? 0 : kind_field_find(&f, base, kind, sort, err);
	if (rc != 0)
		return rc;
	buf_puts(out, "coalesce(t.");
	db_quote(out, f->name);
	buf_puts(out, ", -9e999)");
	return 0;
}

/* Behind the record whose id is ?4, then the order. */
static int
put_order(struct buf *sql, const struct kind *kind, const struct kind *base,
    const struct record_query *q, struct err *err)
{
	bool down = q->sort != NULL && *q->sort == '-';
	const char *comma = q->sort == NULL ? "" : ", ", *by;
	struct buf sort = BUF_INIT;
	int rc;

	rc = put_sort(&sort, kind, base, q->sort, err);
	by = buf_str(&sort);
	if (rc == 0 && q->after != NULL) {
		buf_printf(sql,
		    " AND (%s%sr.id) %c (SELECT %s%sr.id FROM _record r JOIN ",
		    by, comma, down ? '<' : '>', by, comma);
		db_quote(sql, base->name);
		buf_puts(sql, " t USING (rec) WHERE r.id = ?4 AND"
			      " r.kind = ?2)");
	}
	buf_printf(sql, " ORDER BY %s%s%sr.id%s", by, down ? " DESC" : "",
	    comma, down ? " DESC" : "");
	buf_free(&sort);
	return rc;
}

int
record_list(struct replica *r, const struct record_query *q,
    int (*fn)(void *arg, const struct record *rec, struct err *err), void *arg,
    struct err *err)
{
	const struct schema *schema = replica_schema(r);
	struct buf sql = BUF_INIT, args = BUF_INIT;
	const struct kind *kind, *base;
	struct db_stmt *st;
	int rc;

	rc = kind_find(&kind, schema, q->kind, err);
	if (rc != 0)
		return rc;
	base = schema_base(schema, kind);
	put_select(&sql, base);
	buf_puts(&sql, " WHERE r.kind = ?2");
	if (!q->removed)
		buf_puts(&sql, " AND t.removed = 0");
	rc = record_where(&sql, &args, r, kind, q->filters, q->n_filters, err);
	if (rc == 0)
		rc = put_order(&sql, kind, base, q, err);
	buf_puts(&sql, " LIMIT ?3");
	if (rc == 0)
		rc = db_query(&st, replica_db(r), err, buf_str(&sql),
		    q->after == NULL ? "tsi" : "tsis", buf_str(&args), args.len,
		    base->name, q->limit > 0 ? q->limit : -1, q->after);
	if (rc == 0) {
		while ((rc = db_step(st, err)) == 1) {
			struct record rec = RECORD_INIT;

			from_row(&rec, base, st);
			rc = fn(arg, &rec, err);
			record_free(&rec);
			if (rc < 0)
				break;
		}
		db_done(st);
	}
	buf_free(&sql);
	buf_free(&args);
	return rc < 0 ? rc : 0;
}
