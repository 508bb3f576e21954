/*
 * A draft: what is about to be written to one record, on its way from what a
 * person typed to ops.  draft_assign() for each "F=V", draft_settle() once
 * (leaves out what stands already, completes merge groups), then the ops.
 */
#ifndef MODEL_DRAFT_H
#define MODEL_DRAFT_H

#include <stdbool.h>
#include <stddef.h>

#include "chain.h"

struct buf;
struct err;
struct field;
struct kind;
struct op_draft;
struct record;
struct replica;

enum assign_how {
	ASSIGN_SET,   /* F=V; F= clears; F=@FILE attaches */
	ASSIGN_ADD,   /* F+=V, sets only */
	ASSIGN_REMOVE /* F-=V */
};

struct assign {            /* as a person gave it */
	const char *field; /* name, Chinese label or alias */
	enum assign_how how;
	const char *text;
};

/* Split "F=V", "F+=V" or "F-=V" in place. */
int draft_parse(struct assign *out, char *arg, struct err *err);
int draft_parse_all(struct assign *v, char **args, size_t n, struct err *err);

struct draft_set {
	char **v; /* canonical JSON of elements */
	size_t n;
};

struct draft_field {
	const struct field *field; /* its rules; NULL: not written */
	char *value; /* canonical JSON, "null" clears; NULL for a set */
	struct draft_set add, remove;
	bool whole; /* a set that becomes exactly what add holds */
};

struct draft {
	struct replica *r;
	const struct kind *base, *sub; /* sub may be NULL */
	const struct record *before;   /* what stands; NULL: a new record */
	struct draft_field *v;         /* for each field of base */
	size_t n;
	bool files; /* F=@FILE may read a file of this machine */
};

void draft_init(struct draft *d, struct replica *r, const struct kind *base,
    const struct kind *sub, const struct record *before);
void draft_free(struct draft *d);

int draft_assign(struct draft *d, const struct assign *a, struct err *err);
/* The same from canonical JSON that needs no checking. */
void draft_put(struct draft *d, const struct field *f, const char *json);

/* The value as it will be: canonical JSON, or NULL (sets: what is added). */
const char *draft_value(const struct draft *d, const char *field);
/* Append it as plain text. */
void draft_text(struct buf *out, const struct draft *d, const char *field);

int draft_settle(struct draft *d, struct err *err);
/* Is anything left to write? */
bool draft_any(const struct draft *d);
/* The op for one stream with everything that travels there, or NULL. */
struct op_draft *draft_op(
    const struct draft *d, const char *id, enum stream stream);

#endif
