#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "replica_impl.h"
#include "row.h"
#include "row_clock.h"
#include "tally.h"

/* --- values into columns -------------------------------------------------- */

/* A decimal's digits as a scaled integer, if it has the form it should. */
static bool
scaled(int64_t *out, struct canon v, int scale)
{
	const char *s = v.s + 1; /* inside the quotes */
	size_t n = v.n - 2, i = 0, digits = 0;
	int after = -1;
	bool minus;
	int64_t sum = 0;

	minus = n > 0 && s[0] == '-';
	for (i = minus; i < n; i++) {
		if (s[i] == '.' && after < 0) {
			after = 0;
			continue;
		}
		if (s[i] < '0' || s[i] > '9' || ++digits > 17)
			return false;
		sum = sum * 10 + (s[i] - '0');
		if (after >= 0)
			after++;
	}
	if (digits == 0 || (after < 0 ? 0 : after) != scale)
		return false;
	*out = minus ? -sum : sum;
	return true;
}

/* Texts that must live until the statement is done: those with escapes, which
 * few have. */
struct texts {
	struct buf *v;
	size_t n;
};

static struct buf *
texts_add(struct texts *texts)
{
	texts->v = mem_realloc(texts->v, (texts->n + 1) * sizeof(*texts->v));
	texts->v[texts->n] = (struct buf)BUF_INIT;
	return &texts->v[texts->n++];
}

static void
texts_free(struct texts *texts)
{
	size_t i;

	for (i = 0; i < texts->n; i++)
		buf_free(&texts->v[i]);
	free(texts->v);
}

/* Bind a value as its field's column keeps it; a value of another type is
 * kept as its JSON text. */
static void
bind_value(struct db_stmt *st, int place, const struct field *f, struct canon v,
    struct texts *texts)
{
	struct buf *text;
	int64_t number;

	if (v.s == NULL || canon_type(v) == CANON_NULL) {
		db_bind_null(st, place);
		return;
	}
	if (f->elem == ELEM_ONE && f->type != FIELD_JSON) {
		switch (canon_type(v)) {
		case CANON_INT:
			if (f->type != FIELD_INT)
				break;
			db_bind_int(st, place, canon_int(v));
			return;
		case CANON_BOOL:
			if (f->type != FIELD_BOOL)
				break;
			db_bind_int(st, place, canon_bool(v));
			return;
		case CANON_TEXT:
			if (f->type == FIELD_INT || f->type == FIELD_BOOL)
				break;
			if (f->type == FIELD_DECIMAL) {
				if (!scaled(&number, v, f->scale))
					break;
				db_bind_int(st, place, number);
				return;
			}
			/* No escapes: the slice itself. */
			if (memchr(v.s, '\\', v.n) == NULL) {
				db_bind_text(st, place, v.s + 1, v.n - 2);
				return;
			}
			text = texts_add(texts);
			canon_text(text, v);
			db_bind_text(st, place, buf_str(text), text->len);
			return;
		default:
			break;
		}
	}
	db_bind_text(st, place, v.s, v.n);
}

/* --- search ----------------------------------------------------------------
 */

