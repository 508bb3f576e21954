#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "home.h"
#include "link.h"
#include "link_ssh.h"
#include "local.h"
#include "replica_impl.h"
#include "roster_doc.h"
#include "roster_fetch.h"
#include "scrub_impl.h"
#include "seat.h"
#include "sign.h"
#include "trust.h"

/* --- what is here -----------------------------------------------------------
 */

bool
scrub_roster_signed(const struct roster_doc *doc)
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

/* Does the row say what its document does? */
static bool
row_holds(struct db_stmt *st)
{
	struct roster_doc doc;
	struct err ignored;
	const void *hash, *bytes;
	size_t n_hash, n;
	bool good;

	bytes = db_blob(st, 3, &n);
	if (roster_doc_unpack(&doc, bytes, n, &ignored) != 0)
		return false;
	hash = db_blob(st, 2, &n_hash);
	good = strcmp(doc.scope, db_text(st, 0)) == 0 &&
	       doc.version == db_int(st, 1) && n_hash == sizeof(doc.hash.b) &&
	       memcmp(hash, doc.hash.b, n_hash) == 0 &&
	       scrub_roster_signed(&doc);
	roster_doc_free(&doc);
	return good;
}

/* Is that not 0?  Where nobody can say it is not. */
static bool
is_so(struct db *db, const char *sql)
{
	struct err ignored;
	int64_t n = 0;

	return db_get_int(&n, db, &ignored, sql, "") == 0 && n != 0;
}

static bool
rows_hold(struct db *db)
{
	struct db_stmt *st = NULL;
	struct err ignored;
	bool good = true;
	int rc;

	if (db_query(&st, db, &ignored,
		"SELECT scope, version, hash, doc FROM _roster", "") != 0)
		return false;
	while ((rc = db_step(st, &ignored)) == 1 && good)
		good = row_holds(st);
	db_done(st);
	return rc == 0 && good &&
	       is_so(db,
		   "SELECT EXISTS(SELECT 1 FROM _roster WHERE"
		   " scope = 'root') AND NOT EXISTS(SELECT 1 FROM _roster AS a"
		   " WHERE version > 1 AND NOT EXISTS(SELECT 1 FROM _roster"
		   " AS b WHERE b.scope = a.scope AND b.hash = a.prev))");
}

/* One that has not joined yet lacks none. */
static bool
never_had(struct scrubbing *s, struct db *db)
{
	return !trust_is_there(s->home) &&
	       is_so(db, "SELECT NOT EXISTS(SELECT 1 FROM _roster) AND"
			 " NOT EXISTS(SELECT 1 FROM _chain)");
}

bool
scrub_roster_holds(struct scrubbing *s)
{
	char *path = mem_printf("%s/yizhan.db", s->home);
	struct db *db = NULL;
	struct err ignored;
	bool good;

	good = db_open(&db, path, 0, &ignored) == 0 &&
	       (rows_hold(db) || never_had(s, db));
	db_close(db);
	free(path);
	return good;
}

bool
scrub_roster_lacks(struct scrubbing *s, struct replica *r)
{
	struct trust trust;
	struct err ignored;
	bool lacks;

	lacks = trust_read(&trust, s->home, &ignored) == 0 &&
		trust_lacks(&trust, r) != NULL;
	trust_free(&trust);
	return lacks;
}

int
scrub_roster_judge(struct scrubbing *s, struct err *err)
{
	const struct trust_line *line;
	struct trust trust;
	struct err why;
	int rc = trust_read(&trust, s->home, &why);

	if (rc == YZ_ECORRUPT) {
		rc = trust_renew(s->r, err);
		if (rc == 0)
			scrub_say(s, RIGHT, 1,
			    "trust was damaged: written anew from the rosters");
		return rc;
	}
	if (rc == 0 && (line = trust_lacks(&trust, s->r)) != NULL)
		scrub_say(s, WANTED, 1,
		    "roster %s version %lld was here and is lost", line->scope,
		    (long long)line->version);
	trust_free(&trust);
	return 0;
}

/* --- what a peer has --------------------------------------------------------
 */

static int
ask(struct scrubbing *s, const struct trust *trust,
    const struct local_peer *peer, struct err *err)
{
	const struct trust_line *line;
	struct roster_fetched came = {0, 0};
	struct replica *r = NULL;
	struct seat *seat = NULL;
	struct link *link = NULL;
	int rc;

	rc = scrub_fresh_open(&r, s, SCRUB_FETCHED, err);
	if (rc == 0)
		rc = seat_take(&seat, s->home, peer->code, true, NULL, err);
	if (rc == 0)
		rc = link_ssh_open(
		    &link, peer->address, peer->host_key, &r->home->ssh, err);
	if (rc == 0) {
		rc = roster_fetch(r, &came, link, r->home, peer->code, err);
		link->close(link);
	}
	seat_leave(seat);
	if (rc == 0 && (line = trust_lacks(trust, r)) != NULL)
		rc = err_set(err, YZ_EDENIED,
		    "the rosters that it sends are another federation's, or"
		    " older than those that were here: %s version %lld is not"
		    " among them",
		    line->scope, (long long)line->version);
	if (rc == 0) {
		s->fetched = r;
		scrub_say(s, RIGHT, 1,
		    "rosters were lost in yizhan.db and in the ledger: fetched"
		    " from %s",
		    peer->code);
		return 0;
	}
	replica_close(r);
	scrub_fresh_remove(s, SCRUB_FETCHED);
	return err_within(err, "%s", peer->code);
}

/* Whoever has an address, one after the other; *err says what the last said. */
static int
ask_all(struct scrubbing *s, const struct trust *trust, struct err *err)
{
	struct local_peer *peers = NULL;
	struct local *local = NULL;
	size_t n = 0, i;
	int rc, got = YZ_ENOTFOUND;

	err_set(err, YZ_ENOTFOUND, "there is nobody whom this station calls");
	rc = local_open(&local, s->home, err);
	if (rc == 0)
		rc = local_peers(local, &peers, &n, err);
	local_close(local);
	for (i = 0; rc == 0 && got != 0 && i < n; i++)
		if (peers[i].address[0] != '\0')
			got = ask(s, trust, &peers[i], err);
	free(peers);
	return rc != 0 ? rc : got;
}

static int
forget_refs(struct scrubbing *s, struct err *err)
{
	struct ledger *ledger = s->fetched->ledger;
	int rc = ledger_lock(ledger, err);

	if (rc != 0)
		return rc;
	rc = scrub_refs_forget(s, ledger, err);
	ledger_unlock(ledger);
	return rc;
}

int
scrub_roster_fetch(struct scrubbing *s, struct err *err)
{
	struct trust trust = {NULL, 0};
	int rc;

	if (s->alone)
		return err_set(err, YZ_ECORRUPT,
		    "rosters are lost in yizhan.db and in the ledger: without"
		    " --alone they are fetched from a peer");
	rc = trust_read(&trust, s->home, err);
	if (rc != 0)
		return err_set(err, YZ_ECORRUPT,
		    "rosters are lost in yizhan.db and in the ledger, and so is"
		    " trust, by which those of a peer could be known: yizhan"
		    " restore the last backup");
	rc = ask_all(s, &trust, err);
	trust_free(&trust);
	if (rc != 0)
		return err_within(err,
		    "rosters are lost: scrub again when a peer can be reached,"
		    " or restore a backup");
	return forget_refs(s, err);
}

void
scrub_roster_free(struct scrubbing *s)
{
	if (s->fetched == NULL)
		return;
	replica_close(s->fetched);
	s->fetched = NULL;
	scrub_fresh_remove(s, SCRUB_FETCHED);
}
