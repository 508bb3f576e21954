#include "config.h"

#include <stdio.h>
#include <string.h>

#include "replica_impl.h"
#include "roster.h"

struct verifying {
	struct replica *r;
	enum stream stream;
	int64_t *checked;
	void (*fault)(void *arg, const char *fault);
	int (*lost)(void *arg, const struct chain *c, int64_t seq,
	    const char *why, struct err *err); /* or NULL */
	void *arg;
};

static void
tell(struct verifying *v, const struct chain *c, int64_t seq, const char *what)
{
	char name[CHAIN_NAME_MAX], line[400];

	chain_format(name, &c->name);
	snprintf(line, sizeof(line), N_("%s seq %lld: %s"), name,
	    (long long)seq, what);
	v->fault(v->arg, line);
}

bool
replica_signed(const struct replica *r, const struct changeset *cs)
{
	const struct roster_key *key;
	struct err ignored;
	size_t i;

	for (i = 0; (key = roster_key(r->roster, &cs->chain, i)) != NULL; i++)
		if (memcmp(key->sign, cs->key, sizeof(cs->key)) == 0)
			return changeset_verify(cs, &ignored) == 0;
	return false;
}

/* What the replica says stands at a place. */
static int
row_matches(struct verifying *v, const struct chain *c,
    const struct changeset *cs, bool *same, struct err *err)
{
	struct db_stmt *st;
	const void *p;
	size_t n;
	int rc;

	*same = false;
	rc = db_query(&st, v->r->db, err,
	    "SELECT id FROM _changeset WHERE chain = ? AND seq = ?", "ii",
	    c->no, cs->seq);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		p = db_blob(st, 0, &n);
		*same = p != NULL && n == 32 && memcmp(p, cs->id.b, 32) == 0;
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

/* A chain from its first changeset on.  One that cannot be read ends it, or
 * is told to who wants to know, and leaves one unchecked Prev. */
static int
verify_chain(struct verifying *v, const struct chain *c, struct err *err)
{
	struct digest prev = {{0}};
	uint8_t parent[20] = {0};
	struct changeset cs;
	struct err fault;
	bool same = true, known = true;
	int64_t seq;
	int rc = 0;

	for (seq = 1; seq <= c->head; seq++) {
		if (replica_load(v->r, &cs, c, seq, &fault) != 0) {
			if (v->lost == NULL) {
				v->fault(v->arg, fault.msg);
				return 0;
			}
			rc = v->lost(v->arg, c, seq, fault.msg, err);
			if (rc != 0)
				return rc;
			known = false;
			continue;
		}
		(*v->checked)++;
		rc = row_matches(v, c, &cs, &same, err);
		if (known && rc == 0 && seq > 1 &&
		    !digest_equal(&prev, &cs.prev))
			tell(v, c, seq, N_("Prev is not the changeset before"));
		if (known && rc == 0 && memcmp(parent, cs.parent_oid, 20) != 0)
			tell(v, c, seq, N_("its parent is another commit"));
		if (rc == 0 && !replica_signed(v->r, &cs))
			tell(v, c, seq, N_("the signature does not hold"));
		if (rc == 0 && !same)
			tell(v, c, seq,
			    N_("the replica has another id: rebuild"));
		known = true;
		prev = cs.id;
		memcpy(parent, cs.oid, sizeof(parent));
		changeset_free(&cs);
		if (rc != 0)
			return rc;
	}
	if (known && !digest_equal(&prev, &c->id))
		tell(v, c, c->head, N_("is not the head the replica names"));
	return 0;
}

/* Every ref stands where the replica says. */
static int
verify_ref(struct verifying *v, const struct chain *c, struct err *err)
{
	char ref[REPLICA_REF_MAX];
	uint8_t oid[20];
	int64_t unsealed;
	int rc;

	rc = db_get_int(&unsealed, v->r->db, err,
	    "SELECT count(*) FROM _unsealed WHERE chain = ?", "i", c->no);
	if (rc != 0 || unsealed > 0)
		return rc;
	replica_chain_ref(ref, &c->name);
	rc = ledger_ref_get(v->r->ledger, c->name.stream, ref, oid, err);
	if (rc != 0 || memcmp(oid, c->oid, sizeof(oid)) != 0)
		tell(v, c, c->head, N_("the ledger's ref stands elsewhere"));
	return 0;
}

static int
verify_blobs(struct verifying *v, struct err *err)
{
	struct buf bytes = BUF_INIT;
	struct db_stmt *st;
	struct err fault;
	int rc;

	rc = db_query(&st, v->r->db, err,
	    "SELECT DISTINCT hash FROM _blob ORDER BY hash", "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		buf_clear(&bytes);
		if (blob_get(v->r, &bytes, db_text(st, 0), &fault) ==
		    YZ_ECORRUPT)
			v->fault(v->arg, fault.msg);
	}
	db_done(st);
	buf_free(&bytes);
	return rc;
}

static int
verify(struct verifying *v, struct err *err)
{
	struct replica *r = v->r;
	size_t i;
	int rc;

	*v->checked = 0;
	rc = replica_refresh(r, err);
	for (i = 0; rc == 0 && i < r->n_chains; i++) {
		if (r->chains[i].head == 0)
			continue;
		rc = verify_chain(v, &r->chains[i], err);
		if (rc == 0)
			rc = verify_ref(v, &r->chains[i], err);
	}
	if (rc == 0)
		fork_verify(r, v->fault, v->arg);
	return rc == 0 ? roster_verify(r, v->fault, v->arg, err) : rc;
}

int
replica_verify(struct replica *r, bool deep, int64_t *checked,
    void (*fn)(void *arg, const char *fault), void *arg, struct err *err)
{
	struct verifying v = {.r = r, .fault = fn, .arg = arg};
	int rc;

	v.checked = checked;
	rc = verify(&v, err);
	return rc == 0 && deep ? verify_blobs(&v, err) : rc;
}

int
verify_all(struct replica *r, int64_t *checked,
    void (*fault)(void *arg, const char *fault),
    int (*lost)(void *arg, const struct chain *c, int64_t seq, const char *why,
	struct err *err),
    void *arg, struct err *err)
{
	struct verifying v = {.r = r, .fault = fault, .lost = lost, .arg = arg};

	v.checked = checked;
	return verify(&v, err);
}
