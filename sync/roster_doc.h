/*
 * The text of a roster document (FORMAT.md, "Rosters"), apart from whether
 * its signatures and its place among other documents make it count: that is
 * roster.c.
 */
#ifndef SYNC_ROSTER_DOC_H
#define SYNC_ROSTER_DOC_H

#include "canon.h"
#include "roster.h"

struct roster_auditor { /* who may read; kept, not yet used */
	char *name;
	uint8_t ssh[32];
	char (*owners)[CHAIN_CODE_LEN + 1]; /* theirs and below, sorted */
	size_t n_owners;
	unsigned streams; /* bit 1 << enum stream */
	int64_t until;    /* last version of the document, 0: no end */
};

struct roster_decision { /* of all documents of that version this counts */
	char scope[ROSTER_SCOPE_MAX];
	int64_t version;
	struct digest hash;
};

struct roster_part { /* what one document says */
	char scope[ROSTER_SCOPE_MAX];
	int64_t version;
	struct digest prev; /* hash of version - 1; zero in version 1 */
	struct roster_auditor *auditors; /* sorted by ssh key */
	size_t n_auditors;
	struct roster_peers *peers; /* sorted */
	size_t n_peers;
	struct roster_station *stations; /* sorted by code */
	size_t n_stations;

	/* Scope "root" only: */
	char root[CHAIN_CODE_LEN + 1];
	uint8_t (*root_keys)[32]; /* sorted by bytes */
	size_t n_root_keys;
	int64_t threshold;
	struct roster_decision *decided; /* sorted by scope and version */
	size_t n_decided;
};

/*
 * roster_parse.c: read and check everything that needs no other document: form,
 * limits, order, keys good and none twice, and the tree (scope root: one tree
 * under the root; else: children of the scope's station).  YZ_ECORRUPT, or
 * YZ_EDENIED for a key that is no key.
 */
int roster_parse_part(
    struct roster_part *out, const void *text, size_t n, struct err *err);
void roster_doc_write(struct buf *out, const struct roster_part *part);
void roster_doc_release(struct roster_part *part);

/* "ends":[...], as in a document and in a rotation; and its inverse: writer
 * is whose chains they must be, or NULL. */
void roster_doc_put_ends(
    struct buf *out, const struct roster_end *ends, size_t n);
int roster_parse_ends(struct roster_end **out, size_t *n, struct canon object,
    const char *writer, struct err *err);

/* Copy from, which stays the caller's; release what to held. */
void roster_doc_copy_station(
    struct roster_station *to, const struct roster_station *from);
void roster_doc_copy_key(struct roster_key *to, const struct roster_key *from);
void roster_doc_release_station(struct roster_station *station);

#endif
