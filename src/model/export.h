/*
 * Records to a table that people open in a spreadsheet, and that
 * import_run() reads back unchanged: CSV in UTF-8 with a byte order mark, the
 * record's id first, then a column per field.
 */
#ifndef MODEL_EXPORT_H
#define MODEL_EXPORT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct replica;

struct export_order {
	const char *kind; /* a sub-kind: only its records and fields */
	bool codes;       /* codes as they are, instead of their labels */
	bool zh;          /* labels in Chinese, else English */
};

/* Append the table to out; *n is set to the records in it. */
int export_run(struct buf *out, size_t *n, struct replica *r,
    const struct export_order *order, struct err *err);

#endif
