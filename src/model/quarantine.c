#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "canon.h"
#include "changeset.h"
#include "check.h"
#include "kind.h"
#include "op.h"
#include "quarantine.h"
#include "record.h"
#include "replica.h"
#include "row_clock.h"
#include "schema.h"
#include "value.h"
#include "write.h"

const char *
quarantine_bar_name(enum quarantine_bar bar)
{
	static const char *const names[] = {[QUARANTINE_FREE] = "",
	    [QUARANTINE_OWNER] = "owner",
	    [QUARANTINE_ROOT] = "root",
	    [QUARANTINE_KIND] = "kind",
	    [QUARANTINE_FIELD] = "field",
	    [QUARANTINE_APPEND] = "append",
	    [QUARANTINE_RECORD] = "record"};

	return names[bar];
}

void
quarantine_op_free(struct quarantine_op *q)
{
	free(q->reason);
	free(q->author);
	q->reason = q->author = NULL;
}

/* --- one of them -----------------------------------------------------------
 */

struct held { /* the operation itself, as it was signed */
	struct changeset cs;
	struct ops ops;
	const struct op *op;
};

static void
held_free(struct held *h)
{
	ops_free(&h->ops);
	changeset_free(&h->cs);
}

static int
held_read(struct held *h, struct replica *r, const struct chain_name *chain,
    int64_t seq, int64_t op, struct err *err)
{
	int rc;

	rc = replica_read(r, &h->cs, chain, seq, err);
	if (rc != 0)
		return rc;
	rc = ops_parse(&h->ops, buf_str(&h->cs.ops), h->cs.ops.len, err);
	if (rc != 0) {
		changeset_free(&h->cs);
		return rc;
	}
	if (op < 0 || (size_t)op >= h->ops.n) {
		held_free(h);
		return err_set(err, YZ_ECORRUPT,
		    "the changeset has no operation %lld: yizhan rebuild "
		    "folds the replica anew",
		    (long long)op);
	}
	h->op = &h->ops.v[op];
	return 0;
}

/* Would this station's word count, and does the program write such? */
static bool
may_set(const struct kind *base, const struct op_item *item, enum stream stream)
{
	const struct field *f =
	    schema_field(base, item->field, item->field_len);

	return f != NULL && !kind_field_derived(f) && f->stream == stream &&
	       (f->elem == ELEM_SET) == (item->what != OP_SET);
}

static int
find_bar(struct quarantine_op *q, struct replica *r, const struct op *op,
    struct err *err)
{
	const struct kind *base = schema_kind(replica_schema(r), q->kind);
	char owner[CHAIN_CODE_LEN + 1];
	struct record rec = RECORD_INIT;
	struct err why;
	size_t i;
	int rc;

	snprintf(owner, sizeof(owner), "%.*s", CHAIN_CODE_LEN, q->id);
	q->bar = QUARANTINE_FREE;
	if (base == NULL)
		q->bar = QUARANTINE_KIND;
	else if (base->stream == STREAM_ROSTER)
		q->bar = QUARANTINE_ROOT;
	else if (check_writer(r, base, owner, &why) != 0)
		q->bar = QUARANTINE_OWNER;
	else if (base->append_only)
		q->bar = QUARANTINE_APPEND;
	for (i = 0; q->bar == QUARANTINE_FREE && i < op->n; i++)
		if (!may_set(base, &op->items[i], q->name.stream))
			q->bar = QUARANTINE_FIELD;
	if (q->bar != QUARANTINE_FREE)
		return 0;
	rc = record_read(&rec, r, q->kind, q->id, err);
	record_free(&rec);
	if (rc == YZ_ENOTFOUND) {
		q->bar = QUARANTINE_RECORD;
		rc = 0;
	}
	return rc;
}

static int
fill(struct quarantine_op *q, struct replica *r, struct err *err)
{
	struct held h;
	int rc;

	rc = held_read(&h, r, &q->name, q->seq, q->op, err);
	if (rc != 0)
		return rc;
	q->changeset = h.cs.id;
	q->author = mem_strdup(h.cs.author);
	q->time = h.cs.time;
	rc = find_bar(q, r, h.op, err);
	held_free(&h);
	return rc;
}

