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
	free(rec->values);
	free(rec->text);
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

#define TEXT_USUAL 1000 /* bytes of a record's values, mostly */
#define FRAME_COLUMNS 8 /* of kind's sql.record, before the fields */

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
	struct buf text = BUF_INIT;
	const char *p;
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
	/* All in one text, an empty string for what has no value: no JSON is
	 * empty.  Where they lie is known once it grows no more. */
	buf_reserve(&text, TEXT_USUAL);
	for (i = 0; i < out->n; i++) {
		value_column(
		    &text, base->fields[i], st, (int)i + FRAME_COLUMNS);
		buf_putc(&text, '\0');
	}
	p = out->text = buf_take(&text);
	for (i = 0; i < out->n; i++, p += strlen(p) + 1)
		out->values[i] = *p == '\0' ? NULL : p;
}

int
record_load(struct record *out, struct replica *r, const struct kind *base,
    int64_t row, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, replica_db(r), err, base->sql.record, "i", row);
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
	int64_t row = 0;
	int rc;

	rc = kind_find(&base, schema, kind, err);
	if (rc != 0)
		return rc;
	base = schema_base(schema, base);
	rc = record_find(whole, r, base->name, id, err);
	if (rc == 0)
		rc = db_get_int(&row, replica_db(r), err,
		    "SELECT rec FROM _record WHERE id = ? AND kind = ?", "ss",
		    whole, base->name);
	if (rc != 0)
		return rc;
	rc = record_load(out, r, base, row, err);
	if (rc == YZ_ENOTFOUND)
		rc = err_set(err, YZ_ENOTFOUND,
		    "%s %s is only referred to: nothing of it is accepted here",
		    base->name, whole);
	return rc;
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

/* --- which way a list is found ------------------------------------------- */

/*
 * A page is found by walking in its order until it is full, or by going
 * through what an index has for one of its filters and sorting that; whichever
 * passes fewer rows.  Nobody waits for a walk past a quarter of a million of
 * them to three that fit.
 */
enum way {
	WAY_ID,    /* in the order of ids, those of one owner stand together */
	WAY_TITLE, /* in the order of titles */
	WAY_RKIND, /* those of a category, sorted */
	WAY_ALL,   /* all, sorted */
};

#define OWNER_FEW 4000 /* records that are sorted sooner than walked past */

struct list {
	struct replica *r;
	const struct record_query *q;
	const struct kind *kind, *base;
	const struct field *sort; /* NULL: by id */
	const char *owner;        /* NULL: of any */
	enum way way;
};

static const struct field *
filter_field(const struct list *l, const struct record_filter *filter)
{
	struct err ignored;
	const struct field *f =
	    schema_field(l->base, filter->field, strlen(filter->field));

	if (f == NULL &&
	    kind_field_find(&f, l->base, l->kind, filter->field, &ignored) != 0)
		return NULL;
	return f;
}

static bool
is_tallied(const struct list *l, const struct field *f)
{
	size_t i;

	for (i = 0; i < l->base->n_tallied; i++)
		if (l->base->tallied[i] == f)
			return true;
	return false;
}

/* How many records these filters leave, by the tally; of a sub-kind. */
static int
tallied(int64_t *out, const struct list *l, const struct record_filter *filters,
    size_t n, struct err *err)
{
	static const char columns[][2] = {"a", "b", "c", "d"};
	struct buf sql = BUF_INIT, args = BUF_INIT;
	struct db_stmt *st;
	size_t i;
	int rc;

	buf_puts(&sql, "SELECT coalesce(sum(t.n), 0) FROM (SELECT n");
	for (i = 0; i < l->base->n_tallied; i++) {
		bool number = l->base->tallied[i]->type == FIELD_BOOL;

		buf_printf(&sql,
		    number ? ", CAST(%s AS INTEGER) AS " : ", %s AS ",
		    columns[i]);
		db_quote(&sql, l->base->tallied[i]->name);
	}
	buf_puts(&sql, " FROM _tally WHERE kind = ?2) t WHERE true");
	rc = record_where(&sql, &args, l->r, l->kind, filters, n, err);
	if (rc == 0)
		rc = db_query(&st, replica_db(l->r), err, buf_str(&sql), "ts",
		    buf_str(&args), args.len, l->base->name);
	if (rc == 0) {
		rc = db_step(st, err);
		if (rc == 1)
			*out = db_int(st, 0);
		db_done(st);
	}
	buf_free(&sql);
	buf_free(&args);
	return rc < 0 ? rc : 0;
}

