#include "config.h"

#include <string.h>

#include "base/err.h"
#include "home.h"
#include "issue.h"
#include "proposal.h"
#include "replica.h"

/* The root key, if it is kept here; not having it is no failure. */
static int
root_key(struct issue *issue, struct err *err)
{
	int rc = home_root_key(&issue->key, replica_home(issue->r), err);

	issue->has_key = rc == 0;
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

int
issue_scope(char scope[ROSTER_SCOPE_MAX], struct replica *r, struct err *err)
{
	const struct home *home = replica_home(r);
	const struct roster *roster = replica_roster(r);
	struct sign_key key;
	int rc;

	memcpy(scope, home->code, sizeof(home->code));
	/* One root key alone signs nothing where several must. */
	if (strcmp(roster_root(roster), home->code) != 0 ||
	    roster_threshold(roster) > 1)
		return 0;
	rc = home_root_key(&key, home, err);
	explicit_bzero(&key, sizeof(key));
	if (rc == YZ_ENOTFOUND)
		return 0;
	memcpy(scope, "root", sizeof("root"));
	return rc;
}

/* Begin after a document that is held: the newest that counts, or NULL, the
 * one with that hash. */
static int
begin_after(struct issue *out, struct replica *r, const char *scope,
    const struct digest *after, struct err *err)
{
	const struct home *home = replica_home(r);
	struct roster_doc draft = {.version = 0};
	bool root = strcmp(scope, "root") == 0, drafted = false;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	out->r = r;
	memcpy(out->scope, scope, strlen(scope) + 1);
	rc = replica_may_sign(r, err);
	if (rc == 0 && root) {
		rc = root_key(out, err);
	} else {
		out->key = home->sign;
		out->has_key = true;
	}
	if (rc == 0 && after != NULL)
		rc = replica_roster_hash(r, &out->cur, scope, after, err);
	else if (rc == 0)
		rc = replica_roster_doc(r, &out->cur, scope, 0, err);
	if (rc == YZ_ENOTFOUND)
		rc = 0;
	if (rc == 0 && root)
		rc = proposal_load(&draft, &drafted, r, err);
	if (rc == 0)
		rc = roster_change_begin(&out->change,
		    out->cur.version == 0 ? NULL : &out->cur,
		    drafted ? &draft : NULL, scope, err);
	roster_doc_free(&draft);
	if (rc != 0)
		issue_end(out);
	return rc;
}

int
issue_begin_scope(
    struct issue *out, struct replica *r, const char *scope, struct err *err)
{
	const struct roster_scope *at = roster_scope(replica_roster(r), scope);

	memset(out, 0, sizeof(*out));
	if (at != NULL && at->contested)
		return err_set(err, YZ_ECONFLICT,
		    "roster %s: two documents of version %lld are known: the"
		    " root decides first which counts",
		    scope, (long long)at->version + 1);
	return begin_after(out, r, scope, NULL, err);
}

/* Which of the two it is. */
static int
find_choice(struct digest *out, const struct roster_scope *at, const char *hex,
    struct err *err)
{
	char text[DIGEST_HEX_LEN + 1];
	int i, found = 0;

	for (i = 0; i < 2; i++) {
		digest_hex(text, at->pair[i].b, sizeof(at->pair[i].b));
		if (strncmp(text, hex, strlen(hex)) != 0)
			continue;
		*out = at->pair[i];
		found++;
	}
	if (found == 1)
		return 0;
	return err_set(err, YZ_ENOTFOUND,
	    found == 0 ? "neither of the two documents is called %.64s"
		       : "both documents are called %.64s...: give more digits",
	    hex);
}

int
issue_begin_decision(struct issue *out, struct replica *r, const char *scope,
    const char *hex, int64_t *version, struct err *err)
{
	const struct roster *roster = replica_roster(r);
	const struct roster_scope *at = roster_scope(roster, scope);
	bool root = strcmp(scope, "root") == 0;
	struct digest choice, after;
	int rc;

	memset(out, 0, sizeof(*out));
	if (strcmp(roster_root(roster), replica_home(r)->code) != 0)
		return err_set(err, YZ_EDENIED,
		    "%s decides which roster counts: do it there",
		    roster_root(roster));
	if (at == NULL || !at->contested)
		return err_set(err, YZ_ENOTFOUND,
		    "roster %s: there is nothing to decide", scope);
	rc = find_choice(&choice, at, hex, err);
	if (rc != 0)
		return rc;
	*version = at->version + 1;
	after = choice;
	rc = root ? replica_roster_last(r, &after, scope, err) : 0;
	if (rc == 0)
		rc = root ? begin_after(out, r, scope, &after, err)
			  : issue_begin_scope(out, r, "root", err);
	if (rc == 0)
		rc = roster_change_decide(
		    out->change, scope, *version, &choice, err);
	return rc;
}

int
issue_begin(
    struct issue *out, struct replica *r, const char *code, struct err *err)
{
	const struct roster *roster = replica_roster(r);
	const char *self = replica_home(r)->code;
	const struct roster_station *st = roster_find(roster, code);
	bool root = strcmp(roster_root(roster), self) == 0;
	const char *scope;
	int rc;

	memset(out, 0, sizeof(*out));
	if (st == NULL)
		return err_set(
		    err, YZ_ENOTFOUND, "%s is not in the roster", code);
	scope = strcmp(st->scope, self) == 0 ? self : "root";
	if (!root && scope != self)
		return err_set(err, YZ_EDENIED,
		    "%s is listed in the roster of %s: do it there", code,
		    strcmp(st->scope, "root") == 0 ? roster_root(roster)
						   : st->scope);
	rc = issue_begin_scope(out, r, scope, err);
	/* The root lists anew whom somebody else lists. */
	if (rc == 0 && roster_change_station(out->change, code) == NULL)
		roster_change_put(out->change, st);
	return rc;
}

int
issue_finish(struct issue *issue, bool *adopted, struct err *err)
{
	const struct roster_doc *cur =
	    issue->cur.version == 0 ? NULL : &issue->cur;
	struct roster_doc next = {.version = 0};
	struct err why;
	int rc;

	*adopted = false;
	rc = roster_change_write(&next, issue->change, err);
	if (rc == 0 && issue->has_key)
		rc = roster_doc_sign(&next, &issue->key, err);
	if (rc != 0)
		goto out;
	if (roster_follows(replica_roster(issue->r), cur, &next, &why) == 0) {
		rc = replica_adopt(issue->r, &next, err);
		*adopted = rc == 0;
		if (rc == 0 && strcmp(issue->scope, "root") == 0)
			rc = proposal_drop(issue->r, err);
		/* A decision may want more than the document it follows. */
		else if (rc == YZ_EDENIED && strcmp(issue->scope, "root") == 0)
			rc = proposal_save(issue->r, &next, err);
	} else if (strcmp(issue->scope, "root") == 0) {
		rc = proposal_save(issue->r, &next, err);
	} else {
		*err = why;
		rc = why.code;
	}
out:
	roster_doc_free(&next);
	return rc;
}

void
issue_end(struct issue *issue)
{
	roster_doc_free(&issue->cur);
	roster_change_free(issue->change);
	explicit_bzero(&issue->key, sizeof(issue->key));
	issue->change = NULL;
}