/* The words of a row's search fields, as the table has them now. */
static int
read_words(struct replica *r, struct buf *out, const struct kind *kind,
    int64_t rec, struct err *err)
{
	struct db_stmt *st;
	int rc, i;

	if (kind->sql.words == NULL)
		return 0;
	rc = db_query(&st, r->db, err, kind->sql.words, "i", rec);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	for (i = 0; rc == 1 && i < db_columns(st); i++) {
		const char *s = db_text(st, i);

		if (s != NULL)
			text_bigrams(out, s, strlen(s));
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

static int
change_words(struct replica *r, int64_t rec, struct buf *before,
    struct buf *after, struct err *err)
{
	int rc = 0;

	if (before->len == after->len &&
	    (before->len == 0 || memcmp(before->b, after->b, before->len) == 0))
		return 0;
	if (before->len > 0)
		rc = db_run(r->db, err,
		    "INSERT INTO _search(_search, rowid, words)"
		    " VALUES ('delete', ?, ?)",
		    "it", rec, buf_str(before), before->len);
	if (rc == 0 && after->len > 0)
		rc = db_run(r->db, err,
		    "INSERT INTO _search(rowid, words) VALUES (?, ?)", "it",
		    rec, buf_str(after), after->len);
	return rc;
}

/* What bind_value() leaves in the column, as read_words() will read it. */
static void
column_text(struct buf *out, const struct field *f, struct canon v)
{
	bool one = f->elem == ELEM_ONE && f->type != FIELD_JSON;
	enum canon_type type = canon_type(v);
	int64_t number;

	if (one && type == CANON_BOOL && f->type == FIELD_BOOL)
		buf_printf(out, "%d", canon_bool(v));
	else if (one && type == CANON_TEXT && f->type == FIELD_DECIMAL &&
		 scaled(&number, v, f->scale))
		buf_printf(out, "%lld", (long long)number);
	else if (one && type == CANON_TEXT && f->type != FIELD_INT &&
		 f->type != FIELD_BOOL && f->type != FIELD_DECIMAL)
		canon_text(out, v);
	else
		buf_put(out, v.s, v.n);
}

/* The words that values will have in the table. */
static void
value_words(struct buf *out, const struct row *row)
{
	struct buf text = BUF_INIT;
	size_t i;

	for (i = 0; i < row->kind->n_fields; i++) {
		struct canon v = row->values[i];

		if (!row->kind->fields[i]->search || v.s == NULL ||
		    canon_type(v) == CANON_NULL)
			continue;
		buf_clear(&text);
		column_text(&text, row->kind->fields[i], v);
		text_bigrams(out, buf_str(&text), text.len);
	}
	buf_free(&text);
}

/* --- attachments ------------------------------------------------------------
 */

static int
put_blob(struct replica *r, const struct row *row, const struct field *f,
    struct canon v, struct err *err)
{
	/* Only what can be a SHA-256 in hex: "64 digits" with quotes. */
	if (canon_type(v) != CANON_TEXT || v.n != DIGEST_HEX_LEN + 2)
		return 0;
	return db_run(r->db, err,
	    "INSERT OR IGNORE INTO _blob(rec, field, hash, stream, owner)"
	    " VALUES (?, ?, ?, ?, ?)",
	    "istis", row->rec, f->name, v.s + 1, v.n - 2, (int64_t)f->stream,
	    row->owner);
}

static int
put_blobs(struct replica *r, const struct row *row, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < row->kind->n_fields; i++) {
		const struct field *f = row->kind->fields[i];
		struct canon v = row->values[i], item;
		size_t at = 0;

		if (f->type != FIELD_BLOB || v.s == NULL)
			continue;
		if (canon_type(v) != CANON_LIST)
			rc = put_blob(r, row, f, v, err);
		else
			while (rc == 0 && canon_next(v, &at, &item))
				rc = put_blob(r, row, f, item, err);
	}
	return rc;
}

/* --- rows -------------------------------------------------------------------
 */

static int
insert_row(struct replica *r, const struct row *row, struct err *err)
{
	const struct kind *k = row->kind;
	struct buf clock = BUF_INIT, reason = BUF_INIT;
	struct texts texts = {NULL, 0};
	char created[CLOCK_LEN];
	struct db_stmt *st;
	size_t i;
	int rc;

	rc = db_prepare(&st, r->db, k->sql.insert, err);
	if (rc != 0)
		goto out;

	row_clock_write(&clock, row->clock);
	clock_format(created, row->created_time);
	db_bind_int(st, 1, row->rec);
	db_bind_blob(st, 2, clock.b, clock.len);
	db_bind_int(st, 3, row->conflicts);
	db_bind_int(st, 4, row->removed);
	if (row->reason.s != NULL) {
		canon_text(&reason, row->reason);
		db_bind_text(st, 5, buf_str(&reason), reason.len);
	}
	if (row->created_by != NULL) {
		db_bind_text(st, 6, created, strlen(created));
		db_bind_text(st, 7, row->created_by, strlen(row->created_by));
	}
	/* What is not bound is NULL. */
	for (i = 0; i < k->n_fields; i++)
		if (row->values[i].s != NULL)
			bind_value(st, (int)i + 8, k->fields[i], row->values[i],
			    &texts);
	rc = db_step(st, err);
	db_done(st);
out:
	texts_free(&texts);
	buf_free(&reason);
	buf_free(&clock);
	return rc;
}

/* One more of what the row is counted by. */
static int
tally(struct replica *r, const struct row *row, struct err *err)
{
	static struct buf key, text; /* one thread writes */
	size_t i;

	buf_clear(&key);
	for (i = 0; i < row->kind->n_tallied; i++) {
		const struct field *f = row->kind->tallied[i];
		struct canon v = row->values[f->column];

		buf_clear(&text);
		if (v.s == NULL || canon_type(v) == CANON_NULL) {
			tally_put(&key, NULL, 0);
			continue;
		}
		column_text(&text, f, v);
		tally_put(&key, buf_str(&text), text.len);
	}
	return tally_add(r, row->kind, &key, 1, err);
}

int
row_put(struct replica *r, const struct row *row, bool fresh, struct err *err)
{
	struct buf before = BUF_INIT, after = BUF_INIT;
	int rc = 0;

	if (!fresh) {
		rc = read_words(r, &before, row->kind, row->rec, err);
		if (rc == 0)
			rc = db_run(r->db, err,
			    "DELETE FROM _blob WHERE rec = ?", "i", row->rec);
	}
	if (rc == 0 && !fresh)
		rc = tally_row(r, row->kind, row->rec, -1, err);
	if (rc == 0)
		rc = insert_row(r, row, err);
	if (rc == 0 && !row->removed)
		rc = tally(r, row, err);
	if (rc == 0) {
		value_words(&after, row);
		rc = change_words(r, row->rec, &before, &after, err);
	}
	if (rc == 0)
		rc = put_blobs(r, row, err);
	buf_free(&before);
	buf_free(&after);
	return rc;
}

int
row_delete(
    struct replica *r, const struct kind *kind, int64_t rec, struct err *err)
{
	struct buf words = BUF_INIT, none = BUF_INIT, sql = BUF_INIT;
	int rc;

	rc = tally_row(r, kind, rec, -1, err);
	if (rc == 0)
		rc = read_words(r, &words, kind, rec, err);
	if (rc == 0)
		rc = change_words(r, rec, &words, &none, err);
	if (rc == 0)
		rc = db_run(
		    r->db, err, "DELETE FROM _blob WHERE rec = ?", "i", rec);
	if (rc == 0) {
		buf_puts(&sql, "DELETE FROM ");
		db_quote(&sql, kind->name);
		buf_puts(&sql, " WHERE rec = ?");
		rc = db_run(r->db, err, buf_str(&sql), "i", rec);
	}
	buf_free(&words);
	buf_free(&none);
	buf_free(&sql);
	return rc;
}

/* Which value op gives to field f: s NULL if none. */
static struct canon
op_value(const struct op *op, const struct field *f)
{
	struct canon none = {NULL, 0};
	size_t i, n = strlen(f->name);

	for (i = 0; i < op->n; i++)
		if (op->items[i].what == OP_SET &&
		    op->items[i].field_len == n &&
		    memcmp(op->items[i].field, f->name, n) == 0)
			return op->items[i].value;
	return none;
}

/* Does op write f: by name, or because it writes another of its group? */
static bool
op_writes(const struct op *op, const struct field *f)
{
	size_t i;

	if (op_value(op, f).s != NULL)
		return true;
	if (f->reg == NULL || f->reg->type != REG_GROUP)
		return false;
	for (i = 0; i < f->reg->n_fields; i++)
		if (op_value(op, f->reg->fields[i]).s != NULL)
			return true;
	return false;
}

static bool
is_tallied(const struct kind *kind, const struct field *f)
{
	size_t i;

	for (i = 0; i < kind->n_tallied; i++)
		if (kind->tallied[i] == f)
			return true;
	return false;
}

int
row_update(struct replica *r, const struct kind *kind, int64_t rec,
    const struct op *op, enum stream stream, const struct row_clock *clock,
    const struct changeset *created, struct err *err)
{
	struct buf before = BUF_INIT, after = BUF_INIT, sql = BUF_INIT;
	struct buf clock_bytes = BUF_INIT, reason = BUF_INIT;
	struct texts texts = {NULL, 0};
	char when[CLOCK_LEN];
	/* What was removed may be written again. */
	bool search = false, counts = stream == kind->stream;
	struct db_stmt *st;
	int rc = 0, place = 0;
	size_t i;

	buf_puts(&sql, "UPDATE ");
	db_quote(&sql, kind->name);
	buf_puts(&sql, " SET _clock = ?");
	if (stream == kind->stream)
		buf_puts(&sql, ", removed = ?, removed_reason = ?");
	if (created != NULL)
		buf_puts(&sql, ", created_at = ?, created_by = ?");
	for (i = 0; i < kind->n_fields; i++) {
		if (!op_writes(op, kind->fields[i]))
			continue;
		buf_puts(&sql, ", ");
		db_quote(&sql, kind->fields[i]->name);
		buf_puts(&sql, " = ?");
		search |= kind->fields[i]->search;
		counts |= is_tallied(kind, kind->fields[i]);
	}
	buf_puts(&sql, " WHERE rec = ?");

	if (search)
		rc = read_words(r, &before, kind, rec, err);
	if (rc == 0 && counts)
		rc = tally_row(r, kind, rec, -1, err);
	if (rc == 0)
		rc = db_prepare(&st, r->db, buf_str(&sql), err);
	if (rc != 0)
		goto out;
	row_clock_write(&clock_bytes, clock);
	db_bind_blob(st, ++place, clock_bytes.b, clock_bytes.len);
	if (stream == kind->stream) {
		db_bind_int(st, ++place, op->drop);
		db_bind_null(st, ++place);
		if (op->drop) {
			canon_text(&reason, op->reason);
			db_bind_text(st, place, buf_str(&reason), reason.len);
		}
	}
	if (created != NULL) {
		clock_format(when, created->time);
		db_bind_text(st, ++place, when, strlen(when));
		db_bind_text(
		    st, ++place, created->author, strlen(created->author));
	}
	for (i = 0; i < kind->n_fields; i++)
		if (op_writes(op, kind->fields[i]))
			bind_value(st, ++place, kind->fields[i],
			    op_value(op, kind->fields[i]), &texts);
	db_bind_int(st, ++place, rec);
	rc = db_step(st, err);
	db_done(st);
	if (rc == 0 && counts)
		rc = tally_row(r, kind, rec, 1, err);
	if (rc == 0 && search) {
		rc = read_words(r, &after, kind, rec, err);
		if (rc == 0)
			rc = change_words(r, rec, &before, &after, err);
	}
out:
	texts_free(&texts);
	buf_free(&before);
	buf_free(&after);
	buf_free(&sql);
	buf_free(&clock_bytes);
	buf_free(&reason);
	return rc;
}
