/*
 * A station in memory, for tests of the peer machine: a small federation
 * with a real roster (520000 over 520300 over 520302 and 520303), chains of
 * derived (unsigned) changesets, and the struct peer_store over them.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "limit.h"
#include "peer.h"
#include "roster_change.h"
#include "sign.h"

#define MEMORY_CHAINS 24
#define MEMORY_BLOBS 8

struct memory_chain {
	struct chain_name name;
	struct changeset *cs;
	size_t n, cap, durable; /* with what is staged; committed */
	struct changeset pair[2];
	int64_t fork; /* the pair's seq, or 0 */
};

struct memory_blob {
	char hex[DIGEST_HEX_LEN + 1];
	struct buf bytes; /* whole, or what came of it */
	bool whole, wanted;
};

struct memory { /* one station, and what it knows of one peer */
	char code[7], other[7];
	struct roster_doc docs[4]; /* root 1, 2; 520300 1, 2 */
	int root_version, city_version;
	struct roster *roster;
	struct memory_chain chains[MEMORY_CHAINS];
	size_t n_chains;
	struct memory_blob blobs[MEMORY_BLOBS];
	size_t n_blobs;
	struct peer_partial partial; /* one is enough here */
	struct buf partial_bytes;
	bool has_partial;
	int64_t decided; /* the roster has: a pair below is cut to, not kept */
	size_t news, contacts;
	size_t commits, refusals, receipts_in, receipts_out;
	char refusal[256];
	struct digest receipted[STREAM_COUNT];
	int64_t acked; /* sum of what the peer holds */
	int64_t clock, offset;
	int fail_commit;
};

/* --- a federation -------------------------------------------------------- */

static inline void
memory_key(struct sign_key *out, int n)
{
	uint8_t seed[32];

	memset(seed, n, sizeof(seed));
	sign_from_seed(out, seed);
}

static inline int
memory_enrol(struct roster_doc *out, const struct roster *roster,
    const struct roster_doc *cur, const char *scope, const char *code,
    const char *parent, int n, const struct sign_key *signer)
{
	static char inc[1][CHAIN_INC_LEN + 1] = {"1f0c9a7e"};
	struct roster_station st;
	struct roster_key k;
	struct sign_key sk;
	struct err err = {0};
	int rc;

	memset(&st, 0, sizeof(st));
	memset(&k, 0, sizeof(k));
	memcpy(st.code, code, strlen(code) + 1);
	memcpy(st.parent, parent, strlen(parent) + 1);
	st.name = (char *)"station";
	memory_key(&sk, n);
	memcpy(k.sign, sk.pub, 32);
	memory_key(&sk, n + 1);
	memcpy(k.ssh, sk.pub, 32);
	k.incs = inc;
	k.n_incs = 1;
	st.keys = &k;
	st.n_keys = 1;
	rc = roster_enrol(out, roster, cur, scope, &st, signer, &err);
	if (rc != 0)
		fprintf(stderr, "# %s\n", err.msg);
	return rc;
}

/* The documents, and the roster of the newest of each. */
static inline void
memory_federation(struct roster_doc docs[4], struct roster **out)
{
	struct sign_key root, city;
	struct roster_doc both[2];
	struct roster *r = NULL;
	struct err err;
	int rc;

	memory_key(&root, 1);
	memory_key(&city, 20);
	rc =
	    memory_enrol(&docs[0], NULL, NULL, "root", "520000", "", 10, &root);
	rc |= memory_enrol(
	    &docs[1], NULL, &docs[0], "root", "520300", "520000", 20, &root);
	rc |= roster_build(&r, &docs[1], 1, &err);
	rc |= memory_enrol(
	    &docs[2], r, NULL, "520300", "520302", "520300", 30, &city);
	roster_free(r);
	both[0] = docs[1];
	both[1] = docs[2];
	rc |= roster_build(&r, both, 2, &err);
	rc |= memory_enrol(
	    &docs[3], r, &docs[2], "520300", "520303", "520300", 40, &city);
	roster_free(r);
	both[1] = docs[3];
	rc |= roster_build(out, both, 2, &err);
	if (rc != 0)
		abort();
}

static struct roster_doc memory_docs[4];
static struct roster *memory_roster; /* of all of them */

