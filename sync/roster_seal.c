#include "config.h"

#include <stdio.h>
#include <string.h>

#include "home.h"
#include "replica_impl.h"
#include "roster.h"
#include "sign.h"
#include "trust.h"

/* The document's tree: its text, and its signatures as ssh-keygen reads
 * them, one after the other. */
static int
put_doc_tree(struct replica *r, const struct roster_doc *doc, uint8_t tree[20],
    struct err *err)
{
	struct buf sigs = BUF_INIT, bytes = BUF_INIT;
	uint8_t text[20], armour[20];
	size_t i;
	int rc;

	for (i = 0; i < doc->n_sigs; i++)
		sign_armour(
		    &sigs, doc->sigs[i].sig, doc->sigs[i].key, SIGN_NS_ROSTER);
	rc = ledger_put(r->ledger, STREAM_ROSTER, "blob", doc->text.b,
	    doc->text.len, text, err);
	if (rc == 0)
		rc = ledger_put(r->ledger, STREAM_ROSTER, "blob", sigs.b,
		    sigs.len, armour, err);
	if (rc == 0) {
		buf_put(&bytes, "100644 roster", sizeof("100644 roster"));
		buf_put(&bytes, text, sizeof(text));
		buf_put(
		    &bytes, "100644 signatures", sizeof("100644 signatures"));
		buf_put(&bytes, armour, sizeof(armour));
		rc = ledger_put(r->ledger, STREAM_ROSTER, "tree", bytes.b,
		    bytes.len, tree, err);
	}
	buf_free(&sigs);
	buf_free(&bytes);
	return rc;
}

/*
 * A commit per version, in the roster's repository (FORMAT.md).  No clock in
 * it: one document is the same commit everywhere.
 */
static int
seal_doc(struct replica *r, const struct roster_doc *doc, const void *parent,
    uint8_t oid[20], struct err *err)
{
	struct buf commit = BUF_INIT;
	const char *who = doc->scope;
	char hex[41];
	uint8_t tree[20];
	int rc;

	rc = put_doc_tree(r, doc, tree, err);
	if (rc != 0)
		return rc;
	digest_hex(hex, tree, 20);
	buf_printf(&commit, "tree %s\n", hex);
	if (parent != NULL) {
		digest_hex(hex, parent, 20);
		buf_printf(&commit, "parent %s\n", hex);
	}
	buf_printf(&commit,
	    "author %s <%s@yizhan.invalid> 0 +0000\n"
	    "committer %s <%s@yizhan.invalid> 0 +0000\n\n"
	    "Roster of scope %s, version %lld\n",
	    who, who, who, who, doc->scope, (long long)doc->version);
	rc = ledger_put(
	    r->ledger, STREAM_ROSTER, "commit", commit.b, commit.len, oid, err);
	buf_free(&commit);
	return rc == 0 ? ledger_flush(r->ledger, err) : rc;
}

/* One document that is not in the ledger yet: 1 if there was one. */
static int
seal_next(struct replica *r, struct err *err)
{
	uint8_t parent[20], oid[20];
	bool has_parent = false;
	struct roster_doc doc;
	struct db_stmt *st;
	const void *p;
	size_t n;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT a.doc, b.oid FROM _roster AS a LEFT JOIN _roster AS b ON"
	    " b.scope = a.scope AND b.hash = a.prev"
	    " WHERE a.oid IS NULL ORDER BY a.scope, a.version LIMIT 1",
	    "");
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		p = db_blob(st, 1, &n);
		has_parent = p != NULL && n == sizeof(parent);
		if (has_parent)
			memcpy(parent, p, n);
		p = db_blob(st, 0, &n);
		if (roster_doc_unpack(&doc, p, n, err) != 0)
			rc = YZ_ECORRUPT;
	}
	db_done(st);
	if (rc != 1)
		return rc;
	rc = seal_doc(r, &doc, has_parent ? parent : NULL, oid, err);
	if (rc == 0)
		rc = db_run(r->db, err,
		    "UPDATE _roster SET oid = ? WHERE scope = ? AND hash = ?",
		    "bsb", oid, sizeof(oid), doc.scope, doc.hash.b,
		    sizeof(doc.hash.b));
	roster_doc_free(&doc);
	return rc == 0 ? 1 : rc;
}

