/*
 * peer: the called side of a session, on standard input and output.  sshd
 * starts it by forced command, so that --as names the station whose key
 * logged in; what the caller asked to run (SSH_ORIGINAL_COMMAND) is ignored.
 */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cmd.h"
#include "link.h"
#include "link_pipe.h"
#include "local.h"
#include "peer_replica.h"
#include "replica.h"
#include "seat.h"
#include "session.h"

static int
serve_peer(const struct cmd *cmd, struct session_options *opt, struct err *err)
{
	struct seat *seat = NULL;
	struct peer_replica *store = NULL;
	struct session_result res;
	struct local *local;
	struct link *link = NULL;
	struct replica *r;
	int rc;

	rc = cmd_open_receiver(&r, &local, cmd, err);
	if (rc != 0)
		return rc;
	if (!opt->peer.invited)
		rc = seat_take(&seat, cmd->home, opt->peer.other, true,
		    session_stopped, err);
	opt->seat = seat;
	if (rc == 0)
		rc = link_pipe_open(&link, STDIN_FILENO, STDOUT_FILENO, err);
	if (rc == 0) {
		store = peer_replica_new(r, local, opt->peer.other);
		rc = session_run(&res, opt, link, r, local, store, err);
		peer_replica_free(store);
		link->close(link);
	}
	seat_leave(seat);
	local_close(local);
	return cmd_close(r, rc, err);
}

int
cmd_peer(struct cmd *cmd, int argc, char **argv)
{
	struct sigaction stop = {.sa_handler = session_stop};
	struct session_options opt = {.limit = 0};
	const char *as = NULL, *invited = NULL, *code;
	struct err err = {0};

	if (cmd_option(&argc, argv, "--as", &as) < 0 ||
	    cmd_option(&argc, argv, "--invited", &invited) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 1 ||
	    (as == NULL) == (invited == NULL))
		return cmd_usage(cmd);
	code = as != NULL ? as : invited;
	if (!chain_is_code(code, strlen(code)))
		return cmd_usage(cmd);
	memcpy(opt.peer.other, code, sizeof(opt.peer.other));
	opt.peer.invited = invited != NULL;
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	if (serve_peer(cmd, &opt, &err) != 0)
		return cmd_fail(cmd, &err);
	return CMD_DONE;
}
