#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "op.h"

struct parse {
	struct ops *out;
	size_t n_items, cap_items;
	struct err *err;
};

static int
bad(const struct parse *in, const char *what)
{
	return err_set(in->err, YZ_ECORRUPT, "%s", what);
}

static bool
is_name(struct canon key, bool dots)
{
	size_t i, n = key.n - 2;
	const char *s = key.s + 1;

	if (n == 0 || n > LIMIT_FIELD || s[0] < 'a' || s[0] > 'z')
		return false;
	for (i = 1; i < n; i++)
		if (!(s[i] >= 'a' && s[i] <= 'z') &&
		    !(s[i] >= '0' && s[i] <= '9') && s[i] != '_' &&
		    !(dots && s[i] == '.'))
			return false;
	return true;
}

/* Items of one op follow each other, so an op needs only their number until
 * the array has stopped moving. */
static void
add_item(struct parse *in, struct op *op, enum op_what what, struct canon key,
    struct canon value)
{
	struct op_item *item;

	if (in->n_items == in->cap_items) {
		in->cap_items = in->cap_items == 0 ? 64 : in->cap_items * 2;
		in->out->items = mem_realloc(
		    in->out->items, in->cap_items * sizeof(*in->out->items));
	}
	item = &in->out->items[in->n_items++];
	item->what = what;
	item->field = key.s + 1;
	item->field_len = key.n - 2;
	item->value = value;
	op->n++;
}

static int
parse_elements(struct parse *in, struct op *op, enum op_what what,
    struct canon key, struct canon list)
{
	struct canon before = {NULL, 0}, item;
	size_t at = 0;

	if (canon_type(list) != CANON_LIST)
		return bad(in, N_("an add or remove that is not a list"));
	while (canon_next(list, &at, &item)) {
		if (*item.s == '[' || *item.s == '{')
			return bad(
			    in, N_("a set element that is not a scalar"));
		if (before.s != NULL && canon_order(before, item) >= 0)
			return bad(
			    in, N_("set elements not sorted or not unique"));
		add_item(in, op, what, key, item);
		before = item;
	}
	return before.s != NULL ? 0 : bad(in, N_("an empty add or remove"));
}

static int
parse_fields(
    struct parse *in, struct op *op, enum op_what what, struct canon fields)
{
	struct canon key, value;
	size_t at = 0;
	int rc;

