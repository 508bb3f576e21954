/*
 * Goal of this test: the peer machine over stations in memory.  A session
 * brings both to the same; cut at any byte and called again it still does,
 * and what had come is not sent twice; what is refused stops its chain and
 * nothing else; what a station may not hold is neither sent nor taken; and
 * whatever bytes a peer says, the session ends with a line and no more.
 */
#include "config.h"

#include "memory.h"
#include "peer_state.h"
#include "tap.h"

#define COUNTY "520302-1f0c9a7e/"
#define CITY "520300-1f0c9a7e/"
#define PROVINCE "520000-1f0c9a7e/"

static int64_t now = 1000;

struct end {
	struct memory *m;
	struct peer *p;
	struct err err;
	int rc;
	int64_t said;  /* bytes that left */
	int64_t limit; /* and may leave, -1: all */
};

struct pair {
	struct end caller, called;
	enum peer_purpose purpose;
	bool invited;
	struct peer_store s[2];
};

static void
open_end(struct pair *pair, struct end *e, bool caller)
{
	static struct buf request;
	struct peer_options opt;

	buf_clear(&request);
	buf_puts(&request, "request");
	memset(&opt, 0, sizeof(opt));
	opt.caller = caller;
	opt.invited = !caller && pair->invited;
	opt.purpose = pair->purpose;
	opt.request = &request;
	memcpy(opt.self, e->m->code, 7);
	memcpy(opt.other, e->m->other, 7);
	memory_store(&pair->s[caller], e->m);
	e->rc = peer_new(&e->p, &opt, &pair->s[caller], now, &e->err);
}

static void
pair_open(struct pair *pair, struct memory *caller, struct memory *called)
{
	memset(pair, 0, sizeof(*pair));
	pair->caller.m = caller;
	pair->called.m = called;
	pair->caller.limit = pair->called.limit = -1;
	open_end(pair, &pair->caller, true);
	open_end(pair, &pair->called, false);
}

static void
pair_close(struct pair *pair)
{
	peer_close(pair->caller.p);
	peer_close(pair->called.p);
	peer_free(pair->caller.p);
	peer_free(pair->called.p);
}

/* The number of messages of a type that went out of an end; pair_run() counts
 * what carry() moves. */
static int messages[2][64];

static void
count(const struct buf *out, size_t n, bool caller)
{
	size_t at = 0;

	while (at + 3 <= n) {
		messages[caller][out->b[at] & 63]++;
		at += 3 + ((size_t)out->b[at + 1] << 8 | out->b[at + 2]);
	}
}

/* Carry what one said to the other; true if anything moved. */
static bool
carry(struct end *from, struct end *to)
{
	struct buf *out = peer_output(from->p);
	size_t n = out->len;

	if (from->limit >= 0 && (int64_t)n > from->limit - from->said)
		n = (size_t)(from->limit - from->said);
	if (n == 0)
		return false;
	if (to->rc == 0)
		to->rc = peer_receive(to->p, out->b, n, now, &to->err);
	count(out, n, from->p->opt.caller);
	buf_drop(out, n);
	from->said += (int64_t)n;
	return true;
}

static void
turn(struct end *e)
{
	if (e->rc == 0 &&
	    (peer_quiet(e->p) || peer_staged(e->p) > (256u << 10)))
		e->rc = peer_commit(e->p, &e->err);
	if (e->rc == 0)
		e->rc = peer_send(e->p, now, &e->err);
}

/* Until nothing moves any more. */
static void
pair_run(struct pair *pair)
{
	int still = 0;

	while (still < 3) {
		bool moved;

		now++;
		turn(&pair->caller);
		turn(&pair->called);
		moved = carry(&pair->caller, &pair->called);
		moved |= carry(&pair->called, &pair->caller);
		still = moved ? 0 : still + 1;
	}
}

/* A whole session. */
static void
sync_now(struct memory *caller, struct memory *called, struct pair *pair)
{
	memset(messages, 0, sizeof(messages));
	pair_open(pair, caller, called);
	pair_run(pair);
}

static void
is_done(struct pair *pair, const char *what)
{
	const struct peer_result *a = peer_result(pair->caller.p);
	const struct peer_result *b = peer_result(pair->called.p);

	if (!ok(pair->caller.rc == 0 && pair->called.rc == 0 && a->finished &&
		    b->finished && a->got_all && a->gave_all && b->got_all &&
		    b->gave_all,
		"%s: complete is proven at both ends", what))
		printf("# %d %s / %d %s; %d%d%d%d%d%d\n", pair->caller.rc,
		    pair->caller.err.msg, pair->called.rc, pair->called.err.msg,
		    a->finished, b->finished, a->got_all, a->gave_all,
		    b->got_all, b->gave_all);
}

/* A county and its city, each with news for the other. */
static void
fill(struct memory *county, struct memory *city, int n)
{
	int i;

	memory_init(county, "520302", "520300");
	memory_init(city, "520300", "520302");
	for (i = 0; i < n; i++) {
		memory_write(county, COUNTY "command@520302", "续报", 300);
		memory_write(county, COUNTY "oversight@520302", "登记", 2000);
		memory_write(city, CITY "command@520302", "任务", 700);
		memory_write(city, PROVINCE "roster", "kinds", 900);
		memory_write(city, CITY "resource", "登记", 1500);
		/* Not for this county: */
		memory_write(city, CITY "command@520303", "登记", 100);
	}
	memory_write(county, COUNTY "resource", "大", LIMIT_OPS_BYTES);
}

