/*
 * Goal of this test: the bounds of limit.h hold to the byte: N - 1 and N
 * pass, N + 1 is refused, by the door that each stands at.  (Runs: test_run;
 * what a peer says: threat/t05_bombs.)
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "changeset.h"
#include "frame.h"
#include "limit.h"
#include "local_link.h"
#include "op.h"
#include "tap.h"

#define OP_BEGIN \
	"{\"id\":\"520302-00000000000000000000000000000001\",\"kind\":\"team\","

static struct err err;

static void
fill(struct buf *b, int c, size_t n)
{
	while (n-- > 0)
		buf_putc(b, (char)c);
}

/* Each: 0 if n is taken. */

static int
ops_count(size_t n)
{
	struct buf text = BUF_INIT;
	struct ops ops;
	size_t i;
	int rc;

	for (i = 0; i < n; i++)
		buf_puts(&text, OP_BEGIN "\"set\":{\"a\":1}}\n");
	rc = ops_parse(&ops, buf_str(&text), text.len, &err);
	if (rc == 0)
		ops_free(&ops);
	buf_free(&text);
	return rc;
}

static int
op_with(const char *before, int c, size_t n, const char *after)
{
	struct buf text = BUF_INIT;
	struct ops ops;
	int rc;

	buf_puts(&text, before);
	fill(&text, c, n);
	buf_puts(&text, after);
	rc = ops_parse(&ops, buf_str(&text), text.len, &err);
	if (rc == 0)
		ops_free(&ops);
	buf_free(&text);
	return rc;
}

static int
ops_bytes(size_t n)
{
	const char *before = OP_BEGIN "\"set\":{\"a\":\"", *after = "\"}}\n";

	return op_with(before, 'x', n - strlen(before) - strlen(after), after);
}

static int
field(size_t n)
{
	return op_with(OP_BEGIN "\"set\":{\"", 'f', n, "\":1}}\n");
}

static int
kind(size_t n)
{
	return op_with(
	    "{\"id\":\"520302-00000000000000000000000000000001\",\"kind\":\"",
	    'k', n, "\",\"set\":{\"a\":1}}\n");
}

static int
reason(size_t n)
{
	return op_with("{\"drop\":\"", 'r', n,
	    "\",\"id\":\"520302-00000000000000000000000000000001\","
	    "\"kind\":\"team\"}\n");
}

static int
depth(size_t n)
{
	struct buf text = BUF_INIT;
	struct canon v;
	int rc;

	fill(&text, '[', n);
	fill(&text, ']', n);
	rc = canon_whole(&v, buf_str(&text), text.len, &err);
	buf_free(&text);
	return rc;
}

static int
frame(size_t n)
{
	struct frame_reader r = FRAME_READER_INIT(1u << 2);
	struct buf bytes = BUF_INIT;
	struct frame out;
	int rc;

	buf_put_u8(&bytes, 1);
	buf_put_u16(&bytes, (unsigned)n);
	fill(&bytes, 0, n);
	frame_feed(&r, bytes.b, bytes.len);
	rc = frame_next(&r, &out, &err);
	frame_reader_free(&r);
	buf_free(&bytes);
	return rc == 1 ? 0 : rc;
}

static int
message(size_t n)
{
	struct frame_reader r = FRAME_READER_INIT(1u << 2);
	struct buf bytes = BUF_INIT, whole = BUF_INIT;
	struct frame out;
	int rc;

	fill(&whole, 0, n);
	frame_put(&bytes, 2, whole.b, whole.len);
	frame_feed(&r, bytes.b, bytes.len);
	rc = frame_next(&r, &out, &err);
	frame_reader_free(&r);
	buf_free(&bytes);
	buf_free(&whole);
	return rc == 1 ? 0 : rc;
}

