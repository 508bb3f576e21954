/*
 * Runs: consecutive changesets of one chain, packed and compressed as they
 * travel (PROTOCOL.md, section 2).  A run of several is at most LIMIT_RUN
 * plain; a single changeset may be up to LIMIT_RUN_ONE.
 */
#ifndef SYNC_RUN_H
#define SYNC_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "changeset.h"

struct err;

/* What a run is called on the wire, and by what it is found again. */
struct run {
	struct chain_name chain;
	int64_t first, last; /* seqs */
	size_t plain;        /* bytes before compression */
	size_t size;         /* and after */
	struct digest hash;  /* SHA-256 of the compressed bytes */
};

/* The most that plain bytes may take when compressed. */
#define RUN_SIZE_MAX(plain) ((plain) + (plain) / 128 + 512)

/* Are the numbers a peer gives within their limits? YZ_EPEER. */
int run_check(const struct run *run, struct err *err);

/*
 * Build a run: give it the changesets in order until it is full.  One
 * builder may be used for many runs.
 */
struct run_builder;
struct run_builder *run_builder_new(void);
void run_builder_free(struct run_builder *b);
/* true: cs is in.  false: it would make the run too large (never so for the
 * first) and is not in; cs stays the caller's.  When in, cs is taken over
 * and left empty. */
bool run_add(struct run_builder *b, struct changeset *cs);
/* Compress what was added into out (cleared first), describe it, and be
 * ready for the next run.  At least one changeset was added. */
int run_finish(
    struct run_builder *b, struct run *run, struct buf *out, struct err *err);

/*
 * Open a run's bytes: checks the hash, and that they inflate to exactly
 * run->plain bytes, which become out's (cleared first).  YZ_ECORRUPT.
 */
int run_open(struct buf *plain, const struct run *run, const void *data,
    size_t n, struct err *err);

#endif
