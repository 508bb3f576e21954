#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "canon.h"
#include "model/data.h"
#include "model/vocabulary.h"
#include "op.h"
#include "replica.h"

#define DIVISIONS "divisions/guizhou-divisions.tsv"
#define DIVISION_NAME_MAX 100 /* bytes */

struct vocabulary {
	struct act *act;  /* or NULL: check only */
	const char *root; /* whose records they become */
};

void
vocabulary_id(char id[RECORD_ID_LEN + 1], const char *root, const char *what)
{
	char hex[DIGEST_HEX_LEN + 1];
	struct digest d;

	digest_sha256(&d, what, strlen(what));
	digest_hex(hex, d.b, sizeof(d.b));
	snprintf(id, RECORD_ID_LEN + 1, "%.6s-%.32s", root, hex);
}

static struct op_draft *
draft_new(const struct vocabulary *v, const char *kind, const char *what)
{
	char id[RECORD_ID_LEN + 1];

	vocabulary_id(id, v->root, what);
	return op_draft_new(kind, id);
}

/* An empty cell is a field never written. */
static void
draft_text(struct op_draft *d, const char *field, const char *text)
{
	struct buf json = BUF_INIT;

	if (text[0] == '\0')
		return;
	canon_put_text(&json, text, strlen(text));
	op_draft_set(d, field, buf_str(&json));
	buf_free(&json);
}

static void
draft_done(const struct vocabulary *v, struct op_draft *d)
{
	if (v->act != NULL)
		act_add(v->act, STREAM_ROSTER, d);
	op_draft_free(d);
}

static int
row_check(const struct data_table *t, struct err *err)
{
	const char *cell;
	size_t i;

	for (i = 0; i < data_columns(t); i++) {
		cell = data_cell(t, i);
		if (!text_is_clean(cell, strlen(cell), false))
			return err_set(err, YZ_EINVAL,
			    "line %zu: column %s is not clean text",
			    data_line(t), data_column_name(t, i));
	}
	return 0;
}

/* Every cell under its own header; the column first is called name. */
static void
add_row(const struct vocabulary *v, const struct data_table *t,
    const char *kind, const char *what, const char *first)
{
	struct op_draft *d = draft_new(v, kind, what);
	size_t i;

	for (i = 0; i < data_columns(t); i++)
		draft_text(d,
		    i == 0 && first != NULL ? first : data_column_name(t, i),
		    data_cell(t, i));
	draft_done(v, d);
}

static int
add_kinds(const struct vocabulary *v, struct err *err)
{
	struct data_table *t;
	char *what;
	int rc;

	rc = data_open(&t, "codes/kinds.tsv", err);
	if (rc != 0)
		return rc;
	while ((rc = data_row(t, err)) == 1) {
		rc = row_check(t, err);
		if (rc != 0)
			break;
		what = mem_printf("kind:%s", data_cell(t, 0));
		add_row(v, t, "kind", what, "name");
		free(what);
	}
	data_close(t);
	return rc;
}

static int
add_fields(const struct vocabulary *v, const char *file, struct err *err)
{
	struct data_table *t;
	char *what;
	int rc;

	rc = data_open(&t, file, err);
	if (rc != 0)
		return rc;
	while ((rc = data_row(t, err)) == 1) {
		rc = row_check(t, err);
		if (rc != 0)
			break;
		what = mem_printf(
		    "field:%s.%s", data_get(t, "kind"), data_get(t, "field"));
		add_row(v, t, "field", what, NULL);
		free(what);
	}
	data_close(t);
	return rc;
}

/* --- code lists --------------------------------------------------------- */

struct list {
	char name[64]; /* event_type, division, unit */
	char key[64];  /* its columns: the code, */
	char zh[64];   /* and the labels, "-" for none */
	char en[64];
};

