/*
 * Goal of this test: what people type becomes the one canonical value that
 * the vocabulary means, or is refused with the reason; and search questions
 * become the index's phrases.  Nothing here needs a replica.
 */
#include "config.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/code.h"
#include "model/near.h"
#include "model/search.h"
#include "model/value.h"
#include "schema.h"
#include "tap.h"

static struct field
field(enum field_type type)
{
	struct field f = {.name = (char *)"f", .of = (char *)"k", .type = type};

	f.target = f.values = f.code_rule = f.unit = f.min = f.max = (char *)"";
	f.group = f.label_zh = f.label_en = f.aliases = f.note = (char *)"";
	return f;
}

/* The canonical value of text, or "!" and the reason; in a static buffer. */
static const char *
parsed(const struct field *f, const char *text)
{
	static struct buf out;
	struct err err;

	buf_clear(&out);
	if (value_parse_field(&out, NULL, f, text, &err) != 0) {
		buf_clear(&out);
		buf_printf(&out, "!%s", err.msg);
	}
	return buf_str(&out);
}

static void
numbers(void)
{
	struct field f = field(FIELD_DECIMAL);
	char out[VALUE_DECIMAL_LEN];

	f.scale = 2;
	is_str(parsed(&f, "12.5"), "\"12.50\"", "zeros fill the scale");
	is_str(parsed(&f, " 12.500 "), "\"12.50\"", "zeros beyond it go");
	is_str(parsed(&f, "12.505"), "!f: more than 2 digits after the point",
	    "other digits beyond it are refused");
	is_str(parsed(&f, "-0.00"), "\"0.00\"", "there is no -0");
	is_str(parsed(&f, "+007"), "\"7.00\"", "no + and no leading zeros");
	is_str(parsed(&f, "-.5"), "\"-0.50\"", "a bare point");
	is_str(parsed(&f, "."), "!f: not a number", "a point alone is none");
	is_str(parsed(&f, "1e3"), "!f: not a number", "no exponents");
	is_str(parsed(&f, "99999999999999.99"), "!f: too many digits",
	    "more digits than are kept exactly");
	is_str(parsed(&f, ""), "null", "empty clears");
	f.scale = 7;
	f.min = (char *)"73";
	f.max = (char *)"136";
	is_str(parsed(&f, "106.9123456"), "\"106.9123456\"", "a longitude");
	is_str(parsed(&f, "136.0000001"), "!f: 136.0000001 is above 136",
	    "above the bound");
	is_str(parsed(&f, "72.9"), "!f: 72.9 is below 73", "below the bound");
	f = field(FIELD_INT);
	is_str(parsed(&f, "-12"), "-12", "an integer is no text");
	is_str(parsed(&f, "3.0"), "3", "a whole number however written");
	is_str(parsed(&f, "3.5"), "!f: more than 0 digits after the point",
	    "an integer has no fraction");
	value_decimal(out, -5, 2);
	is_str(out, "-0.05", "a small negative number");
	value_decimal(out, 12, 0);
	is_str(out, "12", "scale 0 has no point");
	value_decimal(out, INT64_MIN, 0);
	is_str(out, "-9223372036854775808", "the smallest number");
}

static void
words(void)
{
	struct field f = field(FIELD_BOOL);

	is_str(parsed(&f, "是"), "true", "是 is yes");
	is_str(parsed(&f, "无"), "false", "无 is no");
	is_str(parsed(&f, "Yes"), "true", "letters of any case");
	is_str(parsed(&f, "2"), "!f: 2 is neither yes nor no", "2 is neither");
	f = field(FIELD_PHONE);
	is_str(parsed(&f, "0851-2822 1119"), "\"0851-2822 1119\"", "a number");
	is_str(parsed(&f, "110"), "\"110\"", "a short number");
	is_str(parsed(&f, "张三"), "!f: 张三 is not a telephone number",
	    "a name is none");
	ok(parsed(&f, "---")[0] == '!', "signs without digits are none");
	f = field(FIELD_TEXT);
	f.max_len = 4;
	is_str(parsed(&f, "红花岗区"), "\"红花岗区\"",
	    "length is counted in characters");
	is_str(parsed(&f, "红花岗区队"), "!f: 5 characters are over 4",
	    "too long");
	is_str(parsed(&f, "　a\"b　"), "\"a\\\"b\"",
	    "trimmed, full-width spaces too, and quoted");
	is_str(parsed(&f, "a\x01"),
	    "!f: not clean UTF-8 text (control characters)",
	    "a control character is refused");
	ok(parsed(&f, "a\xff")[0] == '!', "so are bytes that are not UTF-8");
	f = field(FIELD_TEXT);
	f.values = (char *)"/^[0-9]{3}[0-9X]$/";
	is_str(parsed(&f, "123X"), "\"123X\"", "a pattern that fits");
	is_str(parsed(&f, "1234X"),
	    "!f: 1234X is not of the form /^[0-9]{3}[0-9X]$/",
	    "and one that does not");
}

