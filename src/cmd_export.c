/* export: records to a table that a spreadsheet opens. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/caller.h"
#include "base/err.h"
#include "cmd.h"
#include "model/export.h"
#include "replica.h"

static int
write_out(const char *file, const struct buf *text, struct err *err)
{
	if (strcmp(file, "-") != 0)
		return caller_write(file, text->b, text->len, 0600, err);
	if (fwrite(text->b, 1, text->len, stdout) != text->len ||
	    fflush(stdout) != 0)
		return err_sys(err, "standard output");
	return 0;
}

int
cmd_export(struct cmd *cmd, int argc, char **argv)
{
	struct export_order order = {.zh = true};
	struct buf text = BUF_INIT;
	const char *file;
	struct replica *r;
	struct err err;
	size_t n = 0;
	int rc;

	order.codes = cmd_option(&argc, argv, "--codes", NULL) == 1;
	if (cmd_unknown_option(cmd, argc, argv) || argc != 3)
		return cmd_usage(cmd);
	order.kind = argv[1];
	file = argv[2];

	rc = cmd_open(&r, cmd, &err);
	if (rc == 0) {
		rc = export_run(&text, &n, r, &order, &err);
		if (rc == 0)
			rc = write_out(file, &text, &err);
		rc = cmd_close(r, rc, &err);
	}
	buf_free(&text);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	if (strcmp(file, "-") != 0)
		printf(_("%zu records\n"), n);
	return CMD_DONE;
}
