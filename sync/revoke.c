#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "issue.h"
#include "replica.h"
#include "revoke.h"

int
revoke_places(struct replica *r, const char *code, struct roster_end **out,
    size_t *n, struct err *err)
{
	struct replica_head *heads = NULL;
	size_t all = 0, i;
	int rc;

	*n = 0;
	*out = NULL;
	rc = replica_heads(r, &heads, &all, err);
	if (rc != 0)
		return rc;
	*out = mem_calloc(all + 1, sizeof(**out));
	for (i = 0; i < all; i++) {
		if (strcmp(heads[i].chain.writer, code) != 0)
			continue;
		(*out)[*n].chain = heads[i].chain;
		(*out)[*n].seq = heads[i].seq;
		(*out)[(*n)++].id = heads[i].id;
	}
	free(heads);
	return 0;
}

int
revoke_sub_roster(
    struct replica *r, const char *code, struct digest *out, struct err *err)
{
	struct roster_doc doc = {.version = 0};
	int rc;

	memset(out, 0, sizeof(*out));
	rc = replica_roster_doc(r, &doc, code, 0, err);
	if (rc == 0)
		*out = doc.hash;
	roster_doc_free(&doc);
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

/* Put the end of one chain where a person says. */
static int
lower_one(struct replica *r, struct roster_end *ends, size_t *n,
    const struct revoke_lower *lower, struct err *err)
{
	struct changeset cs = CHANGESET_INIT;
	char name[CHAIN_NAME_MAX];
	size_t i;
	int rc;

	chain_format(name, &lower->chain);
	for (i = 0; i < *n; i++)
		if (chain_equal(&ends[i].chain, &lower->chain))
			break;
	if (i == *n || lower->seq > ends[i].seq)
		return err_set(err, YZ_EINVAL, "%s is not held up to %lld",
		    name, (long long)lower->seq);
	if (lower->seq == 0) {
		memmove(&ends[i], &ends[i + 1], (--*n - i) * sizeof(*ends));
		return 0;
	}
	rc = replica_read(r, &cs, &lower->chain, lower->seq, err);
	if (rc == 0) {
		ends[i].seq = lower->seq;
		ends[i].id = cs.id;
	}
	changeset_free(&cs);
	return rc;
}

static int
end_current(struct issue *issue, const char *code,
    const struct roster_end *ends, size_t n, struct err *err)
{
	const struct roster_station *st =
	    roster_change_station(issue->change, code);
	const struct roster_key *key = &st->keys[st->n_keys - 1];
	struct digest roster;
	uint8_t sign[32];
	int rc;

	if (key->ended)
		return err_set(
		    err, YZ_ECONFLICT, "the key of %s has ended already", code);
	memcpy(sign, key->sign, sizeof(sign));
	rc = revoke_sub_roster(issue->r, code, &roster, err);
	return rc != 0 ? rc
		       : roster_change_end_key(
			     issue->change, code, sign, ends, n, &roster, err);
}

int
revoke_station(struct replica *r, const char *code,
    const struct revoke_lower *lower, size_t n, bool *adopted, struct err *err)
{
	struct roster_end *ends = NULL;
	struct issue issue;
	size_t n_ends = 0, i;
	int rc;

	*adopted = false;
	rc = issue_begin(&issue, r, code, err);
	if (rc != 0)
		return rc;
	rc = revoke_places(r, code, &ends, &n_ends, err);
	for (i = 0; rc == 0 && i < n; i++)
		rc = lower_one(r, ends, &n_ends, &lower[i], err);
	if (rc == 0)
		rc = end_current(&issue, code, ends, n_ends, err);
	if (rc == 0)
		rc = issue_finish(&issue, adopted, err);
	issue_end(&issue);
	free(ends);
	return rc;
}
