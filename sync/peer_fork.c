/*
 * Two branches of one chain: where they part is looked for, the pair of
 * changesets that proves it goes to both (PROTOCOL.md, "Forks").
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "peer_state.h"

/* --- looking ------------------------------------------------------------- */

static bool
busy(const struct peer_chain *c)
{
	return c->seek == SEEK_PROBE || c->seek == SEEK_HALVE ||
	       c->seek == SEEK_PLEAD;
}

static void
set_seek(struct peer *p, struct peer_chain *c, enum peer_seek seek)
{
	p->n_seeking -= busy(c);
	c->seek = seek;
	p->n_seeking += busy(c);
}

static void
set_doubt(struct peer_chain *c, int64_t seq, const char *doubt)
{
	free(c->doubt);
	c->doubt = mem_strdup(doubt);
	c->doubt_seq = seq;
	c->stopped = c->shut = true;
}

/* Nothing comes of it: the chain is refused, for the first time. */
static int
give_up(struct peer *p, struct peer_chain *c, int64_t seq, const char *reason,
    bool tell, struct err *err)
{
	int rc;

	c->stopped = c->shut = false;
	rc = peer_stop(p, c, seq, reason, tell, err);
	c->stopped = c->shut = true;
	set_seek(p, c, SEEK_NONE);
	return rc;
}

static int
doubt_it(struct peer *p, struct peer_chain *c, struct err *err)
{
	return give_up(p, c, c->doubt_seq, c->doubt, true, err);
}

static void
put_place(struct peer *p, const struct peer_chain *c, int64_t seq)
{
	buf_put_string(&p->scratch, c->text, strlen(c->text));
	buf_put_varint(&p->scratch, (uint64_t)seq);
}

static int
ask(struct peer *p, struct peer_chain *c, int64_t seq, struct err *err)
{
	if (p->asks_said == LIMIT_ASKS)
		return doubt_it(p, c, err);
	p->asks_said++;
	c->asked = true;
	c->seek_at = seq;
	put_place(p, c, seq);
	peer_say(p, MSG_ASK);
	return 0;
}

static void
say_evidence(struct peer *p, struct peer_chain *c, const struct changeset *a,
    const struct changeset *b)
{
	const struct changeset *const v[] = {a, b};
	unsigned n = b == NULL ? 1 : 2, i;
	struct buf wire = BUF_INIT;

	put_place(p, c, a->seq);
	buf_put(&p->scratch, a->prev.b, sizeof(a->prev.b));
	buf_put(&p->scratch, a->parent_oid, sizeof(a->parent_oid));
	buf_put_u8(&p->scratch, n);
	for (i = 0; i < n; i++) {
		buf_clear(&wire);
		changeset_pack(&wire, v[i], NULL);
		buf_put(&p->scratch, v[i]->key, sizeof(v[i]->key));
		buf_put_string(&p->scratch, wire.b, wire.len);
	}
	peer_say(p, MSG_EVIDENCE);
	buf_free(&wire);
}

/* The place is found: what stands there with me. */
static int
plead(struct peer *p, struct peer_chain *c, struct err *err)
{
	struct changeset mine = CHANGESET_INIT;
	int rc;

	rc = peer_commit(p, err);
	if (rc != 0)
		return rc;
	rc = p->s.read(p->s.arg, &mine, &c->name, c->seek_hi, err);
	if (rc == YZ_EIO)
		return rc;
	if (rc != 0) /* cut off in between */
		return doubt_it(p, c, err);
	say_evidence(p, c, &mine, NULL);
	changeset_free(&mine);
	set_seek(p, c, SEEK_PLEAD);
	return 0;
}

/* Between lo, where both hold the same, and hi, where they do not. */
static int
halve(struct peer *p, struct peer_chain *c, struct err *err)
{
	set_seek(p, c, SEEK_HALVE);
	if (c->seek_hi - c->seek_lo == 1)
		return plead(p, c, err);
	return ask(p, c, c->seek_lo + (c->seek_hi - c->seek_lo) / 2, err);
}

int
peer_fork_seek(struct peer *p, struct peer_chain *c, int64_t hi, bool certain,
    int64_t seq, const char *doubt, struct err *err)
{
	set_doubt(c, seq, doubt);
	if (hi == 0)
		return doubt_it(p, c, err);
	c->theirs = 0;
	c->seek_lo = 0;
	c->seek_hi = hi;
	if (certain)
		return halve(p, c, err);
	set_seek(p, c, SEEK_PROBE);
	return ask(p, c, hi, err);
}

void
peer_fork_await(struct peer_chain *c, int64_t seq, const char *doubt)
{
	set_doubt(c, seq, doubt);
	c->seek = SEEK_AWAIT;
}

