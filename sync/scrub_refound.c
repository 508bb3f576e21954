#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/db_page.h"
#include "base/mem.h"
#include "home.h"
#include "replica_impl.h"
#include "roster_doc.h"
#include "scrub_impl.h"
#include "sign.h"

#define FRESH "yizhan.db-fresh" /* in HOME, while one is folded anew */

/* What the old one still says of what only this machine knows. */
static void
carry(struct db *to, struct db *from, const char *table, const char *columns,
    int n)
{
	char *sql = mem_printf("SELECT %s FROM %s", columns, table);
	struct buf put = BUF_INIT;
	struct db_stmt *in = NULL, *out;
	struct err ignored;
	int i;

	buf_printf(
	    &put, "INSERT OR REPLACE INTO %s(%s) VALUES (?", table, columns);
	for (i = 1; i < n; i++)
		buf_puts(&put, ", ?");
	buf_puts(&put, ")");
	if (db_query(&in, from, &ignored, sql, "") == 0)
		while (db_step(in, &ignored) == 1) {
			if (db_prepare(&out, to, buf_str(&put), &ignored) != 0)
				break;
			for (i = 0; i < n; i++) {
				const void *p;
				size_t len;

				switch (db_type(in, i)) {
				case DB_INT:
					db_bind_int(out, i + 1, db_int(in, i));
					break;
				case DB_TEXT:
					p = db_text(in, i);
					db_bind_text(out, i + 1, p, strlen(p));
					break;
				case DB_BLOB:
					p = db_blob(in, i, &len);
					db_bind_blob(out, i + 1, p, len);
					break;
				default:
					db_bind_null(out, i + 1);
				}
			}
			(void)db_step(out, &ignored);
			db_done(out);
		}
	db_done(in);
	buf_free(&put);
	free(sql);
}

/* Changesets that were not in the ledger yet. */
static int
carry_unsealed(struct replica *to, struct db *from, struct err *err)
{
	enum receive_result result;
	struct changeset cs;
	struct db_stmt *st = NULL;
	struct err ignored;
	int rc = replica_begin(to, err);

	if (rc != 0)
		return rc;
	if (db_query(&st, from, &ignored,
		"SELECT text, ops FROM _unsealed ORDER BY chain, seq", "") == 0)
		while (db_step(st, &ignored) == 1) {
			size_t n, n_ops;
			const void *text = db_blob(st, 0, &n);
			const void *ops = db_blob(st, 1, &n_ops);

			if (changeset_parse(
				&cs, text, n, ops, n_ops, &ignored) != 0)
				continue;
			(void)receive_changeset(to, &cs, &result, &ignored);
			changeset_free(&cs);
		}
	db_done(st);
	return replica_commit(to, err);
}

static bool
is_signed(const struct roster_doc *doc)
{
	struct err ignored;
	bool good = doc->n_sigs > 0;
	size_t i;

	for (i = 0; good && i < doc->n_sigs; i++)
		good = sign_verify(doc->sigs[i].sig, doc->sigs[i].key,
			   SIGN_NS_ROSTER, doc->text.b, doc->text.len,
			   &ignored) == 0;
	return good;
}

/* Rosters that the ledger has lost may stand in the old one still: who folds
 * seals them first, which puts them, and their refs, back. */
static int
carry_rosters(int64_t *n, struct replica *to, struct db *from, struct err *err)
{
	struct db_stmt *st = NULL;
	struct roster_doc doc;
	struct err ignored;
	int rc = replica_begin(to, err);

	*n = 0;
	if (rc != 0)
		return rc;
	if (db_query(&st, from, &ignored, "SELECT doc FROM _roster", "") == 0)
		while (rc == 0 && db_step(st, &ignored) == 1) {
			size_t len;
			const void *p = db_blob(st, 0, &len);

			if (roster_doc_unpack(&doc, p, len, &ignored) != 0)
				continue;
			if (is_signed(&doc)) {
				rc = replica_roster_store(to, &doc, NULL, err);
				++*n;
			}
			roster_doc_free(&doc);
		}
	db_done(st);
	if (rc == 0)
		rc = db_exec(to->db,
		    "DELETE FROM _meta WHERE name = 'roster refs'", err);
	to->roster_stamp = -1;
	return rc == 0 ? replica_commit(to, err) : rc;
}

static int
fold_again(
    struct scrubbing *s, struct replica *fresh, struct db *old, struct err *err)
{
	int64_t n;
	int rc = carry_rosters(&n, fresh, old, err);

	fresh->version = -1;
	if (rc == 0)
		rc = replica_rebuild(fresh, NULL, NULL, err);
	if (rc == 0)
		scrub_say(s, RIGHT, 1,
		    "rosters that the ledger had lost were in yizhan.db");
	return rc;
}

static int
fold_fresh(
    struct scrubbing *s, struct replica *fresh, struct db *old, struct err *err)
{
	int rc;

	if (old != NULL) {
		carry(replica_db(fresh), old, "_meta", "name, value", 2);
		carry(replica_db(fresh), old, "_aside",
		    "no, chain, base, seq, text, ops", 6);
		carry(replica_db(fresh), old, "_fetched", "chain, seq", 2);
		carry(replica_db(fresh), old, "_incarnation", "inc", 1);
	}
	fresh->version = -1;
	rc = replica_rebuild(fresh, NULL, NULL, err);
	if (rc != 0 && err->sys != ENOSPC && old != NULL)
		rc = fold_again(s, fresh, old, err);
	if (rc != 0 && err->sys != ENOSPC)
		return err_within(err,
		    "yizhan.db and the ledger are both damaged: yizhan restore"
		    " the last backup, a session brings the rest");
	return rc == 0 && old != NULL ? carry_unsealed(fresh, old, err) : rc;
}

void
scrub_fresh_remove(struct scrubbing *s)
{
	static const char *const ends[] = {
	    "", "-wal", "-shm", "-gate", "-turn"};
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char *path = mem_printf("%s/" FRESH "%s", s->home, ends[i]);

		(void)unlink(path);
		free(path);
	}
}

int
scrub_fresh_open(struct replica **out, struct scrubbing *s, struct err *err)
{
	struct home *home = NULL;
	int rc;

	scrub_fresh_remove(s);
	rc = home_open(&home, s->home, err);
	if (rc == 0)
		rc = replica_open_file(out, home, FRESH, err);
	/* It need not outlast a crash. */
	return rc == 0 ? db_exec((*out)->db, "PRAGMA synchronous=OFF", err)
		       : rc;
}

/* Nobody seals meanwhile, and nobody writes. */
int
scrub_refound(struct scrubbing *s, const char *why, struct err *err)
{
	char *path = mem_printf("%s/yizhan.db", s->home);
	struct replica *fresh = NULL;
	struct db *old = NULL;
	struct err ignored;
	int rc, gate = -1;

	rc = scrub_fresh_open(&fresh, s, err);
	if (rc == 0)
		rc = ledger_lock(replica_ledger(fresh), err);
	if (rc == 0)
		rc = db_gate(&gate, path, err);
	if (rc == 0) {
		db_page_lenient(true);
		(void)db_open(&old, path, 0, &ignored);
		rc = fold_fresh(s, fresh, old, err);
		db_close(old);
		db_page_lenient(false);
	}
	if (rc == 0)
		rc = db_replace(path, replica_db(fresh), err);
	if (gate >= 0)
		close(gate);
	replica_close(fresh);
	scrub_fresh_remove(s);
	free(path);
	if (rc == 0)
		scrub_say(s, RIGHT, 1,
		    "yizhan.db %s: folded anew from the ledger", why);
	return rc;
}
