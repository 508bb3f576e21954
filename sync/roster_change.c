#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "limit.h"
#include "roster_change.h"
#include "roster_doc.h"
#include "roster_impl.h"
#include "sign.h"

struct roster_change {
	struct roster_part part;
};

static int
not_listed(const char *code, struct err *err)
{
	return err_set(err, YZ_ENOTFOUND,
	    "%s, or that key of it, is not in this roster", code);
}

static int
begin_draft(struct roster_part *part, const struct roster_doc *cur,
    const struct roster_doc *draft, struct err *err)
{
	static const struct digest zero;
	int64_t version = cur == NULL ? 0 : cur->version;
	int rc;

	rc = roster_parse_part(part, draft->text.b, draft->text.len, err);
	if (rc != 0)
		return rc;
	if (part->version == version + 1 &&
	    digest_equal(&part->prev, cur == NULL ? &zero : &cur->hash))
		return 0;
	return err_set(err, YZ_ECONFLICT,
	    "roster %s: the draft of version %lld does not follow the one held",
	    part->scope, (long long)part->version);
}

int
roster_change_begin(struct roster_change **out, const struct roster_doc *cur,
    const struct roster_doc *draft, const char *scope, struct err *err)
{
	struct roster_change *change = mem_calloc(1, sizeof(*change));
	struct roster_part *part = &change->part;
	int rc = 0;

	if (draft != NULL) {
		rc = begin_draft(part, cur, draft, err);
	} else if (cur != NULL) {
		rc = roster_parse_part(part, cur->text.b, cur->text.len, err);
		part->prev = cur->hash;
		part->version++;
	} else {
		memcpy(part->scope, scope, strlen(scope) + 1);
		part->version = 1;
	}
	if (rc != 0)
		roster_change_free(change);
	else
		*out = change;
	return rc;
}

void
roster_change_free(struct roster_change *change)
{
	if (change == NULL)
		return;
	roster_doc_release(&change->part);
	free(change);
}

/* --- stations ------------------------------------------------------------ */

static struct roster_station *
station(const struct roster_change *change, const char *code)
{
	size_t i;

	for (i = 0; i < change->part.n_stations; i++)
		if (strcmp(change->part.stations[i].code, code) == 0)
			return &change->part.stations[i];
	return NULL;
}

static struct roster_key *
station_key(
    struct roster_change *change, const char *code, const uint8_t sign[32])
{
	struct roster_station *st = station(change, code);
	size_t i;

	for (i = 0; st != NULL && i < st->n_keys; i++)
		if (memcmp(st->keys[i].sign, sign, 32) == 0)
			return &st->keys[i];
	return NULL;
}

const struct roster_station *
roster_change_station(const struct roster_change *change, const char *code)
{
	return station(change, code);
}

void
roster_change_put(struct roster_change *change, const struct roster_station *st)
{
	struct roster_part *part = &change->part;
	struct roster_station *at;
	size_t i;

	part->stations = mem_realloc(
	    part->stations, (part->n_stations + 1) * sizeof(*part->stations));
	for (i = 0; i < part->n_stations; i++)
		if (strcmp(part->stations[i].code, st->code) >= 0)
			break;
	at = &part->stations[i];
	if (i < part->n_stations && strcmp(at->code, st->code) == 0)
		roster_doc_release_station(at);
	else
		memmove(at + 1, at, (part->n_stations++ - i) * sizeof(*at));
	roster_doc_copy_station(at, st);
	memcpy(at->scope, part->scope, sizeof(at->scope));
	if (strcmp(part->scope, "root") == 0 && part->root[0] == '\0')
		memcpy(part->root, st->code, sizeof(part->root));
}

int
roster_change_recovery(struct roster_change *change, const char *code,
    const struct digest *recovery, struct err *err)
{
	struct roster_station *st = station(change, code);

	if (st == NULL)
		return not_listed(code, err);
	st->recovery = *recovery;
	return 0;
}

/* --- keys ------------------------------------------------------------------
 */

int
roster_change_add_key(struct roster_change *change, const char *code,
    const struct roster_key *key, struct err *err)
{
	struct roster_station *st = station(change, code);
	struct roster_key *to;

	if (st == NULL)
		return not_listed(code, err);
	if (st->n_keys == LIMIT_ROSTER_KEYS)
		return err_set(err, YZ_EINVAL,
		    "%s has had %d keys: list it anew in the root part", code,
		    LIMIT_ROSTER_KEYS);
	st->keys = mem_realloc(st->keys, (st->n_keys + 1) * sizeof(*st->keys));
	to = &st->keys[st->n_keys++];
	roster_doc_copy_key(to, key);
	return 0;
}

