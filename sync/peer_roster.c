/* Rosters: what goes out, what comes in, and where two tellings part. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "peer_state.h"

/* Theirs, as Hello may name them, and mine. */
#define SCOPES_MAX (2 * (LIMIT_STATIONS + 1))

static struct peer_scope *
find_scope(struct peer *p, const char *scope)
{
	size_t i;

	for (i = 0; i < p->n_scopes; i++)
		if (strcmp(p->scopes[i].scope, scope) == 0)
			return &p->scopes[i];
	return NULL;
}

/* What is known of the other's newest version of a scope; made if need be. */
static struct peer_scope *
their_scope(struct peer *p, const char *scope)
{
	struct peer_scope *s = find_scope(p, scope);

	if (s != NULL)
		return s;
	p->scopes =
	    mem_realloc(p->scopes, (p->n_scopes + 1) * sizeof(*p->scopes));
	s = &p->scopes[p->n_scopes++];
	memset(s, 0, sizeof(*s));
	snprintf(s->scope, sizeof(s->scope), "%s", scope);
	return s;
}

/* --- what goes out ---------------------------------------------------------
 */

static void
say_doc(struct peer *p, struct roster_doc *doc)
{
	roster_doc_pack(&p->scratch, doc);
	peer_say(p, MSG_ROSTER);
	roster_doc_free(doc);
}

static int
say_version(struct peer *p, const char *scope, int64_t version, struct err *err)
{
	struct roster_doc doc = {.version = 0};
	int rc = p->s.roster_get(p->s.arg, &doc, scope, version, err);

	if (rc == 0)
		say_doc(p, &doc);
	return rc;
}

/* The version up to which both hold the same: YZ_ENOTFOUND if what the other
 * names is not held here. */
static int
common_version(struct peer *p, int64_t *common, const struct peer_scope *mine,
    const struct peer_scope *theirs, struct err *err)
{
	struct roster_doc doc = {.version = 0};
	bool same;
	int rc;

	*common = theirs->version;
	if (theirs->version == 0 ||
	    (theirs->version == mine->version &&
		digest_equal(&theirs->hash, &mine->hash)))
		return 0;
	if (p->s.roster_relate != NULL)
		return p->s.roster_relate(
		    p->s.arg, common, mine->scope, &theirs->hash, err);
	if (theirs->version > mine->version)
		return YZ_ENOTFOUND;
	rc = p->s.roster_get(p->s.arg, &doc, mine->scope, theirs->version, err);
	same = rc == 0 && digest_equal(&doc.hash, &theirs->hash);
	roster_doc_free(&doc);
	return rc == 0 && !same ? YZ_ENOTFOUND : rc;
}

/* Ask where two tellings part: by naming mine. */
static int
ask_parting(struct peer *p, const struct peer_scope *mine, struct err *err)
{
	struct peer_scope *theirs = their_scope(p, mine->scope);
	struct digest *hashes = NULL;
	int64_t first;
	size_t n, i;
	int rc;

	if (p->state != PEER_ROSTER || theirs->asked ||
	    p->s.roster_hashes == NULL)
		return 0;
	rc =
	    p->s.roster_hashes(p->s.arg, &hashes, &first, &n, mine->scope, err);
	if (rc != 0 || n == 0) {
		free(hashes);
		return rc;
	}
	buf_put_string(&p->scratch, mine->scope, strlen(mine->scope));
	buf_put_varint(&p->scratch, (uint64_t)first);
	buf_put_varint(&p->scratch, n);
	for (i = 0; i < n; i++)
		buf_put(&p->scratch, hashes[i].b, sizeof(hashes[i].b));
	peer_say(p, MSG_VERSIONS);
	free(hashes);
	theirs->asked = true;
	p->partings++;
	return 0;
}

