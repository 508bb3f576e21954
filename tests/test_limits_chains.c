/*
 * Goal of this test: the bounds on what a peer may name in a session (chains,
 * runs of them, rosters) hold to the byte and to the entry.  What is over one
 * ends the session with a line that says so, told to the other as Bye, and
 * nothing of it is kept.
 */
#include "config.h"

#include "script.h"

/* --- chains ----------------------------------------------------------------
 */

/* A List of the first n of those. */
static void
put_list(size_t n)
{
	char name[CHAIN_NAME_MAX];
	size_t i;

	buf_put_u8(&said, STREAM_OVERSIGHT);
	buf_put_varint(&said, n);
	for (i = 0; i < n; i++) {
		many_name(name, i);
		put_chain(name);
		buf_put_varint(&said, LIMIT_SEQ);
		put_bytes(5, 32);
		put_bytes(6, 20);
		buf_put_varint(&said, 0);
	}
}

/* What I hold myself goes into one List, and there is an end to that too. */
static int
named(int64_t n, struct err *err)
{
	struct peer_options opt = {.caller = true, .purpose = PEER_SYNC};
	int rc;

	begin();
	store.heads = many_heads;
	n_many = (size_t)n;
	memcpy(opt.self, m.code, sizeof(opt.self));
	memcpy(opt.other, m.other, sizeof(opt.other));
	if (peer_new(&p, &opt, &store, ++now, err) != 0)
		abort();
	buf_clear(&told);
	put_hello(2);
	put_scope("root", 2, &memory_docs[1].hash);
	put_scope("520300", 2, &memory_docs[3].hash);
	must_say(MSG_HELLO);
	rc = say(MSG_SETTLED, err);
	if (rc == 0) {
		put_bytes(0, 32 * STREAM_COUNT);
		rc = say(MSG_HEADS, err);
	}
	if (rc == 0 && p->n_chains != (size_t)n)
		rc = LIMITS_LEFT;
	return end(rc, 0, err);
}

static int
listed(int64_t n, struct err *err)
{
	int rc;

	begin();
	open_at(PEER_HEADS);
	put_list((size_t)n);
	rc = say(MSG_LIST, err);
	if (rc == 0 && p->n_chains != (size_t)n)
		rc = LIMITS_LEFT;
	return end(rc, 0, err);
}

static int
partials(int64_t n, struct err *err)
{
	int64_t i;

	begin();
	open_at(PEER_HEADS);
	buf_put_varint(&said, (uint64_t)n);
	for (i = 0; i < n; i++) {
		put_chain("520300-1f0c9a7e/oversight@520302");
		buf_put_varint(&said, 1);
		buf_put_varint(&said, 1);
		put_bytes(5, 32);
		buf_put_varint(&said, 100);
	}
	return end(say(MSG_PARTIALS, err), 0, err);
}

/* The last of n chains is named by a run of it. */
static int
by_run(int64_t n, struct err *err)
{
	begin();
	open_at(PEER_HEADS);
	put_list((size_t)n - 1);
	must_say(MSG_LIST);
	buf_put_varint(&said, 0);
	must_say(MSG_PARTIALS);
	put_run("520300-ffffffff/oversight@520302", 1, 100);
	return end(say(MSG_RUN, err), 0, err);
}

/* And here by what proves a fork of it. */
static int
by_evidence(int64_t n, struct err *err)
{
	begin();
	open_at(PEER_HEADS);
	put_list((size_t)n - 1);
	must_say(MSG_LIST);
	buf_put_varint(&said, 0);
	must_say(MSG_PARTIALS);
	put_chain("520300-ffffffff/oversight@520302");
	buf_put_varint(&said, 7);
	put_bytes(5, 32);
	put_bytes(6, 20);
	buf_put_u8(&said, 2);
	put_bytes(7, 32);
	put_chain("noise"); /* which proves nothing: that ends no session */
	return end(say(MSG_EVIDENCE, err), 0, err);
}

/* --- runs ------------------------------------------------------------------
 */

static int
run_of_one(int64_t n, struct err *err)
{
	begin();
	open_at(PEER_RUNS);
	put_run("520300-1f0c9a7e/resource", 1, n);
	return end(say(MSG_RUN, err), 0, err);
}

