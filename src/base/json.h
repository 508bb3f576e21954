/*
 * JSON outside changesets, by jansson: what commands print and the small
 * files people carry.  (Ops have their own strict reader, sync/canon.)
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct buf;
struct err;
struct json; /* a value; freed by json_free, or owned by what it was put in */

/* (json_object, json_array, json_null and json_string are jansson's names.) */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_null(void);
struct json *json_text(const char *s); /* NULL gives null, a bad byte U+FFFD */
struct json *json_int(int64_t v);
struct json *json_bool(int v);
void json_free(struct json *v);

/* Put v into an object or array, which then owns it. */
void json_set(struct json *object, const char *key, struct json *v);
void json_add(struct json *array, struct json *v);

#define JSON_BYTES_MAX (64u << 20) /* of a text to parse */
#define JSON_DEPTH_MAX 64

/* Parse one value; depth and size bounded; duplicate keys refused. */
int json_parse(struct json **out, const char *text, size_t n, struct err *err);

/* The same, and refuse what is no object. */
int json_parse_object(
    struct json **out, const char *text, size_t n, struct err *err);

/* Borrowed readings; NULL or 0 where absent or of another type. */
const struct json *json_get(const struct json *object, const char *key);
const char *json_get_text(const struct json *object, const char *key);
int json_get_bool(const struct json *object, const char *key);
int64_t json_get_int(const struct json *object, const char *key);
bool json_has_int(const struct json *object, const char *key);
size_t json_length(const struct json *array);
const struct json *json_at(const struct json *array, size_t i);
const char *json_as_text(const struct json *v); /* NULL if not text */
/* Of an object: how many members (0 if it is none), the i-th and its name. */
size_t json_members(const struct json *object);
const struct json *json_member(const struct json *object, size_t i);
const char *json_name(const struct json *object, size_t i);

/* Append as text, keys in insertion order; compact or indented. */
void json_write(struct buf *out, const struct json *v, int indent);
/* The same, compact and keys sorted by their bytes. */
void json_write_sorted(struct buf *out, const struct json *v);
/* Print compactly and a newline. */
void json_print(FILE *f, const struct json *v);

#endif
