/*
 * One row of a table being imported (import.h): from cells to a write.
 */
#ifndef MODEL_IMPORT_ROW_H
#define MODEL_IMPORT_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "chain.h"
#include "model/datum.h"

struct columns;
struct err;
struct field;
struct kind;
struct memo;
struct replica;
struct write;

struct import_row_in { /* what is the same for all rows */
	struct replica *r;
	struct write *w;
	const struct columns *columns;
	const struct kind *named, *base;
	const struct field *chooser; /* of the sub-kind, or NULL */
	struct memo *memo;
	enum datum datum; /* unless a row says another */
};

enum import_row_what { ROW_EMPTY, ROW_BAD, ROW_ADDED, ROW_CHANGED, ROW_SAME };

struct import_row_out {
	enum import_row_what what;
	char id[RECORD_ID_LEN + 1]; /* of the record written, or "" */
	struct buf why;             /* what is wrong, "" if nothing is */
	bool lost;                  /* a cell under an unknown header was
				     * neither written nor kept */
};

/* cells has a text for each column.  A row that goes in although something
 * of it did not has why too. */
void import_row(struct import_row_out *out, const struct import_row_in *in,
    const char *const *cells);

#endif
