#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "base/json.h"
#include "cmd.h"
#include "replica.h"

static void
print_one(const struct changeset *cs, int64_t ops, bool json)
{
	char id[DIGEST_HEX_LEN + 1], when[CLOCK_LEN], chain[CHAIN_NAME_MAX];
	struct json *o;

	digest_hex(id, cs->id.b, sizeof(cs->id.b));
	clock_format(when, cs->time);
	chain_format(chain, &cs->chain);
	if (!json) {
		printf(_("%.16s %s %s seq %lld, %s, %lld ops: %s\n"), id, when,
		    chain, (long long)cs->seq, cs->author, (long long)ops,
		    cs->subject);
		return;
	}
	o = json_new_object();
	json_set(o, "changeset", json_text(id));
	json_set(o, "chain", json_text(chain));
	json_set(o, "seq", json_int(cs->seq));
	json_set(o, "time", json_text(when));
	json_set(o, "author", json_text(cs->author));
	json_set(o, "ops", json_int(ops));
	json_set(o, "subject", json_text(cs->subject));
	json_print(stdout, o);
	json_free(o);
}

/* Oldest first by the clocks of those who wrote. */
static int
print_log(struct replica *r, const char *chain, bool json, struct err *err)
{
	struct chain_name name;
	struct changeset cs;
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, replica_db(r), err,
	    "SELECT h.name, c.seq, c.ops FROM _changeset AS c JOIN _chain AS h"
	    " ON h.no = c.chain WHERE ?1 IS NULL OR h.name = ?1"
	    " ORDER BY c.time + c.offset, h.name, c.seq",
	    "s", chain);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const char *text = db_text(st, 0);

		rc = chain_parse(&name, text, strlen(text), err);
		if (rc == 0)
			rc = replica_read(r, &cs, &name, db_int(st, 1), err);
		if (rc != 0)
			break;
		print_one(&cs, db_int(st, 2), json);
		changeset_free(&cs);
	}
	db_done(st);
	return rc;
}

int
cmd_log(struct cmd *cmd, int argc, char **argv)
{
	bool json = cmd_option(&argc, argv, "--json", NULL) == 1;
	const char *chain = NULL;
	struct chain_name name;
	struct replica *r;
	struct err err;
	int rc;

	if (cmd_option(&argc, argv, "--chain", &chain) < 0 || argc != 1)
		return cmd_usage(cmd);
	if (chain != NULL &&
	    chain_parse(&name, chain, strlen(chain), &err) != 0) {
		err_within(&err, "%.60s", chain);
		return cmd_fail(cmd, &err);
	}
	rc = cmd_open(&r, cmd, &err);
	if (rc == 0) {
		rc = print_log(r, chain, json, &err);
		replica_close(r);
	}
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
