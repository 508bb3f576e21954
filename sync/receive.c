#include "config.h"

#include <string.h>

#include "ahead.h"
#include "fork.h"
#include "home.h"
#include "limit.h"
#include "replica_impl.h"
#include "roster.h"
#include "run.h"
#include "sign.h"

/*
 * With which of the keys the roster ever gave the writer is it signed?  text
 * is the changeset's without signature, which does not hold the key.
 */
static const struct roster_key *
find_key(struct replica *r, struct changeset *cs, const struct buf *text,
    struct err *err)
{
	const struct roster_key *key;
	size_t i;

	for (i = 0; (key = roster_key(r->roster, &cs->chain, i)) != NULL; i++) {
		memcpy(cs->key, key->sign, sizeof(cs->key));
		if (ahead_holds(r->ahead, cs) ||
		    sign_verify(cs->sig, cs->key, SIGN_NS_CHANGESET, text->b,
			text->len, err) == 0)
			return key;
	}
	err_set(err, YZ_EDENIED,
	    i == 0 ? "the roster gives %s no key for this chain"
		   : "not signed by %s as what follows the changeset before",
	    cs->chain.writer);
	return NULL;
}

/* What is known to have ended before any signature is tried. */
static int
check_stop(struct replica *r, const struct changeset *cs, struct err *err)
{
	int64_t fork = fork_seq(r, &cs->chain);
	const struct roster_end *end;
	size_t i;

	if (fork != 0 && cs->seq >= fork)
		return err_set(err, YZ_EDENIED,
		    "this chain is forked at seq %lld: see yizhan status",
		    (long long)fork);
	for (i = 0; (end = roster_end(r->roster, &cs->chain, i)) != NULL; i++)
		if (end->seq == cs->seq && !digest_equal(&end->id, &cs->id))
			return err_set(err, YZ_EDENIED,
			    "the roster names another changeset at seq %lld",
			    (long long)end->seq);
	return 0;
}

/* What a station wrote under a key that is not listed now, while the root
 * decides between two rosters, it may read back from its own ledger. */
static bool
is_own(const struct replica *r, struct changeset *cs)
{
	struct err ignored;

	if (strcmp(cs->chain.writer, r->home->code) != 0 ||
	    roster_signer(r->roster, r->home->code, r->home->sign.pub))
		return false;
	memcpy(cs->key, r->home->sign.pub, sizeof(cs->key));
	return changeset_verify(cs, &ignored) == 0;
}

/* The very key that signed has to count there. */
static int
check_key(struct replica *r, struct changeset *cs, const struct buf *text,
    struct err *err)
{
	const struct roster_key *key = find_key(r, cs, text, err);
	int64_t until;

	if (key == NULL)
		return is_own(r, cs) ? 0 : YZ_EDENIED;
	until = roster_key_until(key, &cs->chain);
	if (cs->seq <= until)
		return 0;
	return err_set(err, YZ_EDENIED,
	    until == 0 ? "the roster has ended the key that signed"
		       : "the roster ends this chain at seq %lld",
	    (long long)until);
}

void
receive_ahead(struct replica *r, const struct run *run, const struct buf *plain,
    const struct digest *id, const uint8_t oid[20])
{
	uint8_t keys[LIMIT_ROSTER_KEYS][32];
	const struct roster_key *key;
	size_t n;

	for (n = 0; n < LIMIT_ROSTER_KEYS; n++) {
		key = roster_key(r->roster, &run->chain, n);
		if (key == NULL)
			break;
		memcpy(keys[n], key->sign, sizeof(keys[n]));
	}
	ahead_free(r->ahead);
	r->ahead =
	    ahead_new(run, plain, id, oid, (const uint8_t(*)[32])keys, n);
}

/* --- what is held already ---------------------------------------------------
 */

/* The place before, as the replica knows it, and the key that signed. */
static int
load_place(struct replica *r, const struct chain *c, struct changeset *cs,
    struct digest *id, uint8_t oid[20], struct err *err)
{
	struct db_stmt *st;
	const void *v[5];
	size_t n[5];
	int rc, i;

	rc = db_query(&st, r->db, err,
	    "SELECT a.id, a.oid, _key.key, b.id, b.oid FROM _changeset AS a"
	    " JOIN _key ON _key.no = a.key LEFT JOIN _changeset AS b"
	    " ON b.chain = a.chain AND b.seq = a.seq - 1"
	    " WHERE a.chain = ? AND a.seq = ?",
	    "ii", c->no, cs->seq);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		for (i = 0; i < 5; i++)
			v[i] = db_blob(st, i, &n[i]);
		if (n[0] == 32 && n[1] == 20 && n[2] == 32) {
			memcpy(id->b, v[0], 32);
			memcpy(oid, v[1], 20);
			memcpy(cs->key, v[2], 32);
		} else
			rc = err_set(err, YZ_ECORRUPT, "its row is damaged");
		memset(&cs->prev, 0, sizeof(cs->prev));
		memset(cs->parent_oid, 0, sizeof(cs->parent_oid));
		if (rc == 1 && n[3] == 32 && n[4] == 20) {
			memcpy(cs->prev.b, v[3], 32);
			memcpy(cs->parent_oid, v[4], 20);
		}
	} else if (rc == 0)
		rc = err_set(err, YZ_ECORRUPT, "it has no row");
	db_done(st);
	return rc < 0 ? rc : 0;
}

