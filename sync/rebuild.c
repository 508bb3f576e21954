#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "branch.h"
#include "replica_impl.h"
#include "replica_pin.h"
#include "sign.h"

/*
 * From the ledger alone: first the rosters, then every chain from its first
 * changeset on, through the same door as if a peer had sent it.
 */

struct rebuild {
	struct replica *r;
	enum stream stream;
	int64_t done, total;
	void (*step)(void *, int64_t, int64_t);
	void *arg;
};

static void
count_step(void *arg)
{
	struct rebuild *b = arg;

	if (b->step != NULL && ++b->done % 64 == 0)
		b->step(b->arg, b->done, b->total);
}

static int
fold_chain(void *arg, const char *name, const uint8_t head[20], struct err *err)
{
	struct rebuild *b = arg;
	struct branch branch;
	int rc;

	rc = branch_read(&branch, b->r, b->stream, head, err);
	if (rc == 0) {
		rc = branch_take(b->r, &branch, count_step, b, err);
		branch_free(&branch);
	}
	return rc == 0 ? 0 : err_within(err, "%s", name);
}

/* --- rosters ----------------------------------------------------------------
 */

/* The address of an entry of a tree, by its name. */
static bool
entry(uint8_t oid[20], const struct buf *tree, const char *name)
{
	size_t at = 0, n = strlen(name);

	while (at < tree->len) {
		const uint8_t *p = tree->b + at;
		const uint8_t *nul = memchr(p, '\0', tree->len - at);

		if (nul == NULL || tree->b + tree->len - nul < 21)
			return false;
		if ((size_t)(nul - p) == 7 + n && memcmp(p + 7, name, n) == 0) {
			memcpy(oid, nul + 1, 20);
			return true;
		}
		at = (size_t)(nul + 21 - tree->b);
	}
	return false;
}

int
rebuild_file(struct ledger *ledger, enum stream stream,
    const uint8_t commit[20], const char *name, struct buf *out,
    struct err *err)
{
	struct buf bytes = BUF_INIT;
	uint8_t oid[20];
	int rc;

	rc = ledger_read(ledger, stream, commit, "commit", &bytes, err);
	if (rc == 0 &&
	    (bytes.len < 46 || !digest_unhex(oid, 20, buf_str(&bytes) + 5, 40)))
		rc = err_set(err, YZ_ECORRUPT, "a commit names no tree");
	buf_clear(&bytes);
	if (rc == 0)
		rc = ledger_read(ledger, stream, oid, "tree", &bytes, err);
	if (rc == 0 && !entry(oid, &bytes, name))
		rc = err_set(err, YZ_ECORRUPT, "a commit has no file %s", name);
	if (rc == 0)
		rc = ledger_read(ledger, stream, oid, "blob", out, err);
	buf_free(&bytes);
	return rc;
}

/* The signatures, as a document stores them. */
static int
pack_signatures(struct buf *out, struct buf *armoured, struct err *err)
{
	static const char last[] = "-----END SSH SIGNATURE-----\n";
	const char *p = buf_str(armoured), *end;
	uint8_t sig[64], key[32];
	struct buf sigs = BUF_INIT;
	uint64_t n = 0;
	int rc = 0;

	for (; rc == 0 && *p != '\0'; p = end, n++) {
		end = strstr(p, last);
		end = end == NULL ? p + strlen(p) : end + strlen(last);
		rc = sign_unarmour(
		    sig, key, SIGN_NS_ROSTER, p, (size_t)(end - p), err);
		buf_put(&sigs, key, sizeof(key));
		buf_put(&sigs, sig, sizeof(sig));
	}
	buf_put_varint(out, n);
	buf_put(out, sigs.b, sigs.len);
	buf_free(&sigs);
	return rc;
}

/* Documents are believed no more than when they came. */
static int
check_signatures(const struct roster_doc *doc, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < doc->n_sigs; i++)
		rc = sign_verify(doc->sigs[i].sig, doc->sigs[i].key,
		    SIGN_NS_ROSTER, doc->text.b, doc->text.len, err);
	return rc;
}

static int
take_roster(struct replica *r, const uint8_t oid[20], struct err *err)
{
	struct buf text = BUF_INIT, sigs = BUF_INIT, packed = BUF_INIT;
	struct roster_doc doc;
	int rc;

	rc = rebuild_file(r->ledger, STREAM_ROSTER, oid, "roster", &text, err);
	if (rc == 0)
		rc = rebuild_file(
		    r->ledger, STREAM_ROSTER, oid, "signatures", &sigs, err);
	if (rc == 0) {
		buf_put_string(&packed, text.b, text.len);
		rc = pack_signatures(&packed, &sigs, err);
	}
	if (rc == 0)
		rc = roster_doc_unpack(&doc, packed.b, packed.len, err);
	if (rc == 0) {
		rc = check_signatures(&doc, err);
		if (rc == 0)
			rc = replica_roster_store(r, &doc, oid, err);
		roster_doc_free(&doc);
	}
	buf_free(&text);
	buf_free(&sigs);
	buf_free(&packed);
	return rc;
}

