/* What people do with their own account: password and second factor. */
#include "config.h"

#include <string.h>

#include "attempt.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "desk.h"
#include "home.h"
#include "qr.h"
#include "replica.h"
#include "totp.h"
#include "user.h"

/* It is he: another could sit at his screen. */
static int
check_password(
    struct call *c, const char *password, const char *code, struct err *err)
{
	struct attempt try = {.login = c->login.user.login,
	    .password = password,
	    .code = code,
	    .peer = c->q->peer,
	    .now = clock_wall()};
	struct user user;

	if (password == NULL)
		return err_set(err, YZ_EINVAL, "password is missing");
	return attempt_judge(desk_local(c), &user, NULL, &try, err);
}

DESK_HANDLER(api_me_password)
{
	const char *next = json_get_text(c->in, "new_password");
	int rc;

	if (next == NULL)
		return err_set(err, YZ_EINVAL, "new_password is missing");
	rc = check_password(c, json_get_text(c->in, "password"),
	    json_get_text(c->in, "code"), err);
	if (rc == 0)
		rc = user_passwd(desk_local(c), c->login.user.login, next,
		    clock_wall(), err);
	/* His other sessions may be somebody else's. */
	if (rc == 0)
		rc = login_end_others(
		    desk_local(c), c->login.user.login, c->token, err);
	if (rc == 0)
		buf_puts(&c->p->body, "{}");
	return rc;
}

DESK_HANDLER(api_totp_begin)
{
	const char *login = c->login.user.login;
	uint8_t secret[TOTP_SECRET_LEN];
	struct buf text = BUF_INIT, uri = BUF_INIT, svg = BUF_INIT;
	struct json *o;
	int rc;

	rc = check_password(c, json_get_text(c->in, "password"), NULL, err);
	if (rc == 0)
		rc = totp_begin(desk_local(c), secret, login, err);
	if (rc != 0)
		return rc;
	totp_base32(&text, secret);
	explicit_bzero(secret, sizeof(secret));
	buf_printf(&uri,
	    "otpauth://totp/yizhan-%s:%s?secret=%s&issuer=yizhan-%s",
	    replica_home(c->r)->code, login, buf_str(&text),
	    replica_home(c->r)->code);
	rc = qr_svg(&svg, buf_str(&uri), err);
	if (rc == 0) {
		o = json_new_object();
		json_set(o, "secret", json_text(buf_str(&text)));
		json_set(o, "uri", json_text(buf_str(&uri)));
		json_set(o, "svg", json_text(buf_str(&svg)));
		json_write(&c->p->body, o, 0);
		json_free(o);
		c->p->status = 201;
	}
	buf_free(&text);
	buf_free(&uri);
	buf_free(&svg);
	return rc;
}

DESK_HANDLER(api_totp_confirm)
{
	char spares[TOTP_SPARES][TOTP_SPARE_LEN + 1];
	const char *code = json_get_text(c->in, "code");
	struct json *o, *list;
	int i, rc;

	if (code == NULL)
		return err_set(err, YZ_EINVAL, "code is missing");
	rc = totp_confirm(desk_local(c), spares, c->login.user.login, code,
	    clock_wall(), err);
	if (rc != 0)
		return rc;
	o = json_new_object();
	list = json_new_array();
	for (i = 0; i < TOTP_SPARES; i++)
		json_add(list, json_text(spares[i]));
	json_set(o, "spares", list);
	json_write(&c->p->body, o, 0);
	json_free(o);
	explicit_bzero(spares, sizeof(spares));
	return 0;
}

DESK_HANDLER(api_totp_off)
{
	int rc;

	rc = check_password(c, json_get_text(c->in, "password"),
	    json_get_text(c->in, "code"), err);
	if (rc == 0)
		rc = totp_off(desk_local(c), c->login.user.login, err);
	if (rc == 0)
		buf_puts(&c->p->body, "{}");
	return rc;
}
