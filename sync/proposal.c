#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "home.h"
#include "limit.h"
#include "proposal.h"
#include "replica.h"
#include "roster_change.h"
#include "roster_doc.h"
#include "sign.h"

#define END_LINE "-----END SSH SIGNATURE-----"

int
proposal_read(
    struct roster_doc *out, const void *text, size_t n, struct err *err)
{
	struct roster_part part;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = roster_parse_part(&part, text, n, err);
	if (rc != 0)
		return rc;
	memcpy(out->scope, part.scope, sizeof(out->scope));
	out->version = part.version;
	buf_put(&out->text, text, n);
	digest_sha256(&out->hash, text, n);
	roster_doc_release(&part);
	return 0;
}

int
proposal_add_signatures(
    struct roster_doc *doc, const void *armours, size_t n, struct err *err)
{
	struct buf b = BUF_INIT;
	uint8_t sig[64], key[32];
	const char *s, *end;
	int rc = 0;

	if (n > LIMIT_PROPOSAL_SIGS)
		return err_set(err, YZ_EINVAL, "over %u bytes of signatures",
		    LIMIT_PROPOSAL_SIGS);
	buf_put(&b, armours, n);
	for (s = buf_str(&b); rc == 0 && *s != '\0'; s = end) {
		end = strstr(s, END_LINE "\n");
		if (end == NULL) {
			rc = err_set(err, YZ_ECORRUPT,
			    "this is no signature that ssh-keygen makes");
			break;
		}
		end += strlen(END_LINE "\n");
		rc = sign_unarmour(
		    sig, key, SIGN_NS_ROSTER, s, (size_t)(end - s), err);
		if (rc == 0)
			rc = roster_doc_add_signature(doc, key, sig, err);
	}
	buf_free(&b);
	return rc;
}

void
proposal_signatures(struct buf *out, const struct roster_doc *doc)
{
	size_t i;

	for (i = 0; i < doc->n_sigs; i++)
		sign_armour(
		    out, doc->sigs[i].sig, doc->sigs[i].key, SIGN_NS_ROSTER);
}

int
proposal_root_keys(
    uint8_t (*keys)[32], size_t *n, const char *path, struct err *err)
{
	struct buf text = BUF_INIT;
	const char *s, *next;
	int rc;

	*n = 0;
	rc = file_read(&text, path, LIMIT_PROPOSAL_SIGS, err);
	for (s = rc == 0 ? buf_str(&text) : ""; rc == 0 && *s != '\0';
	     s = next) {
		size_t line = strcspn(s, "\n"), type = strcspn(s, " \n"), len;

		next = s + line + (s[line] == '\n');
		if (line == 0 || *s == '#')
			continue;
		len = type < line ? type + 1 + strcspn(s + type + 1, " \n") : 0;
		if (*n == LIMIT_ROSTER_KEYS)
			rc = err_set(err, YZ_EINVAL, "more than %d root keys",
			    LIMIT_ROSTER_KEYS);
		else
			rc = sign_public_parse(keys[(*n)++], s, len, err);
	}
	buf_free(&text);
	return rc != 0 ? err_within(err, "%s", path) : 0;
}

/* --- kept in HOME ----------------------------------------------------------
 */

static int
read_home(struct buf *out, struct replica *r, const char *name, struct err *err)
{
	char *path = home_file(replica_home(r), name);
	int rc = file_read(out, path, LIMIT_ROSTER, err);

	free(path);
	return rc;
}

/* Does the document follow what is held here, signatures apart, and does
 * nothing else follow that yet?  This station makes no two of one version. */
static bool
is_next(struct replica *r, const struct roster_doc *doc)
{
	struct roster_doc cur = {.version = 0};
	struct roster_change *change = NULL;
	struct roster_held held;
	struct digest last;
	struct err err;
	bool good;

	if (roster_held_read(&held, doc, &err) != 0)
		return false;
	last = held.prev;
	good = held.version == 1
		   ? replica_roster_doc(r, &cur, doc->scope, 0, &err) ==
			 YZ_ENOTFOUND
		   : replica_roster_hash(
			 r, &cur, doc->scope, &held.prev, &err) == 0 &&
			 replica_roster_last(r, &last, doc->scope, &err) == 0 &&
			 digest_equal(&last, &held.prev);
	if (good)
		good = roster_change_begin(&change,
			   held.version == 1 ? NULL : &cur, doc, doc->scope,
			   &err) == 0;
	roster_change_free(change);
	roster_held_free(&held);
	roster_doc_free(&cur);
	return good;
}

