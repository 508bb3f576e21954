/*
 * Goal of this test: two branches of one chain between two stations.  Where
 * they part is found, both get the pair that proves it and hear of it once;
 * what proves nothing stops the chain for a session and nothing else.
 */
#include "config.h"

#include "pair.h"

/* n changesets of one chain, those after `common` with another subject. */
static void
branch(struct memory *m, int common, int n, const char *subject)
{
	int i;

	for (i = 0; i < n; i++)
		memory_write(
		    m, PAIR_COUNTY "resource", i < common ? "a" : subject, 10);
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

	chain_parse(&name, PAIR_COUNTY "resource", 24, &err);
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
		memory_write(&county, PAIR_COUNTY "command@520302", "登记", 10);
		pair_sync(&county, &city, &pair);
		a = peer_result(pair.caller.p);
		b = peer_result(pair.called.p);
		ok(is_forked(&county, common + 1) &&
			is_forked(&city, common + 1),
		    "branches of %d and %d that part at %d: both have the pair",
		    cases[i].county, cases[i].city, common + 1);
		ok(head(&county, PAIR_COUNTY "resource") == common &&
			head(&city, PAIR_COUNTY "resource") == common,
		    "and end before it");
		is_int(pair_messages[0][MSG_ASK] + pair_messages[1][MSG_ASK],
		    cases[i].asks, "after so many Asks");
		ok(a->forks == 1 && b->forks == 1 && a->again && b->again &&
			a->refused == 0 && b->refused == 0 && a->finished,
		    "said so: %s", a->fork);
		is_int(head(&city, PAIR_COUNTY "command@520302"), 1,
		    "the other chain came");
		pair_close(&pair);
		is_int(county.refusals + city.refusals, 0, "none is stuck");
		pair_sync(&county, &city, &pair);
		pair_is_done(&pair, "the session after");
		ok(memory_same(&county, &city) &&
			!peer_result(pair.caller.p)->again &&
			pair_messages[0][MSG_LIST] +
				pair_messages[1][MSG_LIST] +
				pair_messages[0][MSG_EVIDENCE] +
				pair_messages[1][MSG_EVIDENCE] ==
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
	memory_write(&city, PAIR_COUNTY "resource", "a", 10);
	c = &city.chains[0];
	c->cs[2].sig[5] ^= 1;
	changeset_derive(&c->cs[2]);
	ok(digest_equal(&c->cs[2].id, &county.chains[0].cs[2].id),
	    "one id, two signatures");
	pair_sync(&county, &city, &pair);
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
	pair_sync(&county, &city, &pair);
	pair_close(&pair);
	for (i = 0; i < 4; i++) {
		bool calls;

		memcpy(city.other, "520303", 7);
		memory_init(&other, "520303", "520300");
		branch(&other, 5, held[i], i == 3 ? "b" : "a");
		calls = i % 2 == 0;
		pair_sync(
		    calls ? &other : &city, calls ? &city : &other, &pair);
		ok(is_forked(&other, 6) && peer_result(pair.caller.p)->again &&
			peer_result(pair.called.p)->again,
		    "who held %d is told", held[i]);
		is_int(pair_messages[0][MSG_EVIDENCE] +
			   pair_messages[1][MSG_EVIDENCE],
		    1, "once");
		pair_close(&pair);
		pair_sync(&other, &city, &pair);
		pair_is_done(&pair, "the session after");
		ok(memory_same(&other, &city) &&
			head(&other, PAIR_COUNTY "resource") == 5,
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
	pair_sync(&county, &city, &pair);
	pair_close(&pair);
	memcpy(city.other, "520303", 7);
	pair_sync(&other, &city, &pair);
	ok(is_forked(&other, 1), "of a chain without a head too");
	pair_close(&pair);
	pair_sync(&other, &city, &pair);
	pair_is_done(&pair, "the session after");
	ok(pair_messages[0][MSG_LIST] + pair_messages[1][MSG_LIST] == 0,
	    "lists nothing");
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
	pair_sync(&county, &city, &pair);
	is_int(head(&city, PAIR_COUNTY "resource"), 5, "the city cut off at 5");
	is_int(head(&county, PAIR_COUNTY "resource"), 9, "the county did not");
	ok(peer_result(pair.caller.p)->again, "another run is asked for");
	pair_close(&pair);
	pair_sync(&county, &city, &pair);
	pair_is_done(&pair, "the run after");
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
		pair_end(&pair, &pair.caller, true);
		pair_end(&pair, &pair.called, false);
		pair_run(&pair);
		ok(peer_watching(pair.caller.p) && peer_watching(pair.called.p),
		    "both watch");
		memory_write(&county, PAIR_COUNTY "resource", "b", 10);
		memory_write(&city, PAIR_COUNTY "resource", "c", 10);
		if (i == 1) { /* the city learns both, and tells */
			struct changeset a, b;
			struct err err;

			memory_copy(&a, &county.chains[0].cs[5]);
			memory_copy(&b, &city.chains[0].cs[5]);
			memory_fork_take(&city, &a, &b, &err);
			changeset_free(&a);
			changeset_free(&b);
		} else
			memory_write(&county, PAIR_COUNTY "resource", "b", 10);
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
	memory_write(&county, PAIR_COUNTY "command@520302", "登记", 10);
	pair_sync(&county, &city, &pair);
	ok(is_forked(&county, 0) == false &&
		head(&county, PAIR_COUNTY "resource") == 5 &&
		head(&city, PAIR_COUNTY "resource") == 5,
	    "a branch without a good signature ends nothing");
	ok(peer_result(pair.caller.p)->refused == 1 &&
		peer_result(pair.called.p)->refused == 1 &&
		peer_result(pair.caller.p)->finished &&
		!peer_result(pair.caller.p)->gave_all,
	    "is refused, once at both ends: %s",
	    peer_result(pair.caller.p)->refusal);
	is_int(head(&city, PAIR_COUNTY "command@520302"), 1,
	    "the other chain came");
	pair_close(&pair);
	memory_free(&county);
	memory_free(&city);
}

int
main(void)
{
	forked();
	signed_twice();
	told();
	decided();
	forked_watching();
	unproved();
	return tap_done();
}
