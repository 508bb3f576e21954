/*
 * What the files that make up the scrub share among themselves.  Nobody else
 * includes this.
 *
 *	scrub.c          in what order, and what only the whole can say
 *	scrub_home.c     the small files of HOME
 *	scrub_records.c  what the records say
 *	scrub_refound.c  the replica anew
 *	scrub_refs.c     the ledger's refs
 *	scrub_roster.c   rosters that are lost here, from a peer
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
	bool alone;              /* nobody is called */
	bool lacking;            /* rosters kept it from being folded */
	struct replica *fetched; /* those that a peer had, or NULL */
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
/* A second replica beside the first, SCRUB_FRESH to fold into or SCRUB_FETCHED;
 * and without it again. */
#define SCRUB_FRESH "yizhan.db-fresh"
#define SCRUB_FETCHED "yizhan.db-fetched"
int scrub_fresh_open(struct replica **out, struct scrubbing *s,
    const char *name, struct err *err);
void scrub_fresh_remove(struct scrubbing *s, const char *name);

/* --- scrub_refs.c */
/* Before anything is read by refs; under the ledger's lock.  alone: there is no
 * replica that knows where they stood. */
int scrub_refs_mend(struct scrubbing *s, struct ledger *ledger,
    enum stream stream, bool alone, struct err *err);
/* What the replica knows of them is written anew. */
int scrub_refs(struct scrubbing *s, struct err *err);
/* And then, of those that only the ledger has. */
int scrub_refs_judge(struct scrubbing *s, struct err *err);
/* Does the ledger have the rosters, as far as its refs and HOME/trust say? */
bool scrub_refs_rosters(struct scrubbing *s, struct ledger *ledger);
/* Let go of the rosters' refs that lead nowhere; under the ledger's lock. */
int scrub_refs_forget(
    struct scrubbing *s, struct ledger *ledger, struct err *err);

/* --- scrub_roster.c */
struct roster_doc;
bool scrub_roster_signed(const struct roster_doc *doc);
/* Can the station go by the rosters that yizhan.db has?  Every document holds,
 * and each that it follows is there. */
bool scrub_roster_holds(struct scrubbing *s);
/* Does that replica lack what HOME/trust names? */
bool scrub_roster_lacks(struct scrubbing *s, struct replica *r);
/* Say so of s->r: the next session brings it.  HOME/trust, if that is damaged,
 * is written anew. */
int scrub_roster_judge(struct scrubbing *s, struct err *err);
/* Into s->fetched from a station that this one calls; the ledger's refs that
 * are in the way are gone then. */
int scrub_roster_fetch(struct scrubbing *s, struct err *err);
void scrub_roster_free(struct scrubbing *s);

#endif
