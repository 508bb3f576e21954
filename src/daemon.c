#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "daemon.h"
#include "home.h"
#include "replica.h"
#include "reserve.h"
#include "setup.h"
#include "setup_station.h"
#include "web/desk.h"
#include "web/http.h"

#define LOOK_MS 200    /* how often others' commits are looked for */
#define FILL_MS 10000  /* for the timeline, at an upgrade's first start */
#define SEAL_MS 1000   /* how long a click may stay unsealed */
#define BEAT_MS 15000  /* a stream's sign of life */
#define REVIEW_MS 1000 /* how often who listens is asked about */
#define ROOM_MS 1000   /* how often the disk's room is looked at */
#define TICK_MS 60000  /* how exact the running time is kept */
#define CHILD_MIN_MS 1000
#define CHILD_MAX_MS 60000

struct daemon {
	const struct daemon_options *o;
	struct replica *r;
	struct desk *desk;
	struct http *http;
	uint16_t port;
	int64_t version;  /* of the replica, as last told to the pages */
	int64_t contact;  /* desk_contact() as last told */
	int64_t told;     /* changes told so far */
	int64_t unsealed; /* mono ms since when, 0: nothing */
	int64_t ticked;   /* when the desk last heard that time passes */
	int64_t beat;     /* when streams last got anything */
	int64_t reviewed; /* when it was last asked who may listen */
	int64_t roomed;   /* when the room was looked at */
	int held;         /* the folder, locked; -1 if it cannot be opened */
	pid_t child;      /* yizhan sync --watch, or 0 */
	int64_t child_at; /* when to start it */
	int64_t child_pause;
};

static volatile sig_atomic_t stopping;
static int wake[2] = {-1, -1};

static void
on_signal(int number)
{
	int saved = errno;
	ssize_t n;

	if (number != SIGCHLD)
		stopping = 1;
	n = write(wake[1], "", 1);
	(void)n;
	errno = saved;
}

/* Tell systemd (sd_notify(3)): one datagram to the socket it names. */
static void
notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t len;
	int fd;

	if (path == NULL || strlen(path) >= sizeof(at.sun_path))
		return;
	memcpy(at.sun_path, path, strlen(path) + 1);
	len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		at.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), 0, (struct sockaddr *)&at, len);
	close(fd);
}

/* --- the child that stays on the line
 * ------------------------------------------- */

static void
start_child(struct daemon *d, int64_t now)
{
	char *args[] = {(char *)"yizhan", (char *)"-C", (char *)d->o->home,
	    (char *)"sync", (char *)"--watch", NULL};
	sigset_t none;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execv(d->o->exe, args);
		_exit(127);
	}
	d->child = pid > 0 ? pid : 0;
	d->child_at = now + d->child_pause;
}

/* It ends when something is wrong; it says so itself, and is tried again later
 * and later. */
static void
mind_child(struct daemon *d, int64_t now)
{
	uint16_t jitter;
	int status;

	if (!d->o->sync)
		return;
	if (d->child > 0 && waitpid(d->child, &status, WNOHANG) == d->child) {
		d->child = 0;
		digest_random(&jitter, sizeof(jitter));
		d->child_at =
		    now + d->child_pause + d->child_pause * jitter / 65536;
		d->child_pause = 2 * d->child_pause < CHILD_MAX_MS
				     ? 2 * d->child_pause
				     : CHILD_MAX_MS;
	}
	if (d->child == 0 && now >= d->child_at && !stopping)
		start_child(d, now);
}

static void
stop_child(struct daemon *d)
{
	int status;

	if (d->child <= 0)
		return;
	kill(d->child, SIGTERM);
	while (waitpid(d->child, &status, 0) < 0 && errno == EINTR)
		;
}

/* --- what has changed
 * -------------------------------------------------------------- */

/* Whose session has ended hears nothing more. */
static void
review(struct daemon *d, int64_t now)
{
	http_review(d->http, desk_stays, d->desk);
	d->reviewed = now;
}

static void
publish(struct daemon *d, const char *event, int64_t now)
{
	char text[96];
	int n;

	n = snprintf(text, sizeof(text),
	    "event: %s\ndata: {\"version\":%lld}\n\n", event,
	    (long long)++d->told);
	review(d, now);
	http_publish(d->http, text, (size_t)n);
	d->beat = now;
}

/* Sealing is no news; what others have written meanwhile is, and the version
 * does not tell them apart. */
static int
seal(struct daemon *d, int64_t now, int64_t held, struct err *err)
{
	int64_t then;
	int rc;

	d->unsealed = 0;
	rc = replica_seal(d->r, err);
	if (rc != 0 && err->sys == ENOSPC) {
		d->unsealed = now; /* it is kept; again in a moment */
		return 0;
	}
	if (rc == 0)
		rc = desk_version(d->desk, &d->version, err);
	if (rc == 0)
		rc = desk_held(d->desk, &then, err);
	if (rc == 0 && then != held) {
		d->unsealed = now;
		publish(d, "change", now);
	}
	return rc;
}

static int
look(struct daemon *d, int64_t now, struct err *err)
{
	bool due = d->unsealed > 0 && now - d->unsealed >= SEAL_MS;
	int64_t version, contact, held = 0;
	int rc = 0;

	http_sweep(d->http);
	if (now - d->reviewed >= REVIEW_MS)
		review(d, now);
	if (due) /* before the version: what comes now is in one of the two */
		rc = desk_held(d->desk, &held, err);
	if (rc == 0)
		rc = desk_version(d->desk, &version, err);
	if (rc == 0)
		rc = desk_contact(d->desk, &contact, err);
	if (rc != 0)
		return rc;
	if (contact != d->contact) {
		d->contact = contact;
		publish(d, "station", now);
	}
	if (version != d->version) {
		d->version = version;
		publish(d, "change", now);
		if (d->unsealed == 0)
			d->unsealed = now;
	} else if (now - d->beat >= BEAT_MS) {
		http_publish(d->http, ": here\n\n", strlen(": here\n\n"));
		d->beat = now;
	}
	return due ? seal(d, now, held, err) : 0;
}

