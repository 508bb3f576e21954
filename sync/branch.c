#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "branch.h"
#include "fork.h"
#include "replica_impl.h"

void
branch_free(struct branch *branch)
{
	free(branch->oid);
	memset(branch, 0, sizeof(*branch));
}

bool
branch_parent(uint8_t out[20], struct buf *commit)
{
	const char *s = strstr(buf_str(commit), "\nparent ");
	const char *body = strstr(buf_str(commit), "\n\n");

	return s != NULL && (body == NULL || s < body) && strlen(s) >= 48 &&
	       digest_unhex(out, 20, s + 8, 40);
}

static int
read_changeset(struct changeset *out, struct replica *r, enum stream stream,
    const uint8_t oid[20], struct err *err)
{
	struct buf text = BUF_INIT, ops = BUF_INIT;
	int rc;

	rc = ledger_read_commit(r->ledger, stream, oid, &text, &ops, err);
	if (rc == 0)
		rc =
		    changeset_parse(out, text.b, text.len, ops.b, ops.len, err);
	buf_free(&text);
	buf_free(&ops);
	return rc;
}

/* Is it this commit that is held there? */
static int
is_held(struct replica *r, const struct chain *c, int64_t seq,
    const uint8_t oid[20], struct err *err)
{
	int64_t one;
	int rc;

	if (c == NULL || seq > c->head)
		return 0;
	rc = db_get_int(&one, r->db, err,
	    "SELECT 1 FROM _changeset WHERE chain = ? AND seq = ? AND oid = ?",
	    "iib", c->no, seq, oid, (size_t)20);
	return rc == YZ_ENOTFOUND ? 0 : rc != 0 ? rc : 1;
}

int
branch_read(struct branch *out, struct replica *r, enum stream stream,
    const uint8_t tip[20], struct err *err)
{
	struct buf commit = BUF_INIT;
	const struct chain *c;
	struct changeset cs;
	uint8_t oid[20];
	int rc;

	memset(out, 0, sizeof(*out));
	rc = read_changeset(&cs, r, stream, tip, err);
	if (rc != 0)
		return rc;
	out->chain = cs.chain;
	out->tip = cs.seq;
	changeset_free(&cs);
	c = replica_chain_find(r, &out->chain);
	memcpy(oid, tip, sizeof(oid));
	do {
		rc = is_held(r, c, out->tip - (int64_t)out->n, oid, err);
		if (rc != 0)
			break;
		if (out->n == out->cap) {
			out->cap = out->cap == 0 ? 256 : 2 * out->cap;
			out->oid =
			    mem_realloc(out->oid, out->cap * sizeof(*out->oid));
		}
		memcpy(out->oid[out->n++], oid, sizeof(oid));
		buf_clear(&commit);
		rc =
		    ledger_read(r->ledger, stream, oid, "commit", &commit, err);
	} while (rc == 0 && (int64_t)out->n < out->tip &&
		 branch_parent(oid, &commit));
	buf_free(&commit);
	if (rc < 0)
		branch_free(out);
	return rc < 0 ? rc : 0;
}

int
branch_get(struct changeset *out, struct replica *r,
    const struct branch *branch, int64_t seq, struct err *err)
{
	if (seq > branch->tip || branch->tip - seq >= (int64_t)branch->n)
		return err_set(err, YZ_ENOTFOUND, "not in this branch");
	return read_changeset(
	    out, r, branch->chain.stream, branch->oid[branch->tip - seq], err);
}

int
branch_take(struct replica *r, const struct branch *branch,
    void (*step)(void *), void *arg, struct err *err)
{
	enum receive_result result;
	struct changeset cs;
	size_t n;
	int rc = 0;

	for (n = branch->n; rc == 0 && n > 0; n--) {
		rc = read_changeset(
		    &cs, r, branch->chain.stream, branch->oid[n - 1], err);
		if (rc != 0)
			break;
		rc = receive_changeset(r, &cs, &result, err);
		changeset_free(&cs);
		if (step != NULL)
			step(arg);
	}
	return rc;
}

/* --- taking in again --------------------------------------------------------
 */

struct retake {
	struct replica *r;
	const struct chain_name *chain;
	const struct roster_end *end;
	bool done;
};

static int
try_branch(void *arg, const char *name, const uint8_t tip[20], struct err *err)
{
	struct retake *t = arg;
	struct branch b;
	struct changeset cs;
	bool leads = false;
	int rc;

	if (t->done || strcmp(strrchr(name, '/'), "/pair") == 0)
		return 0;
	rc = branch_read(&b, t->r, t->chain->stream, tip, err);
	if (rc != 0)
		return rc;
	rc = branch_get(&cs, t->r, &b, t->end->seq, err);
	if (rc == 0) {
		leads = digest_equal(&cs.id, &t->end->id) &&
			chain_equal(&cs.chain, t->chain);
		changeset_free(&cs);
	}
	if (leads) {
		rc =
		    replica_truncate(t->r, t->chain, b.tip - (int64_t)b.n, err);
		if (rc == 0)
			rc = branch_take(t->r, &b, NULL, NULL, err);
		/* What stands beyond the end does not count. */
		if (rc == YZ_EDENIED)
			rc = 0;
		t->done = true;
	}
	branch_free(&b);
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

int
branch_retake(
    struct replica *r, const struct chain_name *chain, struct err *err)
{
	struct retake t = {.r = r, .chain = chain};
	char ref[TRUNCATE_REF_MAX];
	const struct chain *c;
	size_t i;
	int rc = 0;

	truncate_ref(ref, chain, "");
	for (i = 0;
	     rc == 0 && (t.end = roster_end(r->roster, chain, i)) != NULL;
	     i++) {
		c = replica_chain_find(r, chain);
		rc = c == NULL ? 0
			       : replica_is_at(r, c, t.end->seq, t.end->id.b,
				     sizeof(t.end->id.b), err);
		if (rc != 0) {
			rc = rc < 0 ? rc : 0;
			continue;
		}
		t.done = false;
		rc = ledger_refs(
		    r->ledger, chain->stream, ref, try_branch, &t, err);
	}
	return rc;
}

struct regrow {
	struct replica *r;
	const struct chain_name *chain;
};

static int
regrow_branch(
    void *arg, const char *name, const uint8_t tip[20], struct err *err)
{
	struct regrow *g = arg;
	const struct chain *c = replica_chain_find(g->r, g->chain);
	struct branch b;
	int rc;

	if (c == NULL || strcmp(strrchr(name, '/'), "/pair") == 0)
		return 0;
	rc = branch_read(&b, g->r, g->chain->stream, tip, err);
	if (rc != 0)
		return rc;
	if (chain_equal(&b.chain, g->chain) && b.n > 0 &&
	    b.tip - (int64_t)b.n == c->head)
		rc = branch_take(g->r, &b, NULL, NULL, err);
	branch_free(&b);
	/* As far as it counts; or it does not follow. */
	return rc == YZ_EDENIED || rc == YZ_ECORRUPT ? 0 : rc;
}

int
branch_regrow(
    struct replica *r, const struct chain_name *chain, struct err *err)
{
	struct regrow g = {.r = r, .chain = chain};
	char ref[TRUNCATE_REF_MAX];

	truncate_ref(ref, chain, "");
	return ledger_refs(
	    r->ledger, chain->stream, ref, regrow_branch, &g, err);
}
