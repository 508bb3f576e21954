#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "limit.h"
#include "roster.h"
#include "roster_doc.h"
#include "roster_impl.h"
#include "roster_rule.h"
#include "roster_tree.h"
#include "sign.h"

void
roster_free(struct roster *roster)
{
	size_t i;

	if (roster == NULL)
		return;
	for (i = 0; i < roster->n_scopes; i++)
		roster_doc_release(&roster->parts[i]);
	free(roster->scopes);
	free(roster->parts);
	free(roster->counts);
	free(roster->all);
	free(roster->codes);
	free(roster->parent);
	free(roster->clashes);
	free(roster);
}

/* --- looking things up -------------------------------------------------- */

const struct roster_station *
roster_find(const struct roster *roster, const char *code)
{
	int at = roster_index_place(roster, code);

	return at < 0 ? NULL : roster->all[at];
}

size_t
roster_count(const struct roster *roster)
{
	return roster->n;
}

const struct roster_station *
roster_at(const struct roster *roster, size_t i)
{
	return i < roster->n ? roster->all[i] : NULL;
}

const struct roster_station *
roster_clash(const struct roster *roster, size_t i)
{
	return i < roster->n_clashes ? roster->clashes[i] : NULL;
}

const char *
roster_root(const struct roster *roster)
{
	return roster->root == NULL ? "" : roster->root->root;
}

int64_t
roster_threshold(const struct roster *roster)
{
	return roster->root == NULL ? 0 : roster->root->threshold;
}

const struct roster_scope *
roster_scope_at(const struct roster *roster, size_t i)
{
	return i < roster->n_scopes ? &roster->scopes[i] : NULL;
}

/* A scope's place, or n_scopes. */
static size_t
scope_place(const struct roster *roster, const char *scope)
{
	size_t i;

	for (i = 0; i < roster->n_scopes; i++)
		if (strcmp(roster->scopes[i].scope, scope) == 0)
			break;
	return i;
}

const struct roster_scope *
roster_scope(const struct roster *roster, const char *scope)
{
	return roster_scope_at(roster, scope_place(roster, scope));
}

int64_t
roster_version(const struct roster *roster, const char *scope)
{
	size_t i = scope_place(roster, scope);

	return i < roster->n_scopes && roster->counts[i]
		   ? roster->parts[i].version
		   : 0;
}

bool
roster_decided(const struct roster *roster, const char *scope, int64_t version,
    struct digest *hash)
{
	size_t i;

	for (i = 0; roster->root != NULL && i < roster->root->n_decided; i++) {
		const struct roster_decision *d = &roster->root->decided[i];

		if (d->version != version || strcmp(d->scope, scope) != 0)
			continue;
		*hash = d->hash;
		return true;
	}
	return false;
}

bool
roster_signer(
    const struct roster *roster, const char *scope, const uint8_t key[32])
{
	const struct roster_station *st = roster_find(roster, scope);
	size_t i;

	for (i = 0; st != NULL && i < st->n_keys; i++)
		if (memcmp(st->keys[i].sign, key, 32) == 0)
			return true;
	return false;
}

static bool
is_parent(const struct roster *roster, const char *a, const char *b)
{
	const struct roster_station *st = roster_find(roster, b);

	return st != NULL && strcmp(st->parent, a) == 0;
}

bool
roster_within(const struct roster *roster, const char *scope, const char *code)
{
	return roster_find(roster, code) != NULL &&
	       (strcmp(scope, "root") == 0 || strcmp(scope, code) == 0 ||
		   roster_is_ancestor(roster, scope, code));
}

bool
roster_peers_at(const struct roster *roster, size_t i, struct roster_peers *out)
{
	size_t s, k;

	for (s = 0; s < roster->n_scopes; s++) {
		const struct roster_part *part = &roster->parts[s];

		for (k = 0; roster->counts[s] && k < part->n_peers; k++) {
			const struct roster_peers *v = &part->peers[k];

			if (roster_within(roster, part->scope, v->a) &&
			    roster_within(roster, part->scope, v->b) &&
			    i-- == 0) {
				*out = *v;
				return true;
			}
		}
	}
	return false;
}

