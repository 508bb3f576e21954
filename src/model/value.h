/*
 * Values in their three forms: what a person typed, the canonical JSON of an
 * op, and the column of the replica's table.  Everything in between works on
 * canonical JSON.
 *
 *	typed		json				column
 *	12.5		"12.50"				1250
 *	是		true				1
 *	可用		"ready"				ready
 *	2026-11-23 9:05	"2026-11-23T09:05:00+08:00"	the same text
 */
#ifndef MODEL_VALUE_H
#define MODEL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/db.h"

struct buf;
struct err;
struct field;
struct replica;

#define VALUE_ELEMS_MAX 500 /* elements typed for one set or list */
#define VALUE_NUMBER_MAX 15 /* digits of a number, all in */
#define VALUE_DECIMAL_LEN 32

/*
 * Append one value (of a set or list: one element) as canonical JSON, after
 * every check that its field names: form, bounds, length, code list, and
 * that what it refers to is here, if this station is to hold it.
 * YZ_EINVAL or YZ_ENOTFOUND begin with the field's name.
 */
int value_parse(struct buf *json, struct replica *r, const struct field *f,
    const char *text, struct err *err);

/*
 * The same for a whole field: of a set or list a JSON array, its elements
 * typed with "|", ";" or "、" between them (codes and references also with
 * ","), or as a JSON array of texts.  Empty text gives null.
 */
int value_parse_field(struct buf *json, struct replica *r,
    const struct field *f, const char *text, struct err *err);

/* v as "12.50", with scale digits. */
void value_decimal(char out[VALUE_DECIMAL_LEN], int64_t v, int scale);

/* Append a column's value as canonical JSON; false if it is NULL. */
bool value_column(
    struct buf *json, const struct field *f, struct db_stmt *st, int col);
/* The same of one that was taken (db_take). */
bool value_taken(struct buf *json, const struct field *f, enum db_type type,
    const struct db_value *value);

/* Append what the column holds for a value, as JSON: for comparing in SQL. */
void value_stored(struct buf *json, const struct field *f, const char *value);

/* --- value_text.c: for people */

/* Append a value for people to read: labels of codes, titles of records. */
int value_text(struct buf *out, struct replica *r, const struct field *f,
    const char *json, bool zh, struct err *err);
/* Is the text for people of a field's value its own characters? */
bool value_is_plain(const struct field *f, const char *json);
/* Append a canonical JSON text's characters; other values as they are. */
void value_plain(struct buf *out, const char *json);

#endif
