#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "recent.h"
#include "replica_impl.h"
#include "row.h"
#include "row_clock.h"

/*
 * A record from all of its ops.
 *
 * Of each chain only the last accepted write of a register matters: it
 * covers the chain's earlier ones, and knows whatever they knew.  So a
 * register has at most one candidate per chain, and the candidates that no
 * other candidate covers stand.
 */

struct candidate {
	int64_t chain;
	int64_t seq;
	bool present;     /* marks and set elements */
	struct buf value; /* canonical; a mark's reason when absent */
	bool covered;
	int64_t time; /* Time + Offset */
	struct digest id;
};

struct slot { /* a register, or one element of a set */
	const struct reg *reg;
	struct buf element; /* of a set, canonical */
	struct candidate *c;
	size_t n;
};

struct refold {
	struct replica *r;
	int64_t rec;
	const struct kind *kind;
	struct slot *slots;
	size_t n_slots;
	struct row_clock clock;
	bool any; /* some op counts */
	struct digest created_id;
	int64_t created_wall;
	char *created_by;
	int64_t conflicts;
};

/* --- candidates -------------------------------------------------------------
 */

static struct slot *
slot_of(struct refold *f, const struct reg *reg, struct canon element)
{
	struct slot *s;
	size_t i;

	for (i = 0; i < f->n_slots; i++) {
		s = &f->slots[i];
		if (s->reg == reg &&
		    (element.s == NULL ||
			(s->element.len == element.n &&
			    memcmp(s->element.b, element.s, element.n) == 0)))
			return s;
	}
	f->slots = mem_realloc(f->slots, (f->n_slots + 1) * sizeof(*f->slots));
	s = &f->slots[f->n_slots++];
	memset(s, 0, sizeof(*s));
	s->reg = reg;
	if (element.s != NULL)
		buf_put(&s->element, element.s, element.n);
	return s;
}

/* A write takes the place of the same chain's earlier one. */
static struct candidate *
write_slot(struct refold *f, const struct reg *reg, struct canon element,
    const struct chain *c, const struct changeset *cs)
{
	struct slot *s = slot_of(f, reg, element);
	struct candidate *w = NULL;
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->c[i].chain == c->no)
			w = &s->c[i];
	if (w == NULL) {
		s->c = mem_realloc(s->c, (s->n + 1) * sizeof(*s->c));
		w = &s->c[s->n++];
		memset(w, 0, sizeof(*w));
		w->chain = c->no;
	}
	w->seq = cs->seq;
	w->time = cs->time + cs->offset;
	w->id = cs->id;
	w->present = true;
	buf_clear(&w->value);
	return w;
}

/* The value of a merge group: an object of all its members. */
static void
group_value(struct buf *out, const struct reg *reg, const struct op *op)
{
	size_t i, j;

	buf_putc(out, '{');
	for (i = 0; i < reg->n_fields; i++) {
		const char *name = reg->fields[i]->name;
		struct canon v = {"null", 4};

		for (j = 0; j < op->n; j++)
			if (op->items[j].field_len == strlen(name) &&
			    memcmp(op->items[j].field, name, strlen(name)) == 0)
				v = op->items[j].value;
		if (i > 0)
			buf_putc(out, ',');
		canon_put_text(out, name, strlen(name));
		buf_putc(out, ':');
		buf_put(out, v.s, v.n);
	}
	buf_putc(out, '}');
}

static void
add_op(struct refold *f, const struct chain *c, const struct changeset *cs,
    const struct op *op)
{
	const struct canon none = {NULL, 0};
	const struct reg *mark = schema_mark(f->kind, c->name.stream);
	struct candidate *w;
	size_t i;

	w = write_slot(f, mark, none, c, cs);
	w->present = !op->drop;
	if (op->drop)
		buf_put(&w->value, op->reason.s, op->reason.n);
	else
		buf_puts(&w->value, "true");
	for (i = 0; i < op->n; i++) {
		const struct op_item *item = &op->items[i];
		const struct field *field =
		    schema_field(f->kind, item->field, item->field_len);

		if (field == NULL)
			continue;
		if (item->what == OP_SET) {
			w = write_slot(f, field->reg, none, c, cs);
			if (field->reg->type == REG_GROUP)
				group_value(&w->value, field->reg, op);
			else
				buf_put(
				    &w->value, item->value.s, item->value.n);
		} else {
			w = write_slot(f, field->reg, item->value, c, cs);
			w->present = item->what == OP_ADD;
			buf_puts(&w->value, w->present ? "true" : "false");
		}
	}
	f->any = true;
	if (f->clock.by_stream[c->name.stream].chain == 0) {
		f->clock.by_stream[c->name.stream].chain = c->no;
		f->clock.by_stream[c->name.stream].seq = cs->seq;
	}
	if (c->name.stream == f->kind->stream) {
		int64_t time = cs->time + cs->offset;

		if (f->clock.created.chain == 0 ||
		    time < f->clock.created_time ||
		    (time == f->clock.created_time &&
			memcmp(cs->id.b, f->created_id.b, 32) < 0)) {
			f->clock.created.chain = c->no;
			f->clock.created.seq = cs->seq;
			f->clock.created_time = time;
			f->created_id = cs->id;
			f->created_wall = cs->time;
			free(f->created_by);
			f->created_by = mem_strdup(cs->author);
		}
	}
}

