/*
 * The end of the audit log, compared with what HOME/audit was signed for.
 */
#ifndef WEB_AUDIT_TAIL_H
#define WEB_AUDIT_TAIL_H

#include <stdbool.h>

struct buf;
struct db;
struct err;
struct home;
struct roster;

/*
 * Append what is amiss, in words; nothing: nothing is.  fault: somebody has
 * had his hands on it; else a machine that stopped, or a change of keys, can
 * have done it too.  To be called under the log's lock.
 */
int audit_tail_look(struct buf *out, bool *fault, struct db *db,
    const struct home *home, const struct roster *keys, struct err *err);

#endif