static void
times(void)
{
	struct field f = field(FIELD_TIME);

	is_str(parsed(&f, "2026-11-23 9:05"), "\"2026-11-23T09:05:00+08:00\"",
	    "a local time");
	is_str(parsed(&f, "2026-11-23T01:05:00Z"),
	    "\"2026-11-23T09:05:00+08:00\"", "another zone is converted");
	ok(parsed(&f, "yesterday")[0] == '!', "words are no time");
	f = field(FIELD_DATE);
	is_str(parsed(&f, "2026年11月3日"), "\"2026-11-03\"", "a Chinese date");
}

static void
choices(void)
{
	struct field f = field(FIELD_CODE);

	f.values = (char *)"ready=可用|busy=占用|down=停用";
	f.code_rule = (char *)"exact";
	is_str(parsed(&f, "busy"), "\"busy\"", "a code");
	is_str(parsed(&f, "停用"), "\"down\"", "a label becomes its code");
	is_str(parsed(&f, "bus"), "!f: bus is none of ready, busy, down",
	    "no other text");
	f.code_rule = (char *)"open";
	is_str(parsed(&f, "船"), "\"船\"", "an open list is advice");
	f.elem = ELEM_SET;
	is_str(parsed(&f, "可用、船,down"), "[\"ready\",\"船\",\"down\"]",
	    "elements apart by 、 or comma");
	is_str(parsed(&f, "[\"busy\", \"a,b\"]"), "[\"busy\",\"a,b\"]",
	    "or as a JSON array");
	f = field(FIELD_TEXT);
	f.elem = ELEM_SET;
	is_str(parsed(&f, "甲醇, 99%|汽油"), "[\"甲醇, 99%\",\"汽油\"]",
	    "a comma is part of a text");
}

static void
documents(void)
{
	struct field f = field(FIELD_JSON);

	is_str(parsed(&f, "{ \"b\": [1, true, null], \"a\": \"\\u7ea2\" }"),
	    "{\"a\":\"红\",\"b\":[1,true,null]}",
	    "ordinary JSON is put into the canonical form");
	ok(parsed(&f, "{\"a\":1.5}")[0] == '!', "a fraction is refused");
	ok(parsed(&f, "{\"a\":1,\"a\":2}")[0] == '!', "a key twice as well");
	ok(parsed(&f, "{")[0] == '!', "half a document too");
	f = field(FIELD_BLOB);
	ok(parsed(&f, "abc")[0] == '!', "an attachment is 64 hex digits");
}

static void
stored(void)
{
	struct field f = field(FIELD_DECIMAL);
	struct buf out = BUF_INIT;

	f.scale = 2;
	value_stored(&out, &f, "\"12.50\"");
	is_str(buf_str(&out), "1250", "a decimal is stored scaled");
	buf_clear(&out);
	f = field(FIELD_BOOL);
	value_stored(&out, &f, "true");
	is_str(buf_str(&out), "1", "yes is stored as 1");
	buf_clear(&out);
	value_plain(&out, "\"a\\nb\"");
	is_str(buf_str(&out), "a\nb", "plain text has its newline back");
	buf_free(&out);
}

static const char *
asked(const char *text)
{
	static struct buf out;
	struct err err;

	buf_clear(&out);
	if (search_query(&out, text, &err) != 0)
		return "!";
	return buf_str(&out);
}

static void
questions(void)
{
	is_str(asked("消防"), "\"消防\"", "two characters are one word");
	is_str(asked("红花岗区"), "\"红花 花岗 岗区\"",
	    "more are a phrase of pairs");
	is_str(asked("岗"), "\"岗\" *", "one is the start of a pair");
	is_str(asked("花花"), "\"花花\"", "a character twice");
	is_str(asked("花花花"), "\"花花 花花\"", "and three times");
	is_str(asked("ABC12"), "\"abc12\" *", "letters match by their start");
	is_str(asked("119消防"), "\"119 消防\"", "letters, then characters");
	is_str(asked("消防119"), "\"消防 防 119\" *", "the other way round");
	is_str(asked("遵义　消防"), "\"遵义\" AND \"消防\"",
	    "a full-width space parts words");
	is_str(asked("\"*\" OR"), "\"or\" *", "signs of a query are nothing");
	is_str(asked(" - "), "!", "nothing to seek");
}

static void
distances(void)
{
	double m = near_distance(106.0, 27.0, 106.0, 28.0);

	ok(m > 111194 && m < 111196, "a degree of latitude is 111.195 km");
	m = near_distance(106.0, 60.0, 107.0, 60.0);
	ok(m > 55595 && m < 55598, "a degree of longitude at 60 N: half");
	ok(near_distance(106, 27, 106, 27) == 0, "no distance to itself");
}

int
main(void)
{
	numbers();
	words();
	times();
	choices();
	documents();
	stored();
	questions();
	distances();
	return tap_done();
}
