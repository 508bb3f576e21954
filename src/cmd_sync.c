/* sync: exchange changesets with the stations that this one calls. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "cmd.h"
#include "home.h"
#include "link.h"
#include "link_ssh.h"
#include "local.h"
#include "logged.h"
#include "peer_replica.h"
#include "replica.h"
#include "roster.h"
#include "seat.h"
#include "session.h"

#define RETRY_FIRST_MS 1000 /* after a watched link broke, then doubled */
#define NOBODY_MS 5000      /* before looking again for somebody to call */
#define RETRY_MOST_MS 60000
#define OTHERS_MS 3600000 /* between calls of those beside the watched one, */
#define OTHERS_LEAST_MS 60000 /* and while that one is away */

struct sync {
	const struct cmd *cmd;
	struct replica *r;
	struct local *local;
	bool watch;
	bool others; /* there are stations to call beside the watched one */
	int64_t limit;
};

static void
print_bytes(int64_t n)
{
	if (n < 10000)
		printf("%lld B", (long long)n);
	else if (n < 10000000)
		printf("%.1f kB", (double)n / 1e3);
	else
		printf("%.1f MB", (double)n / 1e6);
}

/* One line that says what went and came. */
static void
print_summary(const char *code, const struct session_result *res)
{
	printf(_("sync: %s: %lld changesets sent, %lld received, "), code,
	    (long long)res->peer.sent, (long long)res->peer.received);
	if (res->peer.blobs_sent + res->peer.blobs_received > 0)
		printf(_("%lld attachments sent, %lld received, "),
		    (long long)res->peer.blobs_sent,
		    (long long)res->peer.blobs_received);
	print_bytes(res->bytes_out);
	printf(_(" out, "));
	print_bytes(res->bytes_in);
	printf(
	    _(" in, %s\n"), res->complete ? _("complete") : _("not complete"));
	if (res->resumed)
		printf(_("sync: restored from a copy, this station goes on "
			 "under a new incarnation\n"));
	fflush(stdout);
}

/* What another process has changed while this one waited: an address, and,
 * after a rotation, the keys. */
static int
look_again(const struct sync *sync, struct local_peer *peer, struct err *err)
{
	char code[CHAIN_CODE_LEN + 1];
	int rc = replica_look(sync->r, err);

	if (rc == 0)
		replica_look_end(sync->r);
	memcpy(code, peer->code, sizeof(code));
	return rc != 0 ? rc : local_peer_get(sync->local, peer, code, err);
}

/* Why a door stays shut, as far as it can be known on this side of it. */
static void
say_why(const struct sync *sync, const char *code, struct err *err)
{
	const struct home *home = replica_home(sync->r);
	const struct roster *roster = replica_roster(sync->r);
	const struct roster_station *me = roster_find(roster, home->code);
	const struct roster_key *key = me == NULL ? NULL : roster_current(me);
	char *request = home_file(home, "rotation");
	struct err was = *err;

	if (file_exists(request))
		err_set(err, was.code,
		    "%s: the request for new keys is not taken yet; at the "
		    "parent: yizhan rotate --take REQUEST",
		    was.msg);
	else if (me == NULL)
		err_set(err, was.code,
		    "%s: it has not confirmed this station yet; there: yizhan "
		    "confirm %s",
		    was.msg, home->code);
	else if (key == NULL)
		err_set(err, was.code,
		    "%s: the key of this station was revoked; here: yizhan "
		    "rotate --recovery SHEET --new FILE -o REQUEST",
		    was.msg);
	else if (memcmp(key->ssh, home->ssh.pub, sizeof(key->ssh)) != 0)
		err_set(err, was.code,
		    "%s: the keys here are not those in the roster; here: "
		    "yizhan rotate --recovery SHEET --new FILE -o REQUEST",
		    was.msg);
	else if (!roster_may_call(roster, home->code, code))
		err_set(err, was.code,
		    "%s: it is not the parent of this station; there: yizhan "
		    "roster peer add %s %s",
		    was.msg, home->code, code);
	else
		err_set(err, was.code,
		    "%s: it has revoked it, or its sshd asks another station; "
		    "there: yizhan roster, yizhan doctor",
		    was.msg);
	free(request);
}

/* It has another machine, or another address; whoever sits here has to know
 * from a person there. */
