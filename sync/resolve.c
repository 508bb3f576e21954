#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "branch.h"
#include "fork.h"
#include "issue.h"
#include "replica_impl.h"
#include "resolve.h"

struct search {
	struct replica *r;
	const struct chain_name *chain;
	const char *hex;
	struct roster_end *end;
	uint8_t key[32]; /* that signed it */
	int found;       /* different ones */
};

static void
compare(struct search *s, const struct changeset *cs)
{
	char hex[DIGEST_HEX_LEN + 1];

	digest_hex(hex, cs->id.b, sizeof(cs->id.b));
	if (strncmp(hex, s->hex, strlen(s->hex)) != 0 ||
	    (s->found > 0 && digest_equal(&cs->id, &s->end->id)))
		return;
	s->found++;
	s->end->chain = *s->chain;
	s->end->seq = cs->seq;
	s->end->id = cs->id;
	memcpy(s->key, cs->key, sizeof(s->key));
}

/* What is held, and the pair. */
static int
search_held(struct search *s, struct err *err)
{
	struct chain_name name;
	struct changeset cs;
	struct fork fork;
	int64_t seq;
	int rc;

	rc = replica_find(s->r, &name, &seq, s->hex, err);
	if (rc == 0 && chain_equal(&name, s->chain)) {
		rc = replica_read(s->r, &cs, &name, seq, err);
		if (rc != 0)
			return rc;
		compare(s, &cs);
		changeset_free(&cs);
	}
	if (rc != 0 && rc != YZ_ENOTFOUND)
		return rc;
	rc = fork_get(s->r, &fork, s->chain, err);
	if (rc == 0) {
		compare(s, &fork.a);
		compare(s, &fork.b);
		fork_free(&fork);
	}
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

/* A branch that was cut off. */
static int
search_branch(
    void *arg, const char *name, const uint8_t tip[20], struct err *err)
{
	struct search *s = arg;
	struct changeset cs;
	struct branch b;
	int64_t seq;
	int rc;

	if (strcmp(strrchr(name, '/'), "/pair") == 0)
		return 0;
	rc = branch_read(&b, s->r, s->chain->stream, tip, err);
	for (seq = b.tip; rc == 0 && seq > b.tip - (int64_t)b.n; seq--) {
		rc = branch_get(&cs, s->r, &b, seq, err);
		if (rc != 0)
			break;
		compare(s, &cs);
		changeset_free(&cs);
	}
	branch_free(&b);
	return rc;
}

static int
search(struct search *s, struct err *err)
{
	char ref[TRUNCATE_REF_MAX];
	int rc;

	rc = search_held(s, err);
	truncate_ref(ref, s->chain, "");
	if (rc == 0)
		rc = ledger_refs(
		    s->r->ledger, s->chain->stream, ref, search_branch, s, err);
	if (rc == 0 && s->found != 1)
		rc = s->found == 0
			 ? err_set(err, YZ_ENOTFOUND,
			       "no changeset %s of this chain is known here: "
			       "sync with a station that holds the branch",
			       s->hex)
			 : err_set(err, YZ_ECONFLICT,
			       "%s is the beginning of several", s->hex);
	return rc;
}

/* In the next version of the document that lists the writer. */
static int
list_end(struct replica *r, const struct roster_end *end, const uint8_t pub[32],
    bool *adopted, struct err *err)
{
	struct issue issue;
	int rc;

	rc = issue_begin(&issue, r, end->chain.writer, err);
	if (rc != 0)
		return rc;
	rc = roster_change_add_end(
	    issue.change, end->chain.writer, pub, end, err);
	if (rc == 0)
		rc = issue_finish(&issue, adopted, err);
	issue_end(&issue);
	return rc;
}

int
resolve_fork(struct replica *r, const struct chain_name *chain, const char *hex,
    struct roster_end *end, bool *adopted, struct err *err)
{
	struct search s = {.r = r, .chain = chain, .hex = hex, .end = end};
	int rc;

	*adopted = false;
	/* What was cut off is looked for in the ledger. */
	rc = replica_seal(r, err);
	if (rc == 0)
		rc = replica_refresh(r, err);
	if (rc == 0 && roster_find(r->roster, chain->writer) == NULL)
		rc = err_set(err, YZ_ENOTFOUND, "%s is not in the roster",
		    chain->writer);
	if (rc == 0)
		rc = search(&s, err);
	return rc == 0 ? list_end(r, end, s.key, adopted, err) : rc;
}
