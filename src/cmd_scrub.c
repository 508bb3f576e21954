/* scrub: look at every byte that is held, and put right what has rotted. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd.h"
#include "hole.h"
#include "home.h"
#include "local.h"
#include "replica.h"
#include "roster.h"
#include "scrub.h"
#include "seat.h"

static void
print_line(void *arg, int bad, const char *text)
{
	(void)arg;
	printf("%c %s\n", bad ? '!' : ' ', text);
	fflush(stdout);
}

static void
print_bad(void *arg, int bad, const char *text)
{
	if (bad)
		print_line(arg, bad, text);
}

/* A session with whom this station calls, by the program itself. */
static void
call_peers(const struct cmd *cmd)
{
	char *args[] = {(char *)"yizhan", (char *)"-C", (char *)cmd->home,
	    (char *)"sync", NULL};
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		execv(cmd->exe, args);
		_exit(127);
	}
	if (pid > 0)
		(void)waitpid(pid, &status, 0);
}

/* Children who are on the line call anew when they are asked to leave; what
 * is wanted comes then. */
static void
wake_children(const struct cmd *cmd)
{
	struct replica *r = NULL;
	struct err ignored;
	size_t i;

	if (cmd_open(&r, cmd, &ignored) != 0)
		return;
	for (i = 0; i < roster_count(replica_roster(r)); i++) {
		const struct roster_station *st =
		    roster_at(replica_roster(r), i);
		struct seat *seat;

		if (strcmp(st->parent, replica_home(r)->code) == 0 &&
		    seat_take(
			&seat, cmd->home, st->code, true, NULL, &ignored) == 0)
			seat_leave(seat);
	}
	replica_close(r);
}

/* For doctor: when, what was put right, and what was not. */
static int
remember(const struct cmd *cmd, const struct scrub *s, int64_t mended,
    struct err *err)
{
	struct local *local;
	char *value;
	int rc = local_open(&local, cmd->home, err);

	if (rc != 0)
		return rc;
	value = mem_printf("%lld %lld %lld", (long long)clock_wall(),
	    (long long)mended, (long long)s->wanted + (long long)s->faults);
	rc = local_set(local, "scrub", value, err);
	free(value);
	local_close(local);
	return rc;
}

int
cmd_scrub(struct cmd *cmd, int argc, char **argv)
{
	bool alone = cmd_option(&argc, argv, "--alone", NULL) == 1;
	struct err err = {0};
	struct scrub s = {0};
	int64_t mended, wanted;
	int rc;

	if (cmd_unknown_option(cmd, argc, argv) || argc != 1)
		return cmd_usage(cmd);
	rc = cmd_become_owner(cmd, &err);
	if (rc == 0)
		rc = scrub_run(&s, cmd->home, print_line, NULL, &err);
	mended = s.mended;
	wanted = s.wanted;
	if (rc == 0 && wanted > 0 && !alone) {
		call_peers(cmd);
		wake_children(cmd);
		rc = scrub_run(&s, cmd->home, print_bad, NULL, &err);
		mended += wanted - s.wanted;
	}
	if (rc == 0)
		rc = remember(cmd, &s, mended, &err);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	printf(_("%lld changesets checked, %lld things put right, %lld to be "
		 "fetched again, %lld beyond help\n"),
	    (long long)s.changesets, (long long)mended, (long long)s.wanted,
	    (long long)s.faults);
	return s.wanted + s.faults == 0 ? CMD_DONE : CMD_LOOK;
}
