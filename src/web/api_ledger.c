/* The ledger: changesets, and what each did to which record. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/digest.h"
#include "base/err.h"
#include "canon.h"
#include "changeset.h"
#include "desk.h"
#include "model/kind.h"
#include "model/record.h"
#include "op.h"
#include "replica.h"
#include "sign.h"

#define PAGE 50
#define PAGE_MAX 200

static void
put_member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, ",\"%s\":", name);
	canon_put_text(out, text, strlen(text));
}

/* What was read was only parsed: whoever can write the disk can have put it
 * there. */
static void
put_verified(
    struct buf *out, const struct replica *r, const struct changeset *cs)
{
	buf_printf(
	    out, ",\"verified\":%s", replica_signed(r, cs) ? "true" : "false");
}

/* The head of a changeset, as an object left open. */
static void
put_changeset(struct buf *out, const struct changeset *cs)
{
	char id[DIGEST_HEX_LEN + 1], when[CLOCK_LEN], chain[CHAIN_NAME_MAX];

	digest_hex(id, cs->id.b, sizeof(cs->id.b));
	clock_format(when, cs->time);
	chain_format(chain, &cs->chain);
	buf_printf(out, "{\"id\":\"%s\",\"chain\":\"%s\",\"seq\":%lld", id,
	    chain, (long long)cs->seq);
	buf_printf(out, ",\"time\":\"%s\",\"station\":\"%s\",\"stream\":\"%s\"",
	    when, cs->chain.writer, stream_name(cs->chain.stream));
	put_member(out, "author", cs->author);
	put_member(out, "subject", cs->subject);
}

/* --- a record's history
 * ------------------------------------------------------------ */

struct history {
	const struct replica *r;
	struct buf *out;
	size_t n;
};

static int
put_history(void *arg, const struct changeset *cs, const struct op *op,
    bool accepted, struct err *err)
{
	struct history *h = arg;

	(void)err;
	if (h->n++ > 0)
		buf_putc(h->out, ',');
	put_changeset(h->out, cs);
	put_verified(h->out, h->r, cs);
	buf_printf(
	    h->out, ",\"accepted\":%s,\"op\":", accepted ? "true" : "false");
	buf_put(h->out, op->line, op->line_len);
	buf_putc(h->out, '}');
	return 0;
}

DESK_HANDLER(api_history)
{
	struct history h = {c->r, &c->p->body, 0};
	struct record rec = RECORD_INIT;
	int rc;

	rc = record_read(&rec, c->r, c->arg[0], c->arg[1], err);
	buf_puts(&c->p->body, "{\"history\":[");
	if (rc == 0)
		rc = replica_history(
		    c->r, rec.kind->name, rec.id, put_history, &h, err);
	buf_puts(&c->p->body, "]}");
	record_free(&rec);
	return rc;
}

/* --- the timeline
 * -------------------------------------------------------------------- */

static int64_t
ask(struct call *c, const char *name, int64_t otherwise)
{
	const char *s = http_query(c->q, name);
	char *end;
	int64_t n;

	if (s == NULL)
		return otherwise;
	n = strtoll(s, &end, 10);
	return end == s || *end != '\0' || n < 0 ? otherwise : n;
}

/* Columns of a row of the timeline. */
enum {
	AT_PLACE,
	AT_NAME,
	AT_SEQ,
	AT_OPS,
	AT_CHAIN,
	AT_ID,
	AT_TIME,
	AT_AUTHOR,
	AT_SUBJECT
};

/* From the ledger, where an earlier program has kept it: this reads all of
 * it. */
static int
put_old_row(struct call *c, struct db_stmt *st, const struct chain_name *chain,
    struct err *err)
{
	struct changeset cs;
	int rc;

	rc = replica_read(c->r, &cs, chain, db_int(st, AT_SEQ), err);
	if (rc != 0)
		return rc;
	put_changeset(&c->p->body, &cs);
	changeset_free(&cs);
	return 0;
}

static int
put_row(struct call *c, struct db_stmt *st, struct err *err)
{
	const char *text = db_text(st, AT_NAME);
	struct changeset cs = {.seq = db_int(st, AT_SEQ),
	    .time = db_int(st, AT_TIME),
	    .author = (char *)db_text(st, AT_AUTHOR),
	    .subject = (char *)db_text(st, AT_SUBJECT)};
	int rc;

	db_bytes(cs.id.b, sizeof(cs.id.b), st, AT_ID);
	rc = chain_parse(&cs.chain, text, strlen(text), err);
	if (rc != 0)
		return rc;
	if (cs.author != NULL && cs.subject != NULL)
		put_changeset(&c->p->body, &cs);
	else
		rc = put_old_row(c, st, &cs.chain, err);
	buf_printf(
	    &c->p->body, ",\"ops\":%lld}", (long long)db_int(st, AT_OPS));
	return rc;
}

