/*
 * Goal of this test: runs.  What is packed comes out the same; one too large
 * is cut at a changeset's edge; the same changesets give the same bytes, so
 * that a partial run can be gone on with; and bytes that inflate beyond what
 * they say, or were altered, are refused.
 */
#include "config.h"

#include <zstd.h>

#include "memory.h"
#include "run.h"
#include "tap.h"

#define CHAIN "520302-1f0c9a7e/command@520302"

static void
build(struct run *run, struct buf *out, struct memory *m, size_t from)
{
	struct run_builder *b = run_builder_new();
	struct memory_chain *c = &m->chains[0];
	struct err err;
	size_t i;

	for (i = from; i < c->n; i++) {
		struct changeset cs;
		bool in;

		memory_copy(&cs, &c->cs[i]);
		in = run_add(b, &cs);
		changeset_free(&cs);
		if (!in)
			break;
	}
	is_int(run_finish(b, run, out, &err), 0, "a run from %zu", from + 1);
	run_builder_free(b);
}

static void
there_and_back(void)
{
	struct buf out = BUF_INIT, again = BUF_INIT, plain = BUF_INIT;
	struct run run, run2;
	struct memory m;
	struct err err = {0};
	struct buf_reader in;
	struct changeset cs[2] = {CHANGESET_INIT, CHANGESET_INIT};
	size_t i, same = 0;

	memory_init(&m, "520302", "520300");
	for (i = 0; i < 100; i++)
		memory_write(&m, CHAIN, "登记", 1000);
	build(&run, &out, &m, 0);
	ok(run.first == 1 && run.last > 50 && run.last < 66,
	    "it is full before the end (%lld)", (long long)run.last);
	ok(run.plain <= LIMIT_RUN, "and under 64 KiB plain");
	is_int(run_check(&run, &err), 0, "its numbers are within limits");
	is_int(run_open(&plain, &run, out.b, out.len, &err), 0, "it opens");
	buf_reader_init(&in, plain.b, plain.len);
	for (i = 0; i < (size_t)run.last; i++) {
		struct changeset *now = &cs[i % 2];

		changeset_free(now);
		*now = (struct changeset)CHANGESET_INIT;
		now->chain = run.chain;
		now->seq = (int64_t)i + 1;
		now->prev = m.chains[0].cs[i].prev;
		memcpy(now->parent_oid, m.chains[0].cs[i].parent_oid, 20);
		if (changeset_unpack(
			now, &in, i == 0 ? NULL : &cs[(i + 1) % 2], &err) != 0)
			break;
		changeset_derive(now);
		same += digest_equal(&now->id, &m.chains[0].cs[i].id);
	}
	is_int(same, run.last, "every changeset has its id again");
	is_int(buf_reader_left(&in), 0, "and nothing is left over");
	build(&run2, &again, &m, 0);
	ok(digest_equal(&run.hash, &run2.hash),
	    "built again it has the same bytes");
	memory_write(&m, CHAIN, "大", LIMIT_OPS_BYTES);
	build(&run2, &again, &m, 100);
	ok(run2.first == run2.last && run2.plain > LIMIT_RUN &&
		run_check(&run2, &err) == 0,
	    "a large changeset is a run by itself");
	changeset_free(&cs[0]);
	changeset_free(&cs[1]);
	memory_free(&m);
	buf_free(&out);
	buf_free(&again);
	buf_free(&plain);
}

/* Bytes of n zeros, compressed, and what a peer says of them. */
static void
bomb(struct run *run, struct buf *out, size_t n, size_t said)
{
	uint8_t *zeros = mem_calloc(1, n), *room;
	size_t bound = ZSTD_compressBound(n), len;

	room = mem_alloc(bound);
	len = ZSTD_compress(room, bound, zeros, n, 19);
	buf_clear(out);
	buf_put(out, room, len);
	memset(run, 0, sizeof(*run));
	run->first = run->last = 1;
	run->plain = said;
	run->size = len;
	digest_sha256(&run->hash, room, len);
	free(zeros);
	free(room);
}

static void
refusals(void)
{
	struct buf out = BUF_INIT, plain = BUF_INIT;
	struct run run;
	struct memory m;
	struct err err = {0};

	bomb(&run, &out, 64u << 20, LIMIT_RUN_ONE);
	is_int(run_open(&plain, &run, out.b, out.len, &err), YZ_ECORRUPT,
	    "64 MiB in %zu bytes are refused", out.len);
	bomb(&run, &out, 100, 101);
	is_int(run_open(&plain, &run, out.b, out.len, &err), YZ_ECORRUPT,
	    "fewer bytes than said are refused");
	bomb(&run, &out, 101, 100);
	is_int(run_open(&plain, &run, out.b, out.len, &err), YZ_ECORRUPT,
	    "more bytes than said are refused");
	bomb(&run, &out, 100, 100);
	is_int(run_open(&plain, &run, out.b, out.len, &err), 0,
	    "just as many are not");
	out.b[out.len - 1] ^= 1;
	is_int(run_open(&plain, &run, out.b, out.len, &err), YZ_ECORRUPT,
	    "an altered byte is refused");
	buf_puts(&out, "x");
	run.size = out.len;
	out.b[out.len - 2] ^= 1;
	digest_sha256(&run.hash, out.b, out.len);
	is_int(run_open(&plain, &run, out.b, out.len, &err), YZ_ECORRUPT,
	    "bytes after the frame are refused");

	memory_init(&m, "520302", "520300");
	memory_write(&m, CHAIN, "a", 10);
	memory_write(&m, CHAIN, "b", 10);
	build(&run, &out, &m, 0);
	run.plain = LIMIT_RUN;
	run.size = 100;
	is_int(run_check(&run, &err), 0, "64 KiB of two is allowed");
	run.plain++;
	is_int(run_check(&run, &err), YZ_EPEER, "one byte more is not");
	run.last = run.first;
	is_int(run_check(&run, &err), 0, "but it is for a single one");
	run.plain = LIMIT_RUN_ONE + 1;
	is_int(run_check(&run, &err), YZ_EPEER, "up to 512 KiB");
	run.plain = 100;
	run.size = RUN_SIZE_MAX(100) + 1;
	is_int(run_check(&run, &err), YZ_EPEER, "compressed must be smaller");
	run.size = 0;
	is_int(run_check(&run, &err), YZ_EPEER, "but not nothing");
	run.size = 100;
	run.last = run.first - 1;
	is_int(run_check(&run, &err), YZ_EPEER, "last is not before first");
	memory_free(&m);
	buf_free(&out);
	buf_free(&plain);
}

int
main(void)
{
	there_and_back();
	refusals();
	return tap_done();
}
