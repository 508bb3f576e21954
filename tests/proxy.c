/*
 * A bad line for tests: forwards TCP connections to a port of 127.0.0.1.
 *
 *	proxy [-c BYTES] [-g MS] [-r RATE] [-l LOG] [-x BYTE] PORTFILE PORT
 *
 * -c  cut each connection when so many bytes went through, both ways counted
 * -g  what the caller says waits until he has been quiet for so long, or is
 *     gone, and arrives all at once
 * -r  bytes per second let through, each way
 * -l  a line "UP DOWN" for each connection that ended
 * -x  change the byte at that place, from 0, either way
 *
 * SIGUSR1 cuts what is open; SIGUSR2 holds everything silently, and again
 * lets it go on.  The port it listens on is written to PORTFILE.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define CONNS 32
#define PIECE 4096
#define ROUND_MS 5

struct way { /* one direction of a connection */
	int from, to;
	uint8_t b[PIECE];
	size_t len, at;
	int64_t bytes;  /* written */
	int64_t tokens; /* bytes that may be written, times 1000 */
	int64_t came;   /* when the last of them was read */
	bool gathers;   /* until no more came for a while */
	bool ended;     /* nothing more to read */
	bool shut;      /* and the other end was told */
};

struct conn {
	bool open;
	struct way way[2]; /* up, down */
};

static struct conn conns[CONNS];
static int64_t cut, gather, rate, filled, spoil = -1;
static const char *log_path;
static volatile sig_atomic_t cut_now, held;

static void
on_signal(int sig)
{
	if (sig == SIGUSR1)
		cut_now = 1;
	else
		held = !held;
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
finish(struct conn *c, bool hard)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	FILE *f;
	int i;

	for (i = 0; i < 2; i++) {
		if (hard)
			(void)setsockopt(c->way[i].from, SOL_SOCKET, SO_LINGER,
			    &now, sizeof(now));
		close(c->way[i].from);
	}
	c->open = false;
	if (log_path == NULL)
		return;
	f = fopen(log_path, "a");
	if (f == NULL)
		die(log_path);
	fprintf(f, "%lld %lld\n", (long long)c->way[0].bytes,
	    (long long)c->way[1].bytes);
	fclose(f);
}

