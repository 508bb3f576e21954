/*
 * The console's audit log: who did what from where when, and how it ended.
 * Each entry holds the hash of the one before, so that nothing can be taken
 * out or changed unseen.  It lies in local.db and never leaves.
 *
 *	hash = SHA-256(prev hash ||
 *"NO\nAT\nLOGIN\nPEER\nWHAT\nABOUT\nRESULT\n")
 */
#ifndef WEB_AUDIT_H
#define WEB_AUDIT_H

#include <stddef.h>
#include <stdint.h>

struct db;
struct err;

int audit_open(struct db *db, struct err *err); /* make its table */

/* Add an entry, durable on return.  Texts are cut at 200 bytes and cleaned
 * of control characters; about may be "". */
int audit_add(struct db *db, const char *login, const char *peer,
    const char *what, const char *about, const char *result, struct err *err);

struct audit_entry {
	int64_t no, at; /* ms since 1970 */
	const char *login, *peer, *what, *about, *result;
};
/* From the newest back, below no (0: all), at most limit. */
int audit_list(struct db *db, int64_t below, int64_t limit,
    int (*fn)(void *arg, const struct audit_entry *e, struct err *err),
    void *arg, struct err *err);

/* Is every entry from 1 there and as it was?  YZ_ECORRUPT names the first
 * that is not. */
int audit_verify(struct db *db, int64_t *entries, struct err *err);

#endif
