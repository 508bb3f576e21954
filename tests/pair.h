/*
 * Two stations in memory and a session between them, for tests of the peer
 * machine: their bytes are carried by hand, as far as the test wants.  And a
 * liar, who leads an honest machine into a session and then tells it anything.
 */
#ifndef PAIR_H
#define PAIR_H

#include "memory.h"
#include "peer_state.h"
#include "tap.h"

#define PAIR_COUNTY "520302-1f0c9a7e/"
#define PAIR_CITY "520300-1f0c9a7e/"
#define PAIR_PROVINCE "520000-1f0c9a7e/"

static int64_t pair_now = 1000;

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

static inline void
pair_end(struct pair *pair, struct end *e, bool caller)
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
	e->rc = peer_new(&e->p, &opt, &pair->s[caller], pair_now, &e->err);
}

static inline void
pair_open(struct pair *pair, struct memory *caller, struct memory *called)
{
	memset(pair, 0, sizeof(*pair));
	pair->caller.m = caller;
	pair->called.m = called;
	pair->caller.limit = pair->called.limit = -1;
	pair_end(pair, &pair->caller, true);
	pair_end(pair, &pair->called, false);
}

static inline void
pair_close(struct pair *pair)
{
	peer_close(pair->caller.p);
	peer_close(pair->called.p);
	peer_free(pair->caller.p);
	peer_free(pair->called.p);
}

/* The number of messages of a type that went out of an end; pair_run() counts
 * what pair_carry() moves. */
static int pair_messages[2][64];

static inline void
pair_count(const struct buf *out, size_t n, bool caller)
{
	size_t at = 0;

	while (at + 3 <= n) {
		pair_messages[caller][out->b[at] & 63]++;
		at += 3 + ((size_t)out->b[at + 1] << 8 | out->b[at + 2]);
	}
}

/* Carry what one said to the other; true if anything moved. */
static inline bool
pair_carry(struct end *from, struct end *to)
{
	struct buf *out = peer_output(from->p);
	size_t n = out->len;

	if (from->limit >= 0 && (int64_t)n > from->limit - from->said)
		n = (size_t)(from->limit - from->said);
	if (n == 0)
		return false;
	if (to->rc == 0)
		to->rc = peer_receive(to->p, out->b, n, pair_now, &to->err);
	pair_count(out, n, from->p->opt.caller);
	buf_drop(out, n);
	from->said += (int64_t)n;
	return true;
}

static inline void
pair_turn(struct end *e)
{
	if (e->rc == 0 &&
	    (peer_quiet(e->p) || peer_staged(e->p) > (256u << 10)))
		e->rc = peer_commit(e->p, &e->err);
	if (e->rc == 0)
		e->rc = peer_send(e->p, pair_now, &e->err);
}

/* Until nothing moves any more. */
static inline void
pair_run(struct pair *pair)
{
	int still = 0;

	while (still < 3) {
		bool moved;

		pair_now++;
		pair_turn(&pair->caller);
		pair_turn(&pair->called);
		moved = pair_carry(&pair->caller, &pair->called);
		moved |= pair_carry(&pair->called, &pair->caller);
		still = moved ? 0 : still + 1;
	}
}

/* A whole session. */
static inline void
pair_sync(struct memory *caller, struct memory *called, struct pair *pair)
{
	memset(pair_messages, 0, sizeof(pair_messages));
	pair_open(pair, caller, called);
	pair_run(pair);
}

static inline void
pair_is_done(struct pair *pair, const char *what)
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
static inline void
pair_fill(struct memory *county, struct memory *city, int n)
{
	int i;

	memory_init(county, "520302", "520300");
	memory_init(city, "520300", "520302");
	for (i = 0; i < n; i++) {
		memory_write(county, PAIR_COUNTY "command@520302", "续报", 300);
		memory_write(
		    county, PAIR_COUNTY "oversight@520302", "登记", 2000);
		memory_write(city, PAIR_CITY "command@520302", "任务", 700);
		memory_write(city, PAIR_PROVINCE "roster", "kinds", 900);
		memory_write(city, PAIR_CITY "resource", "登记", 1500);
		/* Not for this county: */
		memory_write(city, PAIR_CITY "command@520303", "登记", 100);
	}
	memory_write(county, PAIR_COUNTY "resource", "大", LIMIT_OPS_BYTES);
}

/* --- a peer that says what it likes ----------------------------------------
 */

/* Say one message to a machine in the runs state, after a good session has
 * got it there. */
struct liar {
	struct memory m, other;
	struct pair pair;
	struct buf b;
};

static inline void
liar_begin(struct liar *l)
{
	memset(l, 0, sizeof(*l));
	memory_init(&l->m, "520302", "520300");
	memory_init(&l->other, "520300", "520302");
	memory_write(&l->m, PAIR_COUNTY "resource", "登记", 10);
	pair_open(&l->pair, &l->m, &l->other);
	l->pair.caller.limit = 1 << 20;
	/* The other end is cut off once the county is in the runs state. */
	while (l->pair.caller.p->state != PEER_RUNS) {
		pair_now++;
		pair_carry(&l->pair.called, &l->pair.caller);
		pair_carry(&l->pair.caller, &l->pair.called);
		pair_turn(&l->pair.called);
	}
}

static inline int
liar_say(struct liar *l, unsigned type)
{
	struct end *e = &l->pair.caller;
	struct buf out = BUF_INIT;

	frame_put(&out, type, l->b.b, l->b.len);
	buf_clear(&l->b);
	if (e->rc == 0)
		e->rc = peer_receive(e->p, out.b, out.len, pair_now, &e->err);
	buf_free(&out);
	return e->rc;
}

static inline void
liar_end(struct liar *l)
{
	pair_close(&l->pair);
	memory_free(&l->m);
	memory_free(&l->other);
	buf_free(&l->b);
}

static inline void
liar_put_run(struct liar *l, const char *chain, int64_t first, int64_t last,
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
static inline void
liar_make_run(struct buf *out, struct run *run, const char *chain)
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

#endif
