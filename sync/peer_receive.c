/* What comes in: a function per message. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "peer_state.h"

int
peer_receive_chain(
    struct buf_reader *in, struct chain_name *out, struct err *err)
{
	const uint8_t *s;
	size_t n;

	s = buf_get_string(in, CHAIN_NAME_MAX - 1, &n);
	if (s == NULL)
		return err_set(err, YZ_EPEER, "a chain's name is cut short");
	return chain_parse(out, (const char *)s, n, err);
}

int64_t
peer_receive_number(struct buf_reader *in, int64_t max)
{
	uint64_t v = buf_get_varint(in);

	if (v > (uint64_t)max) {
		in->bad = true;
		return 0;
	}
	return (int64_t)v;
}

void
peer_receive_digest(struct buf_reader *in, struct digest *out)
{
	const uint8_t *b = buf_get_bytes(in, sizeof(out->b));

	if (b != NULL)
		memcpy(out->b, b, sizeof(out->b));
}

void
peer_receive_oid(struct buf_reader *in, uint8_t out[20])
{
	const uint8_t *b = buf_get_bytes(in, 20);

	if (b != NULL)
		memcpy(out, b, 20);
}

/* What the other wrote for people: shown only if it is a clean line. */
static int
get_reason(struct buf_reader *in, char out[LIMIT_BYE + 1], struct err *err)
{
	size_t n;
	const uint8_t *s = buf_get_string(in, LIMIT_BYE, &n);

	if (s == NULL)
		return err_set(err, YZ_EPEER,
		    "a reason is over %d bytes, or cut short", LIMIT_BYE);
	if (!text_is_clean((const char *)s, n, false)) {
		snprintf(out, LIMIT_BYE + 1, "(unreadable)");
		return 0;
	}
	memcpy(out, s, n);
	out[n] = '\0';
	return 0;
}

/* --- who ---------------------------------------------------------------- */

static int
get_scopes(struct peer *p, struct buf_reader *in, struct err *err)
{
	uint64_t n = buf_get_varint(in), i;

	if (in->bad || n > LIMIT_STATIONS + 1 || n > buf_reader_left(in) / 34)
		return err_set(err, YZ_EPEER, "too many rosters in Hello");
	p->scopes = mem_calloc((size_t)n, sizeof(*p->scopes));
	for (i = 0; i < n; i++) {
		struct peer_scope *scope = &p->scopes[p->n_scopes++];
		unsigned contested;
		const uint8_t *s;
		size_t len;

		s = buf_get_string(in, sizeof(scope->scope) - 1, &len);
		if (s == NULL || memchr(s, '\0', len) != NULL)
			return err_set(err, YZ_EPEER, "a scope's name is bad");
		memcpy(scope->scope, s, len);
		scope->version = peer_receive_number(in, LIMIT_SEQ);
		peer_receive_digest(in, &scope->hash);
		contested = buf_get_u8(in);
		if (contested > 1)
			in->bad = true;
		if (contested == 1)
			scope->pair = scope->version + 1;
	}
	return 0;
}

static int
check_purpose(struct peer *p, unsigned purpose, struct err *err)
{
	if (purpose > PEER_JOIN)
		return err_set(err, YZ_EPEER, "purpose %u", purpose);
	if (p->opt.caller)
		return 0;
	if ((purpose == PEER_JOIN) != p->opt.invited)
		return err_set(err, YZ_EDENIED,
		    p->opt.invited ? "an invitation is only good for joining"
				   : "only an invited station may ask to join");
	p->watch = purpose == PEER_WATCH;
	return 0;
}

