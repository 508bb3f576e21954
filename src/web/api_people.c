/* People: logging in and out, accounts, the audit log, and the stream that
 * tells a page when to look again. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "desk.h"
#include "user.h"

#define ENTRIES 100

/* --- logging in
 * ------------------------------------------------------------------------ */

static void
put_login(struct call *c, const struct login *login)
{
	static const char *const names[POWER_COUNT] = {[POWER_READ] = "read",
	    [POWER_REGISTER] = "register",
	    [POWER_WRITE] = "write",
	    [POWER_USERS] = "users",
	    [POWER_RIGHTS] = "rights",
	    [POWER_STATIONS] = "stations",
	    [POWER_CONFIRM] = "confirm",
	    [POWER_AUDIT] = "audit"};
	struct json *o = json_new_object(), *user = json_new_object();
	struct json *powers = json_new_array();
	int i;

	json_set(user, "login", json_text(login->user.login));
	json_set(user, "name", json_text(login->user.name));
	json_set(user, "role", json_text(user_role_name(login->user.role)));
	for (i = 0; i < POWER_COUNT; i++)
		if (user_may(login->user.role, (enum power)i))
			json_add(powers, json_text(names[i]));
	json_set(user, "powers", powers);
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

DESK_HANDLER(api_login)
{
	const char *login = json_get_text(c->in, "login");
	const char *password = json_get_text(c->in, "password");
	char token[LOGIN_TOKEN_LEN + 1];
	struct login now;
	struct user user;
	struct err ignored;
	int rc;

	if (login == NULL || password == NULL)
		return err_set(err, YZ_EINVAL, "login and password are wanted");
	rc = user_login(desk_local(c), &user, login, password, c->q->peer,
	    clock_wall(), err);
	if (rc == 0)
		rc = login_begin(
		    desk_local(c), &now, token, &user, clock_wall(), err);
	if (rc == 0)
		rc = audit_add(
		    desk_local(c), login, c->q->peer, "login", "", "done", err);
	else if (rc == YZ_EDENIED)
		(void)audit_add(desk_local(c), login, c->q->peer, "login", "",
		    err->msg, &ignored);
	if (rc != 0)
		return rc;
	put_cookie(c, token, "");
	put_login(c, &now);
	return 0;
}

DESK_HANDLER(api_logout)
{
	int rc;

	rc = login_end(desk_local(c), c->token, err);
	if (rc == 0)
		rc = audit_add(desk_local(c), c->login.user.login, c->q->peer,
		    "logout", "", "done", err);
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

/* Without rights: those another person gives. */
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
		    desk_local(c), login, name, ROLE_NONE, password, err);
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
		rc = user_set_role(desk_local(c), c->arg[0], role, err);
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
		rc = user_passwd(desk_local(c), c->arg[0], password, err);
	if (rc == 0)
		rc = login_end_all(desk_local(c), c->arg[0], err);
	if (rc == 0)
		buf_puts(&c->p->body, "{}");
	return rc;
}

/* --- the audit log
 * ---------------------------------------------------------------------------
 */

static int
add_entry(void *arg, const struct audit_entry *e, struct err *err)
{
	struct json *one = json_new_object();
	char when[CLOCK_LEN];

	(void)err;
	clock_format(when, e->at);
	json_set(one, "no", json_int(e->no));
	json_set(one, "at", json_text(when));
	json_set(one, "login", json_text(e->login));
	json_set(one, "peer", json_text(e->peer));
	json_set(one, "what", json_text(e->what));
	json_set(one, "about", json_text(e->about));
	json_set(one, "result", json_text(e->result));
	json_add(arg, one);
	return 0;
}

DESK_HANDLER(api_audit)
{
	const char *below = http_query(c->q, "_below");
	struct json *o = json_new_object(), *list = json_new_array();
	struct err why;
	int64_t n;
	int rc;

	json_set(o, "entries", list);
	rc = audit_list(desk_local(c), below == NULL ? 0 : atoll(below),
	    ENTRIES, add_entry, list, err);
	if (rc == 0) {
		json_set(o, "whole",
		    json_bool(audit_verify(desk_local(c), &n, &why) == 0));
		json_write(&c->p->body, o, 0);
	}
	json_free(o);
	return rc;
}

/* --- news
 * ----------------------------------------------------------------------------------------
 */

DESK_HANDLER(api_events)
{
	(void)err;
	c->p->type = "text/event-stream; charset=utf-8";
	c->p->stream = true;
	buf_puts(&c->p->body, "retry: 2000\n\n");
	return 0;
}
