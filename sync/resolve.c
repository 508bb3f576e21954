#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "branch.h"
#include "fork.h"
#include "home.h"
#include "limit.h"
#include "replica_impl.h"
#include "resolve.h"
#include "roster_change.h"

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

/* The key that signs the document which lists the writer. */
static int
signer(struct sign_key *out, struct replica *r,
    const struct roster_station *writer, struct err *err)
{
	const struct home *home = replica_home(r);
	bool root = strcmp(writer->scope, "root") == 0;

	if (strcmp(root ? roster_root(r->roster) : writer->scope, home->code) !=
	    0)
		return err_set(err, YZ_EDENIED,
		    "%s is listed by %s: resolve this at that station",
		    writer->code,
		    root ? roster_root(r->roster) : writer->scope);
	if (!root) {
		*out = home->sign;
		return 0;
	}
	if (roster_threshold(r->roster) > 1)
		return err_set(err, YZ_EDENIED,
		    "%s is listed by the root part, which %lld root keys must"
		    " sign",
		    writer->code, (long long)roster_threshold(r->roster));
	return home_root_key(out, home, err);
}

/* A copy of the key's ends, with this one in its place. */
static void
insert_end(struct roster_key *key, const struct roster_end *end)
{
	struct roster_end *ends = mem_calloc(key->n_ends + 1, sizeof(*ends));
	char a[CHAIN_NAME_MAX], b[CHAIN_NAME_MAX];
	size_t i, n = 0;

	chain_format(a, &end->chain);
	for (i = 0; i < key->n_ends; i++) {
		chain_format(b, &key->ends[i].chain);
		if (strcmp(b, a) >= 0)
			break;
		ends[n++] = key->ends[i];
	}
	ends[n++] = *end;
	if (i < key->n_ends && strcmp(a, b) == 0)
		i++;
	for (; i < key->n_ends; i++)
		ends[n++] = key->ends[i];
	key->ends = ends;
	key->n_ends = n;
}

static int
list_end(struct replica *r, const struct roster_end *end, const uint8_t pub[32],
    struct err *err)
{
	struct roster_doc cur = {.version = 0}, next = {.version = 0};
	struct roster_key keys[LIMIT_ROSTER_KEYS];
	struct roster_station st;
	struct sign_key key;
	size_t i, at;
	int rc;

	st = *roster_find(r->roster, end->chain.writer);
	for (i = at = 0; i < st.n_keys; i++) {
		keys[i] = st.keys[i];
		if (memcmp(keys[i].sign, pub, 32) == 0)
			at = i;
	}
	st.keys = keys;
	rc = signer(&key, r, &st, err);
	if (rc != 0)
		return rc;
	rc = replica_roster_doc(r, &cur, st.scope, 0, err);
	if (rc != 0)
		return rc;
	insert_end(&keys[at], end);
	rc = roster_enrol(&next, r->roster, &cur, st.scope, &st, &key, err);
	free(keys[at].ends);
	if (rc == 0)
		rc = replica_adopt(r, &next, err);
	roster_doc_free(&cur);
	roster_doc_free(&next);
	return rc;
}

int
resolve_fork(struct replica *r, const struct chain_name *chain, const char *hex,
    struct roster_end *end, struct err *err)
{
	struct search s = {.r = r, .chain = chain, .hex = hex, .end = end};
	int rc;

	/* What was cut off is looked for in the ledger. */
	rc = replica_seal(r, err);
	if (rc == 0)
		rc = replica_refresh(r, err);
	if (rc == 0 && roster_find(r->roster, chain->writer) == NULL)
		rc = err_set(err, YZ_ENOTFOUND, "%s is not in the roster",
		    chain->writer);
	if (rc == 0)
		rc = search(&s, err);
	return rc == 0 ? list_end(r, end, s.key, err) : rc;
}
