/* The quarantine: what was signed but does not count, beside what stands, and
 * how people settle it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "canon.h"
#include "desk.h"
#include "lang.h"
#include "model/kind.h"
#include "model/quarantine.h"
#include "model/record.h"
#include "model/write.h"
#include "rec.h"
#include "replica.h"
#include "reply.h"
#include "roster.h"
#include "settled.h"

#define PAGE 100
#define PAGE_MAX 500

/* --- one of them -----------------------------------------------------------
 */

static void
put_member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, ",\"%s\":", name);
	if (text == NULL)
		buf_puts(out, "null");
	else
		canon_put_text(out, text, strlen(text));
}

struct list {
	struct buf *out;
	size_t n;
};

static int
put_value(void *arg, const struct quarantine_value *v, struct err *err)
{
	char when[CLOCK_LEN];
	struct list *list = arg;
	struct buf *out = list->out;

	(void)err;
	clock_format(when, v->time);
	buf_puts(out, list->n++ > 0 ? ",{\"register\":" : "{\"register\":");
	canon_put_text(out, v->reg, strlen(v->reg));
	put_member(
	    out, "label_zh", v->field == NULL ? v->reg : v->field->label_zh);
	put_member(
	    out, "label_en", v->field == NULL ? v->reg : v->field->label_en);
	buf_printf(out, ",\"held\":%s,\"now\":%s,\"same\":%s,\"several\":%s",
	    v->held, v->now, v->same ? "true" : "false",
	    v->several ? "true" : "false");
	put_member(out, "station", v->writer);
	put_member(out, "author", v->author);
	put_member(out, "time", v->writer == NULL ? NULL : when);
	put_member(out, "changeset", v->changeset);
	buf_putc(out, '}');
	return 0;
}

/* The record's title and etag; both "" where it is not here. */
static int
put_record(struct buf *out, struct call *c, const struct quarantine_op *q,
    struct err *err)
{
	struct buf title = BUF_INIT, etag = BUF_INIT;
	struct record rec = RECORD_INIT;
	int rc = 0;

