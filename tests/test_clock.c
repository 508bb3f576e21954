/*
 * Goal of this test: what people type becomes the instant they mean, or is
 * refused; `date` of coreutils gave the numbers.
 */
#include "config.h"

#include "base/clock.h"
#include "base/err.h"
#include "tap.h"

static struct err err;

static const struct {
	const char *text;
	int64_t ms;
} good[] = {
    {"1970-01-01T08:00:00+08:00", 0},
    {"2026-11-23T23:16:23+08:00", 1795446983000},
    {"2026-11-23 23:16:23", 1795446983000},
    {"2026-11-23T15:16:23Z", 1795446983000},
    {"2026-11-23T10:16:23-0500", 1795446983000},
    {"2026/11/23 23:16:23.5", 1795446983500},
    {"2026年11月23日 23:16", 1795446960000},
    {"2026-11-23T23:16:23.1239+08:00", 1795446983123},
    {"2026-11-23", 1795363200000},
    {"2024-2-29", 1709136000000},
    {"2000-02-29T00:00Z", 951782400000},
    {"1900-01-01", -2209017600000},
    {"1969-12-31T23:59:59.999Z", -1},
    {"9999-12-31T23:59:59.999", 253402271999999},
};

static const char *const bad[] = {"", "2026", "2026-13-01", "2026-00-10",
    "2026-04-31", "2023-02-29", "1900-02-29", "1899-12-31", "10000-01-01",
    "2026-11-23T", "2026-11-23T24:00", "2026-11-23T23:60",
    "2026-11-23T23:16:60", "2026-11-23T23", "2026-11-23T23:16:23.",
    "2026-11-23T23:16:23+8", "2026-11-23T23:16:23+15:00",
    "2026-11-23T23:16:23+08:00 ", " 2026-11-23", "2026-11/23", "2026年11月23",
    "+2026-11-23", "2026-11-23x"};

int
main(void)
{
	char out[CLOCK_LEN], date[11];
	int64_t ms, earlier;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ms = 1;
		clock_parse(&ms, good[i].text, &err);
		is_int(ms, good[i].ms, "%s", good[i].text);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_int(clock_parse(&ms, bad[i], &err), YZ_EINVAL,
		    "'%s' is refused", bad[i]);

	clock_format(out, 1795446983999);
	is_str(out, "2026-11-23T23:16:23+08:00", "seconds are not rounded up");
	clock_format_ms(out, 1795446983005);
	is_str(out, "2026-11-23T23:16:23.005+08:00", "always three digits");
	clock_format_ms(out, -1);
	is_str(out, "1970-01-01T07:59:59.999+08:00", "before 1970");
	clock_format(out, INT64_MAX);
	is_str(out, "9999-12-31T23:59:59+08:00", "beyond is the last instant");
	clock_format(out, INT64_MIN);
	is_str(out, "0001-01-01T00:00:00+08:00", "or the first");
	for (i = 0; i < 120000; i++) { /* by 25 h, to 2312 */
		int64_t want = (int64_t)i * (86400000 + 3600000) + i % 1000;

		clock_format_ms(out, want);
		if (clock_parse(&ms, out, &err) != 0 || ms != want)
			break;
	}
	is_int(i, 120000, "what is formatted parses back");

	is_int(clock_parse_date(date, "2026年1月3日", &err), 0, "a date");
	is_str(date, "2026-01-03", "as ISO 8601");
	is_int(clock_parse_date(date, "2026-01-03T00:00", &err), YZ_EINVAL,
	    "a time is no date");
	earlier = clock_mono();
	ok(clock_mono() >= earlier && clock_wall() > 1600000000000,
	    "the clocks run");
	return tap_done();
}