/* --- refs ----------------------------------------------------------------- */

/* refs/rosters/SCOPE: the newest that counts, if any does.  Where it is to
 * stand, and whether it does. */
static int
look_at_ref(struct replica *r, const struct roster_scope *scope,
    uint8_t oid[20], bool *stands, struct err *err)
{
	struct err ignored;
	struct db_stmt *st;
	uint8_t now[20];
	char ref[64];
	const void *p;
	size_t n;
	int rc;

	memset(oid, 0, 20);
	snprintf(ref, sizeof(ref), "refs/rosters/%s", scope->scope);
	rc = db_query(&st, r->db, err,
	    "SELECT oid FROM _roster WHERE scope = ? AND hash = ?", "sb",
	    scope->scope, scope->hash.b, sizeof(scope->hash.b));
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		p = db_blob(st, 0, &n);
		if (n == 20)
			memcpy(oid, p, n);
	}
	db_done(st);
	if (rc < 0)
		return rc;
	rc = ledger_ref_get(r->ledger, STREAM_ROSTER, ref, now, &ignored);
	*stands = rc == YZ_ENOTFOUND ? scope->version == 0
				     : rc == 0 && memcmp(now, oid, 20) == 0;
	return 0;
}

static int
put_scope_ref(
    struct replica *r, const struct roster_scope *scope, struct err *err)
{
	uint8_t oid[20];
	bool stands;
	char ref[64];
	int rc = look_at_ref(r, scope, oid, &stands, err);

	if (rc != 0 || stands)
		return rc;
	snprintf(ref, sizeof(ref), "refs/rosters/%s", scope->scope);
	return ledger_ref(r->ledger, STREAM_ROSTER, ref, oid, err);
}

/* refs/forks/roster/SCOPE/HASH16 for each that nothing follows, where one of
 * its scope is held that parts: what does not count is kept there. */
static int
put_branch_refs(struct replica *r, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT scope, hash, oid FROM _roster AS a WHERE NOT EXISTS"
	    " (SELECT 1 FROM _roster AS b WHERE b.scope = a.scope AND"
	    " b.version = a.version + 1 AND b.prev = a.hash) AND scope IN"
	    " (SELECT scope FROM _roster GROUP BY scope, version"
	    " HAVING count(*) > 1)",
	    "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		char ref[96], hex[17] = "";
		size_t n_hash, n_oid;
		const void *hash = db_blob(st, 1, &n_hash);
		const void *oid = db_blob(st, 2, &n_oid);

		const struct roster_scope *scope =
		    roster_scope(r->roster, db_text(st, 0));

		if (n_hash != 32 || n_oid != 20 || scope == NULL ||
		    memcmp(scope->hash.b, hash, 32) == 0)
			continue;
		digest_hex(hex, hash, 8);
		snprintf(ref, sizeof(ref), "refs/forks/roster/%s/%s",
		    db_text(st, 0), hex);
		rc = ledger_ref(r->ledger, STREAM_ROSTER, ref, oid, err);
		if (rc != 0)
			break;
	}
	db_done(st);
	return rc;
}

/* Which counts may change with any document: refs, and HOME/trust, follow when
 * one has come. */
static int
put_refs(struct replica *r, struct err *err)
{
	const struct roster_scope *scope;
	int64_t stamp = 0;
	size_t i;
	int rc;

	rc = replica_refresh(r, err);
	if (rc == 0)
		rc = db_get_int(&stamp, r->db, err,
		    "SELECT coalesce((SELECT value FROM _meta WHERE"
		    " name = 'roster refs'), 0)",
		    "");
	if (rc != 0 || stamp == r->roster_stamp)
		return rc;
	stamp = r->roster_stamp;
	rc = put_branch_refs(r, err);
	if (rc == 0)
		rc = ledger_flush(r->ledger, err);
	for (i = 0; rc == 0 && (scope = roster_scope_at(r->roster, i)) != NULL;
	     i++)
		rc = put_scope_ref(r, scope, err);
	if (rc == 0)
		rc = ledger_flush(r->ledger, err);
	if (rc == 0)
		rc = trust_keep(r, err);
	if (rc == 0)
		rc = db_run(r->db, err,
		    "INSERT OR REPLACE INTO _meta(name, value)"
		    " VALUES ('roster refs', ?)",
		    "i", stamp);
	return rc;
}

