#include "config.h"

#include <string.h>

#include "base/db.h"
#include "base/err.h"
#include "changeset.h"
#include "conflict.h"
#include "replica.h"

/* Two drops agree whatever their reasons. */
static const char list_sql[] =
    "SELECT r.kind, r.id, s.register, s.value, s.shown, h.name, s.seq,"
    " (SELECT count(*) FROM (SELECT DISTINCT CASE WHEN register GLOB '@*'"
    " THEN value = 'true' ELSE value END FROM _standing AS d WHERE"
    " d.rec = s.rec AND d.register = s.register)) AS values_n"
    " FROM _standing AS s JOIN _record AS r USING (rec)"
    " JOIN _chain AS h ON h.no = s.chain"
    " WHERE values_n > 1 AND (?1 = 0 OR s.rec = ?1)"
    " AND (?2 IS NULL OR (r.kind, r.id, s.register) > (?2, ?3, ?4))"
    " ORDER BY r.kind, r.id, s.register, s.shown DESC, h.name";

static int
tell(struct replica *r, struct db_stmt *st,
    int (*fn)(void *arg, const struct conflict_value *v, struct err *err),
    void *arg, struct err *err)
{
	const char *chain = db_text(st, 5);
	struct conflict_value v;
	struct chain_name name;
	struct changeset cs;
	int rc;

	rc = chain_parse(&name, chain, strlen(chain), err);
	if (rc == 0)
		rc = replica_read(r, &cs, &name, db_int(st, 6), err);
	if (rc != 0)
		return rc;
	v.kind = db_text(st, 0);
	v.id = db_text(st, 1);
	v.reg = db_text(st, 2);
	v.value = db_text(st, 3);
	v.shown = db_int(st, 4) != 0;
	v.writer = name.writer;
	v.author = cs.author;
	v.time = cs.time;
	digest_hex(v.changeset, cs.id.b, sizeof(cs.id.b));
	rc = fn(arg, &v, err);
	changeset_free(&cs);
	return rc;
}

static int
list(struct replica *r, int64_t rec, const struct conflict_place *place,
    int (*fn)(void *arg, const struct conflict_value *v, struct err *err),
    void *arg, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, replica_db(r), err, list_sql, "isss", rec,
	    place->kind, place->id, place->reg);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		rc = tell(r, st, fn, arg, err);
		if (rc != 0)
			break;
	}
	db_done(st);
	return rc;
}

int
conflict_list(struct replica *r, int64_t rec,
    int (*fn)(void *arg, const struct conflict_value *v, struct err *err),
    void *arg, struct err *err)
{
	const struct conflict_place first = {NULL, NULL, NULL};

	return list(r, rec, &first, fn, arg, err);
}

int
conflict_list_after(struct replica *r, const struct conflict_place *place,
    int (*fn)(void *arg, const struct conflict_value *v, struct err *err),
    void *arg, struct err *err)
{
	return list(r, 0, place, fn, arg, err);
}
