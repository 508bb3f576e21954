#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fork.h"
#include "home.h"
#include "limit.h"
#include "replica_impl.h"
#include "resign.h"

bool
resign_is_own(const struct replica *r, const struct chain_name *chain)
{
	return strcmp(chain->writer, r->home->code) == 0 &&
	       strcmp(chain->inc, r->home->inc) == 0;
}

/* --- cut off, to be signed anew ------------------------------------------- */

/* From which seq on a chain of ours came from others; INT64_MAX: nothing. */
static int
fetched_from(int64_t *seq, struct replica *r, const char *name, struct err *err)
{
	int rc = db_get_int(seq, r->db, err,
	    "SELECT seq FROM _fetched WHERE chain = ?", "s", name);

	if (rc != YZ_ENOTFOUND)
		return rc;
	*seq = INT64_MAX;
	return 0;
}

static int
keep_one(struct replica *r, const struct chain *c, const char *name,
    int64_t base, int64_t seq, struct err *err)
{
	struct changeset cs = CHANGESET_INIT;
	struct buf text = BUF_INIT;
	int rc;

	rc = replica_load(r, &cs, c, seq, err);
	if (rc != 0)
		return rc;
	/* What says nothing need not be said again. */
	if (cs.ops.len > 0) {
		changeset_commit(&text, &cs);
		rc = db_run(r->db, err,
		    "INSERT INTO _aside(chain, base, seq, text, ops)"
		    " VALUES (?, ?, ?, ?, ?)",
		    "siibb", name, base, seq, text.b, text.len, cs.ops.b,
		    cs.ops.len);
	}
	buf_free(&text);
	changeset_free(&cs);
	return rc;
}

int
resign_keep(
    struct replica *r, const struct chain *c, int64_t base, struct err *err)
{
	char name[CHAIN_NAME_MAX];
	int64_t seq, until;
	int rc;

	if (!resign_is_own(r, &c->name))
		return 0;
	chain_format(name, &c->name);
	rc = fetched_from(&until, r, name, err);
	for (seq = base + 1; rc == 0 && seq <= c->head && seq < until; seq++)
		rc = keep_one(r, c, name, base, seq, err);
	return rc;
}

/* --- taken from a peer -----------------------------------------------------
 */

/* Is it signed by a key that this station ever had? */
static int
check_signed(struct replica *r, struct changeset *cs, struct err *err)
{
	const struct roster_key *key;
	size_t i;

	for (i = 0; (key = roster_key(r->roster, &cs->chain, i)) != NULL; i++) {
		memcpy(cs->key, key->sign, sizeof(cs->key));
		if (changeset_verify(cs, err) == 0)
			return 0;
	}
	return err_set(err, YZ_EDENIED, "not signed by this station");
}

static int
mark(struct replica *r, const struct changeset *cs, struct err *err)
{
	char name[CHAIN_NAME_MAX];
	int rc;

	chain_format(name, &cs->chain);
	rc = db_run(r->db, err,
	    "INSERT OR IGNORE INTO _fetched(chain, seq) VALUES (?, ?)", "si",
	    name, cs->seq);
	/* On disk before what proves it is. */
	if (rc == 0 && replica_restored(r) == NULL)
		rc = anchor_mark_restored(r, err);
	return rc;
}

int
resign_take(struct replica *r, struct changeset *cs, struct err *err)
{
	enum receive_result result;
	int rc;

	rc = receive_changeset(r, cs, &result, err);
	if (rc == 0 && result == RECEIVE_HAD)
		return 0;
	if (rc == YZ_ECONFLICT &&
	    replica_chain_find(r, &cs->chain)->head >= cs->seq) {
		rc = check_signed(r, cs, err);
		if (rc == 0)
			rc = replica_truncate(r, &cs->chain, cs->seq - 1, err);
		if (rc == 0)
			rc = receive_changeset(r, cs, &result, err);
	}
	return rc == 0 ? mark(r, cs, err) : rc;
}

/* --- signed anew ------------------------------------------------------------
 */

static int
compare_seen(const void *a, const void *b)
{
	const struct changeset_seen *x = a, *y = b;
	char nx[CHAIN_NAME_MAX], ny[CHAIN_NAME_MAX];

	chain_format(nx, &x->chain);
	chain_format(ny, &y->chain);
	return strcmp(nx, ny);
}

