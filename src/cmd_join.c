/* join: make HOME by an invitation, and ask the parent to be enrolled. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/caller.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"
#include "cmd.h"
#include "enrol.h"
#include "home.h"
#include "limit.h"
#include "link.h"
#include "link_ssh.h"
#include "local.h"
#include "logged.h"
#include "paper.h"
#include "peer_replica.h"
#include "replica.h"
#include "roster.h"
#include "session.h"

#define INVITATION_BYTES_MAX 65536

/* HOME is ours to join from here on: who makes another sheet or asks in its
 * name meanwhile would leave this one with a fingerprint of no request. */
static int
claim(int *fd, const struct cmd *cmd, struct err *err)
{
	int rc = file_mkdir(cmd->home, 0700, err);

	if (rc == 0)
		rc = folder_lock(fd, cmd->home, err);
	if (rc == YZ_ECONFLICT)
		return err_set(
		    err, rc, "another set-up is under way in %s", cmd->home);
	return rc;
}

/* A HOME that asked before is used again: the same keys ask again. */
static int
make_home(struct replica **out, const struct cmd *cmd, const char *code,
    const char *sheet, struct err *err)
{
	struct home *home;
	int rc;

	rc = home_open(&home, cmd->home, err);
	if (rc == YZ_ENOTFOUND)
		rc = home_create(&home, cmd->home, code, err);
	if (rc == 0 && sheet != NULL) {
		rc = paper_make(sheet, home, err);
		if (rc != 0)
			home_free(home);
	}
	if (rc != 0)
		return rc;
	if (strcmp(home->code, code) != 0) {
		rc = err_set(err, YZ_EINVAL,
		    "%s is station %s, the invitation is for %s", cmd->home,
		    home->code, code);
		home_free(home);
		return rc;
	}
	rc = replica_open(out, home, err);
	if (rc == 0 && roster_find(replica_roster(*out), code) != NULL) {
		rc = err_set(
		    err, YZ_ECONFLICT, "station %s has joined already", code);
		replica_close(*out);
	}
	return rc;
}

/* Hold the rosters that come to the one that the invitation names, unless
 * that one is here from an earlier try. */
static int
pin(struct peer_replica *store, struct replica *r,
    const struct enrol_invitation *in, struct err *err)
{
	struct roster_doc doc;
	struct digest hash;
	bool same;
	int rc;

	memset(&doc, 0, sizeof(doc));
	memcpy(hash.b, in->roster_hash, sizeof(hash.b));
	rc = replica_roster_doc(r, &doc, "root", in->roster_version, err);
	if (rc == YZ_ENOTFOUND) {
		peer_replica_pin(store, in->roster_version, &hash);
		return 0;
	}
	if (rc != 0)
		return rc;
	same = digest_equal(&doc.hash, &hash);
	roster_doc_free(&doc);
	if (same)
		return 0;
	return err_set(err, YZ_EDENIED,
	    "the roster here is not the one that the invitation names");
}

static int
ask(bool *confirmed, struct replica *r, struct local *local,
    const struct enrol_invitation *in, const struct buf *request,
    struct err *err)
{
	struct session_options opt = {.limit = 0};
	struct peer_replica *store;
	struct session_result res;
	struct link *link;
	int rc;

	opt.peer.caller = true;
	opt.peer.purpose = PEER_JOIN;
	opt.peer.request = request;
	memcpy(opt.peer.other, in->parent, sizeof(opt.peer.other));
	store = peer_replica_new(r, local, in->parent);
	rc = pin(store, r, in, err);
	if (rc == 0)
		rc = link_ssh_open(
		    &link, in->address, in->host_key, &in->once, err);
	if (rc == 0) {
		rc = session_run(&res, &opt, link, r, local, store, err);
		link->close(link);
		if (rc == 0 && !res.peer.joined)
			rc = err_set(
			    err, YZ_EPEER, "it ended without an answer");
		*confirmed = rc == 0 && res.peer.asked_confirmed;
	}
	peer_replica_free(store);
	if (rc != 0)
		return err_within(err, "%s at %s", in->parent, in->address);
	return 0;
}

static int
keep_parent(
    struct local *local, const struct enrol_invitation *in, struct err *err)
{
	struct local_peer peer;
	int rc;

	rc = local_peer_get(local, &peer, in->parent, err);
	if (rc == YZ_ENOTFOUND)
		memset(&peer, 0, sizeof(peer));
	else if (rc != 0)
		return rc;
	memcpy(peer.code, in->parent, sizeof(peer.code));
	memcpy(peer.address, in->address, sizeof(peer.address));
	memcpy(peer.host_key, in->host_key, sizeof(peer.host_key));
	return local_peer_put(local, &peer, err);
}

static int
join(const struct cmd *cmd, const struct enrol_invitation *in,
    const char *sheet, struct err *err)
{
	char fingerprint[SIGN_FINGERPRINT_LEN];
	struct buf request = BUF_INIT;
	struct local *local = NULL;
	bool confirmed = false;
	struct replica *r;
	int rc;

	if (!mem_limit(LIMIT_MEMORY))
		return err_sys(err, "memory limit");
	rc = make_home(&r, cmd, in->code, sheet, err);
	if (rc != 0)
		return rc;
	rc = caller_forget(err); /* the sheet is written */
	if (rc != 0) {
		replica_close(r);
		return rc;
	}
	enrol_request(&request, replica_home(r));
	enrol_fingerprint(fingerprint, request.b, request.len);
	rc = local_open(&local, cmd->home, err);
	if (rc == 0)
		rc = ask(&confirmed, r, local, in, &request, err);
	if (rc == 0)
		rc = keep_parent(local, in, err);
	if (rc == 0) {
		puts(fingerprint);
		if (confirmed)
			printf(_("confirmed at once by %s: now yizhan%s "
				 "sync\n"),
			    in->parent, cmd_at(cmd));
		else
			printf(_("read this to %s over the telephone; there: "
				 "yizhan confirm %s; then here: yizhan%s "
				 "sync\n"),
			    in->parent, in->code, cmd_at(cmd));
	}
	buf_free(&request);
	local_close(local);
	return cmd_close(r, rc, err);
}

int
cmd_join(struct cmd *cmd, int argc, char **argv)
{
	struct enrol_invitation in;
	const char *sheet = NULL;
	struct buf text = BUF_INIT;
	struct err err = {0};
	int lock, rc;

	if (cmd_option(&argc, argv, "--recovery", &sheet) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 2)
		return cmd_usage(cmd);
	rc = file_read(&text, argv[1], INVITATION_BYTES_MAX, &err);
	if (rc == 0)
		rc = enrol_read(&in, text.b, text.len, &err);
	if (text.len > 0)
		explicit_bzero(text.b, text.len);
	buf_free(&text);
	/* The file may be in root's own folder. */
	if (rc == 0)
		rc = cmd_become_owner(cmd, &err);
	if (rc == 0)
		rc = claim(&lock, cmd, &err);
	if (rc == 0) {
		rc = join(cmd, &in, sheet, &err);
		if (rc == 0)
			rc = logged_end(cmd, "join", in.parent, 0, &err);
		close(lock);
	}
	explicit_bzero(&in, sizeof(in));
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
