/*
 * What the files that make up the scrub share among themselves.  Nobody else
 * includes this.
 *
 *	scrub.c         in what order, and what only the whole can say
 *	scrub_home.c    the small files of HOME
 */
#ifndef SYNC_SCRUB_IMPL_H
#define SYNC_SCRUB_IMPL_H

#include "scrub.h"

struct db;

struct scrubbing {
	struct scrub *out;
	const char *home;
	void (*say)(void *arg, int bad, const char *text);
	void *arg;
	struct replica *r;
	struct local *local;
};

/* What became of it: it is right again; it is to be fetched; it is left. */
enum { RIGHT, WANTED, FAULT };

/* Say what was found of n things, and count them. */
void scrub_say(struct scrubbing *s, int what, int64_t n, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* --- scrub_home.c */
/* The station, its keys, the anchor: before anything opens HOME. */
int scrub_home(struct scrubbing *s, struct err *err);
/* If the station's own name is lost: by its key, as the database has it. */
int scrub_home_name(struct scrubbing *s, struct db *db, struct err *err);

#endif
