/*
 * The table of what may be asked of the API, by whom, and in which words: the
 * desk serves by it, and /api/openapi.json is written from it.
 */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "desk.h"

enum {
	ROUTE_OPEN = 1,    /* nobody need be logged in */
	ROUTE_JSON = 2,    /* the body is one JSON object */
	ROUTE_LOGGED = 4,  /* done or refused, it stands in the audit log */
	ROUTE_PERSON = 8,  /* not for a machine's token */
	ROUTE_BYTES = 16,  /* the body is bytes as they are */
	ROUTE_MATCH = 32,  /* If-Match says what was read */
	ROUTE_KEPT = 128,  /* depends on the replica and the question alone */
	ROUTE_ALONE = 256, /* a page asks by itself: nobody need be there */
};

struct route {
	const char *method;
	const char *path; /* a * is one piece of it */
	unsigned powers;  /* a bit each, any of which will do; 0: whoever is
			   * logged in */
	int flags;
	int (*handle)(struct call *c, struct err *err);
	const char *pieces; /* names of the *s */
	const char *query;  /* parameters, as schema.h has members */
	const char *in;     /* the body's members, likewise, or "" */
	int status;         /* when it is done */
	const char *out;    /* the reply's members; NULL: no JSON */
	const char *summary;
};

size_t route_count(void);
const struct route *route_at(size_t i);
/* The route for a method and a path; arg gets the pieces at the stars.
 * NULL: there is none; *other_method says that the path is one. */
const struct route *route_find(
    const char *method, const char *path, char *arg[3], bool *other_method);

#endif
