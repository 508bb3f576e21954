#include "config.h"

#include <stdio.h>

#include "base/err.h"
#include "base/progress.h"
#include "cmd.h"
#include "replica.h"

static void
step(void *arg, int64_t done, int64_t all)
{
	struct progress *bar = arg;

	bar->total = all;
	progress_set(bar, done);
}

int
cmd_rebuild(struct cmd *cmd, int argc, char **argv)
{
	struct progress bar;
	struct replica *r;
	struct err err;
	int rc;

	(void)argv;
	if (argc != 1)
		return cmd_usage(cmd);
	rc = cmd_open(&r, cmd, &err);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	progress_begin(&bar, _("rebuild"), 0);
	rc = replica_rebuild(r, step, &bar, &err);
	progress_end(&bar);
	replica_close(r);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
