#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fork.h"
#include "replica_impl.h"

/*
 * A chain cut back.  Within the transaction only tables change: what is to be
 * done in the ledger is noted in _loose (changesets that were not sealed) and
 * _cut (refs), and done by the sealer, after all else that is unsealed: so
 * what a ref leads to is always there.
 */

/* In order; ?1 is the chain's number, ?2 the last seq that stays. */
static const char *const cuts[] = {
    /* All records of the chain: what others knew of the part cut off
     * covered its earlier writes too. */
    "INSERT OR IGNORE INTO temp._dirty SELECT rec FROM _touch"
    " WHERE chain = ?1 AND ?2 >= 0",
    "INSERT INTO _loose(stream, text, ops) SELECT stream, text, ops"
    " FROM _unsealed JOIN _chain ON no = chain"
    " WHERE chain = ?1 AND seq > ?2",
    "DELETE FROM _unsealed WHERE chain = ?1 AND seq > ?2",
    "DELETE FROM _changeset WHERE chain = ?1 AND seq > ?2",
    "DELETE FROM _touch WHERE chain = ?1 AND seq > ?2",
    "DELETE FROM _seen WHERE chain = ?1 AND seq > ?2",
    "DELETE FROM _continues WHERE chain = ?1 AND ?2 = 0",
    /* What waits for others on its behalf, and what waits for it. */
    "DELETE FROM _waiting WHERE chain = ?1 AND ?2 >= 0",
    "INSERT OR IGNORE INTO _waiting(other, other_seq, chain)"
    " SELECT other, other_seq, chain FROM _seen JOIN _chain ON no = other"
    " WHERE chain = ?1 AND other_seq > head AND ?2 >= 0",
    "INSERT OR IGNORE INTO _waiting(other, other_seq, chain)"
    " SELECT other, other_seq, chain FROM _seen"
    " WHERE other = ?1 AND other_seq > ?2",
    "UPDATE _chain SET sealed = min(sealed, ?2) WHERE no = ?1",
};

void
truncate_ref(char out[TRUNCATE_REF_MAX], const struct chain_name *chain,
    const char *name)
{
	char ref[REPLICA_REF_MAX];

	replica_chain_ref(ref, chain);
	snprintf(out, TRUNCATE_REF_MAX, "refs/forks/%s/%s",
	    ref + strlen("refs/chains/"), name);
}

/* The branch that ends in the chain's head keeps a ref of its own, and the
 * chain's ref moves back. */
static int
note_refs(struct replica *r, const struct chain *c, struct err *err)
{
	char ref[TRUNCATE_REF_MAX], id[17], oid[9], name[32];
	int rc;

	digest_hex(id, c->id.b, 8);
	digest_hex(oid, c->oid, 4);
	snprintf(name, sizeof(name), "%s-%s", id, oid);
	truncate_ref(ref, &c->name, name);
	rc = db_run(r->db, err,
	    "INSERT INTO _cut(chain, ref, oid) VALUES (?, ?, ?)", "isb", c->no,
	    ref, c->oid, sizeof(c->oid));
	if (rc == 0)
		rc = db_run(r->db, err,
		    "INSERT INTO _cut(chain, ref, oid) VALUES (?, NULL, NULL)",
		    "i", c->no);
	return rc;
}

/* The chain's new head. */
static int
set_head(struct replica *r, struct chain *c, int64_t seq, struct err *err)
{
	struct db_stmt *st;
	int rc;

	c->head = seq;
	c->time = 0;
	memset(&c->id, 0, sizeof(c->id));
	memset(c->oid, 0, sizeof(c->oid));
	c->stamp = ++r->stamp;
	if (seq == 0) {
		c->news = 0;
		return replica_chain_put(r, c, err);
	}
	rc = db_query(&st, r->db, err,
	    "SELECT id, oid, time FROM _changeset WHERE chain = ? AND seq = ?",
	    "ii", c->no, seq);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		db_bytes(c->id.b, sizeof(c->id.b), st, 0);
		db_bytes(c->oid, sizeof(c->oid), st, 1);
		c->time = db_int(st, 2);
	}
	db_done(st);
	return rc < 0 ? rc : replica_chain_put(r, c, err);
}