static int
on_hello(struct peer *p, struct buf_reader *in, struct err *err)
{
	const uint8_t *magic = buf_get_bytes(in, 6);
	unsigned lo = buf_get_u8(in), hi = buf_get_u8(in), purpose, urgent;
	const uint8_t *code = buf_get_bytes(in, CHAIN_CODE_LEN);
	int64_t clock;
	int rc;

	if (code == NULL || memcmp(magic, "YIZHAN", 6) != 0 ||
	    !chain_is_code((const char *)code, CHAIN_CODE_LEN))
		return err_set(err, YZ_EPEER, "this is no station's Hello");
	if (lo > PEER_VERSION || hi < PEER_VERSION)
		return err_set(err, YZ_EDENIED,
		    "protocol versions %u to %u, here %d", lo, hi,
		    PEER_VERSION);
	if (memcmp(code, p->opt.other, CHAIN_CODE_LEN) != 0)
		return err_set(err, YZ_EDENIED,
		    "it says it is %.6s, but its key is that of %s",
		    (const char *)code, p->opt.other);
	purpose = buf_get_u8(in);
	clock = peer_receive_number(in, LIMIT_TIME_MAX);
	(void)clock; /* Ping and Pong measure it better */
	p->rate_wish = peer_receive_number(in, INT64_MAX);
	urgent = buf_get_u8(in);
	if (urgent > 1)
		in->bad = true;
	p->result.urgent = p->opt.urgent || urgent == 1;
	rc = get_scopes(p, in, err);
	if (rc == 0)
		rc = check_purpose(p, purpose, err);
	if (rc != 0 || in->bad)
		return rc;
	if (p->opt.caller)
		p->watch = p->opt.purpose == PEER_WATCH;
	p->state = PEER_ROSTER;
	rc = peer_roster_send(p, err);
	if (rc == 0)
		rc = peer_roster_settle(p, err);
	if (rc != 0)
		return rc;
	if (p->opt.caller && p->opt.purpose == PEER_JOIN) {
		buf_put(&p->scratch, p->opt.request->b, p->opt.request->len);
		peer_say(p, MSG_JOIN);
	}
	return 0;
}

static int
on_join(struct peer *p, struct buf_reader *in, struct err *err)
{
	size_t n = buf_reader_left(in);
	bool confirmed = false;
	int rc;

	if (!p->opt.invited || p->opt.caller)
		return err_set(err, YZ_EPEER, "Join without an invitation");
	rc = p->s.join(p->s.arg, buf_get_bytes(in, n), n, &confirmed, err);
	if (rc == 0)
		rc = peer_roster_send(p, err);
	if (rc != 0)
		return rc;
	buf_put_u8(&p->scratch, confirmed);
	peer_say(p, MSG_JOINED);
	peer_say_bye(p, PEER_BYE_DONE, "");
	p->result.joined = true;
	p->result.asked_confirmed = confirmed;
	return 0;
}

static int
on_joined(struct peer *p, struct buf_reader *in, struct err *err)
{
	unsigned confirmed = buf_get_u8(in);

	if (!p->opt.caller || p->opt.purpose != PEER_JOIN || confirmed > 1)
		return err_set(err, YZ_EPEER, "Joined without Join");
	p->result.joined = true;
	p->result.asked_confirmed = confirmed == 1;
	return 0;
}

static int
on_bye(struct peer *p, struct buf_reader *in, struct err *err)
{
	char reason[LIMIT_BYE + 1];
	unsigned code = buf_get_u8(in);
	int rc = get_reason(in, reason, err);

	if (rc != 0)
		return rc;
	peer_say_bye(p, PEER_BYE_DONE, "");
	p->state = PEER_CLOSED;
	if (code == PEER_BYE_DONE) {
		p->result.finished = true;
		return p->done_said ? p->s.receipts_kept(p->s.arg, err) : 0;
	}
	if (code == PEER_BYE_AGAIN) {
		p->result.again = true;
		return 0;
	}
	return err_set(err, code == PEER_BYE_REFUSED ? YZ_EDENIED : YZ_EPEER,
	    "%s ended the session: %s", p->opt.other, reason);
}

/* --- heads ---------------------------------------------------------------- */

static int
on_heads(struct peer *p, struct buf_reader *in, struct err *err)
{
	int s;

	if (p->heads_came)
		return err_set(err, YZ_EPEER, "Heads came twice");
	for (s = 0; s < STREAM_COUNT; s++)
		peer_receive_digest(in, &p->heads_theirs[s]);
	if (in->bad)
		return 0;
	p->heads_came = true;
	return peer_send_lists(p, err);
}