static inline void
memory_init(struct memory *m, const char *code, const char *other)
{
	memset(m, 0, sizeof(*m));
	if (memory_roster == NULL)
		memory_federation(memory_docs, &memory_roster);
	memcpy(m->code, code, 7);
	memcpy(m->other, other, 7);
	m->root_version = m->city_version = 2;
	m->roster = memory_roster;
	m->clock = 1790000000000;
}

static inline void
memory_free(struct memory *m)
{
	size_t i, j;

	for (i = 0; i < m->n_chains; i++) {
		for (j = 0; j < m->chains[i].n; j++)
			changeset_free(&m->chains[i].cs[j]);
		free(m->chains[i].cs);
		changeset_free(&m->chains[i].pair[0]);
		changeset_free(&m->chains[i].pair[1]);
	}
	for (i = 0; i < m->n_blobs; i++)
		buf_free(&m->blobs[i].bytes);
	buf_free(&m->partial_bytes);
	memset(m, 0, sizeof(*m));
}

static inline struct memory_chain *
memory_chain(struct memory *m, const struct chain_name *name, bool make)
{
	struct memory_chain *c;
	size_t i;

	for (i = 0; i < m->n_chains; i++) {
		if (chain_equal(&m->chains[i].name, name))
			return &m->chains[i];
	}
	if (!make || m->n_chains == MEMORY_CHAINS)
		return NULL;
	c = &m->chains[m->n_chains++];
	c->name = *name;
	return c;
}

static inline void
memory_push(struct memory_chain *c, struct changeset *cs)
{
	if (c->n == c->cap) {
		c->cap = c->cap == 0 ? 16 : 2 * c->cap;
		c->cs = mem_realloc(c->cs, c->cap * sizeof(*c->cs));
	}
	c->cs[c->n++] = *cs;
	*cs = (struct changeset)CHANGESET_INIT;
}

static inline void
memory_link(struct changeset *cs, const struct memory_chain *c)
{
	if (c->n == 0)
		return;
	cs->prev = c->cs[c->n - 1].id;
	memcpy(cs->parent_oid, c->cs[c->n - 1].oid, 20);
}

/* Write a changeset with n bytes of ops that do not compress well. */
static inline void
memory_write(struct memory *m, const char *chain, const char *subject, size_t n)
{
	struct changeset cs = CHANGESET_INIT;
	struct chain_name name;
	struct memory_chain *c;
	struct err err;
	size_t i;
	uint32_t x = 12345;

	if (chain_parse(&name, chain, strlen(chain), &err) != 0)
		abort();
	c = memory_chain(m, &name, true);
	cs.chain = name;
	cs.seq = (int64_t)c->n + 1;
	memory_link(&cs, c);
	cs.author = mem_strdup("值班员甲");
	cs.login = mem_strdup("duty1");
	cs.subject = mem_strdup(subject);
	cs.time = 1790000000000 + cs.seq;
	for (i = 0; i < n; i++) {
		x = x * 1103515245u + 12345u + (uint32_t)cs.seq;
		buf_putc(&cs.ops, (char)('!' + (x >> 16) % 90));
	}
	changeset_derive(&cs);
	memory_push(c, &cs);
	c->durable = c->n;
}

static inline void
memory_blob(struct memory *m, const void *data, size_t n, bool here)
{
	struct memory_blob *b = &m->blobs[m->n_blobs++];
	struct digest d;

	digest_sha256(&d, data, n);
	digest_hex(b->hex, d.b, 32);
	b->wanted = true;
	b->whole = here;
	if (here)
		buf_put(&b->bytes, data, n);
}

/* --- the store ----------------------------------------------------------- */

static inline int64_t
memory_wall(void *arg)
{
	return ((struct memory *)arg)->clock;
}

static inline int
memory_offset(void *arg, int64_t ms, struct err *err)
{
	(void)err;
	((struct memory *)arg)->offset = ms;
	return 0;
}

