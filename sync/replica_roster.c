#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "home.h"
#include "pins.h"
#include "replica_impl.h"
#include "replica_pin.h"
#include "roster.h"
#include "roster_doc.h"
#include "roster_rule.h"
#include "tail.h"

static int
unpack_row(struct roster_doc *out, struct db_stmt *st, int col, struct err *err)
{
	size_t n;
	const void *p = db_blob(st, col, &n);

	return roster_doc_unpack(out, p, n, err);
}

/* --- reading ------------------------------------------------------------- */

static int
read_held(void *arg, struct roster_doc *out, const struct roster_held *which,
    struct err *err)
{
	return replica_roster_hash(arg, out, which->scope, &which->hash, err);
}

static void
held_row(struct roster_held *out, struct db_stmt *st, const struct pins *pins)
{
	const void *p;
	size_t n;

	memset(out, 0, sizeof(*out));
	snprintf(out->scope, sizeof(out->scope), "%s", db_text(st, 0));
	out->version = db_int(st, 1);
	p = db_blob(st, 2, &n);
	if (n == sizeof(out->hash.b))
		memcpy(out->hash.b, p, n);
	p = db_blob(st, 3, &n);
	if (n == sizeof(out->prev.b))
		memcpy(out->prev.b, p, n);
	p = db_blob(st, 4, &n);
	if (n == sizeof(out->signer))
		memcpy(out->signer, p, n);
	p = db_blob(st, 5, &n);
	out->n_decides = n / sizeof(*out->decides);
	out->decides = mem_calloc(out->n_decides + 1, sizeof(*out->decides));
	if (n > 0)
		memcpy(out->decides, p, out->n_decides * sizeof(*out->decides));
	if (strcmp(out->scope, "root") == 0)
		out->pinned = pins_place(pins, &out->hash);
}

static int
load(struct roster **out, struct replica *r, struct err *err)
{
	struct roster_held *held = NULL;
	struct db_stmt *st;
	struct pins pins;
	size_t n = 0, i;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT scope, version, hash, prev, signer, decides FROM _roster",
	    "");
	if (rc != 0)
		return rc;
	replica_pins(&pins, r);
	while ((rc = db_step(st, err)) == 1) {
		if ((n & (n - 1)) == 0)
			held = mem_realloc(
			    held, (n == 0 ? 1 : 2 * n) * sizeof(*held));
		held_row(&held[n++], st, &pins);
	}
	db_done(st);
	if (rc == 0)
		rc = roster_build_held(out, held, n, read_held, r, err);
	for (i = 0; i < n; i++)
		roster_held_free(&held[i]);
	free(held);
	return rc != 0 ? err_within(err, "roster") : 0;
}

int
replica_roster_load(struct replica *r, struct err *err)
{
	struct roster *fresh = NULL;
	int64_t stamp;
	int rc;

	/* Documents only come: the last one's number says whether any has. */
	rc = db_get_int(
	    &stamp, r->db, err, "SELECT coalesce(max(no), 0) FROM _roster", "");
	if (rc != 0 || (r->roster != NULL && stamp == r->roster_stamp))
		return rc;
	rc = load(&fresh, r, err);
	if (rc != 0)
		return rc;
	roster_free(r->roster);
	r->roster = fresh;
	r->roster_stamp = stamp;
	return 0;
}

int
replica_roster_hash(struct replica *r, struct roster_doc *out,
    const char *scope, const struct digest *hash, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT doc FROM _roster WHERE scope = ? AND hash = ?", "sb", scope,
	    hash->b, sizeof(hash->b));
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1)
		rc = unpack_row(out, st, 0, err);
	else if (rc == 0)
		rc = err_set(err, YZ_ENOTFOUND,
		    "no such roster of scope %s is held here", scope);
	db_done(st);
	return rc;
}

