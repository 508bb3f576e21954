#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "chain.h"
#include "limit.h"
#include "roster_doc.h"
#include "roster_rule.h"
#include "rotation.h"
#include "sign.h"

static const struct digest zero;

/* --- rules within a document ------------------------------------------ */

static int
compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

static int
check_keys(const struct roster_part *part, struct err *err)
{
	size_t max = part->n_root_keys + part->n_auditors, n = 0, i, j;
	uint8_t(*all)[32];
	int rc = 0;

	for (i = 0; i < part->n_stations; i++)
		max += 2 * part->stations[i].n_keys;
	all = mem_calloc(max + 1, sizeof(*all));
	for (i = 0; i < part->n_root_keys; i++)
		memcpy(all[n++], part->root_keys[i], 32);
	for (i = 0; i < part->n_auditors; i++)
		memcpy(all[n++], part->auditors[i].ssh, 32);
	for (i = 0; i < part->n_stations; i++) {
		const struct roster_station *st = &part->stations[i];

		for (j = 0; j < st->n_keys; j++) {
			memcpy(all[n++], st->keys[j].sign, 32);
			memcpy(all[n++], st->keys[j].ssh, 32);
		}
	}
	qsort(all, n, sizeof(*all), compare_keys);
	for (i = 1; i < n && rc == 0; i++)
		if (memcmp(all[i - 1], all[i], 32) == 0)
			rc = err_set(
			    err, YZ_ECORRUPT, "roster: a key is listed twice");
	free(all);
	return rc;
}

static int
compare_station(const void *code, const void *station)
{
	return strcmp(code, ((const struct roster_station *)station)->code);
}

/* One tree under the root, at most LIMIT_TREE levels; a ring has more. */
static int
check_tree(const struct roster_part *part, struct err *err)
{
	size_t i;
	int level;

	for (i = 0; i < part->n_stations; i++) {
		const struct roster_station *st = &part->stations[i];

		for (level = 1; st->parent[0] != '\0'; level++) {
			const char *parent = st->parent;

			st = bsearch(parent, part->stations, part->n_stations,
			    sizeof(*part->stations), compare_station);
			if (st == NULL)
				return err_set(err, YZ_ECORRUPT,
				    "roster: parent %s is not listed", parent);
			if (level >= LIMIT_TREE)
				return err_set(err, YZ_ECORRUPT,
				    "roster: over %d levels", LIMIT_TREE);
		}
		if (strcmp(st->code, part->root) != 0)
			return err_set(err, YZ_ECORRUPT,
			    "roster: %s has no parent", st->code);
	}
	if (bsearch(part->root, part->stations, part->n_stations,
		sizeof(*part->stations), compare_station) == NULL)
		return err_set(
		    err, YZ_ECORRUPT, "roster: the root is not listed");
	return 0;
}

/* Of a station's scope: without its trailing pairs of zeros. */
static size_t
significant(const char *scope)
{
	size_t n = CHAIN_CODE_LEN;

	while (n > 0 && memcmp(scope + n - 2, "00", 2) == 0)
		n -= 2;
	return n;
}

bool
roster_rule_lists_any(const char *scope)
{
	if (strcmp(scope, "root") == 0)
		return true;
	return chain_is_code(scope, strlen(scope)) &&
	       significant(scope) < CHAIN_CODE_LEN;
}

bool
roster_rule_may_list(const char *scope, const char *code)
{
	if (strcmp(scope, "root") == 0)
		return true;
	return roster_rule_lists_any(scope) &&
	       memcmp(scope, code, significant(scope)) == 0 &&
	       strcmp(scope, code) != 0;
}

int
roster_rule_within(const struct roster_part *part, struct err *err)
{
	int rc;

	rc = check_keys(part, err);
	if (rc == 0 && strcmp(part->scope, "root") == 0)
		rc = check_tree(part, err);
	return rc;
}

/* --- between versions --------------------------------------------------- */

