#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <shadow.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "demo_sshd.h"
#include "sign.h"

#define SSHD "/usr/sbin/sshd"
#define SSHD_FOLDER \
	"/run/sshd" /* where root's sshd puts its unprivileged part */
#define FILE_MAX (1u << 20)

/* Below the ports that the system gives to connections. */
#define PORT_FIRST 20000
#define PORT_COUNT 12000
#define PORT_TRIES 30
#define START_MS 10000

char *
demo_sshd_file(const struct demo_sshd *s, const char *name)
{
	return mem_printf("%s/%s", s->dir, name);
}

/* --- may it run ------------------------------------------------------------
 */

int
demo_sshd_allowed(struct err *err)
{
	const struct passwd *pw = getpwuid(geteuid());
	const char *shell;

	if (access(SSHD, X_OK) != 0)
		return err_set(err, YZ_ENOTFOUND,
		    "%s is not here: install openssh-server", SSHD);
	if (pw == NULL)
		return err_set(err, YZ_EDENIED,
		    "user %u is not in the system's list of users: sshd lets "
		    "nobody in who is not",
		    (unsigned)geteuid());
	shell = pw->pw_shell[0] == '\0' ? "/bin/sh" : pw->pw_shell;
	if (access(shell, X_OK) != 0 || strstr(shell, "nologin") != NULL ||
	    strstr(shell, "/false") != NULL)
		return err_set(err, YZ_EDENIED,
		    "user %s has the shell %s: sshd runs nothing for it",
		    pw->pw_name, shell);
	if (geteuid() == 0)
		return file_mkdir(SSHD_FOLDER, 0755, err);
	return 0;
}

/* Without PAM sshd refuses a user whose password is locked. */
static bool
is_locked(void)
{
	const struct passwd *pw = getpwuid(geteuid());
	const struct spwd *sp = pw == NULL ? NULL : getspnam(pw->pw_name);

	return sp != NULL && sp->sp_pwdp[0] == '!';
}

/* --- its files ---------------------------------------------------------------
 */

static int
put_file(const struct demo_sshd *s, const char *name, const struct buf *text,
    mode_t mode, struct err *err)
{
	char *path = demo_sshd_file(s, name);
	int rc = file_write(path, text->b, text->len, mode, err);

	free(path);
	return rc;
}

/* Append a file's text; nothing if it is not there. */
static void
get_file(struct buf *out, const struct demo_sshd *s, const char *name)
{
	char *path = demo_sshd_file(s, name);
	struct err absent;

	(void)file_read(out, path, FILE_MAX, &absent);
	free(path);
}

static int
make_host_key(const struct demo_sshd *s, struct err *err)
{
	struct buf text = BUF_INIT;
	struct sign_key key;
	int rc;

	sign_generate(&key);
	sign_openssh_private(&text, &key);
	rc = put_file(s, "host_key", &text, 0600, err);
	explicit_bzero(text.b, text.len);
	buf_clear(&text);
	sign_public_line(&text, key.pub);
	buf_puts(&text, " demo\n");
	if (rc == 0)
		rc = put_file(s, "host_key.pub", &text, 0644, err);
	explicit_bzero(&key, sizeof(key));
	buf_free(&text);
	return rc;
}

int
demo_sshd_prepare(struct demo_sshd *s, const char *dir, struct err *err)
{
	struct buf text = BUF_INIT;
	char *path;
	int rc;

	s->dir = mem_strdup(dir);
	s->port = 0;
	s->pid = 0;
	rc = file_mkdir(dir, 0700, err);
	path = demo_sshd_file(s, "host_key.pub");
	if (rc == 0 && !file_exists(path))
		rc = make_host_key(s, err);
	free(path);
	get_file(&text, s, "port");
	s->port = atoi(buf_str(&text));
	buf_free(&text);
	return rc;
}

