#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fork.h"
#include "home.h"
#include "replica_impl.h"
#include "resign.h"
#include "tail.h"

static const struct roster_key *
current(const struct replica *r)
{
	const struct roster_station *st = roster_find(r->roster, r->home->code);

	return st == NULL ? NULL : roster_current(st);
}

/* Up to where the keys before the current one count. */
static int64_t
listed_end(const struct replica *r, const struct chain_name *chain)
{
	const struct roster_end *end;
	int64_t last = 0;
	size_t i;

	for (i = 0; (end = roster_end(r->roster, chain, i)) != NULL; i++)
		if (end->seq > last)
			last = end->seq;
	return last;
}

static int
collect_chain(
    struct tail *out, struct replica *r, const struct chain *c, struct err *err)
{
	int64_t seq = listed_end(r, &c->name);
	int rc = 0;

	while (rc == 0 && ++seq <= c->head) {
		out->v = mem_realloc(out->v, (out->n + 1) * sizeof(*out->v));
		memset(&out->v[out->n], 0, sizeof(*out->v));
		rc = replica_load(r, &out->v[out->n], c, seq, err);
		if (rc == 0)
			out->n++;
	}
	return rc;
}

int
tail_collect(struct tail *out, struct replica *r, struct err *err)
{
	const struct roster_key *key = current(r);
	struct home_next next;
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	if (key == NULL || memcmp(key->sign, r->home->sign.pub, 32) == 0)
		return 0;
	rc = home_next_load(&next, r->home, err);
	if (rc != 0)
		return rc == YZ_ENOTFOUND ? 0 : rc;
	if (memcmp(next.sign.pub, key->sign, 32) == 0) {
		bool same = strcmp(next.inc, r->home->inc) == 0;

		out->key = next.sign;
		if (!same)
			memcpy(out->inc, next.inc, sizeof(out->inc));
		for (i = 0; rc == 0 && same && i < r->n_chains; i++) {
			const struct chain *c = &r->chains[i];

			if (strcmp(c->name.writer, r->home->code) == 0 &&
			    strcmp(c->name.inc, r->home->inc) == 0)
				rc = collect_chain(out, r, c, err);
		}
	}
	explicit_bzero(&next, sizeof(next));
	if (rc != 0)
		tail_free(out);
	return rc;
}

static int
store_one(
    struct tail *tail, struct replica *r, struct changeset *cs, struct err *err)
{
	struct ops ops = {NULL, 0, NULL};
	struct buf commit = BUF_INIT;
	struct chain *c;
	int rc;

	rc = replica_truncate(r, &cs->chain, cs->seq - 1, err);
	c = replica_chain_find(r, &cs->chain);
	/* Cut back further than to the end: another branch counts. */
	if (rc != 0 || c == NULL || c->head != cs->seq - 1 ||
	    !digest_equal(&c->id, &cs->prev))
		return rc;
	memcpy(cs->parent_oid, c->oid, sizeof(cs->parent_oid));
	rc = changeset_sign(cs, &tail->key, err);
	if (rc == 0)
		rc = ops_parse(&ops, buf_str(&cs->ops), cs->ops.len, err);
	if (rc == 0) {
		changeset_commit(&commit, cs);
		rc = store_changeset(r, cs, &commit, &ops, err);
	}
	buf_free(&commit);
	ops_free(&ops);
	return rc;
}

int
tail_store(struct tail *tail, struct replica *r, struct err *err)
{
	struct sign_key before = r->home->sign;
	size_t i;
	int rc = 0;

	if (tail->inc[0] != '\0') {
		/* What is set aside is signed by the key that comes. */
		r->home->sign = tail->key;
		rc = resign_begin(r, tail->inc, err);
		r->home->sign = before;
	}
	explicit_bzero(&before, sizeof(before));
	for (i = 0; rc == 0 && i < tail->n; i++)
		rc = store_one(tail, r, &tail->v[i], err);
	return rc;
}

void
tail_free(struct tail *tail)
{
	size_t i;

	for (i = 0; i < tail->n; i++)
		changeset_free(&tail->v[i]);
	free(tail->v);
	explicit_bzero(tail, sizeof(*tail));
}

int
tail_follow(struct replica *r, struct err *err)
{
	const struct roster_key *key = current(r);

	return key == NULL ? 0 : home_follow(r->home, key->sign, key->ssh, err);
}