/* Of two lines about a chain the further one. */
static void
seen_add(struct changeset *cs, const struct changeset_seen *s)
{
	size_t i;

	for (i = 0; i < cs->n_seen; i++) {
		if (!chain_equal(&cs->seen[i].chain, &s->chain))
			continue;
		if (cs->seen[i].seq < s->seq)
			cs->seen[i] = *s;
		return;
	}
	if (cs->n_seen == LIMIT_SEEN)
		return;
	cs->seen = mem_realloc(cs->seen, (cs->n_seen + 1) * sizeof(*cs->seen));
	cs->seen[cs->n_seen++] = *s;
}

static int
seen_place(struct replica *r, struct changeset *cs, const struct chain *c,
    int64_t seq, struct err *err)
{
	struct changeset_seen s = {.chain = c->name, .seq = seq};
	struct db_stmt *st;
	const void *p;
	size_t n = 0;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT id FROM _changeset WHERE chain = ? AND seq = ?", "ii",
	    c->no, seq);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		p = db_blob(st, 0, &n);
		if (n >= sizeof(s.id)) {
			memcpy(s.id, p, sizeof(s.id));
			seen_add(cs, &s);
		}
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

/*
 * What the original's chain had seen by base: a new chain begins with nothing.
 * Only chains that can write the same records matter for merging, and only
 * they are in _seen.
 */
static int
seen_before(struct replica *r, struct changeset *cs, const struct chain *old,
    int64_t base, struct err *err)
{
	struct db_stmt *st;
	int rc;

	if (base > old->head)
		base = old->head;
	if (base == 0)
		return 0;
	rc = db_query(&st, r->db, err,
	    "SELECT other, max(other_seq), id FROM _seen WHERE chain = ? AND"
	    " seq <= ? GROUP BY other",
	    "ii", old->no, base);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const struct chain *c = replica_chain_no(r, db_int(st, 0));
		struct changeset_seen s = {.seq = db_int(st, 1)};

		if (c == NULL || !db_bytes(s.id, sizeof(s.id), st, 2))
			continue;
		s.chain = c->name;
		seen_add(cs, &s);
	}
	db_done(st);
	return rc == 0 ? seen_place(r, cs, old, base, err) : rc;
}

/* Lines about what was cut off would name what nobody holds. */
static void
seen_drop(struct replica *r, struct changeset *cs)
{
	size_t i, n = 0;

	for (i = 0; i < cs->n_seen; i++) {
		const struct chain *c =
		    replica_chain_find(r, &cs->seen[i].chain);

		if (strcmp(cs->seen[i].chain.writer, r->home->code) == 0 &&
		    (c == NULL || c->head < cs->seen[i].seq))
			continue;
		cs->seen[n++] = cs->seen[i];
	}
	cs->n_seen = n;
}

int
resign_continue(struct replica *r, struct changeset *cs, struct err *err)
{
	const struct chain *best = NULL;
	size_t i;
	int best_rank = -1;

	cs->continues = false;
	if (cs->seq != 1 || roster_lists(r->roster, &cs->chain))
		return 0;
	/* The chain's own predecessor, else one that everybody holds. */
	for (i = 0; i < r->n_chains; i++) {
		const struct chain *c = &r->chains[i];
		int rank;

		if (c->head == 0 || c->accepted == 0 ||
		    strcmp(c->name.writer, cs->chain.writer) != 0 ||
		    strcmp(c->name.inc, cs->chain.inc) == 0 ||
		    !chain_nameable(r->roster, &cs->chain, &c->name))
			continue;
		rank = c->name.stream == cs->chain.stream &&
			       strcmp(c->name.owner, cs->chain.owner) == 0
			   ? 3
		       : c->name.stream == STREAM_RESOURCE ? 2
		       : c->name.stream == STREAM_ROSTER   ? 1
							   : 0;
		if (rank < best_rank ||
		    (rank == best_rank && c->stamp < best->stamp))
			continue;
		best = c;
		best_rank = rank;
	}
	if (best == NULL)
		return err_set(err, YZ_EDENIED,
		    "nothing is left of this station's chains to go on from:"
		    " its enroller has to list incarnation %s",
		    r->home->inc);
	cs->continues = true;
	memset(&cs->continued, 0, sizeof(cs->continued));
	cs->continued.chain = best->name;
	cs->continued.seq = best->head;
	memcpy(cs->continued.id, best->id.b, sizeof(cs->continued.id));
	return 0;
}

