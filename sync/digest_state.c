#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "replica_impl.h"
#include "row.h"
#include "row_clock.h"

/*
 * What is hashed, each item a length-prefixed string (varint length, bytes),
 * numbers as decimal text; FORMAT.md, "Digest":
 *
 *	per chain that ends, by name: "end", chain, seq, id
 *	per kind by name, per record by id, if it has a write in the stream:
 *		"record", kind, id, "0" if this is the kind's main stream and
 *		it is removed there, else "1"; then per field of the stream
 *		with a value, by name: name, value; then per register of the
 *		stream with several standing writes, by name, per write by
 *		changeset id: "conflict", register, id, value
 *	per quarantined op, by changeset id and place:
 *		"quarantine", changeset id, place
 */

static void
put(struct buf *out, const char *s)
{
	buf_put_string(out, s, strlen(s));
}

struct summing {
	struct replica *r;
	enum stream stream;
	const char *owner; /* or NULL */
	struct digest_ctx *ctx;
	struct buf item;
	int64_t records;
};

static void
flush(struct summing *s)
{
	digest_add(s->ctx, s->item.b, s->item.len);
	buf_clear(&s->item);
}

static int
compare_fields(const void *a, const void *b)
{
	return strcmp((*(struct field *const *)a)->name,
	    (*(struct field *const *)b)->name);
}

/* The fields of a kind that travel in the stream, by name. */
static struct field **
stream_fields(const struct kind *kind, enum stream stream, size_t *n)
{
	struct field **out = mem_calloc(kind->n_fields + 1, sizeof(*out));
	size_t i;

	*n = 0;
	for (i = 0; i < kind->n_fields; i++)
		if (kind->fields[i]->reg != NULL &&
		    kind->fields[i]->stream == stream)
			out[(*n)++] = kind->fields[i];
	qsort(out, *n, sizeof(*out), compare_fields);
	return out;
}

/* A record's conflicts in this stream. */
static int
sum_conflicts(struct summing *s, int64_t rec, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, s->r->db, err,
	    "SELECT s.register, lower(hex(c.id)), s.value, h.stream"
	    " FROM _standing AS s JOIN _changeset AS c USING (chain, seq)"
	    " JOIN _chain AS h ON h.no = s.chain WHERE s.rec = ?"
	    " ORDER BY s.register, c.id",
	    "i", rec);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		if ((enum stream)db_int(st, 3) != s->stream)
			continue;
		put(&s->item, "conflict");
		put(&s->item, db_text(st, 0));
		put(&s->item, db_text(st, 1));
		put(&s->item, db_text(st, 2));
	}
	db_done(st);
	return rc;
}

static int
sum_row(struct summing *s, const struct kind *kind, struct db_stmt *st,
    struct field *const *fields, size_t n, struct err *err)
{
	static struct row_clock clock;
	bool present;
	const void *p;
	size_t len, i;
	int rc;

	p = db_blob(st, 2, &len);
	rc = row_clock_read(&clock, p, len, err);
	if (rc != 0 || clock.by_stream[s->stream].chain == 0)
		return rc;
	/* Whether it is removed is told by the main stream, which not all
	 * who hold this one may hold. */
	present = s->stream != kind->stream || db_int(st, 3) == 0;
	put(&s->item, "record");
	put(&s->item, kind->name);
	put(&s->item, db_text(st, 1));
	put(&s->item, present ? "1" : "0");
	for (i = 0; i < n; i++) {
		const char *value = db_text(st, (int)i + 5);

		if (value == NULL)
			continue;
		put(&s->item, fields[i]->name);
		put(&s->item, value);
	}
	if (db_int(st, 4) > 0)
		rc = sum_conflicts(s, db_int(st, 0), err);
	s->records += present;
	flush(s);
	return rc;
}

/* Most kinds have no records, and the query would walk all of _record. */
static bool
is_empty(struct summing *s, const struct kind *kind)
{
	struct buf sql = BUF_INIT;
	struct err err;
	int64_t one;
	int rc;

	buf_puts(&sql, "SELECT 1 FROM ");
	db_quote(&sql, kind->name);
	buf_puts(&sql, " LIMIT 1");
	rc = db_get_int(&one, s->r->db, &err, buf_str(&sql), "");
	buf_free(&sql);
	return rc == YZ_ENOTFOUND;
}

