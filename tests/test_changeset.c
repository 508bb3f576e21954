/*
 * Goal of this test: a changeset is the bytes that FORMAT.md says, for ever.
 * The frozen samples in tests/data are what this program writes today, bit
 * for bit; git and ssh-keygen accept them; whatever is not in the one form,
 * or over a limit, is refused; and no bit can be flipped unnoticed.
 */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "changeset.h"
#include "limit.h"
#include "op.h"
#include "run.h"
#include "sign.h"
#include "tap.h"

#define SAMPLES 3
#define RECORD "520302-00112233445566778899aabbccddeeff"

static const char ops_1[] =
    "{\"id\":\"" RECORD "\",\"kind\":\"resource\",\"set\":"
    "{\"name\":\"红花岗区消防救援大队\",\"status\":\"ready\"}}\n"
    "{\"add\":{\"skills\":[\"medical\",\"water\"]},\"id\":\"" RECORD
    "\",\"kind\":\"resource\"}\n";
static const char ops_3[] =
    "{\"drop\":\"重复登记\",\"id\":\"" RECORD "\",\"kind\":\"resource\"}\n";

/* The ids, and git's addresses, of the samples: they never change. */
static const char *const ids[SAMPLES] = {
    "4ae5555ae0456b0e275690d9dccd90f920cb589e6a95e40322af0f5c8fa1a8c3",
    "cd8338c3c109b6ed39a9c2ec07a46b453dafb2f8c51464c4d473f1b9e5ed52a6",
    "eb37d34b572fd2ea11d851361f400edd890311d747bcc830e009261d875da253",
};
static const char *const oids[SAMPLES] = {
    "68d5b6f17d4ecb22267ba0f71115bf6ce41f2806",
    "c4347931c451bd42a357bc977d72abc0a52e0b23",
    "fe2cb18694cfcbd728051f059bbd0170147fb356",
};

static struct changeset sample[SAMPLES];
static struct buf commits[SAMPLES];

static void
place(struct changeset_seen *out, const char *chain, int64_t seq, int byte)
{
	struct err err;

	if (chain_parse(&out->chain, chain, strlen(chain), &err) != 0)
		abort();
	out->seq = seq;
	memset(out->id, byte, sizeof(out->id));
}

static void
fill(struct changeset *cs, const char *chain, int64_t seq, const char *subject,
    const char *ops)
{
	struct changeset_seen at;
	int i;

	*cs = (struct changeset)CHANGESET_INIT;
	place(&at, chain, seq, 0);
	cs->chain = at.chain;
	cs->seq = seq;
	cs->author = mem_strdup("值班员甲");
	cs->login = mem_strdup("duty1");
	cs->time = 1795446983123 + 60000 * seq;
	cs->offset = -1250;
	for (i = 0; i < 8; i++)
		cs->act[i] = (uint8_t)(16 * seq + i);
	cs->kinds = 8;
	cs->subject = mem_strdup(subject);
	cs->seen = mem_calloc(LIMIT_SEEN + 2, sizeof(*cs->seen));
	buf_puts(&cs->ops, ops);
}

static void
seed_key(struct sign_key *out)
{
	uint8_t seed[32];
	int i;

	for (i = 0; i < 32; i++)
		seed[i] = (uint8_t)i;
	sign_from_seed(out, seed);
}

static void
sign(struct changeset *cs, struct buf *commit)
{
	struct sign_key key;
	struct err err;

	seed_key(&key);
	if (changeset_sign(cs, &key, &err) != 0) {
		printf("# %s\n", err.msg);
		abort();
	}
	changeset_derive(cs);
	changeset_commit(commit, cs);
}

/* 1: the first of a chain.  2: the next, empty, with Seen lines.  3: the
 * first of the writer's next incarnation. */
