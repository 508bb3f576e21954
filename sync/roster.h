/*
 * The roster: which stations there are, whose parent is whose, which keys
 * they have, and where those keys' powers begin and end.
 *
 * It is made of documents (FORMAT.md): the root part, signed by k of n root
 * keys, and a sub-roster per station that enrols its own children, signed by
 * that station's key.  A struct roster is the newest of each, checked; it
 * is immutable once built.
 */
#ifndef SYNC_ROSTER_H
#define SYNC_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "chain.h"

struct err;
struct pins;
struct sign_key;

#define ROSTER_SCOPE_MAX 8 /* "root" or a station's code */

struct roster_end { /* a chain's last good place under a key */
	struct chain_name chain;
	int64_t seq;
	struct digest id;
};

struct roster_key {
	uint8_t sign[32];                /* signs changesets, receipts */
	uint8_t ssh[32];                 /* logs in */
	char (*incs)[CHAIN_INC_LEN + 1]; /* incarnations it may write */
	size_t n_incs;
	bool ended;              /* revoked or rotated away: */
	struct roster_end *ends; /* only up to these places it counts */
	size_t n_ends;
	struct digest roster; /* ended: the station's last sub-roster document
			       * that counts under it, or zero */
	bool proved;          /* it came with a proof: */
	uint8_t by[32];       /* by the key before it, or the recovery key */
	uint8_t proof[64];    /* over rotation_text() */
};

struct roster_former { /* a parent of earlier days */
	char parent[CHAIN_CODE_LEN + 1];
	struct roster_end *ends; /* what it and its ancestors wrote counts up
				  * to these places */
	size_t n_ends;
};

struct roster_station {
	char code[CHAIN_CODE_LEN + 1];
	char parent[CHAIN_CODE_LEN + 1]; /* "" for the root */
	char *name;
	struct roster_key *keys; /* oldest first; the last is current */
	size_t n_keys;
	struct roster_former *former; /* oldest first */
	size_t n_former;
	struct digest recovery;       /* SHA-256 of its recovery key, or zero */
	char scope[ROSTER_SCOPE_MAX]; /* the document that lists it */
};

/* One version of one document. */
struct roster_doc {
	char scope[ROSTER_SCOPE_MAX];
	int64_t version;
	struct buf text;    /* canonical JSON and \n: what is signed */
	struct digest hash; /* SHA-256 of text */
	struct {
		uint8_t key[32];
		uint8_t sig[64];
	} * sigs;
	size_t n_sigs;
};
void roster_doc_free(struct roster_doc *doc);

/*
 * What is to be known of a document that is held in order to place it among
 * the others, without its text.
 */
struct roster_held {
	char scope[ROSTER_SCOPE_MAX];
	int64_t version;
	struct digest hash;
	struct digest prev;     /* zero in version 1 */
	uint8_t signer[32];     /* of a sub-roster */
	struct digest *decides; /* root part: which of its own versions count */
	size_t n_decides;
	size_t pinned; /* root part: its place in HOME/pins (pins.h), or 0 */
};
int roster_held_read(
    struct roster_held *out, const struct roster_doc *doc, struct err *err);
void roster_held_free(struct roster_held *held);

/* How far a scope's documents count, and what stands in the way. */
struct roster_scope {
	char scope[ROSTER_SCOPE_MAX];
	int64_t version; /* the newest that counts, 0: none does */
	struct digest hash;
	int64_t held; /* the highest version held, counting or not */
	/* Two documents of the version after it are held, and the root has
	 * not decided: neither counts. */
	bool contested;
	struct digest pair[2]; /* those two, sorted */
};
/* Wire and storage form of a document with its signatures, and back
 * (syntax only). */
void roster_doc_pack(struct buf *out, const struct roster_doc *doc);
int roster_doc_unpack(
    struct roster_doc *out, const void *data, size_t n, struct err *err);

struct roster;

/*
 * Build from documents that are held, in any order.  Of each scope the
 * newest counts that its versions lead to without two of one version
 * (FORMAT.md, "Which version counts"); read is asked for those.  Checks every
 * signature and rule that holds between them; a sub-roster whose signer is
 * not listed is left out.  A code listed twice: the listing nearer the root
 * counts, at equal distance none does; nor one by a station whose own code is
 * not above it (roster_clash()).  Without a root
 * part, or with n = 0, the roster is empty.  Fails when the root part is not
 * good, or something is no document at all.
 */
