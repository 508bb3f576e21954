#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "replica_impl.h"
#include "tally.h"

#define PENDING_MAX 4096        /* sums in memory */
#define SLOTS (2 * PENDING_MAX) /* a power of two */

struct sum {
	char *kind;
	struct buf key;
	int64_t n;
};

struct tally {
	struct sum sums[PENDING_MAX];
	size_t n;
	uint16_t slots[SLOTS]; /* by a hash: a place in sums, from 1; 0: none */
};

struct tally *
tally_new(void)
{
	return mem_calloc(1, sizeof(struct tally));
}

void
tally_forget(struct tally *tally)
{
	size_t i;

	if (tally->n == 0)
		return;
	for (i = 0; i < tally->n; i++) {
		free(tally->sums[i].kind);
		buf_free(&tally->sums[i].key);
	}
	tally->n = 0;
	memset(tally->slots, 0, sizeof(tally->slots));
}

void
tally_free(struct tally *tally)
{
	if (tally != NULL)
		tally_forget(tally);
	free(tally);
}

void
tally_put(struct buf *key, const char *s, size_t n)
{
	buf_putc(key, s == NULL ? '0' : '1');
	buf_put_string(key, s, s == NULL ? 0 : n);
}

static size_t
hash(const char *kind, const struct buf *key)
{
	uint64_t h = 14695981039346656037u;
	size_t i;

	for (; *kind != '\0'; kind++)
		h = (h ^ (unsigned char)*kind) * 1099511628211u;
	for (i = 0; i < key->len; i++)
		h = (h ^ key->b[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

int
tally_add(struct replica *r, const struct kind *kind, const struct buf *key,
    int64_t n, struct err *err)
{
	struct tally *t = r->tally;
	struct sum *sum;
	size_t at;
	int rc;

	if (t->n == PENDING_MAX) {
		rc = tally_flush(r, err);
		if (rc != 0)
			return rc;
	}
	for (at = hash(kind->name, key) & (SLOTS - 1); t->slots[at] != 0;
	     at = (at + 1) & (SLOTS - 1)) {
		sum = &t->sums[t->slots[at] - 1];
		if (sum->key.len == key->len &&
		    (key->len == 0 ||
			memcmp(sum->key.b, key->b, key->len) == 0) &&
		    strcmp(sum->kind, kind->name) == 0) {
			sum->n += n;
			return 0;
		}
	}
	sum = &t->sums[t->n++];
	sum->kind = mem_strdup(kind->name);
	sum->key = (struct buf)BUF_INIT;
	buf_put(&sum->key, key->b, key->len);
	sum->n = n;
	t->slots[at] = (uint16_t)t->n;
	return 0;
}

int
tally_row(struct replica *r, const struct kind *kind, int64_t rec, int64_t n,
    struct err *err)
{
	struct buf key = BUF_INIT;
	struct db_stmt *st;
	int rc, i;

	rc = db_query(&st, r->db, err, kind->sql.tallied, "i", rec);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	for (i = 1; rc == 1 && i < db_columns(st); i++) {
		const char *s = db_text(st, i);

		tally_put(&key, s, s == NULL ? 0 : strlen(s));
	}
	if (rc == 1 && db_int(st, 0) == 0) {
		db_done(st);
		rc = tally_add(r, kind, &key, n, err);
	} else {
		db_done(st);
	}
	buf_free(&key);
	return rc < 0 ? rc : 0;
}

/* A key's values, NULL for none and beyond its last. */
static void
read_key(const char *v[KIND_TALLIED_MAX], size_t len[KIND_TALLIED_MAX],
    const struct buf *key)
{
	struct buf_reader in;
	size_t i;

	buf_reader_init(&in, key->b, key->len);
	for (i = 0; i < KIND_TALLIED_MAX; i++) {
		bool some = buf_reader_left(&in) > 0 && buf_get_u8(&in) == '1';

		v[i] = NULL;
		len[i] = 0;
		if (buf_reader_left(&in) > 0)
			v[i] = (const char *)buf_get_string(
			    &in, key->len, &len[i]);
		if (!some)
			v[i] = NULL;
	}
}

static int
write_sum(struct replica *r, const struct sum *sum, struct err *err)
{
	const char *v[KIND_TALLIED_MAX];
	size_t len[KIND_TALLIED_MAX];
	int rc;

	read_key(v, len, &sum->key);
	rc = db_run(r->db, err,
	    "UPDATE _tally SET n = n + ? WHERE kind = ? AND a IS ? AND b IS ?"
	    " AND c IS ? AND d IS ?",
	    "istttt", sum->n, sum->kind, v[0], len[0], v[1], len[1], v[2],
	    len[2], v[3], len[3]);
	if (rc == 0 && db_changes(r->db) == 0)
		return db_run(r->db, err,
		    "INSERT INTO _tally(kind, a, b, c, d, n)"
		    " VALUES (?, ?, ?, ?, ?, ?)",
		    "stttti", sum->kind, v[0], len[0], v[1], len[1], v[2],
		    len[2], v[3], len[3], sum->n);
	if (rc == 0 && sum->n < 0)
		rc = db_run(r->db, err,
		    "DELETE FROM _tally WHERE kind = ? AND a IS ? AND b IS ?"
		    " AND c IS ? AND d IS ? AND n = 0",
		    "stttt", sum->kind, v[0], len[0], v[1], len[1], v[2],
		    len[2], v[3], len[3]);
	return rc;
}

int
tally_flush(struct replica *r, struct err *err)
{
	struct tally *t = r->tally;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < t->n; i++)
		if (t->sums[i].n != 0)
			rc = write_sum(r, &t->sums[i], err);
	tally_forget(t);
	return rc;
}

int
tally_count(struct db *db, const struct kind *kind, struct err *err)
{
	struct buf fields = BUF_INIT, sql = BUF_INIT;
	int64_t same;
	size_t i;
	int rc;

	for (i = 0; i < kind->n_tallied; i++) {
		buf_puts(&fields, i == 0 ? "" : " ");
		buf_puts(&fields, kind->tallied[i]->name);
	}
	rc = db_get_int(&same, db, err,
	    "SELECT count(*) FROM _tallied WHERE kind = ? AND fields = ?", "ss",
	    kind->name, buf_str(&fields));
	if (rc != 0 || same != 0)
		goto out;
	rc = db_run(
	    db, err, "DELETE FROM _tally WHERE kind = ?", "s", kind->name);
	if (rc == 0)
		rc = db_run(db, err,
		    "INSERT OR REPLACE INTO _tallied(kind, fields)"
		    " VALUES (?, ?)",
		    "ss", kind->name, buf_str(&fields));
	buf_puts(&sql, "INSERT INTO _tally(kind, a, b, c, d, n) SELECT ?");
	for (i = 0; i < KIND_TALLIED_MAX; i++) {
		buf_puts(&sql, ", ");
		if (i < kind->n_tallied) {
			buf_puts(&sql, "CAST(");
			db_quote(&sql, kind->tallied[i]->name);
			buf_puts(&sql, " AS TEXT)");
		} else {
			buf_puts(&sql, "NULL");
		}
	}
	buf_puts(&sql, ", count(*) FROM ");
	db_quote(&sql, kind->name);
	buf_puts(&sql, " WHERE removed = 0 GROUP BY 2, 3, 4, 5");
	if (rc == 0)
		rc = db_run(db, err, buf_str(&sql), "s", kind->name);
out:
	buf_free(&fields);
	buf_free(&sql);
	return rc;
}
