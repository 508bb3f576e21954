/*
 * Goal of this test: threat T20, a station that comes back from an older copy
 * of itself.  A county lives on through restorations from random copies,
 * with and without its city to ask.  It writes nothing before it has fetched
 * what it had written since, or was told to go on alone; no (chain, seq) is
 * ever used twice; nothing that had arrived anywhere is lost; the city holds
 * no fork; and all agree in the end.
 *
 *	T20_ROUNDS=N	restorations (default 100; 16 under sanitizers)
 *	T20_SEED=N	of the choices (printed)
 */
#include "config.h"

#include "../line.h"

#include "anchor.h"
#include "resign.h"

static unsigned seed;
static int n_copies, n_records;

static unsigned
roll(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return seed / 65536u % n;
}

/* --- no place is used twice ------------------------------------------------
 */

static struct db *places;

/* Everything that a station holds: what stands where for good. */
static int
note_places(struct world *w, int at)
{
	struct db_stmt *st;
	struct err err;
	int rc, twice = 0;

	must(db_query(&st, replica_db(w->at[at]), &err,
		 "SELECT name, seq, hex(id) FROM _changeset JOIN _chain ON"
		 " no = chain",
		 ""),
	    &err, "places");
	while ((rc = db_step(st, &err)) == 1) {
		const char *id = db_text(st, 2);
		int64_t n = 0;

		must(db_get_int(&n, places, &err,
			 "SELECT count(*) FROM place WHERE chain = ? AND"
			 " seq = ? AND id <> ?",
			 "sis", db_text(st, 0), db_int(st, 1), id),
		    &err, "place");
		if (n > 0) {
			printf("# twice: %s %lld\n", db_text(st, 0),
			    (long long)db_int(st, 1));
			twice++;
		}
		must(db_run(places, &err,
			 "INSERT OR IGNORE INTO place VALUES (?, ?, ?)", "sis",
			 db_text(st, 0), db_int(st, 1), id),
		    &err, "note");
	}
	must(rc, &err, "places");
	db_done(st);
	return twice;
}

/* --- a county's life --------------------------------------------------------
 */

static const struct {
	enum stream stream;
	const char *kind;
} kinds[] = {{STREAM_RESOURCE, "team"}, {STREAM_COMMAND, "incident"},
    {STREAM_OVERSIGHT, "hazard"}};

static int
write_one(struct world *w, int who, int record, struct err *err)
{
	char id[RECORD_ID_LEN + 1], value[32];
	unsigned k = (unsigned)record % 3;
	struct op_draft *op;
	struct act *act;
	int rc;

	snprintf(id, sizeof(id), "520302-%032d", record);
	snprintf(value, sizeof(value), "\"%u\"", roll(1000));
	op = op_draft_new(kinds[k].kind, id);
	op_draft_set(op, roll(2) ? "name" : "status", value);
	act = act_new(w->at[who], "值班员甲", "duty1", "test");
	act_add(act, kinds[k].stream, op);
	rc = act_commit(act, NULL, err);
	act_free(act);
	op_draft_free(op);
	return rc;
}

/* A new record, or one of the old ones. */
static void
live(struct world *w)
{
	struct err err;
	unsigned i, n = 1 + roll(4);

	for (i = 0; i < n; i++) {
		int record = roll(3) == 0 && n_records > 0
				 ? (int)roll((unsigned)n_records)
				 : n_records++;

		must(write_one(w, COUNTY, record, &err), &err, "county");
		if (roll(4) == 0)
			must(write_one(w, CITY, record, &err), &err, "city");
	}
}

static void
sync_well(struct world *w)
{
	struct session_result res;
	struct err err = {.msg = ""};
	int rc;

	rc = line_sync(w, &res, COUNTY, CITY, &err);
	if (rc != 0 || !res.complete || res.peer.refused + res.peer.forks > 0)
		ok(false, "a session is complete (%s%s%s)", err.msg,
		    res.peer.refusal, res.peer.fork);
}

/* A copy without the anchor, as backups are. */
static void
copy(struct world *w)
{
	char path[128];

	station_path(path, w, COUNTY);
	station_close(w, COUNTY);
	shell("cp -a %s %s/copy-%d && rm %s/copy-%d/anchor", path, w->dir,
	    n_copies, w->dir, n_copies);
	n_copies++;
	station_open(w, COUNTY);
}

static void
restore(struct world *w, int which)
{
	char path[128];

	station_path(path, w, COUNTY);
	station_close(w, COUNTY);
	shell("rm -rf %s && cp -a %s/copy-%d %s", path, w->dir, which, path);
	station_open(w, COUNTY);
}

static void
round_of(struct world *w, int n)
{
	int which = (int)roll((unsigned)n_copies), n_before = n_records;
	bool reachable = roll(2), done = false;
	struct err err = {.msg = ""};
	char inc[CHAIN_INC_LEN + 1];

	/* What has arrived before must be there afterwards; what has not may
	 * be lost with the machine. */
	restore(w, which);
	memcpy(inc, replica_home(w->at[COUNTY])->inc, sizeof(inc));
	is_int(write_one(w, COUNTY, n_records, &err), YZ_EDENIED,
	    "round %d, copy %d, %s: the restored county does not write", n,
	    which, reachable ? "the city is there" : "alone");
	if (reachable)
		sync_well(w);
	else
		must(resign_go_on(w->at[COUNTY], NULL, 0, &done, &err), &err,
		    "alone");
	ok(reachable || done, "it goes on");
	ok(strcmp(inc, replica_home(w->at[COUNTY])->inc) != 0,
	    "under a new incarnation");
	if (reachable)
		ok(line_agree(w, COUNTY, CITY, "520302"),
		    "with all that the city had of it");
	live(w);
	sync_well(w);
	sync_well(w);
	ok(line_agree(w, COUNTY, CITY, "520302"), "both agree");
	ok(n_records >= n_before, "it writes again");
	is_int(note_places(w, COUNTY) + note_places(w, CITY), 0,
	    "no place is used twice");
	is_int(world_count(w, CITY, "SELECT count(*) FROM _fork"), 0,
	    "nobody proves a fork");
	is_int(world_count(w, CITY, "SELECT count(*) FROM _quarantine"), 0,
	    "all of it counts");
	/* The restored station and a fresh one mean the same. */
	if (n % 4 == 0)
		must(replica_rebuild(w->at[COUNTY], NULL, NULL, &err), &err,
		    "rebuild");
}

int
main(void)
{
	const char *rounds = getenv("T20_ROUNDS"), *s = getenv("T20_SEED");
	char path[128];
	int i, n = rounds == NULL ? tap_amount(100, 16) : atoi(rounds);
	struct world w;
	struct err err;

	seed = s == NULL ? (unsigned)getpid() : (unsigned)atoi(s);
	printf("# T20_SEED=%u\n", seed);
	world_open(&w);
	snprintf(path, sizeof(path), "%s/places.db", w.dir);
	must(db_open(&places, path, DB_CREATE, &err), &err, "places");
	must(db_exec(places,
		 "PRAGMA synchronous = OFF; CREATE TABLE place(chain, seq, id,"
		 " PRIMARY KEY(chain, seq, id))",
		 &err),
	    &err, "places");
	world_kinds(&w);
	world_carry(&w, PROVINCE, CITY);
	for (i = 0; i < 8; i++) {
		live(&w);
		if (roll(2))
			sync_well(&w);
		copy(&w);
	}
	sync_well(&w);
	for (i = 0; i < n; i++) {
		round_of(&w, i);
		if (roll(2))
			copy(&w);
	}
	db_close(places);
	world_close(&w);
	return tap_done();
}
