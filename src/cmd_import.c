/* import: records from a table; bad rows come back with reasons. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd.h"
#include "limit.h"
#include "model/import.h"
#include "replica.h"

/* What the act is called: the file's name without its folders. */
static char *
subject_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *subject =
	    mem_printf(_("Import of %s"), slash == NULL ? file : slash + 1);

	if (strlen(subject) > LIMIT_SUBJECT ||
	    !text_is_clean(subject, strlen(subject), false)) {
		free(subject);
		subject = mem_strdup(_("Import"));
	}
	return subject;
}

static void
print_result(const struct cmd *cmd, const struct import_order *order,
    struct import_result *out)
{
	if (out->unknown.len > 0)
		fprintf(stderr,
		    out->kept
			? _("yizhan: %s: unknown columns, kept in the remark: "
			    "%s\n")
			: _("yizhan: %s: unknown columns, not imported from "
			    "every row: %s\n"),
		    cmd->name, buf_str(&out->unknown));
	printf(_("%zu rows (%s): %zu added, %zu changed, %zu unchanged, "
		 "%zu bad\n"),
	    out->rows, out->encoding, out->added, out->changed, out->same,
	    out->bad);
	if (order->dry_run)
		printf(_("nothing was written (--dry-run)\n"));
	if (out->errors != NULL)
		printf(_("see %s: %zu rows not imported, %zu imported in "
			 "part\n"),
		    out->errors, out->bad, out->partly);
}

int
cmd_import(struct cmd *cmd, int argc, char **argv)
{
	struct import_result out = IMPORT_RESULT_INIT;
	struct import_order order = {.kind = NULL};
	const char *as = NULL, *sheet = NULL;
	struct replica *r;
	char *subject;
	struct err err;
	int rc;

	if (cmd_option(&argc, argv, "--map", &order.map) < 0 ||
	    cmd_option(&argc, argv, "--encoding", &order.encoding) < 0 ||
	    cmd_option(&argc, argv, "--datum", &order.datum) < 0 ||
	    cmd_option(&argc, argv, "--as", &as) < 0)
		return cmd_usage(cmd);
	order.dry_run = cmd_option(&argc, argv, "--dry-run", NULL) == 1;
	if (cmd_option(&argc, argv, "--sheet", &sheet) != 0) {
		err_set(&err, YZ_EINVAL,
		    "workbooks are not read yet: save the sheet as CSV");
		return cmd_fail(cmd, &err);
	}
	if (cmd_unknown_option(cmd, argc, argv) || argc != 3)
		return cmd_usage(cmd);
	order.kind = argv[1];
	order.file = argv[2];
	order.author = cmd_person(as);
	order.login = cmd_login();
	subject = subject_of(order.file);
	order.subject = subject;

	rc = cmd_open(&r, cmd, &err);
	if (rc == 0) {
		rc = import_run(&out, r, &order, &err);
		rc = cmd_close(r, rc, &err);
	}
	free(subject);
	if (rc == 0)
		print_result(cmd, &order, &out);
	rc = rc != 0                         ? cmd_fail(cmd, &err)
	     : out.bad > 0 || out.partly > 0 ? CMD_LOOK
					     : CMD_DONE;
	import_result_free(&out);
	return rc;
}
