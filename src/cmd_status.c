/* status: who is above and below, what waits, what is stuck and why. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd.h"
#include "enrol.h"
#include "home.h"
#include "local.h"
#include "model/stop.h"
#include "model/waiting.h"
#include "replica.h"
#include "roster.h"
#include "status_news.h"

struct status {
	struct replica *r;
	struct local *local;
	bool json;
	struct local_peer *peers;
	size_t n_peers;
	struct replica_head *heads;
	size_t n_heads;
	int stuck; /* chains */
};

static void
json_time(struct json *o, const char *key, int64_t ms)
{
	char text[CLOCK_LEN];

	clock_format(text, ms);
	json_set(o, key, ms == 0 ? json_new_null() : json_text(text));
}

static void
print_time(const char *what, int64_t ms)
{
	char text[CLOCK_LEN];

	clock_format(text, ms);
	printf("  %s %s\n", what, ms == 0 ? _("never") : text);
}

static const char *
relation(const struct status *st, const char *code)
{
	const struct roster *roster = replica_roster(st->r);
	const char *self = replica_home(st->r)->code;
	const struct roster_station *me = roster_find(roster, self);
	const struct roster_station *other = roster_find(roster, code);

	if (me != NULL && strcmp(me->parent, code) == 0)
		return N_("parent");
	if (other != NULL && strcmp(other->parent, self) == 0)
		return N_("child");
	return N_("peer");
}

/* --- what waits -------------------------------------------------------------
 */

struct waits { /* of a peer, to be printed */
	const struct status *st;
	const char *code;
};

static void
print_waiting(void *arg, const struct replica_head *head, int64_t acked)
{
	const struct waits *w = arg;
	const struct status *st = w->st;
	char name[CHAIN_NAME_MAX];
	struct json *o;

	chain_format(name, &head->chain);
	if (!st->json) {
		printf(_("  waits     %s: %lld\n"), name,
		    (long long)(head->seq - acked));
		return;
	}
	o = json_new_object();
	json_set(o, "what", json_text("waiting"));
	json_set(o, "peer", json_text(w->code));
	json_set(o, "chain", json_text(name));
	json_set(o, "head", json_int(head->seq));
	json_set(o, "acked", json_int(acked));
	json_print(stdout, o);
	json_free(o);
}

/* Chain by chain if show. */
static int
count_waiting(const struct status *st, const char *code, bool show,
    int64_t *total, struct err *err)
{
	struct waits w = {st, code};

	return waiting_count(total, st->r, st->local, st->heads, st->n_heads,
	    code, show ? print_waiting : NULL, &w, err);
}

static int
print_refusals(struct status *st, const char *code, struct err *err)
{
	struct db_stmt *q;
	struct json *o;
	int rc;

	rc = db_query(&q, local_db(st->local), err,
	    "SELECT chain, seq, reason FROM refusal WHERE code = ?"
	    " ORDER BY chain",
	    "s", code);
	if (rc != 0)
		return rc;
	while ((rc = db_step(q, err)) == 1) {
		st->stuck++;
		if (!st->json) {
			printf(_("  stuck     %s at %lld: %s\n"), db_text(q, 0),
			    (long long)db_int(q, 1), cmd_words(db_text(q, 2)));
			continue;
		}
		o = json_new_object();
		json_set(o, "what", json_text("stuck"));
		json_set(o, "peer", json_text(code));
		json_set(o, "chain", json_text(db_text(q, 0)));
		json_set(o, "seq", json_int(db_int(q, 1)));
		json_set(o, "reason", json_text(db_text(q, 2)));
		json_print(stdout, o);
		json_free(o);
	}
	db_done(q);
	return rc;
}

/* --- who is not confirmed yet ------------------------------------------------
 */

/* *out: it has asked this station to be let in, and waits. */
static int
find_request(
    bool *out, const struct status *st, const char *code, struct err *err)
{
	int64_t n = 0;
	int rc = 0;

	if (roster_find(replica_roster(st->r), code) == NULL)
		rc = db_get_int(&n, local_db(st->local), err,
		    "SELECT count(*) FROM joining WHERE code = ?", "s", code);
	*out = n > 0;
	return rc;
}

/* This station itself waits to be let in by the one that it has asked. */
static void
print_own_request(const struct status *st, const char *parent)
{
	const struct home *home = replica_home(st->r);
	char fingerprint[SIGN_FINGERPRINT_LEN];
	struct buf request = BUF_INIT;

	enrol_request(&request, home);
	enrol_fingerprint(fingerprint, request.b, request.len);
	printf(_("  joining   waits for %s to confirm it: read %s to %s over "
		 "the telephone; there: yizhan confirm %s\n"),
	    parent, fingerprint, parent, home->code);
	buf_free(&request);
}

