/* scrub: look at every byte that is held, and put right what has rotted. */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/caller.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "chain.h"
#include "cmd.h"
#include "hole.h"
#include "home.h"
#include "local.h"
#include "replica.h"
#include "roster.h"
#include "scrub.h"
#include "wake.h"

#define AWAIT_MS 30000 /* for children to call anew */

static void
print_line(void *arg, int bad, const char *text)
{
	(void)arg;
	printf("%c %s\n", bad ? '!' : ' ', cmd_words(text));
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

/* Who is on the line, " CODE CODE"; before the station is opened, which it may
 * not bear. */
static void
list_present(struct buf *out, const struct cmd *cmd)
{
	char *path = mem_printf("%s/sessions", cmd->home);
	DIR *folder = opendir(path);
	struct dirent *e;

	while (folder != NULL && (e = readdir(folder)) != NULL)
		if (chain_is_code(e->d_name, strlen(e->d_name)) &&
		    wake_is_there(cmd->home, e->d_name))
			buf_printf(out, " %s", e->d_name);
	if (folder != NULL)
		closedir(folder);
	free(path);
}

/* All that they named has come since then, or it takes too long. */
static void
await(const struct cmd *cmd, const char (*codes)[CHAIN_CODE_LEN + 1], size_t n,
    int64_t since)
{
	int64_t until = clock_mono() + AWAIT_MS;
	struct timespec piece = {0, 100000000};
	struct local_peer peer;
	struct local *local;
	struct err ignored;
	size_t i = 0;

	if (local_open(&local, cmd->home, &ignored) != 0)
		return;
	while (i < n && clock_mono() < until) {
		if (local_peer_get(local, &peer, codes[i], &ignored) == 0 &&
		    peer.last_complete >= since)
			i++;
		else
			nanosleep(&piece, NULL);
	}
	local_close(local);
}

/* Children who are on the line bring what is wanted when they call anew, as
 * they do by themselves where a changeset is missed; one who is not brings it
 * when he comes. */
static void
wake_children(const struct cmd *cmd, struct buf *present)
{
	char(*codes)[CHAIN_CODE_LEN + 1];
	const struct roster *roster;
	struct replica *r = NULL;
	struct err ignored;
	int64_t since;
	size_t i, n = 0;

	if (cmd_open(&r, cmd, &ignored) != 0)
		return;
	roster = replica_roster(r);
	since = replica_now(r);
	codes = mem_calloc(roster_count(roster) + 1, sizeof(*codes));
	for (i = 0; i < roster_count(roster); i++) {
		const struct roster_station *st = roster_at(roster, i);

		bool there;

		if (strcmp(st->parent, replica_home(r)->code) != 0)
			continue;
		there = wake_is_there(cmd->home, st->code);
		if (there)
			wake_peer(cmd->home, st->code);
		if (there || strstr(buf_str(present), st->code) != NULL)
			memcpy(codes[n++], st->code, sizeof(st->code));
	}
	replica_close(r);
	await(cmd, (const char(*)[CHAIN_CODE_LEN + 1]) codes, n, since);
	free(codes);
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
	struct buf present = BUF_INIT;
	int64_t mended, wanted;
	int rc;

	if (cmd_unknown_option(cmd, argc, argv) || argc != 1)
		return cmd_usage(cmd);
	rc = cmd_become_owner(cmd, &err);
	if (rc == 0)
		rc = caller_forget(&err);
	if (rc == 0)
		list_present(&present, cmd);
	if (rc == 0)
		rc = scrub_run(&s, cmd->home, alone, print_line, NULL, &err);
	mended = s.mended;
	wanted = s.wanted;
	if (rc == 0 && wanted > 0 && !alone) {
		call_peers(cmd);
		wake_children(cmd, &present);
		rc = scrub_run(&s, cmd->home, alone, print_bad, NULL, &err);
		mended += wanted - s.wanted;
	}
	buf_free(&present);
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
