#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/db.h"
#include "base/err.h"
#include "limit.h"
#include "local.h"
#include "local_link.h"

#define MINUTE_MS 60000ll
#define HOUR_MS 3600000ll
#define DAY_MIN 1440
#define TAKE_KEPT 8

int
local_link_get(struct local *local, struct local_link *out, const char *code,
    struct err *err)
{
	struct db_stmt *st;
	int rc;

	memset(out, 0, sizeof(*out));
	snprintf(out->code, sizeof(out->code), "%s", code);
	rc = db_query(&st, local_db(local), err,
	    "SELECT rate, day, from_min, to_min, take_hour, take_day"
	    " FROM link WHERE code = ?",
	    "s", code);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		out->rate = db_int(st, 0);
		out->day = db_int(st, 1);
		out->from = (int)db_int(st, 2);
		out->to = (int)db_int(st, 3);
		out->take_hour = db_int(st, 4);
		out->take_day = db_int(st, 5);
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

int
local_link_put(
    struct local *local, const struct local_link *link, struct err *err)
{
	return db_run(local_db(local), err,
	    "REPLACE INTO link VALUES (?,?,?,?,?,?,?)", "siiiiii", link->code,
	    link->rate, link->day, (int64_t)link->from, (int64_t)link->to,
	    link->take_hour, link->take_day);
}

static bool
two_digits(int *out, const char *s, int most)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return false;
	*out = (s[0] - '0') * 10 + s[1] - '0';
	return *out <= most;
}

bool
local_link_parse_hours(struct local_link *out, const char *text)
{
	int h1, m1, h2, m2;

	if (strcmp(text, "always") == 0) {
		out->from = out->to = 0;
		return true;
	}
	if (strlen(text) != 11 || text[2] != ':' || text[5] != '-' ||
	    text[8] != ':' || !two_digits(&h1, text, 24) ||
	    !two_digits(&m1, text + 3, 59) || !two_digits(&h2, text + 6, 24) ||
	    !two_digits(&m2, text + 9, 59))
		return false;
	out->from = h1 * 60 + m1;
	out->to = h2 * 60 + m2;
	return out->from <= DAY_MIN && out->to <= DAY_MIN;
}

/* --- now ------------------------------------------------------------------ */

/* The minute of the day here, and a number for the day. */
static int
minute_of(int64_t wall, int64_t *day)
{
	time_t t = (time_t)(wall / 1000);
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	(void)localtime_r(&t, &tm);
	*day = (tm.tm_year + 1900LL) * 1000 + tm.tm_yday;
	return tm.tm_hour * 60 + tm.tm_min;
}

static bool
in_hours(const struct local_link *link, int minute)
{
	if (link->from == link->to)
		return true;
	if (link->from < link->to)
		return minute >= link->from && minute < link->to;
	return minute >= link->from || minute < link->to;
}

/* Minutes from one minute of the day to another, at least one. */
static int
minutes_to(int from, int to)
{
	int n = (to - from + 2 * DAY_MIN) % DAY_MIN;

	return n == 0 ? DAY_MIN : n;
}

int
local_link_now(struct local *local, const struct local_link *link, int64_t wall,
    bool *all, int64_t *left, int64_t *until, struct err *err)
{
	int64_t day, used;
	int minute = minute_of(wall, &day), wait = minutes_to(minute, 0), n, rc;

	rc = db_get_int(&used, local_db(local), err,
	    "SELECT coalesce(sum(bytes), 0) FROM traffic"
	    " WHERE code = ? AND day = ?",
	    "si", link->code, day);
	if (rc != 0)
		return rc;
	*all = in_hours(link, minute);
	*left = INT64_MAX;
	if (link->day > 0) {
		*left = used < link->day ? link->day - used : 0;
		*all = *all && *left > 0;
	}
	if (link->from != link->to) {
		n = minutes_to(minute, link->from % DAY_MIN);
		wait = n < wait ? n : wait;
		n = minutes_to(minute, link->to % DAY_MIN);
		wait = n < wait ? n : wait;
	}
	*until = wall - wall % MINUTE_MS + wait * MINUTE_MS;
	return 0;
}

int
local_link_count(struct local *local, const char *code, int64_t wall,
    int64_t bytes, struct err *err)
{
	int64_t day;

	(void)minute_of(wall, &day);
	return db_run(local_db(local), err,
	    "INSERT INTO traffic VALUES (?, ?, ?)"
	    " ON CONFLICT (code) DO UPDATE SET"
	    " bytes = iif(day = excluded.day, bytes, 0) + excluded.bytes,"
	    " day = excluded.day",
	    "sii", code, day, bytes);
}

/* --- what is taken ---------------------------------------------------------
 */

static int64_t
most_an_hour(const struct local_link *link)
{
	return link->take_hour > 0 ? link->take_hour : LIMIT_TAKE_HOUR;
}

static int64_t
most_a_day(const struct local_link *link)
{
	return link->take_day > 0 ? link->take_day : LIMIT_TAKE_DAY;
}

static int64_t
drained(int64_t level, int64_t most, int64_t passed, int64_t span)
{
	if (passed <= 0)
		return level;
	if (passed >= span)
		return 0;
	level -= most / span * passed + most % span * passed / span;
	return level < 0 ? 0 : level;
}

int
local_taken_get(struct local *local, struct local_taken *out,
    const struct local_link *link, int64_t wall, struct err *err)
{
	struct db_stmt *st;
	int64_t passed;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = db_query(&st, local_db(local), err,
	    "SELECT at, changesets, bytes FROM taken WHERE code = ?", "s",
	    link->code);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		passed = wall - db_int(st, 0);
		out->changesets =
		    drained(db_int(st, 1), most_an_hour(link), passed, HOUR_MS);
		out->bytes = drained(
		    db_int(st, 2), most_a_day(link), passed, 24 * HOUR_MS);
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

int
local_taken_put(struct local *local, const struct local_link *link,
    const struct local_taken *taken, int64_t wall, struct err *err)
{
	return db_run(local_db(local), err,
	    "REPLACE INTO taken VALUES (?, ?, ?, ?)", "siii", link->code, wall,
	    taken->changesets, taken->bytes);
}

/* An eighth of what is granted is kept for what is urgent. */
static int64_t
of_it(int64_t most, bool urgent)
{
	return urgent ? most : most - most / TAKE_KEPT;
}

int64_t
local_taken_left(const struct local_link *link, const struct local_taken *taken)
{
	int64_t left = of_it(most_a_day(link), false) - taken->bytes;

	return left < 0 ? 0 : left;
}

int
local_taken_check(const struct local_link *link,
    const struct local_taken *taken, bool urgent, struct err *err)
{
	const char *aside = urgent ? "" : N_(", commands aside");
	int64_t hour = of_it(most_an_hour(link), urgent);
	int64_t day = of_it(most_a_day(link), urgent);

	if (taken->changesets > hour)
		return err_set(err, YZ_EDENIED,
		    "over %lld changesets of %s within an hour%s: try again"
		    " later",
		    (long long)hour, link->code, aside);
	if (taken->bytes > day)
		return err_set(err, YZ_EDENIED,
		    "over %lld bytes of %s within a day%s: try again later",
		    (long long)day, link->code, aside);
	return 0;
}
