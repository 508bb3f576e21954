#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/csv.h"
#include "base/err.h"
#include "base/mem.h"
#include "canon.h"
#include "model/code.h"
#include "model/export.h"
#include "model/kind.h"
#include "base/memo.h"
#include "model/record.h"
#include "model/value.h"
#include "replica.h"
#include "schema.h"

#define BOM "\xef\xbb\xbf"

struct export
{
	struct replica *r;
	const struct export_order *order;
	const struct kind *kind, *base;
	const struct field **fields; /* one per column after the id */
	int *index;                  /* its place in a record's values */
	size_t n_fields;
	struct memo *memo;
	struct buf *out;
	struct buf *cells;  /* of the row being written, id first */
	const char **texts; /* the same, for csv_write() */
	size_t n;           /* records written */
};

static void
add_column(struct export *x, const struct field *f)
{
	size_t i;

	if (kind_field_derived(f))
		return;
	for (i = 0; i < x->n_fields; i++)
		if (strcmp(x->fields[i]->name, f->name) == 0)
			return;
	x->fields[x->n_fields] = f;
	x->index[x->n_fields++] = kind_index(x->base, f->name);
}

/* The kind's own fields first, then sub-kinds', then what all kinds have. */
static void
choose_columns(struct export *x)
{
	const struct kind *base = x->base;
	size_t i, max = base->n_fields + x->kind->n_fields;
	bool own, common;

	x->fields = mem_calloc(max, sizeof(*x->fields));
	x->index = mem_calloc(max, sizeof(*x->index));
	for (i = 0; i < base->n_fields; i++)
		if (strcmp(base->fields[i]->of, base->name) == 0)
			add_column(x, base->fields[i]);
	for (i = 0; x->kind != base && i < x->kind->n_fields; i++)
		add_column(x, x->kind->fields[i]);
	for (i = 0; i < base->n_fields; i++) {
		own = strcmp(base->fields[i]->of, base->name) == 0;
		common = strcmp(base->fields[i]->of, "common") == 0;
		if (!own && !common && x->kind == base)
			add_column(x, base->fields[i]);
	}
	for (i = 0; i < base->n_fields; i++)
		if (strcmp(base->fields[i]->of, "common") == 0)
			add_column(x, base->fields[i]);
}

/*
 * Headers: labels, as long as they lead back to the field; else its name.
 */
static void
write_header(struct export *x)
{
	const struct kind *sub = x->kind == x->base ? NULL : x->kind;
	const struct field *back;
	struct err err;
	size_t i, j;

	x->texts[0] = x->order->zh ? "记录编号" : "id";
	for (i = 0; i < x->n_fields; i++) {
		const char *label =
		    kind_field_label(x->fields[i], x->order->zh);

		if (!x->order->zh ||
		    (kind_field_find(&back, x->base, sub, label, &err) == 0 &&
			strcmp(back->name, x->fields[i]->name) != 0))
			label = x->fields[i]->name;
		for (j = 0; j < i; j++)
			if (strcmp(x->texts[j + 1], label) == 0)
				label = x->fields[i]->name;
		x->texts[i + 1] = label;
	}
	buf_puts(x->out, BOM);
	csv_write(x->out, x->texts, x->n_fields + 1, ',');
}

/* The label of a code if it leads back to the code, else the code. */
static int
code_text(struct buf *out, struct export *x, const struct field *f,
    const char *code, struct err *err)
{
	const char *known = memo_get(x->memo, f, code);
	struct buf label = BUF_INIT, back = BUF_INIT;
	struct err ignored;
	int rc;

	if (known != NULL) {
		buf_puts(out, known);
		return 0;
	}
	rc = code_label(&label, x->r, f, code, x->order->zh, err);
	if (rc == 0) {
		if (label.len == 0 ||
		    code_resolve(&back, x->r, f, buf_str(&label), &ignored) !=
			0 ||
		    strcmp(buf_str(&back), code) != 0) {
			buf_clear(&label);
			buf_puts(&label, code);
		}
		memo_put(x->memo, f, code, buf_str(&label));
		buf_puts(out, buf_str(&label));
	}
	buf_free(&label);
	buf_free(&back);
	return rc;
}

/* One value, or one element; v is not null. */
static int
one_text(struct buf *out, struct export *x, const struct field *f,
    struct canon v, struct err *err)
{
	struct buf json = BUF_INIT, text = BUF_INIT;
	const char *known;
	int rc = 0;

	buf_put(&json, v.s, v.n);
	value_plain(&text, buf_str(&json));
	if (f->type == FIELD_CODE && !x->order->codes) {
		rc = code_text(out, x, f, buf_str(&text), err);
	} else if (f->type == FIELD_REF &&
		   !x->order->codes) { /* 第一仓库 (520302-1f0c9a7e) */
		known = memo_get(x->memo, f, buf_str(&text));
		if (known == NULL) {
			struct buf title = BUF_INIT;

			rc = value_text(
			    &title, x->r, f, buf_str(&json), x->order->zh, err);
			if (rc == 0)
				memo_put(x->memo, f, buf_str(&text),
				    buf_str(&title));
			buf_puts(out, buf_str(&title));
			buf_free(&title);
		} else {
			buf_puts(out, known);
		}
	} else if (f->type == FIELD_BOOL && !x->order->codes) {
		rc =
		    value_text(out, x->r, f, buf_str(&json), x->order->zh, err);
	} else {
		buf_puts(out, buf_str(&text));
	}
	buf_free(&json);
	buf_free(&text);
	return rc;
}

