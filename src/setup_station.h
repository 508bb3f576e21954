/*
 * The station that is being set up, before it is one: in a folder of its own
 * until everything belonging to it is there, and then HOME's in one step.
 *
 *	HOME/setup/home/	what "yizhan init" or "join" has made
 *	HOME/setup/invitation	what it joins by
 *	HOME/setup/sheet, .svg	its recovery key, until the end
 *	HOME/setup/about	JSON, once it is made
 *	HOME/setup/ready	from then on it is HOME's
 *	HOME/setup/keys/	the console's certificate, if there is one
 */
#ifndef SETUP_STATION_H
#define SETUP_STATION_H

#include <stdbool.h>
#include <stddef.h>

#include "setup_account.h"

struct err;
struct json;

struct setup_station {
	const char *home; /* where it will be */
	const char *exe;  /* this program, which makes it */
	bool zh;          /* in whose language to speak */
};

/* The first of a tree. */
int setup_station_found(const struct setup_station *s, const char *code,
    const char *name, const char *person, struct err *err);
/* By the text of an invitation; the parent is asked.  Asked again after a
 * failure, it is the same station that asks. */
int setup_station_join(
    const struct setup_station *s, const char *text, size_t n, struct err *err);
/* Add to o what is made, and the recovery key; nothing if nothing is. */
int setup_station_about(
    struct json *o, const struct setup_station *s, struct err *err);

/*
 * The last step: its first accounts, and it is HOME's.  check: the last two
 * signs of each line of the recovery key, so that it was seen at least;
 * peer: from which address.  Refused, nothing is changed.
 */
int setup_station_finish(const struct setup_station *s,
    const struct setup_account accounts[SETUP_ACCOUNTS], const char *check,
    const char *peer, struct err *err);
/* Forget all of it. */
int setup_station_drop(const char *home, struct err *err);
/* What a crash left: finish what was ready, and once there is a station
 * remove HOME/setup. */
int setup_station_settle(const char *home, struct err *err);

#endif
