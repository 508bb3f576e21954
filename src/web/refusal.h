/*
 * What is refused to strangers, in the audit log.  Anybody can be refused as
 * often as he likes, and entries cannot be deleted: so the first few of each
 * address, account and reason become entries at once, as everything else does,
 * and the others are counted, durably, in local.db.  A quarter of an hour
 * after the first, one entry says how many there were more and between when:
 * about is "×N FROM – TO".
 *
 * However many addresses and accounts there are, a quarter of an hour has no
 * more than REFUSAL_ROWS of such lines.  Behind those, addresses are counted
 * together as "*", and accounts that do not exist too; of each that does exist
 * the log always has a line of its own.
 */
#ifndef WEB_REFUSAL_H
#define WEB_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

struct audit_what;
struct db;
struct err;
struct home;
struct roster;

#define REFUSAL_MS (15ll * 60 * 1000) /* then what was counted is said */
#define REFUSAL_ROWS 64               /* that are counted apart */
#define REFUSAL_ROWS_PEER 8           /* of one address */
#define REFUSAL_ENTRIES 64            /* at once, in all */
#define REFUSAL_ENTRIES_PEER 16       /* of one address */
#define REFUSAL_ENTRIES_ROW 5         /* of one address, account and reason */

/* Somebody was refused something; shut: as he has been for a while, so that
 * once is enough.  Not within a transaction. */
int refusal_add(struct db *db, const struct home *home,
    const struct roster *keys, const struct audit_what *what, bool shut,
    int64_t now, struct err *err);
/* Say what is due; to be called every now and then. */
int refusal_say(struct db *db, const struct home *home,
    const struct roster *keys, int64_t now, struct err *err);

#endif
