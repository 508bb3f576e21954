#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "home.h"
#include "replica_impl.h"

#define SEAL_BATCH 4000 /* changesets put before the objects are flushed */
#define SEAL_TRIES 5    /* others may write between sealing and looking */

struct sealed { /* how far a chain got in this batch */
	int64_t chain;
	int64_t seq;
	uint8_t oid[20];
};

struct batch {
	struct sealed *v;
	size_t n;
	size_t changesets;
	int64_t cuts; /* chains cut back when the batch was read */
};

static void
batch_add(struct batch *b, int64_t chain, int64_t seq, const uint8_t oid[20])
{
	if (b->n == 0 || b->v[b->n - 1].chain != chain) {
		b->v = mem_realloc(b->v, (b->n + 1) * sizeof(*b->v));
		b->v[b->n++].chain = chain;
	}
	b->v[b->n - 1].seq = seq;
	memcpy(b->v[b->n - 1].oid, oid, 20);
	b->changesets++;
}

void
replica_chain_ref(char out[REPLICA_REF_MAX], const struct chain_name *name)
{
	/* A chain without owner is about everyone: its writer stands there. */
	snprintf(out, REPLICA_REF_MAX, "refs/chains/%s-%s/%s", name->writer,
	    name->inc, name->owner[0] == '\0' ? "all" : name->owner);
}

int
seal_changeset(struct replica *r, enum stream stream, const void *text,
    size_t text_len, const void *ops, size_t ops_len, uint8_t oid[20],
    struct err *err)
{
	uint8_t blob[20], tree[20];
	struct buf bytes = BUF_INIT;
	int rc;

	rc = ledger_put(r->ledger, stream, "blob", ops == NULL ? "" : ops,
	    ops_len, blob, err);
	if (rc == 0) {
		buf_put(&bytes, "100644 ops", sizeof("100644 ops"));
		buf_put(&bytes, blob, sizeof(blob));
		rc = ledger_put(
		    r->ledger, stream, "tree", bytes.b, bytes.len, tree, err);
		buf_free(&bytes);
	}
	if (rc == 0)
		rc = ledger_put(
		    r->ledger, stream, "commit", text, text_len, oid, err);
	return rc;
}

static int
seal_one(struct replica *r, struct db_stmt *st, enum stream stream,
    struct batch *batch, struct err *err)
{
	size_t text_len, ops_len;
	const void *text = db_blob(st, 2, &text_len);
	const void *ops = db_blob(st, 3, &ops_len);
	uint8_t oid[20];
	int rc;

	rc = seal_changeset(r, stream, text, text_len, ops, ops_len, oid, err);
	if (rc == 0)
		batch_add(batch, db_int(st, 0), db_int(st, 1), oid);
	return rc;
}

static int
count_cuts(struct replica *r, int64_t *n, struct err *err)
{
	return db_get_int(
	    n, r->db, err, "SELECT coalesce(max(no), 0) FROM _cut", "");
}

/*
 * Refs move after their objects; rows go after the refs.  Unless a chain was
 * cut back meanwhile: then other changesets may stand at their places, and
 * all is done again.
 */
static int
finish(struct replica *r, struct batch *batch, struct err *err)
{
	char ref[REPLICA_REF_MAX];
	int64_t cuts = 0;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < batch->n; i++) {
		const struct chain *c = replica_chain_no(r, batch->v[i].chain);

		replica_chain_ref(ref, &c->name);
		rc = ledger_ref(
		    r->ledger, c->name.stream, ref, batch->v[i].oid, err);
	}
	if (rc == 0)
		rc = ledger_flush(r->ledger, err);
	if (rc == 0)
		rc = db_begin(r->db, err);
	if (rc != 0)
		return rc;
	rc = count_cuts(r, &cuts, err);
	if (cuts != batch->cuts)
		batch->changesets = SEAL_BATCH;
	for (i = 0; rc == 0 && cuts == batch->cuts && i < batch->n; i++) {
		rc = db_run(r->db, err,
		    "DELETE FROM _unsealed WHERE chain = ? AND seq <= ?", "ii",
		    batch->v[i].chain, batch->v[i].seq);
		if (rc == 0)
			rc = db_run(r->db, err,
			    "UPDATE _chain SET sealed = ? WHERE no = ?", "ii",
			    batch->v[i].seq, batch->v[i].chain);
	}
	if (rc == 0)
		return db_commit(r->db, err);
	db_rollback(r->db);
	return rc;
}

