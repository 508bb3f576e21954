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

DESK_HANDLER(api_tally)
{
	const char *names = http_query(c->q, "by");
	const struct kind *kind, *base;
	struct buf sql = BUF_INIT, list = BUF_INIT;
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
	for (i = 0; i < by.n; i++) {
		db_quote(&list, by.v[i]->name);
		buf_putc(&list, ',');
	}
	buf_printf(&sql, "SELECT %scount(*) FROM ", buf_str(&list));
	db_quote(&sql, base->name);
	list.len--; /* the last comma */
	buf_printf(&sql, " WHERE removed = 0 GROUP BY %.*s", (int)list.len,
	    (const char *)list.b);
	rc = db_query(&st, replica_db(c->r), err, buf_str(&sql), "");
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
	buf_free(&list);
	return rc;
}
