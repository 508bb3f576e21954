/*
 * Goal of this test: threat T05, bombs.  A station that is on the roster
 * sends to the real program, "yizhan peer", what is small on the wire and
 * large inside, or endless, or deep, or says that it is: through frames,
 * rosters, lists, runs, changesets and blobs.  Each is refused with one
 * line, nothing of it is kept, the receiver never takes 64 MB, and afterwards
 * an honest session completes.  So too with what is large and allowed.
 *
 * "t05_bombs TRACE" does the same through the relay and the receiver's socket
 * (t05_receiver.sh), and says in TRACE which files were touched.
 *
 *	T05_EVERY=N	every Nth bomb only, where that takes long
 */
#include "config.h"

#include <zstd.h>

#include "../world.h"

#include "../fleet.h"
#include "../forge.h"
#include "frame.h"
#include "puppet.h"
#include "receiver.h"
#include "run.h"

#define PEAK_MAX (64 * 1024) /* KiB */
#define PEAK_RECEIVER 300000 /* with strace */

enum { /* PROTOCOL.md, section 2 */
	HELLO = 1,
	ROSTER,
	SETTLED,
	JOIN,
	HEADS = 6,
	LIST,
	PARTIALS,
	RUN,
	DATA,
	HELD,
	ACK,
	REFUSE,
	WANT = 15,
	BLOB,
	BLOBDATA,
	RECEIPT = 19,
	DONE,
	PING
};

static struct fleet f;
static struct {
	long peak; /* KiB */
	int64_t ms;
	const char *slow;
} worst;               /* of all bombs */
static struct pen pen; /* the caller's chain, written as it likes */

static void
fill(struct buf *b, int c, size_t n)
{
	size_t at = b->len;

	while (b->len - at < n)
		buf_putc(b, (char)c);
}

/* --- frames and greetings --------------------------------------------------
 */

static void
frame_too_long(struct buf *out, size_t arg)
{
	buf_put_u8(out, HELLO);
	buf_put_u16(out, (unsigned)arg);
	fill(out, 'x', arg);
}

static void
endless(struct buf *out, size_t type)
{
	size_t i;

	for (i = 0; i < 300; i++) {
		buf_put_u8(out, (unsigned)type | FRAME_MORE);
		buf_put_u16(out, LIMIT_FRAME);
		fill(out, 0, LIMIT_FRAME);
	}
}

static void
empty_pieces(struct buf *out, size_t type)
{
	size_t i;

	for (i = 0; i < 100000; i++) {
		buf_put_u8(out, (unsigned)type | FRAME_MORE);
		buf_put_u16(out, 0);
	}
}

static void
mixed(struct buf *out, size_t type)
{
	buf_put_u8(out, (unsigned)type | FRAME_MORE);
	buf_put_u16(out, 1);
	buf_putc(out, 'x');
	frame_put(out, PING, "", 1);
}

static void
zeros(struct buf *out, size_t n)
{
	fill(out, 0, n);
}

static void
bare(struct buf *out, size_t type)
{
	frame_put(out, (unsigned)type, "", 0);
}

static void
noise(struct buf *out, size_t type)
{
	struct buf b = BUF_INIT;
	uint32_t x = 1;
	int i;

	for (i = 0; i < 16000; i++) {
		x = x * 1103515245u + 12345u;
		buf_put_u8(&b, x >> 16 & 255);
	}
	frame_put(out, (unsigned)type, b.b, b.len);
	buf_free(&b);
}

/* A Hello that says so many rosters follow, and has bytes for so many. */
static void
hello_with(struct buf *out, size_t scopes, size_t bytes)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, "YIZHAN");
	buf_put_u8(&b, 1);
	buf_put_u8(&b, 1);
	buf_puts(&b, f.at[1].code);
	buf_put_u8(&b, 0);
	buf_put_varint(&b, WORLD_START);
	buf_put_varint(&b, 0);
	buf_put_u8(&b, 0);
	buf_put_varint(&b, scopes);
	fill(&b, 1, bytes);
	frame_put(out, HELLO, b.b, b.len);
	buf_free(&b);
}

