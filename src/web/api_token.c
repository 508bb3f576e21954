/* Tokens for machines: made by who has the account, nobody else, for a token
 * of another's is his power; who gives rights sees and revokes all. */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "desk.h"
#include "token.h"

static struct json *
describe(const struct token *token)
{
	struct json *one = json_new_object();
	char when[CLOCK_LEN];

	json_set(one, "id", json_text(token->id));
	json_set(one, "name", json_text(token->name));
	json_set(one, "login", json_text(token->login));
	json_set(one, "role", json_text(user_role_name(token->role)));
	json_set(one, "made_by", json_text(token->made_by));
	clock_format(when, token->made);
	json_set(one, "made", json_text(when));
	clock_format(when, token->last);
	json_set(
	    one, "last", token->last == 0 ? json_new_null() : json_text(when));
	return one;
}

static int
add_token(void *arg, const struct token *token, struct err *err)
{
	(void)err;
	json_add(arg, describe(token));
	return 0;
}

/* One's own; all of them for who gives rights. */
DESK_HANDLER(api_tokens)
{
	struct json *o = json_new_object(), *list = json_new_array();
	int rc;

	json_set(o, "tokens", list);
	rc = token_list(desk_local(c),
	    user_may(c->login.user.role, POWER_RIGHTS) ? NULL
						       : c->login.user.login,
	    add_token, list, err);
	if (rc == 0)
		json_write(&c->p->body, o, 0);
	json_free(o);
	return rc;
}

static bool
may_revoke(const struct call *c, const char *login)
{
	return strcmp(login, c->login.user.login) == 0 ||
	       user_may(c->login.user.role, POWER_RIGHTS);
}

DESK_HANDLER(api_token_make)
{
	const char *login = json_get_text(c->in, "login");
	const char *name = json_get_text(c->in, "name");
	const char *role_name = json_get_text(c->in, "role");
	enum role role = c->login.user.role;
	char text[TOKEN_LEN + 1];
	struct token token;
	struct json *o;
	int rc = 0;

	c->about = login == NULL ? c->login.user.login : login;
	if (name == NULL)
		return err_set(err, YZ_EINVAL, "name is missing");
	if (strcmp(c->about, c->login.user.login) != 0)
		return err_set(
		    err, YZ_EDENIED, "tokens are made for one's own account");
	if (role_name != NULL)
		rc = user_role_parse(&role, role_name, err);
	if (rc == 0)
		rc = token_make(desk_local(c), text, &token, name, c->about,
		    role, c->login.user.login, clock_wall(), err);
	if (rc != 0)
		return rc;
	o = describe(&token);
	json_set(o, "token", json_text(text));
	json_write(&c->p->body, o, 0);
	json_free(o);
	explicit_bzero(text, sizeof(text));
	c->p->status = 201;
	return 0;
}

DESK_HANDLER(api_token_revoke)
{
	struct token token;
	int rc;

	rc = token_get(desk_local(c), &token, c->arg[0], err);
	/* Whose it is need not be known. */
	if (rc == 0 && !may_revoke(c, token.login))
		rc = err_set(
		    err, YZ_ENOTFOUND, "there is no token %.16s", c->arg[0]);
	if (rc == 0)
		rc = token_revoke(desk_local(c), c->arg[0], err);
	if (rc == 0)
		buf_puts(&c->p->body, "{}");
	return rc;
}
