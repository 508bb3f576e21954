#include "config.h"

#include "base/err.h"
#include "cmd.h"
#include "home.h"
#include "local.h"
#include "logged.h"
#include "replica.h"
#include "web/audit.h"
#include "web/audit_head.h"
#include "web/book.h"

/* The station's former keys: wanted only where the log's end is not signed by
 * the key that it has now.  NULL: not wanted, or not to be had. */
static struct replica *
open_keys(const struct home *home)
{
	struct replica *r = NULL;
	struct audit_head head;
	struct home *again;
	struct err err;

	if (audit_head_read(&head, home, &err) != 0 ||
	    audit_head_ours(head.key, home, NULL) ||
	    home_open(&again, home->path, &err) != 0 ||
	    replica_open(&r, again, &err) != 0)
		return NULL;
	return r;
}

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
	struct replica *keys = NULL;
	struct home *home = NULL;
	int rc;

	rc = home_open(&home, cmd->home, err);
	if (rc == 0)
		rc = local_open(&local, cmd->home, err);
	if (rc == 0)
		rc = book_open(local_db(local), err);
	if (rc == 0) {
		keys = open_keys(home);
		rc = audit_add(local_db(local), home,
		    keys == NULL ? NULL : replica_roster(keys), &entry, err);
		replica_close(keys);
	}
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
