#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "home.h"
#include "issue.h"
#include "limit.h"
#include "local.h"
#include "replica.h"
#include "replica_impl.h"
#include "revoke.h"
#include "rotate.h"
#include "rotation.h"

static const struct digest zero;

/* --- at the station ------------------------------------------------------- */

static const struct roster_station *
self(struct replica *r, struct err *err)
{
	const char *code = replica_home(r)->code;
	const struct roster_station *st = roster_find(replica_roster(r), code);

	if (st == NULL)
		err_set(err, YZ_EDENIED, "station %s is not in the roster yet",
		    code);
	return st;
}

/* The request as of now, by that key. */
static int
make_request(struct buf *out, struct replica *r, const struct home_next *next,
    const struct sign_key *by, const struct digest *recovery, struct err *err)
{
	const struct roster_station *st = self(r, err);
	struct rotation q = {.code = ""};
	int rc;

	if (st == NULL)
		return err->code;
	memcpy(q.code, st->code, sizeof(q.code));
	memcpy(q.inc, next->inc, sizeof(q.inc));
	memcpy(q.after, st->keys[st->n_keys - 1].sign, sizeof(q.after));
	q.recovery = recovery != NULL ? *recovery : st->recovery;
	/* The first that it has was made here, and nobody else knows of it. */
	if (digest_equal(&q.recovery, &zero))
		(void)home_recovery_load(&q.recovery, replica_home(r), err);
	q.restored = recovery != NULL && replica_restored(r) != NULL;
	rc = revoke_sub_roster(r, st->code, &q.roster, err);
	if (rc == 0)
		rc = revoke_places(r, st->code, &q.ends, &q.n_ends, err);
	if (rc == 0)
		rc = rotation_sign(&q, by, &next->sign, &next->ssh, err);
	if (rc == 0)
		rotation_write(out, &q);
	rotation_free(&q);
	return rc;
}

/* By the recovery key: only now is it here, so the request is kept. */
static int
keep_request(struct replica *r, const struct home_next *next,
    const struct sign_key *by, const struct sign_key *fresh, struct err *err)
{
	const struct roster_station *st = self(r, err);
	struct buf text = BUF_INIT;
	struct digest hash;
	char *path;
	int rc;

	if (st == NULL)
		return err->code;
	digest_sha256(&hash, by->pub, sizeof(by->pub));
	if (!digest_equal(&hash, &st->recovery))
		return err_set(err, YZ_EDENIED,
		    "this is not the recovery key of %s that the roster knows",
		    st->code);
	if (fresh != NULL)
		digest_sha256(&hash, fresh->pub, sizeof(fresh->pub));
	rc = make_request(&text, r, next, by, &hash, err);
	path = home_file(replica_home(r), "rotation");
	if (rc == 0)
		rc = file_write(path, text.b, text.len, 0600, err);
	free(path);
	buf_free(&text);
	return rc;
}

int
rotate_lacks_recovery(struct replica *r, struct err *err)
{
	const struct roster_station *st = self(r, err);

	if (st == NULL)
		return err->code;
	if (digest_equal(&st->recovery, &zero))
		return 0;
	return err_set(err, YZ_ECONFLICT,
	    "%s has a recovery key: a new one takes the old too (rotate "
	    "--recovery FILE --new FILE)",
	    st->code);
}

int
rotate_begin(struct replica *r, const struct sign_key *by,
    const struct sign_key *fresh, struct err *err)
{
	const struct roster_station *st = self(r, err);
	struct home_next next;
	int rc;

	if (st == NULL)
		return err->code;
	if (by == NULL && roster_current(st) == NULL)
		return err_set(err, YZ_EDENIED,
		    "the key of %s was revoked: only the recovery key can "
		    "replace it (rotate --recovery FILE)",
		    st->code);
	rc = home_next_make(&next, replica_home(r), by != NULL, err);
	if (rc == 0 && by != NULL)
		rc = keep_request(r, &next, by, fresh, err);
	explicit_bzero(&next, sizeof(next));
	/* Whoever is on the line sees the database change, and sends it. */
	return rc != 0 ? rc
		       : db_run(replica_db(r), err,
			     "REPLACE INTO _meta VALUES ('rotation', "
			     "random())",
			     "");
}

int
rotate_request(struct buf *out, struct replica *r, struct err *err)
{
	const struct home *home = replica_home(r);
	struct home_next next;
	char *path;
	int rc;

	rc = home_next_load(&next, home, err);
	if (rc != 0)
		return rc;
	path = home_file(home, "rotation");
	rc = file_read(out, path, LIMIT_ROTATION, err);
	free(path);
	if (rc == YZ_ENOTFOUND)
		rc = make_request(out, r, &next, &home->sign, NULL, err);
	explicit_bzero(&next, sizeof(next));
	return rc;
}

