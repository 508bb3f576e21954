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
#include "logged.h"
#include "model/vocabulary.h"
#include "paper.h"
#include "proposal.h"
#include "replica.h"
#include "roster.h"
#include "roster_change.h"
#include "sign.h"

struct init {
	const char *code;
	const char *name;      /* or NULL: the division's */
	const char *divisions; /* path, "none", or NULL for ours */
	const char *as;        /* the person */
	const char *recovery;  /* where the sheet goes, or NULL */
	const char *root_keys; /* file of public keys, or NULL: one made here */
	int64_t threshold;     /* how many of them must sign */
};

/* Everything that can be wrong before a file is written. */
static int
init_check(struct buf *name, const struct init *in, struct err *err)
{
	int rc;

	if (!chain_is_code(in->code, strlen(in->code)))
		return err_set(err, YZ_EINVAL,
		    "\"%.20s\" is not a station's code of six digits",
		    in->code);
	rc = vocabulary_add(NULL, in->code, in->divisions, err);
	if (rc != 0)
		return rc;
	if (in->name != NULL) {
		buf_puts(name, in->name);
	} else if (vocabulary_division(name, in->divisions, in->code, err) !=
		   0) {
		return err_set(err, YZ_EINVAL,
		    "no division is called %s; give the station's name "
		    "with --name",
		    in->code);
	}
	if (name->len == 0 || name->len > LIMIT_NAME ||
	    !text_is_clean(buf_str(name), name->len, false))
		return err_set(err, YZ_EINVAL,
		    "the name is not text of 1 to %d bytes", LIMIT_NAME);
	return 0;
}

/*
 * Version 1 of the roster: this station, signed by a new root key; or by k of
 * n that are elsewhere, then it waits as a proposal.
 */
static int
init_roster(struct roster_doc *doc, struct replica *r, const char *name,
    const struct init *in, const struct sign_key *root, struct err *err)
{
	const struct home *home = replica_home(r);
	struct roster_station station = {.name = (char *)name};
	struct roster_key key = {.ended = false};
	uint8_t keys[LIMIT_ROSTER_KEYS + 1][32];
	char inc[1][CHAIN_INC_LEN + 1];
	struct roster_change *change;
	size_t n = 1;
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

	rc = home_recovery_load(&station.recovery, home, err);
	if (rc == 0 && in->root_keys != NULL)
		rc = proposal_root_keys(keys, &n, in->root_keys, err);
	else
		memcpy(keys[0], root->pub, sizeof(keys[0]));
	if (rc == 0)
		rc = roster_change_begin(&change, NULL, NULL, "root", err);
	if (rc != 0)
		return rc;
	roster_change_put(change, &station);
	rc = roster_change_root_keys(
	    change, (const uint8_t(*)[32])keys, n, in->threshold, err);
	if (rc == 0)
		rc = roster_change_write(doc, change, err);
	roster_change_free(change);
	if (rc == 0 && in->root_keys != NULL)
		return proposal_save(r, doc, err);
	if (rc == 0)
		rc = roster_doc_sign(doc, root, err);
	return rc != 0 ? rc : replica_adopt(r, doc, err);
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
init_print(const struct cmd *cmd, const struct init *in, const char *name,
    const struct roster_doc *doc)
{
	char fp[SIGN_FINGERPRINT_LEN];

	if (in->root_keys != NULL) {
		printf(_("station      %s in %s\n"), name, cmd->home);
		printf(_("roster       waits for %lld of the root keys\n"),
		    (long long)in->threshold);
		printf(
		    _("next         yizhan -C %s roster propose -o FILE; have "
		      "it signed; roster adopt FILE\n"),
		    cmd->home);
		return;
	}
	sign_fingerprint(fp, doc->hash.b, sizeof(doc->hash.b));
	printf(_("station      %s in %s\n"), name, cmd->home);
	printf(_("roster       version 1, fingerprint %s\n"), fp);
	printf(_("root key     %s/keys/root: whoever has it governs the "
		 "federation; keep a copy where nothing burns\n"),
	    cmd->home);
	printf(_("next         yizhan%s invite CODE -o FILE, for each "
		 "child\n"),
	    cmd_at(cmd));
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
	rc = home_begin(&home, cmd->home, in->code, err);
	if (rc != 0)
		goto out;
	sign_generate(&root);
	path = home_file(home, "keys/root");
	if (in->root_keys == NULL)
		rc = sign_save(&root, path, err);
	if (rc == 0 && in->recovery != NULL)
		rc = paper_make(in->recovery, home, err);
	if (rc != 0) {
		home_free(home);
		goto out;
	}
	rc = replica_open(&r, home, err);
	if (rc == 0)
		rc = init_roster(&doc, r, buf_str(&name), in, &root, err);
	/* Else with the roster's adoption. */
	if (rc == 0 && in->root_keys == NULL)
		rc = init_vocabulary(r, in, err);
	if (rc == 0)
		rc = home_finish(home, err);
	if (r != NULL)
		rc = cmd_close(r, rc, err);
	if (rc == 0)
		init_print(cmd, in, buf_str(&name), &doc);
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
	struct init in = {.threshold = 1};
	const char *k = NULL;
	struct err err;
	int top;

	if (cmd_option(&argc, argv, "--name", &in.name) < 0 ||
	    cmd_option(&argc, argv, "--divisions", &in.divisions) < 0 ||
	    cmd_option(&argc, argv, "--as", &in.as) < 0)
		return cmd_usage(cmd);
	if (cmd_option(&argc, argv, "--recovery", &in.recovery) < 0 ||
	    cmd_option(&argc, argv, "--root-keys", &in.root_keys) < 0 ||
	    cmd_option(&argc, argv, "--threshold", &k) < 0 ||
	    (k != NULL && !cmd_number(&in.threshold, k)) ||
	    (k != NULL) != (in.root_keys != NULL))
		return cmd_usage(cmd);
	top = cmd_option(&argc, argv, "--top", NULL);
	if (cmd_unknown_option(cmd, argc, argv) || top != 1 || argc != 2)
		return cmd_usage(cmd);
	in.code = argv[1];
	if (init_top(cmd, &in, &err) != 0 ||
	    logged_end(cmd, "init", in.code, 0, &err) != 0)
		return cmd_fail(cmd, &err);
	return CMD_DONE;
}