static void
make_samples(void)
{
	fill(&sample[0], "520302-1f0c9a7e/resource", 1, "登记消防救援大队",
	    ops_1);
	sign(&sample[0], &commits[0]);

	fill(&sample[1], "520302-1f0c9a7e/resource", 2, "seen", "");
	sample[1].prev = sample[0].id;
	memcpy(sample[1].parent_oid, sample[0].oid, 20);
	place(&sample[1].seen[0], "520000-00c0ffee/roster", 8, 0xa1);
	place(&sample[1].seen[1], "520300-5eed5eed/resource", 1048576, 0xb2);
	sample[1].n_seen = 2;
	sign(&sample[1], &commits[1]);

	fill(&sample[2], "520302-77aa01d2/resource", 1, "核销", ops_3);
	sample[2].continues = true;
	place(&sample[2].continued, "520302-1f0c9a7e/resource", 2, 0);
	memcpy(sample[2].continued.id, sample[1].id.b, 8);
	place(&sample[2].seen[0], "520302-1f0c9a7e/resource", 2, 0);
	memcpy(sample[2].seen[0].id, sample[1].id.b, 8);
	sample[2].n_seen = 1;
	sign(&sample[2], &commits[2]);
}

/* --- frozen bytes --------------------------------------------------------- */

static char *
data_path(const char *name)
{
	const char *top = getenv("top_srcdir");

	return mem_printf("%s/tests/data/%s", top == NULL ? "." : top, name);
}

static void
is_file(const char *name, const void *bytes, size_t n, const char *what)
{
	char *path = data_path(name);
	struct buf frozen = BUF_INIT;
	struct err err = {0};

	if (file_read(&frozen, path, 1 << 20, &err) != 0)
		printf("# %s\n", err.msg);
	ok(frozen.len == n && (n == 0 || memcmp(frozen.b, bytes, n) == 0),
	    "%s is what tests/data/%s has", what, name);
	buf_free(&frozen);
	free(path);
}

static void
frozen(void)
{
	struct buf key = BUF_INIT;
	struct sign_key seed;
	char name[64], hex[DIGEST_HEX_LEN + 1];
	int i;

	for (i = 0; i < SAMPLES; i++) {
		snprintf(name, sizeof(name), "changeset-%d.commit", i + 1);
		is_file(name, commits[i].b, commits[i].len, "the commit");
		snprintf(name, sizeof(name), "changeset-%d.ops", i + 1);
		is_file(name, sample[i].ops.b, sample[i].ops.len, "ops");
		digest_hex(hex, sample[i].id.b, 32);
		is_str(hex, ids[i], "the id of sample %d is fixed", i + 1);
		digest_hex(hex, sample[i].oid, 20);
		is_str(hex, oids[i], "and so is its address in git");
	}
	seed_key(&seed);
	buf_puts(&key, "520302@yizhan.invalid namespaces=\"git\" ");
	sign_public_line(&key, seed.pub);
	buf_putc(&key, '\n');
	is_file("changeset.signers", key.b, key.len, "the key of seed 00..1f");
	buf_free(&key);
}

static void
there_and_back(void)
{
	struct buf again = BUF_INIT;
	struct changeset cs;
	struct err err = {0};
	int i;

	for (i = 0; i < SAMPLES; i++) {
		is_int(changeset_parse(&cs, commits[i].b, commits[i].len,
			   sample[i].ops.b, sample[i].ops.len, &err),
		    0, "sample %d parses", i + 1);
		buf_clear(&again);
		changeset_commit(&again, &cs);
		ok(again.len == commits[i].len &&
			memcmp(again.b, commits[i].b, again.len) == 0 &&
			digest_equal(&cs.id, &sample[i].id),
		    "and written again it is the same");
		is_int(changeset_verify(&cs, &err), 0, "its signature holds");
		changeset_free(&cs);
	}
}

/* --- the wire form -------------------------------------------------------- */

