#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/caller.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "canon.h"
#include "draft.h"
#include "kind.h"
#include "limit.h"
#include "op.h"
#include "record.h"
#include "replica.h"
#include "schema.h"
#include "value.h"

int
draft_parse(struct assign *out, char *arg, struct err *err)
{
	char *eq = strchr(arg, '=');

	if (eq == NULL || eq == arg)
		return err_set(err, YZ_EINVAL, "%.64s is not F=V", arg);
	out->text = eq + 1;
	out->how = eq[-1] == '+'   ? ASSIGN_ADD
		   : eq[-1] == '-' ? ASSIGN_REMOVE
				   : ASSIGN_SET;
	if (out->how != ASSIGN_SET)
		eq--;
	*eq = '\0';
	out->field = arg;
	if (*arg == '\0')
		return err_set(err, YZ_EINVAL, "a value without a field");
	return 0;
}

int
draft_parse_all(struct assign *v, char **args, size_t n, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++)
		rc = draft_parse(&v[i], args[i], err);
	return rc;
}

/* --- sets of elements ----------------------------------------------------- */

static bool
set_has(const struct draft_set *s, const char *json)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->v[i], json) == 0)
			return true;
	return false;
}

static void
set_add(struct draft_set *s, const char *json)
{
	if (set_has(s, json))
		return;
	s->v = mem_realloc(s->v, (s->n + 1) * sizeof(*s->v));
	s->v[s->n++] = mem_strdup(json);
}

static void
set_drop(struct draft_set *s, const char *json)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (strcmp(s->v[i], json) != 0)
			continue;
		free(s->v[i]);
		s->v[i] = s->v[--s->n];
		return;
	}
}

static void
set_free(struct draft_set *s)
{
	while (s->n > 0)
		free(s->v[--s->n]);
	free(s->v);
	s->v = NULL;
}

/* The elements of a canonical JSON array. */
static void
set_from(struct draft_set *s, const char *json)
{
	struct canon list = {json, strlen(json)}, item;
	size_t at = 0;

	if (canon_type(list) != CANON_LIST)
		return;
	while (canon_next(list, &at, &item)) {
		char *one = mem_strndup(item.s, item.n);

		set_add(s, one);
		free(one);
	}
}

/* --- assigning ------------------------------------------------------------ */

void
draft_init(struct draft *d, struct replica *r, const struct kind *base,
    const struct kind *sub, const struct record *before)
{
	d->r = r;
	d->base = base;
	d->sub = sub;
	d->before = before;
	d->n = base->n_fields;
	d->v = mem_calloc(d->n + 1, sizeof(*d->v));
	d->files = true;
}

void
draft_free(struct draft *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		free(d->v[i].value);
		set_free(&d->v[i].add);
		set_free(&d->v[i].remove);
	}
	free(d->v);
	d->v = NULL;
	d->n = 0;
}

static struct draft_field *
field_of(const struct draft *d, const char *name)
{
	int i = kind_index(d->base, name);

	return i < 0 ? NULL : &d->v[i];
}

void
draft_put(struct draft *d, const struct field *f, const char *json)
{
	struct draft_field *df = field_of(d, f->name);

	if (df == NULL)
		return;
	df->field = f;
	free(df->value);
	df->value = mem_strdup(json);
}

/* Store the file as an attachment; the value is its hash. */
static int
attach(struct buf *json, struct draft *d, const struct field *f,
    const char *path, struct err *err)
{
	char hex[DIGEST_HEX_LEN + 1];
	struct buf bytes = BUF_INIT;
	int rc;

	rc = caller_read(&bytes, path, LIMIT_BLOB, err);
	if (rc == 0)
		rc = blob_put(d->r, hex, bytes.b, bytes.len, err);
	buf_free(&bytes);
	if (rc != 0)
		return err_within(err, "%s", f->name);
	canon_put_text(json, hex, strlen(hex));
	return 0;
}

/* F=V twice for one set is both; F=@FILE only adds. */
static int
assign_set(struct draft *d, struct draft_field *df, const struct assign *a,
    struct err *err)
{
	struct buf json = BUF_INIT;
	struct draft_set given = {NULL, 0};
	bool file =
	    d->files && df->field->type == FIELD_BLOB && a->text[0] == '@';
	size_t i;
	int rc;

	if (file) {
		buf_putc(&json, '[');
		rc = attach(&json, d, df->field, a->text + 1, err);
		buf_putc(&json, ']');
	} else {
		rc = value_parse_field(&json, d->r, df->field, a->text, err);
	}
	if (rc != 0)
		goto out;
	set_from(&given, buf_str(&json));
	if (a->how == ASSIGN_SET && !file)
		df->whole = true;
	for (i = 0; i < given.n; i++) {
		bool away = a->how == ASSIGN_REMOVE;

		set_drop(away ? &df->add : &df->remove, given.v[i]);
		set_add(away ? &df->remove : &df->add, given.v[i]);
	}
out:
	set_free(&given);
	buf_free(&json);
	return rc;
}

