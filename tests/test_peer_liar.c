/*
 * Goal of this test: whatever bytes a peer says, the session ends with a line
 * and no more, and what is not for a station is neither kept nor in the way.
 * (Where its bounds are: test_limits_session.)
 */
#include "config.h"

#include "pair.h"

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
		buf_put_string(&l.b, PAIR_COUNTY "resource",
		    strlen(PAIR_COUNTY "resource"));
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
	    PAIR_CITY "oversight@520300",
	    PAIR_CITY "command@999999",
	};
	struct buf bytes = BUF_INIT;
	struct run run;
	size_t i;

	for (i = 0; i < 4; i++) {
		struct liar l;

		liar_begin(&l);
		liar_make_run(&bytes, &run, chains[i]);
		liar_put_run(&l, chains[i], 1, 1, run.plain, &bytes, 0);
		is_int(liar_say(&l, MSG_RUN), 0, "a run of %s", chains[i]);
		buf_put(&l.b, bytes.b, bytes.len);
		is_int(liar_say(&l, MSG_DATA), 0, "its bytes");
		ok(l.m.refusals == 1 && l.m.n_chains == 1, "are refused: %s",
		    l.m.refusal);
		liar_make_run(&bytes, &run, PAIR_CITY "resource");
		liar_put_run(
		    &l, PAIR_CITY "resource", 1, 1, run.plain, &bytes, 0);
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

	liar_make_run(&bytes, &run, PAIR_CITY "resource");

	liar_begin(&l);
	liar_put_run(&l, PAIR_CITY "resource", 5, 5, run.plain, &bytes, 0);
	liar_say(&l, MSG_RUN);
	buf_put(&l.b, bytes.b, bytes.len);
	is_int(liar_say(&l, MSG_DATA), 0, "a run with nothing before it");
	ok(l.m.refusals == 1 && l.m.n_chains == 1, "is refused: %s",
	    l.m.refusal);
	liar_end(&l);

	liar_begin(&l);
	liar_put_run(&l, PAIR_CITY "resource", 1, 1, run.plain - 1, &bytes, 0);
	liar_say(&l, MSG_RUN);
	buf_put(&l.b, bytes.b, bytes.len);
	is_int(liar_say(&l, MSG_DATA), 0, "a run that inflates further");
	ok(l.m.refusals == 1 && l.m.n_chains == 1, "is refused: %s",
	    l.m.refusal);
	liar_end(&l);

	liar_begin(&l);
	liar_put_run(
	    &l, PAIR_CITY "resource", 1, 1, LIMIT_RUN_ONE + 1, &bytes, 0);
	is_int(liar_say(&l, MSG_RUN), YZ_EPEER, "a run too large: %s",
	    l.pair.caller.err.msg);
	liar_end(&l);

	liar_begin(&l);
	liar_put_run(&l, PAIR_CITY "resource", 1, 1, run.plain, &bytes, 7);
	is_int(liar_say(&l, MSG_RUN), YZ_EPEER, "an offset of its own: %s",
	    l.pair.caller.err.msg);
	liar_end(&l);

	liar_begin(&l);
	liar_put_run(&l, PAIR_CITY "resource", 1, 1, run.plain, &bytes, 0);
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
		liar_put_run(
		    &l, PAIR_CITY "resource", 1, 1, run.plain, &bent, 0);
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
	liar_put_run(&l, PAIR_CITY "resource", 1, 1, run.plain, &bytes, 0);
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
		good += peer_receive(pair.caller.p, out.b, out.len, pair_now,
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
			   pair_now, &l.pair.caller.err),
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
		rc = peer_receive(l.pair.caller.p, out.b, out.len, pair_now,
		    &l.pair.caller.err);
	ok(rc == YZ_EPEER && i == LIMIT_MESSAGE / LIMIT_FRAME + 1,
	    "a message without end stops at 4 MiB");
	liar_end(&l);
	buf_free(&out);
}

int
main(void)
{
	refused_beyond();
	not_for_us();
	bad_runs();
	out_of_turn();
	bad_frames();
	return tap_done();
}
