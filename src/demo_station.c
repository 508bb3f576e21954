#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "demo.h"
#include "local.h"

#define ARGS_MAX 64
#define OUTPUT_MAX (64u << 20)
#define NOT_RUN 127

extern char **environ;

static const struct demo_station stations[DEMO_STATIONS] = {
    [PROVINCE] = {.code = "520000",
	.name = "贵州省",
	.parent = -1,
	.share = 400,
	.calls = true},
    [CITY] = {.code = "520300",
	.name = "遵义市",
	.parent = PROVINCE,
	.share = 400,
	.calls = true},
    [COUNTY] = {.code = "520302",
	.name = "红花岗区",
	.parent = CITY,
	.share = 600},
    [SIBLING] = {.code = "520303",
	.name = "汇川区",
	.parent = CITY,
	.share = 600},
};

static volatile sig_atomic_t stopped;
static volatile pid_t running; /* the command that we wait for */

void
demo_signal(int sig)
{
	stopped = 1;
	if (running > 0)
		kill(running, sig == SIGINT ? SIGTERM : sig);
}

bool
demo_stopped(void)
{
	return stopped != 0;
}

void
demo_open(struct demo *d, const struct cmd *cmd, const char *dir)
{
	int i;

	memset(d, 0, sizeof(*d));
	d->cmd = cmd;
	d->dir = mem_strdup(dir);
	for (i = 0; i < DEMO_STATIONS; i++) {
		d->st[i] = stations[i];
		d->st[i].home = mem_printf("%s/%s", dir, stations[i].code);
	}
}

void
demo_close(struct demo *d)
{
	int i;

	for (i = 0; i < DEMO_STATIONS; i++)
		demo_console_stop(&d->st[i].console);
	for (i = 0; i < DEMO_STATIONS; i++) {
		demo_sshd_stop(&d->st[i].sshd);
		free(d->st[i].sshd.dir);
		free(d->st[i].home);
	}
	free(d->dir);
	buf_free(&d->out);
	buf_free(&d->err);
	buf_free(&d->photo_bytes);
}

int
demo_found(const struct demo *d)
{
	int i, n = 0;
	char *path;

	for (i = 0; i < DEMO_STATIONS; i++) {
		path = mem_printf("%s/station", d->st[i].home);
		n += file_exists(path);
		free(path);
	}
	return n;
}

/* --- running commands ------------------------------------------------------
 */

/* Read both until both have ended. */
static void
collect(struct demo *d, int out, int err)
{
	struct pollfd p[2] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
	struct buf *to[2] = {&d->out, &d->err};
	char piece[16384];
	ssize_t n;
	int i;

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		if (poll(p, 2, -1) < 0)
			continue; /* a signal: the command ends soon */
		for (i = 0; i < 2; i++) {
			if (p[i].fd < 0 || p[i].revents == 0)
				continue;
			n = read(p[i].fd, piece, sizeof(piece));
			if (n > 0 && to[i]->len < OUTPUT_MAX)
				buf_put(to[i], piece, (size_t)n);
			else if (n == 0 || (n < 0 && errno != EINTR))
				p[i].fd = -1;
		}
	}
}

static int
spawn(pid_t *pid, char *const *argv, int out, int err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t pipe_only;
	int rc;

	assert(argv[0] != NULL);
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &pipe_only);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, err, 2);
	rc = posix_spawnp(pid, argv[0], &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return rc;
}

