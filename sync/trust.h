/*
 * HOME/trust: which rosters were here (FORMAT.md, section 21).  The replica and
 * the ledger have the rosters; where both have lost them, this tells those that
 * a peer sends from another federation's, and from an earlier state of ours.
 */
#ifndef SYNC_TRUST_H
#define SYNC_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "roster.h"

struct err;
struct replica;

struct trust_line {
	char scope[ROSTER_SCOPE_MAX];
	int64_t version;
	struct digest hash;
	bool pair; /* one of two that contest their version, not one that counts
		    */
};

struct trust {
	struct trust_line *v;
	size_t n;
};

/* YZ_ENOTFOUND: there is none, as a program before wrote none; YZ_ECORRUPT. */
int trust_read(struct trust *out, const char *home, struct err *err);
bool trust_is_there(const char *home);
void trust_free(struct trust *trust);

/* The first document that it names and r has not, nor needs by a decision of
 * the root's; or NULL.  By the roster that r has loaded. */
const struct trust_line *trust_lacks(
    const struct trust *trust, struct replica *r);

/* Write what r holds, if that is all that HOME/trust names by now.  A damaged
 * one stays as it is. */
int trust_keep(struct replica *r, struct err *err);
/* If there is none yet; one that cannot be written is written another time. */
void trust_begin(struct replica *r);
/* In place of a damaged one, whatever that named. */
int trust_renew(struct replica *r, struct err *err);

#endif
