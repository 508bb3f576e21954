/*
 * Goal of this test: tables read as RFC 4180 says whatever wrote them, one
 * bad row costs only itself, and what is written reads back.
 */
#include "config.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/csv.h"
#include "base/err.h"
#include "tap.h"

static struct err err;

/* All rows as LINE:[cell][cell] or LINE:!message, joined by spaces. */
static void
reads(const char *text, size_t n, char sep, bool quotes, const char *want,
    const char *what)
{
	struct csv *csv = csv_open(text, n, sep, quotes);
	const char *const *cells;
	struct buf got = BUF_INIT;
	size_t i, count;
	int rc;

	while ((rc = csv_row(csv, &cells, &count, &err)) != 0) {
		buf_printf(
		    &got, "%s%zu:", got.len > 0 ? " " : "", csv_line(csv));
		if (rc < 0)
			buf_printf(&got, "!%s", strchr(err.msg, ':') + 2);
		for (i = 0; i < count; i++)
			buf_printf(&got, "[%s]", cells[i]);
	}
	is_str(buf_str(&got), want, "%s", what);
	csv_close(csv);
	buf_free(&got);
}

#define READS(text, sep, quotes, want, what) \
	reads(text, sizeof(text) - 1, sep, quotes, want, what)

static void
bounds(void)
{
	struct buf text = BUF_INIT;
	int i;

	for (i = 0; i < CSV_COLUMNS_MAX; i++)
		buf_putc(&text, ',');
	buf_puts(&text, "\nb\n");
	reads(buf_str(&text), text.len, ',', true,
	    "1:!there are too many cells 2:[b]", "one cell too many");
	buf_clear(&text);
	for (i = 0; i <= (int)CSV_CELL_MAX; i++)
		buf_putc(&text, 'x');
	buf_puts(&text, "\nb\n");
	reads(buf_str(&text), text.len, ',', true,
	    "1:!a cell is too long 2:[b]", "one byte too long");
	buf_free(&text);
}

static void
writes(void)
{
	static const char *const row[] = {
	    "plain", "a,b", "say \"hi\"", "two\nlines", "", "\xe7\x9c\x81"};
	static const char *const empty[] = {""};
	struct buf out = BUF_INIT;

	csv_write(&out, row, 6, ',');
	csv_write(&out, empty, 1, ',');
	is_str(buf_str(&out),
	    "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",,省\r\n\"\"\r\n",
	    "quotes only where needed");
	reads(buf_str(&out), out.len, ',', true,
	    "1:[plain][a,b][say \"hi\"][two\nlines][][省] 3:[]",
	    "what is written reads back");
	buf_free(&out);
}

int
main(void)
{
	READS("", ',', true, "", "nothing has no rows");
	READS("a,b\r\nc,d\ne,f\rg,h", ',', true,
	    "1:[a][b] 2:[c][d] 3:[e][f] 4:[g][h]", "every kind of line end");
	READS(",\n\n\"\",\"\"\n", ',', true, "1:[][] 2:[] 3:[][]",
	    "empty cells and an empty line");
	READS("\"a,\"\"b\"\"\r\nc\",d\ne", ',', true,
	    "1:[a,\"b\"\r\nc][d] 3:[e]", "separators inside quotes");
	READS("a\"b\",\"c\"d\n", ',', true, "1:[a\"b\"][cd]",
	    "stray quotes are taken as they are");
	READS("a\n\"b,c\nd,e\nf", ',', true,
	    "1:[a] 2:!a quote is not closed 3:[d][e] 4:[f]",
	    "an unclosed quote costs its line only");
	READS("a\0b,c\nd\n", ',', true, "1:!a cell has a NUL byte 2:[d]",
	    "a NUL byte is refused");
	READS("\"a\tb\n\"c\"\t\n", '\t', false, "1:[\"a][b] 2:[\"c\"][]",
	    "our .tsv files know no quotes");
	READS("\"a,b\";c;d\n", 0, true, "1:[a,b][c][d]",
	    "a semicolon is found out");
	READS("a\tb,c\td\n", 0, true, "1:[a][b,c][d]", "a tab is found out");
	bounds();
	writes();
	return tap_done();
}