int
demo_run_list(struct demo *d, const char *const *args)
{
	int out[2] = {-1, -1}, err[2] = {-1, -1}, rc = -1, status = 0;
	char *argv[ARGS_MAX + 1];
	pid_t pid = 0;
	size_t i;

	buf_clear(&d->out);
	buf_clear(&d->err);
	for (i = 0; i < ARGS_MAX && args[i] != NULL; i++)
		argv[i] = (char *)(uintptr_t)args[i]; /* execve's type */
	argv[i] = NULL;
	if (!demo_stopped() && pipe2(out, O_CLOEXEC) == 0 &&
	    pipe2(err, O_CLOEXEC) == 0)
		rc = spawn(&pid, argv, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	if (rc == 0) {
		running = pid;
		collect(d, out[0], err[0]);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		running = 0;
	} else {
		buf_printf(&d->err, _("%s does not run: %s\n"), argv[0],
		    demo_stopped() ? _("stopped")
				   : strerror(rc > 0 ? rc : errno));
	}
	close(out[0]);
	close(err[0]);
	buf_str(&d->out);
	buf_str(&d->err);
	if (rc != 0)
		return NOT_RUN;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Append what stands in ap up to its NULL. */
static void
take_args(const char **args, size_t n, va_list ap)
{
	while (n < ARGS_MAX && (args[n] = va_arg(ap, const char *)) != NULL)
		n++;
	args[n] = NULL;
}

static size_t
begin_args(const char **args, const struct demo *d, int station)
{
	args[0] = d->cmd->exe;
	args[1] = "-C";
	args[2] = d->st[station].home;
	return 3;
}

int
demo_run(struct demo *d, int station, ...)
{
	const char *args[ARGS_MAX + 1];
	size_t n = begin_args(args, d, station);
	va_list ap;

	va_start(ap, station);
	take_args(args, n, ap);
	va_end(ap);
	return demo_run_list(d, args);
}

int
demo_tool(struct demo *d, ...)
{
	const char *args[ARGS_MAX + 1];
	va_list ap;

	va_start(ap, d);
	take_args(args, 0, ap);
	va_end(ap);
	return demo_run_list(d, args);
}

const char *
demo_last(struct demo *d)
{
	struct buf *from = d->err.len > 0 ? &d->err : &d->out;
	char *s = buf_str(from), *nl;

	while (from->len > 0 && from->b[from->len - 1] == '\n')
		from->b[--from->len] = '\0';
	nl = strrchr(s, '\n');
	return nl == NULL ? s : nl + 1;
}

int
demo_complaints(struct demo *d)
{
	const char *s = buf_str(&d->err);
	int n = 0;

	for (; (s = strchr(s, '\n')) != NULL; s++)
		n++;
	return n;
}

/* --- records ---------------------------------------------------------------
 */

bool
demo_add(struct demo *d, char id[RECORD_ID_LEN + 1], int station, ...)
{
	const char *args[ARGS_MAX + 1];
	size_t n = begin_args(args, d, station);
	va_list ap;

	args[n++] = "add";
	va_start(ap, station);
	take_args(args, n, ap);
	va_end(ap);
	if (demo_run_list(d, args) != CMD_DONE)
		return false;
	snprintf(id, RECORD_ID_LEN + 1, "%s", demo_last(d));
	return strlen(id) == RECORD_ID_LEN;
}

const char *
demo_value(struct demo *d, int station, const char *kind, const char *id,
    const char *field)
{
	static char text[512];
	struct buf json = BUF_INIT;
	struct json *o = NULL;
	const struct json *v;
	struct err err;

	text[0] = '\0';
	if (demo_run(d, station, "show", kind, id, "--json", NULL) !=
		CMD_DONE ||
	    json_parse(&o, buf_str(&d->out), d->out.len, &err) != 0)
		return text;
	v = json_get(o, field);
	if (v != NULL && json_as_text(v) != NULL) {
		snprintf(text, sizeof(text), "%s", json_as_text(v));
	} else if (v != NULL) {
		json_write(&json, v, 0);
		snprintf(text, sizeof(text), "%s", buf_str(&json));
		buf_free(&json);
	}
	json_free(o);
	return text;
}

void
demo_digest(struct demo *d, char out[DEMO_DIGEST_MAX], int station,
    const char *what, const char *which)
{
	int status = demo_run(d, station, "digest", what, which, NULL);

	snprintf(out, DEMO_DIGEST_MAX, "%s",
	    status == CMD_DONE ? buf_str(&d->out) : "");
}

/* --- lines -----------------------------------------------------------------
 */

int
demo_line_keys(struct demo *d, int station, struct err *err)
{
	char *path = demo_sshd_file(&d->st[station].sshd, "authorized_keys");
	int rc = 0;

	if (demo_run(d, station, "keys", "--authorized", NULL) != CMD_DONE)
		rc = err_set(err, YZ_EIO, "%.200s", demo_last(d));
	else
		rc = file_write(path, d->out.b, d->out.len, 0600, err);
	free(path);
	return rc;
}

/* Tell a child where its parent's sshd listens now. */
static int
tell_child(const struct demo_station *child, const struct demo_station *parent,
    struct err *err)
{
	struct local_peer peer;
	struct local *local;
	char *path;
	int rc;

	path = mem_printf("%s/station", child->home);
	rc = file_exists(path) ? 0 : YZ_ENOTFOUND;
	free(path);
	if (rc != 0)
		return 0;
	rc = local_open(&local, child->home, err);
	if (rc != 0)
		return rc;
	rc = local_peer_get(local, &peer, parent->code, err);
	if (rc == 0) {
		snprintf(peer.address, sizeof(peer.address), "127.0.0.1:%d",
		    parent->sshd.port);
		rc = local_peer_put(local, &peer, err);
	} else if (rc == YZ_ENOTFOUND) {
		rc = 0; /* it has not joined yet */
	}
	local_close(local);
	return rc;
}

int
demo_line_open(struct demo *d, int station, struct err *err)
{
	struct demo_station *st = &d->st[station];
	int i, rc, port = st->sshd.port;

	rc = demo_line_keys(d, station, err);
	if (rc == 0)
		rc = demo_sshd_start(&st->sshd, err);
	for (i = 0; rc == 0 && i < DEMO_STATIONS; i++)
		if (d->st[i].parent == station && st->sshd.port != port)
			rc = tell_child(&d->st[i], st, err);
	return rc;
}

bool
demo_sync(struct demo *d, int station)
{
	struct err err = {0};
	struct buf said = BUF_INIT;
	bool good;

	if (demo_run(d, station, "sync", NULL) != CMD_DONE)
		return false;
	if (!d->st[station].calls)
		return true;
	/* It may have learned of new stations that will call it. */
	buf_put(&said, d->out.b, d->out.len);
	good = demo_line_keys(d, station, &err) == 0;
	buf_clear(&d->out);
	buf_put(&d->out, said.b, said.len);
	buf_free(&said);
	return good;
}

bool
demo_sync_all(struct demo *d, bool answers)
{
	static const int order[] = {
	    COUNTY, SIBLING, CITY, COUNTY, SIBLING, CITY, COUNTY, SIBLING};
	size_t n = sizeof(order) / sizeof(order[0]), i;

	for (i = 0; i < (answers ? n : n - 3); i++)
		if (!demo_sync(d, order[i]))
			return false;
	return true;
}
