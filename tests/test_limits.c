/*
 * Goal of this test: the bounds of limit.h on changesets, canonical JSON and
 * frames hold to the byte: N - 1 and N pass, N + 1 is refused, by the door
 * that each stands at; and every bound that there is has such a row in one of
 * the tests (test_limits_*: rosters, sessions, files, a replica).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "changeset.h"
#include "frame.h"
#include "limits.h"
#include "local_link.h"
#include "op.h"
#include "sample.h"

#define OP_BEGIN \
	"{\"id\":\"520302-00000000000000000000000000000001\",\"kind\":\"team\","

static void
fill(struct buf *b, int c, size_t n)
{
	while (n-- > 0)
		buf_putc(b, (char)c);
}

/* Each: 0 if n is taken. */

static int
ops_count(int64_t n, struct err *err)
{
	struct buf text = BUF_INIT;
	struct ops ops;
	int64_t i;
	int rc;

	for (i = 0; i < n; i++)
		buf_puts(&text, OP_BEGIN "\"set\":{\"a\":1}}\n");
	rc = ops_parse(&ops, buf_str(&text), text.len, err);
	if (rc == 0)
		ops_free(&ops);
	buf_free(&text);
	return rc;
}

static int
op_with(const char *before, int c, size_t n, const char *after, struct err *err)
{
	struct buf text = BUF_INIT;
	struct ops ops;
	int rc;

	buf_puts(&text, before);
	fill(&text, c, n);
	buf_puts(&text, after);
	rc = ops_parse(&ops, buf_str(&text), text.len, err);
	if (rc == 0)
		ops_free(&ops);
	buf_free(&text);
	return rc;
}

static int
ops_bytes(int64_t n, struct err *err)
{
	const char *before = OP_BEGIN "\"set\":{\"a\":\"", *after = "\"}}\n";

	return op_with(before, 'x', (size_t)n - strlen(before) - strlen(after),
	    after, err);
}

static int
field(int64_t n, struct err *err)
{
	return op_with(OP_BEGIN "\"set\":{\"", 'f', (size_t)n, "\":1}}\n", err);
}

static int
kind(int64_t n, struct err *err)
{
	return op_with(
	    "{\"id\":\"520302-00000000000000000000000000000001\",\"kind\":\"",
	    'k', (size_t)n, "\",\"set\":{\"a\":1}}\n", err);
}

static int
reason(int64_t n, struct err *err)
{
	return op_with("{\"drop\":\"", 'r', (size_t)n,
	    "\",\"id\":\"520302-00000000000000000000000000000001\","
	    "\"kind\":\"team\"}\n",
	    err);
}

static int
depth(int64_t n, struct err *err)
{
	struct buf text = BUF_INIT;
	struct canon v;
	int rc;

	fill(&text, '[', (size_t)n);
	fill(&text, ']', (size_t)n);
	rc = canon_whole(&v, buf_str(&text), text.len, err);
	buf_free(&text);
	return rc;
}

static int
frame(int64_t n, struct err *err)
{
	struct frame_reader r = FRAME_READER_INIT(1u << 2);
	struct buf bytes = BUF_INIT;
	struct frame out;
	int rc;

	buf_put_u8(&bytes, 1);
	buf_put_u16(&bytes, (unsigned)n);
	fill(&bytes, 0, (size_t)n);
	frame_feed(&r, bytes.b, bytes.len);
	rc = frame_next(&r, &out, err);
	frame_reader_free(&r);
	buf_free(&bytes);
	return rc == 1 ? 0 : rc;
}

static int
message(int64_t n, struct err *err)
{
	struct frame_reader r = FRAME_READER_INIT(1u << 2);
	struct buf bytes = BUF_INIT, whole = BUF_INIT;
	struct frame out;
	int rc;

	fill(&whole, 0, (size_t)n);
	frame_put(&bytes, 2, whole.b, whole.len);
	frame_feed(&r, bytes.b, bytes.len);
	rc = frame_next(&r, &out, err);
	frame_reader_free(&r);
	buf_free(&bytes);
	buf_free(&whole);
	return rc == 1 ? 0 : rc;
}

