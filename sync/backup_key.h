/*
 * Backup keys (FORMAT.md section 19): what a station encrypts its backups to
 * when only the recovery key on paper is to open them.  The private half is
 * derived from the paper's seed; the public half is kept in
 * HOME/backup-keys, in a statement that the recovery key has signed.
 */
#ifndef SYNC_BACKUP_KEY_H
#define SYNC_BACKUP_KEY_H

#include "base/cipher.h"
#include "chain.h"

struct err;
struct home;
struct replica;
struct sign_key;

/* When a sheet is made, or at hand: keep its backup key in HOME. */
int backup_key_keep(const char *home, const char *code,
    const struct sign_key *paper, struct err *err);
/* The one to write to: of the recovery key that the roster has for this
 * station, or, before it is there, of the one it was made with.
 * YZ_ENOTFOUND says what to do. */
int backup_key_find(struct cipher_key *out, struct replica *r, struct err *err);
/* The same, from a sheet that is at hand, and kept.  YZ_EDENIED: it is not the
 * station's. */
int backup_key_learn(struct cipher_key *out, struct replica *r,
    const struct sign_key *paper, struct err *err);
/* Both halves, from the paper; to be wiped. */
void backup_key_open(struct cipher_key *out, const struct sign_key *paper);

#endif