int
quarantine_at(struct quarantine_op *out, struct replica *r, int64_t chain,
    int64_t seq, int64_t op, struct err *err)
{
	struct db_stmt *st;
	const char *name;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = db_query(&st, replica_db(r), err,
	    "SELECT h.name, q.kind, q.id, q.reason FROM _quarantine AS q"
	    " JOIN _chain AS h ON h.no = q.chain"
	    " WHERE q.chain = ? AND q.seq = ? AND q.op = ?",
	    "iii", chain, seq, op);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		name = db_text(st, 0);
		rc = chain_parse(&out->name, name, strlen(name), err);
		snprintf(out->kind, sizeof(out->kind), "%s", db_text(st, 1));
		snprintf(out->id, sizeof(out->id), "%s", db_text(st, 2));
		out->reason = mem_strdup(db_text(st, 3));
	} else if (rc == 0) {
		rc = err_set(err, YZ_ENOTFOUND,
		    "this operation is not in quarantine: it counts, or it is "
		    "not here");
	}
	db_done(st);
	out->chain = chain;
	out->seq = seq;
	out->op = op;
	if (rc == 0)
		rc = fill(out, r, err);
	if (rc != 0)
		quarantine_op_free(out);
	return rc;
}

int
quarantine_find(struct quarantine_op *out, struct replica *r,
    const char *changeset, int64_t op, struct err *err)
{
	struct chain_name name;
	char text[CHAIN_NAME_MAX];
	int64_t seq, chain = 0;
	int rc;

	rc = replica_find(r, &name, &seq, changeset, err);
	if (rc != 0)
		return rc;
	chain_format(text, &name);
	rc = db_get_int(&chain, replica_db(r), err,
	    "SELECT no FROM _chain WHERE name = ?", "s", text);
	return rc != 0 ? rc : quarantine_at(out, r, chain, seq, op, err);
}

/* --- beside what stands
 * ------------------------------------------------------
 */

struct beside {
	struct replica *r;
	const struct kind *base; /* NULL: not known here */
	struct record rec;       /* rec 0: not here */
	struct row_clock *clock; /* NULL: none */
	int (*fn)(void *arg, const struct quarantine_value *v, struct err *err);
	void *arg;
};

struct writing {                    /* a changeset's place */
	char chain[CHAIN_NAME_MAX]; /* "": none */
	int64_t seq;
};

static int
by_clock(struct writing *out, const struct beside *b, const struct reg *reg,
    struct err *err)
{
	bool several;
	struct row_place place = row_clock_get(b->clock, reg, &several);
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, replica_db(b->r), err,
	    "SELECT name FROM _chain WHERE no = ?", "i", place.chain);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1)
		snprintf(out->chain, sizeof(out->chain), "%s", db_text(st, 0));
	out->seq = place.seq;
	db_done(st);
	return rc < 0 ? rc : 0;
}

/* Whose write shows? */
static int
find_write(struct writing *out, bool *several, const struct beside *b,
    const char *name, const struct reg *reg, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, replica_db(b->r), err,
	    "SELECT h.name, s.seq FROM _standing AS s JOIN _chain AS h"
	    " ON h.no = s.chain WHERE s.rec = ? AND s.register = ?"
	    " ORDER BY s.shown DESC",
	    "is", b->rec.rec, name);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		snprintf(out->chain, sizeof(out->chain), "%s", db_text(st, 0));
		out->seq = db_int(st, 1);
		rc = db_step(st, err);
		*several = rc == 1;
	}
	db_done(st);
	if (rc >= 0 && out->chain[0] == '\0' && b->clock != NULL && reg != NULL)
		rc = by_clock(out, b, reg, err);
	return rc < 0 ? rc : 0;
}

static int
tell(const struct beside *b, struct quarantine_value *v, const struct reg *reg,
    struct err *err)
{
	struct writing at = {.chain = ""};
	char hex[DIGEST_HEX_LEN + 1];
	struct chain_name name;
	struct changeset cs;
	int rc = 0;

	v->same = strcmp(v->held, v->now) == 0;
	if (b->rec.rec != 0 && strcmp(v->now, "null") != 0)
		rc = find_write(&at, &v->several, b, v->reg, reg, err);
	if (rc != 0)
		return rc;
	if (at.chain[0] == '\0')
		return b->fn(b->arg, v, err);
	rc = chain_parse(&name, at.chain, strlen(at.chain), err);
	if (rc == 0)
		rc = replica_read(b->r, &cs, &name, at.seq, err);
	if (rc != 0)
		return rc;
	digest_hex(hex, cs.id.b, sizeof(cs.id.b));
	v->writer = name.writer;
	v->author = cs.author;
	v->time = cs.time;
	v->changeset = hex;
	rc = b->fn(b->arg, v, err);
	changeset_free(&cs);
	return rc;
}

