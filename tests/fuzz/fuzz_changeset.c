/*
 * A changeset has one text: what parses as a commit writes itself again the
 * same, and over the wire it stays what it was; what is unpacked from the
 * wire has a commit that parses.  All else is refused without harm.
 *
 * Input: a byte.  0: two bytes of length, ops, commit.  1: changesets one
 * after the other in the wire form, as a run has them.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "changeset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool good)
{
	if (!good)
		abort();
}

/* What is not on the wire: its reader knows it. */
static void
known(struct changeset *out, const struct changeset *cs)
{
	*out = (struct changeset)CHANGESET_INIT;
	out->chain = cs->chain;
	out->seq = cs->seq;
	out->prev = cs->prev;
	memcpy(out->parent_oid, cs->parent_oid, sizeof(out->parent_oid));
	memcpy(out->key, cs->key, sizeof(out->key));
}

static void
through_the_wire(const struct changeset *cs)
{
	struct buf wire = BUF_INIT;
	struct buf_reader in;
	struct changeset again;
	struct err err;

	changeset_pack(&wire, cs, NULL);
	known(&again, cs);
	buf_reader_init(&in, wire.b, wire.len);
	must(changeset_unpack(&again, &in, NULL, &err) == 0);
	must(buf_reader_left(&in) == 0);
	changeset_derive(&again);
	must(digest_equal(&again.id, &cs->id));
	must(memcmp(again.oid, cs->oid, sizeof(cs->oid)) == 0);
	changeset_free(&again);
	buf_free(&wire);
}

static void
through_the_ledger(const struct changeset *cs)
{
	struct buf text = BUF_INIT;
	struct changeset again;
	struct err err;

	changeset_commit(&text, cs);
	must(changeset_parse(
		 &again, text.b, text.len, cs->ops.b, cs->ops.len, &err) == 0);
	must(digest_equal(&again.id, &cs->id));
	changeset_free(&again);
	buf_free(&text);
}

static void
commit(const uint8_t *data, size_t size)
{
	struct changeset cs;
	struct err err;
	size_t n;

	if (size < 2)
		return;
	n = (size_t)data[0] << 8 | data[1];
	data += 2;
	size -= 2;
	if (n > size ||
	    changeset_parse(&cs, data + n, size - n, data, n, &err) != 0)
		return;
	through_the_wire(&cs);
	changeset_free(&cs);
}

static void
run(const uint8_t *data, size_t size)
{
	static const char name[] = "520302-1f0c9a7e/resource";
	struct changeset cs[2] = {CHANGESET_INIT, CHANGESET_INIT};
	struct chain_name chain;
	struct buf_reader in;
	struct err err;
	int64_t seq;

	must(chain_parse(&chain, name, strlen(name), &err) == 0);
	buf_reader_init(&in, data, size);
	for (seq = 1; buf_reader_left(&in) > 0; seq++) {
		struct changeset *now = &cs[seq % 2],
				 *before = &cs[1 - seq % 2];

		changeset_free(now);
		known(now, before);
		now->chain = chain;
		now->seq = seq;
		now->prev = before->id;
		memcpy(now->parent_oid, before->oid, sizeof(now->parent_oid));
		if (changeset_unpack(
			now, &in, seq == 1 ? NULL : before, &err) != 0)
			break;
		changeset_derive(now);
		through_the_ledger(now);
		through_the_wire(now);
	}
	changeset_free(&cs[0]);
	changeset_free(&cs[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	if (data[0] == 0)
		commit(data + 1, size - 1);
	else if (data[0] == 1)
		run(data + 1, size - 1);
	return 0;
}
