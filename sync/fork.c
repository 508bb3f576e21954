#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fork.h"
#include "home.h"
#include "proof.h"
#include "replica_impl.h"
#include "sign.h"

void
fork_free(struct fork *fork)
{
	changeset_free(&fork->a);
	changeset_free(&fork->b);
}

/* --- what a pair proves ----------------------------------------------------
 */

const struct roster_end *
fork_decided(
    const struct roster *roster, const struct chain_name *chain, int64_t seq)
{
	const struct roster_end *end, *last = NULL;
	size_t i;

	for (i = 0; (end = roster_end(roster, chain, i)) != NULL; i++)
		if (end->seq > seq && (last == NULL || end->seq > last->seq))
			last = end;
	return last;
}

bool
fork_key_counts(const struct roster *roster, const struct changeset *cs)
{
	const struct roster_key *key;
	size_t i;

	for (i = 0; (key = roster_key(roster, &cs->chain, i)) != NULL; i++)
		if (memcmp(key->sign, cs->key, sizeof(cs->key)) == 0)
			return cs->seq <= roster_key_until(key, &cs->chain);
	return false;
}

static bool
proves(const struct replica *r, const struct changeset *a,
    const struct changeset *b)
{
	return fork_key_counts(r->roster, a) && fork_key_counts(r->roster, b) &&
	       fork_decided(r->roster, &a->chain, a->seq - 1) == NULL;
}

static int
check_one(struct changeset *cs, struct err *err)
{
	struct ops ops;
	int rc;

	rc = changeset_check(cs, err);
	if (rc == 0)
		rc = ops_parse(&ops, buf_str(&cs->ops), cs->ops.len, err);
	if (rc != 0)
		return rc;
	ops_free(&ops);
	changeset_derive(cs);
	return changeset_verify(cs, err);
}

int
fork_check(struct changeset *a, struct changeset *b, struct err *err)
{
	int rc;

	rc = check_one(a, err);
	if (rc == 0)
		rc = check_one(b, err);
	if (rc != 0)
		return rc;
	if (!chain_equal(&a->chain, &b->chain) || a->seq != b->seq ||
	    !digest_equal(&a->prev, &b->prev))
		return err_set(err, YZ_ECORRUPT,
		    "two changesets that do not stand at one place prove"
		    " no fork");
	if (memcmp(a->oid, b->oid, sizeof(a->oid)) == 0)
		return err_set(err, YZ_ECORRUPT,
		    "one changeset given twice proves no fork");
	return 0;
}

/* --- stored ----------------------------------------------------------------
 */

static int
load_one(struct changeset *out, struct db_stmt *st, int col, struct err *err)
{
	size_t n, n_ops;
	const void *text = db_blob(st, col, &n);
	const void *ops = db_blob(st, col + 1, &n_ops);

	return changeset_parse(out, text, n, ops, n_ops, err);
}

/* The pair of a chain, whether or not it proves anything now. */
static int
load(
    struct replica *r, struct fork *out, const struct chain *c, struct err *err)
{
	struct db_stmt *st;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = db_query(&st, r->db, err,
	    "SELECT seq, a, a_ops, b, b_ops FROM _fork WHERE chain = ?", "i",
	    c->no);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 0)
		rc = YZ_ENOTFOUND;
	if (rc == 1) {
		out->chain = c->name;
		out->seq = db_int(st, 0);
		rc = load_one(&out->a, st, 1, err);
		if (rc == 0)
			rc = load_one(&out->b, st, 3, err);
		if (rc != 0)
			fork_free(out);
	}
	db_done(st);
	return rc;
}

int
fork_get(struct replica *r, struct fork *out, const struct chain_name *chain,
    struct err *err)
{
	const struct chain *c;
	int rc;

	rc = replica_refresh(r, err);
	if (rc != 0)
		return rc;
	c = replica_chain_find(r, chain);
	if (c == NULL || c->fork == 0)
		return err_set(
		    err, YZ_ENOTFOUND, "no fork of this chain is known");
	return load(r, out, c, err);
}

