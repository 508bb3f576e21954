/* Records, listed: filters, an order, and the way that passes fewest rows. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/memo.h"
#include "canon.h"
#include "code.h"
#include "kind.h"
#include "record.h"
#include "replica.h"
#include "schema.h"
#include "value.h"

/* --- which way a list is found ------------------------------------------- */

/*
 * A page is found by walking in its order until it is full, or by going
 * through what an index has for one of its filters; whichever passes fewer
 * rows.  Nobody waits for a walk past a quarter of a million of them to three
 * that fit.
 */
enum way {
	WAY_ID,    /* in the order of ids, those of one owner stand together */
	WAY_CAME,  /* as they came */
	WAY_OWNER, /* those of an owner, as they came */
	WAY_FIELD, /* those with some value of an indexed field, as they came */
	WAY_SORT,  /* in the order of an indexed field */
	WAY_ALL,   /* all, sorted */
};

#define OWNER_FEW 4000 /* records that are sorted sooner than walked past */
#define CODES_MAX 16   /* that a way by a field may have */

struct list {
	struct replica *r;
	const struct record_query *q;
	const struct kind *kind, *base;
	const struct field *sort; /* NULL: as they came, or by id */
	const char *owner;        /* NULL: of any */
	enum way way;
	const struct field *by;            /* of WAY_FIELD */
	const struct record_filter *taken; /* that it is there for, or NULL */
	struct buf codes[CODES_MAX];
	size_t n_codes;
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

/* How many records of kind the filters leave, by the tally. */
static int
ask_tally(int64_t *out, const struct list *l, const struct kind *kind,
    const struct record_filter *filters, size_t n, struct err *err)
{
	static const char columns[][2] = {"a", "b", "c", "d"};
	struct buf sql = BUF_INIT, args = BUF_INIT;
	struct memo *memo = replica_memo(l->r);
	const char *known;
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
	rc = record_where(&sql, &args, l->r, kind, filters, n, err);
	if (rc != 0)
		goto out;
	/* The same few sums for every page, while nothing has changed. */
	buf_puts(&args, buf_str(&sql));
	known = memo == NULL ? NULL : memo_get(memo, l->base, buf_str(&args));
	if (known != NULL) {
		*out = strtoll(known, NULL, 10);
		goto out;
	}
	args.len -= sql.len;
	rc = db_query(&st, replica_db(l->r), err, buf_str(&sql), "ts",
	    buf_str(&args), args.len, l->base->name);
	if (rc == 0) {
		rc = db_step(st, err);
		if (rc == 1)
			*out = db_int(st, 0);
		db_done(st);
	}
	if (rc == 1 && memo != NULL) {
		char text[24];

		snprintf(text, sizeof(text), "%lld", (long long)*out);
		buf_puts(&args, buf_str(&sql));
		memo_put(memo, l->base, buf_str(&args), text);
	}
out:
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
	    "SELECT count(*) FROM (SELECT 1 FROM _record INDEXED BY"
	    " _record_owner WHERE owner = ?1 AND kind = ?2 LIMIT ?3)",
	    "ssi", l->owner, l->base->name, (int64_t)OWNER_FEW);
	*few = n < OWNER_FEW;
	return rc;
}

static void
forget_codes(struct list *l)
{
	while (l->n_codes > 0)
		buf_free(&l->codes[--l->n_codes]);
}

/* Go by a filter; a filter that cannot be read is found out later. */
static void
take_filter(
    struct list *l, const struct field *f, const struct record_filter *filter)
{
	struct buf value = BUF_INIT;
	struct err ignored;

	forget_codes(l);
	l->by = f;
	l->taken = filter;
	if (value_parse(&value, l->r, f, filter->text, &ignored) == 0)
		value_plain(&l->codes[l->n_codes++], buf_str(&value));
	buf_free(&value);
}

/* Go by the codes for which the sub-kind stands. */
static bool
take_sub(struct list *l, const struct field *f)
{
	struct buf code = BUF_INIT;
	size_t i;

	forget_codes(l);
	l->by = f;
	l->taken = NULL;
	for (i = 0; i < CODES_MAX && kind_when_at(&code, l->kind, i); i++) {
		buf_put(&l->codes[l->n_codes++], code.b, code.len);
		buf_clear(&code);
	}
	buf_free(&code);
	return i > 0 && i < CODES_MAX;
}

/*
 * The filter, or the sub-kind's own field, with the fewest records, in *few;
 * how many fit them all, as far as they are tallied, in *fit, and how many
 * there are, in *all.
 */
static int
rarest(
    struct list *l, int64_t *few, int64_t *fit, int64_t *all, struct err *err)
{
	struct record_filter some[KIND_TALLIED_MAX];
	const struct field *f;
	struct buf name = BUF_INIT;
	size_t i, n = 0;
	int64_t count = 0;
	int rc;

