#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/db_page.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"
#include "branch.h"
#include "hole.h"
#include "home.h"
#include "local.h"
#include "mend.h"
#include "replica_impl.h"
#include "roster.h"
#include "scrub_impl.h"

void
scrub_say(struct scrubbing *s, int what, int64_t n, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (what == RIGHT)
		s->out->mended += n;
	else if (what == WANTED)
		s->out->wanted += n;
	else
		s->out->faults += n;
	s->say(s->arg, what != RIGHT, text);
}

/* --- the ledger's files -----------------------------------------------------
 */

static int
scrub_ledger(struct scrubbing *s, bool replica, struct err *err)
{
	struct ledger *ledger = NULL;
	int i, rc = ledger_open(&ledger, s->home, 1, err);

	if (rc != 0)
		return rc;
	rc = ledger_lock(ledger, err);
	for (i = 0; rc == 0 && i < STREAM_COUNT; i++) {
		const char *name = stream_name((enum stream)i);
		char *repo = mem_printf("%s/ledger/%s.git", s->home, name);
		struct mend found = {0, 0, 0};

		if (file_exists(repo))
			rc = mend_repo(&found, repo, err);
		if (found.mended > 0)
			scrub_say(s, RIGHT, found.mended,
			    "ledger of %s: %lld damaged, put right", name,
			    (long long)found.mended);
		/* Whether they are missed is found out below. */
		if (found.lost > 0)
			scrub_say(s, RIGHT, 0,
			    "ledger of %s: %lld damaged, taken out", name,
			    (long long)found.lost);
		if (rc == 0 && file_exists(repo))
			rc = scrub_refs_mend(
			    s, ledger, (enum stream)i, !replica, err);
		free(repo);
	}
	ledger_close(ledger);
	return rc;
}

/* --- the databases ----------------------------------------------------------
 */

static bool
integrity(struct db *db)
{
	struct db_stmt *st = NULL;
	struct err ignored;
	const char *said = NULL;
	bool good;

	if (db_query(&st, db, &ignored, "PRAGMA integrity_check(1)", "") == 0 &&
	    db_step(st, &ignored) == 1)
		said = db_text(st, 0);
	good = said != NULL && strcmp(said, "ok") == 0;
	db_done(st);
	return good;
}

static bool
is_there(const struct scrubbing *s, const char *name)
{
	char *path = mem_printf("%s/%s", s->home, name);
	bool there = file_exists(path);

	free(path);
	return there;
}

/* Its pages, then what they say; can it be used?  One that is absent cannot. */
static bool
scrub_db(struct scrubbing *s, const char *name)
{
	char *path = mem_printf("%s/%s", s->home, name);
	struct db_health health = {0, 0, 0, 0};
	struct db *db = NULL;
	struct err ignored;
	bool good;

	good = db_open(&db, path, 0, &ignored) == 0 &&
	       db_scrub(db, &health, &ignored) == 0;
	if (good && health.mended > 0)
		scrub_say(s, RIGHT, health.mended, "%s: %lld pages put right",
		    name, (long long)health.mended);
	if (good && health.sealed > 0)
		scrub_say(s, RIGHT, health.sealed,
		    "%s: %lld pages that another program wrote have checksums"
		    " again",
		    name, (long long)health.sealed);
	good = good && health.damaged == 0 && integrity(db);
	db_close(db);
	free(path);
	return good;
}

/* local.db has no other copy: if SQLite still makes sense of it, what it says
 * is taken (another program may have written it), and said. */
