#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "home.h"
#include "local.h"
#include "model/doctor_impl.h"
#include "replica.h"
#include "roster.h"

#define SYSTEMD_RUNS "/run/systemd/system"
#define UNIX_SOCKETS "/proc/self/net/unix" /* also with ProcSubset=pid */
#define UNIX_SOCKETS_MAX (4u << 20)        /* bytes of that */

/* What those who call ask for, and nothing else (sync/link_ssh.c). */
static const struct {
	const char *key, *name;
} wanted[] = {
    {"kexalgorithms", "curve25519-sha256"},
    {"hostkeyalgorithms", "ssh-ed25519"},
    {"pubkeyacceptedalgorithms", "ssh-ed25519"},
    {"ciphers", "aes256-ctr"},
    {"macs", "hmac-sha2-512"},
};

/* Who is not root cannot read the host's keys, and without any sshd says
 * nothing: it is lent one for the question. */
static int
ask_with_key(struct buf *out, const char *who)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = mem_printf("%s/yizhan-doctor.XXXXXX",
	    tmp == NULL || *tmp == '\0' ? "/tmp" : tmp);
	const char *sshd[] = {"sshd", "-T", "-C", who, "-h", NULL, NULL};
	const char *make[] = {
	    "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", NULL, NULL};
	char *key, *public;
	int rc = 1;

	if (mkdtemp(dir) == NULL) {
		free(dir);
		return rc;
	}
	key = mem_printf("%s/key", dir);
	public = mem_printf("%s.pub", key);
	make[7] = sshd[5] = key;
	if (doctor_run(out, make) == 0) {
		buf_clear(out);
		rc = doctor_run(out, sshd);
	}
	(void)unlink(key);
	(void)unlink(public);
	(void)rmdir(dir);
	free(key);
	free(public);
	free(dir);
	return rc;
}

bool
doctor_ask_sshd(struct buf *out, const char *home)
{
	char *station = mem_printf("%s/station", home);
	const char *user = "yizhan";
	const char *root[] = {"sshd", "-T", "-C", NULL, NULL};
	const struct passwd *owner;
	struct stat st;
	char *who;
	int rc;

	if (stat(station, &st) == 0) {
		owner = getpwuid(st.st_uid);
		if (owner != NULL)
			user = owner->pw_name;
	}
	who = mem_printf("user=%s,host=localhost,addr=127.0.0.1", user);
	root[3] = who;
	rc = doctor_run(out, root);
	if (rc > 0) {
		buf_clear(out);
		rc = ask_with_key(out, who);
	}
	free(who);
	free(station);
	/* A configuration that it refuses leaves out empty. */
	if (rc > 0)
		buf_clear(out);
	return rc >= 0;
}

/* The value of a line "key value" of sshd -T, malloced; "" if absent. */
static char *
value_of(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (; text != NULL && *text != '\0';
	     text = strchr(text, '\n'), text += text != NULL)
		if (strncmp(text, key, n) == 0 && text[n] == ' ')
			return mem_strndup(
			    text + n + 1, strcspn(text + n + 1, "\n"));
	return mem_strdup("");
}

static bool
has_name(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (; *list != '\0'; list += strcspn(list, ","), list += *list == ',')
		if (strcspn(list, ",") == n && strncmp(list, name, n) == 0)
			return true;
	return false;
}

/* How many stations may call this one, open invitations too. */
static int64_t
callers(struct doctor *d)
{
	const struct roster *roster = replica_roster(d->r);
	const char *self = replica_home(d->r)->code;
	struct err ignored;
	int64_t n = 0;
	size_t i;

	(void)db_get_int(&n, local_db(d->local), &ignored,
	    "SELECT count(*) FROM invitation", "");
	for (i = 0; i < roster_count(roster); i++)
		n += roster_may_call(roster, roster_at(roster, i)->code, self);
	return n;
}

static void
check_algorithms(struct doctor *d)
{
	size_t i;

	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		char *list = value_of(d->seen->sshd, wanted[i].key);

		if (!has_name(list, wanted[i].name))
			doctor_find(d, "sshd",
			    _("its %s lack %s, so no station can call: add it "
			      "in /etc/ssh/sshd_config.d/yizhan.conf"),
			    wanted[i].key, wanted[i].name);
		free(list);
	}
}

static void
check_door(struct doctor *d, int64_t n)
{
	char *command = value_of(d->seen->sshd, "authorizedkeyscommand");
	char *starts = value_of(d->seen->sshd, "maxstartups");

	if (strstr(command, "yizhan") == NULL)
		doctor_find(d, "sshd",
		    _("it does not ask the roster who may call "
		      "(AuthorizedKeysCommand), so a revoked station stays "
		      "in until its key is taken out by hand: install "
		      "/etc/ssh/sshd_config.d/yizhan.conf"));
	if (strtoll(starts, NULL, 10) < n)
		doctor_find(d, "sshd",
		    _("%lld stations may call at once, but it drops some from "
		      "%s on (MaxStartups): set MaxStartups 150:30:300"),
		    (long long)n, starts);
	free(command);
	free(starts);
}

/* unix(7) sockets of this machine, a line each: is that one listened on?
 * Where they cannot be read nothing is known against it. */
static bool
is_listening(const char *path)
{
	struct buf table = BUF_INIT;
	const char *at;
	bool found = false;
	struct err ignored;

	if (file_read(&table, UNIX_SOCKETS, UNIX_SOCKETS_MAX, &ignored) != 0)
		found = true;
	else
		for (at = buf_str(&table); !found && (at = strstr(at, path));
		     at++) {
			const char *line = at;

			while (line > buf_str(&table) && line[-1] != '\n')
				line--;
			/* Flags: SO_ACCEPTCON. */
			found = memmem(line, (size_t)(at - line), " 00010000 ",
				    10) != NULL;
		}
	buf_free(&table);
	return found;
}

/* Without its socket nobody who calls is answered. */
static void
check_receiver(struct doctor *d)
{
	if (strcmp(d->home, HOME_DEFAULT) == 0 && file_exists(SYSTEMD_RUNS) &&
	    !is_listening(HOME_RECEIVER))
		doctor_find(d, "sshd",
		    _("it lets stations in, but nobody answers them: "
		      "systemctl enable --now yizhan-peer.socket"));
}

void
doctor_sshd(struct doctor *d)
{
	int64_t n = callers(d);
	int before = d->findings;

	if (n == 0) {
		doctor_good(d, "sshd", _("no station calls this one"));
		return;
	}
	if (d->seen->sshd == NULL) {
		doctor_find(d, "sshd",
		    _("%lld stations may call, but there is none: apt-get "
		      "install openssh-server"),
		    (long long)n);
		return;
	}
	if (d->seen->sshd[0] == '\0') {
		doctor_find(d, "sshd",
		    _("it refuses its configuration: see sshd -T, run as "
		      "root"));
		return;
	}
	check_algorithms(d);
	check_door(d, n);
	check_receiver(d);
	if (d->findings == before)
		doctor_good(
		    d, "sshd", _("ready for %lld stations"), (long long)n);
}
