/* What goes out: the greeting, heads, runs in order, the end. */
#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "peer_state.h"

#define OUT_ENOUGH (128u << 10) /* bytes written ahead of the link */
#define WINDOW_MIN (16u << 10)  /* PROTOCOL.md: the window's least */
#define WINDOW_MS 400           /* of the rate, and the round trip */
#define WINDOW_PART 8           /* of what came: so much a cut may cost */
#define PIECE_MIN 512           /* no smaller frame just to fill it */
#define SAMPLE_MS 100           /* the rate is measured over this at least */
#define URGENT 1                /* the last stream priority that is */
#define PING_MS 20000           /* after so long without a word */
#define RECEIPT_MS 30000        /* between receipts while watching */
#define TRIED_MS 60000          /* before a blob is asked for again */

/* A List entry: a name of 32 bytes and its length, seq, id, oid, fork; a line
 * of a receipt: name, seq in decimal, id in hex, two spaces and the newline. */
_Static_assert(LIMIT_HEADS *(1 + 32 + 6 + 32 + 20 + 6) + 64 <= LIMIT_MESSAGE,
    "every chain fits a List");
_Static_assert(LIMIT_HEADS *(32 + 13 + 64 + 3) + 512 <= LIMIT_MESSAGE,
    "every chain fits a receipt");

static void
put_string(struct buf *out, const char *s)
{
	buf_put_string(out, s, strlen(s));
}

int
peer_send_hello(struct peer *p, struct err *err)
{
	struct buf *b = &p->scratch;
	struct peer_scope *scopes = NULL;
	size_t n = 0, i;
	int64_t wall;
	int rc;

	rc = p->s.scopes(p->s.arg, &scopes, &n, err);
	if (rc != 0)
		return rc;
	wall = p->s.wall(p->s.arg);
	buf_puts(b, "YIZHAN");
	buf_put_u8(b, PEER_VERSION);
	buf_put_u8(b, PEER_VERSION);
	buf_put(b, p->opt.self, CHAIN_CODE_LEN);
	buf_put_u8(b, p->opt.caller ? p->opt.purpose : PEER_SYNC);
	buf_put_varint(b, wall < 0 ? 0 : (uint64_t)wall);
	buf_put_varint(b, p->opt.rate < 0 ? 0 : (uint64_t)p->opt.rate);
	buf_put_u8(b, p->opt.urgent);
	buf_put_varint(b, n);
	for (i = 0; i < n; i++) {
		put_string(b, scopes[i].scope);
		buf_put_varint(b, (uint64_t)scopes[i].version);
		buf_put(b, scopes[i].hash.b, sizeof(scopes[i].hash.b));
		buf_put_u8(b, scopes[i].contested);
	}
	peer_say(p, MSG_HELLO);
	free(scopes);
	return 0;
}

int
peer_send_heads(struct peer *p, struct err *err)
{
	int rc, s;

	rc = peer_table_load(p, err);
	if (rc != 0)
		return rc;
	peer_table_heads(p, p->heads);
	for (s = 0; s < STREAM_COUNT; s++)
		buf_put(&p->scratch, p->heads[s].b, sizeof(p->heads[s].b));
	peer_say(p, MSG_HEADS);
	return 0;
}

static void
send_list(struct peer *p, enum stream stream)
{
	struct buf *b = &p->scratch;
	size_t n = 0, i;

	for (i = 0; i < p->n_chains; i++) {
		const struct peer_chain *c = p->chains[i];

		n += c->name.stream == stream && c->mine + c->mine_fork > 0;
	}
	buf_put_u8(b, stream);
	buf_put_varint(b, n);
	for (i = 0; i < p->n_chains; i++) {
		const struct peer_chain *c = p->chains[i];

		if (c->name.stream != stream || c->mine + c->mine_fork == 0)
			continue;
		put_string(b, c->text);
		buf_put_varint(b, (uint64_t)c->mine);
		buf_put(b, c->mine_id.b, sizeof(c->mine_id.b));
		buf_put(b, c->mine_oid, sizeof(c->mine_oid));
		buf_put_varint(b, (uint64_t)c->mine_fork);
	}
	peer_say(p, MSG_LIST);
}

