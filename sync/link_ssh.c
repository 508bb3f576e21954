#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <libssh2.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "link_ssh.h"
#include "sign.h"

#define CONNECT_MS 15000
#define CLOSE_MS 2000   /* for the other side to hear the end */
#define SILENT_MS 10000 /* since it was heard: it is not waited for */
#define COMMAND "yizhan peer"
#define PEER_SAYS "yizhan: peer: " /* before it, src/cmd_peer.c */
#define FREE_TRIES 100
#define PACKET (4u << 10) /* bytes of one: a cut loses the one under way */
#define STDERR_MAX 200    /* bytes of the other side's complaint shown */
#define LOGIN_BYTES \
	(64u << 10) /* taken from a server before our command runs */
#define TURN_BYTES (256u << 10) /* taken at once from one that runs it */

struct link_ssh {
	struct link link;
	int fd;
	LIBSSH2_SESSION *session;
	LIBSSH2_CHANNEL *channel;
	int64_t deadline;      /* of connecting */
	bool running;          /* our command was taken */
	int64_t heard;         /* when something was read last; 0: never */
	bool gone;             /* the socket ended or failed, */
	bool closing;          /* and libssh2 may hear of it */
	int64_t in;            /* bytes taken from the socket */
	size_t room;           /* for more of them in this turn */
	char said[STDERR_MAX]; /* the other side's complaint, so far */
	size_t n_said;
};

/* What both sides may use, and nothing else. */
static const struct {
	int which;
	const char *only;
} methods[] = {
    {LIBSSH2_METHOD_KEX, "curve25519-sha256"},
    {LIBSSH2_METHOD_HOSTKEY, "ssh-ed25519"},
    {LIBSSH2_METHOD_CRYPT_CS, "aes256-ctr"},
    {LIBSSH2_METHOD_CRYPT_SC, "aes256-ctr"},
    {LIBSSH2_METHOD_MAC_CS, "hmac-sha2-512"},
    {LIBSSH2_METHOD_MAC_SC, "hmac-sha2-512"},
    {LIBSSH2_METHOD_COMP_CS, "none"},
    {LIBSSH2_METHOD_COMP_SC, "none"},
};

static int
ssh_error(struct link_ssh *s, const char *what, struct err *err)
{
	char *msg = NULL;
	int n = 0;

	if (s->gone)
		return err_set(err, YZ_EPEER, "%s: the link was cut", what);
	(void)libssh2_session_last_error(s->session, &msg, &n, 0);
	if (msg == NULL || n <= 0 || !text_is_clean(msg, (size_t)n, false))
		return err_set(err, YZ_EPEER, "%s failed", what);
	return err_set(err, YZ_EPEER, "%s: %.*s", what, n, msg);
}

/* --- the socket ------------------------------------------------------------
 */

/*
 * libssh2 throws away what it has already decrypted once a read fails, so it
 * is told that nothing is there yet; ssh_read() says what happened when all
 * was taken.  Before our command runs a server that talks without end stops
 * being read, too; and later it is left alone after each turn: libssh2 reads on
 * as long as there is something, so one that talks faster than we listen would
 * keep us from looking at the clock.
 */
static LIBSSH2_RECV_FUNC(take)
{
	struct link_ssh *s = *abstract;
	bool turns = s->running && !s->closing;
	ssize_t n;

	if (!s->running &&
	    (s->in > LOGIN_BYTES || clock_mono() > s->deadline)) {
		s->gone = true;
		return -EAGAIN;
	}
	if (turns && s->room == 0)
		return -EAGAIN;
	if (turns && length > s->room)
		length = s->room;
	n = recv(socket, buffer, length, flags);
	if (n > 0) {
		s->in += n;
		s->room -= turns ? (size_t)n : 0;
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		s->gone = true;
	return n > 0 ? n : s->closing ? -EPIPE : -EAGAIN;
}

static LIBSSH2_SEND_FUNC(give)
{
	struct link_ssh *s = *abstract;
	ssize_t n = send(socket, buffer, length, flags);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		s->gone = true;
	return n >= 0 ? n : s->closing ? -EPIPE : -EAGAIN;
}

/* --- waiting -------------------------------------------------------------- */

static void
wait_fd(int fd, bool in, bool out, int ms)
{
	struct pollfd p = {.fd = fd,
	    .events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0))};

	(void)poll(&p, 1, ms);
}