static int
sum_kind(struct summing *s, const struct kind *kind, struct err *err)
{
	struct buf sql = BUF_INIT;
	struct field **fields;
	struct db_stmt *st;
	size_t n, i;
	int rc;

	if (is_empty(s, kind))
		return 0;
	fields = stream_fields(kind, s->stream, &n);
	buf_puts(&sql,
	    "SELECT rec, id, _clock, k.removed,"
	    " EXISTS(SELECT 1 FROM _standing AS s WHERE s.rec = k.rec)");
	for (i = 0; i < n; i++) {
		buf_puts(&sql, ", k.");
		db_quote(&sql, fields[i]->name);
	}
	buf_puts(&sql, " FROM _record JOIN ");
	db_quote(&sql, kind->name);
	buf_puts(&sql,
	    " AS k USING (rec) WHERE (?1 IS NULL OR _record.owner = ?1)"
	    " ORDER BY id");
	rc = db_query(&st, s->r->db, err, buf_str(&sql), "s", s->owner);
	buf_free(&sql);
	if (rc == 0) {
		while ((rc = db_step(st, err)) == 1) {
			rc = sum_row(s, kind, st, fields, n, err);
			if (rc != 0)
				break;
		}
		db_done(st);
	}
	free(fields);
	return rc;
}

static int
sum_quarantine(struct summing *s, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, s->r->db, err,
	    "SELECT lower(hex(c.id)), q.op FROM _quarantine AS q"
	    " JOIN _changeset AS c USING (chain, seq)"
	    " JOIN _chain AS h ON h.no = q.chain WHERE h.stream = ?1 AND"
	    /* Whoever holds a chain holds what is wrong in it, whomever that
	     * is about. */
	    " (?2 IS NULL OR"
	    " coalesce(nullif(h.owner, ''), substr(q.id, 1, 6)) = ?2)"
	    " ORDER BY c.id, q.op",
	    "is", (int64_t)s->stream, s->owner);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		put(&s->item, "quarantine");
		put(&s->item, db_text(st, 0));
		put(&s->item, db_text(st, 1));
		flush(s);
	}
	db_done(st);
	return rc;
}

/* Where chains end of which something is held: nothing beyond is. */
static int
sum_ends(struct summing *s, struct err *err)
{
	char name[CHAIN_NAME_MAX], seq[24], id[DIGEST_HEX_LEN + 1];
	struct roster_end end;
	size_t i;
	int rc = 0;

	for (i = 0; rc >= 0 && i < s->r->n_chains; i++) {
		const struct chain *c = &s->r->chains[i];
		const char *about =
		    c->name.owner[0] == '\0' ? c->name.writer : c->name.owner;

		if (c->name.stream != s->stream ||
		    (s->owner != NULL && strcmp(s->owner, about) != 0))
			continue;
		rc = fork_end(s->r, &end, c, err);
		if (rc != 1)
			continue;
		chain_format(name, &end.chain);
		snprintf(seq, sizeof(seq), "%lld", (long long)end.seq);
		digest_hex(id, end.id.b, sizeof(end.id.b));
		put(&s->item, "end");
		put(&s->item, name);
		put(&s->item, seq);
		put(&s->item, id);
		flush(s);
	}
	return rc < 0 ? rc : 0;
}

static int
compare_kinds(const void *a, const void *b)
{
	return strcmp((*(const struct kind *const *)a)->name,
	    (*(const struct kind *const *)b)->name);
}

int
replica_digest(struct replica *r, enum stream stream, const char *owner,
    int64_t *records, struct digest *out, struct err *err)
{
	struct summing s = {.r = r, .stream = stream, .owner = owner};
	const struct kind **kinds;
	size_t i, n = 0;
	int rc;

	rc = replica_refresh(r, err);
	if (rc != 0)
		return rc;
	kinds = mem_calloc(schema_count(r->schema) + 1, sizeof(*kinds));
	for (i = 0; i < schema_count(r->schema); i++) {
		const struct kind *k = schema_at(r->schema, i);

		if (k->n_regs > 0 && schema_mark(k, stream) != NULL)
			kinds[n++] = k;
	}
	qsort(kinds, n, sizeof(*kinds), compare_kinds);
	s.ctx = digest_begin();
	rc = sum_ends(&s, err);
	for (i = 0; rc == 0 && i < n; i++)
		rc = sum_kind(&s, kinds[i], err);
	if (rc == 0)
		rc = sum_quarantine(&s, err);
	digest_end(s.ctx, out);
	*records = s.records;
	buf_free(&s.item);
	free(kinds);
	return rc;
}
