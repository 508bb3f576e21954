#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "canon.h"
#include "limit.h"
#include "roster_doc.h"
#include "roster_member.h"
#include "roster_rule.h"

static const struct digest zero;

/* --- parts of a station ----------------------------------------------- */

int
roster_parse_ends(struct roster_end **out, size_t *n, struct canon object,
    const char *writer, struct err *err)
{
	char name[CHAIN_NAME_MAX], before[CHAIN_NAME_MAX] = "";
	struct canon list = {NULL, 0}, item;
	size_t at = 0, count;
	int rc;

	rc = roster_member_list(&list, &count, object, "ends", LIMIT_ENDS, err);
	if (rc != 0)
		return rc;
	*out = mem_calloc(count + 1, sizeof(**out));
	for (*n = 0; canon_next(list, &at, &item); ++*n) {
		struct roster_end *end = &(*out)[*n];
		char *s = NULL;

		rc = roster_member_text(
		    &s, item, "chain", CHAIN_NAME_MAX - 1, err);
		if (rc != 0)
			return rc;
		rc = chain_parse(&end->chain, s, strlen(s), err);
		free(s);
		if (rc == 0)
			rc = roster_member_hash(&end->id, item, "id", err);
		if (rc == 0)
			rc = roster_member_int(
			    &end->seq, item, "seq", 1, LIMIT_SEQ, err);
		if (rc != 0)
			return rc;
		if (digest_equal(&end->id, &zero))
			return err_set(
			    err, YZ_ECORRUPT, "roster: an end without id");
		if (writer != NULL && strcmp(writer, end->chain.writer) != 0)
			return err_set(err, YZ_ECORRUPT,
			    "roster: an end of another station's chain");
		chain_format(name, &end->chain);
		if (strcmp(before, name) >= 0)
			return roster_member_unsorted("ends", err);
		memcpy(before, name, sizeof(before));
	}
	return 0;
}

static int
parse_incs(struct roster_key *key, struct canon object, struct err *err)
{
	struct canon list = {NULL, 0}, item;
	uint8_t bytes[CHAIN_INC_LEN / 2];
	size_t at = 0, count;
	int rc;

	rc = roster_member_list(&list, &count, object, "incs", LIMIT_INCS, err);
	if (rc != 0)
		return rc;
	key->incs = mem_calloc(count + 1, sizeof(*key->incs));
	for (; canon_next(list, &at, &item); key->n_incs++) {
		char *inc = key->incs[key->n_incs], *s;

		rc =
		    roster_member_text_of(&s, item, "incs", CHAIN_INC_LEN, err);
		if (rc != 0)
			return rc;
		if (!digest_unhex(bytes, sizeof(bytes), s, strlen(s)))
			rc = err_set(err, YZ_ECORRUPT,
			    "roster: an incarnation is 8 hex digits");
		else
			memcpy(inc, s, CHAIN_INC_LEN + 1);
		free(s);
		if (rc != 0)
			return rc;
		if (key->n_incs > 0 &&
		    strcmp(inc - sizeof(*key->incs), inc) >= 0)
			return roster_member_unsorted("incs", err);
	}
	return 0;
}

/* "" or an object; a member too many does not print back. */
static int
parse_proof(struct roster_key *key, struct canon object, struct err *err)
{
	struct canon v = {NULL, 0};
	struct buf sig = BUF_INIT;
	char *s = NULL;
	int rc;

	if (!canon_member(object, "proof", &v))
		return err_set(err, YZ_ECORRUPT, "roster: no \"proof\"");
	if (canon_is_text(v, ""))
		return 0;
	key->proved = true;
	rc = roster_member_key(key->by, v, "by", err);
	if (rc == 0)
		rc = roster_member_text(&s, v, "sig", 88, err);
	if (rc != 0)
		return rc;
	if (digest_unbase64(&sig, s, strlen(s)) &&
	    sig.len == sizeof(key->proof))
		memcpy(key->proof, sig.b, sig.len);
	else
		rc = err_set(
		    err, YZ_ECORRUPT, "roster: \"sig\" is no signature");
	buf_free(&sig);
	free(s);
	return rc;
}

