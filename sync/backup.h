/*
 * Backups (FORMAT.md section 19): HOME in one encrypted file, and back.
 *
 * What would fork a chain is left out: there is no anchor in a backup, so a
 * station that is brought back knows that it is a restored one (anchor.h).
 */
#ifndef SYNC_BACKUP_H
#define SYNC_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "chain.h"

struct cipher_key;
struct err;
struct local;
struct replica;

/*
 * Write HOME to path (as path.unfinished, fsync, rename; mode 0600) while
 * others go on writing.  It is the state of one moment: the ledger's refs are
 * what the replica says.  Without keys, who restores it gets new ones.  step,
 * if not NULL, is called with the bytes done and all.  Remembered in local.db
 * (backup_last()).  YZ_ECONFLICT while another backup is being written, or if
 * there is something at path: that is never written over.
 */
int backup_write(struct replica *r, struct local *local, const char *path,
    const struct cipher_key *key, bool keys,
    void (*step)(void *, int64_t, int64_t), void *arg, struct err *err);

/* The last that was written; YZ_ENOTFOUND: none. */
struct backup_last {
	int64_t time;  /* wall ms of its moment */
	int64_t bytes; /* of the file, */
	struct digest hash;
	char *path; /* absolute; to be freed */
};
int backup_last(struct backup_last *out, struct local *local, struct err *err);

/* One that could not be made, and why in one line, until one is made; 0, with
 * its wall ms, if the last one failed. */
void backup_note_failure(struct local *local, const char *why);
int backup_failure(
    int64_t *time, struct buf *why, struct local *local, struct err *err);

/* Can this station come back only with the keys that it has?  So it is where
 * there is no recovery key, or no parent to list new keys. */
bool backup_needs_keys(struct replica *r);

/* Is home absent, or empty but for what may stay?  YZ_ECONFLICT if not; asked
 * before anybody has to type a passphrase. */
int backup_has_place(const char *home, struct err *err);
/*
 * Bring back a HOME, which must be absent or an empty folder.  The file is
 * read whole, and all of it found good, before anything is written.
 */
struct backup_info {
	char code[CHAIN_CODE_LEN + 1];
	int64_t time;  /* wall ms of its moment */
	int64_t files; /* how many it has, */
	int64_t bytes; /* and their bytes */
	bool keys;     /* were they in it? */
};
int backup_restore(struct backup_info *out, const char *home, int fd,
    const struct cipher_key *key, void (*step)(void *, int64_t, int64_t),
    void *arg, struct err *err);

/* Read it whole, as restoring does first; nothing is written. */
int backup_check(struct backup_info *out, int fd, const struct cipher_key *key,
    struct err *err);

/* The bytes that a file of this name may have in a backup; -1: no such name
 * is in one. */
int64_t backup_place(const char *name);

/* Does another file of that size go into one that has those already?  Asked by
 * who writes one as by who reads it. */
int backup_room(const struct backup_info *has, int64_t size, struct err *err);

#define BACKUP_INFO "backup"      /* the first entry */
#define BACKUP_AUDIT "audit"      /* where local.db's audit log ends */
#define BACKUP_KEYS "backup-keys" /* backup_key.h */

#endif