int
fork_each(struct replica *r, void (*fn)(void *arg, const struct fork *fork),
    void *arg, struct err *err)
{
	struct fork fork;
	size_t i;
	int rc;

	rc = replica_refresh(r, err);
	for (i = 0; rc == 0 && i < r->n_chains; i++) {
		if (r->chains[i].fork == 0)
			continue;
		rc = load(r, &fork, &r->chains[i], err);
		if (rc == 0) {
			fn(arg, &fork);
			fork_free(&fork);
		}
	}
	return rc;
}

int64_t
fork_seq(struct replica *r, const struct chain_name *chain)
{
	const struct chain *c = replica_chain_find(r, chain);

	return c == NULL ? 0 : c->fork;
}

static int
store(struct replica *r, struct chain *c, struct changeset *a,
    struct changeset *b, struct err *err)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	int rc;

	changeset_commit(&x, a);
	changeset_commit(&y, b);
	rc = db_run(r->db, err,
	    "INSERT OR REPLACE INTO _fork(chain, seq, active, sealed, a, a_ops,"
	    " b, b_ops) VALUES (?, ?, 1, 0, ?, ?, ?, ?)",
	    "iibbbb", c->no, a->seq, x.b, x.len, buf_str(&a->ops), a->ops.len,
	    y.b, y.len, buf_str(&b->ops), b->ops.len);
	buf_free(&x);
	buf_free(&y);
	if (rc == 0)
		c->fork = a->seq;
	return rc;
}

int
fork_judge(struct replica *r, struct chain *c, struct err *err)
{
	struct fork fork;
	bool active;
	int rc;

	c->fork = 0;
	rc = load(r, &fork, c, err);
	if (rc != 0)
		return rc == YZ_ENOTFOUND ? 0 : rc;
	active = proves(r, &fork.a, &fork.b);
	if (active)
		c->fork = fork.seq;
	fork_free(&fork);
	return db_run(r->db, err, "UPDATE _fork SET active = ? WHERE chain = ?",
	    "ii", (int64_t)active, c->no);
}

/* --- taken in --------------------------------------------------------------
 */

/* The roster lists an end beyond the pair: does what is held lead there? */
static int
leads_to(struct replica *r, const struct chain *c, const struct roster_end *end,
    struct err *err)
{
	return replica_is_at(r, c, end->seq, end->id.b, sizeof(end->id.b), err);
}

static int
take(struct replica *r, struct changeset *a, struct changeset *b, bool *news,
    struct err *err)
{
	const struct roster_end *end =
	    fork_decided(r->roster, &a->chain, a->seq - 1);
	struct chain *c = replica_chain_find(r, &a->chain);
	int rc;

	if (!chain_reaches(r->roster, &a->chain, r->home->code))
		return err_set(err, YZ_EDENIED,
		    "station %s may not hold this chain", r->home->code);
	if (!fork_key_counts(r->roster, a) || !fork_key_counts(r->roster, b))
		return err_set(err, YZ_EDENIED,
		    "the pair is not signed by keys of %s that count there",
		    a->chain.writer);
	if (end != NULL) {
		if (c == NULL || c->head < a->seq)
			return 0;
		rc = leads_to(r, c, end, err);
		if (rc != 0)
			return rc < 0 ? rc : 0;
		*news = true;
		return replica_truncate(r, &a->chain, a->seq - 1, err);
	}
	if (c != NULL && c->fork != 0 && c->fork <= a->seq)
		return 0;
	rc = replica_chain(r, &c, &a->chain, err);
	if (rc == 0)
		rc = memcmp(a->oid, b->oid, sizeof(a->oid)) < 0
			 ? store(r, c, a, b, err)
			 : store(r, c, b, a, err);
	*news = rc == 0;
	return rc == 0 ? replica_truncate(r, &a->chain, a->seq - 1, err) : rc;
}

