#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "home.h"
#include "limit.h"
#include "link.h"
#include "peer.h"
#include "replica_impl.h"
#include "roster_fetch.h"

#define READ_MAX (16u << 10) /* bytes taken from the link at once */
#define READS_MAX 64         /* before the clock is looked at */
#define WAIT_MS 100          /* between looks at the clock */
#define IDLE_MS 28000        /* silence that ends the session */
#define WHOLE_MS 600000      /* and the end of one that drips */
#define BYE_MS 2000          /* for the last words to get out */

struct fetch {
	struct replica *to;
	struct roster_fetched *came;
};

/* --- what the machine asks for ----------------------------------------------
 */

static int64_t
do_wall(void *arg)
{
	const struct fetch *f = arg;

	return replica_now(f->to);
}

/* None is held, so that all are sent. */
static int
do_scopes(void *arg, struct peer_scope **out, size_t *n, struct err *err)
{
	(void)arg, (void)err;
	*out = NULL;
	*n = 0;
	return 0;
}

/* What has no place is passed over, as in any session. */
static int
do_put(void *arg, const struct roster_doc *doc, struct err *err)
{
	struct fetch *f = arg;
	int rc;

	f->came->documents++;
	f->came->bytes += (int64_t)doc->text.len;
	if (f->came->documents > LIMIT_FETCHED ||
	    f->came->bytes > LIMIT_FETCHED_BYTES)
		return err_set(err, YZ_EDENIED,
		    "over %d rosters, or %lld bytes of them", LIMIT_FETCHED,
		    LIMIT_FETCHED_BYTES);
	rc = replica_roster_gather(f->to, doc, err);
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

/* --- the line ---------------------------------------------------------------
 */

static int
read_some(struct link *link, struct peer *p, int64_t *heard, bool *end,
    struct err *err)
{
	uint8_t data[READ_MAX];
	size_t n = 1;
	int i, rc = 0;

	for (i = 0; i < READS_MAX && rc == 0 && n > 0 && !*end && !peer_over(p);
	     i++) {
		rc = link->read(link, data, sizeof(data), &n, end, err);
		if (rc == 0 && n > 0) {
			*heard = clock_mono();
			rc = peer_receive(p, data, n, *heard, err);
		}
	}
	return rc;
}

static int
write_some(struct link *link, struct peer *p, struct err *err)
{
	struct buf *out = peer_output(p);
	size_t n = 1;
	int rc = 0;

	while (rc == 0 && n > 0 && out->len > 0) {
		rc = link->write(link, out->b, out->len, &n, err);
		if (rc == 0)
			buf_drop(out, n);
	}
	return rc;
}

static int
converse(struct link *link, struct peer *p, struct err *err)
{
	int64_t began = clock_mono(), heard = began, now;
	bool end = false;
	int rc = 0;

	while (rc == 0 && !peer_over(p)) {
		rc = write_some(link, p, err);
		if (rc == 0)
			rc = read_some(link, p, &heard, &end, err);
		if (rc != 0 || peer_over(p))
			break;
		now = clock_mono();
		if (end)
			rc = err_set(err, YZ_EPEER, "the link was cut");
		else if (now - heard > IDLE_MS || now - began > WHOLE_MS)
			rc = err_set(err, YZ_EPEER,
			    "its rosters did not come to an end in time");
		else
			link->wait(link, peer_output(p)->len > 0, WAIT_MS);
	}
	return rc;
}

/* The Bye should arrive, but nobody waits for it long. */
static void
last_words(struct link *link, struct peer *p)
{
	int64_t until = clock_mono() + BYE_MS;
	struct err ignored;

	while (peer_output(p)->len > 0 && clock_mono() < until &&
	       write_some(link, p, &ignored) == 0)
		if (peer_output(p)->len > 0)
			link->wait(link, true, WAIT_MS);
}

int
roster_fetch(struct replica *to, struct roster_fetched *came, struct link *link,
    const struct home *home, const char *code, struct err *err)
{
	struct peer_options opt = {
	    .caller = true, .rosters = true, .purpose = PEER_SYNC};
	struct fetch f = {to, came};
	struct peer_store store;
	struct peer *p;
	int rc;

	memset(&store, 0, sizeof(store));
	store.arg = &f;
	store.wall = do_wall;
	store.scopes = do_scopes;
	store.roster_put = do_put;
	memcpy(opt.self, home->code, sizeof(opt.self));
	memcpy(opt.other, code, sizeof(opt.other));
	rc = peer_new(&p, &opt, &store, clock_mono(), err);
	if (rc != 0)
		return rc;
	rc = converse(link, p, err);
	last_words(link, p);
	peer_close(p);
	if (rc == 0 && !peer_result(p)->finished)
		rc = err_set(err, YZ_EPEER, "it ended without its rosters");
	peer_free(p);
	return rc;
}
