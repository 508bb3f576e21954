#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "replica_impl.h"
#include "row.h"
#include "row_clock.h"

/*
 * The quick way: an op whose write covers everything that stands in the
 * registers it writes simply takes their place.  That equals folding all
 * ops again: were the new write covered by some other accepted write, that
 * one, or one after it, would stand, and the new write would not cover it
 * (a changeset names what it knew by digests, so knowing goes one way).
 * Whatever is not that plain is marked dirty and folded from all its ops.
 */

int
fold_kind(struct replica *r, const struct kind **out, const char *name,
    struct err *err)
{
	int rc;

	*out = schema_kind(r->schema, name);
	if ((*out == NULL || (*out)->n_regs == 0) && r->schema_stale) {
		rc = refold_schema(r, err);
		if (rc != 0)
			return rc;
		*out = schema_kind(r->schema, name);
	}
	/* A sub-kind has no table; ops name the base kind. */
	if (*out != NULL && (*out)->n_regs == 0)
		*out = NULL;
	return 0;
}

int
fold_dirty(struct replica *r, int64_t rec, struct err *err)
{
	r->dirty = true;
	return db_run(r->db, err,
	    "INSERT OR IGNORE INTO temp._dirty(rec) VALUES (?)", "i", rec);
}

int
fold_wait(struct replica *r, int64_t rec, struct err *err)
{
	return db_run(r->db, err,
	    "INSERT OR IGNORE INTO _unknown(rec) VALUES (?)", "i", rec);
}

int
fold_quarantine(struct replica *r, const struct chain *c, int64_t seq,
    size_t opno, int64_t rec, const struct op *op, const char *reason,
    struct err *err)
{
	return db_run(r->db, err,
	    "INSERT OR REPLACE INTO _quarantine(chain, seq, op, rec, id, kind,"
	    " reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
	    "iiiisss", c->no, seq, (int64_t)opno, rec, op->id, op->kind,
	    reason);
}

bool
fold_unknown_field(const struct kind *kind, const struct op *op)
{
	size_t i;

	for (i = 0; i < op->n; i++)
		if (schema_field(kind, op->items[i].field,
			op->items[i].field_len) == NULL)
			return true;
	return false;
}

static bool
refuse_item(const struct chain *c, const char *owner, const struct kind *kind,
    const struct op_item *item, char reason[FOLD_REASON_MAX])
{
	const struct field *f =
	    schema_field(kind, item->field, item->field_len);

	if (f == NULL)
		return false; /* kept until its definition comes */
	if (f->reg == NULL)
		snprintf(reason, FOLD_REASON_MAX,
		    N_("field %s of %s is derived, never written"), f->name,
		    kind->name);
	else if (f->stream != c->name.stream)
		snprintf(reason, FOLD_REASON_MAX,
		    N_("field %s of %s travels in the stream %s"), f->name,
		    kind->name, stream_name(f->stream));
	else if (f->ancestor_only && strcmp(c->name.writer, owner) == 0)
		snprintf(reason, FOLD_REASON_MAX,
		    N_("field %s of %s is written by ancestors of the owner only"),
		    f->name, kind->name);
	else if ((f->reg->type == REG_SET) != (item->what != OP_SET))
		snprintf(reason, FOLD_REASON_MAX,
		    f->reg->type == REG_SET
			? N_("field %s of %s is a set, changed by add and remove")
			: N_("field %s of %s is no set"),
		    f->name, kind->name);
	else
		return false;
	return true;
}

