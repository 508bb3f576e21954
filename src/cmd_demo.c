/* demo: a province, a city and two counties on this machine. */
#include "config.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cmd.h"
#include "demo.h"

static int
remove_one(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	(void)sb;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

static void
remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int
make_folder(char **out, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	char *path = mem_printf("%s/yizhan-demo.XXXXXX",
	    tmp == NULL || *tmp == '\0' ? "/tmp" : tmp);
	int rc = 0;

	if (mkdtemp(path) == NULL)
		rc = err_sys(err, "%s", path);
	if (rc == 0) {
		*out = realpath(path, NULL);
		if (*out == NULL)
			rc = err_sys(err, "%s", path);
	}
	free(path);
	return rc;
}

/* The folder that was asked for, made and as an absolute path. */
static int
take_folder(char **out, const char *path, struct err *err)
{
	int rc = file_mkdir(path, 0700, err);

	if (rc == 0) {
		*out = realpath(path, NULL);
		if (*out == NULL)
			rc = err_sys(err, "%s", path);
	}
	return rc;
}

static int
prepare(struct demo *d, struct err *err)
{
	char *dir;
	int i, rc = 0;

	/* What a person has told git is no part of the story. */
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	for (i = 0; rc == 0 && i < DEMO_STATIONS; i++) {
		if (!d->st[i].calls)
			continue;
		dir = mem_printf("%s/sshd-%s", d->dir, d->st[i].code);
		rc = demo_sshd_prepare(&d->st[i].sshd, dir, err);
		free(dir);
	}
	return rc;
}

/* Stations of an earlier demonstration: start them and bring them up to
 * date. */
static bool
again(struct demo *d)
{
	struct err err = {0};
	int i;

	printf(_("the stations in %s are there already: they are started "
		 "again\n"),
	    d->dir);
	for (i = 0; i < DEMO_STATIONS; i++) {
		if (d->st[i].calls && demo_line_open(d, i, &err) != 0) {
			buf_clear(&d->err);
			buf_puts(&d->err, cmd_words(err.msg));
			return demo_check(d, false, _("%s %s has an sshd"),
			    d->st[i].code, d->st[i].name);
		}
	}
	return demo_check(d, demo_sync_all(d, true), _("everyone syncs")) &&
	       demo_converged(d) && demo_consoles(d);
}

/* A command that can be copied from the screen. */
static void
print_command(const struct demo *d, int station, const char *rest)
{
	printf("  %s -C '%s' %s\n", d->cmd->exe, d->st[station].home, rest);
}

static void
print_invitation(const struct demo *d)
{
	const char *data = getenv("YIZHAN_DATA");
	char *show = mem_printf("show resource %s --history", d->team);
	char *set =
	    mem_printf("set resource %s status=busy --as 值班员", d->team);
	int i;

	demo_print_consoles(d);
	printf(_("\nthe stations stay up; in another window, for example:\n"));
	if (data != NULL)
		printf("  export YIZHAN_DATA='%s'\n", data);
	print_command(d, PROVINCE, "near 106.92 27.72 20 --kind resource.team");
	print_command(d, COUNTY, "find 红花岗");
	if (d->team[0] != '\0') {
		print_command(d, COUNTY, set);
		print_command(d, COUNTY, "sync");
		print_command(d, CITY, "sync");
		print_command(d, PROVINCE, show);
	}
	print_command(d, PROVINCE, "status");
	print_command(d, PROVINCE, "digest");
	for (i = 0; i < DEMO_STATIONS; i++)
		if (d->st[i].calls)
			printf(_("sshd of %s %s listens on 127.0.0.1:%d\n"),
			    d->st[i].code, d->st[i].name, d->st[i].sshd.port);
	printf(_("Ctrl-C stops them; \"%s demo %s\" starts them again\n"),
	    d->cmd->exe, d->dir);
	fflush(stdout);
	free(show);
	free(set);
}

static int
tell(struct demo *d, bool once, struct err *err)
{
	sigset_t mask, before;
	int there = demo_found(d);
	bool good;

	if (there != 0 && there != DEMO_STATIONS)
		return err_set(err, YZ_EINVAL,
		    "%s holds a demonstration that did not come to its end: "
		    "remove it or give another folder",
		    d->dir);
	if (prepare(d, err) != 0)
		return err->code;
	good = there == 0 ? demo_story(d) : again(d);
	if (good && !once) {
		sigemptyset(&mask);
		sigaddset(&mask, SIGINT);
		sigaddset(&mask, SIGTERM);
		sigaddset(&mask, SIGHUP);
		sigprocmask(SIG_BLOCK, &mask, &before);
		print_invitation(d);
		while (!demo_stopped())
			sigsuspend(&before);
		sigprocmask(SIG_SETMASK, &before, NULL);
		printf(_("\nstopped\n"));
		return 0;
	}
	return good ? 0
		    : err_set(err, YZ_EINVAL,
			  demo_stopped() ? "stopped" : "not everything held");
}

int
cmd_demo(struct cmd *cmd, int argc, char **argv)
{
	struct sigaction stop = {.sa_handler = demo_signal};
	bool once = cmd_option(&argc, argv, "--once", NULL) == 1;
	char *dir = NULL;
	struct err err = {0};
	struct demo d;
	int rc;

	if (cmd_unknown_option(cmd, argc, argv) || argc > 2)
		return cmd_usage(cmd);
	rc = demo_sshd_allowed(&err);
	if (rc == 0)
		rc = argc == 2 ? take_folder(&dir, argv[1], &err)
			       : make_folder(&dir, &err);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	demo_open(&d, cmd, dir);
	rc = tell(&d, once, &err);
	demo_close(&d);
	if (argc == 1 && once && (rc == 0 || demo_stopped()))
		remove_tree(dir);
	else
		printf(_("everything is in %s\n"), dir);
	fflush(stdout);
	free(dir);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
