/*
 * Goal of this test: threat T04, a child that floods.  In virtual time: one
 * of nine children sends at full speed over the line that all share, to a
 * city that writes for one at a time; for the incidents of the other eight
 * the 95th percentile of the time to the city stays below twice what it is
 * without the flood.  With real stations: who receives a flood gives way to
 * those who stand in line (over sshd: t04_returning.sh); what the city takes of
 * one child stays within what the link grants, to the changeset and to the
 * byte; the refusal is one clear line; the child's own incidents still pass;
 * and when the hour or the day is over it goes on, until all has come and
 * nothing is lost.
 */
#include "config.h"

#include <poll.h>

#include "../line.h"

#include "../memory.h"
#include "base/clock.h"
#include "base/text.h"
#include "local_link.h"

/* --- nine children at once --------------------------------------------------
 */

#define CHILDREN 9
#define FLOOD_S 6     /* of virtual time */
#define RATE 1000000  /* bytes/s of the city's line, all together, each way */
#define DELAY_MS 20   /* one way */
#define LOOK_MS 100   /* as session.c */
#define COMMIT_MS 250 /* likewise */
#define LULL_MS 30    /* likewise */
#define TURN_MS 40    /* as peer_replica.c */
#define TAKE_US 270   /* a changeset: 3,700/s end to end */
#define DURABLE_MS 5  /* a commit */
#define EVERY_MS 250  /* between a child's incidents, about */
#define SAMPLES 4096
#define OVERSIGHT 30000 /* changesets of the flood */

struct end {
	struct memory m;
	struct peer_store s;
	struct peer *p;
	struct buf out;           /* said, and not yet on the line */
	struct buf air[DELAY_MS]; /* on its way to this end */
};

struct child {
	char code[7], command[64], oversight[64];
	struct end below, above;
	struct buf in;       /* come to the city, and not yet read */
	int64_t debt;        /* us of taking in that is left to do */
	int64_t came;        /* something did, then */
	int64_t poll;        /* it looks whether it may write */
	int tries;           /* so often before */
	int64_t look, next;  /* when it looks, when it writes an incident */
	int64_t written[64]; /* incidents under way: when; by seq */
	int64_t said, arrived;
};

struct flood {
	struct child at[CHILDREN];
	int queue[CHILDREN], n_queue; /* who wants to write, in order */
	int writer;                   /* who does; -1 */
	int64_t since, durable;       /* he began; his commit is done at */
	bool turns;                   /* he gives way */
	int64_t took[SAMPLES];        /* ms, of the other eight */
	int n_took;
	int rc;
	struct err err;
};

static int64_t now;
static uint32_t dice;

static int64_t
roll(int64_t n)
{
	dice = dice * 1103515245u + 12345u;
	return (int64_t)(dice / 65536u) % n;
}

/* Nine counties below 520300, in the roster that all of them hold. */
static struct roster *
nine(void)
{
	struct roster_doc both[2], next;
	struct roster *r = NULL;
	struct sign_key city;
	struct memory m;
	struct err err;
	char code[16];
	int i;

	memory_init(&m, "520300", "520302");
	memory_key(&city, 20);
	both[0] = memory_docs[1];
	both[1] = memory_docs[3];
	must(roster_build(&r, both, 2, &err), &err, "roster");
	for (i = 4; i <= CHILDREN + 1; i++) {
		snprintf(code, sizeof(code), "5203%02d", i);
		must(memory_enrol(&next, r, &both[1], "520300", code, "520300",
			 30 + 10 * i, &city),
		    &err, "enrol");
		if (i > 4)
			roster_doc_free(&both[1]);
		roster_free(r);
		both[1] = next;
		must(roster_build(&r, both, 2, &err), &err, "roster");
	}
	roster_doc_free(&both[1]);
	return r;
}

static void
end_open(struct end *e, const char *self, const char *other, bool caller,
    struct roster *roster)
{
	struct peer_options opt = {.caller = caller, .purpose = PEER_WATCH};
	struct err err;