static void
hello(struct buf *out, size_t scopes)
{
	hello_with(out, scopes, 200);
}

/* Each has a name of one byte, a version, a hash, and is contested. */
static void
hello_of(struct buf *out, size_t scopes)
{
	hello_with(out, scopes, scopes * (2 + 1 + 32 + 1));
}

static void
hello_by_another(struct buf *out, size_t arg)
{
	(void)arg;
	hello(out, 0);
	memcpy(out->b + 3 + 8, "529999", 6);
}

/* --- rosters: JSON ---------------------------------------------------------
 */

/* BEFORE, then ONE so many times, then AFTER, as the text of a document. */
static void
document(struct buf *out, const char *before, const char *one, size_t times,
    const char *after)
{
	struct buf text = BUF_INIT, b = BUF_INIT;
	size_t i;

	buf_puts(&text, before);
	for (i = 0; i < times; i++)
		buf_puts(&text, one);
	buf_puts(&text, after);
	buf_put_string(&b, text.b, text.len);
	buf_put_varint(&b, 0);
	frame_put(out, ROSTER, b.b, b.len);
	buf_free(&text);
	buf_free(&b);
}

static void
deep(struct buf *out, size_t n)
{
	document(out, "", "[", n, "\n");
}

static void
deep_objects(struct buf *out, size_t n)
{
	document(out, "", "{\"a\":", n, "\n");
}

static void
long_text(struct buf *out, size_t n)
{
	document(out, "{\"auditors\":\"", "xxxxxxxxxxxxxxxx", n / 16, "\"}\n");
}

static void
one_key(struct buf *out, size_t n)
{
	document(out, "{", "\"a\":1,", n, "\"a\":1}\n");
}

static void
many_stations(struct buf *out, size_t n)
{
	document(out,
	    "{\"auditors\":[],\"prev\":\"\",\"root\":\"520000\","
	    "\"root_keys\":[],\"scope\":\"root\",\"stations\":[",
	    "{},", n, "{}],\"threshold\":1,\"version\":3}\n");
}

static void
huge_number(struct buf *out, size_t n)
{
	document(out, "{\"version\":", "9", n, "}\n");
}

static void
exponent(struct buf *out, size_t n)
{
	(void)n;
	document(out, "{\"version\":1e999999999}\n", "", 0, "");
}

static void
escapes(struct buf *out, size_t n)
{
	document(out, "{\"auditors\":\"", "\\u0000", n, "\"}\n");
}

static void
many_signatures(struct buf *out, size_t n)
{
	struct roster_doc doc;
	struct buf b = BUF_INIT;
	struct err err;

	must(replica_roster_doc(f.at[1].r, &doc, "root", 0, &err), &err, "doc");
	buf_put_string(&b, doc.text.b, doc.text.len);
	buf_put_varint(&b, n);
	fill(&b, 7, 96 * (n < 20000 ? n : 20000));
	frame_put(out, ROSTER, b.b, b.len);
	buf_free(&b);
	roster_doc_free(&doc);
}

/* The next root document, signed by the caller alone. */
static void
own_roster(struct buf *out, size_t arg)
{
	const struct sign_key *key = &f.at[1].sign;
	char *prev, *version, hex[DIGEST_HEX_LEN + 1];
	struct roster_doc doc;
	struct buf b = BUF_INIT;
	struct err err;

	(void)arg;
	must(replica_roster_doc(f.at[1].r, &doc, "root", 0, &err), &err, "doc");
	digest_hex(hex, doc.hash.b, sizeof(doc.hash.b));
	prev = strstr(buf_str(&doc.text), "\"prev\":\"");
	memcpy(prev + 8, hex, DIGEST_HEX_LEN);
	version = strstr(prev, "\"version\":2");
	version[10] = '3';
	memcpy(doc.sigs[0].key, key->pub, 32);
	must(sign_make(doc.sigs[0].sig, key, SIGN_NS_ROSTER, doc.text.b,
		 doc.text.len, &err),
	    &err, "sign");
	roster_doc_pack(&b, &doc);
	frame_put(out, ROSTER, b.b, b.len);
	buf_free(&b);
	roster_doc_free(&doc);
}

