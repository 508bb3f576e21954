#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "demo_console.h"

#define START_MS 30000
#define ANSWER_S 20
#define ANSWER_MAX (16u << 20)
#define STATION_LOG "/console.log"

/* --- the process
 * ------------------------------------------------------------- */

/* In the child: its own group, so that Ctrl-C is ours to handle; and it goes
 * when we do. */
static void
become_server(const char *exe, const char *home, int port, int out)
{
	char listen[32], log[4096];
	sigset_t none;
	int fd;

	snprintf(listen, sizeof(listen), "127.0.0.1:%d", port);
	snprintf(log, sizeof(log), "%s%s", home, STATION_LOG);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	fd = open("/dev/null", O_RDONLY);
	if (fd >= 0)
		dup2(fd, 0);
	dup2(out, 1);
	fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0)
		dup2(fd, 2);
	execl(exe, exe, "-C", home, "serve", "--listen", listen, (char *)NULL);
	_exit(127);
}

/* It says where it listens in its first line. */
static int
read_port(struct demo_console *c, int fd, struct err *err)
{
	int64_t until = clock_mono() + START_MS;
	struct pollfd p = {fd, POLLIN, 0};
	char line[128] = "", *colon;
	size_t n = 0;
	ssize_t got;

	while (strchr(line, '\n') == NULL && n < sizeof(line) - 1) {
		int64_t left = until - clock_mono();

		if (left <= 0)
			return err_set(err, YZ_EPEER,
			    "the console says nothing for %d s",
			    START_MS / 1000);
		if (poll(&p, 1, (int)left) < 0)
			return err_set(err, YZ_EPEER, "stopped");
		if (p.revents == 0)
			continue;
		got = read(fd, line + n, sizeof(line) - 1 - n);
		if (got <= 0)
			return err_set(err, YZ_EPEER,
			    "the console does not start: its folder's "
			    "console.log says why");
		n += (size_t)got;
		line[n] = '\0';
	}
	colon = strrchr(line, ':');
	c->port = colon == NULL ? 0 : atoi(colon + 1);
	return c->port > 0
		   ? 0
		   : err_set(err, YZ_EPEER, "the console listens nowhere");
}

static int
start_on(struct demo_console *c, const char *exe, const char *home, int port,
    struct err *err)
{
	int fds[2], rc;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_sys(err, "pipe");
	c->pid = fork();
	if (c->pid == 0)
		become_server(exe, home, port, fds[1]);
	close(fds[1]);
	if (c->pid < 0) {
		c->pid = 0;
		rc = err_sys(err, "fork");
	} else {
		rc = read_port(c, fds[0], err);
	}
	close(fds[0]);
	if (rc != 0)
		demo_console_stop(c);
	return rc;
}

int
demo_console_start(
    struct demo_console *c, const char *exe, const char *home, struct err *err)
{
	int port = c->port;

	if (port > 0 && start_on(c, exe, home, port, err) == 0)
		return 0;
	return start_on(c, exe, home, 0, err);
}

void
demo_console_stop(struct demo_console *c)
{
	int status;

	if (c->pid <= 0)
		return;
	kill(c->pid, SIGTERM);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
}

/* --- a browser
 * --------------------------------------------------------------- */

static int
dial(const struct demo_console *c)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)c->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval most = {ANSWER_S, 0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
put_request(struct buf *out, const struct demo_console *c, const char *method,
    const char *path, const char *etag, const char *body)
{
	buf_printf(out,
	    "%s %s HTTP/1.0\r\nHost: 127.0.0.1:%d\r\n"
	    "Content-Type: application/json\r\nContent-Length: %zu\r\n",
	    method, path, c->port, strlen(body));
	if (c->cookie[0] != '\0')
		buf_printf(out, "Cookie: %s\r\nX-Yizhan-Token: %s\r\n",
		    c->cookie, c->csrf);
	if (etag != NULL)
		buf_printf(out, "If-Match: %s\r\n", etag);
	buf_printf(out, "\r\n%s", body);
}

static int
exchange(struct buf *answer, int fd, const struct buf *request)
{
	char piece[16384];
	size_t at = 0;
	ssize_t n;

	for (; at < request->len; at += (size_t)n) {
		n = send(fd, request->b + at, request->len - at, MSG_NOSIGNAL);
		if (n <= 0)
			return -1;
	}
	while ((n = read(fd, piece, sizeof(piece))) > 0 &&
	       answer->len < ANSWER_MAX)
		buf_put(answer, piece, (size_t)n);
	return n < 0 ? -1 : 0;
}

static void
keep_cookie(struct demo_console *c, const char *head, const char *end)
{
	const char *s = strstr(head, "Set-Cookie: ");

	if (s == NULL || s > end)
		return;
	s += strlen("Set-Cookie: ");
	snprintf(
	    c->cookie, sizeof(c->cookie), "%.*s", (int)strcspn(s, ";\r"), s);
}

int
demo_console_ask(struct demo_console *c, struct json **out, const char *method,
    const char *path, const char *etag, const char *body, struct err *err)
{
	struct buf request = BUF_INIT, answer = BUF_INIT;
	const char *text, *end;
	struct err ignored;
	int fd = dial(c), status = -1;

	if (out != NULL)
		*out = NULL;
	put_request(&request, c, method, path, etag, body == NULL ? "" : body);
	if (fd < 0 || exchange(&answer, fd, &request) != 0)
		err_set(err, YZ_EPEER, "127.0.0.1:%d does not answer", c->port);
	text = buf_str(&answer);
	end = strstr(text, "\r\n\r\n");
	if (end != NULL && strncmp(text, "HTTP/1.", 7) == 0) {
		status = atoi(text + strlen("HTTP/1.1 "));
		keep_cookie(c, text, end);
		end += 4;
		if (out != NULL && *end == '{')
			(void)json_parse(out, end,
			    answer.len - (size_t)(end - text), &ignored);
	} else if (fd >= 0) {
		err_set(
		    err, YZ_EPEER, "127.0.0.1:%d does not speak HTTP", c->port);
	}
	if (fd >= 0)
		close(fd);
	buf_free(&request);
	buf_free(&answer);
	return status;
}

bool
demo_console_login(struct demo_console *c, const char *login, struct err *err)
{
	struct json *who = NULL;
	char body[160];
	int status;

	c->cookie[0] = '\0';
	snprintf(body, sizeof(body), "{\"login\":\"%s\",\"password\":\"%s\"}",
	    login, DEMO_PASSWORD);
	status =
	    demo_console_ask(c, &who, "POST", "/api/login", NULL, body, err);
	if (status == 200 && json_get_text(who, "csrf") != NULL)
		snprintf(
		    c->csrf, sizeof(c->csrf), "%s", json_get_text(who, "csrf"));
	else
		c->csrf[0] = '\0';
	json_free(who);
	return c->csrf[0] != '\0';
}
