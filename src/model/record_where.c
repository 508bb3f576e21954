/* Filters on records, in SQL. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "canon.h"
#include "code.h"
#include "kind.h"
#include "record.h"
#include "replica.h"
#include "schema.h"
#include "value.h"

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