/* --- heads and lists --------------------------------------------------------
 */

static void
heads(struct buf *out)
{
	struct buf b = BUF_INIT;

	fill(&b, 9, 160);
	frame_put(out, HEADS, b.b, b.len);
	buf_free(&b);
}

static void
put_chain(struct buf *b, size_t i)
{
	char name[CHAIN_NAME_MAX];

	snprintf(name, sizeof(name), "520100-%08x/resource", (unsigned)i);
	buf_put_string(b, name, strlen(name));
}

static void
list_says(struct buf *out, size_t n)
{
	struct buf b = BUF_INIT;

	heads(out);
	buf_put_u8(&b, STREAM_RESOURCE);
	buf_put_varint(&b, n);
	put_chain(&b, 1);
	frame_put(out, LIST, b.b, b.len);
	buf_free(&b);
}

static void
list_of(struct buf *out, size_t n)
{
	struct buf b = BUF_INIT;
	size_t i;

	heads(out);
	buf_put_u8(&b, STREAM_RESOURCE);
	buf_put_varint(&b, n);
	for (i = 0; i < n; i++) {
		put_chain(&b, i);
		buf_put_varint(&b, LIMIT_SEQ);
		fill(&b, 5, 32 + 20);
		buf_put_varint(&b, 0);
	}
	frame_put(out, LIST, b.b, b.len);
	buf_clear(&b);
	buf_put_varint(&b, 0);
	frame_put(out, PARTIALS, b.b, b.len);
	buf_free(&b);
}

static void
partials_say(struct buf *out, size_t n)
{
	struct buf b = BUF_INIT;

	heads(out);
	buf_put_varint(&b, n);
	frame_put(out, PARTIALS, b.b, b.len);
	buf_free(&b);
}

/* --- runs -------------------------------------------------------------------
 */

static void
run_says(struct buf *out, uint64_t first, uint64_t last, uint64_t plain,
    uint64_t size, const struct digest *hash)
{
	char name[CHAIN_NAME_MAX];
	struct digest none = {{0}};
	struct buf b = BUF_INIT;

	chain_format(name, &pen.chain);
	buf_put_string(&b, name, strlen(name));
	buf_put_varint(&b, first);
	buf_put_varint(&b, last);
	buf_put_varint(&b, plain);
	buf_put_varint(&b, size);
	buf_put(&b, (hash == NULL ? &none : hash)->b, 32);
	buf_put_varint(&b, 0);
	frame_put(out, RUN, b.b, b.len);
	buf_free(&b);
}

static void
run_plain(struct buf *out, size_t n)
{
	run_says(out, 1, 1, n, 100, NULL);
}

static void
run_size(struct buf *out, size_t n)
{
	run_says(out, 1, 1, LIMIT_RUN_ONE, n, NULL);
}

static void
run_far(struct buf *out, size_t first)
{
	run_says(out, first, first, 100, 100, NULL);
	frame_put(out, DATA, "x", 1);
}

/* The bytes are those of zstd, or of nobody. */
static void
run_bytes(struct buf *out, const void *data, size_t n, size_t plain)
{
	struct digest hash;
	size_t at;

	digest_sha256(&hash, data, n);
	run_says(out, 1, 1, plain, n, &hash);
	for (at = 0; at < n; at += LIMIT_FRAME)
		frame_put(out, DATA, (const uint8_t *)data + at,
		    n - at < LIMIT_FRAME ? n - at : LIMIT_FRAME);
}

static void
zstd_of(struct buf *out, size_t n, size_t plain, int window)
{
	uint8_t *data = mem_calloc(1, n);
	size_t bound = ZSTD_compressBound(n);
	uint8_t *room = mem_alloc(bound);
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	ZSTD_inBuffer from = {data, n, 0};
	ZSTD_outBuffer to = {room, bound, 0};

	ZSTD_CCtx_setParameter(ctx, ZSTD_c_windowLog, window);
	/* Piece by piece, so that the window is not cut to the content. */
	ZSTD_compressStream2(ctx, &to, &from, ZSTD_e_flush);
	ZSTD_compressStream2(ctx, &to, &from, ZSTD_e_end);
	run_bytes(out, room, to.pos, plain);
	ZSTD_freeCCtx(ctx);
	free(room);
	free(data);
}

