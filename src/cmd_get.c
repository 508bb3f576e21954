/* get: an attachment's bytes, to a file or standard output. */
#include "config.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/caller.h"
#include "base/err.h"
#include "cmd.h"
#include "replica.h"

static int
run(struct buf *out, const struct cmd *cmd, const char *hex, struct err *err)
{
	struct replica *r;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = blob_get(r, out, hex, err);
	replica_close(r);
	return rc;
}

int
cmd_get(struct cmd *cmd, int argc, char **argv)
{
	struct buf bytes = BUF_INIT;
	const char *file = NULL;
	struct err err;
	int rc;

	if (cmd_option(&argc, argv, "-o", &file) < 0)
		return cmd_usage(cmd);
	if (cmd_unknown_option(cmd, argc, argv) || argc != 2)
		return cmd_usage(cmd);
	rc = run(&bytes, cmd, argv[1], &err);
	if (rc == 0 && file != NULL)
		rc = caller_write(file, bytes.b, bytes.len, 0644, &err);
	else if (rc == 0 &&
		 (fwrite(bytes.b, 1, bytes.len, stdout) != bytes.len ||
		     fflush(stdout) != 0))
		rc = err_sys(&err, "standard output");
	buf_free(&bytes);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
