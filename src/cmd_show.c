/* show: one record, or what changed it. */
#include "config.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd.h"
#include "model/record.h"
#include "model/show.h"
#include "replica.h"

struct show {
	const char *kind, *id;
	bool history, json;
};

static int
run(struct buf *out, const struct cmd *cmd, const struct show *show,
    struct err *err)
{
	struct record rec = RECORD_INIT;
	struct replica *r;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = record_read(&rec, r, show->kind, show->id, err);
	if (rc == 0 && show->history) {
		rc = show_history(out, r, &rec, show->json, cmd_chinese(), err);
	} else if (rc == 0 && show->json) {
		rc = show_json(out, r, &rec, -1, err);
		buf_putc(out, '\n');
	} else if (rc == 0) {
		rc = show_lines(out, r, &rec, cmd_chinese(), err);
	}
	record_free(&rec);
	replica_close(r);
	return rc;
}

int
cmd_show(struct cmd *cmd, int argc, char **argv)
{
	struct buf out = BUF_INIT;
	struct show show;
	struct err err;
	int rc;

	show.history = cmd_option(&argc, argv, "--history", NULL) == 1;
	show.json = cmd_option(&argc, argv, "--json", NULL) == 1;
	if (cmd_unknown_option(cmd, argc, argv) || argc != 3)
		return cmd_usage(cmd);
	show.kind = argv[1];
	show.id = argv[2];
	rc = run(&out, cmd, &show, &err);
	if (rc == 0)
		fwrite(out.b, 1, out.len, stdout);
	buf_free(&out);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
