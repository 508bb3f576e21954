/*
 * Goal of this test: threat T04, a child that floods with rosters.  They go to
 * everybody and are kept for good, so what one station signs into its own is a
 * flood of all.  A county, which lists nobody, signs one version after another:
 * none of it is kept anywhere.  A city does: its superior takes of it what the
 * link grants, as of everything else, and goes on when the day is over; the
 * sessions are complete, and incidents pass.
 */
#include "config.h"

#include "../line.h"

#include "local_link.h"
#include "replica_impl.h"
#include "roster_doc.h"

#define VERSIONS 40
#define DAY_BYTES 8000
#define HOUR 3600000ll

static struct world w;

/* Who floods has a program of its own: it keeps what it signed. */
static void
keep(int who, const struct roster_doc *doc)
{
	struct err err;

	must(replica_begin(w.at[who], &err), &err, "begin");
	must(replica_roster_store(w.at[who], doc, NULL, &err), &err, "keep");
	must(replica_commit(w.at[who], &err), &err, "commit");
}

/* VERSIONS of its own roster; the first lists a station below, if it may. */
static void
flood(int who, const char *below)
{
	const struct home *home = replica_home(w.at[who]);
	struct roster_doc doc, cur = {.version = 0};
	struct roster_change *change;
	struct roster_station entry;
	struct sign_key sign, ssh;
	struct roster_key key;
	struct err err;
	int i;

	for (i = 0; i < VERSIONS; i++) {
		must(roster_change_begin(
			 &change, i == 0 ? NULL : &cur, NULL, home->code, &err),
		    &err, "begin");
		if (i == 0 && below != NULL) {
			world_entry(&entry, &key, home, who);
			sign_generate(&sign);
			sign_generate(&ssh);
			memcpy(key.sign, sign.pub, 32);
			memcpy(key.ssh, ssh.pub, 32);
			strcpy(entry.code, below);
			strcpy(entry.parent, home->code);
			strcpy(entry.scope, home->code);
			roster_change_put(change, &entry);
		}
		must(roster_change_write(&doc, change, &err), &err, "write");
		must(roster_doc_sign(&doc, &home->sign, &err), &err, "sign");
		roster_change_free(change);
		roster_doc_free(&cur);
		keep(who, &doc);
		cur = doc;
	}
	roster_doc_free(&cur);
	/* Its replica reads them as they are. */
	station_close(&w, who);
	station_open(&w, who);
}

static int64_t
versions(int at, const char *scope)
{
	char sql[96];

	snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM _roster WHERE scope = '%s'", scope);
	return world_count(&w, at, sql);
}

static int64_t
bytes(int at, const char *scope)
{
	char sql[96];

	snprintf(sql, sizeof(sql),
	    "SELECT coalesce(sum(length(doc)), 0) FROM _roster"
	    " WHERE scope = '%s'",
	    scope);
	return world_count(&w, at, sql);
}

static void
incident(int who, int n)
{
	char id[RECORD_ID_LEN + 1];

	snprintf(id, sizeof(id), "%s-%032x", world_tree[who].code, (unsigned)n);
	world_set(&w, who, STREAM_COMMAND, "incident", id, "name", "\"事\"");
}

static int64_t
incidents(int at)
{
	return world_count(&w, at, "SELECT count(*) FROM incident");
}

static void
of_a_county(void)
{
	flood(COUNTY, NULL);
	is_int(versions(COUNTY, "520302"), VERSIONS,
	    "a county has signed %d rosters of nobody", VERSIONS);
	incident(COUNTY, 1);
	ok(line_complete(&w, COUNTY, CITY), "its session is complete");
	is_int(versions(CITY, "520302"), 0, "its city keeps none of them");
	is_int(incidents(CITY), 1, "and takes its incident");
	ok(line_complete(&w, CITY, PROVINCE), "so is the city's");
	is_int(versions(PROVINCE, "520302"), 0, "nor does the province");
}

static void
of_a_city(void)
{
	int64_t had = 0, took, most = 0;
	int days, complete = 0;
	struct err err;

	line_grant(&w, PROVINCE, "520300", DAY_BYTES);
	w.now[PROVINCE] += 48 * HOUR;
	w.now[CITY] += 48 * HOUR;
	flood(CITY, "520399");
	ok(bytes(CITY, "520300") > 2 * DAY_BYTES,
	    "a city has signed %d of %lld bytes, more than two days' grant",
	    VERSIONS, (long long)bytes(CITY, "520300"));
	for (days = 0; days < 20 && versions(PROVINCE, "520300") < VERSIONS;
	     days++) {
		complete += line_complete(&w, CITY, PROVINCE);
		complete += line_complete(&w, CITY, PROVINCE);
		took = bytes(PROVINCE, "520300") - had;
		had += took;
		most = took > most ? took : most;
		w.now[PROVINCE] += 24 * HOUR;
		w.now[CITY] += 24 * HOUR;
	}
	ok(most > 0 && most <= DAY_BYTES,
	    "the province takes at most %lld a day, of %d granted",
	    (long long)most, DAY_BYTES);
	is_int(versions(PROVINCE, "520300"), VERSIONS,
	    "and all of it in %d days", days);
	is_int(complete, 2 * days, "every session is complete");
	must(replica_roster_load(w.at[PROVINCE], &err), &err, "roster");
	ok(roster_find(replica_roster(w.at[PROVINCE]), "520399") != NULL,
	    "what the city lists counts");
	incident(CITY, 2);
	ok(line_complete(&w, CITY, PROVINCE),
	    "afterwards a session is complete");
	is_int(incidents(PROVINCE), 2, "and brings its incident");
}

int
main(void)
{
	world_open(&w);
	world_kinds(&w);
	world_carry(&w, PROVINCE, CITY);
	ok(line_complete(&w, COUNTY, CITY),
	    "a county and its city are in step");
	of_a_county();
	of_a_city();
	world_close(&w);
	return tap_done();
}