static bool
lists_peers(const struct roster_part *part, const char *a, const char *b)
{
	size_t i;

	for (i = 0; i < part->n_peers; i++)
		if (strcmp(part->peers[i].a, a) == 0 &&
		    strcmp(part->peers[i].b, b) == 0)
			return true;
	return false;
}

bool
roster_may_call(
    const struct roster *roster, const char *caller, const char *called)
{
	const char *low = strcmp(caller, called) < 0 ? caller : called;
	const char *high = low == caller ? called : caller;
	size_t i;

	if (is_parent(roster, called, caller))
		return true;
	for (i = 0; i < roster->n_scopes; i++)
		if (roster->counts[i] &&
		    lists_peers(&roster->parts[i], low, high) &&
		    roster_within(roster, roster->parts[i].scope, low) &&
		    roster_within(roster, roster->parts[i].scope, high))
			return true;
	return false;
}

bool
roster_may_speak(const struct roster *roster, const char *a, const char *b)
{
	return roster_may_call(roster, a, b) || roster_may_call(roster, b, a);
}

bool
roster_is_ancestor(const struct roster *roster, const char *a, const char *d)
{
	int above = roster_index_place(roster, a),
	    at = roster_index_place(roster, d);

	if (above < 0 || at < 0)
		return false;
	while ((at = roster->parent[at]) >= 0)
		if (at == above)
			return true;
	return false;
}

const struct roster_key *
roster_current(const struct roster_station *st)
{
	const struct roster_key *last = &st->keys[st->n_keys - 1];

	return last->ended ? NULL : last;
}

/* Does the key name an incarnation: list it, or an end of a chain of it? */
static bool
has_inc(const struct roster_key *key, const char *inc)
{
	size_t i;

	for (i = 0; i < key->n_incs; i++)
		if (strcmp(key->incs[i], inc) == 0)
			return true;
	for (i = 0; i < key->n_ends; i++)
		if (strcmp(key->ends[i].chain.inc, inc) == 0)
			return true;
	return false;
}

static bool
lists(const struct roster_station *st, const char *inc)
{
	size_t i;

	for (i = 0; i < st->n_keys; i++)
		if (has_inc(&st->keys[i], inc))
			return true;
	return false;
}

bool
roster_lists(const struct roster *roster, const struct chain_name *c)
{
	const struct roster_station *st = roster_find(roster, c->writer);

	return st != NULL && lists(st, c->inc);
}

const struct roster_key *
roster_key(const struct roster *roster, const struct chain_name *c, size_t i)
{
	const struct roster_station *st = roster_find(roster, c->writer);
	bool listed;
	size_t k;

	if (st == NULL)
		return NULL;
	listed = lists(st, c->inc);
	for (k = 0; k < st->n_keys; k++) {
		if (listed && !has_inc(&st->keys[k], c->inc))
			continue;
		if (i-- == 0)
			return &st->keys[k];
	}
	return NULL;
}

int64_t
roster_key_until(const struct roster_key *key, const struct chain_name *c)
{
	size_t i;

	for (i = 0; i < key->n_ends; i++)
		if (chain_equal(&key->ends[i].chain, c))
			return key->ends[i].seq;
	return key->ended ? 0 : INT64_MAX;
}

const struct roster_end *
roster_end(const struct roster *roster, const struct chain_name *c, size_t i)
{
	const struct roster_station *st = roster_find(roster, c->writer);
	size_t k, e;

	for (k = 0; st != NULL && k < st->n_keys; k++)
		for (e = 0; e < st->keys[k].n_ends; e++)
			if (chain_equal(&st->keys[k].ends[e].chain, c) &&
			    i-- == 0)
				return &st->keys[k].ends[e];
	return NULL;
}

static void
put_signer(struct buf *out, const char *who, const char *namespaces,
    const uint8_t key[32])
{
	buf_printf(
	    out, "%s@yizhan.invalid namespaces=\"%s\" ", who, namespaces);
	sign_public_line(out, key);
	buf_putc(out, '\n');
}

