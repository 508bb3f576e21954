/*
 * The changesets that are frozen in tests/data/changeset-*, made again from
 * what they say: the key of seed 00..1f, three changesets of station 520302.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "changeset.h"
#include "limit.h"
#include "sign.h"

#define SAMPLES 3
#define RECORD "520302-00112233445566778899aabbccddeeff"

static const char sample_ops_1[] =
    "{\"id\":\"" RECORD "\",\"kind\":\"resource\",\"set\":"
    "{\"name\":\"红花岗区消防救援大队\",\"status\":\"ready\"}}\n"
    "{\"add\":{\"skills\":[\"medical\",\"water\"]},\"id\":\"" RECORD
    "\",\"kind\":\"resource\"}\n";
static const char sample_ops_3[] =
    "{\"drop\":\"重复登记\",\"id\":\"" RECORD "\",\"kind\":\"resource\"}\n";

static struct changeset sample[SAMPLES];
static struct buf sample_commit[SAMPLES];

static inline void
sample_place(
    struct changeset_seen *out, const char *chain, int64_t seq, int byte)
{
	struct err err;

	if (chain_parse(&out->chain, chain, strlen(chain), &err) != 0)
		abort();
	out->seq = seq;
	memset(out->id, byte, sizeof(out->id));
}

static inline void
sample_fill(struct changeset *cs, const char *chain, int64_t seq,
    const char *subject, const char *ops)
{
	struct changeset_seen at;
	int i;

	*cs = (struct changeset)CHANGESET_INIT;
	sample_place(&at, chain, seq, 0);
	cs->chain = at.chain;
	cs->seq = seq;
	cs->author = mem_strdup("值班员甲");
	cs->login = mem_strdup("duty1");
	cs->time = 1795446983123 + 60000 * seq;
	cs->offset = -1250;
	for (i = 0; i < 8; i++)
		cs->act[i] = (uint8_t)(16 * seq + i);
	cs->kinds = 8;
	cs->subject = mem_strdup(subject);
	cs->seen = mem_calloc(LIMIT_SEEN + 2, sizeof(*cs->seen));
	buf_puts(&cs->ops, ops);
}

static inline void
sample_key(struct sign_key *out)
{
	uint8_t seed[32];
	int i;

	for (i = 0; i < 32; i++)
		seed[i] = (uint8_t)i;
	sign_from_seed(out, seed);
}

static inline void
sample_sign(struct changeset *cs, struct buf *commit)
{
	struct sign_key key;
	struct err err;

	sample_key(&key);
	if (changeset_sign(cs, &key, &err) != 0) {
		printf("# %s\n", err.msg);
		abort();
	}
	changeset_derive(cs);
	changeset_commit(commit, cs);
}

/* 1: the first of a chain.  2: the next, empty, with Seen lines.  3: the
 * first of the writer's next incarnation. */
static inline void
sample_make(void)
{
	sample_fill(&sample[0], "520302-1f0c9a7e/resource", 1,
	    "登记消防救援大队", sample_ops_1);
	sample_sign(&sample[0], &sample_commit[0]);

	sample_fill(&sample[1], "520302-1f0c9a7e/resource", 2, "seen", "");
	sample[1].prev = sample[0].id;
	memcpy(sample[1].parent_oid, sample[0].oid, 20);
	sample_place(&sample[1].seen[0], "520000-00c0ffee/roster", 8, 0xa1);
	sample_place(
	    &sample[1].seen[1], "520300-5eed5eed/resource", 1048576, 0xb2);
	sample[1].n_seen = 2;
	sample_sign(&sample[1], &sample_commit[1]);

	sample_fill(
	    &sample[2], "520302-77aa01d2/resource", 1, "核销", sample_ops_3);
	sample[2].continues = true;
	sample_place(&sample[2].continued, "520302-1f0c9a7e/resource", 2, 0);
	memcpy(sample[2].continued.id, sample[1].id.b, 8);
	sample_place(&sample[2].seen[0], "520302-1f0c9a7e/resource", 2, 0);
	memcpy(sample[2].seen[0].id, sample[1].id.b, 8);
	sample[2].n_seen = 1;
	sample_sign(&sample[2], &sample_commit[2]);
}

static inline void
sample_free(void)
{
	int i;

	for (i = 0; i < SAMPLES; i++) {
		changeset_free(&sample[i]);
		buf_free(&sample_commit[i]);
	}
}

#endif
