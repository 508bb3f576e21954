#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "branch.h"
#include "fork.h"
#include "home.h"
#include "limit.h"
#include "replica_impl.h"
#include "roster.h"

/*
 * What counts of a chain, by the roster and by what else is held (FORMAT.md
 * sections 6 and 8).
 */

/* Fold every record that a chain touched anew. */
static int
dirty_chain(struct replica *r, const struct chain *c, struct err *err)
{
	r->dirty = true;
	return db_run(r->db, err,
	    "INSERT OR IGNORE INTO temp._dirty SELECT rec FROM _touch"
	    " WHERE chain = ?",
	    "i", c->no);
}

/*
 * Does what is held of a chain count?  The incarnation is listed; or its
 * first changeset goes on from a place of another chain of the same writer
 * that is held and counts, one that whoever holds this one may hold.
 */
static int
counts(struct replica *r, const struct chain *c, int level, struct err *err)
{
	const struct chain *from;
	struct digest id = {{0}};
	struct db_stmt *st;
	int64_t other, seq;
	const void *p;
	size_t n = 0;
	int rc;

	if (roster_lists(r->roster, &c->name))
		return 1;
	if (roster_find(r->roster, c->name.writer) == NULL ||
	    level == LIMIT_INCS)
		return 0;
	rc = db_query(&st, r->db, err,
	    "SELECT other, seq, id FROM _continues WHERE chain = ?", "i",
	    c->no);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		other = db_int(st, 0);
		seq = db_int(st, 1);
		p = db_blob(st, 2, &n);
		if (n <= sizeof(id.b))
			memcpy(id.b, p, n);
	}
	db_done(st);
	if (rc != 1)
		return rc;
	from = replica_chain_no(r, other);
	if (from == NULL || strcmp(from->name.writer, c->name.writer) != 0 ||
	    !chain_nameable(r->roster, &c->name, &from->name))
		return 0;
	rc = replica_is_at(r, from, seq, id.b, n, err);
	return rc == 1 ? counts(r, from, level + 1, err) : rc;
}

int
replica_judge_unlisted(struct replica *r, struct err *err)
{
	size_t i;
	int rc = 0;

	r->pending = false;
	for (i = 0; rc == 0 && i < r->n_chains; i++) {
		struct chain *c = &r->chains[i];
		int64_t accepted = c->accepted;

		if (c->head == 0 || roster_lists(r->roster, &c->name))
			continue;
		rc = replica_judge(r, c, err);
		if (rc == 0 && c->accepted != accepted) {
			rc = replica_chain_put(r, c, err);
			if (rc == 0)
				rc = dirty_chain(r, c, err);
		}
		r->pending |= c->accepted == 0;
	}
	return rc;
}

int
replica_judge(struct replica *r, struct chain *c, struct err *err)
{
	int rc;

	rc = counts(r, c, 0, err);
	if (rc < 0)
		return rc;
	c->accepted = rc == 1 ? INT64_MAX : 0;
	c->may_write =
	    stream_everyone(c->name.stream) ||
	    chain_may_write(r->roster, c->name.writer, c->name.owner);
	return 0;
}

/* --- a new roster -----------------------------------------------------------
 */

/* Is everybody's place in the tree as before? */
static bool
same_tree(const struct roster *before, const struct roster *after)
{
	size_t i;

	for (i = 0; i < roster_count(before); i++) {
		const struct roster_station *a = roster_at(before, i);
		const struct roster_station *b = roster_find(after, a->code);

		if (b == NULL || strcmp(a->parent, b->parent) != 0)
			return false;
	}
	return true;
}

static bool
same_key(const struct roster_key *a, const struct roster_key *b)
{
	size_t i;

	if (memcmp(a->sign, b->sign, sizeof(a->sign)) != 0 ||
	    a->ended != b->ended || a->n_ends != b->n_ends ||
	    a->n_incs != b->n_incs)
		return false;
	for (i = 0; i < a->n_incs; i++)
		if (strcmp(a->incs[i], b->incs[i]) != 0)
			return false;
	for (i = 0; i < a->n_ends; i++)
		if (a->ends[i].seq != b->ends[i].seq ||
		    !digest_equal(&a->ends[i].id, &b->ends[i].id) ||
		    !chain_equal(&a->ends[i].chain, &b->ends[i].chain))
			return false;
	return true;
}

/* Have a station's keys the powers that they had? */
static bool
same_powers(
    const struct roster *before, const struct roster *after, const char *code)
{
	const struct roster_station *a = roster_find(before, code);
	const struct roster_station *b = roster_find(after, code);
	size_t i;

	if (a == NULL || b == NULL || a->n_keys != b->n_keys)
		return a == b;
	for (i = 0; i < a->n_keys; i++)
		if (!same_key(&a->keys[i], &b->keys[i]))
			return false;
	return true;
}

/* Lower *last to before the first changeset whose key does not count. */
static int
keys_count(
    struct replica *r, const struct chain *c, int64_t *last, struct err *err)
{
	const struct roster_key *key;
	struct db_stmt *st;
	int64_t bad;
	size_t i, n;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT k.no, k.key, min(seq), max(seq) FROM _changeset AS c"
	    " JOIN _key AS k ON k.no = c.key WHERE chain = ? GROUP BY k.no",
	    "i", c->no);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const void *p = db_blob(st, 1, &n);
		int64_t until = 0;

		for (i = 0; (key = roster_key(r->roster, &c->name, i)) != NULL;
		     i++)
			if (n == sizeof(key->sign) &&
			    memcmp(key->sign, p, n) == 0)
				until = roster_key_until(key, &c->name);
		if (db_int(st, 3) <= until)
			continue;
		bad = db_int(st, 2);
		if (bad <= until)
			rc = db_get_int(&bad, r->db, err,
			    "SELECT min(seq) FROM _changeset WHERE chain = ?"
			    " AND key = ? AND seq > ?",
			    "iii", c->no, db_int(st, 0), until);
		if (rc < 0)
			break;
		if (bad - 1 < *last)
			*last = bad - 1;
	}
	db_done(st);
	return rc;
}

