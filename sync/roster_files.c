#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"
#include "limit.h"
#include "pins.h"
#include "proposal.h"
#include "replica.h"
#include "roster_files.h"
#include "sign.h"

/* --- written ----------------------------------------------------------------
 */

struct writing {
	const char *dir;
	struct replica *r;
};

/* Does the document stand in the line of versions that count? */
static bool
counts(struct replica *r, const struct roster_doc *doc)
{
	struct roster_doc at = {.version = 0};
	struct err err;
	bool same;

	same =
	    replica_roster_doc(r, &at, doc->scope, doc->version, &err) == 0 &&
	    digest_equal(&at.hash, &doc->hash);
	roster_doc_free(&at);
	return same;
}

static int
write_doc(void *arg, const struct roster_doc *doc, const uint8_t oid[20],
    struct err *err)
{
	const struct writing *w = arg;
	char hex[17] = "", *path;
	struct buf sig = BUF_INIT;
	size_t i;
	int rc;

	(void)oid;
	if (!counts(w->r, doc))
		digest_hex(hex, doc->hash.b, 8);
	path = mem_printf("%s/%s-%lld%s%s", w->dir, doc->scope,
	    (long long)doc->version, hex[0] == '\0' ? "" : ".", hex);
	rc = file_write(path, doc->text.b, doc->text.len, 0644, err);
	for (i = 0; rc == 0 && i < doc->n_sigs; i++) {
		char *name = mem_printf("%s.%zu.sig", path, i + 1);

		buf_clear(&sig);
		sign_armour(
		    &sig, doc->sigs[i].sig, doc->sigs[i].key, SIGN_NS_ROSTER);
		rc = file_write(name, sig.b, sig.len, 0644, err);
		free(name);
	}
	buf_free(&sig);
	free(path);
	return rc;
}

int
roster_files_write(struct replica *r, const char *dir, struct err *err)
{
	struct writing w = {dir, r};
	int rc;

	rc = file_mkdir(dir, 0755, err);
	return rc == 0 ? replica_roster_each(r, write_doc, &w, err) : rc;
}

/* --- read --------------------------------------------------------------------
 */

struct reading {
	const char *dir;
	const struct pins *pins;
	struct roster_doc *docs;
	size_t n;
};

/* SCOPE-VERSION, or SCOPE-VERSION.HASH16. */
static bool
is_doc_name(const char *name)
{
	size_t scope = strcspn(name, "-"), version;
	const char *end;

	if (scope == 0 || scope >= ROSTER_SCOPE_MAX || name[scope] != '-')
		return false;
	version = strspn(name + scope + 1, "0123456789");
	end = name + scope + 1 + version;
	return version > 0 &&
	       (*end == '\0' ||
		   (*end == '.' && strspn(end + 1, "0123456789abcdef") == 16 &&
		       end[17] == '\0'));
}

/* Those that lie beside it: more of them than a document may have count for
 * nothing. */
static int
read_signatures(struct roster_doc *doc, const char *path, struct err *err)
{
	struct buf sig = BUF_INIT;
	int i, rc = 0;

	for (i = 1; rc == 0 && i <= LIMIT_ROSTER_KEYS; i++) {
		char *name = mem_printf("%s.%d.sig", path, i);

		buf_clear(&sig);
		if (file_exists(name)) {
			rc = file_read(&sig, name, LIMIT_PROPOSAL_SIGS, err);
			if (rc == 0)
				rc = proposal_add_signatures(
				    doc, sig.b, sig.len, err);
		} else {
			i = LIMIT_ROSTER_KEYS;
		}
		free(name);
	}
	buf_free(&sig);
	return rc;
}

static int
read_doc(
    void *arg, const char *name, int64_t size, int64_t mtime, struct err *err)
{
	struct reading *in = arg;
	struct buf text = BUF_INIT;
	struct roster_doc *doc;
	char *path;
	int rc;

	(void)size, (void)mtime;
	if (!is_doc_name(name))
		return 0;
	if (in->n == LIMIT_VERSIONS)
		return err_set(err, YZ_EINVAL, "%s: over %d roster documents",
		    in->dir, LIMIT_VERSIONS);
	if ((in->n & (in->n - 1)) == 0)
		in->docs = mem_realloc(
		    in->docs, (in->n == 0 ? 1 : 2 * in->n) * sizeof(*in->docs));
	doc = &in->docs[in->n];
	path = mem_printf("%s/%s", in->dir, name);
	rc = file_read(&text, path, LIMIT_ROSTER, err);
	if (rc == 0)
		rc = proposal_read(doc, text.b, text.len, err);
	if (rc == 0) {
		in->n++;
		rc = read_signatures(doc, path, err);
	}
	if (rc != 0)
		err_within(err, "%.200s", name);
	buf_free(&text);
	free(path);
	return rc;
}

/* The one that doc names as the version before it; or, if that is not there,
 * another of that version, which it cannot follow; or NULL. */
static const struct roster_doc *
root_before(const struct reading *in, const struct roster_doc *doc,
    const struct digest *prev)
{
	const struct roster_doc *other = NULL;
	size_t i;

	for (i = 0; i < in->n; i++) {
		const struct roster_doc *at = &in->docs[i];

		if (strcmp(at->scope, "root") != 0 ||
		    at->version != doc->version - 1)
			continue;
		if (digest_equal(&at->hash, prev))
			return at;
		other = at;
	}
	return other;
}

static int
check_version(const struct reading *in, const struct roster_doc *before,
    const struct roster_doc *doc, struct err *err)
{
	char fingerprint[SIGN_FINGERPRINT_LEN];
	struct err ignored;
	int rc = roster_follows(NULL, before, doc, err);

	if (rc != YZ_EDENIED ||
	    roster_follows_pinned(before, doc, &ignored) != 0)
		return rc;
	if (pins_place(in->pins, &doc->hash) != 0)
		return 0;
	pins_fingerprint(fingerprint, &doc->hash);
	return err_set(err, YZ_EDENIED,
	    "%s/root-%lld: the root keys of the version before have not signed"
	    " it; if it was announced with the fingerprint %s, give that with"
	    " --pin",
	    in->dir, (long long)doc->version, fingerprint);
}

static int
check_root(const struct reading *in, struct err *err)
{
	const struct roster_doc *before;
	struct roster_held held;
	bool any = false;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < in->n; i++) {
		if (strcmp(in->docs[i].scope, "root") != 0)
			continue;
		any = true;
		rc = roster_held_read(&held, &in->docs[i], err);
		if (rc != 0)
			break;
		before = root_before(in, &in->docs[i], &held.prev);
		if (before != NULL)
			rc = check_version(in, before, &in->docs[i], err);
		roster_held_free(&held);
	}
	return rc == 0 && !any
		   ? err_set(err, YZ_ENOTFOUND,
			 "%s has no roster: yizhan roster --write makes one",
			 in->dir)
		   : rc;
}

int
roster_files_read(struct roster **out, const char *dir, const struct pins *pins,
    struct err *err)
{
	struct reading in = {.dir = dir, .pins = pins};
	size_t i;
	int rc;

	rc = folder_walk(dir, read_doc, &in, err);
	if (rc == 0)
		rc = check_root(&in, err);
	if (rc == 0)
		rc = roster_build_pinned(out, in.docs, in.n, pins, err);
	for (i = 0; i < in.n; i++)
		roster_doc_free(&in.docs[i]);
	free(in.docs);
	return rc;
}