static int
dial(uint16_t port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
welcome(int listener, uint16_t port)
{
	int a = accept(listener, NULL, NULL), b, i, one = 1;
	struct conn *c = conns;

	if (a < 0)
		return;
	while (c < conns + CONNS && c->open)
		c++;
	b = c < conns + CONNS ? dial(port) : -1;
	if (b < 0) {
		close(a);
		return;
	}
	memset(c, 0, sizeof(*c));
	c->open = true;
	c->way[0].from = c->way[1].to = a;
	c->way[0].to = c->way[1].from = b;
	c->way[0].gathers = gather > 0;
	for (i = 0; i < 2; i++) {
		int fd = c->way[i].from;

		(void)fcntl(fd, F_SETFL, O_NONBLOCK);
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
}

static bool
takes_more(const struct way *w)
{
	return !w->ended && (w->at == w->len ||
				(w->gathers && w->at == 0 && w->len < PIECE));
}

/* Bytes that may go on at this moment. */
static size_t
allowed(const struct conn *c, const struct way *w)
{
	int64_t n = (int64_t)(w->len - w->at), left;

	if (rate > 0 && n > w->tokens / 1000)
		n = w->tokens / 1000;
	left = cut - c->way[0].bytes - c->way[1].bytes;
	if (cut > 0 && n > left)
		n = left;
	if (w->gathers && takes_more(w) && clock_mono() - w->came < gather)
		return 0;
	return n < 0 ? 0 : (size_t)n;
}

/* false: the connection is over. */
static bool
carry(struct conn *c, struct way *w)
{
	int64_t at;
	ssize_t n;

	if (w->at == w->len)
		w->at = w->len = 0;
	if (takes_more(w)) {
		n = read(w->from, w->b + w->len, PIECE - w->len);
		if (n < 0 && errno != EAGAIN)
			return false;
		w->ended = n == 0;
		if (n > 0) {
			w->len += (size_t)n;
			w->came = clock_mono();
			at = spoil - w->bytes;
			if (at >= (int64_t)w->len - n && at < (int64_t)w->len)
				w->b[at] ^= 0x10;
		}
	}
	n = (ssize_t)allowed(c, w);
	if (n > 0) {
		n = write(w->to, w->b + w->at, (size_t)n);
		if (n < 0)
			return errno == EAGAIN;
		w->at += (size_t)n;
		w->bytes += n;
		w->tokens -= n * 1000;
	}
	if (w->ended && w->at == w->len && !w->shut) {
		w->shut = true;
		(void)shutdown(w->to, SHUT_WR);
	}
	return true;
}

static void
fill(void)
{
	int64_t now = clock_mono(), most = rate * 50 + 1000000, more;
	int i, k;

	more = (now - filled) * rate;
	filled = now;
	for (i = 0; i < CONNS; i++) {
		for (k = 0; k < 2; k++) {
			struct way *w = &conns[i].way[k];

			w->tokens += more;
			if (w->tokens > most)
				w->tokens = most;
		}
	}
}

static void
serve(int listener, uint16_t port)
{
	struct pollfd p[2 * CONNS + 1];
	int i, k, n = 1;

	p[0] = (struct pollfd){.fd = listener, .events = POLLIN};
	for (i = 0; i < CONNS && !held; i++) {
		for (k = 0; conns[i].open && k < 2; k++) {
			struct way *w = &conns[i].way[k];

			if (allowed(&conns[i], w) > 0)
				p[n++] = (struct pollfd){
				    .fd = w->to, .events = POLLOUT};
			else if (takes_more(w))
				p[n++] = (struct pollfd){
				    .fd = w->from, .events = POLLIN};
		}
	}
	(void)poll(p, (nfds_t)n, rate > 0 || gather > 0 ? ROUND_MS : 100);
	if (p[0].revents & POLLIN)
		welcome(listener, port);
	fill();
	for (i = 0; i < CONNS; i++) {
		struct conn *c = &conns[i];

		if (!c->open)
			continue;
		if (cut_now)
			finish(c, true);
		else if (held)
			continue;
		else if (!carry(c, &c->way[0]) || !carry(c, &c->way[1]) ||
			 (cut > 0 && c->way[0].bytes + c->way[1].bytes >= cut))
			finish(c, true);
		else if (c->way[0].ended && c->way[1].ended &&
			 c->way[0].at == c->way[0].len &&
			 c->way[1].at == c->way[1].len)
			finish(c, false);
	}
	cut_now = 0;
}

static int
listen_any(uint16_t *port)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    listen(fd, CONNS) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) != 0)
		die("listen");
	*port = ntohs(sin.sin_port);
	return fd;
}

int
main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_signal};
	uint16_t mine;
	int listener, opt;
	FILE *f;

	while ((opt = getopt(argc, argv, "c:g:r:l:x:")) != -1) {
		if (opt == 'c')
			cut = atoll(optarg);
		else if (opt == 'g')
			gather = atoll(optarg);
		else if (opt == 'r')
			rate = atoll(optarg);
		else if (opt == 'l')
			log_path = optarg;
		else if (opt == 'x')
			spoil = atoll(optarg);
		else
			return 2;
	}
	if (argc - optind != 2)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	listener = listen_any(&mine);
	f = fopen(argv[optind], "w");
	if (f == NULL)
		die(argv[optind]);
	fprintf(f, "%u\n", mine);
	fclose(f);
	filled = clock_mono();
	for (;;)
		serve(listener, (uint16_t)atoi(argv[optind + 1]));
}
