/*
 * Rosters: what is held, what comes, and what has no place yet.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "limit.h"
#include "peer_replica.h"
#include "peer_replica_impl.h"
#include "pins.h"
#include "replica.h"
#include "replica_pin.h"
#include "roster_doc.h"

#define LINE_DOCS 256          /* root parts: up to a pinned one, in a line */
#define LINE_BYTES (16u << 20) /* of those that have no place here */

/* How far below the root is the station that signs a scope? */
static int
depth(const struct roster *roster, const char *scope)
{
	const struct roster_station *st = roster_find(roster, scope);
	int n = 0;

	if (strcmp(scope, "root") == 0)
		return -1;
	while (st != NULL && st->parent[0] != '\0' && n < LIMIT_STATIONS) {
		st = roster_find(roster, st->parent);
		n++;
	}
	return n;
}

static int
do_scopes(void *arg, struct peer_scope **out, size_t *n, struct err *err)
{
	struct peer_replica *pr = arg;
	const struct roster_scope *scope;
	const struct roster *roster;
	size_t i, j;
	int rc;

	/* It reads what other processes wrote, too. */
	rc = peer_replica_depart(pr, err);
	if (rc != 0)
		return rc;
	roster = replica_roster(pr->r);
	for (*n = 0; roster_scope_at(roster, *n) != NULL; ++*n)
		;
	*out = mem_calloc(*n + 1, sizeof(**out));
	/* By depth: an enroller's document before those it enrols. */
	for (i = 0; (scope = roster_scope_at(roster, i)) != NULL; i++) {
		for (j = i; j > 0 && depth(roster, (*out)[j - 1].scope) >
					 depth(roster, scope->scope);
		     j--)
			(*out)[j] = (*out)[j - 1];
		memset(&(*out)[j], 0, sizeof((*out)[j]));
		memcpy((*out)[j].scope, scope->scope, sizeof(scope->scope));
		(*out)[j].version = scope->version;
		(*out)[j].hash = scope->hash;
		(*out)[j].contested = scope->contested;
	}
	return 0;
}

static int
do_roster_get(void *arg, struct roster_doc *out, const char *scope,
    int64_t version, struct err *err)
{
	struct peer_replica *pr = arg;

	return replica_roster_doc(pr->r, out, scope, version, err);
}

static int
do_roster_pair(void *arg, struct roster_doc *out, const char *scope, size_t i,
    struct err *err)
{
	struct peer_replica *pr = arg;
	const struct roster_scope *at =
	    roster_scope(replica_roster(pr->r), scope);

	if (at == NULL || !at->contested || i > 1)
		return err_set(
		    err, YZ_ENOTFOUND, "roster %s is not contested", scope);
	return replica_roster_hash(pr->r, out, scope, &at->pair[i], err);
}

static int
do_roster_relate(void *arg, int64_t *common, const char *scope,
    const struct digest *hash, struct err *err)
{
	struct peer_replica *pr = arg;

	return replica_roster_relate(pr->r, common, scope, hash, err);
}

static int
do_roster_hashes(void *arg, struct digest **out, int64_t *first, size_t *n,
    const char *scope, struct err *err)
{
	struct peer_replica *pr = arg;

	return replica_roster_hashes(
	    pr->r, out, first, n, scope, LIMIT_VERSIONS, err);
}

static int
copy_doc(struct roster_doc *out, const struct roster_doc *doc, struct err *err)
{
	struct buf bytes = BUF_INIT;
	int rc;

	roster_doc_pack(&bytes, doc);
	memset(out, 0, sizeof(*out));
	rc = roster_doc_unpack(out, bytes.b, bytes.len, err);
	buf_free(&bytes);
	return rc;
}

/* --- what has no place -----------------------------------------------------
 */

static void
drop_line(struct peer_replica *pr)
{
	while (pr->n_line > 0)
		roster_doc_free(&pr->line[--pr->n_line]);
	pr->line_bytes = 0;
}

/* Does it go on from the last one of the line; or may it begin one? */
static bool
is_next(struct peer_replica *pr, const struct roster_doc *doc, bool *begins)
{
	struct roster_doc before = {.version = 0};
	struct roster_held held;
	struct err ignored;
	bool next;

	*begins = false;
	if (roster_held_read(&held, doc, &ignored) != 0)
		return false;
	next = pr->n_line > 0 &&
	       digest_equal(&held.prev, &pr->line[pr->n_line - 1].hash);
	if (!next)
		*begins = replica_roster_hash(pr->r, &before, held.scope,
			      &held.prev, &ignored) == 0;
	roster_doc_free(&before);
	roster_held_free(&held);
	return next;
}

/* Remember it, if it is in a line from what is held. */
static int
put_line(struct peer_replica *pr, const struct roster_doc *doc, struct err *err)
{
	bool begins;
	int rc;

	if (!is_next(pr, doc, &begins)) {
		if (!begins)
			return 0;
		drop_line(pr);
	}
	if (pr->n_line == LINE_DOCS ||
	    pr->line_bytes + doc->text.len > LINE_BYTES) {
		drop_line(pr);
		return 0;
	}
	pr->line = mem_realloc(pr->line, (pr->n_line + 1) * sizeof(*pr->line));
	rc = copy_doc(&pr->line[pr->n_line], doc, err);
	if (rc == 0) {
		pr->n_line++;
		pr->line_bytes += doc->text.len;
	}
	return rc;
}

/*
 * A root part that has no place: two of its version are held, or it follows
 * nothing held, or waits to be pinned.  All is different when one comes in the
 * same line that is pinned, or decides.
 */
static int
pass_over(
    struct peer_replica *pr, const struct roster_doc *doc, struct err *err)
{
	const struct roster_doc *before = NULL;
	int rc;