static void
both_ways(void)
{
	struct memory county, city;
	struct pair pair;
	size_t receipts;

	fill(&county, &city, 40);
	county.clock += 5000;
	sync_now(&county, &city, &pair);
	is_done(&pair, "first session");
	ok(memory_same(&county, &city), "both hold the same");
	is_int(county.n_chains, 6, "the sibling's chain did not come");
	is_int(peer_result(pair.caller.p)->sent, 81, "81 changesets went up");
	is_int(peer_result(pair.caller.p)->received, 120, "120 came down");
	ok(county.offset <= -4990 && county.offset >= -5010,
	    "the county knows its clock is 5 s fast (%lld)",
	    (long long)county.offset);
	is_int(city.receipts_in, 3, "the city got a receipt per stream");
	is_int(county.receipts_in, 4, "and so did the county");
	pair_close(&pair);
	is_int(county.acked, 201, "the county knows what the city holds");
	receipts = county.receipts_in;

	sync_now(&county, &city, &pair);
	is_done(&pair, "a session without news");
	is_int(peer_result(pair.caller.p)->sent, 0, "nothing was sent");
	ok(pair.caller.said < 600 && pair.called.said < 600,
	    "and few bytes were said (%lld, %lld)", (long long)pair.caller.said,
	    (long long)pair.called.said);
	is_int(county.receipts_in, receipts, "nor a receipt");
	pair_close(&pair);

	memory_write(&city, CITY "command@520302", "又一", 100);
	sync_now(&county, &city, &pair);
	is_done(&pair, "a session with one changeset");
	is_int(peer_result(pair.caller.p)->received, 1, "just that one came");
	ok(memory_same(&county, &city), "both hold the same again");
	pair_close(&pair);
	memory_free(&county);
	memory_free(&city);
}

static void
rosters(void)
{
	struct memory county, city;
	struct pair pair;

	fill(&county, &city, 2);
	county.root_version = 0;
	county.city_version = 0;
	sync_now(&county, &city, &pair);
	is_done(&pair, "a county without rosters");
	ok(county.root_version == 2 && county.city_version == 2,
	    "got both documents, each version");
	pair_close(&pair);
	city.city_version = 1;
	sync_now(&county, &city, &pair);
	is_done(&pair, "a city with an older one");
	is_int(city.city_version, 2, "got it from the county");
	pair_close(&pair);
	memory_free(&county);
	memory_free(&city);
}

/*
 * Cut one direction after each number of bytes of a whole session; the next
 * session must complete, and both together say little more than one.
 */
static void
cut_everywhere(bool caller)
{
	struct memory county, city;
	struct pair pair;
	int64_t whole, at, last, worst = 0, good = 0, step = 1;

	fill(&county, &city, 3);
	sync_now(&county, &city, &pair);
	whole = pair.caller.said + pair.called.said;
	at = caller ? pair.caller.said : pair.called.said;
	pair_close(&pair);
	memory_free(&county);
	memory_free(&city);
	/* Every byte of the greeting and the end, every 61st of the bulk. */
	for (last = at; at >= 0; at -= step) {
		int64_t said;

		step = at > 900 && at < last - 300 ? 61 : 1;
		fill(&county, &city, 3);
		pair_open(&pair, &county, &city);
		if (caller)
			pair.caller.limit = at;
		else
			pair.called.limit = at;
		pair_run(&pair);
		said = pair.caller.said + pair.called.said;
		pair_close(&pair);
		sync_now(&county, &city, &pair);
		said += pair.caller.said + pair.called.said;
		good += pair.caller.rc == 0 && pair.called.rc == 0 &&
			peer_result(pair.caller.p)->got_all &&
			peer_result(pair.caller.p)->gave_all &&
			peer_result(pair.called.p)->got_all &&
			memory_same(&county, &city);
		if (said - whole > worst)
			worst = said - whole;
		good--;
		pair_close(&pair);
		memory_free(&county);
		memory_free(&city);
	}
	is_int(good, 0, "cut anywhere in what the %s says, the next completes",
	    caller ? "caller" : "called");
	ok(worst < 24000,
	    "at the cost of a window and a handshake at most (%lld of %lld)",
	    (long long)worst, (long long)whole);
}

/* A large run is cut in the middle: the rest is sent, not the whole. */
static void
partial_run(void)
{
	struct memory county, city;
	struct pair pair;
	int64_t whole;

	memory_init(&county, "520302", "520300");
	memory_init(&city, "520300", "520302");
	memory_write(&county, COUNTY "resource", "大", LIMIT_OPS_BYTES);
	pair_open(&pair, &county, &city);
	pair.caller.limit = 40000;
	pair_run(&pair);
	pair_close(&pair);
	ok(city.has_partial && city.partial.held > 38000 - LIMIT_FRAME,
	    "%zu bytes of the run are kept", city.partial.held);
	sync_now(&county, &city, &pair);
	is_done(&pair, "the next session");
	whole = (int64_t)city.partial.total;
	ok(pair.caller.said < whole - 20000,
	    "sends only the rest (%lld of %lld)", (long long)pair.caller.said,
	    (long long)whole);
	ok(!city.has_partial, "and the part is gone");
	ok(memory_same(&county, &city), "both hold the same");
	pair_close(&pair);
	memory_free(&city);

	/* The kept bytes are of another run: it starts anew. */
	memory_init(&city, "520300", "520302");
	pair_open(&pair, &county, &city);
	pair.caller.limit = 40000;
	pair_run(&pair);
	pair_close(&pair);
	city.partial.hash.b[0] ^= 1;
	sync_now(&county, &city, &pair);
	is_done(&pair, "a partial run that is no part of this");
	ok(pair.caller.said > whole, "it was sent whole");
	pair_close(&pair);
	memory_free(&city);

	/* The kept bytes were altered on disk: refused, dropped, and then
	 * whole in the session after. */
	memory_init(&city, "520300", "520302");
	pair_open(&pair, &county, &city);
	pair.caller.limit = 40000;
	pair_run(&pair);
	pair_close(&pair);
	city.partial_bytes.b[99] ^= 1;
	sync_now(&county, &city, &pair);
	is_int(city.refusals, 1, "altered bytes do not hash to the run");
	pair_close(&pair);
	sync_now(&county, &city, &pair);
	is_done(&pair, "the session after");
	pair_close(&pair);
	memory_free(&county);
	memory_free(&city);
}

