#include "config.h"

#include <stdio.h>

#include "base/err.h"
#include "cmd.h"
#include "replica.h"

static void
print_fault(void *arg, const char *fault)
{
	int *faults = arg;

	(*faults)++;
	printf("%s\n", fault);
}

int
cmd_verify(struct cmd *cmd, int argc, char **argv)
{
	bool deep = cmd_option(&argc, argv, "--deep", NULL) == 1;
	struct replica *r;
	int64_t checked;
	int rc, faults = 0;
	struct err err;

	if (argc != 1)
		return cmd_usage(cmd);
	rc = cmd_open(&r, cmd, &err);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	rc = replica_verify(r, deep, &checked, print_fault, &faults, &err);
	replica_close(r);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	printf(_("%lld changesets checked, %d faults\n"), (long long)checked,
	    faults);
	return faults == 0 ? CMD_DONE : CMD_LOOK;
}
