/*
 * Goal of this test: threat T01, a station that writes in another's name.
 * In a federation of 98 stations each tries to sign for each: the 98 that
 * sign for themselves are taken and the 9,506 others are refused.  And of a
 * changeset well signed every single bit is turned over, as it travels and
 * as it lies in the ledger: nothing of that is taken.
 */
#include "config.h"

#include "../world.h"

#include "../fleet.h"
#include "../forge.h"

#define OPS \
	"{\"id\":\"%s-00000000000000000000000000000001\",\"kind\":\"team\"," \
	"\"set\":{\"name\":\"红花岗区消防救援大队\",\"status\":\"ready\"}}\n"

static void
pen_at(struct pen *p, const struct fleet_station *s)
{
	char chain[CHAIN_NAME_MAX];

	snprintf(chain, sizeof(chain), "%s-%s/resource", s->code, s->inc[0]);
	pen_new(p, chain, &s->sign);
}

static void
draft(struct changeset *cs, const struct fleet_station *s)
{
	char ops[300];
	struct pen pen;

	pen_at(&pen, s);
	snprintf(ops, sizeof(ops), OPS, s->code);
	pen_draft(cs, &pen, ops, strlen(ops));
}

/* 0, or what the door said, in a transaction that goes on until something
 * was taken, which is rolled back. */
static int
offer(struct fleet *f, struct changeset *cs, struct err *err)
{
	enum receive_result result;
	struct replica *r = f->at[0].r;
	struct err ignored;
	int rc;

	if (!db_in_transaction(replica_db(r)))
		must(replica_begin(r, &ignored), &ignored, "begin");
	rc = receive_changeset(r, cs, &result, err);
	if (rc == 0)
		replica_rollback(r);
	return rc;
}

/* Every station signs what every station would write. */
static void
matrix(struct fleet *f)
{
	int origin, signer, taken = 0, wrong = 0, refused = 0;
	struct changeset cs;
	struct err err;

	for (origin = 0; origin < f->n; origin++) {
		for (signer = 0; signer < f->n; signer++) {
			int rc;

			draft(&cs, &f->at[origin]);
			pen_sign(&cs, &f->at[signer].sign);
			rc = offer(f, &cs, &err);
			changeset_free(&cs);
			if (rc == 0 && origin == signer)
				taken++;
			else if (rc == 0)
				wrong++;
			else if (rc == YZ_EDENIED &&
				 strstr(err.msg, "not signed by") != NULL &&
				 strstr(err.msg, f->at[origin].code) != NULL)
				refused++;
			else
				printf("# %s by %s: %s\n", f->at[origin].code,
				    f->at[signer].code, err.msg);
		}
	}
	is_int(taken, f->n, "who signs for itself is taken");
	is_int(wrong, 0, "who signs for another is never taken");
	is_int(refused, f->n * (f->n - 1), "but refused, with one line");
	is_int(world_count(&(struct world){.at = {f->at[0].r}}, 0,
		   "SELECT count(*) FROM _chain"),
	    0, "which leaves no trace");
}