/* What a document names as the one before it. */
static int
step_back(
    struct replica *r, struct digest *hash, const char *scope, struct err *err)
{
	struct db_stmt *st;
	const void *p;
	size_t n;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT prev FROM _roster WHERE scope = ? AND hash = ?", "sb",
	    scope, hash->b, sizeof(hash->b));
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		p = db_blob(st, 0, &n);
		if (n == sizeof(hash->b))
			memcpy(hash->b, p, n);
		rc = 0;
	} else if (rc == 0)
		rc = err_set(err, YZ_ECORRUPT,
		    "the roster of scope %s is not whole here", scope);
	db_done(st);
	return rc;
}

int
replica_roster_doc(struct replica *r, struct roster_doc *out, const char *scope,
    int64_t version, struct err *err)
{
	const struct roster_scope *at = roster_scope(r->roster, scope);
	struct digest hash;
	int64_t v;
	int rc = 0;

	if (at == NULL || at->version == 0 || at->version < version)
		return err_set(err, YZ_ENOTFOUND,
		    "no roster of scope %s is held here", scope);
	hash = at->hash;
	for (v = at->version; rc == 0 && version != 0 && v > version; v--)
		rc = step_back(r, &hash, scope, err);
	return rc == 0 ? replica_roster_hash(r, out, scope, &hash, err) : rc;
}

int
replica_roster_relate(struct replica *r, int64_t *common, const char *scope,
    const struct digest *hash, struct err *err)
{
	const struct roster_scope *at = roster_scope(r->roster, scope);
	struct digest mine = {{0}}, theirs = *hash;
	int64_t m = at == NULL ? 0 : at->version, t;
	int rc;

	rc = db_get_int(&t, r->db, err,
	    "SELECT version FROM _roster WHERE scope = ? AND hash = ?", "sb",
	    scope, hash->b, sizeof(hash->b));
	if (rc != 0)
		return rc;
	if (m > 0)
		mine = at->hash;
	else
		t = 0;
	while (rc == 0 && t > 0 && (m != t || !digest_equal(&mine, &theirs))) {
		bool back = m >= t, on = t >= m;

		if (back)
			rc = step_back(r, &mine, scope, err);
		if (rc == 0 && on)
			rc = step_back(r, &theirs, scope, err);
		m -= back;
		t -= on;
	}
	*common = t;
	return rc;
}

int
replica_roster_hashes(struct replica *r, struct digest **out, int64_t *first,
    size_t *n, const char *scope, size_t max, struct err *err)
{
	const struct roster_scope *at = roster_scope(r->roster, scope);
	int64_t version = at == NULL ? 0 : at->version;
	struct digest hash;
	size_t i;
	int rc = 0;

	*n = version < (int64_t)max ? (size_t)version : max;
	*first = version - (int64_t)*n + 1;
	*out = mem_calloc(*n + 1, sizeof(**out));
	if (*n > 0)
		hash = at->hash;
	for (i = *n; rc == 0 && i > 0; i--) {
		(*out)[i - 1] = hash;
		if (i > 1)
			rc = step_back(r, &hash, scope, err);
	}
	if (rc != 0) {
		free(*out);
		*out = NULL;
	}
	return rc;
}

int
replica_roster_last(
    struct replica *r, struct digest *hash, const char *scope, struct err *err)
{
	struct db_stmt *st;
	const void *p;
	size_t n;
	int rc;

	do {
		rc = db_query(&st, r->db, err,
		    "SELECT hash FROM _roster WHERE scope = ?1 AND prev = ?2"
		    " AND version = (SELECT version + 1 FROM _roster WHERE"
		    " scope = ?1 AND hash = ?2) ORDER BY hash LIMIT 1",
		    "sb", scope, hash->b, sizeof(hash->b));
		if (rc != 0)
			return rc;
		rc = db_step(st, err);
		if (rc == 1) {
			p = db_blob(st, 0, &n);
			if (n == sizeof(hash->b))
				memcpy(hash->b, p, n);
		}
		db_done(st);
	} while (rc == 1);
	return rc;
}

