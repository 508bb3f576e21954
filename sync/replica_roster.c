#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "home.h"
#include "pins.h"
#include "replica_impl.h"
#include "replica_pin.h"
#include "roster.h"

static int
unpack_row(struct roster_doc *out, struct db_stmt *st, int col, struct err *err)
{
	size_t n;
	const void *p = db_blob(st, col, &n);

	return roster_doc_unpack(out, p, n, err);
}

/* --- reading ------------------------------------------------------------- */

static int
read_held(void *arg, struct roster_doc *out, const struct roster_held *which,
    struct err *err)
{
	return replica_roster_hash(arg, out, which->scope, &which->hash, err);
}

static void
held_row(struct roster_held *out, struct db_stmt *st, const struct pins *pins)
{
	const void *p;
	size_t n;

	memset(out, 0, sizeof(*out));
	snprintf(out->scope, sizeof(out->scope), "%s", db_text(st, 0));
	out->version = db_int(st, 1);
	p = db_blob(st, 2, &n);
	if (n == sizeof(out->hash.b))
		memcpy(out->hash.b, p, n);
	p = db_blob(st, 3, &n);
	if (n == sizeof(out->prev.b))
		memcpy(out->prev.b, p, n);
	p = db_blob(st, 4, &n);
	if (n == sizeof(out->signer))
		memcpy(out->signer, p, n);
	p = db_blob(st, 5, &n);
	out->n_decides = n / sizeof(*out->decides);
	out->decides = mem_calloc(out->n_decides + 1, sizeof(*out->decides));
	if (n > 0)
		memcpy(out->decides, p, out->n_decides * sizeof(*out->decides));
	if (strcmp(out->scope, "root") == 0)
		out->pinned = pins_place(pins, &out->hash);
}

static int
load(struct roster **out, struct replica *r, struct err *err)
{
	struct roster_held *held = NULL;
	struct db_stmt *st;
	struct pins pins;
	size_t n = 0, i;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT scope, version, hash, prev, signer, decides FROM _roster",
	    "");
	if (rc != 0)
		return rc;
	replica_pins(&pins, r);
	while ((rc = db_step(st, err)) == 1) {
		if ((n & (n - 1)) == 0)
			held = mem_realloc(
			    held, (n == 0 ? 1 : 2 * n) * sizeof(*held));
		held_row(&held[n++], st, &pins);
	}
	db_done(st);
	if (rc == 0)
		rc = roster_build_held(out, held, n, read_held, r, err);
	for (i = 0; i < n; i++)
		roster_held_free(&held[i]);
	free(held);
	return rc != 0 ? err_within(err, "roster") : 0;
}

int
replica_roster_load(struct replica *r, struct err *err)
{
	struct roster *fresh = NULL;
	int64_t stamp;
	int rc;

	/* Documents only come: the last one's number says whether any has. */
	rc = db_get_int(
	    &stamp, r->db, err, "SELECT coalesce(max(no), 0) FROM _roster", "");
	if (rc != 0 || (r->roster != NULL && stamp == r->roster_stamp))
		return rc;
	rc = load(&fresh, r, err);
	if (rc != 0)
		return rc;
	roster_free(r->roster);
	r->roster = fresh;
	r->roster_stamp = stamp;
	return 0;
}

int
replica_roster_hash(struct replica *r, struct roster_doc *out,
    const char *scope, const struct digest *hash, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT doc FROM _roster WHERE scope = ? AND hash = ?", "sb", scope,
	    hash->b, sizeof(hash->b));
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1)
		rc = unpack_row(out, st, 0, err);
	else if (rc == 0)
		rc = err_set(err, YZ_ENOTFOUND,
		    "no such roster of scope %s is held here", scope);
	db_done(st);
	return rc;
}

int
replica_roster_back(
    struct replica *r, struct digest *hash, const char *scope, struct err *err)
{
	struct db_stmt *st;
	const void *p;
	size_t n;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT prev FROM _roster WHERE scope = ? AND hash = ?", "sb",
	    scope, hash->b, sizeof(hash->b));
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		p = db_blob(st, 0, &n);
		if (n == sizeof(hash->b))
			memcpy(hash->b, p, n);
		rc = 0;
	} else if (rc == 0)
		rc = err_set(err, YZ_ECORRUPT,
		    "the roster of scope %s is not whole here", scope);
	db_done(st);
	return rc;
}

