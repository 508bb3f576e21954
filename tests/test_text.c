/*
 * Goal of this test: only strict, clean UTF-8 passes; the encodings that
 * counties' tables come in are found out and converted, names of places in
 * four-byte GB18030 included.
 */
#include "config.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "tap.h"

static struct err err;

static void
messages_stay_legible(void)
{
	char cut[] = "\xe5\x80 值班\xe5\x80", odd[] = "a\xff\x80值";
	char whole[] = "值班员", empty[] = "";

	text_mend(cut);
	is_str(cut, " 值班", "of a character cut through nothing is left");
	text_mend(odd);
	is_str(odd, "a??值", "another bad byte is a question mark");
	text_mend(whole);
	is_str(whole, "值班员", "the rest stays");
	text_mend(empty);
	is_str(empty, "", "nothing, too");
	is_int((long long)text_cut("值班员", 9), 9, "all that there is");
	is_int((long long)text_cut("值班员", 8), 6, "or whole characters");
	is_int((long long)text_cut("值班员", 2), 0, "or none");
	(void)err_set(&err, YZ_EINVAL, "no role is called %.40s: 值班",
	    "值班员值班员值班员值班员值班员");
	is_str(err.msg, "no role is called 值班员值班员值班员值班员值: 值班",
	    "an error that cuts an argument cuts between characters");
	(void)err_set(&err, YZ_EINVAL, "%0250d 值班员", 1);
	ok(text_is_utf8(err.msg, strlen(err.msg)),
	    "so does the end of the line");
}

static void
utf8_is_strict(void)
{
	static const char *const bad[] = {"\x80", "\xc0\x80", "\xc1\xbf",
	    "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
	    "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe4\xb8", "\xe4\xb8z",
	    "\xff", "long enough for words\xfe"};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!text_is_utf8(bad[i], strlen(bad[i])),
		    "malformed UTF-8 %zu is refused", i);
	ok(text_is_utf8("驿站\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80", 16),
	    "the edges of UTF-8 pass");
	ok(text_is_clean("红花岗区 a", 14, false), "text is clean");
	ok(!text_is_clean("a\nb", 3, false), "a newline is not");
	ok(text_is_clean("a\n\tb", 4, true), "except where lines are allowed");
	ok(!text_is_clean("a\rb", 3, true), "a carriage return never is");
	ok(!text_is_clean("a\x7f", 2, true), "nor DEL");
	ok(!text_is_clean("a\xc2\x85", 3, true), "nor C1");
	ok(!text_is_clean("a\0b", 3, true), "nor NUL");
	is_int(text_chars("桴㯊镇a", 10), 4, "characters are counted");
}

static void
trim(const char *in, const char *want)
{
	char got[64];
	const char *s = in;
	size_t n = text_trim(&s, strlen(in));

	snprintf(got, sizeof(got), "%.*s", (int)n, s);
	is_str(got, want, "trimmed to '%s'", want);
}

static void
decodes(const char *encoding, const char *bytes, size_t n, const char *used,
    const char *want)
{
	struct buf out = BUF_INIT;
	const char *name = "";

	buf_puts(&out, "> ");
	is_int(text_decode(&out, &name, encoding, bytes, n, &err), 0,
	    "decode %s", want);
	is_str(name, used, "its encoding is %s", used);
	is_str(buf_str(&out) + 2, want, "it reads %s", want);
	buf_free(&out);
}

static void
refuses(const char *encoding, const char *bytes, size_t n, const char *want)
{
	struct buf out = BUF_INIT;

	is_int(text_decode(&out, NULL, encoding, bytes, n, &err), YZ_EINVAL,
	    "refused");
	is_str(err.msg, want, "saying so");
	is_int(out.len, 0, "and nothing is appended");
	buf_free(&out);
}

/* The bytes are from iconv(1). */
static void
encodings(void)
{
	decodes(NULL, "\xef\xbb\xbf\xe9\xa9\xbf", 6, "UTF-8", "驿");
	decodes(NULL, "\xe9\xa9\xbf\xe7\xab\x99", 6, "UTF-8", "驿站");
	decodes(NULL, "\xc3\xfb\xb3\xc6,1\r\n", 8, "GB18030", "名称,1\r\n");
	decodes(
	    NULL, "\xe8\xf5\x82\x31\xb9\x31\xd5\xf2", 8, "GB18030", "桴㯊镇");
	decodes("gb18030", "\x82\x31\xe3\x33\xcb\xae\xbd\xd6\xb5\xc0", 10,
	    "gb18030", "㵲水街道");
	decodes(NULL, "\xff\xfe\x7f\x9a,\0", 6, "UTF-16LE", "驿,");
	decodes(NULL, "\xfe\xff\x9a\x7f\0,", 6, "UTF-16BE", "驿,");
	decodes(NULL, "\x7f\x9a,\0\x31\0", 6, "UTF-16LE", "驿,1");
	decodes("UTF-16", "\0,\x9a\x7f", 4, "UTF-16BE", ",驿");
	decodes(NULL, "", 0, "UTF-8", "");
	refuses("UTF-8", "ab\xb3\xc6", 4, "byte 2 is not valid UTF-8");
	refuses("GBK", "ab\xff\xc6", 4, "byte 2 is not valid GBK");
	refuses("UTF-16LE", "a\0b", 3, "byte 2 is not valid UTF-16LE");
	refuses("KLINGON", "ab", 2, "encoding KLINGON is unknown");
}

static void
bigrams(const char *in, const char *want)
{
	struct buf out = BUF_INIT;

	text_bigrams(&out, in, strlen(in));
	is_str(buf_str(&out), want, "words of %s", in);
	buf_free(&out);
}

int
main(void)
{
	utf8_is_strict();
	messages_stay_legible();
	trim(" \t　驿站　\r\n", "驿站");
	trim("　", "");
	trim("a　b", "a　b");
	encodings();
	bigrams("贵州省", "贵州 州省 省 ");
	bigrams("县", "县 ");
	bigrams("G75兰海高速，ＡＢ-12", "g75 兰海 海高 高速 速 ab 12 ");
	bigrams("  ", "");
	bigrams("二〇二六年《令》", "二〇 〇二 二六 六年 年 令 ");
	bigrams("a\xff"
		"b桴㯊",
	    "a b 桴㯊 㯊 ");
	return tap_done();
}
