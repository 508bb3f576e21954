/*
 * A record's row in its kind's table, with the clock that says which write
 * of each register stands, the words by which it is found, and the
 * attachments it names.
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
struct reg;
struct replica;

struct row_place { /* a changeset in a chain; chain 0: see the user */
	int64_t chain;
	int64_t seq;
};

#define ROW_EXCEPTIONS_MAX 512

/*
 * The clock.  by_stream is the write that made the record in each stream; it
 * stands for every register of the stream that is no exception.  (A
 * register that was never written is then taken for written: that costs a
 * refold when something concurrent comes, and changes no result.)  An
 * exception with chain 0 has several standing writes, in _standing.
 */
struct row_clock {
	struct row_place created; /* in the main stream, the earliest by
				   * Time + Offset, then id; chain 0: none */
	int64_t created_time;     /* its Time + Offset */
	struct row_place by_stream[STREAM_COUNT]; /* chain 0: none yet */
	struct {
		unsigned reg;
		struct row_place place;
	} except[ROW_EXCEPTIONS_MAX];
	size_t n_except;
};

void row_clock_write(struct buf *out, const struct row_clock *clock);
int row_clock_read(
    struct row_clock *out, const void *data, size_t n, struct err *err);
/* What stands in a register; chain 0: nothing, or, if *several, more than
 * one write. */
struct row_place row_clock_get(
    const struct row_clock *clock, const struct reg *reg, bool *several);
void row_clock_set(
    struct row_clock *clock, const struct reg *reg, struct row_place place);

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
/* The clock of a row: 1 if there is one, 0 if not. */
int row_clock_load(struct replica *r, struct row_clock *out,
    const struct kind *kind, int64_t rec, struct err *err);
/*
 * Set what op sets (OP_SET items only), and its clock; an op of the kind's
 * main stream also decides whether the record is removed.  created, if not
 * NULL, is the changeset that made it.  Search words follow.
 */
int row_update(struct replica *r, const struct kind *kind, int64_t rec,
    const struct op *op, enum stream stream, const struct row_clock *clock,
    const struct changeset *created, struct err *err);

#endif
