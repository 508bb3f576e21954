/*
 * A record's row in its kind's table, with its clock (row_clock.h), the words
 * by which it is found, and the attachments it names.
 */
#ifndef SYNC_ROW_H
#define SYNC_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "canon.h"
#include "chain.h"

struct buf;
struct chain;
struct changeset;
struct err;
struct field;
struct kind;
struct op;
struct replica;
struct row_clock;

/* What a new or refolded row holds: values[i] is the value of the kind's
 * field i, s NULL for nothing. */
struct row {
	const struct kind *kind;
	int64_t rec;
	struct canon *values;
	struct row_clock *clock;
	int64_t conflicts;
	bool removed;
	struct canon reason;    /* of the drop, s NULL if not removed */
	int64_t created_time;   /* ms, as the author's station told it */
	const char *created_by; /* NULL: nothing of the main stream yet */
	const char *owner;      /* the record's */
};

/* Insert, or put in the place of the row that is there. */
int row_put(
    struct replica *r, const struct row *row, bool fresh, struct err *err);
int row_delete(
    struct replica *r, const struct kind *kind, int64_t rec, struct err *err);
/*
 * Set what op sets (OP_SET items only), and its clock; an op of the kind's
 * main stream also decides whether the record is removed.  created, if not
 * NULL, is the changeset that made it.  Search words follow.
 */
int row_update(struct replica *r, const struct kind *kind, int64_t rec,
    const struct op *op, enum stream stream, const struct row_clock *clock,
    const struct changeset *created, struct err *err);

#endif
