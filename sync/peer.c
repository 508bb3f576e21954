/* The machine's life, and which message is allowed in which state. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "peer_state.h"

#define BIT(state) (1u << (state))
#define OPEN (BIT(PEER_RUNS) | BIT(PEER_WATCHING))

/* PROTOCOL.md, section 3: in which states a message may come. */
static const unsigned allowed[MSG_COUNT] = {
    [MSG_HELLO] = BIT(PEER_HELLO),
    [MSG_ROSTER] = BIT(PEER_ROSTER) | OPEN,
    [MSG_SETTLED] = BIT(PEER_ROSTER),
    [MSG_JOIN] = BIT(PEER_ROSTER),
    [MSG_JOINED] = BIT(PEER_ROSTER),
    [MSG_HEADS] = BIT(PEER_HEADS),
    [MSG_LIST] = BIT(PEER_HEADS),
    [MSG_PARTIALS] = BIT(PEER_HEADS),
    [MSG_RUN] = OPEN,
    [MSG_DATA] = OPEN,
    [MSG_HELD] = OPEN,
    [MSG_ACK] = OPEN,
    [MSG_REFUSE] = OPEN,
    [MSG_SENT] = OPEN,
    [MSG_WANT] = OPEN,
    [MSG_BLOB] = OPEN,
    [MSG_BLOB_DATA] = OPEN,
    [MSG_BLOB_NONE] = OPEN,
    [MSG_RECEIPT] = OPEN,
    [MSG_DONE] = BIT(PEER_RUNS),
    [MSG_PING] = OPEN,
    [MSG_PONG] = OPEN,
    [MSG_BYE] = BIT(PEER_CLOSED) - 1,
    [MSG_ASK] = OPEN,
    [MSG_PLACE] = OPEN,
    [MSG_EVIDENCE] = OPEN,
    [MSG_ROTATE] = OPEN,
    [MSG_VERSIONS] = BIT(PEER_ROSTER),
};

static const char *const state_names[PEER_STATES] = {
    "hello", "roster", "heads", "runs", "watch", "closed"};

#define LONG_MESSAGES \
	(1u << MSG_HELLO | 1u << MSG_ROSTER | 1u << MSG_JOIN | \
	    1u << MSG_LIST | 1u << MSG_PARTIALS | 1u << MSG_RECEIPT | \
	    1u << MSG_EVIDENCE | 1u << MSG_ROTATE | 1u << MSG_VERSIONS)