/* Two of one version, which whoever holds both knows not to count. */
static int
tell_pair(struct peer *p, const struct peer_scope *mine, struct err *err)
{
	struct roster_doc doc;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < 2; i++) {
		memset(&doc, 0, sizeof(doc));
		rc = p->s.roster_pair(p->s.arg, &doc, mine->scope, i, err);
		if (rc == 0)
			say_doc(p, &doc);
	}
	return rc;
}

static int
send_scope(struct peer *p, const struct peer_scope *mine, struct err *err)
{
	struct peer_scope *theirs = their_scope(p, mine->scope);
	int64_t common, v;
	int rc;

	rc = common_version(p, &common, mine, theirs, err);
	if (rc == YZ_ENOTFOUND)
		/* Who holds more can say that they differ. */
		rc = theirs->version > mine->version
			 ? 0
			 : ask_parting(p, mine, err);
	else if (rc == 0 && common < mine->version) {
		for (v = common + 1; rc == 0 && v <= mine->version; v++)
			rc = say_version(p, mine->scope, v, err);
		theirs->version = mine->version;
		theirs->hash = mine->hash;
	}
	if (rc == 0 && mine->contested && p->s.roster_pair != NULL &&
	    theirs->pair != mine->version + 1) {
		rc = tell_pair(p, mine, err);
		theirs->pair = mine->version + 1;
	}
	return rc;
}

int
peer_roster_send(struct peer *p, struct err *err)
{
	struct peer_scope *scopes = NULL;
	size_t n = 0, i;
	int rc;

	rc = p->s.scopes(p->s.arg, &scopes, &n, err);
	for (i = 0; i < n && rc == 0; i++)
		rc = send_scope(p, &scopes[i], err);
	free(scopes);
	return rc;
}

/* --- settling --------------------------------------------------------------
 */

/* Both have said Settled, and nothing is unanswered. */
static int
proceed(struct peer *p, struct err *err)
{
	if (!p->settled_came || !p->settled_said || p->opt.invited ||
	    p->opt.purpose == PEER_JOIN)
		return 0;
	if (p->s.welcome != NULL && p->s.welcome(p->s.arg, err) != 0)
		return err->code;
	p->state = PEER_HEADS;
	return peer_send_heads(p, err);
}

int
peer_roster_settle(struct peer *p, struct err *err)
{
	if (p->partings > 0 || p->settled_said || p->opt.rosters)
		return 0;
	peer_say(p, MSG_SETTLED);
	p->settled_said = true;
	return proceed(p, err);
}

int
peer_roster_settled(struct peer *p, struct buf_reader *in, struct err *err)
{
	(void)in;
	if (p->settled_came)
		return err_set(err, YZ_EPEER, "Settled came twice");
	p->settled_came = true;
	if (p->opt.rosters) {
		peer_say_bye(p, PEER_BYE_DONE, "");
		p->result.finished = true;
		p->state = PEER_CLOSED;
		return 0;
	}
	return proceed(p, err);
}

/* --- what comes in ---------------------------------------------------------
 */

int
peer_roster_take(struct peer *p, struct buf_reader *in, struct err *err)
{
	size_t n = buf_reader_left(in);
	struct peer_scope *scope;
	struct roster_doc doc;
	int rc;

	memset(&doc, 0, sizeof(doc));
	rc = roster_doc_unpack(&doc, buf_get_bytes(in, n), n, err);
	/* Adopting is a transaction of its own. */
	if (rc == 0)
		rc = peer_commit(p, err);
	if (rc == 0)
		rc = p->s.roster_put(p->s.arg, &doc, err);
	/* A flood of documents that nobody placed is not remembered. */
	if (rc == 0 &&
	    (p->n_scopes < SCOPES_MAX || find_scope(p, doc.scope) != NULL)) {
		scope = their_scope(p, doc.scope);
		if (scope->version == doc.version &&
		    !digest_equal(&scope->hash, &doc.hash))
			scope->pair = doc.version;
		if (scope->version < doc.version) {
			scope->version = doc.version;
			scope->hash = doc.hash;
		}
	}
	p->refresh = p->state != PEER_ROSTER;
	roster_doc_free(&doc);
	return rc;
}

