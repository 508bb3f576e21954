#include "config.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "replica_impl.h"
#include "roster.h"

static int
compare_names(const struct chain_name *a, const struct chain_name *b)
{
	char x[CHAIN_NAME_MAX], y[CHAIN_NAME_MAX];

	chain_format(x, a);
	chain_format(y, b);
	return strcmp(x, y);
}

/* Where name is or would be. */
static size_t
chain_place(struct replica *r, const struct chain_name *name)
{
	size_t low = 0, high = r->n_chains;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (compare_names(&r->chains[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct chain *
replica_chain_find(struct replica *r, const struct chain_name *name)
{
	size_t i = chain_place(r, name);

	if (i < r->n_chains && chain_equal(&r->chains[i].name, name))
		return &r->chains[i];
	return NULL;
}

struct chain *
replica_chain_no(struct replica *r, int64_t no)
{
	size_t i;

	for (i = 0; i < r->n_chains; i++)
		if (r->chains[i].no == no)
			return &r->chains[i];
	return NULL;
}

static struct chain *
chain_insert(struct replica *r, const struct chain *c)
{
	size_t i = chain_place(r, &c->name), n = r->n_chains;

	/* A flood of Seen lines names thousands: grow by doubling. */
	if ((n & (n - 1)) == 0)
		r->chains = mem_realloc(
		    r->chains, (n == 0 ? 1 : 2 * n) * sizeof(*r->chains));
	memmove(r->chains + i + 1, r->chains + i,
	    (r->n_chains - i) * sizeof(*r->chains));
	r->chains[i] = *c;
	r->n_chains++;
	return &r->chains[i];
}

int
replica_chain(struct replica *r, struct chain **out,
    const struct chain_name *name, struct err *err)
{
	struct chain made = {.name = *name};
	char text[CHAIN_NAME_MAX];
	int rc;

	*out = replica_chain_find(r, name);
	if (*out != NULL)
		return 0;
	assert(db_in_transaction(r->db));
	chain_format(text, name);
	rc = db_run(r->db, err,
	    "INSERT INTO _chain(name, writer, inc, stream, owner, head, time,"
	    " stamp, news) VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0)",
	    "sssis", text, name->writer, name->inc, (int64_t)name->stream,
	    name->owner);
	if (rc != 0)
		return rc;
	made.no = db_last_rowid(r->db);
	rc = replica_judge(r, &made, err);
	if (rc != 0)
		return rc;
	*out = chain_insert(r, &made);
	return replica_chain_put(r, *out, err);
}

int
replica_chain_put(struct replica *r, const struct chain *c, struct err *err)
{
	return db_run(r->db, err,
	    "UPDATE _chain SET head = ?, head_id = ?, head_oid = ?, time = ?,"
	    " stamp = ?, news = ?, accepted = ?, may_write = ? WHERE no = ?",
	    "ibbiiiiii", c->head, c->id.b, sizeof(c->id.b), c->oid,
	    sizeof(c->oid), c->time, c->stamp, c->news, c->accepted,
	    (int64_t)c->may_write, c->no);
}

int
replica_is_at(struct replica *r, const struct chain *c, int64_t seq,
    const void *id, size_t n, struct err *err)
{
	struct db_stmt *st;
	const void *held;
	size_t len;
	int rc;

	if (seq > c->head)
		return 0;
	rc = db_query(&st, r->db, err,
	    "SELECT id FROM _changeset WHERE chain = ? AND seq = ?", "ii",
	    c->no, seq);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		held = db_blob(st, 0, &len);
		rc = len >= n && memcmp(held, id, n) == 0;
	}
	db_done(st);
	return rc;
}

void
replica_count_kinds(struct replica *r)
{
	size_t i;

	r->kinds = 0;
	for (i = 0; i < r->n_chains; i++)
		if (r->chains[i].name.stream == STREAM_ROSTER &&
		    r->chains[i].head > r->kinds &&
		    strcmp(r->chains[i].name.writer, roster_root(r->roster)) ==
			0)
			r->kinds = r->chains[i].head;
}

int
replica_chain_load(struct replica *r, struct err *err)
{
	struct db_stmt *st;
	size_t i;
	int rc;

	r->n_chains = 0;
	r->stamp = 0;
	rc = db_query(&st, r->db, err,
	    "SELECT no, name, head, head_id, head_oid, time, stamp, news,"
	    " accepted, may_write, f.seq FROM _chain LEFT JOIN _fork AS f"
	    " ON f.chain = no AND f.active ORDER BY name",
	    "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const char *name = db_text(st, 1);
		struct chain c = {.no = db_int(st, 0)};

		rc = chain_parse(&c.name, name, strlen(name), err);
		if (rc != 0)
			break;
		c.head = db_int(st, 2);
		db_bytes(c.id.b, sizeof(c.id.b), st, 3);
		db_bytes(c.oid, sizeof(c.oid), st, 4);
		c.time = db_int(st, 5);
		c.stamp = db_int(st, 6);
		c.news = db_int(st, 7);
		c.accepted = db_int(st, 8);
		c.may_write = db_int(st, 9) != 0;
		c.fork = db_int(st, 10);
		chain_insert(r, &c);
		if (c.stamp > r->stamp)
			r->stamp = c.stamp;
	}
	db_done(st);
	replica_count_kinds(r);
	r->pending = false;
	for (i = 0; i < r->n_chains; i++)
		r->pending |=
		    r->chains[i].head > 0 && r->chains[i].accepted == 0;
	return rc;
}
