/*
 * A program that runs to its end for us, and what it said.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

struct child {
	const char *exe;         /* its file */
	const char *const *args; /* args[0] first, NULL last */
	const char *locale;      /* in which it is to speak */
	int64_t ms;              /* then it is killed */
	struct buf out, err;     /* what it said, of each the first 4 MiB */
	int status;              /* its exit status */
};

/* Run it without an input, in our environment but for the locale.  YZ_EIO: it
 * could not be started, was killed, or took too long. */
int child_run(struct child *c, struct err *err);
void child_free(struct child *c);

#endif
