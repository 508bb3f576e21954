/*
 * Is the clock to be believed?  It orders what is concurrent, and nothing
 * else; but what a person writes carries its time for ever.  So when it has
 * jumped a person is asked before the next act: the last act of this station,
 * or a later contact in which the other's clock agreed, says about when it
 * must be.
 */
#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "home.h"
#include "replica_impl.h"

#define DAY_MS (24ll * 60 * 60 * 1000)
#define BACK_MS DAY_MS           /* no clock is set back by more, */
#define SILENCE_MS (30 * DAY_MS) /* and few stations are silent longer */

void
replica_trust_clock(struct replica *r)
{
	r->clock_trusted = true;
}

bool
replica_clock_is_doubtful(int64_t offset)
{
	return offset > DAY_MS || offset < -DAY_MS;
}

/* What this station wrote last, by the order of writing. */
static const struct chain *
last_own(const struct replica *r)
{
	const struct chain *last = NULL;
	size_t i;

	for (i = 0; i < r->n_chains; i++) {
		const struct chain *c = &r->chains[i];

		if (c->head > 0 && strcmp(c->name.writer, r->home->code) == 0 &&
		    (last == NULL || c->stamp > last->stamp))
			last = c;
	}
	return last;
}

static int
meta(int64_t *out, struct replica *r, const char *name, struct err *err)
{
	int rc = db_get_int(out, r->db, err,
	    "SELECT value FROM _meta WHERE name = ?", "s", name);

	*out = rc == YZ_ENOTFOUND ? 0 : *out;
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

static bool
likely(int64_t now, int64_t then)
{
	return now >= then - BACK_MS && now <= then + SILENCE_MS;
}

int
replica_clock_check(struct replica *r, int64_t now, struct err *err)
{
	const struct chain *last = last_own(r);
	char shows[CLOCK_LEN], then[CLOCK_LEN];
	int64_t offset, contact;
	int rc;

	if (r->clock_trusted || (last != NULL && likely(now, last->time)))
		return 0;
	rc = meta(&offset, r, "offset", err);
	if (rc == 0)
		rc = meta(&contact, r, "contact", err);
	if (rc != 0)
		return rc;
	if (contact == 0 && last == NULL)
		return 0; /* nothing to compare with */
	if (contact != 0 && likely(now, contact) &&
	    !replica_clock_is_doubtful(offset))
		return 0;
	clock_format(shows, now);
	if (last == NULL)
		return err_set(err, YZ_EINVAL,
		    "the clock shows %s, %lld days from the parent's: set it,"
		    " or say --clock-is-right",
		    shows, (long long)(offset / DAY_MS));
	clock_format(then, last->time);
	return err_set(err, YZ_EINVAL,
	    "the clock shows %s, but this station last wrote at %s: set it,"
	    " or say --clock-is-right",
	    shows, then);
}