void
roster_allowed_signers(struct buf *out, const struct roster *roster)
{
	size_t i, k;

	if (roster->root == NULL)
		return;
	for (i = 0; i < roster->root->n_root_keys; i++)
		put_signer(
		    out, "root", SIGN_NS_ROSTER, roster->root->root_keys[i]);
	for (i = 0; i < roster->n; i++) {
		const struct roster_station *st = roster->all[i];
		bool enrols = roster_version(roster, st->code) != 0;

		for (k = 0; k < st->n_keys; k++)
			put_signer(out, st->code,
			    enrols ? SIGN_NS_CHANGESET "," SIGN_NS_RECEIPT
						       "," SIGN_NS_ROSTER
				   : SIGN_NS_CHANGESET "," SIGN_NS_RECEIPT,
			    st->keys[k].sign);
	}
}

/* --- versions ----------------------------------------------------------- */

/* Who must have signed a version of a sub-roster, by the roster held. */
static int
sub_signed(
    const struct roster *roster, const struct roster_doc *doc, struct err *err)
{
	const struct roster_station *st;

	st = roster == NULL ? NULL : roster_find(roster, doc->scope);
	if (st == NULL)
		return err_set(err, YZ_EDENIED,
		    "roster %s: no such station is enrolled", doc->scope);
	/* Deeper than that it would be signed, sent and never count. */
	if (roster_index_level(
		roster, roster_index_place(roster, doc->scope)) >= LIMIT_TREE)
		return err_set(err, YZ_EDENIED,
		    "roster %s: its stations would stand over %d levels deep",
		    doc->scope, LIMIT_TREE);
	return roster_rule_signed_by_station(doc, st, true, err);
}

static int
follows(const struct roster *roster, const struct roster_doc *cur,
    const struct roster_part *was, const struct roster_doc *next,
    const struct roster_part *is, bool pinned, struct err *err)
{
	bool root = strcmp(is->scope, "root") == 0;
	int rc;

	if (is->version != (cur == NULL ? 1 : was->version + 1))
		return err_set(err, YZ_ECONFLICT,
		    "roster %s: version %lld is not the next", is->scope,
		    (long long)is->version);
	if (cur != NULL && (strcmp(was->scope, is->scope) != 0 ||
			       !digest_equal(&is->prev, &cur->hash)))
		return err_set(err, YZ_EDENIED,
		    "roster %s: version %lld does not follow the one held",
		    is->scope, (long long)is->version);
	if (!root)
		rc = sub_signed(roster, next, err);
	else
		rc = roster_rule_signed_by_root(next, is, err);
	if (rc == 0 && root && cur != NULL && !pinned)
		rc = roster_rule_signed_by_root(next, was, err);
	if (rc == 0 && cur != NULL)
		rc = roster_rule_keeps(was, is, err);
	return rc;
}

static int
parse_and_follow(const struct roster *roster, const struct roster_doc *cur,
    const struct roster_doc *next, bool pinned, struct err *err)
{
	struct roster_part was = {0}, is;
	int rc = 0;

	if (cur != NULL)
		rc = roster_parse_part(&was, cur->text.b, cur->text.len, err);
	if (rc != 0)
		return rc;
	rc = roster_parse_part(&is, next->text.b, next->text.len, err);
	if (rc == 0) {
		rc = follows(roster, cur, &was, next, &is, pinned, err);
		roster_doc_release(&is);
	}
	roster_doc_release(&was);
	return rc;
}

int
roster_follows(const struct roster *roster, const struct roster_doc *cur,
    const struct roster_doc *next, struct err *err)
{
	return parse_and_follow(roster, cur, next, false, err);
}

int
roster_follows_pinned(const struct roster_doc *cur,
    const struct roster_doc *next, struct err *err)
{
	if (strcmp(next->scope, "root") != 0)
		return err_set(err, YZ_EINVAL,
		    "roster %s: only a root part is pinned", next->scope);
	return parse_and_follow(NULL, cur, next, true, err);
}
