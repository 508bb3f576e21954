/*
 * The chains that this station alone writes, in a session.  Nothing of them
 * goes out before the anchor says so (anchor.h).  A peer that knows more of
 * them than is here says that the station was restored or copied; it is then
 * held to showing it in a session of its own, in which these chains are
 * fetched and not sent: its word alone changes nothing.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "anchor.h"
#include "base/buf.h"
#include "base/mem.h"
#include "home.h"
#include "local.h"
#include "peer_replica.h"
#include "peer_replica_impl.h"
#include "replica.h"
#include "resign.h"
#include "roster.h"

/* The setting that says that a peer claims to know more. */
static int
set_doubt(struct peer_replica *pr, const char *value, struct err *err)
{
	char *name = mem_printf("doubt %s", pr->other);
	int rc = local_set(pr->local, name, value, err);

	free(name);
	return rc;
}

static int
get_doubt(struct peer_replica *pr, bool *doubt, struct err *err)
{
	char *name = mem_printf("doubt %s", pr->other);
	struct buf value = BUF_INIT;
	int rc = local_get(pr->local, &value, name, err);

	*doubt = rc == 0;
	free(name);
	buf_free(&value);
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

int
peer_replica_begin(struct peer_replica *pr, struct err *err)
{
	bool doubt;
	int rc;

	if (roster_find(replica_roster(pr->r), peer_replica_self(pr)) == NULL)
		return 0;
	rc = resign_settle(pr->r, err);
	if (rc == 0)
		rc = get_doubt(pr, &doubt, err);
	if (rc != 0)
		return rc;
	pr->fetch = doubt || replica_restored(pr->r) != NULL;
	return rc;
}

int
peer_replica_depart(struct peer_replica *pr, struct err *err)
{
	int rc = anchor_depart(pr->r, err);

	/* Found out by another session while this one was open. */
	if (rc == 0 && !pr->fetch)
		rc = replica_may_sign(pr->r, err);
	return rc;
}

int
peer_replica_own_heads(struct peer_replica *pr, struct peer_head *heads,
    size_t *n, struct err *err)
{
	char name[CHAIN_NAME_MAX];
	size_t i, kept = 0;
	int64_t acked;
	int rc;

	/* Only what is named at the start asks for something. */
	if (!pr->fetch || pr->asked)
		return 0;
	pr->asked = true;
	for (i = 0; i < *n; i++) {
		struct peer_head *h = &heads[i];

		if (resign_is_own(pr->r, &h->chain)) {
			chain_format(name, &h->chain);
			rc = local_acked_get(
			    pr->local, pr->other, name, &acked, err);
			if (rc == 0 && acked < h->seq) {
				h->seq = acked;
				rc = peer_replica_place(
				    pr, &h->chain, acked, &h->id, h->oid, err);
			}
			if (rc != 0)
				return rc;
			if (h->seq == 0)
				continue;
		}
		heads[kept++] = *h;
	}
	*n = kept;
	return 0;
}

static void
note_named(struct peer_replica *pr, const struct peer_head *named)
{
	struct replica_head *h;

	pr->own = mem_realloc(pr->own, (pr->n_own + 1) * sizeof(*pr->own));
	h = &pr->own[pr->n_own++];
	memset(h, 0, sizeof(*h));
	h->chain = named->chain;
	h->seq = named->seq;
	h->id = named->id;
}

/* It knows of something that is not here: hear it out, in a session for it. */
static int
doubt(struct peer_replica *pr, struct err *err)
{
	pr->again = true;
	return set_doubt(pr, "1", err);
}

int
peer_replica_own(void *arg, const struct peer_head *named,
    enum peer_own *verdict, struct err *err)
{
	struct peer_replica *pr = arg;
	struct digest id;
	uint8_t oid[20];
	int rc;

	*verdict = PEER_OWN_NONE;
	if (!resign_is_own(pr->r, &named->chain))
		return 0;
	*verdict = pr->fetch ? PEER_OWN_FETCH : PEER_OWN_NONE;
	if (pr->fetch) {
		note_named(pr, named);
		return 0;
	}
	rc = peer_replica_place(pr, &named->chain, named->seq, &id, oid, err);
	if (rc != 0 && rc != YZ_ENOTFOUND)
		return rc;
	if (rc == 0 && digest_equal(&id, &named->id) &&
	    memcmp(oid, named->oid, sizeof(oid)) == 0)
		return 0;
	*verdict = PEER_OWN_DOUBT;
	return doubt(pr, err);
}

int
peer_replica_receive_own(
    struct peer_replica *pr, struct changeset *cs, struct err *err)
{
	enum receive_result result;
	struct replica_head head;
	struct err ignored;
	int rc;

	if (pr->fetch)
		return resign_take(pr->r, cs, err);
	rc = replica_head(pr->r, &head, &cs->chain, err);
	if (rc != 0)
		return rc;
	if (cs->seq <= head.seq)
		rc = receive_changeset(pr->r, cs, &result, err);
	else
		rc = err_set(err, YZ_ECONFLICT,
		    "a changeset of this station that is not here");
	if (rc == YZ_ECONFLICT && doubt(pr, &ignored) != 0)
		rc = YZ_EIO;
	return rc;
}

/* Is all here that the peer named of our chains? */
static int
have_named(struct peer_replica *pr, bool *all, struct err *err)
{
	struct digest id;
	uint8_t oid[20];
	size_t i;
	int rc;

	*all = true;
	for (i = 0; i < pr->n_own && *all; i++) {
		rc = peer_replica_place(
		    pr, &pr->own[i].chain, pr->own[i].seq, &id, oid, err);
		if (rc != 0 && rc != YZ_ENOTFOUND)
			return rc;
		*all = rc == 0 && digest_equal(&id, &pr->own[i].id);
	}
	return 0;
}

/* The root has nobody above to ask. */
static bool
may_go_on(struct peer_replica *pr)
{
	const struct roster_station *me =
	    roster_find(replica_roster(pr->r), peer_replica_self(pr));

	return me != NULL &&
	       (me->parent[0] == '\0' || strcmp(me->parent, pr->other) == 0);
}

int
peer_replica_end(
    struct peer_replica *pr, const struct peer_result *res, struct err *err)
{
	bool all;
	int rc;

	if (!pr->fetch)
		return pr->again || !res->finished ? 0
						   : resign_settle(pr->r, err);
	if (!res->finished || !res->compared)
		return 0;
	rc = have_named(pr, &all, err);
	if (rc == 0 && all)
		rc = set_doubt(pr, NULL, err);
	if (rc != 0 || !all)
		return rc;
	if (replica_restored(pr->r) == NULL) {
		pr->again = true; /* it was mistaken, or caught up by now */
		return 0;
	}
	if (!may_go_on(pr))
		return 0;
	rc = resign_go_on(pr->r, pr->own, pr->n_own, &pr->resumed, err);
	pr->again = pr->resumed;
	return rc;
}

bool
peer_replica_fetches(const struct peer_replica *pr)
{
	return pr->fetch;
}

bool
peer_replica_again(const struct peer_replica *pr)
{
	return pr->again;
}

bool
peer_replica_resumed(const struct peer_replica *pr)
{
	return pr->resumed;
}
