/*
 * Goal of this test: what proves a fork may be lost in the ledger, in the
 * replica, or in the one while the other has lost its rosters, and the chain
 * stays ended at every station's digest; where both have lost it, the next
 * session with whoever has it brings it again.
 */
#include "config.h"

#include "world.h"

#include "forge.h"
#include "peering.h"

#include "base/folder.h"
#include "fork.h"
#include "local.h"
#include "scrub.h"

#define N 3 /* changesets before the fork */
#define TEAM "520302-00000000000000000000000000000001"

static struct world w;
static struct pen honest, thief;
static char want[DIGEST_HEX_LEN + 1];

static void
write_next(struct changeset *cs, struct pen *p, const char *value)
{
	char text[200];

	snprintf(text, sizeof(text),
	    "{\"id\":\"" TEAM
	    "\",\"kind\":\"team\",\"set\":{\"status\":\"%s\"}}\n",
	    value);
	pen_draft(cs, p, text, strlen(text));
	pen_sign(cs, &p->key);
	pen_advance(p, cs);
}

/* Everybody holds N, and the pair that ends the chain there. */
static void
begin(void)
{
	struct changeset good, bad;
	struct err err;
	bool news;
	int i;

	for (i = 0; i < N; i++)
		world_set(&w, COUNTY, STREAM_RESOURCE, "team", TEAM, "name",
		    "\"甲队\"");
	world_sync(&w);
	pen_of(&honest, &w, COUNTY, STREAM_RESOURCE, NULL);
	thief = honest;
	write_next(&good, &honest, "good");
	write_next(&bad, &thief, "bad");
	for (i = 0; i < WORLD_N; i++) {
		struct changeset a = good, b = bad;

		must(fork_take(w.at[i], &a, &b, &news, &err), &err, "take");
		must(replica_seal(w.at[i], &err), &err, "seal");
	}
	strcpy(want, world_digest(&w, CITY, STREAM_RESOURCE, NULL));
	changeset_free(&good);
	changeset_free(&bad);
}

static bool
is_frozen(void)
{
	return fork_seq(w.at[CITY], &honest.chain) == N + 1 &&
	       strcmp(world_digest(&w, CITY, STREAM_RESOURCE, NULL), want) == 0;
}

static void
fault(void *arg, const char *line)
{
	printf("# %s\n", line);
	(*(int *)arg)++;
}

static bool
verifies(void)
{
	int faults = 0;
	int64_t checked;
	struct err err;

	must(replica_verify(w.at[CITY], true, &checked, fault, &faults, &err),
	    &err, "verify");
	return faults == 0;
}

static void
hear(void *arg, int bad, const char *text)
{
	(void)arg;
	printf("# %c %s\n", bad ? '!' : ' ', text);
}

/* Scrubbed by another process, as it were. */
static void
scrub(const char *what)
{
	char *path = mem_strdup(replica_home(w.at[CITY])->path);
	struct home *home;
	struct scrub out;
	struct err err;

	replica_close(w.at[CITY]);
	must(scrub_run(&out, path, true, hear, NULL, &err), &err, "scrub");
	must(home_open(&home, path, &err), &err, "home");
	must(replica_open(&w.at[CITY], home, &err), &err, "open");
	replica_set_clock(w.at[CITY], world_clock, &w.now[CITY]);
	is_int(out.faults, 0, "%s: nothing is beyond help", what);
	free(path);
}

static void
lose_refs(void)
{
	char *path = mem_printf("%s/ledger/resource.git/refs/forks",
	    replica_home(w.at[CITY])->path);
	struct err err;

	must(folder_remove(path, &err), &err, "refs");
	free(path);
}

static void
lose_rows(const char *sql)
{
	struct err err;

	must(db_exec(replica_db(w.at[CITY]), sql, &err), &err, "rows");
}

int
main(void)
{
	struct peering_result res;
	struct peering g;
	struct err err;

	world_open(&w);
	world_kinds(&w);
	begin();
	ok(is_frozen() && verifies(), "a chain is ended by a pair");

	lose_refs();
	scrub("its refs are gone");
	ok(is_frozen() && verifies(), "from the replica the ledger has it");
	lose_rows("DELETE FROM _fork");
	scrub("its row is gone");
	ok(is_frozen() && verifies(), "from the ledger the replica has it");
	lose_refs();
	lose_rows("DELETE FROM _roster WHERE version = 1");
	scrub("its refs are gone, and the replica is folded anew");
	ok(is_frozen() && verifies(), "what the old one knew is carried over");

	lose_refs();
	lose_rows("DELETE FROM _fork");
	scrub("both are gone");
	peering_open(&g, &w);
	(void)peering_sync(&g, &res, CITY, PROVINCE);
	if (res.caller_rc != 0)
		printf("# %s\n", res.caller_err);
	peering_close(&g);
	must(replica_seal(w.at[CITY], &err), &err, "seal");
	ok(is_frozen() && verifies(), "the next session brings it again");
	world_close(&w);
	return tap_done();
}