static inline int
memory_scopes(void *arg, struct peer_scope **out, size_t *n, struct err *err)
{
	struct memory *m = arg;
	struct peer_scope *s = mem_calloc(2, sizeof(*s));

	(void)err;
	*n = 0;
	if (m->root_version > 0) {
		strcpy(s[*n].scope, "root");
		s[*n].version = m->root_version;
		s[(*n)++].hash = memory_docs[m->root_version - 1].hash;
	}
	if (m->city_version > 0) {
		strcpy(s[*n].scope, "520300");
		s[*n].version = m->city_version;
		s[(*n)++].hash = memory_docs[m->city_version + 1].hash;
	}
	*out = s;
	return 0;
}

static inline int
memory_roster_get(void *arg, struct roster_doc *out, const char *scope,
    int64_t version, struct err *err)
{
	struct buf b = BUF_INIT;
	int rc;

	(void)arg;
	if (version < 1 || version > 2)
		return err_set(err, YZ_ENOTFOUND, "no such roster");
	roster_doc_pack(&b,
	    &memory_docs[version - 1 + (strcmp(scope, "root") == 0 ? 0 : 2)]);
	rc = roster_doc_unpack(out, b.b, b.len, err);
	buf_free(&b);
	return rc;
}

static inline int
memory_roster_put(void *arg, const struct roster_doc *doc, struct err *err)
{
	struct memory *m = arg;
	int *v = strcmp(doc->scope, "root") == 0 ? &m->root_version
						 : &m->city_version;
	int first = strcmp(doc->scope, "root") == 0 ? 0 : 2;

	if (doc->version <= *v)
		return 0;
	if (doc->version != *v + 1 || doc->version > 2 ||
	    !digest_equal(
		&doc->hash, &memory_docs[first + doc->version - 1].hash) ||
	    (first == 2 && m->root_version < 2))
		return err_set(err, YZ_EDENIED, "that roster does not follow");
	*v = (int)doc->version;
	return 0;
}

static inline int
memory_join(
    void *arg, const void *request, size_t n, bool *confirmed, struct err *err)
{
	(void)arg;
	if (n != 7 || memcmp(request, "request", 7) != 0)
		return err_set(err, YZ_EDENIED, "no proof of possession");
	*confirmed = true;
	return 0;
}

static inline bool
memory_reaches(void *arg, const struct chain_name *chain, const char *code)
{
	return chain_reaches(((struct memory *)arg)->roster, chain, code);
}

static inline bool
memory_through(void *arg, const struct chain_name *chain)
{
	return strcmp(chain->writer, ((struct memory *)arg)->code) != 0;
}

static inline int
memory_heads(void *arg, struct peer_head **out, size_t *n, struct err *err)
{
	struct memory *m = arg;
	size_t i;

	(void)err;
	*out = mem_calloc(m->n_chains, sizeof(**out));
	*n = 0;
	for (i = 0; i < m->n_chains; i++) {
		const struct memory_chain *c = &m->chains[i];

		if ((c->durable == 0 && c->fork == 0) ||
		    !chain_reaches(m->roster, &c->name, m->other))
			continue;
		(*out)[*n].chain = c->name;
		(*out)[*n].seq = (int64_t)c->durable;
		(*out)[*n].fork = c->fork;
		if (c->durable > 0) {
			(*out)[*n].id = c->cs[c->durable - 1].id;
			memcpy((*out)[*n].oid, c->cs[c->durable - 1].oid, 20);
		}
		++*n;
	}
	return 0;
}

static inline int
memory_place(void *arg, const struct chain_name *chain, int64_t seq,
    struct digest *id, uint8_t oid[20], struct err *err)
{
	struct memory_chain *c = memory_chain(arg, chain, false);

	memset(id, 0, sizeof(*id));
	memset(oid, 0, 20);
	if (seq == 0)
		return 0;
	if (c == NULL || seq > (int64_t)c->n)
		return err_set(err, YZ_ENOTFOUND, "no such changeset");
	*id = c->cs[seq - 1].id;
	memcpy(oid, c->cs[seq - 1].oid, 20);
	return 0;
}

static inline void
memory_copy(struct changeset *out, const struct changeset *cs)
{
	*out = *cs;
	out->author = mem_strdup(cs->author);
	out->login = mem_strdup(cs->login);
	out->subject = mem_strdup(cs->subject);
	out->ops = (struct buf)BUF_INIT;
	buf_put(&out->ops, cs->ops.b, cs->ops.len);
	out->seen = NULL;
	out->n_seen = 0;
}

