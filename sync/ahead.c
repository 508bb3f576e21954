#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ahead.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "changeset.h"
#include "limit.h"
#include "run.h"
#include "sign.h"

struct next { /* a changeset to come */
	struct digest id;
	uint8_t sig[64];
	struct buf text; /* without signature */
};

struct ahead {
	pthread_t thread;
	struct run run;
	struct buf plain;
	struct digest id; /* of the changeset before, as the run unfolds */
	uint8_t oid[20];
	uint8_t keys[LIMIT_ROSTER_KEYS][32];
	size_t n_keys;
	uint8_t key[32];    /* the one that the first is signed with */
	struct next *v;     /* the thread's until from says otherwise */
	size_t n;           /* changesets in the run */
	atomic_size_t from; /* v[from..n) are verified */
	atomic_size_t at;   /* v[at] is being stored; SIZE_MAX: no more */
};

/* Which key is the first signed with?  The others then are too, or are not
 * verified here. */
static bool
find_key(struct ahead *a, const struct next *first)
{
	struct err ignored;
	size_t i;

	for (i = 0; i < a->n_keys; i++) {
		if (sign_verify(first->sig, a->keys[i], SIGN_NS_CHANGESET,
			first->text.b, first->text.len, &ignored) != 0)
			continue;
		memcpy(a->key, a->keys[i], sizeof(a->key));
		return true;
	}
	return false;
}

/* Unpack and derive as the receiver does; false at the first trouble, which
 * is the receiver's to tell. */
static bool
unfold(struct ahead *a)
{
	struct changeset cs[2] = {CHANGESET_INIT, CHANGESET_INIT};
	struct buf commit = BUF_INIT;
	struct buf_reader in;
	struct err ignored;
	size_t i, bytes = 0;
	bool good = true;

	buf_reader_init(&in, a->plain.b, a->plain.len);
	for (i = 0; good && i < a->n; i++) {
		struct changeset *now = &cs[i & 1], *before = &cs[~i & 1];

		changeset_free(now);
		now->chain = a->run.chain;
		now->seq = a->run.first + (int64_t)i;
		now->prev = a->id;
		memcpy(now->parent_oid, a->oid, sizeof(a->oid));
		good = changeset_unpack(
			   now, &in, i == 0 ? NULL : before, &ignored) == 0;
		if (!good)
			break;
		changeset_derive_content(now, &a->v[i].text);
		a->v[i].id = a->id = now->id;
		memcpy(a->v[i].sig, now->sig, sizeof(now->sig));
		bytes += a->v[i].text.len;
		good = bytes <= AHEAD_TEXT && atomic_load(&a->at) < a->n &&
		       (i > 0 || find_key(a, &a->v[0]));
		memcpy(now->key, a->key, sizeof(a->key));
		buf_clear(&commit);
		changeset_derive_commit(now, &commit);
		memcpy(a->oid, now->oid, sizeof(a->oid));
	}
	buf_free(&commit);
	changeset_free(&cs[0]);
	changeset_free(&cs[1]);
	return good;
}

static void *
run_ahead(void *arg)
{
	struct ahead *a = arg;
	struct err ignored;
	size_t i;

	if (unfold(a))
		for (i = a->n; i-- > 0;) {
			size_t at = atomic_load(&a->at);

			/* Until they meet. */
			if (at >= i || sign_verify(a->v[i].sig, a->key,
					   SIGN_NS_CHANGESET, a->v[i].text.b,
					   a->v[i].text.len, &ignored) != 0)
				break;
			atomic_store(&a->from, i);
		}
	return NULL;
}

struct ahead *
ahead_new(const struct run *run, const struct buf *plain,
    const struct digest *id, const uint8_t oid[20], const uint8_t (*keys)[32],
    size_t n_keys)
{
	size_t n = (size_t)(run->last - run->first + 1);
	struct ahead *a;

	/* Each has a signature at least. */
	if (n < AHEAD_LEAST || n > plain->len / 64 || n_keys == 0 ||
	    n_keys > LIMIT_ROSTER_KEYS)
		return NULL;
	a = mem_calloc(1, sizeof(*a));
	a->run = *run;
	buf_put(&a->plain, plain->b, plain->len);
	a->id = *id;
	memcpy(a->oid, oid, sizeof(a->oid));
	memcpy(a->keys, keys, n_keys * sizeof(*keys));
	a->n_keys = n_keys;
	a->n = n;
	a->v = mem_calloc(n, sizeof(*a->v));
	atomic_init(&a->from, n);
	atomic_init(&a->at, 0);
	if (pthread_create(&a->thread, NULL, run_ahead, a) == 0)
		return a;
	buf_free(&a->plain);
	free(a->v);
	free(a);
	return NULL;
}

void
ahead_free(struct ahead *a)
{
	size_t i;

	if (a == NULL)
		return;
	atomic_store(&a->at, SIZE_MAX);
	pthread_join(a->thread, NULL);
	for (i = 0; i < a->n; i++)
		buf_free(&a->v[i].text);
	free(a->v);
	buf_free(&a->plain);
	free(a);
}

bool
ahead_holds(struct ahead *a, const struct changeset *cs)
{
	const struct next *next;
	size_t i;

	if (a == NULL || !chain_equal(&a->run.chain, &cs->chain) ||
	    cs->seq < a->run.first || cs->seq > a->run.last)
		return false;
	i = (size_t)(cs->seq - a->run.first);
	atomic_store(&a->at, i);
	if (i < atomic_load(&a->from))
		return false;
	next = &a->v[i];
	return digest_equal(&next->id, &cs->id) &&
	       memcmp(next->sig, cs->sig, sizeof(cs->sig)) == 0 &&
	       memcmp(a->key, cs->key, sizeof(cs->key)) == 0;
}
