/*
 * Goal of this test: what `yizhan link` grants holds.  Outside its hours, and
 * when the day's bytes are used up, a session carries rosters and commands and
 * nothing else, whichever side said so, and says that it is not complete; in
 * its hours, or the next day, it goes on where it was until all is there.
 * What is left of a day is kept to though it ends in the middle of a session.
 * No more bytes a second go either way than the rate allows.
 */
#include "config.h"

#include <time.h>

#include "line.h"

#include "base/clock.h"
#include "local_link.h"

#define HOUR 3600000ll
#define DAY (24 * HOUR)
#define TEXT 800

static int n_written;

static struct err err;

/* --- local_link
 * -----------------------------------------------------------------
 */

static void
hours(struct local *local)
{
	static const struct {
		const char *text, *at; /* "HH:MM" */
		bool all;
		const char *until;
	} cases[] = {
	    {"22:00-06:30", "12:00", false, "22:00"},
	    {"22:00-06:30", "21:59", false, "22:00"},
	    {"22:00-06:30", "22:00", true, "24:00"},
	    {"22:00-06:30", "23:59", true, "24:00"},
	    {"22:00-06:30", "00:00", true, "06:30"},
	    {"22:00-06:30", "06:29", true, "06:30"},
	    {"22:00-06:30", "06:30", false, "22:00"},
	    {"08:00-12:00", "07:59", false, "08:00"},
	    {"08:00-12:00", "08:00", true, "12:00"},
	    {"08:00-12:00", "12:00", false, "24:00"},
	    {"18:00-24:00", "23:59", true, "24:00"},
	    {"18:00-24:00", "00:00", false, "18:00"},
	    {"always", "03:00", true, "24:00"},
	};
	static const char *const bad[] = {"", "22-6", "22:00-6:30",
	    "22:60-06:30", "25:00-06:30", "22:00_06:30", "22:00-06:30 ",
	    "-1:00-06:30", "24:01-06:30"};
	struct local_link link = {.rate = 0};
	int64_t left, until;
	size_t i;
	bool all;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t at =
		    atoi(cases[i].at) * HOUR + atoi(cases[i].at + 3) * 60000ll;
		int64_t want = atoi(cases[i].until) * HOUR +
			       atoi(cases[i].until + 3) * 60000ll;

		ok(local_link_parse_hours(&link, cases[i].text), "%s",
		    cases[i].text);
		must(local_link_now(local, &link, WORLD_START + at + 1234, &all,
			 &left, &until, &err),
		    &err, "now");
		ok(all == cases[i].all && until == WORLD_START + want &&
			left == INT64_MAX,
		    "at %s %s, until %s", cases[i].at,
		    all ? "all flows" : "only commands", cases[i].until);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!local_link_parse_hours(&link, bad[i]), "\"%s\" is refused",
		    bad[i]);
}

static void
budget(struct local *local)
{
	struct local_link link = {.code = "520300", .day = 1000}, got;
	int64_t left, until, t = WORLD_START + 20 * HOUR;
	bool all;

	must(local_link_put(local, &link, &err), &err, "put");
	must(local_link_get(local, &got, "520300", &err), &err, "get");
	is_int(got.day, 1000, "a budget is kept");
	must(local_link_get(local, &got, "520400", &err), &err, "get");
	is_int(got.day, 0, "and is of one peer");
	must(local_link_count(local, "520300", t, 400, &err), &err, "count");
	must(local_link_now(local, &link, t, &all, &left, &until, &err), &err,
	    "now");
	ok(all && left == 600, "of 1,000 bytes 600 are left");
	must(local_link_count(local, "520300", t, 700, &err), &err, "count");
	must(local_link_now(local, &link, t, &all, &left, &until, &err), &err,
	    "now");
	ok(!all && left == 0, "then none, and only commands flow");
	t += 4 * HOUR;
	must(local_link_now(local, &link, t, &all, &left, &until, &err), &err,
	    "now");
	ok(all && left == 1000, "the next day has its own");
	must(local_link_count(local, "520300", t, 1, &err), &err, "count");
	must(local_link_now(local, &link, t, &all, &left, &until, &err), &err,
	    "now");
	ok(all && left == 999, "and is counted by itself");
}

/* --- sessions
 * ---------------------------------------------------------------------
 */

static void
write_one(struct world *w, int who, enum stream stream, const char *kind)
{
	static uint32_t x = 7;
	char id[RECORD_ID_LEN + 1], value[TEXT + 3];
	int i;

	snprintf(id, sizeof(id), "520302-%032d", n_written++);
	value[0] = '"';
	for (i = 1; i < TEXT; i++) {
		x = x * 1103515245u + 12345u;
		value[i] = "0123456789abcdef"[x >> 28];
	}
	value[TEXT] = '"';
	value[TEXT + 1] = '\0';
	world_set(w, who, stream, kind, id, "name", value);
}

static void
grant(struct world *w, int at, int other, const struct local_link *as)
{
	struct local_link link = *as;
	struct local *local;
	char path[128];

	strcpy(link.code, world_tree[other].code);
	station_path(path, w, at);
	must(local_open(&local, path, &err), &err, "local");
	must(local_link_put(local, &link, &err), &err, "link");
	local_close(local);
}

