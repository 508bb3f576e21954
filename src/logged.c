#include "config.h"

#include "base/err.h"
#include "cmd.h"
#include "home.h"
#include "local.h"
#include "logged.h"
#include "web/audit.h"
#include "web/book.h"

/* With databases of its own: the act's may be in a transaction, or closed. */
static int
put(const struct cmd *cmd, const char *what, const char *about,
    const char *result, struct err *err)
{
	struct audit_what entry = {.login = cmd->who,
	    .peer = "command line",
	    .what = what,
	    .about = about,
	    .result = result};
	struct local *local = NULL;
	struct home *home = NULL;
	int rc;

	rc = home_open(&home, cmd->home, err);
	if (rc == 0)
		rc = local_open(&local, cmd->home, err);
	if (rc == 0)
		rc = book_open(local_db(local), err);
	if (rc == 0)
		rc = audit_add(local_db(local), home, &entry, err);
	local_close(local);
	home_free(home);
	return rc;
}

int
logged_ask(
    const struct cmd *cmd, const char *what, const char *about, struct err *err)
{
	return put(cmd, what, about, "asked", err);
}

int
logged_end(const struct cmd *cmd, const char *what, const char *about, int rc,
    struct err *err)
{
	struct err why;

	if (put(cmd, what, about, rc == 0 ? "done" : err->msg, &why) != 0 &&
	    rc == 0) {
		*err = why;
		rc = why.code;
	}
	return rc;
}
