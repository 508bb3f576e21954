/* add: create a record. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd.h"
#include "model/write.h"
#include "replica.h"

static int
run(char id[RECORD_ID_LEN + 1], const struct cmd *cmd, const char *kind,
    const struct assign *v, size_t n, const char *as, bool gaps,
    struct err *err)
{
	struct replica *r;
	struct write *w;
	char *subject;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	subject = mem_printf("add %.64s", kind);
	rc = write_new(&w, r, cmd_person(as), cmd_login(), subject, err);
	free(subject);
	if (rc == 0) {
		write_allow_files(w);
		if (gaps)
			write_allow_gaps(w);
		rc = write_add(w, id, kind, v, n, err);
		if (rc == 0)
			rc = write_commit(w, err);
		write_free(w);
	}
	return cmd_close(r, rc, err);
}

int
cmd_add(struct cmd *cmd, int argc, char **argv)
{
	char id[RECORD_ID_LEN + 1] = "";
	const char *as = NULL;
	struct assign *v;
	struct err err;
	bool gaps;
	size_t n;
	int rc;

	gaps = cmd_option(&argc, argv, "--incomplete", NULL) == 1;
	if (cmd_option(&argc, argv, "--as", &as) < 0)
		return cmd_usage(cmd);
	if (cmd_unknown_option(cmd, argc, argv) || argc < 3)
		return cmd_usage(cmd);
	v = mem_calloc((size_t)argc, sizeof(*v));
	n = (size_t)argc - 2;
	rc = draft_parse_all(v, argv + 2, n, &err);
	if (rc == 0)
		rc = run(id, cmd, argv[1], v, n, as, gaps, &err);
	free(v);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	puts(id);
	return CMD_DONE;
}
