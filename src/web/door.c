#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "door.h"

#define PAUSE_MS 5 /* where there is no room, or no descriptor */

struct door {
	int fd;
	int stop[2]; /* a pipe: its closed end stops the thread */
	bool runs;
	pthread_t thread;
	struct door_calls calls;
};

static int
find_address(
    struct addrinfo **out, const char *address, uint16_t port, struct err *err)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
	    .ai_socktype = SOCK_STREAM};
	char text[8];

	snprintf(text, sizeof(text), "%u", port);
	if (getaddrinfo(address, text, &hints, out) != 0)
		return err_set(err, YZ_EINVAL,
		    "%s is no address of this machine to listen on: give "
		    "ADDRESS:PORT in digits",
		    address);
	return 0;
}

static int
open_socket(const struct addrinfo *at)
{
	int no = 0, yes = 1, fd, why;

	fd = socket(
	    at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	/* An IPv6 address of all takes IPv4 as well. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
	    (at->ai_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)) !=
		    0) ||
	    bind(fd, at->ai_addr, at->ai_addrlen) != 0 ||
	    listen(fd, SOMAXCONN) != 0) {
		why = errno;
		close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

int
door_open(
    struct door **out, const char *address, uint16_t port, struct err *err)
{
	struct addrinfo *at;
	struct door *l;
	int fd, rc;

	rc = find_address(&at, address, port, err);
	if (rc != 0)
		return rc;
	fd = open_socket(at);
	freeaddrinfo(at);
	if (fd < 0)
		return err_sys(
		    err, "cannot listen on %s port %u", address, port);
	l = mem_calloc(1, sizeof(*l));
	l->fd = fd;
	if (pipe2(l->stop, O_CLOEXEC) != 0) {
		rc = err_sys(err, "pipe");
		close(fd);
		free(l);
		return rc;
	}
	*out = l;
	return 0;
}

uint16_t
door_port(const struct door *l)
{
	struct sockaddr_storage at;
	socklen_t n = sizeof(at);
	char port[8];

	if (getsockname(l->fd, (struct sockaddr *)&at, &n) != 0 ||
	    getnameinfo((struct sockaddr *)&at, n, NULL, 0, port, sizeof(port),
		NI_NUMERICSERV) != 0)
		return 0;
	return (uint16_t)strtoul(port, NULL, 10);
}

static void
rest(void)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000l};

	nanosleep(&pause, NULL);
}

/* Does the door go on?  Then somebody may have come. */
static bool
wait(struct door *l)
{
	struct pollfd fds[2] = {
	    {.fd = l->fd, .events = POLLIN}, {.fd = l->stop[0]}};
	bool room = l->calls.room(l->calls.arg);

	/* Without room only the end is waited for. */
	fds[0].fd = room ? l->fd : -1;
	(void)poll(fds, 2, room ? -1 : PAUSE_MS);
	return fds[1].revents == 0;
}

static void *
run(void *arg)
{
	struct door *l = arg;
	struct sockaddr_storage from;
	socklen_t n;
	int fd;

	while (wait(l)) {
		if (!l->calls.room(l->calls.arg))
			continue;
		n = sizeof(from);
		fd = accept4(l->fd, (struct sockaddr *)&from, &n,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			l->calls.take(
			    l->calls.arg, fd, (struct sockaddr *)&from, n);
		else if (errno == EMFILE || errno == ENFILE ||
			 errno == ENOBUFS || errno == ENOMEM)
			rest();
	}
	return NULL;
}

int
door_run(struct door *l, const struct door_calls *calls, struct err *err)
{
	sigset_t all, before;
	int rc;

	l->calls = *calls;
	/* Signals are the daemon's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	rc = pthread_create(&l->thread, NULL, run, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		errno = rc;
		return err_sys(err, "no thread to listen");
	}
	l->runs = true;
	return 0;
}

void
door_close(struct door *l)
{
	if (l == NULL)
		return;
	close(l->stop[1]);
	if (l->runs)
		pthread_join(l->thread, NULL);
	close(l->stop[0]);
	close(l->fd);
	free(l);
}