/* A changeset with one thing as long as that. */
static int
changeset(size_t name, size_t subject, size_t seen, int64_t seq, int64_t time,
    struct err *err)
{
	struct changeset cs = CHANGESET_INIT;
	struct buf text = BUF_INIT;
	const char *chain = "520302-1f0c9a7e/resource";
	size_t i;
	int rc;

	rc = chain_parse(&cs.chain, chain, strlen(chain), err);
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
		rc = changeset_check(&cs, err);
	changeset_free(&cs);
	buf_free(&text);
	return rc;
}

static int
name(int64_t n, struct err *err)
{
	return changeset((size_t)n, 1, 0, 1, 1, err);
}

static int
subject(int64_t n, struct err *err)
{
	return changeset(1, (size_t)n, 0, 1, 1, err);
}

static int
seen(int64_t n, struct err *err)
{
	return changeset(1, 1, (size_t)n, 1, 1, err);
}

static int
seq(int64_t n, struct err *err)
{
	return changeset(1, 1, 0, n, 1, err);
}

static int
when(int64_t n, struct err *err)
{
	return changeset(1, 1, 0, 1, n, err);
}

/* What a peer may send of what is urgent, if nothing else is granted. */
static int
take_hour(int64_t n, struct err *err)
{
	struct local_link link = {.code = "520302"};
	struct local_taken taken = {.changesets = n};

	return local_taken_check(&link, &taken, true, err);
}

static int
take_day(int64_t n, struct err *err)
{
	struct local_link link = {.code = "520302"};
	struct local_taken taken = {.bytes = n};

	return local_taken_check(&link, &taken, true, err);
}

/* --- the text of a commit --------------------------------------------------
 */

/* With all that it may have one has nearly 290,000 bytes, which pass. */
static void
longest(void)
{
	struct changeset cs = CHANGESET_INIT, back;
	struct buf commit = BUF_INIT, name = BUF_INIT;
	struct err err = {0};
	struct sign_key key;
	char chain[CHAIN_NAME_MAX];
	size_t i;
	int rc;

	sample_key(&key);
	sample_fill(
	    &cs, "520302-1f0c9a7e/oversight@520302", LIMIT_SEQ, "x", "");
	free(cs.author);
	free(cs.subject);
	free(cs.login);
	fill(&name, 'n', LIMIT_NAME);
	cs.author = buf_take(&name);
	fill(&name, 's', LIMIT_SUBJECT);
	cs.subject = buf_take(&name);
	fill(&name, 'l', 32);
	cs.login = buf_take(&name);
	cs.time = LIMIT_TIME_MAX;
	cs.kinds = LIMIT_SEQ;
	cs.n_seen = LIMIT_SEEN;
	for (i = 0; i < LIMIT_SEEN; i++) {
		snprintf(chain, sizeof(chain), "520300-%08x/oversight@520302",
		    (unsigned)i);
		sample_place(&cs.seen[i], chain, LIMIT_SEQ, 0xff);
	}
	sample_sign(&cs, &commit);
	rc = changeset_parse(&back, commit.b, commit.len, "", 0, &err);
	ok(rc == 0 && commit.len > 280000 && commit.len < LIMIT_TEXT,
	    "the longest changeset has %zu bytes and passes", commit.len);
	if (rc == 0)
		changeset_free(&back);
	changeset_free(&cs);
	buf_free(&commit);
}

/* None is longer; so up to the bound it is read, and found to be none. */
static int
text(int64_t n, struct err *err)
{
	struct buf commit = BUF_INIT;
	struct changeset cs;
	int rc;

	buf_puts(&commit, "tree ");
	fill(&commit, 'a', (size_t)n - commit.len);
	rc = changeset_parse(&cs, commit.b, commit.len, "", 0, err);
	buf_free(&commit);
	return limits_only(rc, err, "is over 327680");
}

/* --- all of them -----------------------------------------------------------
 */

