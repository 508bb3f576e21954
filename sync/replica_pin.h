/*
 * Root parts pinned by hand (FORMAT.md, section 8): for the day on which so
 * many root keys are lost that those left sign nothing any more.
 */
#ifndef SYNC_REPLICA_PIN_H
#define SYNC_REPLICA_PIN_H

#include <stdbool.h>
#include <stdint.h>

#include "chain.h"
#include "sign.h"

struct err;
struct local;
struct pins;
struct replica;
struct roster_doc;

/* What was pinned here; n is 0 where nobody can say. */
void replica_pins(struct pins *out, struct replica *r);
/* In a transaction: the replica has it too from here on, as HOME/pins says. */
int replica_pins_keep(struct replica *r, struct err *err);
/* HOME/pins again from the replica, if it does not say the same: *put.
 * YZ_ENOTFOUND if the replica does not know either. */
int replica_pins_mend(struct replica *r, bool *put, struct err *err);

/* From here on the root part of that fingerprint (pins_parse()) counts here,
 * whoever signed the one before it: at once if it is held, *held, or else when
 * it comes. */
int replica_pin(
    struct replica *r, const char *fingerprint, bool *held, struct err *err);
/* Take that back: YZ_EDENIED once it is held, YZ_ENOTFOUND if nobody did. */
int replica_unpin(struct replica *r, const char *fingerprint, struct err *err);

/* Would that root part follow the one before it (NULL: one that is held), had
 * somebody here pinned it?  All that is signed lacks is that. */
bool replica_roster_unpinned(struct replica *r, const struct roster_doc *doc,
    const struct roster_doc *before);

/* A root part that waits to be pinned: who sent it last. */
struct replica_unpinned {
	int64_t version;
	char fingerprint[SIGN_FINGERPRINT_LEN];
	char from[CHAIN_CODE_LEN + 1];
};
/* After replica_adopt() passed doc over: remember it if that is why.  before as
 * above. */
int replica_unpinned_note(struct replica *r, struct local *local,
    const struct roster_doc *doc, const struct roster_doc *before,
    const char *from, struct err *err);
/* Until it comes again. */
int replica_unpinned_forget(struct local *local, struct err *err);
/* YZ_ENOTFOUND: none waits. */
int replica_unpinned_get(struct replica_unpinned *out, struct replica *r,
    struct local *local, struct err *err);

#endif
