/* confirm: a person has compared the fingerprint of a child's request. */
#include "config.h"

#include <stdio.h>

#include "base/err.h"
#include "cmd.h"
#include "enrol.h"
#include "local.h"
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
	struct err err = {0};

	if (cmd_unknown_option(cmd, argc, argv) || argc != 3)
		return cmd_usage(cmd);
	if (confirm(cmd, argv[1], argv[2], &err) != 0)
		return cmd_fail(cmd, &err);
	return CMD_DONE;
}
