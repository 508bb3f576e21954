/* rm: drop a record; its fields and history stay. */
#include "config.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd.h"
#include "model/write.h"
#include "replica.h"

static int
run(const struct cmd *cmd, const char *kind, const char *id, const char *why,
    const char *as, struct err *err)
{
	struct replica *r;
	struct write *w;
	char *subject;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	/* The reason is in the op: it goes no further than the record. */
	subject = mem_printf("rm %.64s %.15s", kind, id);
	rc = write_new(&w, r, cmd_person(as), cmd_login(), subject, err);
	free(subject);
	if (rc == 0) {
		rc = write_rm(w, kind, id, why, err);
		if (rc == 0)
			rc = write_commit(w, err);
		write_free(w);
	}
	return cmd_close(r, rc, err);
}

int
cmd_rm(struct cmd *cmd, int argc, char **argv)
{
	const char *as = NULL, *why = NULL;
	struct err err;

	if (cmd_option(&argc, argv, "--as", &as) < 0 ||
	    cmd_option(&argc, argv, "--why", &why) < 0)
		return cmd_usage(cmd);
	if (cmd_unknown_option(cmd, argc, argv) || argc != 3 || why == NULL)
		return cmd_usage(cmd);
	if (run(cmd, argv[1], argv[2], why, as, &err) != 0)
		return cmd_fail(cmd, &err);
	return CMD_DONE;
}