static int
run_of_two(int64_t n, struct err *err)
{
	begin();
	open_at(PEER_RUNS);
	put_run("520300-1f0c9a7e/resource", 2, n);
	return end(say(MSG_RUN, err), 0, err);
}

/* What goes out unheard is held to the window, however fast the line was. */
static int
window(int64_t n, struct err *err)
{
	size_t room;

	begin();
	open_at(PEER_RUNS);
	p->result.rtt = 600; /* 0.4 s and that: a second's worth */
	p->rate = n;
	p->window_sent = p->window_held = 1ll << 40;
	room = peer_send_room(p);
	if (room == (size_t)n)
		return end(0, 0, err);
	(void)end(0, 0, err);
	return err_set(err, YZ_EPEER, "%zu bytes go unheard", room);
}

/* --- rosters ---------------------------------------------------------------
 */

static int
scopes(int64_t n, struct err *err)
{
	struct digest hash = {{7}};
	char scope[8];
	int64_t i;

	begin();
	open_at(PEER_HELLO);
	put_hello((uint64_t)n + 1); /* the root part's beside each station's */
	for (i = 0; i <= n; i++) {
		snprintf(scope, sizeof(scope), "%06d", (int)(600000 + i));
		put_scope(scope, 1, &hash);
	}
	return end(say(MSG_HELLO, err), 0, err);
}

/* Nothing to compare them with. */
static int
no_hashes(void *arg, struct digest **out, int64_t *first, size_t *n,
    const char *scope, struct err *err)
{
	(void)arg;
	(void)scope;
	(void)err;
	*out = mem_calloc(1, sizeof(**out));
	*first = 1;
	*n = 0;
	return 0;
}

static int
versions(int64_t n, struct err *err)
{
	begin();
	store.roster_hashes = no_hashes;
	open_at(PEER_ROSTER);
	put_chain("root");
	buf_put_varint(&said, 1);
	buf_put_varint(&said, (uint64_t)n);
	put_bytes(7, 32 * (size_t)n);
	return end(say(MSG_VERSIONS, err), 0, err);
}

/* Else a peer could make us remember scope after scope. */
static void
scopes_of_versions(void)
{
	struct err err = {0};
	int rc;

	begin();
	store.roster_hashes = no_hashes;
	open_at(PEER_ROSTER);
	put_chain("600000");
	buf_put_varint(&said, 1);
	buf_put_varint(&said, 1);
	put_bytes(7, 32);
	rc = say(MSG_VERSIONS, &err);
	ok(rc == YZ_EPEER && p->n_scopes == 2,
	    "Versions of a roster that nobody named is refused: %s", err.msg);
	(void)end(rc, 0, &err);
}

int
main(void)
{
	static const struct limits_row rows[] = {
	    {LIMIT(LIMIT_HEADS), "chains held", "more than 32768 chains",
		named},
	    {LIMIT(LIMIT_HEADS), "chains in a List", "is over 32768", listed},
	    {LIMIT(LIMIT_HEADS), "runs in Partials", "are over 32768",
		partials},
	    {LIMIT(LIMIT_HEADS), "chains, the last by a run",
		"over 32768 chains", by_run},
	    {LIMIT(LIMIT_HEADS), "chains, the last by evidence",
		"over 32768 chains", by_evidence},
	    {LIMIT(LIMIT_RUN_ONE), "plain bytes of a run of one",
		"524289 bytes is over", run_of_one},
	    {LIMIT(LIMIT_RUN), "plain bytes of a run of two",
		"65537 bytes is over", run_of_two},
	    {LIMIT(LIMIT_WINDOW), "bytes said and not Held",
		"4194304 bytes go unheard", window},
	    {LIMIT(LIMIT_STATIONS), "rosters in Hello, and the root's",
		"too many rosters", scopes},
	    {LIMIT(LIMIT_VERSIONS), "hashes in Versions", "is over 65536",
		versions},
	};

	limits_run(rows, sizeof(rows) / sizeof(*rows));
	scopes_of_versions();
	buf_free(&said);
	buf_free(&told);
	return tap_done();
}
