#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/progress.h"
#include "home.h"
#include "link.h"
#include "local.h"
#include "local_link.h"
#include "peer.h"
#include "peer_replica.h"
#include "replica.h"
#include "seat.h"
#include "session.h"

#define READ_MAX (64u << 10)    /* bytes taken from the link at once */
#define READS_MAX 16            /* before something else has its turn */
#define OUT_MAX (1u << 20)      /* no reading while so much waits to go out */
#define COMMIT_BYTES (4u << 20) /* staged bytes that wait for no more */
#define COMMIT_MS 250           /* nor longer than this */
#define COMMIT_LULL_MS 30       /* nor this, when nothing more is there */
#define LOOK_MS 100             /* between looks at the database */
#define IDLE_MS 28000           /* silence that ends the session */
#define CONTACT_MS 30000        /* between notes that it goes on */
#define BYE_MS 2000             /* for the last words to get out */
#define NOTE_MS 1000            /* quiet before news is noted as seen */
#define GRANT_MS 5000           /* between looks at hours and budget */
#define REFUSED_MS 600000 /* before a watch tries again what was refused */

struct session {
	const struct session_options *opt;
	struct link *link;
	struct local *local;
	struct replica *r;
	struct peer_replica *store;
	struct peer *p;
	struct session_result *out;
	struct progress bar;
	int64_t now;
	int64_t began;
	int64_t heard;        /* when something last came */
	int64_t staged_since; /* 0: nothing is staged */
	int64_t looked;       /* at the database */
	int64_t version;      /* of the database, then */
	int64_t noted;        /* command news noted as seen */
	int64_t contact;      /* when it was noted that we are in touch */
	struct local_link grant;
	int64_t limit;   /* bytes/s that may be written, 0: any */
	bool all;        /* streams flow, not only urgent ones */
	int64_t left;    /* bytes of the day's budget */
	int64_t granted; /* when that was looked at */
	int64_t counted; /* bytes that local.db knows of */
	int64_t tokens;  /* bytes that may be written, times 1000 */
	int64_t filled;  /* when tokens were last added */
	bool end;        /* the link has no more to read */
	bool bye;        /* we asked for the end */
};

static volatile sig_atomic_t stopped;

void
session_stop(int sig)
{
	(void)sig;
	stopped = 1;
}

bool
session_stopped(void)
{
	return stopped != 0;
}

