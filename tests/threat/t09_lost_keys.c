/*
 * Goal of this test: threat T09 where the root itself is concerned: two of its
 * three keys are lost, new ones are pinned by hand, and who has found the lost
 * ones signs whatever he likes with them.  He signs beside what is pinned, and
 * before it; he is first at a station that was restored from an old backup; and
 * disks lose what was pinned.  The one that a person has pinned counts all the
 * while.  And three root parts of one version, however they come, lead to the
 * same everywhere.
 */
#include "config.h"

#include "../world.h"

#include "../peering.h"
#include "base/file.h"
#include "ledger.h"
#include "pins.h"
#include "replica_pin.h"

/* Root keys: 0 is left, 1 and 2 are lost; 3, 4 and 5 are the new ones, 6 the
 * thief's. */
static struct sign_key made[7];
static const struct sign_key *const old[] = {&made[0], &made[1], &made[2]};
static const struct sign_key *const fresh[] = {&made[3], &made[4], &made[5]};
static const struct sign_key *const theirs[] = {&made[6]};
static const struct sign_key *const left[] = {&made[0], &made[3], &made[4]};
static const struct sign_key *const lost[] = {&made[1], &made[2]};
static const struct sign_key *const stolen[] = {&made[1], &made[2], &made[6]};

/* Version 1 and 2 of the root part; 3, which is pinned; and what the thief
 * signs: two beside 2, and what builds on the first and decides for it. */
static struct {
	struct world w;
	struct roster_doc r1, r2, r3, other2, third2, other3, beside3;
} o;

/* The next root part after cur (NULL: the first), with such root keys. */
static void
root_doc(struct roster_doc *out, const struct roster_doc *cur,
    const struct sign_key *const *keys, size_t n, int64_t threshold,
    const struct sign_key *const *sign, size_t n_sign,
    const struct roster_doc *decides)
{
	struct roster_change *change;
	struct roster_station entry;
	struct roster_key key;
	uint8_t pub[3][32];
	struct err err;
	size_t i;

	must(roster_change_begin(&change, cur, NULL, "root", &err), &err, "b");
	for (i = 0; cur == NULL && i < WORLD_N; i++) {
		world_entry(&entry, &key, replica_home(o.w.at[i]), (int)i);
		roster_change_put(change, &entry);
	}
	for (i = 0; i < n; i++)
		memcpy(pub[i], keys[i]->pub, 32);
	must(roster_change_root_keys(
		 change, (const uint8_t(*)[32])pub, n, threshold, &err),
	    &err, "keys");
	if (decides != NULL)
		must(roster_change_decide(change, "root", decides->version,
			 &decides->hash, &err),
		    &err, "decide");
	must(roster_change_write(out, change, &err), &err, "write");
	for (i = 0; i < n_sign; i++)
		must(roster_doc_sign(out, sign[i], &err), &err, "sign");
	roster_change_free(change);
}

static int64_t
counts(int at)
{
	return roster_version(replica_roster(o.w.at[at]), "root");
}

/* Is that the one that counts there? */
static bool
goes_by(int at, const struct roster_doc *doc)
{
	const struct roster_scope *s =
	    roster_scope(replica_roster(o.w.at[at]), "root");

	return s != NULL && digest_equal(&s->hash, &doc->hash);
}

static int
adopt(int at, const struct roster_doc *doc)
{
	struct err err = {.msg = ""};
	int rc = replica_adopt(o.w.at[at], doc, &err);

	if (rc != 0)
		printf("# %s\n", err.msg);
	return rc;
}

static void
take(int at, const struct roster_doc *doc)
{
	struct err err;

	must(replica_adopt(o.w.at[at], doc, &err), &err, "adopt");
}

static bool
pin(int at, const struct roster_doc *doc)
{
	char fingerprint[SIGN_FINGERPRINT_LEN];
	struct err err;
	bool held;

	pins_fingerprint(fingerprint, &doc->hash);
	must(replica_pin(o.w.at[at], fingerprint, &held, &err), &err, "pin");
	return held;
}

/* The same station, as its program finds it after a restart. */
static void
reopen(int at)
{
	char *path = mem_strdup(replica_home(o.w.at[at])->path);
	struct home *home;
	struct err err;

	replica_close(o.w.at[at]);
	must(home_open(&home, path, &err), &err, "home");
	must(replica_open(&o.w.at[at], home, &err), &err, "open");
	replica_set_clock(o.w.at[at], world_clock, &o.w.now[at]);
	must(db_exec(replica_db(o.w.at[at]), "PRAGMA synchronous=OFF", &err),
	    &err, "no fsync");
	free(path);
}