/* Has the owner few records of the kind? */
static int
owns_few(bool *few, const struct list *l, struct err *err)
{
	int64_t n = 0;
	int rc;

	rc = db_get_int(&n, replica_db(l->r), err,
	    "SELECT count(*) FROM (SELECT 1 FROM _record WHERE id >= ?1 || '-'"
	    " AND id < ?1 || '.' AND kind = ?2 LIMIT ?3)",
	    "ssi", l->owner, l->base->name, (int64_t)OWNER_FEW);
	*few = n < OWNER_FEW;
	return rc;
}

/* Is it shorter by the categories than in the order asked for? */
static int
by_rkind(bool *out, const struct list *l, struct err *err)
{
	const struct kind *b = l->base;
	struct record_filter *some =
	    mem_calloc(l->q->n_filters + 1, sizeof(*some));
	int64_t all = 0, category = 0, fit = 0;
	const struct field *rkind = schema_field(b, "rkind", 5), *f;
	bool asked = l->kind != b;
	size_t i, n = 0;
	int rc = 0;

	*out = false;
	for (i = 0; i < l->q->n_filters; i++) {
		f = filter_field(l, &l->q->filters[i]);
		if (f != NULL && f == rkind) {
			some[n++] = l->q->filters[i];
			asked = true;
		}
	}
	/* Only then is there such an index. */
	if (!asked || rkind == NULL || b->n_tallied == 0 ||
	    b->tallied[0] != rkind || !b->geo ||
	    schema_field(b, "lat", 3) == NULL ||
	    schema_field(b, "lon", 3) == NULL)
		goto out;
	rc = db_get_int(&all, replica_db(l->r), err,
	    "SELECT coalesce(sum(n), 0) FROM _tally WHERE kind = ?", "s",
	    b->name);
	if (rc == 0)
		rc = tallied(&category, l, some, n, err);
	for (i = 0; i < l->q->n_filters; i++) {
		f = filter_field(l, &l->q->filters[i]);
		if (f != NULL && f != rkind && is_tallied(l, f))
			some[n++] = l->q->filters[i];
	}
	if (rc == 0)
		rc = tallied(&fit, l, some, n, err);
	/* Walked until the page is full: all * limit / fit rows. */
	*out = rc == 0 && (l->q->limit == 0 || fit == 0 || fit <= l->q->limit ||
			      category < all / fit * l->q->limit);
out:
	free(some);
	return rc;
}

static int
choose(struct list *l, struct err *err)
{
	bool title = l->sort != NULL &&
		     strcmp(l->sort->name, l->base->title) == 0 &&
		     l->base->stream != STREAM_ROSTER;
	bool yes = l->owner != NULL && l->sort == NULL;
	int rc = 0;

	l->way = WAY_ID;
	if (!yes && l->owner != NULL)
		rc = owns_few(&yes, l, err);
	if (rc != 0 || yes)
		return rc;
	rc = by_rkind(&yes, l, err);
	l->way = yes               ? WAY_RKIND
		 : title           ? WAY_TITLE
		 : l->sort == NULL ? WAY_ID
				   : WAY_ALL;
	return rc;
}

/* --- in SQL --- */

/* A sort field; no value comes first. */
static void
put_key(struct buf *sql, const struct list *l)
{
	buf_puts(sql, "coalesce(t.");
	db_quote(sql, l->sort->name);
	buf_puts(sql, ", -9e999)");
}

static void
put_from(struct buf *sql, const struct list *l, enum way way)
{
	if (way == WAY_ID)
		buf_puts(sql, " FROM _record r CROSS JOIN ");
	else
		buf_puts(sql, " FROM ");
	db_quote(sql, l->base->name);
	buf_puts(sql, " t ");
	if (way == WAY_TITLE || way == WAY_RKIND)
		buf_printf(sql, "INDEXED BY \"_%s_%s\" ", l->base->name,
		    way == WAY_TITLE ? "title" : "place");
	buf_puts(sql,
	    way == WAY_ID ? "USING (rec)" : "CROSS JOIN _record r USING (rec)");
}

/* Behind the record whose id is ?4, then the order; among equal values the
 * order in which they came. */