static int
print_trouble(
    const struct status *st, const struct local_peer *p, struct err *err)
{
	const struct home *home = replica_home(st->r);
	bool waits;
	int rc = find_request(&waits, st, p->code, err);

	if (rc != 0)
		return rc;
	/* Its line may have failed since: that is not what it lacks. */
	if (waits)
		printf(_("  joining   has asked and waits: compare its "
			 "fingerprint over the telephone, then yizhan confirm "
			 "%s\n"),
		    p->code);
	else if (p->trouble[0] != '\0')
		printf(_("  trouble   %s\n"), cmd_words(p->trouble));
	if (roster_find(replica_roster(st->r), home->code) == NULL)
		print_own_request(st, p->code);
	return 0;
}

/* --- peers -------------------------------------------------------------------
 */

static void
print_peer_json(
    const struct status *st, const struct local_peer *p, int64_t waiting)
{
	struct json *o = json_new_object();

	json_set(o, "what", json_text("peer"));
	json_set(o, "code", json_text(p->code));
	json_set(o, "relation", json_text(relation(st, p->code)));
	json_set(o, "address", json_text(p->address));
	json_time(o, "last_contact", p->last_contact);
	json_time(o, "last_complete", p->last_complete);
	json_set(o, "offset_ms", json_int(p->offset));
	json_set(o, "clock_doubtful",
	    json_bool(replica_clock_is_doubtful(p->offset)));
	json_set(o, "waiting", json_int(waiting));
	json_set(o, "trouble",
	    p->trouble[0] == '\0' ? json_new_null() : json_text(p->trouble));
	json_print(stdout, o);
	json_free(o);
}

static int
print_peer(struct status *st, const struct local_peer *p, struct err *err)
{
	const struct roster_station *station =
	    roster_find(replica_roster(st->r), p->code);
	int64_t waiting;
	int rc;

	rc = count_waiting(st, p->code, false, &waiting, err);
	if (rc != 0)
		return rc;
	if (st->json)
		print_peer_json(st, p, waiting);
	else {
		printf("%s %s (%s)", p->code,
		    station == NULL ? "" : station->name,
		    _(relation(st, p->code)));
		printf(p->address[0] == '\0' ? "%s\n" : " %s\n", p->address);
		print_time(_("contact  "), p->last_contact);
		print_time(_("complete "), p->last_complete);
		printf(replica_clock_is_doubtful(p->offset)
			   ? _("  clock     %+.3f s from ours: doubtful\n")
			   : _("  clock     %+.3f s from ours\n"),
		    (double)p->offset / 1000);
		rc = print_trouble(st, p, err);
	}
	if (rc == 0)
		rc =
		    status_news_print(st->r, st->local, p->code, st->json, err);
	if (rc == 0)
		rc = count_waiting(st, p->code, true, &waiting, err);
	if (rc == 0)
		rc = print_refusals(st, p->code, err);
	return rc;
}

/* --- joining
 * ------------------------------------------------------------------ */

static void
print_joining(struct status *st, const char *what, const char *code,
    const char *name, const char *fingerprint, int64_t when)
{
	struct json *o;

	if (!st->json) {
		printf("%s %s %s%s%s\n",
		    strcmp(what, "invitation") == 0 ? _("invited")
						    : _("asks to join"),
		    code, name, fingerprint[0] == '\0' ? "" : ": ",
		    fingerprint);
		return;
	}
	o = json_new_object();
	json_set(o, "what", json_text(what));
	json_set(o, "code", json_text(code));
	if (name[0] != '\0')
		json_set(o, "name", json_text(name));
	if (fingerprint[0] != '\0')
		json_set(o, "fingerprint", json_text(fingerprint));
	json_time(o, "time", when);
	json_print(stdout, o);
	json_free(o);
}