static void
say_moved(const char *code, struct err *err)
{
	struct err was = *err;

	if (was.sys == EKEYREJECTED)
		err_set(err, was.code,
		    "%s: if \"yizhan keys\" there shows the same, yizhan link "
		    "%s --host-key FILE",
		    was.msg, code);
	else
		err_set(err, was.code,
		    "%s: if it has another address, yizhan link %s --address "
		    "HOST:PORT",
		    was.msg, code);
}

static int
open_link(struct link **out, const struct sync *sync,
    const struct local_peer *peer, struct err *err)
{
	const struct home *home = replica_home(sync->r);
	struct home_next next;
	struct err ignored;
	int rc;

	rc = link_ssh_open(out, peer->address, peer->host_key, &home->ssh, err);
	/* A rotation that was granted, and whose answer did not come. */
	if (rc == YZ_EDENIED && home_next_load(&next, home, &ignored) == 0) {
		rc = link_ssh_open(
		    out, peer->address, peer->host_key, &next.ssh, err);
		explicit_bzero(&next, sizeof(next));
	}
	if (rc == YZ_EDENIED && err->sys == EACCES)
		say_why(sync, peer->code, err);
	else if ((rc == YZ_EDENIED && err->sys == EKEYREJECTED) ||
		 (rc == YZ_EPEER && err->sys == ECONNREFUSED))
		say_moved(peer->code, err);
	return rc;
}

/* What status shows; a failure to note it changes nothing. */
static void
note_trouble(const struct sync *sync, const char *code, const struct err *why)
{
	struct local_peer noted;
	struct err ignored;

	if (local_peer_get(sync->local, &noted, code, &ignored) != 0)
		return;
	snprintf(noted.trouble, sizeof(noted.trouble), "%s", why->msg);
	(void)local_peer_put(sync->local, &noted, &ignored);
}

/* Said where every act is said; and HOME/audit, which the former keys have
 * signed, is signed by these. */
static int
note_keys(const struct sync *sync, const uint8_t was[32], struct err *err)
{
	const struct home *home = replica_home(sync->r);

	if (memcmp(home->sign.pub, was, sizeof(home->sign.pub)) == 0)
		return 0;
	return logged_end(sync->cmd, "new keys", home->code, 0, err);
}

static int
call_once(const struct sync *sync, struct local_peer *peer, bool watch,
    struct session_result *res, struct err *err)
{
	struct session_options opt = {.limit = sync->limit, .progress = true};
	const struct home *home = replica_home(sync->r);
	struct peer_replica *store;
	struct seat *seat = NULL;
	struct err ignored;
	struct link *link;
	uint8_t was[32];
	int rc;

	memset(res, 0, sizeof(*res));
	opt.peer.caller = true;
	opt.peer.purpose = watch ? PEER_WATCH : PEER_SYNC;
	opt.watch_ms = sync->others ? OTHERS_MS : 0;
	memcpy(opt.peer.other, peer->code, sizeof(opt.peer.other));
	/* A person at the keyboard goes first, the watch waits. */
	rc = seat_take(
	    &seat, home->path, peer->code, !sync->watch, session_stopped, err);
	if (rc != 0)
		return rc;
	opt.seat = seat;
	rc = look_again(sync, peer, err);
	memcpy(was, home->sign.pub, sizeof(was));
	if (rc == 0) {
		rc = open_link(&link, sync, peer, err);
		if (rc != 0)
			note_trouble(sync, peer->code, err);
	}
	if (rc == 0) {
		store = peer_replica_new(sync->r, sync->local, peer->code);
		rc = session_run(
		    res, &opt, link, sync->r, sync->local, store, err);
		peer_replica_free(store);
		link->close(link);
	}
	seat_leave(seat);
	if (rc != 0)
		rc = err_within(err, "%s (%s)", peer->code, peer->address);
	if (note_keys(sync, was, rc == 0 ? err : &ignored) != 0 && rc == 0)
		rc = err->code;
	return rc;
}

/* And again where the session asks for it. */
static int
call_one(const struct sync *sync, struct local_peer *peer, bool watch,
    struct session_result *res, struct err *err)
{
	struct session_result before;
	int rc, runs;

