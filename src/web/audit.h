/*
 * The console's audit log: who did what from where when, and how it ended.
 * It lies in local.db and never leaves.  Each entry holds the hash of the one
 * before, so that none can be changed or taken out of the middle unseen:
 *
 *	hash = SHA-256(prev hash || "NO\nAT\nLOGIN\nPEER\nWHAT\nABOUT\n"
 *	    "RESULT\n" || "RUN\n")
 *
 * (the first entries of all have no RUN).  That none is cut off at the end is
 * seen from HOME/audit, written before the first entry and after each:
 *
 *	yizhan-audit 1
 *	base NO HASH		the entry before the first that is kept
 *	last NO HASH
 *
 * an SSHSIG of these lines by the station's key (namespace yizhan-audit), and a
 * checksum of it all (base/summed.h).  Who has the station's key and its disk
 * can write another log; who has only the disk or the database cannot.  Who
 * puts an older local.db and an older HOME/audit back together is seen by who
 * exported a later one.  Before an entry is added and HOME/audit signed anew,
 * what there is is compared with what was signed for: what is amiss becomes an
 * entry itself, of nobody's, about which verify complains for as long as it is
 * kept.
 *
 * Nothing is deleted before it is 180 days old by the wall clock and by the
 * time for which the daemon has run, and nothing that was not exported.
 */
#ifndef WEB_AUDIT_H
#define WEB_AUDIT_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct db;
struct err;
struct home;
struct roster;

/* WHAT of entries that the log makes by itself: something was amiss; it may
 * have been.  Whoever acts has a login, so nobody else's is like them. */
#define AUDIT_FAULT "log"
#define AUDIT_NOTE "log, perhaps"

/* When the daemon starts: what is amiss is itself an entry.  keys is where
 * the station's former keys are found, here and below, or NULL: then one of
 * them is not told from a stranger's, and that may be amiss. */
int audit_open(struct db *db, const struct home *home,
    const struct roster *keys, struct err *err);
/* The daemon has run for ms more. */
int audit_run(struct db *db, int64_t ms, struct err *err);

/* Add an entry, durable on return.  Texts are cut at 200 bytes and cleaned
 * of control characters; NULL is "".  Not within a transaction. */
struct audit_what {
	const char *login, *peer, *what, *about, *result;
};
int audit_add(struct db *db, const struct home *home, const struct roster *keys,
    const struct audit_what *what, struct err *err);

struct audit_entry {
	int64_t no, at; /* ms since 1970 */
	int64_t run;    /* ms; -1: not known */
	const char *login, *peer, *what, *about, *result;
};
/* From the newest back, below no (0: all), at most limit. */
int audit_list(struct db *db, int64_t below, int64_t limit,
    int (*fn)(void *arg, const struct audit_entry *e, struct err *err),
    void *arg, struct err *err);

/*
 * Look at the newest entries (0: all), and call fault for whatever is not as
 * it was written.  0 with faults too: they are the caller's to count.
 */
int audit_verify(struct db *db, const struct home *home,
    const struct roster *keys, int64_t newest, int64_t *entries,
    void (*fault)(void *arg, const char *text), void *arg, struct err *err);

/*
 * Append the oldest entries up to through (0: all), at most
 * AUDIT_EXPORT_MAX, as lines of JSON with their hashes; *last is the last
 * one's number.
 */
#define AUDIT_EXPORT_MAX 100000
int audit_export(struct db *db, struct buf *out, int64_t through, int64_t *last,
    struct err *err);
#define AUDIT_KEEP_MS (180ll * 24 * 60 * 60 * 1000)
/* Delete what was exported, whose SHA-256 (hex) proves it, up to through; now
 * is the wall clock.  YZ_EDENIED: too young. */
int audit_prune(struct db *db, const struct home *home,
    const struct roster *keys, int64_t through, const char *sha256, int64_t now,
    const struct audit_what *what, struct err *err);

#endif
