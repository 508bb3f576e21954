#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/db_page.h"
#include "base/mem.h"
#include "fork.h"
#include "home.h"
#include "replica_impl.h"
#include "roster.h"
#include "roster_doc.h"
#include "scrub_impl.h"

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

static int
load_changeset(
    struct changeset *out, struct db_stmt *st, int col, struct err *err)
{
	size_t n, n_ops;
	const void *text = db_blob(st, col, &n);
	const void *ops = db_blob(st, col + 1, &n_ops);

	return changeset_parse(out, text, n, ops, n_ops, err);
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
			if (load_changeset(&cs, st, 0, &ignored) != 0)
				continue;
			(void)receive_changeset(to, &cs, &result, &ignored);
			changeset_free(&cs);
		}
	db_done(st);
	return replica_commit(to, err);
}

/* One that follows nothing would be sealed as a first version. */
static int
check_whole(struct replica *to, struct err *err)
{
	int64_t orphans;
	int rc;

	rc = db_get_int(&orphans, to->db, err,
	    "SELECT count(*) FROM _roster AS a WHERE version > 1 AND NOT EXISTS"
	    " (SELECT 1 FROM _roster AS b WHERE b.scope = a.scope AND"
	    " b.hash = a.prev)",
	    "");
	if (rc == 0 && orphans > 0)
		rc = err_set(err, YZ_ECORRUPT, "rosters are lost");
	return rc;
}

/* Rosters that the ledger has lost stand in the old one still, or came from a
 * peer: who folds seals them first, which puts them, and their refs, back. */
static int
carry_rosters(struct replica *to, struct db *from, struct err *err)
{
	struct db_stmt *st = NULL;
	struct roster_doc doc;
	struct err ignored;
	int rc = replica_begin(to, err);

	if (rc != 0)
		return rc;
	if (db_query(&st, from, &ignored, "SELECT doc FROM _roster", "") == 0)
		while (rc == 0 && db_step(st, &ignored) == 1) {
			size_t len;
			const void *p = db_blob(st, 0, &len);

			if (roster_doc_unpack(&doc, p, len, &ignored) != 0)
				continue;
			if (scrub_roster_signed(&doc))
				rc = replica_roster_store(to, &doc, NULL, err);
			roster_doc_free(&doc);
		}
	db_done(st);
	if (rc == 0)
		rc = check_whole(to, err);
	if (rc == 0)
		rc = db_exec(to->db,
		    "DELETE FROM _meta WHERE name = 'roster refs'", err);
	to->roster_stamp = -1;
	to->version = -1;
	if (rc == 0)
		return replica_commit(to, err);
	replica_rollback(to);
	return rc;
}

/* Proofs of forks, which the ledger may have lost: what they end stays so. */
static void
carry_forks(struct replica *to, struct db *from)
{
	struct changeset a, b;
	struct db_stmt *st = NULL;
	struct err ignored;
	bool news;

	if (db_query(&st, from, &ignored,
		"SELECT a, a_ops, b, b_ops FROM _fork", "") != 0)
		return;
	while (db_step(st, &ignored) == 1) {
		if (load_changeset(&a, st, 0, &ignored) != 0)
			continue;
		if (load_changeset(&b, st, 2, &ignored) == 0) {
			(void)fork_take(to, &a, &b, &news, &ignored);
			changeset_free(&b);
		}
		changeset_free(&a);
	}
	db_done(st);
}

static int
fold(struct scrubbing *s, struct replica *fresh, struct err *err)
{
	int rc;

	fresh->version = -1;
	rc = replica_rebuild(fresh, NULL, NULL, err);
	if (rc == 0 && roster_version(fresh->roster, "root") == 0 &&
	    scrub_roster_lacks(s, fresh))
		rc = err_set(err, YZ_ECORRUPT, "rosters are lost");
	return rc;
}

static int
fold_again(
    struct scrubbing *s, struct replica *fresh, struct db *old, struct err *err)
{
	int rc = carry_rosters(fresh, old, err);

	if (rc == 0)
		rc = fold(s, fresh, err);
	if (rc == 0)
		scrub_say(s, RIGHT, 1,
		    "rosters that the ledger had lost were in yizhan.db");
	return rc;
}

static int
fold_fresh(
    struct scrubbing *s, struct replica *fresh, struct db *old, struct err *err)
{
	int rc = 0;

	if (old != NULL) {
		carry(replica_db(fresh), old, "_meta", "name, value", 2);
		carry(replica_db(fresh), old, "_aside",
		    "no, chain, base, seq, text, ops", 6);
		carry(replica_db(fresh), old, "_fetched", "chain, seq", 2);
		carry(replica_db(fresh), old, "_incarnation", "inc", 1);
	}
	if (s->fetched != NULL)
		rc = carry_rosters(fresh, replica_db(s->fetched), err);
	if (rc == 0)
		rc = fold(s, fresh, err);
	if (rc != 0 && err->sys != ENOSPC && old != NULL && s->fetched == NULL)
		rc = fold_again(s, fresh, old, err);
	s->lacking = rc != 0 && !scrub_refs_rosters(s, fresh->ledger);
	if (rc != 0 && err->sys != ENOSPC)
		return err_within(err,
		    "yizhan.db and the ledger are both damaged: yizhan restore"
		    " the last backup, a session brings the rest");
	if (rc == 0 && old != NULL)
		carry_forks(fresh, old);
	return rc == 0 && old != NULL ? carry_unsealed(fresh, old, err) : rc;
}

void
scrub_fresh_remove(struct scrubbing *s, const char *name)
{
	static const char *const ends[] = {
	    "", "-wal", "-shm", "-gate", "-turn"};
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char *path = mem_printf("%s/%s%s", s->home, name, ends[i]);

		(void)unlink(path);
		free(path);
	}
}

int
scrub_fresh_open(struct replica **out, struct scrubbing *s, const char *name,
    struct err *err)
{
	struct home *home = NULL;
	int rc;

	scrub_fresh_remove(s, name);
	rc = home_open(&home, s->home, err);
	if (rc == 0)
		rc = replica_open_file(out, home, name, err);
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

	rc = scrub_fresh_open(&fresh, s, SCRUB_FRESH, err);
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
	scrub_fresh_remove(s, SCRUB_FRESH);
	free(path);
	if (rc == 0)
		scrub_say(s, RIGHT, 1,
		    "yizhan.db %s: folded anew from the ledger", why);
	return rc;
}