static bool
keeps_incs(const struct roster_key *was, const struct roster_key *is)
{
	size_t i, j;

	for (i = 0; i < was->n_incs; i++) {
		for (j = 0; j < is->n_incs; j++)
			if (strcmp(was->incs[i], is->incs[j]) == 0)
				break;
		if (j == is->n_incs)
			return false;
	}
	return true;
}

/*
 * In a sub-roster a further key needs a proof: by the key before it while
 * that is in use, or by the recovery key.  The root's k of n need none, but
 * one that is there must hold.
 */
static int
check_added(const struct roster_station *was, const struct roster_station *is,
    size_t i, bool root, bool *recovered, struct err *err)
{
	const struct roster_key *key = &is->keys[i], *before = &is->keys[i - 1];
	bool in_use = i > was->n_keys || !was->keys[i - 1].ended;
	struct digest by;
	int rc;

	if (!key->proved && root)
		return 0;
	digest_sha256(&by, key->by, sizeof(key->by));
	if (!key->proved)
		return err_set(err, YZ_EDENIED,
		    "roster: %s is enrolled with another key", was->code);
	if (!digest_equal(&was->recovery, &zero) &&
	    digest_equal(&by, &was->recovery))
		*recovered = true;
	else if (!in_use || memcmp(key->by, before->sign, 32) != 0)
		return err_set(err, YZ_EDENIED,
		    "roster: a new key of %s is proved by a key that may not",
		    was->code);
	rc = rotation_check_proof(
	    key, was->code, before->sign, &is->recovery, err);
	return rc != 0 ? err_within(err, "roster: a new key of %s", was->code)
		       : 0;
}

static bool
same_proof(const struct roster_key *a, const struct roster_key *b)
{
	return a->proved == b->proved &&
	       memcmp(a->by, b->by, sizeof(a->by)) == 0 &&
	       memcmp(a->proof, b->proof, sizeof(a->proof)) == 0;
}

static int
keeps_keys(const struct roster_station *was, const struct roster_station *is,
    struct err *err)
{
	size_t i;

	for (i = 0; i < was->n_keys; i++) {
		const struct roster_key *a = &was->keys[i], *b = &is->keys[i];

		if (memcmp(a->sign, b->sign, 32) != 0 ||
		    memcmp(a->ssh, b->ssh, 32) != 0 || !same_proof(a, b))
			return err_set(err, YZ_EDENIED,
			    "roster: %s is enrolled with another key",
			    was->code);
		if ((a->ended && !b->ended) || !keeps_incs(a, b))
			return err_set(err, YZ_EDENIED,
			    "roster: a key of %s may not get back what it lost",
			    was->code);
	}
	return 0;
}

static int
keeps_station(const struct roster_station *was, const struct roster_station *is,
    bool root, struct err *err)
{
	bool recovered = false;
	size_t i;
	int rc;

	if (strcmp(was->parent, is->parent) != 0)
		return err_set(err, YZ_EDENIED,
		    "roster: %s may not change its parent", was->code);
	if (is->n_keys < was->n_keys)
		return err_set(err, YZ_EDENIED,
		    "roster: %s is enrolled with another key", was->code);
	rc = keeps_keys(was, is, err);
	for (i = was->n_keys; rc == 0 && i < is->n_keys; i++)
		rc = check_added(was, is, i, root, &recovered, err);
	if (rc != 0)
		return rc;
	if (!root && !recovered && !digest_equal(&was->recovery, &zero) &&
	    !digest_equal(&was->recovery, &is->recovery))
		return err_set(err, YZ_EDENIED,
		    "roster: %s has another recovery key", was->code);
	return 0;
}

/* What was decided stays so. */
static int
keeps_decided(const struct roster_part *cur, const struct roster_part *next,
    struct err *err)
{
	size_t i, j;

