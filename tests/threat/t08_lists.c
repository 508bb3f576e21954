/*
 * Goal of this test: threat T08, a hostile city that signs whatever it likes
 * into its roster: another city's county, that county's keys under a code of
 * its own, a county before its own city does, cities of its province and of
 * another.  Nobody forgets a station or what it wrote, nobody takes in what the
 * liar's key signed in its name, and its own city enrols it as if nothing were.
 */
#include "config.h"

#include "../world.h"

static struct world w;

/* The station, listed by its parent: the root or a city. */
static void
list_honestly(int i)
{
	struct roster_station entry;
	struct roster_key key;
	const char *parent = world_tree[i].parent;
	bool root = i == PROVINCE || i == CITY || i == OTHER_CITY;

	world_entry(&entry, &key, replica_home(w.at[i]), i);
	snprintf(
	    entry.scope, sizeof(entry.scope), "%s", root ? "root" : parent);
	world_list(&w, entry.scope,
	    root ? &w.root : &replica_home(w.at[CITY])->sign, &entry);
}

/* The other city lists a code with keys. */
static void
lie(const char *code, const uint8_t sign[32], const uint8_t ssh[32])
{
	static char inc[1][CHAIN_INC_LEN + 1] = {"0badc0de"};
	static char name[] = "a lie";
	const struct home *liar = replica_home(w.at[OTHER_CITY]);
	struct roster_station entry = {.name = name, .n_keys = 1};
	struct roster_key key = {.incs = inc, .n_incs = 1};

	memcpy(key.sign, sign, 32);
	memcpy(key.ssh, ssh, 32);
	entry.keys = &key;
	strcpy(entry.code, code);
	strcpy(entry.parent, liar->code);
	strcpy(entry.scope, liar->code);
	world_list(&w, liar->code, &liar->sign, &entry);
}

static void
lie_with_new_keys(const char *code)
{
	struct sign_key sign, ssh;

	sign_generate(&sign);
	sign_generate(&ssh);
	lie(code, sign.pub, ssh.pub);
}

static bool
is_named(const char *code)
{
	const struct roster *roster = replica_roster(w.at[PROVINCE]);
	const struct roster_station *st;
	size_t i;

	for (i = 0; (st = roster_clash(roster, i)) != NULL; i++) {
		if (strcmp(st->code, code) == 0)
			return true;
	}
	return false;
}

static void
nobody_forgets(int who, const char *what)
{
	const struct home *home = replica_home(w.at[who]);
	const char *code = home->code, *own;
	int i;

	own = world_digest(&w, who, STREAM_RESOURCE, code);
	for (i = 0; i < WORLD_N; i++) {
		const struct roster *roster = replica_roster(w.at[i]);
		const struct roster_station *st = roster_find(roster, code);

		ok(st != NULL && strcmp(st->scope, world_tree[who].parent) == 0,
		    "%s: at %s, %s is its own city's", what, world_tree[i].code,
		    code);
		ok(st != NULL && memcmp(roster_current(st)->sign,
				     home->sign.pub, 32) == 0,
		    "with its own key");
	}
	is_str(world_digest(&w, PROVINCE, STREAM_RESOURCE, code), own,
	    "%s: the province has all that it wrote", what);
	is_str(world_digest(&w, OTHER, STREAM_RESOURCE, code), own,
	    "so has another city's county");
}

static void
write_and_sync(int who, int n)
{
	char id[RECORD_ID_LEN + 1];

	snprintf(id, sizeof(id), "%s-%032x", world_tree[who].code, (unsigned)n);
	world_set(&w, who, STREAM_RESOURCE, "team", id, "name", "\"队\"");
	world_sync(&w);
}

int
main(void)
{
	const struct home *county;
	struct roster_station entry;
	struct roster_key key;

	world_homes(&w);
	list_honestly(PROVINCE);
	list_honestly(CITY);
	list_honestly(OTHER_CITY);
	list_honestly(COUNTY);
	world_entry(&entry, &key, replica_home(w.at[OTHER]), OTHER);
	strcpy(entry.scope, world_tree[OTHER_CITY].code);
	world_list(
	    &w, entry.scope, &replica_home(w.at[OTHER_CITY])->sign, &entry);
	world_kinds(&w);
	world_sync(&w);
	write_and_sync(COUNTY, 1);
	nobody_forgets(COUNTY, "before");

	lie_with_new_keys("520302");
	nobody_forgets(COUNTY, "another lists its code");
	ok(is_named("520302"), "the listing is named");
	write_and_sync(COUNTY, 2);
	nobody_forgets(COUNTY, "and it writes on");

	county = replica_home(w.at[COUNTY]);
	lie("520499", county->sign.pub, county->ssh.pub);
	nobody_forgets(
	    COUNTY, "another lists its keys under a code of its own");
	write_and_sync(COUNTY, 3);
	nobody_forgets(COUNTY, "and it writes on");

	lie_with_new_keys("520303");
	lie_with_new_keys("520500");
	lie_with_new_keys("530102");
	ok(roster_find(replica_roster(w.at[PROVINCE]), "520303") == NULL &&
		roster_find(replica_roster(w.at[PROVINCE]), "520500") == NULL &&
		roster_find(replica_roster(w.at[PROVINCE]), "530102") == NULL,
	    "who is not there yet does not come by a stranger's word");
	list_honestly(SIBLING);
	world_sync(&w);
	write_and_sync(SIBLING, 4);
	nobody_forgets(SIBLING, "its own city enrols it all the same");
	world_close(&w);
	return tap_done();
}
