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

/* What a station wrote last, by the order in which it came to be here. */
static const struct chain *
last_of(const struct replica *r, const char *code)
{
	const struct chain *last = NULL;
	size_t i;

	for (i = 0; i < r->n_chains; i++) {
		const struct chain *c = &r->chains[i];

		if (c->head > 0 && strcmp(c->name.writer, code) == 0 &&
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

struct contact {        /* with the parent, the last */
	int64_t time;   /* by our clock, 0: never */
	int64_t offset; /* of its clock to ours */
};

static int
get_contact(struct contact *out, struct replica *r, struct err *err)
{
	int rc = meta(&out->offset, r, "offset", err);

	return rc != 0 ? rc : meta(&out->time, r, "contact", err);
}

static bool
confirms(const struct contact *contact, int64_t now)
{
	return contact->time != 0 && likely(now, contact->time) &&
	       !replica_clock_is_doubtful(contact->offset);
}

bool
replica_clock_confirmed(struct replica *r, int64_t now)
{
	struct contact contact;
	struct err ignored;

	return get_contact(&contact, r, &ignored) == 0 &&
	       confirms(&contact, now);
}

int64_t
replica_clock_ahead(const struct replica *r, const char *code, int64_t now)
{
	const struct chain *last = last_of(r, code);

	return last == NULL || now >= last->time - BACK_MS ? 0 : last->time;
}

int
replica_clock_check(struct replica *r, int64_t now, struct err *err)
{
	const struct chain *last = last_of(r, r->home->code);
	char shows[CLOCK_LEN], then[CLOCK_LEN];
	struct contact contact;
	int rc;

	if (r->clock_trusted || (last != NULL && likely(now, last->time)))
		return 0;
	rc = get_contact(&contact, r, err);
	if (rc != 0)
		return rc;
	if (contact.time == 0 && last == NULL)
		return 0; /* nothing to compare with */
	if (confirms(&contact, now))
		return 0;
	clock_format(shows, now);
	if (last == NULL)
		return err_set(err, YZ_EINVAL,
		    "the clock shows %s, %lld days from the parent's: set it,"
		    " or say --clock-is-right",
		    shows, (long long)(contact.offset / DAY_MS));
	clock_format(then, last->time);
	return err_set(err, YZ_EINVAL,
	    "the clock shows %s, but this station last wrote at %s: set it,"
	    " or say --clock-is-right",
	    shows, then);
}