int
peer_send_lists(struct peer *p, struct err *err)
{
	struct peer_partial *parts = NULL;
	struct buf *b = &p->scratch;
	char name[CHAIN_NAME_MAX];
	size_t n = 0, i;
	int rc, s;

	for (s = 0; s < STREAM_COUNT; s++) {
		if (digest_equal(&p->heads[s], &p->heads_theirs[s]))
			peer_table_assume(p, (enum stream)s);
		else
			send_list(p, (enum stream)s);
	}
	rc = p->s.partials(p->s.arg, &parts, &n, err);
	if (rc != 0)
		return rc;
	buf_put_varint(b, n);
	for (i = 0; i < n; i++) {
		chain_format(name, &parts[i].chain);
		put_string(b, name);
		buf_put_varint(b, (uint64_t)parts[i].first);
		buf_put_varint(b, (uint64_t)parts[i].last);
		buf_put(b, parts[i].hash.b, sizeof(parts[i].hash.b));
		buf_put_varint(b, parts[i].held);
	}
	peer_say(p, MSG_PARTIALS);
	free(parts);
	return 0;
}

void
peer_send_ping(struct peer *p)
{
	p->ping_token++;
	p->ping_sent = p->now;
	buf_put_varint(&p->scratch, p->ping_token);
	peer_say(p, MSG_PING);
}

/* --- the window -------------------------------------------------------- */

static int64_t
window(const struct peer *p)
{
	int64_t rtt = p->result.rtt < 0 ? 0 : p->result.rtt;
	int64_t w = p->rate * (WINDOW_MS + rtt) / 1000;
	int64_t most = WINDOW_MIN + p->window_held / WINDOW_PART +
		       2 * p->rate * rtt / 1000;

	if (w > most)
		w = most;
	if (w < WINDOW_MIN)
		w = WINDOW_MIN;
	return w > LIMIT_WINDOW ? LIMIT_WINDOW : w;
}

size_t
peer_send_room(struct peer *p)
{
	int64_t used = p->window_sent - p->window_held, w = window(p);

	if (p->idle) { /* after a pause the rate is measured anew */
		p->mark_time = p->now;
		p->mark_held = p->window_held;
		p->blocked = p->idle = false;
	}
	return used < w ? (size_t)(w - used) : 0;
}

void
peer_send_said(struct peer *p, size_t n)
{
	p->window_sent += (int64_t)n;
	if (p->allowed != INT64_MAX)
		p->allowed -= (int64_t)n;
}

void
peer_send_window(struct peer *p, int64_t total)
{
	int64_t span = p->now - p->mark_time, sample;
	int64_t least = p->result.rtt > SAMPLE_MS ? p->result.rtt : SAMPLE_MS;

	p->window_held = total;
	if (span < least)
		return;
	sample = (total - p->mark_held) * 1000 / span;
	/* Up quickly, but not by one lucky burst; down only if it was the
	 * link, and not us, that had no more to give. */
	if (sample > p->rate)
		p->rate = sample > 4 * (p->rate + WINDOW_MIN)
			      ? 4 * (p->rate + WINDOW_MIN)
			      : sample;
	else if (p->blocked)
		p->rate = (3 * p->rate + sample) / 4;
	p->mark_time = p->now;
	p->mark_held = total;
	p->blocked = false;
}

/* --- runs -------------------------------------------------------------- */

/* The chain to serve next: by priority, then in turn; NULL if none waits. */
static struct peer_chain *
next_chain(struct peer *p)
{
	struct peer_chain *best = NULL;
	size_t i, n = p->n_chains, best_dist = 0, best_at = 0;
	int best_prio = 0;

	for (i = 0; i < n; i++) {
		struct peer_chain *c = p->chains[i];
		size_t dist;
		int prio;

		if (c->stopped || c->shut || c->mine <= c->sent ||
		    c->mine <= c->theirs)
			continue;
		prio = stream_priority(c->name.stream);
		if (p->result.urgent && prio > URGENT)
			continue;
		dist = (i + n - p->turn[prio] % n - 1) % n;
		if (best == NULL || prio < best_prio ||
		    (prio == best_prio && dist < best_dist)) {
			best = c;
			best_at = i;
			best_prio = prio;
			best_dist = dist;
		}
	}
	if (best != NULL)
		p->turn[best_prio] = best_at;
	return best;
}

static int
next_changeset(struct peer *p, const struct chain_name *chain, int64_t seq,
    struct err *err)
{
	if (p->carried && p->carry.seq == seq &&
	    chain_equal(&p->carry.chain, chain))
		return 0;
	changeset_free(&p->carry);
	p->carry = (struct changeset)CHANGESET_INIT;
	p->carried = false;
	return p->s.read(p->s.arg, &p->carry, chain, seq, err);
}