	if (strcmp(doc->scope, "root") != 0)
		return 0;
	rc = put_line(pr, doc, err);
	if (rc != 0)
		return rc;
	rc = replica_adopt_line(pr->r, pr->line, pr->n_line, err);
	if (rc != YZ_ENOTFOUND) {
		drop_line(pr);
		return rc;
	}
	if (pr->n_line > 1 &&
	    digest_equal(&pr->line[pr->n_line - 1].hash, &doc->hash))
		before = &pr->line[pr->n_line - 2];
	return replica_unpinned_note(
	    pr->r, pr->local, doc, before, pr->other, err);
}

/* What has no place here yet, or any more, is passed over: it may have one
 * when the roster is another. */
static int
adopt(struct peer_replica *pr, const struct roster_doc *doc, struct err *err)
{
	int rc = replica_adopt(pr->r, doc, err);

	return rc == YZ_ENOTFOUND ? pass_over(pr, doc, err) : rc;
}

/* --- joining ---------------------------------------------------------------
 */

/* What an earlier try had taken in before it was cut off: the first of those
 * that lead to the pinned one is the last of that. */
static int
begin_held(struct peer_replica *pr, struct err *err)
{
	int rc;

	pr->held = mem_calloc(1, sizeof(*pr->held));
	rc = replica_roster_doc(pr->r, &pr->held[0], "root", 0, err);
	pr->n_held = rc == 0;
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

/* Do the documents held lead from version 1, or from what is here already, to
 * the pinned one? */
static int
check_pin(const struct peer_replica *pr, struct err *err)
{
	const struct roster_doc *last = &pr->held[pr->n_held - 1];
	struct roster *roster = NULL;
	size_t i;
	int rc = 0;

	if (!digest_equal(&last->hash, &pr->pin_hash))
		return err_set(err, YZ_EDENIED,
		    "roster version %lld is not the one that the invitation"
		    " names",
		    (long long)last->version);
	for (i = 0; rc == 0 && i < pr->n_held; i++) {
		const struct roster_doc *cur = i == 0 ? NULL : &pr->held[i - 1];

		if (cur == NULL && pr->held[i].version > 1)
			continue; /* it is here */
		if (cur != NULL)
			rc = roster_build(&roster, cur, 1, err);
		if (rc == 0)
			rc = roster_follows(roster, cur, &pr->held[i], err);
		if (rc == YZ_EDENIED && cur != NULL)
			rc = roster_follows_pinned(cur, &pr->held[i], err);
		roster_free(roster);
		roster = NULL;
	}
	return rc;
}

/* One of those: where the root keys before it did not sign it, the station that
 * invites has it pinned, and so has the invitation, by the hashes after it. */
static int
adopt_pinned(
    struct peer_replica *pr, const struct roster_doc *doc, struct err *err)
{
	char fingerprint[SIGN_FINGERPRINT_LEN];
	bool held;

	pins_fingerprint(fingerprint, &doc->hash);
	if (replica_roster_unpinned(pr->r, doc, NULL) &&
	    replica_pin(pr->r, fingerprint, &held, err) != 0)
		return err->code;
	return adopt(pr, doc, err);
}

static int
put_pinned(
    struct peer_replica *pr, const struct roster_doc *doc, struct err *err)
{
	int64_t last;
	size_t i;
	int rc;

	if (pr->held == NULL && begin_held(pr, err) != 0)
		return err->code;
	last = pr->n_held == 0 ? 0 : pr->held[pr->n_held - 1].version;
	if (strcmp(doc->scope, "root") != 0 || pr->n_held == LINE_DOCS ||
	    doc->version != last + 1)
		return err_set(err, YZ_EDENIED,
		    "roster %s version %lld comes before the one that the"
		    " invitation names",
		    doc->scope, (long long)doc->version);
	pr->held = mem_realloc(pr->held, (pr->n_held + 1) * sizeof(*pr->held));
	rc = copy_doc(&pr->held[pr->n_held], doc, err);
	if (rc != 0)
		return rc;
	pr->n_held++;
	if (doc->version < pr->pin_version)
		return 0;
	rc = check_pin(pr, err);
	for (i = 0; rc == 0 && i < pr->n_held; i++)
		rc = adopt_pinned(pr, &pr->held[i], err);
	pr->pinned = rc == 0;
	return rc;
}

static int
do_roster_put(void *arg, const struct roster_doc *doc, struct err *err)
{
	struct peer_replica *pr = arg;
	bool may;
	int rc;

	if (pr->pin_version > 0 && !pr->pinned)
		return put_pinned(pr, doc, err);
	rc = peer_replica_take_roster(pr, doc, &may, err);
	return rc == 0 && may ? adopt(pr, doc, err) : rc;
}

/* --- life ------------------------------------------------------------------
 */

void
peer_replica_roster_store(struct peer_store *store)
{
	store->scopes = do_scopes;
	store->roster_get = do_roster_get;
	store->roster_put = do_roster_put;
	store->roster_pair = do_roster_pair;
	store->roster_relate = do_roster_relate;
	store->roster_hashes = do_roster_hashes;
}

void
peer_replica_roster_free(struct peer_replica *pr)
{
	while (pr->n_held > 0)
		roster_doc_free(&pr->held[--pr->n_held]);
	free(pr->held);
	drop_line(pr);
	free(pr->line);
}

void
peer_replica_pin(
    struct peer_replica *pr, int64_t version, const struct digest *hash)
{
	pr->pin_version = version;
	pr->pin_hash = *hash;
}

bool
peer_replica_pinned(const struct peer_replica *pr)
{
	return pr->pinned;
}