/* How long this station has run is what the audit log's age goes by. */
static int
tick(struct daemon *d, int64_t now, struct err *err)
{
	int64_t ms = now - d->ticked;

	if (ms < TICK_MS)
		return 0;
	d->ticked = now;
	return desk_tick(d->desk, ms, err);
}

static int
loop(struct daemon *d, struct err *err)
{
	struct pollfd fd = {.fd = wake[0], .events = POLLIN};
	char drain[64];
	int64_t now;
	int rc = 0;

	d->ticked = clock_mono();
	while (rc == 0 && !stopping) {
		now = clock_mono();
		if (now - d->roomed >= ROOM_MS || d->roomed == 0) {
			d->roomed = now;
			reserve_keep(d->o->home, true);
		}
		mind_child(d, now);
		rc = look(d, now, err);
		if (rc == 0)
			rc = tick(d, now, err);
		if (poll(&fd, 1, LOOK_MS) > 0 &&
		    read(wake[0], drain, sizeof(drain)) < 0 && errno != EINTR)
			rc = err_sys(err, "the daemon's pipe");
	}
	return rc;
}

/* --- start and end
 * -------------------------------------------------------------------- */

static int
catch_signals(struct err *err)
{
	struct sigaction act = {.sa_handler = on_signal};

	if (pipe(wake) != 0)
		return err_sys(err, "pipe");
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGCHLD, &act, NULL);
	return 0;
}

static int
open_all(struct daemon *d, struct err *err)
{
	struct http_options http = {.address = d->o->address,
	    .port = d->port,
	    .certificate = d->o->certificate,
	    .key = d->o->key,
	    .handle = desk_handle,
	    .admit = desk_admit};
	struct err ignored;
	struct home *home;
	int rc;

	rc = home_open(&home, d->o->home, err);
	if (rc == 0)
		rc = replica_open(&d->r, home, err);
	if (rc == 0)
		rc = replica_seal(d->r, err);
	/* Where this fails the page is slower, no more. */
	if (rc == 0)
		(void)replica_fill_timeline(d->r, FILL_MS, &ignored);
	if (rc == 0)
		rc = desk_open(&d->desk, d->o->home, d->o->exe, err);
	if (rc == 0)
		rc = desk_version(d->desk, &d->version, err);
	if (rc == 0)
		rc = desk_contact(d->desk, &d->contact, err);
	http.arg = d->desk;
	if (rc == 0)
		rc = http_start(&d->http, &http, err);
	return rc;
}

/* Until somebody has made a station, in the browser or by command. */
static int
set_up(struct daemon *d, void (*ready)(void *arg, uint16_t port, bool setup),
    void *arg, struct err *err)
{
	struct http_options http = {.address = d->o->address,
	    .port = d->port,
	    .certificate = d->o->certificate,
	    .key = d->o->key};
	struct pollfd fd = {.fd = wake[0], .events = POLLIN};
	struct setup *setup;
	int rc;

	rc = setup_start(&setup, d->o->home, d->o->exe, &http, err);
	if (rc != 0)
		return rc;
	d->port = setup_port(setup);
	ready(arg, d->port, true);
	notify("READY=1");
	while (!stopping && !setup_is_over(setup))
		(void)poll(&fd, 1, LOOK_MS);
	setup_stop(setup);
	return 0;
}

/* One daemon a folder: the kernel lets go of it however that one ends. */
static int
hold(struct daemon *d, struct err *err)
{
	d->held = open(d->o->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* What is wrong with the folder is said by who wants something of it.
	 */
	if (d->held < 0 || flock(d->held, LOCK_EX | LOCK_NB) == 0 ||
	    errno != EWOULDBLOCK)
		return 0;
	return err_set(err, YZ_ECONFLICT,
	    "a yizhan serve for %s is running already: stop that one first "
	    "(systemctl stop yizhan), or name another folder",
	    d->o->home);
}

static int
run(struct daemon *d, void (*ready)(void *arg, uint16_t port, bool setup),
    void *arg, struct err *err)
{
	int rc;

	rc = setup_station_settle(d->o->home, err);
	if (rc == 0 && setup_is_wanted(d->o->home)) {
		rc = set_up(d, ready, arg, err);
		if (rc != 0 || stopping)
			return rc;
		rc = setup_station_settle(d->o->home, err);
	}
	if (rc == 0)
		rc = open_all(d, err);
	if (rc != 0)
		return rc;
	ready(arg, http_port(d->http), false);
	notify("READY=1");
	return loop(d, err);
}

int
daemon_run(const struct daemon_options *o,
    void (*ready)(void *arg, uint16_t port, bool setup), void *arg,
    struct err *err)
{
	struct daemon d = {
	    .o = o, .port = o->port, .child_pause = CHILD_MIN_MS};
	int rc;

	rc = hold(&d, err);
	if (rc == 0)
		rc = catch_signals(err);
	if (rc == 0)
		rc = run(&d, ready, arg, err);
	notify("STOPPING=1");
	stop_child(&d);
	http_stop(d.http);
	desk_close(d.desk);
	if (rc == 0 && d.r != NULL)
		rc = replica_seal(d.r, err);
	replica_close(d.r);
	if (d.held >= 0)
		close(d.held);
	return rc;
}
