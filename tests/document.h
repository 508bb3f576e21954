/*
 * Roster documents as large as a test wants them, for the bounds on them: fill
 * part, then finish().
 */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "limits.h"
#include "roster.h"
#include "roster_doc.h"
#include "sign.h"

#define KEYS 600 /* more than any document here has */

static struct sign_key keys[KEYS]; /* sorted, as documents want them */
static size_t used;

static inline int
by_public(const void *a, const void *b)
{
	return memcmp(((const struct sign_key *)a)->pub,
	    ((const struct sign_key *)b)->pub, 32);
}

static inline void
make_keys(void)
{
	uint8_t seed[32] = {0};
	size_t i;

	for (i = 0; i < KEYS; i++) {
		seed[0] = (uint8_t)i;
		seed[1] = (uint8_t)(i >> 8);
		sign_from_seed(&keys[i], seed);
	}
	qsort(keys, KEYS, sizeof(*keys), by_public);
}

static inline void
next_key(uint8_t out[32])
{
	if (used == KEYS)
		abort();
	memcpy(out, keys[used++].pub, 32);
}

/* --- documents -------------------------------------------------------------
 */

static struct roster_part part;

static inline void
put_key(struct roster_key *k)
{
	next_key(k->sign);
	next_key(k->ssh);
	k->incs = mem_calloc(LIMIT_INCS + 1, sizeof(*k->incs));
	k->n_incs = 1;
	strcpy(k->incs[0], "00000000");
}

static inline struct roster_station *
put_station(const char *code, const char *parent)
{
	struct roster_station *st = &part.stations[part.n_stations++];

	strcpy(st->code, code);
	strcpy(st->parent, parent);
	st->name = mem_strdup("");
	st->keys = mem_calloc(LIMIT_ROSTER_KEYS + 1, sizeof(*st->keys));
	st->n_keys = 1;
	put_key(&st->keys[0]);
	return st;
}

/* Version 1 of a root part: n root keys, and the root station. */
static inline struct roster_station *
begin(size_t root_keys)
{
	used = 0;
	memset(&part, 0, sizeof(part));
	strcpy(part.scope, "root");
	strcpy(part.root, "520000");
	part.version = 1;
	part.threshold = 1;
	part.root_keys = mem_calloc(root_keys + 1, sizeof(*part.root_keys));
	while (part.n_root_keys < root_keys)
		next_key(part.root_keys[part.n_root_keys++]);
	part.stations = mem_calloc(LIMIT_TREE + 2, sizeof(*part.stations));
	return put_station("520000", "");
}

static inline void
put_ends(struct roster_end **out, size_t *n_out, size_t n)
{
	size_t i;

	*out = mem_calloc(n + 1, sizeof(**out));
	*n_out = n;
	for (i = 0; i < n; i++) {
		struct roster_end *end = &(*out)[i];

		strcpy(end->chain.writer, "520000");
		snprintf(end->chain.inc, sizeof(end->chain.inc), "%08x",
		    (unsigned)i);
		end->chain.stream = STREAM_RESOURCE;
		end->seq = 1;
		end->id.b[0] = 1;
	}
}

static inline void
finish(struct roster_doc *doc)
{
	memset(doc, 0, sizeof(*doc));
	strcpy(doc->scope, part.scope);
	doc->version = part.version;
	roster_doc_write(&doc->text, &part);
	digest_sha256(&doc->hash, doc->text.b, doc->text.len);
	roster_doc_release(&part);
}

static inline void
put_auditors(size_t n, size_t owners)
{
	size_t i, j;

	part.auditors = mem_calloc(n + 1, sizeof(*part.auditors));
	part.n_auditors = n;
	for (i = 0; i < n; i++) {
		struct roster_auditor *a = &part.auditors[i];

		a->name = mem_strdup("审计");
		next_key(a->ssh);
		a->owners = mem_calloc(owners + 1, sizeof(*a->owners));
		a->n_owners = owners;
		for (j = 0; j < owners; j++)
			snprintf(a->owners[j], sizeof(a->owners[j]), "%06u",
			    (unsigned)(100000 + j));
	}
}

static inline void
put_peers(size_t n)
{
	size_t i;

	part.peers = mem_calloc(n + 1, sizeof(*part.peers));
	part.n_peers = n;
	for (i = 0; i < n; i++) {
		strcpy(part.peers[i].a, "520000");
		snprintf(part.peers[i].b, sizeof(part.peers[i].b), "%06u",
		    (unsigned)(520001 + i));
	}
}

static inline void
put_decided(size_t n)
{
	size_t i;

	part.decided = mem_calloc(n + 1, sizeof(*part.decided));
	part.n_decided = n;
	for (i = 0; i < n; i++) {
		strcpy(part.decided[i].scope, "520300");
		part.decided[i].version = (int64_t)i + 1;
		part.decided[i].hash.b[0] = 1;
	}
}

static inline void
put_incs(struct roster_key *k, size_t n)
{
	for (k->n_incs = 0; k->n_incs < n; k->n_incs++)
		snprintf(k->incs[k->n_incs], sizeof(k->incs[0]), "%08x",
		    (unsigned)k->n_incs);
}

/* So many levels in the root part: cities, each of which may list counties. */
static inline void
put_levels(size_t n)
{
	char code[CHAIN_CODE_LEN + 1], parent[CHAIN_CODE_LEN + 1] = "520000";
	size_t i;

	for (i = 1; i < n; i++) {
		snprintf(
		    code, sizeof(code), "%06u", (unsigned)(520000 + 100 * i));
		put_station(code, parent);
		strcpy(parent, code);
	}
}

#endif