static inline int
memory_read(void *arg, struct changeset *out, const struct chain_name *chain,
    int64_t seq, struct err *err)
{
	struct memory_chain *c = memory_chain(arg, chain, false);

	if (c == NULL || seq < 1 || seq > (int64_t)c->durable)
		return err_set(err, YZ_ENOTFOUND, "no such changeset");
	memory_copy(out, &c->cs[seq - 1]);
	return 0;
}

/* As receive_changeset(): a subject "bad" stands for a bad signature. */
static inline int
memory_receive(void *arg, struct changeset *cs, struct err *err)
{
	struct memory *m = arg;
	struct memory_chain *c = memory_chain(m, &cs->chain, true);

	changeset_derive(cs);
	if (c == NULL)
		return err_set(err, YZ_EDENIED, "too many chains for a test");
	if (!chain_reaches(m->roster, &cs->chain, m->code))
		abort(); /* the machine let it through */
	if (strcmp(cs->subject, "bad") == 0)
		return err_set(err, YZ_EDENIED, "seq %lld: not signed by %s",
		    (long long)cs->seq, cs->chain.writer);
	if (strcmp(cs->subject, "full") == 0)
		return err_set(err, YZ_EIO, "the disk is full");
	if (cs->seq > (int64_t)c->n + 1)
		abort();
	if (cs->seq <= (int64_t)c->n)
		return digest_equal(&c->cs[cs->seq - 1].id, &cs->id)
			   ? 0
			   : err_set(err, YZ_ECONFLICT, "another stands there");
	{
		struct changeset copy;

		memory_copy(&copy, cs);
		memory_push(c, &copy);
	}
	return 0;
}

static inline int
memory_fork_get(void *arg, struct changeset *a, struct changeset *b,
    const struct chain_name *chain, struct err *err)
{
	struct memory_chain *c = memory_chain(arg, chain, false);

	if (c == NULL || c->fork == 0)
		return err_set(err, YZ_ENOTFOUND, "no fork");
	memory_copy(a, &c->pair[0]);
	memory_copy(b, &c->pair[1]);
	return 0;
}

/* As fork_take(): a subject "bad" stands for a bad signature, and what
 * follows another is not of this place. */
static inline int
memory_fork_take(
    void *arg, struct changeset *a, struct changeset *b, struct err *err)
{
	struct memory *m = arg;
	struct memory_chain *c = memory_chain(m, &a->chain, true);
	bool decided;

	if (c == NULL)
		return err_set(err, YZ_EDENIED, "too many chains for a test");
	changeset_derive(a);
	changeset_derive(b);
	if (strcmp(a->subject, "bad") == 0 || strcmp(b->subject, "bad") == 0)
		return err_set(
		    err, YZ_EDENIED, "not signed by %s", a->chain.writer);
	if (a->seq != b->seq || !digest_equal(&a->prev, &b->prev) ||
	    memcmp(a->oid, b->oid, 20) == 0)
		return err_set(err, YZ_EDENIED, "that proves no fork");
	decided = m->decided >= a->seq;
	if (decided && (int64_t)c->n >= a->seq &&
	    strcmp(c->cs[a->seq - 1].subject, "right") == 0)
		return 0;
	while ((int64_t)c->n >= a->seq)
		changeset_free(&c->cs[--c->n]);
	c->durable = c->n;
	if (decided)
		return 0;
	if (c->fork != 0 && c->fork <= a->seq)
		return 0;
	changeset_free(&c->pair[0]);
	changeset_free(&c->pair[1]);
	memory_copy(&c->pair[0], a);
	memory_copy(&c->pair[1], b);
	c->fork = a->seq;
	return 0;
}

static inline int
memory_commit(void *arg, struct err *err)
{
	struct memory *m = arg;
	size_t i;

	if (m->fail_commit)
		return err_set(err, YZ_EIO, "the disk is full");
	for (i = 0; i < m->n_chains; i++)
		m->chains[i].durable = m->chains[i].n;
	m->commits++;
	return 0;
}

static inline void
memory_rollback(void *arg)
{
	struct memory *m = arg;
	size_t i;

	for (i = 0; i < m->n_chains; i++) {
		struct memory_chain *c = &m->chains[i];

		while (c->n > c->durable)
			changeset_free(&c->cs[--c->n]);
	}
}