/* libssh2 said EAGAIN: wait for what it wants; YZ_EPEER after 15 s. */
static int
again(struct link_ssh *s, const char *what, struct err *err)
{
	int64_t left = s->deadline - clock_mono();
	int dirs = libssh2_session_block_directions(s->session);

	if (left <= 0)
		return err_set(err, YZ_EPEER, "%s: no answer in %d s", what,
		    CONNECT_MS / 1000);
	if (s->in > LOGIN_BYTES)
		return err_set(err, YZ_EPEER,
		    "%s: more than %u bytes before a word that was asked for",
		    what, LOGIN_BYTES);
	if (s->gone)
		return ssh_error(s, what, err);
	wait_fd(s->fd, dirs & LIBSSH2_SESSION_BLOCK_INBOUND,
	    dirs & LIBSSH2_SESSION_BLOCK_OUTBOUND, (int)left);
	return 0;
}

/* --- connecting --------------------------------------------------------------
 */

struct target {
	char user[64], host[200], port[8];
};

static int
split(struct target *t, const char *address, struct err *err)
{
	const char *at = strrchr(address, '@'), *host, *colon;
	const struct passwd *pw = getpwuid(geteuid());
	size_t n;

	host = at == NULL ? address : at + 1;
	colon = strrchr(host, ':');
	if (colon == NULL || colon == host || strlen(colon + 1) >= 6 ||
	    colon[1] == '\0')
		return err_set(
		    err, YZ_EINVAL, "address %s is not HOST:PORT", address);
	snprintf(t->port, sizeof(t->port), "%s", colon + 1);
	n = (size_t)(colon - host);
	if (host[0] == '[' && colon[-1] == ']') {
		host++;
		n -= 2;
	}
	snprintf(t->host, sizeof(t->host), "%.*s", (int)n, host);
	if (at != NULL)
		snprintf(t->user, sizeof(t->user), "%.*s", (int)(at - address),
		    address);
	else
		snprintf(t->user, sizeof(t->user), "%s",
		    pw == NULL ? "yizhan" : pw->pw_name);
	return 0;
}

static int
try_connect(struct link_ssh *s, const struct addrinfo *ai)
{
	int one = 1, sys = 0;
	socklen_t len = sizeof(sys);
	int64_t left = s->deadline - clock_mono();
	int fd = socket(ai->ai_family,
	    ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);

	if (fd < 0)
		return errno;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) != 0) {
		if (errno != EINPROGRESS) {
			sys = errno;
			goto bad;
		}
		wait_fd(fd, false, true, left > 0 ? (int)left : 0);
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len) != 0)
			sys = errno;
		else if (sys == 0 && clock_mono() >= s->deadline)
			sys = ETIMEDOUT;
		if (sys != 0)
			goto bad;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	s->fd = fd;
	return 0;
bad:
	close(fd);
	return sys;
}

static int
connect_tcp(struct link_ssh *s, const struct target *t, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *ai;
	int rc, sys = EHOSTUNREACH;

	rc = getaddrinfo(t->host, t->port, &hints, &list);
	if (rc != 0)
		return err_set(
		    err, YZ_EPEER, "not found: %s", gai_strerror(rc));
	for (ai = list; ai != NULL && s->fd < 0; ai = ai->ai_next)
		sys = try_connect(s, ai);
	freeaddrinfo(list);
	if (s->fd >= 0)
		return 0;
	errno = sys;
	rc = err_sys(err, "no connection");
	err->code = YZ_EPEER;
	(void)rc;
	return YZ_EPEER;
}

