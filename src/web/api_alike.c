/* Those in quarantine that are alike one of them, of one reason or of one
 * author, and to settle them together. */
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
#include "desk.h"
#include "model/quarantine.h"
#include "replica.h"
#include "settled.h"

/* At once: each is an entry of the audit log. */
#define ALIKE_MOST 500
/* What each of them would have been settled by alone. */
#define KEEP_PATH "/api/quarantine/*/*/keep"

struct place {
	struct digest changeset;
	int64_t op;
};

struct alike {
	struct place *v;
	size_t n;
	bool more; /* than ALIKE_MOST */
	char etag[DIGEST_HEX_LEN + 1];
};

static int
same_author(bool *same, struct replica *r, struct db_stmt *st,
    const struct quarantine_op *q, struct err *err)
{
	struct quarantine_op other;
	int rc;

	rc = quarantine_at(
	    &other, r, db_int(st, 0), db_int(st, 1), db_int(st, 2), err);
	if (rc != 0)
		return rc;
	*same = strcmp(other.author, q->author) == 0;
	quarantine_op_free(&other);
	return 0;
}

static int
take_row(struct alike *out, struct call *c, struct db_stmt *st,
    const struct quarantine_op *q, bool by_author, struct err *err)
{
	struct place p = {.op = db_int(st, 2)};
	struct settled settled;
	struct err why;
	bool same = true;
	size_t n;
	const void *b = db_blob(st, 3, &n);
	int rc;

	if (n == sizeof(p.changeset.b))
		memcpy(p.changeset.b, b, n);
	rc = settled_get(desk_local(c), &settled, &p.changeset, p.op, &why);
	if (rc != YZ_ENOTFOUND) {
		if (rc != 0)
			*err = why;
		return rc;
	}
	rc = by_author ? same_author(&same, c->r, st, q, err) : 0;
	if (rc != 0 || !same)
		return rc;
	if (out->n == ALIKE_MOST)
		out->more = true;
	else
		out->v[out->n++] = p;
	return 0;
}

/* Says which they are, so that those are settled that somebody was told of. */
static void
make_etag(struct alike *out)
{
	struct digest_ctx *ctx = digest_begin();
	struct digest d;
	char op[32];
	size_t i;

	for (i = 0; i < out->n; i++) {
		digest_add(
		    ctx, out->v[i].changeset.b, sizeof(out->v[i].changeset.b));
		snprintf(op, sizeof(op), ".%lld,", (long long)out->v[i].op);
		digest_add(ctx, op, strlen(op));
	}
	digest_end(ctx, &d);
	digest_hex(out->etag, d.b, sizeof(d.b));
}

/* An author is one of a station's people: another's may have the same name. */
static int
alike_find(struct alike *out, struct call *c, const struct quarantine_op *q,
    bool by_author, struct err *err)
{
	char chain[CHAIN_NAME_MAX];
	struct db_stmt *st;
	int rc;

	memset(out, 0, sizeof(*out));
	snprintf(chain, sizeof(chain), "%s-*", q->name.writer);
	rc = db_query(&st, replica_db(c->r), err,
	    "SELECT q.chain, q.seq, q.op, c.id FROM _quarantine AS q"
	    " JOIN _changeset AS c USING (chain, seq)"
	    " JOIN _chain AS h ON h.no = q.chain"
	    " WHERE CASE WHEN ? THEN h.name GLOB ? ELSE q.reason = ? END"
	    " ORDER BY q.chain, q.seq, q.op",
	    "iss", (int64_t)by_author, chain, q->reason);
	if (rc != 0)
		return rc;
	out->v = mem_calloc(ALIKE_MOST, sizeof(*out->v));
	while (!out->more && (rc = db_step(st, err)) == 1) {
		rc = take_row(out, c, st, q, by_author, err);
		if (rc != 0)
			break;
	}
	db_done(st);
	make_etag(out);
	return rc < 0 ? rc : 0;
}

/* The one that the path names, and whether its author or its reason is what
 * they have in common. */
static int
named(struct quarantine_op *q, bool *by_author, struct call *c, const char *by,
    struct err *err)
{
	long long op;
	char *end;

	op = strtoll(c->arg[1], &end, 10);
	if (*end != '\0' || op < 0)
		return err_set(err, YZ_EINVAL,
		    "%.40s is no place of an operation", c->arg[1]);
	*by_author = by != NULL && strcmp(by, "author") == 0;
	if (!*by_author && (by == NULL || strcmp(by, "reason") != 0))
		return err_set(err, YZ_EINVAL,
		    "by says what they have in common: reason or author");
	return quarantine_find(q, c->r, c->arg[0], op, err);
}

DESK_HANDLER(api_quarantine_alike)
{
	struct quarantine_op q;
	struct alike alike;
	bool by_author;
	int rc;

	rc = named(&q, &by_author, c, http_query(c->q, "by"), err);
	if (rc != 0)
		return rc;
	rc = alike_find(&alike, c, &q, by_author, err);
	if (rc == 0)
		buf_printf(&c->p->body,
		    "{\"count\":%zu,\"more\":%s,\"etag\":\"%s\"}", alike.n,
		    alike.more ? "true" : "false", alike.etag);
	free(alike.v);
	quarantine_op_free(&q);
	return rc;
}

/* Each as if it were the only one, in the audit log too. */
static int
keep_all(struct call *c, const struct alike *alike, struct err *err)
{
	struct settled s = {.taken = false, .at = clock_wall()};
	char id[DIGEST_HEX_LEN + 1];
	size_t i;
	int rc = 0;

	snprintf(s.login, sizeof(s.login), "%s", c->login.user.login);
	snprintf(s.name, sizeof(s.name), "%s", c->login.user.name);
	for (i = 0; i < alike->n && rc == 0; i++) {
		const struct place *p = &alike->v[i];

		digest_hex(id, p->changeset.b, sizeof(p->changeset.b));
		rc = desk_log(c, s.login, KEEP_PATH, id, "asked", err);
		if (rc == 0)
			rc = settled_put(
			    desk_local(c), &p->changeset, p->op, &s, err);
		if (rc == 0)
			rc = desk_log(c, s.login, KEEP_PATH, id, "done", err);
	}
	if (i > 0)
		desk_news(c);
	return rc;
}

DESK_HANDLER(api_quarantine_keep_alike)
{
	const char *etag = json_get_text(c->in, "etag");
	struct quarantine_op q;
	struct alike alike;
	bool by_author;
	int rc;

	if (etag == NULL)
		return err_set(err, YZ_EINVAL,
		    "etag is missing: that of those alike as they were counted");
	rc = named(&q, &by_author, c, json_get_text(c->in, "by"), err);
	if (rc != 0)
		return rc;
	rc = alike_find(&alike, c, &q, by_author, err);
	if (rc == 0 && strcmp(etag, alike.etag) != 0) {
		c->p->status = 412;
		rc = err_set(err, YZ_ECONFLICT,
		    "others are held or settled since they were counted: look "
		    "again");
	}
	if (rc == 0)
		rc = keep_all(c, &alike, err);
	if (rc == 0)
		buf_printf(&c->p->body, "{\"settled\":%zu}", alike.n);
	free(alike.v);
	quarantine_op_free(&q);
	return rc;
}