static void
put_order(struct buf *sql, const struct list *l)
{
	bool down = l->q->sort != NULL && *l->q->sort == '-';
	const char *after = down ? "<" : ">", *way = down ? " DESC" : "";

	if (l->sort == NULL) {
		if (l->q->after != NULL)
			buf_puts(sql, " AND r.id > ?4");
		buf_puts(sql, " ORDER BY r.id");
		return;
	}
	if (l->q->after != NULL) {
		/* Said twice: the first half finds the place in an index. */
		buf_puts(sql, " AND ");
		put_key(sql, l);
		buf_printf(sql, " %s= (SELECT ", after);
		put_key(sql, l);
		put_from(sql, l, WAY_ID);
		buf_puts(sql, " WHERE r.id = ?4 AND r.kind = ?2) AND (");
		put_key(sql, l);
		buf_printf(sql, ", t.rec) %s (SELECT ", after);
		put_key(sql, l);
		buf_puts(sql, ", t.rec");
		put_from(sql, l, WAY_ID);
		buf_puts(sql, " WHERE r.id = ?4 AND r.kind = ?2)");
	}
	buf_puts(sql, " ORDER BY ");
	put_key(sql, l);
	buf_printf(sql, "%s, t.rec%s", way, way);
}

struct rows {
	int64_t *v;
	size_t n, cap;
};

static void
rows_add(struct rows *rows, int64_t rec)
{
	if (rows->n == rows->cap) {
		rows->cap = rows->cap == 0 ? 64 : 2 * rows->cap;
		rows->v = mem_realloc(rows->v, rows->cap * sizeof(*rows->v));
	}
	rows->v[rows->n++] = rec;
}

static int
find_rows(struct rows *out, const struct list *l, struct err *err)
{
	struct buf sql = BUF_INIT, args = BUF_INIT;
	const struct record_query *q = l->q;
	struct db_stmt *st;
	int rc;

	buf_puts(&sql, "SELECT t.rec");
	put_from(&sql, l, l->way);
	buf_puts(&sql, " WHERE r.kind = ?2");
	if (l->owner != NULL && l->way == WAY_ID)
		buf_puts(&sql, " AND r.id >= ?5 || '-' AND r.id < ?5 || '.'");
	if (!q->removed)
		buf_puts(&sql, " AND t.removed = 0");
	rc = record_where(
	    &sql, &args, l->r, l->kind, q->filters, q->n_filters, err);
	put_order(&sql, l);
	/* The last parameter is there, whatever is asked. */
	buf_puts(&sql, " LIMIT iif(?5 IS NULL, ?3, ?3)");
	if (rc == 0)
		rc = db_query(&st, replica_db(l->r), err, buf_str(&sql),
		    "tsiss", buf_str(&args), args.len, l->base->name,
		    q->limit > 0 ? q->limit : -1, q->after, l->owner);
	if (rc == 0) {
		while ((rc = db_step(st, err)) == 1)
			rows_add(out, db_int(st, 0));
		db_done(st);
	}
	buf_free(&sql);
	buf_free(&args);
	return rc;
}

static int
read_query(struct list *l, struct err *err)
{
	const char *sort = l->q->sort;
	size_t i;
	int rc;

	rc = kind_find(&l->kind, replica_schema(l->r), l->q->kind, err);
	if (rc != 0)
		return rc;
	l->base = schema_base(replica_schema(l->r), l->kind);
	for (i = 0; i < l->q->n_filters; i++)
		if (strcmp(l->q->filters[i].field, "owner") == 0)
			l->owner = l->q->filters[i].text;
	if (sort == NULL)
		return 0;
	if (*sort == '-')
		sort++;
	l->sort = schema_field(l->base, sort, strlen(sort));
	return l->sort != NULL
		   ? 0
		   : kind_field_find(&l->sort, l->base, l->kind, sort, err);
}

int
record_list(struct replica *r, const struct record_query *q,
    int (*fn)(void *arg, const struct record *rec, struct err *err), void *arg,
    struct err *err)
{
	struct list l = {.r = r, .q = q};
	struct rows rows = {NULL, 0, 0};
	size_t i;
	int rc;

	rc = read_query(&l, err);
	if (rc == 0)
		rc = choose(&l, err);
	if (rc == 0)
		rc = find_rows(&rows, &l, err);
	/* Rows first, then what is in them: sorting carries no records. */
	for (i = 0; rc == 0 && i < rows.n; i++) {
		struct record rec = RECORD_INIT;

		rc = record_load(&rec, r, l.base, rows.v[i], err);
		if (rc == 0)
			rc = fn(arg, &rec, err);
		else if (rc == YZ_ENOTFOUND)
			rc = 0; /* gone meanwhile */
		record_free(&rec);
	}
	free(rows.v);
	return rc < 0 ? rc : 0;
}
