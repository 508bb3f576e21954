/*
 * A demonstration register: made-up resources of all 19 categories at real
 * villages and points of an area, the same for the same seed.  Every record
 * is marked as exercise data and says so in its remark.
 */
#ifndef MODEL_REGISTER_H
#define MODEL_REGISTER_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct replica;

struct register_order {
	const char *area;   /* division in which the resources lie */
	size_t count;       /* how many */
	uint64_t seed;      /* another seed, other records */
	const char *author; /* as act_new() */
	const char *login;
};

/*
 * Write them as records of this station, in acts of REGISTER_ACT records.
 * The same order again rewrites the same records.
 */
#define REGISTER_ACT 10000
int register_fill(
    struct replica *r, const struct register_order *order, struct err *err);
/* The same at villages only ... */
int register_villages(
    struct replica *r, const struct register_order *order, struct err *err);
/* ... and a record for each real point known in the area, each once; the
 * order's count does not matter. */
int register_points(struct replica *r, const struct register_order *order,
    size_t *written, struct err *err);

#endif