static void
zstd_bomb(struct buf *out, size_t n)
{
	zstd_of(out, n, LIMIT_RUN_ONE, 20);
}

static void
zstd_window(struct buf *out, size_t log)
{
	zstd_of(out, 100000, 100000, (int)log);
}

static void
zstd_short(struct buf *out, size_t n)
{
	zstd_of(out, n, n + 1, 20);
}

static void
zstd_noise(struct buf *out, size_t n)
{
	struct buf b = BUF_INIT;

	fill(&b, 0xa5, n);
	run_bytes(out, b.b, b.len, 1000);
	buf_free(&b);
}

/* One changeset well signed, whatever is in it. */
static void
signed_ops(struct buf *out, const struct buf *ops, size_t seen)
{
	struct run_builder *builder = run_builder_new();
	struct changeset cs;
	struct buf bytes = BUF_INIT;
	struct run run;
	struct err err;
	size_t i;

	pen_draft(&cs, &pen, ops->b, ops->len);
	cs.seen = mem_calloc(seen + 1, sizeof(*cs.seen));
	for (i = 0; i < seen; i++) {
		cs.seen[i].chain = pen.chain;
		snprintf(cs.seen[i].chain.inc, sizeof(cs.seen[i].chain.inc),
		    "%08x", (unsigned)i);
		cs.seen[i].seq = 1;
	}
	cs.n_seen = seen;
	pen_sign(&cs, &pen.key);
	run_add(builder, &cs);
	must(run_finish(builder, &run, &bytes, &err), &err, "run");
	run_bytes(out, bytes.b, bytes.len, run.plain);
	run_builder_free(builder);
	buf_free(&bytes);
}

#define OP_BEGIN \
	"{\"id\":\"520100-00000000000000000000000000000001\"," \
	"\"kind\":\"team\",\"set\":{\"name\":"

static void
ops_deep(struct buf *out, size_t n)
{
	struct buf ops = BUF_INIT;

	buf_puts(&ops, OP_BEGIN);
	fill(&ops, '[', n);
	fill(&ops, ']', n);
	buf_puts(&ops, "}}\n");
	signed_ops(out, &ops, 0);
	buf_free(&ops);
}

static void
ops_many(struct buf *out, size_t n)
{
	struct buf ops = BUF_INIT;
	size_t i;

	for (i = 0; i < n; i++)
		buf_puts(&ops, OP_BEGIN "1}}\n");
	signed_ops(out, &ops, 0);
	buf_free(&ops);
}

static void
ops_twice(struct buf *out, size_t n)
{
	struct buf ops = BUF_INIT;

	(void)n;
	buf_puts(&ops, OP_BEGIN "1,\"name\":1}}\n");
	signed_ops(out, &ops, 0);
	buf_free(&ops);
}

static void
ops_float(struct buf *out, size_t n)
{
	struct buf ops = BUF_INIT;

	(void)n;
	buf_puts(&ops, OP_BEGIN "1e308}}\n");
	signed_ops(out, &ops, 0);
	buf_free(&ops);
}

static void
ops_long(struct buf *out, size_t n)
{
	struct buf ops = BUF_INIT;

	buf_puts(&ops, OP_BEGIN "\"");
	fill(&ops, 'x', n);
	buf_puts(&ops, "\"}}\n");
	signed_ops(out, &ops, 0);
	buf_free(&ops);
}

static void
seen_many(struct buf *out, size_t n)
{
	struct buf ops = BUF_INIT;

	buf_puts(&ops, OP_BEGIN "1}}\n");
	signed_ops(out, &ops, n);
	buf_free(&ops);
}

/* --- what else runs may bring ----------------------------------------------
 */

