/*
 * HOME: the station's folder, and what of it is not the replica: its own
 * code, incarnation and keys.
 *
 *	HOME/yizhan.db  local.db  ledger/  blobs/  anchor  backup-keys
 *	HOME/station: "code 520302\ninc 1f0c9a7e\n"
 *	HOME/keys/sign  ssh  root (only where the root key is kept)
 *	HOME/keys/next: "sign SEED\nssh SEED\ninc 1f0c9a7e\n" while a rotation
 *is under way; HOME/rotation: its request, if a recovery key signed it
 *	HOME/keys/recovery: the hash of the recovery key, before joining
 *
 *	HOME/unmade: while the first station of a tree is being made
 *
 * Of station, anchor and keys/ there is no other copy: each ends with a
 * checksum (base/summed.h).
 */
#ifndef SYNC_HOME_H
#define SYNC_HOME_H

#include <stdbool.h>

#include "base/digest.h"
#include "chain.h"
#include "sign.h"

struct buf;
struct err;

/* The package's station, and where calls to it are taken. */
#define HOME_DEFAULT "/var/lib/yizhan"
#define HOME_RECEIVER "/run/yizhan/peer.sock"

struct home {
	char *path;
	char code[CHAIN_CODE_LEN + 1];
	char inc[CHAIN_INC_LEN + 1]; /* this station's incarnation */
	struct sign_key sign;        /* signs changesets and receipts */
	struct sign_key ssh;         /* logs in at the parent */
	int unmade;                  /* locked while it is being made, or -1 */
};

struct home_next { /* the keys and incarnation that come next */
	struct sign_key sign, ssh;
	char inc[CHAIN_INC_LEN + 1];
};

/*
 * Make a new HOME with fresh keys and a random incarnation: keys/, the anchor,
 * and, last, station (code and incarnation): it is a station once that is
 * there.  YZ_ECONFLICT if there is one already.  home_create() does all of it;
 * what needs more steps begins and finishes, and if it is stopped between the
 * two, who begins again begins from nothing.  Between the two nobody else
 * begins: YZ_ECONFLICT.
 */
int home_create(
    struct home **out, const char *path, const char *code, struct err *err);
int home_begin(
    struct home **out, const char *path, const char *code, struct err *err);
int home_finish(struct home *home, struct err *err);
int home_open(struct home **out, const char *path, struct err *err);
void home_free(struct home *home);
/* A random incarnation, not yet this station's. */
void home_make_incarnation(char inc[CHAIN_INC_LEN + 1]);
/* What HOME/station says. */
void home_station_text(struct buf *out, const struct home *home);
/* Write down home->inc, which the replica has changed. */
int home_keep_incarnation(const struct home *home, struct err *err);
/* Make the next keys; new_inc: and a new incarnation.  Those that are there
 * already are kept. */
int home_next_make(struct home_next *out, const struct home *home, bool new_inc,
    struct err *err);
/* YZ_ENOTFOUND: no rotation is under way. */
int home_next_load(
    struct home_next *out, const struct home *home, struct err *err);
/* A HOME that came back without its keys gets some that nobody knows, until
 * the recovery key brings the next ones. */
int home_fill_keys(const char *path, struct err *err);
/* No rotation any more. */
int home_next_drop(const struct home *home, struct err *err);
/*
 * The roster says that this station's keys are sign and ssh.  If those are
 * the next ones, or another process has switched already, take them; the
 * incarnation is the replica's to change (tail.h).  A crash on the way leaves
 * keys/next, and so is made good here.  Others are no concern of this function.
 */
int home_follow(struct home *home, const uint8_t sign[32],
    const uint8_t ssh[32], struct err *err);
/* The hash of the recovery key that its station was made with; all zero if
 * there is none. */
int home_recovery_load(
    struct digest *out, const struct home *home, struct err *err);
int home_recovery_save(
    const struct digest *hash, const struct home *home, struct err *err);
/* path/NAME, malloced. */
char *home_file(const struct home *home, const char *name);
/* The root key, if it is kept here: YZ_ENOTFOUND otherwise. */
int home_root_key(
    struct sign_key *out, const struct home *home, struct err *err);

#endif