/* A scope's documents, from one back to the first. */
static int
take_rosters(
    void *arg, const char *name, const uint8_t head[20], struct err *err)
{
	struct rebuild *b = arg;
	struct buf commit = BUF_INIT;
	uint8_t oid[20];
	int rc;

	memcpy(oid, head, sizeof(oid));
	do {
		rc = take_roster(b->r, oid, err);
		buf_clear(&commit);
		if (rc == 0)
			rc = ledger_read(b->r->ledger, STREAM_ROSTER, oid,
			    "commit", &commit, err);
	} while (rc == 0 && branch_parent(oid, &commit));
	buf_free(&commit);
	return rc == 0 ? 0 : err_within(err, "%s", name);
}

/* --- chains -----------------------------------------------------------------
 */

static int
take_pair(void *arg, const char *name, const uint8_t oid[20], struct err *err)
{
	struct rebuild *b = arg;
	int rc;

	if (strcmp(strrchr(name, '/'), "/pair") != 0)
		return 0;
	rc = fork_unseal(b->r, b->stream, oid, err);
	return rc == 0 ? 0 : err_within(err, "%s", name);
}

/* Every table of ours and of the kinds, but what only this machine knows. */
static int
drop_tables(struct replica *r, struct err *err)
{
	static const char *const keep = "DELETE FROM _chain;"
					"DELETE FROM _changeset;"
					"DELETE FROM _seen;"
					"DELETE FROM _waiting;"
					"DELETE FROM _register;"
					"DELETE FROM _record;"
					"DELETE FROM _touch;"
					"DELETE FROM _standing;"
					"DELETE FROM _quarantine;"
					"DELETE FROM _unknown;"
					"DELETE FROM _blob;"
					"DELETE FROM _key;"
					"DELETE FROM _continues;"
					"DELETE FROM _fork;"
					"DELETE FROM _roster;"
					"DELETE FROM _tally;"
					"DELETE FROM _tallied;"
					"INSERT INTO _search(_search)"
					" VALUES ('delete-all');";
	struct buf sql = BUF_INIT;
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT name FROM sqlite_schema WHERE type = 'table' AND"
	    " name NOT GLOB '_*' AND name NOT GLOB 'sqlite_*'",
	    "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		buf_puts(&sql, "DROP TABLE ");
		db_quote(&sql, db_text(st, 0));
		buf_puts(&sql, ";");
	}
	db_done(st);
	buf_puts(&sql, keep);
	if (rc == 0)
		rc = db_exec(r->db, buf_str(&sql), err);
	buf_free(&sql);
	return rc;
}

/* Carry the seal marks over: all that was read from the ledger is in it. */
static int
mark_sealed(struct replica *r, struct err *err)
{
	return db_exec(r->db,
	    "DELETE FROM _unsealed; UPDATE _chain SET sealed = head;"
	    "UPDATE _fork SET sealed = 1;",
	    err);
}

static int
rebuild(struct rebuild *b, struct err *err)
{
	struct replica *r = b->r;
	int rc, s;

	rc = db_get_int(
	    &b->total, r->db, err, "SELECT count(*) FROM _changeset", "");
	if (rc == 0)
		rc = drop_tables(r, err);
	if (rc != 0)
		return rc;
	r->n_chains = 0;
	r->stamp = 0;
	r->kinds = 0;
	schema_free(r->schema);
	r->schema = NULL;
	rc = schema_load(&r->schema, r->db, true, err);
	if (rc == 0)
		rc = ledger_refs(r->ledger, STREAM_ROSTER, "refs/rosters/",
		    take_rosters, b, err);
	/* Those that do not count, too: that they are held is why. */
	if (rc == 0)
		rc = ledger_refs(r->ledger, STREAM_ROSTER, "refs/forks/roster/",
		    take_rosters, b, err);
	r->roster_stamp = -1;
	if (rc == 0)
		rc = replica_pins_keep(r, err);
	if (rc == 0)
		rc = replica_roster_load(r, err);
	/* First what ends chains, then the chains, as far as they go. */
	for (s = 0; rc == 0 && s < STREAM_COUNT; s++) {
		b->stream = (enum stream)s;
		rc = ledger_refs(
		    r->ledger, b->stream, "refs/forks/", take_pair, b, err);
	}
	for (s = 0; rc == 0 && s < STREAM_COUNT; s++) {
		b->stream = (enum stream)s;
		rc = ledger_refs(
		    r->ledger, b->stream, "refs/chains/", fold_chain, b, err);
	}
	if (rc == 0)
		rc = refold_all(r, err);
	return rc == 0 ? mark_sealed(r, err) : rc;
}

int
replica_rebuild(struct replica *r, void (*step)(void *, int64_t, int64_t),
    void *arg, struct err *err)
{
	struct rebuild b = {.r = r, .step = step, .arg = arg};
	int rc;

	rc = replica_seal(r, err);
	if (rc == 0)
		rc = replica_begin(r, err);
	if (rc != 0)
		return rc;
	rc = rebuild(&b, err);
	if (rc == 0)
		return replica_commit(r, err);
	replica_rollback(r);
	return err_within(err, "rebuild: nothing was changed");
}
