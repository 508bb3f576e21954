#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/mem.h"
#include "enrol.h"
#include "home.h"
#include "local.h"
#include "peer_replica.h"
#include "peer_replica_impl.h"
#include "replica.h"
#include "reserve.h"
#include "resign.h"
#include "rotate.h"

#define TURN_MS 40 /* of a transaction, before others have theirs */

const char *
peer_replica_self(const struct peer_replica *pr)
{
	return replica_home(pr->r)->code;
}

static int64_t
do_wall(void *arg)
{
	struct peer_replica *pr = arg;

	return replica_now(pr->r);
}

static bool
is_parent(const struct peer_replica *pr)
{
	const struct roster_station *st =
	    roster_find(replica_roster(pr->r), peer_replica_self(pr));

	return st != NULL && strcmp(st->parent, pr->other) == 0;
}

static int
do_offset(void *arg, int64_t ms, struct err *err)
{
	struct peer_replica *pr = arg;
	struct local_peer peer;
	int rc;

	rc = local_peer_get(pr->local, &peer, pr->other, err);
	if (rc != 0)
		return rc == YZ_ENOTFOUND ? 0 : rc;
	peer.offset = ms;
	rc = local_peer_put(pr->local, &peer, err);
	if (rc == 0 && is_parent(pr))
		rc = replica_set_offset(pr->r, ms, err);
	return rc;
}

/* --- joining, keys -------------------------------------------------------
 */

static int
do_join(
    void *arg, const void *request, size_t n, bool *confirmed, struct err *err)
{
	struct peer_replica *pr = arg;

	return enrol_receive(
	    pr->r, pr->local, pr->other, request, n, confirmed, err);
}

static int
do_rotation_get(void *arg, struct buf *out, size_t i, struct err *err)
{
	struct peer_replica *pr = arg;
	int rc;

	rc = peer_replica_settle(pr, err);
	return rc != 0
		   ? rc
		   : rotate_upward(out, pr->r, pr->local, pr->other, i, err);
}

static int
do_rotation_put(void *arg, const void *text, size_t n, struct err *err)
{
	struct peer_replica *pr = arg;

	return rotate_take(pr->r, pr->local, text, n, err);
}

/*
 * Revocation ends sessions too, and so does a roster by which the two have
 * nothing to say to each other.  A station that is not listed yet hears its
 * parent out.
 */
static int
do_welcome(void *arg, struct err *err)
{
	struct peer_replica *pr = arg;
	const struct roster *roster = replica_roster(pr->r);
	const struct roster_station *st = roster_find(roster, pr->other);
	const char *self = peer_replica_self(pr);

	if (st != NULL && roster_current(st) == NULL)
		return err_set(
		    err, YZ_EDENIED, "the key of %s was revoked", pr->other);
	if (st != NULL && roster_find(roster, self) != NULL &&
	    !roster_may_speak(roster, self, pr->other))
		return err_set(err, YZ_EDENIED,
		    "%s is neither parent nor child of %s, and the roster does"
		    " not list them as peers",
		    pr->other, self);
	return 0;
}

/* --- chains ------------------------------------------------------------- */

bool
peer_replica_reaches(
    void *arg, const struct chain_name *chain, const char *code)
{
	struct peer_replica *pr = arg;

	return chain_reaches(replica_roster(pr->r), chain, code);
}

static bool
do_through(void *arg, const struct chain_name *chain)
{
	struct peer_replica *pr = arg;
	const struct roster *roster = replica_roster(pr->r);
	const char *me = peer_replica_self(pr), *writer = chain->writer;

	if (roster_is_ancestor(roster, pr->other, me))
		return strcmp(writer, me) != 0 &&
		       !roster_is_ancestor(roster, me, writer);
	return strcmp(writer, pr->other) == 0 ||
	       roster_is_ancestor(roster, pr->other, writer);
}

/*
 * Whoever wants the ledger's lock lets the database go first: sealers hold
 * them in that order, and what is staged may be committed early.
 */
int
peer_replica_settle(struct peer_replica *pr, struct err *err)
{
	if (!db_in_transaction(replica_db(pr->r)))
		return 0;
	if (replica_commit(pr->r, err) != 0)
		return err_set(err, YZ_EIO, "%s", err->msg);
	return peer_replica_take_note(pr, err);
}

int
peer_replica_place(void *arg, const struct chain_name *chain, int64_t seq,
    struct digest *id, uint8_t oid[20], struct err *err)
{
	struct peer_replica *pr = arg;
	char name[CHAIN_NAME_MAX];
	struct db_stmt *st = NULL;
	int rc;

