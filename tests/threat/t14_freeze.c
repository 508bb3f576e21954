/*
 * Goal of this test: threat T14, freeze.  A city goes on answering with the
 * state of an earlier day.  Each session is whole and complete, so nothing in
 * it is wrong; but status says of each station when something new of it last
 * came and how many contacts since brought nothing.  That is counted, so the
 * wall clock, forward or back, changes nothing; and one honest session brings
 * everything.
 */
#include "config.h"

#include "../world.h"

#include "../peering.h"

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
	return tap_done();
}
