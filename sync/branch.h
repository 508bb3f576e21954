/*
 * A run of changesets in the ledger, from a tip back to what the replica
 * holds of their chain; for the files that make up the replica.
 */
#ifndef SYNC_BRANCH_H
#define SYNC_BRANCH_H

#include <stdint.h>

#include "changeset.h"

struct err;
struct replica;

struct branch {
	struct chain_name chain;
	int64_t tip;        /* its last seq */
	uint8_t (*oid)[20]; /* of the commits, newest first */
	size_t n;           /* the first is seq tip - n + 1 */
	size_t cap;
};

/* Address of a commit's first parent: false if it has none. */
bool branch_parent(uint8_t out[20], struct buf *commit);
/* Walk from a commit back to one that is held, or to the chain's first. */
int branch_read(struct branch *out, struct replica *r, enum stream stream,
    const uint8_t tip[20], struct err *err);
void branch_free(struct branch *branch);

/* Its changeset at a seq; YZ_ENOTFOUND. */
int branch_get(struct changeset *out, struct replica *r,
    const struct branch *branch, int64_t seq, struct err *err);
/* Receive it, oldest first; step, if not NULL, after each. */
int branch_take(struct replica *r, const struct branch *branch,
    void (*step)(void *), void *arg, struct err *err);

/* The roster lists ends that are not held: take in again, of what was cut
 * off, the branches that lead to them. */
int branch_retake(
    struct replica *r, const struct chain_name *chain, struct err *err);
/* Take in again, of what was cut off, what follows the head and counts. */
int branch_regrow(
    struct replica *r, const struct chain_name *chain, struct err *err);

#endif