static int
unpack(struct changeset *out, struct buf_reader *in, int which,
    const struct changeset *before)
{
	struct err err;
	int rc;

	*out = (struct changeset)CHANGESET_INIT;
	out->chain = sample[which].chain;
	out->seq = sample[which].seq;
	out->prev = sample[which].prev;
	memcpy(out->parent_oid, sample[which].parent_oid, 20);
	memcpy(out->key, sample[which].key, 32);
	rc = changeset_unpack(out, in, before, &err);
	if (rc == 0)
		changeset_derive(out);
	return rc;
}

static void
wire(void)
{
	struct buf plain = BUF_INIT, run = BUF_INIT, opened = BUF_INIT;
	struct run head = {.first = 1, .last = 2};
	struct changeset cs[2];
	struct buf_reader in;
	struct err err = {0};
	char *path = data_path("run-1.zst");
	int i;

	changeset_pack(&plain, &sample[0], NULL);
	changeset_pack(&plain, &sample[1], &sample[0]);
	is_file("run-1.plain", plain.b, plain.len,
	    "the wire form of samples 1 and 2");
	buf_reader_init(&in, plain.b, plain.len);
	for (i = 0; i < 2; i++) {
		is_int(unpack(&cs[i], &in, i, i == 0 ? NULL : &cs[0]), 0,
		    "sample %d is unpacked", i + 1);
		ok(digest_equal(&cs[i].id, &sample[i].id) &&
			memcmp(cs[i].oid, sample[i].oid, 20) == 0,
		    "and has its id and its address again");
	}
	is_int(buf_reader_left(&in), 0, "nothing is left over");

	/* zstd may pack otherwise one day; what it packed must open. */
	if (file_read(&run, path, 1 << 20, &err) != 0)
		printf("# %s\n", err.msg);
	head.chain = sample[0].chain;
	head.plain = plain.len;
	head.size = run.len;
	digest_sha256(&head.hash, run.b, run.len);
	is_int(run_open(&opened, &head, run.b, run.len, &err), 0,
	    "the frozen run opens");
	ok(opened.len == plain.len && memcmp(opened.b, plain.b, plain.len) == 0,
	    "and is the same wire form");
	free(path);
	changeset_free(&cs[0]);
	changeset_free(&cs[1]);
	buf_free(&plain);
	buf_free(&run);
	buf_free(&opened);
}

/* --- flips ---------------------------------------------------------------- */