	rc = ask_tally(all, l, l->base, NULL, 0, err);
	*few = *all;
	if (rc == 0 && l->kind != l->base &&
	    kind_chooser(&name, replica_schema(l->r), l->base)) {
		f = schema_field(l->base, buf_str(&name), name.len);
		if (f != NULL && schema_is_ordered(l->base, f)) {
			rc = ask_tally(&count, l, l->kind, NULL, 0, err);
			if (rc == 0 && count <= *few && take_sub(l, f))
				*few = count;
		}
	}
	for (i = 0; rc == 0 && i < l->q->n_filters; i++) {
		f = filter_field(l, &l->q->filters[i]);
		if (f == NULL || n == KIND_TALLIED_MAX || !is_tallied(l, f))
			continue;
		some[n++] = l->q->filters[i];
		if (!schema_is_ordered(l->base, f) ||
		    l->q->filters[i].text[0] == '\0' ||
		    strcmp(f->code_rule, "prefix") == 0)
			continue;
		rc = ask_tally(&count, l, l->base, &some[n - 1], 1, err);
		if (rc == 0 && count <= *few) {
			*few = count;
			take_filter(l, f, &l->q->filters[i]);
		}
	}
	if (rc == 0)
		rc = ask_tally(fit, l, l->kind, some, n, err);
	buf_free(&name);
	return rc;
}

/* Rows that are passed until a page is full. */
static int64_t
passed(const struct list *l, int64_t of, int64_t fit)
{
	if (l->q->limit == 0 || fit <= 0 || fit <= l->q->limit)
		return of;
	return of / fit * l->q->limit;
}

static int
choose(struct list *l, struct err *err)
{
	bool came = l->sort == NULL && l->q->came, few = false;
	int64_t rare = 0, fit = 0, all = 0, walk;
	int rc = 0;

	l->way = WAY_ID;
	if (l->owner != NULL && l->sort == NULL && !came)
		return 0;
	if (l->owner != NULL) {
		few = came && l->q->n_filters == 1;
		if (!few)
			rc = owns_few(&few, l, err);
		l->way = WAY_OWNER;
		if (rc != 0 || few)
			return rc;
	}
	rc = rarest(l, &rare, &fit, &all, err);
	l->way = came                                  ? WAY_CAME
		 : l->sort == NULL                     ? WAY_ID
		 : schema_is_ordered(l->base, l->sort) ? WAY_SORT
						       : WAY_ALL;
	if (rc != 0 || l->n_codes == 0)
		return rc;
	walk = l->way == WAY_ALL ? all : passed(l, all, fit);
	if ((came ? passed(l, rare, fit) * 2 : rare) < walk)
		l->way = WAY_FIELD;
	return 0;
}

/* --- in SQL --- */

/* A sort field; no value comes first. */
static void
put_key(struct buf *sql, const struct field *f)
{
	buf_puts(sql, "coalesce(t.");
	db_quote(sql, f->name);
	buf_puts(sql, ", -9e999)");
}

/* From where, and the first conditions.  The kind's table has no others'
 * records: _record is asked for owners and ids only. */
static void
put_from(struct buf *sql, const struct list *l, enum way way)
{
	bool record = way == WAY_ID || way == WAY_OWNER;
	const struct field *f = way == WAY_FIELD ? l->by : l->sort;

	buf_puts(sql, " FROM ");
	if (record)
		buf_printf(sql, "_record r %sCROSS JOIN ",
		    way == WAY_OWNER ? "INDEXED BY _record_owner " : "");
	db_quote(sql, l->base->name);
	buf_puts(sql, " t ");
	if (way == WAY_FIELD || way == WAY_SORT) {
		buf_puts(sql, "INDEXED BY ");
		schema_put_index(sql, l->base, f);
		buf_putc(sql, ' ');
	}
	if (record)
		buf_puts(sql, "USING (rec) WHERE r.kind = ?2");
	else if (l->owner != NULL || (l->sort == NULL && !l->q->came))
		buf_puts(
		    sql, "CROSS JOIN _record r USING (rec) WHERE r.kind = ?2");
	else
		buf_puts(sql, "WHERE ?2 IS NOT NULL");
}

/* Those of the way. */
static void
put_way(struct buf *sql, const struct list *l)
{
	if (l->owner != NULL && l->way == WAY_ID)
		buf_puts(sql, " AND r.id >= ?5 || '-' AND r.id < ?5 || '.'");
	if (l->way == WAY_OWNER)
		buf_puts(sql, " AND r.owner = ?5");
	if (l->way == WAY_FIELD) {
		buf_puts(sql, " AND ");
		put_key(sql, l->by);
		buf_puts(sql, l->sort == NULL && l->q->came
				  ? " = json_extract(?6, '$[0]')"
				  : " IN (SELECT value FROM json_each(?6))");
	}
}

/* Behind the record whose id is ?4, then the order; among equal values the
 * order in which they came. */