static int
sign_anew(
    struct replica *r, struct changeset *cs, int64_t base, struct err *err)
{
	const struct chain *old = replica_chain_find(r, &cs->chain);
	struct buf commit = BUF_INIT;
	struct ops ops = {NULL, 0, NULL};
	struct chain *c;
	int rc;

	memcpy(cs->chain.inc, r->home->inc, sizeof(cs->chain.inc));
	rc = 0;
	if (old != NULL && replica_chain_find(r, &cs->chain) == NULL)
		rc = seen_before(r, cs, old, base, err);
	if (rc == 0)
		rc = replica_chain(r, &c, &cs->chain, err);
	if (rc != 0)
		return rc;
	cs->seq = c->head + 1;
	cs->prev = c->id;
	memcpy(cs->parent_oid, c->oid, sizeof(cs->parent_oid));
	seen_drop(r, cs);
	if (cs->n_seen > 1)
		qsort(cs->seen, cs->n_seen, sizeof(*cs->seen), compare_seen);
	rc = resign_continue(r, cs, err);
	if (rc == 0)
		rc = changeset_sign(cs, &r->home->sign, err);
	if (rc == 0)
		rc = ops_parse(&ops, buf_str(&cs->ops), cs->ops.len, err);
	if (rc == 0) {
		changeset_commit(&commit, cs);
		rc = store_changeset(r, cs, &commit, &ops, err);
	}
	buf_free(&commit);
	ops_free(&ops);
	return rc;
}

/* The next one set aside after number *no; 0: there is none. */
static int
aside_next(struct replica *r, int64_t *no, int64_t *base, struct changeset *cs,
    struct err *err)
{
	struct db_stmt *st;
	const void *text, *ops;
	size_t n, n_ops;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT no, base, text, ops FROM _aside WHERE no > ?"
	    " ORDER BY no LIMIT 1",
	    "i", *no);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		*no = db_int(st, 0);
		*base = db_int(st, 1);
		text = db_blob(st, 2, &n);
		ops = db_blob(st, 3, &n_ops);
		rc = changeset_parse(cs, text, n, ops, n_ops, err);
		rc = rc == 0 ? 1 : rc;
	}
	db_done(st);
	return rc;
}

/*
 * Sign anew what was set aside.  Each of the new chains then says that all
 * that is here has been seen: what is written next covers it.
 */
static int
sign_all(struct replica *r, struct err *err)
{
	struct chain_name *chains = NULL;
	struct changeset cs = CHANGESET_INIT;
	int64_t no = 0, base = 0;
	size_t n = 0, i;
	int rc;

	while ((rc = aside_next(r, &no, &base, &cs, err)) == 1) {
		rc = sign_anew(r, &cs, base, err);
		for (i = 0; i < n; i++)
			if (chain_equal(&chains[i], &cs.chain))
				break;
		if (i == n) {
			chains = mem_realloc(chains, (n + 1) * sizeof(*chains));
			chains[n++] = cs.chain;
		}
		changeset_free(&cs);
		cs = (struct changeset)CHANGESET_INIT;
		if (rc != 0)
			break;
	}
	if (rc == 0)
		rc = db_exec(r->db, "DELETE FROM _aside", err);
	for (i = 0; rc == 0 && i < n; i++)
		rc = act_note(r, &chains[i], "goes on", true, err);
	free(chains);
	return rc;
}

/* --- a new incarnation ------------------------------------------------------
 */

/* Within a transaction; what is cut off is cut off. */
int
resign_begin(struct replica *r, const char *inc, struct err *err)
{
	int rc;

	rc = db_run(r->db, err,
	    "INSERT OR IGNORE INTO _incarnation(inc) VALUES (?)", "s",
	    r->home->inc);
	if (rc == 0)
		rc = anchor_intend(r, inc, err);
	if (rc == 0)
		rc = db_run(r->db, err,
		    "INSERT OR REPLACE INTO _meta(name, value)"
		    " VALUES ('inc', ?)",
		    "s", inc);
	if (rc == 0)
		rc = db_exec(r->db, "DELETE FROM _fetched", err);
	if (rc != 0)
		return rc;
	memcpy(r->home->inc, inc, sizeof(r->home->inc));
	r->restored[0] = '\0';
	return sign_all(r, err);
}

static int
take_incarnation(struct replica *r, struct err *err)
{
	char inc[CHAIN_INC_LEN + 1];

	home_make_incarnation(inc);
	return resign_begin(r, inc, err);
}

