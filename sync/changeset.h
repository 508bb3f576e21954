/*
 * Changesets: git commits whose tree has one entry, ops (FORMAT.md).
 *
 * A struct changeset owns its strings; changeset_free() lets them go.
 * changeset_derive() fills what follows from the rest; encode(decode(x)) = x
 * is checked by changeset_parse().
 */
#ifndef SYNC_CHANGESET_H
#define SYNC_CHANGESET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "chain.h"

struct err;
struct sign_key;

#define CHANGESET_SEEN_ID 8 /* bytes of the other's id in a Seen line */

struct changeset_seen {
	struct chain_name chain;
	int64_t seq;
	uint8_t id[CHANGESET_SEEN_ID];
};

struct changeset {
	struct chain_name chain;
	int64_t seq;            /* from 1 */
	struct digest prev;     /* id of seq - 1; zero when seq is 1 */
	uint8_t parent_oid[20]; /* its git address; zero when seq is 1 */
	char *author;           /* the person's name, <= LIMIT_NAME bytes */
	char *login;            /* [a-z0-9._-]{1,32}, first a letter or digit */
	int64_t time;           /* wall clock of the station, ms */
	int64_t offset;         /* ms to add for the parent's clock */
	uint8_t act[8];         /* one act may be several changesets */
	int64_t kinds;          /* seq of the root's roster chain applied */
	bool continues;         /* first of a new incarnation: */
	struct changeset_seen continued; /* the old chain's place */
	struct changeset_seen *seen;     /* sorted by chain name */
	size_t n_seen;
	char *subject;   /* the human line, may be "" */
	struct buf ops;  /* bytes of ops */
	uint8_t key[32]; /* the signer's public key */
	uint8_t sig[64];

	/* By changeset_derive(): */
	struct digest ops_hash;
	uint8_t ops_oid[20];
	uint8_t tree_oid[20];
	struct digest id; /* SHA-256 of the text without the signature */
	uint8_t oid[20];  /* git's address of the signed commit */
};

#define CHANGESET_INIT \
	{ \
		.author = NULL \
	}

void changeset_free(struct changeset *cs);

/* Every bound and rule of FORMAT.md that needs no other changeset. */
int changeset_check(const struct changeset *cs, struct err *err);

/* Fill ops_hash, ops_oid, tree_oid, id; and oid, from key and sig. */
void changeset_derive(struct changeset *cs);
/* All but oid, before there is a signature; text, empty, becomes that without
 * it. */
void changeset_derive_content(struct changeset *cs, struct buf *text);
/* And oid; commit, empty, becomes the signed commit. */
void changeset_derive_commit(struct changeset *cs, struct buf *commit);

/* Sign (fills key, sig) and derive. */
int changeset_sign(
    struct changeset *cs, const struct sign_key *key, struct err *err);
/* Does sig hold under cs->key?  YZ_EDENIED if not. */
int changeset_verify(const struct changeset *cs, struct err *err);

/* Append the commit's text without signature, or the signed commit. */
void changeset_text(struct buf *out, const struct changeset *cs);
void changeset_commit(struct buf *out, const struct changeset *cs);
/* The tree object's 31 bytes. */
void changeset_tree(struct buf *out, const struct changeset *cs);

/* From a signed commit's bytes and its ops; checks that writing it again
 * gives the same bytes.  Derives.  Does not verify the signature. */
int changeset_parse(struct changeset *out, const void *commit, size_t n,
    const void *ops, size_t ops_len, struct err *err);

/*
 * The wire form inside a run: nothing derivable, and what equals the
 * changeset before it in the run (NULL for the first) left out.  Unpack
 * needs chain, seq, prev and parent_oid set in out by the caller, and leaves
 * key to it; the caller derives.
 */
void changeset_pack(struct buf *out, const struct changeset *cs,
    const struct changeset *before);
int changeset_unpack(struct changeset *out, struct buf_reader *in,
    const struct changeset *before, struct err *err);

#endif
