/* Runs that come in: gathered, opened, applied (PROTOCOL.md, "Runs"). */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "peer_state.h"

static int
refuse(struct peer *p, struct peer_chain *c, int64_t seq, const char *reason,
    struct err *err)
{
	int rc = peer_stop(p, c, seq, reason, true, err);

	c->shut = true;
	return rc;
}

/* Go on with the bytes kept from the last session, or begin. */
static int
open_run(struct peer *p, int64_t offset, struct err *err)
{
	int rc;

	buf_clear(&p->in_bytes);
	if (offset > 0) {
		rc = p->s.partial_get(
		    p->s.arg, &p->in_run.chain, &p->in_bytes, err);
		if (rc != 0 && rc != YZ_ENOTFOUND)
			return rc;
		if (p->in_bytes.len != (size_t)offset ||
		    (size_t)offset >= p->in_run.size)
			return err_set(err, YZ_EPEER,
			    "a run from byte %lld, but %zu are here",
			    (long long)offset, p->in_bytes.len);
	}
	return p->s.partial_drop(p->s.arg, &p->in_run.chain, err);
}

int
peer_run_begin(struct peer *p, struct buf_reader *in, struct err *err)
{
	struct run *run = &p->in_run;
	struct peer_chain *c;
	char reason[LIMIT_BYE];
	int64_t offset;
	int rc;

	if (p->in_open)
		return err_set(err, YZ_EPEER, "a run inside a run");
	rc = peer_receive_chain(in, &run->chain, err);
	if (rc != 0)
		return rc;
	run->first = peer_receive_number(in, LIMIT_SEQ);
	run->last = peer_receive_number(in, LIMIT_SEQ);
	run->plain = (size_t)peer_receive_number(in, INT64_MAX);
	run->size =
	    (size_t)peer_receive_number(in, RUN_SIZE_MAX(LIMIT_RUN_ONE));
	peer_receive_digest(in, &run->hash);
	offset = peer_receive_number(in, RUN_SIZE_MAX(LIMIT_RUN_ONE));
	if (in->bad)
		return 0;
	rc = run_check(run, err);
	if (rc != 0)
		return rc;
	c = peer_table_get(p, &run->chain);
	if (c == NULL)
		return err_set(err, YZ_EPEER, "over %d chains", LIMIT_HEADS);
	p->in_open = true;
	p->their_sent = false;
	if (!c->shut && c->head == 0)
		rc = peer_receive_reach(p, c, err);
	if (rc == 0 && !c->shut && run->first > c->head + 1) {
		snprintf(reason, sizeof(reason),
		    N_("chain %s: %lld comes after %lld"), c->text,
		    (long long)run->first, (long long)c->head);
		rc = refuse(p, c, run->first, reason, err);
	}
	p->in_ignored = c->shut;
	if (rc != 0 || !p->in_ignored)
		return rc != 0 ? rc : open_run(p, offset, err);
	/* Thrown away, but counted, to find its end. */
	buf_clear(&p->in_bytes);
	p->in_skip =
	    run->size > (size_t)offset ? run->size - (size_t)offset : 1;
	return 0;
}

/* One changeset of a run that was opened, after `before`. */
static int
take_one(struct peer *p, struct peer_chain *c, struct changeset *cs,
    struct buf_reader *in, const struct changeset *before, struct err *err)
{
	int rc;

	rc = changeset_unpack(cs, in, before, err);
	if (rc != 0)
		return err_within(
		    err, "%s seq %lld", c->text, (long long)cs->seq);
	rc = p->s.receive(p->s.arg, cs, err);
	if (rc != 0)
		return rc;
	if (cs->chain.stream == STREAM_COMMAND && cs->ops.len > 0)
		p->result.command_news++;
	if (cs->seq > c->head) {
		c->head = cs->seq;
		c->fresh = true;
		p->result.received++;
	}
	if (c->theirs < cs->seq)
		c->theirs = cs->seq;
	c->staged = true;
	return 0;
}

static int
take_all(struct peer *p, struct peer_chain *c, int64_t *seq, struct err *err)
{
	struct changeset cs[2] = {CHANGESET_INIT, CHANGESET_INIT};
	struct digest id;
	struct buf_reader in;
	uint8_t oid[20];
	int rc, turn = 0;

	*seq = p->in_run.first;
	rc = run_open(
	    &p->plain, &p->in_run, p->in_bytes.b, p->in_bytes.len, err);
	if (rc != 0)
		err_within(err, "%s seq %lld", c->text, (long long)*seq);
	else
		rc = p->s.place(p->s.arg, &c->name, *seq - 1, &id, oid, err);
	if (rc == 0 && p->s.ahead != NULL)
		p->s.ahead(p->s.arg, &p->in_run, &p->plain, &id, oid);
	buf_reader_init(&in, p->plain.b, rc == 0 ? p->plain.len : 0);
	for (; rc == 0 && *seq <= p->in_run.last; ++*seq, turn = !turn) {
		struct changeset *now = &cs[turn], *before = &cs[!turn];

		changeset_free(now);
		*now = (struct changeset)CHANGESET_INIT;
		now->chain = c->name;
		now->seq = *seq;
		now->prev = id;
		memcpy(now->parent_oid, oid, sizeof(oid));
		rc = take_one(p, c, now, &in,
		    *seq == p->in_run.first ? NULL : before, err);
		if (rc != 0)
			break;
		id = now->id;
		memcpy(oid, now->oid, sizeof(oid));
	}
	if (rc == 0 && buf_reader_left(&in) != 0)
		rc = err_set(err, YZ_ECORRUPT, "a run is longer than it says");
	changeset_free(&cs[0]);
	changeset_free(&cs[1]);
	return rc;
}

static int
finish_run(struct peer *p, struct err *err)
{
	struct peer_chain *c = peer_table_find(p, &p->in_run.chain);
	char reason[sizeof(err->msg)];
	int64_t seq;
	int rc;

	p->in_open = false;
	if (c->shut) /* since it began to come */
		return 0;
	rc = take_all(p, c, &seq, err);
	p->staged += p->in_run.plain;
	if (rc == 0 || rc == YZ_EIO)
		return rc;
	/* The chain stops here; all else goes on. */
	snprintf(reason, sizeof(reason), "%s", err->msg);
	return peer_fork_seek(
	    p, c, seq > c->head ? c->head : seq, false, seq, reason, err);
}

int
peer_run_data(struct peer *p, struct buf_reader *in, struct err *err)
{
	size_t n = buf_reader_left(in), left;
	const uint8_t *data = buf_get_bytes(in, n);

	if (!p->in_open)
		return err_set(err, YZ_EPEER, "Data before its Run");
	left = p->in_ignored ? p->in_skip : p->in_run.size - p->in_bytes.len;
	if (n == 0 || n > left)
		return err_set(err, YZ_EPEER,
		    "%zu bytes of Data where %zu are left", n, left);
	p->held += (int64_t)n;
	if (p->in_ignored) {
		p->in_skip -= n;
		p->in_open = p->in_skip > 0;
		return 0;
	}
	buf_put(&p->in_bytes, data, n);
	return n == left ? finish_run(p, err) : 0;
}
