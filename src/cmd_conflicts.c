#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "base/json.h"
#include "cmd.h"
#include "replica.h"

/*
 * Registers in which different writes stand: every value with who, when,
 * where.  A set that has seen them decides.
 */
static const char conflicts_sql[] =
    "SELECT r.kind, r.id, s.register, s.value, s.shown, h.name, s.seq,"
    " (SELECT count(*) FROM (SELECT DISTINCT CASE WHEN register GLOB '@*'"
    " THEN value = 'true' ELSE value END FROM _standing AS d WHERE"
    " d.rec = s.rec AND d.register = s.register)) AS values_n"
    " FROM _standing AS s JOIN _record AS r USING (rec)"
    " JOIN _chain AS h ON h.no = s.chain WHERE values_n > 1"
    " ORDER BY r.kind, r.id, s.register, s.shown DESC, h.name";

static int
print_one(struct replica *r, struct db_stmt *st, bool json, struct err *err)
{
	char when[CLOCK_LEN], id[DIGEST_HEX_LEN + 1];
	const char *chain = db_text(st, 5);
	struct chain_name name;
	struct changeset cs;
	struct json *o;
	int rc;

	rc = chain_parse(&name, chain, strlen(chain), err);
	if (rc == 0)
		rc = replica_read(r, &cs, &name, db_int(st, 6), err);
	if (rc != 0)
		return rc;
	clock_format(when, cs.time);
	digest_hex(id, cs.id.b, sizeof(cs.id.b));
	if (json) {
		o = json_new_object();
		json_set(o, "kind", json_text(db_text(st, 0)));
		json_set(o, "id", json_text(db_text(st, 1)));
		json_set(o, "register", json_text(db_text(st, 2)));
		json_set(o, "value", json_text(db_text(st, 3)));
		json_set(o, "shown", json_bool(db_int(st, 4) != 0));
		json_set(o, "station", json_text(name.writer));
		json_set(o, "author", json_text(cs.author));
		json_set(o, "time", json_text(when));
		json_set(o, "changeset", json_text(id));
		json_print(stdout, o);
		json_free(o);
	} else {
		printf("%s %s %s: %s  (%s, %s, %s, %.16s)%s\n", db_text(st, 0),
		    db_text(st, 1), db_text(st, 2), db_text(st, 3), name.writer,
		    cs.author, when, id,
		    db_int(st, 4) != 0 ? _("  shown") : "");
	}
	changeset_free(&cs);
	return 0;
}

int
cmd_conflicts(struct cmd *cmd, int argc, char **argv)
{
	bool json = cmd_option(&argc, argv, "--json", NULL) == 1;
	struct db_stmt *st;
	struct replica *r;
	int rc, n = 0;
	struct err err;

	if (argc != 1)
		return cmd_usage(cmd);
	rc = cmd_open(&r, cmd, &err);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	rc = db_query(&st, replica_db(r), &err, conflicts_sql, "");
	if (rc == 0) {
		while ((rc = db_step(st, &err)) == 1) {
			rc = print_one(r, st, json, &err);
			if (rc != 0)
				break;
			n++;
		}
		db_done(st);
	}
	replica_close(r);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	return n == 0 ? CMD_DONE : CMD_LOOK;
}