typedef int (*roster_read_fn)(void *arg, struct roster_doc *out,
    const struct roster_held *which, struct err *err);
int roster_build_held(struct roster **out, const struct roster_held *held,
    size_t n, roster_read_fn read, void *arg, struct err *err);
/* The same of whole documents; an earlier version may be left out. */
int roster_build(struct roster **out, const struct roster_doc *docs, size_t n,
    struct err *err);
/* Where somebody has pinned some of them. */
int roster_build_pinned(struct roster **out, const struct roster_doc *docs,
    size_t n, const struct pins *pins, struct err *err);
void roster_free(struct roster *roster);

/* The i-th scope of which something is held, root first, then by name; or
 * NULL.  And one by its name, or NULL. */
const struct roster_scope *roster_scope_at(
    const struct roster *roster, size_t i);
const struct roster_scope *roster_scope(
    const struct roster *roster, const char *scope);
/* Has the root part decided which document of that version counts?  *hash
 * then says which. */
bool roster_decided(const struct roster *roster, const char *scope,
    int64_t version, struct digest *hash);
/* Does that station's key, in use or ended, sign its sub-rosters? */
bool roster_signer(
    const struct roster *roster, const char *scope, const uint8_t key[32]);

/* May next follow cur (NULL: next is version 1) in its scope?  Version up by
 * one, names cur's hash, signed by the old and the new rule. */
int roster_follows(const struct roster *roster, const struct roster_doc *cur,
    const struct roster_doc *next, struct err *err);
/* The same of a root part that need not be signed by cur's keys, since somebody
 * pins it by hand: signed by its own, and it keeps what cur says. */
int roster_follows_pinned(const struct roster_doc *cur,
    const struct roster_doc *next, struct err *err);

const struct roster_station *roster_find(
    const struct roster *roster, const char *code);
size_t roster_count(const struct roster *roster);
const struct roster_station *roster_at(const struct roster *roster, size_t i);
const char *roster_root(const struct roster *roster); /* code, or "" */
/* How many root keys must sign; 0 in an empty roster. */
int64_t roster_threshold(const struct roster *roster);
/* The version of a scope's document that this was built with; 0: absent. */
int64_t roster_version(const struct roster *roster, const char *scope);
/* The i-th listing that does not count because the code is not the lister's to
 * list (roster_rule_may_list()), or another lists it too; or NULL. */
const struct roster_station *roster_clash(
    const struct roster *roster, size_t i);
/* The key with which the station signs and logs in today, or NULL. */
const struct roster_key *roster_current(const struct roster_station *station);
/* Is a a strict ancestor of d?  False for unknown codes. */
bool roster_is_ancestor(
    const struct roster *roster, const char *a, const char *d);
/*
 * Peers: two stations that a document which counts lists as such, beside the
 * lines of the tree; the document's station is above them or one of them, or
 * it is the root part.  The i-th such pair (false: no more); may one call the
 * other (its child, or a peer); may the two speak to each other at all?
 */
struct roster_peers {
	char a[CHAIN_CODE_LEN + 1], b[CHAIN_CODE_LEN + 1]; /* a before b */
};
bool roster_peers_at(
    const struct roster *roster, size_t i, struct roster_peers *out);
bool roster_may_call(
    const struct roster *roster, const char *caller, const char *called);
bool roster_may_speak(
    const struct roster *roster, const char *a, const char *b);
/* Is code the station of that scope, or below it?  Everybody is within
 * "root". */
bool roster_within(
    const struct roster *roster, const char *scope, const char *code);

/* The key with which writer's incarnation may ever have signed chain c:
 * the i-th, or NULL.  An incarnation that no key lists (it must show its
 * Continues) may be any key's. */
const struct roster_key *roster_key(
    const struct roster *roster, const struct chain_name *c, size_t i);
/* Does the roster list c's incarnation under one of its writer's keys? */
bool roster_lists(const struct roster *roster, const struct chain_name *c);
/* Up to which seq of chain c does key count?  INT64_MAX: no end. */
int64_t roster_key_until(
    const struct roster_key *key, const struct chain_name *c);

/* The i-th listed end of chain c, under whichever key of its writer, or
 * NULL. */
const struct roster_end *roster_end(
    const struct roster *roster, const struct chain_name *c, size_t i);

/* allowed_signers for ssh-keygen and git: a line per key ever listed. */
void roster_allowed_signers(struct buf *out, const struct roster *roster);

#endif
