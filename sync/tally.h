/*
 * How many records of a kind there are that are not removed, by the values of
 * its tallied fields: kept with the rows, so that nobody has to count a
 * quarter of a million of them for a figure on a screen.
 *
 * While a transaction folds, what is added and taken is summed in memory; it
 * goes to the table _tally (a to d: the fields of kind->tallied in their
 * order, as text, NULL for no value) before the transaction commits.  A pure
 * function of the rows: counting them gives the same.
 */
#ifndef SYNC_TALLY_H
#define SYNC_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct db;
struct err;
struct kind;
struct replica;
struct tally;

struct tally *tally_new(void);
void tally_free(struct tally *tally);
/* Forget what was summed: the transaction is gone. */
void tally_forget(struct tally *tally);

/* Append a tallied field's value to a key; s NULL: it has none. */
void tally_put(struct buf *key, const char *s, size_t n);
/* n more records with such values, in the order of kind->tallied. */
int tally_add(struct replica *r, const struct kind *kind, const struct buf *key,
    int64_t n, struct err *err);
/* The same about a row as the table has it now, if it is there and not
 * removed. */
int tally_row(struct replica *r, const struct kind *kind, int64_t rec,
    int64_t n, struct err *err);
/* Into the table. */
int tally_flush(struct replica *r, struct err *err);

/* Count a kind's rows, unless its figures are of these fields already. */
int tally_count(struct db *db, const struct kind *kind, struct err *err);

#endif
