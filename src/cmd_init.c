/* init: found a federation of which this station is the root. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "cmd.h"
#include "home.h"
#include "limit.h"
#include "model/vocabulary.h"
#include "replica.h"
#include "roster.h"
#include "roster_change.h"
#include "sign.h"

struct init {
	const char *code;
	const char *name;      /* or NULL: the division's */
	const char *divisions; /* path, "none", or NULL for ours */
	const char *as;        /* the person */
};

/* Everything that can be wrong before a file is written. */
static int
init_check(struct buf *name, const struct init *in, struct err *err)
{
	int rc;

	if (!chain_is_code(in->code, strlen(in->code)))
		return err_set(err, YZ_EINVAL,
		    _("\"%.20s\" is not a station's code of six digits"),
		    in->code);
	rc = vocabulary_add(NULL, in->code, in->divisions, err);
	if (rc != 0)
		return rc;
	if (in->name != NULL) {
		buf_puts(name, in->name);
	} else if (vocabulary_division(name, in->divisions, in->code, err) !=
		   0) {
		return err_set(err, YZ_EINVAL,
		    _("no division is called %s; give the station's name "
		      "with --name"),
		    in->code);
	}
	if (name->len == 0 || name->len > LIMIT_NAME ||
	    !text_is_clean(buf_str(name), name->len, false))
		return err_set(err, YZ_EINVAL,
		    _("the name is not text of 1 to %d bytes"), LIMIT_NAME);
	return 0;
}

/* Version 1 of the roster: this station, signed by a new root key. */
static int
init_roster(struct roster_doc *doc, struct replica *r, const char *name,
    const struct sign_key *root, struct err *err)
{
	const struct home *home = replica_home(r);
	struct roster_station station = {.name = (char *)name};
	struct roster_key key = {.ended = false};
	char inc[1][CHAIN_INC_LEN + 1];
	int rc;

	memcpy(inc[0], home->inc, sizeof(inc[0]));
	memcpy(key.sign, home->sign.pub, sizeof(key.sign));
	memcpy(key.ssh, home->ssh.pub, sizeof(key.ssh));
	key.incs = inc;
	key.n_incs = 1;
	memcpy(station.code, home->code, sizeof(station.code));
	memcpy(station.scope, "root", sizeof("root"));
	station.keys = &key;
	station.n_keys = 1;

	rc = roster_enrol(
	    doc, replica_roster(r), NULL, "root", &station, root, err);
	if (rc != 0)
		return rc;
	return replica_adopt(r, doc, err);
}

static int
init_vocabulary(struct replica *r, const struct init *in, struct err *err)
{
	struct act *act = act_new(r, cmd_person(in->as), cmd_login(),
	    _("Kinds, fields and code lists to start with"));
	int rc;

	rc = vocabulary_add(act, in->code, in->divisions, err);
	if (rc == 0)
		rc = act_commit(act, NULL, err);
	act_free(act);
	return rc;
}

static void
init_print(
    const struct cmd *cmd, const char *name, const struct roster_doc *doc)
{
	char fp[SIGN_FINGERPRINT_LEN];

	sign_fingerprint(fp, doc->hash.b, sizeof(doc->hash.b));
	printf(_("station      %s in %s\n"), name, cmd->home);
	printf(_("roster       version 1, fingerprint %s\n"), fp);
	printf(_("root key     %s/keys/root: whoever has it governs the "
		 "federation; keep a copy where nothing burns\n"),
	    cmd->home);
	printf(_("next         yizhan -C %s invite CODE -o FILE, for each "
		 "child\n"),
	    cmd->home);
}

static int
init_top(const struct cmd *cmd, const struct init *in, struct err *err)
{
	struct roster_doc doc = {.version = 0};
	struct buf name = BUF_INIT;
	struct replica *r = NULL;
	struct home *home = NULL;
	struct sign_key root;
	char *path = NULL;
	int rc;

	rc = init_check(&name, in, err);
	if (rc != 0)
		goto out;
	rc = home_create(&home, cmd->home, in->code, err);
	if (rc != 0)
		goto out;
	sign_generate(&root);
	path = home_file(home, "keys/root");
	rc = sign_save(&root, path, err);
	if (rc != 0) {
		home_free(home);
		goto out;
	}
	rc = replica_open(&r, home, err);
	if (rc == 0)
		rc = init_roster(&doc, r, buf_str(&name), &root, err);
	if (rc == 0)
		rc = init_vocabulary(r, in, err);
	if (r != NULL)
		rc = cmd_close(r, rc, err);
	if (rc == 0)
		init_print(cmd, buf_str(&name), &doc);
out:
	explicit_bzero(&root, sizeof(root));
	roster_doc_free(&doc);
	buf_free(&name);
	free(path);
	return rc;
}

int
cmd_init(struct cmd *cmd, int argc, char **argv)
{
	struct init in = {NULL, NULL, NULL, NULL};
	const char *later = NULL;
	struct err err;
	int top;

	if (cmd_option(&argc, argv, "--name", &in.name) < 0 ||
	    cmd_option(&argc, argv, "--divisions", &in.divisions) < 0 ||
	    cmd_option(&argc, argv, "--as", &in.as) < 0)
		return cmd_usage(cmd);
	if (cmd_option(&argc, argv, "--root-keys", &later) != 0 ||
	    cmd_option(&argc, argv, "--threshold", &later) != 0) {
		err_set(&err, YZ_EINVAL,
		    _("several root keys are not supported yet: leave out "
		      "--root-keys and --threshold"));
		return cmd_fail(cmd, &err);
	}
	top = cmd_option(&argc, argv, "--top", NULL);
	if (cmd_unknown_option(cmd, argc, argv) || top != 1 || argc != 2)
		return cmd_usage(cmd);
	in.code = argv[1];
	if (init_top(cmd, &in, &err) != 0)
		return cmd_fail(cmd, &err);
	return CMD_DONE;
}
