#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/catalogue.h"
#include "base/err.h"
#include "home.h"
#include "local.h"
#include "model/doctor_impl.h"
#include "replica.h"

#define OUTPUT_MAX (1u << 20) /* bytes kept of what a program prints */

/* The words that begin a line, here for xgettext. */
static const char *const whats[]
    __attribute__((unused)) = {N_("library"), N_("disk"), N_("files"),
	N_("clock"), N_("station"), N_("database"), N_("sshd"), N_("backup"),
	N_("scrub"), N_("certificate"), N_("peer"), N_("parent"), N_("child")};

static void __attribute__((format(printf, 4, 0)))
tell(struct doctor *d, const char *what, bool good, const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	d->say(d->arg, what, good, text);
}

void
doctor_good(struct doctor *d, const char *what, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(d, what, true, fmt, ap);
	va_end(ap);
}

void
doctor_find(struct doctor *d, const char *what, const char *fmt, ...)
{
	va_list ap;

	d->findings++;
	va_start(ap, fmt);
	tell(d, what, false, fmt, ap);
	va_end(ap);
}

const char *
doctor_words(struct doctor *d, const char *line)
{
	buf_clear(&d->words);
	catalogue_line(&d->words, line);
	return buf_str(&d->words);
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

static int
open_home(struct doctor *d, struct err *err)
{
	struct home *home;
	int rc;

	rc = home_open(&home, d->home, err);
	if (rc == 0)
		rc = replica_open(&d->r, home, err);
	if (rc == 0)
		rc = local_open(&d->local, d->home, err);
	return rc;
}

static void
close_home(struct doctor *d)
{
	local_close(d->local);
	replica_close(d->r);
	d->local = NULL;
	d->r = NULL;
}

int
doctor_examine(
    const char *home, const struct doctor_seen *seen, doctor_say say, void *arg)
{
	struct doctor d = {.home = home, .seen = seen, .say = say, .arg = arg};
	struct err err;
	int rc;

	doctor_libraries(&d);
	doctor_disk(&d);
	doctor_theft(&d);
	doctor_files(&d);
	rc = open_home(&d, &err);
	if (rc != 0)
		close_home(&d);
	doctor_clock(&d);
	doctor_certificate(&d);
	if (rc != 0) {
		doctor_find(&d, "station", "%s", doctor_words(&d, err.msg));
		if (rc == YZ_ECORRUPT || rc == YZ_EDENIED)
			doctor_find(&d, "scrub",
			    _("yizhan scrub puts right what it can, also from "
			      "the parent; else yizhan restore the last "
			      "backup"));
		buf_free(&d.words);
		return d.findings;
	}
	doctor_rosters(&d);
	doctor_database(&d);
	doctor_sshd(&d);
	doctor_backup(&d);
	doctor_scrub(&d);
	doctor_peers(&d);
	close_home(&d);
	buf_free(&d.words);
	return d.findings;
}