static int
compare_ends(const void *a, const void *b)
{
	const struct roster_end *x = a, *y = b;
	char from[CHAIN_NAME_MAX], to[CHAIN_NAME_MAX];

	chain_format(from, &x->chain);
	chain_format(to, &y->chain);
	return strcmp(from, to);
}

static void
sort_ends(struct roster_key *key)
{
	if (key->n_ends > 1)
		qsort(key->ends, key->n_ends, sizeof(*key->ends), compare_ends);
}

int
roster_change_end_key(struct roster_change *change, const char *code,
    const uint8_t sign[32], const struct roster_end *ends, size_t n,
    const struct digest *roster, struct err *err)
{
	struct roster_key *key = station_key(change, code, sign);

	if (key == NULL)
		return not_listed(code, err);
	free(key->ends);
	key->ends = mem_calloc(n + 1, sizeof(*key->ends));
	if (n > 0)
		memcpy(key->ends, ends, n * sizeof(*ends));
	key->n_ends = n;
	sort_ends(key);
	key->ended = true;
	if (roster != NULL)
		key->roster = *roster;
	return 0;
}

int
roster_change_add_end(struct roster_change *change, const char *code,
    const uint8_t sign[32], const struct roster_end *end, struct err *err)
{
	struct roster_key *key = station_key(change, code, sign);
	size_t i;

	if (key == NULL)
		return not_listed(code, err);
	for (i = 0; i < key->n_ends; i++) {
		if (!chain_equal(&key->ends[i].chain, &end->chain))
			continue;
		key->ends[i] = *end;
		return 0;
	}
	key->ends =
	    mem_realloc(key->ends, (key->n_ends + 1) * sizeof(*key->ends));
	key->ends[key->n_ends++] = *end;
	sort_ends(key);
	return 0;
}

int
roster_change_add_inc(struct roster_change *change, const char *code,
    const uint8_t sign[32], const char *inc, struct err *err)
{
	struct roster_key *key = station_key(change, code, sign);
	size_t i;

	if (key == NULL)
		return not_listed(code, err);
	for (i = 0; i < key->n_incs; i++)
		if (strcmp(key->incs[i], inc) >= 0)
			break;
	if (i < key->n_incs && strcmp(key->incs[i], inc) == 0)
		return 0;
	key->incs =
	    mem_realloc(key->incs, (key->n_incs + 1) * sizeof(*key->incs));
	memmove(key->incs[i + 1], key->incs[i],
	    (key->n_incs++ - i) * sizeof(*key->incs));
	memcpy(key->incs[i], inc, CHAIN_INC_LEN + 1);
	return 0;
}

/* --- auditors ---------------------------------------------------
 */

int
roster_change_auditor_drop(
    struct roster_change *change, const uint8_t ssh[32], struct err *err)
{
	struct roster_part *part = &change->part;
	size_t i;

	for (i = 0; i < part->n_auditors; i++) {
		struct roster_auditor *a = &part->auditors[i];

		if (memcmp(a->ssh, ssh, sizeof(a->ssh)) != 0)
			continue;
		free(a->name);
		free(a->owners);
		memmove(a, a + 1, (--part->n_auditors - i) * sizeof(*a));
		return 0;
	}
	return err_set(err, YZ_ENOTFOUND, "no auditor has that key");
}

int
roster_change_auditor(struct roster_change *change,
    const struct roster_auditor *auditor, struct err *err)
{
	struct roster_part *part = &change->part;
	struct roster_auditor *at;
	struct err none;
	size_t i;

	(void)roster_change_auditor_drop(change, auditor->ssh, &none);
	if (part->n_auditors == LIMIT_AUDITORS)
		return err_set(
		    err, YZ_EINVAL, "more than %d auditors", LIMIT_AUDITORS);
	part->auditors = mem_realloc(
	    part->auditors, (part->n_auditors + 1) * sizeof(*part->auditors));
	for (i = 0; i < part->n_auditors; i++)
		if (memcmp(part->auditors[i].ssh, auditor->ssh, 32) > 0)
			break;
	at = &part->auditors[i];
	memmove(at + 1, at, (part->n_auditors++ - i) * sizeof(*at));
	*at = *auditor;
	at->name = mem_strdup(auditor->name);
	at->owners = mem_calloc(at->n_owners + 1, sizeof(*at->owners));
	if (at->n_owners > 0)
		memcpy(at->owners, auditor->owners,
		    at->n_owners * sizeof(*at->owners));
	return 0;
}

/* --- peers, decisions ------------------------------------------------------
 */

