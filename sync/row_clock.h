/*
 * The clock of a record's row: which write of each register stands.
 */
#ifndef SYNC_ROW_CLOCK_H
#define SYNC_ROW_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain.h"

struct buf;
struct err;
struct kind;
struct reg;
struct replica;

struct row_place { /* a changeset in a chain; chain 0: see the user */
	int64_t chain;
	int64_t seq;
};

#define ROW_EXCEPTIONS_MAX 512

/*
 * by_stream is the write that made the record in each stream; it
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
/* The clock of a row: 1 if there is one, 0 if not. */
int row_clock_load(struct replica *r, struct row_clock *out,
    const struct kind *kind, int64_t rec, struct err *err);

#endif
