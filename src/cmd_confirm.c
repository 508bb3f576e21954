/* confirm: a person has compared the fingerprint of a child's request. */
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd.h"
#include "enrol.h"
#include "local.h"
#include "logged.h"
#include "replica.h"
#include "roster.h"

#define GROUP_DIGITS 5
#define FINGERPRINT_DIGITS (8 * GROUP_DIGITS)
#define LINE_MAX_LEN 256

static int
confirm(const struct cmd *cmd, const char *code, const char *fingerprint,
    struct err *err)
{
	const struct roster_station *st;
	struct local *local = NULL;
	struct replica *r;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = local_open(&local, cmd->home, err);
	if (rc == 0)
		rc = enrol_confirm(r, local, code, fingerprint, err);
	st = rc == 0 ? roster_find(replica_roster(r), code) : NULL;
	if (st != NULL)
		printf(_("%s %s is enrolled below %s (roster %s, version "
			 "%lld)\n"),
		    st->code, st->name, st->parent, st->scope,
		    (long long)roster_version(replica_roster(r), st->scope));
	local_close(local);
	return cmd_close(r, rc, err);
}

/* Digits typed line by line, as they are read out over the telephone, until
 * there are as many as a fingerprint has. */
static void
ask(struct buf *out)
{
	char line[LINE_MAX_LEN];
	size_t digits = 0, i;

	while (digits < FINGERPRINT_DIGITS) {
		if (isatty(STDIN_FILENO)) {
			fprintf(stderr, _("group %zu of 8: "),
			    digits / GROUP_DIGITS + 1);
			fflush(stderr);
		}
		if (fgets(line, sizeof(line), stdin) == NULL)
			return;
		buf_puts(out, line);
		for (i = 0; line[i] != '\0'; i++)
			digits += line[i] >= '0' && line[i] <= '9';
	}
}

int
cmd_confirm(struct cmd *cmd, int argc, char **argv)
{
	struct buf fingerprint = BUF_INIT;
	struct err err = {0};
	int i, rc;

	if (cmd_unknown_option(cmd, argc, argv) || argc < 2)
		return cmd_usage(cmd);
	for (i = 2; i < argc; i++)
		buf_printf(&fingerprint, "%s ", argv[i]);
	if (argc == 2)
		ask(&fingerprint);
	rc = logged_ask(cmd, "confirm", argv[1], &err);
	if (rc == 0) {
		rc = confirm(cmd, argv[1], buf_str(&fingerprint), &err);
		rc = logged_end(cmd, "confirm", argv[1], rc, &err);
	}
	buf_free(&fingerprint);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
