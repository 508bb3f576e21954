#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "home.h"
#include "limit.h"
#include "replica_impl.h"
#include "roster.h"

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

/* Fold every record that a chain touched anew. */
static int
dirty_chain(struct replica *r, const struct chain *c, struct err *err)
{
	r->dirty = true;
	return db_run(r->db, err,
	    "INSERT OR IGNORE INTO temp._dirty SELECT rec FROM _touch"
	    " WHERE chain = ?",
	    "i", c->no);
}

/*
 * Does what is held of a chain count?  The incarnation is listed; or its
 * first changeset goes on from a place of another chain of the same writer
 * that is held and counts, one that whoever holds this one may hold.
 */
static int
counts(struct replica *r, const struct chain *c, int level, struct err *err)
{
	const struct chain *from;
	struct digest id = {{0}};
	struct db_stmt *st;
	int64_t other, seq;
	const void *p;
	size_t n = 0;
	int rc;

	if (roster_lists(r->roster, &c->name))
		return 1;
	if (roster_find(r->roster, c->name.writer) == NULL ||
	    level == LIMIT_INCS)
		return 0;
	rc = db_query(&st, r->db, err,
	    "SELECT other, seq, id FROM _continues WHERE chain = ?", "i",
	    c->no);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		other = db_int(st, 0);
		seq = db_int(st, 1);
		p = db_blob(st, 2, &n);
		if (n <= sizeof(id.b))
			memcpy(id.b, p, n);
	}
	db_done(st);
	if (rc != 1)
		return rc;
	from = replica_chain_no(r, other);
	if (from == NULL || strcmp(from->name.writer, c->name.writer) != 0 ||
	    !chain_nameable(r->roster, &c->name, &from->name))
		return 0;
	rc = replica_is_at(r, from, seq, id.b, n, err);
	return rc == 1 ? counts(r, from, level + 1, err) : rc;
}

int
replica_judge_unlisted(struct replica *r, struct err *err)
{
	size_t i;
	int rc = 0;

	r->pending = false;
	for (i = 0; rc == 0 && i < r->n_chains; i++) {
		struct chain *c = &r->chains[i];
		int64_t accepted = c->accepted;

		if (c->head == 0 || roster_lists(r->roster, &c->name))
			continue;
		rc = replica_judge(r, c, err);
		if (rc == 0 && c->accepted != accepted) {
			rc = replica_chain_put(r, c, err);
			if (rc == 0)
				rc = dirty_chain(r, c, err);
		}
		r->pending |= c->accepted == 0;
	}
	return rc;
}

int
replica_judge(struct replica *r, struct chain *c, struct err *err)
{
	int rc;

	rc = counts(r, c, 0, err);
	if (rc < 0)
		return rc;
	c->accepted = rc == 1 ? INT64_MAX : 0;
	c->may_write =
	    stream_everyone(c->name.stream) ||
	    chain_may_write(r->roster, c->name.writer, c->name.owner);
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

static int
store_doc(struct replica *r, const struct roster_doc *doc, struct err *err)
{
	struct buf bytes = BUF_INIT;
	int rc;

	roster_doc_pack(&bytes, doc);
	rc = db_run(r->db, err,
	    "INSERT INTO _roster(scope, version, hash, doc)"
	    " VALUES (?, ?, ?, ?)",
	    "sibb", doc->scope, doc->version, doc->hash.b, sizeof(doc->hash.b),
	    bytes.b, bytes.len);
	buf_free(&bytes);
	return rc;
}

/* Is everything that was known about existing stations as before? */
static bool
only_added(const struct roster *before, const struct roster *after)
{
	size_t i, k;

	for (i = 0; i < roster_count(before); i++) {
		const struct roster_station *a = roster_at(before, i);
		const struct roster_station *b = roster_find(after, a->code);

		if (b == NULL || strcmp(a->parent, b->parent) != 0 ||
		    b->n_keys < a->n_keys)
			return false;
		for (k = 0; k < a->n_keys; k++)
			if (a->keys[k].ended != b->keys[k].ended ||
			    a->keys[k].n_ends != b->keys[k].n_ends ||
			    a->keys[k].n_incs != b->keys[k].n_incs)
				return false;
	}
	return true;
}

/* Judge every chain by the new roster, and mark what may come out else. */
static int
judge_all(struct replica *r, bool only_new, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < r->n_chains; i++) {
		int64_t accepted = r->chains[i].accepted;

		rc = replica_judge(r, &r->chains[i], err);
		/* An end that moved: writes count no more, or Seen lines do
		 * that did not. */
		if (r->chains[i].head > 0 && r->chains[i].accepted != accepted)
			only_new = false;
		if (rc == 0)
			rc = replica_chain_put(r, &r->chains[i], err);
	}
	if (rc == 0)
		rc = db_exec(r->db,
		    only_new ? "INSERT OR IGNORE INTO temp._dirty"
			       " SELECT rec FROM _quarantine"
			     : "INSERT OR IGNORE INTO temp._dirty"
			       " SELECT rec FROM _record",
		    err);
	r->dirty = true;
	return rc;
}

int
replica_adopt(struct replica *r, const struct roster_doc *doc, struct err *err)
{
	struct roster_doc cur;
	struct roster *before;
	bool had;
	int rc;

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
		rc = store_doc(r, doc, err);
	if (rc == 0) {
		before = r->roster;
		r->roster = NULL;
		rc = replica_roster_load(r, err);
		if (rc != 0) {
			r->roster = before;
		} else {
			rc = judge_all(r, only_added(before, r->roster), err);
			roster_free(before);
		}
	}
	if (rc == 0)
		return replica_commit(r, err);
	replica_rollback(r);
	return rc;
}
