/*
 * Goal of this test: the bounds on how much a peer may ask, prove, refuse and
 * want in a session hold to the byte and to the message.  What is over one
 * ends the session with a line that says so, told to the other as Bye, and
 * nothing of it is kept.
 */
#include "config.h"

#include "script.h"

/* --- forks -----------------------------------------------------------------
 */

static int
asks(int64_t n, struct err *err)
{
	int64_t i;
	int rc = 0;

	begin();
	open_at(PEER_RUNS);
	for (i = 0; i < n && rc == 0; i++) {
		buf_clear(&told);
		put_chain("520300-1f0c9a7e/resource");
		buf_put_varint(&said, 7);
		rc = say(MSG_ASK, err);
	}
	if (rc == 0 && count(MSG_PLACE, NULL) != 1)
		rc = LIMITS_LEFT;
	return end(rc, 0, err);
}

/* The n-th that we ask ourselves: a chain with another branch is given up
 * instead, with the reason, and the session goes on. */
static int
asked(int64_t n, struct err *err)
{
	int i, rc = 0;

	begin();
	for (i = 0; i < 4; i++)
		memory_write(&m, "520302-1f0c9a7e/resource", "a", 10);
	open_at(PEER_HEADS);
	p->asks_said = n - 1;
	buf_put_u8(&said, STREAM_RESOURCE);
	buf_put_varint(&said, 1);
	put_chain("520302-1f0c9a7e/resource");
	buf_put_varint(&said, 4);
	put_bytes(5, 32);
	put_bytes(6, 20);
	buf_put_varint(&said, 0);
	must_say(MSG_LIST);
	buf_put_varint(&said, 0);
	must_say(MSG_PARTIALS);
	if (count(MSG_ASK, NULL) == 0) {
		rc = err_set(err, YZ_EPEER, "%s", m.refusal);
		if (peer_over(p) || m.refusals != 1 || m.chains[0].n != 4 ||
		    count(MSG_REFUSE, NULL) != 1)
			rc = LIMITS_LEFT;
	}
	(void)end(0, 1, err);
	return rc;
}

/* Of a fork that is known here, which costs least. */
static int
evidence(int64_t n, struct err *err)
{
	char name[CHAIN_NAME_MAX];
	int64_t i;
	int rc = 0;

	begin();
	store.heads = many_heads;
	n_many = 1;
	fork_of_many = 7;
	open_at(PEER_RUNS);
	fork_of_many = 0;
	many_name(name, 0);
	for (i = 0; i < n && rc == 0; i++) {
		put_chain(name);
		buf_put_varint(&said, 7);
		put_bytes(5, 32);
		put_bytes(6, 20);
		buf_put_u8(&said, 2);
		rc = say(MSG_EVIDENCE, err);
	}
	return end(rc, 0, err);
}

/* --- refusals and reasons --------------------------------------------------
 */

/* Runs of chains that are not for this station. */
static int
refusals(int64_t n, struct err *err)
{
	char name[CHAIN_NAME_MAX];
	int64_t i;
	int rc = 0;

	begin();
	open_at(PEER_RUNS);
	for (i = 0; i < n && rc == 0; i++) {
		snprintf(name, sizeof(name), "520300-%08x/oversight@520303",
		    (unsigned)i);
		put_run(name, 1, 100);
		rc = say(MSG_RUN, err);
		if (rc == 0) {
			put_bytes(0, 100);
			rc = say(MSG_DATA, err);
		}
	}
	if (count(MSG_REFUSE, NULL) != (rc == 0 ? n : n - 1))
		return end(LIMITS_LEFT, 0, err);
	return end(rc, 0, err);
}

/* And chains of ours that the other refuses. */
static int
refused(int64_t n, struct err *err)
{
	char name[CHAIN_NAME_MAX];
	int64_t i;
	int rc = 0;

	begin();
	store.heads = many_heads;
	n_many = (size_t)n;
	open_at(PEER_RUNS);
	for (i = 0; i < n && rc == 0; i++) {
		many_name(name, (size_t)i);
		put_chain(name);
		buf_put_varint(&said, 1);
		put_chain("no room");
		rc = say(MSG_REFUSE, err);
	}
	return end(rc, 0, err);
}

static int
reason_of_refuse(int64_t n, struct err *err)
{
	char name[CHAIN_NAME_MAX];
	int rc;

	begin();
	store.heads = many_heads;
	n_many = 1;
	open_at(PEER_RUNS);
	many_name(name, 0);
	put_chain(name);
	buf_put_varint(&said, 1);
	buf_put_varint(&said, (uint64_t)n);
	put_bytes('r', (size_t)n);
	rc = say(MSG_REFUSE, err);
	if (rc == 0 ? strlen(m.refusal) != (size_t)n : m.refusals != 0)
		rc = LIMITS_LEFT;
	return end(rc, 0, err);
}

