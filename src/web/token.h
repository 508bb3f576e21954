/*
 * Tokens for machines: "Authorization: Bearer yz_...".  One belongs to an
 * account and can do no more than that account can at the time, nor more than
 * the role that it was made with.  local.db holds its hash only.
 */
#ifndef WEB_TOKEN_H
#define WEB_TOKEN_H

#include <stdint.h>

#include "limit.h"
#include "user.h"

#define TOKEN_LEN 67       /* "yz_" and 64 hex digits */
#define TOKEN_ID_LEN 8     /* by which people name one */
#define TOKENS_PER_USER 32 /* at one time */

struct token {
	char id[TOKEN_ID_LEN + 1];
	char name[LIMIT_NAME + 1]; /* what it is for */
	char login[USER_LOGIN_MAX + 1];
	enum role role;
	char made_by[USER_LOGIN_MAX + 1];
	int64_t made, last; /* wall ms; 0: never used */
};

/* Make one for an account; role must be within the account's.  text is shown
 * once and kept nowhere. */
int token_make(struct db *db, char text[TOKEN_LEN + 1], struct token *out,
    const char *name, const char *login, enum role role, const char *made_by,
    int64_t now, struct err *err);
/* Whose is it?  The account is read anew; YZ_EDENIED: nobody's. */
int token_find(struct db *db, struct token *out, struct user *user,
    const char *text, int64_t now, struct err *err);
int token_get(struct db *db, struct token *out, const char *id,
    struct err *err); /* YZ_ENOTFOUND */
int token_revoke(struct db *db, const char *id, struct err *err);
/* Of one account, or with login NULL of all. */
int token_list(struct db *db, const char *login,
    int (*fn)(void *arg, const struct token *token, struct err *err), void *arg,
    struct err *err);

#endif