static void
refused(void)
{
	struct memory county, city;
	struct pair pair;
	struct chain_name name;
	struct err err;
	int i;

	memory_init(&county, "520302", "520300");
	memory_init(&city, "520300", "520302");
	for (i = 0; i < 5; i++) {
		memory_write(&county, COUNTY "command@520302",
		    i == 3 ? "bad" : "好", 100);
		memory_write(&county, COUNTY "oversight@520302", "登记", 100);
		memory_write(&city, CITY "resource", "登记", 100);
	}
	sync_now(&county, &city, &pair);
	ok(peer_result(pair.caller.p)->finished &&
		peer_result(pair.called.p)->finished,
	    "a session with a bad changeset ends in order");
	ok(!peer_result(pair.caller.p)->gave_all &&
		!peer_result(pair.called.p)->got_all,
	    "but complete is not said upwards");
	ok(peer_result(pair.caller.p)->got_all &&
		peer_result(pair.called.p)->gave_all,
	    "downwards it is");
	is_int(peer_result(pair.caller.p)->refused, 1, "one chain is refused");
	is_str(peer_result(pair.caller.p)->refusal,
	    "seq 4: not signed by 520302", "with the reason, at the sender");
	is_str(
	    city.refusal, "seq 4: not signed by 520302", "and at the receiver");
	chain_parse(&name, COUNTY "command@520302", 30, &err);
	is_int(memory_chain(&city, &name, true)->durable, 3,
	    "what stands before it is there");
	chain_parse(&name, COUNTY "oversight@520302", 32, &err);
	is_int(memory_chain(&city, &name, true)->durable, 5,
	    "and so is all of the other chain");
	pair_close(&pair);
	memory_free(&county);
	memory_free(&city);
}

/* n changesets of one chain, those after `common` with another subject. */
static void
branch(struct memory *m, int common, int n, const char *subject)
{
	int i;

	for (i = 0; i < n; i++)
		memory_write(
		    m, COUNTY "resource", i < common ? "a" : subject, 10);
}

static int64_t
head(struct memory *m, const char *chain)
{
	struct chain_name name;
	struct memory_chain *c;
	struct err err;

	chain_parse(&name, chain, strlen(chain), &err);
	c = memory_chain(m, &name, false);
	return c == NULL ? 0 : (int64_t)c->durable;
}

static bool
is_forked(struct memory *m, int64_t seq)
{
	struct chain_name name;
	struct memory_chain *c;
	struct err err;

	chain_parse(&name, COUNTY "resource", 24, &err);
	c = memory_chain(m, &name, false);
	return c != NULL && c->fork == seq && (int64_t)c->durable < seq;
}

/* Two branches, wherever they part and however long: after one session both
 * have the pair, the next is quiet. */
static void
forked(void)
{
	static const struct {
		int common, county, city, asks;
	} cases[] = {{0, 1, 1, 0}, {0, 2, 1, 0}, {0, 1, 2, 0}, {1, 2, 2, 1},
	    {12, 40, 40, 5}, {12, 40, 13, 4}, {12, 13, 40, 4}, {39, 40, 40, 6},
	    {99, 100, 200, 7}};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct memory county, city;
		struct pair pair;
		const struct peer_result *a, *b;
		int common = cases[i].common;

		memory_init(&county, "520302", "520300");
		memory_init(&city, "520300", "520302");
		branch(&county, common, cases[i].county, "b");
		branch(&city, common, cases[i].city, "c");
		memory_write(&county, COUNTY "command@520302", "登记", 10);
		sync_now(&county, &city, &pair);
		a = peer_result(pair.caller.p);
		b = peer_result(pair.called.p);
		ok(is_forked(&county, common + 1) &&
			is_forked(&city, common + 1),
		    "branches of %d and %d that part at %d: both have the pair",
		    cases[i].county, cases[i].city, common + 1);
		ok(head(&county, COUNTY "resource") == common &&
			head(&city, COUNTY "resource") == common,
		    "and end before it");
		is_int(messages[0][MSG_ASK] + messages[1][MSG_ASK],
		    cases[i].asks, "after so many Asks");
		ok(a->forks == 1 && b->forks == 1 && a->again && b->again &&
			a->refused == 0 && b->refused == 0 && a->finished,
		    "said so: %s", a->fork);
		is_int(head(&city, COUNTY "command@520302"), 1,
		    "the other chain came");
		pair_close(&pair);
		is_int(county.refusals + city.refusals, 0, "none is stuck");
		sync_now(&county, &city, &pair);
		is_done(&pair, "the session after");
		ok(memory_same(&county, &city) &&
			!peer_result(pair.caller.p)->again &&
			messages[0][MSG_LIST] + messages[1][MSG_LIST] +
				messages[0][MSG_EVIDENCE] +
				messages[1][MSG_EVIDENCE] ==
			    0,
		    "repeats nothing");
		pair_close(&pair);
		memory_free(&county);
		memory_free(&city);
	}
}

/* A second signature of one changeset: the same id, another address. */
static void
signed_twice(void)
{
	struct memory county, city;
	struct pair pair;
	struct memory_chain *c;

	memory_init(&county, "520302", "520300");
	memory_init(&city, "520300", "520302");
	branch(&county, 3, 3, "");
	branch(&city, 2, 2, "");
	memory_write(&city, COUNTY "resource", "a", 10);
	c = &city.chains[0];
	c->cs[2].sig[5] ^= 1;
	changeset_derive(&c->cs[2]);
	ok(digest_equal(&c->cs[2].id, &county.chains[0].cs[2].id),
	    "one id, two signatures");
	sync_now(&county, &city, &pair);
	ok(is_forked(&county, 3) && is_forked(&city, 3), "are a fork");
	pair_close(&pair);
	memory_free(&county);
	memory_free(&city);
}

