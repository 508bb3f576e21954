/*
 * Records as they stand: find one, read one, list many.
 */
#ifndef MODEL_RECORD_H
#define MODEL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain.h"

struct buf;
struct db_stmt;
struct err;
struct kind;
struct reg;
struct replica;

#define RECORD_PREFIX_MIN 4 /* hex digits after the code */

struct record {
	int64_t rec; /* its row */
	char id[RECORD_ID_LEN + 1];
	char owner[CHAIN_CODE_LEN + 1];
	const struct kind *kind; /* the base kind, borrowed from the schema */
	bool removed;
	/* "" if unknown */
	const char *removed_reason, *created_at, *created_by;
	int64_t conflicts;   /* registers with several standing values */
	const char **values; /* per field of kind: canonical JSON, or NULL */
	size_t *lengths;     /* of values */
	char *text;          /* what all of these point into */
	size_t n;            /* = kind->n_fields when it was read */
};

#define RECORD_INIT \
	{ \
		.rec = 0 \
	}

void record_free(struct record *rec);

/*
 * The whole id of a record of a base kind from a unique prefix,
 * CODE- and 4 or more hex digits.  YZ_ENOTFOUND; YZ_ECONFLICT if several
 * begin so; YZ_EINVAL if it is no prefix at all.
 */
int record_find(char id[RECORD_ID_LEN + 1], struct replica *r, const char *kind,
    const char *prefix, struct err *err);

/*
 * What a reference means: a whole id, a unique prefix, or the one record of
 * that kind with exactly this title.  A whole id that is not here is
 * accepted if the record lies in a stream that this station need not hold.
 */
int record_resolve(char id[RECORD_ID_LEN + 1], struct replica *r,
    const char *kind, const char *text, struct err *err);

/* Read by whole id or prefix; kind may be a sub-kind.  out starts as
 * RECORD_INIT and is freed by the caller, on failure too. */
int record_read(struct record *out, struct replica *r, const char *kind,
    const char *id, struct err *err);

/* Read rows of a base kind, and call fn for each that there is: in their order,
 * with its place among them; a negative return ends it and is passed on.  They
 * are read some at a time, and fn may ask the database too. */
int record_each(struct replica *r, const struct kind *base, const int64_t *rows,
    size_t n,
    int (*fn)(void *arg, size_t i, const struct record *rec, struct err *err),
    void *arg, struct err *err);

/* Do several different writes stand in a register (of a set: in one of its
 * elements')? */
int record_in_conflict(bool *out, struct replica *r, const struct record *rec,
    const struct reg *reg, struct err *err);

/* A field's canonical JSON, or NULL. */
const char *record_value(const struct record *rec, const char *field);
/* The sub-kind its own value chooses, or NULL. */
const struct kind *record_sub(struct replica *r, const struct record *rec);

/* Append a record's title; nothing if it is not here or has none. */
int record_title(struct buf *out, struct replica *r, const char *kind,
    const char *id, struct err *err);

struct record_filter {
	const char *field; /* name or label; "owner" too */
	const char *text;  /* as typed; "" means: has no value */
};

/* Split "F=V" in place; YZ_EINVAL if there is no =. */
int record_filter_parse(struct record_filter *out, char *arg, struct err *err);

/*
 * Append " AND ..." for filters and for a sub-kind's codes, about tables
 * r (_record) and t (the kind's), to sql; the values go to args, a JSON array
 * to be bound as ?1.  The condition always mentions ?1.
 */
int record_where(struct buf *sql, struct buf *args, struct replica *r,
    const struct kind *kind, const struct record_filter *filters, size_t n,
    struct err *err);

struct record_query {
	const char *kind; /* or a sub-kind */
	const struct record_filter *filters;
	size_t n_filters;
	const char *sort;  /* a field, "-" before it: downwards; NULL: by id */
	int64_t limit;     /* 0: all */
	bool came;         /* without sort: in the order in which they came */
	bool removed;      /* removed ones too */
	const char *after; /* a whole id: go on behind that record, or NULL */
};

/* Call fn for each; a negative return ends it and is passed on.  fn must not
 * list the same query again. */
int record_list(struct replica *r, const struct record_query *q,
    int (*fn)(void *arg, const struct record *rec, struct err *err), void *arg,
    struct err *err);

#endif