/* A set or list as a JSON array of texts, which may hold any character. */
static int
array_text(struct buf *out, struct export *x, const struct field *f,
    struct canon list, struct err *err)
{
	struct buf one = BUF_INIT;
	struct canon item;
	size_t at = 0, n = 0;
	int rc = 0;

	buf_putc(out, '[');
	while (rc == 0 && canon_next(list, &at, &item)) {
		if (n++ > 0)
			buf_putc(out, ',');
		if (f->type == FIELD_JSON) {
			buf_put(out, item.s, item.n);
			continue;
		}
		buf_clear(&one);
		rc = one_text(&one, x, f, item, err);
		canon_put_text(out, buf_str(&one), one.len);
	}
	buf_putc(out, ']');
	buf_free(&one);
	return rc;
}

/* Elements with "|" between them where none holds what a reader may take
 * for a separator. */
static int
list_text(struct buf *out, struct export *x, const struct field *f,
    struct canon list, struct err *err)
{
	size_t at = 0, n = 0, before = out->len;
	struct buf one = BUF_INIT;
	bool plain = f->type != FIELD_JSON;
	struct canon item;
	int rc = 0;

	while (rc == 0 && plain && canon_next(list, &at, &item)) {
		buf_clear(&one);
		rc = one_text(&one, x, f, item, err);
		plain = one.len > 0 && buf_str(&one)[0] != '[' &&
			strpbrk(buf_str(&one), "|;,\n") == NULL &&
			strstr(buf_str(&one), "、") == NULL &&
			strstr(buf_str(&one), "；") == NULL &&
			strstr(buf_str(&one), "，") == NULL;
		buf_printf(out, "%s%s", n++ > 0 ? "|" : "", buf_str(&one));
	}
	buf_free(&one);
	if (rc == 0 && !plain) {
		out->len = before;
		rc = array_text(out, x, f, list, err);
	}
	return rc;
}

static int
cell_text(struct buf *out, struct export *x, const struct field *f,
    const char *json, struct err *err)
{
	struct canon v = {json, strlen(json)};

	if (canon_type(v) == CANON_NULL)
		return 0;
	if (f->elem != ELEM_ONE && canon_type(v) == CANON_LIST)
		return list_text(out, x, f, v, err);
	/* A spreadsheet would run what begins like a formula; the importer
	 * takes the apostrophe off again. */
	if (f->type == FIELD_TEXT && v.n > 1 && strchr("=+-@'", v.s[1]) != NULL)
		buf_putc(out, '\'');
	return one_text(out, x, f, v, err);
}

static int
write_record(void *arg, const struct record *rec, struct err *err)
{
	struct export *x = arg;
	const char *json;
	size_t i;
	int rc;

	buf_clear(&x->cells[0]);
	buf_puts(&x->cells[0], rec->id);
	x->texts[0] = buf_str(&x->cells[0]);
	for (i = 0; i < x->n_fields; i++) {
		struct buf *cell = &x->cells[i + 1];

		buf_clear(cell);
		json = x->index[i] < 0 ? NULL : rec->values[x->index[i]];
		if (json != NULL) {
			rc = cell_text(cell, x, x->fields[i], json, err);
			if (rc != 0)
				return err_within(err, "%s", rec->id);
		}
		x->texts[i + 1] = buf_str(cell);
	}
	csv_write(x->out, x->texts, x->n_fields + 1, ',');
	x->n++;
	return 0;
}

int
export_run(struct buf *out, size_t *n, struct replica *r,
    const struct export_order *order, struct err *err)
{
	struct record_query query = {.kind = order->kind};
	struct export x = {.r = r, .order = order, .out = out};
	size_t i;
	int rc;

	rc = kind_find(&x.kind, replica_schema(r), order->kind, err);
	if (rc != 0)
		return rc;
	query.kind = x.kind->name;
	x.base = schema_base(replica_schema(r), x.kind);
	choose_columns(&x);
	x.cells = mem_calloc(x.n_fields + 1, sizeof(*x.cells));
	x.texts = mem_calloc(x.n_fields + 1, sizeof(*x.texts));
	x.memo = memo_new();

	write_header(&x);
	rc = record_list(r, &query, write_record, &x, err);
	*n = x.n;

	for (i = 0; i <= x.n_fields; i++)
		buf_free(&x.cells[i]);
	free(x.cells);
	free(x.texts);
	free(x.fields);
	free(x.index);
	memo_free(x.memo);
	return rc;
}
