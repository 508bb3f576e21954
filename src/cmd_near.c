/* near: what is within some kilometres of a place, nearest first. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd.h"
#include "model/near.h"
#include "model/record.h"
#include "replica.h"

#define NEAR_LIMIT 20

struct near {
	struct replica *r;
	bool json;
};

static int
print(void *arg, const struct record *rec, double metres, struct err *err)
{
	struct near *near = arg;

	return cmd_print_record(near->r, rec, metres, false, near->json, err);
}

static int
run(const struct cmd *cmd, const struct near_query *query, bool json,
    struct err *err)
{
	struct near near = {NULL, json};
	int rc;

	rc = cmd_open(&near.r, cmd, err);
	if (rc != 0)
		return rc;
	rc = near_find(near.r, query, print, &near, err);
	replica_close(near.r);
	return rc;
}

static bool
degrees(double *out, const char *s)
{
	char *end;

	*out = strtod(s, &end);
	return end != s && *end == '\0';
}

int
cmd_near(struct cmd *cmd, int argc, char **argv)
{
	struct near_query query = {.kind = "resource", .limit = NEAR_LIMIT};
	struct record_filter *filters;
	const char *limit = NULL;
	bool json;
	struct err err;
	int rc = 0, i;

	json = cmd_option(&argc, argv, "--json", NULL) == 1;
	if (cmd_option(&argc, argv, "--kind", &query.kind) < 0 ||
	    cmd_option(&argc, argv, "--limit", &limit) < 0)
		return cmd_usage(cmd);
	if (cmd_unknown_option(cmd, argc, argv) || argc < 4)
		return cmd_usage(cmd);
	if ((limit != NULL && !cmd_number(&query.limit, limit)) ||
	    !degrees(&query.lon, argv[1]) || !degrees(&query.lat, argv[2]) ||
	    !degrees(&query.km, argv[3]))
		return cmd_usage(cmd);
	filters = mem_calloc((size_t)argc, sizeof(*filters));
	for (i = 4; rc == 0 && i < argc; i++)
		rc = record_filter_parse(&filters[i - 4], argv[i], &err);
	query.filters = filters;
	query.n_filters = (size_t)argc - 4;
	if (rc == 0)
		rc = run(cmd, &query, json, &err);
	free(filters);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
