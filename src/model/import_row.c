#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/catalogue.h"
#include "base/csv.h"
#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "home.h"
#include "model/cell.h"
#include "model/columns.h"
#include "model/import_row.h"
#include "model/kind.h"
#include "base/memo.h"
#include "model/record.h"
#include "model/value.h"
#include "model/write.h"
#include "replica.h"
#include "schema.h"

#define EXTRA 8 /* fields that rules may add to those with columns */

struct entry { /* a field and the text for it */
	const struct field *field;
	char *text;
};

struct row {
	const struct import_row_in *in;
	struct import_row_out *out;
	const struct kind *sub;
	struct record before; /* when it has an id */
	bool update;
	bool bad;
	struct entry v[CSV_COLUMNS_MAX + EXTRA];
	size_t n;
	struct buf rest; /* "HEADER: cell" of unknown headers */
};

/* Add a reason; what is in msg after the field's name is said of its label. */
static void
blame(struct row *row, const struct field *f, const char *msg)
{
	struct buf *why = &row->out->why;
	size_t n = f == NULL ? 0 : strlen(f->name);

	if (why->len > 0)
		buf_puts(why, "; ");
	if (f != NULL) {
		if (strncmp(msg, f->name, n) == 0 && msg[n] == ':')
			msg += n + 1 + (msg[n + 1] == ' ');
		buf_printf(why, "%s: ", kind_field_label(f, true));
	}
	catalogue_line(why, msg);
}

static struct entry *
entry_find(struct row *row, const char *field)
{
	size_t i;

	for (i = 0; i < row->n; i++)
		if (strcmp(row->v[i].field->name, field) == 0)
			return &row->v[i];
	return NULL;
}

/* Text of a field, "" if there is none. */
static const char *
entry_text(struct row *row, const char *field)
{
	const struct entry *e = entry_find(row, field);

	return e == NULL ? "" : e->text;
}

static void
entry_put(struct row *row, const char *field, const char *text)
{
	const struct field *f = kind_field(row->in->base, row->sub, field);
	struct entry *e = entry_find(row, field);

	if (f == NULL)
		return;
	if (e == NULL) {
		if (row->n == CSV_COLUMNS_MAX + EXTRA)
			return;
		e = &row->v[row->n++];
		e->field = f;
		e->text = NULL;
	}
	free(e->text);
	e->text = mem_strdup(text);
}

static void
entry_drop(struct row *row, struct entry *e)
{
	free(e->text);
	*e = row->v[--row->n];
}

/* --- codes and references ---------------------------------------------------
 */

/*
 * A township by its name alone is one of this station's own, where the same
 * name elsewhere makes it ambiguous.
 */
static int
own_division(
    struct buf *code, struct replica *r, const char *name, struct err *err)
{
	struct db_stmt *st;
	int rc, n = 0;

	rc = db_query(&st, replica_db(r), err,
	    "SELECT c.\"code\" FROM \"code\" c LEFT JOIN \"code\" p"
	    " ON p.\"list\" = 'division' AND p.\"code\" = c.\"parent\""
	    " WHERE c.\"list\" = 'division' AND c.\"label_zh\" = ?1"
	    " AND c.removed = 0"
	    " AND ?2 IN (c.\"parent\", p.\"parent\") LIMIT 2",
	    "ss", name, replica_home(r)->code);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1 && n++ == 0)
		buf_puts(code, db_text(st, 0));
	db_done(st);
	if (rc < 0)
		return rc;
	return n == 1 ? 0 : YZ_ENOTFOUND;
}

/*
 * The code or id that text names, once found remembered; so are failures,
 * as "!" and the reason.
 */