static void
numbers(struct buf *out, size_t type)
{
	struct chain_name chain = pen.chain;
	char name[CHAIN_NAME_MAX];
	struct buf b = BUF_INIT;

	if (type == REFUSE) /* a chain that nobody has */
		memcpy(chain.inc, "ffffffff", CHAIN_INC_LEN);
	chain_format(name, &chain);
	if (type == ACK || type == REFUSE)
		buf_put_string(&b, name, strlen(name));
	buf_put_varint(&b, 1ull << 39);
	if (type == REFUSE)
		buf_put_string(&b, "no", 2);
	frame_put(out, (unsigned)type, b.b, b.len);
	buf_free(&b);
}

static void
wants(struct buf *out, size_t offset)
{
	struct buf b = BUF_INIT;
	int i;

	fill(&b, 0xab, 32);
	buf_put_varint(&b, offset);
	for (i = 0; i < 5000; i++)
		frame_put(out, WANT, b.b, b.len);
	buf_free(&b);
}

static void
blob(struct buf *out, size_t size)
{
	struct buf b = BUF_INIT;

	fill(&b, 0xab, 32);
	buf_put_varint(&b, size);
	buf_put_varint(&b, 0);
	frame_put(out, BLOB, b.b, b.len);
	buf_free(&b);
}

static void
receipt(struct buf *out, size_t n)
{
	struct buf b = BUF_INIT, text = BUF_INIT;

	fill(&text, 'x', n);
	buf_put_string(&b, text.b, text.len);
	fill(&b, 1, 96);
	frame_put(out, RECEIPT, b.b, b.len);
	buf_free(&b);
	buf_free(&text);
}

static void
pings(struct buf *out, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		frame_put(out, PING, "\1", 1);
}

/* A run of nothing in each of so many chains. */
static void
chains(struct buf *out, size_t n)
{
	const struct pen own = pen;
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(
		    pen.chain.inc, sizeof(pen.chain.inc), "%08x", (unsigned)i);
		run_bytes(out, "x", 1, 1);
	}
	pen = own;
}

/* For itself it is allowed, so it is we who end the session. */
#define TAKEN "the link was cut"

