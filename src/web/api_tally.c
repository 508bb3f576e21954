/* How many records of a kind there are, by the values of some fields. */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "desk.h"
#include "model/kind.h"
#include "model/value.h"
#include "replica.h"
#include "schema.h"

#define BY_MAX 4 /* fields */

struct by {
	const struct field *v[BY_MAX];
	size_t n;
};

/* "rkind,status": codes and booleans, which have few values. */
static int
read_by(struct by *by, const struct kind *base, const char *s, struct err *err)
{
	const struct field *f;
	size_t len;

	for (by->n = 0;; s += len + 1) {
		len = strcspn(s, ",");
		f = schema_field(base, s, len);
		if (f == NULL || f->elem != ELEM_ONE ||
		    (f->type != FIELD_CODE && f->type != FIELD_BOOL))
			return err_set(err, YZ_EINVAL,
			    "%s has no code or boolean field %.*s", base->name,
			    (int)(len < 40 ? len : 40), s);
		if (by->n == BY_MAX)
			return err_set(
			    err, YZ_EINVAL, "by names over %d fields", BY_MAX);
		by->v[by->n++] = f;
		if (s[len] == '\0')
			return 0;
	}
}

static void
put_row(struct buf *out, const struct by *by, struct db_stmt *st)
{
	size_t i;

	buf_putc(out, '{');
	for (i = 0; i < by->n; i++) {
		buf_printf(out, "\"%s\":", by->v[i]->name);
		if (!value_column(out, by->v[i], st, (int)i))
			buf_puts(out, "null");
		buf_putc(out, ',');
	}
	buf_printf(out, "\"count\":%lld}", (long long)db_int(st, (int)by->n));
}

/* The column of _tally that has a field, or NULL. */
static const char *
kept(const struct kind *base, const struct field *f)
{
	static const char *const columns[KIND_TALLIED_MAX] = {
	    "a", "b", "c", "d"};
	size_t i;

	for (i = 0; i < base->n_tallied; i++)
		if (base->tallied[i] == f)
			return columns[i];
	return NULL;
}

/* From what is kept; a boolean is there as text, as any value. */
static void
put_kept(struct buf *sql, const struct kind *base, const struct by *by)
{
	size_t i;

	buf_puts(sql, "SELECT ");
	for (i = 0; i < by->n; i++)
		buf_printf(sql,
		    by->v[i]->type == FIELD_BOOL
			? "CASE WHEN %1$s IN ('0', '1') THEN CAST(%1$s AS"
			  " INTEGER) ELSE %1$s END, "
			: "%1$s, ",
		    kept(base, by->v[i]));
	buf_puts(sql, "sum(n) FROM _tally WHERE kind = ? GROUP BY 1");
	for (i = 1; i < by->n; i++)
		buf_printf(sql, ", %zu", i + 1);
}

static void
put_counted(struct buf *sql, const struct kind *base, const struct by *by)
{
	size_t i;

	buf_puts(sql, "SELECT ");
	for (i = 0; i < by->n; i++) {
		db_quote(sql, by->v[i]->name);
		buf_puts(sql, ", ");
	}
	buf_puts(sql, "count(*) FROM ");
	db_quote(sql, base->name);
	buf_puts(sql, " WHERE removed = 0 AND ? IS NOT NULL GROUP BY 1");
	for (i = 1; i < by->n; i++)
		buf_printf(sql, ", %zu", i + 1);
}

DESK_HANDLER(api_tally)
{
	const char *names = http_query(c->q, "by");
	const struct kind *kind, *base;
	struct buf sql = BUF_INIT;
	struct buf *out = &c->p->body;
	struct db_stmt *st;
	struct by by;
	size_t i;
	int rc;

	if (names == NULL)
		return err_set(err, YZ_EINVAL, "by is missing: which fields");
	rc = kind_find(&kind, replica_schema(c->r), c->arg[0], err);
	if (rc != 0)
		return rc;
	base = schema_base(replica_schema(c->r), kind);
	rc = read_by(&by, base, names, err);
	if (rc != 0)
		return rc;
	for (i = 0; i < by.n && kept(base, by.v[i]) != NULL;)
		i++;
	if (i == by.n)
		put_kept(&sql, base, &by);
	else
		put_counted(&sql, base, &by);
	rc = db_query(
	    &st, replica_db(c->r), err, buf_str(&sql), "s", base->name);
	buf_puts(out, "{\"rows\":[");
	if (rc == 0) {
		for (i = 0; (rc = db_step(st, err)) == 1; i++) {
			buf_puts(out, i == 0 ? "" : ",");
			put_row(out, &by, st);
		}
		db_done(st);
	}
	buf_puts(out, "]}");
	buf_free(&sql);
	return rc;
}
