#include "config.h"

#include <ctype.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/caller.h"
#include "base/catalogue.h"
#include "base/db.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cmd.h"
#include "home.h"
#include "limit.h"
#include "local.h"
#include "model/show.h"
#include "replica.h"

#define GROUP_DIGITS 5
#define FINGERPRINT_DIGITS (8 * GROUP_DIGITS)
#define GROUP_LINE_MAX 256

static bool chinese; /* is what we print */

void
cmd_speak(const struct cmd *cmd)
{
	struct err ignored;
	char *path;

	/* What gettext() has chosen, which knows LANGUAGE and its rules. */
	if (strstr(gettext(""), "Language: zh") == NULL)
		return;
	path = cmd_catalogue(cmd);
	chinese = catalogue_load(path, &ignored) == 0;
	free(path);
}

const char *
cmd_words(const char *line)
{
	static struct buf words;

	if (!chinese)
		return line;
	buf_clear(&words);
	catalogue_line(&words, line);
	return buf_str(&words);
}

int
cmd_fail(const struct cmd *cmd, const struct err *err)
{
	fprintf(stderr, "yizhan: %s: %s\n", cmd->name, cmd_words(err->msg));
	return CMD_FAILED;
}

int
cmd_become_owner(const struct cmd *cmd, struct err *err)
{
	const struct passwd *owner;
	struct stat st;

	if (geteuid() != 0 || stat(cmd->home, &st) != 0 || st.st_uid == 0)
		return 0;
	owner = getpwuid(st.st_uid);
	if (owner == NULL)
		return err_set(err, YZ_EDENIED,
		    "%s belongs to user %u, who does not exist", cmd->home,
		    (unsigned)st.st_uid);
	return caller_step_down(owner, err);
}

int
cmd_house(const struct cmd *cmd, struct err *err)
{
	const struct passwd *owner = getpwnam("yizhan");

	if (geteuid() != 0 || strcmp(cmd->home, HOME_DEFAULT) != 0 ||
	    owner == NULL || file_exists(cmd->home))
		return 0;
	if (mkdir(cmd->home, 0700) != 0 ||
	    chown(cmd->home, owner->pw_uid, owner->pw_gid) != 0)
		return err_sys(err, "%s", cmd->home);
	return 0;
}

char *
cmd_catalogue(const struct cmd *cmd)
{
	const char *slash = strrchr(cmd->exe, '/');
	char *path;

	path = mem_printf("%.*s/src/po/" CMD_CATALOGUE,
	    slash == NULL ? 0 : (int)(slash - cmd->exe), cmd->exe);
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return mem_strdup(LOCALEDIR "/" CMD_CATALOGUE);
}

const char *
cmd_at(const struct cmd *cmd)
{
	static char at[PATH_MAX + 8];

	if (strcmp(cmd->home, HOME_DEFAULT) == 0)
		return "";
	snprintf(at, sizeof(at), " -C %s", cmd->home);
	return at;
}

int
cmd_open(struct replica **out, const struct cmd *cmd, struct err *err)
{
	struct home *home;
	int rc;

	rc = home_open(&home, cmd->home, err);
	if (rc != 0)
		return rc;
	rc = replica_open(out, home, err);
	if (rc == 0 && cmd->clock_is_right)
		replica_trust_clock(*out);
	return rc;
}

int
cmd_open_receiver(struct replica **out, struct local **local,
    const struct cmd *cmd, struct err *err)
{
	int rc;

	if (!mem_limit(LIMIT_MEMORY))
		return err_sys(err, "memory limit");
	rc = cmd_open(out, cmd, err);
	if (rc != 0)
		return rc;
	*local = NULL;
	rc = local_open(local, cmd->home, err);
	if (rc == 0)
		rc = db_cache(replica_db(*out), LIMIT_CACHE_KIB, err);
	if (rc == 0)
		rc = db_cache(local_db(*local), LIMIT_CACHE_KIB / 4, err);
	if (rc != 0) {
		local_close(*local);
		replica_close(*out);
	}
	return rc;
}

int
cmd_close(struct replica *r, int rc, struct err *err)
{
	if (rc == 0)
		rc = replica_seal(r, err);
	replica_close(r);
	return rc;
}

