/*
 * Goal of this test: the peer machine over stations in memory.  A session
 * brings both to the same; cut at any byte and called again it still does,
 * and what had come is not sent twice; what is refused stops its chain and
 * nothing else; and what a station may not hold is neither sent nor taken.
 * (Forks: test_peer_forks; whatever bytes a peer says: test_peer_liar.)
 */
#include "config.h"

#include "pair.h"

static void
both_ways(void)
{
	struct memory county, city;
	struct pair pair;
	size_t receipts;

	pair_fill(&county, &city, 40);
	county.clock += 5000;
	pair_sync(&county, &city, &pair);
	pair_is_done(&pair, "first session");
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

	pair_sync(&county, &city, &pair);
	pair_is_done(&pair, "a session without news");
	is_int(peer_result(pair.caller.p)->sent, 0, "nothing was sent");
	ok(pair.caller.said < 600 && pair.called.said < 600,
	    "and few bytes were said (%lld, %lld)", (long long)pair.caller.said,
	    (long long)pair.called.said);
	is_int(county.receipts_in, receipts, "nor a receipt");
	pair_close(&pair);

	memory_write(&city, PAIR_CITY "command@520302", "又一", 100);
	pair_sync(&county, &city, &pair);
	pair_is_done(&pair, "a session with one changeset");
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

	pair_fill(&county, &city, 2);
	county.root_version = 0;
	county.city_version = 0;
	pair_sync(&county, &city, &pair);
	pair_is_done(&pair, "a county without rosters");
	ok(county.root_version == 2 && county.city_version == 2,
	    "got both documents, each version");
	pair_close(&pair);
	city.city_version = 1;
	pair_sync(&county, &city, &pair);
	pair_is_done(&pair, "a city with an older one");
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

	pair_fill(&county, &city, 3);
	pair_sync(&county, &city, &pair);
	whole = pair.caller.said + pair.called.said;
	at = caller ? pair.caller.said : pair.called.said;
	pair_close(&pair);
	memory_free(&county);
	memory_free(&city);
	/* Every byte of the greeting and the end, every 61st of the bulk. */
	for (last = at; at >= 0; at -= step) {
		int64_t said;

		step = at > 900 && at < last - 300 ? 61 : 1;
		pair_fill(&county, &city, 3);
		pair_open(&pair, &county, &city);
		if (caller)
			pair.caller.limit = at;
		else
			pair.called.limit = at;
		pair_run(&pair);
		said = pair.caller.said + pair.called.said;
		pair_close(&pair);
		pair_sync(&county, &city, &pair);
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
	memory_write(&county, PAIR_COUNTY "resource", "大", LIMIT_OPS_BYTES);
	pair_open(&pair, &county, &city);
	pair.caller.limit = 40000;
	pair_run(&pair);
	pair_close(&pair);
	ok(city.has_partial && city.partial.held > 38000 - LIMIT_FRAME,
	    "%zu bytes of the run are kept", city.partial.held);
	pair_sync(&county, &city, &pair);
	pair_is_done(&pair, "the next session");
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
	pair_sync(&county, &city, &pair);
	pair_is_done(&pair, "a partial run that is no part of this");
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
	pair_sync(&county, &city, &pair);
	is_int(city.refusals, 1, "altered bytes do not hash to the run");
	pair_close(&pair);
	pair_sync(&county, &city, &pair);
	pair_is_done(&pair, "the session after");
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
		memory_write(&county, PAIR_COUNTY "command@520302",
		    i == 3 ? "bad" : "好", 100);
		memory_write(
		    &county, PAIR_COUNTY "oversight@520302", "登记", 100);
		memory_write(&city, PAIR_CITY "resource", "登记", 100);
	}
	pair_sync(&county, &city, &pair);
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
	chain_parse(&name, PAIR_COUNTY "command@520302", 30, &err);
	is_int(memory_chain(&city, &name, true)->durable, 3,
	    "what stands before it is there");
	chain_parse(&name, PAIR_COUNTY "oversight@520302", 32, &err);
	is_int(memory_chain(&city, &name, true)->durable, 5,
	    "and so is all of the other chain");
	pair_close(&pair);
	memory_free(&county);
	memory_free(&city);
}

static void
who(void)
{
	struct memory a, b;
	struct pair pair;

	memory_init(&a, "520303", "520300");
	memory_init(&b, "520300", "520302");
	pair_sync(&a, &b, &pair);
	is_int(pair.called.rc, YZ_EDENIED, "another code than the key's: %s",
	    pair.called.err.msg);
	ok(pair.caller.rc == YZ_EDENIED &&
		strstr(pair.caller.err.msg, "ended the session") != NULL,
	    "the caller is told: %s", pair.caller.err.msg);
	pair_close(&pair);

	memory_init(&a, "520302", "520000");
	memory_init(&b, "520300", "520302");
	pair_sync(&a, &b, &pair);
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
	memory_write(&b, PAIR_CITY "resource", "登记", 100);
	a.root_version = a.city_version = 0;
	memset(&pair, 0, sizeof(pair));
	pair.caller.m = &a;
	pair.called.m = &b;
	pair.caller.limit = pair.called.limit = -1;
	pair.purpose = PEER_JOIN;
	pair.invited = true;
	pair_end(&pair, &pair.caller, true);
	pair_end(&pair, &pair.called, false);
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
	pair_end(&pair, &pair.caller, true);
	pair_end(&pair, &pair.called, false);
	pair_run(&pair);
	ok(pair.called.rc == YZ_EDENIED && a.n_chains == 0,
	    "its invitation is good for nothing else: %s", pair.called.err.msg);
	pair_close(&pair);

	pair.purpose = PEER_JOIN;
	pair.invited = false;
	pair.caller.rc = pair.called.rc = 0;
	pair_end(&pair, &pair.caller, true);
	pair_end(&pair, &pair.called, false);
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

	pair_fill(&county, &city, 3);
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
	memory_write(&city, PAIR_CITY "command@520302", "快", 100);
	memory_write(&county, PAIR_COUNTY "command@520302", "报", 100);
	peer_refresh(pair.caller.p, &pair.caller.err);
	peer_refresh(pair.called.p, &pair.called.err);
	pair_run(&pair);
	ok(memory_same(&county, &city), "news passes at once, both ways");
	pair_now += 60000;
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
	pair_fill(&county, &city, 2);
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
	pair_sync(&county, &city, &pair);
	pair_is_done(&pair, "the session after");
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
		memory_write(
		    &county, PAIR_COUNTY "oversight@520302", "登记", 60000);
	pair_open(&pair, &county, &city);
	for (i = 0; i < 20; i++) {
		pair_now++;
		pair_turn(&pair.caller);
		pair_turn(&pair.called);
		pair_carry(&pair.called, &pair.caller);
		pair_carry(&pair.caller, &pair.called);
	}
	chain_parse(&name, PAIR_COUNTY "command@520302", 30, &err);
	ok(city.n_chains == 1 && city.chains[0].n < 40,
	    "%zu of 60 large changesets have come", city.chains[0].n);
	memory_write(&county, PAIR_COUNTY "command@520302", "急", 100);
	peer_refresh(pair.caller.p, &pair.caller.err);
	for (i = 0; i < 1000 && memory_chain(&city, &name, false) == NULL;
	     i++) {
		pair_now++;
		pair_turn(&pair.caller);
		pair_turn(&pair.called);
		pair_carry(&pair.called, &pair.caller);
		pair_carry(&pair.caller, &pair.called);
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
	who();
	joining();
	watching();
	blobs();
	priority();
	return tap_done();
}