	memset(e, 0, sizeof(*e));
	memory_init(&e->m, self, other);
	e->m.roster = roster;
	memcpy(opt.self, self, 7);
	memcpy(opt.other, other, 7);
	memory_store(&e->s, &e->m);
	must(peer_new(&e->p, &opt, &e->s, now, &err), &err, "machine");
}

static void
end_close(struct end *e)
{
	int i;

	peer_close(e->p);
	peer_free(e->p);
	for (i = 0; i < DELAY_MS; i++)
		buf_free(&e->air[i]);
	buf_free(&e->out);
	memory_free(&e->m);
}

/* One way of the line for a millisecond: those who have something to say
 * share it evenly. */
static void
carry(struct flood *f, bool up)
{
	int i, k, talkers = 0;

	for (k = 0; k < 2; k++) {
		for (i = 0; i < CHILDREN; i++) {
			struct child *c = &f->at[i];
			struct end *from = up ? &c->below : &c->above;
			struct end *to = up ? &c->above : &c->below;
			struct buf *said = peer_output(from->p);
			size_t n;

			if (k == 0) {
				buf_put(&from->out, said->b, said->len);
				buf_drop(said, said->len);
				talkers += from->out.len > 0;
				continue;
			}
			n = (size_t)(RATE / 1000 / (talkers > 0 ? talkers : 1));
			if (n > from->out.len)
				n = from->out.len;
			buf_put(&to->air[now % DELAY_MS], from->out.b, n);
			buf_drop(&from->out, n);
		}
	}
}

/* --- the city: one writes at a time */

static void
want(struct flood *f, int i)
{
	int k;

	for (k = 0; k < f->n_queue; k++)
		if (f->queue[k] == i)
			return;
	if (f->writer == i)
		return;
	f->queue[f->n_queue++] = i;
	f->at[i].tries = 0;
	f->at[i].poll = now;
}

/* Who is next: the first in the queue.  Without turns it is who happens to
 * look, less and less often, while nobody writes: SQLite's own way. */
static void
next_writer(struct flood *f)
{
	static const int pauses[] = {
	    1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100};
	int k, got = f->turns && f->writer < 0 && f->n_queue > 0 ? 0 : -1;

	for (k = 0; k < f->n_queue && !f->turns; k++) {
		struct child *c = &f->at[f->queue[k]];

		if (c->poll > now)
			continue;
		if (f->writer < 0 && got < 0)
			got = k;
		c->poll = now + pauses[c->tries];
		c->tries += c->tries < 11;
	}
	if (got < 0)
		return;
	f->writer = f->queue[got];
	f->n_queue--;
	memmove(f->queue + got, f->queue + got + 1,
	    (size_t)(f->n_queue - got) * sizeof(f->queue[0]));
	f->since = now;
	f->durable = 0;
}

/* The writer works; is it time for him to commit, or to give way? */
static void
write_on(struct flood *f)
{
	struct child *c;
	bool wanted = f->n_queue > 0 && f->turns, ready;

	next_writer(f);
	if (f->writer < 0)
		return;
	c = &f->at[f->writer];
	if (f->durable == 0) {
		c->debt = c->debt > 1000 ? c->debt - 1000 : 0;
		ready = c->debt == 0 &&
			(peer_quiet(c->above.p) || now - c->came >= LULL_MS ||
			    now - f->since >= COMMIT_MS);
		if (ready || (wanted && now - f->since >= TURN_MS))
			f->durable = now + DURABLE_MS;
		return;
	}
	if (now < f->durable)
		return;
	if (c->debt == 0 && f->rc == 0)
		f->rc = peer_commit(c->above.p, &f->err);
	f->writer = -1;
	if (c->debt > 0)
		want(f, (int)(c - f->at));
}

