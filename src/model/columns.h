/*
 * What the headers of a table mean: which field of the kind, for each
 * sub-kind that a row may turn out to be.  Headers may be field names,
 * Chinese or English labels or aliases, with a unit in brackets or a star,
 * or be told by a map.
 */
#ifndef MODEL_COLUMNS_H
#define MODEL_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

struct columns;
struct err;
struct field;
struct kind;
struct schema;

enum column_sort {
	COLUMN_FIELD,   /* of some sub-kind at least */
	COLUMN_ID,      /* the record's id */
	COLUMN_IGNORED, /* known, but not to be written: computed fields, the
			 * columns of an earlier errors file, empty headers,
			 * what the map leaves out */
	COLUMN_UNKNOWN,
};

/*
 * map, or NULL: "HEADER=FIELD,..." or the path of a file of such lines; "-"
 * as field leaves the column out.  YZ_EINVAL if it names what is not there.
 */
int columns_new(struct columns **out, const struct schema *schema,
    const struct kind *kind, const char *const *headers, size_t n,
    const char *map, struct err *err);
void columns_free(struct columns *c);

size_t columns_count(const struct columns *c);
size_t columns_matched(const struct columns *c); /* COLUMN_FIELD or _ID */
const char *columns_header(const struct columns *c, size_t i);
enum column_sort columns_sort(const struct columns *c, size_t i);
/* The field that column i is in a record of sub (NULL: of no sub-kind), or
 * NULL. */
const struct field *columns_field(
    const struct columns *c, const struct kind *sub, size_t i);

#endif
