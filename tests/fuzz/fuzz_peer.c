/*
 * Bytes into a peer machine.  The first byte of the input says in which
 * state it is when they come: 0 hello, 1 roster, 2 heads, 3 runs, 4 watch.
 * Whatever they are, the machine answers 0 or an error and, once closed,
 * stays closed; a station never holds more than its chains say it does; and
 * memory stays bounded (libFuzzer's limit).
 */
#include "config.h"

#include <assert.h>

#include "../memory.h"
#include "peer_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct both {
	struct memory mine, theirs;
	struct peer_store s[2];
	struct peer *p, *q;
};

static void
start(struct both *b, enum peer_purpose purpose)
{
	struct peer_options opt;
	struct err err;

	memory_init(&b->mine, "520302", "520300");
	memory_init(&b->theirs, "520300", "520302");
	memory_write(&b->mine, "520302-1f0c9a7e/command@520302", "a", 20);
	memory_write(&b->theirs, "520300-1f0c9a7e/resource", "b", 20);
	memory_store(&b->s[0], &b->mine);
	memory_store(&b->s[1], &b->theirs);
	memset(&opt, 0, sizeof(opt));
	opt.caller = true;
	opt.purpose = purpose;
	memcpy(opt.self, "520302", 7);
	memcpy(opt.other, "520300", 7);
	if (peer_new(&b->p, &opt, &b->s[0], 1, &err) != 0)
		abort();
	opt.caller = false;
	memcpy(opt.self, "520300", 7);
	memcpy(opt.other, "520302", 7);
	if (peer_new(&b->q, &opt, &b->s[1], 1, &err) != 0)
		abort();
}

/* Let both talk until ours is in that state. */
static void
until(struct both *b, enum peer_state state)
{
	int64_t now = 1;
	struct err err;

	while (b->p->state != state) {
		struct buf *out = peer_output(b->q);

		now++;
		/* Frame by frame, so that no state is skipped. */
		while (out->len > 0 && b->p->state != state) {
			size_t n = 3 + ((size_t)out->b[1] << 8 | out->b[2]);

			if (peer_receive(b->p, out->b, n, now, &err) != 0)
				abort();
			buf_drop(out, n);
		}
		out = peer_output(b->p);
		if (peer_receive(b->q, out->b, out->len, now, &err) != 0)
			abort();
		buf_drop(out, out->len);
		if (peer_commit(b->p, &err) != 0 ||
		    peer_commit(b->q, &err) != 0 ||
		    peer_send(b->q, now, &err) != 0)
			abort();
		if (b->p->state != state && peer_send(b->p, now, &err) != 0)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum peer_state states[] = {
	    PEER_HELLO, PEER_ROSTER, PEER_HEADS, PEER_RUNS, PEER_WATCHING};
	struct both b;
	struct err err;
	size_t at, n;
	int rc = 0;

	if (size < 1 || data[0] > 4)
		return 0;
	memset(&b, 0, sizeof(b));
	start(&b, data[0] == 4 ? PEER_WATCH : PEER_SYNC);
	until(&b, states[data[0]]);
	/* In pieces, as a link would bring them. */
	for (at = 1; at < size && rc == 0; at += n) {
		n = size - at > 1000 ? 1000 : size - at;
		rc = peer_receive(b.p, data + at, n, 100, &err);
		if (rc == 0)
			rc = peer_commit(b.p, &err);
		if (rc == 0)
			rc = peer_send(b.p, 100, &err);
		buf_clear(peer_output(b.p));
	}
	assert(rc == 0 || peer_over(b.p));
	assert(b.mine.n_chains <= MEMORY_CHAINS);
	peer_close(b.p);
	peer_close(b.q);
	peer_free(b.p);
	peer_free(b.q);
	memory_free(&b.mine);
	memory_free(&b.theirs);
	return 0;
}