static int
resolve(struct buf *out, const struct import_row_in *in, const struct field *f,
    const char *text, struct err *err)
{
	const char *known = memo_get(in->memo, f, text);
	struct buf json = BUF_INIT, plain = BUF_INIT;
	struct err other;
	int rc;

	if (known == NULL) {
		rc = value_parse_field(&json, in->r, f, text, err);
		if (rc == 0) {
			value_plain(&plain, buf_str(&json));
		} else if (strcmp(f->target, "division.tsv") == 0 &&
			   own_division(&plain, in->r, text, &other) == 0) {
			/* plain has it */
		} else {
			buf_clear(&plain);
			buf_printf(&plain, "!%s", err->msg);
		}
		memo_put(in->memo, f, text, buf_str(&plain));
		known = memo_get(in->memo, f, text);
	}
	rc = known[0] == '!' ? err_set(err, YZ_EINVAL, "%s", known + 1) : 0;
	buf_puts(out, known);
	buf_free(&json);
	buf_free(&plain);
	return rc;
}

/* Codes and references become what they name.  A reference that cannot be
 * resolved and need not be there is left out. */
static void
resolve_all(struct row *row)
{
	struct buf text = BUF_INIT;
	struct err err;
	size_t i;

	for (i = row->n; i > 0; i--) {
		struct entry *e = &row->v[i - 1];
		const struct field *f = e->field;

		if ((f->type != FIELD_CODE && f->type != FIELD_REF) ||
		    e->text[0] == '\0')
			continue;
		buf_clear(&text);
		if (resolve(&text, row->in, f, e->text, &err) == 0) {
			free(e->text);
			e->text = mem_strdup(buf_str(&text));
			continue;
		}
		blame(row, f, err.msg);
		if (f->type != FIELD_REF || f->required)
			row->bad = true;
		entry_drop(row, e);
	}
	buf_free(&text);
}

/* --- rules ---------------------------------------------------------------- */

/*
 * phone is public in the federation, a natural person's mobile number is
 * personal: it goes to leader_mobile, wherever the table has it.
 */
static void
rule_mobile(struct row *row)
{
	struct entry *phone = entry_find(row, "phone");
	struct buf mobile = BUF_INIT, rest = BUF_INIT;
	const char *there = entry_text(row, "leader_mobile");
	struct buf digits = BUF_INIT;

	if (phone == NULL ||
	    kind_field(row->in->base, row->sub, "leader_mobile") == NULL)
		return;
	if (!cell_mobile(&mobile, phone->text) &&
	    !cell_two_phones(&rest, &mobile, phone->text))
		goto out;
	cell_mobile(&digits, there);
	if (there[0] == '\0')
		entry_put(row, "leader_mobile", buf_str(&mobile));
	else if (strcmp(buf_str(&digits), buf_str(&mobile)) != 0)
		blame(row, phone->field,
		    N_("a second mobile number is not kept: the column is "
		       "public"));
	phone = entry_find(row, "phone");
	if (rest.len > 0) {
		free(phone->text);
		phone->text = mem_strdup(buf_str(&rest));
	} else {
		entry_drop(row, phone);
	}
out:
	buf_free(&mobile);
	buf_free(&rest);
	buf_free(&digits);
}

/* Positions in a shifted datum: what was given is kept beside. */
static void
rule_datum(struct row *row)
{
	const struct entry *lon = entry_find(row, "lon");
	const struct entry *lat = entry_find(row, "lat");
	const struct entry *said = entry_find(row, "datum");
	enum datum datum = row->in->datum;
	char given_lon[32], given_lat[32], text[32];
	double x, y;
	char *end_x, *end_y;

	if (lon == NULL || lat == NULL ||
	    entry_text(row, "given_lon")[0] != '\0')
		return;
	if (said != NULL && said->text[0] != '\0' &&
	    !datum_parse(&datum, said->text))
		return;
	x = strtod(lon->text, &end_x);
	y = strtod(lat->text, &end_y);
	if (end_x == lon->text || *end_x != '\0' || end_y == lat->text ||
	    *end_y != '\0')
		return;
	if (datum != DATUM_GCJ02 && datum != DATUM_BD09)
		return;
	snprintf(given_lon, sizeof(given_lon), "%.7f", x);
	snprintf(given_lat, sizeof(given_lat), "%.7f", y);
	datum_to_cgcs(datum, &x, &y);
	snprintf(text, sizeof(text), "%.7f", x);
	entry_put(row, "lon", text);
	snprintf(text, sizeof(text), "%.7f", y);
	entry_put(row, "lat", text);
	entry_put(row, "given_lon", given_lon);
	entry_put(row, "given_lat", given_lat);
	entry_put(row, "datum", datum_code(datum));
}

