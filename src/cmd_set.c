/* set: change a record, which also decides a conflict. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd.h"
#include "model/write.h"
#include "replica.h"

struct set {
	const char *kind, *id, *as;
	const struct assign *v;
	size_t n;
};

static int
run(bool *changed, const struct cmd *cmd, const struct set *set,
    struct err *err)
{
	struct replica *r;
	struct write *w;
	char *subject;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	subject = mem_printf("set %.64s", set->kind);
	rc = write_new(&w, r, cmd_person(set->as), cmd_login(), subject, err);
	free(subject);
	if (rc == 0) {
		write_allow_files(w);
		rc = write_set(
		    w, changed, set->kind, set->id, set->v, set->n, err);
		if (rc == 0)
			rc = write_commit(w, err);
		write_free(w);
	}
	return cmd_close(r, rc, err);
}

int
cmd_set(struct cmd *cmd, int argc, char **argv)
{
	struct set set = {.as = NULL};
	bool changed = false;
	struct assign *v;
	struct err err;
	int rc;

	if (cmd_option(&argc, argv, "--as", &set.as) < 0)
		return cmd_usage(cmd);
	if (cmd_unknown_option(cmd, argc, argv) || argc < 4)
		return cmd_usage(cmd);
	v = mem_calloc((size_t)argc, sizeof(*v));
	set.kind = argv[1];
	set.id = argv[2];
	set.v = v;
	set.n = (size_t)argc - 3;
	rc = draft_parse_all(v, argv + 3, set.n, &err);
	if (rc == 0)
		rc = run(&changed, cmd, &set, &err);
	free(v);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	if (!changed)
		puts(_("nothing to change: it stands so already"));
	return CMD_DONE;
}