	rc = call_once(sync, peer, watch, res, err);
	for (runs = 1; rc == 0 && res->peer.again && runs < SESSION_RUNS &&
		       !session_stopped();
	     runs++) {
		before = *res;
		rc = call_once(sync, peer, watch, res, err);
		session_add(res, &before);
	}
	return rc;
}

static int
report(
    const struct cmd *cmd, const char *code, const struct session_result *res)
{
	print_summary(code, res);
	if (res->peer.forks > 0)
		fprintf(stderr,
		    _("yizhan: %s: %s: %s: see \"yizhan status\"\n"), cmd->name,
		    code, cmd_words(res->peer.fork));
	if (res->complete)
		return res->peer.forks > 0 ? CMD_LOOK : CMD_DONE;
	if (res->peer.urgent || res->turned)
		fprintf(stderr,
		    _("yizhan: %s: %s: nothing but rosters and commands at "
		      "this hour, or the day's bytes are used up\n"),
		    cmd->name, code);
	else if (res->peer.refused > 0)
		fprintf(stderr, _("yizhan: %s: %s: %lld refused: %s\n"),
		    cmd->name, code, (long long)res->peer.refused,
		    cmd_words(res->peer.refusal));
	else
		fprintf(stderr,
		    _("yizhan: %s: %s: not all that was named has arrived\n"),
		    cmd->name, code);
	return CMD_LOOK;
}

static void
sleep_ms(int64_t ms)
{
	while (ms > 0 && !session_stopped()) {
		struct timespec piece = {0, 100000000};

		nanosleep(&piece, NULL);
		ms -= 100;
	}
}

/* How long to wait after a link broke: longer each time, and not all
 * counties at the same moment, so between the half and the whole. */
static int64_t
pause_after(int64_t *pause, int64_t lasted)
{
	uint16_t jitter;
	int64_t ms;

	if (lasted > RETRY_MOST_MS)
		*pause = RETRY_FIRST_MS;
	digest_random(&jitter, sizeof(jitter));
	ms = *pause / 2 + *pause / 2 * jitter / 65536;
	*pause = *pause * 2 < RETRY_MOST_MS ? *pause * 2 : RETRY_MOST_MS;
	return ms;
}

/* One more session of a watch; what went wrong is said once. */
static int
watch_once(const struct cmd *cmd, const struct sync *sync, const char *code,
    char said[256], struct session_result *res)
{
	struct local_peer peer;
	struct err err = {0};
	int rc;

	/* Its address may have been changed meanwhile. */
	rc = local_peer_get(sync->local, &peer, code, &err);
	if (rc == 0)
		rc = call_one(sync, &peer, true, res, &err);
	if (session_stopped())
		return rc;
	if (rc == 0 && res->peer.refused + res->peer.forks > 0)
		(void)report(cmd, code, res);
	if (rc != 0 && strcmp(said, err.msg) != 0)
		(void)cmd_fail(cmd, &err);
	snprintf(said, sizeof(err.msg), "%s", rc != 0 ? err.msg : "");
	return rc;
}

/* Whom this station calls: who has an address, the parent first. */
static int
find_callees(const struct sync *sync, struct local_peer **peers, size_t *n,
    struct err *err)
{
	const struct roster_station *me =
	    roster_find(replica_roster(sync->r), replica_home(sync->r)->code);
	size_t i, kept = 0;
	int rc = local_peers(sync->local, peers, n, err);

	if (rc != 0)
		return rc;
	for (i = 0; i < *n; i++)
		if ((*peers)[i].address[0] != '\0')
			(*peers)[kept++] = (*peers)[i];
	*n = kept;
	for (i = 1; me != NULL && i < kept; i++)
		if (strcmp((*peers)[i].code, me->parent) == 0) {
			struct local_peer parent = (*peers)[i];

			memmove(*peers + 1, *peers, i * sizeof(parent));
			(*peers)[0] = parent;
			break;
		}
	return 0;
}

static size_t
count_callees(const struct sync *sync)
{
	struct local_peer *peers = NULL;
	struct err ignored;
	size_t n = 0;
	int rc = find_callees(sync, &peers, &n, &ignored);

	free(peers);
	return rc == 0 ? n : 0;
}

