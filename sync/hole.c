#include "config.h"

#include <stdio.h>
#include <string.h>

#include "hole.h"
#include "local.h"
#include "peer.h"
#include "replica_impl.h"

int
hole_put(struct local *local, const struct chain_name *chain, int64_t seq,
    struct err *err)
{
	char name[CHAIN_NAME_MAX];

	chain_format(name, chain);
	return db_run(local_db(local), err,
	    "INSERT INTO hole(chain, seq) VALUES (?, ?) ON CONFLICT(chain)"
	    " DO UPDATE SET seq = min(seq, excluded.seq)",
	    "si", name, seq);
}

int
hole_count(int64_t *out, struct local *local, struct err *err)
{
	return db_get_int(
	    out, local_db(local), err, "SELECT count(*) FROM hole", "");
}

/* From seq on, the first whose bytes are not here; past the head if none. */
static int64_t
first_missing(struct replica *r, const struct chain *c, int64_t seq)
{
	struct changeset cs;
	struct err ignored;

	for (; seq <= c->head; seq++) {
		if (replica_load(r, &cs, c, seq, &ignored) != 0)
			break;
		changeset_free(&cs);
	}
	return seq;
}

/* The next hole after a chain's name: 1, or 0 if there is none. */
static int
next_hole(struct local *local, char name[CHAIN_NAME_MAX], int64_t *seq,
    struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, local_db(local), err,
	    "SELECT chain, seq FROM hole WHERE chain > ? ORDER BY chain LIMIT 1",
	    "s", name);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		snprintf(name, CHAIN_NAME_MAX, "%s", db_text(st, 0));
		*seq = db_int(st, 1);
	}
	db_done(st);
	return rc;
}

int
hole_refresh(struct replica *r, struct local *local, struct err *err)
{
	char text[CHAIN_NAME_MAX] = "";
	int64_t seq = 0, now;
	int rc;

	while ((rc = next_hole(local, text, &seq, err)) == 1) {
		struct chain_name name;
		struct chain *c = NULL;

		if (chain_parse(&name, text, strlen(text), err) == 0)
			c = replica_chain_find(r, &name);
		now = c == NULL ? seq : first_missing(r, c, seq);
		if (c == NULL || now > c->head)
			rc = db_run(local_db(local), err,
			    "DELETE FROM hole WHERE chain = ?", "s", text);
		else if (now != seq)
			rc = db_run(local_db(local), err,
			    "UPDATE hole SET seq = ? WHERE chain = ?", "is",
			    now, text);
		else
			rc = 0;
		if (rc != 0)
			break;
	}
	return rc;
}

/* Name the place before the hole. */
static int
lower(struct replica *r, struct peer_head *head, int64_t seq, struct err *err)
{
	const struct chain *c = replica_chain_find(r, &head->chain);
	struct db_stmt *st;
	int rc;

	head->seq = seq;
	memset(&head->id, 0, sizeof(head->id));
	memset(head->oid, 0, sizeof(head->oid));
	if (seq == 0 || c == NULL)
		return 0;
	rc = db_query(&st, r->db, err,
	    "SELECT id, oid FROM _changeset WHERE chain = ? AND seq = ?", "ii",
	    c->no, seq);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		db_bytes(head->id.b, sizeof(head->id.b), st, 0);
		db_bytes(head->oid, sizeof(head->oid), st, 1);
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

static int
cap_one(struct replica *r, struct local *local, struct peer_head *h,
    struct err *err)
{
	char name[CHAIN_NAME_MAX];
	int64_t seq;
	int rc;

	chain_format(name, &h->chain);
	rc = db_get_int(&seq, local_db(local), err,
	    "SELECT seq FROM hole WHERE chain = ?", "s", name);
	if (rc == YZ_ENOTFOUND)
		return 0;
	return rc == 0 && seq <= h->seq ? lower(r, h, seq - 1, err) : rc;
}

int
hole_cap(struct replica *r, struct local *local, struct peer_head *heads,
    size_t *n, struct err *err)
{
	int64_t holes;
	size_t i, kept = 0;
	int rc;

	rc = hole_count(&holes, local, err);
	if (rc != 0 || holes == 0)
		return rc;
	rc = hole_refresh(r, local, err);
	for (i = 0; rc == 0 && i < *n; i++) {
		rc = cap_one(r, local, &heads[i], err);
		if (heads[i].seq > 0 || heads[i].fork > 0)
			heads[kept++] = heads[i];
	}
	*n = kept;
	return rc;
}