/* Evidence goes on to who has not got it, whatever he holds of the chain. */
static void
told(void)
{
	static const int held[] = {0, 3, 5, 7};
	struct memory county, city, other;
	struct pair pair;
	size_t i;

	memory_init(&county, "520302", "520300");
	memory_init(&city, "520300", "520302");
	branch(&county, 5, 9, "b");
	branch(&city, 5, 9, "c");
	sync_now(&county, &city, &pair);
	pair_close(&pair);
	for (i = 0; i < 4; i++) {
		bool calls;

		memcpy(city.other, "520303", 7);
		memory_init(&other, "520303", "520300");
		branch(&other, 5, held[i], i == 3 ? "b" : "a");
		calls = i % 2 == 0;
		sync_now(calls ? &other : &city, calls ? &city : &other, &pair);
		ok(is_forked(&other, 6) && peer_result(pair.caller.p)->again &&
			peer_result(pair.called.p)->again,
		    "who held %d is told", held[i]);
		is_int(messages[0][MSG_EVIDENCE] + messages[1][MSG_EVIDENCE], 1,
		    "once");
		pair_close(&pair);
		sync_now(&other, &city, &pair);
		is_done(&pair, "the session after");
		ok(memory_same(&other, &city) &&
			head(&other, COUNTY "resource") == 5,
		    "brings the rest up to the fork");
		pair_close(&pair);
		memory_free(&other);
	}

	/* A chain forked at its first changeset has no head, and is told. */
	memory_init(&other, "520303", "520300");
	memory_free(&city);
	memory_free(&county);
	memory_init(&county, "520302", "520300");
	memory_init(&city, "520300", "520302");
	branch(&county, 0, 2, "b");
	branch(&city, 0, 1, "c");
	sync_now(&county, &city, &pair);
	pair_close(&pair);
	memcpy(city.other, "520303", 7);
	sync_now(&other, &city, &pair);
	ok(is_forked(&other, 1), "of a chain without a head too");
	pair_close(&pair);
	sync_now(&other, &city, &pair);
	is_done(&pair, "the session after");
	ok(messages[0][MSG_LIST] + messages[1][MSG_LIST] == 0, "lists nothing");
	pair_close(&pair);
	memory_free(&county);
	memory_free(&city);
	memory_free(&other);
}

/* The roster has decided for the county's branch: the city cuts off its own,
 * and gets the right one in the run after. */
static void
decided(void)
{
	struct memory county, city;
	struct pair pair;

	memory_init(&county, "520302", "520300");
	memory_init(&city, "520300", "520302");
	branch(&county, 5, 9, "right");
	branch(&city, 5, 7, "wrong");
	county.decided = city.decided = 8;
	sync_now(&county, &city, &pair);
	is_int(head(&city, COUNTY "resource"), 5, "the city cut off at 5");
	is_int(head(&county, COUNTY "resource"), 9, "the county did not");
	ok(peer_result(pair.caller.p)->again, "another run is asked for");
	pair_close(&pair);
	sync_now(&county, &city, &pair);
	is_done(&pair, "the run after");
	ok(memory_same(&county, &city) && !peer_result(pair.caller.p)->again,
	    "brings the branch that counts");
	pair_close(&pair);
	memory_free(&county);
	memory_free(&city);
}

/* While watching: a branch that does not fit is pushed; and evidence that
 * came from elsewhere is passed on at once. */
static void
forked_watching(void)
{
	struct memory county, city;
	struct pair pair;
	int i;

	for (i = 0; i < 2; i++) {
		memory_init(&county, "520302", "520300");
		memory_init(&city, "520300", "520302");
		branch(&county, 5, 5, "");
		branch(&city, 5, 5, "");
		memset(&pair, 0, sizeof(pair));
		pair.caller.m = &county;
		pair.called.m = &city;
		pair.caller.limit = pair.called.limit = -1;
		pair.purpose = PEER_WATCH;
		open_end(&pair, &pair.caller, true);
		open_end(&pair, &pair.called, false);
		pair_run(&pair);
		ok(peer_watching(pair.caller.p) && peer_watching(pair.called.p),
		    "both watch");
		memory_write(&county, COUNTY "resource", "b", 10);
		memory_write(&city, COUNTY "resource", "c", 10);
		if (i == 1) { /* the city learns both, and tells */
			struct changeset a, b;
			struct err err;

			memory_copy(&a, &county.chains[0].cs[5]);
			memory_copy(&b, &city.chains[0].cs[5]);
			memory_fork_take(&city, &a, &b, &err);
			changeset_free(&a);
			changeset_free(&b);
		} else
			memory_write(&county, COUNTY "resource", "b", 10);
		peer_refresh(pair.caller.p, &pair.caller.err);
		peer_refresh(pair.called.p, &pair.called.err);
		pair_run(&pair);
		ok(is_forked(&county, 6) && is_forked(&city, 6),
		    "both have the pair (%d)", i);
		ok(peer_over(pair.caller.p) && peer_over(pair.called.p) &&
			peer_result(pair.caller.p)->finished &&
			peer_result(pair.caller.p)->again,
		    "and the session ends in order, to be run again: %s",
		    pair.caller.err.msg);
		pair_close(&pair);
		memory_free(&county);
		memory_free(&city);
	}
}

