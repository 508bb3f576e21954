/*
 * Going on under a new incarnation (design.md section 8).
 *
 * A station that was restored from a copy, or whose chains were stopped by a
 * pair that proves a fork or by the roster, writes nothing more under its old
 * incarnation.  In one transaction it takes a new one, and what it had
 * written and nobody else can be told to hold is signed anew there: the same
 * operations, author and time, with the knowledge that the originals had.
 * The first changeset of each new chain says what place it goes on from.
 */
#ifndef SYNC_RESIGN_H
#define SYNC_RESIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "replica.h"

/* Is it a chain of this station's present incarnation? */
bool resign_is_own(const struct replica *r, const struct chain_name *chain);

/*
 * A restored station takes in a changeset of its own that a peer holds, as
 * receive_changeset().  One that is valid and not here proves that it is
 * restored, and marks it so.  What stands here instead is cut off and will be
 * signed anew.
 */
int resign_take(struct replica *r, struct changeset *cs, struct err *err);

/*
 * Go on, if the station is restored: known is what the peer that was asked
 * holds of this incarnation's chains (seq 0: nothing); what is here beyond
 * is signed anew, but what came from another peer.  n 0: nobody was asked.
 * *done: it went on.  In a transaction of its own.
 */
int resign_go_on(struct replica *r, const struct replica_head *known, size_t n,
    bool *done, struct err *err);

/*
 * Go on, if a chain of this incarnation is stopped or does not count.  In the
 * transaction begun, or in one of its own.  Nothing is done if the roster has
 * ended the station's key: that is for a person to mend.
 */
int resign_settle(struct replica *r, struct err *err);

/* Go on as inc, which the roster lists with new keys; in the transaction
 * begun. */
int resign_begin(struct replica *r, const char *inc, struct err *err);

/* Another incarnation that writes for this station and was never this
 * machine's: a copy of it is at work.  False: none is known.  Into inc. */
bool resign_other(struct replica *r, char inc[CHAIN_INC_LEN + 1]);

#endif