int
peer_fork_refused(struct peer *p, struct peer_chain *c, int64_t seq,
    const char *reason, bool *was, struct err *err)
{
	*was = busy(c) || (c->told && !c->forked);
	if (!*was)
		return 0;
	c->told = false;
	return give_up(p, c, seq, reason, false, err);
}

void
peer_fork_close(struct peer *p)
{
	struct err ignored;
	size_t i;

	for (i = 0; i < p->n_chains; i++) {
		const struct peer_chain *c = p->chains[i];

		if (c->seek != SEEK_NONE)
			(void)p->s.refused(p->s.arg, c->text, c->doubt_seq,
			    c->doubt, &ignored);
	}
}

/* --- answering ----------------------------------------------------------- */

static bool
shared(const struct peer *p, const struct chain_name *name)
{
	return p->s.reaches(p->s.arg, name, p->opt.self) &&
	       p->s.reaches(p->s.arg, name, p->opt.other);
}

/* All three messages begin so; *c is NULL if the chain is not one of the table
 * that both may hold. */
static int
get_place(struct peer *p, struct buf_reader *in, struct peer_chain **c,
    struct chain_name *name, int64_t *seq, struct err *err)
{
	int rc;

	rc = peer_receive_chain(in, name, err);
	if (rc != 0)
		return rc;
	*seq = peer_receive_number(in, LIMIT_SEQ);
	*c = shared(p, name) ? peer_table_find(p, name) : NULL;
	return 0;
}

int
peer_fork_asked(struct peer *p, struct buf_reader *in, struct err *err)
{
	char text[CHAIN_NAME_MAX];
	struct chain_name name;
	struct peer_chain *c;
	struct digest id = {{0}};
	uint8_t oid[20] = {0};
	int64_t seq;
	int rc;

	rc = get_place(p, in, &c, &name, &seq, err);
	if (rc != 0 || in->bad)
		return rc;
	if (++p->asks_heard > LIMIT_ASKS)
		return err_set(err, YZ_EPEER, "over %d Asks", LIMIT_ASKS);
	/* Of what may leave: named, or come from there. */
	if (c != NULL && seq <= c->head) {
		rc = p->s.place(p->s.arg, &name, seq, &id, oid, err);
		if (rc != 0 && rc != YZ_ENOTFOUND)
			return rc;
	}
	chain_format(text, &name);
	buf_put_string(&p->scratch, text, strlen(text));
	buf_put_varint(&p->scratch, (uint64_t)seq);
	buf_put(&p->scratch, id.b, sizeof(id.b));
	buf_put(&p->scratch, oid, sizeof(oid));
	peer_say(p, MSG_PLACE);
	return 0;
}

int
peer_fork_place(struct peer *p, struct buf_reader *in, struct err *err)
{
	static const struct digest none;
	struct chain_name name;
	struct peer_chain *c;
	struct digest id, mine;
	uint8_t oid[20], address[20];
	int64_t seq;
	int rc;

	rc = get_place(p, in, &c, &name, &seq, err);
	if (rc != 0)
		return rc;
	peer_receive_digest(in, &id);
	peer_receive_oid(in, oid);
	if (in->bad)
		return 0;
	if (c == NULL || !c->asked || seq != c->seek_at)
		return err_set(err, YZ_EPEER, "Place without Ask");
	c->asked = false;
	if (c->seek != SEEK_PROBE && c->seek != SEEK_HALVE)
		return 0; /* settled in between */
	rc = p->s.place(p->s.arg, &c->name, seq, &mine, address, err);
	if (rc == YZ_EIO)
		return rc;
	if (rc != 0 || digest_equal(&id, &none))
		return doubt_it(p, c, err);
	if (!digest_equal(&id, &mine) || memcmp(oid, address, sizeof(oid)) != 0)
		c->seek_hi = seq;
	else if (c->seek == SEEK_PROBE) /* no fork: what came is bad */
		return doubt_it(p, c, err);
	else
		c->seek_lo = seq;
	return halve(p, c, err);
}

/* --- evidence ------------------------------------------------------------ */

/* It is proved, or known: the chain rests in this session. */
static void
settle(struct peer *p, struct peer_chain *c, int64_t seq)
{
	set_seek(p, c, SEEK_NONE);
	c->stopped = c->shut = true;
	c->theirs = 0;
	p->result.again = true;
	p->refresh = true;
	if (c->their_fork == 0 || seq < c->their_fork)
		c->their_fork = seq;
	if (c->forked)
		return;
	c->forked = true;
	if (p->result.forks++ == 0)
		snprintf(p->result.fork, sizeof(p->result.fork),
		    N_("chain %s has two branches from seq %lld on"), c->text,
		    (long long)seq);
}

