/*
 * Goal of this test: systemd, which waits for word from the daemon, gets it:
 * READY=1 once the console can be called and not before, STOPPING=1 when it is
 * told to end; by a socket in the file system and by an abstract one.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define WAIT_MS 120000

static char exe[4096];

/* yizhan with these arguments, its standard output into out if not -1. */
static pid_t
start(char *const *args, int out)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (out >= 0)
			dup2(out, 1);
		execv(exe, args);
		_exit(127);
	}
	return pid;
}

static int
end(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A socket as systemd's, named to what is started next. */
static int
listen_at(const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(at.sun_path, name, len + 1);
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&at,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) != 0)
		return -1;
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

/* The next word, or "" if none comes in time. */
static const char *
hear(int fd)
{
	static char word[256];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n = -1;

	if (poll(&p, 1, WAIT_MS) > 0)
		n = recv(fd, word, sizeof(word) - 1, 0);
	word[n < 0 ? 0 : n] = '\0';
	return word;
}

static bool
answers(int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static const char ask[] = "GET /api/me HTTP/1.0\r\n\r\n";
	char got[16] = "";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good = fd >= 0 &&
		    connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		    write(fd, ask, sizeof(ask) - 1) == sizeof(ask) - 1 &&
		    recv(fd, got, 9, MSG_WAITALL) == 9 &&
		    strncmp(got, "HTTP/1.", 7) == 0;

	close(fd);
	return good;
}

/* What the daemon has printed by now; it says its address before READY=1. */
static int
port_of(int out)
{
	char line[256];
	struct pollfd p = {.fd = out, .events = POLLIN};
	ssize_t n = poll(&p, 1, 0) > 0 ? read(out, line, sizeof(line) - 1) : 0;
	char *colon;

	line[n < 0 ? 0 : n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	colon = strrchr(line, ':');
	return colon == NULL ? 0 : atoi(colon + 1);
}

static void
listen_to(const char *home, const char *name, const char *how)
{
	char *args[] = {exe, (char *)"-C", (char *)home, (char *)"serve",
	    (char *)"--listen", (char *)"127.0.0.1:0", (char *)"--no-sync",
	    NULL};
	int out[2], fd = listen_at(name);
	pid_t pid;

	if (!ok(fd >= 0 && pipe(out) == 0, "%s listens", how))
		return;
	pid = start(args, out[1]);
	close(out[1]);
	is_str(hear(fd), "READY=1", "%s hears that the daemon is ready", how);
	ok(answers(port_of(out[0])), "and then it answers");
	kill(pid, SIGTERM);
	is_str(hear(fd), "STOPPING=1", "told to end it says that it does");
	is_int(end(pid), 0, "and has ended well");
	close(out[0]);
	close(fd);
}

int
main(void)
{
	const char *build = getenv("top_builddir");
	char dir[] = "/tmp/yizhan-daemon.XXXXXX", home[64], name[64];
	char *real = realpath(build == NULL ? "." : build, NULL);
	char *init[] = {exe, (char *)"-C", home, (char *)"init",
	    (char *)"520302", (char *)"--top", NULL};
	char *rm[] = {(char *)"rm", (char *)"-rf", dir, NULL};

	if (real == NULL || mkdtemp(dir) == NULL)
		return 1;
	snprintf(exe, sizeof(exe), "%s/yizhan", real);
	free(real);
	snprintf(home, sizeof(home), "%s/home", dir);
	is_int(end(start(init, 2)), 0, "a station is founded");
	snprintf(name, sizeof(name), "%s/notify", dir);
	listen_to(home, name, "a socket in a folder");
	snprintf(name, sizeof(name), "@%s", dir);
	listen_to(home, name, "an abstract socket");
	snprintf(exe, sizeof(exe), "/bin/rm");
	end(start(rm, -1));
	return tap_done();
}
