#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "pins.h"
#include "roster_doc.h"
#include "roster_impl.h"
#include "roster_rule.h"
#include "roster_tree.h"

/* --- what is held ------------------------------------------------------ */

int
roster_held_read(
    struct roster_held *out, const struct roster_doc *doc, struct err *err)
{
	struct roster_part part;
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = roster_parse_part(&part, doc->text.b, doc->text.len, err);
	if (rc != 0)
		return rc;
	memcpy(out->scope, part.scope, sizeof(out->scope));
	out->version = part.version;
	out->hash = doc->hash;
	out->prev = part.prev;
	if (doc->n_sigs > 0)
		memcpy(out->signer, doc->sigs[0].key, sizeof(out->signer));
	out->decides = mem_calloc(part.n_decided + 1, sizeof(*out->decides));
	for (i = 0; i < part.n_decided; i++)
		if (strcmp(part.decided[i].scope, "root") == 0)
			out->decides[out->n_decides++] = part.decided[i].hash;
	roster_doc_release(&part);
	return 0;
}

void
roster_held_free(struct roster_held *held)
{
	free(held->decides);
	held->decides = NULL;
	held->n_decides = 0;
}

/* --- building ---------------------------------------------------------- */

static int
compare_scopes(const void *a, const void *b)
{
	const struct roster_scope *x = a, *y = b;
	bool x_root = strcmp(x->scope, "root") == 0;
	bool y_root = strcmp(y->scope, "root") == 0;

	return x_root != y_root ? y_root - x_root : strcmp(x->scope, y->scope);
}

static void
list_scopes(struct roster *roster, const struct roster_source *from)
{
	size_t i, n = 0;

	roster->scopes = mem_calloc(from->n + 1, sizeof(*roster->scopes));
	for (i = 0; i < from->n; i++)
		memcpy(roster->scopes[i].scope, from->held[i].scope,
		    sizeof(roster->scopes[i].scope));
	if (from->n > 1)
		qsort(roster->scopes, from->n, sizeof(*roster->scopes),
		    compare_scopes);
	for (i = 0; i < from->n; i++)
		if (n == 0 || strcmp(roster->scopes[n - 1].scope,
				  roster->scopes[i].scope) != 0)
			roster->scopes[n++] = roster->scopes[i];
	roster->n_scopes = n;
	roster->parts = mem_calloc(n + 1, sizeof(*roster->parts));
	roster->counts = mem_calloc(n + 1, sizeof(*roster->counts));
}

int
roster_read_part(struct roster *roster, size_t i,
    const struct roster_held *which, struct roster_doc *doc,
    const struct roster_source *from, struct err *err)
{
	int rc = from->read(from->arg, doc, which, err);

	return rc != 0 ? rc
		       : roster_parse_part(&roster->parts[i], doc->text.b,
			     doc->text.len, err);
}

static int
read_root(
    struct roster *roster, const struct roster_source *from, struct err *err)
{
	struct roster_doc doc = {.version = 0};
	const struct roster_held *newest;
	struct roster_tree tree;
	int rc = 0;

	if (roster->n_scopes == 0 ||
	    strcmp(roster->scopes[0].scope, "root") != 0)
		return 0;
	roster_tree_begin(&tree, "root", from->held, from->n);
	newest = roster_tree_walk(&roster->scopes[0], &tree, NULL, NULL, 0);
	roster_tree_free(&tree);
	if (newest == NULL)
		return 0;
	rc = roster_read_part(roster, 0, newest, &doc, from, err);
	if (rc == 0)
		rc = roster_rule_signed_by_root(&doc, &roster->parts[0], err);
	roster_doc_free(&doc);
	if (rc != 0)
		return rc;
	roster->root = &roster->parts[0];
	roster->counts[0] = true;
	return 0;
}

int
roster_build_held(struct roster **out, const struct roster_held *held, size_t n,
    roster_read_fn read, void *arg, struct err *err)
{
	struct roster_source from = {held, n, read, arg};
	struct roster *roster = mem_calloc(1, sizeof(*roster));
	int rc;

	list_scopes(roster, &from);
	rc = read_root(roster, &from, err);
	if (rc == 0)
		rc = roster_index_build(roster, &from, err);
	if (rc != 0)
		roster_free(roster);
	else
		*out = roster;
	return rc;
}

struct whole { /* documents that are all here */
	const struct roster_doc *docs;
	struct roster_held *held;
	size_t n;
};

static int
read_whole(void *arg, struct roster_doc *out, const struct roster_held *which,
    struct err *err)
{
	const struct whole *w = arg;
	const struct roster_doc *doc = &w->docs[which - w->held];
	struct buf bytes = BUF_INIT;
	int rc;

	roster_doc_pack(&bytes, doc);
	rc = roster_doc_unpack(out, bytes.b, bytes.len, err);
	buf_free(&bytes);
	return rc;
}

int
roster_build_pinned(struct roster **out, const struct roster_doc *docs,
    size_t n, const struct pins *pins, struct err *err)
{
	struct whole w = {.docs = docs};
	int rc = 0;

	w.held = mem_calloc(n + 1, sizeof(*w.held));
	while (rc == 0 && w.n < n) {
		rc = roster_held_read(&w.held[w.n], &docs[w.n], err);
		if (rc == 0 && strcmp(w.held[w.n].scope, "root") == 0)
			w.held[w.n].pinned = pins_place(pins, &docs[w.n].hash);
		w.n += rc == 0;
	}
	if (rc == 0)
		rc = roster_build_held(out, w.held, n, read_whole, &w, err);
	while (w.n > 0)
		roster_held_free(&w.held[--w.n]);
	free(w.held);
	return rc;
}

int
roster_build(struct roster **out, const struct roster_doc *docs, size_t n,
    struct err *err)
{
	static const struct pins none;

	return roster_build_pinned(out, docs, n, &none, err);
}
