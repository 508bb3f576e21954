/*
 * The documents held of one scope, and which of them counts (FORMAT.md,
 * "Which version counts").  Each names the one before it in prev, so they
 * form a tree; where it parts, two documents of one version prove against
 * their signer, and nothing counts from there on until the root decides.
 */
#ifndef SYNC_ROSTER_TREE_H
#define SYNC_ROSTER_TREE_H

#include "roster.h"

struct roster_decision;

struct roster_tree {
	const struct roster_held **v; /* by version, then hash */
	size_t n;
};

/* Those of held[0..n) that are of that scope; borrowed. */
void roster_tree_begin(struct roster_tree *out, const char *scope,
    const struct roster_held *held, size_t n);
void roster_tree_free(struct roster_tree *tree);

const struct roster_held *roster_tree_find(
    const struct roster_tree *tree, const struct digest *hash);

/*
 * The newest document that counts, or NULL; out says the same and what stands
 * in its way.  Of a sub-roster: station is who signs (NULL: not known, and
 * every document is taken for one of its), decided what the root part has
 * decided.  The root part decides for itself: both are NULL.
 */
const struct roster_held *roster_tree_walk(struct roster_scope *out,
    const struct roster_tree *tree, const struct roster_station *station,
    const struct roster_decision *decided, size_t n_decided);

#endif
