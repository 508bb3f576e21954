/*
 * Rows of limits: a bound of limit.h, and how to try n of it at the door where
 * it stands.  N - 1 and N are taken; N + 1 is refused in one line that says
 * so, and leaves nothing behind.  A file of tests has a table of rows, and
 * test_limits sees that every bound has one.
 */
#ifndef LIMITS_H
#define LIMITS_H

#include <string.h>

#include "base/err.h"
#include "limit.h"
#include "tap.h"

/* Refused, but something of it was kept. */
#define LIMITS_LEFT 1

struct limits_row {
	const char *name; /* of the bound */
	int64_t max;
	const char *what; /* that it bounds */
	const char *says; /* in the line of the refusal */
	int (*try)(int64_t n, struct err *err);
};
/* The first two members; so a row cannot name one and try another. */
#define LIMIT(name) #name, (int64_t)(name)

static inline void
limits_try(const struct limits_row *row)
{
	struct err err = {0};
	size_t n;
	int rc;

	rc = row->try(row->max - 1, &err);
	if (!ok(rc == 0, "%s of %s: one less is taken", row->name, row->what))
		printf("# %d: %s\n", rc, err.msg);
	err.msg[0] = '\0';
	rc = row->try(row->max, &err);
	if (!ok(rc == 0, "%s of %s: itself is taken", row->name, row->what))
		printf("# %d: %s\n", rc, err.msg);
	err.msg[0] = '\0';
	rc = row->try(row->max + 1, &err);
	n = strlen(err.msg);
	if (!ok(rc < 0 && strstr(err.msg, row->says) != NULL &&
		    strchr(err.msg, '\n') == NULL && n + 1 < sizeof(err.msg),
		"%s of %s: one more is refused: %.120s", row->name, row->what,
		err.msg))
		printf("# %d, wants \"%s\"\n", rc, row->says);
	ok(rc != LIMITS_LEFT, "%s of %s: and leaves nothing", row->name,
	    row->what);
}

static inline void
limits_run(const struct limits_row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		limits_try(&rows[i]);
}

/* For where no whole thing of that size can exist, since another bound is
 * nearer: was it refused by this one? */
static inline int
limits_only(int rc, const struct err *err, const char *says)
{
	return rc < 0 && strstr(err->msg, says) == NULL ? 0 : rc;
}

#endif
