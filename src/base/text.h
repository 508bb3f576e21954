/*
 * Text: encodings and the rules every text field obeys.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

/* Strict UTF-8: no overlong forms, surrogates, or values over U+10FFFF. */
bool text_is_utf8(const char *s, size_t n);

/* Valid UTF-8 without control characters (C0, DEL, C1) except, if
 * lines is set, \n and \t. */
bool text_is_clean(const char *s, size_t n, bool lines);

/* Clean, one line, and with nothing unseen that turns the direction of what
 * stands beside it or ends a line: what a person can be shown by name. */
bool text_is_plain(const char *s, size_t n);
size_t text_good(const char *s); /* bytes before the first bad one */

/* In place, so that it is valid UTF-8: a character whose end was cut off goes,
 * any other bad byte becomes '?'. */
void text_mend(char *s);
/* How many of the first max bytes of valid UTF-8 are whole characters. */
size_t text_cut(const char *s, size_t max);

size_t text_chars(const char *s, size_t n); /* code points of valid UTF-8 */

/* Length after dropping white space (ASCII and U+3000) at both ends; *s is
 * moved to the first byte kept. */
size_t text_trim(const char **s, size_t n);

/*
 * Append n bytes of text converted to UTF-8, without its byte order mark.
 * encoding: "UTF-8", "GB18030", "GBK", "UTF-16", "UTF-16LE", "UTF-16BE", or
 * NULL to find out (byte order mark; valid UTF-8; UTF-16 by its zeros; else
 * GB18030).  *used, if not NULL, is set to the encoding's name.  Bytes that
 * do not convert are YZ_EINVAL with their offset.
 */
int text_decode(struct buf *out, const char **used, const char *encoding,
    const void *data, size_t n, struct err *err);

/*
 * Append the words that a search index keeps for some text: runs of ASCII
 * letters and digits in lower case as whole words, every two neighbouring
 * other characters as one word, the last character of such a run alone too;
 * full-width ASCII is folded to ASCII; a space after each word.
 */
void text_bigrams(struct buf *out, const char *s, size_t n);

#endif
