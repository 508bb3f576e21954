/*
 * Search in all text: words of Chinese, letters or digits, all of which must
 * be in a record.  One Chinese character will do; letters and digits match
 * from the start of a word.
 */
#ifndef MODEL_SEARCH_H
#define MODEL_SEARCH_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct record;
struct replica;

#define SEARCH_TEXT_MAX 256 /* bytes of what is asked */

/*
 * Call fn for up to limit records found; *total, if not NULL, is how many
 * there are (removed ones, which are not given to fn, among them).
 */
int search_find(struct replica *r, const char *text, int64_t limit,
    int (*fn)(void *arg, const struct record *rec, struct err *err), void *arg,
    int64_t *total, struct err *err);

/* Append the index's query for text; YZ_EINVAL if nothing can be found by
 * it. */
int search_query(struct buf *out, const char *text, struct err *err);

#endif
