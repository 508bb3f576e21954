/* Roster documents taken in: each has a place, and follows one that is held. */
#include "config.h"

#include <string.h>

#include "home.h"
#include "pins.h"
#include "replica_impl.h"
#include "replica_pin.h"
#include "roster.h"
#include "roster_doc.h"
#include "roster_rule.h"
#include "tail.h"
#include "trust.h"

int
replica_roster_store(struct replica *r, const struct roster_doc *doc,
    const uint8_t oid[20], struct err *err)
{
	struct buf bytes = BUF_INIT;
	struct roster_held held;
	int rc;

	rc = roster_held_read(&held, doc, err);
	if (rc != 0)
		return rc;
	roster_doc_pack(&bytes, doc);
	rc = db_run(r->db, err,
	    "INSERT OR IGNORE INTO _roster(scope, version, hash, prev, signer,"
	    " decides, oid, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	    "sibbbbbb", held.scope, held.version, held.hash.b,
	    sizeof(held.hash.b), held.prev.b, sizeof(held.prev.b), held.signer,
	    sizeof(held.signer), held.decides,
	    held.n_decides * sizeof(*held.decides), oid,
	    (size_t)(oid == NULL ? 0 : 20), bytes.b, bytes.len);
	buf_free(&bytes);
	roster_held_free(&held);
	return rc;
}

static int
is_held(struct replica *r, const struct roster_held *held, bool *is,
    struct err *err)
{
	int64_t n = 0;
	int rc;

	rc = db_get_int(&n, r->db, err,
	    "SELECT count(*) FROM _roster WHERE scope = ? AND hash = ?", "sb",
	    held->scope, held->hash.b, sizeof(held->hash.b));
	*is = n > 0;
	return rc;
}

/* Is there a place for it?  See replica_adopt(); led: or replica_adopt_line().
 */
static int
check_place(struct replica *r, const struct roster_held *held, bool led,
    struct err *err)
{
	bool root = strcmp(held->scope, "root") == 0;
	struct digest decided;
	int64_t beside;
	int rc;

	/* How many come after the same one as this? */
	rc = db_get_int(&beside, r->db, err,
	    "SELECT count(*) FROM _roster WHERE scope = ? AND version = ? AND"
	    " prev = ?",
	    "sib", held->scope, held->version, held->prev.b,
	    sizeof(held->prev.b));
	if (rc != 0)
		return rc;
	if (root && held->version == 1 && beside > 0)
		return err_set(err, YZ_EDENIED,
		    "that is the roster of another federation");
	/* They go to everybody, and are kept for good. */
	if (!roster_rule_lists_any(held->scope))
		return err_set(err, YZ_ENOTFOUND,
		    "roster %s: there is no code below it to list",
		    held->scope);
	if (!root && !roster_signer(r->roster, held->scope, held->signer))
		return err_set(err, YZ_ENOTFOUND,
		    "roster %s: its station, or the key that signed it, is not"
		    " listed",
		    held->scope);
	/* Two prove all that a third would. */
	if (beside > 1 && held->pinned == 0 && !led &&
	    (!roster_decided(r->roster, held->scope, held->version, &decided) ||
		!digest_equal(&decided, &held->hash)))
		return err_set(err, YZ_ENOTFOUND,
		    "roster %s: two documents of version %lld are held already",
		    held->scope, (long long)held->version);
	return 0;
}

/* Does it decide for that document, as the one before it did not yet? */
static bool
decides(const struct roster_held *held, const struct roster_held *before,
    const struct digest *hash)
{
	bool is = false, was = false;
	size_t i;

	for (i = 0; i < held->n_decides; i++)
		is |= digest_equal(&held->decides[i], hash);
	for (i = 0; i < before->n_decides; i++)
		was |= digest_equal(&before->decides[i], hash);
	return is && !was;
}

/*
 * A root part that decides between two of itself is signed by as many as the
 * last version asks for that nobody disputes: neither of the two can lower
 * that.
 */
static int
check_decisions(struct replica *r, const struct roster_doc *doc,
    const struct roster_held *held, const struct roster_held *before,
    struct err *err)
{
	struct roster_doc at = {.version = 0};
	struct digest hash = held->prev;
	struct roster_part rule;
	int64_t v;
	int rc = 0;