static const struct bomb {
	const char *what;
	enum peer_state state;
	void (*make)(struct buf *out, size_t arg);
	size_t arg;
	const char *says;
} bombs[] = {
    {"a frame one byte too long", PEER_HELLO, frame_too_long, LIMIT_FRAME + 1,
	"16385 bytes is over 16384"},
    {"a frame of 64 KiB", PEER_HELLO, frame_too_long, 65535,
	"65535 bytes is over 16384"},
    {"a Hello without end", PEER_HELLO, endless, HELLO, "over 4194304 bytes"},
    {"a Roster without end", PEER_ROSTER, endless, ROSTER,
	"over 4194304 bytes"},
    {"a Data without end", PEER_RUNS, endless, DATA, "may not be long"},
    {"a long Ping", PEER_RUNS, endless, PING, "may not be long"},
    {"100,000 empty pieces", PEER_HELLO, empty_pieces, HELLO,
	"an empty frame goes on"},
    {"a message in a message", PEER_HELLO, mixed, HELLO, "begins inside"},
    {"a message of no type", PEER_HELLO, zeros, 3, "unknown"},
    {"8 MB of zeros", PEER_HELLO, zeros, 8 << 20, "unknown"},
    {"an unknown message", PEER_HELLO, bare, 31, "unknown"},
    {"a message of another state", PEER_HELLO, bare, DONE, "in state hello"},
    {"an empty Hello", PEER_HELLO, bare, HELLO, "no station's Hello"},
    {"noise for a Hello", PEER_HELLO, noise, HELLO, "no station's Hello"},
    {"a Hello of 2^60 rosters", PEER_HELLO, hello, 1ull << 60,
	"too many rosters"},
    {"a Hello of 4,098 rosters, all there", PEER_HELLO, hello_of,
	LIMIT_STATIONS + 2, "too many rosters"},
    {"a Hello with more than it says", PEER_HELLO, hello, 0, "malformed"},
    {"a Hello of another station", PEER_HELLO, hello_by_another, 0,
	"it says it is 529999"},
    {"noise for a Roster", PEER_ROSTER, noise, ROSTER, "cut short"},
    {"lists 1,000,000 deep", PEER_ROSTER, deep, 1000000, "nested too deep"},
    {"objects 200,000 deep", PEER_ROSTER, deep_objects, 200000,
	"nested too deep"},
    {"a text of 1 MB", PEER_ROSTER, long_text, LIMIT_ROSTER - 100,
	"no \"scope\""},
    {"a Roster over 1 MiB", PEER_ROSTER, long_text, 3u << 20, "cut short"},
    {"a key 100,000 times", PEER_ROSTER, one_key, 100000, "key \"a\" twice"},
    {"300,000 stations", PEER_ROSTER, many_stations, 300000, "over 4096"},
    {"a number of 900,000 digits", PEER_ROSTER, huge_number, 900000,
	"over 2^53-1"},
    {"a number with an exponent", PEER_ROSTER, exponent, 0, "a float"},
    {"100,000 escapes", PEER_ROSTER, escapes, 100000, "an escape"},
    {"20,000 signatures", PEER_ROSTER, many_signatures, 20000,
	"over 16 signatures"},
    {"2^50 signatures", PEER_ROSTER, many_signatures, 1ull << 50,
	"over 16 signatures"},
    {"a root document of its own", PEER_ROSTER, own_roster, 0,
	"signed by 0 root keys"},
    {"a request to join without invitation", PEER_ROSTER, bare, JOIN,
	"without an invitation"},
    {"a List of 2^40 chains", PEER_HEADS, list_says, 1ull << 40, "over 32768"},
    {"a List of 32,769 chains", PEER_HEADS, list_says, LIMIT_HEADS + 1,
	"32769 chains is over 32768"},
    {"a List of 32,000 chains", PEER_HEADS, list_of, 32000, TAKEN},
    {"2^50 Partials", PEER_HEADS, partials_say, 1ull << 50, "Partials"},
    {"32,768 Partials that are not there", PEER_HEADS, partials_say,
	LIMIT_HEADS, "cut short"},
    {"noise for Heads", PEER_HEADS, noise, HEADS, "malformed"},
    {"Data without a Run", PEER_RUNS, noise, DATA, "before its Run"},
    {"a run of 2^60 bytes", PEER_RUNS, run_plain, 1ull << 60, "is over 524288"},
    {"a run one byte too large", PEER_RUNS, run_plain, LIMIT_RUN_ONE + 1,
	"524289 bytes is over 524288"},
    {"a run larger than when inflated", PEER_RUNS, run_size,
	RUN_SIZE_MAX(LIMIT_RUN_ONE) + 1, "malformed"},
    {"a run from seq 2^39", PEER_RUNS, run_far, 1ull << 39, "comes after 0"},
    {"64 MiB of zeros in 2 KB", PEER_RUNS, zstd_bomb, 64u << 20,
	"does not inflate to"},
    {"a window of 128 MiB", PEER_RUNS, zstd_window, 27, "window"},
    {"less than it says", PEER_RUNS, zstd_short, 1000,
	"inflates to 1000 bytes"},
    {"no zstd at all", PEER_RUNS, zstd_noise, 900, "not one zstd frame"},
    {"signed: lists 30,000 deep", PEER_RUNS, ops_deep, 30000,
	"nested too deep"},
    {"signed: lists 17 deep", PEER_RUNS, ops_deep, LIMIT_DEPTH + 1,
	"nested too deep"},
    {"signed: 501 operations", PEER_RUNS, ops_many, LIMIT_OPS + 1,
	"over 500 ops"},
    {"signed: a field twice", PEER_RUNS, ops_twice, 0, "key \"name\" twice"},
    {"signed: a float", PEER_RUNS, ops_float, 0, "a float"},
    {"signed: over 64 KiB", PEER_RUNS, ops_long, LIMIT_OPS_BYTES,
	"over a limit"},
    {"signed: 4,097 Seen lines", PEER_RUNS, seen_many, LIMIT_SEEN + 1,
	"too many Seen"},
    {"Held of 2^39", PEER_RUNS, numbers, HELD, "Held 549755813888 of"},
    {"Ack of 2^39", PEER_RUNS, numbers, ACK, "what was not sent"},
    {"Refuse at 2^39", PEER_RUNS, numbers, REFUSE, "what nobody named"},
    {"5,000 blobs wanted", PEER_RUNS, wants, 0, "more than 64 blobs"},
    {"a blob wanted from 2^50 on", PEER_RUNS, wants, 1ull << 50,
	"offset is over"},
    {"a blob nobody asked for", PEER_RUNS, blob, 100, "nobody asked for"},
    {"a blob of 2^50 bytes", PEER_RUNS, blob, 1ull << 50, "nobody asked for"},
    {"bytes of no blob", PEER_RUNS, noise, BLOBDATA, "before its name"},
    {"a receipt of 4 MB", PEER_RUNS, receipt, 4000000, TAKEN},
    {"200,000 pings", PEER_RUNS, pings, 200000, TAKEN},
    {"a bad run in each of 70,000 chains", PEER_RUNS, chains, 70000,
	"more than 1000 chains refused"},
};

