/*
 * Goal of this test: a password typed at a terminal is asked for twice and
 * never shown, neither while it is typed nor in what is said afterwards; two
 * that differ make no account, two that agree make one, and the terminal shows
 * what is typed again when it is over.  The terminal is a real one of the
 * kernel's (a pty), as at the machine.
 */
#include "config.h"

#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tap.h"

#define WAIT_MS 60000 /* a loaded machine */
#define FIRST "Night-watch-1"
#define OTHER "Night-watch-2"

struct talk {
	int fd;
	pid_t pid;
	struct buf seen; /* all that the terminal showed */
	size_t read;     /* of that, what was waited for already */
};

static const char *yizhan, *home;

static bool
start(struct talk *t, const char *const argv[])
{
	*t = (struct talk){.seen = BUF_INIT};
	t->pid = forkpty(&t->fd, NULL, NULL, NULL);
	if (t->pid == 0) {
		setenv("LC_ALL", "C.UTF-8", 1);
		execv(yizhan, (char *const *)argv);
		_exit(127);
	}
	return t->pid > 0;
}

/* More of what it says; false: it ended, or says nothing more. */
static bool
hear(struct talk *t)
{
	struct pollfd p = {.fd = t->fd, .events = POLLIN};
	char text[4096];
	ssize_t n;

	if (poll(&p, 1, WAIT_MS) != 1)
		return false;
	n = read(t->fd, text, sizeof(text));
	if (n <= 0)
		return false; /* EIO: the other side is closed */
	buf_put(&t->seen, text, (size_t)n);
	return true;
}

static bool
await(struct talk *t, const char *text)
{
	const char *at;

	for (;;) {
		at = strstr(buf_str(&t->seen) + t->read, text);
		if (at != NULL)
			break;
		if (!hear(t))
			return false;
	}
	t->read = (size_t)(at + strlen(text) - buf_str(&t->seen));
	return true;
}

static void
type(struct talk *t, const char *line)
{
	if (write(t->fd, line, strlen(line)) < 0 || write(t->fd, "\n", 1) < 0)
		printf("# nothing can be typed\n");
}

/* Does the terminal show what is typed? */
static bool
echoes(const struct talk *t)
{
	struct termios how;

	return tcgetattr(t->fd, &how) == 0 && (how.c_lflag & ECHO) != 0;
}

static int
end(struct talk *t)
{
	int status;

	while (hear(t))
		;
	if (waitpid(t->pid, &status, 0) != t->pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static bool
shown(struct talk *t, const char *text)
{
	return strstr(buf_str(&t->seen), text) != NULL;
}

/* Type both; how it ended. */
static int
ask(const char *const argv[], const char *again, const char *what)
{
	struct talk t;
	bool quiet;
	int rc;

	if (!start(&t, argv))
		return -1;
	ok(await(&t, "password: "), "%s: the password is asked for", what);
	quiet = !echoes(&t);
	type(&t, FIRST);
	ok(await(&t, "once more: "), "%s: and once more", what);
	quiet = quiet && !echoes(&t);
	type(&t, again);
	rc = end(&t);
	ok(quiet, "%s: the terminal shows nothing that is typed", what);
	ok(!shown(&t, "Night") && !shown(&t, "watch"),
	    "%s: nor is any of it said", what);
	if (rc != 0)
		ok(shown(&t, "the two differ"), "%s: it says why not", what);
	close(t.fd);
	buf_free(&t.seen);
	return rc;
}

/* Is there such an account? */
static bool
listed(const char *login)
{
	char line[256];
	bool found = false;
	char *command = mem_printf("'%s' -C '%s' user list", yizhan, home);
	FILE *p = popen(command, "r");

	while (p != NULL && fgets(line, sizeof(line), p) != NULL)
		found = found || strncmp(line, login, strlen(login)) == 0;
	if (p != NULL)
		pclose(p);
	free(command);
	return found;
}

static bool
run(char *command)
{
	int rc = system(command);

	free(command);
	return rc == 0;
}

/* What the terminal is like for who sits there when it is over: a shell that
 * says so itself. */
static void
restored(const char *const argv[], bool stopped)
{
	const char *const shell[] = {"sh", "-c",
	    "trap : INT; \"$@\"; stty -a | grep -q -- ' -echo ' && echo DARK || echo BRIGHT",
	    "sh", argv[0], argv[1], argv[2], argv[3], argv[4], argv[5], NULL};
	const char *program = yizhan;
	struct talk t;

	yizhan = "/bin/sh";
	if (start(&t, shell) && await(&t, "password: ")) {
		if (stopped) /* ^C, as the kernel turns it into a signal */
			type(&t, "\003");
		else {
			type(&t, FIRST);
			(void)await(&t, "once more: ");
			type(&t, OTHER);
		}
	}
	(void)end(&t);
	ok(shown(&t, "BRIGHT"),
	    "a terminal after a %s shows again what is typed",
	    stopped ? "^C" : "refusal");
	close(t.fd);
	buf_free(&t.seen);
	yizhan = program;
}

int
main(void)
{
	const char *build = getenv("top_builddir");
	char dir[] = "/tmp/test_asked.XXXXXX";
	const char *add[] = {
	    "yizhan", "-C", NULL, "user", "add", "duty1", NULL};
	char *path = mem_printf("%s/yizhan", build == NULL ? "." : build);

	if (mkdtemp(dir) == NULL)
		return 1;
	yizhan = path;
	home = dir;
	add[2] = dir;
	ok(run(mem_printf(
	       "'%s' -C '%s' init 520302 --top >/dev/null 2>&1", path, dir)),
	    "a station");
	ok(ask(add, OTHER, "two that differ") != 0, "two that differ are none");
	ok(!listed("duty1"), "and make no account");
	is_int(ask(add, FIRST, "two that agree"), 0, "two that agree are one");
	ok(listed("duty1"), "and make an account");
	add[4] = "passwd";
	ok(ask(add, OTHER, "another") != 0, "a new one is asked for likewise");
	add[0] = path;
	restored(add, false);
	restored(add, true);
	free(path);
	return run(mem_printf("rm -rf '%s'", dir)) ? tap_done() : 1;
}