	for (v = held->version - 1; rc == 0 && v > 1; v--) {
		bool here = decides(held, before, &hash);

		rc = replica_roster_back(r, &hash, held->scope, err);
		if (rc != 0 || !here)
			continue;
		rc = replica_roster_hash(r, &at, held->scope, &hash, err);
		if (rc == 0)
			rc = roster_parse_part(
			    &rule, at.text.b, at.text.len, err);
		if (rc == 0) {
			rc = roster_rule_signed_by_root(doc, &rule, err);
			roster_doc_release(&rule);
		}
		roster_doc_free(&at);
	}
	return rc;
}

/* All is well with it but that the root keys of cur have not signed it. */
static int
lacks_pin(const struct roster_doc *doc, struct err *err)
{
	char fingerprint[SIGN_FINGERPRINT_LEN];

	pins_fingerprint(fingerprint, &doc->hash);
	return err_set(err, YZ_ENOTFOUND,
	    "roster root version %lld, fingerprint %s: the root keys here have"
	    " not signed it, only its own; if the province has announced that"
	    " fingerprint on paper: yizhan roster pin",
	    (long long)doc->version, fingerprint);
}

/* Does it follow cur (version 0: is it a first version) by what is signed? */
static int
check_signed(struct replica *r, const struct roster_doc *doc,
    const struct roster_held *held, const struct roster_doc *cur,
    struct err *err)
{
	struct roster_held before = {.version = 0};
	int rc;

	rc =
	    roster_follows(r->roster, cur->version == 0 ? NULL : cur, doc, err);
	if (rc == 0 && cur->version > 0)
		rc = roster_held_read(&before, cur, err);
	if (rc == 0 && held->n_decides > 0)
		rc = check_decisions(r, doc, held, &before, err);
	roster_held_free(&before);
	return rc;
}

/* What is signed does not do (rc): would it, had somebody pinned it? */
static bool
wants_pin(int rc, const struct roster_doc *doc, const struct roster_doc *cur)
{
	struct err ignored;

	return rc == YZ_EDENIED && cur->version > 0 &&
	       roster_follows_pinned(cur, doc, &ignored) == 0;
}

static int
check_after(struct replica *r, const struct roster_doc *doc,
    const struct roster_held *held, const struct roster_doc *cur,
    struct err *err)
{
	int rc;

	if (held->pinned > 0 && cur->version > 0)
		return roster_follows_pinned(cur, doc, err);
	rc = check_signed(r, doc, held, cur, err);
	return wants_pin(rc, doc, cur) ? lacks_pin(doc, err) : rc;
}

/* roster_held_read(), with its place among what is pinned here. */
static int
read_held(struct roster_held *out, struct replica *r,
    const struct roster_doc *doc, struct err *err)
{
	struct pins pins;
	int rc = roster_held_read(out, doc, err);

	if (rc != 0 || strcmp(out->scope, "root") != 0)
		return rc;
	replica_pins(&pins, r);
	out->pinned = pins_place(&pins, &out->hash);
	return 0;
}

/* Sets *is if it is held. */
static int
check(struct replica *r, const struct roster_doc *doc, bool led, bool *is,
    struct err *err)
{
	struct roster_doc cur = {.version = 0};
	struct roster_held held;
	int rc;

	*is = false;
	rc = read_held(&held, r, doc, err);
	if (rc != 0)
		return rc;
	rc = is_held(r, &held, is, err);
	if (rc == 0 && !*is)
		rc = check_place(r, &held, led, err);
	if (rc == 0 && !*is && held.version > 1 &&
	    replica_roster_hash(r, &cur, held.scope, &held.prev, err) != 0)
		rc = err_set(err, YZ_ENOTFOUND,
		    "roster %s: version %lld does not follow what is held",
		    held.scope, (long long)held.version);
	if (rc == 0 && !*is)
		rc = check_after(r, doc, &held, &cur, err);
	roster_doc_free(&cur);
	roster_held_free(&held);
	return rc;
}