static void
flips_on_the_wire(struct fleet *f, const struct changeset *good)
{
	struct changeset cs;
	struct buf wire = BUF_INIT;
	struct buf_reader in;
	struct err err;
	size_t bit, taken = 0, unclear = 0;

	changeset_pack(&wire, good, NULL);
	for (bit = 0; bit <= wire.len * 8; bit++) {
		bool whole = bit == wire.len * 8; /* the last is as it was */
		int rc;

		if (!whole)
			wire.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		memset(&cs, 0, sizeof(cs));
		cs.chain = good->chain;
		cs.seq = good->seq;
		err.msg[0] = '\0';
		buf_reader_init(&in, wire.b, wire.len);
		rc = changeset_unpack(&cs, &in, NULL, &err);
		if (rc == 0 && buf_reader_left(&in) > 0)
			rc = err_set(&err, YZ_ECORRUPT, "bytes are left");
		if (rc == 0)
			rc = offer(f, &cs, &err);
		changeset_free(&cs);
		if (whole) {
			is_int(rc, 0, "as it was it is taken");
			break;
		}
		taken += rc == 0;
		unclear += rc != 0 && (err.msg[0] == '\0' ||
					  strchr(err.msg, '\n') != NULL);
		wire.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	printf("# %zu bits of the wire form\n", bit);
	ok(bit >= 1568, "and there are enough bits");
	is_int(
	    (long long)taken, 0, "with any bit of the wire turned it is not");
	is_int((long long)unclear, 0, "and one line says so");
	buf_free(&wire);
}

/* As the ledger's readers do: form, then the key the roster gave, then the
 * signature. */
static void
flips_in_the_ledger(struct fleet *f, const struct changeset *good)
{
	struct buf commit = BUF_INIT;
	struct changeset cs;
	struct err err;
	size_t bit, n, taken = 0;

	changeset_commit(&commit, good);
	n = (commit.len + good->ops.len) * 8;
	for (bit = 0; bit < n; bit++) {
		bool in_ops = bit >= commit.len * 8;
		uint8_t *at = in_ops ? good->ops.b + bit / 8 - commit.len
				     : commit.b + bit / 8;

		*at ^= (uint8_t)(1u << bit % 8);
		if (changeset_parse(&cs, commit.b, commit.len, good->ops.b,
			good->ops.len, &err) == 0) {
			if (memcmp(cs.key, f->at[0].sign.pub, 32) == 0 &&
			    changeset_verify(&cs, &err) == 0)
				taken++;
			changeset_free(&cs);
		}
		*at ^= (uint8_t)(1u << bit % 8);
	}
	printf("# %zu bits of the commit and its ops\n", n);
	is_int((long long)taken, 0,
	    "with any bit of the commit or the ops "
	    "turned it does not verify");
	is_int(changeset_parse(
		   &cs, commit.b, commit.len, good->ops.b, good->ops.len, &err),
	    0, "as it was it parses");
	is_int(changeset_verify(&cs, &err), 0, "and verifies");
	changeset_free(&cs);
	buf_free(&commit);
}

/* Its own signature over something else of its own. */
static void
transplants(struct fleet *f)
{
	struct changeset a, b;
	struct pen pen;
	struct err err;

	draft(&a, &f->at[1]);
	pen_sign(&a, &f->at[1].sign);
	draft(&b, &f->at[1]);
	b.time++;
	pen_sign(&b, &f->at[1].sign);
	memcpy(b.sig, a.sig, sizeof(b.sig));
	is_int(offer(f, &b, &err), YZ_EDENIED,
	    "a signature of another changeset does not hold");
	changeset_free(&b);
	/* The same text in another chain of the same station. */
	pen_at(&pen, &f->at[1]);
	pen.chain.stream = STREAM_ROSTER;
	pen_draft(&b, &pen, a.ops.b, a.ops.len);
	b.time = a.time;
	changeset_derive(&b);
	memcpy(b.sig, a.sig, sizeof(b.sig));
	is_int(offer(f, &b, &err), YZ_EDENIED,
	    "nor does one moved to another chain");
	changeset_free(&b);
	pen.chain.stream = STREAM_RESOURCE;
	pen_draft(&b, &pen, a.ops.b, a.ops.len);
	strcpy(b.chain.writer, "529999");
	pen_sign(&b, &f->at[1].sign);
	is_int(offer(f, &b, &err), YZ_EDENIED,
	    "a station that the roster does not list has no key");
	changeset_free(&b);
	changeset_free(&a);
}

int
main(void)
{
	struct changeset good;
	struct fleet f;

	fleet_open(&f, FLEET_MAX, 9, 1);
	matrix(&f);
	draft(&good, &f.at[0]);
	pen_sign(&good, &f.at[0].sign);
	flips_on_the_wire(&f, &good);
	flips_in_the_ledger(&f, &good);
	changeset_free(&good);
	transplants(&f);
	fleet_close(&f);
	return tap_done();
}