/* What was agreed on is what was asked for, no less. */
static int
check_methods(struct link_ssh *s, struct err *err)
{
	const char *got;
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		got = libssh2_session_methods(s->session, methods[i].which);
		if (got == NULL || strcmp(got, methods[i].only) != 0)
			return err_set(err, YZ_EDENIED,
			    "the other side agrees on %s where only %s will do",
			    got == NULL ? "nothing" : got, methods[i].only);
	}
	return 0;
}

/* The key as it goes over the line, of "ssh-ed25519 AAAA...". */
static int
key_blob(struct buf *out, const char *host_key, struct err *err)
{
	uint8_t pub[32];
	int rc = sign_public_parse(pub, host_key, strlen(host_key), err);

	if (rc != 0)
		return rc;
	buf_put_u32(out, 11);
	buf_puts(out, "ssh-ed25519");
	buf_put_u32(out, sizeof(pub));
	buf_put(out, pub, sizeof(pub));
	return 0;
}

int
link_ssh_fingerprint(
    char out[SIGN_FINGERPRINT_LEN], const char *host_key, struct err *err)
{
	struct buf blob = BUF_INIT;
	int rc = key_blob(&blob, host_key, err);

	if (rc == 0)
		sign_fingerprint(out, blob.b, blob.len);
	buf_free(&blob);
	return rc;
}

/* The server's key blob must be exactly the pinned one. */
static int
check_host(struct link_ssh *s, const char *host_key, struct err *err)
{
	char print[SIGN_FINGERPRINT_LEN];
	struct buf want = BUF_INIT;
	const char *got;
	size_t n = 0;
	int type, rc;

	rc = key_blob(&want, host_key, err);
	if (rc != 0) {
		buf_free(&want);
		return err_within(err, "pinned host key");
	}
	got = libssh2_session_hostkey(s->session, &n, &type);
	if (got == NULL || n != want.len || memcmp(got, want.b, n) != 0) {
		sign_fingerprint(print, got, got == NULL ? 0 : n);
		rc = err_set(err, YZ_EDENIED,
		    "host key differs from the one pinned: it is %s", print);
		err->sys = EKEYREJECTED;
	}
	buf_free(&want);
	return rc;
}

static int
handshake(struct link_ssh *s, struct err *err)
{
	size_t i;
	int rc;

	if (libssh2_version(LIBSSH2_VERSION_NUM) == NULL)
		return err_set(
		    err, YZ_EIO, "libssh2 is older than %s", LIBSSH2_VERSION);
	s->session = libssh2_session_init_ex(NULL, NULL, NULL, s);
	if (s->session == NULL)
		return err_set(err, YZ_EIO, "libssh2 does not start");
	libssh2_session_set_blocking(s->session, 0);
	(void)libssh2_session_callback_set(
	    s->session, LIBSSH2_CALLBACK_RECV, (void *)take);
	(void)libssh2_session_callback_set(
	    s->session, LIBSSH2_CALLBACK_SEND, (void *)give);
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (libssh2_session_method_pref(
			s->session, methods[i].which, methods[i].only) != 0)
			return err_set(err, YZ_EIO, "libssh2 does not offer %s",
			    methods[i].only);
	}
	while ((rc = libssh2_session_handshake(s->session, s->fd)) ==
	       LIBSSH2_ERROR_EAGAIN) {
		rc = again(s, N_("key exchange"), err);
		if (rc != 0)
			return rc;
	}
	return rc == 0 ? check_methods(s, err)
		       : ssh_error(s, N_("key exchange"), err);
}

static int
login(struct link_ssh *s, const char *user, const struct sign_key *key,
    struct err *err)
{
	struct buf pem = BUF_INIT;
	int rc, waited = 0;