bool
fold_refuse(struct replica *r, const struct chain *c, const struct kind *kind,
    const struct op *op, char reason[FOLD_REASON_MAX])
{
	char owner[CHAIN_CODE_LEN + 1];
	size_t i;

	memcpy(owner, op->id, CHAIN_CODE_LEN);
	owner[CHAIN_CODE_LEN] = '\0';
	if (c->accepted == 0) {
		snprintf(reason, FOLD_REASON_MAX,
		    N_("incarnation %s of %s is not in the roster, and goes on"
		       " from none that counts here"),
		    c->name.inc, c->name.writer);
		return true;
	}
	if (!stream_everyone(c->name.stream) &&
	    strcmp(owner, c->name.owner) != 0) {
		snprintf(reason, FOLD_REASON_MAX,
		    N_("the record is of %s, the chain about %s"), owner,
		    c->name.owner);
		return true;
	}
	if (c->name.stream == STREAM_ROSTER &&
	    strcmp(owner, roster_root(r->roster)) != 0) {
		snprintf(reason, FOLD_REASON_MAX,
		    N_("only the root %s defines kinds and codes"),
		    roster_root(r->roster));
		return true;
	}
	if (stream_everyone(c->name.stream)
		? !chain_may_write(r->roster, c->name.writer, owner)
		: !c->may_write) {
		snprintf(reason, FOLD_REASON_MAX,
		    N_("%s is neither the owner %s nor above it"),
		    c->name.writer, owner);
		return true;
	}
	if (kind == NULL)
		return false;
	if (schema_mark(kind, c->name.stream) == NULL) {
		snprintf(reason, FOLD_REASON_MAX,
		    N_("kind %s does not travel in the stream %s"), kind->name,
		    stream_name(c->name.stream));
		return true;
	}
	for (i = 0; i < op->n; i++)
		if (refuse_item(c, owner, kind, &op->items[i], reason))
			return true;
	return false;
}

/* The number of a record; *fresh if it was made just now. */
static int
record_no(struct replica *r, int64_t *rec, bool *fresh, const struct op *op,
    struct err *err)
{
	int rc;

	*fresh = false;
	rc = db_get_int(rec, r->db, err,
	    "SELECT rec FROM _record WHERE id = ? AND kind = ?", "ss", op->id,
	    op->kind);
	if (rc != YZ_ENOTFOUND)
		return rc;
	*fresh = true;
	rc = db_run(r->db, err,
	    "INSERT INTO _record(id, kind, owner) VALUES (?, ?, ?)", "sst",
	    op->id, op->kind, op->id, (size_t)CHAIN_CODE_LEN);
	*rec = db_last_rowid(r->db);
	return rc;
}

/* The elements that op adds to field f, as a list. */
static void
added_list(struct buf *out, const struct op *op, const struct field *f)
{
	size_t i, n = strlen(f->name);

	for (i = 0; i < op->n; i++) {
		const struct op_item *item = &op->items[i];

		if (item->what != OP_ADD || item->field_len != n ||
		    memcmp(item->field, f->name, n) != 0)
			continue;
		buf_putc(out, out->len == 0 ? '[' : ',');
		buf_put(out, item->value.s, item->value.n);
	}
	if (out->len > 0)
		buf_putc(out, ']');
}

/* The first op of a record. */
static int
fold_first(struct replica *r, const struct kind *kind, int64_t rec,
    const struct chain *c, const struct changeset *cs, const struct op *op,
    struct err *err)
{
	static struct row_clock clock; /* large; one thread writes */
	struct canon *values;
	struct buf *lists = NULL; /* of sets, which few ops write */
	char owner[CHAIN_CODE_LEN + 1];
	struct row row = {
	    .kind = kind, .rec = rec, .clock = &clock, .owner = owner};
	struct row_place place = {c->no, cs->seq};
	size_t i;
	int rc;

	memset(&clock, 0, offsetof(struct row_clock, except));
	clock.n_except = 0;
	clock.created.chain = 0;
	if (c->name.stream == kind->stream) {
		clock.created = place;
		clock.created_time = cs->time + cs->offset;
		row.created_time = cs->time;
		row.created_by = cs->author;
	}
	clock.by_stream[c->name.stream] = place;
	memcpy(owner, op->id, CHAIN_CODE_LEN);
	owner[CHAIN_CODE_LEN] = '\0';
	values = mem_calloc(kind->n_fields + 1, sizeof(*values));
	for (i = 0; i < op->n; i++) {
		const struct op_item *item = &op->items[i];
		const struct field *f =
		    schema_field(kind, item->field, item->field_len);

		if (item->what == OP_SET) {
			values[f->column] = item->value;
			continue;
		}
		if (lists == NULL)
			lists = mem_calloc(kind->n_fields + 1, sizeof(*lists));
		if (item->what == OP_ADD && lists[f->column].len == 0) {
			added_list(&lists[f->column], op, f);
			values[f->column].s = buf_str(&lists[f->column]);
			values[f->column].n = lists[f->column].len;
		}
	}
	row.values = values;
	rc = row_put(r, &row, true, err);
	for (i = 0; lists != NULL && i < kind->n_fields; i++)
		buf_free(&lists[i]);
	free(lists);
	free(values);
	return rc;
}

