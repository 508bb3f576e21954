/*
 * What the files that make up the scrub share among themselves.  Nobody else
 * includes this.
 *
 *	scrub.c          in what order, and what only the whole can say
 *	scrub_home.c     the small files of HOME
 *	scrub_records.c  what the records say
 *	scrub_refound.c  the replica anew
 *	scrub_refs.c     the ledger's refs
 */
#ifndef SYNC_SCRUB_IMPL_H
#define SYNC_SCRUB_IMPL_H

#include <stdbool.h>

#include "chain.h"
#include "scrub.h"

struct db;
struct ledger;
struct replica;

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
/* What was pinned by hand, from the replica. */
int scrub_home_pins(struct scrubbing *s, struct err *err);
/* If the station's own name is lost: by its key, as the database has it. */
int scrub_home_name(struct scrubbing *s, struct db *db, struct err *err);

/* --- scrub_records.c */
/* Is what the replica says, and finds, what the ledger comes to? */
int scrub_records(struct scrubbing *s, bool *same, struct err *err);

/* --- scrub_refound.c */
/* The replica from the ledger alone, in the place of one that cannot be read
 * or says what the ledger does not. */
int scrub_refound(struct scrubbing *s, const char *why, struct err *err);
/* A second replica beside the first, to fold into; and without it again. */
int scrub_fresh_open(
    struct replica **out, struct scrubbing *s, struct err *err);
void scrub_fresh_remove(struct scrubbing *s);

/* --- scrub_refs.c */
/* Before anything is read by refs; under the ledger's lock.  alone: there is no
 * replica that knows where they stood. */
int scrub_refs_mend(struct scrubbing *s, struct ledger *ledger,
    enum stream stream, bool alone, struct err *err);
/* What the replica knows of them is written anew. */
int scrub_refs(struct scrubbing *s, struct err *err);
/* And then, of those that only the ledger has. */
int scrub_refs_judge(struct scrubbing *s, struct err *err);

#endif