int
cmd_print_record(struct replica *r, const struct record *rec, double metres,
    bool with_kind, bool json, struct err *err)
{
	struct buf line = BUF_INIT;
	int rc = 0;

	if (json) {
		rc = show_json(&line, r, rec, metres, err);
		buf_putc(&line, '\n');
	} else {
		if (metres >= 0)
			buf_printf(&line, "%8.2f km  ", metres / 1000);
		show_line(&line, rec, with_kind);
	}
	if (rc == 0)
		fwrite(line.b, 1, line.len, stdout);
	buf_free(&line);
	return rc;
}

#define LOGIN_MAX 32

static const char *
reduce(char login[LOGIN_MAX + 1], const char *s)
{
	size_t n = 0;

	for (; *s != '\0' && n < LOGIN_MAX; s++) {
		char c = (char)tolower((unsigned char)*s);

		if ((isalnum((unsigned char)c) && (unsigned char)c < 0x80) ||
		    (n > 0 && strchr("._-", c) != NULL))
			login[n++] = c;
	}
	if (n == 0)
		return "person";
	login[n] = '\0';
	return login;
}

static const char *
login_of(char login[LOGIN_MAX + 1], uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);

	return reduce(login, pw == NULL ? "" : pw->pw_name);
}

const char *
cmd_login(void)
{
	static char login[LOGIN_MAX + 1];

	return login_of(login, geteuid());
}

/* As whom the person logged in at the machine: the kernel keeps that through
 * su and sudo.  False where nobody did, as for a service. */
static bool
logged_in_as(uid_t *out)
{
	FILE *f = fopen("/proc/self/loginuid", "re");
	unsigned uid = 0;
	bool is;

	if (f == NULL)
		return false;
	is = fscanf(f, "%10u", &uid) == 1 && uid != (unsigned)-1;
	fclose(f);
	*out = uid;
	return is;
}

const char *
cmd_operator(void)
{
	static char login[LOGIN_MAX + 1];
	const char *sudo = getenv("SUDO_USER");
	uid_t uid;

	if (logged_in_as(&uid))
		return login_of(login, uid);
	/* Who is root already could say whatever he likes. */
	if (getuid() == 0 && sudo != NULL && *sudo != '\0')
		return reduce(login, sudo);
	return login_of(login, getuid());
}

const char *
cmd_person(const char *as)
{
	return as != NULL ? as : cmd_login();
}

bool
cmd_chinese(void)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
	const char *s;
	size_t i;

	/* As setlocale() would, but also where zh_CN was never generated:
	 * the labels are ours, not the system's. */
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		s = getenv(names[i]);
		if (s != NULL && *s != '\0')
			return strncmp(s, "zh", 2) == 0;
	}
	return false;
}

bool
cmd_number(int64_t *out, const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > 15 || strspn(s, "0123456789") != n)
		return false;
	*out = strtoll(s, NULL, 10);
	return *out > 0;
}

int
cmd_option(int *argc, char **argv, const char *name, const char **value)
{
	size_t len = strlen(name);
	int i, take, n = *argc;

	for (i = 1; i < n && strcmp(argv[i], "--") != 0; i++) {
		if (strncmp(argv[i], name, len) != 0)
			continue;
		if (argv[i][len] == '\0') {
			take = value == NULL ? 1 : 2;
			if (i + take > n)
				return -1;
			if (value != NULL)
				*value = argv[i + 1];
		} else if (value != NULL && argv[i][len] == '=') {
			take = 1;
			*value = argv[i] + len + 1;
		} else {
			continue;
		}
		memmove(argv + i, argv + i + take,
		    (size_t)(n - i - take) * sizeof(*argv));
		*argc = n - take;
		return 1;
	}
	return 0;
}

bool
cmd_unknown_option(const struct cmd *cmd, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strncmp(argv[i], "--", 2) != 0)
			continue;
		fprintf(stderr, _("yizhan: %s: unknown option %s\n"), cmd->name,
		    argv[i]);
		return true;
	}
	return false;
}

void
cmd_ask_fingerprint(struct buf *out)
{
	char line[GROUP_LINE_MAX];
	size_t digits = 0, i;

	while (digits < FINGERPRINT_DIGITS) {
		if (isatty(STDIN_FILENO)) {
			fprintf(stderr, _("group %zu of 8: "),
			    digits / GROUP_DIGITS + 1);
			fflush(stderr);
		}
		if (fgets(line, sizeof(line), stdin) == NULL)
			return;
		buf_puts(out, line);
		for (i = 0; line[i] != '\0'; i++)
			digits += line[i] >= '0' && line[i] <= '9';
	}
}