/* What goes wrong is in status. */
static void
call_others(const struct cmd *cmd, const struct sync *sync, const char *watched)
{
	struct local_peer *peers = NULL;
	struct session_result res;
	struct err err;
	size_t n = 0, i;
	int rc = find_callees(sync, &peers, &n, &err);

	for (i = 0; rc == 0 && i < n && !session_stopped(); i++) {
		if (strcmp(peers[i].code, watched) == 0)
			continue;
		if (call_one(sync, &peers[i], false, &res, &err) == 0 &&
		    !res.complete)
			(void)report(cmd, peers[i].code, &res);
	}
	free(peers);
}

/*
 * Stay on the line until told to stop: whatever ends a session, there is a
 * next one.  A station that is away, a key not yet let in, a full disk there
 * or here may all be mended while nobody looks.  Others that have an address,
 * a sibling or somebody past the parent, are called every hour, and as soon
 * as the watched one is away: then theirs is the only way.
 */
static int
watch(const struct cmd *cmd, struct sync *sync, const char *code)
{
	int64_t pause = RETRY_FIRST_MS, began;
	int64_t called = clock_mono() - OTHERS_LEAST_MS;
	struct session_result res;
	char said[sizeof(((struct err *)0)->msg)] = "";
	bool away;

	while (!session_stopped()) {
		began = clock_mono();
		memset(&res, 0, sizeof(res));
		sync->others = count_callees(sync) > 1;
		away = watch_once(cmd, sync, code, said, &res) != 0;
		if (sync->others && clock_mono() - called >=
					(away ? OTHERS_LEAST_MS : OTHERS_MS)) {
			call_others(cmd, sync, code);
			called = clock_mono();
		}
		if (res.turned)
			pause = RETRY_FIRST_MS;
		sleep_ms(pause_after(&pause, clock_mono() - began));
	}
	return CMD_DONE;
}

/* -1 if there is nobody to call. */
static int
call_all(const struct cmd *cmd, struct sync *sync, struct err *err)
{
	struct local_peer *peers = NULL;
	struct session_result res;
	size_t n = 0, i;
	int status = -1, one;

	if (find_callees(sync, &peers, &n, err) != 0)
		return cmd_fail(cmd, err);
	if (sync->watch && n > 0) {
		char code[CHAIN_CODE_LEN + 1];

		snprintf(code, sizeof(code), "%s", peers[0].code);
		free(peers);
		return watch(cmd, sync, code);
	}
	for (i = 0; i < n && !session_stopped(); i++) {
		one = call_one(sync, &peers[i], false, &res, err) != 0
			  ? cmd_fail(cmd, err)
			  : report(cmd, peers[i].code, &res);
		/* A failure counts for more than a look. */
		if (status < 0 || one == CMD_FAILED || status == CMD_DONE)
			status = one;
	}
	free(peers);
	return status;
}

int
cmd_sync(struct cmd *cmd, int argc, char **argv)
{
	struct sigaction stop = {.sa_handler = session_stop};
	struct sync sync = {.cmd = cmd};
	const char *limit = NULL;
	struct err err = {0};
	char *end = NULL;
	bool told = false;
	int status;

	sync.watch = cmd_option(&argc, argv, "--watch", NULL) == 1;
	if (cmd_option(&argc, argv, "--limit", &limit) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 1)
		return cmd_usage(cmd);
	if (limit != NULL) {
		sync.limit = strtoll(limit, &end, 10);
		if (*end != '\0' || sync.limit < 1)
			return cmd_usage(cmd);
	}
	if (cmd_open_receiver(&sync.r, &sync.local, cmd, &err) != 0)
		return cmd_fail(cmd, &err);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	for (;;) {
		status = call_all(cmd, &sync, &err);
		if (status >= 0 || session_stopped())
			break;
		err_set(&err, YZ_EINVAL,
		    "there is no station to call: this one has not joined "
		    "another");
		if (!told)
			(void)cmd_fail(cmd, &err);
		told = true;
		if (!sync.watch)
			break;
		/* It says so once, and yizhan link may name one some day. */
		sleep_ms(NOBODY_MS);
	}
	if (status < 0)
		status = sync.watch ? CMD_DONE : CMD_FAILED;
	local_close(sync.local);
	if (cmd_close(sync.r, 0, &err) != 0)
		status = cmd_fail(cmd, &err);
	return status;
}