/* The first version at which mine is not the one that was named; 0: none. */
static int
find_parting(struct peer *p, int64_t *at, const char *scope, int64_t first,
    const uint8_t *named, size_t n, struct err *err)
{
	struct digest *mine = NULL;
	int64_t from, v;
	size_t n_mine;
	int rc;

	*at = 0;
	rc = p->s.roster_hashes(p->s.arg, &mine, &from, &n_mine, scope, err);
	for (v = first > from ? first : from;
	     rc == 0 && *at == 0 && v - first < (int64_t)n &&
	     v - from < (int64_t)n_mine;
	     v++)
		if (memcmp(mine[v - from].b, named + 32 * (v - first), 32) != 0)
			*at = v;
	/* Before the first that both name it cannot be looked for. */
	if (*at > 1 && (*at == first || *at == from))
		*at = 0;
	free(mine);
	return rc;
}

static int
answer(struct peer *p, struct peer_scope *scope, int64_t first,
    const uint8_t *named, size_t n, struct err *err)
{
	int64_t at;
	int rc;

	if (scope->answered || p->s.roster_hashes == NULL)
		return err_set(err, YZ_EPEER, "Versions came twice");
	scope->answered = true;
	rc = find_parting(p, &at, scope->scope, first, named, n, err);
	if (rc != 0)
		return rc;
	if (at == 1 && strcmp(scope->scope, "root") == 0)
		return err_set(err, YZ_EDENIED,
		    "%s is of another federation: its first roster is not ours",
		    p->opt.other);
	if (at != 0)
		rc = say_version(p, scope->scope, at, err);
	if (rc != 0)
		return rc;
	buf_put_string(&p->scratch, scope->scope, strlen(scope->scope));
	buf_put_varint(&p->scratch, (uint64_t)first);
	buf_put_varint(&p->scratch, 0);
	peer_say(p, MSG_VERSIONS);
	return 0;
}

int
peer_roster_versions(struct peer *p, struct buf_reader *in, struct err *err)
{
	char name[ROSTER_SCOPE_MAX] = "";
	struct peer_scope *scope;
	const uint8_t *s, *named;
	int64_t first;
	uint64_t n;
	size_t len;
	int rc;

	s = buf_get_string(in, sizeof(name) - 1, &len);
	first = peer_receive_number(in, LIMIT_SEQ);
	n = buf_get_varint(in);
	if (p->opt.rosters)
		return err_set(
		    err, YZ_EPEER, "Versions in a session of rosters alone");
	if (s == NULL || memchr(s, '\0', len) != NULL || in->bad || first < 1)
		return err_set(err, YZ_EPEER, "Versions is malformed");
	if (n > LIMIT_VERSIONS)
		return err_set(err, YZ_EPEER,
		    "Versions of %llu hashes is over %d", (unsigned long long)n,
		    LIMIT_VERSIONS);
	memcpy(name, s, len);
	/* Who asks has heard of that scope from here. */
	scope = find_scope(p, name);
	if (scope == NULL)
		return err_set(
		    err, YZ_EPEER, "Versions of a roster that nobody named");
	if (n > 0) {
		named = buf_get_bytes(in, (size_t)n * 32);
		if (named == NULL)
			return err_set(err, YZ_EPEER, "Versions is cut short");
		return answer(p, scope, first, named, (size_t)n, err);
	}
	if (!scope->asked || scope->heard)
		return err_set(err, YZ_EPEER, "an answer to no question");
	scope->heard = true;
	p->partings--;
	/* Where both tellings are here now, the other is to know of mine. */
	rc = peer_roster_send(p, err);
	return rc == 0 ? peer_roster_settle(p, err) : rc;
}