/* A changeset with one thing as long as that. */
static int
changeset(size_t name, size_t subject, size_t seen, int64_t seq, int64_t time)
{
	struct changeset cs = CHANGESET_INIT;
	struct buf text = BUF_INIT;
	const char *chain = "520302-1f0c9a7e/resource";
	size_t i;
	int rc;

	rc = chain_parse(&cs.chain, chain, strlen(chain), &err);
	cs.seq = seq;
	cs.time = time;
	fill(&text, 'n', name);
	cs.author = mem_strdup(buf_str(&text));
	buf_clear(&text);
	fill(&text, 's', subject);
	cs.subject = mem_strdup(buf_str(&text));
	cs.login = mem_strdup("duty1");
	cs.seen = mem_calloc(seen + 1, sizeof(*cs.seen));
	cs.n_seen = seen;
	for (i = 0; i < seen; i++) {
		cs.seen[i].chain = cs.chain;
		snprintf(cs.seen[i].chain.inc, sizeof(cs.seen[i].chain.inc),
		    "%08x", (unsigned)i);
		cs.seen[i].seq = 1;
	}
	if (rc == 0)
		rc = changeset_check(&cs, &err);
	changeset_free(&cs);
	buf_free(&text);
	return rc;
}

static int
name(size_t n)
{
	return changeset(n, 1, 0, 1, 1);
}

static int
subject(size_t n)
{
	return changeset(1, n, 0, 1, 1);
}

static int
seen(size_t n)
{
	return changeset(1, 1, n, 1, 1);
}

static int
seq(size_t n)
{
	return changeset(1, 1, 0, (int64_t)n, 1);
}

static int
when(size_t n)
{
	return changeset(1, 1, 0, 1, (int64_t)n);
}

/* What a peer may send of what is urgent, if nothing else is granted. */
static int
take_hour(size_t n)
{
	struct local_link link = {.code = "520302"};
	struct local_taken taken = {.changesets = (int64_t)n};

	return local_taken_check(&link, &taken, true, &err);
}

static int
take_day(size_t n)
{
	struct local_link link = {.code = "520302"};
	struct local_taken taken = {.bytes = (int64_t)n};

	return local_taken_check(&link, &taken, true, &err);
}

int
main(void)
{
	static const struct {
		const char *what;
		int (*try)(size_t);
		size_t max;
	} limits[] = {
	    {"LIMIT_OPS", ops_count, LIMIT_OPS},
	    {"LIMIT_OPS_BYTES", ops_bytes, LIMIT_OPS_BYTES},
	    {"LIMIT_DEPTH", depth, LIMIT_DEPTH},
	    {"LIMIT_FIELD of a field", field, LIMIT_FIELD},
	    {"LIMIT_FIELD of a kind", kind, LIMIT_FIELD},
	    {"LIMIT_REASON", reason, LIMIT_REASON},
	    {"LIMIT_FRAME", frame, LIMIT_FRAME},
	    {"LIMIT_MESSAGE", message, LIMIT_MESSAGE},
	    {"LIMIT_NAME", name, LIMIT_NAME},
	    {"LIMIT_SUBJECT", subject, LIMIT_SUBJECT},
	    {"LIMIT_SEEN", seen, LIMIT_SEEN},
	    {"LIMIT_SEQ", seq, LIMIT_SEQ},
	    {"LIMIT_TIME_MAX", when, LIMIT_TIME_MAX},
	    {"LIMIT_TAKE_HOUR", take_hour, LIMIT_TAKE_HOUR},
	    {"LIMIT_TAKE_DAY", take_day, LIMIT_TAKE_DAY},
	};
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		size_t max = limits[i].max;
		int rc;

		err.msg[0] = '\0';
		is_int(limits[i].try(max - 1), 0, "%s: one less passes",
		    limits[i].what);
		rc = limits[i].try(max);
		if (!ok(rc == 0, "%s: itself passes", limits[i].what))
			printf("# %s\n", err.msg);
		ok(limits[i].try(max + 1) < 0, "%s: one more is refused: %.80s",
		    limits[i].what, err.msg);
	}
	return tap_done();
}