static int
parse_keys(struct roster_station *st, struct canon object, struct err *err)
{
	struct canon list = {NULL, 0}, item, ended = {NULL, 0};
	size_t at = 0, count;
	int rc;

	rc = roster_member_list(
	    &list, &count, object, "keys", LIMIT_ROSTER_KEYS, err);
	if (rc != 0)
		return rc;
	if (count == 0)
		return err_set(err, YZ_ECORRUPT, "roster: no key");
	st->keys = mem_calloc(count, sizeof(*st->keys));
	while (canon_next(list, &at, &item)) {
		struct roster_key *key = &st->keys[st->n_keys++];

		if ((rc = roster_member(
			 &ended, item, "ended", CANON_BOOL, err)) != 0 ||
		    (rc = roster_parse_ends(
			 &key->ends, &key->n_ends, item, st->code, err)) != 0 ||
		    (rc = parse_incs(key, item, err)) != 0 ||
		    (rc = parse_proof(key, item, err)) != 0 ||
		    (rc = roster_member_hash(
			 &key->roster, item, "roster", err)) != 0 ||
		    (rc = roster_member_key(key->sign, item, "sign", err)) !=
			0 ||
		    (rc = roster_member_key(key->ssh, item, "ssh", err)) != 0)
			return rc;
		key->ended = canon_bool(ended);
		if (!key->ended && st->n_keys < count)
			return err_set(err, YZ_ECORRUPT,
			    "roster: a key before the last has not ended");
		if (!key->ended && !digest_equal(&key->roster, &zero))
			return err_set(err, YZ_ECORRUPT,
			    "roster: a \"roster\" under a key in use");
	}
	return 0;
}

static int
parse_former(struct roster_station *st, struct canon object, struct err *err)
{
	struct canon list = {NULL, 0}, item;
	size_t at = 0, count;
	int rc;

	rc = roster_member_list(
	    &list, &count, object, "former", LIMIT_FORMER, err);
	if (rc != 0)
		return rc;
	st->former = mem_calloc(count + 1, sizeof(*st->former));
	while (canon_next(list, &at, &item)) {
		struct roster_former *f = &st->former[st->n_former++];

		if ((rc = roster_parse_ends(
			 &f->ends, &f->n_ends, item, NULL, err)) != 0 ||
		    (rc = roster_member_code(
			 f->parent, item, "parent", false, err)) != 0)
			return rc;
	}
	return 0;
}

static int
parse_station(struct roster_station *st, struct canon v, const char *scope,
    struct err *err)
{
	bool root = strcmp(scope, "root") == 0;
	int rc;

	memcpy(st->scope, scope, strlen(scope) + 1);
	rc = roster_member_code(st->code, v, "code", false, err);
	if (rc != 0)
		return rc;
	rc = roster_member_code(st->parent, v, "parent", root, err);
	if (rc == 0)
		rc = roster_member_name(&st->name, v, err);
	if (rc == 0)
		rc = roster_member_hash(&st->recovery, v, "recovery", err);
	if (rc == 0)
		rc = parse_keys(st, v, err);
	if (rc == 0)
		rc = parse_former(st, v, err);
	if (rc != 0)
		return err_within(err, "station %s", st->code);
	if (!root && strcmp(st->parent, scope) != 0)
		return err_set(err, YZ_ECORRUPT, "roster: %s is no child of %s",
		    st->code, scope);
	return 0;
}

static int
parse_stations(struct roster_part *part, struct canon object, struct err *err)
{
	struct canon list = {NULL, 0}, item;
	size_t at = 0, count;
	int rc;

	rc = roster_member_list(
	    &list, &count, object, "stations", LIMIT_STATIONS, err);
	if (rc != 0)
		return rc;
	part->stations = mem_calloc(count + 1, sizeof(*part->stations));
	while (canon_next(list, &at, &item)) {
		struct roster_station *st = &part->stations[part->n_stations];

		part->n_stations++;
		rc = parse_station(st, item, part->scope, err);
		if (rc != 0)
			return rc;
		if (part->n_stations > 1 && strcmp(st[-1].code, st->code) >= 0)
			return roster_member_unsorted("stations", err);
	}
	return 0;
}

/* --- the rest of a document ------------------------------------------- */