	for (i = 0; i < cur->n_decided; i++) {
		const struct roster_decision *was = &cur->decided[i];

		for (j = 0; j < next->n_decided; j++) {
			const struct roster_decision *is = &next->decided[j];

			if (is->version == was->version &&
			    strcmp(is->scope, was->scope) == 0 &&
			    digest_equal(&is->hash, &was->hash))
				break;
		}
		if (j == next->n_decided)
			return err_set(err, YZ_EDENIED,
			    "roster: what was decided about version %lld of %s"
			    " may not be taken back",
			    (long long)was->version, was->scope);
	}
	return 0;
}

int
roster_rule_keeps(const struct roster_part *cur, const struct roster_part *next,
    struct err *err)
{
	bool root = strcmp(cur->scope, "root") == 0;
	size_t i;
	int rc;

	if (root && strcmp(cur->root, next->root) != 0)
		return err_set(
		    err, YZ_EDENIED, "roster: the root may not change");
	rc = keeps_decided(cur, next, err);
	if (rc != 0)
		return rc;
	for (i = 0; i < cur->n_stations; i++) {
		const struct roster_station *was = &cur->stations[i], *is;

		is = bsearch(was->code, next->stations, next->n_stations,
		    sizeof(*is), compare_station);
		if (is == NULL)
			return err_set(err, YZ_EDENIED,
			    "roster: %s may not be left out", was->code);
		rc = keeps_station(was, is, root, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* --- signatures -------------------------------------------------------- */

static int
verify(const struct roster_doc *doc, size_t i, struct err *err)
{
	int rc;

	rc = sign_verify(doc->sigs[i].sig, doc->sigs[i].key, SIGN_NS_ROSTER,
	    doc->text.b, doc->text.len, err);
	return rc != 0 ? err_within(err, "roster %s version %lld", doc->scope,
			     (long long)doc->version)
		       : 0;
}

static bool
is_root_key(const struct roster_part *part, const uint8_t key[32])
{
	size_t i;

	for (i = 0; i < part->n_root_keys; i++)
		if (memcmp(part->root_keys[i], key, 32) == 0)
			return true;
	return false;
}

/* Signatures are sorted by key and no key is there twice, so counting them
 * counts people. */
int
roster_rule_signed_by_root(const struct roster_doc *doc,
    const struct roster_part *rule, struct err *err)
{
	int64_t good = 0;
	size_t i;
	int rc;

	for (i = 0; i < doc->n_sigs; i++) {
		if (i > 0 &&
		    memcmp(doc->sigs[i - 1].key, doc->sigs[i].key, 32) >= 0)
			return err_set(err, YZ_ECORRUPT,
			    "roster: signatures are not in order");
		rc = verify(doc, i, err);
		if (rc != 0)
			return rc;
		if (is_root_key(rule, doc->sigs[i].key))
			good++;
	}
	if (good < rule->threshold)
		return err_set(err, YZ_EDENIED,
		    "roster root version %lld: signed by %lld root keys of "
		    "version %lld, which asks for %lld",
		    (long long)doc->version, (long long)good,
		    (long long)rule->version, (long long)rule->threshold);
	return 0;
}

int
roster_rule_signed_by_station(const struct roster_doc *doc,
    const struct roster_station *st, bool coming, struct err *err)
{
	size_t i;

	if (doc->n_sigs != 1)
		return err_set(err, YZ_EDENIED,
		    "roster %s: not one signature but %zu", doc->scope,
		    doc->n_sigs);
	for (i = 0; i < st->n_keys; i++) {
		const struct roster_key *key = &st->keys[i];

		if (memcmp(key->sign, doc->sigs[0].key, 32) != 0)
			continue;
		if (!key->ended || digest_equal(&key->roster, &doc->hash) ||
		    (coming && !digest_equal(&key->roster, &zero)))
			return verify(doc, 0, err);
	}
	return err_set(err, YZ_EDENIED,
	    "roster %s: signed by a key that is not its station's", doc->scope);
}
