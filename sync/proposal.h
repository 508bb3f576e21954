/*
 * A proposal: the next version of the root part that is not signed by enough
 * yet.  HOME/proposal is exactly the document's text, HOME/proposal.sig the
 * signatures that are here, armoured SSHSIGs one after the other; a copy of
 * the two travels to whoever holds a root key, and ssh-keygen can sign it.
 */
#ifndef SYNC_PROPOSAL_H
#define SYNC_PROPOSAL_H

#include <stdbool.h>
#include <stddef.h>

#include "roster.h"

struct err;
struct replica;

/* The one that is kept here, if it follows what is held; else *there is
 * false (an outdated one is no failure). */
int proposal_load(
    struct roster_doc *out, bool *there, struct replica *r, struct err *err);
int proposal_save(
    struct replica *r, const struct roster_doc *doc, struct err *err);
int proposal_drop(struct replica *r, struct err *err);

/* A document from its text, and signatures from armours: those that hold are
 * added, one that does not is YZ_EDENIED. */
int proposal_read(
    struct roster_doc *out, const void *text, size_t n, struct err *err);
int proposal_add_signatures(
    struct roster_doc *doc, const void *armours, size_t n, struct err *err);
/* Its signatures, armoured. */
void proposal_signatures(struct buf *out, const struct roster_doc *doc);

/* Root keys from a file: public keys, a line each, at most
 * LIMIT_ROSTER_KEYS; comments after a key, empty lines and lines that begin
 * with # do no harm. */
int proposal_root_keys(
    uint8_t (*keys)[32], size_t *n, const char *path, struct err *err);

/* Check that it follows what is held, signed by enough, and adopt it; for a
 * station that holds none it must be version 1 and list this station with
 * this HOME's keys as the root. */
int proposal_adopt(
    struct replica *r, const struct roster_doc *doc, struct err *err);

#endif
