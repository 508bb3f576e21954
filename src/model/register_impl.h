/*
 * What the files that make up the demonstration register share among
 * themselves.  Nobody else includes this.
 *
 *	register.c           which records there are, each with name and place
 *	register_category.c  the 19 categories, and what is peculiar to each
 *	register_draft.c     chance, and values of a draft
 */
#ifndef MODEL_REGISTER_IMPL_H
#define MODEL_REGISTER_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "model/register.h"
#include "op.h"

struct place;
struct places;
struct point;

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define DEMO_TIME 1780272000000ll /* 2026-06-01T08:00:00+08:00 */
#define DAY (86400ll * 1000)

enum register_points_used { SOME_POINTS, NO_POINTS, EVERY_POINT };

struct register_maker { /* what the record being made has at hand */
	const struct register_order *order;
	enum register_points_used points;
	const char *owner; /* code */
	struct places *places;
	size_t i;                         /* number of the record */
	uint64_t random;                  /* state */
	const struct place *at;           /* where */
	const struct point *point;        /* or at which real point */
	size_t next_target, next_station; /* points not yet used, from here */
	char depot[RECORD_ID_LEN + 1];    /* id of the last depot made, or "" */
};

struct register_category {
	const char *rkind;
	const char *class; /* code of resource_class, or NULL */
	unsigned weight;   /* of 100 records so many are such */
	const char *level;
	const char *names[4]; /* what stands after the place */
	const char *unit;     /* of capacity, or NULL */
	unsigned low, high;   /* capacity */
	void (*more)(struct register_maker *, struct op_draft *);
};

/* --- register_draft.c */
/* 0 .. n - 1 */
unsigned register_pick(struct register_maker *m, unsigned n);
unsigned register_between(
    struct register_maker *m, unsigned low, unsigned high);

void register_put_text(struct op_draft *d, const char *field, const char *text);
void register_put_int(struct op_draft *d, const char *field, unsigned v);
void register_put_bool(struct op_draft *d, const char *field, int v);
/* A whole number as a decimal of that scale. */
void register_put_decimal(
    struct op_draft *d, const char *field, unsigned v, int scale);
void register_put_date(struct op_draft *d, const char *field, int64_t ms);
void register_add_text(struct op_draft *d, const char *field, const char *text);

/* --- register_category.c */
/* The first 19 records are one of each; then by weight. */
const struct register_category *register_category_choose(
    struct register_maker *m);
/* Weather stations are category R18, other real points R11. */
const struct register_category *register_category_of_point(
    const struct point *p);

#endif
