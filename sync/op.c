#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "op.h"

struct draft_item {
	enum op_what what;
	char *field;
	char *json;
	size_t turn; /* of the calls, the how-manieth */
};

struct op_draft {
	char *kind;
	char *id;
	char *reason; /* of a drop, or NULL */
	struct draft_item *v;
	size_t n, cap;
};

struct op_draft *
op_draft_new(const char *kind, const char *id)
{
	struct op_draft *d = mem_calloc(1, sizeof(*d));

	d->kind = mem_strdup(kind);
	d->id = mem_strdup(id);
	return d;
}

bool
op_draft_is_drop(const struct op_draft *d)
{
	return d->reason != NULL;
}

const char *
op_draft_id(const struct op_draft *d)
{
	return d->id;
}

void
op_draft_free(struct op_draft *d)
{
	size_t i;

	if (d == NULL)
		return;
	for (i = 0; i < d->n; i++) {
		free(d->v[i].field);
		free(d->v[i].json);
	}
	free(d->v);
	free(d->reason);
	free(d->kind);
	free(d->id);
	free(d);
}

static void
draft_put(
    struct op_draft *d, enum op_what what, const char *field, const char *json)
{
	struct draft_item *item;

	if (d->n == d->cap) {
		d->cap = d->cap == 0 ? 8 : d->cap * 2;
		d->v = mem_realloc(d->v, d->cap * sizeof(*d->v));
	}
	item = &d->v[d->n];
	item->what = what;
	item->field = mem_strdup(field);
	item->json = mem_strdup(json);
	item->turn = d->n++;
}

void
op_draft_set(struct op_draft *d, const char *field, const char *json)
{
	draft_put(d, OP_SET, field, json);
}

void
op_draft_add(struct op_draft *d, const char *field, const char *json)
{
	draft_put(d, OP_ADD, field, json);
}

void
op_draft_remove(struct op_draft *d, const char *field, const char *json)
{
	draft_put(d, OP_REMOVE, field, json);
}

void
op_draft_drop(struct op_draft *d, const char *reason)
{
	free(d->reason);
	d->reason = mem_strdup(reason);
}

/* By what, field, then an element's bytes or, for a set, the turn. */
static int
item_order(const void *a, const void *b)
{
	const struct draft_item *x = a, *y = b;
	int order;

	if (x->what != y->what)
		return x->what < y->what ? -1 : 1;
	order = strcmp(x->field, y->field);
	if (order == 0 && x->what != OP_SET)
		order = strcmp(x->json, y->json);
	return order != 0 ? order : (x->turn > y->turn) - (x->turn < y->turn);
}

/* Does the item after this one repeat it?  Then the later one stands. */
static bool
superseded(const struct draft_item *item, const struct draft_item *next)
{
	return next->what == item->what &&
	       strcmp(next->field, item->field) == 0 &&
	       (item->what == OP_SET || strcmp(next->json, item->json) == 0);
}

/* The member called name with the items of one sort; nothing if there are
 * none. */
static void
write_fields(struct buf *out, const struct op_draft *d, enum op_what what,
    const char *name)
{
	const struct draft_item *before = NULL;
	bool list = what != OP_SET;
	size_t i;

	for (i = 0; i < d->n; i++) {
		const struct draft_item *item = &d->v[i];

		if (item->what != what ||
		    (i + 1 < d->n && superseded(item, item + 1)))
			continue;
		if (before != NULL && list &&
		    strcmp(before->field, item->field) == 0) {
			buf_putc(out, ',');
		} else {
			if (before == NULL)
				buf_printf(out, "\"%s\":{", name);
			else
				buf_puts(out, list ? "]," : ",");
			canon_put_text(out, item->field, strlen(item->field));
			buf_puts(out, list ? ":[" : ":");
		}
		buf_puts(out, item->json);
		before = item;
	}
	if (before != NULL)
		buf_puts(out, list ? "]}," : "},");
}

void
op_draft_write(struct buf *out, const struct op_draft *d)
{
	bool drop = d->reason != NULL;

	/* The order of calls lives on in turn, so sorting changes nothing. */
	if (d->n > 1)
		qsort(d->v, d->n, sizeof(*d->v), item_order);
	buf_putc(out, '{');
	if (drop) {
		buf_puts(out, "\"drop\":");
		canon_put_text(out, d->reason, strlen(d->reason));
		buf_putc(out, ',');
	} else {
		write_fields(out, d, OP_ADD, "add");
	}
	buf_puts(out, "\"id\":");
	canon_put_text(out, d->id, strlen(d->id));
	buf_puts(out, ",\"kind\":");
	canon_put_text(out, d->kind, strlen(d->kind));
	buf_putc(out, ',');
	if (!drop) {
		write_fields(out, d, OP_REMOVE, "remove");
		write_fields(out, d, OP_SET, "set");
	}
	out->len--; /* the comma after the last member */
	buf_puts(out, "}\n");
}
