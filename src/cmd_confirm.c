/* confirm: a person has compared the fingerprint of a child's request. */
#include "config.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd.h"
#include "enrol.h"
#include "local.h"
#include "logged.h"
#include "replica.h"
#include "roster.h"

static int
confirm(const struct cmd *cmd, const char *code, const char *fingerprint,
    struct err *err)
{
	const struct roster_station *st;
	struct local *local = NULL;
	struct replica *r;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = local_open(&local, cmd->home, err);
	if (rc == 0)
		rc = enrol_confirm(r, local, code, fingerprint, err);
	st = rc == 0 ? roster_find(replica_roster(r), code) : NULL;
	if (st != NULL)
		printf(_("%s %s is enrolled below %s (roster %s, version "
			 "%lld)\n"),
		    st->code, st->name, st->parent, st->scope,
		    (long long)roster_version(replica_roster(r), st->scope));
	local_close(local);
	return cmd_close(r, rc, err);
}

int
cmd_confirm(struct cmd *cmd, int argc, char **argv)
{
	struct buf fingerprint = BUF_INIT;
	struct err err = {0};
	int i, rc;

	if (cmd_unknown_option(cmd, argc, argv) || argc < 2)
		return cmd_usage(cmd);
	for (i = 2; i < argc; i++)
		buf_printf(&fingerprint, "%s ", argv[i]);
	if (argc == 2)
		cmd_ask_fingerprint(&fingerprint);
	rc = logged_ask(cmd, "confirm", argv[1], &err);
	if (rc == 0) {
		rc = confirm(cmd, argv[1], buf_str(&fingerprint), &err);
		rc = logged_end(cmd, "confirm", argv[1], rc, &err);
	}
	buf_free(&fingerprint);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
