/*
 * A link: bytes to and from the other station, never waiting except in
 * link_wait().  link_ssh.c and link_pipe.c make them.
 */
#ifndef SYNC_LINK_H
#define SYNC_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct link {
	/* Read up to max bytes that are there: *n may be 0; *end is set when
	 * no more will come. */
	int (*read)(struct link *link, void *data, size_t max, size_t *n,
	    bool *end, struct err *err);
	/* Write what goes out at once, *n of max.  What was not written must
	 * come first, unchanged, in the next call. */
	int (*write)(struct link *link, const void *data, size_t max, size_t *n,
	    struct err *err);
	/* Until there may be something to read, or room to write if asked
	 * for, or ms have passed. */
	void (*wait)(struct link *link, bool write, int ms);
	void (*close)(struct link *link); /* and free */
};

#endif