/* Cut off what the peer asked does not hold. */
static int
cut_unknown(
    struct replica *r, const struct replica_head *known, struct err *err)
{
	char name[CHAIN_NAME_MAX];
	int64_t from;
	int rc;

	if (!resign_is_own(r, &known->chain))
		return 0;
	chain_format(name, &known->chain);
	rc = fetched_from(&from, r, name, err);
	if (rc != 0 || from != INT64_MAX)
		return rc;
	return replica_truncate(r, &known->chain, known->seq, err);
}

int
resign_go_on(struct replica *r, const struct replica_head *known, size_t n,
    bool *done, struct err *err)
{
	char why[ANCHOR_WHY_MAX];
	size_t i;
	int rc;

	*done = false;
	rc = replica_begin(r, err);
	if (rc != 0)
		return rc;
	memcpy(why, r->restored, sizeof(why));
	if (why[0] == '\0') {
		replica_rollback(r);
		return 0;
	}
	for (i = 0; rc == 0 && i < n; i++)
		rc = cut_unknown(r, &known[i], err);
	if (rc == 0)
		rc = take_incarnation(r, err);
	if (rc == 0)
		rc = replica_commit(r, err);
	else
		replica_rollback(r);
	if (rc != 0) {
		memcpy(r->restored, why, sizeof(why));
		return rc;
	}
	*done = true;
	return anchor_depart(r, err);
}

/* Does nothing that is written to it count any more? */
static bool
is_dead(struct replica *r, const struct chain *c)
{
	if (!resign_is_own(r, &c->name) || (c->head == 0 && c->fork == 0))
		return false;
	return replica_stop(r, &c->name) != INT64_MAX ||
	       (c->head > 0 && c->accepted == 0);
}

/* Is the key with which this station signs in use? */
static bool
has_key(struct replica *r)
{
	const struct roster_station *me = roster_find(r->roster, r->home->code);
	size_t i;

	for (i = 0; me != NULL && i < me->n_keys; i++)
		if (memcmp(me->keys[i].sign, r->home->sign.pub, 32) == 0)
			return !me->keys[i].ended;
	return false;
}

static int
settle(struct replica *r, struct err *err)
{
	bool dead = false;
	size_t i;
	int rc = 0;

	for (i = 0; i < r->n_chains; i++)
		dead |= is_dead(r, &r->chains[i]);
	if (!dead || roster_find(r->roster, r->home->code) == NULL)
		return 0;
	/* A new incarnation would not help. */
	if (!has_key(r))
		return 0;
	/* What goes on from a place that counts no more is to go on anew. */
	for (i = 0; rc == 0 && i < r->n_chains; i++)
		if (is_dead(r, &r->chains[i]) && r->chains[i].accepted == 0) {
			struct chain_name name = r->chains[i].name;

			rc = replica_truncate(r, &name, 0, err);
		}
	return rc == 0 ? take_incarnation(r, err) : rc;
}

int
resign_settle(struct replica *r, struct err *err)
{
	bool own = !db_in_transaction(r->db), dead = false;
	size_t i;
	int rc;

	rc = replica_refresh(r, err);
	if (rc != 0 || replica_restored(r) != NULL)
		return rc;
	for (i = 0; i < r->n_chains; i++)
		dead |= is_dead(r, &r->chains[i]);
	if (!dead)
		return 0;
	rc = own ? replica_begin(r, err) : 0;
	if (rc != 0)
		return rc;
	rc = settle(r, err);
	if (!own)
		return rc;
	if (rc == 0)
		return replica_commit(r, err);
	replica_rollback(r);
	return rc;
}

bool
resign_other(struct replica *r, char inc[CHAIN_INC_LEN + 1])
{
	struct err ignored;
	int64_t n;
	size_t i;

	for (i = 0; i < r->n_chains; i++) {
		const struct chain *c = &r->chains[i];

		if (c->head == 0 ||
		    strcmp(c->name.writer, r->home->code) != 0 ||
		    strcmp(c->name.inc, r->home->inc) == 0)
			continue;
		if (db_get_int(&n, r->db, &ignored,
			"SELECT count(*) FROM _incarnation WHERE inc = ?", "s",
			c->name.inc) != 0 ||
		    n > 0)
			continue;
		memcpy(inc, c->name.inc, CHAIN_INC_LEN + 1);
		return true;
	}
	return false;
}
