/*
 * Lines: the connections of the HTTP server, whatever comes over them.  Each
 * is at one point of a request; who lets it stay there for too long, or has
 * too many that come to nothing, is cut, so that who is slow, in asking or in
 * reading, shuts nobody out.
 *
 * Nothing here is locked: the server's lock is held around each call.
 */
#ifndef WEB_LINE_H
#define WEB_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum line_at {
	LINE_HEAD,   /* nothing whole has come yet */
	LINE_IDLE,   /* between two requests */
	LINE_BODY,   /* of a request, on its way in */
	LINE_WORK,   /* a handler has it */
	LINE_ANSWER, /* what it said is on its way out */
	LINE_STREAM  /* of events, for days */
};

struct line {
	struct line *prev, *next; /* in the list, oldest first */
	int fd;
	char peer[64];
	enum line_at at;
	int64_t since; /* mono ms: when it came to be at that */
	/* Of a body, so far; or of all that went out, what was read when the
	 * answer was last looked at, at looked. */
	uint64_t bytes;
	int64_t looked;
	bool holds; /* its body has one of the few places for long ones */
	bool cut;
};
struct lines {
	struct line *first, *last;
};

/* With its fd and peer; who has too many loses the oldest of them. */
void line_add(struct lines *all, struct line *l);
void line_remove(struct lines *all, struct line *l);
void line_move(struct line *l, enum line_at at);
/* Cut who is too slow. */
void line_sweep(struct lines *all);
/* Has the other end left?  For what MHD does not look at. */
bool line_left(const struct line *l);
/* How many streams one address has open. */
size_t line_streams(const struct lines *all, const char *peer);
/* Is anybody being answered? */
bool line_busy(const struct lines *all);

#endif
