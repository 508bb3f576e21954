/*
 * Who is logged in: a token in a cookie, of which local.db holds the hash
 * only, and a second one that every request which changes something must
 * carry in a header.
 */
#ifndef WEB_LOGIN_H
#define WEB_LOGIN_H

#include <stdint.h>

#include "base/digest.h"
#include "token.h"
#include "user.h"

#define LOGIN_TOKEN_LEN 64                     /* hex digits of 256 bits */
#define LOGIN_IDLE_MS (10ll * 60 * 1000)       /* without a request */
#define LOGIN_WHOLE_MS (12ll * 60 * 60 * 1000) /* in all */
#define LOGIN_PER_USER 16                      /* at one time; oldest goes */

struct login {
	struct user user;
	char csrf[LOGIN_TOKEN_LEN + 1];
	bool machine;       /* came with a token; has no csrf */
	struct token token; /* that one */
};

/* A new one for user; token is what the cookie gets. */
int login_begin(struct db *db, struct login *out,
    char token[LOGIN_TOKEN_LEN + 1], const struct user *user, int64_t now,
    struct err *err);
/* Whose token is it?  YZ_EDENIED: nobody's, or it is over.  The account is
 * read anew each time, so a role taken away is gone at once.  here: a person
 * asks, not a page by itself; only that keeps a session alive. */
int login_find(struct db *db, struct login *out, const char *token, bool here,
    int64_t now, struct err *err);
int login_end(struct db *db, const char *token, struct err *err);
/* All of a user's: its password changed. */
int login_end_all(struct db *db, const char *login, struct err *err);
/* All but the one with this token. */
int login_end_others(
    struct db *db, const char *login, const char *token, struct err *err);

#endif
