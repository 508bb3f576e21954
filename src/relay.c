#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "home.h"
#include "relay.h"

#define STREAMS 3       /* standard input, output and error */
#define LINE_MAX_LEN 32 /* bytes of what is said first */
#define TAKE_MS 5000    /* for that to come */

union control { /* room for the descriptors, aligned as sendmsg wants it */
	struct cmsghdr head;
	char room[CMSG_SPACE(STREAMS * sizeof(int))];
};

bool
relay_wanted(const char *home)
{
	struct stat ours, served, at;

	return stat(HOME_DEFAULT, &served) == 0 && stat(home, &ours) == 0 &&
	       ours.st_dev == served.st_dev && ours.st_ino == served.st_ino &&
	       lstat(HOME_RECEIVER, &at) == 0;
}

/* --- on sshd's side --------------------------------------------------------
 */

static int
reach(int *out, const char *socket_path, struct err *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd;

	*out = -1;
	if (strlen(socket_path) >= sizeof(at.sun_path))
		return err_set(
		    err, YZ_EINVAL, "%s: too long for a socket", socket_path);
	memcpy(at.sun_path, socket_path, strlen(socket_path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
		(void)err_sys(err, "the receiver at %s", socket_path);
		if (fd >= 0)
			close(fd);
		return err->code;
	}
	*out = fd;
	return 0;
}

static int
hand_over(int to, const char *code, bool invited, struct err *err)
{
	char line[LINE_MAX_LEN];
	int n = snprintf(
	    line, sizeof(line), "%s %s\n", invited ? "invited" : "as", code);
	struct iovec bytes = {line, (size_t)n};
	union control control = {.room = {0}};
	struct msghdr msg = {.msg_iov = &bytes,
	    .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = sizeof(control.room)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	const int streams[STREAMS] = {
	    STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(streams));
	memcpy(CMSG_DATA(head), streams, sizeof(streams));
	if (sendmsg(to, &msg, MSG_NOSIGNAL) != n)
		return err_sys(err, "the receiver");
	return 0;
}

int
relay_to(int *status, const char *socket, const char *code, bool invited,
    struct err *err)
{
	unsigned char said = 0;
	ssize_t n;
	int fd, rc;

	rc = reach(&fd, socket, err);
	if (rc != 0)
		return rc;
	rc = hand_over(fd, code, invited, err);
	if (rc == 0) {
		/* They are the receiver's alone now, and so is their end. */
		close(STDIN_FILENO);
		close(STDOUT_FILENO);
		do
			n = read(fd, &said, 1);
		while (n < 0 && errno == EINTR);
		*status = said;
		if (n != 1)
			rc = err_set(
			    err, YZ_EPEER, "the receiver ended without a word");
	}
	close(fd);
	return rc;
}

/* --- the receiver's ---------------------------------------------------------
 */

/* "as CODE\n" or "invited CODE\n" and nothing else. */
static bool
understand(
    const char *line, size_t n, char code[CHAIN_CODE_LEN + 1], bool *invited)
{
	size_t word = n > CHAIN_CODE_LEN + 1 ? n - CHAIN_CODE_LEN - 1 : 0;

	*invited = word == 8 && memcmp(line, "invited ", 8) == 0;
	if (!*invited && !(word == 3 && memcmp(line, "as ", 3) == 0))
		return false;
	memcpy(code, line + word, CHAIN_CODE_LEN);
	code[CHAIN_CODE_LEN] = '\0';
	return line[n - 1] == '\n' && chain_is_code(code, CHAIN_CODE_LEN);
}

static bool
is_own_user(int fd)
{
	struct ucred who;
	socklen_t n = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 &&
	       who.uid == geteuid();
}

/* The line and exactly three descriptors, or what came is closed again. */
static int
hear(int streams[STREAMS], char code[CHAIN_CODE_LEN + 1], bool *invited,
    int from, struct err *err)
{
	struct pollfd ready = {from, POLLIN, 0};
	char line[LINE_MAX_LEN];
	struct iovec bytes = {line, sizeof(line)};
	union control control;
	struct msghdr msg = {.msg_iov = &bytes,
	    .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = sizeof(control.room)};
	struct cmsghdr *head;
	ssize_t n = -1;

	if (poll(&ready, 1, TAKE_MS) == 1)
		n = recvmsg(from, &msg, MSG_CMSG_CLOEXEC);
	head = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (head == NULL || (msg.msg_flags & MSG_CTRUNC) != 0 ||
	    head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
	    head->cmsg_len != CMSG_LEN(STREAMS * sizeof(int)) ||
	    !understand(line, (size_t)n, code, invited))
		/* What else came is closed with the process. */
		return err_set(
		    err, YZ_EPEER, "no relay speaks on standard input");
	memcpy(streams, CMSG_DATA(head), STREAMS * sizeof(int));
	return 0;
}

int
relay_take(int *connection, char code[CHAIN_CODE_LEN + 1], bool *invited,
    struct err *err)
{
	int streams[STREAMS], fd, i, rc;

	if (!is_own_user(STDIN_FILENO))
		return err_set(err, YZ_EDENIED,
		    "standard input is no connection from this station's user");
	rc = hear(streams, code, invited, STDIN_FILENO, err);
	if (rc != 0)
		return rc;
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STREAMS);
	for (i = 0; fd >= 0 && i < STREAMS; i++) {
		if (dup2(streams[i], i) != i)
			rc = err_sys(err, "the caller's streams");
		close(streams[i]);
	}
	if (fd < 0)
		rc = err_sys(err, "the relay's connection");
	*connection = fd;
	return rc;
}

void
relay_end(int connection, int status)
{
	unsigned char said = (unsigned char)status;

	/* The caller's streams first, so that they end before sshd hears. */
	fflush(NULL);
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	(void)send(connection, &said, 1, MSG_NOSIGNAL);
	close(connection);
}