/* --- at the one that enrols it ----------------------------------------------
 */

/*
 * What is held here of the station's chains must lead to the places that it
 * names, or stop before them: else it would cut itself off by mistake.  A
 * recovery may leave out what a thief wrote.
 */
static int
check_places(struct replica *r, const struct rotation *q, struct err *err)
{
	struct roster_end *held = NULL;
	char name[CHAIN_NAME_MAX];
	size_t n = 0, i, j;
	int rc;

	if (memcmp(q->by, q->after, sizeof(q->by)) != 0)
		return 0;
	rc = revoke_places(r, q->code, &held, &n, err);
	for (i = 0; rc == 0 && i < n; i++) {
		for (j = 0; j < q->n_ends; j++)
			if (chain_equal(&held[i].chain, &q->ends[j].chain))
				break;
		if (j < q->n_ends && q->ends[j].seq >= held[i].seq)
			continue;
		chain_format(name, &held[i].chain);
		rc = err_set(err, YZ_ECONFLICT,
		    "%s asks to rotate without knowing its %s %lld: sync first",
		    q->code, name, (long long)held[i].seq);
	}
	free(held);
	return rc;
}

/* Put the end of its chain at a place that is held here, if that is what
 * follows the place that the request names, or it names none. */
static int
raise_end(struct replica *r, struct rotation *q, const struct roster_end *held,
    struct err *err)
{
	const struct chain *c = replica_chain_find(r, &held->chain);
	struct roster_end *end = NULL;
	size_t i;
	int rc = 1;

	for (i = 0; end == NULL && i < q->n_ends; i++)
		if (chain_equal(&held->chain, &q->ends[i].chain))
			end = &q->ends[i];
	if (end == NULL) {
		q->ends =
		    mem_realloc(q->ends, (q->n_ends + 1) * sizeof(*q->ends));
		q->ends[q->n_ends++] = *held;
		return 0;
	}
	if (c == NULL || held->seq <= end->seq)
		return 0;
	if (end->seq > 0)
		rc = replica_is_at(
		    r, c, end->seq, end->id.b, sizeof(end->id.b), err);
	if (rc == 1)
		*end = *held;
	return rc < 0 ? rc : 0;
}

/*
 * A station that came back from a backup names the places of that day, and it
 * cannot be let in to learn better before it has its keys.  What it sent since
 * then is held here, and is not to be lost with the appliance.  Was it a thief
 * who wrote that, then revoke has set the ends, and they stay.
 */
static int
add_tail(struct replica *r, struct rotation *q, struct err *err)
{
	struct roster_doc doc = {.version = 0};
	struct roster_end *held = NULL;
	size_t n = 0, i;
	int rc;

	rc = revoke_places(r, q->code, &held, &n, err);
	for (i = 0; rc == 0 && i < n; i++)
		rc = raise_end(r, q, &held[i], err);
	free(held);
	if (rc != 0)
		return rc;
	/* The newest sub-roster here, unless it has seen a later one. */
	if (!digest_equal(&q->roster, &zero))
		rc = replica_roster_hash(r, &doc, q->code, &q->roster, err);
	roster_doc_free(&doc);
	if (rc == YZ_ENOTFOUND)
		return 0;
	return rc != 0 ? rc : revoke_sub_roster(r, q->code, &q->roster, err);
}

static int
change_keys(struct issue *issue, const struct rotation *q, struct err *err)
{
	const struct roster_station *st =
	    roster_change_station(issue->change, q->code);
	const struct roster_key *last = &st->keys[st->n_keys - 1];
	char inc[1][CHAIN_INC_LEN + 1];
	struct roster_key key = {.incs = inc, .n_incs = 1, .proved = true};
	int rc = 0;

	if (memcmp(last->sign, q->after, 32) != 0)
		return err_set(err, YZ_EDENIED,
		    "%s asks to rotate another key than its last", q->code);
	memcpy(inc[0], q->inc, sizeof(inc[0]));
	memcpy(key.sign, q->sign, 32);
	memcpy(key.ssh, q->ssh, 32);
	memcpy(key.by, q->by, 32);
	memcpy(key.proof, q->proof, 64);
	/* Where the roster has set ends they stay. */
	if (!last->ended)
		rc = roster_change_end_key(issue->change, q->code, q->after,
		    q->ends, q->n_ends, &q->roster, err);
	if (rc == 0)
		rc = roster_change_add_key(issue->change, q->code, &key, err);
	if (rc == 0)
		rc = roster_change_recovery(
		    issue->change, q->code, &q->recovery, err);
	return rc;
}

