#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "replica_impl.h"
#include "scrub_impl.h"

#define SEAL_TRIES 5 /* others may write between */

struct sums { /* of all that a replica says, */
	struct digest of[STREAM_COUNT];
	struct digest words; /* of the search index, */
	struct digest tally; /* and of how many there are */
};

/*
 * Rows whose order and numbers differ from one fold to the next: of each, the
 * hash of its columns, and of all, the exclusive or.  No row comes twice.
 */
static int
sum_rows(struct digest *out, struct db *db, const char *sql, struct err *err)
{
	struct buf row = BUF_INIT;
	struct db_stmt *st;
	struct digest sum;
	int rc, i;
	size_t k;

	memset(out, 0, sizeof(*out));
	rc = db_query(&st, db, err, sql, "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		buf_clear(&row);
		for (i = 0; i < db_columns(st); i++) {
			const char *s = db_text(st, i);

			buf_putc(&row, s == NULL ? '0' : '1');
			buf_put_string(&row, s, s == NULL ? 0 : strlen(s));
		}
		digest_sha256(&sum, row.b, row.len);
		for (k = 0; k < sizeof(out->b); k++)
			out->b[k] ^= sum.b[k];
	}
	db_done(st);
	buf_free(&row);
	return rc;
}

static int
sum_words(struct digest *out, struct db *db, struct err *err)
{
	int rc = db_exec(db,
	    "CREATE VIRTUAL TABLE IF NOT EXISTS temp._words"
	    " USING fts5vocab(main, _search, instance)",
	    err);

	return rc == 0 ? sum_rows(out, db,
			     "SELECT r.kind, r.id, w.term, w.offset FROM"
			     " temp._words AS w LEFT JOIN _record AS r"
			     " ON r.rec = w.doc",
			     err)
		       : rc;
}

static int
sum_all(struct sums *out, struct replica *r, struct err *err)
{
	int64_t records;
	int i, rc = 0;

	for (i = 0; rc == 0 && i < STREAM_COUNT; i++)
		rc = replica_digest(
		    r, (enum stream)i, NULL, &records, &out->of[i], err);
	if (rc == 0)
		rc = sum_words(&out->words, r->db, err);
	return rc == 0 ? sum_rows(&out->tally, r->db,
			     "SELECT kind, a, b, c, d, sum(n) FROM _tally"
			     " GROUP BY kind, a, b, c, d HAVING sum(n) <> 0",
			     err)
		       : rc;
}

/* What the ledger comes to, folded beside the replica. */
static int
sum_ledger(struct sums *out, struct scrubbing *s, struct err *err)
{
	struct replica *fresh = NULL;
	int rc = scrub_fresh_open(&fresh, s, SCRUB_FRESH, err);

	if (rc == 0)
		rc = replica_rebuild(fresh, NULL, NULL, err);
	if (rc == 0)
		rc = sum_all(out, fresh, err);
	replica_close(fresh);
	scrub_fresh_remove(s, SCRUB_FRESH);
	return rc;
}

/*
 * A page that holds may still say what is not so: because another program
 * wrote it, or memory failed when it was written.  Others write on meanwhile,
 * but nobody seals, so that the ledger stays at what this look sees.
 */
static int
compare(struct scrubbing *s, bool *same, struct err *err)
{
	struct sums ours, ledgers;
	int64_t unsealed = 1;
	struct replica *r = s->r;
	int rc, tries;

	*same = true;
	rc = ledger_lock(r->ledger, err);
	if (rc != 0)
		return rc;
	for (tries = 0; rc == 0 && unsealed != 0 && tries < SEAL_TRIES;
	     tries++) {
		if (tries > 0)
			replica_look_end(r);
		rc = replica_seal(r, err);
		if (rc == 0)
			rc = replica_look(r, err);
		if (rc == 0)
			rc = db_get_int(&unsealed, r->db, err,
			    "SELECT EXISTS(SELECT 1 FROM _unsealed)", "");
	}
	if (rc == 0 && unsealed == 0) {
		rc = sum_all(&ours, r, err);
		/* It can be opened, and then not read. */
		*same = rc != YZ_ECORRUPT;
		rc = *same ? rc : 0;
	}
	if (db_in_transaction(r->db))
		replica_look_end(r);
	if (rc == 0 && unsealed == 0 && *same) {
		rc = sum_ledger(&ledgers, s, err);
		*same = rc == 0 && memcmp(&ours, &ledgers, sizeof(ours)) == 0;
	}
	ledger_unlock(r->ledger);
	return rc;
}

/* Folding takes as long as yizhan rebuild, and as much room as yizhan.db has.
 */
int
scrub_records(struct scrubbing *s, bool *same, struct err *err)
{
	int rc = compare(s, same, err);

	if (rc == 0 || err->sys != ENOSPC)
		return rc;
	*same = true;
	scrub_say(s, FAULT, 1,
	    "the records were not compared with the ledger: no room to fold it"
	    " anew");
	return 0;
}
