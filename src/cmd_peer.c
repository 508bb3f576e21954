/*
 * peer: the called side of a session, on standard input and output.  sshd
 * starts it by forced command, so that --as names the station whose key
 * logged in; what the caller asked to run (SSH_ORIGINAL_COMMAND) is ignored.
 * Where the receiver has a sandbox of its own (relay.h), that is only handed
 * over here, and --received takes it over there.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cmd.h"
#include "home.h"
#include "link.h"
#include "link_pipe.h"
#include "local.h"
#include "peer_replica.h"
#include "relay.h"
#include "replica.h"
#include "seat.h"
#include "session.h"

/* The other side hears it, and has it in its reader's language. */
static int
complain(const struct err *err)
{
	fprintf(stderr, "yizhan: peer: %s\n", err->msg);
	return CMD_FAILED;
}

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

/* Who calls, by the forced command. */
static bool
caller(struct session_options *opt, const char *as, const char *invited)
{
	const char *code = as != NULL ? as : invited;

	if ((as == NULL) == (invited == NULL) ||
	    !chain_is_code(code, strlen(code)))
		return false;
	memcpy(opt->peer.other, code, sizeof(opt->peer.other));
	opt->peer.invited = invited != NULL;
	return true;
}

static int
serve(const struct cmd *cmd, struct session_options *opt)
{
	struct sigaction stop = {.sa_handler = session_stop};
	struct err err;

	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	return serve_peer(cmd, opt, &err) == 0 ? CMD_DONE : complain(&err);
}

static int
serve_received(const struct cmd *cmd)
{
	struct session_options opt = {.limit = 0};
	int connection, status;
	struct err err;

	if (relay_take(&connection, opt.peer.other, &opt.peer.invited, &err) !=
	    0)
		return complain(&err);
	status = serve(cmd, &opt);
	relay_end(connection, status);
	return status;
}

int
cmd_peer(struct cmd *cmd, int argc, char **argv)
{
	struct session_options opt = {.limit = 0};
	const char *as = NULL, *invited = NULL, *through = NULL;
	int received, status;
	struct err err;

	received = cmd_option(&argc, argv, "--received", NULL);
	if (cmd_option(&argc, argv, "--as", &as) < 0 ||
	    cmd_option(&argc, argv, "--invited", &invited) < 0 ||
	    cmd_option(&argc, argv, "--through", &through) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 1)
		return cmd_usage(cmd);
	if (received == 1)
		return as == NULL && invited == NULL && through == NULL
			   ? serve_received(cmd)
			   : cmd_usage(cmd);
	if (!caller(&opt, as, invited))
		return cmd_usage(cmd);
	if (through == NULL && !relay_wanted(cmd->home))
		return serve(cmd, &opt);
	if (relay_to(&status, through == NULL ? HOME_RECEIVER : through,
		opt.peer.other, opt.peer.invited, &err) != 0)
		return complain(&err);
	return status;
}
