/* What is named to a peer: heads of chains, and what ends them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/db.h"
#include "base/mem.h"
#include "fork.h"
#include "hole.h"
#include "home.h"
#include "local.h"
#include "peer_replica_impl.h"
#include "replica.h"

/* A chain that is forked at its first changeset has no head. */
static int
headless(struct peer_replica *pr, struct replica_head **heads, size_t *n,
    struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, replica_db(pr->r), err,
	    "SELECT name FROM _fork JOIN _chain ON no = chain"
	    " WHERE active AND head = 0",
	    "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const char *name = db_text(st, 0);
		struct replica_head *h;

		*heads = mem_realloc(*heads, (*n + 1) * sizeof(**heads));
		h = &(*heads)[*n];
		memset(h, 0, sizeof(*h));
		rc = chain_parse(&h->chain, name, strlen(name), err);
		if (rc != 0)
			break;
		++*n;
	}
	db_done(st);
	return rc;
}

static int
do_heads(void *arg, struct peer_head **out, size_t *n, struct err *err)
{
	struct peer_replica *pr = arg;
	struct replica_head *heads = NULL;
	size_t all = 0, i;
	int rc;

	*n = 0;
	rc = replica_note_joined(pr->r, err);
	if (rc == 0)
		rc = peer_replica_settle(pr, err);
	if (rc == 0) /* nothing leaves that is not in the ledger */
		rc = replica_sealed_heads(pr->r, &heads, &all, err);
	if (rc == 0)
		rc = peer_replica_depart(pr, err);
	if (rc == 0)
		rc = headless(pr, &heads, &all, err);
	if (rc != 0) {
		free(heads);
		return rc;
	}
	*out = mem_calloc(all, sizeof(**out));
	for (i = 0; i < all; i++) {
		struct peer_head *head = &(*out)[*n];

		if (!peer_replica_reaches(
			pr, &heads[i].chain, peer_replica_self(pr)) ||
		    !peer_replica_reaches(pr, &heads[i].chain, pr->other))
			continue;
		head->chain = heads[i].chain;
		head->seq = heads[i].seq;
		head->id = heads[i].id;
		memcpy(head->oid, heads[i].oid, sizeof(head->oid));
		head->fork = fork_seq(pr->r, &heads[i].chain);
		++*n;
	}
	free(heads);
	rc = hole_cap(pr->r, pr->local, *out, n, err);
	return rc != 0 ? rc : peer_replica_own_heads(pr, *out, n, err);
}

static int
do_fork_get(void *arg, struct changeset *a, struct changeset *b,
    const struct chain_name *chain, struct err *err)
{
	struct peer_replica *pr = arg;
	struct fork fork;
	int rc;

	rc = fork_get(pr->r, &fork, chain, err);
	if (rc != 0)
		return rc;
	*a = fork.a;
	*b = fork.b;
	return 0;
}

/* Known or decided is as good as news: both know now. */
static int
do_fork_take(
    void *arg, struct changeset *a, struct changeset *b, struct err *err)
{
	struct peer_replica *pr = arg;
	char name[CHAIN_NAME_MAX];
	bool news;
	int rc;

	rc = fork_take(pr->r, a, b, &news, err);
	if (rc != 0)
		return rc;
	chain_format(name, &a->chain);
	return local_refusal_clear(pr->local, pr->other, name, err);
}

void
peer_replica_heads_store(struct peer_store *store)
{
	store->heads = do_heads;
	store->fork_get = do_fork_get;
	store->fork_take = do_fork_take;
}
