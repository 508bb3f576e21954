#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/err.h"
#include "base/mem.h"
#include "limit.h"
#include "run.h"
#include "run_dict.h"

#define RUN_LEVEL 3
#define RUN_WINDOW_LOG 20 /* the largest window a peer may use, 1 MiB */

struct run_builder {
	struct buf plain;        /* packed so far */
	struct changeset before; /* the last one added */
	int64_t first;           /* 0: nothing was added */
	ZSTD_CCtx *zstd;
	ZSTD_CDict *dict;
};

int
run_check(const struct run *run, struct err *err)
{
	size_t max = run->first == run->last ? LIMIT_RUN_ONE : LIMIT_RUN;

	if (run->first < 1 || run->last < run->first || run->last > LIMIT_SEQ)
		return err_set(err, YZ_EPEER, "a run from %lld to %lld",
		    (long long)run->first, (long long)run->last);
	if (run->plain < 1 || run->plain > max)
		return err_set(err, YZ_EPEER, "a run of %zu bytes is over %zu",
		    run->plain, max);
	if (run->size < 1 || run->size > RUN_SIZE_MAX(run->plain))
		return err_set(err, YZ_EPEER, "a run of %zu bytes in %zu",
		    run->plain, run->size);
	return 0;
}

struct run_builder *
run_builder_new(void)
{
	return mem_calloc(1, sizeof(struct run_builder));
}

void
run_builder_free(struct run_builder *b)
{
	if (b == NULL)
		return;
	buf_free(&b->plain);
	changeset_free(&b->before);
	ZSTD_freeCCtx(b->zstd);
	ZSTD_freeCDict(b->dict);
	free(b);
}

bool
run_add(struct run_builder *b, struct changeset *cs)
{
	size_t len = b->plain.len;
	bool some = b->first != 0;

	assert(!some || (cs->seq == b->before.seq + 1 &&
			    chain_equal(&cs->chain, &b->before.chain)));
	changeset_pack(&b->plain, cs, some ? &b->before : NULL);
	if (some && b->plain.len > LIMIT_RUN) {
		b->plain.len = len;
		return false;
	}
	if (!some)
		b->first = cs->seq;
	changeset_free(&b->before);
	b->before = *cs;
	*cs = (struct changeset)CHANGESET_INIT;
	return true;
}

int
run_finish(
    struct run_builder *b, struct run *run, struct buf *out, struct err *err)
{
	size_t bound = ZSTD_compressBound(b->plain.len), n;
	uint8_t *room = mem_alloc(bound);

	assert(b->first != 0);
	if (b->zstd == NULL) { /* most sessions have nothing to send */
		b->zstd = ZSTD_createCCtx();
		b->dict =
		    ZSTD_createCDict(run_dict, sizeof(run_dict) - 1, RUN_LEVEL);
		assert(b->zstd != NULL && b->dict != NULL);
	}
	n = ZSTD_compress_usingCDict(
	    b->zstd, room, bound, b->plain.b, b->plain.len, b->dict);
	buf_clear(out);
	if (!ZSTD_isError(n))
		buf_put(out, room, n);
	free(room);
	run->chain = b->before.chain;
	run->first = b->first;
	run->last = b->before.seq;
	run->plain = b->plain.len;
	run->size = out->len;
	digest_sha256(&run->hash, out->b, out->len);
	buf_clear(&b->plain);
	changeset_free(&b->before);
	b->before = (struct changeset)CHANGESET_INIT;
	b->first = 0;
	if (ZSTD_isError(n))
		return err_set(err, YZ_EIO, "zstd: %s", ZSTD_getErrorName(n));
	return 0;
}

/* Made once: the dictionary never changes. */
static ZSTD_DCtx *
decompressor(void)
{
	static ZSTD_DCtx *ctx;
	size_t rc;

	if (ctx != NULL)
		return ctx;
	ctx = ZSTD_createDCtx();
	assert(ctx != NULL);
	rc = ZSTD_DCtx_setParameter(ctx, ZSTD_d_windowLogMax, RUN_WINDOW_LOG);
	assert(!ZSTD_isError(rc));
	rc = ZSTD_DCtx_loadDictionary(ctx, run_dict, sizeof(run_dict) - 1);
	assert(!ZSTD_isError(rc));
	return ctx;
}

/*
 * The window that a frame asks for (RFC 8878, 3.1.1.1): ZSTD_decompressDCtx()
 * needs none and so checks none, but another receiver may.  A frame of a
 * single segment has its content for a window.
 */
static bool
window_good(const uint8_t *p, size_t n)
{
	uint64_t base;

	if (n < 6)
		return false;
	if (p[4] & 0x20)
		return true;
	base = 1ull << (10 + (p[5] >> 3));
	return base + base / 8 * (p[5] & 7) <= 1ull << RUN_WINDOW_LOG;
}

int
run_open(struct buf *plain, const struct run *run, const void *data, size_t n,
    struct err *err)
{
	struct digest hash;
	uint8_t *room;
	size_t got;

	digest_sha256(&hash, data, n);
	if (n != run->size || !digest_equal(&hash, &run->hash))
		return err_set(err, YZ_ECORRUPT,
		    "the run's bytes do not hash to its name");
	if (ZSTD_findFrameCompressedSize(data, n) != n)
		return err_set(
		    err, YZ_ECORRUPT, "the run is not one zstd frame");
	if (!window_good(data, n))
		return err_set(err, YZ_ECORRUPT,
		    "the run's zstd frame asks for a window over 2^%d bytes",
		    RUN_WINDOW_LOG);
	/* zstd gets room for what was announced and not a byte more. */
	room = mem_alloc(run->plain);
	got = ZSTD_decompressDCtx(decompressor(), room, run->plain, data, n);
	buf_clear(plain);
	if (!ZSTD_isError(got))
		buf_put(plain, room, got);
	free(room);
	if (ZSTD_isError(got))
		return err_set(err, YZ_ECORRUPT,
		    "the run does not inflate to %zu bytes: %s", run->plain,
		    ZSTD_getErrorName(got));
	if (got != run->plain)
		return err_set(err, YZ_ECORRUPT,
		    "the run inflates to %zu bytes, not %zu", got, run->plain);
	return 0;
}