	sign_openssh_private(&pem, key);
	do {
		rc = libssh2_userauth_publickey_frommemory(s->session, user,
		    strlen(user), NULL, 0, buf_str(&pem), pem.len, NULL);
		if (rc == LIBSSH2_ERROR_EAGAIN)
			waited = again(s, N_("login"), err);
	} while (rc == LIBSSH2_ERROR_EAGAIN && waited == 0);
	explicit_bzero(pem.b, pem.len);
	buf_free(&pem);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return waited;
	if (rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED ||
	    rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED) {
		rc = err_set(
		    err, YZ_EDENIED, "our key is not let in as %s", user);
		err->sys = EACCES;
		return rc;
	}
	return rc == 0 ? 0 : ssh_error(s, N_("login"), err);
}

static int
start(struct link_ssh *s, struct err *err)
{
	int rc;

	while ((s->channel = libssh2_channel_open_ex(s->session, "session", 7,
		    LIBSSH2_CHANNEL_WINDOW_DEFAULT, PACKET, NULL, 0)) == NULL) {
		if (libssh2_session_last_errno(s->session) !=
		    LIBSSH2_ERROR_EAGAIN)
			return ssh_error(s, N_("channel"), err);
		rc = again(s, N_("channel"), err);
		if (rc != 0)
			return rc;
	}
	while ((rc = libssh2_channel_exec(s->channel, COMMAND)) ==
	       LIBSSH2_ERROR_EAGAIN) {
		rc = again(s, N_("command"), err);
		if (rc != 0)
			return rc;
	}
	return rc == 0 ? 0 : ssh_error(s, N_("command"), err);
}

/* --- the link
 * ------------------------------------------------------------------ */

/* libssh2 tells of no end while a complaint is unread: take it, keep its
 * beginning. */
static void
hear_complaint(struct link_ssh *s)
{
	char text[STDERR_MAX];
	ssize_t n;

	while ((n = libssh2_channel_read_stderr(
		    s->channel, text, sizeof(text))) > 0) {
		size_t room = sizeof(s->said) - s->n_said;

		if ((size_t)n < room)
			room = (size_t)n;
		memcpy(s->said + s->n_said, text, room);
		s->n_said += room;
	}
}

/* The first line of the other side's complaint, if it is one clean line. */
static int
complaint(struct link_ssh *s, struct err *err)
{
	const char *text = s->said, *nl = memchr(s->said, '\n', s->n_said);
	size_t len = s->n_said;

	if (nl != NULL)
		len = (size_t)(nl - text);
	if (len > strlen(PEER_SAYS) &&
	    memcmp(text, PEER_SAYS, strlen(PEER_SAYS)) == 0) {
		text += strlen(PEER_SAYS);
		len -= strlen(PEER_SAYS);
	}
	if (len == 0 && s->gone)
		return err_set(err, YZ_EPEER, "the link was cut");
	if (len == 0 || !text_is_clean(text, len, false))
		return err_set(err, YZ_EPEER,
		    "the other side ended before it said anything");
	return err_set(
	    err, YZ_EPEER, "the other side says: %.*s", (int)len, text);
}

static int
ssh_read(struct link *link, void *data, size_t max, size_t *n, bool *end,
    struct err *err)
{
	struct link_ssh *s = (struct link_ssh *)link;
	ssize_t got;

	s->room = TURN_BYTES;
	got = libssh2_channel_read(s->channel, data, max);
	*n = got > 0 ? (size_t)got : 0;
	*end = false;
	if (got > 0)
		s->heard = clock_mono();
	else if (got == LIBSSH2_ERROR_EAGAIN || got == 0) {
		hear_complaint(s);
		*end = s->gone || libssh2_channel_eof(s->channel) == 1;
		if (*end && s->heard == 0) /* the command did not run */
			return complaint(s, err);
	} else
		return ssh_error(s, N_("the link broke"), err);
	return 0;
}

static int
ssh_write(
    struct link *link, const void *data, size_t max, size_t *n, struct err *err)
{
	struct link_ssh *s = (struct link_ssh *)link;
	ssize_t put;