static int
parse_auditor(struct roster_auditor *a, struct canon v, struct err *err)
{
	struct canon list = {NULL, 0}, item;
	size_t at = 0, count;
	int rc, s;

	if ((rc = roster_member_name(&a->name, v, err)) != 0 ||
	    (rc = roster_member_key(a->ssh, v, "ssh", err)) != 0 ||
	    (rc = roster_member_int(
		 &a->until, v, "until", 0, LIMIT_SEQ, err)) != 0 ||
	    (rc = roster_member_list(
		 &list, &count, v, "owners", LIMIT_STATIONS, err)) != 0)
		return rc;
	a->owners = mem_calloc(count + 1, sizeof(*a->owners));
	for (; canon_next(list, &at, &item); a->n_owners++) {
		rc = roster_member_code_of(
		    a->owners[a->n_owners], item, "owners", err);
		if (rc != 0)
			return rc;
		if (a->n_owners > 0 && strcmp(a->owners[a->n_owners - 1],
					   a->owners[a->n_owners]) >= 0)
			return roster_member_unsorted("owners", err);
	}
	rc = roster_member_list(&list, &count, v, "streams", STREAM_COUNT, err);
	if (rc != 0)
		return rc;
	/* What is not listed in order, or unknown, fails to print back. */
	at = 0;
	while (canon_next(list, &at, &item))
		for (s = 0; s < STREAM_COUNT; s++)
			if (canon_is_text(item, stream_name((enum stream)s)))
				a->streams |= 1u << s;
	return 0;
}

static int
parse_auditors(struct roster_part *part, struct canon object, struct err *err)
{
	struct canon list = {NULL, 0}, item;
	size_t at = 0, count;
	int rc;

	rc = roster_member_list(
	    &list, &count, object, "auditors", LIMIT_AUDITORS, err);
	if (rc != 0)
		return rc;
	part->auditors = mem_calloc(count + 1, sizeof(*part->auditors));
	while (canon_next(list, &at, &item)) {
		struct roster_auditor *a = &part->auditors[part->n_auditors];

		part->n_auditors++;
		rc = parse_auditor(a, item, err);
		if (rc != 0)
			return rc;
		if (part->n_auditors > 1 &&
		    memcmp(a[-1].ssh, a->ssh, sizeof(a->ssh)) >= 0)
			return roster_member_unsorted("auditors", err);
	}
	return 0;
}

static int
compare_peers(const struct roster_peers *x, const struct roster_peers *y)
{
	int d = strcmp(x->a, y->a);

	return d != 0 ? d : strcmp(x->b, y->b);
}

/* Pairs of two codes each; what is more in one does not print back. */
static int
parse_peers(struct roster_part *part, struct canon object, struct err *err)
{
	struct canon list = {NULL, 0}, item, code = {NULL, 0};
	size_t at = 0, in, count;
	int rc;

	rc = roster_member_list(
	    &list, &count, object, "peers", LIMIT_PEERS, err);
	if (rc != 0)
		return rc;
	part->peers = mem_calloc(count + 1, sizeof(*part->peers));
	for (; canon_next(list, &at, &item); part->n_peers++) {
		struct roster_peers *v = &part->peers[part->n_peers];

		in = 0;
		if (canon_type(item) != CANON_LIST ||
		    !canon_next(item, &in, &code))
			return err_set(
			    err, YZ_ECORRUPT, "roster: peers are two and two");
		rc = roster_member_code_of(v->a, code, "peers", err);
		if (rc == 0 && !canon_next(item, &in, &code))
			rc = err_set(
			    err, YZ_ECORRUPT, "roster: peers are two and two");
		if (rc == 0)
			rc = roster_member_code_of(v->b, code, "peers", err);
		if (rc != 0)
			return rc;
		if (strcmp(v->a, v->b) >= 0 ||
		    (part->n_peers > 0 && compare_peers(v - 1, v) >= 0))
			return roster_member_unsorted("peers", err);
	}
	return 0;
}

static int
parse_decision(struct roster_decision *d, struct canon v, struct err *err)
{
	char *scope = NULL;
	int rc;

	rc = roster_member_hash(&d->hash, v, "hash", err);
	if (rc == 0)
		rc = roster_member_int(
		    &d->version, v, "version", 1, LIMIT_SEQ, err);
	if (rc == 0)
		rc =
		    roster_member_text(&scope, v, "scope", CHAIN_CODE_LEN, err);
	if (rc != 0)
		return rc;
	if (digest_equal(&d->hash, &zero) ||
	    (strcmp(scope, "root") != 0 &&
		!chain_is_code(scope, strlen(scope))))
		rc = err_set(
		    err, YZ_ECORRUPT, "roster: \"decided\" names no document");
	else
		memcpy(d->scope, scope, strlen(scope) + 1);
	free(scope);
	return rc;
}

