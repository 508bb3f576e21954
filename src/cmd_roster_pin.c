/* roster pin: a person says that a root part counts here which the root keys
 * before it did not sign. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd.h"
#include "local.h"
#include "logged.h"
#include "pins.h"
#include "replica.h"
#include "replica_pin.h"
#include "roster.h"
#include "wake.h"

static void
print_waiting(const struct replica_unpinned *v)
{
	printf(_("root part version %lld waits, from %s; its fingerprint is "
		 "%s\n"),
	    (long long)v->version, v->from, v->fingerprint);
}

static bool
waits(struct replica_unpinned *out, const struct cmd *cmd, struct replica *r)
{
	struct local *local = NULL;
	struct err ignored;
	bool any;

	any = local_open(&local, cmd->home, &ignored) == 0 &&
	      replica_unpinned_get(out, r, local, &ignored) == 0;
	local_close(local);
	return any;
}

/* What waits, before the digits are asked for; so that nobody pins in the
 * dark. */
static int
show(const struct cmd *cmd, struct err *err)
{
	struct replica_unpinned waiting;
	struct replica *r;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	if (waits(&waiting, cmd, r))
		print_waiting(&waiting);
	else
		printf(_("no root part waits here: it comes with a session "
			 "once it is pinned\n"));
	replica_close(r);
	printf(_("type what the paper says, not what stands here\n"));
	fflush(stdout);
	return 0;
}

/* It is not here.  A digit that was mistyped would be noticed by nobody. */
static void
print_awaited(const struct cmd *cmd, struct replica *r, const char *fingerprint)
{
	struct replica_unpinned waiting;

	printf(_("pinned: it counts here as soon as it comes, with the "
		 "next session or by yizhan roster adopt FILE\n"));
	if (!waits(&waiting, cmd, r) ||
	    strcmp(waiting.fingerprint, fingerprint) == 0)
		return;
	print_waiting(&waiting);
	printf(_("that is another: look at the paper again; what was mistyped "
		 "is taken back by yizhan roster pin --remove %s\n"),
	    fingerprint);
}

static int
pin(const struct cmd *cmd, const char *fingerprint, struct err *err)
{
	struct replica *r;
	bool held = false;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = replica_pin(r, fingerprint, &held, err);
	if (rc == 0 && held)
		printf(_("pinned: root part version %lld counts here\n"),
		    (long long)roster_version(replica_roster(r), "root"));
	else if (rc == 0)
		print_awaited(cmd, r, fingerprint);
	/* What was passed over on a line is sent when that begins anew. */
	if (rc == 0)
		wake_all(r);
	return cmd_close(r, rc, err);
}

/* What waits and was announced by nobody is spoken of no more. */
static int
forget(const struct cmd *cmd, struct replica *r, const char *fingerprint,
    bool *there, struct err *err)
{
	struct replica_unpinned waiting;
	struct local *local = NULL;
	int rc;

	*there = false;
	rc = local_open(&local, cmd->home, err);
	if (rc == 0)
		rc = replica_unpinned_get(&waiting, r, local, err);
	if (rc == 0 && strcmp(waiting.fingerprint, fingerprint) == 0) {
		*there = true;
		rc = replica_unpinned_forget(local, err);
	}
	local_close(local);
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

static int
unpin(const struct cmd *cmd, const char *fingerprint, struct err *err)
{
	bool waited = false;
	struct replica *r;
	struct err why;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = forget(cmd, r, fingerprint, &waited, err);
	if (rc == 0 && replica_unpin(r, fingerprint, &why) != 0 &&
	    (why.code != YZ_ENOTFOUND || !waited)) {
		*err = why;
		rc = why.code;
	}
	return cmd_close(r, rc, err);
}

int
cmd_roster_pin(const struct cmd *cmd, int argc, char **argv, struct err *err)
{
	int away = cmd_option(&argc, argv, "--remove", NULL), i, rc = 0;
	char fingerprint[SIGN_FINGERPRINT_LEN];
	struct buf typed = BUF_INIT;

	if (cmd_unknown_option(cmd, argc, argv) || (away == 1 && argc == 1))
		return CMD_USAGE;
	for (i = 1; i < argc; i++)
		buf_printf(&typed, "%s ", argv[i]);
	if (argc == 1)
		rc = show(cmd, err);
	if (rc == 0 && argc == 1)
		cmd_ask_fingerprint(&typed);
	if (rc == 0)
		rc = pins_parse(fingerprint, buf_str(&typed), err);
	buf_free(&typed);
	if (rc == 0)
		rc = logged_ask(cmd, "roster pin", fingerprint, err);
	if (rc != 0)
		return rc;
	rc = away == 1 ? unpin(cmd, fingerprint, err)
		       : pin(cmd, fingerprint, err);
	return logged_end(cmd, "roster pin", fingerprint, rc, err);
}