static void
city_reads(struct flood *f, int i)
{
	struct child *c = &f->at[i];
	struct buf *air = &c->above.air[(now + 1) % DELAY_MS];
	int64_t before = peer_result(c->above.p)->received;
	size_t n;

	buf_put(&c->in, air->b, air->len);
	buf_clear(air);
	/* Who takes in, or waits to, reads nothing more. */
	if (c->debt > 0 || c->in.len == 0 || f->rc != 0 ||
	    (f->writer == i && f->durable != 0))
		return;
	c->came = now;
	n = c->in.len < 4096 ? c->in.len : 4096;
	f->rc = peer_receive(c->above.p, c->in.b, n, now, &f->err);
	buf_drop(&c->in, n);
	c->debt += (peer_result(c->above.p)->received - before) * TAKE_US;
	if (peer_staged(c->above.p) > 0)
		want(f, i);
}

/* --- a county */

static void
county_lives(struct flood *f, int i, bool incidents)
{
	struct child *c = &f->at[i];
	struct buf *air = &c->below.air[(now + 1) % DELAY_MS];
	struct memory_chain *held;
	struct chain_name name;

	if (f->rc == 0)
		f->rc =
		    peer_receive(c->below.p, air->b, air->len, now, &f->err);
	buf_clear(air);
	if (peer_staged(c->below.p) > 0 && f->rc == 0)
		f->rc = peer_commit(c->below.p, &f->err);
	if (incidents && i > 0 && now >= c->next) {
		memory_write(&c->below.m, c->command, "险情", 300);
		c->written[++c->said % 64] = now;
		c->next = now + EVERY_MS / 2 + roll(EVERY_MS);
	}
	if (now >= c->look) {
		c->look = now + LOOK_MS;
		(void)peer_refresh(c->below.p, &f->err);
	}
	must(chain_parse(&name, c->command, strlen(c->command), &f->err),
	    &f->err, "chain");
	held = memory_chain(&c->above.m, &name, false);
	while (held != NULL && c->arrived < (int64_t)held->durable) {
		c->arrived++;
		if (f->n_took < SAMPLES)
			f->took[f->n_took++] =
			    now - c->written[c->arrived % 64];
	}
}

static void
step(struct flood *f, bool incidents)
{
	int i;

	now++;
	for (i = 0; i < CHILDREN; i++) {
		city_reads(f, i);
		county_lives(f, i, incidents);
	}
	write_on(f);
	for (i = 0; i < CHILDREN && f->rc == 0; i++) {
		f->rc = peer_send(f->at[i].above.p, now, &f->err);
		if (f->rc == 0)
			f->rc = peer_send(f->at[i].below.p, now, &f->err);
	}
	carry(f, true);
	carry(f, false);
}

static int
by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The 95th percentile of how long the other eight's incidents take, ms. */
static int64_t
incidents_take(struct roster *roster, bool flood, bool turns, int64_t *taken)
{
	static struct flood f;
	int64_t began, p95;
	int i, ever = 0;

	memset(&f, 0, sizeof(f));
	now = 1000;
	dice = 4;
	f.writer = -1;
	f.turns = turns;
	for (i = 0; i < CHILDREN; i++) {
		struct child *c = &f.at[i];

		snprintf(c->code, sizeof(c->code), "5203%02d", i + 2);
		snprintf(c->command, sizeof(c->command),
		    "%s-1f0c9a7e/command@%s", c->code, c->code);
		snprintf(c->oversight, sizeof(c->oversight),
		    "%s-1f0c9a7e/oversight@%s", c->code, c->code);
		end_open(&c->below, c->code, "520300", true, roster);
		end_open(&c->above, "520300", c->code, false, roster);
		c->look = now + roll(LOOK_MS);
		c->next = now + roll(EVERY_MS);
	}
	for (i = 0; i < OVERSIGHT && flood; i++)
		memory_write(&f.at[0].below.m, f.at[0].oversight, "登记", 200);
	for (began = now; now < began + 1000 && f.rc == 0;)
		step(&f, false);
	for (began = now; now < began + FLOOD_S * 1000 && f.rc == 0;)
		step(&f, true);
	*taken = peer_result(f.at[0].above.p)->received;
	for (i = 1; i < CHILDREN; i++)
		ever += f.at[i].arrived >= f.at[i].said - 2;
	is_int(f.rc, 0, "nine sessions at once (%s)",
	    f.rc == 0 ? "well" : f.err.msg);
	ok(ever == CHILDREN - 1 || !turns,
	    "no child's incidents are left behind");
	qsort(f.took, (size_t)f.n_took, sizeof(f.took[0]), by_size);
	p95 = f.n_took == 0 ? -1 : f.took[f.n_took * 95 / 100];
	printf("# %d incidents, median %lld ms, 95 %%: %lld ms, worst %lld;"
	       " %lld of the flood taken\n",
	    f.n_took, (long long)f.took[f.n_took / 2], (long long)p95,
	    (long long)f.took[f.n_took - 1], (long long)*taken);
	for (i = 0; i < CHILDREN; i++) {
		end_close(&f.at[i].below);
		end_close(&f.at[i].above);
		buf_free(&f.at[i].in);
	}
	return p95;
}

