/*
 * A pen for tests: changesets as a station with the key could write them,
 * whether an honest program would or not.  Include world.h first.
 */
#ifndef FORGE_H
#define FORGE_H

#include "base/digest.h"
#include "limit.h"

struct pen { /* a chain, and who signs it */
	struct chain_name chain;
	struct sign_key key;
	int64_t seq; /* of the last changeset written */
	struct digest id;
	uint8_t oid[20];
	int64_t time;
};

static inline void
pen_new(struct pen *p, const char *chain, const struct sign_key *key)
{
	struct err err;

	memset(p, 0, sizeof(*p));
	must(chain_parse(&p->chain, chain, strlen(chain), &err), &err, chain);
	p->key = *key;
	p->time = WORLD_START;
}

/* The chain of a station of the world, as far as the station itself has it. */
static inline void
pen_of(struct pen *p, struct world *w, int who, enum stream stream,
    const char *owner)
{
	const struct home *home = replica_home(w->at[who]);
	struct replica_head head;
	char name[CHAIN_NAME_MAX];
	struct err err;

	snprintf(name, sizeof(name), "%s-%s/%s%s%s", home->code, home->inc,
	    stream_name(stream), owner == NULL ? "" : "@",
	    owner == NULL ? "" : owner);
	pen_new(p, name, &home->sign);
	must(replica_head(w->at[who], &head, &p->chain, &err), &err, "head");
	p->seq = head.seq;
	p->id = head.id;
	memcpy(p->oid, head.oid, sizeof(p->oid));
	p->time = w->now[who]++;
}

/* The next changeset, to be changed as one likes and then signed. */
static inline void
pen_draft(struct changeset *cs, struct pen *p, const void *ops, size_t n)
{
	memset(cs, 0, sizeof(*cs));
	cs->chain = p->chain;
	cs->seq = p->seq + 1;
	cs->prev = p->id;
	memcpy(cs->parent_oid, p->oid, sizeof(cs->parent_oid));
	cs->author = mem_strdup("值班员甲");
	cs->login = mem_strdup("duty1");
	cs->subject = mem_strdup("test");
	cs->time = p->time++;
	memset(cs->act, 7, sizeof(cs->act));
	buf_put(&cs->ops, ops, n);
}

/* Sign whatever it is: changeset_sign() would refuse what is malformed. */
static inline void
pen_sign(struct changeset *cs, const struct sign_key *key)
{
	struct buf text = BUF_INIT;
	struct err err;

	memcpy(cs->key, key->pub, sizeof(cs->key));
	changeset_derive(cs);
	changeset_text(&text, cs);
	must(sign_make(cs->sig, key, SIGN_NS_CHANGESET, text.b, text.len, &err),
	    &err, "sign");
	buf_free(&text);
	changeset_derive(cs);
}

/* It was taken: the next one follows it. */
static inline void
pen_advance(struct pen *p, const struct changeset *cs)
{
	p->seq = cs->seq;
	p->id = cs->id;
	memcpy(p->oid, cs->oid, sizeof(p->oid));
}

#endif
