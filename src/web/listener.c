#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attempt.h"
#include "base/err.h"
#include "base/mem.h"
#include "listener.h"
#include "login.h"
#include "token.h"
#include "user.h"

/* A lock that lies further ahead than one can be set does not hold. */
static bool
is_shut(const struct user *user, int64_t now)
{
	return user->locked > now && user->locked <= now + ATTEMPT_LOCK_MS;
}

/* "m ROLE SHUT TOKEN", s for a session.  ROLE is the account's own. */
static char *
name_of(bool machine, const struct user *user, const char *token, int64_t now)
{
	return mem_printf("%c %s %d %s", machine ? 'm' : 's',
	    user_role_name(user->role), is_shut(user, now), token);
}

char *
listener_name(const struct login *who, const char *token, int64_t now)
{
	return name_of(who->machine, &who->user, token, now);
}

bool
listener_stays(struct db *db, const char *name, int64_t now)
{
	bool machine = name[0] == 'm', stays;
	const char *text = strrchr(name, ' ') + 1;
	struct login login;
	struct token token;
	struct err err;
	char *as;
	int rc;

	if (machine)
		rc = token_find(db, &token, &login.user, text, now, &err);
	else
		rc = login_find(db, &login, text, false, now, &err);
	if (rc != 0) /* a disk that is full for a moment ends nobody's */
		return rc != YZ_EDENIED;
	as = name_of(machine, &login.user, text, now);
	stays = strcmp(as, name) == 0;
	free(as);
	return stays;
}