static int
list_one(
    struct peer *p, struct buf_reader *in, unsigned stream, struct err *err)
{
	struct peer_head head;
	struct peer_chain *c;
	int rc;

	rc = peer_receive_chain(in, &head.chain, err);
	if (rc != 0)
		return rc;
	head.seq = peer_receive_number(in, LIMIT_SEQ);
	peer_receive_digest(in, &head.id);
	peer_receive_oid(in, head.oid);
	head.fork = peer_receive_number(in, LIMIT_SEQ);
	if (in->bad)
		return 0;
	c = head.chain.stream == stream ? peer_table_get(p, &head.chain) : NULL;
	/* Evidence ends a chain before the fork; and without a head there has
	 * to be some. */
	if (c == NULL || c->named != 0 || c->named_fork != 0 ||
	    (head.seq == 0 && head.fork == 0) ||
	    (head.fork != 0 && head.seq >= head.fork))
		return err_set(err, YZ_EPEER, "a List that makes no sense");
	c->named = head.seq;
	c->named_id = head.id;
	memcpy(c->named_oid, head.oid, sizeof(c->named_oid));
	c->named_fork = c->their_fork = head.fork;
	return 0;
}

static int
on_list(struct peer *p, struct buf_reader *in, struct err *err)
{
	unsigned stream = buf_get_u8(in);
	uint64_t n = buf_get_varint(in), i;
	int rc = 0;

	if (!p->heads_came || in->bad || stream >= STREAM_COUNT ||
	    (int)stream < p->next_list ||
	    digest_equal(&p->heads[stream], &p->heads_theirs[stream]))
		return err_set(err, YZ_EPEER, "a List that nobody needs");
	if (n > LIMIT_HEADS)
		return err_set(err, YZ_EPEER,
		    "a List of %llu chains is over %d", (unsigned long long)n,
		    LIMIT_HEADS);
	p->next_list = (int)stream + 1;
	for (i = 0; i < n && rc == 0 && !in->bad; i++)
		rc = list_one(p, in, stream, err);
	return rc;
}

static int
partial_one(struct peer *p, struct buf_reader *in, struct err *err)
{
	struct peer_partial part;
	struct peer_chain *c;
	int rc;

	memset(&part, 0, sizeof(part));
	rc = peer_receive_chain(in, &part.chain, err);
	if (rc != 0)
		return rc;
	part.first = peer_receive_number(in, LIMIT_SEQ);
	part.last = peer_receive_number(in, LIMIT_SEQ);
	peer_receive_digest(in, &part.hash);
	part.held =
	    (size_t)peer_receive_number(in, RUN_SIZE_MAX(LIMIT_RUN_ONE));
	c = peer_table_find(p, &part.chain);
	if (in->bad || c == NULL || c->resume != NULL || part.last < part.first)
		return 0; /* nothing to go on with */
	c->resume = mem_alloc(sizeof(*c->resume));
	*c->resume = part;
	return 0;
}

int
peer_receive_reach(struct peer *p, struct peer_chain *c, struct err *err)
{
	char reason[LIMIT_BYE];
	int rc;

	if (p->s.reaches(p->s.arg, &c->name, p->opt.self) &&
	    p->s.reaches(p->s.arg, &c->name, p->opt.other))
		return 0;
	snprintf(reason, sizeof(reason),
	    N_("chain %s is not for both %s and %s"), c->text, p->opt.self,
	    p->opt.other);
	rc = peer_stop(p, c, c->named, reason, true, err);
	c->shut = c->stopped = true;
	return rc;
}

