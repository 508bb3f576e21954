/*
 * What people here have settled of the quarantine: that an operation was
 * taken over as a change of this station's, or that what stands is kept.  It
 * lies in local.db.  The operation itself stays in the ledger and in
 * quarantine, here and everywhere; it is only no more to be decided here.
 */
#ifndef WEB_SETTLED_H
#define WEB_SETTLED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "limit.h"
#include "user.h"

struct replica;

struct settled {
	bool taken; /* else what stands was kept */
	char login[USER_LOGIN_MAX + 1], name[LIMIT_NAME + 1];
	int64_t at; /* wall ms */
};

/* The first word holds: YZ_ECONFLICT if there is one. */
int settled_put(struct db *db, const struct digest *changeset, int64_t op,
    const struct settled *s, struct err *err);
/* YZ_ENOTFOUND: nobody has. */
int settled_get(struct db *db, struct settled *out,
    const struct digest *changeset, int64_t op, struct err *err);
/* How many of what is in quarantine now nobody has settled. */
int settled_open(
    int64_t *out, struct db *db, struct replica *r, struct err *err);

#endif
