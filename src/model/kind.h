/*
 * Kinds and fields as people name them: look-ups that suggest what may have
 * been meant, and the sub-kind that a record's own value chooses
 * (resource.team is a resource whose rkind is R01, R16 or R17).
 */
#ifndef MODEL_KIND_H
#define MODEL_KIND_H

#include <stdbool.h>
#include <stddef.h>

#include "schema.h"

struct buf;
struct err;

/* By name or Chinese label; YZ_EINVAL names the nearest ones. */
int kind_find(const struct kind **out, const struct schema *schema,
    const char *name, struct err *err);

/* The field whose value chooses the sub-kind of a base kind, appended to
 * out; false if the kind has no sub-kinds. */
bool kind_chooser(
    struct buf *out, const struct schema *schema, const struct kind *base);
/* The sub-kind of base that the chooser's code stands for, or NULL. */
const struct kind *kind_chosen(
    const struct schema *schema, const struct kind *base, const char *code);
/* Does the sub-kind stand for that code? */
bool kind_when(const struct kind *sub, const char *code);
/* Append the i-th code a sub-kind stands for; false past the last. */
bool kind_when_at(struct buf *out, const struct kind *sub, size_t i);

/*
 * A field that a record of base, or of sub if not NULL, may carry: the
 * sub-kind's own before the base kind's; NULL if there is none.
 */
const struct field *kind_field(
    const struct kind *base, const struct kind *sub, const char *name);
/* The same by name, Chinese label or alias; YZ_EINVAL names the nearest. */
int kind_field_find(const struct field **out, const struct kind *base,
    const struct kind *sub, const char *name, struct err *err);
/* Its place among base->fields, or -1. */
int kind_index(const struct kind *base, const char *name);

/* Is it never in an operation: computed, or the frame of every record? */
bool kind_field_derived(const struct field *f);

const char *kind_label(const struct kind *k, bool zh);
const char *kind_field_label(const struct field *f, bool zh);

#endif
