/* find: search in all text. */
#include "config.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd.h"
#include "model/record.h"
#include "model/search.h"
#include "model/show.h"
#include "replica.h"

#define FIND_LIMIT 50

struct find {
	struct replica *r;
	struct buf line;
	int64_t shown;
	bool json;
};

static int
print(void *arg, const struct record *rec, struct err *err)
{
	struct find *find = arg;
	int rc = 0;

	buf_clear(&find->line);
	if (find->json) {
		rc = show_json(&find->line, find->r, rec, -1, err);
		buf_putc(&find->line, '\n');
	} else {
		show_line(&find->line, rec, true);
	}
	if (rc == 0)
		fwrite(find->line.b, 1, find->line.len, stdout);
	find->shown++;
	return rc;
}

static int
run(const struct cmd *cmd, const char *text, int64_t limit, bool json,
    struct err *err)
{
	struct find find = {NULL, BUF_INIT, 0, json};
	int64_t total = 0;
	int rc;

	rc = cmd_open(&find.r, cmd, err);
	if (rc != 0)
		return rc;
	rc = search_find(find.r, text, limit, print, &find, &total, err);
	/* Short of the limit everything was shown; removed ones count. */
	if (rc == 0 && find.shown == limit && total > limit)
		fprintf(stderr, _("and %lld more: --limit N shows them\n"),
		    (long long)(total - limit));
	buf_free(&find.line);
	replica_close(find.r);
	return rc;
}

int
cmd_find(struct cmd *cmd, int argc, char **argv)
{
	struct buf text = BUF_INIT;
	int64_t n = FIND_LIMIT;
	const char *limit = NULL;
	bool json;
	struct err err;
	int rc, i;

	json = cmd_option(&argc, argv, "--json", NULL) == 1;
	if (cmd_option(&argc, argv, "--limit", &limit) < 0)
		return cmd_usage(cmd);
	if (cmd_unknown_option(cmd, argc, argv) || argc < 2)
		return cmd_usage(cmd);
	if (limit != NULL && !cmd_number(&n, limit))
		return cmd_usage(cmd);
	for (i = 1; i < argc; i++)
		buf_printf(&text, "%s%s", i > 1 ? " " : "", argv[i]);
	rc = run(cmd, buf_str(&text), n, json, &err);
	buf_free(&text);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
