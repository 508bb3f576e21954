/* find: search in all text. */
#include "config.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd.h"
#include "model/record.h"
#include "model/search.h"
#include "replica.h"

#define FIND_LIMIT 50

struct find {
	struct replica *r;
	int64_t shown;
	bool json;
};

static int
print(void *arg, const struct record *rec, struct err *err)
{
	struct find *find = arg;

	find->shown++;
	return cmd_print_record(find->r, rec, -1, true, find->json, err);
}

static int
run(const struct cmd *cmd, const char *text, int64_t limit, bool json,
    struct err *err)
{
	struct find find = {NULL, 0, json};
	struct search search = {
	    .text = text, .limit = limit, .count_max = INT64_MAX - 1};
	int rc;

	rc = cmd_open(&find.r, cmd, err);
	if (rc != 0)
		return rc;
	rc = search_find(find.r, &search, print, &find, err);
	/* Short of the limit everything was shown; removed ones count. */
	if (rc == 0 && find.shown == limit && search.total > limit)
		fprintf(stderr, _("and %lld more: --limit N shows them\n"),
		    (long long)(search.total - limit));
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