	memset(id, 0, sizeof(*id));
	memset(oid, 0, 20);
	if (seq == 0)
		return 0;
	chain_format(name, chain);
	rc = db_query(&st, replica_db(pr->r), err,
	    "SELECT id, oid FROM _changeset WHERE seq = ? AND"
	    " chain = (SELECT no FROM _chain WHERE name = ?)",
	    "is", seq, name);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		size_t n_id, n_oid;
		const void *b_id = db_blob(st, 0, &n_id);
		const void *b_oid = db_blob(st, 1, &n_oid);

		if (n_id == sizeof(id->b) && n_oid == 20) {
			memcpy(id->b, b_id, n_id);
			memcpy(oid, b_oid, n_oid);
			rc = 0;
		} else
			rc = err_set(err, YZ_EIO, "%s seq %lld is damaged",
			    name, (long long)seq);
	} else if (rc == 0)
		rc = err_set(err, YZ_ENOTFOUND, "%s seq %lld is not here", name,
		    (long long)seq);
	db_done(st);
	return rc;
}

static int
do_read(void *arg, struct changeset *out, const struct chain_name *chain,
    int64_t seq, struct err *err)
{
	struct peer_replica *pr = arg;

	return replica_read(pr->r, out, chain, seq, err);
}

static int
do_receive(void *arg, struct changeset *cs, struct err *err)
{
	struct peer_replica *pr = arg;
	enum receive_result result;
	int rc;

	/* One child's flood is no reason for another's incident to wait. */
	if (db_in_transaction(replica_db(pr->r)) &&
	    clock_mono() - pr->began >= TURN_MS &&
	    db_wanted(replica_db(pr->r))) {
		rc = peer_replica_settle(pr, err);
		if (rc != 0)
			return rc;
	}
	if (!db_in_transaction(replica_db(pr->r))) {
		/* The chain is refused, and tried again in a later session. */
		rc = reserve_check(replica_home(pr->r)->path, err);
		if (rc != 0)
			return err_set(
			    err, YZ_EDENIED, "its disk is full: again later");
		rc = peer_replica_take_begin(pr, err);
		if (rc == 0)
			rc = replica_begin(pr->r, err);
		if (rc != 0)
			return err_set(err, YZ_EIO, "%s", err->msg);
		pr->began = clock_mono();
	}
	rc = peer_replica_take_one(pr, cs, err);
	if (rc != 0)
		return rc;
	if (resign_is_own(pr->r, &cs->chain))
		return peer_replica_receive_own(pr, cs, err);
	return receive_changeset(pr->r, cs, &result, err);
}

static void
do_ahead(void *arg, const struct run *run, const struct buf *plain,
    const struct digest *id, const uint8_t oid[20])
{
	struct peer_replica *pr = arg;

	receive_ahead(pr->r, run, plain, id, oid);
}

static int
do_commit(void *arg, struct err *err)
{
	return peer_replica_settle(arg, err);
}

static void
do_rollback(void *arg)
{
	struct peer_replica *pr = arg;

	if (db_in_transaction(replica_db(pr->r)))
		replica_rollback(pr->r);
}

/* --- what outlives the session: local.db ------------------------------------
 */

static int
ack_one(struct peer_replica *pr, const struct peer_head *head, struct err *err)
{
	char name[CHAIN_NAME_MAX];
	int64_t seq;
	int rc;

	chain_format(name, &head->chain);
	rc = local_acked_get(pr->local, pr->other, name, &seq, err);
	if (rc != 0 || seq == head->seq)
		return rc;
	rc = local_acked_put(pr->local, pr->other, name, head->seq, err);
	if (rc != 0)
		return rc;
	/* What was refused at a place that has been passed is no more. */
	return db_run(local_db(pr->local), err,
	    "DELETE FROM refusal WHERE code = ? AND chain = ? AND seq <= ?",
	    "ssi", pr->other, name, head->seq);
}

static int
do_acked(void *arg, const struct peer_head *v, size_t n, struct err *err)
{
	struct peer_replica *pr = arg;
	size_t i;
	int rc;

	rc = db_begin(local_db(pr->local), err);
	if (rc != 0)
		return rc;
	for (i = 0; i < n && rc == 0; i++)
		rc = ack_one(pr, &v[i], err);
	if (rc == 0)
		rc = db_commit(local_db(pr->local), err);
	if (rc != 0)
		db_rollback(local_db(pr->local));
	return rc;
}

