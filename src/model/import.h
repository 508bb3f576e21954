/*
 * Records from a table: CSV, in the encodings and with the headers that
 * people's spreadsheets have.  Good rows go in, as one act; bad rows come
 * back with reasons.
 */
#ifndef MODEL_IMPORT_H
#define MODEL_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct err;
struct replica;

#define IMPORT_BYTES_MAX (256u << 20) /* of a table */
#define IMPORT_ROWS_MAX 500000
#define IMPORT_ERRORS ".errors.csv" /* after the table's name */

struct import_order {
	const char *kind;     /* or a sub-kind */
	const char *file;     /* path */
	const char *map;      /* as columns_new(), or NULL */
	const char *encoding; /* as text_decode(), or NULL: found out */
	const char *datum;    /* of positions: GCJ02, BD09, ..., or NULL */
	bool dry_run;         /* check only; the errors file is written */
	const char *author;   /* these three as act_new() */
	const char *login;
	const char *subject;
};

struct import_result {
	const char *encoding; /* the table's */
	size_t rows;          /* that were not empty */
	size_t added, changed, same;
	size_t bad;         /* rows that did not go in */
	size_t partly;      /* went in without something they named */
	struct buf unknown; /* headers that mean nothing here, "A, B" */
	bool kept;          /* their cells went to the remark */
	char *errors;       /* path of the errors file, or NULL */
};

#define IMPORT_RESULT_INIT \
	{ \
		.encoding = NULL, .unknown = BUF_INIT, .errors = NULL \
	}

void import_result_free(struct import_result *result);

/*
 * A row with a record's id in a column for it changes that record (an empty
 * cell clears the field); others become new records.  Fails only when
 * nothing was done: the file, its encoding, headers or map, or the commit.
 */
int import_run(struct import_result *out, struct replica *r,
    const struct import_order *order, struct err *err);

#endif
