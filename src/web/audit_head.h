/*
 * HOME/audit: how far the audit log has got, signed (audit.h).
 */
#ifndef WEB_AUDIT_HEAD_H
#define WEB_AUDIT_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"

struct err;
struct home;
struct roster;

struct audit_place {
	int64_t no;
	struct digest hash;
};
struct audit_head {
	struct audit_place base, last;
	uint8_t key[32]; /* that signed it */
};

int audit_head_write(
    const struct audit_head *head, const struct home *home, struct err *err);
/* YZ_ENOTFOUND: there is none; YZ_ECORRUPT: it is none, or its signature
 * does not hold.  Whose the key is, is for the caller to judge. */
int audit_head_read(
    struct audit_head *out, const struct home *home, struct err *err);
/* Are the keys here such as the rosters do not know: made for a HOME that lost
 * its own, until those that its recovery key brings are let in? */
bool audit_head_lent(const struct home *home, const struct roster *keys);
/* Is it this station's, now or, if keys are given, formerly? */
bool audit_head_ours(
    const uint8_t key[32], const struct home *home, const struct roster *keys);

#endif
