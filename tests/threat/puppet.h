/*
 * A hostile caller of the real program: "yizhan peer" is started at a
 * station of a fleet, an honest machine leads the session up to a state, and
 * from there on it is told whatever the test wants.  Include fleet.h first.
 */
#ifndef PUPPET_H
#define PUPPET_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/clock.h"
#include "local.h"
#include "peer.h"
#include "peer_replica.h"
#include "peer_state.h"

/* Silence after which the test gives up. */
#define PUPPET_MS (tap_weighs() ? 60000 : 600000)

struct puppet {
	struct replica *r; /* of the caller */
	struct local *local;
	const char *home;    /* of the called station, */
	const char *other;   /* its code */
	const char *through; /* socket of its receiver, or NULL */
	pid_t pid;
	int fd;        /* both ways */
	int complaint; /* its standard error */
	struct peer_replica *store;
	struct peer *p;
	struct buf said; /* what came after the machine was left */
	struct buf complaints;
	int status;  /* of its exit */
	long peak;   /* its largest resident size, KiB */
	long mapped; /* bytes it may map at most, -1 none */
};

static inline void
puppet_start(struct puppet *u, enum peer_purpose purpose)
{
	const char *build = getenv("top_builddir");
	struct peer_options opt = {.caller = true, .purpose = purpose};
	const struct home *me = replica_home(u->r);
	char program[512];
	int pair[2], log[2];
	struct err err;

	snprintf(
	    program, sizeof(program), "%s/yizhan", build == NULL ? "." : build);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) |
		 pipe2(log, O_CLOEXEC),
	    &(struct err){.msg = "socketpair"}, "start");
	u->pid = fork();
	if (u->pid == 0) {
		dup2(pair[1], 0);
		dup2(pair[1], 1);
		dup2(log[1], 2);
		execl(program, "yizhan", "-C", u->home, "peer", "--as",
		    me->code, u->through == NULL ? NULL : "--through",
		    u->through, (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	close(log[1]);
	u->fd = pair[0];
	u->complaint = log[0];
	u->mapped = -1;
	buf_clear(&u->said);
	buf_clear(&u->complaints);
	memcpy(opt.self, me->code, sizeof(opt.self));
	memcpy(opt.other, u->other, sizeof(opt.other));
	u->store = peer_replica_new(u->r, u->local, u->other);
	must(peer_new(
		 &u->p, &opt, peer_replica_store(u->store), clock_mono(), &err),
	    &err, "machine");
}

/* Room or news, whichever comes first; the test ends when neither does. */
static inline short
puppet_wait(struct puppet *u, bool out)
{
	struct pollfd p = {u->fd, (short)(POLLIN | (out ? POLLOUT : 0)), 0};

	must(poll(&p, 1, PUPPET_MS) != 1, &(struct err){.msg = "silence"},
	    "the called side");
	return p.revents;
}

/* Read what is there; false at the end. */
static inline bool
puppet_read(struct puppet *u, struct buf *in)
{
	uint8_t data[65536];
	ssize_t n = recv(u->fd, data, sizeof(data), 0);

	if (n > 0)
		buf_put(in, data, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

/* Write it all; what comes meanwhile is kept.  false: nobody listens. */
static inline bool
puppet_write(struct puppet *u, const void *data, size_t n, struct buf *in)
{
	const uint8_t *p = data;

	while (n > 0) {
		short what = puppet_wait(u, true);
		ssize_t put;

		if ((what & POLLIN) && !puppet_read(u, in))
			return false;
		if (what & (POLLERR | POLLHUP))
			return false;
		if (!(what & POLLOUT))
			continue;
		put = send(u->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (put > 0) {
			p += put;
			n -= (size_t)put;
		}
	}
	return true;
}

static inline bool
puppet_flush(struct puppet *u, struct buf *in)
{
	struct buf *out = peer_output(u->p);
	bool good = puppet_write(u, out->b, out->len, in);

	buf_clear(out);
	return good;
}

/* The first whole frame out of in to the machine; false if there is none. */
static inline bool
puppet_feed(struct puppet *u, struct buf *in)
{
	size_t n = in->len < 3 ? 0 : 3 + ((size_t)in->b[1] << 8 | in->b[2]);
	struct err err;

	if (n == 0 || in->len < n)
		return false;
	must(peer_receive(u->p, in->b, n, clock_mono(), &err), &err, "talk");
	must(peer_commit(u->p, &err), &err, "commit");
	buf_drop(in, n);
	return true;
}

/*
 * Talk as an honest station would until our machine is in that state; what
 * it would say next is dropped, but in runs, where the other waits for it.
 */
static inline void
puppet_until(struct puppet *u, enum peer_state state)
{
	struct buf in = BUF_INIT;

	while (u->p->state != state) {
		puppet_flush(u, &in);
		while (u->p->state != state && puppet_feed(u, &in))
			if (u->p->state != state)
				puppet_flush(u, &in);
		if (u->p->state == state)
			break;
		(void)puppet_wait(u, false);
		must(!puppet_read(u, &in), &(struct err){.msg = "it ended"},
		    "the called side");
	}
	if (state == PEER_RUNS)
		puppet_flush(u, &u->said);
	buf_put(&u->said, in.b, in.len);
	buf_free(&in);
}

/* As an honest station to the end; true if that was complete. */
static inline bool
puppet_honest(struct puppet *u)
{
	struct buf in = BUF_INIT;
	struct err err;
	bool whole;

	while (!peer_over(u->p)) {
		while (!peer_over(u->p) && puppet_feed(u, &in))
			;
		if (!peer_over(u->p))
			must(peer_send(u->p, clock_mono(), &err), &err, "send");
		if (!puppet_flush(u, &in) || peer_over(u->p))
			break;
		if (puppet_wait(u, false) && !puppet_read(u, &in))
			break;
	}
	puppet_flush(u, &in);
	whole = peer_result(u->p)->finished && peer_result(u->p)->got_all &&
		peer_result(u->p)->gave_all;
	buf_free(&in);
	return whole;
}

static inline void
puppet_limits(struct puppet *u)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/limits", (int)u->pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "Max address space %ld", &u->mapped);
	if (f != NULL)
		fclose(f);
}

static inline bool
puppet_holds(const struct buf *b, const char *text)
{
	return b->len > 0 && memmem(b->b, b->len, text, strlen(text)) != NULL;
}

/*
 * Listen until it has said so, or NULL: until it ends the session by itself.
 * Where it waits for us instead, its patience ends, and it says that.
 */
static inline void
puppet_listen(struct puppet *u, const char *until)
{
	while (until == NULL || !puppet_holds(&u->said, until)) {
		(void)puppet_wait(u, false);
		if (!puppet_read(u, &u->said))
			break;
	}
}

/* Say no more, hear it out, and see how it ended. */
static inline void
puppet_end(struct puppet *u)
{
	struct rusage used;
	char text[4096];
	ssize_t n;

	shutdown(u->fd, SHUT_WR);
	puppet_listen(u, NULL);
	close(u->fd);
	while ((n = read(u->complaint, text, sizeof(text))) > 0)
		buf_put(&u->complaints, text, (size_t)n);
	close(u->complaint);
	must(wait4(u->pid, &u->status, 0, &used) != u->pid,
	    &(struct err){.msg = "wait4"}, "end");
	u->peak = used.ru_maxrss;
	peer_close(u->p);
	peer_free(u->p);
	peer_replica_free(u->store);
}

#endif
