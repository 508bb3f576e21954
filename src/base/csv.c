#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/csv.h"
#include "base/err.h"
#include "base/mem.h"

struct csv {
	const char *p;   /* next byte */
	const char *end; /* one past the last */
	char sep;
	bool quotes;
	size_t line;       /* of p, from 1 */
	size_t row_line;   /* of the row last read */
	struct buf text;   /* the row's cells, each with its NUL */
	size_t *starts;    /* where in text each cell starts */
	const char **cell; /* the same as pointers, once text stands still */
	size_t n;          /* cells in the row */
};

/* The separator that the first line has most of, outside quotes. */
static char
guess(const char *text, size_t n, bool quotes)
{
	static const char seps[] = ",;\t";
	size_t count[3] = {0, 0, 0}, i, best = 0;
	bool quoted = false;

	for (i = 0; i < n; i++) {
		const char *p;

		if (quotes && text[i] == '"')
			quoted = !quoted;
		if (quoted)
			continue;
		if (text[i] == '\n' || text[i] == '\r')
			break;
		p = text[i] == '\0' ? NULL : strchr(seps, text[i]);
		if (p != NULL)
			count[p - seps]++;
	}
	for (i = 1; i < 3; i++)
		if (count[i] > count[best])
			best = i;
	return seps[best];
}

struct csv *
csv_open(const char *text, size_t n, char sep, bool quotes)
{
	struct csv *csv = mem_calloc(1, sizeof(*csv));

	csv->p = text;
	csv->end = text + n;
	csv->sep = sep != 0 ? sep : guess(text, n, quotes);
	csv->quotes = quotes;
	csv->line = 1;
	buf_str(&csv->text); /* never NULL from here on */
	csv->starts = mem_calloc(CSV_COLUMNS_MAX, sizeof(*csv->starts));
	csv->cell = mem_calloc(CSV_COLUMNS_MAX, sizeof(*csv->cell));
	return csv;
}

void
csv_close(struct csv *csv)
{
	if (csv == NULL)
		return;
	buf_free(&csv->text);
	free(csv->starts);
	free(csv->cell);
	free(csv);
}

size_t
csv_line(const struct csv *csv)
{
	return csv->row_line;
}

/* Step over one line end, of whichever kind. */
static void
line_end(struct csv *csv)
{
	if (csv->p == csv->end)
		return;
	if (*csv->p == '\r' && csv->p + 1 < csv->end && csv->p[1] == '\n')
		csv->p++;
	csv->p++;
	csv->line++;
}

static bool
at_line_end(const struct csv *csv)
{
	return csv->p == csv->end || *csv->p == '\n' || *csv->p == '\r';
}

/* Up to the separator or line end, as it stands. */
static void
bare(struct csv *csv)
{
	const char *from = csv->p;

	while (!at_line_end(csv) && *csv->p != csv->sep)
		csv->p++;
	buf_put(&csv->text, from, (size_t)(csv->p - from));
}

/* From an opening quote to what follows the closing one; false if there is
 * no closing quote. */
static bool
quoted(struct csv *csv)
{
	const char *from = ++csv->p;

	for (;; csv->p++) {
		if (csv->p == csv->end)
			return false;
		if (*csv->p == '"') {
			buf_put(&csv->text, from, (size_t)(csv->p - from));
			from = ++csv->p;
			if (csv->p == csv->end || *csv->p != '"')
				return true;
		} else if (*csv->p == '\n' ||
			   (*csv->p == '\r' &&
			       (csv->p + 1 == csv->end || csv->p[1] != '\n'))) {
			csv->line++;
		}
	}
}

/* One cell; what is wrong with it, or NULL. */
static const char *
cell(struct csv *csv)
{
	const char *trouble = NULL;
	size_t start = csv->text.len;

	if (csv->quotes && !at_line_end(csv) && *csv->p == '"') {
		const char *from = csv->p;
		size_t line = csv->line;

		if (!quoted(csv)) {
			/* Give up this line only, not the rest of the file. */
			trouble = N_("a quote is not closed");
			csv->p = from;
			csv->line = line;
			while (!at_line_end(csv))
				csv->p++;
		}
	}
	if (trouble == NULL)
		bare(csv);
	if (csv->text.len - start > CSV_CELL_MAX)
		trouble = N_("a cell is too long");
	else if (memchr(csv->text.b + start, '\0', csv->text.len - start) !=
		 NULL)
		trouble = N_("a cell has a NUL byte");
	buf_putc(&csv->text, '\0');
	if (csv->n < CSV_COLUMNS_MAX)
		csv->starts[csv->n++] = start;
	else
		trouble = N_("there are too many cells");
	return trouble;
}

int
csv_row(struct csv *csv, const char *const **cells, size_t *n, struct err *err)
{
	const char *trouble = NULL, *t;
	size_t i;

	*cells = csv->cell;
	*n = 0;
	if (csv->p == csv->end)
		return 0;
	buf_clear(&csv->text);
	csv->n = 0;
	csv->row_line = csv->line;
	for (;;) {
		t = cell(csv);
		if (trouble == NULL)
			trouble = t;
		if (at_line_end(csv))
			break;
		csv->p++; /* the separator */
	}
	line_end(csv);
	if (trouble != NULL)
		return err_set(
		    err, YZ_EINVAL, "line %zu: %s", csv->row_line, trouble);
	for (i = 0; i < csv->n; i++)
		csv->cell[i] = (const char *)csv->text.b + csv->starts[i];
	*n = csv->n;
	return 1;
}

void
csv_write(struct buf *out, const char *const *cells, size_t n, char sep)
{
	char special[] = {'"', '\r', '\n', sep, '\0'};
	const char *s;
	size_t i;

	for (i = 0; i < n; i++) {
		if (i > 0)
			buf_putc(out, sep);
		s = cells[i] == NULL ? "" : cells[i];
		/* A row of one empty cell would read back as no row. */
		if (strpbrk(s, special) == NULL && (n > 1 || *s != '\0')) {
			buf_puts(out, s);
			continue;
		}
		buf_putc(out, '"');
		for (; *s != '\0'; s++) {
			if (*s == '"')
				buf_putc(out, '"');
			buf_putc(out, *s);
		}
		buf_putc(out, '"');
	}
	buf_puts(out, "\r\n");
}
