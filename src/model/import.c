#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/caller.h"
#include "base/catalogue.h"
#include "base/csv.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/text.h"
#include "model/columns.h"
#include "model/import.h"
#include "model/import_row.h"
#include "model/kind.h"
#include "base/memo.h"
#include "model/write.h"
#include "replica.h"
#include "schema.h"

#define BOM "\xef\xbb\xbf"
#define HEADER_LINES 10 /* among the first of which the headers stand */

struct import {
	const struct import_order *order;
	struct import_result *out;
	struct buf text; /* the table in UTF-8 */
	struct csv *csv; /* reads text */
	struct columns *columns;
	struct import_row_in in;
	const char **cells; /* of the row being read, one per column */
	struct buf errors;  /* rows of the errors file, without line ends */
	struct error_row *error_rows;
	size_t n_errors;
	bool ids; /* a column of ids is needed: see errors_add() */
};

struct error_row {
	size_t end; /* in errors */
	char id[RECORD_ID_LEN + 1];
};

void
import_result_free(struct import_result *result)
{
	buf_free(&result->unknown);
	free(result->errors);
	result->errors = NULL;
}

/* --- opening ----------------------------------------------------------------
 */

static int
open_text(struct import *im, struct err *err)
{
	struct buf raw = BUF_INIT;
	int rc;

	rc = caller_read(&raw, im->order->file, IMPORT_BYTES_MAX, err);
	if (rc == 0)
		rc = text_decode(&im->text, &im->out->encoding,
		    im->order->encoding, raw.b, raw.len, err);
	buf_free(&raw);
	if (rc != 0)
		return rc;
	im->csv = csv_open(buf_str(&im->text), im->text.len, 0, true);
	return 0;
}

/*
 * The headers stand in the first line that means something; titles may stand
 * above.  One match is enough for a table of one column only.
 */
static int
open_columns(struct import *im, struct err *err)
{
	const struct import_order *o = im->order;
	const char *const *cells;
	struct err first = {.code = 0};
	size_t n, line, need;
	int rc;

	for (line = 0; line < HEADER_LINES; line++) {
		rc = csv_row(im->csv, &cells, &n, err);
		if (rc == 0)
			break;
		if (rc < 0)
			return rc;
		rc = columns_new(&im->columns, replica_schema(im->in.r),
		    im->in.named, cells, n, o->map, err);
		if (rc != 0 && first.code == 0)
			first = *err;
		if (rc != 0)
			continue;
		need = n > 1 ? 2 : 1;
		if (columns_matched(im->columns) >= need)
			return 0;
		columns_free(im->columns);
		im->columns = NULL;
	}
	if (first.code != 0) {
		*err = first;
		return first.code;
	}
	return err_set(err, YZ_EINVAL,
	    "none of the first %d lines has headers that %s knows",
	    HEADER_LINES, im->in.named->name);
}

static int
open_kind(struct import *im, struct err *err)
{
	const struct schema *schema = replica_schema(im->in.r);
	const struct import_order *o = im->order;
	struct buf chooser = BUF_INIT;
	int rc;

	rc = kind_find(&im->in.named, schema, o->kind, err);
	if (rc != 0)
		return rc;
	im->in.base = schema_base(schema, im->in.named);
	if (kind_chooser(&chooser, schema, im->in.base))
		im->in.chooser =
		    kind_field(im->in.base, NULL, buf_str(&chooser));
	buf_free(&chooser);
	im->in.datum = DATUM_CGCS2000;
	if (o->datum != NULL && !datum_parse(&im->in.datum, o->datum))
		return err_set(err, YZ_EINVAL,
		    "%.20s is none of CGCS2000, WGS84, GCJ02, BD09", o->datum);
	return 0;
}

static void
list_unknown(struct import *im)
{
	struct buf *list = &im->out->unknown;
	size_t i;

	for (i = 0; i < columns_count(im->columns); i++)
		if (columns_sort(im->columns, i) == COLUMN_UNKNOWN)
			buf_printf(list, "%s%s", list->len > 0 ? ", " : "",
			    columns_header(im->columns, i));
}

/* --- the errors file
 * ---------------------------------------------------------- */

/* One line of the errors file without its line end: the table's own columns,
 * then two more. */
static void
errors_line(struct buf *out, const struct columns *c, const char *const *cells,
    const char *line, const char *why)
{
	const char **all = mem_calloc(columns_count(c) + 2, sizeof(*all));
	size_t i, n = 0;

	for (i = 0; i < columns_count(c); i++) {
		/* What an earlier errors file added is written anew. */
		if (strcmp(columns_header(c, i), "行号") == 0 ||
		    strcmp(columns_header(c, i), "原因") == 0)
			continue;
		all[n++] = cells == NULL ? columns_header(c, i) : cells[i];
	}
	all[n++] = line;
	all[n++] = why;
	csv_write(out, all, n, ',');
	out->len -= 2;
	free(all);
}

/*
 * id: of the record that a row became although something is wrong, or "".
 * It is added in a last column, or in the table's own column for it, so that
 * the corrected row changes the record when it is imported again.
 */
