#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "cmd.h"
#include "doctor.h"

#define OUTPUT_MAX (1u << 20) /* bytes kept of what a program prints */

/* The words that begin a line, and are "what" in --json. */
static const char *const whats[] = {N_("library"), N_("disk"), N_("files"),
    N_("clock"), N_("station"), N_("database"), N_("sshd"), N_("backup"),
    N_("peer"), N_("parent"), N_("child")};

static void __attribute__((format(printf, 4, 0)))
say(struct doctor *d, const char *what, bool good, const char *fmt, va_list ap)
{
	char text[512];
	struct json *o;
	size_t i;

	for (i = 0; i < sizeof(whats) / sizeof(whats[0]); i++)
		if (strcmp(whats[i], what) == 0)
			break;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (!d->json) {
		printf(_("%c %s: %s\n"), good ? ' ' : '!', _(what), text);
		return;
	}
	o = json_new_object();
	json_set(o, "what", json_text(what));
	json_set(o, "good", json_bool(good));
	json_set(o, "text", json_text(text));
	json_print(stdout, o);
	json_free(o);
}

void
doctor_good(struct doctor *d, const char *what, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(d, what, true, fmt, ap);
	va_end(ap);
}

void
doctor_find(struct doctor *d, const char *what, const char *fmt, ...)
{
	va_list ap;

	d->findings++;
	va_start(ap, fmt);
	say(d, what, false, fmt, ap);
	va_end(ap);
}

/* In the child: its output to fd, its complaints nowhere. */
static void __attribute__((noreturn)) become(const char *const argv[], int fd)
{
	const char *path = getenv("PATH");
	char wider[4096];

	/* People who are not root lack the folder where sshd is. */
	snprintf(wider, sizeof(wider), "%s:/usr/sbin:/sbin",
	    path == NULL ? "/usr/bin:/bin" : path);
	setenv("PATH", wider, 1);
	setenv("LC_ALL", "C", 1);
	if (dup2(fd, STDOUT_FILENO) >= 0 &&
	    freopen("/dev/null", "w", stderr) != NULL)
		execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

int
doctor_run(struct buf *out, const char *const argv[])
{
	char chunk[4096];
	int fds[2], status;
	size_t kept = 0;
	ssize_t n;
	pid_t pid;

	fflush(NULL);
	if (pipe(fds) != 0)
		return -1;
	pid = fork();
	if (pid == 0)
		become(argv, fds[1]);
	close(fds[1]);
	while (pid > 0 && (n = read(fds[0], chunk, sizeof(chunk))) > 0) {
		if (kept < OUTPUT_MAX)
			buf_put(out, chunk, (size_t)n);
		kept += (size_t)n;
	}
	close(fds[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) == 127)
		return -1;
	return WEXITSTATUS(status);
}