int
fork_take(struct replica *r, struct changeset *a, struct changeset *b,
    bool *news, struct err *err)
{
	bool own = !db_in_transaction(r->db);
	char name[CHAIN_NAME_MAX];
	int rc;

	*news = false;
	rc = fork_check(a, b, err);
	if (rc != 0)
		return rc;
	rc = own ? replica_begin(r, err) : 0;
	if (rc != 0)
		return rc;
	rc = take(r, a, b, news, err);
	if (rc != 0) {
		chain_format(name, &a->chain);
		err_within(err, "%s seq %lld", name, (long long)a->seq);
	}
	if (!own)
		return rc;
	if (rc == 0)
		return replica_commit(r, err);
	replica_rollback(r);
	return rc;
}

int64_t
replica_stop(struct replica *r, const struct chain_name *chain)
{
	const struct roster_key *key;
	int64_t stop = 0, fork, until;
	size_t i;

	for (i = 0; (key = roster_key(r->roster, chain, i)) != NULL; i++) {
		until = roster_key_until(key, chain);
		if (until > stop)
			stop = until;
	}
	if (i == 0) /* nobody knows the writer: nothing ends it */
		stop = INT64_MAX;
	fork = fork_seq(r, chain);
	return fork != 0 && fork - 1 < stop ? fork - 1 : stop;
}

int
fork_end(struct replica *r, struct roster_end *out, const struct chain *c,
    struct err *err)
{
	const struct roster_end *end;
	struct fork fork;
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	out->chain = c->name;
	out->seq = replica_stop(r, &c->name);
	if (out->seq == INT64_MAX || (c->head == 0 && c->fork == 0))
		return 0;
	if (c->fork == out->seq + 1) {
		rc = load(r, &fork, c, err);
		if (rc != 0)
			return rc;
		out->id = fork.a.prev;
		fork_free(&fork);
		return 1;
	}
	for (i = 0; (end = roster_end(r->roster, &c->name, i)) != NULL; i++)
		if (end->seq == out->seq)
			out->id = end->id;
	return 1;
}

/* --- in the ledger ----------------------------------------------------------
 */

static void
tree_entry(struct buf *tree, const char *name, const uint8_t oid[20])
{
	buf_printf(tree, "100644 %s", name);
	buf_putc(tree, '\0');
	buf_put(tree, oid, 20);
}

/*
 * A pair is a commit without parent, refs/forks/WRITER-INC/OWNER/pair, that
 * has both changesets as files: what comes before them need not be held.  No
 * clock in it: one pair is the same commit everywhere.
 */
static int
seal_pair(struct replica *r, const struct fork *f, struct err *err)
{
	enum stream stream = f->chain.stream;
	struct buf part[PROOF_PARTS] = {BUF_INIT};
	struct buf bytes = BUF_INIT;
	char ref[TRUNCATE_REF_MAX], hex[41], name[CHAIN_NAME_MAX];
	uint8_t oid[20];
	size_t i;
	int rc = 0;

	proof_parts(part, f);
	for (i = 0; rc == 0 && i < PROOF_PARTS; i++) {
		rc = ledger_put(r->ledger, stream, "blob", buf_str(&part[i]),
		    part[i].len, oid, err);
		tree_entry(&bytes, proof_part_names[i], oid);
		buf_free(&part[i]);
	}
	if (rc == 0)
		rc = ledger_put(
		    r->ledger, stream, "tree", bytes.b, bytes.len, oid, err);
	buf_clear(&bytes);
	digest_hex(hex, oid, sizeof(oid));
	chain_format(name, &f->chain);
	buf_printf(&bytes,
	    "tree %s\n"
	    "author %s <%s@yizhan.invalid> 0 +0000\n"
	    "committer %s <%s@yizhan.invalid> 0 +0000\n\n"
	    "Fork of %s at seq %lld\n",
	    hex, f->chain.writer, f->chain.writer, f->chain.writer,
	    f->chain.writer, name, (long long)f->seq);
	if (rc == 0)
		rc = ledger_put(
		    r->ledger, stream, "commit", bytes.b, bytes.len, oid, err);
	truncate_ref(ref, &f->chain, "pair");
	if (rc == 0)
		rc = ledger_ref(r->ledger, stream, ref, oid, err);
	if (rc == 0)
		rc = ledger_flush(r->ledger, err);
	for (; i < PROOF_PARTS; i++)
		buf_free(&part[i]);
	buf_free(&bytes);
	return rc;
}

