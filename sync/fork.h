/*
 * Forks, and what becomes of a chain that has an end (FORMAT.md section 6).
 *
 * Two different signed changesets at one place of a chain, after the same
 * one, prove that whoever has the key wrote two histories.  The pair is kept
 * as evidence and the chain ends before it, everywhere; unless the roster
 * lists an end of the chain beyond: then the roster has decided which branch
 * counts, and the pair proves nothing more.
 *
 * Nothing of a chain stays in the replica beyond its stop.  What is cut off
 * lies in the ledger under refs/forks/WRITER-INC/OWNER/.
 */
#ifndef SYNC_FORK_H
#define SYNC_FORK_H

#include <stdbool.h>
#include <stdint.h>

#include "changeset.h"

struct err;
struct replica;
struct roster;
struct roster_end;

struct fork {
	struct chain_name chain;
	int64_t seq;           /* where both stand: the chain ends before */
	struct changeset a, b; /* a's address is the lower one */
};
void fork_free(struct fork *fork);

/*
 * Take a pair in: a and b with chain, seq, prev, parent_oid and key set;
 * derived here.  Of several pairs of a chain the one with the lowest seq is
 * kept.  In a transaction of its own, or in the one already begun.
 *
 * *news: something changed here.  If fork_get() then finds no pair, the
 * roster has decided: what is held was cut back to before the pair, since it
 * did not lead to the end that the roster lists, and the branch that does may
 * come.  YZ_ECORRUPT, YZ_EDENIED: this is no pair that proves a fork.
 */
int fork_take(struct replica *r, struct changeset *a, struct changeset *b,
    bool *news, struct err *err);
/* Do the two, each derived here, prove a fork for those who know their keys:
 * form, signatures, one place, not the same? */
int fork_check(struct changeset *a, struct changeset *b, struct err *err);
/* Is the key that signed cs its writer's, and does it count there? */
bool fork_key_counts(const struct roster *roster, const struct changeset *cs);
/* Has the roster decided what follows seq, by an end beyond it?  The last such,
 * or NULL. */
const struct roster_end *fork_decided(
    const struct roster *roster, const struct chain_name *chain, int64_t seq);
/* The pair that ends a chain; YZ_ENOTFOUND. */
int fork_get(struct replica *r, struct fork *out,
    const struct chain_name *chain, struct err *err);
/* Every pair that ends a chain, by the chain's name. */
int fork_each(struct replica *r, void (*fn)(void *arg, const struct fork *fork),
    void *arg, struct err *err);
/* The seq of that pair; 0: none is held. */
int64_t fork_seq(struct replica *r, const struct chain_name *chain);

/* The last seq of a chain that can count, by a pair or by the roster;
 * INT64_MAX: no stop.  A station writes nothing more to a chain that has
 * one, wherever its head is. */
int64_t replica_stop(struct replica *r, const struct chain_name *chain);

/*
 * Cut a chain back to seq (0: nothing of it is left).  The branch cut off
 * is in the ledger with the next replica_seal().  In a transaction of its
 * own, or in the one already begun.
 */
int replica_truncate(struct replica *r, const struct chain_name *chain,
    int64_t seq, struct err *err);

#endif
