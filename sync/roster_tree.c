#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "limit.h"
#include "roster_doc.h"
#include "roster_tree.h"

static const struct digest zero;

static int
compare(const void *a, const void *b)
{
	const struct roster_held *const *x = a, *const *y = b;

	if ((*x)->version != (*y)->version)
		return (*x)->version < (*y)->version ? -1 : 1;
	return memcmp((*x)->hash.b, (*y)->hash.b, sizeof((*x)->hash.b));
}

void
roster_tree_begin(struct roster_tree *out, const char *scope,
    const struct roster_held *held, size_t n)
{
	size_t i;

	out->v = mem_calloc(n + 1, sizeof(*out->v));
	out->n = 0;
	for (i = 0; i < n; i++)
		if (strcmp(held[i].scope, scope) == 0)
			out->v[out->n++] = &held[i];
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), compare);
}

void
roster_tree_free(struct roster_tree *tree)
{
	free(tree->v);
	tree->v = NULL;
	tree->n = 0;
}

/* The place of the first of a version, or of one above. */
static size_t
first(const struct roster_tree *tree, int64_t version)
{
	size_t low = 0, high = tree->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (tree->v[mid]->version < version)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static const struct roster_held *
find(const struct roster_tree *tree, int64_t version, const struct digest *hash)
{
	size_t i;

	for (i = first(tree, version);
	     i < tree->n && tree->v[i]->version == version; i++)
		if (digest_equal(&tree->v[i]->hash, hash))
			return tree->v[i];
	return NULL;
}

const struct roster_held *
roster_tree_find(const struct roster_tree *tree, const struct digest *hash)
{
	size_t i;

	for (i = 0; i < tree->n; i++)
		if (digest_equal(&tree->v[i]->hash, hash))
			return tree->v[i];
	return NULL;
}

static const struct roster_held *
before(const struct roster_tree *tree, const struct roster_held *d)
{
	return find(tree, d->version - 1, &d->prev);
}

/* Does one lead to the other, or is it that one? */
static bool
leads_to(const struct roster_tree *tree, const struct roster_held *a,
    const struct roster_held *d)
{
	while (d != NULL && d->version > a->version)
		d = before(tree, d);
	return d == a;
}

/* --- what stands in a place ------------------------------------------------
 */

struct walk {
	const struct roster_tree *tree;
	const struct roster_station *station;
	const struct roster_decision *decided;
	size_t n_decided;
	/* Where an ended key's last document is, by key; NULL: not held. */
	const struct roster_held *last[LIMIT_ROSTER_KEYS];
};

/* Is it signed by who may?  An ended key signs no further than its entry
 * names, and nothing beside. */
static bool
is_valid(const struct walk *w, const struct roster_held *d)
{
	size_t i;

	if (w->station == NULL)
		return true;
	for (i = 0; i < w->station->n_keys; i++) {
		const struct roster_key *key = &w->station->keys[i];

		if (memcmp(key->sign, d->signer, sizeof(d->signer)) != 0)
			continue;
		return !key->ended ||
		       (w->last[i] != NULL && leads_to(w->tree, d, w->last[i]));
	}
	return false;
}

/* Does the root's decision exclude it? */
static bool
is_excluded(const struct walk *w, const struct roster_held *d)
{
	size_t i;

	for (i = 0; i < w->n_decided; i++)
		if (w->decided[i].version == d->version &&
		    strcmp(w->decided[i].scope, d->scope) == 0)
			return !digest_equal(&w->decided[i].hash, &d->hash);
	return false;
}

/* Of the root part: the highest version held that leads on from d and
 * decides for it; 0: none. */
static int64_t
decided_for(const struct roster_tree *tree, const struct roster_held *d)
{
	size_t i, k;

	for (i = tree->n; i > 0 && tree->v[i - 1]->version > d->version; i--) {
		const struct roster_held *late = tree->v[i - 1];

		for (k = 0; k < late->n_decides; k++)
			if (digest_equal(&late->decides[k], &d->hash) &&
			    leads_to(tree, d, late))
				return late->version;
	}
	return 0;
}

/* The place of the newest pin that d leads to; 0: none.  Who pins a document
 * has pinned all before it, too: each names the one before it by its hash. */
static size_t
pinned_for(const struct roster_tree *tree, const struct roster_held *d)
{
	size_t pinned = d->pinned, i;

	for (i = tree->n; i > 0 && tree->v[i - 1]->version > d->version; i--) {
		const struct roster_held *late = tree->v[i - 1];

		if (late->pinned > pinned && leads_to(tree, d, late))
			pinned = late->pinned;
	}
	return pinned;
}

/* The two, or the first two of more. */
static void
contest(struct roster_scope *out, const struct roster_held *a,
    const struct roster_held *b)
{
	if (out->contested)
		return;
	out->contested = true;
	out->pair[0] = a->hash;
	out->pair[1] = b->hash;
}

/* What counts after x. */
static const struct roster_held *
next(
    struct roster_scope *out, const struct walk *w, const struct roster_held *x)
{
	const struct roster_tree *tree = w->tree;
	const struct roster_held *one = NULL;
	int64_t best = 0, decided, version;
	size_t pinned = 0, pin;
	bool root = strcmp(out->scope, "root") == 0;
	size_t i;

	if (tree->n == 0)
		return NULL;
	version = x == NULL ? tree->v[0]->version : x->version + 1;
	for (i = first(tree, version);
	     i < tree->n && tree->v[i]->version == version; i++) {
		const struct roster_held *d = tree->v[i];

		if ((x != NULL && !digest_equal(&d->prev, &x->hash)) ||
		    !is_valid(w, d) || is_excluded(w, d))
			continue;
		decided = root ? decided_for(tree, d) : 0;
		pin = root ? pinned_for(tree, d) : 0;
		if (one == NULL || pin > pinned ||
		    (pin == pinned && decided > best)) {
			one = d;
			best = decided;
			pinned = pin;
			out->contested = false;
		} else if (pin == pinned && decided == best)
			contest(out, one, d);
	}
	return out->contested ? NULL : one;
}

const struct roster_held *
roster_tree_walk(struct roster_scope *out, const struct roster_tree *tree,
    const struct roster_station *station, const struct roster_decision *decided,
    size_t n_decided)
{
	struct walk w = {.tree = tree,
	    .station = station,
	    .decided = decided,
	    .n_decided = n_decided};
	const struct roster_held *x = NULL, *d;
	size_t i;

	for (i = 0; station != NULL && i < station->n_keys; i++)
		if (!digest_equal(&station->keys[i].roster, &zero))
			w.last[i] =
			    roster_tree_find(tree, &station->keys[i].roster);
	out->held = tree->n == 0 ? 0 : tree->v[tree->n - 1]->version;
	out->version = 0;
	out->hash = zero;
	out->contested = false;
	while ((d = next(out, &w, x)) != NULL) {
		x = d;
		out->version = d->version;
		out->hash = d->hash;
	}
	return x;
}