int
replica_roster_doc(struct replica *r, struct roster_doc *out, const char *scope,
    int64_t version, struct err *err)
{
	const struct roster_scope *at = roster_scope(r->roster, scope);
	struct digest hash;
	int64_t v;
	int rc = 0;

	if (at == NULL || at->version == 0 || at->version < version)
		return err_set(err, YZ_ENOTFOUND,
		    "no roster of scope %s is held here", scope);
	hash = at->hash;
	for (v = at->version; rc == 0 && version != 0 && v > version; v--)
		rc = replica_roster_back(r, &hash, scope, err);
	return rc == 0 ? replica_roster_hash(r, out, scope, &hash, err) : rc;
}

int
replica_roster_relate(struct replica *r, int64_t *common, const char *scope,
    const struct digest *hash, struct err *err)
{
	const struct roster_scope *at = roster_scope(r->roster, scope);
	struct digest mine = {{0}}, theirs = *hash;
	int64_t m = at == NULL ? 0 : at->version, t;
	int rc;

	rc = db_get_int(&t, r->db, err,
	    "SELECT version FROM _roster WHERE scope = ? AND hash = ?", "sb",
	    scope, hash->b, sizeof(hash->b));
	if (rc != 0)
		return rc;
	if (m > 0)
		mine = at->hash;
	else
		t = 0;
	while (rc == 0 && t > 0 && (m != t || !digest_equal(&mine, &theirs))) {
		bool back = m >= t, on = t >= m;

		if (back)
			rc = replica_roster_back(r, &mine, scope, err);
		if (rc == 0 && on)
			rc = replica_roster_back(r, &theirs, scope, err);
		m -= back;
		t -= on;
	}
	*common = t;
	return rc;
}

int
replica_roster_hashes(struct replica *r, struct digest **out, int64_t *first,
    size_t *n, const char *scope, size_t max, struct err *err)
{
	const struct roster_scope *at = roster_scope(r->roster, scope);
	int64_t version = at == NULL ? 0 : at->version;
	struct digest hash;
	size_t i;
	int rc = 0;

	*n = version < (int64_t)max ? (size_t)version : max;
	*first = version - (int64_t)*n + 1;
	*out = mem_calloc(*n + 1, sizeof(**out));
	if (*n > 0)
		hash = at->hash;
	for (i = *n; rc == 0 && i > 0; i--) {
		(*out)[i - 1] = hash;
		if (i > 1)
			rc = replica_roster_back(r, &hash, scope, err);
	}
	if (rc != 0) {
		free(*out);
		*out = NULL;
	}
	return rc;
}

int
replica_roster_last(
    struct replica *r, struct digest *hash, const char *scope, struct err *err)
{
	struct db_stmt *st;
	const void *p;
	size_t n;
	int rc;

	do {
		rc = db_query(&st, r->db, err,
		    "SELECT hash FROM _roster WHERE scope = ?1 AND prev = ?2"
		    " AND version = (SELECT version + 1 FROM _roster WHERE"
		    " scope = ?1 AND hash = ?2) ORDER BY hash LIMIT 1",
		    "sb", scope, hash->b, sizeof(hash->b));
		if (rc != 0)
			return rc;
		rc = db_step(st, err);
		if (rc == 1) {
			p = db_blob(st, 0, &n);
			if (n == sizeof(hash->b))
				memcpy(hash->b, p, n);
		}
		db_done(st);
	} while (rc == 1);
	return rc;
}

int
replica_roster_each(struct replica *r,
    int (*fn)(void *arg, const struct roster_doc *doc, const uint8_t oid[20],
	struct err *err),
    void *arg, struct err *err)
{
	struct roster_doc doc;
	struct db_stmt *st;
	size_t n;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT doc, oid FROM _roster ORDER BY scope <> 'root', scope,"
	    " version, hash",
	    "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const void *oid = db_blob(st, 1, &n);

		rc = unpack_row(&doc, st, 0, err);
		if (rc == 0) {
			rc = fn(arg, &doc, n == 20 ? oid : NULL, err);
			roster_doc_free(&doc);
		}
		if (rc != 0)
			break;
	}
	db_done(st);
	return rc;
}
