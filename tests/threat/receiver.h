/*
 * The receiver as the package runs it, where no systemd runs: behind its
 * socket, by systemd-socket-activate, a process a connection, each with no
 * more memory than its unit grants and watched by strace; and beside it the
 * daemon of the same station.  Include puppet.h first.
 */
#ifndef RECEIVER_H
#define RECEIVER_H

#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#define RECEIVER_WAIT_MS 60000

struct receiver {
	char socket[128];
	char url[64]; /* of the daemon's console */
	pid_t listener, daemon;
};

static inline void
receiver_pause(void)
{
	struct timespec ms = {0, 1000000};

	nanosleep(&ms, NULL);
}

/* The daemon's first line is where its console is. */
static inline void
receiver_daemon(struct receiver *v, const char *program, const char *home)
{
	int said[2];
	FILE *f;

	must(pipe2(said, O_CLOEXEC), &(struct err){.msg = "pipe"}, "daemon");
	v->daemon = fork();
	if (v->daemon == 0) {
		dup2(said[1], 1);
		execl(program, "yizhan", "-C", home, "serve", "--listen",
		    "127.0.0.1:0", "--no-sync", (char *)NULL);
		_exit(127);
	}
	close(said[1]);
	f = fdopen(said[0], "r");
	must(f == NULL || fgets(v->url, sizeof(v->url), f) == NULL,
	    &(struct err){.msg = "it says nothing"}, "daemon");
	v->url[strcspn(v->url, "\n")] = '\0';
	fclose(f);
}

/* trace: where strace writes what files the receivers touch. */
static inline void
receiver_start(
    struct receiver *v, const char *dir, const char *home, const char *trace)
{
	const char *build = getenv("top_builddir");
	char program[512];
	struct stat st;
	int64_t until;

	snprintf(
	    program, sizeof(program), "%s/yizhan", build == NULL ? "." : build);
	snprintf(v->socket, sizeof(v->socket), "%s/peer.sock", dir);
	receiver_daemon(v, program, home);
	v->listener = fork();
	if (v->listener == 0) {
		/* Where its tables alone would not fit. */
		if (!tap_weighs())
			execlp("systemd-socket-activate",
			    "systemd-socket-activate", "-a", "--inetd", "-l",
			    v->socket, "strace", "-f", "-qq", "-A", "-o", trace,
			    "-e", "trace=%file,bind,connect", "-E",
			    "ASAN_OPTIONS=detect_leaks=0", program, "-C", home,
			    "peer", "--received", (char *)NULL);
		execlp("prlimit", "prlimit", "--as=314572800",
		    "systemd-socket-activate", "-a", "--inetd", "-l", v->socket,
		    "strace", "-f", "-qq", "-A", "-o", trace, "-e",
		    "trace=%file,bind,connect", program, "-C", home, "peer",
		    "--received", (char *)NULL);
		_exit(127);
	}
	for (until = clock_mono() + RECEIVER_WAIT_MS;
	     stat(v->socket, &st) != 0;) {
		must(clock_mono() > until, &(struct err){.msg = "no socket"},
		    "systemd-socket-activate");
		receiver_pause();
	}
}

/* Does the daemon's console answer? */
static inline bool
receiver_daemon_answers(const struct receiver *v)
{
	char command[256];

	snprintf(command, sizeof(command), "curl -sS -m 30 -o /dev/null '%s'",
	    v->url);
	return system(command) == 0;
}

/* The daemon's largest resident size so far, KiB. */
static inline long
receiver_daemon_peak(const struct receiver *v)
{
	char path[64], line[256];
	long kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)v->daemon);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "VmHWM: %ld", &kib);
	if (f != NULL)
		fclose(f);
	return kib;
}

/* The largest resident size of any receiver, strace with it, KiB; and the
 * daemon's exit. */
static inline long
receiver_end(struct receiver *v, int *daemon)
{
	struct rusage used;
	int status;

	kill(v->listener, SIGTERM);
	must(wait4(v->listener, &status, 0, &used) != v->listener,
	    &(struct err){.msg = "wait4"}, "listener");
	kill(v->daemon, SIGTERM);
	must(waitpid(v->daemon, daemon, 0) != v->daemon,
	    &(struct err){.msg = "waitpid"}, "daemon");
	return used.ru_maxrss;
}

#endif