static int
seal_batch(struct replica *r, struct batch *batch, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = count_cuts(r, &batch->cuts, err);
	if (rc != 0)
		return rc;
	rc = db_query(&st, r->db, err,
	    "SELECT chain, seq, text, ops FROM _unsealed"
	    " ORDER BY chain, seq LIMIT ?",
	    "i", (int64_t)SEAL_BATCH);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const struct chain *c = replica_chain_no(r, db_int(st, 0));

		/* Begun by another process since the caller looked: again. */
		if (c == NULL && db_version(r->db) != r->version) {
			batch->changesets = SEAL_BATCH;
			rc = 0;
			break;
		}
		if (c == NULL)
			rc = err_set(err, YZ_ECORRUPT,
			    "an unsealed changeset"
			    " has no chain");
		else
			rc = seal_one(r, st, c->name.stream, batch, err);
		if (rc != 0)
			break;
	}
	db_done(st);
	if (rc == 0 && batch->n > 0)
		rc = finish(r, batch, err);
	return rc;
}

int
replica_seal(struct replica *r, struct err *err)
{
	struct batch batch;
	size_t done;
	int64_t left;
	int rc;

	rc = db_get_int(&left, r->db, err,
	    "SELECT EXISTS(SELECT 1 FROM _unsealed) OR"
	    " EXISTS(SELECT 1 FROM _roster WHERE oid IS NULL) OR"
	    " EXISTS(SELECT 1 FROM _cut) OR"
	    " EXISTS(SELECT 1 FROM _loose) OR"
	    " EXISTS(SELECT 1 FROM _fork WHERE NOT sealed) OR"
	    /* Or another roster counts: refs follow. */
	    " (SELECT coalesce(max(no), 0) FROM _roster) <> coalesce("
	    "(SELECT value FROM _meta WHERE name = 'roster refs'), 0)",
	    "");
	if (rc != 0 || left == 0)
		return rc;
	rc = ledger_lock(r->ledger, err);
	if (rc != 0)
		return err_within(err, "seal");
	rc = roster_seal(r, err);
	if (rc != 0) {
		ledger_unlock(r->ledger);
		return err_within(err, "seal");
	}
	do {
		memset(&batch, 0, sizeof(batch));
		rc = replica_refresh(r, err);
		if (rc == 0)
			rc = seal_batch(r, &batch, err);
		done = batch.changesets;
		free(batch.v);
	} while (rc == 0 && done == SEAL_BATCH);
	if (rc == 0)
		rc = truncate_seal(r, err);
	if (rc == 0)
		rc = fork_seal(r, err);
	ledger_unlock(r->ledger);
	return rc == 0 ? 0 : err_within(err, "seal");
}

/* Seal, look, and see whether somebody has written in between. */
static int
seal_and_look(struct replica *r, struct replica_head **out, size_t *n,
    int64_t *unsealed, struct err *err)
{
	int rc = replica_seal(r, err);

	if (rc == 0)
		rc = replica_heads(r, out, n, err);
	if (rc == 0)
		rc = db_get_int(unsealed, r->db, err,
		    "SELECT EXISTS(SELECT 1 FROM _unsealed)", "");
	if (rc == 0 && *unsealed == 0)
		return 0;
	free(*out);
	*out = NULL;
	return rc;
}

int
replica_sealed_heads(
    struct replica *r, struct replica_head **out, size_t *n, struct err *err)
{
	int64_t unsealed = 1;
	int rc, i;

	*out = NULL;
	rc = seal_and_look(r, out, n, &unsealed, err);
	if (rc != 0 || unsealed == 0)
		return rc;
	/* Somebody writes without end: nobody begins to while we look.  In the
	 * order of sealers: the ledger's lock, then the database's turn. */
	rc = ledger_lock(r->ledger, err);
	if (rc != 0)
		return err_within(err, "seal");
	db_hold(r->db);
	for (i = 0; i < SEAL_TRIES && rc == 0 && unsealed != 0; i++)
		rc = seal_and_look(r, out, n, &unsealed, err);
	db_let_go(r->db);
	ledger_unlock(r->ledger);
	if (rc == 0 && unsealed != 0)
		rc = err_set(err, YZ_EIO, "sealing cannot keep up");
	return rc;
}