/* Make the run that begins after what the other holds of c. */
static int
build_run(struct peer *p, struct peer_chain *c, struct err *err)
{
	int64_t seq = (c->sent > c->theirs ? c->sent : c->theirs) + 1;
	int64_t first = seq, last = c->mine;
	struct peer_partial *resume = c->resume;
	int rc;

	if (resume != NULL && resume->first == first && resume->last <= last)
		last = resume->last;
	for (; seq <= last; seq++) {
		rc = next_changeset(p, &c->name, seq, err);
		if (rc != 0)
			return err_within(err, "chain %s", c->text);
		p->carried = true;
		if (!run_add(p->builder, &p->carry))
			break;
		p->carried = false;
	}
	rc = run_finish(p->builder, &p->run, &p->run_bytes, err);
	if (rc != 0)
		return rc;
	p->run_at = 0;
	if (resume != NULL && resume->first == p->run.first &&
	    resume->last == p->run.last && resume->held < p->run.size &&
	    digest_equal(&resume->hash, &p->run.hash))
		p->run_at = resume->held;
	free(resume);
	c->resume = NULL;
	c->sent = p->run.last;
	p->run_out = true;
	p->sent_said = false;
	p->result.sent += p->run.last - p->run.first + 1;
	put_string(&p->scratch, c->text);
	buf_put_varint(&p->scratch, (uint64_t)p->run.first);
	buf_put_varint(&p->scratch, (uint64_t)p->run.last);
	buf_put_varint(&p->scratch, p->run.plain);
	buf_put_varint(&p->scratch, p->run.size);
	buf_put(&p->scratch, p->run.hash.b, sizeof(p->run.hash.b));
	buf_put_varint(&p->scratch, p->run_at);
	peer_say(p, MSG_RUN);
	return 0;
}

/* The next frame of the run under way; false when the window is full, or what
 * is allowed is used up: the last frame may end a little beyond. */
static bool
say_data(struct peer *p)
{
	size_t left = p->run_bytes.len - p->run_at, n = peer_send_room(p);

	if (n < left && n < PIECE_MIN) {
		p->blocked = true;
		return false;
	}
	if (stream_priority(p->run.chain.stream) > URGENT) {
		if (p->allowed <= 0)
			return false;
		if ((int64_t)n > p->allowed)
			n = p->allowed < PIECE_MIN ? PIECE_MIN
						   : (size_t)p->allowed;
	}
	if (n > left)
		n = left;
	if (n > PEER_PIECE)
		n = PEER_PIECE;
	buf_put(&p->scratch, p->run_bytes.b + p->run_at, n);
	peer_say(p, MSG_DATA);
	p->run_at += n;
	peer_send_said(p, n);
	p->run_out = p->run_at < p->run_bytes.len;
	return true;
}

/* --- the end ----------------------------------------------------------- */

static int
say_receipts(struct peer *p, struct err *err)
{
	struct peer_head *heads = mem_calloc(p->n_chains, sizeof(*heads));
	struct buf text = BUF_INIT;
	uint8_t key[32], sig[64];
	int s, rc = 0;
	bool news;

	for (s = 0; s < STREAM_COUNT && rc == 0; s++) {
		size_t n = 0, i;

		for (i = 0; i < p->n_chains; i++) {
			const struct peer_chain *c = p->chains[i];

			if (c->name.stream != (enum stream)s || c->mine == 0 ||
			    !p->s.through(p->s.arg, &c->name))
				continue;
			heads[n].chain = c->name;
			heads[n].seq = c->mine;
			heads[n++].id = c->mine_id;
		}
		if (n == 0)
			continue;
		buf_clear(&text);
		rc = p->s.receipt_make(p->s.arg, &text, key, sig, &news,
		    (enum stream)s, heads, n, err);
		if (rc != 0 || !news)
			continue;
		buf_put_string(&p->scratch, text.b, text.len);
		buf_put(&p->scratch, key, sizeof(key));
		buf_put(&p->scratch, sig, sizeof(sig));
		peer_say(p, MSG_RECEIPT);
	}
	buf_free(&text);
	free(heads);
	p->news = false;
	p->receipts_time = p->now;
	return rc;
}

static int
say_done(struct peer *p, struct err *err)
{
	struct digest named[STREAM_COUNT];
	int rc, s;

	/* Receipts name what is durable now. */
	rc = peer_table_load(p, err);
	if (rc == 0)
		rc = say_receipts(p, err);
	if (rc == 0)
		rc = peer_table_named(p, named, err);
	if (rc != 0)
		return rc;
	p->result.got_all = true;
	for (s = 0; s < STREAM_COUNT; s++) {
		if (!digest_equal(&named[s], &p->heads_theirs[s]))
			p->result.got_all = false;
		buf_put(&p->scratch, named[s].b, sizeof(named[s].b));
	}
	peer_say(p, MSG_DONE);
	p->done_said = true;
	return 0;
}

