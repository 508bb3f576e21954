/* doctor: what an administrator should know and do. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd.h"
#include "model/doctor.h"

static void
print_line(void *arg, const char *what, bool good, const char *text)
{
	(void)arg;
	printf(_("%c %s: %s\n"), good ? ' ' : '!', _(what), text);
}

static void
print_json(void *arg, const char *what, bool good, const char *text)
{
	struct json *o = json_new_object();

	(void)arg;
	json_set(o, "what", json_text(what));
	json_set(o, "good", json_bool(good));
	json_set(o, "text", json_text(text));
	json_print(stdout, o);
	json_free(o);
}

int
cmd_doctor(struct cmd *cmd, int argc, char **argv)
{
	bool json = cmd_option(&argc, argv, "--json", NULL) == 1, there;
	struct buf sshd = BUF_INIT;
	struct err err = {0};
	int rc = 0, findings = 0;
	char *station;

	if (cmd_unknown_option(cmd, argc, argv) || argc != 1)
		return cmd_usage(cmd);
	station = mem_printf("%s/station", cmd->home);
	if (!file_exists(station))
		rc = err_set(
		    &err, YZ_ENOTFOUND, "there is no station in %s", cmd->home);
	free(station);
	if (rc == 0) {
		there = doctor_ask_sshd(&sshd, cmd->home);
		rc = cmd_become_owner(cmd, &err);
		if (rc == 0)
			findings = doctor_examine(cmd->home,
			    there ? buf_str(&sshd) : NULL,
			    json ? print_json : print_line, NULL);
	}
	buf_free(&sshd);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	return findings > 0 ? CMD_LOOK : CMD_DONE;
}