/* Not what comes from outside: nothing to refuse. */
static const char *const settings[] = {
    "LIMIT_CACHE_KIB", /* test_limits_files sees what is kept */
};

static const char *const tables[] = {"test_limits.c", "test_limits_chains.c",
    "test_limits_enrol.c", "test_limits_files.c", "test_limits_replica.c",
    "test_limits_roster.c", "test_limits_session.c", "test_backup_key.c",
    "test_roster_fetch.c"};

static void
read_source(struct buf *out, const char *folder, const char *name)
{
	const char *top = getenv("top_srcdir");
	char *path =
	    mem_printf("%s/%s/%s", top == NULL ? "." : top, folder, name);
	struct err err;

	if (file_read(out, path, 1 << 20, &err) != 0) {
		printf("Bail out! %s\n", err.msg);
		exit(1);
	}
	free(path);
}

/* Every #define of limit.h, in the rows of these tests. */
static void
complete(void)
{
	struct buf limits = BUF_INIT, rows = BUF_INIT;
	size_t i, n = 0, missing = 0;
	char *s, *next;

	read_source(&limits, "sync", "limit.h");
	for (i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		read_source(&rows, "tests", tables[i]);
	for (s = strstr(buf_str(&limits), "#define LIMIT_"); s != NULL;
	     s = strstr(next, "#define LIMIT_")) {
		char *row;

		s += strlen("#define ");
		next = s + strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
		row = mem_printf("{LIMIT(%.*s),", (int)(next - s), s);
		n++;
		for (i = 0; i < sizeof(settings) / sizeof(*settings); i++)
			if (strncmp(settings[i], s, (size_t)(next - s)) == 0)
				break;
		if (i == sizeof(settings) / sizeof(*settings) &&
		    strstr(buf_str(&rows), row) == NULL) {
			printf("# %.*s\n", (int)(next - s), s);
			missing++;
		}
		free(row);
	}
	ok(n > 40 && missing == 0, "each of %zu bounds is tried by a test", n);
	buf_free(&limits);
	buf_free(&rows);
}

int
main(void)
{
	static const struct limits_row rows[] = {
	    {LIMIT(LIMIT_OPS), "operations", "over 500 ops", ops_count},
	    {LIMIT(LIMIT_OPS_BYTES), "bytes of operations",
		"65537 bytes are over 65536", ops_bytes},
	    {LIMIT(LIMIT_DEPTH), "nesting of JSON", "nested too deep", depth},
	    {LIMIT(LIMIT_FIELD), "bytes of a field's name",
		"a field's name is malformed", field},
	    {LIMIT(LIMIT_FIELD), "bytes of a kind's name", "a malformed kind",
		kind},
	    {LIMIT(LIMIT_REASON), "bytes of a drop's reason",
		"501 bytes is over 500", reason},
	    {LIMIT(LIMIT_FRAME), "bytes of a frame",
		"16385 bytes is over 16384", frame},
	    {LIMIT(LIMIT_MESSAGE), "bytes of a message", "over 4194304 bytes",
		message},
	    {LIMIT(LIMIT_NAME), "bytes of a person's name", "of 1 to 100 bytes",
		name},
	    {LIMIT(LIMIT_SUBJECT), "bytes of a subject", "of 1 to 200 bytes",
		subject},
	    {LIMIT(LIMIT_SEEN), "Seen lines", "4097 Seen lines are over 4096",
		seen},
	    {LIMIT(LIMIT_SEQ), "a seq", "is out of range", seq},
	    {LIMIT(LIMIT_TIME_MAX), "a time", "is out of range", when},
	    {LIMIT(LIMIT_TAKE_HOUR), "changesets an hour",
		"over 500000 changesets", take_hour},
	    {LIMIT(LIMIT_TAKE_DAY), "bytes a day", "over 4294967296 bytes",
		take_day},
	    {LIMIT(LIMIT_TEXT), "bytes of a commit", "is over 327680", text},
	};

	limits_run(rows, sizeof(rows) / sizeof(*rows));
	longest();
	complete();
	return tap_done();
}
