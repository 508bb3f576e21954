/* People: logging in and out, accounts, and the stream that tells a page
 * when to look again. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "attempt.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "desk.h"
#include "listener.h"
#include "totp.h"
#include "user.h"

/* --- logging in
 * ------------------------------------------------------------------------ */

static void
put_login(struct call *c, const struct login *login)
{
	struct json *o = json_new_object(), *user = json_new_object();
	struct json *powers = json_new_array();
	int i;

	json_set(user, "login", json_text(login->user.login));
	json_set(user, "name", json_text(login->user.name));
	json_set(user, "role", json_text(user_role_name(login->user.role)));
	for (i = 0; i < POWER_COUNT; i++)
		if (user_may(login->user.role, (enum power)i))
			json_add(
			    powers, json_text(user_power_name((enum power)i)));
	json_set(user, "powers", powers);
	json_set(user, "totp", json_bool(login->user.totp));
	json_set(o, "user", user);
	json_set(o, "csrf", json_text(login->csrf));
	json_write(&c->p->body, o, 0);
	json_free(o);
}

/* A browser sends a __Host- cookie over TLS only, and to this host only. */
static void
put_cookie(struct call *c, const char *token, const char *age)
{
	http_reply_header(c->p, "Set-Cookie",
	    "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
	    c->q->tls ? "__Host-yz" : "yz", token, c->q->tls ? "; Secure" : "",
	    age);
}

/* His other sessions may be somebody else's. */
static int
renew(struct call *c, const struct attempt *try, struct err *err)
{
	static const char what[] = "/api/me/password";
	int rc;

	rc = desk_log(c, try->login, what, "", "asked", err);
	if (rc == 0)
		rc = user_passwd(
		    desk_local(c), try->login, try->next, try->now, err);
	if (rc == 0)
		rc = login_end_all(desk_local(c), try->login, err);
	if (rc == 0)
		rc = desk_log(c, try->login, what, "", "done", err);
	return rc;
}

static int
log_in(struct call *c, struct login *now, char token[LOGIN_TOKEN_LEN + 1],
    struct err *err)
{
	struct attempt try = {.login = json_get_text(c->in, "login"),
	    .password = json_get_text(c->in, "password"),
	    .code = json_get_text(c->in, "code"),
	    .next = json_get_text(c->in, "new_password"),
	    .peer = c->q->peer,
	    .now = clock_wall()};
	struct user user;
	int rc;

	if (try.login == NULL || try.password == NULL)
		return err_set(err, YZ_EINVAL, "login and password are wanted");
	rc = attempt_judge(desk_local(c), &user, &c->code, &try, err);
	if (rc == 0 && (user.once || user_password_old(&user, try.now)))
		rc = renew(c, &try, err);
	return rc != 0 ? rc
		       : login_begin(desk_local(c), now, token, &user,
			     clock_wall(), err);
}

DESK_HANDLER(api_login)
{
	char token[LOGIN_TOKEN_LEN + 1];
	struct login now;
	struct err why;
	int rc;

	rc = log_in(c, &now, token, err);
	if (rc == YZ_EINVAL)
		return rc;
	if (rc != 0) {
		(void)desk_log_refused(c, json_get_text(c->in, "login"),
		    "login", "", err->msg,
		    c->code != NULL && strcmp(c->code, "shut") == 0, &why);
		return rc;
	}
	/* Nobody comes in of whom the log does not say so. */
	if (desk_log(c, json_get_text(c->in, "login"), "login", "", "done",
		&why) != 0) {
		(void)login_end(desk_local(c), token, err);
		*err = why;
		return why.code;
	}
	put_cookie(c, token, "");
	put_login(c, &now);
	return 0;
}

DESK_HANDLER(api_logout)
{
	int rc;

	rc = login_end(desk_local(c), c->token, err);
	if (rc == 0)
		rc =
		    desk_log(c, c->login.user.login, "logout", "", "done", err);
	if (rc != 0)
		return rc;
	put_cookie(c, "", "; Max-Age=0");
	buf_puts(&c->p->body, "{}");
	return 0;
}

DESK_HANDLER(api_me)
{
	(void)err;
	put_login(c, &c->login);
	return 0;
}

/* --- accounts
 * ----------------------------------------------------------------------------
 */