/* Every op of the record: its write, or its place in quarantine. */
static int
gather(struct refold *f, struct recent *recent, const char *id,
    const char *kind, struct err *err)
{
	struct row_place *touch = NULL;
	char reason[FOLD_REASON_MAX];
	const struct changeset *cs;
	const struct ops *ops;
	bool waits = false;
	struct db_stmt *st;
	size_t n = 0, i, j;
	int rc;

	rc = db_query(&st, f->r->db, err,
	    "SELECT chain, seq FROM _touch WHERE rec = ? ORDER BY chain, seq",
	    "i", f->rec);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		touch = mem_realloc(touch, (n + 1) * sizeof(*touch));
		touch[n].chain = db_int(st, 0);
		touch[n++].seq = db_int(st, 1);
	}
	db_done(st);
	for (i = 0; rc == 0 && i < n; i++) {
		const struct chain *c = replica_chain_no(f->r, touch[i].chain);

		rc = recent_get(recent, f->r, c, touch[i].seq, &cs, &ops, err);
		for (j = 0; rc == 0 && j < ops->n; j++) {
			const struct op *op = &ops->v[j];

			if (strcmp(op->id, id) != 0 ||
			    strcmp(op->kind, kind) != 0)
				continue;
			if (fold_refuse(f->r, c, f->kind, op, reason)) {
				rc = fold_quarantine(f->r, c, cs->seq, j,
				    f->rec, op, reason, err);
				continue;
			}
			if (f->kind == NULL || fold_unknown_field(f->kind, op))
				waits = true;
			if (f->kind != NULL)
				add_op(f, c, cs, op);
		}
	}
	free(touch);
	if (rc == 0 && waits)
		rc = fold_wait(f->r, f->rec, err);
	return rc;
}

/* --- what stands
 * -------------------------------------------------------------- */

static int
mark_covered(struct refold *f, struct slot *s, struct err *err)
{
	int64_t knows;
	size_t i, j;
	int rc;

	for (i = 0; i < s->n; i++) {
		for (j = 0; j < s->n && !s->c[i].covered; j++) {
			if (i == j)
				continue;
			rc = merge_knows(f->r, &knows, s->c[j].chain,
			    s->c[j].seq, s->c[i].chain, err);
			if (rc != 0)
				return rc;
			s->c[i].covered = knows >= s->c[i].seq;
		}
	}
	return 0;
}

static bool
same_value(
    const struct slot *s, const struct candidate *a, const struct candidate *b)
{
	/* Two drops with different reasons agree that it is gone. */
	if (s->reg->type == REG_MARK || s->reg->type == REG_SET)
		return a->present == b->present;
	return a->value.len == b->value.len &&
	       memcmp(a->value.b, b->value.b, a->value.len) == 0;
}

static int
put_standing(struct refold *f, const struct slot *s,
    const struct candidate *shown, struct err *err)
{
	struct buf name = BUF_INIT;
	size_t i;
	int rc = 0;

	buf_puts(&name, s->reg->name);
	if (s->element.len > 0) {
		buf_putc(&name, '=');
		buf_put(&name, s->element.b, s->element.len);
	}
	for (i = 0; rc == 0 && i < s->n; i++) {
		if (s->c[i].covered)
			continue;
		rc = db_run(f->r->db, err,
		    "INSERT INTO _standing(rec, register, chain, seq, value,"
		    " shown) VALUES (?, ?, ?, ?, ?, ?)",
		    "isiiti", f->rec, buf_str(&name), s->c[i].chain,
		    s->c[i].seq, (const char *)s->c[i].value.b,
		    s->c[i].value.len, (int64_t)(&s->c[i] == shown));
	}
	buf_free(&name);
	return rc;
}

