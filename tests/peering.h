/*
 * Sessions between stations of the world: two machines with the stores of
 * real stations, their bytes carried in memory, message by message, past
 * whoever sits on the line.  Include world.h first.
 */
#ifndef PEERING_H
#define PEERING_H

#include "frame.h"
#include "local.h"
#include "peer.h"
#include "peer_replica.h"
#include "session.h"

struct peering {
	struct world *w;
	struct local *local[WORLD_N];
	int64_t now;
	int64_t messages[64]; /* by type, all sessions */
	/* What the one on the line does with a message of station `from`: it
	 * may change it, or return false to withhold it.  NULL: nobody. */
	bool (*tamper)(void *arg, int from, unsigned type, struct buf *payload);
	void *arg;
	/* A station that lies: its store, to be changed.  NULL: none does. */
	void (*bend)(void *arg, int at, struct peer_store *store);
	void *bend_arg;
};

struct peering_end {
	int at; /* which station */
	struct peer *p;
	struct peer_replica *store;
	struct buf in; /* on its way here */
	struct err err;
	int rc;
};

static inline void
peering_open(struct peering *g, struct world *w)
{
	struct err err;
	int i;

	memset(g, 0, sizeof(*g));
	g->w = w;
	g->now = 1000;
	for (i = 0; i < WORLD_N; i++)
		must(local_open(
			 &g->local[i], replica_home(w->at[i])->path, &err),
		    &err, "local.db");
}

static inline void
peering_close(struct peering *g)
{
	int i;

	for (i = 0; i < WORLD_N; i++)
		local_close(g->local[i]);
}

static inline void
peering_end(
    struct peering *g, struct peering_end *e, int at, int other, bool caller)
{
	struct peer_options opt = {.caller = caller};
	struct peer_store store;
	struct local_peer row = {.offset = 0};

	memset(e, 0, sizeof(*e));
	e->at = at;
	memcpy(opt.self, world_tree[at].code, sizeof(opt.self));
	memcpy(opt.other, world_tree[other].code, sizeof(opt.other));
	memcpy(row.code, opt.other, sizeof(row.code));
	must(local_peer_put(g->local[at], &row, &e->err), &e->err, "peer");
	e->store = peer_replica_new(g->w->at[at], g->local[at], opt.other);
	store = *peer_replica_store(e->store);
	if (g->bend != NULL)
		g->bend(g->bend_arg, at, &store);
	must(
	    peer_new(&e->p, &opt, &store, g->now, &e->err), &e->err, "machine");
}

/* Whole messages that one said, to the other; true if anything moved. */
static inline bool
peering_carry(
    struct peering *g, struct peering_end *from, struct peering_end *to)
{
	struct buf *out = peer_output(from->p), payload = BUF_INIT;
	struct buf passed = BUF_INIT;
	bool moved = out->len > 0;
	unsigned type;
	size_t n;

	while (out->len >= 3) {
		type = out->b[0] & 0x7f;
		n = (size_t)out->b[1] << 8 | out->b[2];
		if (out->len < 3 + n)
			break;
		buf_put(&payload, out->b + 3, n);
		if (!(out->b[0] & 0x80)) {
			g->messages[type & 63]++;
			if (g->tamper == NULL ||
			    g->tamper(g->arg, from->at, type, &payload))
				frame_put(
				    &passed, type, payload.b, payload.len);
			buf_clear(&payload);
		}
		buf_drop(out, 3 + n);
	}
	if (to->rc == 0 && passed.len > 0)
		to->rc =
		    peer_receive(to->p, passed.b, passed.len, g->now, &to->err);
	buf_free(&passed);
	buf_free(&payload);
	return moved;
}

static inline void
peering_turn(struct peering *g, struct peering_end *e)
{
	if (e->rc == 0)
		e->rc = peer_commit(e->p, &e->err);
	if (e->rc == 0)
		e->rc = peer_send(e->p, g->now, &e->err);
}

/* One session; what its ends say of it. */
struct peering_result {
	struct peer_result caller, called;
	int caller_rc, called_rc;
	char caller_err[256], called_err[256];
	bool complete;
};

static inline void
peering_once(
    struct peering *g, struct peering_result *out, int caller, int called)
{
	struct peering_end a, b;
	int still = 0;

	peering_end(g, &a, caller, called, true);
	peering_end(g, &b, called, caller, false);
	while (still < 3) {
		bool moved;

		g->now++;
		peering_turn(g, &a);
		peering_turn(g, &b);
		moved = peering_carry(g, &a, &b);
		moved |= peering_carry(g, &b, &a);
		still = moved ? 0 : still + 1;
	}
	peer_close(a.p);
	peer_close(b.p);
	out->caller = *peer_result(a.p);
	out->called = *peer_result(b.p);
	out->caller_rc = a.rc;
	out->called_rc = b.rc;
	memcpy(out->caller_err, a.err.msg, sizeof(out->caller_err));
	memcpy(out->called_err, b.err.msg, sizeof(out->called_err));
	out->complete = a.rc == 0 && out->caller.finished &&
			out->caller.got_all && out->caller.gave_all;
	peer_free(a.p);
	peer_free(b.p);
	peer_replica_free(a.store);
	peer_replica_free(b.store);
}

/* As `yizhan sync` calls: once more where a chain was cut off. */
static inline int64_t
peering_sync(
    struct peering *g, struct peering_result *out, int caller, int called)
{
	int64_t forks = 0;
	int runs = 0;

	do {
		peering_once(g, out, caller, called);
		forks += out->caller.forks + out->called.forks;
	} while (
	    out->caller_rc == 0 && out->caller.again && ++runs < SESSION_RUNS);
	return forks;
}

/* Every line of the tree up and then down: children call. */
static inline int64_t
peering_round(struct peering *g, bool *complete)
{
	static const int lines[][2] = {{COUNTY, CITY}, {SIBLING, CITY},
	    {OTHER, OTHER_CITY}, {CITY, PROVINCE}, {OTHER_CITY, PROVINCE}};
	size_t i, n = sizeof(lines) / sizeof(lines[0]);
	struct peering_result res;
	int64_t forks = 0;

	*complete = true;
	for (i = 0; i < 2 * n; i++) {
		const int *line = lines[i < n ? i : 2 * n - 1 - i];

		forks += peering_sync(g, &res, line[0], line[1]);
		*complete &= res.complete;
	}
	return forks;
}

#endif
