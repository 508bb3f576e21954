/*
 * Goal of this test: two peer machines over a slow line, in virtual time.  A
 * command written while 20 MB of oversight are on their way overtakes all of
 * it but the window and the run under way; a line with a long round trip is
 * kept full all the same; and neither holds more than the window's bytes.
 */
#include "config.h"

#include "memory.h"
#include "peer_state.h"
#include "tap.h"

#define STEP_MS 5
#define LOOK_MS 100   /* as session.c */
#define COMMIT_MS 250 /* likewise */
#define COUNTY "520302-1f0c9a7e/"

static int64_t now = 1000;

struct side {
	struct memory m;
	struct peer_store s;
	struct peer *p;
	struct buf line;       /* said, and not yet through the line */
	int64_t passed;        /* bytes that came out of the line */
	int64_t staged_since;  /* 0: nothing */
	struct buf late[1024]; /* what is in the air: a place per step */
};

struct line {
	struct side county, city;
	int64_t rate; /* bytes/s each way */
	int delay;    /* steps, one way; fewer than 1024 */
	int at;
	int rc;
	struct err err;
};

static void
side_open(struct side *s, bool caller)
{
	struct peer_options opt = {.caller = caller};
	struct err err;

	memcpy(opt.self, s->m.code, 7);
	memcpy(opt.other, s->m.other, 7);
	memory_store(&s->s, &s->m);
	if (peer_new(&s->p, &opt, &s->s, now, &err) != 0)
		abort();
}

static void
line_open(struct line *l, int64_t rate, int rtt_ms)
{
	memset(l, 0, sizeof(*l));
	l->rate = rate;
	l->delay = rtt_ms / 2 / STEP_MS;
	memory_init(&l->county.m, "520302", "520300");
	memory_init(&l->city.m, "520300", "520302");
}

static void
line_close(struct line *l)
{
	int i;

	for (i = 0; i < 1024; i++) {
		buf_free(&l->county.late[i]);
		buf_free(&l->city.late[i]);
	}
	peer_close(l->county.p);
	peer_close(l->city.p);
	peer_free(l->county.p);
	peer_free(l->city.p);
	buf_free(&l->county.line);
	buf_free(&l->city.line);
	memory_free(&l->county.m);
	memory_free(&l->city.m);
}

/* What one says takes its time to the other. */
static void
carry(struct line *l, struct side *from, struct side *to)
{
	struct buf *out = peer_output(from->p), *air;
	size_t n = (size_t)(l->rate * STEP_MS / 1000);

	buf_put(&from->line, out->b, out->len);
	buf_drop(out, out->len);
	if (n > from->line.len)
		n = from->line.len;
	air = &from->late[(l->at + l->delay) % 1024];
	buf_clear(air);
	buf_put(air, from->line.b, n);
	buf_drop(&from->line, n);
	air = &from->late[l->at];
	if (air->len > 0 && l->rc == 0)
		l->rc = peer_receive(to->p, air->b, air->len, now, &l->err);
	from->passed += (int64_t)air->len;
	buf_clear(air);
}

static void
turn(struct line *l, struct side *s)
{
	if (peer_staged(s->p) == 0)
		s->staged_since = 0;
	else if (s->staged_since == 0)
		s->staged_since = now;
	if (s->staged_since != 0 &&
	    (peer_quiet(s->p) || now - s->staged_since >= COMMIT_MS) &&
	    l->rc == 0)
		l->rc = peer_commit(s->p, &l->err);
	if (l->rc == 0)
		l->rc = peer_send(s->p, now, &l->err);
}

static void
step(struct line *l)
{
	now += STEP_MS;
	l->at = (l->at + 1) % 1024;
	turn(l, &l->county);
	turn(l, &l->city);
	carry(l, &l->county, &l->city);
	carry(l, &l->city, &l->county);
}

static size_t
durable(struct line *l, const char *chain)
{
	struct chain_name name;
	struct memory_chain *c;
	struct err err;

	if (chain_parse(&name, chain, strlen(chain), &err) != 0)
		abort();
	c = memory_chain(&l->city.m, &name, false);
	return c == NULL ? 0 : c->durable;
}

/* The second after which it is written decides which part of a run is on
 * its way. */
static void
overtakes(int64_t after_ms)
{
	/* The window, the run under way, what its frames and the look cost. */
	int64_t most = LIMIT_RUN + 64000 * (440 + LOOK_MS + COMMIT_MS) / 1000;
	int64_t began, passed;
	struct line l;
	int i;

	line_open(&l, 64000, 40);
	for (i = 0; i < 330; i++)
		memory_write(
		    &l.county.m, COUNTY "oversight@520302", "登记", 64000);
	side_open(&l.county, true);
	side_open(&l.city, false);
	for (began = now; now < began + after_ms;)
		step(&l);
	ok(durable(&l, COUNTY "oversight@520302") > 2,
	    "%lld ms: the oversight is on its way", (long long)after_ms);
	memory_write(&l.county.m, COUNTY "command@520302", "急", 300);
	began = now;
	passed = l.county.passed;
	while (l.rc == 0 && now < began + 30000 &&
	       durable(&l, COUNTY "command@520302") == 0) {
		if (now == began + LOOK_MS)
			(void)peer_refresh(l.county.p, &l.err);
		step(&l);
	}
	ok(durable(&l, COUNTY "command@520302") == 1,
	    "the command has arrived");
	printf("# after %lld ms and %lld bytes\n", (long long)(now - began),
	    (long long)(l.county.passed - passed));
	ok(l.county.passed - passed <= most,
	    "no more than %lld bytes before it", (long long)most);
	ok(durable(&l, COUNTY "oversight@520302") < 20,
	    "and most of the oversight is yet to come");
	line_close(&l);
}

/* The window grows with the round trip, or a satellite would idle. */
static void
is_kept_full(int64_t rate, int rtt_ms)
{
	int64_t began, ideal, most = 0, waits;
	struct line l;
	int i;

	line_open(&l, rate, rtt_ms);
	for (i = 0; i < 40; i++)
		memory_write(
		    &l.county.m, COUNTY "oversight@520302", "登记", 64000);
	side_open(&l.county, true);
	side_open(&l.city, false);
	began = now;
	while (l.rc == 0 && !peer_over(l.city.p) && now < began + 3600000) {
		step(&l);
		waits = l.county.p->window_sent - l.county.p->window_held;
		if (waits > most)
			most = waits;
	}
	ok(memory_same(&l.county.m, &l.city.m),
	    "%lld B/s with %d ms: all has arrived", (long long)rate, rtt_ms);
	ideal = l.county.passed * 1000 / rate + 10LL * rtt_ms;
	printf("# %lld ms, the line alone %lld, window %lld\n",
	    (long long)(now - began), (long long)ideal, (long long)most);
	ok(now - began < ideal * 5 / 4, "the line was kept full");
	ok(most <= 16384 + rate * (rtt_ms + 500) / 1000,
	    "%lld bytes on their way at most", (long long)most);
	line_close(&l);
}

int
main(void)
{
	overtakes(3000);
	overtakes(4300);
	overtakes(5600);
	is_kept_full(64000, 40);
	is_kept_full(128000, 600);
	is_kept_full(16000, 1200);
	return tap_done();
}
