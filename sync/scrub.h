/*
 * scrub: everything the station holds is read and hashed, and what has rotted
 * is put right: by turning a bit back, from the copy that another part of HOME
 * has, or, after the next session, from a peer (hole.h).  While others go on.
 */
#ifndef SYNC_SCRUB_H
#define SYNC_SCRUB_H

#include <stdbool.h>
#include <stdint.h>

struct err;

struct scrub {
	int64_t changesets; /* checked */
	int64_t mended;     /* found damaged and put right here */
	int64_t wanted;     /* to be fetched again from a peer */
	int64_t faults;     /* nobody can put right */
};

/* fn gets a line for each thing found; bad: it is not right again.  Rosters
 * that are lost in every copy are fetched from a peer, unless alone. */
int scrub_run(struct scrub *out, const char *home, bool alone,
    void (*fn)(void *arg, int bad, const char *text), void *arg,
    struct err *err);

#endif
