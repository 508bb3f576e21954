#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define SAID_MAX (4u << 20)

/* Ours, but in another language.  To be freed; the last is to be freed too. */
static char **
environment(const char *locale)
{
	extern char **environ;
	size_t n = 0, kept = 0, i;
	char **env;

	while (environ[n] != NULL)
		n++;
	env = mem_calloc(n + 2, sizeof(*env));
	env[kept++] = mem_printf("LC_ALL=%s", locale);
	for (i = 0; i < n; i++)
		if (strncmp(environ[i], "LC_", 3) != 0 &&
		    strncmp(environ[i], "LANG", 4) != 0)
			env[kept++] = environ[i];
	return env;
}

static int
start(pid_t *pid, const struct child *c, const int out[2], const int said[2],
    struct err *err)
{
	posix_spawn_file_actions_t files;
	char **env = environment(c->locale);
	int rc;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(
	    &files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, said[1], STDERR_FILENO);
	/* execve's type; they are not written to. */
	rc = posix_spawn(
	    pid, c->exe, &files, NULL, (char *const *)(uintptr_t)c->args, env);
	posix_spawn_file_actions_destroy(&files);
	free(env[0]);
	free(env);
	if (rc == 0)
		return 0;
	errno = rc;
	return err_sys(err, "%s", c->exe);
}

/* What has come; false at its end. */
static bool
hear(struct buf *out, int fd)
{
	char chunk[4096];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n > 0 && out->len + (size_t)n <= SAID_MAX)
		buf_put(out, chunk, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

/* To the end of both; false if that takes too long. */
static bool
hear_out(struct child *c, int out, int said)
{
	struct pollfd fds[2] = {
	    {.fd = out, .events = POLLIN}, {.fd = said, .events = POLLIN}};
	int64_t end = clock_mono() + c->ms, left;

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		left = end - clock_mono();
		if (left <= 0)
			return false;
		if (poll(fds, 2, (int)left) <= 0)
			continue;
		if (fds[0].revents != 0 && !hear(&c->out, out))
			fds[0].fd = -1;
		if (fds[1].revents != 0 && !hear(&c->err, said))
			fds[1].fd = -1;
	}
	return true;
}

int
child_run(struct child *c, struct err *err)
{
	int out[2], said[2], status, rc;
	bool whole;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) != 0)
		return err_sys(err, "pipe");
	if (pipe2(said, O_CLOEXEC) != 0) {
		rc = err_sys(err, "pipe");
		close(out[0]);
		close(out[1]);
		return rc;
	}
	rc = start(&pid, c, out, said, err);
	close(out[1]);
	close(said[1]);
	whole = rc == 0 && hear_out(c, out[0], said[0]);
	close(out[0]);
	close(said[0]);
	if (rc != 0)
		return rc;
	if (!whole)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, "%s", c->args[0]);
	if (!whole)
		return err_set(err, YZ_EIO, "it took over %lld s",
		    (long long)(c->ms / 1000));
	if (!WIFEXITED(status))
		return err_set(err, YZ_EIO, "it did not come to its end");
	c->status = WEXITSTATUS(status);
	return 0;
}

void
child_free(struct child *c)
{
	buf_free(&c->out);
	buf_free(&c->err);
}
