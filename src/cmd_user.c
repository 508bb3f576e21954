/* user: the console's accounts. */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "cmd.h"
#include "local.h"
#include "logged.h"
#include "unseen.h"
#include "web/book.h"
#include "web/password.h"
#include "web/token.h"
#include "web/totp.h"
#include "web/user.h"

static int
read_line(char out[PASSWORD_MAX + 2], const char *prompt, struct err *err)
{
	bool got;

	if (isatty(STDIN_FILENO))
		got = unseen_line(out, PASSWORD_MAX + 2, stdin, prompt);
	else {
		got = fgets(out, PASSWORD_MAX + 2, stdin) != NULL;
		if (got)
			out[strcspn(out, "\n")] = '\0';
	}
	return got ? 0
		   : err_set(
			 err, YZ_EINVAL, "no password came on standard input");
}

/* A line from standard input; from a terminal unseen, so twice. */
static int
read_password(char out[PASSWORD_MAX + 2], struct err *err)
{
	char again[PASSWORD_MAX + 2];
	int rc = read_line(out, _("password: "), err);

	if (rc == 0 && isatty(STDIN_FILENO)) {
		rc = read_line(again, _("once more: "), err);
		if (rc == 0 && strcmp(out, again) != 0)
			rc = err_set(err, YZ_EINVAL, "the two differ");
	}
	explicit_bzero(again, sizeof(again));
	return rc;
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

static int
print_token(void *arg, const struct token *token, struct err *err)
{
	char made[CLOCK_LEN], last[CLOCK_LEN] = "-";

	(void)arg;
	(void)err;
	clock_format(made, token->made);
	if (token->last != 0)
		clock_format(last, token->last);
	printf("%s %s %s %s %s %s\n", token->id, token->login,
	    user_role_name(token->role), made, last, token->name);
	return 0;
}

struct user_args {
	struct db *db;
	char **argv; /* from the verb on */
	const char *name, *role;
	bool once; /* the password is typed by another than the person */
};

static int
run_add(const struct user_args *in, struct err *err)
{
	char password[PASSWORD_MAX + 2];
	const char *login = in->argv[1];
	enum role role = ROLE_NONE;
	int rc = 0;

	if (in->role != NULL)
		rc = user_role_parse(&role, in->role, err);
	if (rc == 0)
		rc = read_password(password, err);
	if (rc == 0)
		rc =
		    user_add(in->db, login, in->name == NULL ? login : in->name,
			role, password, in->once, err);
	explicit_bzero(password, sizeof(password));
	return rc;
}

static int
run_passwd(const struct user_args *in, struct err *err)
{
	char password[PASSWORD_MAX + 2];
	int rc;

	rc = read_password(password, err);
	if (rc == 0)
		rc = user_reset(
		    in->db, in->argv[1], password, true, clock_wall(), err);
	explicit_bzero(password, sizeof(password));
	return rc;
}

static int
run_role(const struct user_args *in, struct err *err)
{
	enum role role;
	int rc;

	rc = user_role_parse(&role, in->argv[2], err);
	return rc != 0 ? rc
		       : user_set_role(in->db, in->argv[1], role, true, err);
}

static int
run_unlock(const struct user_args *in, struct err *err)
{
	return user_unlock(in->db, in->argv[1], err);
}

static int
run_list(const struct user_args *in, struct err *err)
{
	return user_list(in->db, print_user, NULL, err);
}

static int
run_one_factor(const struct user_args *in, struct err *err)
{
	return totp_off(in->db, in->argv[1], err);
}

static int
run_token_add(const struct user_args *in, struct err *err)
{
	char text[TOKEN_LEN + 1];
	struct token token;
	struct user user;
	enum role role;
	int rc;

	rc = user_get(in->db, &user, in->argv[2], err);
	role = user.role;
	if (rc == 0 && in->role != NULL)
		rc = user_role_parse(&role, in->role, err);
	/* What an administrator may is for a person, whom the log names. */
	if (rc == 0 && user_is_administrator(role))
		rc = err_set(err, YZ_EDENIED,
		    "a token is for a machine: %s is an administrator, so "
		    "give it --role viewer, or an account of its own",
		    in->argv[2]);
	if (rc == 0)
		rc = token_make(in->db, text, &token, in->argv[3], in->argv[2],
		    role, "command line", clock_wall(), err);
	if (rc == 0)
		printf("%s\n", text);
	explicit_bzero(text, sizeof(text));
	return rc;
}

static int
run_token_list(const struct user_args *in, struct err *err)
{
	return token_list(in->db, NULL, print_token, NULL, err);
}

static int
run_token_revoke(const struct user_args *in, struct err *err)
{
	return token_revoke(in->db, in->argv[2], err);
}

static const struct verb {
	const char *verb, *sub;
	int argc; /* from the verb on */
	bool changes;
	int (*run)(const struct user_args *in, struct err *err);
} verbs[] = {{"add", NULL, 2, true, run_add},
    {"passwd", NULL, 2, true, run_passwd}, {"role", NULL, 3, true, run_role},
    {"unlock", NULL, 2, true, run_unlock},
    {"one-factor", NULL, 2, true, run_one_factor},
    {"list", NULL, 1, false, run_list},
    {"token", "add", 4, true, run_token_add},
    {"token", "list", 2, false, run_token_list},
    {"token", "revoke", 3, true, run_token_revoke}};

static const struct verb *
find_verb(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[0], verbs[i].verb) == 0 &&
		    argc == verbs[i].argc &&
		    (verbs[i].sub == NULL ||
			strcmp(argv[1], verbs[i].sub) == 0))
			return &verbs[i];
	return NULL;
}

static int
run_logged(const struct cmd *cmd, const struct verb *verb,
    const struct user_args *in, struct err *err)
{
	const char *what = verb->sub == NULL ? verb->verb : verb->sub;
	const char *about = in->argv[verb->sub == NULL ? 1 : 2];
	int rc;

	rc = logged_ask(cmd, what, about, err);
	if (rc == 0)
		rc = logged_end(cmd, what, about, verb->run(in, err), err);
	return rc;
}

int
cmd_user(struct cmd *cmd, int argc, char **argv)
{
	struct user_args in = {.argv = argv + 1};
	const struct verb *verb;
	struct local *local = NULL;
	struct err err;
	int rc;

	in.once = cmd_option(&argc, argv, "--once", NULL) == 1;
	if (cmd_option(&argc, argv, "--name", &in.name) < 0 ||
	    cmd_option(&argc, argv, "--role", &in.role) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc < 2)
		return cmd_usage(cmd);
	verb = find_verb(argc - 1, argv + 1);
	if (verb == NULL || (in.once && verb->run != run_add))
		return cmd_usage(cmd);
	rc = local_open(&local, cmd->home, &err);
	if (rc == 0)
		rc = book_open(local_db(local), &err);
	if (rc == 0) {
		in.db = local_db(local);
		rc = verb->changes ? run_logged(cmd, verb, &in, &err)
				   : verb->run(&in, &err);
	}
	local_close(local);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
