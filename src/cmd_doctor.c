/* doctor: what an administrator should know and do. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd.h"
#include "home.h"
#include "model/doctor.h"
#include "passphrase.h"
#include "web/certificate.h"

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

/* Where the package's backups of every night are, and what opens them. */
#define NIGHTLY_FILE "/etc/yizhan/backup.passphrase"

struct look { /* what a doctor_seen points to */
	struct buf sshd;
	char *passphrase;
	struct err certificate, nightly;
};

/* Before we go on as the owner of HOME. */
static int
look_as_root(struct doctor_seen *seen, struct look *look, const struct cmd *cmd,
    const char *file, struct err *err)
{
	bool nightly = file == NULL && strcmp(cmd->home, HOME_DEFAULT) == 0 &&
		       access(NIGHTLY_FILE, R_OK) == 0;
	int rc = 0;

	if (doctor_ask_sshd(&look->sshd, cmd->home))
		seen->sshd = buf_str(&look->sshd);
	if (nightly)
		file = NIGHTLY_FILE;
	if (file != NULL)
		rc = passphrase_get(&look->passphrase, file, false, err);
	seen->passphrase_file = file;
	if (rc == 0 && look->passphrase != NULL &&
	    look->passphrase[0] != '\0') {
		seen->passphrase = look->passphrase;
		if (nightly)
			rc = passphrase_check(look->passphrase, err);
	}
	if (rc == 0 || !nightly)
		return rc;
	/* Of a file that nobody named it is the doctor who tells. */
	look->nightly = *err;
	seen->passphrase_bad = look->nightly.msg;
	return 0;
}

static void
look_at_certificate(
    struct doctor_seen *seen, struct look *look, const char *home)
{
	struct certificate_look c;
	int rc = certificate_look(&c, home, &look->certificate);

	seen->certificate.there = rc != YZ_ENOTFOUND;
	if (rc != 0)
		seen->certificate.broken = look->certificate.msg;
	seen->certificate.endless = c.endless;
	seen->certificate.from = c.from;
	seen->certificate.until = c.until;
}

static int
check_station(const struct cmd *cmd, struct err *err)
{
	char *station = mem_printf("%s/station", cmd->home);
	int rc = 0;

	if (!file_exists(station))
		rc = err_set(err, YZ_ENOTFOUND,
		    "there is no station in %s: yizhan join, init or "
		    "restore makes one",
		    cmd->home);
	free(station);
	return rc;
}

int
cmd_doctor(struct cmd *cmd, int argc, char **argv)
{
	bool json = cmd_option(&argc, argv, "--json", NULL) == 1;
	struct doctor_seen seen = {.sshd = NULL};
	struct look look = {.passphrase = NULL};
	const char *file = NULL;
	struct err err = {0};
	int rc, findings = 0;

	if (cmd_option(&argc, argv, "--passphrase", &file) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 1)
		return cmd_usage(cmd);
	rc = check_station(cmd, &err);
	if (rc == 0)
		rc = look_as_root(&seen, &look, cmd, file, &err);
	if (rc == 0)
		rc = cmd_become_owner(cmd, &err);
	if (rc == 0) {
		look_at_certificate(&seen, &look, cmd->home);
		findings = doctor_examine(
		    cmd->home, &seen, json ? print_json : print_line, NULL);
	}
	buf_free(&look.sshd);
	passphrase_free(look.passphrase);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	return findings > 0 ? CMD_LOOK : CMD_DONE;
}
