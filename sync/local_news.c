/*
 * Is it quiet, or is something withheld?  For each peer and each station whose
 * chains come through it: when something new of that station last came, and
 * how many sessions ended in order since that brought nothing.  Counts do not
 * depend on clocks.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "local.h"

int
local_news_put(struct local *local, const char *code, const char *writer,
    int64_t when, struct err *err)
{
	return db_run(local_db(local), err,
	    "REPLACE INTO news VALUES (?, ?, ?, 0, 1)", "ssi", code, writer,
	    when);
}

int
local_news_contact(
    struct local *local, const char *code, const char *writer, struct err *err)
{
	return db_run(local_db(local), err,
	    "INSERT INTO news VALUES (?, ?, 0, 1, 0) ON CONFLICT DO UPDATE"
	    " SET contacts = iif(fresh, 0, contacts + 1), fresh = 0",
	    "ss", code, writer);
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
	    "SELECT writer, last, contacts FROM news WHERE code = ?"
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
	}
	db_done(st);
	return rc;
}
