#include "config.h"

#include <stdio.h>

#include "base/err.h"
#include "cmd.h"
#include "local.h"
#include "replica.h"
#include "web/audit.h"
#include "web/book.h"

static void
print_fault(void *arg, const char *fault)
{
	int *faults = arg;

	(*faults)++;
	printf("%s\n", fault);
}

static int
verify_audit(int64_t *entries, const struct cmd *cmd, struct replica *r,
    int *faults, struct err *err)
{
	struct local *local;
	int rc;

	rc = local_open(&local, cmd->home, err);
	if (rc != 0)
		return rc;
	rc = book_open(local_db(local), err);
	if (rc == 0)
		rc = audit_verify(local_db(local), replica_home(r),
		    replica_roster(r), 0, entries, print_fault, faults, err);
	local_close(local);
	return rc;
}

int
cmd_verify(struct cmd *cmd, int argc, char **argv)
{
	bool deep = cmd_option(&argc, argv, "--deep", NULL) == 1;
	struct replica *r;
	int64_t checked, entries = 0;
	int rc, faults = 0;
	struct err err;

	if (argc != 1)
		return cmd_usage(cmd);
	rc = cmd_open(&r, cmd, &err);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	rc = replica_verify(r, deep, &checked, print_fault, &faults, &err);
	if (rc == 0)
		rc = verify_audit(&entries, cmd, r, &faults, &err);
	replica_close(r);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	if (entries > 0)
		printf(_("%lld entries of the audit log checked\n"),
		    (long long)entries);
	printf(_("%lld changesets checked, %d faults\n"), (long long)checked,
	    faults);
	return faults == 0 ? CMD_DONE : CMD_LOOK;
}
