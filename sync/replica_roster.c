#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "home.h"
#include "replica_impl.h"
#include "roster.h"
#include "tail.h"

static int
unpack_row(struct roster_doc *out, struct db_stmt *st, int col, struct err *err)
{
	size_t n;
	const void *p = db_blob(st, col, &n);

	return roster_doc_unpack(out, p, n, err);
}

int
replica_roster_load(struct replica *r, struct err *err)
{
	struct roster_doc *docs = NULL;
	struct roster *fresh = NULL;
	struct db_stmt *st;
	size_t n = 0, i;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT doc, max(version) FROM _roster GROUP BY scope", "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		docs = mem_realloc(docs, (n + 1) * sizeof(*docs));
		rc = unpack_row(&docs[n], st, 0, err);
		if (rc != 0)
			break;
		n++;
	}
	db_done(st);
	if (rc == 0)
		rc = roster_build(&fresh, docs, n, err);
	for (i = 0; i < n; i++)
		roster_doc_free(&docs[i]);
	free(docs);
	if (rc != 0)
		return err_within(err, "roster");
	roster_free(r->roster);
	r->roster = fresh;
	return 0;
}

int
replica_roster_doc(struct replica *r, struct roster_doc *out, const char *scope,
    int64_t version, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT doc FROM _roster WHERE scope = ?1 AND"
	    " (version = ?2 OR ?2 = 0) ORDER BY version DESC LIMIT 1",
	    "si", scope, version);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1)
		rc = unpack_row(out, st, 0, err);
	else if (rc == 0)
		rc = err_set(err, YZ_ENOTFOUND,
		    "no roster of scope %s is held here", scope);
	db_done(st);
	return rc;
}

int
replica_scopes(
    struct replica *r, struct replica_scope **out, size_t *n, struct err *err)
{
	struct db_stmt *st;
	int rc;

	*out = NULL;
	*n = 0;
	/* "root" first: the others rest on it; cities in order. */
	rc = db_query(&st, r->db, err,
	    "SELECT scope, max(version), hash FROM _roster GROUP BY scope"
	    " ORDER BY scope <> 'root', scope",
	    "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		struct replica_scope *s;
		const void *hash;
		size_t len;

		*out = mem_realloc(*out, (*n + 1) * sizeof(**out));
		s = &(*out)[(*n)++];
		memset(s, 0, sizeof(*s));
		snprintf(s->scope, sizeof(s->scope), "%s", db_text(st, 0));
		s->version = db_int(st, 1);
		hash = db_blob(st, 2, &len);
		if (hash != NULL && len == sizeof(s->hash.b))
			memcpy(s->hash.b, hash, len);
	}
	db_done(st);
	return rc;
}

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
 * A commit per version, in the roster's repository, under
 * refs/rosters/SCOPE (FORMAT.md).  No clock in it: one document is the same
 * commit everywhere.
 */
static int
seal_doc(struct replica *r, const struct roster_doc *doc, const void *parent,
    uint8_t oid[20], struct err *err)
{
	struct buf commit = BUF_INIT;
	const char *who = doc->scope;
	char ref[64], hex[41];
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
	snprintf(ref, sizeof(ref), "refs/rosters/%s", doc->scope);
	if (rc == 0)
		rc = ledger_ref(r->ledger, STREAM_ROSTER, ref, oid, err);
	if (rc == 0)
		rc = ledger_flush(r->ledger, err);
	return rc;
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
	    " b.scope = a.scope AND b.version = a.version - 1"
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
		if (unpack_row(&doc, st, 0, err) != 0)
			rc = YZ_ECORRUPT;
	}
	db_done(st);
	if (rc != 1)
		return rc;
	rc = seal_doc(r, &doc, has_parent ? parent : NULL, oid, err);
	if (rc == 0)
		rc = db_run(r->db, err,
		    "UPDATE _roster SET oid = ? WHERE scope = ? AND"
		    " version = ?",
		    "bsi", oid, sizeof(oid), doc.scope, doc.version);
	roster_doc_free(&doc);
	return rc == 0 ? 1 : rc;
}

int
replica_roster_seal(struct replica *r, struct err *err)
{
	int rc;

	while ((rc = seal_next(r, err)) == 1)
		;
	return rc;
}

int
replica_roster_store(struct replica *r, const struct roster_doc *doc,
    const uint8_t oid[20], struct err *err)
{
	struct buf bytes = BUF_INIT;
	int rc;

	roster_doc_pack(&bytes, doc);
	rc = db_run(r->db, err,
	    "INSERT INTO _roster(scope, version, hash, doc, oid)"
	    " VALUES (?, ?, ?, ?, ?)",
	    "sibbb", doc->scope, doc->version, doc->hash.b, sizeof(doc->hash.b),
	    bytes.b, bytes.len, oid, (size_t)(oid == NULL ? 0 : 20));
	buf_free(&bytes);
	return rc;
}

int
replica_adopt(struct replica *r, const struct roster_doc *doc, struct err *err)
{
	struct roster_doc cur;
	struct roster *before;
	struct tail tail = {.n = 0};
	bool had;
	int rc;

	/* What was cut off before is looked for in the ledger. */
	rc = replica_seal(r, err);
	if (rc == 0)
		rc = replica_begin(r, err);
	if (rc != 0)
		return rc;
	rc = replica_roster_doc(r, &cur, doc->scope, 0, err);
	had = rc == 0;
	if (rc == 0 || rc == YZ_ENOTFOUND)
		rc = roster_follows(r->roster, had ? &cur : NULL, doc, err);
	if (had)
		roster_doc_free(&cur);
	if (rc == 0)
		rc = replica_roster_store(r, doc, NULL, err);
	if (rc == 0) {
		before = r->roster;
		r->roster = NULL;
		rc = replica_roster_load(r, err);
		if (rc != 0) {
			r->roster = before;
		} else {
			rc = tail_collect(&tail, r, err);
			if (rc == 0)
				rc = replica_judge_all(r, before, err);
			if (rc == 0)
				rc = tail_store(&tail, r, err);
			tail_free(&tail);
			roster_free(before);
		}
	}
	if (rc == 0)
		rc = replica_commit(r, err);
	else
		replica_rollback(r);
	return rc == 0 ? tail_follow(r, err) : rc;
}
