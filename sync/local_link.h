/*
 * What this machine grants a link to a peer: how fast, how much a day, in
 * which hours, and how much it takes from that peer.  Kept in local.db,
 * with the bytes and changesets counted so far.
 */
#ifndef SYNC_LOCAL_LINK_H
#define SYNC_LOCAL_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "chain.h"

struct err;
struct local;

struct local_link {
	char code[CHAIN_CODE_LEN + 1];
	int64_t rate;      /* bytes/s, each way; 0: any */
	int64_t day;       /* bytes a day, both ways; 0: any */
	int from, to;      /* minutes of the day; equal: all day */
	int64_t take_hour; /* changesets taken in an hour; 0: LIMIT_TAKE_HOUR */
	int64_t take_day;  /* bytes taken in a day; 0: LIMIT_TAKE_DAY */
};

/* What was not set is 0; never YZ_ENOTFOUND. */
int local_link_get(struct local *local, struct local_link *out,
    const char *code, struct err *err);
int local_link_put(
    struct local *local, const struct local_link *link, struct err *err);

/* "22:00-06:30", or "always". */
bool local_link_parse_hours(struct local_link *out, const char *text);

/*
 * At that wall time (ms), may all streams flow, or only what is urgent:
 * rosters and commands?  *left is what the day's budget leaves (INT64_MAX:
 * no budget), *until the wall time when this must be asked again.
 */
int local_link_now(struct local *local, const struct local_link *link,
    int64_t wall, bool *all, int64_t *left, int64_t *until, struct err *err);

/* Count bytes that went over the link. */
int local_link_count(struct local *local, const char *code, int64_t wall,
    int64_t bytes, struct err *err);

/*
 * What was taken from a peer lately: levels that rise as it sends and drain
 * as time goes by, in an hour and in a day.  A clock that is set back only
 * makes them drain later.
 */
struct local_taken {
	int64_t changesets, bytes;
};
int local_taken_get(struct local *local, struct local_taken *out,
    const struct local_link *link, int64_t wall, struct err *err);
int local_taken_put(struct local *local, const struct local_link *link,
    const struct local_taken *taken, int64_t wall, struct err *err);
/* Bytes of the day that what is not urgent has left. */
int64_t local_taken_left(
    const struct local_link *link, const struct local_taken *taken);
/* Is it more than granted?  YZ_EDENIED, with a line that says of what.  Only
 * what is urgent (rosters and commands) may use the last eighth. */
int local_taken_check(const struct local_link *link,
    const struct local_taken *taken, bool urgent, struct err *err);

#endif
