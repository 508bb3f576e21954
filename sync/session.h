/*
 * A session: the loop that ties a link, a peer machine and a replica.  It
 * owns none of them but the machine.
 */
#ifndef SYNC_SESSION_H
#define SYNC_SESSION_H

#include <stdint.h>

#include "peer.h"

struct err;
struct link;
struct local;
struct peer_replica;
struct replica;
struct seat;

struct session_options {
	struct peer_options peer; /* self is filled in */
	int64_t limit;            /* bytes/s this side may write, 0: as the
				   * link says */
	const struct seat *seat;  /* given up when somebody wants it; or NULL */
	int64_t watch_ms;         /* a watch ends after so long, 0: never */
	bool progress;            /* show a bar */
};

struct session_result {
	struct peer_result peer;
	bool complete; /* proven, both ways */
	bool turned;   /* ended since what the link is granted changed */
	bool resumed;  /* this station went on under a new incarnation */
	int64_t bytes_in, bytes_out;
};

/*
 * Run until it is over.  Notes contact, success or trouble with the peer in
 * local.db, and writes standing receipts for what came.  out is filled on
 * failure too.
 */
int session_run(struct session_result *out,
    const struct session_options *options, struct link *link, struct replica *r,
    struct local *local, struct peer_replica *store, struct err *err);

/*
 * A session that cut a chain off (peer.again) is run once more, over a new
 * link, so that what counts can come.  sum is the last run: add what the one
 * before did.
 */
#define SESSION_RUNS 3 /* at most, one after the other */
void session_add(
    struct session_result *sum, const struct session_result *before);

/* For a signal handler: every session of this process says Bye and ends. */
void session_stop(int sig);
bool session_stopped(void);

#endif