int
replica_roster_each(struct replica *r,
    int (*fn)(void *arg, const struct roster_doc *doc, const uint8_t oid[20],
	struct err *err),
    void *arg, struct err *err)
{
	struct roster_doc doc;
	struct db_stmt *st;
	size_t n;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT doc, oid FROM _roster ORDER BY scope <> 'root', scope,"
	    " version, hash",
	    "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const void *oid = db_blob(st, 1, &n);

		rc = unpack_row(&doc, st, 0, err);
		if (rc == 0) {
			rc = fn(arg, &doc, n == 20 ? oid : NULL, err);
			roster_doc_free(&doc);
		}
		if (rc != 0)
			break;
	}
	db_done(st);
	return rc;
}

/* --- taking in ----------------------------------------------------------- */

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

/* Is there a place for it?  See replica_adopt(). */
static int
check_place(struct replica *r, const struct roster_held *held, struct err *err)
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
	if (beside > 1 && held->pinned == 0 &&
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

		rc = step_back(r, &hash, held->scope, err);
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

/* May it follow cur (version 0: it is a first version)? */
static int
check_after(struct replica *r, const struct roster_doc *doc,
    const struct roster_held *held, const struct roster_doc *cur,
    struct err *err)
{
	struct roster_held before = {.version = 0};
	struct err why;
	int rc;

	if (held->pinned > 0 && cur->version > 0)
		return roster_follows_pinned(cur, doc, err);
	rc =
	    roster_follows(r->roster, cur->version == 0 ? NULL : cur, doc, err);
	if (rc == YZ_EDENIED && cur->version > 0 &&
	    roster_follows_pinned(cur, doc, &why) == 0)
		return lacks_pin(doc, err);
	if (rc == 0 && cur->version > 0)
		rc = roster_held_read(&before, cur, err);
	if (rc == 0 && held->n_decides > 0)
		rc = check_decisions(r, doc, held, &before, err);
	roster_held_free(&before);
	return rc;
}

/* Sets *is if it is held. */
static int
check(
    struct replica *r, const struct roster_doc *doc, bool *is, struct err *err)
{
	struct roster_doc cur = {.version = 0};
	struct roster_held held;
	struct pins pins;
	int rc;

	*is = false;
	rc = roster_held_read(&held, doc, err);
	if (rc != 0)
		return rc;
	if (strcmp(held.scope, "root") == 0) {
		replica_pins(&pins, r);
		held.pinned = pins_place(&pins, &held.hash);
	}
	rc = is_held(r, &held, is, err);
	if (rc == 0 && !*is)
		rc = check_place(r, &held, err);
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
replica_roster_unpinned(struct replica *r, const struct roster_doc *doc)
{
	struct roster_doc cur = {.version = 0};
	struct roster_held held;
	struct err ignored;
	struct pins pins;
	bool is;

	if (roster_held_read(&held, doc, &ignored) != 0)
		return false;
	replica_pins(&pins, r);
	is = strcmp(held.scope, "root") == 0 && held.version > 1 &&
	     pins_place(&pins, &held.hash) == 0 &&
	     replica_roster_hash(r, &cur, held.scope, &held.prev, &ignored) ==
		 0 &&
	     roster_follows(r->roster, &cur, doc, &ignored) == YZ_EDENIED &&
	     roster_follows_pinned(&cur, doc, &ignored) == 0;
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
	/* What was cut off before is looked for in the ledger. */
	int rc = replica_seal(r, err);

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

int
replica_adopt(struct replica *r, const struct roster_doc *doc, struct err *err)
{
	bool is;
	int rc;

	rc = replica_roster_begin(r, err);
	if (rc != 0)
		return rc;
	rc = check(r, doc, &is, err);
	if (rc == 0 && !is)
		rc = replica_roster_store(r, doc, NULL, err);
	if (rc == 0 && !is)
		rc = replica_roster_replace(r, err);
	return replica_roster_end(r, rc, err);
}
