/* What is taken from a station that is not above: no more than is granted. */
#include "config.h"

#include "base/buf.h"
#include "limit.h"
#include "local.h"
#include "local_link.h"
#include "peer_replica.h"
#include "peer_replica_impl.h"
#include "replica.h"
#include "roster.h"
#include "roster_doc.h"

#define AHEAD 262144 /* bytes that are counted at once, before they come */

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

/* --- attachments -----------------------------------------------------------
 */

static bool
is_above(const struct peer_replica *pr)
{
	return roster_is_ancestor(
	    replica_roster(pr->r), pr->other, peer_replica_self(pr));
}

/* Counted now, whatever is staged; no further than what commands leave, so
 * that these go on. */
static int
count(struct peer_replica *pr, int64_t n, struct err *err)
{
	struct local_taken now;
	int64_t left;
	int rc;

	rc = local_taken_get(
	    pr->local, &now, &pr->link, replica_now(pr->r), err);
	if (rc != 0)
		return rc;
	left = local_taken_left(&pr->link, &now);
	now.bytes += n < left ? n : left;
	pr->taken.bytes += n < left ? n : left;
	return local_taken_put(
	    pr->local, &pr->link, &now, replica_now(pr->r), err);
}

size_t
peer_replica_take_room(void *arg)
{
	struct peer_replica *pr = arg;
	struct local_taken now;
	struct err ignored;
	int64_t room;

	if (is_above(pr))
		return LIMIT_WANTS;
	if (local_taken_get(
		pr->local, &now, &pr->link, replica_now(pr->r), &ignored) != 0)
		return 0;
	room = local_taken_left(&pr->link, &now) / LIMIT_BLOB;
	if (room == 0 && now.bytes == 0)
		room = 1;
	return room < LIMIT_WANTS ? (size_t)room : LIMIT_WANTS;
}

int
peer_replica_take_bytes(struct peer_replica *pr, size_t n, struct err *err)
{
	int rc = 0;

	if (is_above(pr))
		return 0;
	while (rc == 0 && pr->ahead < (int64_t)n) {
		rc = count(pr, AHEAD, err);
		pr->ahead += AHEAD;
	}
	pr->ahead -= (int64_t)n;
	return rc;
}