static void
the_other_eight(void)
{
	struct roster *roster = nine();
	int64_t quiet, flooded, without, taken, most;

	quiet = incidents_take(roster, false, true, &taken);
	flooded = incidents_take(roster, true, true, &taken);
	most = taken;
	ok(taken > FLOOD_S * 1500, "one child floods: %lld changesets",
	    (long long)taken);
	ok(quiet > 0 && flooded > 0 && flooded < 2 * quiet,
	    "of the other eight 95 %% take %lld ms, %lld without it",
	    (long long)flooded, (long long)quiet);
	without = incidents_take(roster, true, false, &taken);
	ok(without >= 2 * quiet,
	    "were no turns taken it would be %lld ms: this test would see it",
	    (long long)without);
	ok(most > taken / 2, "and giving way costs the flood little");
	roster_free(roster);
}

/* --- what the city takes -----------------------------------------------------
 */

#define HOUR 3600000ll
#define TEXT 900 /* bytes of a value */

static int n_written;

static void
write_one(struct world *w, enum stream stream, const char *kind, int record)
{
	char id[RECORD_ID_LEN + 1], value[TEXT + 3];

	snprintf(id, sizeof(id), "520302-%032d", record);
	memset(value, 'x', sizeof(value));
	snprintf(value, 16, "\"%08d", n_written++);
	value[9] = 'x';
	value[TEXT] = '"';
	value[TEXT + 1] = '\0';
	world_set(w, COUNTY, stream, kind, id, "name", value);
}

/* Of the county's chains, at the city. */
static void
held(struct world *w, int64_t *changesets, int64_t *bytes)
{
	struct replica_head *heads;
	struct changeset cs;
	struct err err;
	int64_t seq;
	size_t i, n;

	*changesets = *bytes = 0;
	must(replica_heads(w->at[CITY], &heads, &n, &err), &err, "heads");
	for (i = 0; i < n; i++) {
		if (strcmp(heads[i].chain.writer, "520302") != 0)
			continue;
		*changesets += heads[i].seq;
		for (seq = 1; seq <= heads[i].seq; seq++) {
			must(replica_read(
				 w->at[CITY], &cs, &heads[i].chain, seq, &err),
			    &err, "read");
			*bytes += (int64_t)cs.ops.len;
			changeset_free(&cs);
		}
	}
	free(heads);
}

static void
grant(struct world *w, int64_t hour, int64_t day)
{
	struct local_link link = {.take_hour = hour, .take_day = day};
	struct local *local;
	char path[128];
	struct err err;

	strcpy(link.code, "520302");
	station_path(path, w, CITY);
	must(local_open(&local, path, &err), &err, "local");
	must(local_link_put(local, &link, &err), &err, "link");
	local_close(local);
}

