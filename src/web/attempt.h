/*
 * Attempts to log in: who is it, and is he to be asked at all?
 *
 * Wrong passwords are counted by address, and by login.  Whoever likes can
 * keep a login shut that way, so an address from which the account was opened
 * lately is counted by itself for it: there, and at the machine itself, its
 * owner comes in whatever others try elsewhere.  A login that nobody has is
 * counted as any other, or it would be told by that.
 */
#ifndef WEB_ATTEMPT_H
#define WEB_ATTEMPT_H

#include <stdint.h>

struct db;
struct err;
struct user;

#define ATTEMPT_FAILURES 5                            /* shut after them */
#define ATTEMPT_LOCK_MS (15 * 60 * 1000)              /* for this long */
#define ATTEMPT_KNOWN 8                               /* addresses each */
#define ATTEMPT_KNOWN_MS (90ll * 24 * 60 * 60 * 1000) /* remembered */
#define ATTEMPT_STRANGERS 4096                        /* logins of nobody */
#define ATTEMPT_ADDRESSES 4096 /* from which somebody guessed */

struct attempt {
	const char *login, *password;
	const char *code; /* of the second factor, or NULL */
	const char *next; /* a new password, or NULL */
	const char *peer; /* the address it comes from */
	int64_t now;
};

/*
 * YZ_EDENIED with the same line for an unknown login and a wrong password; a
 * shut account or address is told so, and its password is not looked at.
 * *wants, if not NULL, gets what would help, or NULL: "code" of the second
 * factor, a new password for one that is "expired" or that another set
 * ("once"), time or somebody to unlock what is "shut".
 */
int attempt_judge(struct db *db, struct user *out, const char **wants,
    const struct attempt *try, struct err *err);

#endif
