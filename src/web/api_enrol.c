/* Joining, as two people at two desks see it: one invites, another confirms
 * what was read to him over the telephone. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "desk.h"
#include "enrol.h"
#include "home.h"
#include "local.h"
#include "model/vocabulary.h"
#include "replica.h"
#include "roster.h"

static int
put_invitation(struct json *list, struct db_stmt *st)
{
	struct json *one = json_new_object(), *request = json_new_null();
	char when[CLOCK_LEN], fingerprint[SIGN_FINGERPRINT_LEN];
	const void *bytes;
	size_t n;

	clock_format(when, db_int(st, 2));
	json_set(one, "code", json_text(db_text(st, 0)));
	json_set(one, "name", json_text(db_text(st, 1)));
	json_set(one, "made", json_text(when));
	json_set(one, "auto", json_bool(db_int(st, 3) != 0));
	bytes = db_blob(st, 4, &n);
	if (bytes != NULL) {
		json_free(request);
		request = json_new_object();
		enrol_fingerprint(fingerprint, bytes, n);
		clock_format(when, db_int(st, 5));
		json_set(request, "fingerprint", json_text(fingerprint));
		json_set(request, "received", json_text(when));
	}
	json_set(one, "request", request);
	json_add(list, one);
	return 0;
}

DESK_HANDLER(api_invitations)
{
	struct json *o = json_new_object(), *list = json_new_array();
	struct db_stmt *st;
	int rc;

	json_set(o, "invitations", list);
	rc = db_query(&st, desk_local(c), err,
	    "SELECT i.code, i.name, i.created, i.auto, j.request, j.received"
	    " FROM invitation AS i LEFT JOIN joining AS j USING (code)"
	    " ORDER BY i.code",
	    "");
	if (rc == 0) {
		while ((rc = db_step(st, err)) == 1)
			put_invitation(list, st);
		db_done(st);
	}
	if (rc == 0)
		json_write(&c->p->body, o, 0);
	json_free(o);
	return rc;
}

/* What was not said: the division's name, this machine's, sshd's key. */
struct invited {
	const char *code;
	struct buf name, address, host_key;
};

static int
complete(struct invited *in, struct call *c, struct err *err)
{
	const char *name = json_get_text(c->in, "name");
	const char *address = json_get_text(c->in, "address");
	const char *key = json_get_text(c->in, "host_key");
	char host[200] = "localhost";
	struct err why;

	in->code = json_get_text(c->in, "code");
	if (in->code == NULL)
		return err_set(err, YZ_EINVAL, "code is missing");
	if (name != NULL && *name != '\0')
		buf_puts(&in->name, name);
	else if (vocabulary_division(&in->name, NULL, in->code, &why) != 0)
		buf_puts(&in->name, in->code);
	gethostname(host, sizeof(host) - 1);
	if (address != NULL && *address != '\0')
		buf_puts(&in->address, address);
	else
		buf_printf(&in->address, "%s:22", host);
	if (key == NULL || *key == '\0')
		return enrol_host_key(
		    &in->host_key, ENROL_HOST_KEY_DEFAULT, err);
	buf_puts(&in->host_key, key);
	return 0;
}

DESK_HANDLER(api_invite)
{
	struct invited in = {NULL, BUF_INIT, BUF_INIT, BUF_INIT};
	struct buf text = BUF_INIT;
	struct json *o;
	char *file;
	int rc;

	rc = complete(&in, c, err);
	c->about = in.code;
	if (rc == 0)
		rc = enrol_invite(&text, c->r, c->local, in.code,
		    buf_str(&in.name), buf_str(&in.address),
		    buf_str(&in.host_key), false, err);
	if (rc == 0) {
		o = json_new_object();
		file = mem_printf("%s.invitation", in.code);
		json_set(o, "code", json_text(in.code));
		json_set(o, "name", json_text(buf_str(&in.name)));
		json_set(o, "address", json_text(buf_str(&in.address)));
		json_set(o, "file", json_text(file));
		json_set(o, "text", json_text(buf_str(&text)));
		json_write(&c->p->body, o, 0);
		json_free(o);
		free(file);
		c->p->status = 201;
	}
	if (text.len > 0)
		explicit_bzero(text.b, text.len);
	buf_free(&text);
	buf_free(&in.name);
	buf_free(&in.address);
	buf_free(&in.host_key);
	return rc;
}

DESK_HANDLER(api_uninvite)
{
	int rc;

	rc = enrol_uninvite(c->local, c->arg[0], err);
	if (rc == 0)
		buf_puts(&c->p->body, "{}");
	return rc;
}

DESK_HANDLER(api_confirm)
{
	const char *fingerprint = json_get_text(c->in, "fingerprint");
	const struct roster_station *st;
	struct json *o;
	int rc;

	if (fingerprint == NULL)
		return err_set(err, YZ_EINVAL, "fingerprint is missing");
	rc = enrol_confirm(c->r, c->local, c->arg[0], fingerprint, err);
	if (rc != 0)
		return rc;
	st = roster_find(replica_roster(c->r), c->arg[0]);
	if (st == NULL)
		return err_set(err, YZ_EDENIED,
		    "the next roster waits for the root keys that must sign "
		    "it: yizhan roster sign");
	o = json_new_object();
	json_set(o, "code", json_text(st->code));
	json_set(o, "name", json_text(st->name));
	json_set(o, "parent", json_text(st->parent));
	json_set(o, "scope", json_text(st->scope));
	json_set(o, "version",
	    json_int(roster_version(replica_roster(c->r), st->scope)));
	json_write(&c->p->body, o, 0);
	json_free(o);
	return 0;
}