/* Does the ledger say so, too?  An auditor's git reads that. */
static bool
sealed(int at, const struct roster_doc *doc)
{
	uint8_t stands[20];
	struct db_stmt *st;
	struct err err;
	size_t n = 0;
	bool same;

	must(replica_seal(o.w.at[at], &err), &err, "seal");
	must(ledger_ref_get(replica_ledger(o.w.at[at]), STREAM_ROSTER,
		 "refs/rosters/root", stands, &err),
	    &err, "ref");
	must(db_query(&st, replica_db(o.w.at[at]), &err,
		 "SELECT oid FROM _roster WHERE hash = ?", "b", doc->hash.b,
		 sizeof(doc->hash.b)),
	    &err, "oid");
	same = db_step(st, &err) == 1 &&
	       memcmp(db_blob(st, 0, &n), stands, sizeof(stands)) == 0;
	db_done(st);
	return same;
}

static void
begin(void)
{
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		sign_generate(&made[i]);
	world_homes(&o.w);
	for (i = 0; i < WORLD_N; i++)
		must(db_exec(
			 replica_db(o.w.at[i]), "PRAGMA synchronous=OFF", &err),
		    &err, "no fsync");
	root_doc(&o.r1, NULL, old, 3, 2, old, 2, NULL);
	root_doc(&o.r2, &o.r1, old, 3, 2, old, 2, NULL);
	root_doc(&o.r3, &o.r2, fresh, 3, 2, left, 3, NULL);
	root_doc(&o.other2, &o.r1, theirs, 1, 1, stolen, 3, NULL);
	root_doc(&o.third2, &o.r1, lost, 2, 2, lost, 2, NULL);
	root_doc(&o.other3, &o.other2, theirs, 1, 1, stolen, 3, &o.other2);
	root_doc(&o.beside3, &o.r2, theirs, 1, 1, stolen, 3, NULL);
	for (i = 0; i < WORLD_N; i++)
		take((int)i, &o.r1);
	for (i = 0; i < 2; i++)
		take((int)i, &o.r2);
}

static void
before_it(void)
{
	is_int(adopt(PROVINCE, &o.r3), YZ_ENOTFOUND, "it waits to be pinned");
	ok(!pin(PROVINCE, &o.r3), "it is pinned before it is here");
	take(PROVINCE, &o.r3);
	is_int(counts(PROVINCE), 3, "and counts");
	take(PROVINCE, &o.other2);
	ok(goes_by(PROVINCE, &o.r3),
	    "the thief signs another of the version before: that changes"
	    " nothing");
	take(PROVINCE, &o.other3);
	ok(goes_by(PROVINCE, &o.r3), "nor what he builds on that and decides");
	reopen(PROVINCE);
	ok(goes_by(PROVINCE, &o.r3), "nor a restart");
}

/* Disks lose files, and programs are killed between two steps. */
static void
lost_pins(void)
{
	struct pins pins = {.n = 0};
	char *path = home_file(replica_home(o.w.at[CITY]), "pins");
	struct err err;

	take(CITY, &o.beside3);
	ok(goes_by(CITY, &o.beside3), "a city takes what the thief signs");
	ok(!pin(CITY, &o.r3), "until it pins what is announced");
	take(CITY, &o.r3);
	ok(goes_by(CITY, &o.r3), "and that comes");
	pins_fingerprint(pins.v[pins.n++], &o.r3.hash);
	pins_fingerprint(pins.v[pins.n++], &o.beside3.hash);
	must(pins_write(&pins, replica_home(o.w.at[CITY]), &err), &err, "pin");
	reopen(CITY);
	ok(goes_by(CITY, &o.r3), "a pin that was broken off changes nothing");
	must(file_write(path, "rot", 3, 0600, &err), &err, "rot");
	reopen(CITY);
	ok(goes_by(CITY, &o.r3), "nor does a file that is damaged");
	must(replica_rebuild(o.w.at[CITY], NULL, NULL, &err), &err, "rebuild");
	ok(goes_by(CITY, &o.r3), "a rebuild says the same");
	ok(pin(CITY, &o.beside3), "by mistake the thief's is pinned");
	ok(goes_by(CITY, &o.beside3), "it counts");
	ok(sealed(CITY, &o.beside3), "and the ledger says so");
	ok(pin(CITY, &o.r3) && goes_by(CITY, &o.r3), "the right one again");
	ok(sealed(CITY, &o.r3), "in the ledger, too");
	must(unlink(path), &err, "unlink");
	must(replica_rebuild(o.w.at[CITY], NULL, NULL, &err), &err, "rebuild");
	ok(goes_by(CITY, &o.r3), "without the file, too");
	free(path);
}