/*
 * Its bytes are not here any more (hole.h), but the replica knows its id and
 * its address: what comes is it if it has both, and is written to the ledger
 * by the next who seals.
 */
static int
receive_again(struct replica *r, const struct chain *c, struct changeset *cs,
    struct err *err)
{
	struct buf commit = BUF_INIT;
	struct digest id;
	uint8_t oid[20];
	int rc;

	rc = load_place(r, c, cs, &id, oid, err);
	if (rc != 0)
		return rc;
	changeset_derive(cs);
	if (!digest_equal(&id, &cs->id) || memcmp(oid, cs->oid, 20) != 0)
		return err_set(err, YZ_ECONFLICT,
		    "another changeset stands at seq %lld", (long long)cs->seq);
	changeset_commit(&commit, cs);
	rc = db_run(r->db, err,
	    "INSERT INTO _loose(stream, text, ops) VALUES (?, ?, ?)", "ibb",
	    (int64_t)cs->chain.stream, commit.b, commit.len,
	    cs->ops.b == NULL ? (const void *)"" : cs->ops.b, cs->ops.len);
	buf_free(&commit);
	return rc;
}

static int
receive(struct replica *r, struct changeset *cs, enum receive_result *result,
    struct err *err)
{
	struct changeset held = CHANGESET_INIT;
	struct chain *c;
	struct buf text = BUF_INIT;
	struct ops ops;
	int rc;

	if (!chain_reaches(r->roster, &cs->chain, r->home->code))
		return err_set(err, YZ_EDENIED,
		    "station %s may not hold this chain", r->home->code);
	/* A chain is made when its first changeset is stored, not before: what
	 * is refused leaves nothing behind. */
	c = replica_chain_find(r, &cs->chain);
	if (cs->seq > (c == NULL ? 0 : c->head) + 1)
		return err_set(err, YZ_ENOTFOUND,
		    "changesets after seq %lld are missing",
		    (long long)(c == NULL ? 0 : c->head));
	if (c != NULL && cs->seq <= c->head) {
		*result = RECEIVE_HAD;
		rc = replica_load(r, &held, c, cs->seq, err);
		if (rc == YZ_ENOTFOUND || rc == YZ_ECORRUPT)
			return receive_again(r, c, cs, err);
		if (rc != 0)
			return rc;
		/* prev and parent are not on the wire: take those of the
		 * chain held, so that equal content gives an equal id. */
		cs->prev = held.prev;
		memcpy(cs->parent_oid, held.parent_oid, 20);
		memcpy(cs->key, held.key, sizeof(cs->key));
		changeset_derive(cs);
		rc = digest_equal(&held.id, &cs->id) &&
			     memcmp(held.sig, cs->sig, sizeof(cs->sig)) == 0
			 ? 0
			 : YZ_ECONFLICT;
		changeset_free(&held);
		if (rc != 0)
			return err_set(err, YZ_ECONFLICT,
			    "another changeset stands at seq %lld",
			    (long long)cs->seq);
		return 0;
	}
	if (c != NULL && cs->seq > 1 &&
	    (!digest_equal(&cs->prev, &c->id) ||
		memcmp(cs->parent_oid, c->oid, 20) != 0))
		return err_set(err, YZ_ECONFLICT,
		    "Prev is not the changeset at seq %lld",
		    (long long)c->head);

	/* Form first: what is signed but malformed is refused the same way
	 * by everybody, before any key is tried. */
	rc = changeset_check(cs, err);
	if (rc == 0)
		rc = ops_parse(&ops, buf_str(&cs->ops), cs->ops.len, err);
	if (rc != 0)
		return rc;
	changeset_derive_content(cs, &text);
	rc = check_stop(r, cs, err);
	if (rc == 0)
		rc = check_key(r, cs, &text, err);
	if (rc == 0) {
		buf_clear(&text);
		changeset_derive_commit(cs, &text);
		rc = store_changeset(r, cs, &text, &ops, err);
	}
	ops_free(&ops);
	buf_free(&text);
	*result = RECEIVE_STORED;
	return rc;
}

int
receive_changeset(struct replica *r, struct changeset *cs,
    enum receive_result *result, struct err *err)
{
	char name[CHAIN_NAME_MAX];
	int rc;

	rc = receive(r, cs, result, err);
	if (rc == 0)
		return 0;
	chain_format(name, &cs->chain);
	return err_within(err, "%s seq %lld", name, (long long)cs->seq);
}
