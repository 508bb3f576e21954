/*
 * Goal of this test: threat T15, clocks that are wrong by years.  Twenty
 * stations keep six sorts of time: right, 1970, 2099, jumping forth, jumping
 * back, drifting.  They write alone, about the same records, and sync, again
 * and again: all come to the same digests, nobody is refused or mute, nobody's
 * time is dragged along, and who knew better wins whatever his clock says.
 * A person is asked, once, when the clock has jumped.
 */
#include "config.h"

#include "../world.h"

#include "../fleet.h"

#define STATIONS 20
#define CITIES 4
#define ROUNDS 4
#define DAY 86400000ll
#define YEAR_1970 1000000ll
#define YEAR_2099 4070908800000ll

enum profile { RIGHT, OLD, FAR, FORTH, BACK, DRIFT, PROFILES };

static struct fleet f;
static int64_t real = WORLD_START; /* what the time is */
static int asked;                  /* persons */

static enum profile
profile(int i)
{
	return (enum profile)(i % PROFILES);
}

/* What a station's clock shows in a round. */
static int64_t
shows(int i, int round)
{
	switch (profile(i)) {
	case OLD:
		return YEAR_1970 + round * 1000;
	case FAR:
		return YEAR_2099 + round * 1000;
	case FORTH:
		return real + round * 400 * DAY;
	case BACK:
		return real - round * 400 * DAY;
	case DRIFT:
		return real + round * round * 3600000ll;
	default:
		return real;
	}
}

/* Who is refused says that the clock is right. */
static void
commit(int who, struct act *act)
{
	struct replica *r = f.at[who].r;
	struct err err;
	int rc = act_commit(act, NULL, &err);

	if (rc == YZ_EINVAL && strstr(err.msg, "--clock-is-right") != NULL) {
		asked++;
		replica_trust_clock(r);
		rc = act_commit(act, NULL, &err);
	}
	must(rc, &err, "write");
	act_free(act);
}

static void
say(struct act *act, enum stream stream, const char *id, const char *field,
    int value)
{
	struct op_draft *op = op_draft_new("team", id);
	char json[32];

	snprintf(json, sizeof(json), "\"%d\"", value);
	op_draft_set(op, field, json);
	act_add(act, stream, op);
	op_draft_free(op);
}

static void
put(int who, enum stream stream, const char *id, const char *field, int value)
{
	struct act *act = act_new(f.at[who].r, "值班员甲", "duty1", "clock");

	say(act, stream, id, field, value);
	commit(who, act);
}

static void
team(char id[RECORD_ID_LEN + 1], int owner)
{
	snprintf(id, RECORD_ID_LEN + 1, "%s-%032x", f.at[owner].code, 1);
}

static const char *
digest(int at)
{
	return world_digest(
	    &(struct world){.at = {f.at[at].r}}, 0, STREAM_RESOURCE, NULL);
}

static bool
alike(void)
{
	char first[DIGEST_HEX_LEN + 1];
	bool same = true;
	int i;

	snprintf(first, sizeof(first), "%s", digest(0));
	for (i = 1; i < f.n; i++)
		same &= strcmp(first, digest(i)) == 0;
	return same;
}

static const char *
name_of(int at, const char *id)
{
	return world_get(
	    &(struct world){.at = {f.at[at].r}}, 0, "team", id, "name");
}

/* Everyone alone about its own record and its parent's above it: the three
 * levels contradict each other. */
static void
round_of(int round)
{
	char id[RECORD_ID_LEN + 1];
	int i, owner;

	real += 3600000;
	for (i = 0; i < f.n; i++) {
		struct act *act =
		    act_new(f.at[i].r, "值班员甲", "duty1", "clock");

		f.at[i].now = shows(i, round);
		for (owner = i; owner < f.n; owner++) {
			if (owner != i &&
			    !roster_is_ancestor(replica_roster(f.at[i].r),
				f.at[i].code, f.at[owner].code))
				continue;
			team(id, owner);
			say(act, STREAM_RESOURCE, id, "name",
			    round * 1000 + i * 10);
		}
		commit(i, act);
	}
	fleet_sync(&f);
	ok(alike(), "round %d: the same digest at %d stations", round, f.n);
}

/* Nothing that was received moves a station's own time. */
static void
not_dragged(void)
{
	int i, j, dragged = 0;

	for (i = 0; i < f.n; i++) {
		for (j = 0; j < f.n; j++) {
			struct chain_name c = {.stream = STREAM_RESOURCE};
			struct replica_head head;
			struct changeset cs;
			struct err err;
			int64_t off;

			memcpy(c.writer, f.at[i].code, sizeof(c.writer));
			memcpy(c.inc, f.at[i].inc[0], sizeof(c.inc));
			must(replica_head(f.at[j].r, &head, &c, &err), &err,
			    "head");
			must(replica_read(f.at[j].r, &cs, &c, head.seq, &err),
			    &err, "read");
			off = cs.time - shows(i, ROUNDS);
			dragged += off < 0 || off > 60000;
			changeset_free(&cs);
		}
	}
	is_int(dragged, 0, "every station's last time is that of its clock");
}

