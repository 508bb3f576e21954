#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "limit.h"
#include "roster_doc.h"
#include "roster_impl.h"
#include "roster_rule.h"
#include "roster_tree.h"

/*
 * A claim: a code that a document lists.  Claims are compared level by level:
 * what the root part lists is level 0, what the sub-rosters of stations known
 * at level n list is level n + 1.  Keys are not claimed: what is signed names
 * whose chain it is for, so who lists another's public key gains nothing, and
 * must not be able to take it from him either.
 */
struct claim {
	char code[CHAIN_CODE_LEN + 1];
	int level;
	size_t station; /* its place in found[] */
};

struct found { /* a station on some document, while building */
	const struct roster_station *st;
	bool clash; /* it does not count */
};

struct build {
	const struct roster_source *from;
	struct claim *claims;
	size_t n_claims, max_claims;
	struct found *found;
	size_t n_found, max_found;
};

static void
claim(struct build *b, const char *code, int level, size_t station)
{
	struct claim *c;

	if (b->n_claims == b->max_claims) {
		b->max_claims = b->max_claims * 2 + 64;
		b->claims =
		    mem_realloc(b->claims, b->max_claims * sizeof(*b->claims));
	}
	c = &b->claims[b->n_claims++];
	memcpy(c->code, code, sizeof(c->code));
	c->level = level;
	c->station = station;
}

static int
compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int d = strcmp(x->code, y->code);

	return d != 0 ? d : x->level - y->level;
}

/* Of those who claim the same, only one alone at the lowest level stands. */
static void
mark_clashes(struct build *b, int level)
{
	size_t i, j;

	if (b->n_claims == 0)
		return;
	qsort(b->claims, b->n_claims, sizeof(*b->claims), compare_claims);
	for (i = 0; i < b->n_claims; i = j) {
		const struct claim *first = &b->claims[i];

		for (j = i + 1; j < b->n_claims; j++) {
			const struct claim *c = &b->claims[j];

			if (strcmp(c->code, first->code) != 0)
				break;
			if (c->level != level)
				continue;
			b->found[c->station].clash = true;
			if (first->level == level)
				b->found[first->station].clash = true;
		}
	}
}

static uint32_t
number(const char *code)
{
	uint32_t v = 0;
	int i;

	for (i = 0; i < CHAIN_CODE_LEN; i++) {
		if (code[i] < '0' || code[i] > '9')
			return UINT32_MAX;
		v = v * 10 + (uint32_t)(code[i] - '0');
	}
	return code[i] == '\0' ? v : UINT32_MAX;
}

static int
compare_stations(const void *a, const void *b)
{
	const struct roster_station *const *x = a, *const *y = b;

	return strcmp((*x)->code, (*y)->code);
}

int
roster_index_place(const struct roster *roster, const char *code)
{
	uint32_t want = number(code);
	size_t lo = 0, hi = roster->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (roster->codes[mid] < want)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < roster->n && roster->codes[lo] == want ? (int)lo : -1;
}

/* Sort what counts so far, and find the parents' places. */
static void
index_stations(struct roster *roster)
{
	size_t i;

	if (roster->n == 0)
		return;
	qsort(roster->all, roster->n, sizeof(*roster->all), compare_stations);
	for (i = 0; i < roster->n; i++)
		roster->codes[i] = number(roster->all[i]->code);
	for (i = 0; i < roster->n; i++)
		roster->parent[i] =
		    roster_index_place(roster, roster->all[i]->parent);
}

int
roster_index_level(const struct roster *roster, int at)
{
	int n = 0;

	for (; at >= 0; at = roster->parent[at])
		n++;
	return n;
}

/* Room for n more stations. */
static void
make_room(struct roster *roster, struct build *b, size_t n)
{
	size_t max;

	if (b->n_found + n <= b->max_found)
		return;
	max = b->max_found = 2 * b->n_found + n + 64;
	b->found = mem_realloc(b->found, max * sizeof(*b->found));
	roster->all = mem_realloc(roster->all, max * sizeof(*roster->all));
	roster->codes =
	    mem_realloc(roster->codes, max * sizeof(*roster->codes));
	roster->parent =
	    mem_realloc(roster->parent, max * sizeof(*roster->parent));
	roster->clashes =
	    mem_realloc(roster->clashes, max * sizeof(*roster->clashes));
}