static void
flips(void)
{
	struct changeset cs;
	struct err err;
	size_t bit;
	int i, held, same;

	for (i = 0; i < SAMPLES; i++) {
		struct buf *c = &commits[i];

		held = same = 0;
		for (bit = 0; bit < 8 * c->len; bit++) {
			c->b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (changeset_parse(&cs, c->b, c->len, sample[i].ops.b,
				sample[i].ops.len, &err) == 0) {
				held += changeset_verify(&cs, &err) == 0;
				/* The same id: then in the signature. */
				same +=
				    digest_equal(&cs.id, &sample[i].id) &&
				    memcmp(cs.sig, sample[i].sig, 64) == 0 &&
				    memcmp(cs.key, sample[i].key, 32) == 0;
				changeset_free(&cs);
			}
			c->b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		is_int(held, 0, "no flipped bit of commit %d passes", i + 1);
		is_int(same, 0, "nor leaves id, key and signature");
		held = 0;
		for (bit = 0; bit < 8 * sample[i].ops.len; bit++) {
			struct buf *o = &sample[i].ops;

			o->b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (changeset_parse(
				&cs, c->b, c->len, o->b, o->len, &err) == 0) {
				held++;
				changeset_free(&cs);
			}
			o->b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		is_int(held, 0, "nor one of its ops");
	}
}

static void
wire_flips(void)
{
	struct buf plain = BUF_INIT;
	struct buf_reader in;
	struct changeset cs;
	struct err err;
	size_t bit, n;
	int held = 0, cut = 0;

	changeset_pack(&plain, &sample[2], NULL);
	for (bit = 0; bit < 8 * plain.len; bit++) {
		plain.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		buf_reader_init(&in, plain.b, plain.len);
		held += unpack(&cs, &in, 2, NULL) == 0 &&
			buf_reader_left(&in) == 0 &&
			changeset_verify(&cs, &err) == 0;
		changeset_free(&cs);
		plain.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	is_int(held, 0, "no flipped bit of the wire form passes");
	for (n = 0; n < plain.len; n++) {
		buf_reader_init(&in, plain.b, n);
		cut += unpack(&cs, &in, 2, NULL) == 0;
		changeset_free(&cs);
	}
	is_int(cut, 0, "nor any beginning of it");
	buf_free(&plain);
}

/* --- one form ------------------------------------------------------------- */

/* Sample i with the first `from` in it replaced must be refused. */
static void
refused(int i, const char *from, const char *to, const char *why)
{
	struct buf text = BUF_INIT;
	char *s = buf_str(&commits[i]), *at = strstr(s, from);
	struct changeset cs;
	struct err err = {0};
	int rc = 0;

	if (at != NULL) {
		buf_put(&text, s, (size_t)(at - s));
		buf_puts(&text, to);
		buf_puts(&text, at + strlen(from));
		rc = changeset_parse(&cs, text.b, text.len, sample[i].ops.b,
		    sample[i].ops.len, &err);
		if (rc == 0)
			changeset_free(&cs);
	}
	is_int(rc, YZ_ECORRUPT, "refused: %s", why);
	buf_free(&text);
}

static void
headers(void)
{
	refused(0, "author 值班员甲", "author 值班员甲 ", "a space too many");
	refused(0, "author 值班员甲 ", "author ", "no name");
	refused(0, "author 值班员甲", "author 值<班员甲", "< in a name");
	refused(0, "author 值班员甲", "author 值>班员甲", "> in a name");
	refused(0, "author 值班员甲", "author 值\t班员甲", "a tab in a name");
	refused(0, "author 值班员甲", "author 值\x80", "a name not UTF-8");
	refused(0, "author 值班员甲", "author 值\xc2\x85", "a C1 control");
	refused(0, "<duty1@", "<Duty1@", "a capital in a login");
	refused(0, "<duty1@", "<.duty@", "a login that begins with a dot");
	refused(0, "<duty1@", "<@", "no login");
	refused(0, "@520302.yizhan.invalid", "@520303.yizhan.invalid",
	    "the person is of another station");
	refused(0, "committer 520302", "committer 520303",
	    "another station commits");
	refused(0, " +0800", " +0000", "another zone");
	refused(0, "1795447043 +0800\ncommitter", "1795447044 +0800\ncommitter",
	    "the author's second is not that of Time");
	refused(0, "\ngpgsig", "\nencoding UTF-8\ngpgsig", "a header more");
	refused(0, "gpgsig ", "gpgsig  ", "the armour is indented");
	refused(0, "\nauthor",
	    "\nparent 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor",
	    "a first changeset with a parent");
	refused(1, "\nparent ", "\nparent 00", "a parent of 42 digits");
	refused(0, "tree ", "tree  ", "a space before the tree");
	refused(0, "tree ", "\ntree ", "an empty line before it");
}

static void
trailers(void)
{
	refused(0, "\n登记", "\n 登记", "the human line is not trimmed");
	refused(0, "登记消防救援大队", "", "no human line");
	refused(0, "登记", "登记\r", "a carriage return");
	refused(0, "登记", "登记\n", "a human line of two");
	refused(0, "登记", "<登记>", "<> in the human line");
	refused(0, "Chain: 5", "Chain:5", "no space after Chain:");
	refused(0, "/resource", "/resource@520302",
	    "an owner where everyone holds the chain");
	refused(0, "/resource", "/Resource", "no such stream");
	refused(0, "1f0c9a7e", "1F0C9A7E", "an incarnation in capitals");
	refused(0, "Seq: 1", "Seq: 01", "a zero before a number");
	refused(0, "Seq: 1", "Seq: +1", "a plus");
	refused(0, "Seq: 1", "Seq: 0", "seq 0");
	refused(0, "Seq: 1", "Seq: 2", "seq 2 without Prev");
	refused(0, ".123+08:00", "+08:00", "a time without milliseconds");
	refused(0, "+08:00", "Z", "another zone in Time");
	refused(0, "T23:17", " 23:17", "no T in Time");
	refused(0, "Offset: -1250", "Offset: -0", "minus nothing");
	refused(0, "Offset: -1250", "Offset: 1.5", "a fraction");
	refused(0, "Act: 1", "Act: ", "an act of 15 digits");
	refused(0, "Kinds: 8", "Kinds: -1", "negative kinds");
	refused(0, "Kinds: 8\n", "", "no Kinds");
	refused(0, "Kinds: 8\n", "Kinds: 8\nKinds: 8\n", "Kinds twice");
	refused(0, "Kinds: 8\n", "Kinds: 8\nNote: x\n", "an unknown trailer");
	refused(0, "Kinds: 8\n", "Kinds: 8", "the last line is not ended");
	refused(0, "Kinds: 8\n", "Kinds: 8\n\n", "an empty line at the end");
	refused(0, "Kinds: 8\n", "Kinds: 8\nx", "a byte at the end");
	refused(1, "Prev: ", "Seen: ", "Prev is missing");
	refused(1, "Ops: e3b0", "Ops: e3b1", "Ops is not the hash of the ops");
	refused(1, "Seen: 520300-5eed5eed/resource 1048576",
	    "Seen: 520000-00c0ffed/roster 1", "Seen lines out of order");
	refused(1, "Seen: 520300-5eed5eed/resource 1048576",
	    "Seen: 520000-00c0ffee/roster 9", "one chain seen twice");
	refused(1, "Seen: 520300-5eed5eed", "Seen: 520302-1f0c9a7e",
	    "a chain that saw itself");
	refused(1, "resource 1048576", "resource 0", "Seen at seq 0");
	refused(1, " b2b2", " B2B2", "an id in capitals");
	refused(1, " b2b2", " b2", "an id of 14 digits");
	refused(1, " b2b2", "  b2b2", "two spaces");
	refused(1, "\nOps: ",
	    "\nContinues: 520302-77aa01d2/resource 1 0011223344556677\nOps: ",
	    "Continues in a changeset not the first");
	refused(2, "Continues: 520302", "Continues: 520303",
	    "Continues names another station's chain");
	refused(2, "Continues: 520302-1f0c9a7e", "Continues: 520302-77aa01d2",
	    "Continues names the same incarnation");
	refused(2, "Continues: 520302-1f0c9a7e/resource 2",
	    "Continues: 520302-1f0c9a7e/resource -2",
	    "Continues names no place");
}

static void
whole(void)
{
	struct buf text = BUF_INIT;
	struct changeset cs;
	struct err err = {0};
	size_t n;
	int read = 0;

	for (n = 0; n < commits[1].len; n++)
		read += changeset_parse(&cs, commits[1].b, n, "", 0, &err) == 0;
	is_int(read, 0, "no beginning of a commit is a commit");
	buf_put(&text, commits[1].b, commits[1].len);
	buf_putc(&text, '\0');
	is_int(changeset_parse(&cs, text.b, text.len, "", 0, &err), YZ_ECORRUPT,
	    "refused: a NUL at the end");
	is_int(
	    changeset_parse(&cs, commits[1].b, commits[1].len, "\n", 1, &err),
	    YZ_ECORRUPT, "refused: other ops than the tree names");
	buf_free(&text);
}

/* --- limits --------------------------------------------------------------- */

static char *
letters(size_t n)
{
	char *s = mem_alloc(n + 1);

	memset(s, 'a', n);
	s[n] = '\0';
	return s;
}

/* What is within the limits is signed, written, and read back. */
static int
reads_back(struct changeset *cs)
{
	struct buf commit = BUF_INIT;
	struct changeset again;
	struct sign_key key;
	struct err err;
	int rc;

	seed_key(&key);
	rc = changeset_sign(cs, &key, &err);
	if (rc == 0) {
		changeset_derive(cs);
		changeset_commit(&commit, cs);
		rc = changeset_parse(
		    &again, commit.b, commit.len, cs->ops.b, cs->ops.len, &err);
		if (rc == 0)
			changeset_free(&again);
		else
			printf("# %s\n", err.msg);
	}
	buf_free(&commit);
	return rc;
}

static void
text_limit(char **text, size_t max, const char *what, struct changeset *cs)
{
	char *before = *text;
	size_t n;

	for (n = max - 1; n <= max + 1; n++) {
		*text = letters(n);
		is_int(reads_back(cs), n <= max ? 0 : YZ_ECORRUPT,
		    "%s of %zu bytes", what, n);
		free(*text);
	}
	*text = before;
}

static void
number_limit(int64_t *value, int64_t low, int64_t high, const char *what,
    struct changeset *cs)
{
	const int64_t try[] = {low, high, low - 1, high + 1};
	int64_t before = *value;
	int i;

	for (i = 0; i < 4; i++) {
		*value = try[i];
		is_int(reads_back(cs), i < 2 ? 0 : YZ_ECORRUPT, "%s %lld", what,
		    (long long)try[i]);
	}
	*value = before;
}

static void
limits(void)
{
	struct changeset cs;
	char chain[CHAIN_NAME_MAX];
	size_t i, n;

	fill(&cs, "520302-1f0c9a7e/oversight@520302", 2, "x", "");
	text_limit(&cs.author, LIMIT_NAME, "a name", &cs);
	text_limit(&cs.subject, LIMIT_SUBJECT, "a human line", &cs);
	text_limit(&cs.login, 32, "a login", &cs);
	number_limit(&cs.seq, 2, LIMIT_SEQ, "seq", &cs);
	number_limit(&cs.time, 0, LIMIT_TIME_MAX, "time", &cs);
	number_limit(
	    &cs.offset, -LIMIT_TIME_MAX, LIMIT_TIME_MAX, "offset", &cs);
	number_limit(&cs.kinds, 0, LIMIT_SEQ, "kinds", &cs);
	for (n = LIMIT_OPS_BYTES - 1; n <= LIMIT_OPS_BYTES + 1; n++) {
		char *ops = letters(n);

		buf_clear(&cs.ops);
		buf_puts(&cs.ops, ops);
		free(ops);
		is_int(reads_back(&cs), n <= LIMIT_OPS_BYTES ? 0 : YZ_ECORRUPT,
		    "%zu bytes of ops", n);
	}
	buf_clear(&cs.ops);
	/* The longest names and numbers: the text must still be readable. */
	cs.seq = LIMIT_SEQ;
	for (i = 0; i < LIMIT_SEEN + 1; i++) {
		snprintf(
		    chain, sizeof(chain), "520303-%08zx/oversight@520302", i);
		place(&cs.seen[i], chain, LIMIT_SEQ, 0xff);
	}
	for (n = LIMIT_SEEN - 1; n <= LIMIT_SEEN + 1; n++) {
		cs.n_seen = n;
		is_int(reads_back(&cs), n <= LIMIT_SEEN ? 0 : YZ_ECORRUPT,
		    "%zu Seen lines", n);
	}
	cs.n_seen = 1;
	number_limit(&cs.seen[0].seq, 1, LIMIT_SEQ, "Seen seq", &cs);
	changeset_free(&cs);
}

/* --- what ops may be ------------------------------------------------------ */

static void
ops_are(int want, const char *text, const char *what)
{
	struct err err = {0};
	struct ops ops;
	int rc = ops_parse(&ops, text, strlen(text), &err);

	is_int(rc, want, "%s: %s", want == 0 ? "taken" : "refused", what);
	if (rc == 0)
		ops_free(&ops);
}

#define OP(members) \
	"{\"id\":\"" RECORD "\",\"kind\":\"org\",\"set\":{" members "}}\n"

static void
ops_form(void)
{
	ops_are(0, ops_1, "the ops of sample 1");
	ops_are(0, ops_3, "the ops of sample 3");
	ops_are(0, "", "no ops at all");
	ops_are(0, OP("\"a\":9007199254740991"), "the largest integer");
	ops_are(YZ_ECORRUPT, OP("\"a\":9007199254740992"), "one more");
	ops_are(YZ_ECORRUPT, OP("\"a\":1.5"), "a float");
	ops_are(YZ_ECORRUPT, OP("\"a\":1e3"), "an exponent");
	ops_are(YZ_ECORRUPT, OP("\"a\":-0"), "minus nothing");
	ops_are(YZ_ECORRUPT, OP("\"a\":1,\"a\":1"), "a key twice");
	ops_are(YZ_ECORRUPT, OP("\"b\":1,\"a\":1"), "keys not sorted");
	ops_are(YZ_ECORRUPT, OP("\"a\": 1"), "a space");
	ops_are(YZ_ECORRUPT, OP("\"a\":\"\\u0041\""), "a needless escape");
	ops_are(YZ_ECORRUPT, OP("\"a\":\"\\/\""), "another one");
	ops_are(YZ_ECORRUPT, OP("\"a\":\"\x01\""), "a control character");
	ops_are(YZ_ECORRUPT, OP("\"a\":\"\x7f\""), "DEL");
	ops_are(YZ_ECORRUPT, OP("\"a\":\"\xed\xa0\x80\""), "a surrogate");
	ops_are(YZ_ECORRUPT, OP("\"a\":\"\xc0\xaf\""), "an overlong form");
	ops_are(YZ_ECORRUPT, OP("\"A\":1"), "a field in capitals");
	ops_are(YZ_ECORRUPT, OP(""), "an empty set");
	ops_are(0, OP("\"a\":[[[[[[[[[[[[[[]]]]]]]]]]]]]]"), "depth 16");
	ops_are(YZ_ECORRUPT, OP("\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]"),
	    "depth 17");
	ops_are(YZ_ECORRUPT, "\n", "an empty line");
	ops_are(YZ_ECORRUPT, "{\"id\":\"" RECORD "\",\"kind\":\"org\"}",
	    "the last line is not ended");
	ops_are(0, "{\"id\":\"" RECORD "\",\"kind\":\"org\"}\n",
	    "an op that only marks its record present");
	ops_are(YZ_ECORRUPT, "{\"id\":\"" RECORD "\"}\n", "no kind");
	ops_are(YZ_ECORRUPT,
	    "{\"drop\":\"x\",\"id\":\"" RECORD
	    "\",\"kind\":\"org\",\"set\":{\"a\":1}}\n",
	    "a drop that also writes");
}

/* A text of n letters in the middle of an op. */
static void
op_limit(const char *head, const char *tail, size_t max, const char *what)
{
	struct buf op = BUF_INIT;
	size_t n;

	for (n = max - 1; n <= max + 1; n++) {
		char *s = letters(n);

		buf_clear(&op);
		buf_puts(&op, head);
		buf_puts(&op, s);
		buf_puts(&op, tail);
		ops_are(n <= max ? 0 : YZ_ECORRUPT, buf_str(&op), what);
		free(s);
	}
	buf_free(&op);
}

static void
ops_limits(void)
{
	struct buf many = BUF_INIT;
	size_t n;

	op_limit("{\"drop\":\"", "\",\"id\":\"" RECORD "\",\"kind\":\"org\"}\n",
	    LIMIT_REASON, "a reason of 499, 500, 501 bytes");
	op_limit("{\"id\":\"" RECORD "\",\"kind\":\"", "\"}\n", LIMIT_FIELD,
	    "a kind of 63, 64, 65 bytes");
	op_limit("{\"id\":\"" RECORD "\",\"kind\":\"org\",\"set\":{\"",
	    "\":1}}\n", LIMIT_FIELD, "a field of 63, 64, 65 bytes");
	op_limit("{\"id\":\"" RECORD "\",\"kind\":\"org\",\"set\":{\"a\":\"",
	    "\"}}\n", LIMIT_OPS_BYTES - strlen(OP("\"a\":\"\"")),
	    "65,535, 65,536, 65,537 bytes of ops");
	for (n = 1; n <= LIMIT_OPS + 1; n++) {
		buf_puts(&many, "{\"id\":\"" RECORD "\",\"kind\":\"org\"}\n");
		if (n >= LIMIT_OPS - 1)
			ops_are(n <= LIMIT_OPS ? 0 : YZ_ECORRUPT,
			    buf_str(&many), "499, 500, 501 ops");
	}
	buf_free(&many);
}

/* --- git's opinion -------------------------------------------------------- */

static int
shell(const char *script)
{
	char *line = mem_printf("{ %s\n} >out 2>&1", script);
	int rc = system(line);

	free(line);
	return rc;
}

static void
git(void)
{
	static const char setup[] =
	    "git init -q --bare r.git && printf '%s\\n' '[gpg]' 'format=ssh'"
	    " '[gpg \"ssh\"]' \"allowedSignersFile=$PWD/signers\""
	    " >>r.git/config";
	static const char take[] =
	    "export GIT_DIR=r.git; b=$(git hash-object -w d/changeset-$N.ops)"
	    " && printf '100644 blob %s\\tops\\n' $b | git mktree >/dev/null &&"
	    " c=$(git hash-object -t commit -w --stdin"
	    " <d/changeset-$N.commit) && test $c = $OID &&"
	    " git update-ref refs/n/$N $c";
	static const char id[] =
	    "awk '/^gpgsig /{s=1;next} s&&/^ /{next} {s=0;print}'"
	    " d/changeset-$N.commit | sha256sum | grep -q \"^$ID \"";
	char *top = data_path(""), *real = realpath(top, NULL), n[2] = "1";
	char dir[] = "/tmp/test_changeset.XXXXXX";

	if (real == NULL || mkdtemp(dir) == NULL || chdir(dir) != 0 ||
	    symlink(real, "d") != 0 ||
	    symlink("d/changeset.signers", "signers") != 0)
		abort();
	is_int(shell(setup), 0, "a scratch repository");
	for (; n[0] <= '0' + SAMPLES; n[0]++) {
		setenv("N", n, 1);
		setenv("ID", ids[n[0] - '1'], 1);
		setenv("OID", oids[n[0] - '1'], 1);
		is_int(shell(take), 0,
		    "git hash-object finds sample %s's address", n);
		is_int(shell("git --git-dir=r.git verify-commit $OID"), 0,
		    "git verify-commit accepts its signature");
		is_int(shell(id), 0, "sha256sum finds its id");
		ok(shell("sed s/duty1/duty2/ d/changeset-$N.commit >t &&"
			 " git --git-dir=r.git verify-commit $(git"
			 " --git-dir=r.git hash-object -t commit -w t)") != 0,
		    "and with a letter changed git refuses it");
	}
	is_int(shell("git --git-dir=r.git fsck --strict"), 0,
	    "git fsck --strict has no objection");
	if (chdir("/") != 0 || shell("true") < 0)
		abort();
	setenv("DIR", dir, 1);
	is_int(system("rm -rf \"$DIR\""), 0, "cleaned up");
	free(top);
	free(real);
}

int
main(void)
{
	int i;

	make_samples();
	frozen();
	there_and_back();
	wire();
	flips();
	wire_flips();
	headers();
	trailers();
	whole();
	limits();
	ops_form();
	ops_limits();
	git();
	for (i = 0; i < SAMPLES; i++) {
		changeset_free(&sample[i]);
		buf_free(&commits[i]);
	}
	return tap_done();
}