int
proposal_load(
    struct roster_doc *out, bool *there, struct replica *r, struct err *err)
{
	struct buf text = BUF_INIT, sigs = BUF_INIT;
	int rc;

	*there = false;
	memset(out, 0, sizeof(*out));
	rc = read_home(&text, r, "proposal", err);
	if (rc == YZ_ENOTFOUND)
		return 0;
	if (rc == 0)
		rc = proposal_read(out, text.b, text.len, err);
	if (rc == 0)
		rc = read_home(&sigs, r, "proposal.sig", err);
	if (rc == YZ_ENOTFOUND)
		rc = 0;
	else if (rc == 0)
		rc = proposal_add_signatures(out, sigs.b, sigs.len, err);
	*there = rc == 0 && is_next(r, out);
	if (!*there)
		roster_doc_free(out);
	buf_free(&text);
	buf_free(&sigs);
	return rc != 0 ? err_within(err, "HOME/proposal") : 0;
}

int
proposal_drop(struct replica *r, struct err *err)
{
	char *text = home_file(replica_home(r), "proposal");
	char *sigs = home_file(replica_home(r), "proposal.sig");

	(void)err;
	/* One that stays is outdated, and so nobody's concern. */
	(void)unlink(sigs);
	(void)unlink(text);
	free(sigs);
	free(text);
	return 0;
}

int
proposal_save(struct replica *r, const struct roster_doc *doc, struct err *err)
{
	char *path = home_file(replica_home(r), "proposal");
	char *sig = home_file(replica_home(r), "proposal.sig");
	struct buf sigs = BUF_INIT;
	int rc;

	/* Signatures of another text must never stand beside this one. */
	(void)unlink(sig);
	rc = file_write(path, doc->text.b, doc->text.len, 0644, err);
	proposal_signatures(&sigs, doc);
	if (rc == 0 && sigs.len > 0)
		rc = file_write(sig, sigs.b, sigs.len, 0644, err);
	buf_free(&sigs);
	free(path);
	free(sig);
	return rc;
}

/* --- adopting --------------------------------------------------------------
 */

/* Version 1 makes this station the root of a federation: by its own keys. */
static int
check_first(struct replica *r, const struct roster_doc *doc, struct err *err)
{
	const struct home *home = replica_home(r);
	const struct roster_key *key = NULL;
	const struct roster_station *st;
	struct roster *roster = NULL;
	int rc;

	rc = roster_build(&roster, doc, 1, err);
	if (rc != 0)
		return rc;
	st = roster_find(roster, home->code);
	if (st != NULL)
		key = roster_current(st);
	if (key == NULL || strcmp(roster_root(roster), home->code) != 0 ||
	    memcmp(key->sign, home->sign.pub, 32) != 0)
		rc = err_set(err, YZ_EDENIED,
		    "this is not the roster that %s was founded with",
		    home->code);
	roster_free(roster);
	return rc;
}

int
proposal_adopt(struct replica *r, const struct roster_doc *doc, struct err *err)
{
	struct roster_doc cur = {.version = 0};
	int rc;

	rc = replica_roster_doc(r, &cur, doc->scope, 0, err);
	roster_doc_free(&cur);
	if (rc == YZ_ENOTFOUND)
		rc = check_first(r, doc, err);
	else if (rc == 0 && !is_next(r, doc))
		rc = err_set(err, YZ_ECONFLICT,
		    "roster %s: version %lld does not follow the last one here",
		    doc->scope, (long long)doc->version);
	if (rc == 0)
		rc = replica_adopt(r, doc, err);
	return rc == 0 ? proposal_drop(r, err) : rc;
}