/* What lists a code that is not its own to list claims nothing. */
static void
claim_part(struct build *b, const struct roster_part *part, int level)
{
	size_t i;

	for (i = 0; i < part->n_stations; i++) {
		const struct roster_station *st = &part->stations[i];
		bool own = roster_rule_may_list(part->scope, st->code);

		if (own)
			claim(b, st->code, level, b->n_found);
		b->found[b->n_found].st = st;
		b->found[b->n_found].clash = !own;
		b->n_found++;
	}
}

/* The document of a sub-roster that counts, if its station is known: 1. */
static int
read_scope(struct roster *roster, struct build *b, size_t i, struct err *err)
{
	struct roster_scope *scope = &roster->scopes[i];
	int at = roster_index_place(roster, scope->scope), rc = 0;
	struct roster_doc doc = {.version = 0};
	const struct roster_held *newest;
	struct roster_tree tree;
	struct err why;

	if (at < 0 || roster_index_level(roster, at) >= LIMIT_TREE)
		return 0;
	roster_tree_begin(&tree, scope->scope, b->from->held, b->from->n);
	newest = roster_tree_walk(scope, &tree, roster->all[at],
	    roster->root->decided, roster->root->n_decided);
	if (newest != NULL) {
		rc = roster_read_part(roster, i, newest, &doc, b->from, err);
		if (rc == 0)
			rc = roster_rule_signed_by_station(
				 &doc, roster->all[at], false, &why) == 0;
		if (rc == 0)
			roster_doc_release(&roster->parts[i]);
		roster_doc_free(&doc);
	}
	roster_tree_free(&tree);
	return rc;
}

/* Take in every document whose station is known since the level before: 1;
 * 0 when there was none. */
static int
build_level(struct roster *roster, struct build *b, int level, struct err *err)
{
	size_t from = b->n_found, i;
	bool any = false;
	int rc;

	for (i = 0; i < roster->n_scopes; i++) {
		const struct roster_part *part = &roster->parts[i];

		if (part != roster->root) {
			rc = roster->counts[i] || level == 0
				 ? 0
				 : read_scope(roster, b, i, err);
			if (rc < 0)
				return rc;
			roster->counts[i] |= rc == 1;
		} else
			rc = level == 0;
		if (rc == 0)
			continue;
		make_room(roster, b, part->n_stations);
		claim_part(b, part, level);
		any = true;
	}
	mark_clashes(b, level);
	for (i = from; i < b->n_found; i++) {
		if (b->found[i].clash)
			roster->clashes[roster->n_clashes++] = b->found[i].st;
		else
			roster->all[roster->n++] = b->found[i].st;
	}
	index_stations(roster);
	return any;
}

/* Whose station is not listed, or signed none of it: what is held says
 * nothing, but how far it goes is to be known. */
static void
walk_silent(struct roster *roster, const struct roster_source *from)
{
	struct roster_tree tree;
	size_t i;

	for (i = 0; i < roster->n_scopes; i++) {
		if (roster->counts[i] || &roster->parts[i] == roster->root)
			continue;
		roster_tree_begin(
		    &tree, roster->scopes[i].scope, from->held, from->n);
		(void)roster_tree_walk(&roster->scopes[i], &tree, NULL,
		    roster->root == NULL ? NULL : roster->root->decided,
		    roster->root == NULL ? 0 : roster->root->n_decided);
		roster_tree_free(&tree);
	}
}

int
roster_index_build(
    struct roster *roster, const struct roster_source *from, struct err *err)
{
	struct build b = {.from = from};
	int level = 0, rc = roster->root != NULL;

	while (rc == 1) {
		rc = build_level(roster, &b, level, err);
		level++;
	}
	if (rc == 0)
		walk_silent(roster, from);
	free(b.claims);
	free(b.found);
	return rc;
}