/* What stood under unknown headers goes after a new record's remark. */
static void
rule_rest(struct row *row)
{
	const struct field *f = kind_field(row->in->base, row->sub, "remark");
	const char *remark = entry_text(row, "remark");
	struct buf text = BUF_INIT;
	size_t max;

	if (row->rest.len == 0)
		return;
	max = f == NULL || f->max_len <= 0 ? 0 : (size_t)f->max_len;
	buf_printf(&text, "%s%s%s", remark, remark[0] == '\0' ? "" : "; ",
	    buf_str(&row->rest));
	if (row->update || f == NULL ||
	    (max > 0 && text_chars(buf_str(&text), text.len) > max))
		row->out->lost = true;
	else
		entry_put(row, "remark", buf_str(&text));
	buf_free(&text);
}

/* --- cells to entries -------------------------------------------------------
 */

/* The text of a cell without white space around it; "" if there is none. */
static void
cell_text(struct buf *out, const char *cell)
{
	size_t n = text_trim(&cell, strlen(cell));

	buf_clear(out);
	buf_put(out, cell, n);
	buf_str(out);
}

/* Which sub-kind the row is: by its own value, else as named. */
static void
choose_sub(struct row *row, const char *const *cells)
{
	const struct import_row_in *in = row->in;
	const struct kind *sub = in->named == in->base ? NULL : in->named;
	struct buf text = BUF_INIT, code = BUF_INIT;
	struct err err;
	size_t i;

	row->sub = sub;
	if (in->chooser == NULL)
		return;
	for (i = 0; i < columns_count(in->columns); i++) {
		const struct field *f = columns_field(in->columns, sub, i);

		if (f == NULL || strcmp(f->name, in->chooser->name) != 0)
			continue;
		cell_text(&text, cells[i]);
		if (text.len > 0 &&
		    resolve(&code, in, in->chooser, buf_str(&text), &err) == 0)
			row->sub = sub != NULL
				       ? sub
				       : kind_chosen(replica_schema(in->r),
					     in->base, buf_str(&code));
	}
	if (row->update && text.len == 0 && sub == NULL)
		row->sub = record_sub(in->r, &row->before);
	if (!row->update && text.len == 0 && sub != NULL &&
	    kind_when_at(&code, sub, 0))
		entry_put(row, in->chooser->name, buf_str(&code));
	buf_free(&text);
	buf_free(&code);
}

static bool
cell_is_file(const struct field *f, const char *text)
{
	return f->type == FIELD_BLOB && strchr(text, '@') != NULL;
}

static void
collect(struct row *row, const char *const *cells)
{
	const struct columns *c = row->in->columns;
	struct buf text = BUF_INIT, tidy = BUF_INIT;
	const struct field *f;
	size_t i;

	for (i = 0; i < columns_count(c); i++) {
		if (columns_sort(c, i) == COLUMN_ID ||
		    columns_sort(c, i) == COLUMN_IGNORED)
			continue;
		cell_text(&text, cells[i]);
		f = columns_field(c, row->sub, i);
		if (f == NULL && text.len > 0) {
			buf_printf(&row->rest, "%s%s: %s",
			    row->rest.len > 0 ? "; " : "", columns_header(c, i),
			    buf_str(&text));
		} else if (f != NULL && cell_is_file(f, buf_str(&text))) {
			/* A table from outside names no files of ours. */
			blame(row, f, N_("a table cannot attach files"));
			row->bad = true;
		} else if (f != NULL && text.len > 0) {
			buf_clear(&tidy);
			cell_tidy(&tidy, f, buf_str(&text));
			entry_put(row, f->name, buf_str(&tidy));
		} else if (f != NULL && row->update &&
			   record_value(&row->before, f->name) != NULL) {
			entry_put(row, f->name, "");
		}
	}
	buf_free(&text);
	buf_free(&tidy);
}