static int
reason_of_bye(int64_t n, struct err *err)
{
	int rc;

	begin();
	open_at(PEER_RUNS);
	buf_put_u8(&said, PEER_BYE_DONE);
	buf_put_varint(&said, (uint64_t)n);
	put_bytes('r', (size_t)n);
	rc = say(MSG_BYE, err);
	return end(rc, 0, err);
}

/* What we say ourselves is cut to fit, between characters. */
static void
own_reason(void)
{
	struct buf reason = BUF_INIT;
	struct buf_reader bye;
	size_t n, i;

	begin();
	open_at(PEER_RUNS);
	for (i = 0; i < LIMIT_BYE; i++)
		buf_puts(&reason, "县");
	peer_say_bye(p, PEER_BYE_REFUSED, buf_str(&reason));
	hear();
	if (count(MSG_BYE, &bye) == 1) {
		(void)buf_get_u8(&bye);
		ok(buf_get_string(&bye, LIMIT_BYE, &n) != NULL && n == 198,
		    "a reason of 600 bytes is said as 66 characters");
	}
	buf_free(&reason);
	(void)end(0, 0, NULL);
}

/* --- attachments -----------------------------------------------------------
 */

static int
wants(int64_t n, struct err *err)
{
	int64_t i;
	int rc = 0;

	begin();
	open_at(PEER_RUNS);
	for (i = 0; i < n && rc == 0; i++) {
		put_bytes((int)i, 32);
		buf_put_varint(&said, 0);
		rc = say(MSG_WANT, err);
	}
	return end(rc, 0, err);
}

static int
want_from(int64_t n, struct err *err)
{
	begin();
	open_at(PEER_RUNS);
	put_bytes(5, 32);
	buf_put_varint(&said, (uint64_t)n);
	return end(say(MSG_WANT, err), 0, err);
}

/* A hundred are missing. */
static int
missing_many(void *arg, struct buf *out, size_t max, struct err *err)
{
	unsigned i;

	(void)arg;
	(void)max;
	(void)err;
	for (i = 0; i < 100; i++)
		buf_printf(out, "%064x", i);
	return 0;
}

static int64_t
held_nothing(void *arg, const char *hex)
{
	(void)arg;
	(void)hex;
	return 0;
}

static void
wanted(void)
{
	struct err err;
	int i;

	begin();
	store.blob_missing = missing_many;
	store.blob_held = held_nothing;
	open_at(PEER_RUNS);
	must_say(MSG_SENT);
	for (i = 0; i < 3; i++) {
		if (peer_send(p, ++now, &err) != 0)
			abort();
		hear();
	}
	is_int(count(MSG_WANT, NULL), LIMIT_WANTS,
	    "of 100 that are missing 64 are asked for");
	(void)end(0, 0, NULL);
}

/* One that was asked for. */
static int
blob(int64_t n, struct err *err)
{
	struct buf_reader want;
	int rc;

	begin();
	memory_blob(&m, "photo", 5, false);
	open_at(PEER_RUNS);
	must_say(MSG_SENT);
	if (peer_send(p, ++now, err) != 0)
		abort();
	hear();
	if (count(MSG_WANT, &want) != 1)
		abort();
	buf_put(&said, buf_get_bytes(&want, 32), 32);
	buf_put_varint(&said, (uint64_t)n);
	buf_put_varint(&said, 0);
	rc = say(MSG_BLOB, err);
	if (m.blobs[0].bytes.len != 0 || m.blobs[0].whole)
		rc = LIMITS_LEFT;
	return end(rc, 0, err);
}

int
main(void)
{
	static const struct limits_row rows[] = {
	    {LIMIT(LIMIT_ASKS), "Asks", "over 65536 Asks", asks},
	    {LIMIT(LIMIT_ASKS), "Asks of our own", "differs at seq 4: fork",
		asked},
	    {LIMIT(LIMIT_EVIDENCE), "pieces of Evidence",
		"over 4096 pieces of Evidence", evidence},
	    {LIMIT(LIMIT_REFUSALS), "chains refused",
		"more than 1000 chains refused", refusals},
	    {LIMIT(LIMIT_REFUSALS), "chains that the other refuses",
		"more than 1000 chains refused", refused},
	    {LIMIT(LIMIT_BYE), "bytes of Refuse's reason", "over 200 bytes",
		reason_of_refuse},
	    {LIMIT(LIMIT_BYE), "bytes of Bye's reason", "over 200 bytes",
		reason_of_bye},
	    {LIMIT(LIMIT_WANTS), "blobs asked for", "more than 64 blobs",
		wants},
	    {LIMIT(LIMIT_BLOB), "a blob's offset", "offset is over 16777216",
		want_from},
	    {LIMIT(LIMIT_BLOB), "a blob's bytes", "are over 16777216", blob},
	};

	limits_run(rows, sizeof(rows) / sizeof(*rows));
	own_reason();
	wanted();
	buf_free(&said);
	buf_free(&told);
	return tap_done();
}