static int
accept_local(struct scrubbing *s, struct err *err)
{
	char *path = mem_printf("%s/local.db", s->home);
	char *copy = mem_printf("%s/local.db-copy", s->home);
	struct db *db = NULL, *again = NULL;
	struct err ignored;
	int rc, gate = -1;

	unlink(copy);
	rc = db_gate(&gate, path, err);
	db_page_lenient(true);
	if (rc == 0)
		rc = db_open(&db, path, 0, err);
	if (rc == 0 && !integrity(db))
		rc = err_set(err, YZ_ECORRUPT, "local.db is damaged");
	if (rc == 0)
		rc = db_backup(db, copy, err);
	db_close(db);
	db_page_lenient(false);
	if (rc == 0)
		rc = db_open(&again, copy, 0, err);
	if (rc == 0)
		rc = db_replace(path, again, err);
	db_close(again);
	if (gate >= 0)
		close(gate);
	unlink(copy);
	free(copy);
	free(path);
	if (rc == 0)
		scrub_say(s, RIGHT, 1,
		    "local.db was damaged, or written by another program: look"
		    " whether yizhan user list and yizhan link are as they"
		    " should be");
	else
		scrub_say(s, FAULT, 1,
		    "local.db is damaged beyond help: stop the station, move"
		    " it away and take that of the last backup");
	(void)ignored;
	return 0;
}

/* --- what the replica and the ledger say of each other -----------------------
 */

/* The documents in the ledger, from the replica's; and their refs. */
static int
scrub_rosters(struct scrubbing *s, struct err *err)
{
	int64_t missing;
	int rc = ledger_lock(s->r->ledger, err);

	if (rc != 0)
		return rc;
	rc = roster_unseal(s->r, &missing, err);
	if (rc == 0 && missing > 0) {
		rc = replica_seal(s->r, err);
		if (rc == 0)
			scrub_say(s, RIGHT, missing,
			    "%lld rosters written to the ledger again",
			    (long long)missing);
	}
	ledger_unlock(s->r->ledger);
	return rc;
}

static void
count_fault(void *arg, const char *fault)
{
	(void)fault;
	++*(int *)arg;
}

/* Pairs that prove a fork are whole in the replica. */
static int
scrub_forks(struct scrubbing *s, struct err *err)
{
	int faults = 0, rc;

	fork_verify(s->r, count_fault, &faults);
	if (faults == 0)
		return 0;
	rc = db_exec(s->r->db, "UPDATE _fork SET sealed = 0", err);
	if (rc == 0)
		rc = replica_seal(s->r, err);
	if (rc == 0)
		scrub_say(s, RIGHT, faults, "proofs of forks written again");
	return rc;
}

/* --- changesets and attachments ---------------------------------------------
 */

static void
tell_fault(void *arg, const char *fault)
{
	scrub_say(arg, FAULT, 1, "%s", fault);
}

static int
note_lost(void *arg, const struct chain *c, int64_t seq, const char *why,
    struct err *err)
{
	struct scrubbing *s = arg;

	scrub_say(s, WANTED, 1, "%s", why);
	return hole_put(s->local, &c->name, seq, err);
}

/* One that is damaged is removed: then it is asked for like a new one. */
static int
scrub_blobs(struct scrubbing *s, struct err *err)
{
	struct buf bytes = BUF_INIT;
	struct db_stmt *st;
	struct err fault;
	int rc;

	rc = db_query(&st, s->r->db, err,
	    "SELECT DISTINCT hash FROM _blob ORDER BY hash", "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const char *hex = db_text(st, 0);
		int got;

		buf_clear(&bytes);
		got = blob_get(s->r, &bytes, hex, &fault);
		if (got == YZ_ECORRUPT || got == YZ_EIO) {
			char *path =
			    mem_printf("%s/blobs/%.2s/%s", s->home, hex, hex);

			scrub_say(s, WANTED, 1, "%s", fault.msg);
			if (unlink(path) != 0)
				rc = err_sys(err, "%s", path);
			free(path);
		}
		if (rc < 0)
			break;
	}
	db_done(st);
	buf_free(&bytes);
	return rc;
}

/* --- all of it --------------------------------------------------------------
 */

