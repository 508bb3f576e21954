/*
 * Registers in which different writes stand: every value with who wrote it,
 * when and where.  A write that has seen them decides.
 */
#ifndef MODEL_CONFLICT_H
#define MODEL_CONFLICT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "chain.h"

struct err;
struct replica;

struct conflict_value {
	const char *kind, *id; /* the record; a base kind */
	const char *reg;       /* register's name (FORMAT.md, section 10) */
	const char *value;     /* canonical JSON */
	bool shown;            /* of this register, the one that shows */
	const char *writer;    /* station */
	const char *author;
	int64_t time; /* ms, by the writer's clock */
	char changeset[DIGEST_HEX_LEN + 1];
};

/* Call fn for every value, those of one register together, the shown one
 * first; of one record (its row), or with rec 0 of all.  What fn returns, if
 * not 0, ends it and is passed on. */
int conflict_list(struct replica *r, int64_t rec,
    int (*fn)(void *arg, const struct conflict_value *v, struct err *err),
    void *arg, struct err *err);

/* The same of all records behind a register of a record; NULLs: from the
 * first. */
struct conflict_place {
	const char *kind, *id, *reg;
};
int conflict_list_after(struct replica *r, const struct conflict_place *place,
    int (*fn)(void *arg, const struct conflict_value *v, struct err *err),
    void *arg, struct err *err);

#endif
