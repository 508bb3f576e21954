/* Records, written: each call is one signed act of who is logged in. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "canon.h"
#include "desk.h"
#include "lang.h"
#include "model/kind.h"
#include "model/record.h"
#include "model/value.h"
#include "model/write.h"
#include "rec.h"
#include "replica.h"
#include "reply.h"

#define ASSIGNS_MAX 512

struct assigns {
	struct assign v[ASSIGNS_MAX];
	size_t n;
};

/* --- may he write this kind?
 * -------------------------------------------------- */

int
api_write_may(struct call *c, const char *name, struct err *err)
{
	const struct schema *schema = replica_schema(c->r);
	const struct kind *kind;
	int rc;

	rc = kind_find(&kind, schema, name, err);
	if (rc != 0)
		return rc;
	kind = schema_base(schema, kind);
	if (kind->stream == STREAM_ROSTER)
		return err_set(err, YZ_EDENIED,
		    "kinds and code lists are written at the command line of "
		    "the root station");
	if (kind->stream != STREAM_RESOURCE &&
	    !user_may(c->login.user.role, POWER_WRITE))
		return err_set(err, YZ_EDENIED, "the role %s may not write %s",
		    user_role_name(c->login.user.role), kind->name);
	return 0;
}

/* --- what the body asks for
 * ----------------------------------------------------- */

static int
add_assign(struct assigns *a, const char *field, enum assign_how how,
    const char *text, struct err *err)
{
	if (text == NULL)
		return err_set(err, YZ_EINVAL,
		    "%.64s: a text is wanted, as a person types it", field);
	if (a->n == ASSIGNS_MAX)
		return err_set(
		    err, YZ_EINVAL, "over %d fields at once", ASSIGNS_MAX);
	a->v[a->n].field = field;
	a->v[a->n].how = how;
	a->v[a->n++].text = text;
	return 0;
}

static int
read_elements(struct assigns *a, const struct json *in, const char *member,
    enum assign_how how, struct err *err)
{
	const struct json *o = json_get(in, member), *list;
	size_t i, j;
	int rc = 0;

	for (i = 0; rc == 0 && i < json_members(o); i++) {
		list = json_member(o, i);
		for (j = 0; rc == 0 && j < json_length(list); j++)
			rc = add_assign(a, json_name(o, i), how,
			    json_as_text(json_at(list, j)), err);
	}
	return rc;
}

static int
read_assigns(struct assigns *a, const struct json *in, struct err *err)
{
	const struct json *set = json_get(in, "set");
	size_t i;
	int rc = 0;

	a->n = 0;
	for (i = 0; rc == 0 && i < json_members(set); i++)
		rc = add_assign(a, json_name(set, i), ASSIGN_SET,
		    json_as_text(json_member(set, i)), err);
	if (rc == 0)
		rc = read_elements(a, in, "add", ASSIGN_ADD, err);
	if (rc == 0)
		rc = read_elements(a, in, "remove", ASSIGN_REMOVE, err);
	return rc;
}

/* --- the form may be older than the record
 * ---------------------------------------- */

static int
put_text(struct call *c, struct buf *out, const char *name,
    const struct field *f, const char *value, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc = 0;

	if (value != NULL)
		rc = value_text(&text, c->r, f, value, lang_zh(c), err);
	buf_printf(out, "\"%s\":", name);
	canon_put_text(out, buf_str(&text), text.len);
	buf_free(&text);
	return rc;
}

/* What stands, and what was to take its place, in the same words.  What was
 * asked for may be no value at all: then it is shown as it was typed. */
static int
put_both(struct call *c, struct buf *fields, const struct record *rec,
    const struct field *f, const char *typed, struct err *err)
{
	struct buf asked = BUF_INIT;
	struct err why;
	int rc;

	buf_printf(fields, "%s\"%s\":{", fields->len == 0 ? "" : ",", f->name);
	rc = put_text(c, fields, "now", f, record_value(rec, f->name), err);
	buf_putc(fields, ',');
	if (value_parse_field(&asked, c->r, f, typed, &why) != 0) {
		buf_puts(fields, "\"asked\":");
		canon_put_text(fields, typed, strlen(typed));
	} else if (rc == 0) {
		rc = put_text(c, fields, "asked", f, buf_str(&asked), err);
	}
	buf_putc(fields, '}');
	buf_free(&asked);
	return rc;
}

/*
 * A field that was changed since the form was read must not be overwritten
 * unseen: then nothing is written, and the reply has both values.
 */
static int
check_etag(struct call *c, const struct record *rec, const struct assigns *a,
    bool *stale, struct buf *fields, struct err *err)
{
	const char *etag = http_header(c->q, "If-Match");
	const struct field *f;
	bool same;
	size_t i;
	int rc = 0;

	*stale = false;
	if (etag == NULL)
		return err_set(err, YZ_EINVAL,
		    "If-Match is missing: the etag of the record as it was "
		    "read");
	for (i = 0; rc == 0 && i < a->n; i++) {
		if (a->v[i].how != ASSIGN_SET)
			continue; /* elements merge one by one */
		rc = kind_field_find(
		    &f, rec->kind, record_sub(c->r, rec), a->v[i].field, err);
		if (rc == 0)
			rc = rec_same(&same, c->r, rec, etag, f, err);
		if (rc != 0 || same)
			continue;
		*stale = true;
		rc = put_both(c, fields, rec, f, a->v[i].text, err);
	}
	return rc;
}

