/* list: the records of a kind. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd.h"
#include "model/record.h"
#include "replica.h"

struct list {
	struct replica *r;
	bool json;
};

static int
print(void *arg, const struct record *rec, struct err *err)
{
	struct list *list = arg;

	return cmd_print_record(list->r, rec, -1, false, list->json, err);
}

static int
run(const struct cmd *cmd, const struct record_query *query, bool json,
    struct err *err)
{
	struct list list = {NULL, json};
	int rc;

	rc = cmd_open(&list.r, cmd, err);
	if (rc != 0)
		return rc;
	rc = record_list(list.r, query, print, &list, err);
	replica_close(list.r);
	return rc;
}

int
cmd_list(struct cmd *cmd, int argc, char **argv)
{
	struct record_query query = {.kind = NULL};
	struct record_filter *filters;
	const char *limit = NULL;
	bool json;
	struct err err;
	int rc = 0, i;

	json = cmd_option(&argc, argv, "--json", NULL) == 1;
	query.removed = cmd_option(&argc, argv, "--removed", NULL) == 1;
	if (cmd_option(&argc, argv, "--sort", &query.sort) < 0 ||
	    cmd_option(&argc, argv, "--limit", &limit) < 0)
		return cmd_usage(cmd);
	if (cmd_unknown_option(cmd, argc, argv) || argc < 2)
		return cmd_usage(cmd);
	if (limit != NULL && !cmd_number(&query.limit, limit))
		return cmd_usage(cmd);
	filters = mem_calloc((size_t)argc, sizeof(*filters));
	for (i = 2; rc == 0 && i < argc; i++)
		rc = record_filter_parse(&filters[i - 2], argv[i], &err);
	query.kind = argv[1];
	query.filters = filters;
	query.n_filters = (size_t)argc - 2;
	if (rc == 0)
		rc = run(cmd, &query, json, &err);
	free(filters);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
