/*
 * Goal of this test: threat T10, a malicious SSH server against our client.
 * A server that is none, that ends at once, that greets with 10^6 bytes or
 * without end, that says a byte now and then, or garbage instead of a key
 * exchange: each is refused with one clean line within 15 s, and never more
 * than a login's worth of bytes is read.
 */
#include "config.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "link_ssh.h"
#include "sign.h"

#include "../tap.h"

#define MOST_MS 20000 /* 15 s, and what a busy machine takes */

/* --- servers: each has the whole of a process --------------------------------
 */

static void
put(int fd, const void *data, size_t n)
{
	if (write(fd, data, n) < 0)
		_exit(0); /* the client has had enough */
}

static void
ends_at_once(int fd)
{
	(void)fd;
}

static void
says_nothing(int fd)
{
	char c;

	(void)!read(fd, &c, 1);
	pause();
}

static void
long_banner(int fd)
{
	static char text[1000000];

	memset(text, 'x', sizeof(text));
	put(fd, text, sizeof(text));
	pause();
}

static void
endless_banner(int fd)
{
	for (;;)
		put(fd, "SSX-2.0-welcome\r\n", 17);
}

static void
drips(int fd)
{
	for (;;) {
		put(fd, "S", 1);
		(void)poll(NULL, 0, 200);
	}
}

static void
garbage(int fd)
{
	uint8_t text[4096];
	uint32_t x = 1;
	size_t i;

	put(fd, "SSH-2.0-OpenSSH_9.2\r\n", 21);
	for (i = 0; i < sizeof(text); i++) {
		x = x * 1103515245u + 12345u;
		text[i] = (uint8_t)(x >> 16);
	}
	for (;;)
		put(fd, text, sizeof(text));
}

static void
huge_packet(int fd)
{
	put(fd, "SSH-2.0-OpenSSH_9.2\r\n", 21);
	put(fd, "\xff\xff\xff\xff\x04\x14", 6);
	pause();
}

static void
ends_in_packet(int fd)
{
	put(fd, "SSH-2.0-OpenSSH_9.2\r\n", 21);
	put(fd, "\x00\x00\x01\x00\x04\x14", 6);
}

static const struct {
	const char *what;
	void (*serve)(int fd);
} servers[] = {
    {"one that ends at once", ends_at_once},
    {"one that says nothing", says_nothing},
    {"a banner of 10^6 bytes", long_banner},
    {"banners without end", endless_banner},
    {"a byte now and then", drips},
    {"garbage for a key exchange", garbage},
    {"a packet of 4 GiB", huge_packet},
    {"an end inside a packet", ends_in_packet},
};

#define N_SERVERS (sizeof(servers) / sizeof(servers[0]))

static pid_t
start(size_t which, uint16_t *port)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	pid_t pid;

	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    listen(fd, 1) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) != 0)
		return -1;
	*port = ntohs(sin.sin_port);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int in;

		alarm(60);
		in = accept(fd, NULL, NULL);
		servers[which].serve(in);
		_exit(0);
	}
	close(fd);
	return pid;
}

static void
refused(size_t which)
{
	struct sign_key host, user;
	struct buf line = BUF_INIT;
	struct link *link = NULL;
	struct err err = {0};
	char address[64];
	int64_t began;
	uint16_t port = 0;
	pid_t pid = start(which, &port);
	int rc;

	sign_generate(&host);
	sign_generate(&user);
	sign_public_line(&line, host.pub);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	began = clock_mono();
	rc = link_ssh_open(&link, address, buf_str(&line), &user, &err);
	ok(rc == YZ_EPEER, "%s: refused: %s", servers[which].what, err.msg);
	ok(rc != 0 && text_is_clean(err.msg, strlen(err.msg), false),
	    "with a clean line");
	/* A bound of the machine, not a measure of speed. */
	ok(clock_mono() - began < MOST_MS, "and no hanging on");
	if (rc == 0)
		link->close(link);
	if (pid > 0) {
		kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	buf_free(&line);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < N_SERVERS; i++)
		refused(i);
	return tap_done();
}