int
draft_assign(struct draft *d, const struct assign *a, struct err *err)
{
	struct buf json = BUF_INIT;
	const struct field *f;
	struct draft_field *df;
	int rc;

	rc = kind_field_find(&f, d->base, d->sub, a->field, err);
	if (rc != 0)
		return rc;
	df = field_of(d, f->name);
	if (kind_field_derived(f) || df == NULL)
		return err_set(err, YZ_EDENIED,
		    "%s follows from other records and is not written",
		    f->name);
	df->field = f;
	if (f->elem == ELEM_SET)
		return assign_set(d, df, a, err);
	if (a->how != ASSIGN_SET)
		return err_set(err, YZ_EINVAL,
		    "%s is not a set: it takes %s=VALUE", f->name, f->name);
	if (d->files && f->type == FIELD_BLOB && f->elem == ELEM_ONE &&
	    a->text[0] == '@')
		rc = attach(&json, d, f, a->text + 1, err);
	else
		rc = value_parse_field(&json, d->r, f, a->text, err);
	if (rc == 0)
		draft_put(d, f, buf_str(&json));
	buf_free(&json);
	return rc;
}

const char *
draft_value(const struct draft *d, const char *field)
{
	const struct draft_field *df = field_of(d, field);

	if (df != NULL && df->value != NULL)
		return strcmp(df->value, "null") == 0 ? NULL : df->value;
	if (df != NULL && df->add.n > 0)
		return df->add.v[0];
	return d->before == NULL ? NULL : record_value(d->before, field);
}

void
draft_text(struct buf *out, const struct draft *d, const char *field)
{
	const char *json = draft_value(d, field);

	if (json != NULL)
		value_plain(out, json);
}

/* --- settling ------------------------------------------------------------- */

/* Leave out elements that stand, or are absent, already. */
static void
settle_set(struct draft_field *df, const char *stands, bool conflict)
{
	struct draft_set now = {NULL, 0};
	size_t i;

	if (stands != NULL)
		set_from(&now, stands);
	if (df->whole) {
		for (i = 0; i < now.n; i++)
			if (!set_has(&df->add, now.v[i]))
				set_add(&df->remove, now.v[i]);
	}
	for (i = 0; i < now.n && !conflict; i++)
		set_drop(&df->add, now.v[i]);
	for (i = df->remove.n; i > 0 && !conflict; i--)
		if (!set_has(&now, df->remove.v[i - 1]))
			set_drop(&df->remove, df->remove.v[i - 1]);
	if (df->add.n == 0 && df->remove.n == 0)
		df->field = NULL;
	set_free(&now);
}

/* The members of a merge group are written together: those not given keep
 * what stands, or nothing. */
static void
settle_group(struct draft *d, const struct reg *reg)
{
	size_t i, written = 0;

	for (i = 0; i < reg->n_fields; i++)
		written += d->v[reg->fields[i]->column].field != NULL;
	for (i = 0; written > 0 && i < reg->n_fields; i++) {
		const struct field *f = reg->fields[i];
		const char *stands =
		    d->before == NULL ? NULL : d->before->values[f->column];

		if (d->v[f->column].field == NULL)
			draft_put(d, f, stands == NULL ? "null" : stands);
	}
}

int
draft_settle(struct draft *d, struct err *err)
{
	bool conflict = false;
	size_t i;
	int rc;

	for (i = 0; i < d->n; i++) {
		struct draft_field *df = &d->v[i];
		const char *stands =
		    d->before == NULL ? NULL : d->before->values[i];

		if (df->field == NULL)
			continue;
		/* Where several writes stand, writing what shows decides. */
		rc = d->before == NULL
			 ? 0
			 : record_in_conflict(&conflict, d->r, d->before,
			       d->base->fields[i]->reg, err);
		if (rc != 0)
			return rc;
		if (df->value == NULL) {
			settle_set(df, stands, conflict);
		} else if (!conflict &&
			   strcmp(df->value,
			       stands == NULL ? "null" : stands) == 0) {
			df->field = NULL;
		}
	}
	for (i = 0; i < d->base->n_regs; i++)
		if (d->base->regs[i].type == REG_GROUP)
			settle_group(d, &d->base->regs[i]);
	return 0;
}

bool
draft_any(const struct draft *d)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (d->v[i].field != NULL)
			return true;
	return false;
}

struct op_draft *
draft_op(const struct draft *d, const char *id, enum stream stream)
{
	struct op_draft *op = NULL;
	size_t i, j;

	for (i = 0; i < d->n; i++) {
		const struct draft_field *df = &d->v[i];
		const char *name = d->base->fields[i]->name;

		if (df->field == NULL || d->base->fields[i]->stream != stream)
			continue;
		if (op == NULL)
			op = op_draft_new(d->base->name, id);
		if (df->value != NULL)
			op_draft_set(op, name, df->value);
		for (j = 0; j < df->add.n; j++)
			op_draft_add(op, name, df->add.v[j]);
		for (j = 0; j < df->remove.n; j++)
			op_draft_remove(op, name, df->remove.v[j]);
	}
	return op;
}
