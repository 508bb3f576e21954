/*
 * Goal of this test: threat T14, freeze.  A city goes on answering with the
 * state of an earlier day.  Each session is whole and complete, so nothing in
 * it is wrong; but status says of each station when something new of it last
 * came and how many contacts since brought nothing.  That is counted, so the
 * wall clock, forward or back, changes nothing; and one honest session brings
 * everything.  Who used to bring news and has brought none for twice as many
 * contacts as ever is an alarm, in status, in the doctor and on the console,
 * that says whom to telephone; a quiet day is none, nor are those below.
 */
#include "config.h"

#include <sys/wait.h>

#include "../world.h"

#include "../peering.h"
#include "base/clock.h"
#include "model/stop.h"

static struct {
	bool on;
	struct peer_head *heads;
	size_t n;
	int (*honest)(
	    void *arg, struct peer_head **out, size_t *n, struct err *err);
} frozen;

/* The first look is kept, and shown for ever. */
static int
old_heads(void *arg, struct peer_head **out, size_t *n, struct err *err)
{
	int rc;

	if (frozen.heads == NULL) {
		rc = frozen.honest(arg, &frozen.heads, &frozen.n, err);
		if (rc != 0)
			return rc;
	}
	*n = frozen.n;
	*out = mem_calloc(*n, sizeof(**out));
	memcpy(*out, frozen.heads, *n * sizeof(**out));
	return 0;
}

static void
bend(void *arg, int at, struct peer_store *s)
{
	(void)arg;
	if (at != CITY || !frozen.on)
		return;
	frozen.honest = s->heads;
	s->heads = old_heads;
}

static struct local_news
news(struct peering *g, const char *writer)
{
	struct local_news *v, found = {.contacts = -1};
	struct err err;
	size_t n, i;

	must(local_news(g->local[COUNTY], &v, &n, world_tree[CITY].code, &err),
	    &err, "news");
	for (i = 0; i < n; i++) {
		if (strcmp(v[i].writer, writer) == 0)
			found = v[i];
	}
	free(v);
	return found;
}

static void
write_one(struct world *w, int who, int n)
{
	char id[RECORD_ID_LEN + 1];

	snprintf(id, sizeof(id), "%s-%032x", world_tree[who].code, (unsigned)n);
	world_set(w, who, STREAM_RESOURCE, "team", id, "name", "\"队\"");
}

/* What the program itself shows of the county. */
static bool
status_says(struct world *w, const char *what)
{
	const char *build = getenv("top_builddir");
	char command[256], line[1024];
	bool found = false;
	FILE *f;

	snprintf(command, sizeof(command), "%s/yizhan -C %s/%s status --json",
	    build == NULL ? "." : build, w->dir, world_tree[COUNTY].code);
	f = popen(command, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strstr(line, "\"news\"") != NULL &&
		    strstr(line, "520000") != NULL)
			printf("# %s", line);
		found |= strstr(line, what) != NULL &&
			 strstr(line, "\"from\":\"520000\"") != NULL;
	}
	return f != NULL && pclose(f) >= 0 && found;
}

/* Who is told to be silent, in order, by commas. */
static void
on_stop(void *arg, const struct stop *stop)
{
	char *text = arg;

	if (stop->kind == STOP_SILENT)
		snprintf(text + strlen(text), 64 - strlen(text), "%s%s by %s",
		    text[0] == '\0' ? "" : ", ", stop->about, stop->through);
}

static const char *
silent(struct peering *g, int at)
{
	static char text[64];
	struct err err;

	text[0] = '\0';
	must(stop_each(g->w->at[at], g->local[at], on_stop, text, &err), &err,
	    "stops");
	return text;
}

/* The line of a command at the county that says so, and how it exits. */
static bool
says(struct world *w, const char *command, int exits, const char *what)
{
	const char *build = getenv("top_builddir");
	char run[256], line[1024];
	bool found = false;
	int rc = -1;
	FILE *f;

	snprintf(run, sizeof(run), "%s/yizhan -C %s/%s %s",
	    build == NULL ? "." : build, w->dir, world_tree[COUNTY].code,
	    command);
	f = popen(run, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strstr(line, what) != NULL) {
			printf("# %s", line);
			found = true;
		}
	}
	if (f != NULL)
		rc = pclose(f);
	return found &&
	       (exits < 0 || (WIFEXITED(rc) && WEXITSTATUS(rc) == exits));
}

#define DAY 86400000ll

/* A day on which the county calls the city, which has called the province. */
static void
a_day(struct peering *g, bool news)
{
	struct peering_result res;
	static int n = 100;

	g->w->now[COUNTY] += DAY;
	if (news)
		write_one(g->w, PROVINCE, n++);
	peering_once(g, &res, CITY, PROVINCE);
	peering_once(g, &res, COUNTY, CITY);
	ok(res.complete, "a session is complete");
}

