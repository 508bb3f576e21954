/*
 * Goal of this test: a changeset has one form.  Whatever FORMAT.md does not
 * allow in its text or its ops is refused, and each limit holds just where
 * it says: what is allowed is signed, written and read back.
 */
#include "config.h"

#include "op.h"
#include "sample.h"
#include "tap.h"

/* --- one form ------------------------------------------------------------- */

/* Sample i with the first `from` in it replaced must be refused. */
static void
refused(int i, const char *from, const char *to, const char *why)
{
	struct buf text = BUF_INIT;
	char *s = buf_str(&sample_commit[i]), *at = strstr(s, from);
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
	    "another station sample_commit");
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

	for (n = 0; n < sample_commit[1].len; n++) {
		if (changeset_parse(&cs, sample_commit[1].b, n, "", 0, &err) !=
		    0)
			continue;
		/* Without its last Seen line it is another changeset. */
		read += changeset_verify(&cs, &err) == 0;
		changeset_free(&cs);
	}
	is_int(read, 0, "no beginning of a commit passes");
	buf_put(&text, sample_commit[1].b, sample_commit[1].len);
	buf_putc(&text, '\0');
	is_int(changeset_parse(&cs, text.b, text.len, "", 0, &err), YZ_ECORRUPT,
	    "refused: a NUL at the end");
	is_int(changeset_parse(&cs, sample_commit[1].b, sample_commit[1].len,
		   "\n", 1, &err),
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

	sample_key(&key);
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

	sample_fill(&cs, "520302-1f0c9a7e/oversight@520302", 2, "x", "");
	text_limit(&cs.author, LIMIT_NAME, "a name", &cs);
	text_limit(&cs.subject, LIMIT_SUBJECT, "a human line", &cs);
	text_limit(&cs.login, 32, "a login", &cs);
	number_limit(&cs.seq, 1, LIMIT_SEQ, "seq", &cs);
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
		sample_place(&cs.seen[i], chain, LIMIT_SEQ, 0xff);
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
	ops_are(0, sample_ops_1, "the ops of sample 1");
	ops_are(0, sample_ops_3, "the ops of sample 3");
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

int
main(void)
{
	sample_make();
	headers();
	trailers();
	whole();
	limits();
	ops_form();
	ops_limits();
	sample_free();
	return tap_done();
}
