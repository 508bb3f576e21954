/* restore: bring a station back from a backup. */
#include "config.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup.h"
#include "backup_key.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/progress.h"
#include "cmd.h"
#include "logged.h"
#include "paper.h"
#include "passphrase.h"
#include "sign.h"

static void
show_step(void *arg, int64_t done, int64_t total)
{
	struct progress *p = arg;

	p->total = total;
	progress_set(p, done);
}

static void
print_restored(const struct cmd *cmd, const struct backup_info *info)
{
	char when[CLOCK_LEN];

	clock_format(when, info->time);
	printf(_("station %s is back in %s as it was at %s: %lld files\n"),
	    info->code, cmd->home, when, (long long)info->files);
	if (!info->keys)
		printf(_("its keys were not in the backup: yizhan rotate "
			 "--recovery SHEET -o REQUEST, and at the parent "
			 "yizhan rotate --take REQUEST\n"));
	if (geteuid() == 0 && getpwnam("yizhan") != NULL)
		printf(_("it belongs to root: for the daemon of the package "
			 "chown -R yizhan: %s\n"),
		    cmd->home);
	printf(_("next: yizhan sync, which fetches from the parent what the "
		 "backup lacks (the root: wait until a child has called, or "
		 "yizhan resume --alone); until then nothing is written "
		 "here\n"));
}

/* What opens it: as it was locked. */
struct secret {
	struct cipher_key key;
	char *passphrase;
};

static int
get_secret(struct secret *s, int fd, const char *passphrase, const char *sheet,
    struct err *err)
{
	struct cipher_look look;
	struct sign_key paper;
	struct stat st;
	int rc;

	if (fstat(fd, &st) != 0)
		return err_sys(err, "read");
	rc = cipher_look(&look, fd, st.st_size, err);
	if (rc != 0)
		return rc;
	if (look.sealed && passphrase != NULL)
		return err_set(err, YZ_EDENIED,
		    "it is encrypted to a recovery key: --recovery SHEET");
	if (!look.sealed && sheet != NULL)
		return err_set(err, YZ_EDENIED,
		    "it is encrypted with a passphrase, not to a recovery "
		    "key");
	if (look.sealed) {
		rc = sheet == NULL ? paper_ask(&paper, err)
				   : paper_read(&paper, sheet, NULL, err);
		if (rc == 0)
			backup_key_open(&s->key, &paper);
		explicit_bzero(&paper, sizeof(paper));
		return rc;
	}
	rc = passphrase_get(&s->passphrase, passphrase, false, err);
	s->key.passphrase = s->passphrase;
	return rc;
}

int
cmd_restore(struct cmd *cmd, int argc, char **argv)
{
	const char *file = NULL, *sheet = NULL;
	struct backup_info info;
	struct secret secret = {.passphrase = NULL};
	struct err err = {0};
	struct progress p;
	int rc = 0, bad, fd = -1;

	bad = cmd_option(&argc, argv, "--passphrase", &file) < 0 ||
	      cmd_option(&argc, argv, "--recovery", &sheet) < 0;
	if (cmd_unknown_option(cmd, argc, argv) || bad || argc != 2 ||
	    (file != NULL && sheet != NULL))
		return cmd_usage(cmd);
	rc = backup_has_place(cmd->home, &err);
	if (rc == 0) {
		fd = open(argv[1], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			rc = err_sys(&err, "%s", argv[1]);
	}
	if (rc == 0)
		rc = get_secret(&secret, fd, file, sheet, &err);
	if (rc == YZ_ECORRUPT || rc == YZ_EDENIED)
		rc = err_within(&err, "%s", argv[1]);
	/* From here on as the owner of HOME, if we are root. */
	if (rc == 0)
		rc = cmd_become_owner(cmd, &err);
	if (rc == 0) {
		progress_begin(&p, _("restore"), 0);
		rc = backup_restore(
		    &info, cmd->home, fd, &secret.key, show_step, &p, &err);
		progress_end(&p);
		if (rc == YZ_ECORRUPT || rc == YZ_EDENIED)
			rc = err_within(&err, "%s", argv[1]);
	}
	/* Before it there was no log to say it in. */
	if (rc == 0)
		rc = logged_end(cmd, "restore", argv[1], 0, &err);
	if (fd >= 0)
		close(fd);
	passphrase_free(secret.passphrase);
	explicit_bzero(&secret, sizeof(secret));
	if (rc != 0)
		return cmd_fail(cmd, &err);
	print_restored(cmd, &info);
	return CMD_DONE;
}