static void
session(struct peering *g, int caller, int called, const char *what)
{
	struct peering_result res;

	(void)peering_sync(g, &res, caller, called);
	ok(res.complete, "%s: %s", what,
	    res.caller_rc == 0 ? "" : res.caller_err);
}

/* It was off the line, or is back from a backup: the thief is there first. */
static void
late(struct peering *g)
{
	char fingerprint[SIGN_FINGERPRINT_LEN];
	struct replica_unpinned waits;
	struct err err;

	pins_fingerprint(fingerprint, &o.r3.hash);
	take(COUNTY, &o.other2);
	take(COUNTY, &o.third2);
	is_int(
	    counts(COUNTY), 1, "a county that lacks version 2 has two others");
	session(g, COUNTY, CITY, "its session is complete");
	is_int(counts(COUNTY), 1, "and brings it nothing of the root");
	ok(replica_unpinned_get(
	       &waits, o.w.at[COUNTY], g->local[COUNTY], &err) == 0 &&
		strcmp(waits.fingerprint, fingerprint) == 0,
	    "but it knows what waits to be pinned");
	(void)pin(COUNTY, &o.r3);
	session(g, COUNTY, CITY, "so is the next one, after it pinned");
	ok(goes_by(COUNTY, &o.r3),
	    "what is pinned comes, with what it follows");
	must(replica_rebuild(o.w.at[COUNTY], NULL, NULL, &err), &err, "fold");
	ok(goes_by(COUNTY, &o.r3), "a rebuild says the same");
}

/* Each pair of the three has signed another version 2. */
static void
three(struct peering *g)
{
	static const struct sign_key *const pairs[3][3] = {{&made[0], &made[1]},
	    {&made[0], &made[2], &made[6]}, {&made[1], &made[2]}};
	struct roster_doc at[3], few, choice;
	size_t i;

	root_doc(&at[0], &o.r1, pairs[0], 2, 2, pairs[0], 2, NULL);
	root_doc(&at[1], &o.r1, theirs, 1, 1, pairs[1], 3, NULL);
	root_doc(&at[2], &o.r1, pairs[2], 2, 2, pairs[2], 2, NULL);
	for (i = 0; i < 2; i++) {
		take(OTHER, &at[i]);
		take(OTHER_CITY, &at[i + 1]);
	}
	ok(counts(OTHER) == 1 && counts(OTHER_CITY) == 1,
	    "of three of one version two stations hold two each");
	session(g, OTHER, OTHER_CITY, "they speak");
	ok(goes_by(OTHER, &o.r1) && goes_by(OTHER_CITY, &o.r1),
	    "and both go by the version before");
	is_str(world_digest(&o.w, OTHER, STREAM_ROSTER, NULL),
	    world_digest(&o.w, OTHER_CITY, STREAM_ROSTER, NULL), "to the same");

	/* Its keys do not do for what it decides: only a pin does. */
	root_doc(&few, &at[1], theirs, 1, 1, theirs, 1, &at[1]);
	is_int(adopt(OTHER_CITY, &few), YZ_ENOTFOUND,
	    "what decides and has not enough keys for it waits to be pinned");
	(void)pin(OTHER_CITY, &few);
	take(OTHER_CITY, &few);
	session(g, OTHER, OTHER_CITY, "they speak where it is pinned at one");
	ok(goes_by(OTHER, &o.r1), "the other passes it over");

	root_doc(&choice, &at[2], old, 3, 2, lost, 2, &at[2]);
	take(OTHER_CITY, &choice);
	(void)pin(OTHER_CITY, &choice);
	ok(goes_by(OTHER_CITY, &choice), "one of the three is decided for");
	session(g, OTHER, OTHER_CITY, "they speak");
	ok(goes_by(OTHER, &choice), "also where it was the third");
	for (i = 0; i < 3; i++)
		roster_doc_free(&at[i]);
	roster_doc_free(&few);
	roster_doc_free(&choice);
}

int
main(void)
{
	struct peering g;

	begin();
	before_it();
	lost_pins();
	peering_open(&g, &o.w);
	late(&g);
	three(&g);
	peering_close(&g);
	world_close(&o.w);
	roster_doc_free(&o.r1);
	roster_doc_free(&o.r2);
	roster_doc_free(&o.r3);
	roster_doc_free(&o.other2);
	roster_doc_free(&o.third2);
	roster_doc_free(&o.other3);
	roster_doc_free(&o.beside3);
	return tap_done();
}