static void
put_canon(struct buf *out, struct canon v)
{
	buf_put(out, v.s, v.n);
}

static const char *
stands(const struct beside *b, const char *field)
{
	const char *now = b->rec.rec == 0 ? NULL : record_value(&b->rec, field);

	return now == NULL ? "null" : now;
}

/* The fields of a group as one object; those that the operation leaves out
 * are null. */
static int
tell_group(const struct beside *b, const struct op *op, const struct reg *reg,
    struct err *err)
{
	struct buf held = BUF_INIT, now = BUF_INIT;
	struct quarantine_value v = {.reg = reg->name};
	bool any = false;
	size_t i, j;
	int rc;

	for (i = 0; i < reg->n_fields; i++) {
		const struct field *f = reg->fields[i];
		const char *value = stands(b, f->name);

		buf_printf(&held, "%c\"%s\":", i == 0 ? '{' : ',', f->name);
		buf_printf(
		    &now, "%c\"%s\":%s", i == 0 ? '{' : ',', f->name, value);
		any |= strcmp(value, "null") != 0;
		for (j = 0; j < op->n; j++)
			if (op->items[j].field_len == f->name_len &&
			    memcmp(op->items[j].field, f->name, f->name_len) ==
				0)
				break;
		if (j < op->n)
			put_canon(&held, op->items[j].value);
		else
			buf_puts(&held, "null");
	}
	buf_putc(&held, '}');
	buf_putc(&now, '}');
	v.held = buf_str(&held);
	v.now = any ? buf_str(&now) : "null";
	rc = tell(b, &v, reg, err);
	buf_free(&held);
	buf_free(&now);
	return rc;
}

static bool
has_element(const char *list, struct canon element)
{
	struct canon all = {list, strlen(list)}, one;
	size_t at = 0;

	if (canon_type(all) != CANON_LIST)
		return false;
	while (canon_next(all, &at, &one))
		if (canon_equal(one, element))
			return true;
	return false;
}

static int
tell_element(const struct beside *b, const struct op_item *item,
    const struct field *f, struct err *err)
{
	struct quarantine_value v = {
	    .field = f, .held = item->what == OP_ADD ? "true" : "false"};
	struct buf reg = BUF_INIT;
	int rc;

	buf_put(&reg, item->field, item->field_len);
	v.now = f != NULL && has_element(stands(b, f->name), item->value)
		    ? "true"
		    : "false";
	buf_putc(&reg, '=');
	if (canon_type(item->value) == CANON_TEXT)
		canon_text(&reg, item->value);
	else
		put_canon(&reg, item->value);
	v.reg = buf_str(&reg);
	rc = tell(b, &v, f == NULL ? NULL : f->reg, err);
	buf_free(&reg);
	return rc;
}

/* A group once, at the first of its fields. */
static bool
is_told(const struct op *op, size_t i, const struct kind *base,
    const struct reg *reg)
{
	const struct field *f;
	size_t j;

	for (j = 0; j < i; j++) {
		f = schema_field(
		    base, op->items[j].field, op->items[j].field_len);
		if (f != NULL && f->reg == reg)
			return true;
	}
	return false;
}

static int
tell_item(
    const struct beside *b, const struct op *op, size_t i, struct err *err)
{
	const struct op_item *item = &op->items[i];
	struct buf held = BUF_INIT, reg = BUF_INIT;
	struct quarantine_value v = {.now = "null"};
	const struct field *f =
	    b->base == NULL
		? NULL
		: schema_field(b->base, item->field, item->field_len);
	int rc;

	if (item->what != OP_SET)
		return tell_element(b, item, f, err);
	if (f != NULL && f->reg != NULL && f->reg->type == REG_GROUP)
		return is_told(op, i, b->base, f->reg)
			   ? 0
			   : tell_group(b, op, f->reg, err);
	buf_put(&reg, item->field, item->field_len);
	put_canon(&held, item->value);
	v.reg = buf_str(&reg);
	v.field = f;
	v.held = buf_str(&held);
	if (f != NULL)
		v.now = stands(b, f->name);
	rc = tell(b, &v, f == NULL ? NULL : f->reg, err);
	buf_free(&held);
	buf_free(&reg);
	return rc;
}

/* What only says that the record is there, or is there no more. */
static int
tell_mark(const struct beside *b, const struct op *op, enum stream stream,
    struct err *err)
{
	char reg[32];
	struct buf held = BUF_INIT, now = BUF_INIT;
	struct quarantine_value v = {.reg = reg};
	int rc;

