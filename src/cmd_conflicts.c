/* conflicts: fields that were changed on both sides. */
#include "config.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "cmd.h"
#include "model/conflict.h"
#include "replica.h"

struct print {
	bool json;
	int n;
};

static int
print_one(void *arg, const struct conflict_value *v, struct err *err)
{
	struct print *print = arg;
	char when[CLOCK_LEN];
	struct json *o;

	(void)err;
	print->n++;
	clock_format(when, v->time);
	if (!print->json) {
		printf("%s %s %s: %s  (%s, %s, %s, %.16s)%s\n", v->kind, v->id,
		    v->reg, v->value, v->writer, v->author, when, v->changeset,
		    v->shown ? _("  shown") : "");
		return 0;
	}
	o = json_new_object();
	json_set(o, "kind", json_text(v->kind));
	json_set(o, "id", json_text(v->id));
	json_set(o, "register", json_text(v->reg));
	json_set(o, "value", json_text(v->value));
	json_set(o, "shown", json_bool(v->shown));
	json_set(o, "station", json_text(v->writer));
	json_set(o, "author", json_text(v->author));
	json_set(o, "time", json_text(when));
	json_set(o, "changeset", json_text(v->changeset));
	json_print(stdout, o);
	json_free(o);
	return 0;
}

int
cmd_conflicts(struct cmd *cmd, int argc, char **argv)
{
	struct print print = {false, 0};
	struct replica *r;
	struct err err;
	int rc;

	print.json = cmd_option(&argc, argv, "--json", NULL) == 1;
	if (argc != 1)
		return cmd_usage(cmd);
	rc = cmd_open(&r, cmd, &err);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	rc = conflict_list(r, 0, print_one, &print, &err);
	replica_close(r);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	return print.n == 0 ? CMD_DONE : CMD_LOOK;
}
