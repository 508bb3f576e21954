/*
 * A session whose other side is the test: a machine over a station in memory,
 * led by an honest script up to a state and then told whatever the test wants.
 * One at a time.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "limits.h"
#include "memory.h"
#include "peer_state.h"

static struct memory m; /* 520302, which calls 520300 */
static struct peer_store store;
static struct peer *p;
static struct buf said; /* a message being written */
static struct buf told; /* what the machine has said since open_at() */
static int64_t now;

static inline void
hear(void)
{
	struct buf *out = peer_output(p);

	buf_put(&told, out->b, out->len);
	buf_clear(out);
}

/* The messages of a type in what was told; *last is the payload of the last
 * one's first frame. */
static inline int
count(unsigned type, struct buf_reader *last)
{
	size_t at = 0, n;
	int found = 0;

	while (at + 3 <= told.len) {
		n = (size_t)told.b[at + 1] << 8 | told.b[at + 2];
		if (told.b[at] == type) {
			found++;
			if (last != NULL)
				buf_reader_init(last, told.b + at + 3, n);
		}
		at += 3 + n;
	}
	return found;
}

static inline int
say(unsigned type, struct err *err)
{
	struct buf out = BUF_INIT;
	int rc;

	frame_put(&out, type, said.b, said.len);
	buf_clear(&said);
	rc = peer_receive(p, out.b, out.len, ++now, err);
	hear();
	buf_free(&out);
	return rc;
}

static inline void
must_say(unsigned type)
{
	struct err err;

	if (say(type, &err) != 0) {
		printf("Bail out! message %u: %s\n", type, err.msg);
		exit(1);
	}
}

static inline void
put_chain(const char *name)
{
	buf_put_string(&said, name, strlen(name));
}

static inline void
put_bytes(int c, size_t n)
{
	while (n-- > 0)
		buf_putc(&said, (char)c);
}

static inline void
begin(void)
{
	memory_init(&m, "520302", "520300");
	memory_store(&store, &m);
}

static inline void
put_hello(uint64_t scopes)
{
	buf_puts(&said, "YIZHAN");
	buf_put_u8(&said, 1);
	buf_put_u8(&said, 1);
	buf_puts(&said, "520300");
	buf_put_u8(&said, PEER_SYNC);
	buf_put_varint(&said, 1790000000000);
	buf_put_varint(&said, 0);
	buf_put_u8(&said, 0);
	buf_put_varint(&said, scopes);
}

static inline void
put_scope(const char *scope, int64_t version, const struct digest *hash)
{
	buf_put_string(&said, scope, strlen(scope));
	buf_put_varint(&said, (uint64_t)version);
	buf_put(&said, hash->b, sizeof(hash->b));
	buf_put_u8(&said, 0);
}

/* As an honest station up to that state, with the same rosters and, unless the
 * test lists some, no chain. */
static inline void
open_at(enum peer_state state)
{
	struct peer_options opt = {.caller = true, .purpose = PEER_SYNC};
	struct err err;

	memcpy(opt.self, m.code, sizeof(opt.self));
	memcpy(opt.other, m.other, sizeof(opt.other));
	if (peer_new(&p, &opt, &store, ++now, &err) != 0) {
		printf("Bail out! %s\n", err.msg);
		exit(1);
	}
	buf_clear(&told);
	hear();
	if (state == PEER_HELLO)
		return;
	put_hello(2);
	put_scope("root", 2, &memory_docs[1].hash);
	put_scope("520300", 2, &memory_docs[3].hash);
	must_say(MSG_HELLO);
	if (state == PEER_ROSTER)
		return;
	must_say(MSG_SETTLED);
	put_bytes(0, 32 * STREAM_COUNT);
	must_say(MSG_HEADS);
	if (state == PEER_HEADS)
		return;
	buf_put_varint(&said, 0);
	must_say(MSG_PARTIALS);
}

/* The session is over, has said why, and nothing was taken in or proved. */
static inline bool
left_nothing(const struct err *err, size_t chains)
{
	const struct peer_result *r = peer_result(p);
	struct buf_reader bye;
	const uint8_t *s;
	size_t n;

	if (count(MSG_BYE, &bye) != 1 || !peer_over(p))
		return false;
	(void)buf_get_u8(&bye);
	s = buf_get_string(&bye, LIMIT_BYE, &n);
	return s != NULL && n == strlen(err->msg) &&
	       memcmp(s, err->msg, n) == 0 && !r->finished && !r->got_all &&
	       !r->gave_all && r->received == 0 && r->blobs_received == 0 &&
	       m.n_chains == chains && m.commits == 0 && m.receipts_in == 0 &&
	       m.contacts == 0;
}

/* Of a try: rc, unless a refusal left something. */
static inline int
end(int rc, size_t chains, const struct err *err)
{
	if (rc < 0 && !left_nothing(err, chains))
		rc = LIMITS_LEFT;
	peer_close(p);
	peer_free(p);
	memory_free(&m);
	return rc;
}

/* --- more chains than a station in memory has ----------------------------
 */

static size_t n_many;
static int64_t fork_of_many;

/* So many chains with the longest names there are. */
static inline void
many_name(char name[CHAIN_NAME_MAX], size_t i)
{
	snprintf(
	    name, CHAIN_NAME_MAX, "520300-%08x/oversight@520302", (unsigned)i);
}

static inline int
many_heads(void *arg, struct peer_head **out, size_t *n, struct err *err)
{
	char name[CHAIN_NAME_MAX];
	size_t i;

	(void)arg;
	*n = n_many;
	*out = mem_calloc(n_many + 1, sizeof(**out));
	for (i = 0; i < n_many; i++) {
		struct peer_head *h = &(*out)[i];

		many_name(name, i);
		if (chain_parse(&h->chain, name, strlen(name), err) != 0)
			abort();
		h->seq = fork_of_many != 0 ? fork_of_many - 1 : LIMIT_SEQ;
		h->fork = fork_of_many;
		memset(&h->id, 5, sizeof(h->id));
		memset(h->oid, 6, sizeof(h->oid));
	}
	return 0;
}

/* Of 100 bytes that no hash is of. */
static inline void
put_run(const char *chain, int64_t last, int64_t plain)
{
	put_chain(chain);
	buf_put_varint(&said, 1);
	buf_put_varint(&said, (uint64_t)last);
	buf_put_varint(&said, (uint64_t)plain);
	buf_put_varint(&said, 100);
	put_bytes(5, 32);
	buf_put_varint(&said, 0);
}

#endif
