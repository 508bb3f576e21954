/*
 * Operations: one change to one record, one line of canonical JSON.
 *
 *	{"add":{F:[...]},"id":ID,"kind":K,"remove":{F:[...]},"set":{F:V}}
 *	{"drop":REASON,"id":ID,"kind":K}
 *
 * Members that would be empty are left out; an op with neither only marks
 * its record present.  Set elements are scalars, sorted by bytes and unique,
 * and none is both added and removed; no field is both set and added to.
 * Kinds are [a-z][a-z0-9_.]*, fields [a-z][a-z0-9_]*.
 *
 * Reading is in ops.c, writing in op.c.
 */
#ifndef SYNC_OP_H
#define SYNC_OP_H

#include <stdbool.h>
#include <stddef.h>

#include "canon.h"
#include "chain.h"
#include "limit.h"

struct buf;
struct err;

enum op_what { OP_SET, OP_ADD, OP_REMOVE };

struct op_item {
	enum op_what what;
	const char *field; /* borrowed, not terminated */
	size_t field_len;
	struct canon value; /* OP_SET: the value; else one element */
};

struct op {
	char id[RECORD_ID_LEN + 1];
	char kind[LIMIT_FIELD + 1];
	bool drop;
	struct canon reason; /* of a drop, a text */
	const struct op_item *items;
	size_t n;
	const char *line; /* the whole line without its newline, borrowed */
	size_t line_len;
};

struct ops {
	struct op *v;
	size_t n;
	struct op_item *items; /* of all ops */
};

/*
 * Parse and check ops (each line ends in \n; zero bytes are zero ops).  The
 * result borrows from text.  YZ_ECORRUPT says which line and what is wrong;
 * limits are LIMIT_OPS and LIMIT_OPS_BYTES.
 */
int ops_parse(struct ops *out, const char *text, size_t n, struct err *err);
void ops_free(struct ops *ops);

/*
 * An op under construction.  Values are canonical JSON text, copied.  The
 * order of calls does not matter; a field set twice keeps the later value.
 */
struct op_draft;
struct op_draft *op_draft_new(const char *kind, const char *id);
void op_draft_free(struct op_draft *d);
const char *op_draft_id(const struct op_draft *d); /* borrowed */
void op_draft_set(struct op_draft *d, const char *field, const char *json);
void op_draft_add(struct op_draft *d, const char *field, const char *json);
void op_draft_remove(struct op_draft *d, const char *field, const char *json);
void op_draft_drop(struct op_draft *d, const char *reason);
bool op_draft_is_drop(const struct op_draft *d);
/* Append the canonical line with its newline. */
void op_draft_write(struct buf *out, const struct op_draft *d);

#endif
