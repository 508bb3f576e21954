#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "canon.h"
#include "code.h"
#include "home.h"
#include "kind.h"
#include "record.h"
#include "replica.h"
#include "schema.h"
#include "value.h"

void
record_free(struct record *rec)
{
	free(rec->values); /* and the lengths, behind them */
	free(rec->text);
	*rec = (struct record)RECORD_INIT;
}

/* --- finding one --------------------------------------------------------- */

/* CODE- and lower-case hex digits, at least RECORD_PREFIX_MIN? */
static bool
is_prefix(const char *s)
{
	size_t n = strlen(s);

	return n > CHAIN_CODE_LEN + RECORD_PREFIX_MIN && n <= RECORD_ID_LEN &&
	       chain_is_code(s, CHAIN_CODE_LEN) && s[CHAIN_CODE_LEN] == '-' &&
	       strspn(s + CHAIN_CODE_LEN + 1, "0123456789abcdef") ==
		   n - CHAIN_CODE_LEN - 1;
}

int
record_find(char id[RECORD_ID_LEN + 1], struct replica *r, const char *kind,
    const char *prefix, struct err *err)
{
	char end[RECORD_ID_LEN + 2];
	struct db_stmt *st;
	const char *found;
	int rc, n = 0;

	if (!is_prefix(prefix))
		return err_set(err, YZ_EINVAL,
		    "%.64s is no id: a station's code, - and at least %d hex "
		    "digits",
		    prefix, RECORD_PREFIX_MIN);
	/* "g" is past every hex digit. */
	snprintf(end, sizeof(end), "%.*sg", RECORD_ID_LEN, prefix);
	rc = db_query(&st, replica_db(r), err,
	    "SELECT id FROM _record WHERE id >= ? AND id < ? AND kind = ?"
	    " LIMIT 2",
	    "sss", prefix, end, kind);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		found = db_text(st, 0);
		if (n++ == 0 && found != NULL && strlen(found) == RECORD_ID_LEN)
			memcpy(id, found, RECORD_ID_LEN + 1);
	}
	db_done(st);
	if (rc < 0)
		return rc;
	if (n == 0)
		return err_set(
		    err, YZ_ENOTFOUND, "no %s %s here", kind, prefix);
	if (n > 1)
		return err_set(err, YZ_ECONFLICT,
		    "several records of %s begin with %s", kind, prefix);
	return 0;
}

/* The one record with this title; 0 found, YZ_ENOTFOUND, YZ_ECONFLICT. */
static int
find_title(char id[RECORD_ID_LEN + 1], struct replica *r,
    const struct kind *base, const char *title, struct err *err)
{
	struct buf sql = BUF_INIT;
	struct db_stmt *st;
	const char *found;
	int rc, n = 0;

	if (schema_field(base, base->title, strlen(base->title)) == NULL)
		return err_set(
		    err, YZ_ENOTFOUND, "no %s %.64s here", base->name, title);
	buf_puts(&sql, "SELECT r.id FROM ");
	db_quote(&sql, base->name);
	buf_puts(&sql, " t JOIN _record r USING (rec) WHERE t.");
	db_quote(&sql, base->title);
	buf_puts(&sql, " = ? AND t.removed = 0 LIMIT 2");
	rc = db_query(&st, replica_db(r), err, buf_str(&sql), "s", title);
	buf_free(&sql);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		found = db_text(st, 0);
		if (n++ == 0 && found != NULL && strlen(found) == RECORD_ID_LEN)
			memcpy(id, found, RECORD_ID_LEN + 1);
	}
	db_done(st);
	if (rc < 0)
		return rc;
	if (n == 0)
		return err_set(
		    err, YZ_ENOTFOUND, "no %s %.64s here", base->name, title);
	if (n > 1)
		return err_set(err, YZ_ECONFLICT,
		    "several records of %s are called %.64s: give the id",
		    base->name, title);
	return 0;
}

/* Is this station to hold the record, so that its absence means it does not
 * exist? */
static bool
must_hold(struct replica *r, const struct kind *base, const char *id)
{
	struct chain_name c = {.stream = base->stream};

	if (!stream_everyone(base->stream))
		memcpy(c.owner, id, CHAIN_CODE_LEN);
	return chain_reaches(replica_roster(r), &c, replica_home(r)->code);
}

