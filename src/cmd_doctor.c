/* doctor: what an administrator should know and do. */
#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd.h"
#include "doctor.h"
#include "home.h"
#include "local.h"
#include "replica.h"

static int
open_home(struct doctor *d, struct err *err)
{
	int rc = cmd_open(&d->r, d->cmd, err);

	if (rc == 0)
		rc = local_open(&d->local, d->cmd->home, err);
	if (rc != 0) {
		replica_close(d->r);
		d->r = NULL;
	}
	return rc;
}

static void
examine(struct doctor *d)
{
	struct err err;
	int rc;

	doctor_libraries(d);
	doctor_disk(d);
	doctor_files(d);
	rc = open_home(d, &err);
	doctor_clock(d);
	if (rc != 0) {
		doctor_find(d, "station", "%s", err.msg);
		return;
	}
	doctor_database(d);
	doctor_sshd(d);
	doctor_backup(d);
	doctor_peers(d);
}

int
cmd_doctor(struct cmd *cmd, int argc, char **argv)
{
	struct doctor d = {.cmd = cmd};
	struct buf sshd = BUF_INIT;
	const struct passwd *owner;
	struct err err = {0};
	struct stat st;
	char *station, *key;
	int rc = 0;

	d.json = cmd_option(&argc, argv, "--json", NULL) == 1;
	if (cmd_unknown_option(cmd, argc, argv) || argc != 1)
		return cmd_usage(cmd);
	station = mem_printf("%s/station", cmd->home);
	key = mem_printf("%s/keys/ssh", cmd->home);
	if (stat(station, &st) != 0)
		rc = err_set(
		    &err, YZ_ENOTFOUND, "there is no station in %s", cmd->home);
	if (rc == 0) {
		owner = getpwuid(st.st_uid);
		if (doctor_ask_sshd(
			&sshd, owner == NULL ? "yizhan" : owner->pw_name, key))
			d.sshd = buf_str(&sshd);
		rc = cmd_become_owner(cmd, &err);
	}
	if (rc == 0) {
		examine(&d);
		local_close(d.local);
		replica_close(d.r);
	}
	buf_free(&sshd);
	free(station);
	free(key);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	return d.findings > 0 ? CMD_LOOK : CMD_DONE;
}