/* What proves nothing stops the chain for a session, and nothing else. */
static void
unproved(void)
{
	struct memory county, city;
	struct pair pair;

	memory_init(&county, "520302", "520300");
	memory_init(&city, "520300", "520302");
	branch(&county, 2, 5, "b");
	branch(&city, 2, 5, "bad");
	memory_write(&county, COUNTY "command@520302", "登记", 10);
	sync_now(&county, &city, &pair);
	ok(is_forked(&county, 0) == false &&
		head(&county, COUNTY "resource") == 5 &&
		head(&city, COUNTY "resource") == 5,
	    "a branch without a good signature ends nothing");
	ok(peer_result(pair.caller.p)->refused == 1 &&
		peer_result(pair.called.p)->refused == 1 &&
		peer_result(pair.caller.p)->finished &&
		!peer_result(pair.caller.p)->gave_all,
	    "is refused, once at both ends: %s",
	    peer_result(pair.caller.p)->refusal);
	is_int(head(&city, COUNTY "command@520302"), 1, "the other chain came");
	pair_close(&pair);
	memory_free(&county);
	memory_free(&city);
}

/* --- a peer that says what it likes --------------------------------------- */

/* Say one message to a machine in the runs state, after a good session has
 * got it there. */
struct liar {
	struct memory m, other;
	struct pair pair;
	struct buf b;
};

static void
liar_begin(struct liar *l)
{
	memset(l, 0, sizeof(*l));
	memory_init(&l->m, "520302", "520300");
	memory_init(&l->other, "520300", "520302");
	memory_write(&l->m, COUNTY "resource", "登记", 10);
	pair_open(&l->pair, &l->m, &l->other);
	l->pair.caller.limit = 1 << 20;
	/* The other end is cut off once the county is in the runs state. */
	while (l->pair.caller.p->state != PEER_RUNS) {
		now++;
		carry(&l->pair.called, &l->pair.caller);
		carry(&l->pair.caller, &l->pair.called);
		turn(&l->pair.called);
	}
}

static int
liar_say(struct liar *l, unsigned type)
{
	struct end *e = &l->pair.caller;
	struct buf out = BUF_INIT;

	frame_put(&out, type, l->b.b, l->b.len);
	buf_clear(&l->b);
	if (e->rc == 0)
		e->rc = peer_receive(e->p, out.b, out.len, now, &e->err);
	buf_free(&out);
	return e->rc;
}

static void
liar_end(struct liar *l)
{
	pair_close(&l->pair);
	memory_free(&l->m);
	memory_free(&l->other);
	buf_free(&l->b);
}

static void
put_run(struct liar *l, const char *chain, int64_t first, int64_t last,
    size_t plain, const struct buf *bytes, size_t offset)
{
	struct digest hash;

	digest_sha256(&hash, bytes->b, bytes->len);
	buf_put_string(&l->b, chain, strlen(chain));
	buf_put_varint(&l->b, (uint64_t)first);
	buf_put_varint(&l->b, (uint64_t)last);
	buf_put_varint(&l->b, plain);
	buf_put_varint(&l->b, bytes->len);
	buf_put(&l->b, hash.b, 32);
	buf_put_varint(&l->b, offset);
}

/* A good run of a chain of one changeset. */
static void
make_run(struct buf *out, struct run *run, const char *chain)
{
	struct run_builder *b = run_builder_new();
	struct changeset cs;
	struct memory m;
	struct err err;

	memory_init(&m, "520303", "520300");
	memory_write(&m, chain, "登记", 50);
	memory_copy(&cs, &m.chains[0].cs[0]);
	run_add(b, &cs);
	changeset_free(&cs);
	run_finish(b, run, out, &err);
	run_builder_free(b);
	memory_free(&m);
}

/* Of the county's own chain of one: what is refused is told to people until it
 * is passed, so a place that nobody can pass may not be said. */
static void
refused_beyond(void)
{
	static const struct {
		int64_t seq;
		int rc;
	} tries[] = {{0, 0}, {1, 0}, {2, YZ_EPEER}, {1ll << 39, YZ_EPEER}};
	size_t i;

	for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		bool good = tries[i].rc == 0;
		struct liar l;

		liar_begin(&l);
		buf_put_string(
		    &l.b, COUNTY "resource", strlen(COUNTY "resource"));
		buf_put_varint(&l.b, (uint64_t)tries[i].seq);
		buf_put_string(&l.b, "no", 2);
		is_int(liar_say(&l, MSG_REFUSE), tries[i].rc,
		    "a chain of one refused at %lld: %s",
		    (long long)tries[i].seq,
		    good ? "taken" : l.pair.caller.err.msg);
		is_int(l.m.refusals, good ? 1 : 0, "%s",
		    good ? "and kept" : "and nothing is kept of it");
		liar_end(&l);
	}
}

static void
not_for_us(void)
{
	static const char *const chains[] = {
	    "520303-1f0c9a7e/command@520303",
	    "520303-1f0c9a7e/oversight@520303",
	    CITY "oversight@520300",
	    CITY "command@999999",
	};
	struct buf bytes = BUF_INIT;
	struct run run;
	size_t i;

	for (i = 0; i < 4; i++) {
		struct liar l;

		liar_begin(&l);
		make_run(&bytes, &run, chains[i]);
		put_run(&l, chains[i], 1, 1, run.plain, &bytes, 0);
		is_int(liar_say(&l, MSG_RUN), 0, "a run of %s", chains[i]);
		buf_put(&l.b, bytes.b, bytes.len);
		is_int(liar_say(&l, MSG_DATA), 0, "its bytes");
		ok(l.m.refusals == 1 && l.m.n_chains == 1, "are refused: %s",
		    l.m.refusal);
		make_run(&bytes, &run, CITY "resource");
		put_run(&l, CITY "resource", 1, 1, run.plain, &bytes, 0);
		liar_say(&l, MSG_RUN);
		buf_put(&l.b, bytes.b, bytes.len);
		is_int(liar_say(&l, MSG_DATA), 0, "and the next run");
		is_int(l.m.n_chains, 2, "is taken");
		liar_end(&l);
	}
	buf_free(&bytes);
}

