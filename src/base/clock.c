#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"

#define ZONE_MINUTES 480 /* the whole country keeps +08:00 */
#define DAY_MS 86400000ll
#define FIRST_MS (-62135625600000ll) /* 0001-01-01T00:00:00+08:00 */
#define LAST_MS 253402271999999ll    /* 9999-12-31T23:59:59.999+08:00 */

int64_t
clock_wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_mono(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Days from 1970-01-01 of a date in the Gregorian calendar, year >= 0.  The
 * year is taken to begin in March, so the leap day is its last. */
static int64_t
days_of(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = month > 2 ? month - 3 : month + 9;

	return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day -
	       1 - 719468;
}

static void
date_of(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468; /* days since 0000-03-01 */
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097; /* day of the 400 years */
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t m = (5 * doy + 2) / 153;

	*day = (int)(doy - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2 ? 1 : 0));
}

static void
format(char out[CLOCK_LEN], int64_t ms, bool fraction)
{
	int64_t local, days, rest;
	int year, month, day, sec;
	char text[80];

	/* Four digits hold no more; a stranger's clock may say anything. */
	ms = ms < FIRST_MS ? FIRST_MS : ms > LAST_MS ? LAST_MS : ms;
	local = ms + ZONE_MINUTES * 60000ll;
	days = local / DAY_MS;
	rest = local % DAY_MS;
	if (rest < 0) {
		rest += DAY_MS;
		days--;
	}
	date_of(days, &year, &month, &day);
	sec = (int)(rest / 1000);
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03d", year,
	    month, day, sec / 3600, sec / 60 % 60, sec % 60,
	    (int)(rest % 1000));
	/* The first 19 characters are the time to the second. */
	snprintf(out, CLOCK_LEN, "%.*s+08:00", fraction ? 23 : 19, text);
}

void
clock_format(char out[CLOCK_LEN], int64_t ms)
{
	format(out, ms, false);
}

void
clock_format_ms(char out[CLOCK_LEN], int64_t ms)
{
	format(out, ms, true);
}

/* --- parsing: each step moves *s on, or leaves it and says false ---------- */

static bool
number(const char **s, int min_digits, int max_digits, int *out)
{
	const char *p = *s;
	int v = 0, n = 0;

	for (; n < max_digits && *p >= '0' && *p <= '9'; n++)
		v = v * 10 + (*p++ - '0');
	if (n < min_digits)
		return false;
	*s = p;
	*out = v;
	return true;
}

static bool
literal(const char **s, const char *text)
{
	size_t n = strlen(text);

	if (strncmp(*s, text, n) != 0)
		return false;
	*s += n;
	return true;
}

static bool
separated(const char **s, const char *sep, int *month, int *day)
{
	return literal(s, sep) && number(s, 1, 2, month) && literal(s, sep) &&
	       number(s, 1, 2, day);
}

static bool
date(const char **s, int *year, int *month, int *day)
{
	static const int length[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap;

	if (!number(s, 4, 4, year))
		return false;
	if (**s == '-') {
		if (!separated(s, "-", month, day))
			return false;
	} else if (**s == '/') {
		if (!separated(s, "/", month, day))
			return false;
	} else if (!literal(s, "年") || !number(s, 1, 2, month) ||
		   !literal(s, "月") || !number(s, 1, 2, day) ||
		   !literal(s, "日")) {
		return false;
	}
	if (*year < 1900 || *month < 1 || *month > 12 || *day < 1)
		return false;
	leap = (*year % 4 == 0 && *year % 100 != 0) || *year % 400 == 0;
	return *day <= length[*month - 1] + (*month == 2 && leap ? 1 : 0);
}

/* hh:mm, and if they are there :ss and a fraction, as ms of the day. */
static bool
time_of_day(const char **s, int64_t *out)
{
	int hour, minute, second = 0, digit, scale = 100, ms = 0;

	if (!number(s, 1, 2, &hour) || !literal(s, ":") ||
	    !number(s, 2, 2, &minute))
		return false;
	if (literal(s, ":")) {
		if (!number(s, 2, 2, &second))
			return false;
		if (literal(s, ".")) {
			if (!number(s, 1, 1, &digit))
				return false;
			do {
				ms += digit * scale;
				scale /= 10;
			} while (number(s, 1, 1, &digit));
		}
	}
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	*out = (hour * 3600 + minute * 60 + second) * 1000ll + ms;
	return true;
}

static bool
zone(const char **s, int *minutes)
{
	int hour, minute, sign = 1;

	*minutes = ZONE_MINUTES;
	if (**s == '\0')
		return true;
	if (literal(s, "Z")) {
		*minutes = 0;
		return true;
	}
	if (**s == '-')
		sign = -1;
	else if (**s != '+')
		return false;
	++*s;
	if (!number(s, 2, 2, &hour))
		return false;
	literal(s, ":");
	if (!number(s, 2, 2, &minute) || hour > 14 || minute > 59)
		return false;
	*minutes = sign * (hour * 60 + minute);
	return true;
}

static bool
date_and_time(int64_t *out, const char *s)
{
	int year, month, day, minutes = ZONE_MINUTES;
	int64_t ms = 0;

	if (!date(&s, &year, &month, &day))
		return false;
	if (*s != '\0') {
		if (!literal(&s, "T") && !literal(&s, " "))
			return false;
		if (!time_of_day(&s, &ms) || !zone(&s, &minutes))
			return false;
	}
	*out = days_of(year, month, day) * DAY_MS + ms - minutes * 60000ll;
	return *s == '\0';
}

int
clock_parse(int64_t *out, const char *text, struct err *err)
{
	int64_t ms;

	if (!date_and_time(&ms, text))
		return err_set(err, YZ_EINVAL, "%.40s is not a time", text);
	*out = ms;
	return 0;
}

int
clock_parse_date(char out[11], const char *text, struct err *err)
{
	const char *s = text;
	int year, month, day;

	if (!date(&s, &year, &month, &day) || *s != '\0')
		return err_set(err, YZ_EINVAL, "%.40s is not a date", text);
	/* In bounds by date(); unsigned and masked so the compiler sees it. */
	snprintf(out, 11, "%04u-%02u-%02u", (unsigned)year % 10000,
	    (unsigned)month % 100, (unsigned)day % 100);
	return 0;
}