static int
cut(struct replica *r, struct chain *c, int64_t seq, struct err *err)
{
	size_t i;
	int rc;

	if (c == NULL || c->head <= seq)
		return 0;
	rc = resign_keep(r, c, seq, err);
	if (rc == 0)
		rc = note_refs(r, c, err);
	for (i = 0; rc == 0 && i < sizeof(cuts) / sizeof(cuts[0]); i++)
		rc = db_run(r->db, err, cuts[i], "ii", c->no, seq);
	if (rc == 0)
		rc = set_head(r, c, seq, err);
	if (rc != 0)
		return rc;
	r->dirty = true;
	if (c->name.stream == STREAM_ROSTER) {
		r->schema_stale = true;
		replica_count_kinds(r);
	}
	return replica_judge_unlisted(r, err);
}

int
replica_truncate(struct replica *r, const struct chain_name *chain, int64_t seq,
    struct err *err)
{
	bool own = !db_in_transaction(r->db);
	int rc;

	rc = own ? replica_begin(r, err) : 0;
	if (rc != 0)
		return rc;
	rc = cut(r, replica_chain_find(r, chain), seq, err);
	if (!own)
		return rc;
	if (rc == 0)
		return replica_commit(r, err);
	replica_rollback(r);
	return rc;
}

/* --- in the ledger -------------------------------------------------------- */

static int
put_loose(struct replica *r, int64_t *last, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT no, stream, text, ops FROM _loose ORDER BY no", "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		size_t n, n_ops;
		const void *text = db_blob(st, 2, &n);
		const void *ops = db_blob(st, 3, &n_ops);

		*last = db_int(st, 0);
		rc = seal_changeset(r, (enum stream)db_int(st, 1), text, n, ops,
		    n_ops, NULL, err);
		if (rc != 0)
			break;
	}
	db_done(st);
	return rc;
}

/* The place up to which a chain is sealed: where its ref belongs. */
static int
sealed_oid(struct replica *r, int64_t chain, uint8_t oid[20], struct err *err)
{
	struct db_stmt *st;
	int rc;

	memset(oid, 0, 20);
	rc = db_query(&st, r->db, err,
	    "SELECT oid FROM _changeset JOIN _chain ON no = chain"
	    " WHERE no = ? AND seq = sealed",
	    "i", chain);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1)
		db_bytes(oid, 20, st, 0);
	db_done(st);
	return rc < 0 ? rc : 0;
}

static int
move_refs(struct replica *r, int64_t *last, struct err *err)
{
	char ref[REPLICA_REF_MAX];
	struct db_stmt *st;
	uint8_t oid[20];
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT no, chain, ref, oid FROM _cut ORDER BY no", "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const struct chain *c = replica_chain_no(r, db_int(st, 1));

		*last = db_int(st, 0);
		if (c == NULL)
			continue;
		if (db_bytes(oid, sizeof(oid), st, 3)) {
			rc = ledger_ref(r->ledger, c->name.stream,
			    db_text(st, 2), oid, err);
		} else {
			replica_chain_ref(ref, &c->name);
			rc = sealed_oid(r, c->no, oid, err);
			if (rc == 0)
				rc = ledger_ref(
				    r->ledger, c->name.stream, ref, oid, err);
		}
		if (rc != 0)
			break;
	}
	db_done(st);
	return rc;
}

int
truncate_seal(struct replica *r, struct err *err)
{
	int64_t loose = 0, cut = 0;
	int rc;

	rc = replica_refresh(r, err);
	/* Cuts first: their changesets are in _loose by then. */
	if (rc == 0)
		rc = move_refs(r, &cut, err);
	if (rc == 0)
		rc = put_loose(r, &loose, err);
	if (rc != 0 || (cut == 0 && loose == 0))
		return rc;
	rc = ledger_flush(r->ledger, err);
	if (rc == 0)
		rc = db_begin(r->db, err);
	if (rc != 0)
		return rc;
	rc = db_run(r->db, err, "DELETE FROM _loose WHERE no <= ?", "i", loose);
	if (rc == 0)
		rc = db_run(
		    r->db, err, "DELETE FROM _cut WHERE no <= ?", "i", cut);
	if (rc == 0)
		return db_commit(r->db, err);
	db_rollback(r->db);
	return rc;
}