static void
bad_runs(void)
{
	struct buf bytes = BUF_INIT;
	struct run run;
	struct liar l;
	size_t i;

	make_run(&bytes, &run, CITY "resource");

	liar_begin(&l);
	put_run(&l, CITY "resource", 5, 5, run.plain, &bytes, 0);
	liar_say(&l, MSG_RUN);
	buf_put(&l.b, bytes.b, bytes.len);
	is_int(liar_say(&l, MSG_DATA), 0, "a run with nothing before it");
	ok(l.m.refusals == 1 && l.m.n_chains == 1, "is refused: %s",
	    l.m.refusal);
	liar_end(&l);

	liar_begin(&l);
	put_run(&l, CITY "resource", 1, 1, run.plain - 1, &bytes, 0);
	liar_say(&l, MSG_RUN);
	buf_put(&l.b, bytes.b, bytes.len);
	is_int(liar_say(&l, MSG_DATA), 0, "a run that inflates further");
	ok(l.m.refusals == 1 && l.m.n_chains == 1, "is refused: %s",
	    l.m.refusal);
	liar_end(&l);

	liar_begin(&l);
	put_run(&l, CITY "resource", 1, 1, LIMIT_RUN_ONE + 1, &bytes, 0);
	is_int(liar_say(&l, MSG_RUN), YZ_EPEER, "a run too large: %s",
	    l.pair.caller.err.msg);
	liar_end(&l);

	liar_begin(&l);
	put_run(&l, CITY "resource", 1, 1, run.plain, &bytes, 7);
	is_int(liar_say(&l, MSG_RUN), YZ_EPEER, "an offset of its own: %s",
	    l.pair.caller.err.msg);
	liar_end(&l);

	liar_begin(&l);
	put_run(&l, CITY "resource", 1, 1, run.plain, &bytes, 0);
	liar_say(&l, MSG_RUN);
	buf_put(&l.b, bytes.b, bytes.len);
	buf_puts(&l.b, "x");
	is_int(liar_say(&l, MSG_DATA), YZ_EPEER, "a byte too many: %s",
	    l.pair.caller.err.msg);
	liar_end(&l);

	/* Any byte of a good run flipped: refused, or the session ends. */
	for (i = 0; i < bytes.len; i++) {
		struct buf bent = BUF_INIT;

		buf_put(&bent, bytes.b, bytes.len);
		bent.b[i] ^= 1;
		liar_begin(&l);
		put_run(&l, CITY "resource", 1, 1, run.plain, &bent, 0);
		liar_say(&l, MSG_RUN);
		buf_put(&l.b, bent.b, bent.len);
		liar_say(&l, MSG_DATA);
		if (l.pair.caller.rc == 0 && l.m.refusals == 0 &&
		    (l.m.n_chains != 2 || l.m.chains[1].n != 1))
			break;
		liar_end(&l);
		buf_free(&bent);
	}
	is_int(i, bytes.len, "each byte flipped under a right hash is safe");

	liar_begin(&l);
	l.m.fail_commit = 1;
	put_run(&l, CITY "resource", 1, 1, run.plain, &bytes, 0);
	liar_say(&l, MSG_RUN);
	buf_put(&l.b, bytes.b, bytes.len);
	liar_say(&l, MSG_DATA);
	buf_clear(peer_output(l.pair.caller.p));
	is_int(peer_commit(l.pair.caller.p, &l.pair.caller.err), YZ_EIO,
	    "a commit that fails");
	is_int(peer_output(l.pair.caller.p)->b[0], MSG_BYE,
	    "is told as Bye, not as Ack");
	liar_end(&l);
	buf_free(&bytes);
}

static void
out_of_turn(void)
{
	static const uint8_t early[] = {MSG_ROSTER, MSG_SETTLED, MSG_JOIN,
	    MSG_HEADS, MSG_RUN, MSG_DATA, MSG_ACK, MSG_DONE, MSG_PING, MSG_ASK,
	    MSG_PLACE, MSG_EVIDENCE, 0, 60, 127};
	static const uint8_t late[] = {MSG_HELLO, MSG_SETTLED, MSG_JOIN,
	    MSG_JOINED, MSG_HEADS, MSG_LIST, MSG_PARTIALS, MSG_DATA,
	    MSG_BLOB_DATA, MSG_BLOB_NONE, MSG_BLOB, MSG_ASK, MSG_PLACE,
	    MSG_EVIDENCE, 0, 60};
	size_t i, good = 0;

	for (i = 0; i < sizeof(early); i++) {
		struct memory a, b;
		struct pair pair;
		struct buf out = BUF_INIT;

		memory_init(&a, "520302", "520300");
		memory_init(&b, "520300", "520302");
		pair_open(&pair, &a, &b);
		frame_put(&out, early[i], "登记", 0);
		good += peer_receive(pair.caller.p, out.b, out.len, now,
			    &pair.caller.err) == YZ_EPEER &&
			peer_over(pair.caller.p);
		pair_close(&pair);
		buf_free(&out);
	}
	is_int(good, sizeof(early), "before Hello everything else is a fault");
	good = 0;
	for (i = 0; i < sizeof(late); i++) {
		struct liar l;

		liar_begin(&l);
		good += liar_say(&l, late[i]) == YZ_EPEER;
		liar_end(&l);
	}
	is_int(good, sizeof(late), "in runs what belongs elsewhere is one");
}

