/*
 * A small federation's rosters, for tests of them, with keys as fixed as their
 * names; and documents made of those by altering their text.
 */
#ifndef FOUND_H
#define FOUND_H

#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "limit.h"
#include "roster.h"
#include "roster_change.h"
#include "roster_doc.h"
#include "sign.h"
#include "tap.h"

static struct sign_key found_root;

/* Keys as fixed as their names: byte n, 32 times, is the seed. */
static inline void
found_key(struct sign_key *out, int n)
{
	uint8_t seed[32];

	memset(seed, n, sizeof(seed));
	sign_from_seed(out, seed);
}

/* A station whose signing key is found_key(n) and whose SSH key is found_key(n
 * + 1). */
static inline void
found_station(struct roster_station *st, struct roster_key *k, const char *code,
    const char *parent, int n)
{
	static char inc[1][CHAIN_INC_LEN + 1] = {"1f0c9a7e"};
	struct sign_key sk;

	memset(st, 0, sizeof(*st));
	memset(k, 0, sizeof(*k));
	snprintf(st->code, sizeof(st->code), "%s", code);
	snprintf(st->parent, sizeof(st->parent), "%s", parent);
	st->name = (char *)"红花岗区";
	found_key(&sk, n);
	memcpy(k->sign, sk.pub, 32);
	found_key(&sk, n + 1);
	memcpy(k->ssh, sk.pub, 32);
	k->incs = inc;
	k->n_incs = 1;
	st->keys = k;
	st->n_keys = 1;
}

static inline int
found_enrol(struct roster_doc *out, const struct roster *roster,
    const struct roster_doc *cur, const char *scope, const char *code,
    const char *parent, int n, const struct sign_key *signer, struct err *err)
{
	struct roster_station st;
	struct roster_key k;

	found_station(&st, &k, code, parent, n);
	return roster_enrol(out, roster, cur, scope, &st, signer, err);
}

/* Documents of a found_small federation: the province 520000 and the cities
 * 520300 and 520100 in the root part; county 520302 in the city's. */
static struct roster_doc found_r1, found_r2, found_r3, found_c1;
static struct roster *found_small;

static inline void
found_begin(void)
{
	struct sign_key city;
	struct err err = {0};
	struct roster_doc docs[2];
	struct roster *r = NULL;

	found_key(&found_root, 1);
	found_key(&city, 20);
	is_int(found_enrol(&found_r1, NULL, NULL, "root", "520000", "", 10,
		   &found_root, &err),
	    0, "version 1 of the root part");
	is_int(found_enrol(&found_r2, NULL, &found_r1, "root", "520300",
		   "520000", 20, &found_root, &err),
	    0, "version 2 adds a city");
	is_int(found_enrol(&found_r3, NULL, &found_r2, "root", "520100",
		   "520000", 30, &found_root, &err),
	    0, "version 3 adds another, which sorts before it");
	is_int(roster_build(&r, &found_r3, 1, &err), 0,
	    "a roster of the root part");
	is_int(found_enrol(&found_c1, r, NULL, "520300", "520302", "520300", 40,
		   &city, &err),
	    0, "the city enrols a county in its own document");
	roster_free(r);
	docs[0] = found_c1;
	docs[1] = found_r3;
	is_int(roster_build(&found_small, docs, 2, &err), 0,
	    "a roster of both, the sub-roster first: %s", err.msg);
}

/* A document with a member altered and signed again properly. */
static inline void
found_alter(struct roster_doc *out, const struct roster_doc *doc,
    const char *from, const char *to, const struct sign_key *signer)
{
	char *text = buf_str((struct buf *)&doc->text);
	char *at = strstr(text, from);
	struct err err = {0};

	memset(out, 0, sizeof(*out));
	if (at == NULL) {
		printf("Bail out! no %s\n", from);
		return;
	}
	buf_put(&out->text, text, (size_t)(at - text));
	buf_puts(&out->text, to);
	buf_puts(&out->text, at + strlen(from));
	memcpy(out->scope, doc->scope, sizeof(out->scope));
	out->version = doc->version;
	digest_sha256(&out->hash, out->text.b, out->text.len);
	out->sigs = mem_calloc(1, sizeof(*out->sigs));
	out->n_sigs = 1;
	memcpy(out->sigs[0].key, signer->pub, 32);
	sign_make(out->sigs[0].sig, signer, SIGN_NS_ROSTER, out->text.b,
	    out->text.len, &err);
}

/* Change one key of the text for another's. */
static inline void
found_swap_key(struct roster_doc *out, const struct roster_doc *doc, int from,
    const uint8_t to[32], const struct sign_key *signer)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct sign_key k;

	found_key(&k, from);
	sign_public_line(&a, k.pub);
	sign_public_line(&b, to);
	found_alter(out, doc, buf_str(&a), buf_str(&b), signer);
	buf_free(&a);
	buf_free(&b);
}

static inline void
found_sign(struct roster_doc *doc)
{
	struct err err;

	is_int(roster_doc_sign(doc, &found_root, &err), 0, "it is signed");
}

static inline void
found_end(void)
{
	roster_doc_free(&found_r1);
	roster_doc_free(&found_r2);
	roster_doc_free(&found_r3);
	roster_doc_free(&found_c1);
	roster_free(found_small);
}

#endif