static int
add_user(void *arg, const struct user *user, struct err *err)
{
	struct json *one = json_new_object();
	char when[CLOCK_LEN];

	(void)err;
	clock_format(when, user->last);
	json_set(one, "login", json_text(user->login));
	json_set(one, "name", json_text(user->name));
	json_set(one, "role", json_text(user_role_name(user->role)));
	json_set(one, "failures", json_int(user->failures));
	json_set(one, "locked", json_bool(user->locked > clock_wall()));
	json_set(one, "totp", json_bool(user->totp));
	json_set(one, "once", json_bool(user->once));
	json_set(one, "idle_minutes", json_int(user->idle / 60000));
	json_set(
	    one, "last", user->last == 0 ? json_new_null() : json_text(when));
	json_add(arg, one);
	return 0;
}

DESK_HANDLER(api_users)
{
	struct json *o = json_new_object(), *list = json_new_array();
	int rc;

	json_set(o, "users", list);
	rc = user_list(desk_local(c), add_user, list, err);
	if (rc == 0)
		json_write(&c->p->body, o, 0);
	json_free(o);
	return rc;
}

static int
want_text(const char **out, struct call *c, const char *name, struct err *err)
{
	*out = json_get_text(c->in, name);
	return *out != NULL ? 0
			    : err_set(err, YZ_EINVAL, "%s is missing", name);
}

/* Without rights: those another person gives.  Whoever makes it knows its
 * first password. */
DESK_HANDLER(api_user_add)
{
	const char *login, *name, *password;
	int rc;

	rc = want_text(&login, c, "login", err);
	if (rc == 0)
		rc = want_text(&name, c, "name", err);
	if (rc == 0)
		rc = want_text(&password, c, "password", err);
	if (rc == 0)
		rc = user_add(
		    desk_local(c), login, name, ROLE_NONE, password, true, err);
	if (rc == 0) {
		c->p->status = 201;
		buf_puts(&c->p->body, "{}");
	}
	return rc;
}

DESK_HANDLER(api_user_role)
{
	const char *name;
	enum role role;
	int rc;

	rc = want_text(&name, c, "role", err);
	if (rc == 0)
		rc = user_role_parse(&role, name, err);
	if (rc == 0 && strcmp(c->arg[0], c->login.user.login) == 0)
		rc = err_set(err, YZ_EDENIED, "nobody gives himself a role");
	if (rc == 0)
		rc = user_set_role(desk_local(c), c->arg[0], role, false, err);
	if (rc == 0)
		buf_puts(&c->p->body, "{}");
	return rc;
}

DESK_HANDLER(api_user_passwd)
{
	const char *password;
	int rc;

	rc = want_text(&password, c, "password", err);
	if (rc == 0)
		rc = user_reset(desk_local(c), c->arg[0], password, false,
		    clock_wall(), err);
	if (rc == 0)
		buf_puts(&c->p->body, "{}");
	return rc;
}

DESK_HANDLER(api_user_unlock)
{
	int rc = user_unlock(desk_local(c), c->arg[0], err);

	if (rc == 0)
		buf_puts(&c->p->body, "{}");
	return rc;
}

/* A duty screen may stay open longer than others. */
DESK_HANDLER(api_user_idle)
{
	int64_t minutes = json_get_int(c->in, "minutes");
	int rc;

	if (!json_has_int(c->in, "minutes"))
		return err_set(
		    err, YZ_EINVAL, "minutes is missing, or no whole number");
	/* So that the product is none that it is not. */
	if (minutes < 0 || minutes > USER_IDLE_MAX_MS / 60000)
		minutes = -1;
	rc = user_set_idle(desk_local(c), c->arg[0], minutes * 60000, err);
	if (rc == 0)
		buf_puts(&c->p->body, "{}");
	return rc;
}

DESK_HANDLER(api_user_totp_off)
{
	int rc = totp_off(desk_local(c), c->arg[0], err);

	if (rc == 0)
		buf_puts(&c->p->body, "{}");
	return rc;
}

/* --- news
 * ----------------------------------------------------------------------------------------
 */

DESK_HANDLER(api_events)
{
	const char *bearer = http_header(c->q, "Authorization");

	(void)err;
	c->p->type = "text/event-stream; charset=utf-8";
	c->p->stream = listener_name(&c->login,
	    c->login.machine ? bearer + strlen("Bearer ") : c->token,
	    clock_wall());
	c->p->owner = mem_strdup(c->login.user.login);
	buf_puts(&c->p->body, "retry: 2000\n\n");
	return 0;
}