int
record_resolve(char id[RECORD_ID_LEN + 1], struct replica *r, const char *kind,
    const char *text, struct err *err)
{
	const struct schema *schema = replica_schema(r);
	const struct kind *k = schema_kind(schema, kind), *base;
	int rc;

	if (k == NULL) {
		/* The kind is not known here yet: only the form counts. */
		if (!chain_is_record_id(text, strlen(text)))
			return err_set(
			    err, YZ_EINVAL, "%.64s is no record's id", text);
		memcpy(id, text, RECORD_ID_LEN + 1);
		return 0;
	}
	base = schema_base(schema, k);
	if (!is_prefix(text))
		return find_title(id, r, base, text, err);
	rc = record_find(id, r, base->name, text, err);
	if (rc == YZ_ENOTFOUND && strlen(text) == RECORD_ID_LEN &&
	    !must_hold(r, base, text)) {
		memcpy(id, text, RECORD_ID_LEN + 1);
		return 0;
	}
	return rc;
}

/* --- reading ------------------------------------------------------------- */

#define TEXT_USUAL 1000 /* bytes of a record's values, mostly */
#define BATCH 32        /* records in memory at once */

static void
copy_id(char *out, size_t size, const char *s)
{
	size_t n = s == NULL ? 0 : strlen(s);

	if (n >= size)
		n = size - 1;
	if (n > 0)
		memcpy(out, s, n);
	out[n] = '\0';
}

/* Append a column's text and a NUL; its length. */
static size_t
put_text(struct buf *text, struct db_stmt *st, int col)
{
	struct db_value v = {.len = 0};

	if (db_value(&v, st, col) == DB_TEXT)
		buf_put(text, v.text, v.len);
	buf_putc(text, '\0');
	return v.len;
}

/* A row on its way in: all is in one text, whose places are known once it
 * grows no more.  First the fields' values, as they are taken. */
struct reading {
	const struct kind *base;
	const char **values;
	size_t *lengths; /* behind the values, in one piece of memory */
	struct buf text;
};

static void
begin_row(struct reading *in)
{
	size_t n = in->base->n_fields + 1;

	in->values =
	    mem_alloc(n * (sizeof(*in->values) + sizeof(*in->lengths)));
	in->lengths = (size_t *)(in->values + n);
	memset(in->lengths, 0, n * sizeof(*in->lengths));
	in->text = (struct buf)BUF_INIT;
	buf_reserve(&in->text, TEXT_USUAL);
}

static void
take_value(
    void *arg, size_t place, enum db_type type, const struct db_value *value)
{
	struct reading *in = arg;
	size_t before = in->text.len;

	if (!value_taken(&in->text, in->base->fields[place], type, value))
		return;
	in->lengths[place] = in->text.len - before;
	buf_putc(&in->text, '\0');
}

static void
from_row(struct record *out, struct reading *in, struct db_stmt *st)
{
	size_t i, frame[3];
	const char *p;

	*out = (struct record){.kind = in->base,
	    .values = in->values,
	    .lengths = in->lengths,
	    .n = in->base->n_fields};
	out->rec = db_int(st, 1);
	copy_id(out->id, sizeof(out->id), db_text(st, 2));
	copy_id(out->owner, sizeof(out->owner), db_text(st, 3));
	out->removed = db_int(st, 4) != 0;
	out->conflicts = db_int(st, 5);
	for (i = 0; i < 3; i++)
		frame[i] = put_text(&in->text, st, (int)i + 6) + 1;
	p = out->text = buf_take(&in->text);
	for (i = 0; i < out->n; i++) {
		out->values[i] = out->lengths[i] == 0 ? NULL : p;
		if (out->lengths[i] != 0) /* no JSON is empty */
			p += out->lengths[i] + 1;
	}
	out->removed_reason = p;
	out->created_at = p += frame[0];
	out->created_by = p + frame[1];
}

static int
read_each(struct record *out, size_t *at, size_t *n, struct reading *in,
    size_t most, struct db_stmt *st, struct err *err)
{
	int rc = 1;

	while (*n < most && rc == 1) {
		begin_row(in);
		rc = db_step(st, err);
		if (rc == 1) {
			at[*n] = (size_t)db_int(st, 0);
			from_row(&out[(*n)++], in, st);
		} else {
			free(in->values);
			buf_free(&in->text);
		}
	}
	return rc < 0 ? rc : 0;
}

/* Those of the rows that there are; at[] is where they stand among them. */
static int
read_rows(struct record *out, size_t *at, size_t *n, struct replica *r,
    const struct kind *base, const int64_t *rows, size_t n_rows,
    struct err *err)
{
	struct reading in = {.base = base};
	struct buf list = BUF_INIT;
	struct db_stmt *st;
	size_t i;
	int rc;

	for (i = 0; i < n_rows; i++) {
		buf_putc(&list, i == 0 ? '[' : ',');
		canon_put_int(&list, rows[i]);
	}
	buf_putc(&list, ']');
	*n = 0;
	rc = db_query(&st, replica_db(r), err, base->sql.records, "t",
	    buf_str(&list), list.len);
	if (rc == 0) {
		db_take(replica_db(r), take_value, &in);
		rc = read_each(out, at, n, &in, n_rows, st, err);
		db_take(replica_db(r), NULL, NULL);
		db_done(st);
	}
	buf_free(&list);
	return rc;
}