bool
replica_roster_unpinned(struct replica *r, const struct roster_doc *doc,
    const struct roster_doc *before)
{
	struct roster_doc cur = {.version = 0};
	struct roster_held held;
	struct err ignored;
	bool is;

	if (read_held(&held, r, doc, &ignored) != 0)
		return false;
	if (before == NULL &&
	    replica_roster_hash(r, &cur, held.scope, &held.prev, &ignored) == 0)
		before = &cur;
	is = before != NULL && held.pinned == 0 &&
	     wants_pin(
		 check_signed(r, doc, &held, before, &ignored), doc, before);
	roster_doc_free(&cur);
	roster_held_free(&held);
	return is;
}

int
replica_roster_replace(struct replica *r, struct err *err)
{
	struct roster *before = r->roster;
	struct tail tail = {.n = 0};
	int rc;

	r->roster = NULL;
	rc = replica_roster_load(r, err);
	if (rc != 0) {
		r->roster = before;
		return rc;
	}
	rc = replica_pins_keep(r, err);
	if (rc == 0)
		rc = tail_collect(&tail, r, err);
	if (rc == 0)
		rc = replica_judge_all(r, before, err);
	if (rc == 0)
		rc = tail_store(&tail, r, err);
	tail_free(&tail);
	roster_free(before);
	return rc;
}

int
replica_roster_begin(struct replica *r, struct err *err)
{
	int rc;

	/* A first root part is believed when a station is made, and never
	 * because the ones that were here are lost. */
	if (roster_version(r->roster, "root") == 0 &&
	    trust_is_there(r->home->path))
		return err_set(err, YZ_EDENIED,
		    "the rosters that were here are lost: yizhan scrub");
	/* What was cut off before is looked for in the ledger. */
	rc = replica_seal(r, err);
	return rc == 0 ? replica_begin(r, err) : rc;
}

int
replica_roster_end(struct replica *r, int rc, struct err *err)
{
	if (rc == 0)
		rc = replica_commit(r, err);
	else
		replica_rollback(r);
	return rc == 0 ? tail_follow(r, err) : rc;
}

static int
take(struct replica *r, const struct roster_doc *doc, bool led, bool *fresh,
    struct err *err)
{
	bool is;
	int rc = check(r, doc, led, &is, err);

	if (rc == 0 && !is) {
		*fresh = true;
		rc = replica_roster_store(r, doc, NULL, err);
	}
	return rc;
}

int
replica_roster_gather(
    struct replica *r, const struct roster_doc *doc, struct err *err)
{
	bool fresh = false;
	int rc = take(r, doc, false, &fresh, err);

	return rc == 0 && fresh ? replica_roster_load(r, err) : rc;
}

int
replica_adopt(struct replica *r, const struct roster_doc *doc, struct err *err)
{
	bool fresh = false;
	int rc;

	rc = replica_roster_begin(r, err);
	if (rc != 0)
		return rc;
	rc = take(r, doc, false, &fresh, err);
	if (rc == 0 && fresh)
		rc = replica_roster_replace(r, err);
	return replica_roster_end(r, rc, err);
}

/* Is the last one pinned, or does it decide for one before it? */
static int
check_lead(
    struct replica *r, const struct roster_doc *docs, size_t n, struct err *err)
{
	struct roster_held last;
	bool leads = false;
	size_t i, k;
	int rc;

	rc = n < 2 ? YZ_ENOTFOUND : read_held(&last, r, &docs[n - 1], err);
	if (rc != 0)
		return rc;
	leads = last.pinned > 0;
	for (i = 0; i + 1 < n; i++)
		for (k = 0; k < last.n_decides; k++)
			leads |= digest_equal(&last.decides[k], &docs[i].hash);
	roster_held_free(&last);
	return leads ? 0 : YZ_ENOTFOUND;
}

int
replica_adopt_line(
    struct replica *r, const struct roster_doc *docs, size_t n, struct err *err)
{
	bool fresh = false;
	size_t i;
	int rc;

	rc = check_lead(r, docs, n, err);
	if (rc == 0)
		rc = replica_roster_begin(r, err);
	if (rc != 0)
		return rc;
	for (i = 0; rc == 0 && i < n; i++)
		rc = take(r, &docs[i], true, &fresh, err);
	if (rc == 0 && fresh)
		rc = replica_roster_replace(r, err);
	return replica_roster_end(r, rc, err);
}