	snprintf(reg, sizeof(reg), "@%s", stream_name(stream));
	if (op->drop)
		put_canon(&held, op->reason);
	else
		buf_puts(&held, "true");
	if (b->rec.rec == 0)
		buf_puts(&now, "null");
	else if (b->rec.removed)
		canon_put_text(
		    &now, b->rec.removed_reason, strlen(b->rec.removed_reason));
	else
		buf_puts(&now, "true");
	v.held = buf_str(&held);
	v.now = buf_str(&now);
	rc = tell(
	    b, &v, b->base == NULL ? NULL : schema_mark(b->base, stream), err);
	buf_free(&held);
	buf_free(&now);
	return rc;
}

static int
tell_all(const struct beside *b, const struct op *op, enum stream stream,
    struct err *err)
{
	size_t i;
	int rc = 0;

	if (op->drop || op->n == 0)
		return tell_mark(b, op, stream, err);
	for (i = 0; rc == 0 && i < op->n; i++)
		rc = tell_item(b, op, i, err);
	return rc;
}

int
quarantine_values(struct replica *r, const struct quarantine_op *q,
    int (*fn)(void *arg, const struct quarantine_value *v, struct err *err),
    void *arg, struct err *err)
{
	struct beside b = {.r = r,
	    .base = schema_kind(replica_schema(r), q->kind),
	    .rec = RECORD_INIT,
	    .fn = fn,
	    .arg = arg};
	struct held h;
	int rc;

	rc = held_read(&h, r, &q->name, q->seq, q->op, err);
	if (rc != 0)
		return rc;
	if (b.base != NULL) {
		rc = record_read(&b.rec, r, q->kind, q->id, err);
		if (rc == YZ_ENOTFOUND)
			rc = 0;
	}
	if (rc == 0 && b.rec.rec != 0) {
		b.clock = mem_calloc(1, sizeof(*b.clock));
		rc = row_clock_load(r, b.clock, b.base, b.rec.rec, err);
		if (rc == 0) {
			free(b.clock);
			b.clock = NULL;
		}
	}
	if (rc >= 0)
		rc = tell_all(&b, h.op, q->name.stream, err);
	free(b.clock);
	record_free(&b.rec);
	held_free(&h);
	return rc;
}

/* --- as a change of this station's
 * --------------------------------------------
 */

static int
take_items(struct write *w, bool *changed, const struct quarantine_op *q,
    const struct op *op, struct err *err)
{
	static const enum assign_how how[] = {[OP_SET] = ASSIGN_SET,
	    [OP_ADD] = ASSIGN_ADD,
	    [OP_REMOVE] = ASSIGN_REMOVE};
	struct assign *v = mem_calloc(op->n + 1, sizeof(*v));
	size_t i;
	int rc;

	for (i = 0; i < op->n; i++) {
		const struct op_item *item = &op->items[i];
		struct buf text = BUF_INIT, value = BUF_INIT;

		put_canon(&value, item->value);
		if (canon_type(item->value) != CANON_NULL)
			value_plain(&text, buf_str(&value));
		v[i].field = mem_strndup(item->field, item->field_len);
		v[i].how = how[item->what];
		v[i].text = mem_strdup(buf_str(&text));
		buf_free(&text);
		buf_free(&value);
	}
	rc = write_set(w, changed, q->kind, q->id, v, op->n, err);
	for (i = 0; i < op->n; i++) {
		free((char *)v[i].field);
		free((char *)v[i].text);
	}
	free(v);
	return rc;
}

static int
take_drop(struct write *w, bool *changed, const struct quarantine_op *q,
    const struct op *op, struct err *err)
{
	struct buf why = BUF_INIT;
	int rc;

	canon_text(&why, op->reason);
	rc = write_rm(w, q->kind, q->id, buf_str(&why), err);
	buf_free(&why);
	*changed = rc == 0;
	return rc;
}

int
quarantine_take(struct write *w, bool *changed, struct replica *r,
    const struct quarantine_op *q, struct err *err)
{
	struct held h;
	int rc;

	rc = held_read(&h, r, &q->name, q->seq, q->op, err);
	if (rc != 0)
		return rc;
	rc = h.op->drop ? take_drop(w, changed, q, h.op, err)
			: take_items(w, changed, q, h.op, err);
	held_free(&h);
	return rc;
}
