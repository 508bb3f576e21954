/*
 * Goal: exactly one form of every value is taken, the message says what is
 * wrong with any other, and the readers give back what was written.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "canon.h"
#include "limit.h"
#include "tap.h"

/* The text on a heap block of just its size, so that a sanitizer sees a read
 * past its end. */
static int
check(struct canon *v, const char *text, struct err *err)
{
	size_t n = strlen(text);
	char *copy = malloc(n);
	int rc;

	memcpy(copy, text, n);
	rc = canon_whole(v, copy, n, err);
	free(copy);
	if (rc == 0)
		v->s = text;
	return rc;
}

static void
taken(void)
{
	static const char *const good[] = {"null", "true", "false", "0", "-1",
	    "9007199254740991", "-9007199254740991", "\"\"", "\"a b\"",
	    "\"\\n\\t\\\"\\\\\"", "\"红花岗区 \xf0\x9f\x9a\x92\"", "[]", "{}",
	    "[1,\"x\",[true],{}]", "{\"a\":1,\"b\":{\"c\":[]}}",
	    "{\"\":0,\"a\":0,\"ab\":0,\"b\":0,\"中\":0}",
	    /* the key " is 0x22, before A, though written \" it is after */
	    "{\"\\\"\":0,\"A\":0,\"\\\\\":0,\"a\":0}"};
	struct canon v;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		is_int(check(&v, good[i], &err), 0, "take %s", good[i]);
}

static void
refused(void)
{
	static const struct {
		const char *text;
		const char *msg;
	} bad[] = {
	    {"", "byte 0: a value is missing"},
	    {" 1", "byte 0: white space between values"},
	    {"1 ", "byte 1: something follows the value"},
	    {"1.5", "byte 1: a float"},
	    {"1e3", "byte 1: a float"},
	    {"-", "byte 1: not a value"},
	    {"-0", "byte 2: an integer with a needless zero"},
	    {"01", "byte 2: an integer with a needless zero"},
	    {"+1", "byte 0: not a value"},
	    {"9007199254740992", "byte 15: an integer over 2^53-1"},
	    {"99999999999999999999", "byte 15: an integer over 2^53-1"},
	    {"nul", "byte 0: not a value"},
	    {"truE", "byte 0: not a value"},
	    {"NaN", "byte 0: not a value"},
	    {"\"a", "byte 2: text is not closed"},
	    {"\"\\", "byte 1: an escape other than \\n \\t \\\" \\\\"},
	    {"\"\\/\"", "byte 1: an escape other than \\n \\t \\\" \\\\"},
	    {"\"\\u0041\"", "byte 1: an escape other than \\n \\t \\\" \\\\"},
	    {"\"a\nb\"", "byte 2: a control character"},
	    {"\"\x7f\"", "byte 1: a control character"},
	    {"\"\xc2\x85\"", "byte 1: not UTF-8, or a control character"},
	    {"\"\xc0\x80\"", "byte 1: not UTF-8, or a control character"},
	    {"\"\xe0\x9f\xbf\"", "byte 1: not UTF-8, or a control character"},
	    {"\"\xed\xa0\x80\"", "byte 1: not UTF-8, or a control character"},
	    {"\"\xf4\x90\x80\x80\"",
		"byte 1: not UTF-8, or a control character"},
	    {"\"\xe4\xb8", "byte 1: not UTF-8, or a control character"},
	    {"[1,]", "byte 3: not a value"},
	    {"[1", "byte 2: neither , nor ] in a list"},
	    {"[1, 2]", "byte 3: white space between values"},
	    {"{\"a\"}", "byte 4: no : after a key"},
	    {"{\"a\":1", "byte 6: neither , nor } in an object"},
	    {"{a:1}", "byte 1: a key is missing"},
	    {"{\"a\":1,}", "byte 7: a key is missing"},
	    {"{\"name\":1,\"name\":2}", "byte 10: key \"name\" twice"},
	    {"{\"b\":1,\"a\":2}", "byte 7: keys not sorted at \"a\""},
	    {"{\"A\":0,\"\\\"\":0}", "byte 7: keys not sorted at \"\\\"\""},
	};
	struct canon v;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		is_int(check(&v, bad[i].text, &err), YZ_ECORRUPT,
		    "refuse number %zu", i);
		is_str(err.msg, bad[i].msg, "and say why");
	}
}

static void
depth(void)
{
	char text[2 * LIMIT_DEPTH + 3];
	struct canon v;
	struct err err;

	memset(text, '[', LIMIT_DEPTH);
	memset(text + LIMIT_DEPTH, ']', LIMIT_DEPTH);
	text[2 * LIMIT_DEPTH] = '\0';
	is_int(check(&v, text, &err), 0, "take depth %d", LIMIT_DEPTH);
	memset(text, '[', LIMIT_DEPTH + 1);
	memset(text + LIMIT_DEPTH + 1, ']', LIMIT_DEPTH + 1);
	text[2 * LIMIT_DEPTH + 2] = '\0';
	is_int(check(&v, text, &err), YZ_ECORRUPT, "refuse one more");
	is_str(err.msg, "byte 16: nested too deep", "and say so");
}

static void
walks(void)
{
	static const char text[] =
	    "{\"a\":[1,\"],\\\"\",{\"x\":[]},-7],\"b\":false,\"c\":{\"d\":3},"
	    "\"e\":\"\\\"中\\n\"}";
	struct canon whole, v, item, key;
	struct buf out = BUF_INIT;
	struct err err;
	size_t at = 0, n = 0;

	is_int(canon_whole(&whole, text, strlen(text), &err), 0, "take it");
	ok(canon_member(whole, "a", &v), "member a is there");
	is_int(canon_type(v), CANON_LIST, "it is a list");
	ok(canon_next(v, &at, &item) && canon_int(item) == 1, "1 is first");
	ok(canon_next(v, &at, &item) && canon_is_text(item, "],\""),
	    "a text with brackets is second");
	ok(canon_next(v, &at, &item) && canon_type(item) == CANON_OBJECT &&
		item.n == 8,
	    "an object is third");
	ok(canon_next(v, &at, &item) && canon_int(item) == -7, "-7 is last");
	ok(!canon_next(v, &at, &item), "then the list ends");
	ok(!canon_next(v, &at, &item), "and stays ended");
	ok(canon_member(whole, "b", &v) && !canon_bool(v), "b is false");
	ok(canon_member(whole, "c", &v) && canon_member(v, "d", &item) &&
		canon_int(item) == 3,
	    "c.d is 3");
	ok(!canon_member(whole, "d", &v), "d is not a member of the whole");
	ok(canon_member(whole, "e", &v), "e is there");
	canon_text(&out, v);
	is_str(buf_str(&out), "\"中\n", "its escapes are undone");
	ok(!canon_is_text(v, "\"中"), "a prefix is not equal");
	ok(!canon_is_text(v, "\"中\n\n"), "nor is a longer text");
	buf_clear(&out);
	canon_put_text(&out, "\"中\n", strlen("\"中\n"));
	ok(out.len == v.n && memcmp(out.b, v.s, v.n) == 0,
	    "writing the text gives the same form");
	for (at = 0; canon_next_pair(whole, &at, &key, &v);)
		n++;
	is_int((long long)n, 4, "there are 4 members");
	buf_clear(&out);
	canon_put_int(&out, -9007199254740991);
	is_str(buf_str(&out), "-9007199254740991", "integers are written");
	buf_free(&out);
}

int
main(void)
{
	taken();
	refused();
	depth();
	walks();
	return tap_done();
}
