/*
 * The data files that come with the program: code lists, divisions, points
 * (src/data in the source tree).  All are UTF-8, tab-separated, without
 * quotes, with a header line.
 */
#ifndef MODEL_DATA_H
#define MODEL_DATA_H

#include <stddef.h>

struct err;
struct data_table;

/*
 * Path of a data file such as "codes/kinds.tsv", which the caller frees: in
 * the folder that YIZHAN_DATA names, else where they are installed, else in
 * the source tree around the running program.  YZ_ENOTFOUND.
 */
int data_file(char **out, const char *name, struct err *err);

/* A table, by data_file()'s name, or by a path of one's own. */
int data_open(struct data_table **out, const char *name, struct err *err);
int data_open_path(struct data_table **out, const char *path, struct err *err);
void data_close(struct data_table *t);

size_t data_columns(const struct data_table *t);
const char *data_column_name(const struct data_table *t, size_t i);
/* Number of the column with that header; YZ_EINVAL if there is none. */
int data_column(size_t *out, const struct data_table *t, const char *header,
    struct err *err);

/* Next row: 1, or 0 at the end, or negative. */
int data_row(struct data_table *t, struct err *err);
/* Cell of the current row, "" where the row is short; borrowed until the
 * next row. */
const char *data_cell(const struct data_table *t, size_t column);
size_t data_line(const struct data_table *t);
/* Cell by header; "" also where there is no such column. */
const char *data_get(const struct data_table *t, const char *header);

#endif