/* Send the pair that is held. */
static int
tell(struct peer *p, struct peer_chain *c, struct err *err)
{
	struct changeset a = CHANGESET_INIT, b = CHANGESET_INIT;
	int rc;

	rc = p->s.fork_get(p->s.arg, &a, &b, &c->name, err);
	if (rc == 0) {
		say_evidence(p, c, &a, &b);
		c->told = true;
		settle(p, c, a.seq);
	}
	changeset_free(&a);
	changeset_free(&b);
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

int
peer_fork_tell(struct peer *p, struct err *err)
{
	size_t i;
	int rc;

	for (i = 0; i < p->n_chains; i++) {
		struct peer_chain *c = p->chains[i];

		if (c->told || c->mine_fork == 0 ||
		    (c->their_fork != 0 && c->their_fork <= c->mine_fork))
			continue;
		rc = tell(p, c, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
get_changeset(struct changeset *out, struct buf_reader *in, struct err *err)
{
	const uint8_t *key = buf_get_bytes(in, sizeof(out->key)), *wire;
	struct buf_reader form;
	size_t n;
	int rc;

	wire = buf_get_string(in, LIMIT_RUN_ONE, &n);
	if (wire == NULL)
		return err_set(err, YZ_EPEER, "Evidence is cut short");
	memcpy(out->key, key, sizeof(out->key));
	buf_reader_init(&form, wire, n);
	rc = changeset_unpack(out, &form, NULL, err);
	if (rc == 0 && buf_reader_left(&form) != 0)
		rc = err_set(err, YZ_EPEER, "Evidence is longer than it is");
	return rc;
}

/* The two of a fork, from what came and, if that is one, from what is here. */
static int
get_pair(struct peer *p, struct peer_chain *c, struct changeset v[2],
    struct buf_reader *in, unsigned n, struct err *err)
{
	unsigned i;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i++)
		rc = get_changeset(&v[i], in, err);
	if (rc != 0 || n == 2)
		return rc;
	rc = p->s.read(p->s.arg, &v[1], &c->name, v[0].seq, err);
	if (rc == YZ_ENOTFOUND)
		return err_set(err, YZ_EDENIED, "chain %s has no seq %lld here",
		    c->text, (long long)v[0].seq);
	return rc;
}

static int
take(struct peer *p, struct peer_chain *c, struct changeset v[2],
    struct buf_reader *in, unsigned n, struct err *err)
{
	char reason[sizeof(err->msg)];
	int64_t seq = v[0].seq;
	int rc;

	if (c->mine_fork != 0 && c->mine_fork <= seq) { /* known already */
		if (n == 1)
			return tell(p, c, err);
		settle(p, c, seq);
		return 0;
	}
	rc = get_pair(p, c, v, in, n, err);
	if (rc == 0)
		rc = p->s.fork_take(p->s.arg, &v[0], &v[1], err);
	if (rc == 0) {
		if (n == 1)
			say_evidence(p, c, &v[0], &v[1]);
		settle(p, c, seq);
		return 0;
	}
	if (rc == YZ_EIO)
		return rc;
	snprintf(reason, sizeof(reason), "%s", err->msg);
	return give_up(p, c, seq, reason, true, err);
}

int
peer_fork_evidence(struct peer *p, struct buf_reader *in, struct err *err)
{
	struct changeset v[2] = {CHANGESET_INIT, CHANGESET_INIT};
	struct chain_name name;
	struct peer_chain *c;
	unsigned n;
	int rc;

	rc = get_place(p, in, &c, &name, &v[0].seq, err);
	if (rc != 0)
		return rc;
	peer_receive_digest(in, &v[0].prev);
	peer_receive_oid(in, v[0].parent_oid);
	n = buf_get_u8(in);
	if (in->bad || n < 1 || n > 2 || v[0].seq == 0)
		return err_set(err, YZ_EPEER, "Evidence that makes no sense");
	if (++p->evidence_heard > LIMIT_EVIDENCE)
		return err_set(err, YZ_EPEER, "over %d pieces of Evidence",
		    LIMIT_EVIDENCE);
	c = peer_table_get(p, &name);
	if (c == NULL)
		return err_set(err, YZ_EPEER, "over %d chains", LIMIT_HEADS);
	v[0].chain = v[1].chain = name;
	v[1].seq = v[0].seq;
	v[1].prev = v[0].prev;
	memcpy(v[1].parent_oid, v[0].parent_oid, sizeof(v[1].parent_oid));
	rc = peer_commit(p, err);
	if (rc == 0 && !shared(p, &name))
		rc = peer_receive_reach(p, c, err);
	else if (rc == 0)
		rc = take(p, c, v, in, n, err);
	changeset_free(&v[0]);
	changeset_free(&v[1]);
	(void)buf_get_bytes(in, buf_reader_left(in)); /* of what was refused */
	return rc;
}