static inline int
memory_news(void *arg, const struct chain_name *chain, struct err *err)
{
	(void)chain;
	(void)err;
	((struct memory *)arg)->news++;
	return 0;
}

static inline int
memory_contact(void *arg, struct err *err)
{
	(void)err;
	((struct memory *)arg)->contacts++;
	return 0;
}

static inline int
memory_acked(void *arg, const struct peer_head *v, size_t n, struct err *err)
{
	struct memory *m = arg;
	size_t i;

	(void)err;
	m->acked = 0;
	for (i = 0; i < n; i++)
		m->acked += v[i].seq;
	return 0;
}

static inline int
memory_refused(void *arg, const char *chain, int64_t seq, const char *reason,
    struct err *err)
{
	struct memory *m = arg;

	(void)chain;
	(void)seq;
	(void)err;
	m->refusals++;
	snprintf(m->refusal, sizeof(m->refusal), "%s", reason);
	return 0;
}

static inline int
memory_partials(
    void *arg, struct peer_partial **out, size_t *n, struct err *err)
{
	struct memory *m = arg;

	(void)err;
	*out = mem_calloc(1, sizeof(**out));
	**out = m->partial;
	*n = m->has_partial;
	return 0;
}

static inline int
memory_partial_get(void *arg, const struct chain_name *chain, struct buf *bytes,
    struct err *err)
{
	struct memory *m = arg;

	if (!m->has_partial || !chain_equal(&m->partial.chain, chain))
		return err_set(err, YZ_ENOTFOUND, "no partial run");
	buf_put(bytes, m->partial_bytes.b, m->partial_bytes.len);
	return 0;
}

static inline int
memory_partial_put(void *arg, const struct peer_partial *partial,
    const void *data, struct err *err)
{
	struct memory *m = arg;

	(void)err;
	m->partial = *partial;
	m->has_partial = true;
	buf_clear(&m->partial_bytes);
	buf_put(&m->partial_bytes, data, partial->held);
	return 0;
}

static inline int
memory_partial_drop(void *arg, const struct chain_name *chain, struct err *err)
{
	struct memory *m = arg;

	(void)err;
	if (m->has_partial && chain_equal(&m->partial.chain, chain))
		m->has_partial = false;
	return 0;
}

static inline struct memory_blob *
memory_blob_find(struct memory *m, const char *hex)
{
	size_t i;

	for (i = 0; i < m->n_blobs; i++) {
		if (strcmp(m->blobs[i].hex, hex) == 0)
			return &m->blobs[i];
	}
	return NULL;
}

static inline int
memory_blob_missing(void *arg, struct buf *out, size_t max, struct err *err)
{
	struct memory *m = arg;
	size_t i;

	(void)max;
	(void)err;
	for (i = 0; i < m->n_blobs; i++) {
		if (m->blobs[i].wanted && !m->blobs[i].whole)
			buf_puts(out, m->blobs[i].hex);
	}
	return 0;
}

static inline int64_t
memory_blob_held(void *arg, const char *hex)
{
	struct memory_blob *b = memory_blob_find(arg, hex);

	return b == NULL ? 0 : (int64_t)b->bytes.len;
}

static inline int
memory_blob_append(
    void *arg, const char *hex, const void *data, size_t n, struct err *err)
{
	(void)err;
	buf_put(&memory_blob_find(arg, hex)->bytes, data, n);
	return 0;
}

static inline int
memory_blob_finish(void *arg, const char *hex, struct err *err)
{
	struct memory_blob *b = memory_blob_find(arg, hex);
	char got[DIGEST_HEX_LEN + 1];
	struct digest d;

	digest_sha256(&d, b->bytes.b, b->bytes.len);
	digest_hex(got, d.b, 32);
	if (strcmp(got, hex) != 0) {
		buf_clear(&b->bytes);
		return err_set(err, YZ_ECORRUPT, "that is not blob %s", hex);
	}
	b->whole = true;
	return 0;
}

