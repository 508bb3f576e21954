/*
 * The next version of one roster document, while it is written: begin with
 * the version held, change, write the text, sign it.  issue.h ties this to a
 * replica and its keys.
 */
#ifndef SYNC_ROSTER_CHANGE_H
#define SYNC_ROSTER_CHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "roster.h"

struct err;
struct roster_auditor;
struct roster_change;
struct sign_key;

/*
 * cur is the version held, NULL: none, then this writes version 1, and in
 * scope "root" the first station put is the root.  draft, or NULL, is a text
 * for the same version that was begun before and is not signed by enough yet:
 * the change goes on from there (YZ_ECONFLICT if it does not follow cur).
 */
int roster_change_begin(struct roster_change **out,
    const struct roster_doc *cur, const struct roster_doc *draft,
    const char *scope, struct err *err);
void roster_change_free(struct roster_change *change);

/* The station as it stands in the change so far, or NULL; borrowed until it
 * is changed. */
const struct roster_station *roster_change_station(
    const struct roster_change *change, const char *code);
/* Add a copy, or put it in place of the entry with that code. */
void roster_change_put(
    struct roster_change *change, const struct roster_station *station);

/* The following return YZ_ENOTFOUND if code, or its key, is not listed. */

/* A further key; the one before it has to be ended. */
int roster_change_add_key(struct roster_change *change, const char *code,
    const struct roster_key *key, struct err *err);
/*
 * From now on key sign of code counts only up to ends (sorted here), which
 * take the place of those it had.  roster: the hash of the station's last
 * sub-roster that counts under it, or NULL.
 */
int roster_change_end_key(struct roster_change *change, const char *code,
    const uint8_t sign[32], const struct roster_end *ends, size_t n,
    const struct digest *roster, struct err *err);
/* One end of a key, added, or in place of the one of its chain. */
int roster_change_add_end(struct roster_change *change, const char *code,
    const uint8_t sign[32], const struct roster_end *end, struct err *err);
int roster_change_add_inc(struct roster_change *change, const char *code,
    const uint8_t sign[32], const char *inc, struct err *err);
int roster_change_recovery(struct roster_change *change, const char *code,
    const struct digest *recovery, struct err *err);
/* By ssh key: added, or in place of the one with that key.  Copies. */
int roster_change_auditor(struct roster_change *change,
    const struct roster_auditor *auditor, struct err *err);
int roster_change_auditor_drop(
    struct roster_change *change, const uint8_t ssh[32], struct err *err);
/* Two stations that may speak to each other, or may no more (YZ_ENOTFOUND). */
int roster_change_peers(struct roster_change *change, const char *a,
    const char *b, struct err *err);
int roster_change_peers_drop(struct roster_change *change, const char *a,
    const char *b, struct err *err);
/* Scope root only: of all documents of that version this one counts. */
int roster_change_decide(struct roster_change *change, const char *scope,
    int64_t version, const struct digest *hash, struct err *err);
/* Scope root only; the keys in any order. */
int roster_change_root_keys(struct roster_change *change,
    const uint8_t (*keys)[32], size_t n, int64_t threshold, struct err *err);

/* The document, without signatures; checked as a reader would. */
int roster_change_write(
    struct roster_doc *out, struct roster_change *change, struct err *err);
/* Add key's signature, or keep the one there. */
int roster_doc_sign(
    struct roster_doc *doc, const struct sign_key *key, struct err *err);
/* Add a signature that somebody made: YZ_EDENIED if it does not hold. */
int roster_doc_add_signature(struct roster_doc *doc, const uint8_t key[32],
    const uint8_t sig[64], struct err *err);

/* Is the station, or its current key, listed by another document already? */
int roster_change_elsewhere(const struct roster *roster, const char *scope,
    const struct roster_station *station, struct err *err);

/*
 * All at once: one station put, signed by signer, which becomes the one root
 * key of version 1 of scope root; checked by roster_follows().
 */
int roster_enrol(struct roster_doc *out, const struct roster *roster,
    const struct roster_doc *cur, const char *scope,
    const struct roster_station *station, const struct sign_key *signer,
    struct err *err);

#endif