	if (schema_kind(replica_schema(c->r), q->kind) != NULL)
		rc = record_read(&rec, c->r, q->kind, q->id, err);
	if (rc == 0 && rec.rec != 0) {
		rc = record_title(&title, c->r, q->kind, q->id, err);
		if (rc == 0)
			rc = rec_etag(&etag, c->r, &rec, err);
	}
	put_member(out, "title", buf_str(&title));
	put_member(out, "etag", buf_str(&etag));
	record_free(&rec);
	buf_free(&title);
	buf_free(&etag);
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

/* Whose word would count: the owner's, and that of who stands above it. */
static void
put_may(struct buf *out, struct call *c, const struct quarantine_op *q)
{
	const struct kind *kind = schema_kind(replica_schema(c->r), q->kind);
	const struct roster *roster = replica_roster(c->r);
	char owner[CHAIN_CODE_LEN + 1];
	const char *between = "";
	size_t i;

	snprintf(owner, sizeof(owner), "%.*s", CHAIN_CODE_LEN, q->id);
	put_member(out, "owner", owner);
	buf_puts(out, ",\"may\":[");
	for (i = 0; i < roster_count(roster); i++) {
		const char *code = roster_at(roster, i)->code;

		if (kind != NULL && kind->stream == STREAM_ROSTER
			? strcmp(code, roster_root(roster)) != 0
			: strcmp(code, owner) != 0 &&
			      !roster_is_ancestor(roster, code, owner))
			continue;
		buf_printf(out, "%s\"%s\"", between, code);
		between = ",";
	}
	buf_putc(out, ']');
}

static void
put_settled(struct buf *out, const struct settled *s)
{
	char when[CLOCK_LEN];

	if (s == NULL) {
		buf_puts(out, ",\"settled\":null");
		return;
	}
	clock_format(when, s->at);
	buf_printf(
	    out, ",\"settled\":{\"how\":\"%s\"", s->taken ? "take" : "keep");
	put_member(out, "login", s->login);
	put_member(out, "name", s->name);
	put_member(out, "at", when);
	buf_putc(out, '}');
}

static int
put_one(struct buf *out, struct call *c, const struct quarantine_op *q,
    const struct settled *settled, struct err *err)
{
	char id[DIGEST_HEX_LEN + 1], when[CLOCK_LEN], chain[CHAIN_NAME_MAX];
	struct list values = {out, 0};
	struct json *reason;
	int rc;

	digest_hex(id, q->changeset.b, sizeof(q->changeset.b));
	clock_format(when, q->time);
	chain_format(chain, &q->name);
	buf_printf(out, "{\"kind\":\"%s\",\"id\":\"%s\"", q->kind, q->id);
	rc = put_record(out, c, q, err);
	put_may(out, c, q);
	reason = reply_words(q->reason, lang_asks_zh(c));
	buf_puts(out, ",\"reason\":");
	json_write(out, reason, 0);
	json_free(reason);
	put_member(out, "chain", chain);
	buf_printf(out, ",\"seq\":%lld,\"op\":%lld", (long long)q->seq,
	    (long long)q->op);
	put_member(out, "time", when);
	put_member(out, "changeset", id);
	put_member(out, "author", q->author);
	put_member(out, "station", q->name.writer);
	put_member(out, "bar", quarantine_bar_name(q->bar));
	buf_puts(out, ",\"values\":[");
	if (rc == 0)
		rc = quarantine_values(c->r, q, put_value, &values, err);
	buf_putc(out, ']');
	put_settled(out, settled);
	buf_putc(out, '}');
	return rc;
}

/* --- the list ---------------------------------------------------------------
 */

/* Where a page goes on: CHAIN.SEQ.OP, numbers of this replica's. */
static int
ask_place(int64_t at[3], struct call *c, struct err *err)
{
	const char *s = http_query(c->q, "_after");
	long long v[3];
	char rest;

	at[0] = at[1] = at[2] = -1;
	if (s == NULL)
		return 0;
	if (sscanf(s, "%18lld.%18lld.%18lld%c", &v[0], &v[1], &v[2], &rest) !=
	    3)
		return err_set(err, YZ_EINVAL,
		    "_after is what next of the page before said");
	at[0] = v[0];
	at[1] = v[1];
	at[2] = v[2];
	return 0;
}

static int64_t
ask_page(struct call *c)
{
	const char *s = http_query(c->q, "_limit");
	long long n = s == NULL ? PAGE : strtoll(s, NULL, 10);

	return n < 1 ? 1 : n > PAGE_MAX ? PAGE_MAX : n;
}

struct page {
	struct call *c;
	int64_t n, limit;
	int want;      /* 1: what was settled; 0: what was not; -1: both */
	char last[64]; /* of those that were put */
	bool more;
};

static int
put_row(struct page *p, struct db_stmt *st, struct err *err)
{
	int64_t chain = db_int(st, 0), seq = db_int(st, 1), op = db_int(st, 2);
	struct buf *out = &p->c->p->body;
	struct quarantine_op q;
	struct settled settled;
	struct digest id;
	size_t n;
	const void *b = db_blob(st, 3, &n);
	struct err why;
	int rc, is;

	memset(&id, 0, sizeof(id));
	if (n == sizeof(id.b))
		memcpy(id.b, b, n);
	rc = settled_get(desk_local(p->c), &settled, &id, op, &why);
	is = rc == 0;
	if (p->want >= 0 && p->want != is)
		return 0;
	if (p->n == p->limit) {
		p->more = true;
		return 0;
	}
	rc = quarantine_at(&q, p->c->r, chain, seq, op, err);
	if (rc != 0)
		return rc;
	if (p->n++ > 0)
		buf_putc(out, ',');
	rc = put_one(out, p->c, &q, is ? &settled : NULL, err);
	quarantine_op_free(&q);
	snprintf(p->last, sizeof(p->last), "%lld.%lld.%lld", (long long)chain,
	    (long long)seq, (long long)op);
	return rc;
}

static int
put_rows(struct page *p, const int64_t at[3], struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, replica_db(p->c->r), err,
	    "SELECT q.chain, q.seq, q.op, c.id FROM _quarantine AS q"
	    " JOIN _changeset AS c USING (chain, seq)"
	    " WHERE (q.chain, q.seq, q.op) > (?, ?, ?)"
	    " ORDER BY q.chain, q.seq, q.op",
	    "iii", at[0], at[1], at[2]);
	if (rc != 0)
		return rc;
	while (!p->more && (rc = db_step(st, err)) == 1) {
		rc = put_row(p, st, err);
		if (rc != 0)
			break;
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

DESK_HANDLER(api_quarantine)
{
	const char *want = http_query(c->q, "_settled");
	struct page page = {.c = c, .limit = ask_page(c), .want = -1};
	struct buf *out = &c->p->body;
	int64_t at[3], total, undecided;
	int rc;

	if (want != NULL)
		page.want = strcmp(want, "no") != 0;
	rc = ask_place(at, c, err);
	if (rc == 0)
		rc = db_get_int(&total, replica_db(c->r), err,
		    "SELECT count(*) FROM _quarantine", "");
	if (rc == 0)
		rc = settled_open(&undecided, desk_local(c), c->r, err);
	if (rc != 0)
		return rc;
	buf_puts(out, "{\"quarantine\":[");
	rc = put_rows(&page, at, err);
	buf_puts(out, "],\"next\":");
	if (page.more)
		buf_printf(out, "\"%s\"", page.last);
	else
		buf_puts(out, "null");
	buf_printf(out, ",\"total\":%lld,\"undecided\":%lld}", (long long)total,
	    (long long)undecided);
	return rc;
}

/* --- settling ---------------------------------------------------------------
 */

/* Is the record as it was when the page was made? */
static int
check_same(bool *same, struct call *c, const struct quarantine_op *q,
    const char *etag, struct err *err)
{
	struct record rec = RECORD_INIT;
	struct buf now = BUF_INIT;
	int rc;

	*same = false;
	rc = record_read(&rec, c->r, q->kind, q->id, err);
	if (rc == 0)
		rc = rec_etag(&now, c->r, &rec, err);
	if (rc == 0)
		*same = strcmp(buf_str(&now), etag) == 0;
	buf_free(&now);
	record_free(&rec);
	return rc;
}

/* An ordinary change of whoever is logged in; its line names what it takes
 * over. */
static int
take(bool *changed, struct call *c, const struct quarantine_op *q,
    struct err *err)
{
	const char *etag = json_get_text(c->in, "etag");
	char id[DIGEST_HEX_LEN + 1], *subject;
	struct write *w;
	bool same = false;
	int rc;

	if (etag == NULL)
		return err_set(err, YZ_EINVAL,
		    "etag is missing: that of the record as it was shown");
	rc = api_write_may(c, q->kind, err);
	if (rc != 0)
		return rc;
	digest_hex(id, q->changeset.b, sizeof(q->changeset.b));
	subject = mem_printf("take %s %.16s", q->kind, id);
	rc = write_new(
	    &w, c->r, c->login.user.name, c->login.user.login, subject, err);
	free(subject);
	if (rc != 0)
		return rc;
	/* The database is locked: what is compared is what is written on. */
	rc = check_same(&same, c, q, etag, err);
	if (rc == 0 && !same) {
		c->p->status = 412;
		rc = err_set(err, YZ_ECONFLICT,
		    "the record was changed since the page was made: look at "
		    "what stands now");
	}
	write_say_subject(w);
	if (rc == 0)
		rc = quarantine_take(w, changed, c->r, q, err);
	if (rc == 0)
		rc = write_commit(w, err);
	write_free(w);
	return rc;
}

static int
settle(bool *changed, struct call *c, const struct quarantine_op *q, bool takes,
    struct err *err)
{
	struct settled s = {.taken = takes, .at = clock_wall()}, had;
	int rc;

	rc = settled_get(desk_local(c), &had, &q->changeset, q->op, err);
	if (rc == 0)
		return err_set(err, YZ_ECONFLICT,
		    "%s has settled this operation already", had.name);
	if (rc != YZ_ENOTFOUND)
		return rc;
	snprintf(s.login, sizeof(s.login), "%s", c->login.user.login);
	snprintf(s.name, sizeof(s.name), "%s", c->login.user.name);
	rc = takes ? take(changed, c, q, err) : 0;
	if (rc == 0)
		rc = settled_put(desk_local(c), &q->changeset, q->op, &s, err);
	if (rc == 0)
		desk_news(c);
	return rc;
}

/* The one that the path names. */
static int
settle_named(bool *changed, struct call *c, bool takes, struct err *err)
{
	struct quarantine_op q;
	long long op;
	char *end;
	int rc;

	op = strtoll(c->arg[1], &end, 10);
	if (*end != '\0' || op < 0)
		return err_set(err, YZ_EINVAL,
		    "%.40s is no place of an operation", c->arg[1]);
	rc = quarantine_find(&q, c->r, c->arg[0], op, err);
	if (rc != 0)
		return rc;
	rc = settle(changed, c, &q, takes, err);
	quarantine_op_free(&q);
	return rc;
}

DESK_HANDLER(api_quarantine_take)
{
	bool changed = false;
	int rc = settle_named(&changed, c, true, err);

	if (rc == 0)
		buf_printf(&c->p->body, "{\"changed\":%s}",
		    changed ? "true" : "false");
	return rc;
}

DESK_HANDLER(api_quarantine_keep)
{
	bool changed;
	int rc = settle_named(&changed, c, false, err);

	if (rc == 0)
		buf_puts(&c->p->body, "{}");
	return rc;
}