/* The record that the row is about, if it says so. */
static int
find_before(struct row *row, const char *const *cells, struct err *err)
{
	const struct columns *c = row->in->columns;
	struct buf id = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; i < columns_count(c); i++) {
		if (columns_sort(c, i) != COLUMN_ID)
			continue;
		cell_text(&id, cells[i]);
		if (id.len == 0)
			continue;
		row->update = true;
		rc = record_read(&row->before, row->in->r, row->in->base->name,
		    buf_str(&id), err);
		if (rc == 0 && row->before.removed)
			rc = err_set(
			    err, YZ_EINVAL, "%s is removed", row->before.id);
		break;
	}
	buf_free(&id);
	return rc;
}

static bool
is_empty(const struct columns *c, const char *const *cells)
{
	const char *s;
	size_t i;

	for (i = 0; i < columns_count(c); i++) {
		s = cells[i];
		if (text_trim(&s, strlen(s)) > 0)
			return false;
	}
	return true;
}

/* --- writing ----------------------------------------------------------------
 */

/* Say of every cell what is wrong with it, not of the first alone; first is
 * what stopped the row, unless that is said already. */
static void
blame_all(struct row *row, const struct err *first)
{
	struct buf json = BUF_INIT;
	size_t i, before = row->out->why.len;
	struct err err;

	for (i = 0; i < row->n; i++) {
		buf_clear(&json);
		if (value_parse_field(&json, row->in->r, row->v[i].field,
			row->v[i].text, &err) != 0)
			blame(row, row->v[i].field, err.msg);
	}
	if (row->out->why.len == before && first != NULL)
		blame(row, NULL, first->msg);
	buf_free(&json);
}

/* Does the record have all these values already? */
static bool
stands(struct row *row)
{
	struct buf json = BUF_INIT;
	const char *now;
	struct err err;
	bool same = true;
	size_t i;

	for (i = 0; same && i < row->n; i++) {
		buf_clear(&json);
		now = record_value(&row->before, row->v[i].field->name);
		same = value_parse_field(&json, row->in->r, row->v[i].field,
			   row->v[i].text, &err) == 0 &&
		       strcmp(buf_str(&json), now == NULL ? "null" : now) == 0;
	}
	buf_free(&json);
	return same;
}

static int
write_row(struct row *row, struct err *err)
{
	struct assign v[CSV_COLUMNS_MAX + EXTRA];
	struct import_row_out *out = row->out;
	bool changed;
	size_t i;
	int rc;

	for (i = 0; i < row->n; i++)
		v[i] = (struct assign){
		    row->v[i].field->name, ASSIGN_SET, row->v[i].text};
	if (!row->update) {
		rc = write_add(
		    row->in->w, out->id, row->in->named->name, v, row->n, err);
		out->what = ROW_ADDED;
		return rc;
	}
	memcpy(out->id, row->before.id, sizeof(out->id));
	rc = write_set(row->in->w, &changed, row->in->named->name, out->id, v,
	    row->n, err);
	if (rc == YZ_EDENIED && stands(row)) {
		rc = 0;
		changed = false;
	}
	out->what = changed ? ROW_CHANGED : ROW_SAME;
	return rc;
}

void
import_row(struct import_row_out *out, const struct import_row_in *in,
    const char *const *cells)
{
	struct row row = {
	    .in = in, .out = out, .before = RECORD_INIT, .rest = BUF_INIT};
	struct err err;

	buf_clear(&out->why);
	out->what = ROW_EMPTY;
	out->id[0] = '\0';
	out->lost = false;
	if (is_empty(in->columns, cells))
		return;
	if (find_before(&row, cells, &err) != 0) {
		row.bad = true;
		blame(&row, NULL, err.msg);
	} else {
		choose_sub(&row, cells);
		collect(&row, cells);
		resolve_all(&row);
		rule_mobile(&row);
		rule_datum(&row);
		rule_rest(&row);
	}
	if (row.bad) {
		blame_all(&row, NULL);
	} else if (write_row(&row, &err) != 0) {
		row.bad = true;
		blame_all(&row, &err);
	}
	if (row.bad) {
		out->what = ROW_BAD;
		out->id[0] = '\0';
	}
	while (row.n > 0)
		entry_drop(&row, &row.v[row.n - 1]);
	record_free(&row.before);
	buf_free(&row.rest);
}