/* May q->by prove?  The root part could add a key without. */
static int
check_prover(
    const struct roster_station *st, const struct rotation *q, struct err *err)
{
	const struct roster_key *last = &st->keys[st->n_keys - 1];
	struct digest by;

	digest_sha256(&by, q->by, sizeof(q->by));
	if (!digest_equal(&st->recovery, &zero) &&
	    digest_equal(&by, &st->recovery))
		return 0;
	/* One that is set only its own key replaces; a first one may come. */
	if (!last->ended && memcmp(q->by, last->sign, 32) == 0 &&
	    (digest_equal(&st->recovery, &zero) ||
		digest_equal(&q->recovery, &st->recovery)))
		return 0;
	return err_set(err, YZ_EDENIED,
	    "%s asks to rotate by a key that may not", q->code);
}

static bool
granted(const struct roster_station *st, const struct rotation *q)
{
	size_t i;

	for (i = 0; i < st->n_keys; i++)
		if (memcmp(st->keys[i].sign, q->sign, 32) == 0)
			return true;
	return false;
}

static int
take(struct replica *r, struct local *local, struct rotation *q,
    const void *text, size_t n, struct err *err)
{
	const struct roster_station *st =
	    roster_find(replica_roster(r), q->code);
	struct issue issue;
	bool adopted;
	int rc;

	if (st == NULL)
		return err_set(
		    err, YZ_ENOTFOUND, "%s is not in the roster", q->code);
	if (granted(st, q))
		return 0;
	rc = check_prover(st, q, err);
	if (rc == 0)
		rc = check_places(r, q, err);
	if (rc != 0)
		return rc;
	rc = issue_begin(&issue, r, q->code, err);
	if (rc == YZ_EDENIED)
		return db_run(local_db(local), err,
		    "REPLACE INTO rotation VALUES (?,?)", "sb", q->code, text,
		    n);
	if (rc != 0)
		return rc;
	/* A draft may have it already. */
	if (!granted(roster_change_station(issue.change, q->code), q)) {
		/* Only the recovery key may say so: see check_places(). */
		if (q->restored && memcmp(q->by, q->after, 32) != 0)
			rc = add_tail(r, q, err);
		if (rc == 0)
			rc = change_keys(&issue, q, err);
		if (rc == 0)
			rc = issue_finish(&issue, &adopted, err);
	}
	issue_end(&issue);
	return rc;
}

int
rotate_take(struct replica *r, struct local *local, const void *text, size_t n,
    struct err *err)
{
	struct rotation q;
	int rc;

	rc = rotation_read(&q, text, n, err);
	if (rc != 0)
		return rc;
	rc = take(r, local, &q, text, n, err);
	rotation_free(&q);
	return rc;
}

/* The i-th request kept for others; those that were granted go. */
static int
kept(struct buf *out, struct replica *r, struct local *local, size_t i,
    struct err *err)
{
	char code[CHAIN_CODE_LEN + 1] = "";
	const struct roster_station *st;
	struct rotation q;
	struct db_stmt *stmt;
	const void *p;
	size_t n;
	int rc;

	rc = db_query(&stmt, local_db(local), err,
	    "SELECT code, request FROM rotation ORDER BY code LIMIT 1 OFFSET ?",
	    "i", (int64_t)i);
	if (rc != 0)
		return rc;
	rc = db_step(stmt, err);
	if (rc == 1) {
		p = db_blob(stmt, 1, &n);
		buf_put(out, p, n);
		memcpy(code, db_text(stmt, 0), CHAIN_CODE_LEN);
	}
	db_done(stmt);
	if (rc <= 0)
		return rc < 0 ? rc : YZ_ENOTFOUND;
	st = roster_find(replica_roster(r), code);
	rc = rotation_read(&q, out->b, out->len, err);
	if (rc == 0 && (st == NULL || granted(st, &q))) {
		buf_clear(out);
		rc = db_run(local_db(local), err,
		    "DELETE FROM rotation WHERE code = ?", "s", code);
		if (rc == 0)
			rc = kept(out, r, local, i, err);
	}
	rotation_free(&q);
	return rc;
}

int
rotate_upward(struct buf *out, struct replica *r, struct local *local,
    const char *other, size_t i, struct err *err)
{
	const struct home *home = replica_home(r);
	int rc;

	buf_clear(out);
	if (!roster_is_ancestor(replica_roster(r), other, home->code))
		return YZ_ENOTFOUND;
	rc = rotate_request(out, r, err);
	if (rc != YZ_ENOTFOUND) {
		if (rc != 0 || i == 0)
			return rc;
		i--;
	}
	buf_clear(out);
	return kept(out, r, local, i, err);
}