	s->room = TURN_BYTES;
	put = libssh2_channel_write(
	    s->channel, data, max < PACKET ? max : PACKET);
	*n = put > 0 ? (size_t)put : 0;
	if (s->gone) /* nobody gets it, but there may be more to read */
		*n = max;
	else if (put < 0 && put != LIBSSH2_ERROR_EAGAIN)
		return ssh_error(s, N_("the link broke"), err);
	return 0;
}

static void
ssh_wait(struct link *link, bool want, int ms)
{
	struct link_ssh *s = (struct link_ssh *)link;
	int dirs = libssh2_session_block_directions(s->session);

	(void)want;
	if (s->gone) { /* what is left to read is here */
		wait_fd(-1, false, false, ms < 10 ? ms : 10);
		return;
	}
	/* Room to write may depend on the other side's word: always listen. */
	wait_fd(s->fd, true, dirs & LIBSSH2_SESSION_BLOCK_OUTBOUND, ms);
}

/* Say that this was all, and stay until the other side has said so too: sshd
 * throws away what it has not yet handed over when the line is closed, so the
 * last message, Bye, would often not be heard. */
static void
hear_end(struct link_ssh *s)
{
	int64_t until = clock_mono() + CLOSE_MS;
	char rest[4096];
	bool said = false;
	ssize_t got;

	while (!s->gone && clock_mono() < until) {
		s->room = TURN_BYTES;
		said = said || libssh2_channel_send_eof(s->channel) !=
				   LIBSSH2_ERROR_EAGAIN;
		got = libssh2_channel_read(s->channel, rest, sizeof(rest));
		if (libssh2_channel_eof(s->channel) == 1 ||
		    (got < 0 && got != LIBSSH2_ERROR_EAGAIN))
			break;
		if (got <= 0)
			wait_fd(s->fd, true, !said, CLOSE_MS / 20);
	}
}

static void
ssh_close(struct link *link)
{
	struct link_ssh *s = (struct link_ssh *)link;
	int i;

	/* One that has been silent for long has no end to hear of. */
	if (s->running && s->heard != 0 &&
	    clock_mono() - s->heard < SILENT_MS) {
		libssh2_session_set_blocking(s->session, 0);
		hear_end(s);
	}
	/* While the socket lives libssh2 would want an answer to the rest
	 * (EAGAIN) and free nothing. */
	s->closing = true;
	if (s->session != NULL) {
		libssh2_session_set_blocking(s->session, 0);
		(void)libssh2_session_disconnect(s->session, "");
		if (s->fd >= 0)
			(void)shutdown(s->fd, SHUT_RDWR);
		for (i = 0; i < FREE_TRIES; i++)
			if (libssh2_session_free(s->session) !=
			    LIBSSH2_ERROR_EAGAIN)
				break;
	}
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

int
link_ssh_open(struct link **out, const char *address, const char *host_key,
    const struct sign_key *key, struct err *err)
{
	struct link_ssh *s = mem_calloc(1, sizeof(*s));
	struct target t;
	int rc;

	s->fd = -1;
	s->deadline = clock_mono() + CONNECT_MS;
	s->link = (struct link){ssh_read, ssh_write, ssh_wait, ssh_close};
	signal(SIGPIPE, SIG_IGN);
	rc = libssh2_init(0);
	if (rc != 0)
		rc = err_set(err, YZ_EIO, "libssh2 does not start");
	else
		rc = split(&t, address, err);
	if (rc == 0)
		rc = connect_tcp(s, &t, err);
	if (rc == 0)
		rc = handshake(s, err);
	if (rc == 0)
		rc = check_host(s, host_key, err);
	if (rc == 0)
		rc = login(s, t.user, key, err);
	if (rc == 0)
		rc = start(s, err);
	s->running = rc == 0;
	if (rc != 0) {
		ssh_close(&s->link);
		return rc;
	}
	*out = &s->link;
	return 0;
}