static void
bad_frames(void)
{
	static const uint8_t huge[] = {MSG_DATA, 0x40, 0x01};
	static const uint8_t longer[] = {MSG_PING | 0x80, 0, 1, 7};
	static const uint8_t mixed[] = {
	    MSG_RECEIPT | 0x80, 0, 1, 7, MSG_PING, 0, 1, 7};
	static const uint8_t empty[] = {MSG_RECEIPT | 0x80, 0, 0};
	static const uint8_t extra[] = {MSG_SENT, 0, 1, 7};
	static const uint8_t cut[] = {MSG_ACK, 0, 1, 30};
	const struct {
		const uint8_t *b;
		size_t n;
		const char *what;
	} cases[] = {
	    {huge, sizeof(huge), "a frame over 16 KiB"},
	    {longer, sizeof(longer), "a long Ping"},
	    {mixed, sizeof(mixed), "a message inside another"},
	    {empty, sizeof(empty), "an empty frame that goes on"},
	    {extra, sizeof(extra), "bytes after a message"},
	    {cut, sizeof(cut), "a message cut short"},
	};
	struct buf out = BUF_INIT;
	struct liar l;
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		liar_begin(&l);
		is_int(peer_receive(l.pair.caller.p, cases[i].b, cases[i].n,
			   now, &l.pair.caller.err),
		    YZ_EPEER, "%s: %s", cases[i].what, l.pair.caller.err.msg);
		liar_end(&l);
	}
	/* A message that never ends. */
	liar_begin(&l);
	buf_put_u8(&out, MSG_RECEIPT | 0x80);
	buf_put_u16(&out, LIMIT_FRAME);
	while (out.len < LIMIT_FRAME + 3)
		buf_putc(&out, 'x');
	for (i = 0; i < 1000 && rc == 0; i++)
		rc = peer_receive(
		    l.pair.caller.p, out.b, out.len, now, &l.pair.caller.err);
	ok(rc == YZ_EPEER && i == LIMIT_MESSAGE / LIMIT_FRAME + 1,
	    "a message without end stops at 4 MiB");
	liar_end(&l);
	buf_free(&out);
}

/* So many chains with the longest names there are. */
static size_t n_many;

static int
many_heads(void *arg, struct peer_head **out, size_t *n, struct err *err)
{
	char name[CHAIN_NAME_MAX];
	size_t i;

	(void)arg;
	*n = n_many;
	*out = mem_calloc(n_many, sizeof(**out));
	for (i = 0; i < n_many; i++) {
		struct peer_head *h = &(*out)[i];

		snprintf(name, sizeof(name), "520300-%08x/oversight@520302",
		    (unsigned)i);
		if (chain_parse(&h->chain, name, strlen(name), err) != 0)
			abort();
		h->seq = LIMIT_SEQ;
		memset(&h->id, 5, sizeof(h->id));
		memset(h->oid, 6, sizeof(h->oid));
	}
	return 0;
}

/* LIMIT_HEADS chains are all named in one List. */
static void
limit_heads(void)
{
	static const size_t tries[] = {
	    LIMIT_HEADS - 1, LIMIT_HEADS, LIMIT_HEADS + 1};
	struct memory a, b;
	struct pair pair;
	size_t i;
	int turns;

	for (i = 0; i < 3; i++) {
		memory_init(&a, "520302", "520300");
		memory_init(&b, "520300", "520302");
		n_many = tries[i];
		pair_open(&pair, &a, &b);
		pair.caller.p->s.heads = many_heads;
		for (turns = 0;
		     turns < 20 && pair.caller.rc == 0 && pair.called.rc == 0 &&
		     pair.called.p->state != PEER_RUNS;
		     turns++) {
			carry(&pair.called, &pair.caller);
			carry(&pair.caller, &pair.called);
		}
		if (tries[i] <= LIMIT_HEADS)
			ok(pair.called.rc == 0 &&
				pair.called.p->n_chains == tries[i],
			    "%zu chains are named and heard: %s", tries[i],
			    pair.called.err.msg);
		else
			ok(pair.caller.rc == YZ_EINVAL, "%zu are too many: %s",
			    tries[i], pair.caller.err.msg);
		pair_close(&pair);
		memory_free(&a);
		memory_free(&b);
	}
}

static void
who(void)
{
	struct memory a, b;
	struct pair pair;

	memory_init(&a, "520303", "520300");
	memory_init(&b, "520300", "520302");
	sync_now(&a, &b, &pair);
	is_int(pair.called.rc, YZ_EDENIED, "another code than the key's: %s",
	    pair.called.err.msg);
	ok(pair.caller.rc == YZ_EDENIED &&
		strstr(pair.caller.err.msg, "ended the session") != NULL,
	    "the caller is told: %s", pair.caller.err.msg);
	pair_close(&pair);

	memory_init(&a, "520302", "520000");
	memory_init(&b, "520300", "520302");
	sync_now(&a, &b, &pair);
	is_int(pair.caller.rc, YZ_EDENIED, "another parent than called: %s",
	    pair.caller.err.msg);
	pair_close(&pair);
}