/* Where the pair is or would be; a is the lower code. */
static size_t
peers_place(
    const struct roster_part *part, const char *a, const char *b, bool *there)
{
	int order = 1;
	size_t i;

	for (i = 0; i < part->n_peers; i++) {
		order = strcmp(part->peers[i].a, a);
		if (order == 0)
			order = strcmp(part->peers[i].b, b);
		if (order >= 0)
			break;
	}
	*there = i < part->n_peers && order == 0;
	return i;
}

static void
sort_codes(const char **a, const char **b)
{
	const char *low = strcmp(*a, *b) < 0 ? *a : *b;

	*b = low == *a ? *b : *a;
	*a = low;
}

int
roster_change_peers(
    struct roster_change *change, const char *a, const char *b, struct err *err)
{
	struct roster_part *part = &change->part;
	bool there;
	size_t i;

	if (strcmp(a, b) == 0)
		return err_set(err, YZ_EINVAL, "%s is no peer of itself", a);
	sort_codes(&a, &b);
	i = peers_place(part, a, b, &there);
	if (there)
		return 0;
	if (part->n_peers == LIMIT_PEERS)
		return err_set(
		    err, YZ_EINVAL, "more than %d pairs of peers", LIMIT_PEERS);
	part->peers = mem_realloc(
	    part->peers, (part->n_peers + 1) * sizeof(*part->peers));
	memmove(&part->peers[i + 1], &part->peers[i],
	    (part->n_peers++ - i) * sizeof(*part->peers));
	memcpy(part->peers[i].a, a, CHAIN_CODE_LEN + 1);
	memcpy(part->peers[i].b, b, CHAIN_CODE_LEN + 1);
	return 0;
}

int
roster_change_peers_drop(
    struct roster_change *change, const char *a, const char *b, struct err *err)
{
	struct roster_part *part = &change->part;
	bool there;
	size_t i;

	sort_codes(&a, &b);
	i = peers_place(part, a, b, &there);
	if (!there)
		return err_set(err, YZ_ENOTFOUND,
		    "roster %s does not list %s and %s as peers", part->scope,
		    a, b);
	memmove(&part->peers[i], &part->peers[i + 1],
	    (--part->n_peers - i) * sizeof(*part->peers));
	return 0;
}

int
roster_change_decide(struct roster_change *change, const char *scope,
    int64_t version, const struct digest *hash, struct err *err)
{
	struct roster_part *part = &change->part;
	struct roster_decision *d;
	size_t i;

	if (strcmp(part->scope, "root") != 0)
		return err_set(err, YZ_EINVAL, "only the root part decides");
	for (i = 0; i < part->n_decided; i++) {
		int order = strcmp(part->decided[i].scope, scope);

		if (order > 0 ||
		    (order == 0 && part->decided[i].version >= version))
			break;
	}
	if (i < part->n_decided && part->decided[i].version == version &&
	    strcmp(part->decided[i].scope, scope) == 0) {
		part->decided[i].hash = *hash;
		return 0;
	}
	if (part->n_decided == LIMIT_DECIDED)
		return err_set(
		    err, YZ_EINVAL, "more than %d decisions", LIMIT_DECIDED);
	part->decided = mem_realloc(
	    part->decided, (part->n_decided + 1) * sizeof(*part->decided));
	d = &part->decided[i];
	memmove(d + 1, d, (part->n_decided++ - i) * sizeof(*d));
	memset(d, 0, sizeof(*d));
	snprintf(d->scope, sizeof(d->scope), "%s", scope);
	d->version = version;
	d->hash = *hash;
	return 0;
}

/* --- root keys -------------------------------------------------------------
 */

static int
compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

int
roster_change_root_keys(struct roster_change *change, const uint8_t (*keys)[32],
    size_t n, int64_t threshold, struct err *err)
{
	struct roster_part *part = &change->part;

	if (strcmp(part->scope, "root") != 0 || n == 0 || n > LIMIT_ROSTER_KEYS)
		return err_set(err, YZ_EINVAL,
		    "1 to %d root keys belong to the root part",
		    LIMIT_ROSTER_KEYS);
	if (threshold < 1 || threshold > (int64_t)n)
		return err_set(err, YZ_EINVAL,
		    "of %zu root keys %lld cannot sign", n,
		    (long long)threshold);
	free(part->root_keys);
	part->root_keys = mem_calloc(n, sizeof(*part->root_keys));
	memcpy(part->root_keys, keys, n * sizeof(*part->root_keys));
	qsort(part->root_keys, n, sizeof(*part->root_keys), compare_keys);
	part->n_root_keys = n;
	part->threshold = threshold;
	return 0;
}