/* News every third day; then withheld: told on the sixth without, not before.
 */
static void
alarm_in_time(void)
{
	struct peering_result res;
	struct peering g;
	struct world w;
	int i;

	memset(&frozen, 0, sizeof(frozen));
	world_open(&w);
	/* The program's clock is the real one: all this was weeks ago. */
	for (i = 0; i < WORLD_N; i++)
		w.now[i] = clock_wall() - 60 * DAY;
	world_kinds(&w);
	peering_open(&g, &w);
	g.bend = bend;
	write_one(&w, CITY, 1);
	a_day(&g, true);
	for (i = 0; i < 12; i++) {
		a_day(&g, i % 3 == 2);
		is_str(silent(&g, COUNTY), "", "news as usual is no alarm");
	}
	is_int(news(&g, "520000").usual, 3, "every third contact brings some");
	for (i = 0; i < 12 && news(&g, "520000").contacts < 5; i++) {
		frozen.on = true;
		a_day(&g, true);
	}
	is_str(silent(&g, COUNTY), "",
	    "the province has written for days: five contacts, no alarm yet");
	a_day(&g, true);
	is_str(silent(&g, COUNTY), "520000 by 520300",
	    "six, twice as many as ever: it is told who is silent, and where");
	ok(says(&w, "status", 3, "silent 520000"), "by status, which exits 3");
	ok(says(&w, "status --json", 3, "\"what\":\"silent\""), "and as JSON");
	ok(says(&w, "doctor", -1, "nothing new of 520000"), "by the doctor");
	ok(says(&w, "doctor", -1, "telephone 520000"), "and whom to ask");
	is_str(silent(&g, CITY), "", "the city has nothing to be told of");
	is_str(silent(&g, PROVINCE), "", "nor the province of who is below");

	/* Many contacts within hours, as in a watch. */
	frozen.on = false;
	a_day(&g, false);
	is_str(silent(&g, COUNTY), "", "one honest session, and it is gone");
	is_int(
	    news(&g, "520000").usual, 6, "that wait counts as twice at most");
	for (i = 0; i < 20; i++)
		peering_once(&g, &res, COUNTY, CITY);
	ok(news(&g, "520000").contacts >= 20, "twenty contacts in an hour");
	is_str(silent(&g, COUNTY), "", "are no alarm: it is a quiet day");
	w.now[COUNTY] -= 400 * DAY;
	is_str(silent(&g, COUNTY), "520000 by 520300",
	    "but a clock that goes back hides nothing");
	free(frozen.heads);
	peering_close(&g);
	world_close(&w);
}

int
main(void)
{
	struct peering_result res;
	struct local_news first;
	struct peering g;
	struct world w;
	int i;

	world_open(&w);
	world_kinds(&w);
	peering_open(&g, &w);
	g.bend = bend;
	peering_once(&g, &res, CITY, PROVINCE);
	peering_once(&g, &res, COUNTY, CITY);
	first = news(&g, "520000");
	ok(first.contacts == 0 && first.last > 0,
	    "the first session brings news of the province");

	frozen.on = true;
	for (i = 1; i <= 5; i++) {
		write_one(&w, PROVINCE, i);
		write_one(&w, CITY, i);
		peering_once(&g, &res, CITY, PROVINCE);
		/* Clocks jump about meanwhile. */
		w.now[COUNTY] += i % 2 == 0 ? 400ll * 86400000 : -86400000ll;
		peering_once(&g, &res, COUNTY, CITY);
		ok(i == 1 || res.complete, "session %d is complete", i);
	}
	is_int(news(&g, "520000").contacts, 5,
	    "five contacts without news of the province are counted");
	is_int(news(&g, "520000").last, first.last,
	    "since the time when something came");
	ok(news(&g, "520300").contacts >= 4, "and of the city itself");
	ok(status_says(&w, "\"contacts_since\":5"), "status says so");

	frozen.on = false;
	peering_once(&g, &res, CITY, PROVINCE);
	peering_once(&g, &res, COUNTY, CITY);
	ok(res.complete && news(&g, "520000").contacts == 0 &&
		news(&g, "520300").contacts == 0,
	    "one honest session is news");
	is_str(world_digest(&w, COUNTY, STREAM_RESOURCE, NULL),
	    world_digest(&w, PROVINCE, STREAM_RESOURCE, NULL),
	    "and brings everything");
	peering_once(&g, &res, COUNTY, CITY);
	is_int(news(&g, "520000").contacts, 1, "a quiet contact counts again");
	free(frozen.heads);
	peering_close(&g);
	world_close(&w);
	alarm_in_time();
	return tap_done();
}
