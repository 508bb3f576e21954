/* The chains of a session: who holds how much of each. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "peer_state.h"

/* Index of the first entry not before text. */
static size_t
lower_bound(const struct peer *p, const char *text)
{
	size_t lo = 0, hi = p->n_chains;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(p->chains[mid]->text, text) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct peer_chain *
peer_table_find(struct peer *p, const struct chain_name *name)
{
	char text[CHAIN_NAME_MAX];
	size_t at;

	chain_format(text, name);
	at = lower_bound(p, text);
	if (at == p->n_chains || strcmp(p->chains[at]->text, text) != 0)
		return NULL;
	return p->chains[at];
}

struct peer_chain *
peer_table_get(struct peer *p, const struct chain_name *name)
{
	char text[CHAIN_NAME_MAX];
	struct peer_chain *c;
	size_t at;

	chain_format(text, name);
	at = lower_bound(p, text);
	if (at < p->n_chains && strcmp(p->chains[at]->text, text) == 0)
		return p->chains[at];
	if (p->n_chains == LIMIT_HEADS)
		return NULL;
	if (p->n_chains == p->cap_chains) {
		p->cap_chains = p->cap_chains == 0 ? 64 : 2 * p->cap_chains;
		p->chains =
		    mem_realloc(p->chains, p->cap_chains * sizeof(*p->chains));
	}
	memmove(&p->chains[at + 1], &p->chains[at],
	    (p->n_chains - at) * sizeof(*p->chains));
	p->n_chains++;
	c = p->chains[at] = mem_calloc(1, sizeof(*c));
	c->name = *name;
	memcpy(c->text, text, sizeof(c->text));
	return c;
}

/* Is what was here of a chain no longer here: cut off, and perhaps another
 * branch taken in since? */
static int
went_back(struct peer *p, const struct peer_chain *c,
    const struct peer_head *head, bool *back, struct err *err)
{
	struct digest id;
	uint8_t oid[20];
	int rc;

	*back = head->seq < c->mine;
	if (*back || c->mine == 0)
		return 0;
	if (head->seq == c->mine) {
		*back = !digest_equal(&head->id, &c->mine_id) ||
			memcmp(head->oid, c->mine_oid, sizeof(oid)) != 0;
		return 0;
	}
	rc = p->s.place(p->s.arg, &c->name, c->mine, &id, oid, err);
	if (rc != 0 && rc != YZ_ENOTFOUND)
		return rc;
	*back = rc == YZ_ENOTFOUND || !digest_equal(&id, &c->mine_id) ||
		memcmp(oid, c->mine_oid, sizeof(oid)) != 0;
	return 0;
}

static int
load_one(struct peer *p, struct peer_chain *c, const struct peer_head *head,
    struct err *err)
{
	bool back;
	int rc;

	rc = went_back(p, c, head, &back, err);
	if (rc != 0)
		return rc;
	if (back) {
		/* What the other was sent, and has, is another thing now. */
		c->stopped = c->shut = true;
		c->theirs = 0;
		p->result.again = true;
	}
	c->listed = true;
	c->head = c->mine = head->seq;
	c->mine_id = head->id;
	memcpy(c->mine_oid, head->oid, sizeof(c->mine_oid));
	c->mine_fork = head->fork;
	if (c->most < head->seq)
		c->most = head->seq;
	if (c->most < head->fork)
		c->most = head->fork;
	return 0;
}

int
peer_table_load(struct peer *p, struct err *err)
{
	static const struct peer_head none;
	struct peer_head *heads = NULL;
	size_t n = 0, i;
	int rc;

	rc = p->s.heads(p->s.arg, &heads, &n, err);
	if (rc != 0)
		return rc;
	for (i = 0; i < p->n_chains; i++)
		p->chains[i]->listed = false;
	for (i = 0; i < n && rc == 0; i++) {
		struct peer_chain *c = peer_table_get(p, &heads[i].chain);

		if (c == NULL)
			rc = err_set(
			    err, YZ_EINVAL, "more than %d chains", LIMIT_HEADS);
		else
			rc = load_one(p, c, &heads[i], err);
	}
	for (i = 0; i < p->n_chains && rc == 0; i++) {
		if (!p->chains[i]->listed)
			rc = load_one(p, p->chains[i], &none, err);
	}
	free(heads);
	return rc;
}

static void
add_line(struct digest_ctx *ctx, const struct peer_chain *c, int64_t seq,
    const struct digest *id, const uint8_t oid[20])
{
	char hex[DIGEST_HEX_LEN + 1], address[41];
	struct buf line = BUF_INIT;

	digest_hex(hex, id->b, sizeof(id->b));
	digest_hex(address, oid, 20);
	buf_printf(
	    &line, "%s %lld %s %s", c->text, (long long)seq, hex, address);
	if (c->mine_fork != 0)
		buf_printf(&line, " fork %lld", (long long)c->mine_fork);
	buf_putc(&line, '\n');
	digest_add(ctx, line.b, line.len);
	buf_free(&line);
}

void
peer_table_heads(const struct peer *p, struct digest out[STREAM_COUNT])
{
	struct digest_ctx *ctx[STREAM_COUNT];
	size_t i;
	int s;

	for (s = 0; s < STREAM_COUNT; s++)
		ctx[s] = digest_begin();
	for (i = 0; i < p->n_chains; i++) {
		const struct peer_chain *c = p->chains[i];

		if (c->mine > 0 || c->mine_fork > 0)
			add_line(ctx[c->name.stream], c, c->mine, &c->mine_id,
			    c->mine_oid);
	}
	for (s = 0; s < STREAM_COUNT; s++)
		digest_end(ctx[s], &out[s]);
}

int
peer_table_named(
    struct peer *p, struct digest out[STREAM_COUNT], struct err *err)
{
	struct digest_ctx *ctx[STREAM_COUNT];
	size_t i;
	int s, rc = 0;

	for (s = 0; s < STREAM_COUNT; s++)
		ctx[s] = digest_begin();
	for (i = 0; i < p->n_chains && rc == 0; i++) {
		const struct peer_chain *c = p->chains[i];
		struct digest id;
		uint8_t oid[20];

		if (c->named > c->head || (c->named == 0 && c->named_fork == 0))
			continue;
		rc = p->s.place(p->s.arg, &c->name, c->named, &id, oid, err);
		if (rc == 0)
			add_line(ctx[c->name.stream], c, c->named, &id, oid);
		else if (rc == YZ_ENOTFOUND)
			rc = 0;
	}
	for (s = 0; s < STREAM_COUNT; s++)
		digest_end(ctx[s], &out[s]);
	return rc;
}

void
peer_table_assume(struct peer *p, enum stream stream)
{
	size_t i;

	for (i = 0; i < p->n_chains; i++) {
		struct peer_chain *c = p->chains[i];

		if (c->name.stream != stream)
			continue;
		c->named = c->mine;
		c->named_id = c->mine_id;
		memcpy(c->named_oid, c->mine_oid, sizeof(c->named_oid));
		c->named_fork = c->their_fork = c->mine_fork;
	}
}

void
peer_table_free(struct peer *p)
{
	size_t i;

	for (i = 0; i < p->n_chains; i++) {
		free(p->chains[i]->resume);
		free(p->chains[i]->doubt);
		free(p->chains[i]);
	}
	free(p->chains);
}