/* The write that shows; the clock and _standing get what they keep. */
static int
settle(struct refold *f, struct slot *s, const struct candidate **out,
    struct err *err)
{
	const struct candidate *shown = NULL;
	const struct row_place several = {0, 0};
	struct row_place place;
	bool differ = false;
	size_t i, standing = 0;
	int rc;

	rc = mark_covered(f, s, err);
	if (rc != 0)
		return rc;
	for (i = 0; i < s->n; i++) {
		const struct candidate *w = &s->c[i];

		if (w->covered)
			continue;
		standing++;
		if (shown != NULL && !same_value(s, shown, w))
			differ = true;
		if (shown == NULL || w->time > shown->time ||
		    (w->time == shown->time &&
			memcmp(w->id.b, shown->id.b, 32) > 0))
			shown = w;
	}
	assert(shown != NULL); /* knowing goes one way: some write stands */
	*out = shown;
	if (standing > 1) {
		if (s->reg->type != REG_SET)
			row_clock_set(&f->clock, s->reg, several);
		f->conflicts += differ;
		return put_standing(f, s, shown, err);
	}
	place.chain = shown->chain;
	place.seq = shown->seq;
	/* Elements have no clock: an op on a set always comes here. */
	if (s->reg->type != REG_SET)
		row_clock_set(&f->clock, s->reg, place);
	return 0;
}

/* --- the row
 * -------------------------------------------------------------------- */

static int
compare_text(const void *a, const void *b)
{
	const struct canon *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int d = memcmp(x->s, y->s, n);

	return d != 0 ? d : (x->n > y->n) - (x->n < y->n);
}

/* The present elements of a set, sorted, as a list. */
static void
set_value(struct buf *out, struct canon *elements, size_t n)
{
	size_t i;

	if (n == 0)
		return;
	qsort(elements, n, sizeof(*elements), compare_text);
	for (i = 0; i < n; i++) {
		buf_putc(out, i == 0 ? '[' : ',');
		buf_put(out, elements[i].s, elements[i].n);
	}
	buf_putc(out, ']');
}

struct shown { /* what a slot shows */
	const struct slot *slot;
	const struct candidate *write;
};

static void
fill_sets(struct refold *f, const struct shown *shown, struct canon *values,
    struct buf *lists)
{
	struct canon *elements = mem_calloc(f->n_slots + 1, sizeof(*elements));
	size_t i, j, n;

	for (i = 0; i < f->kind->n_fields; i++) {
		const struct field *field = f->kind->fields[i];

		if (field->reg == NULL || field->reg->type != REG_SET)
			continue;
		for (n = 0, j = 0; j < f->n_slots; j++) {
			if (shown[j].slot->reg != field->reg ||
			    !shown[j].write->present)
				continue;
			elements[n].s = (const char *)shown[j].slot->element.b;
			elements[n++].n = shown[j].slot->element.len;
		}
		set_value(&lists[i], elements, n);
		if (lists[i].len > 0) {
			values[i].s = buf_str(&lists[i]);
			values[i].n = lists[i].len;
		}
	}
	free(elements);
}

static void
fill_values(struct refold *f, const struct shown *shown, struct row *row)
{
	size_t i, j;

	for (i = 0; i < f->n_slots; i++) {
		const struct reg *reg = shown[i].slot->reg;
		struct canon v = {(const char *)shown[i].write->value.b,
		    shown[i].write->value.len};

		if (reg == schema_mark(f->kind, f->kind->stream)) {
			row->removed = !shown[i].write->present;
			if (row->removed)
				row->reason = v;
		} else if (reg->type == REG_FIELD) {
			row->values[reg->fields[0]->column] = v;
		} else if (reg->type == REG_GROUP) {
			for (j = 0; j < reg->n_fields; j++)
				canon_member(v, reg->fields[j]->name,
				    &row->values[reg->fields[j]->column]);
		}
	}
}

static int
write_row(struct refold *f, const struct shown *shown, const char *owner,
    struct err *err)
{
	size_t i, n = f->kind->n_fields;
	struct canon *values = mem_calloc(n + 1, sizeof(*values));
	struct buf *lists = mem_calloc(n + 1, sizeof(*lists));
	struct row row = {.kind = f->kind,
	    .rec = f->rec,
	    .values = values,
	    .clock = &f->clock,
	    .conflicts = f->conflicts,
	    .created_time = f->created_wall,
	    .created_by = f->created_by,
	    .owner = owner};
	int rc;