int
roster_seal(struct replica *r, struct err *err)
{
	int rc;

	while ((rc = seal_next(r, err)) == 1)
		;
	return rc == 0 ? put_refs(r, err) : rc;
}

/* --- damage --------------------------------------------------------------- */

static bool
is_there(struct replica *r, const void *oid, size_t n)
{
	struct buf text = BUF_INIT;
	struct err ignored;
	bool there;

	there = n == 20 &&
		rebuild_file(r->ledger, STREAM_ROSTER, oid, "roster", &text,
		    &ignored) == 0 &&
		rebuild_file(r->ledger, STREAM_ROSTER, oid, "signatures", &text,
		    &ignored) == 0;
	buf_free(&text);
	return there;
}

/* Documents that the ledger should have and has not. */
static int
count_missing(struct replica *r, int64_t *n, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT oid FROM _roster WHERE oid IS NOT NULL", "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		size_t len;
		const void *oid = db_blob(st, 0, &len);

		*n += !is_there(r, oid, len);
	}
	db_done(st);
	return rc;
}

int
roster_unseal(struct replica *r, int64_t *n, struct err *err)
{
	const struct roster_scope *scope;
	uint8_t oid[20];
	bool stands;
	size_t i;
	int rc;

	*n = 0;
	rc = count_missing(r, n, err);
	for (i = 0; rc == 0 && (scope = roster_scope_at(r->roster, i)) != NULL;
	     i++) {
		rc = look_at_ref(r, scope, oid, &stands, err);
		*n += rc == 0 && !stands;
	}
	if (rc == 0 && *n > 0)
		rc = db_exec(r->db,
		    "UPDATE _roster SET oid = NULL;"
		    "DELETE FROM _meta WHERE name = 'roster refs';",
		    err);
	return rc;
}

/* --- proving -------------------------------------------------------------- */

struct verifying {
	struct replica *r;
	void (*fn)(void *arg, const char *fault);
	void *arg;
};

static void
tell(struct verifying *v, const struct roster_doc *doc, const char *what)
{
	char line[400];

	snprintf(line, sizeof(line), N_("roster %s version %lld: %s"),
	    doc->scope, (long long)doc->version, what);
	v->fn(v->arg, line);
}

static int
verify_doc(void *arg, const struct roster_doc *doc, const uint8_t oid[20],
    struct err *err)
{
	struct verifying *v = arg;
	struct buf text = BUF_INIT;
	struct digest hash;
	struct err fault;
	size_t i;

	(void)err;
	digest_sha256(&hash, doc->text.b, doc->text.len);
	if (!digest_equal(&hash, &doc->hash))
		tell(v, doc, N_("its text is another"));
	for (i = 0; i < doc->n_sigs; i++)
		if (sign_verify(doc->sigs[i].sig, doc->sigs[i].key,
			SIGN_NS_ROSTER, doc->text.b, doc->text.len,
			&fault) != 0)
			tell(v, doc, N_("a signature does not hold"));
	if (oid != NULL && rebuild_file(v->r->ledger, STREAM_ROSTER, oid,
			       "roster", &text, &fault) != 0)
		tell(v, doc, fault.msg);
	else if (oid != NULL && (text.len != doc->text.len ||
				    memcmp(text.b, doc->text.b, text.len) != 0))
		tell(v, doc, N_("the ledger has another"));
	buf_free(&text);
	return 0;
}

int
roster_verify(struct replica *r, void (*fn)(void *arg, const char *fault),
    void *arg, struct err *err)
{
	struct verifying v = {r, fn, arg};
	const struct roster_scope *scope;
	char line[400], a[17], b[17];
	size_t i;
	int rc;

	rc = replica_roster_each(r, verify_doc, &v, err);
	for (i = 0; rc == 0 && (scope = roster_scope_at(r->roster, i)) != NULL;
	     i++) {
		if (!scope->contested)
			continue;
		digest_hex(a, scope->pair[0].b, 8);
		digest_hex(b, scope->pair[1].b, 8);
		snprintf(line, sizeof(line),
		    N_("roster %s: two documents of version %lld are signed, %s"
		       " and %s, and neither counts"),
		    scope->scope, (long long)scope->version + 1, a, b);
		fn(arg, line);
	}
	return rc;
}
