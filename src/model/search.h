/*
 * Search in all text: words of Chinese, letters or digits, all of which must
 * be in a record.  One Chinese character will do; letters and digits match
 * from the start of a word.
 */
#ifndef MODEL_SEARCH_H
#define MODEL_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct record;
struct replica;

#define SEARCH_TEXT_MAX 256 /* bytes of what is asked */

struct search {
	const char *text;
	int64_t limit;     /* records given to fn at most */
	int64_t after;     /* next of the page before; 0: from the first */
	int64_t count_max; /* count what is found up to so many */
	/* What came of it: */
	int64_t total; /* found, removed ones, which are not given, too */
	bool beyond;   /* there are more than count_max = total */
	int64_t next;  /* where it goes on, 0: nowhere */
};

/* Call fn for the records found, in the order in which they came here. */
int search_find(struct replica *r, struct search *s,
    int (*fn)(void *arg, const struct record *rec, struct err *err), void *arg,
    struct err *err);

/* Append the index's query for text; YZ_EINVAL if nothing can be found by
 * it. */
int search_query(struct buf *out, const char *text, struct err *err);

#endif