static int
do_refused(void *arg, const char *chain, int64_t seq, const char *reason,
    struct err *err)
{
	struct peer_replica *pr = arg;

	return local_refusal_put(pr->local, pr->other, chain, seq, reason, err);
}

static int
do_partials(void *arg, struct peer_partial **out, size_t *n, struct err *err)
{
	struct peer_replica *pr = arg;
	struct local_partial *held = NULL;
	size_t all = 0, i;
	int rc;

	rc = local_partials(pr->local, pr->other, &held, &all, err);
	if (rc != 0)
		return rc;
	*out = mem_calloc(all, sizeof(**out));
	*n = 0;
	for (i = 0; i < all; i++) {
		struct peer_partial *p = &(*out)[*n];

		if (chain_parse(&p->chain, held[i].chain, strlen(held[i].chain),
			err) != 0)
			continue;
		p->first = held[i].first;
		p->last = held[i].last;
		memcpy(p->hash.b, held[i].hash, sizeof(p->hash.b));
		p->total = (size_t)held[i].total;
		p->held = (size_t)held[i].held;
		++*n;
	}
	free(held);
	return 0;
}

static int
do_partial_get(void *arg, const struct chain_name *chain, struct buf *bytes,
    struct err *err)
{
	struct peer_replica *pr = arg;
	char name[CHAIN_NAME_MAX];
	struct local_partial p;

	chain_format(name, chain);
	return local_partial_get(pr->local, pr->other, name, &p, bytes, err);
}

static int
do_partial_put(void *arg, const struct peer_partial *partial, const void *data,
    struct err *err)
{
	struct peer_replica *pr = arg;
	struct local_partial p;
	int rc;

	memset(&p, 0, sizeof(p));
	chain_format(p.chain, &partial->chain);
	p.first = partial->first;
	p.last = partial->last;
	memcpy(p.hash, partial->hash.b, sizeof(p.hash));
	p.total = (int64_t)partial->total;
	rc = local_partial_begin(pr->local, pr->other, &p, err);
	if (rc != 0)
		return rc;
	return local_partial_append(
	    pr->local, pr->other, p.chain, data, partial->held, err);
}

static int
do_partial_drop(void *arg, const struct chain_name *chain, struct err *err)
{
	struct peer_replica *pr = arg;
	char name[CHAIN_NAME_MAX];
	int rc;

	chain_format(name, chain);
	rc = local_partial_drop(pr->local, pr->other, name, err);
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

/* --- life
 * ------------------------------------------------------------------------ */

static const struct peer_store functions = {
    .wall = do_wall,
    .offset = do_offset,
    .join = do_join,
    .own = peer_replica_own,
    .rotation_get = do_rotation_get,
    .rotation_put = do_rotation_put,
    .welcome = do_welcome,
    .reaches = peer_replica_reaches,
    .through = do_through,
    .place = peer_replica_place,
    .read = do_read,
    .receive = do_receive,
    .ahead = do_ahead,
    .commit = do_commit,
    .rollback = do_rollback,
    .acked = do_acked,
    .refused = do_refused,
    .partials = do_partials,
    .partial_get = do_partial_get,
    .partial_put = do_partial_put,
    .partial_drop = do_partial_drop,
};

struct peer_replica *
peer_replica_new(struct replica *r, struct local *local, const char *other)
{
	struct peer_replica *pr = mem_calloc(1, sizeof(*pr));

	pr->r = r;
	pr->local = local;
	pr->blob_fd = -1;
	memcpy(pr->other, other, sizeof(pr->other));
	memcpy(pr->link.code, other, sizeof(pr->link.code));
	pr->store = functions;
	peer_replica_files_store(&pr->store);
	peer_replica_heads_store(&pr->store);
	peer_replica_news_store(&pr->store);
	peer_replica_roster_store(&pr->store);
	pr->store.arg = pr;
	return pr;
}

void
peer_replica_free(struct peer_replica *pr)
{
	if (pr == NULL)
		return;
	peer_replica_roster_free(pr);
	free(pr->own);
	if (pr->blob_fd >= 0)
		close(pr->blob_fd);
	free(pr);
}

void
peer_replica_grant(struct peer_replica *pr, const struct local_link *link)
{
	pr->link = *link;
}

const struct peer_store *
peer_replica_store(struct peer_replica *pr)
{
	return &pr->store;
}