static void
sync_once(struct world *w, struct session_result *res)
{
	struct err err = {.msg = ""};

	must(line_sync(w, res, COUNTY, CITY, &err), &err, "a session");
}

struct tally {         /* of a child that sends more than is granted */
	int64_t most;  /* taken in one span, of what is granted */
	int64_t least; /* in one that was refused */
	int spans, refused;
	int unclear; /* refusals that are no clear line */
	int muffled; /* incidents that did not pass all the same */
	int crept;   /* sessions that got more in the same span */
};

/* Span by span until all is there. */
static void
until_all(struct tally *t, struct world *w, int64_t span, bool bytes,
    const char *line)
{
	struct session_result res = {.complete = false};
	int64_t n[4], b[4];

	memset(t, 0, sizeof(*t));
	t->least = INT64_MAX;
	while (!res.complete && t->spans < 40) {
		held(w, &n[0], &b[0]);
		sync_once(w, &res);
		held(w, &n[1], &b[1]);
		if (!res.complete) {
			int64_t got = bytes ? b[1] - b[0] : n[1] - n[0];

			t->refused++;
			t->least = got < t->least ? got : t->least;
			t->unclear += strstr(res.peer.refusal, line) == NULL ||
				      !text_is_clean(res.peer.refusal,
					  strlen(res.peer.refusal), false);
			sync_once(w, &res);
			held(w, &n[2], &b[2]);
			t->crept += n[2] != n[1];
			write_one(w, STREAM_COMMAND, "incident", n_written);
			sync_once(w, &res);
			held(w, &n[3], &b[3]);
			t->muffled += n[3] != n[2] + 1;
		} else {
			n[3] = n[1];
			b[3] = b[1];
		}
		n[3] -= n[0];
		b[3] -= b[0];
		if ((bytes ? b[3] : n[3]) > t->most)
			t->most = bytes ? b[3] : n[3];
		t->spans++;
		w->now[CITY] += span;
		w->now[COUNTY] += span;
	}
}

static void
within(const char *what, int64_t hour, int64_t day, int64_t span, int writes,
    int64_t granted, int64_t one, const char *line)
{
	int64_t kept = granted - granted / 8; /* what is not commands' alone */
	struct session_result res;
	struct tally t;
	struct world w;
	int i;

	world_open(&w);
	world_kinds(&w);
	world_carry(&w, PROVINCE, CITY);
	sync_once(&w, &res);
	grant(&w, hour, day);
	w.now[CITY] += 48 * HOUR;
	w.now[COUNTY] += 48 * HOUR;
	for (i = 0; i < writes; i++)
		write_one(&w, STREAM_OVERSIGHT, "hazard", i);
	until_all(&t, &w, span, day > 0, line);
	ok(t.refused > 2 && t.spans < 40,
	    "%s by %s it goes on: all is there in %d", what, what, t.spans);
	ok(t.most <= granted, "at most %lld are taken in one, of %lld granted",
	    (long long)t.most, (long long)granted);
	ok(t.least > kept - one && t.least <= kept,
	    "%lld before the flood is refused, of %lld", (long long)t.least,
	    (long long)kept);
	is_int(
	    t.crept, 0, "another session in the same %s brings nothing", what);
	is_int(t.unclear, 0, "each refusal is one clear line: %s", line);
	is_int(t.muffled, 0, "and the child's own incidents pass");
	ok(line_agree(&w, COUNTY, CITY, "520302"), "nothing is lost");
	world_close(&w);
}

/* --- what stands in line at the city -----------------------------------------
 */

#define IN_LINE 14
#define LONG_MS 100 /* that a transaction was open; more than TURN_MS */

/* A county's process at the city: it wants one transaction, when told to. */
static void
stand_in_line(struct world *w, const int go[2], const int in[2])
{
	struct world own = *w; /* w's are our parent's */
	struct err err;
	char c;

	station_open(&own, CITY);
	close(go[1]);
	if (write(in[1], "r", 1) != 1 || read(go[0], &c, 1) != 0 ||
	    replica_begin(own.at[CITY], &err) != 0 ||
	    write(in[1], "i", 1) != 1 ||
	    replica_commit(own.at[CITY], &err) != 0)
		_exit(1);
	station_close(&own, CITY);
	_exit(0);
}

