#include "config.h"

#include <stdio.h>

#include "base/db.h"
#include "base/err.h"
#include "home.h"
#include "local.h"
#include "replica.h"
#include "roster.h"
#include "stand.h"

int
stand_superior(bool *out, bool *known, struct replica *r, struct local *local,
    int64_t rec, struct err *err)
{
	const char *self = replica_home(r)->code;
	const struct roster_station *me = roster_find(replica_roster(r), self);
	struct db_stmt *st;
	int64_t acked;
	int rc;

	*out = true;
	*known = false;
	if (me == NULL || me->parent[0] == '\0')
		return 0;
	rc = db_query(&st, replica_db(r), err,
	    "SELECT h.name, max(t.seq) FROM _touch AS t JOIN _chain AS h"
	    " ON h.no = t.chain WHERE t.rec = ? AND h.writer = ?"
	    " GROUP BY h.no",
	    "is", rec, self);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		*known = true;
		rc = local_acked_get(
		    local, me->parent, db_text(st, 0), &acked, err);
		if (rc != 0)
			break;
		if (acked < db_int(st, 1))
			*out = false;
	}
	db_done(st);
	return rc;
}
