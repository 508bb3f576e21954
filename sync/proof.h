/*
 * The proof of a fork (fork.h), apart from any replica: two changesets as four
 * files, which are the tree of refs/forks/WRITER-INC/OWNER/pair in the ledger
 * (FORMAT.md section 7) and may lie in a folder for whoever is to judge.  A
 * roster is all that is needed for that, neither the chain nor a station.
 */
#ifndef SYNC_PROOF_H
#define SYNC_PROOF_H

#include <stddef.h>

struct buf;
struct chain_name;
struct err;
struct fork;
struct replica;
struct roster;

#define PROOF_PARTS 4
extern const char *const proof_part_names[PROOF_PARTS];

/* The bytes of each part, appended; and the pair that they make, derived and
 * not checked. */
void proof_parts(struct buf part[PROOF_PARTS], const struct fork *fork);
int proof_parse(
    struct fork *out, const struct buf part[PROOF_PARTS], struct err *err);

/* Write the pair that ends a chain to a folder, which is made; or read one. */
int proof_write(struct replica *r, const struct chain_name *chain,
    const char *dir, struct err *err);
int proof_read(struct fork *out, const char *dir, struct err *err);

/* Do the two prove a fork, by this roster?  If not, one line says why. */
int proof_check(
    struct fork *fork, const struct roster *roster, struct err *err);

#endif