static int
parse_decided(struct roster_part *part, struct canon object, struct err *err)
{
	struct canon list = {NULL, 0}, item;
	size_t at = 0, count;
	int rc;

	rc = roster_member_list(
	    &list, &count, object, "decided", LIMIT_DECIDED, err);
	if (rc != 0)
		return rc;
	part->decided = mem_calloc(count + 1, sizeof(*part->decided));
	for (; canon_next(list, &at, &item); part->n_decided++) {
		struct roster_decision *d = &part->decided[part->n_decided];
		int order;

		rc = parse_decision(d, item, err);
		if (rc != 0)
			return rc;
		order =
		    part->n_decided == 0 ? -1 : strcmp(d[-1].scope, d->scope);
		if (order > 0 || (order == 0 && d[-1].version >= d->version))
			return roster_member_unsorted("decided", err);
	}
	return 0;
}

static int
parse_root(struct roster_part *part, struct canon object, struct err *err)
{
	struct canon list = {NULL, 0}, item;
	size_t at = 0, count;
	int rc;

	if ((rc = roster_member_code(part->root, object, "root", false, err)) !=
		0 ||
	    (rc = roster_member_list(&list, &count, object, "root_keys",
		 LIMIT_ROSTER_KEYS, err)) != 0 ||
	    (rc = roster_member_int(&part->threshold, object, "threshold", 1,
		 (int64_t)count, err)) != 0)
		return rc;
	part->root_keys = mem_calloc(count, sizeof(*part->root_keys));
	for (; canon_next(list, &at, &item); part->n_root_keys++) {
		uint8_t *key = part->root_keys[part->n_root_keys];

		rc = roster_member_key_of(key, item, "root_keys", err);
		if (rc != 0)
			return rc;
		if (part->n_root_keys > 0 && memcmp(key - 32, key, 32) >= 0)
			return roster_member_unsorted("root_keys", err);
	}
	return 0;
}

/* --- the whole --------------------------------------------------------- */

static int
parse_part(
    struct roster_part *part, const char *text, size_t n, struct err *err)
{
	struct canon v = {NULL, 0};
	char *scope;
	bool root;
	int rc;

	if (n == 0 || text[n - 1] != '\n')
		return err_set(
		    err, YZ_ECORRUPT, "roster: the newline is missing");
	rc = canon_whole(&v, text, n - 1, err);
	if (rc == 0)
		rc =
		    roster_member_text(&scope, v, "scope", CHAIN_CODE_LEN, err);
	if (rc != 0)
		return rc;
	root = strcmp(scope, "root") == 0;
	if (root || chain_is_code(scope, strlen(scope)))
		memcpy(part->scope, scope, strlen(scope) + 1);
	free(scope);
	if (part->scope[0] == '\0')
		return err_set(err, YZ_ECORRUPT, "roster: bad scope");
	if ((rc = roster_member_int(
		 &part->version, v, "version", 1, LIMIT_SEQ, err)) != 0 ||
	    (rc = roster_member_hash(&part->prev, v, "prev", err)) != 0 ||
	    (rc = parse_auditors(part, v, err)) != 0 ||
	    (rc = parse_stations(part, v, err)) != 0 ||
	    (rc = parse_peers(part, v, err)) != 0 ||
	    (root && (rc = parse_decided(part, v, err)) != 0) ||
	    (root && (rc = parse_root(part, v, err)) != 0))
		return rc;
	if ((part->version == 1) != digest_equal(&part->prev, &zero))
		return err_set(err, YZ_ECORRUPT, "roster: bad \"prev\"");
	return roster_rule_within(part, err);
}

int
roster_parse_part(
    struct roster_part *out, const void *text, size_t n, struct err *err)
{
	struct buf again = BUF_INIT;
	int rc;

	memset(out, 0, sizeof(*out));
	if (n > LIMIT_ROSTER)
		return err_set(
		    err, YZ_ECORRUPT, "roster: over %u bytes", LIMIT_ROSTER);
	rc = parse_part(out, text, n, err);
	if (rc == 0) {
		/* Refuses every member that nothing above asked for. */
		roster_doc_write(&again, out);
		if (again.len != n || memcmp(again.b, text, n) != 0)
			rc = err_set(err, YZ_ECORRUPT,
			    "roster: more in it than there should be");
		buf_free(&again);
	}
	if (rc != 0)
		roster_doc_release(out);
	return rc;
}