	if (canon_type(fields) != CANON_OBJECT || fields.n == 2)
		return bad(in, N_("set, add or remove without fields"));
	while (canon_next_pair(fields, &at, &key, &value)) {
		if (!is_name(key, false))
			return bad(in, N_("a field's name is malformed"));
		if (what == OP_SET) {
			add_item(in, op, what, key, value);
			continue;
		}
		rc = parse_elements(in, op, what, key, value);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* The next key that both sorted objects have.  Names hold no escapes, so
 * their order is that of their texts. */
static bool
next_common(struct canon a, size_t *a_at, struct canon b, size_t *b_at,
    struct canon *a_value, struct canon *b_value)
{
	struct canon a_key, b_key;
	bool more = canon_next_pair(a, a_at, &a_key, a_value) &&
		    canon_next_pair(b, b_at, &b_key, b_value);
	int order;

	while (more) {
		order = canon_order(a_key, b_key);
		if (order == 0)
			return true;
		more = order < 0 ? canon_next_pair(a, a_at, &a_key, a_value)
				 : canon_next_pair(b, b_at, &b_key, b_value);
	}
	return false;
}

static bool
lists_meet(struct canon a, struct canon b)
{
	struct canon x, y;
	size_t i = 0, j = 0;
	bool more = canon_next(a, &i, &x) && canon_next(b, &j, &y);
	int order;

	while (more) {
		order = canon_order(x, y);
		if (order == 0)
			return true;
		more =
		    order < 0 ? canon_next(a, &i, &x) : canon_next(b, &j, &y);
	}
	return false;
}

/* No write may contradict another of its own op. */
static int
check_apart(const struct parse *in, struct canon add, struct canon remove,
    struct canon set)
{
	struct canon v, w;
	size_t i, j;

	i = j = 0;
	if (set.s != NULL && add.s != NULL &&
	    next_common(set, &i, add, &j, &v, &w))
		return bad(in, N_("a field both in set and in add"));
	i = j = 0;
	if (set.s != NULL && remove.s != NULL &&
	    next_common(set, &i, remove, &j, &v, &w))
		return bad(in, N_("a field both in set and in remove"));
	i = j = 0;
	while (add.s != NULL && remove.s != NULL &&
	       next_common(add, &i, remove, &j, &v, &w))
		if (lists_meet(v, w))
			return bad(in, N_("an element both added and removed"));
	return 0;
}

static int
parse_reason(const struct parse *in, struct op *op, struct canon reason)
{
	const char *p;
	size_t n;

	if (canon_type(reason) != CANON_TEXT || reason.n == 2)
		return bad(in, N_("a drop without a reason"));
	n = reason.n - 2;
	for (p = reason.s + 1; p < reason.s + reason.n - 1; p++)
		if (*p == '\\') {
			p++;
			n--;
		}
	if (n > LIMIT_REASON)
		return err_set(in->err, YZ_ECORRUPT,
		    "a reason of %zu bytes is over %d", n, LIMIT_REASON);
	op->drop = true;
	op->reason = reason;
	return 0;
}

static int
parse_id(const struct parse *in, struct op *op, struct canon id)
{
	if (canon_type(id) != CANON_TEXT ||
	    !chain_is_record_id(id.s + 1, id.n - 2))
		return bad(in, N_("a malformed record id"));
	memcpy(op->id, id.s + 1, RECORD_ID_LEN);
	op->id[RECORD_ID_LEN] = '\0';
	return 0;
}

static int
parse_kind(const struct parse *in, struct op *op, struct canon kind)
{
	if (canon_type(kind) != CANON_TEXT || !is_name(kind, true))
		return bad(in, N_("a malformed kind"));
	memcpy(op->kind, kind.s + 1, kind.n - 2);
	op->kind[kind.n - 2] = '\0';
	return 0;
}

static int
parse_op(struct parse *in, struct op *op, const char *line, size_t n)
{
	struct canon whole, key, value;
	struct canon add = {NULL, 0}, remove = {NULL, 0}, set = {NULL, 0};
	size_t at = 0;
	int rc;

	memset(op, 0, sizeof(*op));
	op->line = line;
	op->line_len = n;
	rc = canon_whole(&whole, line, n, in->err);
	if (rc != 0)
		return rc;
	if (canon_type(whole) != CANON_OBJECT)
		return bad(in, N_("not an object"));
	while (rc == 0 && canon_next_pair(whole, &at, &key, &value)) {
		if (canon_is_text(key, "id")) {
			rc = parse_id(in, op, value);
		} else if (canon_is_text(key, "kind")) {
			rc = parse_kind(in, op, value);
		} else if (canon_is_text(key, "set")) {
			set = value;
			rc = parse_fields(in, op, OP_SET, value);
		} else if (canon_is_text(key, "add")) {
			add = value;
			rc = parse_fields(in, op, OP_ADD, value);
		} else if (canon_is_text(key, "remove")) {
			remove = value;
			rc = parse_fields(in, op, OP_REMOVE, value);
		} else if (canon_is_text(key, "drop")) {
			rc = parse_reason(in, op, value);
		} else {
			rc = bad(in, N_("an unknown member"));
		}
	}
	if (rc != 0)
		return rc;
	if (op->id[0] == '\0' || op->kind[0] == '\0')
		return bad(in, N_("id or kind is missing"));
	if (op->drop && op->n > 0)
		return bad(in, N_("a drop that also writes"));
	return check_apart(in, add, remove, set);
}

/* Count the lines; every one must be ended. */
static int
count_lines(size_t *lines, const char *text, size_t n, struct err *err)
{
	const char *p = text, *end = text + n;

	*lines = 0;
	if (n > LIMIT_OPS_BYTES)
		return err_set(err, YZ_ECORRUPT, "ops of %zu bytes are over %u",
		    n, LIMIT_OPS_BYTES);
	while (p < end) {
		p = memchr(p, '\n', (size_t)(end - p));
		++*lines;
		if (*lines > LIMIT_OPS)
			return err_set(
			    err, YZ_ECORRUPT, "over %d ops", LIMIT_OPS);
		if (p == NULL)
			return err_set(err, YZ_ECORRUPT,
			    "op %zu: the line is not ended", *lines);
		p++;
	}
	return 0;
}

int
ops_parse(struct ops *out, const char *text, size_t n, struct err *err)
{
	struct parse in = {out, 0, 0, err};
	struct op_item *items;
	size_t i, lines;
	const char *end;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = count_lines(&lines, text, n, err);
	if (rc != 0 || lines == 0)
		return rc;
	out->v = mem_alloc(lines * sizeof(*out->v));
	for (i = 0; i < lines; i++) {
		end = memchr(text, '\n', n);
		rc = parse_op(&in, &out->v[i], text, (size_t)(end - text));
		if (rc != 0) {
			ops_free(out);
			return err_within(err, "op %zu", i + 1);
		}
		n -= (size_t)(end + 1 - text);
		text = end + 1;
	}
	out->n = lines;
	for (i = 0, items = out->items; i < lines; i++) {
		out->v[i].items = items;
		if (items != NULL) /* drops alone have none */
			items += out->v[i].n;
	}
	return 0;
}

void
ops_free(struct ops *ops)
{
	free(ops->v);
	free(ops->items);
	memset(ops, 0, sizeof(*ops));
}