static void
add_list(const struct vocabulary *v, const struct list *list,
    const char *may_differ, const char *note)
{
	char *what = mem_printf("list:%s", list->name);
	struct op_draft *d = draft_new(v, "list", what);

	draft_text(d, "name", list->name);
	draft_text(d, "key_column", list->key);
	draft_text(d, "may_differ", may_differ);
	draft_text(d, "note", note);
	draft_done(v, d);
	free(what);
}

static int
compare_headers(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * What a list has besides code, parent and labels, as a canonical object;
 * nothing is appended if there is nothing.  order: the headers, sorted.
 */
static void
list_extra(struct buf *json, const struct list *list,
    const struct data_table *t, const char **order)
{
	const char *h, *cell;
	size_t i;

	for (i = 0; i < data_columns(t); i++) {
		h = order[i];
		cell = data_get(t, h);
		if (cell[0] == '\0' || strcmp(h, list->key) == 0 ||
		    strcmp(h, list->zh) == 0 || strcmp(h, list->en) == 0 ||
		    strcmp(h, "parent") == 0)
			continue;
		buf_putc(json, json->len == 0 ? '{' : ',');
		canon_put_text(json, h, strlen(h));
		buf_putc(json, ':');
		canon_put_text(json, cell, strlen(cell));
	}
	if (json->len > 0)
		buf_putc(json, '}');
}

static void
add_code(const struct vocabulary *v, const struct list *list,
    const struct data_table *t, const char **order)
{
	const char *code = data_get(t, list->key);
	char *what = mem_printf("code:%s:%s", list->name, code);
	struct op_draft *d = draft_new(v, "code", what);
	struct buf extra = BUF_INIT;

	draft_text(d, "list", list->name);
	draft_text(d, "code", code);
	draft_text(d, "parent", data_get(t, "parent"));
	draft_text(d, "label_zh", data_get(t, list->zh));
	draft_text(d, "label_en", data_get(t, list->en));
	list_extra(&extra, list, t, order);
	if (extra.len > 0)
		op_draft_set(d, "extra", buf_str(&extra));
	draft_done(v, d);
	buf_free(&extra);
	free(what);
}

/* Codes of 6, 9 or 12 digits, each with a name. */
static int
division_check(const struct data_table *t, struct err *err)
{
	const char *code = data_get(t, "code"), *name = data_get(t, "name");
	size_t n = strlen(code);

	if ((n != 6 && n != 9 && n != 12) || strspn(code, "0123456789") != n)
		return err_set(err, YZ_EINVAL,
		    "line %zu: \"%.20s\" is not a division's code",
		    data_line(t), code);
	if (name[0] == '\0' || strlen(name) > DIVISION_NAME_MAX)
		return err_set(err, YZ_EINVAL,
		    "line %zu: division %s has no name of 1 to %d bytes",
		    data_line(t), code, DIVISION_NAME_MAX);
	return 0;
}

/* Takes t over. */
static int
add_codes(const struct vocabulary *v, const struct list *list,
    struct data_table *t, bool divisions, struct err *err)
{
	const char **order = NULL;
	size_t i, key;
	int rc;

	rc = data_column(&key, t, list->key, err);
	if (rc != 0)
		goto out;
	order = mem_calloc(data_columns(t), sizeof(*order));
	for (i = 0; i < data_columns(t); i++)
		order[i] = data_column_name(t, i);
	qsort(order, data_columns(t), sizeof(*order), compare_headers);

	while ((rc = data_row(t, err)) == 1) {
		rc = row_check(t, err);
		if (rc == 0 && divisions)
			rc = division_check(t, err);
		if (rc != 0)
			break;
		add_code(v, list, t, order);
	}
out:
	free(order);
	data_close(t);
	return rc == 0 ? 0 : err_within(err, "list %s", list->name);
}

static int
divisions_open(struct data_table **out, const char *divisions, struct err *err)
{
	size_t i;
	int rc;

	rc = divisions == NULL ? data_open(out, DIVISIONS, err)
			       : data_open_path(out, divisions, err);
	if (rc != 0)
		return rc;
	if (data_column(&i, *out, "code", err) == 0 &&
	    data_column(&i, *out, "parent", err) == 0 &&
	    data_column(&i, *out, "name", err) == 0)
		return 0;
	data_close(*out);
	return err_within(err, "%s", divisions != NULL ? divisions : DIVISIONS);
}

static int
add_division(const struct vocabulary *v, const char *divisions, struct err *err)
{
	static const struct list list = {"division", "code", "name", "-"};
	struct data_table *t;
	int rc;

	add_list(v, &list, "y", "");
	if (divisions != NULL && strcmp(divisions, "none") == 0)
		return 0;
	rc = divisions_open(&t, divisions, err);
	if (rc != 0)
		return rc;
	return add_codes(v, &list, t, true, err);
}

/* One of the files that codes/lists.tsv names, which stands in row of lists. */
static int
add_listed(
    const struct vocabulary *v, const struct data_table *lists, struct err *err)
{
	const char *file = data_get(lists, "file");
	struct data_table *t;
	struct list list;
	char *path;
	int rc;

	snprintf(list.name, sizeof(list.name), "%.*s", (int)strcspn(file, "."),
	    file);
	snprintf(
	    list.key, sizeof(list.key), "%s", data_get(lists, "key_column"));
	snprintf(
	    list.zh, sizeof(list.zh), "%s", data_get(lists, "label_zh_column"));
	snprintf(
	    list.en, sizeof(list.en), "%s", data_get(lists, "label_en_column"));
	add_list(v, &list, data_get(lists, "may_differ_by_province"),
	    data_get(lists, "note"));

	path = mem_printf("codes/%s", file);
	rc = data_open(&t, path, err);
	free(path);
	if (rc != 0)
		return rc;
	return add_codes(v, &list, t, false, err);
}

static int
add_lists(const struct vocabulary *v, const char *divisions, struct err *err)
{
	static const struct list units = {"unit", "code", "name_zh", "name_en"};
	struct data_table *lists, *t;
	int rc;

	rc = data_open(&lists, "codes/lists.tsv", err);
	if (rc != 0)
		return rc;
	while ((rc = data_row(lists, err)) == 1) {
		/* The divisions lie in a folder of their own. */
		if (strchr(data_get(lists, "file"), '/') != NULL)
			continue;
		rc = row_check(lists, err);
		if (rc == 0)
			rc = add_listed(v, lists, err);
		if (rc != 0)
			break;
	}
	data_close(lists);
	if (rc != 0)
		return rc;

	add_list(v, &units, "n", "");
	rc = data_open(&t, "codes/units.tsv", err);
	if (rc == 0)
		rc = add_codes(v, &units, t, false, err);
	if (rc == 0)
		rc = add_division(v, divisions, err);
	return rc;
}

int
vocabulary_add(
    struct act *act, const char *root, const char *divisions, struct err *err)
{
	const struct vocabulary v = {act, root};
	int rc;

	rc = add_kinds(&v, err);
	if (rc == 0)
		rc = add_fields(&v, "codes/common.tsv", err);
	if (rc == 0)
		rc = add_fields(&v, "codes/fields.tsv", err);
	if (rc == 0)
		rc = add_lists(&v, divisions, err);
	return rc;
}

int
vocabulary_division(
    struct buf *name, const char *divisions, const char *code, struct err *err)
{
	struct data_table *t;
	int rc;

	if (divisions != NULL && strcmp(divisions, "none") == 0)
		return err_set(err, YZ_ENOTFOUND, "there are no divisions");
	rc = divisions_open(&t, divisions, err);
	if (rc != 0)
		return rc;
	while ((rc = data_row(t, err)) == 1)
		if (strcmp(data_get(t, "code"), code) == 0)
			break;
	if (rc == 1)
		buf_puts(name, data_get(t, "name"));
	else if (rc == 0)
		rc =
		    err_set(err, YZ_ENOTFOUND, "there is no division %s", code);
	data_close(t);
	return rc > 0 ? 0 : rc;
}