/*
 * The last changeset held that counts by the roster: its key does, and the
 * chain leads to every end that is listed.  Where it leads past one of them
 * by another way, nothing is left but what leads to an earlier one.
 */
static int
last_counting(
    struct replica *r, const struct chain *c, int64_t *last, struct err *err)
{
	const struct roster_end *end;
	int64_t good = 0, bad = INT64_MAX;
	size_t i;
	int rc;

	rc = keys_count(r, c, last, err);
	for (i = 0;
	     rc >= 0 && (end = roster_end(r->roster, &c->name, i)) != NULL;
	     i++) {
		if (end->seq > *last)
			continue;
		rc = replica_is_at(
		    r, c, end->seq, end->id.b, sizeof(end->id.b), err);
		if (rc == 0 && end->seq < bad)
			bad = end->seq;
		if (rc == 1 && end->seq > good)
			good = end->seq;
	}
	if (rc >= 0 && bad != INT64_MAX)
		*last = good < bad ? good : 0;
	return rc < 0 ? rc : 0;
}

/* A station whose own key is not listed, while the root decides between two
 * rosters, keeps what it signed with it: it may be listed again. */
static int
is_own_unlisted(
    struct replica *r, const struct chain *c, bool *is, struct err *err)
{
	int64_t n = 0;
	int rc = 0;

	if (strcmp(c->name.writer, r->home->code) == 0 &&
	    !roster_signer(r->roster, r->home->code, r->home->sign.pub))
		rc = db_get_int(&n, r->db, err,
		    "SELECT count(*) FROM _changeset AS c JOIN _key AS k ON"
		    " k.no = c.key WHERE chain = ? AND k.key = ?",
		    "ib", c->no, r->home->sign.pub, sizeof(r->home->sign.pub));
	*is = n > 0;
	return rc;
}

/* Cut a chain back to what counts by the new roster. */
static int
cut_back(struct replica *r, struct chain *c, bool same, struct err *err)
{
	struct chain_name name = c->name;
	int64_t last = c->head;
	bool keep = false;
	int rc;

	rc = fork_judge(r, c, err);
	if (rc == 0 && !same)
		rc = is_own_unlisted(r, c, &keep, err);
	if (rc == 0 && !same && !keep)
		rc = last_counting(r, c, &last, err);
	if (rc == 0 && c->fork != 0 && c->fork - 1 < last)
		last = c->fork - 1;
	return rc == 0 && last < c->head ? replica_truncate(r, &name, last, err)
					 : rc;
}

/*
 * May more of a chain be taken in than before?  Its writer is listed again, or
 * with another key.  Not where an end is listed that is not reached: then
 * only what leads there counts.
 */
static bool
may_regrow(const struct replica *r, const struct chain *c)
{
	const struct roster_end *end;
	size_t i;

	if (c->fork != 0 || strcmp(c->name.writer, r->home->code) == 0 ||
	    roster_find(r->roster, c->name.writer) == NULL)
		return false;
	for (i = 0; (end = roster_end(r->roster, &c->name, i)) != NULL; i++)
		if (end->seq > c->head)
			return false;
	return true;
}

static int
retake(struct replica *r, const struct chain_name *name, struct err *err)
{
	const struct chain *c;
	int rc = 0;

	if (roster_end(r->roster, name, 0) != NULL)
		rc = branch_retake(r, name, err);
	c = replica_chain_find(r, name);
	return rc == 0 && c != NULL && may_regrow(r, c)
		   ? branch_regrow(r, name, err)
		   : rc;
}

/* Take in again what counts by the new roster and was cut off. */
static int
retake_all(struct replica *r, const struct roster *before, struct err *err)
{
	struct chain_name *names = mem_calloc(r->n_chains + 1, sizeof(*names));
	size_t i, n = 0;
	int rc = 0;

	for (i = 0; i < r->n_chains; i++)
		if (!same_powers(before, r->roster, r->chains[i].name.writer))
			names[n++] = r->chains[i].name;
	for (i = 0; rc == 0 && i < n; i++)
		rc = retake(r, &names[i], err);
	free(names);
	return rc;
}

int
replica_judge_all(
    struct replica *r, const struct roster *before, struct err *err)
{
	const char *writer = "";
	bool same = false;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < r->n_chains; i++) {
		if (strcmp(writer, r->chains[i].name.writer) != 0)
			same = same_powers(
			    before, r->roster, r->chains[i].name.writer);
		writer = r->chains[i].name.writer;
		rc = cut_back(r, &r->chains[i], same, err);
	}
	r->pending = false;
	for (i = 0; rc == 0 && i < r->n_chains; i++) {
		struct chain *c = &r->chains[i];
		int64_t accepted = c->accepted;

		rc = replica_judge(r, c, err);
		if (rc == 0 && c->accepted != accepted)
			rc = dirty_chain(r, c, err);
		r->pending |= c->head > 0 && c->accepted == 0;
		if (rc == 0)
			rc = replica_chain_put(r, c, err);
	}
	if (rc == 0)
		rc = retake_all(r, before, err);
	if (rc == 0)
		rc = db_exec(r->db,
		    same_tree(before, r->roster)
			? "INSERT OR IGNORE INTO temp._dirty"
			  " SELECT rec FROM _quarantine"
			: "INSERT OR IGNORE INTO temp._dirty"
			  " SELECT rec FROM _record",
		    err);
	r->dirty = true;
	return rc;
}
