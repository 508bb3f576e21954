/*
 * Real sessions between the stations of a world (world.h), each a process of
 * its own at a socket's end; and copies of their folders.
 */
#ifndef TEST_LINE_H
#define TEST_LINE_H

#include <stdarg.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "world.h"

#include "link.h"
#include "link_pipe.h"
#include "local.h"
#include "local_link.h"
#include "peer_replica.h"
#include "session.h"

__attribute__((format(printf, 1, 2))) static inline void
shell(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	must(system(command) != 0, &(struct err){.msg = "failed"}, command);
}

static inline void
station_path(char out[128], const struct world *w, int i)
{
	snprintf(out, 128, "%s/%s", w->dir, world_tree[i].code);
}

static inline void
station_close(struct world *w, int i)
{
	replica_close(w->at[i]);
	w->at[i] = NULL;
}

static inline void
station_open(struct world *w, int i)
{
	struct home *home;
	char path[128];
	struct err err;

	station_path(path, w, i);
	must(home_open(&home, path, &err), &err, "home");
	must(replica_open(&w->at[i], home, &err), &err, "replica");
	replica_set_clock(w->at[i], world_clock, &w->now[i]);
}

/* One end of a session, over an open replica. */
static inline int
line_end(struct session_result *res, struct replica *r, const char *path,
    const char *other, bool caller, int fd, struct err *err)
{
	struct session_options opt = {.limit = 0};
	struct peer_replica *store;
	struct local *local;
	struct link *link;
	int rc;

	opt.peer.caller = caller;
	opt.peer.purpose = PEER_SYNC;
	memcpy(opt.peer.other, other, CHAIN_CODE_LEN + 1);
	must(local_open(&local, path, err), err, "local");
	must(link_pipe_open(&link, fd, dup(fd), err), err, "link");
	store = peer_replica_new(r, local, other);
	rc = session_run(res, &opt, link, r, local, store, err);
	if (rc == 0)
		rc = replica_seal(r, err);
	peer_replica_free(store);
	link->close(link);
	local_close(local);
	return rc;
}

/* caller calls called, once. */
static inline int
line_once(struct world *w, struct session_result *res, int caller, int called,
    struct err *err)
{
	char path[128];
	int fd[2], status, rc;
	pid_t child;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), &(struct err){.msg = ""},
	    "socketpair");
	fflush(stdout);
	child = fork();
	if (child == 0) {
		struct session_result ignored;
		struct world own = *w; /* w's are our parent's */

		close(fd[0]);
		station_open(&own, called);
		station_path(path, &own, called);
		rc = line_end(&ignored, own.at[called], path,
		    world_tree[caller].code, false, fd[1], err);
		if (rc != 0)
			printf("# %s: %s\n", world_tree[called].code, err->msg);
		station_close(&own, called);
		fflush(stdout);
		_exit(rc == 0 ? 0 : 1);
	}
	close(fd[1]);
	station_path(path, w, caller);
	rc = line_end(res, w->at[caller], path, world_tree[called].code, true,
	    fd[0], err);
	waitpid(child, &status, 0);
	if (getenv("LINE_DEBUG") != NULL)
		printf("# %s: %d sent %lld received %lld complete %d finished"
		       " %d again %d resumed %d refused %lld %s forks %lld %s"
		       " restored %s\n",
		    world_tree[caller].code, rc, (long long)res->peer.sent,
		    (long long)res->peer.received, res->complete,
		    res->peer.finished, res->peer.again, res->resumed,
		    (long long)res->peer.refused, res->peer.refusal,
		    (long long)res->peer.forks, res->peer.fork,
		    replica_restored(w->at[caller]));
	return rc;
}

/* So many plain bytes a day are taken of that station. */
static inline void
line_grant(struct world *w, int at, const char *code, int64_t day)
{
	struct local_link link = {.take_day = day};
	struct local *local;
	char path[128];
	struct err err;

	snprintf(link.code, sizeof(link.code), "%s", code);
	station_path(path, w, at);
	must(local_open(&local, path, &err), &err, "local");
	must(local_link_put(local, &link, &err), &err, "link");
	local_close(local);
}

/* As yizhan sync does: again if it has to be. */
static inline int
line_sync(struct world *w, struct session_result *res, int caller, int called,
    struct err *err)
{
	int rc = line_once(w, res, caller, called, err), runs;

	for (runs = 1; rc == 0 && res->peer.again && runs < SESSION_RUNS;
	     runs++)
		rc = line_once(w, res, caller, called, err);
	return rc;
}

/* That, and was it complete? */
static inline bool
line_complete(struct world *w, int caller, int called)
{
	struct session_result res;
	struct err err = {.msg = ""};
	int rc = line_sync(w, &res, caller, called, &err);

	if (rc != 0 || !res.complete)
		printf("# %d: %s%s\n", rc, err.msg, res.peer.refusal);
	return rc == 0 && res.complete;
}

/* Do two stations agree about what both may hold? */
static inline bool
line_agree(struct world *w, int a, int b, const char *owner)
{
	int s;

	for (s = 0; s < STREAM_COUNT; s++)
		if (strcmp(world_digest(w, a, (enum stream)s, owner),
			world_digest(w, b, (enum stream)s, owner)) != 0) {
			printf("# stream %s differs\n",
			    stream_name((enum stream)s));
			return false;
		}
	return true;
}

#endif