static int
on_partials(struct peer *p, struct buf_reader *in, struct err *err)
{
	uint64_t n = buf_get_varint(in), i;
	int rc = 0;

	if (!p->heads_came)
		return err_set(err, YZ_EPEER, "Partials before Heads");
	if (n > LIMIT_HEADS)
		return err_set(err, YZ_EPEER,
		    "Partials of %llu runs are over %d", (unsigned long long)n,
		    LIMIT_HEADS);
	for (i = 0; i < n && rc == 0 && !in->bad; i++)
		rc = partial_one(p, in, err);
	for (i = 0; i < p->n_chains && rc == 0; i++) {
		const struct peer_chain *c = p->chains[i];

		if (c->named + c->named_fork > 0 && c->mine + c->mine_fork == 0)
			rc = peer_receive_reach(p, p->chains[i], err);
	}
	if (rc == 0)
		rc = peer_compare(p, err);
	if (rc != 0)
		return rc;
	p->state = PEER_RUNS;
	p->rotate = p->s.rotation_get != NULL;
	peer_send_ping(p);
	return 0;
}

/* --- what was said of runs ----------------------------------------------- */

static int
on_held(struct peer *p, struct buf_reader *in, struct err *err)
{
	int64_t total = peer_receive_number(in, INT64_MAX);

	if (in->bad)
		return 0;
	if (total < p->window_held || total > p->window_sent)
		return err_set(err, YZ_EPEER, "Held %lld of %lld bytes",
		    (long long)total, (long long)p->window_sent);
	peer_send_window(p, total);
	return 0;
}

static int
on_ack(struct peer *p, struct buf_reader *in, struct err *err)
{
	struct chain_name name;
	struct peer_chain *c;
	int64_t seq;
	int rc;

	rc = peer_receive_chain(in, &name, err);
	if (rc != 0)
		return rc;
	seq = peer_receive_number(in, LIMIT_SEQ);
	if (in->bad)
		return 0;
	c = peer_table_find(p, &name);
	if (c == NULL || seq > c->sent)
		return err_set(err, YZ_EPEER, "Ack of what was not sent");
	if (c->theirs < seq)
		c->theirs = seq;
	return 0;
}

static int
on_refuse(struct peer *p, struct buf_reader *in, struct err *err)
{
	char reason[LIMIT_BYE + 1];
	struct chain_name name;
	struct peer_chain *c;
	bool answer;
	int64_t seq;
	int rc;

	rc = peer_receive_chain(in, &name, err);
	if (rc != 0)
		return rc;
	seq = peer_receive_number(in, LIMIT_SEQ);
	rc = get_reason(in, reason, err);
	if (rc != 0)
		return rc;
	c = peer_table_find(p, &name);
	if (c == NULL)
		return err_set(err, YZ_EPEER, "Refuse of what nobody named");
	/* It would be shown as stuck until the chain is that long. */
	if (seq > c->most)
		return err_set(err, YZ_EPEER,
		    "Refuse of %s seq %lld, but only %lld was here", c->text,
		    (long long)seq, (long long)c->most);
	rc = peer_fork_refused(p, c, seq, reason, &answer, err);
	if (rc != 0 || answer || c->stopped)
		return rc;
	rc = peer_stop(p, c, seq, reason, false, err);
	c->stopped = true;
	return rc;
}

static int
on_sent(struct peer *p, struct buf_reader *in, struct err *err)
{
	(void)in;
	if (p->in_open)
		return err_set(err, YZ_EPEER, "Sent inside a run");
	p->their_sent = true;
	return 0;
}

/* --- the rest --------------------------------------------------------------
 */

static int
on_receipt(struct peer *p, struct buf_reader *in, struct err *err)
{
	size_t n;
	const uint8_t *text = buf_get_string(in, LIMIT_MESSAGE, &n);
	const uint8_t *key = buf_get_bytes(in, 32);
	const uint8_t *sig = buf_get_bytes(in, 64);
	int rc;

	if (in->bad)
		return 0;
	rc = p->s.receipt_take(p->s.arg, text, n, key, sig, err);
	if (rc == 0 || rc == YZ_EIO)
		return rc;
	/* A receipt that does not hold proves nothing, and hurts nothing. */
	p->result.refused++;
	if (p->result.refusal[0] == '\0')
		snprintf(p->result.refusal, sizeof(p->result.refusal), "%s",
		    err->msg);
	return 0;
}

