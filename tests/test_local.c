/*
 * Goal of this test: local.db keeps what it is given, over a reopening, and
 * a partial run is never longer than it said it would be.
 */
#include "config.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "local.h"
#include "tap.h"

#define CHAIN "520302-1f0c9a7e/command@520302"

static void
settings(struct local *local)
{
	struct buf b = BUF_INIT;
	struct err err = {0};

	is_int(local_get(local, &b, "parent", &err), YZ_ENOTFOUND,
	    "a setting that was never set: %s", err.msg);
	is_int(local_set(local, "parent", "520300", &err), 0, "set it");
	is_int(local_set(local, "parent", "520000", &err), 0, "set it again");
	is_int(local_get(local, &b, "parent", &err), 0, "get it");
	is_str(buf_str(&b), "520000", "the later value holds");
	is_int(local_set(local, "parent", NULL, &err), 0, "remove it");
	is_int(local_get(local, &b, "parent", &err), YZ_ENOTFOUND, "gone");
	buf_free(&b);
}

static void
peers(struct local *local)
{
	struct local_peer p = {"520300", "127.0.0.1:22", "ssh-ed25519 AAAA", -1,
			      2, -3, "no route"},
			  q, *all;
	struct err err = {0};
	int64_t seq;
	size_t n;

	is_int(local_peer_get(local, &q, "520300", &err), YZ_ENOTFOUND,
	    "no such peer yet");
	is_int(local_peer_put(local, &p, &err), 0, "put one");
	is_int(local_peer_get(local, &q, "520300", &err), 0, "get it");
	ok(memcmp(&p, &q, sizeof(p)) == 0, "the same comes back");
	strcpy(p.code, "520100");
	is_int(local_peer_put(local, &p, &err), 0, "put another");
	is_int(local_peer_put(local, &p, &err), 0, "twice");
	is_int(local_peers(local, &all, &n, &err), 0, "list them");
	ok(n == 2 && strcmp(all[0].code, "520100") == 0, "two, sorted");
	free(all);

	is_int(local_acked_get(local, "520300", CHAIN, &seq, &err), 0,
	    "what was never acknowledged");
	is_int(seq, 0, "is 0");
	is_int(local_acked_put(local, "520300", CHAIN, 7, &err), 0, "7");
	is_int(local_acked_put(local, "520300", CHAIN, 9, &err), 0, "9");
	is_int(local_acked_get(local, "520300", CHAIN, &seq, &err), 0, "get");
	is_int(seq, 9, "the later one");
	is_int(local_refusal_put(local, "520300", CHAIN, 9, "bad", &err), 0,
	    "a refusal");
	is_int(
	    local_refusal_clear(local, "520300", CHAIN, &err), 0, "is cleared");
}

static void
partials(struct local *local)
{
	struct local_partial p = {CHAIN, 3, 5, {1, 2, 3}, 10, 0}, q, *all;
	struct buf b = BUF_INIT;
	struct err err = {0};
	size_t n;

	is_int(local_partial_append(local, "520300", CHAIN, "x", 1, &err),
	    YZ_EINVAL, "nothing was begun: %s", err.msg);
	is_int(local_partial_begin(local, "520300", &p, &err), 0, "begin");
	is_int(local_partial_append(local, "520300", CHAIN, "abcd", 4, &err), 0,
	    "4 bytes");
	is_int(db_begin(local_db(local), &err), 0, "in a transaction");
	is_int(local_partial_append(local, "520300", CHAIN, "efg", 3, &err), 0,
	    "3 more");
	is_int(db_commit(local_db(local), &err), 0, "commit");
	is_int(local_partial_append(local, "520300", CHAIN, "hijk", 4, &err),
	    YZ_EINVAL, "4 more are too many: %s", err.msg);
	is_int(local_partial_append(local, "520300", CHAIN, "hij", 3, &err), 0,
	    "3 are not");
	is_int(local_partial_get(local, "520300", CHAIN, &q, &b, &err), 0,
	    "get it");
	is_str(buf_str(&b), "abcdefghij", "the bytes, in order");
	p.held = 10;
	ok(memcmp(&p, &q, sizeof(p)) == 0, "and what was said of them");
	is_int(local_partials(local, "520300", &all, &n, &err), 0, "list");
	is_int((long long)n, 1, "one");
	free(all);
	is_int(local_partials(local, "520100", &all, &n, &err), 0, "list");
	is_int((long long)n, 0, "none of another peer");
	is_int(local_partial_begin(local, "520300", &p, &err), 0,
	    "begin another run of the chain");
	buf_clear(&b);
	is_int(local_partial_get(local, "520300", CHAIN, &q, &b, &err), 0,
	    "get it");
	ok(q.held == 0 && b.len == 0, "the old one's bytes are gone");
	is_int(local_partial_append(local, "520300", CHAIN, "abcd", 4, &err), 0,
	    "4 bytes");
	is_int(local_partial_drop(local, "520300", CHAIN, &err), 0, "drop");
	is_int(local_partial_get(local, "520300", CHAIN, &q, NULL, &err),
	    YZ_ENOTFOUND, "gone: %s", err.msg);
	buf_free(&b);
}

int
main(void)
{
	char dir[] = "/tmp/test_local.XXXXXX";
	struct local *local;
	struct local_peer p;
	struct err err = {0};
	char *line;

	if (mkdtemp(dir) == NULL)
		return 1;
	is_int(local_open(&local, dir, &err), 0, "a new local.db");
	settings(local);
	peers(local);
	partials(local);
	local_close(local);
	is_int(local_open(&local, dir, &err), 0, "open it again");
	is_int(local_peer_get(local, &p, "520300", &err), 0, "a peer is kept");
	is_int(db_exec(local_db(local), "PRAGMA user_version=99", &err), 0,
	    "a later program was here");
	local_close(local);
	is_int(
	    local_open(&local, dir, &err), YZ_EINVAL, "refused: %s", err.msg);
	line = mem_printf("rm -r %s", dir);
	is_int(system(line), 0, "clean up");
	free(line);
	return tap_done();
}
