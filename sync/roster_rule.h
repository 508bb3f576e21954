/*
 * The rules for rosters: within a document, between two versions of one, and
 * who must have signed it (FORMAT.md, "Rosters").
 */
#ifndef SYNC_ROSTER_RULE_H
#define SYNC_ROSTER_RULE_H

#include <stdbool.h>

struct err;
struct roster_doc;
struct roster_part;
struct roster_station;

/*
 * May the document of that scope list that code?  The root part any; a
 * station's the codes below its own, as GB/T 2260 nests them: 520300 those
 * that begin with 5203, a county none.  So no city can put itself in the
 * place of another's county (threat T08).
 */
bool roster_rule_may_list(const char *scope, const char *code);
/* Any code at all?  Who may not signs no document that anybody keeps. */
bool roster_rule_lists_any(const char *scope);

/* No key twice; scope root: one tree, of at most LIMIT_TREE levels. */
int roster_rule_within(const struct roster_part *part, struct err *err);

/* What next must keep of cur: its stations, their parents, their keys. */
int roster_rule_keeps(const struct roster_part *cur,
    const struct roster_part *next, struct err *err);

/* Signed by as many of rule's root keys as rule asks for; and no signature
 * that does not hold. */
int roster_rule_signed_by_root(const struct roster_doc *doc,
    const struct roster_part *rule, struct err *err);

/*
 * A sub-roster has one signature, by its station's current key; or by an
 * ended one for the very document that its entry names, or (coming: on the
 * way there) an earlier one.
 */
int roster_rule_signed_by_station(const struct roster_doc *doc,
    const struct roster_station *st, bool coming, struct err *err);

#endif
