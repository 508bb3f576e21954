/*
 * Verifying ahead: while a run's changesets are stored one after another, a
 * thread verifies the signatures of those still to come, from the run's end
 * towards the one that is being stored.  Pure computation: what it says of a
 * changeset is believed only for the same id and signature, so it can save
 * work and decide nothing.
 */
#ifndef SYNC_AHEAD_H
#define SYNC_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

struct ahead;
struct buf;
struct changeset;
struct digest;
struct run;

#define AHEAD_LEAST 16        /* changesets in a run worth a thread */
#define AHEAD_TEXT (4u << 20) /* bytes of their texts kept at most */

/*
 * Begin with a run's plain bytes; id and oid are those of the changeset
 * before its first.  keys: n_keys public keys of 32 bytes, one of which is
 * that of the first.  Copies.  NULL when it is not worth it.
 */
struct ahead *ahead_new(const struct run *run, const struct buf *plain,
    const struct digest *id, const uint8_t oid[20], const uint8_t (*keys)[32],
    size_t n_keys);
void ahead_free(struct ahead *a); /* waits for the thread; NULL is fine */

/* Is this changeset of the run, its content derived, known to be signed by
 * cs->key?  Never waits; a may be NULL. */
bool ahead_holds(struct ahead *a, const struct changeset *cs);

#endif
