/* user: the console's accounts. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "cmd.h"
#include "local.h"
#include "web/audit.h"
#include "web/login.h"
#include "web/password.h"
#include "web/user.h"

/* A line from standard input, unseen if that is a terminal. */
static int
read_password(char out[PASSWORD_MAX + 2], struct err *err)
{
	struct termios was, quiet;
	bool terminal = tcgetattr(STDIN_FILENO, &was) == 0;
	char *got;

	if (terminal) {
		fputs(_("password: "), stderr);
		quiet = was;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	got = fgets(out, PASSWORD_MAX + 2, stdin);
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
		fputc('\n', stderr);
	}
	if (got == NULL)
		return err_set(
		    err, YZ_EINVAL, "no password came on standard input");
	out[strcspn(out, "\n")] = '\0';
	return 0;
}

static int
print_user(void *arg, const struct user *user, struct err *err)
{
	(void)arg;
	(void)err;
	printf(
	    "%s %s %s\n", user->login, user_role_name(user->role), user->name);
	return 0;
}

/* What was asked for, on the open database. */
static int
run(struct db *db, int argc, char **argv, const char *name, const char *role,
    struct err *err)
{
	char password[PASSWORD_MAX + 2];
	enum role of = ROLE_NONE;
	int rc = 0;

	if (role != NULL)
		rc = user_role_parse(&of, role, err);
	if (rc == 0 &&
	    (strcmp(argv[1], "add") == 0 || strcmp(argv[1], "passwd") == 0))
		rc = read_password(password, err);
	if (rc != 0)
		return rc;
	if (strcmp(argv[1], "list") == 0)
		return user_list(db, print_user, NULL, err);
	if (strcmp(argv[1], "add") == 0) {
		rc = user_add(db, argv[2], name == NULL ? argv[2] : name, of,
		    password, err);
	} else if (strcmp(argv[1], "passwd") == 0) {
		rc = user_passwd(db, argv[2], password, err);
		if (rc == 0)
			rc = login_end_all(db, argv[2], err);
	} else {
		rc = user_role_parse(&of, argv[3], err);
		if (rc == 0)
			rc = user_set_role(db, argv[2], of, err);
	}
	explicit_bzero(password, sizeof(password));
	if (rc == 0)
		rc = audit_add(db, cmd_login(), "command line", argv[1],
		    argc > 2 ? argv[2] : "", "done", err);
	return rc;
}

int
cmd_user(struct cmd *cmd, int argc, char **argv)
{
	static const struct {
		const char *verb;
		int argc;
	} verbs[] = {{"add", 3}, {"passwd", 3}, {"role", 4}, {"list", 2}};
	const char *name = NULL, *role = NULL;
	struct local *local;
	struct err err;
	size_t i;
	int rc;

	if (cmd_option(&argc, argv, "--name", &name) < 0 ||
	    cmd_option(&argc, argv, "--role", &role) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc < 2)
		return cmd_usage(cmd);
	for (i = 0; i < 4; i++)
		if (strcmp(argv[1], verbs[i].verb) == 0 &&
		    argc == verbs[i].argc)
			break;
	if (i == 4)
		return cmd_usage(cmd);
	rc = local_open(&local, cmd->home, &err);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	rc = user_open(local_db(local), &err);
	if (rc == 0)
		rc = login_open(local_db(local), &err);
	if (rc == 0)
		rc = audit_open(local_db(local), &err);
	if (rc == 0)
		rc = run(local_db(local), argc, argv, name, role, &err);
	local_close(local);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