static void
errors_add(struct import *im, const char *id, const char *why)
{
	const struct columns *c = im->columns;
	struct buf reason = BUF_INIT;
	struct error_row *e;
	bool own = false;
	char line[24];
	size_t i;

	for (i = 0; i < columns_count(c); i++)
		own |= columns_sort(c, i) == COLUMN_ID;
	im->ids |= id[0] != '\0' && !own;

	snprintf(line, sizeof(line), "%zu", csv_line(im->csv));
	buf_printf(&reason, "%s%s", why, id[0] != '\0' ? "; 已导入" : "");
	for (i = 0; i < columns_count(c); i++)
		if (columns_sort(c, i) == COLUMN_ID && id[0] != '\0')
			im->cells[i] = id;
	errors_line(&im->errors, c, im->cells, line, buf_str(&reason));
	buf_free(&reason);

	im->error_rows = mem_realloc(
	    im->error_rows, (im->n_errors + 1) * sizeof(*im->error_rows));
	e = &im->error_rows[im->n_errors++];
	e->end = im->errors.len;
	memcpy(e->id, id, sizeof(e->id));
}

static void
errors_text(struct buf *text, const struct import *im)
{
	size_t i, at = 0;

	buf_puts(text, BOM);
	errors_line(text, im->columns, NULL, "行号", "原因");
	buf_puts(text, im->ids ? ",记录编号\r\n" : "\r\n");
	for (i = 0; i < im->n_errors; i++) {
		const struct error_row *e = &im->error_rows[i];

		buf_put(text, im->errors.b + at, e->end - at);
		if (im->ids)
			buf_printf(text, ",%s", e->id);
		buf_puts(text, "\r\n");
		at = e->end;
	}
}

static int
errors_write(struct import *im, struct err *err)
{
	char *path = mem_printf("%s%s", im->order->file, IMPORT_ERRORS);
	struct buf text = BUF_INIT;
	int rc;

	if (im->n_errors == 0) {
		/* One of an earlier try would be taken for this one's. */
		unlink(path);
		free(path);
		return 0;
	}
	errors_text(&text, im);
	/* It may hold what is personal. */
	rc = caller_write(path, text.b, text.len, 0600, err);
	buf_free(&text);
	if (rc == 0)
		im->out->errors = path;
	else
		free(path);
	return rc;
}

/* --- rows -------------------------------------------------------------------
 */

static void
count(struct import *im, const struct import_row_out *row)
{
	struct import_result *out = im->out;

	if (row->what == ROW_EMPTY)
		return;
	out->rows++;
	out->added += row->what == ROW_ADDED;
	out->changed += row->what == ROW_CHANGED;
	out->same += row->what == ROW_SAME;
	out->bad += row->what == ROW_BAD;
	out->kept &= !row->lost;
	if (row->why.len == 0)
		return;
	out->partly += row->what != ROW_BAD;
	errors_add(im, row->id, (const char *)row->why.b);
}

static int
read_rows(struct import *im, struct err *err)
{
	struct import_row_out row = {.what = ROW_EMPTY, .why = BUF_INIT};
	size_t i, n, columns = columns_count(im->columns);
	const char *const *cells;
	struct progress bar;
	int rc;

	im->cells = mem_calloc(columns + 1, sizeof(*im->cells));
	im->out->kept = true;
	progress_begin(&bar, im->order->file, 0);
	while ((rc = csv_row(im->csv, &cells, &n, err)) != 0) {
		for (i = 0; i < columns; i++)
			im->cells[i] = rc > 0 && i < n ? cells[i] : "";
		if (rc > 0) {
			import_row(&row, &im->in, im->cells);
		} else {
			row.what = ROW_BAD;
			row.id[0] = '\0';
			buf_clear(&row.why);
			catalogue_line(&row.why, err->msg);
		}
		count(im, &row);
		progress_set(&bar, (int64_t)im->out->rows);
		if (im->out->rows > IMPORT_ROWS_MAX) {
			rc = err_set(err, YZ_EINVAL,
			    "more than %d rows: split the table",
			    IMPORT_ROWS_MAX);
			break;
		}
	}
	progress_end(&bar);
	buf_free(&row.why);
	return rc;
}

static int
write_rows(struct import *im, struct err *err)
{
	const struct import_order *o = im->order;
	int rc;

	rc = write_new(
	    &im->in.w, im->in.r, o->author, o->login, o->subject, err);
	if (rc != 0)
		return rc;
	im->in.memo = memo_new();
	im->in.columns = im->columns;
	rc = read_rows(im, err);
	if (rc == 0)
		rc = errors_write(im, err);
	if (rc == 0 && !o->dry_run)
		rc = write_commit(im->in.w, err);
	write_free(im->in.w);
	memo_free(im->in.memo);
	return rc;
}

int
import_run(struct import_result *out, struct replica *r,
    const struct import_order *order, struct err *err)
{
	struct import im = {.order = order, .out = out};
	int rc;

	im.in.r = r;
	rc = open_kind(&im, err);
	if (rc == 0)
		rc = open_text(&im, err);
	if (rc == 0)
		rc = open_columns(&im, err);
	if (rc == 0) {
		list_unknown(&im);
		rc = write_rows(&im, err);
	}
	columns_free(im.columns);
	csv_close(im.csv);
	buf_free(&im.text);
	buf_free(&im.errors);
	free(im.error_rows);
	free(im.cells);
	return rc;
}
