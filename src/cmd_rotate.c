/* rotate: ask for new keys, or pass such a request on by hand. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "backup_key.h"
#include "base/buf.h"
#include "base/caller.h"
#include "base/err.h"
#include "base/file.h"
#include "cmd.h"
#include "home.h"
#include "limit.h"
#include "local.h"
#include "logged.h"
#include "paper.h"
#include "replica.h"
#include "rotate.h"
#include "rotation.h"
#include "sign.h"

struct rotate {               /* the command's arguments */
	const char *recovery; /* the sheet that proves, or NULL */
	const char *fresh;    /* where the next sheet goes, or NULL */
	const char *out;      /* where the request goes, or NULL */
	const char *take;     /* a request that was carried here, or NULL */
};

/* At the one that enrols the station. */
static int
take(
    const struct cmd *cmd, struct replica *r, const char *path, struct err *err)
{
	const struct roster_station *st;
	struct buf text = BUF_INIT;
	struct local *local = NULL;
	struct rotation q = {.code = ""};
	int rc;

	rc = caller_read(&text, path, LIMIT_ROTATION, err);
	if (rc == 0)
		rc = local_open(&local, cmd->home, err);
	if (rc == 0)
		rc = rotate_take(r, local, text.b, text.len, err);
	if (rc == 0)
		rc = rotation_read(&q, text.b, text.len, err);
	if (rc == 0) {
		st = roster_find(replica_roster(r), q.code);
		if (st != NULL && roster_current(st) != NULL &&
		    memcmp(roster_current(st)->sign, q.sign, 32) == 0)
			printf(_("%s has its new keys\n"), q.code);
		else
			printf(_("the request of %s is kept: other keys have "
				 "to sign (yizhan roster propose), or the "
				 "next sync takes it upwards\n"),
			    q.code);
		rotation_free(&q);
	}
	local_close(local);
	buf_free(&text);
	return rc;
}

static int
begin(struct replica *r, const struct rotate *in, struct err *err)
{
	const char *code = replica_home(r)->code;
	const char *home = replica_home(r)->path;
	struct sign_key paper, fresh;
	int rc = 0;

	if (in->recovery == NULL) {
		if (in->fresh != NULL)
			rc = rotate_lacks_recovery(r, err);
		if (rc == 0 && in->fresh != NULL)
			rc = paper_make(in->fresh, replica_home(r), err);
		return rc != 0 ? rc : rotate_begin(r, NULL, NULL, err);
	}
	rc = paper_read(&paper, in->recovery, code, err);
	if (rc == 0 && in->fresh != NULL) {
		sign_generate(&fresh);
		rc = paper_write(in->fresh, code, &fresh, err);
	}
	/* While the papers are at hand: backups can be encrypted to them. */
	if (rc == 0)
		rc = backup_key_keep(home, code, &paper, err);
	if (rc == 0 && in->fresh != NULL)
		rc = backup_key_keep(home, code, &fresh, err);
	if (rc == 0)
		rc = rotate_begin(
		    r, &paper, in->fresh != NULL ? &fresh : NULL, err);
	explicit_bzero(&paper, sizeof(paper));
	explicit_bzero(&fresh, sizeof(fresh));
	return rc;
}

static int
ask(const struct cmd *cmd, struct replica *r, const struct rotate *in,
    struct err *err)
{
	const char *code = replica_home(r)->code;
	struct buf text = BUF_INIT;
	struct local *local = NULL;
	int rc;

	rc = begin(r, in, err);
	if (rc == 0)
		rc = rotate_request(&text, r, err);
	if (rc == 0 && in->out != NULL)
		rc = caller_write(in->out, text.b, text.len, 0644, err);
	if (rc == 0)
		rc = local_open(&local, cmd->home, err);
	/* The root station lists itself. */
	if (rc == 0 && strcmp(roster_root(replica_roster(r)), code) == 0)
		rc = rotate_take(r, local, text.b, text.len, err);
	local_close(local);
	buf_free(&text);
	if (rc != 0)
		return rc;
	if (strcmp(roster_root(replica_roster(r)), code) == 0)
		printf(_("new keys for %s: in use, or, if other root keys have "
			 "to sign, proposed (yizhan roster propose)\n"),
		    code);
	else if (in->out != NULL)
		printf(_("carry %s to the station that enrols %s; there: "
			 "yizhan rotate --take %s; then sync here\n"),
		    in->out, code, in->out);
	else
		printf(
		    _("new keys for %s: the next sync asks for them\n"), code);
	return 0;
}

static int
rotate(const struct cmd *cmd, const struct rotate *in, struct err *err)
{
	struct replica *r;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = in->take != NULL ? take(cmd, r, in->take, err)
			      : ask(cmd, r, in, err);
	return cmd_close(r, rc, err);
}

int
cmd_rotate(struct cmd *cmd, int argc, char **argv)
{
	struct rotate in = {NULL, NULL, NULL, NULL};
	struct err err = {0};
	const char *what;
	int rc = 0;

	if (cmd_option(&argc, argv, "--recovery", &in.recovery) < 0 ||
	    cmd_option(&argc, argv, "--new", &in.fresh) < 0 ||
	    cmd_option(&argc, argv, "-o", &in.out) < 0 ||
	    cmd_option(&argc, argv, "--take", &in.take) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 1 ||
	    (in.take != NULL &&
		(in.recovery != NULL || in.fresh != NULL || in.out != NULL)))
		return cmd_usage(cmd);
	if (in.recovery != NULL)
		rc = home_fill_keys(cmd->home, &err);
	what = in.take != NULL ? "rotate --take" : "rotate";
	if (rc == 0)
		rc = logged_ask(cmd, what, in.take, &err);
	if (rc == 0) {
		rc = rotate(cmd, &in, &err);
		rc = logged_end(cmd, what, in.take, rc, &err);
	}
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