static int
heard(int fd, int c)
{
	struct pollfd p = {fd, POLLIN, 0};
	int n = 0;
	char got;

	while (poll(&p, 1, 0) == 1 && read(fd, &got, 1) == 1)
		n += got == c;
	return n;
}

/* The receiver of a flood, changeset by changeset, as a session drives it. */
static void
gives_way(void)
{
	const struct peer_store *s;
	struct peer_replica *store;
	struct changeset cs[2];
	struct replica_head *heads;
	struct local *local;
	struct session_result res;
	int go[2], in[2], status, i, n = 0, good = 0;
	struct world w;
	struct err err;
	char path[128];
	int64_t began;
	size_t k, n_heads;

	world_open(&w);
	world_kinds(&w);
	world_carry(&w, PROVINCE, CITY);
	sync_once(&w, &res);
	for (i = 0; i < 2; i++)
		write_one(&w, STREAM_OVERSIGHT, "hazard", i);
	must(
	    replica_heads(w.at[COUNTY], &heads, &n_heads, &err), &err, "heads");
	for (k = 0; k < n_heads; k++)
		if (heads[k].seq == 2 &&
		    heads[k].chain.stream == STREAM_OVERSIGHT)
			for (i = 0; i < 2; i++)
				must(replica_read(w.at[COUNTY], &cs[n++],
					 &heads[k].chain, i + 1, &err),
				    &err, "read");
	must(n != 2, &(struct err){.msg = "not there"}, "a flood");
	station_path(path, &w, CITY);
	must(local_open(&local, path, &err), &err, "local");
	store = peer_replica_new(w.at[CITY], local, "520302");
	s = peer_replica_store(store);

	must(pipe(go) | pipe(in), &(struct err){.msg = "pipe"}, "pipes");
	fflush(stdout);
	for (i = 0; i < IN_LINE; i++)
		if (fork() == 0)
			stand_in_line(&w, go, in);
	close(go[0]);
	for (n = 0; n < IN_LINE; n += heard(in[0], 'r'))
		(void)poll(NULL, 0, 1);
	must(s->receive(s->arg, &cs[0], &err), &err, "the first of a flood");
	began = clock_mono();
	close(go[1]);
	while (!db_wanted(replica_db(w.at[CITY])) ||
	       clock_mono() - began < LONG_MS)
		(void)poll(NULL, 0, 1);
	is_int(heard(in[0], 'i'), 0, "%d wait behind what a flood has begun",
	    IN_LINE);
	must(s->receive(s->arg, &cs[1], &err), &err, "the next of a flood");
	n = heard(in[0], 'i');
	ok(n > 0, "before its next changeset others have had their turn: %d",
	    n);
	must(s->commit(s->arg, &err), &err, "commit");
	for (i = 0; i < IN_LINE; i++)
		good += wait(&status) > 0 && WIFEXITED(status) &&
			WEXITSTATUS(status) == 0;
	is_int(good, IN_LINE, "all of them get it");
	is_int(n + heard(in[0], 'i'), IN_LINE, "each once");
	peer_replica_free(store);
	local_close(local);
	close(in[0]);
	close(in[1]);
	for (i = 0; i < 2; i++)
		changeset_free(&cs[i]);
	free(heads);
	world_close(&w);
}

int
main(void)
{
	the_other_eight();
	gives_way();
	within("hour", 64, 0, HOUR, 300, 64, 1,
	    "over 56 changesets of 520302 within an hour, commands aside: try"
	    " again later");
	within("day", 0, 40000, 24 * HOUR, 150, 40000, 1024,
	    "over 35000 bytes of 520302 within a day, commands aside: try"
	    " again later");
	return tap_done();
}
