/*
 * Code lists: what a person typed -> code, code -> label.  The lists are
 * records of the kind "code", or stand in the field's values
 * ("ready=可用|busy=占用").  Rules (a field's code_rule):
 *	exact	a code of a flat list
 *	prefix	a code of a tree at any depth
 *	pattern	the form in values ("/.../") binds, the list gives names
 *	open	any text, the list is advice
 * Wherever a code may stand, so may its label in either language.
 */
#ifndef MODEL_CODE_H
#define MODEL_CODE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct field;
struct replica;

/* Append the code that text names; YZ_ENOTFOUND or YZ_EINVAL when there is
 * none, or several (they are named). */
int code_resolve(struct buf *out, struct replica *r, const struct field *f,
    const char *text, struct err *err);

/* Append the name of the field's list ("event_type.tsv" -> "event_type");
 * nothing if it has none. */
void code_list(struct buf *out, const struct field *f);

/* Append the label of a code, nothing when it has none. */
int code_label(struct buf *out, struct replica *r, const struct field *f,
    const char *code, bool zh, struct err *err);
/* The same for a list by name ("event_type"). */
int code_list_label(struct buf *out, struct replica *r, const char *list,
    const char *code, bool zh, struct err *err);

/* Append, as a JSON array of texts, the code and all below it by parent. */
int code_below(struct buf *out, struct replica *r, const struct field *f,
    const char *code, struct err *err);

/* Does text match the field's pattern?  True if it has none. */
bool code_matches(const struct field *f, const char *text);

/* The i-th choice written in the field's own values: code and label
 * (appended, either may be NULL); false past the last. */
bool code_choice(
    struct buf *code, struct buf *label, const struct field *f, size_t i);

#endif