	fill_sets(f, shown, values, lists);
	fill_values(f, shown, &row);
	rc = row_put(f->r, &row, false, err);
	for (i = 0; i < n; i++)
		buf_free(&lists[i]);
	free(lists);
	free(values);
	return rc;
}

static void
refold_free(struct refold *f)
{
	size_t i, j;

	for (i = 0; i < f->n_slots; i++) {
		for (j = 0; j < f->slots[i].n; j++)
			buf_free(&f->slots[i].c[j].value);
		free(f->slots[i].c);
		buf_free(&f->slots[i].element);
	}
	free(f->slots);
	free(f->created_by);
	free(f);
}

/* Forget what an earlier folding of the record left beside its row. */
static int
forget(struct replica *r, int64_t rec, struct err *err)
{
	static const char *const sql[] = {"DELETE FROM _standing WHERE rec = ?",
	    "DELETE FROM _quarantine WHERE rec = ?",
	    "DELETE FROM _unknown WHERE rec = ?"};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(sql) / sizeof(sql[0]); i++)
		rc = db_run(r->db, err, sql[i], "i", rec);
	return rc;
}

static int
refold_record(
    struct replica *r, struct recent *recent, int64_t rec, struct err *err)
{
	struct refold *f = mem_calloc(1, sizeof(*f));
	char *id = NULL, *kind = NULL, owner[CHAIN_CODE_LEN + 1] = "";
	struct shown *shown = NULL;
	struct db_stmt *st;
	size_t i;
	int rc;

	f->r = r;
	f->rec = rec;
	rc = db_query(&st, r->db, err,
	    "SELECT id, kind FROM _record WHERE rec = ?", "i", rec);
	if (rc != 0)
		goto out;
	rc = db_step(st, err);
	if (rc == 1) {
		id = mem_strdup(db_text(st, 0));
		kind = mem_strdup(db_text(st, 1));
		memcpy(owner, id, CHAIN_CODE_LEN);
	}
	db_done(st);
	if (rc != 1)
		goto out;
	rc = fold_kind(r, &f->kind, kind, err);
	if (rc == 0)
		rc = forget(r, rec, err);
	if (rc == 0)
		rc = gather(f, recent, id, kind, err);
	if (rc != 0 || f->kind == NULL)
		goto out;
	if (f->kind->stream == STREAM_ROSTER)
		r->schema_stale |=
		    strcmp(kind, "kind") == 0 || strcmp(kind, "field") == 0;
	if (!f->any) {
		rc = row_delete(r, f->kind, rec, err);
		goto out;
	}
	shown = mem_calloc(f->n_slots + 1, sizeof(*shown));
	for (i = 0; rc == 0 && i < f->n_slots; i++) {
		shown[i].slot = &f->slots[i];
		rc = settle(f, &f->slots[i], &shown[i].write, err);
	}
	if (rc == 0)
		rc = write_row(f, shown, owner, err);
out:
	free(shown);
	free(id);
	free(kind);
	refold_free(f);
	return rc;
}

static int
next_dirty(struct replica *r, int64_t *rec, struct err *err)
{
	int rc = db_get_int(rec, r->db, err,
	    "SELECT rec FROM temp._dirty ORDER BY rec LIMIT 1", "");

	if (rc == YZ_ENOTFOUND)
		return 0;
	return rc != 0 ? rc : 1;
}

int
refold_all(struct replica *r, struct err *err)
{
	struct recent *recent;
	int64_t rec;
	int rc = 0;

	if (!r->dirty && !r->schema_stale)
		return 0;
	recent = recent_new();
	do {
		while ((rc = next_dirty(r, &rec, err)) == 1) {
			rc = db_run(r->db, err,
			    "DELETE FROM temp._dirty WHERE rec = ?", "i", rec);
			if (rc == 0)
				rc = refold_record(r, recent, rec, err);
			if (rc != 0)
				break;
		}
		/* Kinds may have come: then what waited for them is dirty. */
		if (rc == 0 && r->schema_stale) {
			rc = refold_schema(r, err);
			if (rc == 0)
				continue;
		}
		break;
	} while (true);
	recent_free(recent);
	if (rc == 0)
		r->dirty = false;
	return rc;
}
