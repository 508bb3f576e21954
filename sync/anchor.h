/*
 * HOME/anchor: how far this station's own chains had got when something last
 * left it, and what ties that to this very file on this very machine.  It
 * is written and on disk before a changeset leaves (design.md section 8;
 * FORMAT.md section 20) and belongs in no backup.
 *
 * A station whose anchor is absent, is a copy, or says more than the replica
 * holds is *restored*: somebody else may hold later changesets of its chains,
 * so it writes nothing under this incarnation any more.  The anchor is the
 * only place that says so: killed at any moment, a station is restored or is
 * not.
 */
#ifndef SYNC_ANCHOR_H
#define SYNC_ANCHOR_H

#define ANCHOR_WHY_MAX 160 /* room for why a station is restored */

struct err;
struct home;
struct replica;

/* The anchor of a station that has not said anything yet. */
int anchor_create(const struct home *home, struct err *err);

/* Does the anchor bear out what the replica holds?  Sets r->restored. */
int anchor_check(struct replica *r, struct err *err);

/* To be called before anything leaves: the anchor says all that the replica
 * holds, or the station is restored.  Not inside a transaction. */
int anchor_depart(struct replica *r, struct err *err);

/* A peer has shown a changeset of this station that it does not hold. */
int anchor_mark_restored(struct replica *r, struct err *err);

/*
 * The station is about to go on as incarnation inc: from the moment that the
 * replica says inc too, the anchor does not count against it.  Undone by
 * nothing at all: until then all is as before.
 */
int anchor_intend(struct replica *r, const char *inc, struct err *err);

#endif