/* One that does not hold, or is not for us, ends nothing. */
static int
on_rotate(struct peer *p, struct buf_reader *in, struct err *err)
{
	size_t n = buf_reader_left(in);
	const uint8_t *text = buf_get_bytes(in, n);
	int rc;

	if (p->s.rotation_put == NULL)
		return err_set(err, YZ_EPEER, "Rotate, and nobody to ask");
	/* A roster may be adopted: a transaction of its own. */
	rc = peer_commit(p, err);
	if (rc != 0)
		return rc;
	rc = p->s.rotation_put(p->s.arg, text, n, err);
	p->refresh = true;
	if (rc == 0 || rc == YZ_EIO)
		return rc;
	p->result.refused++;
	if (p->result.refusal[0] == '\0')
		snprintf(p->result.refusal, sizeof(p->result.refusal), "%s",
		    err->msg);
	return 0;
}

static int
on_done(struct peer *p, struct buf_reader *in, struct err *err)
{
	struct digest d;
	int s;

	if (p->done_came)
		return err_set(err, YZ_EPEER, "Done came twice");
	p->done_came = true;
	p->result.gave_all = true;
	for (s = 0; s < STREAM_COUNT; s++) {
		peer_receive_digest(in, &d);
		if (in->bad || !digest_equal(&d, &p->heads[s]))
			p->result.gave_all = false;
	}
	return 0;
}

static int
on_ping(struct peer *p, struct buf_reader *in, struct err *err)
{
	uint64_t token = buf_get_varint(in);
	int64_t wall = p->s.wall(p->s.arg);

	(void)err;
	if (in->bad)
		return 0;
	buf_put_varint(&p->scratch, token);
	buf_put_varint(&p->scratch, wall < 0 ? 0 : (uint64_t)wall);
	peer_say(p, MSG_PONG);
	return 0;
}

static int
on_pong(struct peer *p, struct buf_reader *in, struct err *err)
{
	uint64_t token = buf_get_varint(in);
	int64_t clock = peer_receive_number(in, LIMIT_TIME_MAX), rtt;

	if (in->bad || p->ping_sent == 0 || token != p->ping_token)
		return 0;
	rtt = p->now - p->ping_sent;
	p->ping_sent = 0;
	if (p->result.rtt >= 0 && rtt >= p->result.rtt)
		return 0;
	p->result.rtt = rtt;
	return p->s.offset(
	    p->s.arg, clock + rtt / 2 - p->s.wall(p->s.arg), err);
}

const peer_receive_fn peer_receive_table[MSG_COUNT] = {
    [MSG_HELLO] = on_hello,
    [MSG_ROSTER] = peer_roster_take,
    [MSG_SETTLED] = peer_roster_settled,
    [MSG_JOIN] = on_join,
    [MSG_JOINED] = on_joined,
    [MSG_HEADS] = on_heads,
    [MSG_LIST] = on_list,
    [MSG_PARTIALS] = on_partials,
    [MSG_RUN] = peer_run_begin,
    [MSG_DATA] = peer_run_data,
    [MSG_HELD] = on_held,
    [MSG_ACK] = on_ack,
    [MSG_REFUSE] = on_refuse,
    [MSG_SENT] = on_sent,
    [MSG_WANT] = peer_blob_want,
    [MSG_BLOB] = peer_blob_begin,
    [MSG_BLOB_DATA] = peer_blob_data,
    [MSG_BLOB_NONE] = peer_blob_none,
    [MSG_RECEIPT] = on_receipt,
    [MSG_DONE] = on_done,
    [MSG_PING] = on_ping,
    [MSG_PONG] = on_pong,
    [MSG_BYE] = on_bye,
    [MSG_ASK] = peer_fork_asked,
    [MSG_PLACE] = peer_fork_place,
    [MSG_EVIDENCE] = peer_fork_evidence,
    [MSG_VERSIONS] = peer_roster_versions,
    [MSG_ROTATE] = on_rotate,
};
