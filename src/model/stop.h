/*
 * What stops this station or a chain until a person decides: forks, rosters
 * of which two are signed, a station that is a copy or has one.
 */
#ifndef MODEL_STOP_H
#define MODEL_STOP_H

#include <stdint.h>

#include "chain.h"

struct err;
struct replica;

enum stop_kind { STOP_FORK, STOP_ROSTER, STOP_RESTORED, STOP_COPY };

struct stop {
	enum stop_kind kind;
	char about[CHAIN_NAME_MAX]; /* a chain, a scope, or an incarnation */
	int64_t at;        /* the seq or version of which there are two; or 0 */
	char a[17], b[17]; /* beginnings of the two ids or hashes; or "" */
	char writer[CHAIN_CODE_LEN + 1]; /* whose key signed both; or "" */
	const char *decides; /* the station that can end it, or "" */
	const char *why;     /* of a restored one, or "" */
};

/* Call fn for each; what it is given holds until it returns. */
int stop_each(struct replica *r, void (*fn)(void *arg, const struct stop *stop),
    void *arg, struct err *err);

#endif
