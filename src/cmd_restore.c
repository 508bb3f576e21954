/* restore: bring a station back from a backup. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "backup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/progress.h"
#include "cmd.h"
#include "passphrase.h"

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
	printf(_("next: yizhan sync, which fetches from the parent what the "
		 "backup lacks; until then nothing is written here\n"));
}

int
cmd_restore(struct cmd *cmd, int argc, char **argv)
{
	const char *file = NULL;
	struct backup_info info;
	char *passphrase = NULL;
	struct err err = {0};
	struct progress p;
	int rc = 0, bad, fd = -1;

	bad = cmd_option(&argc, argv, "--passphrase", &file) < 0;
	if (cmd_unknown_option(cmd, argc, argv) || bad || argc != 2)
		return cmd_usage(cmd);
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		rc = err_sys(&err, "%s", argv[1]);
	if (rc == 0)
		rc = passphrase_get(&passphrase, file, false, &err);
	/* From here on as the owner of HOME, if we are root. */
	if (rc == 0)
		rc = cmd_become_owner(cmd, &err);
	if (rc == 0) {
		progress_begin(&p, _("restore"), 0);
		rc = backup_restore(
		    &info, cmd->home, fd, passphrase, show_step, &p, &err);
		progress_end(&p);
		if (rc == YZ_ECORRUPT || rc == YZ_EDENIED)
			rc = err_within(&err, "%s", argv[1]);
	}
	if (fd >= 0)
		close(fd);
	passphrase_free(passphrase);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	print_restored(cmd, &info);
	return CMD_DONE;
}