static int
print_joinings(struct status *st, struct err *err)
{
	char fingerprint[SIGN_FINGERPRINT_LEN];
	struct db *db = local_db(st->local);
	struct db_stmt *q;
	int rc;

	rc = db_query(&q, db, err,
	    "SELECT code, name, created FROM invitation ORDER BY code", "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(q, err)) == 1)
		print_joining(st, "invitation", db_text(q, 0), db_text(q, 1),
		    "", db_int(q, 2));
	db_done(q);
	if (rc == 0)
		rc = db_query(&q, db, err,
		    "SELECT code, request, received FROM joining"
		    " ORDER BY code",
		    "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(q, err)) == 1) {
		size_t n;
		const void *request = db_blob(q, 1, &n);

		enrol_fingerprint(fingerprint, request, n);
		print_joining(st, "request", db_text(q, 0), "", fingerprint,
		    db_int(q, 2));
	}
	db_done(q);
	return rc;
}

/* --- what stops
 * --------------------------------------------------------------------
 */

static void
say_stop(const struct status *st, const struct stop *stop)
{
	struct buf line = BUF_INIT;
	char when[CLOCK_LEN];

	switch (stop->kind) {
	case STOP_FORK:
		printf(_("forked %s: two histories are signed from %lld on, %s "
			 "and %s; neither counts. Ask %s who else has its key; "
			 "%s decides: yizhan resolve %s ID\n"),
		    stop->about, (long long)stop->at, stop->a, stop->b,
		    stop->writer, stop->decides, stop->about);
		break;
	case STOP_ROSTER:
		cmd_roster_contested(&line, replica_roster(st->r), stop->about);
		printf("%s\n", buf_str(&line));
		break;
	case STOP_RESTORED:
		printf(_("restored from a copy (%s): it writes nothing before "
			 "yizhan sync, or yizhan resume --alone\n"),
		    cmd_words(stop->why));
		break;
	case STOP_COPY:
		printf(_("a copy of this station is at work as incarnation "
			 "%s: switch one of them off\n"),
		    stop->about);
		break;
	case STOP_SILENT:
		clock_format(when, stop->last);
		printf(_("silent %s: nothing new of it has come through %s "
			 "since %s, in %lld contacts; before there was in %lld "
			 "at most. Telephone %s: if it has written since, %s "
			 "withholds it or cannot reach it\n"),
		    stop->about, stop->through, when, (long long)stop->at,
		    (long long)stop->usual, stop->about, stop->through);
		break;
	case STOP_UNPINNED:
		printf(_("root part version %lld came from %s; the root keys "
			 "here have not signed it. Its fingerprint is %s: if "
			 "the province has announced that on paper, yizhan "
			 "roster pin; if not, somebody plays tricks\n"),
		    (long long)stop->at, stop->through, stop->why);
		break;
	}
	buf_free(&line);
}

static struct json *
describe_stop(const struct stop *stop)
{
	struct json *o = json_new_object();

	switch (stop->kind) {
	case STOP_FORK:
	case STOP_ROSTER:
		json_set(o, "what",
		    json_text(stop->kind == STOP_FORK ? "fork" : "roster"));
		json_set(o, stop->kind == STOP_FORK ? "chain" : "scope",
		    json_text(stop->about));
		json_set(o, stop->kind == STOP_FORK ? "seq" : "version",
		    json_int(stop->at));
		json_set(o, "a", json_text(stop->a));
		json_set(o, "b", json_text(stop->b));
		json_set(o, "decides", json_text(stop->decides));
		break;
	case STOP_SILENT:
		json_set(o, "what", json_text("silent"));
		json_set(o, "from", json_text(stop->about));
		json_set(o, "peer", json_text(stop->through));
		json_time(o, "last", stop->last);
		json_set(o, "contacts_since", json_int(stop->at));
		json_set(o, "contacts_usual", json_int(stop->usual));
		break;
	case STOP_UNPINNED:
		json_set(o, "what", json_text("unpinned"));
		json_set(o, "from", json_text(stop->through));
		json_set(o, "version", json_int(stop->at));
		json_set(o, "fingerprint", json_text(stop->why));
		break;
	case STOP_RESTORED:
	case STOP_COPY:
		json_set(o, "what", json_text("self"));
		json_set(o, "restored",
		    stop->kind == STOP_RESTORED ? json_text(stop->why)
						: json_new_null());
		json_set(o, "copy",
		    stop->kind == STOP_COPY ? json_text(stop->about)
					    : json_new_null());
	}
	return o;
}

static void
print_stop(void *arg, const struct stop *stop)
{
	struct status *st = arg;
	struct json *o;

	st->stuck++;
	if (!st->json) {
		say_stop(st, stop);
		return;
	}
	o = describe_stop(stop);
	json_print(stdout, o);
	json_free(o);
}

static int
print_status(struct status *st, struct err *err)
{
	size_t i;
	int rc;

	rc = stop_each(st->r, st->local, print_stop, st, err);
	if (rc == 0)
		rc = local_peers(st->local, &st->peers, &st->n_peers, err);
	if (rc == 0)
		rc = replica_heads(st->r, &st->heads, &st->n_heads, err);
	for (i = 0; rc == 0 && i < st->n_peers; i++)
		rc = print_peer(st, &st->peers[i], err);
	if (rc == 0)
		rc = print_joinings(st, err);
	free(st->peers);
	free(st->heads);
	return rc;
}

int
cmd_status(struct cmd *cmd, int argc, char **argv)
{
	struct status st = {.json = false};
	struct err err = {0};
	int rc;

	st.json = cmd_option(&argc, argv, "--json", NULL) == 1;
	if (cmd_unknown_option(cmd, argc, argv) || argc != 1)
		return cmd_usage(cmd);
	if (cmd_open(&st.r, cmd, &err) != 0)
		return cmd_fail(cmd, &err);
	rc = local_open(&st.local, cmd->home, &err);
	if (rc == 0)
		rc = print_status(&st, &err);
	local_close(st.local);
	rc = cmd_close(st.r, rc, &err);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	return st.stuck > 0 ? CMD_LOOK : CMD_DONE;
}