int
peer_new(struct peer **out, const struct peer_options *options,
    const struct peer_store *store, int64_t now, struct err *err)
{
	struct peer *p = mem_calloc(1, sizeof(*p));
	int rc;

	p->opt = *options;
	p->s = *store;
	p->in = (struct frame_reader)FRAME_READER_INIT(LONG_MESSAGES);
	p->now = p->wrote = p->mark_time = now;
	p->builder = run_builder_new();
	p->result.rtt = -1;
	p->allowed = INT64_MAX;
	rc = peer_send_hello(p, err);
	if (rc != 0) {
		peer_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void
peer_free(struct peer *p)
{
	if (p == NULL)
		return;
	frame_reader_free(&p->in);
	buf_free(&p->out);
	buf_free(&p->scratch);
	free(p->scopes);
	peer_table_free(p);
	run_builder_free(p->builder);
	changeset_free(&p->carry);
	buf_free(&p->run_bytes);
	buf_free(&p->in_bytes);
	buf_free(&p->plain);
	buf_free(&p->tried);
	free(p);
}

void
peer_say(struct peer *p, unsigned type)
{
	frame_put(&p->out, type, p->scratch.b, p->scratch.len);
	buf_clear(&p->scratch);
	p->wrote = p->now;
}

void
peer_say_bye(struct peer *p, enum peer_bye code, const char *reason)
{
	size_t n = strlen(reason);

	if (p->bye_said)
		return;
	buf_clear(&p->scratch);
	buf_put_u8(&p->scratch, code);
	/* Cut between characters, not inside one. */
	while (n > LIMIT_BYE || !text_is_utf8(reason, n))
		n--;
	buf_put_string(&p->scratch, reason, n);
	peer_say(p, MSG_BYE);
	p->bye_said = true;
}

/* Tell the other why it ends, and read nothing more. */
static int
fail(struct peer *p, int rc, const struct err *err)
{
	peer_say_bye(p,
	    rc == YZ_EIO       ? PEER_BYE_TROUBLE
	    : rc == YZ_EDENIED ? PEER_BYE_REFUSED
			       : PEER_BYE_FAULT,
	    rc == YZ_EIO ? N_("trouble at the other side") : err->msg);
	p->state = PEER_CLOSED;
	p->broken = rc == YZ_EIO;
	return rc;
}

/* Held is said once for all that came together, at a run's end at latest. */
static void
say_held(struct peer *p)
{
	if (p->held == p->held_said)
		return;
	buf_put_varint(&p->scratch, (uint64_t)p->held);
	peer_say(p, MSG_HELD);
	p->held_said = p->held;
}

static int
take(struct peer *p, const struct frame *f, struct err *err)
{
	struct buf_reader in;
	int rc;

	if (f->type == 0 || f->type >= MSG_COUNT)
		return err_set(err, YZ_EPEER, "message %u is unknown", f->type);
	if (!(allowed[f->type] & BIT(p->state)))
		return err_set(err, YZ_EPEER, "message %u in state %s", f->type,
		    state_names[p->state]);
	/* Who has said Bye neither proves anything nor is shown it. */
	if (p->bye_said && f->type >= MSG_ASK && f->type <= MSG_EVIDENCE)
		return 0;
	buf_reader_init(&in, f->payload, f->n);
	rc = peer_receive_table[f->type](p, &in, err);
	if (rc != 0)
		return rc;
	if (in.bad || buf_reader_left(&in) != 0)
		return err_set(
		    err, YZ_EPEER, "message %u is malformed", f->type);
	return 0;
}

int
peer_receive(
    struct peer *p, const void *data, size_t n, int64_t now, struct err *err)
{
	struct frame f;
	int rc = 0;

	p->now = now;
	if (p->state == PEER_CLOSED)
		return 0;
	frame_feed(&p->in, data, n);
	while (p->state != PEER_CLOSED) {
		rc = frame_next(&p->in, &f, err);
		if (rc == 1)
			rc = take(p, &f, err);
		else if (rc == 0)
			break;
		if (rc != 0)
			return fail(p, rc, err);
	}
	if (p->state != PEER_CLOSED)
		say_held(p);
	return 0;
}

struct buf *
peer_output(struct peer *p)
{
	return &p->out;
}

size_t
peer_staged(const struct peer *p)
{
	return p->staged;
}

bool
peer_quiet(const struct peer *p)
{
	return p->their_sent && !p->in_open;
}

/* Once for each writer: the table is sorted by name. */
static int
note_news(struct peer *p, struct err *err)
{
	const char *last = "";
	size_t i;
	int rc = 0;

	for (i = 0; i < p->n_chains && rc == 0; i++) {
		struct peer_chain *c = p->chains[i];

		if (c->fresh && strcmp(c->name.writer, last) != 0) {
			last = c->name.writer;
			rc = p->s.news(p->s.arg, &c->name, err);
		}
		c->fresh = false;
	}
	return rc;
}

int
peer_commit(struct peer *p, struct err *err)
{
	size_t i;
	int rc;

	if (p->staged == 0)
		return 0;
	rc = p->s.commit(p->s.arg, err);
	if (rc != 0)
		return fail(p, rc, err);
	p->staged = 0;
	p->news = true;
	p->asked = false;
	rc = note_news(p, err);
	if (rc != 0)
		return fail(p, rc, err);
	for (i = 0; i < p->n_chains; i++) {
		struct peer_chain *c = p->chains[i];

		if (!c->staged)
			continue;
		c->staged = false;
		buf_put_string(&p->scratch, c->text, strlen(c->text));
		buf_put_varint(&p->scratch, (uint64_t)c->head);
		peer_say(p, MSG_ACK);
	}
	return 0;
}

int
peer_stop(struct peer *p, struct peer_chain *c, int64_t seq, const char *reason,
    bool tell, struct err *err)
{
	if (!c->stopped && !c->shut) {
		if (++p->result.refused > LIMIT_REFUSALS)
			return err_set(err, YZ_EPEER,
			    "more than %d chains refused", LIMIT_REFUSALS);
		if (p->result.refusal[0] == '\0')
			snprintf(p->result.refusal, sizeof(p->result.refusal),
			    "%s", reason);
	}
	if (tell) {
		size_t n = strlen(reason);

		while (n > LIMIT_BYE || !text_is_utf8(reason, n))
			n--;
		buf_put_string(&p->scratch, c->text, strlen(c->text));
		buf_put_varint(&p->scratch, (uint64_t)seq);
		buf_put_string(&p->scratch, reason, n);
		peer_say(p, MSG_REFUSE);
	}
	return p->s.refused(p->s.arg, c->text, seq, reason, err);
}

int
peer_contact(struct peer *p, struct err *err)
{
	if (!p->done_said || !p->done_came || p->contacted)
		return 0;
	p->contacted = true;
	return p->s.contact(p->s.arg, err);
}

int
peer_refresh(struct peer *p, struct err *err)
{
	(void)err;
	if (p->state == PEER_RUNS || p->state == PEER_WATCHING)
		p->refresh = true;
	return 0;
}

/* The part of a run that came, for the next session. */
static void
keep_partial(struct peer *p)
{
	struct peer_partial part;
	struct err err;

	if (!p->in_open || p->in_ignored || p->in_bytes.len == 0)
		return;
	part.chain = p->in_run.chain;
	part.first = p->in_run.first;
	part.last = p->in_run.last;
	part.hash = p->in_run.hash;
	part.total = p->in_run.size;
	part.held = p->in_bytes.len;
	/* If this fails the bytes are only sent again. */
	(void)p->s.partial_put(p->s.arg, &part, p->in_bytes.b, &err);
}

int
peer_acked(struct peer *p, struct err *err)
{
	struct peer_head *acked = NULL;
	struct peer_chain *c;
	size_t i, n = 0;
	int rc = 0;

	for (i = 0; i < p->n_chains; i++) {
		c = p->chains[i];
		if (c->theirs == 0 || c->theirs == c->noted)
			continue;
		if (acked == NULL)
			acked = mem_calloc(p->n_chains, sizeof(*acked));
		acked[n].chain = c->name;
		acked[n++].seq = c->noted = c->theirs;
	}
	if (n > 0)
		rc = p->s.acked(p->s.arg, acked, n, err);
	free(acked);
	return rc;
}

void
peer_close(struct peer *p)
{
	struct err err;

	/* What was verified and applied is kept though the link is gone; a
	 * partial run often stands on it. */
	if (p->staged > 0 && (p->broken || peer_commit(p, &err) != 0))
		p->s.rollback(p->s.arg);
	p->staged = 0;
	keep_partial(p);
	p->in_open = false;
	(void)peer_contact(p, &err);
	peer_fork_close(p);
	(void)peer_acked(p, &err);
	p->state = PEER_CLOSED;
}

bool
peer_over(const struct peer *p)
{
	return p->state == PEER_CLOSED;
}

bool
peer_greeted(const struct peer *p)
{
	return p->state != PEER_HELLO;
}

bool
peer_watching(const struct peer *p)
{
	return p->state == PEER_WATCHING;
}

void
peer_allow(struct peer *p, int64_t bytes)
{
	p->allowed = bytes;
}

int64_t
peer_rate_wish(const struct peer *p)
{
	return p->rate_wish;
}

const struct peer_result *
peer_result(const struct peer *p)
{
	return &p->result;
}
