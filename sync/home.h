/*
 * HOME: the station's folder, and what of it is not the replica: its own
 * code, incarnation and keys.
 *
 *	HOME/yizhan.db  local.db  ledger/  blobs/  anchor
 *	HOME/station: "code 520302\ninc 1f0c9a7e\n"
 *	HOME/keys/sign  ssh  root (only where the root key is kept)
 */
#ifndef SYNC_HOME_H
#define SYNC_HOME_H

#include "chain.h"
#include "sign.h"

struct err;

struct home {
	char *path;
	char code[CHAIN_CODE_LEN + 1];
	char inc[CHAIN_INC_LEN + 1]; /* this station's incarnation */
	struct sign_key sign;        /* signs changesets and receipts */
	struct sign_key ssh;         /* logs in at the parent */
};

/* Make a new HOME with fresh keys and a random incarnation.  Fails if there
 * is a station already.  Writes keys/, and station (code and incarnation). */
int home_create(
    struct home **out, const char *path, const char *code, struct err *err);
int home_open(struct home **out, const char *path, struct err *err);
void home_free(struct home *home);
/* A random incarnation, not yet this station's. */
void home_make_incarnation(char inc[CHAIN_INC_LEN + 1]);
/* Write down home->inc, which the replica has changed. */
int home_keep_incarnation(const struct home *home, struct err *err);
/* path/NAME, malloced. */
char *home_file(const struct home *home, const char *name);
/* The root key, if it is kept here: YZ_ENOTFOUND otherwise. */
int home_root_key(
    struct sign_key *out, const struct home *home, struct err *err);

#endif
