#include "config.h"

#include <string.h>

#include "replica_impl.h"

/*
 * Of the Seen lines only those about chains that can write the same records
 * matter for merging: the same stream and owner.  The others stay in the
 * changeset, for whoever asks who knew what when.
 */
static int
store_seen(
    struct replica *r, int64_t no, const struct changeset *cs, struct err *err)
{
	size_t i;
	int rc;

	for (i = 0; i < cs->n_seen; i++) {
		const struct changeset_seen *s = &cs->seen[i];
		struct chain *other;

		if (s->chain.stream != cs->chain.stream ||
		    strcmp(s->chain.owner, cs->chain.owner) != 0)
			continue;
		rc = replica_chain(r, &other, &s->chain, err);
		if (rc == 0)
			rc = db_run(r->db, err,
			    "INSERT INTO _seen(chain, other, seq, other_seq,"
			    " id) VALUES (?, ?, ?, ?, ?)",
			    "iiiib", no, other->no, cs->seq, s->seq, s->id,
			    sizeof(s->id));
		if (rc == 0 && other->head < s->seq)
			rc = db_run(r->db, err,
			    "INSERT OR IGNORE INTO _waiting(other, other_seq,"
			    " chain) VALUES (?, ?, ?)",
			    "iii", other->no, s->seq, no);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/*
 * A Seen line that came before what it names now counts.  It can only cover
 * writes that stood beside others until now.
 */
static int
wake_waiting(struct replica *r, const struct chain *c, struct err *err)
{
	int64_t woken;
	int rc;

	rc = db_run(r->db, err,
	    "DELETE FROM _waiting WHERE other = ? AND other_seq <= ?", "ii",
	    c->no, c->head);
	if (rc != 0)
		return rc;
	woken = db_changes(r->db);
	if (woken == 0)
		return 0;
	rc = db_run(r->db, err,
	    "INSERT OR IGNORE INTO temp._dirty"
	    " SELECT rec FROM _standing WHERE chain = ?",
	    "i", c->no);
	r->dirty = true;
	return rc;
}

/* Where an incarnation goes on from; the chain is then judged anew. */
static int
store_continues(
    struct replica *r, int64_t no, const struct changeset *cs, struct err *err)
{
	struct chain *other;
	int rc;

	if (!cs->continues)
		return 0;
	rc = replica_chain(r, &other, &cs->continued.chain, err);
	if (rc != 0)
		return rc;
	return db_run(r->db, err,
	    "INSERT OR REPLACE INTO _continues(chain, other, seq, id)"
	    " VALUES (?, ?, ?, ?)",
	    "iiib", no, other->no, cs->continued.seq, cs->continued.id,
	    sizeof(cs->continued.id));
}

/* The chain has come as far as others may go on from. */
static int
wake_continuing(struct replica *r, int64_t no, int64_t head, struct err *err)
{
	int64_t any;
	int rc;

	if (!r->pending)
		return 0;
	rc = db_get_int(&any, r->db, err,
	    "SELECT 1 FROM _continues WHERE other = ? AND seq = ? LIMIT 1",
	    "ii", no, head);
	if (rc != 0)
		return rc == YZ_ENOTFOUND ? 0 : rc;
	return replica_judge_unlisted(r, err);
}

/* The number of a key. */
static int
key_no(int64_t *no, struct replica *r, const uint8_t key[32], struct err *err)
{
	static const char *const find = "SELECT no FROM _key WHERE key = ?";
	int rc;

	rc = db_get_int(no, r->db, err, find, "b", key, (size_t)32);
	if (rc != YZ_ENOTFOUND)
		return rc;
	rc = db_run(r->db, err, "INSERT INTO _key(key) VALUES (?)", "b", key,
	    (size_t)32);
	*no = db_last_rowid(r->db);
	return rc;
}

int
store_changeset(struct replica *r, const struct changeset *cs,
    const struct buf *commit, const struct ops *ops, struct err *err)
{
	struct chain *c;
	int64_t no, key;
	int rc;

	rc = replica_chain(r, &c, &cs->chain, err);
	if (rc == 0)
		rc = key_no(&key, r, cs->key, err);
	if (rc != 0)
		return rc;
	no = c->no;
	rc = db_run(r->db, err,
	    "INSERT INTO _changeset(chain, seq, id, oid, time, offset, ops,"
	    " key, author, subject) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    "iibbiiiiss", no, cs->seq, cs->id.b, sizeof(cs->id.b), cs->oid,
	    sizeof(cs->oid), cs->time, cs->offset, (int64_t)ops->n, key,
	    cs->author, cs->subject);
	if (rc != 0)
		return rc;
	rc = db_run(r->db, err,
	    "INSERT INTO _unsealed(chain, seq, text, ops)"
	    " VALUES (?, ?, ?, ?)",
	    "iibb", no, cs->seq, commit->b, commit->len,
	    cs->ops.b == NULL ? (const void *)"" : cs->ops.b, cs->ops.len);
	if (rc == 0)
		rc = store_seen(r, no, cs, err);
	if (rc == 0 && cs->seq == 1)
		rc = store_continues(r, no, cs, err);
	if (rc != 0)
		return rc;

	c = replica_chain_no(r, no); /* store_seen() may have made chains */
	c->head = cs->seq;
	c->id = cs->id;
	memcpy(c->oid, cs->oid, sizeof(c->oid));
	c->time = cs->time;
	c->stamp = ++r->stamp;
	if (ops->n > 0)
		c->news = c->stamp;
	if (c->name.stream == STREAM_ROSTER &&
	    strcmp(c->name.writer, roster_root(r->roster)) == 0 &&
	    c->head > r->kinds)
		r->kinds = c->head;
	rc = cs->seq == 1 ? replica_judge(r, c, err) : 0;
	r->pending |= c->accepted == 0;
	if (rc == 0)
		rc = replica_chain_put(r, c, err);
	if (rc == 0)
		rc = wake_waiting(r, c, err);
	if (rc == 0)
		rc = wake_continuing(r, no, cs->seq, err);
	if (rc == 0 && ops->n > 0) {
		struct chain copy = *c;

		rc = fold_changeset(r, &copy, cs, ops, err);
	}
	return rc;
}
