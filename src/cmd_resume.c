/* resume: go on, though nobody can be asked what this station had written. */
#include "config.h"

#include <stdio.h>

#include "base/err.h"
#include "cmd.h"
#include "home.h"
#include "logged.h"
#include "replica.h"
#include "resign.h"

static int
resume(const struct cmd *cmd, struct err *err)
{
	struct replica *r;
	bool done = false;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = resign_go_on(r, NULL, 0, &done, err);
	if (rc == 0 && !done)
		rc = err_set(err, YZ_EINVAL,
		    "this station was not restored from a copy: it need not "
		    "go on anew");
	if (rc == 0)
		printf(_("goes on as incarnation %s\n"), replica_home(r)->inc);
	return cmd_close(r, rc, err);
}

int
cmd_resume(struct cmd *cmd, int argc, char **argv)
{
	struct err err = {0};
	int rc;

	if (cmd_option(&argc, argv, "--alone", NULL) != 1 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 1)
		return cmd_usage(cmd);
	rc = logged_ask(cmd, "resume", "", &err);
	if (rc == 0)
		rc = logged_end(cmd, "resume", "", resume(cmd, &err), &err);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