static void
start(struct world *w)
{
	struct session_result res;

	world_open(w);
	world_kinds(w);
	world_carry(w, PROVINCE, CITY);
	must(line_sync(w, &res, COUNTY, CITY, &err), &err, "first");
}

static void
pass_to(struct world *w, int64_t t)
{
	w->now[COUNTY] = w->now[CITY] = WORLD_START + t;
}

static void
sync_once(struct world *w, struct session_result *res)
{
	must(line_sync(w, res, COUNTY, CITY, &err), &err, "a session");
}

static int64_t
held(struct world *w, int at, const char *kind)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", kind);
	return world_count(w, at, sql);
}

/* by: who was told the hours. */
static void
keeps_hours(int by)
{
	int other = by == COUNTY ? CITY : COUNTY;
	struct session_result res;
	struct local_link link = {.rate = 0};
	struct world w;

	start(&w);
	ok(local_link_parse_hours(&link, "22:00-06:30"), "%s is told hours",
	    world_tree[by].code);
	grant(&w, by, other, &link);
	write_one(&w, COUNTY, STREAM_RESOURCE, "team");
	write_one(&w, COUNTY, STREAM_COMMAND, "incident");
	write_one(&w, CITY, STREAM_RESOURCE, "team");
	pass_to(&w, 12 * HOUR);
	sync_once(&w, &res);
	ok(res.peer.urgent && !res.complete,
	    "at noon a session is for commands, and says so");
	is_int(held(&w, CITY, "incident"), 1, "the incident is there");
	is_int(held(&w, CITY, "team") + held(&w, COUNTY, "team"), 2,
	    "nothing else is, either way");
	pass_to(&w, 22 * HOUR);
	sync_once(&w, &res);
	ok(!res.peer.urgent && res.complete, "at night all flows");
	is_int(held(&w, CITY, "team") + held(&w, COUNTY, "team"), 4,
	    "and is there");
	world_close(&w);
}

static void
keeps_budget(void)
{
	struct local_link link = {.day = 40000};
	struct session_result res = {.complete = false};
	int64_t most = 0, all = 0, before, turned = 0;
	int days = 0, i, crept = 0, muffled = 0;
	struct world w;

	start(&w);
	grant(&w, COUNTY, CITY, &link);
	pass_to(&w, DAY);
	for (i = 0; i < 300; i++)
		write_one(&w, COUNTY, STREAM_OVERSIGHT, "hazard");
	while (!res.complete && days < 40) {
		int64_t day = 0;

		pass_to(&w, (1 + ++days) * DAY + HOUR);
		sync_once(&w, &res);
		day += res.bytes_in + res.bytes_out;
		all += day;
		most = day > most ? day : most;
		turned += res.turned;
		if (res.complete)
			break;
		before = held(&w, CITY, "hazard");
		write_one(&w, COUNTY, STREAM_COMMAND, "incident");
		sync_once(&w, &res);
		muffled += held(&w, CITY, "incident") != days;
		crept += held(&w, CITY, "hazard") != before;
		all += res.bytes_in + res.bytes_out;
	}
	printf("# %lld bytes in %d days, at most %lld in one session\n",
	    (long long)all, days, (long long)most);
	ok(days > 3 && turned == days - 1,
	    "the day's bytes end within a session, %d times", days - 1);
	/* And a last piece, the last words of both, and what the other said
	 * meanwhile. */
	ok(most < link.day + 4096, "it ends with them");
	is_int(crept, 0, "then nothing of it flows on that day");
	is_int(muffled, 0, "but commands do");
	is_int(held(&w, CITY, "hazard"), 300, "in the end all is there");
	ok(line_agree(&w, COUNTY, CITY, "520302"), "at both");
	world_close(&w);
}

/* A lower bound of time: it holds on a machine however busy.  who: is told
 * the rate; from: has much to say. */
static void
keeps_rate(int who, int from)
{
	struct local_link link = {.rate = 60000};
	struct session_result res;
	int64_t began, ms, bytes;
	struct world w;
	int i;

	start(&w);
	grant(&w, who, who == COUNTY ? CITY : COUNTY, &link);
	for (i = 0; i < 150; i++)
		write_one(&w, from, STREAM_RESOURCE, "team");
	began = clock_mono();
	sync_once(&w, &res);
	ms = clock_mono() - began;
	bytes = from == COUNTY ? res.bytes_out : res.bytes_in;
	ok(res.complete && bytes > 60000, "%s sends %lld bytes",
	    world_tree[from].code, (long long)bytes);
	/* 50 ms of the rate may go at once. */
	ok(bytes <= 60 * 105 / 100 * (ms + 50),
	    "%lld ms: no more than %s allows, 60,000 a second", (long long)ms,
	    world_tree[who].code);
	world_close(&w);
}

int
main(void)
{
	struct local *local;
	char dir[] = "/tmp/test_grant.XXXXXX";

	setenv("TZ", "CST-8", 1);
	tzset();
	if (mkdtemp(dir) == NULL)
		return 1;
	must(local_open(&local, dir, &err), &err, "local");
	hours(local);
	budget(local);
	local_close(local);
	shell("rm -rf %s", dir);
	keeps_hours(COUNTY);
	keeps_hours(CITY);
	keeps_budget();
	keeps_rate(COUNTY, COUNTY);
	keeps_rate(COUNTY, CITY);
	keeps_rate(CITY, COUNTY);
	return tap_done();
}