/* --- the document ----------------------------------------------------------
 */

int
roster_change_write(
    struct roster_doc *out, struct roster_change *change, struct err *err)
{
	const struct roster_part *part = &change->part;
	struct roster_part read;
	int rc;

	memset(out, 0, sizeof(*out));
	memcpy(out->scope, part->scope, sizeof(out->scope));
	out->version = part->version;
	roster_doc_write(&out->text, part);
	digest_sha256(&out->hash, out->text.b, out->text.len);
	rc = roster_parse_part(&read, out->text.b, out->text.len, err);
	if (rc == 0)
		roster_doc_release(&read);
	else
		roster_doc_free(out);
	return rc;
}

/* Its place by the key's bytes; true if there is one by that key. */
static bool
find_signature(const struct roster_doc *doc, const uint8_t key[32], size_t *at)
{
	size_t i;

	for (i = 0; i < doc->n_sigs; i++)
		if (memcmp(doc->sigs[i].key, key, 32) >= 0)
			break;
	*at = i;
	return i < doc->n_sigs && memcmp(doc->sigs[i].key, key, 32) == 0;
}

int
roster_doc_add_signature(struct roster_doc *doc, const uint8_t key[32],
    const uint8_t sig[64], struct err *err)
{
	size_t at;
	int rc;

	rc = sign_verify(
	    sig, key, SIGN_NS_ROSTER, doc->text.b, doc->text.len, err);
	if (rc != 0 || find_signature(doc, key, &at))
		return rc;
	if (doc->n_sigs == LIMIT_ROSTER_KEYS)
		return err_set(err, YZ_EINVAL, "more than %d signatures",
		    LIMIT_ROSTER_KEYS);
	doc->sigs =
	    mem_realloc(doc->sigs, (doc->n_sigs + 1) * sizeof(*doc->sigs));
	memmove(&doc->sigs[at + 1], &doc->sigs[at],
	    (doc->n_sigs++ - at) * sizeof(*doc->sigs));
	memcpy(doc->sigs[at].key, key, 32);
	memcpy(doc->sigs[at].sig, sig, 64);
	return 0;
}

int
roster_doc_sign(
    struct roster_doc *doc, const struct sign_key *key, struct err *err)
{
	uint8_t sig[64];
	int rc;

	rc = sign_make(
	    sig, key, SIGN_NS_ROSTER, doc->text.b, doc->text.len, err);
	return rc != 0 ? rc : roster_doc_add_signature(doc, key->pub, sig, err);
}

/* --- enrolling --------------------------------------------------------------
 */

int
roster_change_elsewhere(const struct roster *roster, const char *scope,
    const struct roster_station *st, struct err *err)
{
	const struct roster_key *key = &st->keys[st->n_keys - 1];
	size_t i, k;

	for (i = 0; roster != NULL && i < roster->n; i++) {
		const struct roster_station *other = roster->all[i];

		if (strcmp(other->code, st->code) == 0) {
			if (strcmp(other->scope, scope) != 0 &&
			    strcmp(scope, "root") != 0)
				return err_set(err, YZ_EDENIED,
				    "%s is enrolled by %s already", st->code,
				    other->scope);
			continue;
		}
		for (k = 0; k < other->n_keys; k++)
			if (memcmp(other->keys[k].sign, key->sign, 32) == 0 ||
			    memcmp(other->keys[k].ssh, key->ssh, 32) == 0)
				return err_set(err, YZ_EDENIED,
				    "the keys of %s are those of %s", st->code,
				    other->code);
	}
	return 0;
}

int
roster_enrol(struct roster_doc *out, const struct roster *roster,
    const struct roster_doc *cur, const char *scope,
    const struct roster_station *st, const struct sign_key *signer,
    struct err *err)
{
	struct roster_change *change = NULL;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = roster_change_elsewhere(roster, scope, st, err);
	if (rc == 0)
		rc = roster_change_begin(&change, cur, NULL, scope, err);
	if (rc != 0)
		return rc;
	roster_change_put(change, st);
	if (cur == NULL && strcmp(scope, "root") == 0)
		rc = roster_change_root_keys(
		    change, (const uint8_t(*)[32])signer->pub, 1, 1, err);
	if (rc == 0)
		rc = roster_change_write(out, change, err);
	if (rc == 0)
		rc = roster_doc_sign(out, signer, err);
	/* Nothing leaves here that others would refuse. */
	if (rc == 0)
		rc = roster_follows(roster, cur, out, err);
	roster_change_free(change);
	if (rc != 0)
		roster_doc_free(out);
	return rc;
}
