/*
 * Comma- and tab-separated values in memory, UTF-8.
 *
 * With quotes as RFC 4180 (also bare CR or LF line ends), or, for our own
 * .tsv files, without any quoting.
 */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct csv;

#define CSV_COLUMNS_MAX 512
#define CSV_CELL_MAX (64u << 10)

/* sep: ',' ';' '\t', or 0 to choose by the first line.  The text is borrowed
 * until csv_close(). */
struct csv *csv_open(const char *text, size_t n, char sep, bool quotes);
void csv_close(struct csv *csv);

/*
 * Next row: 1 with *cells (NUL-terminated, valid until the next call) and
 * *n; 0 at the end; negative for a malformed row (unclosed quote, too many
 * cells, cell too long, NUL byte): the reader then stands after that row.
 */
int csv_row(
    struct csv *csv, const char *const **cells, size_t *n, struct err *err);
size_t csv_line(const struct csv *csv); /* line on which that row began */

/* Append one row, quoted where needed, ended by CR LF. */
void csv_write(struct buf *out, const char *const *cells, size_t n, char sep);

#endif