int
record_each(struct replica *r, const struct kind *base, const int64_t *rows,
    size_t n,
    int (*fn)(void *arg, size_t i, const struct record *rec, struct err *err),
    void *arg, struct err *err)
{
	struct record batch[BATCH];
	size_t done, got, i, at[BATCH];
	int rc = 0;

	for (done = 0; rc == 0 && done < n; done += BATCH) {
		rc = read_rows(batch, at, &got, r, base, rows + done,
		    n - done < BATCH ? n - done : BATCH, err);
		for (i = 0; i < got; i++) {
			if (rc == 0)
				rc = fn(arg, done + at[i], &batch[i], err);
			record_free(&batch[i]);
		}
	}
	return rc;
}

int
record_read(struct record *out, struct replica *r, const char *kind,
    const char *id, struct err *err)
{
	const struct schema *schema = replica_schema(r);
	const struct kind *base;
	char whole[RECORD_ID_LEN + 1];
	size_t at, n = 0;
	int64_t row = 0;
	int rc;

	rc = kind_find(&base, schema, kind, err);
	if (rc != 0)
		return rc;
	base = schema_base(schema, base);
	rc = record_find(whole, r, base->name, id, err);
	if (rc == 0)
		rc = db_get_int(&row, replica_db(r), err,
		    "SELECT rec FROM _record WHERE id = ? AND kind = ?", "ss",
		    whole, base->name);
	if (rc != 0)
		return rc;
	rc = read_rows(out, &at, &n, r, base, &row, 1, err);
	if (rc == 0 && n == 0)
		rc = err_set(err, YZ_ENOTFOUND,
		    "%s %s is only referred to: nothing of it is accepted here",
		    base->name, whole);
	return rc;
}

int
record_in_conflict(bool *out, struct replica *r, const struct record *rec,
    const struct reg *reg, struct err *err)
{
	size_t n = strlen(reg->name);
	struct db_stmt *st;
	int rc;

	*out = false;
	if (rec->conflicts == 0)
		return 0;
	rc = db_query(&st, replica_db(r), err,
	    "SELECT register FROM _standing WHERE rec = ?"
	    " GROUP BY register HAVING count(DISTINCT value) > 1",
	    "i", rec->rec);
	if (rc != 0)
		return rc;
	while (!*out && (rc = db_step(st, err)) == 1) {
		const char *name = db_text(st, 0);

		/* An element's register is SET=ELEMENT. */
		*out = name != NULL && strncmp(name, reg->name, n) == 0 &&
		       (name[n] == '\0' || name[n] == '=');
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

const char *
record_value(const struct record *rec, const char *field)
{
	int i = kind_index(rec->kind, field);

	return i < 0 ? NULL : rec->values[i];
}

const struct kind *
record_sub(struct replica *r, const struct record *rec)
{
	const struct schema *schema = replica_schema(r);
	struct buf field = BUF_INIT, code = BUF_INIT;
	const struct kind *sub = NULL;
	const char *value;

	if (kind_chooser(&field, schema, rec->kind)) {
		value = record_value(rec, buf_str(&field));
		if (value != NULL) {
			value_plain(&code, value);
			sub = kind_chosen(schema, rec->kind, buf_str(&code));
		}
	}
	buf_free(&field);
	buf_free(&code);
	return sub;
}

int
record_title(struct buf *out, struct replica *r, const char *kind,
    const char *id, struct err *err)
{
	const struct schema *schema = replica_schema(r);
	const struct kind *base = schema_kind(schema, kind);
	struct buf sql = BUF_INIT, value = BUF_INIT;
	const struct field *f;
	struct db_stmt *st;
	int rc;

	if (base == NULL)
		return 0;
	base = schema_base(schema, base);
	f = schema_field(base, base->title, strlen(base->title));
	if (f == NULL)
		return 0;
	buf_puts(&sql, "SELECT t.");
	db_quote(&sql, f->name);
	buf_puts(&sql, " FROM _record r JOIN ");
	db_quote(&sql, base->name);
	buf_puts(&sql, " t ON t.rec = r.rec WHERE r.id = ? AND r.kind = ?");
	rc = db_query(
	    &st, replica_db(r), err, buf_str(&sql), "ss", id, base->name);
	buf_free(&sql);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1 && value_column(&value, f, st, 0))
		value_plain(out, buf_str(&value));
	db_done(st);
	buf_free(&value);
	return rc < 0 ? rc : 0;
}