#define N_BOMBS (sizeof(bombs) / sizeof(bombs[0]))

static bool
small(const struct puppet *u)
{
	return !tap_weighs() || u->peak <= PEAK_MAX;
}

/* One line: "yizhan: peer: ..." */
static bool
one_line(struct puppet *u)
{
	const char *s = buf_str(&u->complaints);
	const char *nl = strchr(s, '\n');

	return strncmp(s, "yizhan: peer: ", 14) == 0 && nl != NULL &&
	       nl[1] == '\0';
}

static void throw(struct puppet * u, const struct bomb *bomb)
{
	struct buf out = BUF_INIT;
	int64_t began, took;
	bool good;

	puppet_start(u, PEER_SYNC);
	if (bomb->state != PEER_HELLO)
		puppet_until(u, bomb->state);
	bomb->make(&out, bomb->arg);
	began = clock_mono();
	(void)puppet_write(u, out.b, out.len, &u->said);
	/* What is refused is refused while we listen.  Had we gone first, the
	 * cut link would be the same end for what was taken. */
	if (strcmp(bomb->says, TAKEN) != 0)
		puppet_listen(u, bomb->says);
	puppet_end(u);
	took = clock_mono() - began;
	good = WIFEXITED(u->status) && WEXITSTATUS(u->status) == 1 &&
	       one_line(u) && small(u) &&
	       (puppet_holds(&u->complaints, bomb->says) ||
		   puppet_holds(&u->said, bomb->says));
	if (!ok(good, "%s: %zu bytes are of no effect", bomb->what, out.len))
		printf("# status 0x%x, %ld KiB, wants \"%s\": %s\n", u->status,
		    u->peak, bomb->says, buf_str(&u->complaints));
	if (u->peak > worst.peak)
		worst.peak = u->peak;
	if (took > worst.ms) {
		worst.ms = took;
		worst.slow = bomb->what;
	}
	buf_free(&out);
}

/* --- what is large and allowed ---------------------------------------------
 */

/* As many operations as one changeset may have, of many sorts. */
static void
heavy_act(int round)
{
	struct fleet_station *s = &f.at[1];
	struct act *act = act_new(s->r, "值班员甲", "duty1", "heavy");
	char id[RECORD_ID_LEN + 1], kind[32], field[32], json[64];
	struct err err;
	int i;

	for (i = 0; i < LIMIT_OPS; i++) {
		/* One record again and again, many kinds that nobody knows,
		 * and what is not its own, which goes into quarantine. */
		bool same = round % 3 == 0, own = round % 3 != 2;
		struct op_draft *op;

		snprintf(id, sizeof(id), "%s-%032x", own ? s->code : "520000",
		    same ? 1 : round * LIMIT_OPS + i);
		snprintf(kind, sizeof(kind), "k%d", same ? 0 : i);
		snprintf(field, sizeof(field), "f%d", i);
		snprintf(json, sizeof(json), "\"%d of %d\"", i, round);
		op = op_draft_new(kind, id);
		op_draft_set(op, field, json);
		act_add(act, STREAM_COMMAND, op);
		op_draft_free(op);
	}
	must(act_commit(act, NULL, &err), &err, "heavy");
	act_free(act);
}

