/* What is taken from a station that is not above: no more than is granted. */
#include "config.h"

#include "base/buf.h"
#include "local.h"
#include "local_link.h"
#include "peer_replica.h"
#include "peer_replica_impl.h"
#include "replica.h"
#include "roster.h"
#include "roster_doc.h"

int
peer_replica_take_begin(struct peer_replica *pr, struct err *err)
{
	pr->counts = !roster_is_ancestor(
	    replica_roster(pr->r), pr->other, peer_replica_self(pr));
	if (!pr->counts)
		return 0;
	return local_taken_get(
	    pr->local, &pr->taken, &pr->link, replica_now(pr->r), err);
}

int
peer_replica_take_one(
    struct peer_replica *pr, const struct changeset *cs, struct err *err)
{
	struct local_taken next = pr->taken;
	int rc;

	if (!pr->counts)
		return 0;
	next.changesets++;
	next.bytes += (int64_t)cs->ops.len;
	rc = local_taken_check(&pr->link, &next,
	    stream_priority(cs->chain.stream) <=
		stream_priority(STREAM_COMMAND),
	    err);
	if (rc == 0)
		pr->taken = next;
	return rc;
}

int
peer_replica_take_note(struct peer_replica *pr, struct err *err)
{
	if (!pr->counts)
		return 0;
	return local_taken_put(
	    pr->local, &pr->link, &pr->taken, replica_now(pr->r), err);
}

/* One that is held already counts no more. */
int
peer_replica_take_roster(struct peer_replica *pr, const struct roster_doc *doc,
    bool *may, struct err *err)
{
	struct roster_doc held = {.version = 0};
	struct buf bytes = BUF_INIT;
	struct err over;
	int rc;

	*may = true;
	rc = peer_replica_take_begin(pr, err);
	if (rc != 0 || !pr->counts)
		return rc;
	rc = replica_roster_hash(pr->r, &held, doc->scope, &doc->hash, err);
	roster_doc_free(&held);
	if (rc != YZ_ENOTFOUND)
		return rc;
	pr->taken.changesets++;
	roster_doc_pack(&bytes, doc);
	pr->taken.bytes += (int64_t)bytes.len;
	buf_free(&bytes);
	*may = local_taken_check(&pr->link, &pr->taken, true, &over) == 0;
	return *may ? peer_replica_take_note(pr, err) : 0;
}