int
fork_seal(struct replica *r, struct err *err)
{
	struct fork f;
	int64_t no;
	int rc;

	rc = replica_refresh(r, err);
	while (rc == 0) {
		const struct chain *c;

		rc = db_get_int(&no, r->db, err,
		    "SELECT chain FROM _fork WHERE NOT sealed LIMIT 1", "");
		if (rc == YZ_ENOTFOUND)
			return 0;
		c = rc == 0 ? replica_chain_no(r, no) : NULL;
		if (c == NULL)
			return rc;
		rc = load(r, &f, c, err);
		if (rc != 0)
			return rc;
		rc = seal_pair(r, &f, err);
		/* Unless a lower pair came meanwhile. */
		if (rc == 0)
			rc = db_run(r->db, err,
			    "UPDATE _fork SET sealed = 1 WHERE chain = ? AND"
			    " seq = ?",
			    "ii", no, f.seq);
		fork_free(&f);
	}
	return rc;
}

int
fork_unseal(struct replica *r, enum stream stream, const uint8_t oid[20],
    struct err *err)
{
	struct buf part[PROOF_PARTS] = {BUF_INIT};
	struct fork f;
	bool news;
	size_t i;
	int rc = 0;

	memset(&f, 0, sizeof(f));
	for (i = 0; rc == 0 && i < PROOF_PARTS; i++)
		rc = rebuild_file(
		    r->ledger, stream, oid, proof_part_names[i], &part[i], err);
	if (rc == 0)
		rc = proof_parse(&f, part, err);
	if (rc == 0)
		rc = fork_take(r, &f.a, &f.b, &news, err);
	/* By the roster of today it proves nothing. */
	if (rc == YZ_EDENIED)
		rc = 0;
	for (i = 0; i < PROOF_PARTS; i++)
		buf_free(&part[i]);
	fork_free(&f);
	return rc;
}

static bool
is_sealed(struct replica *r, const struct chain *c)
{
	struct err ignored;
	int64_t sealed;

	return db_get_int(&sealed, r->db, &ignored,
		   "SELECT sealed FROM _fork WHERE chain = ?", "i",
		   c->no) == 0 &&
	       sealed != 0;
}

void
fork_verify(
    struct replica *r, void (*fn)(void *arg, const char *fault), void *arg)
{
	char name[CHAIN_NAME_MAX], line[400], ref[TRUNCATE_REF_MAX];
	uint8_t oid[20];
	struct fork f;
	size_t i;
	int rc;

	for (i = 0; i < r->n_chains; i++) {
		const struct chain *c = &r->chains[i];
		struct err fault;

		rc = load(r, &f, c, &fault);
		if (rc == YZ_ENOTFOUND)
			continue;
		if (rc == 0 &&
		    (!chain_equal(&f.a.chain, &c->name) || f.a.seq != f.seq))
			rc = err_set(
			    &fault, YZ_ECORRUPT, "it is of another place");
		if (rc == 0)
			rc = fork_check(&f.a, &f.b, &fault);
		if (rc == 0 && is_sealed(r, c)) {
			truncate_ref(ref, &c->name, "pair");
			rc = ledger_ref_get(
			    r->ledger, c->name.stream, ref, oid, &fault);
		}
		fork_free(&f);
		if (rc == 0)
			continue;
		chain_format(name, &c->name);
		snprintf(line, sizeof(line),
		    N_("%s: the pair that proves a fork: %s"), name, fault.msg);
		fn(arg, line);
	}
}
