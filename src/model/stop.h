/*
 * What stops this station or a chain until a person decides: forks, rosters
 * of which two are signed, a station that is a copy or has one, and a station
 * above or beside of which nothing comes any more though there is contact; a
 * root part that waits to be pinned.
 */
#ifndef MODEL_STOP_H
#define MODEL_STOP_H

#include <stdint.h>

#include "chain.h"

struct err;
struct local;
struct replica;

enum stop_kind {
	STOP_FORK,
	STOP_ROSTER,
	STOP_RESTORED,
	STOP_COPY,
	STOP_SILENT,
	STOP_UNPINNED
};

struct stop {
	enum stop_kind kind;
	char about[CHAIN_NAME_MAX]; /* a chain, a scope, an incarnation, or
				     * who is silent */
	int64_t at;        /* the seq or version of which there are two, or the
			    * contacts without news; or 0 */
	char a[17], b[17]; /* beginnings of the two ids or hashes; or "" */
	char writer[CHAIN_CODE_LEN + 1]; /* whose key signed both; or "" */
	const char *decides; /* the station that can end it, or "" */
	const char *why;     /* of a restored one; a fingerprint; or "" */
	const char *through; /* the peer that brings no news, or brought the
			      * root part; or "" */
	int64_t usual;       /* contacts in which there was some, or 0 */
	int64_t last;        /* wall ms of the last, or 0 */
};

/* Call fn for each; what it is given holds until it returns. */
int stop_each(struct replica *r, struct local *local,
    void (*fn)(void *arg, const struct stop *stop), void *arg, struct err *err);
/* Those alone that are silent through that peer. */
int stop_silent(struct replica *r, struct local *local, const char *through,
    void (*fn)(void *arg, const struct stop *stop), void *arg, struct err *err);

#endif
