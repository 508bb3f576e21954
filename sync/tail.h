/*
 * What this station wrote under its old key while a rotation was on its way:
 * the roster ends that key before it.  It is signed anew, in place: the id of
 * a changeset does not cover its signature, so all that others say of these
 * places goes on to hold, and what the old key signed there proves no fork.
 */
#ifndef SYNC_TAIL_H
#define SYNC_TAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "changeset.h"
#include "sign.h"

struct err;
struct replica;

struct tail {
	struct changeset *v; /* chain by chain, in order */
	size_t n;
	struct sign_key key;         /* the one that comes */
	char inc[CHAIN_INC_LEN + 1]; /* after a recovery: goes on under it */
};

/* The newest roster is loaded and no chain is cut yet; empty unless it brings
 * this station its next key. */
int tail_collect(struct tail *out, struct replica *r, struct err *err);
/* Chains are cut: put it back, within the same transaction. */
int tail_store(struct tail *tail, struct replica *r, struct err *err);
void tail_free(struct tail *tail);
/* Has the roster come that brings the next keys?  Then take them over; after
 * the commit. */
int tail_follow(struct replica *r, struct err *err);

#endif