/* The province in 2099, then a county in 1970 that has seen it. */
static void
who_knew_better(void)
{
	int far = 0, old = 0, i, agree = 0, kept = 0;
	char id[RECORD_ID_LEN + 1];
	struct err err;

	for (i = CITIES + 1; i < f.n; i++)
		if (profile(i) == OLD)
			old = i;
	team(id, old);
	f.at[far].now = YEAR_2099 + 10 * DAY;
	put(far, STREAM_RESOURCE, id, "name", 1);
	fleet_sync(&f);
	put(old, STREAM_RESOURCE, id, "name", 2);
	fleet_sync(&f);
	for (i = 0; i < f.n; i++)
		agree += strcmp(name_of(i, id), "2") == 0;
	is_int(agree, f.n, "1970 that has seen it wins over 2099, everywhere");
	/* Folded from nothing goes another way in the program. */
	must(replica_rebuild(f.at[0].r, NULL, NULL, &err), &err, "rebuild");
	is_str(name_of(0, id), "2", "and where all was folded anew");
	/* Both at once: the clock decides what shows, and both are kept. */
	put(far, STREAM_RESOURCE, id, "name", 3);
	put(old, STREAM_RESOURCE, id, "name", 4);
	fleet_sync(&f);
	for (i = agree = 0; i < f.n; i++) {
		agree += strcmp(name_of(i, id), name_of(0, id)) == 0;
		kept += world_count(&(struct world){.at = {f.at[i].r}}, 0,
			    "SELECT count(*) FROM _standing WHERE"
			    " value IN ('\"3\"', '\"4\"', '3', '4')") >= 2;
	}
	is_int(agree, f.n, "of what is written at once all show the same");
	is_int(kept, f.n, "and keep both");
	ok(alike(), "with the same digest");
}

/* News in command is noted as seen by everyone it reaches, whatever the
 * clocks did. */
static void
not_mute(void)
{
	int county = f.n - 1, city = fleet_parent(&f, county), round, spoke = 0;
	static const int64_t clocks[] = {
	    YEAR_2099, YEAR_1970, WORLD_START, YEAR_1970, YEAR_2099};
	char id[RECORD_ID_LEN + 1];
	struct err err;

	team(id, county);
	for (round = 0; round < 5; round++) {
		struct chain_name c = {.stream = STREAM_COMMAND};
		struct replica_head before, after;

		memcpy(c.writer, f.at[city].code, sizeof(c.writer));
		memcpy(c.inc, f.at[city].inc[0], sizeof(c.inc));
		memcpy(c.owner, f.at[county].code, sizeof(c.owner));
		put(county, STREAM_COMMAND, id, "status", round);
		fleet_sync(&f);
		f.at[city].now = clocks[round];
		must(replica_head(f.at[city].r, &before, &c, &err), &err,
		    "head");
		must(replica_note_seen(f.at[city].r, &err), &err, "note");
		must(
		    replica_head(f.at[city].r, &after, &c, &err), &err, "head");
		spoke += after.seq == before.seq + 1;
	}
	is_int(spoke, 5, "a clock that jumps makes no station mute");
}

/* When a person is asked, and by what he need not be. */
static void
questions(void)
{
	static const struct {
		int64_t after, contact, offset; /* contact -1: none since */
		int want;
		const char *what;
	} cases[] = {
	    {1000, -1, 0, 0, "a second later nobody is asked"},
	    {-DAY + 60000, -1, 0, 0, "nor a day before"},
	    {-DAY - 60000, -1, 0, YZ_EINVAL, "but before that"},
	    {30 * DAY - 60000, -1, 0, 0, "nor within thirty days"},
	    {30 * DAY + 60000, -1, 0, YZ_EINVAL, "but after thirty"},
	    {400 * DAY, 399 * DAY, 1000, 0,
		"unless a contact has shown the clock to be right"},
	    {400 * DAY, 399 * DAY, -2 * DAY, YZ_EINVAL,
		"not one that showed it to be wrong"},
	    {400 * DAY, DAY, 0, YZ_EINVAL, "nor one long ago"},
	    {-400 * DAY, -400 * DAY, 0, 0, "also when it is set back"},
	};
	char path[128];
	struct home *home;
	struct replica *r;
	struct err err;
	size_t i;

	/* A station of its own, to which nobody has said anything. */
	snprintf(path, sizeof(path), "%s/%s", f.dir, f.at[2].code);
	f.at[2].now = WORLD_START;
	replica_trust_clock(f.at[2].r);
	put(2, STREAM_RESOURCE, "520200-00000000000000000000000000000002",
	    "name", 77);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t now = WORLD_START;
		int rc;

		must(home_open(&home, path, &err), &err, "home");
		must(replica_open(&r, home, &err), &err, "replica");
		replica_set_clock(r, world_clock, &now);
		must(db_exec(replica_db(r),
			 "DELETE FROM _meta WHERE name = 'contact'", &err),
		    &err, "forget");
		now = WORLD_START + cases[i].contact;
		if (cases[i].contact != -1)
			must(replica_set_offset(r, cases[i].offset, &err), &err,
			    "contact");
		now = WORLD_START + cases[i].after;
		rc = replica_clock_check(r, now, &err);
		if (!ok(rc == cases[i].want &&
			    (rc == 0 ||
				strstr(err.msg, "--clock-is-right") != NULL),
			"%s", cases[i].what))
			printf("# %d: %s\n", rc, err.msg);
		replica_trust_clock(r);
		rc = replica_clock_check(r, now, &err);
		if (cases[i].want != 0)
			is_int(rc, 0, "who is asked and says yes may write");
		replica_close(r);
	}
}

int
main(void)
{
	struct world w;
	int i, round;

	fleet_open(&f, STATIONS, CITIES, STATIONS);
	w.at[PROVINCE] = f.at[0].r;
	for (i = 0; i < f.n; i++)
		f.at[i].now = shows(i, 0);
	world_kind(&w, "team", "resource");
	world_field(&w, "team", "name", "text", "one", "", "n");
	for (round = 1; round <= ROUNDS; round++)
		round_of(round);
	not_dragged();
	who_knew_better();
	not_mute();
	questions();
	printf("# %d persons were asked about their clocks\n", asked);
	fleet_close(&f);
	return tap_done();
}