static void
heavy(struct puppet *u, int rounds)
{
	struct err err;
	int i;

	for (i = 0; i < rounds; i++)
		heavy_act(i);
	must(replica_seal(f.at[1].r, &err), &err, "seal");
	puppet_start(u, PEER_SYNC);
	ok(puppet_honest(u), "%d operations of the worst sorts arrive",
	    rounds * LIMIT_OPS);
	puppet_end(u);
	ok(WIFEXITED(u->status) && WEXITSTATUS(u->status) == 0 && small(u),
	    "in a receiver that stays small");
	printf("# %ld KiB at most\n", u->peak);
}

static void
limited(struct puppet *u)
{
	puppet_start(u, PEER_SYNC);
	puppet_until(u, PEER_HEADS);
	puppet_limits(u);
	puppet_end(u);
	ok(!tap_weighs() || u->mapped == LIMIT_MEMORY,
	    "the receiver may map 256 MiB");
}

static void
daemon_is_well(const struct receiver *v, long idle)
{
	long peak = receiver_daemon_peak(v);

	ok(waitpid(v->daemon, NULL, WNOHANG) == 0 && receiver_daemon_answers(v),
	    "the daemon goes on and answers");
	/* Sanitizers keep what was freed for a while. */
	ok(!tap_weighs() || peak - idle < PEAK_MAX / 4, "and has not grown");
	printf("# the daemon took %ld KiB, before %ld KiB\n", peak, idle);
}

static void
receivers_were_small(struct receiver *v)
{
	int status;
	long peak = receiver_end(v, &status);

	ok(!tap_weighs() || peak < PEAK_RECEIVER, "no receiver took 300 MB");
	printf("# the largest took %ld KiB\n", peak);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "the daemon ends when it is told to");
}

int
main(int argc, char **argv)
{
	char home[2][128], chain[CHAIN_NAME_MAX];
	struct receiver v = {.listener = 0};
	const char *every = getenv("T05_EVERY");
	struct puppet u;
	long idle = 0;
	struct digest before, after;
	int64_t records;
	struct err err;
	size_t i, step;

	memset(&u, 0, sizeof(u));
	fleet_open(&f, 2, 1, 2);
	for (i = 0; i < 2; i++)
		snprintf(
		    home[i], sizeof(home[i]), "%s/%s", f.dir, f.at[i].code);
	must(local_open(&u.local, home[1], &err), &err, "local");
	u.r = f.at[1].r;
	u.home = home[0];
	u.other = f.at[0].code;
	snprintf(chain, sizeof(chain), "%s-%s/resource", f.at[1].code,
	    f.at[1].inc[0]);
	pen_new(&pen, chain, &f.at[1].sign);
	if (argc == 2) {
		receiver_start(&v, f.dir, home[0], argv[1]);
		u.through = v.socket;
		idle = receiver_daemon_peak(&v);
		printf("# dir %s\n", f.dir);
	} else
		limited(&u);
	must(replica_digest(
		 f.at[0].r, STREAM_RESOURCE, NULL, &records, &before, &err),
	    &err, "digest");
	step = every == NULL ? 1 : strtoul(every, NULL, 10);
	for (i = 0; i < N_BOMBS; i += step)
		throw(&u, &bombs[i]);
	printf("# largest %ld KiB; slowest %lld ms: %s\n", worst.peak,
	    (long long)worst.ms, worst.slow);
	must(replica_digest(
		 f.at[0].r, STREAM_RESOURCE, NULL, &records, &after, &err),
	    &err, "digest");
	ok(digest_equal(&before, &after), "nothing of it was kept");
	if (argc == 2)
		daemon_is_well(&v, idle);
	heavy(&u, getenv("YIZHAN_VALGRIND") == NULL ? 60 : 6);
	if (argc == 2)
		receivers_were_small(&v);
	local_close(u.local);
	buf_free(&u.said);
	buf_free(&u.complaints);
	fleet_close(&f);
	return tap_done();
}