static inline int
memory_blob_read(void *arg, struct buf *out, int64_t *size, const char *hex,
    int64_t offset, size_t max, struct err *err)
{
	struct memory_blob *b = memory_blob_find(arg, hex);
	size_t n;

	if (b == NULL || !b->whole)
		return err_set(err, YZ_ENOTFOUND, "no blob %s", hex);
	*size = (int64_t)b->bytes.len;
	if (offset >= *size)
		return 0;
	n = b->bytes.len - (size_t)offset;
	buf_put(out, b->bytes.b + offset, n < max ? n : max);
	return 0;
}

static inline bool
memory_blob_reaches(void *arg, const char *hex)
{
	struct memory_blob *b = memory_blob_find(arg, hex);

	return b != NULL && b->wanted;
}

static inline int
memory_receipt_make(void *arg, struct buf *text, uint8_t key[32],
    uint8_t sig[64], bool *news, enum stream stream,
    const struct peer_head *heads, size_t n, struct err *err)
{
	struct memory *m = arg;
	struct digest d;
	size_t i;

	(void)err;
	memset(key, 1, 32);
	memset(sig, 2, 64);
	for (i = 0; i < n; i++) {
		char name[CHAIN_NAME_MAX];

		chain_format(name, &heads[i].chain);
		buf_printf(text, "%s %lld\n", name, (long long)heads[i].seq);
	}
	digest_sha256(&d, text->b, text->len);
	*news = !digest_equal(&d, &m->receipted[stream]);
	m->receipted[stream] = d;
	m->receipts_out += *news;
	return 0;
}

static inline int
memory_receipt_take(void *arg, const void *text, size_t n,
    const uint8_t key[32], const uint8_t sig[64], struct err *err)
{
	struct memory *m = arg;

	(void)text;
	(void)n;
	if (key[0] != 1 || sig[63] != 2)
		return err_set(err, YZ_EDENIED, "that receipt is not signed");
	m->receipts_in++;
	return 0;
}

static inline int
memory_receipts_kept(void *arg, struct err *err)
{
	(void)arg;
	(void)err;
	return 0;
}

static inline void
memory_store(struct peer_store *s, struct memory *m)
{
	*s = (struct peer_store){
	    .arg = m,
	    .wall = memory_wall,
	    .offset = memory_offset,
	    .scopes = memory_scopes,
	    .roster_get = memory_roster_get,
	    .roster_put = memory_roster_put,
	    .join = memory_join,
	    .reaches = memory_reaches,
	    .through = memory_through,
	    .heads = memory_heads,
	    .place = memory_place,
	    .read = memory_read,
	    .receive = memory_receive,
	    .fork_get = memory_fork_get,
	    .fork_take = memory_fork_take,
	    .commit = memory_commit,
	    .rollback = memory_rollback,
	    .news = memory_news,
	    .contact = memory_contact,
	    .acked = memory_acked,
	    .refused = memory_refused,
	    .partials = memory_partials,
	    .partial_get = memory_partial_get,
	    .partial_put = memory_partial_put,
	    .partial_drop = memory_partial_drop,
	    .blob_missing = memory_blob_missing,
	    .blob_held = memory_blob_held,
	    .blob_append = memory_blob_append,
	    .blob_finish = memory_blob_finish,
	    .blob_read = memory_blob_read,
	    .blob_reaches = memory_blob_reaches,
	    .receipt_make = memory_receipt_make,
	    .receipt_take = memory_receipt_take,
	    .receipts_kept = memory_receipts_kept,
	};
}

/* Do both hold the same of every chain that both may hold? */
static inline bool
memory_same(const struct memory *a, const struct memory *b)
{
	size_t i, common = 0, other = 0;

	for (i = 0; i < a->n_chains; i++) {
		const struct memory_chain *x = &a->chains[i], *y;

		if (!chain_reaches(a->roster, &x->name, b->code))
			continue;
		y = memory_chain((struct memory *)b, &x->name, false);
		if (y != NULL && y->fork != x->fork)
			return false;
		if (x->durable == 0)
			continue;
		common++;
		if (y == NULL || y->durable != x->durable ||
		    !digest_equal(
			&x->cs[x->durable - 1].id, &y->cs[y->durable - 1].id))
			return false;
	}
	for (i = 0; i < b->n_chains; i++)
		other += b->chains[i].durable > 0 &&
			 chain_reaches(a->roster, &b->chains[i].name, a->code);
	return common == other;
}

#endif