static int
scrub_replica(struct scrubbing *s, struct err *err)
{
	int rc;

	rc = scrub_home_pins(s, err);
	if (rc == 0)
		rc = replica_seal(s->r, err);
	if (rc == 0)
		rc = replica_refresh(s->r, err);
	if (rc == 0)
		rc = scrub_refs(s, err);
	if (rc == 0)
		rc = scrub_rosters(s, err);
	if (rc == 0)
		rc = scrub_roster_judge(s, err);
	if (rc == 0)
		rc = scrub_forks(s, err);
	if (rc == 0)
		rc = scrub_refs_judge(s, err);
	if (rc == 0)
		rc = verify_all(
		    s->r, &s->out->changesets, tell_fault, note_lost, s, err);
	if (rc == 0)
		rc = hole_refresh(s->r, s->local, err);
	return rc == 0 ? scrub_blobs(s, err) : rc;
}

static int
scrub_name(struct scrubbing *s, bool replica, struct err *err)
{
	char *path = mem_printf("%s/yizhan.db", s->home);
	struct db *db = NULL;
	struct err ignored;
	int rc;

	if (replica)
		(void)db_open(&db, path, 0, &ignored);
	rc = scrub_home_name(s, db, err);
	db_close(db);
	free(path);
	return rc;
}

static int
open_all(struct scrubbing *s, struct err *err)
{
	struct home *home = NULL;
	int rc = home_open(&home, s->home, err);

	if (rc == 0)
		rc = replica_open(&s->r, home, err);
	return rc == 0 ? local_open(&s->local, s->home, err) : rc;
}

static void
close_all(struct scrubbing *s)
{
	local_close(s->local);
	replica_close(s->r);
	s->local = NULL;
	s->r = NULL;
}

/* Where nothing can be folded since the rosters are lost in both, a peer has
 * them. */
static int
refound(struct scrubbing *s, const char *why, struct err *err)
{
	int rc = scrub_refound(s, why, err);

	if (rc == 0 || err->sys == ENOSPC || !s->lacking)
		return rc;
	rc = scrub_roster_fetch(s, err);
	return rc == 0 ? scrub_refound(s, why, err) : rc;
}

int
scrub_run(struct scrub *out, const char *home, bool alone,
    void (*fn)(void *arg, int bad, const char *text), void *arg,
    struct err *err)
{
	struct scrubbing s = {
	    .out = out, .home = home, .say = fn, .arg = arg, .alone = alone};
	const char *why = N_("was damaged");
	bool replica = false, same = true;
	int rc;

	memset(out, 0, sizeof(*out));
	scrub_fresh_remove(&s, SCRUB_FETCHED); /* of one that was killed */
	if (!is_there(&s, "station"))
		return err_set(err, YZ_ENOTFOUND,
		    "there is no station in %s: yizhan join, init or "
		    "restore makes one",
		    home);
	rc = scrub_home(&s, err);
	if (rc == 0)
		replica = scrub_db(&s, "yizhan.db");
	if (rc == 0)
		rc = scrub_name(&s, replica, err);
	if (rc == 0 && !scrub_db(&s, "local.db") && is_there(&s, "local.db"))
		rc = accept_local(&s, err);
	if (rc == 0 && replica && !scrub_roster_holds(&s)) {
		replica = false;
		why = N_("had lost rosters");
	}
	if (rc == 0)
		rc = scrub_ledger(&s, replica, err);
	if (rc == 0 && !replica)
		rc = refound(&s, why, err);
	if (rc == 0)
		rc = open_all(&s, err);
	if (rc == 0)
		rc = scrub_replica(&s, err);
	/* Where all is there that the ledger should have. */
	if (rc == 0 && out->wanted + out->faults == 0)
		rc = scrub_records(&s, &same, err);
	if (rc == 0 && !same) {
		close_all(&s);
		rc = refound(&s, N_("said what the ledger does not"), err);
		if (rc == 0)
			rc = open_all(&s, err);
	}
	close_all(&s);
	scrub_roster_free(&s);
	return rc;
}
