/*
 * Canonical JSON: the one form in which ops and roster documents are
 * written (FORMAT.md).  Keys sorted by their bytes (escapes undone) and
 * unique, no spaces, strict UTF-8, no control characters (a newline is \n, a
 * tab \t, and only \" and \\ besides), integers within +-(2^53-1), no
 * floats, depth at most LIMIT_DEPTH.
 *
 * Values are handled as slices of checked text: canon_check() once, then the
 * other readers may assume correctness.
 */
#ifndef SYNC_CANON_H
#define SYNC_CANON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

struct canon { /* a checked value, borrowed text */
	const char *s;
	size_t n;
};

enum canon_type {
	CANON_NULL,
	CANON_BOOL,
	CANON_INT,
	CANON_TEXT,
	CANON_LIST,
	CANON_OBJECT
};

/* The value at the start of s[0..n): on success *used is its length.
 * YZ_ECORRUPT with what is wrong and at which byte. */
int canon_check(size_t *used, const char *s, size_t n, struct err *err);
/* The same, and nothing may follow it. */
int canon_whole(struct canon *out, const char *s, size_t n, struct err *err);

/* Readers of checked values. */
enum canon_type canon_type(struct canon v);
bool canon_bool(struct canon v);
int64_t canon_int(struct canon v);
/* Append the text's characters, escapes undone. */
void canon_text(struct buf *out, struct canon v);
bool canon_is_text(struct canon v, const char *text); /* compare */
bool canon_equal(struct canon a, struct canon b);
/* <0, 0, >0 by the bytes of the canonical form, quotes included: the order
 * of set elements.  (Keys are ordered with escapes undone.) */
int canon_order(struct canon a, struct canon b);

/* Walk a list or object: start with *at = 0; false at the end. */
bool canon_next(struct canon list, size_t *at, struct canon *item);
bool canon_next_pair(
    struct canon object, size_t *at, struct canon *key, struct canon *value);
/* Member by name; false if absent. */
bool canon_member(struct canon object, const char *key, struct canon *value);
/* The characters of a member in place of what out holds, NUL terminated; false
 * if it is absent or no text. */
bool canon_member_text(struct buf *out, struct canon object, const char *key);

/* Writers.  They write what they are given: clean text (text_is_clean() with
 * lines) and integers in range are canonical, all else is refused by
 * canon_check() later. */
void canon_put_text(struct buf *out, const char *s, size_t n);
void canon_put_int(struct buf *out, int64_t v);

#endif
