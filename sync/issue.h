/*
 * Issuing a roster document at this station: from what is held, through
 * changes (roster_change.h), to a version that counts.  The root part is
 * issued at the root station, a sub-roster at the station whose it is.
 *
 * Where too few of the keys that must sign are here, the next version waits
 * as a proposal, the file HOME/proposal, and further changes go on from it;
 * people sign it and it is adopted (proposal.h).
 */
#ifndef SYNC_ISSUE_H
#define SYNC_ISSUE_H

#include <stdbool.h>

#include "roster.h"
#include "roster_change.h"
#include "sign.h"

struct err;
struct replica;

struct issue {
	struct replica *r;
	char scope[ROSTER_SCOPE_MAX];
	struct roster_doc cur; /* version 0: none is held */
	struct roster_change *change;
	struct sign_key key; /* which signs, if has_key */
	bool has_key;
};

/*
 * Begin to change code's entry.  YZ_EDENIED if another station has to: the
 * one whose document lists it, or the root, whose part may list any station
 * anew (its entry is copied there).
 */
int issue_begin(
    struct issue *out, struct replica *r, const char *code, struct err *err);
/* Begin to change this station's own document: scope "root" or its code. */
int issue_begin_scope(
    struct issue *out, struct replica *r, const char *scope, struct err *err);
/*
 * Begin to decide which of two documents of one version counts: of scope, at
 * the root station, the one whose hash begins with these hex digits.  For the
 * root part itself this goes on from that one.  *version is theirs.
 */
int issue_begin_decision(struct issue *out, struct replica *r,
    const char *scope, const char *hex, int64_t *version, struct err *err);
/* The scope in which this station enrols from day to day: "root" where one
 * root key is enough and here, else its own. */
int issue_scope(
    char scope[ROSTER_SCOPE_MAX], struct replica *r, struct err *err);
/* Write, sign and adopt; or keep as a proposal, then *adopted is false. */
int issue_finish(struct issue *issue, bool *adopted, struct err *err);
void issue_end(struct issue *issue);

#endif
