/* resolve: of a chain that is forked, the branch that counts. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cmd.h"
#include "logged.h"
#include "replica.h"
#include "resolve.h"

static int
resolve(
    const struct cmd *cmd, const char *name, const char *id, struct err *err)
{
	char hex[DIGEST_HEX_LEN + 1];
	struct roster_end end;
	struct chain_name chain;
	struct replica *r;
	bool adopted;
	int rc;

	rc = chain_parse(&chain, name, strlen(name), err);
	if (rc != 0)
		return rc;
	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = resolve_fork(r, &chain, id, &end, &adopted, err);
	if (rc == 0 && !adopted)
		printf(_("it waits for root keys: yizhan roster propose -o "
			 "FILE\n"));
	if (rc == 0 && adopted) {
		digest_hex(hex, end.id.b, sizeof(end.id.b));
		printf(_("%s ends at %lld with %s\n"), name, (long long)end.seq,
		    hex);
	}
	return cmd_close(r, rc, err);
}

int
cmd_resolve(struct cmd *cmd, int argc, char **argv)
{
	struct err err = {0};
	int rc;

	if (cmd_unknown_option(cmd, argc, argv) || argc != 3)
		return cmd_usage(cmd);
	rc = logged_ask(cmd, "resolve", argv[1], &err);
	if (rc == 0) {
		rc = resolve(cmd, argv[1], argv[2], &err);
		rc = logged_end(cmd, "resolve", argv[1], rc, &err);
	}
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