static void
refuse_stale(struct call *c, struct buf *fields)
{
	struct json *message =
	    reply_words(N_("the record was changed since the form was read"),
		lang_asks_zh(c));

	c->p->status = 412;
	buf_puts(&c->p->body, "{\"error\":{\"code\":\"conflict\",\"message\":");
	json_write(&c->p->body, message, 0);
	buf_printf(&c->p->body, "},\"fields\":{%s}}", buf_str(fields));
	json_free(message);
}

/* --- the calls
 * ------------------------------------------------------------------- */

/* What a token writes names the token, and the id under which it is listed,
 * after its person. */
static void
name_author(char out[LIMIT_NAME + 1], const struct login *who)
{
	static const char via[] = " via ";
	size_t n, room;

	if (!who->machine) {
		snprintf(out, LIMIT_NAME + 1, "%s", who->user.name);
		return;
	}
	n = text_cut(who->token.name, LIMIT_NAME / 2);
	room = LIMIT_NAME - strlen(via) - n - 1 - TOKEN_ID_LEN;
	snprintf(out, LIMIT_NAME + 1, "%.*s%s%.*s %s",
	    (int)text_cut(who->user.name, room), who->user.name, via, (int)n,
	    who->token.name, who->token.id);
}

static int
begin(struct write **w, struct call *c, const char *verb, struct err *err)
{
	char *subject = mem_printf("%s %.64s", verb, c->arg[0]);
	char author[LIMIT_NAME + 1];
	int rc;

	name_author(author, &c->login);
	rc = write_new(w, c->r, author, c->login.user.login, subject, err);
	free(subject);
	return rc;
}

DESK_HANDLER(api_create)
{
	char id[RECORD_ID_LEN + 1];
	struct assigns *a = mem_calloc(1, sizeof(*a));
	struct write *w = NULL;
	int rc;

	rc = api_write_may(c, c->arg[0], err);
	if (rc == 0)
		rc = read_assigns(a, c->in, err);
	if (rc == 0)
		rc = begin(&w, c, "add", err);
	if (rc == 0) {
		if (json_get_bool(c->in, "incomplete"))
			write_allow_gaps(w);
		rc = write_add(w, id, c->arg[0], a->v, a->n, err);
		if (rc == 0)
			rc = write_commit(w, err);
		write_free(w);
	}
	free(a);
	if (rc == 0) {
		c->p->status = 201;
		buf_printf(&c->p->body, "{\"id\":\"%s\"}", id);
	}
	return rc;
}

static int
change(struct call *c, struct write *w, const struct assigns *a, bool *stale,
    bool *changed, struct err *err)
{
	struct record rec = RECORD_INIT;
	struct buf fields = BUF_INIT;
	int rc;

	/* The database is locked: what is compared is what is written on. */
	rc = record_read(&rec, c->r, c->arg[0], c->arg[1], err);
	if (rc == 0)
		rc = check_etag(c, &rec, a, stale, &fields, err);
	if (rc == 0 && *stale)
		refuse_stale(c, &fields);
	else if (rc == 0)
		rc = write_set(
		    w, changed, c->arg[0], c->arg[1], a->v, a->n, err);
	if (rc == 0 && !*stale)
		rc = write_commit(w, err);
	buf_free(&fields);
	record_free(&rec);
	return rc;
}

DESK_HANDLER(api_change)
{
	struct assigns *a = mem_calloc(1, sizeof(*a));
	struct record rec = RECORD_INIT;
	bool stale = false, changed = false;
	struct buf etag = BUF_INIT;
	struct write *w = NULL;
	int rc;

	rc = api_write_may(c, c->arg[0], err);
	if (rc == 0)
		rc = read_assigns(a, c->in, err);
	if (rc == 0)
		rc = begin(&w, c, "set", err);
	if (rc == 0) {
		rc = change(c, w, a, &stale, &changed, err);
		write_free(w);
	}
	free(a);
	if (rc != 0 || stale)
		return rc;
	rc = record_read(&rec, c->r, c->arg[0], c->arg[1], err);
	if (rc == 0)
		rc = rec_etag(&etag, c->r, &rec, err);
	if (rc == 0) {
		buf_printf(&c->p->body, "{\"changed\":%s,\"etag\":\"%s\"}",
		    changed ? "true" : "false", buf_str(&etag));
	}
	buf_free(&etag);
	record_free(&rec);
	return rc;
}

DESK_HANDLER(api_drop)
{
	const char *why = http_query(c->q, "why");
	struct write *w;
	int rc;

	if (why == NULL || *why == '\0')
		return err_set(err, YZ_EINVAL, "why is missing: the reason");
	rc = api_write_may(c, c->arg[0], err);
	if (rc == 0)
		rc = begin(&w, c, "rm", err);
	if (rc != 0)
		return rc;
	rc = write_rm(w, c->arg[0], c->arg[1], why, err);
	if (rc == 0)
		rc = write_commit(w, err);
	write_free(w);
	if (rc == 0)
		buf_puts(&c->p->body, "{}");
	return rc;
}