/* Where a page goes on: TIME.CHAIN.SEQ of the last row before, by which the
 * rows are sorted: what comes meanwhile moves none of them. */
struct mark {
	long long time, chain, seq;
};

static int
ask_mark(struct mark *out, struct call *c, struct err *err)
{
	const char *s = http_query(c->q, "_after");
	char rest;

	out->time = out->chain = out->seq = INT64_MAX;
	if (s == NULL)
		return 0;
	if (sscanf(s, "%18lld.%18lld.%18lld%c", &out->time, &out->chain,
		&out->seq, &rest) != 3)
		return err_set(err, YZ_EINVAL,
		    "_after is what next of the page before said");
	return 0;
}

/* Newest first, by the time their authors' stations meant. */
DESK_HANDLER(api_changesets)
{
	int64_t limit = ask(c, "_limit", PAGE), n = 0;
	struct mark mark;
	struct db_stmt *st;
	int rc;

	if (limit < 1 || limit > PAGE_MAX)
		limit = PAGE_MAX;
	rc = ask_mark(&mark, c, err);
	if (rc == 0)
		rc = db_query(&st, replica_db(c->r), err,
		    "SELECT c.time + c.offset, h.name, c.seq, c.ops, c.chain,"
		    " c.id, c.time, c.author, c.subject"
		    " FROM _changeset AS c CROSS JOIN _chain AS h"
		    " ON h.no = c.chain"
		    " WHERE c.time + c.offset <= ?1"
		    " AND (c.time + c.offset, c.chain, c.seq) < (?1, ?2, ?3)"
		    " ORDER BY c.time + c.offset DESC, c.chain DESC,"
		    " c.seq DESC LIMIT ?4",
		    "iiii", (int64_t)mark.time, (int64_t)mark.chain,
		    (int64_t)mark.seq, limit + 1);
	if (rc != 0)
		return rc;
	buf_puts(&c->p->body, "{\"changesets\":[");
	while ((rc = db_step(st, err)) == 1 && n < limit) {
		if (n++ > 0)
			buf_putc(&c->p->body, ',');
		mark.time = db_int(st, AT_PLACE);
		mark.chain = db_int(st, AT_CHAIN);
		mark.seq = db_int(st, AT_SEQ);
		rc = put_row(c, st, err);
		if (rc != 0)
			break;
	}
	db_done(st);
	if (rc == 1)
		buf_printf(&c->p->body, "],\"next\":\"%lld.%lld.%lld\"}",
		    mark.time, mark.chain, mark.seq);
	else
		buf_puts(&c->p->body, "],\"next\":null}");
	return rc < 0 ? rc : 0;
}

static void
put_ops(struct buf *out, const struct buf *ops)
{
	const char *p = (const char *)ops->b, *end = p + ops->len, *nl;

	/* Each line is an object of canonical JSON already. */
	buf_puts(out, ",\"ops\":[");
	while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		buf_put(out, p, (size_t)(nl - p));
		p = nl + 1;
		if (p < end)
			buf_putc(out, ',');
	}
	buf_putc(out, ']');
}

static void
put_seen(struct buf *out, const struct changeset *cs)
{
	char name[CHAIN_NAME_MAX];
	size_t i;

	buf_puts(out, ",\"seen\":[");
	for (i = 0; i < cs->n_seen; i++) {
		chain_format(name, &cs->seen[i].chain);
		buf_printf(out, "%s{\"chain\":\"%s\",\"seq\":%lld}",
		    i == 0 ? "" : ",", name, (long long)cs->seen[i].seq);
	}
	buf_putc(out, ']');
}

DESK_HANDLER(api_changeset)
{
	struct buf text = BUF_INIT, key = BUF_INIT;
	struct chain_name chain;
	struct changeset cs;
	int64_t seq;
	int rc;

	rc = replica_find(c->r, &chain, &seq, c->arg[0], err);
	if (rc == 0)
		rc = replica_read(c->r, &cs, &chain, seq, err);
	if (rc != 0)
		return rc;
	put_changeset(&c->p->body, &cs);
	put_verified(&c->p->body, c->r, &cs);
	put_ops(&c->p->body, &cs.ops);
	put_seen(&c->p->body, &cs);
	changeset_derive_content(&cs, &text);
	sign_public_line(&key, cs.key);
	put_member(&c->p->body, "text", buf_str(&text));
	put_member(&c->p->body, "key", buf_str(&key));
	buf_putc(&c->p->body, '}');
	buf_free(&text);
	buf_free(&key);
	changeset_free(&cs);
	return 0;
}