static void
put_order(struct buf *sql, const struct list *l)
{
	bool down = l->q->sort != NULL && *l->q->sort == '-';
	const char *after = down ? "<" : ">", *way = down ? " DESC" : "";
	const char *row = l->way == WAY_OWNER ? "r.rec" : "t.rec";

	if (l->sort == NULL && l->q->came) {
		if (l->q->after != NULL)
			buf_printf(sql,
			    " AND %s > (SELECT rec FROM _record"
			    " WHERE id = ?4 AND kind = ?2)",
			    row);
		buf_printf(sql, " ORDER BY %s", row);
		return;
	}
	if (l->sort == NULL) {
		if (l->q->after != NULL)
			buf_puts(sql, " AND r.id > ?4");
		buf_puts(sql, " ORDER BY r.id");
		return;
	}
	if (l->q->after != NULL) {
		/* Said twice: the first half finds the place in an index. */
		buf_puts(sql, " AND ");
		put_key(sql, l->sort);
		buf_printf(sql, " %s= (SELECT ", after);
		put_key(sql, l->sort);
		put_from(sql, l, WAY_ID);
		buf_puts(sql, " AND r.id = ?4) AND (");
		put_key(sql, l->sort);
		buf_printf(sql, ", t.rec) %s (SELECT ", after);
		put_key(sql, l->sort);
		buf_puts(sql, ", t.rec");
		put_from(sql, l, WAY_ID);
		buf_puts(sql, " AND r.id = ?4)");
	}
	buf_puts(sql, " ORDER BY ");
	put_key(sql, l->sort);
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

/* The way by a filter is that filter.  Said twice, SQLite would put the value
 * of one in the other, and know the index's words no more. */
static int
where_rest(
    struct buf *sql, struct buf *args, const struct list *l, struct err *err)
{
	const struct record_query *q = l->q;
	struct record_filter *rest =
	    mem_calloc(q->n_filters + 1, sizeof(*rest));
	size_t i, n = 0;
	int rc;

	for (i = 0; i < q->n_filters; i++)
		if (l->way != WAY_FIELD || &q->filters[i] != l->taken)
			rest[n++] = q->filters[i];
	rc = record_where(sql, args, l->r, l->kind, rest, n, err);
	free(rest);
	return rc;
}

/* Rows, along the way; by a field those of codes from first on, n of them. */
static int
find_some(
    struct rows *out, struct list *l, size_t first, size_t n, struct err *err)
{
	struct buf sql = BUF_INIT, args = BUF_INIT, codes = BUF_INIT;
	const struct record_query *q = l->q;
	struct db_stmt *st;
	size_t i;
	int rc;

	for (i = first; i < first + n; i++) {
		buf_putc(&codes, i == first ? '[' : ',');
		canon_put_text(&codes, buf_str(&l->codes[i]), l->codes[i].len);
	}
	buf_puts(&codes, n == 0 ? "[]" : "]");
	buf_puts(&sql, "SELECT t.rec");
	put_from(&sql, l, l->way);
	put_way(&sql, l);
	if (!q->removed)
		buf_puts(&sql, " AND t.removed = 0");
	rc = where_rest(&sql, &args, l, err);
	put_order(&sql, l);
	/* All parameters are there, whatever is asked. */
	buf_puts(&sql, " LIMIT iif(?5 IS NULL AND ?6 IS NULL, ?3, ?3)");
	if (rc == 0)
		rc = db_query(&st, replica_db(l->r), err, buf_str(&sql),
		    "tsisst", buf_str(&args), args.len, l->base->name,
		    q->limit > 0 ? q->limit : -1, q->after, l->owner,
		    buf_str(&codes), codes.len);
	if (rc == 0) {
		while ((rc = db_step(st, err)) == 1)
			rows_add(out, db_int(st, 0));
		db_done(st);
	}
	buf_free(&sql);
	buf_free(&args);
	buf_free(&codes);
	return rc;
}

static int
compare_rows(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int
find_rows(struct rows *out, struct list *l, struct err *err)
{
	size_t i, most = (size_t)l->q->limit;
	int rc = 0;

	if (l->way != WAY_FIELD || l->sort != NULL || !l->q->came)
		return find_some(out, l, 0, l->n_codes, err);
	/* Each code's are in order in the index, those of several are not. */
	for (i = 0; rc == 0 && i < l->n_codes; i++)
		rc = find_some(out, l, i, 1, err);
	if (l->n_codes > 1 && out->n > 0)
		qsort(out->v, out->n, sizeof(*out->v), compare_rows);
	if (most > 0 && out->n > most)
		out->n = most;
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

struct each {
	int (*fn)(void *arg, const struct record *rec, struct err *err);
	void *arg;
};

static int
give(void *arg, size_t i, const struct record *rec, struct err *err)
{
	const struct each *each = arg;

	(void)i;
	return each->fn(each->arg, rec, err);
}

int
record_list(struct replica *r, const struct record_query *q,
    int (*fn)(void *arg, const struct record *rec, struct err *err), void *arg,
    struct err *err)
{
	struct list l = {.r = r, .q = q};
	struct rows rows = {NULL, 0, 0};
	struct each each = {fn, arg};
	int rc;

	rc = read_query(&l, err);
	if (rc == 0)
		rc = choose(&l, err);
	if (rc == 0)
		rc = find_rows(&rows, &l, err);
	/* Rows first, then what is in them: sorting carries no records. */
	if (rc == 0)
		rc = record_each(r, l.base, rows.v, rows.n, give, &each, err);
	free(rows.v);
	forget_codes(&l);
	return rc;
}