static int
write_config(const struct demo_sshd *s, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	buf_printf(&text, "%d\n", s->port);
	rc = put_file(s, "port", &text, 0600, err);
	buf_clear(&text);
	buf_printf(&text,
	    "ListenAddress 127.0.0.1\nPort %d\n"
	    "HostKey \"%s/host_key\"\n"
	    "AuthorizedKeysFile \"%s/authorized_keys\"\n"
	    "PidFile none\nStrictModes no\nUsePAM %s\n"
	    "PermitRootLogin prohibit-password\n"
	    "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
	    "KexAlgorithms curve25519-sha256\nCiphers aes256-ctr\n"
	    "MACs hmac-sha2-512\nMaxStartups 100\nLogLevel INFO\n",
	    s->port, s->dir, s->dir, is_locked() ? "yes" : "no");
	if (rc == 0)
		rc = put_file(s, "config", &text, 0600, err);
	buf_free(&text);
	return rc;
}

/* --- start and stop ----------------------------------------------------------
 */

static bool
is_free(int port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	bool good;

	if (fd < 0)
		return false;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	good = bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0;
	close(fd);
	return good;
}

static int
choose_port(void)
{
	uint16_t r;
	int i, port = 0;

	for (i = 0; i < PORT_TRIES; i++) {
		digest_random(&r, sizeof(r));
		port = PORT_FIRST + r % PORT_COUNT;
		if (is_free(port))
			break;
	}
	return port;
}

/* In the child: its own group, so that Ctrl-C is ours to handle; and it goes
 * when we do, whatever ended us. */
static void
become_sshd(const char *config, const char *log)
{
	sigset_t none;
	int fd = open("/dev/null", O_RDWR);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (fd >= 0) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
	}
	execl(SSHD, SSHD, "-D", "-f", config, "-E", log, (char *)NULL);
	_exit(127);
}

static void
last_line(const struct buf *log, char *out, size_t size)
{
	size_t end = log->len, from;

	while (end > 0 && (log->b[end - 1] == '\n' || log->b[end - 1] == '\r'))
		end--;
	for (from = end; from > 0 && log->b[from - 1] != '\n';)
		from--;
	snprintf(out, size, "%.*s", (int)(end - from), log->b + from);
}

/* Its log is asked, not the port: another's sshd may answer there. */
static int
wait_listening(struct demo_sshd *s, struct err *err)
{
	static const struct timespec piece = {0, 5000000};
	int64_t until = clock_mono() + START_MS;
	struct buf log = BUF_INIT;
	char why[160] = "";
	int status, rc = 1;

	while (rc == 1) {
		buf_clear(&log);
		get_file(&log, s, "log");
		if (strstr(buf_str(&log), "Server listening on") != NULL)
			rc = 0;
		else if (waitpid(s->pid, &status, WNOHANG) == s->pid)
			s->pid = 0;
		if (rc == 1 && (s->pid == 0 || clock_mono() > until)) {
			buf_clear(&log);
			get_file(&log, s, "log");
			last_line(&log, why, sizeof(why));
			rc = err_set(err,
			    strstr(why, "Cannot bind") != NULL ? YZ_ECONFLICT
							       : YZ_EPEER,
			    "sshd does not start: %s",
			    why[0] == '\0' ? N_("it says nothing") : why);
		}
		if (rc == 1)
			nanosleep(&piece, NULL);
	}
	buf_free(&log);
	if (rc != 0)
		demo_sshd_stop(s);
	return rc;
}

static int
try_start(struct demo_sshd *s, struct err *err)
{
	char *config = demo_sshd_file(s, "config");
	char *log = demo_sshd_file(s, "log");
	int rc = write_config(s, err);

	if (rc == 0) {
		(void)unlink(log);
		s->pid = fork();
		if (s->pid == 0)
			become_sshd(config, log);
		if (s->pid < 0) {
			s->pid = 0;
			rc = err_sys(err, "fork");
		}
	}
	if (rc == 0)
		rc = wait_listening(s, err);
	free(config);
	free(log);
	return rc;
}

int
demo_sshd_start(struct demo_sshd *s, struct err *err)
{
	int rc = YZ_ECONFLICT, i;

	/* Between asking for a free port and taking it another may. */
	for (i = 0; rc == YZ_ECONFLICT && i < 5; i++) {
		if (s->port == 0 || i > 0 || !is_free(s->port))
			s->port = choose_port();
		rc = try_start(s, err);
	}
	return rc;
}

void
demo_sshd_stop(struct demo_sshd *s)
{
	int status;

	if (s->pid <= 0)
		return;
	kill(s->pid, SIGTERM);
	while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
		;
	s->pid = 0;
}
