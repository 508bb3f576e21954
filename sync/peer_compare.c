/*
 * What the other named, against what is here: each chain is one of the
 * findings of PROTOCOL.md, "Heads", tried in that order.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "peer_state.h"

/* It has evidence that I lack, or of a lower place. */
static int
they_know(struct peer *p, struct peer_chain *c, bool *found, struct err *err)
{
	char doubt[LIMIT_BYE];

	(void)p;
	(void)err;
	*found = c->named_fork != 0 &&
		 (c->mine_fork == 0 || c->named_fork < c->mine_fork);
	if (!*found)
		return 0;
	snprintf(doubt, sizeof(doubt),
	    N_("chain %s is said to be forked at seq %lld, unproved"), c->text,
	    (long long)c->named_fork);
	peer_fork_await(c, c->named_fork, doubt);
	return 0;
}

/* I have evidence that it lacks; peer_fork_tell() sends it. */
static int
i_know(struct peer *p, struct peer_chain *c, bool *found, struct err *err)
{
	(void)p;
	(void)err;
	*found = c->mine_fork != 0 &&
		 (c->named_fork == 0 || c->mine_fork < c->named_fork);
	if (*found)
		c->stopped = c->shut = true;
	return 0;
}

/* One that only this station writes: it goes by other rules. */
static int
ours(struct peer *p, struct peer_chain *c, bool *found, struct err *err)
{
	struct peer_head named = {.chain = c->name, .seq = c->named};
	enum peer_own verdict = PEER_OWN_NONE;
	int rc;

	if (p->s.own == NULL)
		return 0;
	named.id = c->named_id;
	memcpy(named.oid, c->named_oid, sizeof(named.oid));
	rc = p->s.own(p->s.arg, &named, &verdict, err);
	*found = verdict != PEER_OWN_NONE;
	if (rc != 0 || !*found)
		return rc;
	/* It holds what it was named to; of the rest nobody knows yet whether
	 * it is the same. */
	c->sent = c->named;
	c->theirs = verdict == PEER_OWN_DOUBT ? 0
		    : c->mine < c->named      ? c->mine
					      : c->named;
	c->stopped = true;
	p->result.again = true;
	if (verdict == PEER_OWN_DOUBT)
		peer_say_bye(p, PEER_BYE_AGAIN,
		    N_("more is known of my chains than I know myself"));
	else if (c->named > c->mine)
		p->result.todo += c->named - c->mine;
	return 0;
}

/* Who holds more sees whether the other's head is a place in it. */
static int
two_branches(struct peer *p, struct peer_chain *c, bool *found, struct err *err)
{
	char doubt[LIMIT_BYE];
	struct digest id;
	uint8_t oid[20];
	int rc;

	*found = false;
	if (c->named == 0 || c->mine < c->named)
		return 0;
	rc = p->s.place(p->s.arg, &c->name, c->named, &id, oid, err);
	if (rc != 0)
		return rc;
	*found = !digest_equal(&id, &c->named_id) ||
		 memcmp(oid, c->named_oid, sizeof(oid)) != 0;
	if (!*found)
		return 0;
	snprintf(doubt, sizeof(doubt), N_("chain %s differs at seq %lld: fork"),
	    c->text, (long long)c->named);
	if (c->mine > c->named || p->opt.caller)
		return peer_fork_seek(
		    p, c, c->named, true, c->named, doubt, err);
	peer_fork_await(c, c->named, doubt);
	return 0;
}

static int
some_to_send(struct peer *p, struct peer_chain *c, bool *found, struct err *err)
{
	(void)err;
	*found = true;
	c->theirs = c->sent = c->named;
	p->result.todo +=
	    c->mine > c->named ? c->mine - c->named : c->named - c->mine;
	return 0;
}

static int (*const findings[])(
    struct peer *p, struct peer_chain *c, bool *found, struct err *err) = {
    they_know,
    i_know,
    ours,
    two_branches,
    some_to_send,
};

int
peer_compare(struct peer *p, struct err *err)
{
	size_t i, j;
	bool found;
	int rc;

	for (i = 0; i < p->n_chains; i++) {
		found = false;
		for (j = 0; !found; j++) {
			rc = findings[j](p, p->chains[i], &found, err);
			if (rc != 0)
				return rc;
		}
	}
	p->result.compared = true;
	return peer_fork_tell(p, err);
}
