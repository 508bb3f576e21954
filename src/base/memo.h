/*
 * A bounded memory of answers that are costly to find and asked for often,
 * such as the code of 长征街道 in column 乡镇: about a field, from text to
 * text.  A newer answer may push out an older one.
 */
#ifndef BASE_MEMO_H
#define BASE_MEMO_H

struct memo;

struct memo *memo_new(void);
void memo_free(struct memo *memo);
/* The answer, borrowed until the next memo_put(); NULL if not known. */
const char *memo_get(
    const struct memo *memo, const void *about, const char *text);
void memo_put(
    struct memo *memo, const void *about, const char *text, const char *answer);

#endif
