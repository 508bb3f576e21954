/*
 * Is it quiet, or is something withheld?  For each peer and each station whose
 * chains come through it: when something new of that station last came, how
 * many contacts since brought nothing, and how many the longest wait took.  A
 * contact is a session that ended in order, or half a minute of a watch.
 * Counts do not depend on clocks.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "local.h"

#define QUIET_MS (24ll * 3600 * 1000) /* so long nobody need write anything */
#define WAITS_MIN 3                   /* before it is known what is usual */

/* The wait that ends is remembered if it was the longest; but one of which
 * people were told as twice that only, so that the next is not usual. */
int
local_news_put(struct local *local, const char *code, const char *writer,
    int64_t when, struct err *err)
{
	return db_run(local_db(local), err,
	    "INSERT INTO news (code, writer, last, contacts, fresh)"
	    " VALUES (?, ?, ?, 0, 1) ON CONFLICT DO UPDATE SET"
	    " usual = CASE WHEN fresh OR last = 0 THEN usual"
	    "  WHEN waits >= ? AND contacts >= 2 * usual AND"
	    "   excluded.last - last NOT BETWEEN 0 AND ? THEN 2 * usual"
	    "  ELSE max(usual, contacts + 1) END,"
	    " waits = waits + (NOT fresh AND last != 0),"
	    " last = excluded.last, contacts = 0, fresh = 1",
	    "ssiii", code, writer, when, (int64_t)WAITS_MIN,
	    (int64_t)QUIET_MS - 1);
}

int
local_news_contact(
    struct local *local, const char *code, const char *writer, struct err *err)
{
	return db_run(local_db(local), err,
	    "INSERT INTO news (code, writer, last, contacts, fresh)"
	    " VALUES (?, ?, 0, 1, 0) ON CONFLICT DO UPDATE"
	    " SET contacts = iif(fresh, 0, contacts + 1), fresh = 0",
	    "ss", code, writer);
}

bool
local_news_overdue(const struct local_news *news, int64_t now)
{
	/* A night is no alarm.  A clock that went back hides nothing. */
	if (now >= news->last && now - news->last < QUIET_MS)
		return false;
	return news->waits >= WAITS_MIN && news->contacts >= 2 * news->usual;
}

int
local_news(struct local *local, struct local_news **out, size_t *n,
    const char *code, struct err *err)
{
	struct db_stmt *st;
	int rc;

	*out = NULL;
	*n = 0;
	rc = db_query(&st, local_db(local), err,
	    "SELECT writer, last, contacts, usual, waits FROM news WHERE code = ?"
	    " ORDER BY writer",
	    "s", code);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		struct local_news *v;

		*out = mem_realloc(*out, (*n + 1) * sizeof(**out));
		v = &(*out)[(*n)++];
		snprintf(v->writer, sizeof(v->writer), "%s", db_text(st, 0));
		v->last = db_int(st, 1);
		v->contacts = db_int(st, 2);
		v->usual = db_int(st, 3);
		v->waits = db_int(st, 4);
	}
	db_done(st);
	return rc;
}
