#include "config.h"

#include <stdio.h>

#include "base/db.h"
#include "base/err.h"
#include "base/json.h"
#include "cmd.h"
#include "replica.h"

static void
print_one(struct db_stmt *st, bool json)
{
	struct json *o;

	if (!json) {
		printf(_("%s %s %s seq %lld: %s\n"), db_text(st, 3),
		    db_text(st, 2), db_text(st, 0), (long long)db_int(st, 1),
		    cmd_words(db_text(st, 4)));
		return;
	}
	o = json_new_object();
	json_set(o, "chain", json_text(db_text(st, 0)));
	json_set(o, "seq", json_int(db_int(st, 1)));
	json_set(o, "changeset", json_text(db_text(st, 5)));
	json_set(o, "id", json_text(db_text(st, 2)));
	json_set(o, "kind", json_text(db_text(st, 3)));
	json_set(o, "reason", json_text(db_text(st, 4)));
	json_print(stdout, o);
	json_free(o);
}

int
cmd_quarantine(struct cmd *cmd, int argc, char **argv)
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
	rc = db_query(&st, replica_db(r), &err,
	    "SELECT h.name, q.seq, q.id, q.kind, q.reason, lower(hex(c.id))"
	    " FROM _quarantine AS q JOIN _chain AS h ON h.no = q.chain"
	    " JOIN _changeset AS c USING (chain, seq)"
	    " ORDER BY h.name, q.seq, q.op",
	    "");
	if (rc == 0) {
		for (; (rc = db_step(st, &err)) == 1; n++)
			print_one(st, json);
		db_done(st);
	}
	replica_close(r);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	return n == 0 ? CMD_DONE : CMD_LOOK;
}
