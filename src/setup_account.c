#include "config.h"

#include <string.h>

#include "base/db.h"
#include "base/err.h"
#include "home.h"
#include "local.h"
#include "setup_account.h"
#include "web/audit.h"
#include "web/book.h"
#include "web/user.h"

int
setup_account_check(
    const struct setup_account accounts[SETUP_ACCOUNTS], struct err *err)
{
	static const enum role wanted[SETUP_ACCOUNTS] = {
	    ROLE_SYSTEM, ROLE_SECURITY, ROLE_AUDIT};
	size_t i;

	for (i = 0; i < SETUP_ACCOUNTS; i++)
		if (strcmp(accounts[i].role, user_role_name(wanted[i])) != 0)
			return err_set(err, YZ_EINVAL,
			    "the three powers want an account each");
	return 0;
}

/* All of them or none. */
static int
add(struct db *db, const struct setup_account accounts[SETUP_ACCOUNTS],
    struct err *err)
{
	enum role role;
	size_t i;
	int rc;

	rc = db_begin(db, err);
	for (i = 0; rc == 0 && i < SETUP_ACCOUNTS; i++) {
		rc = user_role_parse(&role, accounts[i].role, err);
		if (rc == 0)
			rc = user_add(db, accounts[i].login, accounts[i].name,
			    role, accounts[i].password, false, err);
		if (rc != 0)
			err_within(err, "%s", accounts[i].login);
	}
	if (rc == 0)
		rc = db_commit(db, err);
	if (rc != 0)
		db_rollback(db);
	return rc;
}

static int
put_into_log(struct db *db, const struct home *home,
    const struct setup_account accounts[SETUP_ACCOUNTS], const char *peer,
    struct err *err)
{
	struct audit_what what = {
	    .login = "set-up", .peer = peer, .what = "add", .result = "done"};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < SETUP_ACCOUNTS; i++) {
		what.about = accounts[i].login;
		rc = audit_add(db, home, NULL, &what, err);
	}
	return rc;
}

int
setup_account_put(const char *path,
    const struct setup_account accounts[SETUP_ACCOUNTS], const char *peer,
    struct err *err)
{
	struct local *local = NULL;
	struct home *home = NULL;
	int rc;

	rc = home_open(&home, path, err);
	if (rc == 0)
		rc = local_open(&local, path, err);
	if (rc == 0)
		rc = book_open(local_db(local), err);
	if (rc == 0)
		rc = add(local_db(local), accounts, err);
	if (rc == 0)
		rc = put_into_log(local_db(local), home, accounts, peer, err);
	local_close(local);
	home_free(home);
	return rc;
}