static int
read_some(struct session *s, size_t *total, struct err *err)
{
	static uint8_t data[READ_MAX];
	size_t n = 0;
	int i, rc;

	*total = 0;
	for (i = 0; i < READS_MAX && !s->end && !peer_over(s->p); i++) {
		if (peer_output(s->p)->len > OUT_MAX)
			break;
		rc = s->link->read(
		    s->link, data, sizeof(data), &n, &s->end, err);
		if (rc != 0)
			return rc;
		if (n == 0)
			break;
		*total += n;
		s->out->bytes_in += (int64_t)n;
		s->heard = s->now = clock_mono();
		rc = peer_receive(s->p, data, n, s->now, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* The token bucket: a quarter of a second of the rate, so that what is not
 * sent during a commit is made up for, and no less than a small frame. */
static size_t
may_write(struct session *s)
{
	int64_t mine = s->limit, wish = peer_rate_wish(s->p), rate, most;

	rate = mine == 0 || (wish != 0 && wish < mine) ? wish : mine;
	if (rate == 0)
		return SIZE_MAX;
	if (rate > 1000000000)
		rate = 1000000000;
	most = (rate / 4 > 512 ? rate / 4 : 512) * 1000;
	s->tokens += (s->now - s->filled) * rate;
	if (s->tokens > most)
		s->tokens = most;
	s->filled = s->now;
	return s->tokens < 0 ? 0 : (size_t)(s->tokens / 1000);
}

static int
write_some(struct session *s, struct err *err)
{
	struct buf *out = peer_output(s->p);
	size_t n, max;
	int rc;

	while (out->len > 0) {
		max = may_write(s);
		if (max > out->len)
			max = out->len;
		if (max == 0)
			break;
		rc = s->link->write(s->link, out->b, max, &n, err);
		if (rc != 0)
			return rc;
		if (n == 0)
			break;
		buf_drop(out, n);
		s->tokens -= (int64_t)n * 1000;
		s->out->bytes_out += (int64_t)n;
	}
	return 0;
}

static int
commit_some(struct session *s, size_t got, struct err *err)
{
	size_t staged = peer_staged(s->p);
	int64_t age;

	if (staged == 0) {
		s->staged_since = 0;
		return 0;
	}
	if (s->staged_since == 0)
		s->staged_since = s->now;
	age = s->now - s->staged_since;
	if (staged < COMMIT_BYTES && age < COMMIT_MS &&
	    !(got == 0 && (peer_quiet(s->p) || age >= COMMIT_LULL_MS)))
		return 0;
	s->staged_since = 0;
	return peer_commit(s->p, err);
}

/* --- hours and budget ------------------------------------------------------
 */

static int
count_bytes(struct session *s, struct err *err)
{
	int64_t all = s->out->bytes_in + s->out->bytes_out;
	int64_t n = all - s->counted;

	s->counted = all;
	return n == 0 ? 0
		      : local_link_count(
			    s->local, s->grant.code, replica_now(s->r), n, err);
}

/* What is the link granted from now on? */
static int
look_grant(struct session *s, struct err *err)
{
	int64_t until;
	int rc;

	s->granted = s->now;
	rc = count_bytes(s, err);
	if (rc != 0)
		return rc;
	return local_link_now(s->local, &s->grant, replica_now(s->r), &s->all,
	    &s->left, &until, err);
}

/* Of the day, less what was moved since it was looked at and what waits to
 * be written. */
static int64_t
left_to_say(struct session *s)
{
	int64_t fresh = s->out->bytes_in + s->out->bytes_out - s->counted;

	if (!s->all || s->left == INT64_MAX)
		return INT64_MAX;
	return s->left - fresh - (int64_t)peer_output(s->p)->len;
}

/* It changed: end here, the next session goes by the new one. */
static int
keep_to_grant(struct session *s, struct err *err)
{
	int64_t fresh = s->out->bytes_in + s->out->bytes_out - s->counted;
	bool before = s->all;
	int rc;

	/* A chain that was refused is tried again some day. */
	if (s->opt->peer.caller && peer_watching(s->p) &&
	    peer_result(s->p)->refused > 0 && s->now - s->began > REFUSED_MS &&
	    !s->bye) {
		peer_say_bye(s->p, PEER_BYE_DONE, "");
		s->bye = true;
	}
	if (s->now - s->granted < GRANT_MS && (!before || fresh < s->left))
		return 0;
	rc = look_grant(s, err);
	if (rc != 0 || s->all == before || s->bye)
		return rc;
	peer_say_bye(s->p, PEER_BYE_DONE, "");
	s->bye = s->out->turned = true;
	return 0;
}

static int
note_contact(struct session *s, bool complete, int failed,
    const struct err *why, struct err *err)
{
	const char *code = s->opt->peer.other;
	struct local_peer peer;
	int rc;

	rc = local_peer_get(s->local, &peer, code, err);
	if (rc == YZ_ENOTFOUND) {
		memset(&peer, 0, sizeof(peer));
		memcpy(peer.code, code, sizeof(peer.code));
	} else if (rc != 0)
		return rc;
	peer.last_contact = replica_now(s->r);
	if (complete)
		peer.last_complete = peer.last_contact;
	snprintf(peer.trouble, sizeof(peer.trouble), "%s",
	    failed != 0 ? why->msg : "");
	return local_peer_put(s->local, &peer, err);
}

/* A watch may last for days: what has arrived, and that we are in touch, is
 * noted while it does. */
static int
note_watch(struct session *s, struct err *err)
{
	const struct peer_result *res = peer_result(s->p);
	int rc;

	if (!peer_watching(s->p))
		return 0;
	rc = peer_acked(s->p, err);
	if (rc != 0 || s->heard <= s->contact ||
	    (s->contact != 0 && s->now - s->contact < CONTACT_MS))
		return rc;
	s->contact = s->now;
	rc = peer_replica_contact(s->store, err);
	if (rc != 0)
		return rc;
	return note_contact(
	    s, res->got_all && res->gave_all && peer_quiet(s->p), 0, NULL, err);
}

/* Has another process committed?  Is there news to be noted as seen? */
static int
look(struct session *s, struct err *err)
{
	const struct peer_result *res = peer_result(s->p);
	int64_t version;
	int rc;

	if (s->now - s->looked < LOOK_MS)
		return 0;
	s->looked = s->now;
	if (seat_wanted(s->opt->seat)) {
		peer_say_bye(
		    s->p, PEER_BYE_TROUBLE, N_("a newer session came"));
		return err_set(err, YZ_EPEER, "a newer session came");
	}
	rc = note_watch(s, err);
	if (rc != 0)
		return rc;
	version = db_version(replica_db(s->r));
	if (version != s->version) {
		s->version = version;
		rc = peer_refresh(s->p, err);
		if (rc != 0)
			return rc;
	}
	if (!peer_watching(s->p) || peer_staged(s->p) > 0 ||
	    res->command_news == s->noted || s->now - s->heard < NOTE_MS)
		return 0;
	s->noted = res->command_news;
	rc = replica_note_seen(s->r, err);
	return rc == 0 ? peer_refresh(s->p, err) : rc;
}

static void
show(struct session *s)
{
	const struct peer_result *res = peer_result(s->p);

	if (!s->opt->progress || res->todo == 0)
		return;
	if (s->bar.label == NULL)
		progress_begin(&s->bar, "sync", res->todo);
	progress_set(&s->bar, res->sent + res->received);
}

static bool
watched_enough(const struct session *s)
{
	return s->opt->watch_ms > 0 && peer_watching(s->p) &&
	       s->now - s->began > s->opt->watch_ms;
}

static int
turn(struct session *s, struct err *err)
{
	struct buf *out = peer_output(s->p);
	size_t got;
	int rc, ms = LOOK_MS;

	s->now = clock_mono();
	rc = read_some(s, &got, err);
	if (rc == 0)
		rc = commit_some(s, got, err);
	if (rc == 0)
		rc = look(s, err);
	if (rc == 0)
		rc = keep_to_grant(s, err);
	if (rc == 0 && (stopped || watched_enough(s)) && !s->bye) {
		peer_say_bye(s->p, PEER_BYE_DONE, "");
		s->bye = true;
	}
	if (rc == 0 && peer_replica_again(s->store) && !s->bye) {
		peer_say_bye(s->p, PEER_BYE_AGAIN,
		    N_("more is known of my chains than I know myself"));
		s->bye = true;
	}
	if (rc == 0) {
		peer_allow(s->p, left_to_say(s));
		rc = peer_send(s->p, s->now, err);
	}
	if (rc == 0)
		rc = write_some(s, err);
	if (rc != 0 || peer_over(s->p))
		return rc;
	if (s->end)
		return err_set(err, YZ_EPEER, "the link was cut");
	/* One byte now and then is no greeting. */
	if (s->now - s->heard > IDLE_MS ||
	    (!peer_greeted(s->p) && s->now - s->began > IDLE_MS)) {
		peer_say_bye(s->p, PEER_BYE_IDLE, N_("nothing heard for long"));
		return err_set(
		    err, YZ_EPEER, "nothing heard for %d s", IDLE_MS / 1000);
	}
	show(s);
	if (got > 0)
		return 0;
	if (s->staged_since != 0)
		ms = COMMIT_LULL_MS / 3;
	if (out->len > 0 && may_write(s) == 0)
		ms = 5;
	s->link->wait(s->link, out->len > 0 && may_write(s) > 0, ms);
	return 0;
}

/* What is said last should arrive, but nobody waits for it long. */
static void
last_words(struct session *s)
{
	int64_t until = clock_mono() + BYE_MS;
	struct buf *out = peer_output(s->p);
	struct err ignored;

	while (out->len > 0 && clock_mono() < until) {
		s->now = clock_mono();
		if (write_some(s, &ignored) != 0)
			break;
		if (out->len > 0)
			s->link->wait(s->link, true, 20);
	}
}

int
session_run(struct session_result *out, const struct session_options *options,
    struct link *link, struct replica *r, struct local *local,
    struct peer_replica *store, struct err *err)
{
	struct peer_options peer = options->peer;
	struct session s = {.opt = options,
	    .link = link,
	    .local = local,
	    .r = r,
	    .store = store,
	    .out = out};
	struct err ignored;
	int rc;

	memset(out, 0, sizeof(*out));
	memcpy(peer.self, replica_home(r)->code, sizeof(peer.self));
	s.now = s.began = s.heard = s.filled = clock_mono();
	/* The row first: the clock's offset goes into it. */
	rc = note_contact(&s, false, 0, NULL, err);
	if (rc == 0)
		rc = local_link_get(local, &s.grant, peer.other, err);
	if (rc == 0)
		rc = look_grant(&s, err);
	peer_replica_grant(store, &s.grant);
	s.limit = options->limit > 0 ? options->limit : s.grant.rate;
	peer.rate = s.limit;
	peer.urgent = !s.all;
	if (rc == 0)
		rc = peer_replica_begin(store, err);
	if (rc == 0)
		rc = peer_new(
		    &s.p, &peer, peer_replica_store(store), s.now, err);
	if (rc != 0)
		return rc;
	s.version = db_version(replica_db(r));
	while (rc == 0 && !peer_over(s.p))
		rc = turn(&s, err);
	/* Who has said that there will be another may find the link closed. */
	if (rc == YZ_EPEER && peer_replica_again(store))
		rc = 0;
	/* So may who asked to join, once that is noted here: what it lacks is
	 * that a person confirms it, not a line. */
	if (rc == YZ_EPEER && peer.invited && peer_result(s.p)->joined)
		rc = 0;
	if (s.bar.label != NULL)
		progress_end(&s.bar);
	last_words(&s);
	peer_close(s.p);
	out->peer = *peer_result(s.p);
	out->complete = rc == 0 && out->peer.finished && out->peer.got_all &&
			out->peer.gave_all;
	peer_free(s.p);
	(void)count_bytes(&s, &ignored);
	if (rc == 0)
		rc = peer_replica_end(store, &out->peer, err);
	if (peer_replica_fetches(store) || peer_replica_again(store))
		out->peer.again = peer_replica_again(store);
	out->resumed = peer_replica_resumed(store);
	(void)note_contact(&s, out->complete, rc, err, &ignored);
	if (rc == 0 && out->peer.command_news != s.noted)
		rc = replica_note_seen(r, err);
	return rc;
}

void
session_add(struct session_result *sum, const struct session_result *before)
{
	struct peer_result *p = &sum->peer;
	const struct peer_result *b = &before->peer;

	sum->bytes_in += before->bytes_in;
	sum->bytes_out += before->bytes_out;
	sum->resumed |= before->resumed;
	p->command_news += b->command_news;
	p->sent += b->sent;
	p->received += b->received;
	p->blobs_sent += b->blobs_sent;
	p->blobs_received += b->blobs_received;
	p->forks += b->forks;
	if (b->fork[0] != '\0')
		memcpy(p->fork, b->fork, sizeof(p->fork));
}
