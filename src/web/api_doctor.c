/* What "yizhan doctor" says of this machine and this station. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "desk.h"
#include "lang.h"

#define OUTPUT_MAX (1u << 20)
#define FRESH_MS 30000 /* how long its last word is good enough */
#define DONE 0         /* its exit statuses */
#define LOOK 3

/* One runs at a time; who asks soon after gets what it said. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct said {
	struct buf text;
	int64_t at; /* mono ms; 0: never */
} answers[2];       /* in English, in Chinese */

/* Ours, but in the reader's language.  To be freed. */
static char **
environment(bool zh)
{
	extern char **environ;
	size_t n = 0, kept = 0, i;
	char **env;

	while (environ[n] != NULL)
		n++;
	env = mem_calloc(n + 2, sizeof(*env));
	for (i = 0; i < n; i++)
		if (strncmp(environ[i], "LC_", 3) != 0 &&
		    strncmp(environ[i], "LANG", 4) != 0)
			env[kept++] = environ[i];
	env[kept] =
	    (char *)(uintptr_t)(zh ? "LC_ALL=zh_CN.UTF-8"
				   : "LC_ALL=C.UTF-8"); /* not written to */
	return env;
}

static int
spawn(pid_t *pid, int *fd, const char *home, const char *exe, bool zh,
    struct err *err)
{
	const char *args[] = {"yizhan", "-C", home, "doctor", "--json", NULL};
	posix_spawn_file_actions_t files;
	char **env;
	int fds[2], rc;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_sys(err, "pipe");
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(
	    &files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(
	    &files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	env = environment(zh);
	rc = posix_spawn(
	    pid, exe, &files, NULL, (char *const *)(uintptr_t)args, env);
	free(env);
	posix_spawn_file_actions_destroy(&files);
	close(fds[1]);
	*fd = fds[0];
	if (rc == 0)
		return 0;
	close(fds[0]);
	errno = rc;
	return err_sys(err, "%s", exe);
}

static int
ask(struct buf *out, const char *home, const char *exe, bool zh,
    struct err *err)
{
	char chunk[4096];
	int fd, status;
	ssize_t n;
	pid_t pid;
	int rc;

	rc = spawn(&pid, &fd, home, exe, zh, err);
	if (rc != 0)
		return rc;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 ||
	       (n < 0 && errno == EINTR))
		if (n > 0 && out->len < OUTPUT_MAX)
			buf_put(out, chunk, (size_t)n);
	close(fd);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, "doctor");
	if (!WIFEXITED(status) ||
	    (WEXITSTATUS(status) != DONE && WEXITSTATUS(status) != LOOK))
		return err_set(err, YZ_EIO, "doctor did not come to its end");
	return 0;
}

static int
put_findings(struct buf *out, const struct buf *lines, struct err *err)
{
	const char *p = (const char *)lines->b, *end = p + lines->len, *nl;
	struct json *o = json_new_object(), *list = json_new_array(), *one;
	char when[CLOCK_LEN];
	int64_t bad = 0;
	int rc = 0;

	json_set(o, "findings", list);
	while (rc == 0 && p < end &&
	       (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		rc = json_parse(&one, p, (size_t)(nl - p), err);
		if (rc == 0) {
			bad += !json_get_bool(one, "good");
			json_add(list, one);
		}
		p = nl + 1;
	}
	clock_format(when, clock_wall());
	json_set(o, "bad", json_int(bad));
	json_set(o, "time", json_text(when));
	if (rc == 0)
		json_write(out, o, 0);
	json_free(o);
	return rc;
}

DESK_HANDLER(api_doctor)
{
	bool zh = lang_zh(c);
	struct said *said = &answers[zh];
	struct buf lines = BUF_INIT;
	int rc = 0;

	if (pthread_mutex_trylock(&lock) != 0) {
		c->p->status = 503; /* no other request waits for it */
		return err_set(
		    err, YZ_EIO, "doctor is at work: ask again in a moment");
	}
	if (said->at == 0 || clock_mono() - said->at > FRESH_MS) {
		rc = ask(&lines, desk_home(c), desk_exe(c), zh, err);
		buf_clear(&said->text);
		said->at = 0;
		if (rc == 0)
			rc = put_findings(&said->text, &lines, err);
		if (rc == 0)
			said->at = clock_mono();
	}
	if (rc == 0)
		buf_put(&c->p->body, said->text.b, said->text.len);
	pthread_mutex_unlock(&lock);
	buf_free(&lines);
	return rc;
}
