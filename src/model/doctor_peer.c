#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "home.h"
#include "local.h"
#include "model/doctor_impl.h"
#include "model/stop.h"
#include "replica.h"
#include "replica_pin.h"
#include "roster.h"
#include "trust.h"

#define DAY_MS (24ll * 3600 * 1000)
#define SILENT_MS DAY_MS /* no contact for so long is said */
#define SCRUB_MS (15 * DAY_MS)

void
doctor_scrub(struct doctor *d)
{
	struct buf value = BUF_INIT;
	long long ms, mended, left;
	char when[CLOCK_LEN];
	struct err ignored;

	if (local_get(d->local, &value, "scrub", &ignored) != 0 ||
	    sscanf(buf_str(&value), "%lld %lld %lld", &ms, &mended, &left) !=
		3) {
		doctor_good(d, "scrub",
		    _("none was run yet: every Sunday, or yizhan scrub now"));
		buf_free(&value);
		return;
	}
	buf_free(&value);
	clock_format(when, ms);
	if (left > 0)
		doctor_find(d, "scrub",
		    _("that of %s left %lld things damaged: run yizhan scrub "
		      "again when the parent can be reached"),
		    when, left);
	else if (clock_wall() - ms > SCRUB_MS)
		doctor_find(d, "scrub",
		    _("the last is of %s: yizhan scrub; systemctl status "
		      "yizhan-verify says why none was run since"),
		    when);
	else if (mended > 0)
		doctor_find(d, "scrub",
		    _("that of %s put %lld things right: the disk is going "
		      "bad, have a new one ready"),
		    when, mended);
	else
		doctor_good(d, "scrub", _("that of %s found nothing"), when);
}

void
doctor_rosters(struct doctor *d)
{
	const struct trust_line *line;
	struct trust trust;
	struct err ignored;

	if (trust_read(&trust, d->home, &ignored) == 0 &&
	    (line = trust_lacks(&trust, d->r)) != NULL)
		doctor_find(d, "station",
		    _("roster %s version %lld was here and is lost: yizhan "
		      "scrub fetches it when the parent can be reached; else "
		      "yizhan restore the last backup"),
		    line->scope, (long long)line->version);
	trust_free(&trust);
}

/* Chains that stopped moving between us and a peer, and why. */
static void
check_stuck(struct doctor *d, const char *what, const char *code)
{
	struct db_stmt *q;
	struct err ignored;

	if (db_query(&q, local_db(d->local), &ignored,
		"SELECT chain, seq, reason FROM refusal WHERE code = ?"
		" ORDER BY chain",
		"s", code) != 0)
		return;
	while (db_step(q, &ignored) == 1)
		doctor_find(d, what, _("%s: %s is stuck at %lld: %s"), code,
		    db_text(q, 0), (long long)db_int(q, 1),
		    doctor_words(d, db_text(q, 2)));
	db_done(q);
}

struct silent {
	struct doctor *d;
	const char *what;
};

static void
find_silent(void *arg, const struct stop *stop)
{
	const struct silent *silent = arg;
	char when[CLOCK_LEN];

	clock_format(when, stop->last);
	doctor_find(silent->d, silent->what,
	    _("nothing new of %s has come through %s since %s, in %lld "
	      "contacts; before there was in %lld at most: telephone %s; if it "
	      "has written since, %s withholds it or cannot reach it"),
	    stop->about, stop->through, when, (long long)stop->at,
	    (long long)stop->usual, stop->about, stop->through);
}

/* What it wrote last is of a time to come.  One of the two clocks is wrong, and
 * doctor_clock() has said so if it can only be ours. */
static void
check_clock(
    struct doctor *d, const char *what, const char *code, const char *name)
{
	int64_t now = clock_wall(), ahead;
	char then[CLOCK_LEN];

	ahead = replica_clock_ahead(d->r, code, now);
	if (ahead == 0 ||
	    (!replica_clock_confirmed(d->r, now) &&
		replica_clock_ahead(d->r, replica_home(d->r)->code, now) != 0))
		return;
	clock_format(then, ahead);
	doctor_find(d, what,
	    _("%s %s: what it wrote last is dated %s: its clock was wrong; it "
	      "is set right there, not here, and this goes with what it "
	      "writes next"),
	    code, name, then);
}