static void
joining(void)
{
	struct memory a, b;
	struct pair pair;
	const struct peer_result *r;

	memory_init(&a, "520302", "520300");
	memory_init(&b, "520300", "520302");
	memory_write(&b, CITY "resource", "登记", 100);
	a.root_version = a.city_version = 0;
	memset(&pair, 0, sizeof(pair));
	pair.caller.m = &a;
	pair.called.m = &b;
	pair.caller.limit = pair.called.limit = -1;
	pair.purpose = PEER_JOIN;
	pair.invited = true;
	open_end(&pair, &pair.caller, true);
	open_end(&pair, &pair.called, false);
	pair_run(&pair);
	r = peer_result(pair.caller.p);
	ok(r->joined && r->asked_confirmed && r->finished,
	    "an invited station asks and is confirmed: %s",
	    pair.caller.err.msg);
	ok(a.root_version == 2 && a.city_version == 2 && a.n_chains == 0,
	    "it has the rosters, and nothing else");
	pair_close(&pair);

	pair.purpose = PEER_SYNC;
	pair.caller.rc = pair.called.rc = 0;
	open_end(&pair, &pair.caller, true);
	open_end(&pair, &pair.called, false);
	pair_run(&pair);
	ok(pair.called.rc == YZ_EDENIED && a.n_chains == 0,
	    "its invitation is good for nothing else: %s", pair.called.err.msg);
	pair_close(&pair);

	pair.purpose = PEER_JOIN;
	pair.invited = false;
	pair.caller.rc = pair.called.rc = 0;
	open_end(&pair, &pair.caller, true);
	open_end(&pair, &pair.called, false);
	pair_run(&pair);
	is_int(pair.called.rc, YZ_EDENIED, "nobody else asks to join: %s",
	    pair.called.err.msg);
	pair_close(&pair);
	memory_free(&a);
	memory_free(&b);
}

static void
watching(void)
{
	struct memory county, city;
	struct pair pair;

	fill(&county, &city, 3);
	memset(&pair, 0, sizeof(pair));
	pair.caller.m = &county;
	pair.called.m = &city;
	pair.caller.limit = pair.called.limit = -1;
	pair.purpose = PEER_WATCH;
	open_end(&pair, &pair.caller, true);
	open_end(&pair, &pair.called, false);
	pair_run(&pair);
	ok(peer_watching(pair.caller.p) && peer_watching(pair.called.p),
	    "both watch");
	memory_write(&city, CITY "command@520302", "快", 100);
	memory_write(&county, COUNTY "command@520302", "报", 100);
	peer_refresh(pair.caller.p, &pair.caller.err);
	peer_refresh(pair.called.p, &pair.called.err);
	pair_run(&pair);
	ok(memory_same(&county, &city), "news passes at once, both ways");
	now += 60000;
	pair_run(&pair);
	ok(pair.caller.rc == 0 && peer_watching(pair.caller.p),
	    "pings keep it alive");
	peer_say_bye(pair.caller.p, PEER_BYE_DONE, "");
	pair_run(&pair);
	ok(peer_over(pair.caller.p) && peer_over(pair.called.p) &&
		peer_result(pair.called.p)->finished,
	    "Bye ends it");
	pair_close(&pair);
	memory_free(&county);
	memory_free(&city);
}

static void
blobs(void)
{
	struct memory county, city;
	struct pair pair;
	uint8_t *photo = mem_alloc(100000);
	size_t i;

	for (i = 0; i < 100000; i++)
		photo[i] = (uint8_t)(i * 7 + i / 251);
	fill(&county, &city, 2);
	memory_blob(&county, photo, 100000, true);
	memory_blob(&city, photo, 100000, false);
	memory_blob(&county, photo, 5000, false);
	memory_blob(&city, photo, 5000, true);
	city.blobs[1].wanted = false; /* not named in any common chain */
	memory_blob(&county, photo, 77, false); /* nobody has it */
	pair_open(&pair, &county, &city);
	pair.caller.limit = 130000;
	pair_run(&pair);
	pair_close(&pair);
	ok(city.blobs[0].bytes.len > 20000 && !city.blobs[0].whole,
	    "cut in the middle %zu bytes are kept", city.blobs[0].bytes.len);
	i = city.blobs[0].bytes.len;
	sync_now(&county, &city, &pair);
	is_done(&pair, "the session after");
	ok(city.blobs[0].whole, "the blob is whole");
	ok(pair.caller.said < (int64_t)(102000 - i), "only the rest was sent");
	ok(!county.blobs[1].whole, "a blob that is not theirs to see is not");
	pair_close(&pair);
	memory_free(&county);
	memory_free(&city);
	free(photo);
}

/* Oversight under way, then a command: it goes next. */
static void
priority(void)
{
	struct memory county, city;
	struct pair pair;
	struct chain_name name;
	struct err err;
	int i;

	memory_init(&county, "520302", "520300");
	memory_init(&city, "520300", "520302");
	for (i = 0; i < 60; i++)
		memory_write(&county, COUNTY "oversight@520302", "登记", 60000);
	pair_open(&pair, &county, &city);
	for (i = 0; i < 20; i++) {
		now++;
		turn(&pair.caller);
		turn(&pair.called);
		carry(&pair.called, &pair.caller);
		carry(&pair.caller, &pair.called);
	}
	chain_parse(&name, COUNTY "command@520302", 30, &err);
	ok(city.n_chains == 1 && city.chains[0].n < 40,
	    "%zu of 60 large changesets have come", city.chains[0].n);
	memory_write(&county, COUNTY "command@520302", "急", 100);
	peer_refresh(pair.caller.p, &pair.caller.err);
	for (i = 0; i < 1000 && memory_chain(&city, &name, false) == NULL;
	     i++) {
		now++;
		turn(&pair.caller);
		turn(&pair.called);
		carry(&pair.called, &pair.caller);
		carry(&pair.caller, &pair.called);
	}
	ok(city.chains[0].n < 55 && city.n_chains == 2,
	    "the command overtakes the rest (%zu had come)", city.chains[0].n);
	pair_run(&pair);
	ok(memory_same(&county, &city), "and the rest follows");
	pair_close(&pair);
	memory_free(&county);
	memory_free(&city);
}

int
main(void)
{
	both_ways();
	rosters();
	partial_run();
	cut_everywhere(true);
	cut_everywhere(false);
	refused();
	forked();
	signed_twice();
	told();
	decided();
	forked_watching();
	unproved();
	refused_beyond();
	not_for_us();
	bad_runs();
	out_of_turn();
	bad_frames();
	limit_heads();
	who();
	joining();
	watching();
	blobs();
	priority();
	return tap_done();
}