/* Nothing more to say of runs and blobs: what else is there? */
static int
wind_up(struct peer *p, struct err *err)
{
	int rc;

	p->idle = true;
	if (!p->their_sent || p->in_open || p->staged > 0 || p->n_seeking > 0)
		return 0;
	if (p->asked && (p->tried.len > 0 || p->waits) &&
	    p->now - p->tried_time > TRIED_MS) {
		buf_clear(&p->tried);
		p->asked = false;
	}
	if (p->n_wants == 0 && !p->asked && !p->result.urgent) {
		rc = peer_blob_ask(p, err);
		if (rc != 0)
			return rc;
	}
	if (p->n_wants > 0)
		return 0;
	if (p->state == PEER_RUNS && !p->done_said) {
		rc = say_done(p, err);
		if (rc != 0)
			return rc;
	} else if (p->state == PEER_WATCHING && p->news &&
		   p->now - p->receipts_time > RECEIPT_MS) {
		rc = peer_table_load(p, err);
		if (rc == 0)
			rc = say_receipts(p, err);
		if (rc != 0)
			return rc;
	}
	if (p->state == PEER_RUNS && p->done_said && p->done_came) {
		rc = peer_contact(p, err);
		if (rc != 0)
			return rc;
		if (p->watch && !p->result.again)
			p->state = PEER_WATCHING;
		else
			peer_say_bye(p, PEER_BYE_DONE, "");
	} else if (p->state == PEER_WATCHING && p->result.again)
		peer_say_bye(p, PEER_BYE_DONE, "");
	return 0;
}

static int
send_rotations(struct peer *p, struct err *err)
{
	size_t i;
	int rc;

	p->rotate = false;
	for (i = 0;; i++) {
		rc = p->s.rotation_get(p->s.arg, &p->scratch, i, err);
		if (rc != 0)
			break;
		peer_say(p, MSG_ROTATE);
	}
	buf_clear(&p->scratch);
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

static int
pump(struct peer *p, struct err *err)
{
	struct peer_chain *c;
	int rc;

	if (p->rotate) {
		rc = send_rotations(p, err);
		if (rc != 0)
			return rc;
	}
	if (p->refresh) {
		p->refresh = false;
		/* Heads are sealed before they are named, and that cannot be
		 * done inside a transaction. */
		rc = peer_commit(p, err);
		if (rc == 0)
			rc = peer_roster_send(p, err);
		if (rc == 0)
			rc = peer_table_load(p, err);
		/* By the roster that is now read; it has heard why. */
		if (rc == 0 && p->s.welcome != NULL)
			rc = p->s.welcome(p->s.arg, err);
		if (rc == 0)
			rc = peer_fork_tell(p, err);
		p->rotate =
		    p->state == PEER_WATCHING && p->s.rotation_get != NULL;
		p->asked = false;
		if (rc != 0)
			return rc;
	}
	while (p->out.len < OUT_ENOUGH) {
		if (p->run_out) {
			if (!say_data(p))
				return 0;
			continue;
		}
		c = next_chain(p);
		if (c != NULL) {
			rc = build_run(p, c, err);
			if (rc != 0)
				return rc;
			continue;
		}
		if (!p->sent_said) {
			peer_say(p, MSG_SENT);
			p->sent_said = true;
		}
		if (p->n_queue == 0)
			return wind_up(p, err);
		if (p->allowed <= 0)
			return 0;
		if (peer_send_room(p) < PIECE_MIN) {
			p->blocked = true;
			return 0;
		}
		rc = peer_blob_say(p, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int
peer_send(struct peer *p, int64_t now, struct err *err)
{
	int rc;

	p->now = now;
	if (p->state != PEER_RUNS && p->state != PEER_WATCHING)
		return 0;
	if (p->bye_said)
		return 0;
	rc = pump(p, err);
	if (rc != 0) {
		if (rc == YZ_EDENIED)
			peer_say_bye(p, PEER_BYE_REFUSED, err->msg);
		peer_say_bye(
		    p, PEER_BYE_TROUBLE, N_("trouble at the other side"));
		p->broken = rc == YZ_EIO;
		p->state = PEER_CLOSED;
		return rc;
	}
	if (now - p->wrote >= PING_MS)
		peer_send_ping(p);
	return 0;
}