/* Does a write of c at seq cover what stands in a register? */
static int
covers(struct replica *r, const struct row_clock *clock, const struct reg *reg,
    const struct chain *c, int64_t seq, struct err *err)
{
	bool several;
	struct row_place p = row_clock_get(clock, reg, &several);
	int64_t knows;
	int rc;

	if (several)
		return 0;
	if (p.chain == 0 || p.chain == c->no)
		return 1;
	rc = merge_knows(r, &knows, c->no, seq, p.chain, err);
	return rc != 0 ? rc : knows >= p.seq;
}

/*
 * An op on a record that has a row.  1: done; 0: it needs the long way.
 */
static int
fold_next(struct replica *r, const struct kind *kind, int64_t rec,
    struct row_clock *clock, const struct chain *c, const struct changeset *cs,
    const struct op *op, struct err *err)
{
	const struct reg *mark = schema_mark(kind, c->name.stream);
	struct row_place place = {c->no, cs->seq};
	bool first = clock->by_stream[c->name.stream].chain == 0;
	bool main_stream = c->name.stream == kind->stream;
	bool creates = main_stream && clock->created.chain == 0;
	size_t i;
	int rc;

	if (main_stream && !creates &&
	    cs->time + cs->offset <= clock->created_time)
		return 0; /* it may be the record's first changeset */
	rc = covers(r, clock, mark, c, cs->seq, err);
	if (rc != 1)
		return rc;
	for (i = 0; i < op->n; i++) {
		const struct op_item *item = &op->items[i];
		const struct field *f =
		    schema_field(kind, item->field, item->field_len);

		if (item->what != OP_SET || f->type == FIELD_BLOB)
			return 0;
		rc = covers(r, clock, f->reg, c, cs->seq, err);
		if (rc != 1)
			return rc;
	}
	if (first)
		clock->by_stream[c->name.stream] = place;
	if (creates) {
		clock->created = place;
		clock->created_time = cs->time + cs->offset;
	}
	row_clock_set(clock, mark, place);
	for (i = 0; i < op->n; i++)
		row_clock_set(clock,
		    schema_field(
			kind, op->items[i].field, op->items[i].field_len)
			->reg,
		    place);
	rc = row_update(
	    r, kind, rec, op, c->name.stream, clock, creates ? cs : NULL, err);
	return rc != 0 ? rc : 1;
}

static int
fold_op(struct replica *r, const struct chain *c, const struct changeset *cs,
    const struct op *op, size_t opno, struct err *err)
{
	static struct row_clock clock;
	char reason[FOLD_REASON_MAX];
	const struct kind *kind;
	int64_t rec;
	bool fresh;
	int rc;

	rc = record_no(r, &rec, &fresh, op, err);
	if (rc == 0)
		rc = db_run(r->db, err,
		    "INSERT OR IGNORE INTO _touch(rec, chain, seq)"
		    " VALUES (?, ?, ?)",
		    "iii", rec, c->no, cs->seq);
	if (rc == 0)
		rc = fold_kind(r, &kind, op->kind, err);
	if (rc != 0)
		return rc;
	if (fold_refuse(r, c, kind, op, reason))
		return fold_quarantine(
		    r, c, cs->seq, opno, rec, op, reason, err);
	if (kind == NULL) {
		return fold_wait(r, rec, err);
	}
	if (c->name.stream == STREAM_ROSTER)
		r->schema_stale |= strcmp(op->kind, "kind") == 0 ||
				   strcmp(op->kind, "field") == 0;
	if (op->drop || fold_unknown_field(kind, op))
		return fold_dirty(r, rec, err);
	rc = fresh ? 0 : row_clock_load(r, &clock, kind, rec, err);
	if (rc < 0)
		return rc;
	/* No row though not fresh: its earlier ops did not count, or wait to
	 * be folded. */
	if (!fresh && rc == 0)
		return fold_dirty(r, rec, err);
	if (fresh)
		return fold_first(r, kind, rec, c, cs, op, err);
	rc = fold_next(r, kind, rec, &clock, c, cs, op, err);
	if (rc == 0)
		return fold_dirty(r, rec, err);
	return rc < 0 ? rc : 0;
}

int
fold_changeset(struct replica *r, const struct chain *c,
    const struct changeset *cs, const struct ops *ops, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < ops->n; i++)
		rc = fold_op(r, c, cs, &ops->v[i], i, err);
	return rc;
}
