/*
 * What is within some distance of a place, nearest first, or within a box.
 */
#ifndef MODEL_NEAR_H
#define MODEL_NEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct record;
struct record_filter;
struct replica;

#define NEAR_KM_MAX 2000

struct near_query {
	double lon, lat; /* degrees, CGCS2000 */
	double km;
	const char *kind; /* or a sub-kind; it must have positions */
	const struct record_filter *filters;
	size_t n_filters;
	int64_t limit;
};

/* Call fn with each record and its distance in metres. */
int near_find(struct replica *r, const struct near_query *q,
    int (*fn)(
	void *arg, const struct record *rec, double metres, struct err *err),
    void *arg, struct err *err);

struct near_box {
	double west, south, east, north; /* degrees, CGCS2000 */
	const char *kind;                /* as above */
	const struct record_filter *filters;
	size_t n_filters;
	int64_t limit;
};

/* Call fn with each record within the box, in no order; *more: there are
 * others beyond the limit. */
int near_find_box(struct replica *r, const struct near_box *q,
    int (*fn)(void *arg, const struct record *rec, struct err *err), void *arg,
    bool *more, struct err *err);

/* Metres along the great circle. */
double near_distance(double lon1, double lat1, double lon2, double lat2);

#endif
