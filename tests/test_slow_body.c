/*
 * Goal of this test: who sends a long file keeps one of the few places for
 * such only while the file comes on at a rate over the whole of it, and for
 * half an hour at most: neither a drop a second nor a burst with nothing behind
 * it holds a place for hours.  A short body may come as slowly as ever.
 */
#include "config.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tap.h"
#include "web/http.h"
#include "web/line.h"

/* Is a line cut, that has been at its body for so long? */
static bool
is_cut(bool holds, int64_t seconds, uint64_t bytes)
{
	struct lines all = {NULL, NULL};
	struct line l = {.peer = "192.0.2.1"};
	int fds[2];
	char c;
	bool ended;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		return false;
	l.fd = fds[0];
	line_add(&all, &l);
	line_move(&l, LINE_BODY);
	l.holds = holds;
	l.since = clock_mono() - seconds * 1000;
	l.bytes = bytes;
	line_sweep(&all);
	ended = recv(fds[1], &c, 1, MSG_DONTWAIT) == 0;
	ok(ended == l.cut, "what is cut ends at the other end, too");
	close(fds[0]);
	close(fds[1]);
	return l.cut;
}

int
main(void)
{
	const uint64_t mib = 1 << 20;
	struct line l = {.peer = "192.0.2.1", .fd = -1};

	ok(!is_cut(true, 8, 300000), "a long file that has just begun goes on");
	ok(!is_cut(true, 60, mib), "and one at 17 KB/s");
	ok(!is_cut(true, 29 * 60, 16 * mib),
	    "and a large one over a poor line");
	ok(is_cut(true, 60 * 60, 16 * mib),
	    "an hour is too long, whatever came");
	ok(is_cut(true, 31 * 60, 17 * mib), "and so is over half of one");
	ok(is_cut(true, 100, 300000),
	    "a burst is no rate: with nothing behind it, it ends");
	ok(is_cut(true, 600, HTTP_BODY_ANY + 600 * 512),
	    "a file that drips at 512 B/s gives its place back in minutes");
	ok(!is_cut(false, 300, 300 * 600),
	    "what holds no place may come that slowly");
	ok(is_cut(false, 300, 300 * 400), "though not more so");
	l.holds = true;
	line_move(&l, LINE_WORK);
	line_move(&l, LINE_BODY);
	ok(!l.holds, "the next body of a line begins without a place");
	return tap_done();
}