static void
check_peer(
    struct doctor *d, const char *what, const char *code, const char *name)
{
	struct local_peer p = {.last_contact = 0};
	char when[CLOCK_LEN];
	struct err ignored;
	struct silent silent = {d, what};
	int before = d->findings;

	(void)local_peer_get(d->local, &p, code, &ignored);
	clock_format(when, p.last_contact);
	if (p.trouble[0] != '\0')
		doctor_find(d, what, _("%s %s: the last session failed: %s"),
		    code, name, doctor_words(d, p.trouble));
	if (p.last_contact == 0)
		doctor_find(d, what,
		    _("%s %s: never in contact: yizhan sync at the lower "
		      "station, and see what it says"),
		    code, name);
	else if (clock_wall() - p.last_contact > SILENT_MS)
		doctor_find(d, what,
		    _("%s %s: no contact since %s: look at the line, then "
		      "yizhan sync at the lower station"),
		    code, name, when);
	check_clock(d, what, code, name);
	check_stuck(d, what, code);
	(void)stop_silent(d->r, d->local, code, find_silent, &silent, &ignored);
	if (d->findings == before)
		doctor_good(
		    d, what, _("%s %s: in contact at %s"), code, name, when);
}

/* Who has asked to be let in, and waits for somebody here. */
static void
check_requests(struct doctor *d)
{
	char when[CLOCK_LEN];
	struct err ignored;
	struct db_stmt *q;

	if (db_query(&q, local_db(d->local), &ignored,
		"SELECT code, received FROM joining ORDER BY code", "") != 0)
		return;
	while (db_step(q, &ignored) == 1) {
		if (roster_find(replica_roster(d->r), db_text(q, 0)) != NULL)
			continue;
		clock_format(when, db_int(q, 1));
		doctor_find(d, "child",
		    _("%s asked at %s to be let in, and waits: compare its "
		      "fingerprint over the telephone, then yizhan confirm "
		      "%s"),
		    db_text(q, 0), when, db_text(q, 0));
	}
	db_done(q);
}

/* A root part that waits for somebody here to pin it. */
static void
check_unpinned(struct doctor *d)
{
	struct replica_unpinned v;
	struct err ignored;

	if (replica_unpinned_get(&v, d->r, d->local, &ignored) != 0)
		return;
	doctor_find(d, "station",
	    _("root part version %lld came from %s; the root keys here have "
	      "not signed it. Its fingerprint is %s: if the province has "
	      "announced that on paper, yizhan roster pin; if not, somebody "
	      "plays tricks: ask at the province"),
	    (long long)v.version, v.from, v.fingerprint);
}

void
doctor_peers(struct doctor *d)
{
	const struct roster *roster = replica_roster(d->r);
	const char *self = replica_home(d->r)->code;
	const struct roster_station *me = roster_find(roster, self), *other;
	size_t i;

	if (me == NULL)
		doctor_find(d, "station",
		    _("%s is not in the roster yet: the parent confirms it "
		      "with yizhan confirm, then yizhan sync here"),
		    self);
	else if (replica_restored(d->r) != NULL)
		doctor_find(d, "station",
		    me->parent[0] == '\0'
			? _("%s %s came back from a copy (%s) and writes "
			    "nothing: make sure that the other is gone for "
			    "good, then yizhan resume --alone")
			: _("%s %s came back from a copy (%s) and writes "
			    "nothing until yizhan sync has asked its parent; if "
			    "nobody can be reached for long, yizhan resume "
			    "--alone"),
		    self, me->name, doctor_words(d, replica_restored(d->r)));
	else
		doctor_good(d, "station", "%s %s", self, me->name);
	check_unpinned(d);
	check_requests(d);
	for (i = 0; me != NULL && i < roster_count(roster); i++) {
		other = roster_at(roster, i);
		if (strcmp(other->code, me->parent) == 0)
			check_peer(d, "parent", other->code, other->name);
		else if (strcmp(other->parent, self) == 0 &&
			 roster_current(other) != NULL)
			check_peer(d, "child", other->code, other->name);
		else if (roster_may_speak(roster, self, other->code) &&
			 roster_current(other) != NULL)
			check_peer(d, "peer", other->code, other->name);
	}
}
