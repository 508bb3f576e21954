#include "config.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "http.h"
#include "line.h"

/* Of a sound connection; the MHD thread that has it sees that it ended. */
static void
cut(struct line *l)
{
	if (!l->cut)
		shutdown(l->fd, SHUT_RDWR);
	l->cut = true;
}

/* Does it wait for who is at the other end, to ask or to read? */
static bool
is_open(const struct line *l)
{
	return !l->cut && l->at != LINE_WORK && l->at != LINE_STREAM;
}

static size_t
count_open(const struct lines *all, const char *peer)
{
	const struct line *l;
	size_t n = 0;

	for (l = all->first; l != NULL; l = l->next)
		n += is_open(l) && (peer == NULL || strcmp(l->peer, peer) == 0);
	return n;
}

/* The address with the most open lines.  They are few: so are addresses. */
static const char *
greediest(const struct lines *all)
{
	const char *most = NULL;
	const struct line *l;
	size_t n, best = 0;

	for (l = all->first; l != NULL; l = l->next) {
		if (!is_open(l) || (most != NULL && strcmp(most, l->peer) == 0))
			continue;
		n = count_open(all, l->peer);
		if (n > best) {
			best = n;
			most = l->peer;
		}
	}
	return most;
}

static void
cut_oldest(struct lines *all, const char *peer)
{
	struct line *l, *oldest = NULL;

	for (l = all->first; l != NULL; l = l->next)
		if (is_open(l) && strcmp(l->peer, peer) == 0 &&
		    (oldest == NULL || l->since < oldest->since))
			oldest = l;
	if (oldest != NULL)
		cut(oldest);
}

static bool
is_here(const char *peer)
{
	return strncmp(peer, "127.", 4) == 0 || strcmp(peer, "::1") == 0 ||
	       strncmp(peer, "::ffff:127.", 11) == 0;
}

static void
make_room(struct lines *all, const char *peer)
{
	size_t most = is_here(peer) ? HTTP_OPEN_FROM_HERE : HTTP_OPEN_PER_PEER;
	const char *greedy;

	if (count_open(all, peer) > most) {
		cut_oldest(all, peer);
	} else if (count_open(all, NULL) > HTTP_OPEN) {
		greedy = greediest(all);
		if (greedy != NULL)
			cut_oldest(all, greedy);
	}
}

void
line_add(struct lines *all, struct line *l)
{
	l->since = clock_mono();
	l->prev = all->last;
	*(all->last == NULL ? &all->first : &all->last->next) = l;
	all->last = l;
	make_room(all, l->peer);
}

void
line_remove(struct lines *all, struct line *l)
{
	*(l->prev == NULL ? &all->first : &l->prev->next) = l->next;
	*(l->next == NULL ? &all->last : &l->next->prev) = l->prev;
}

/* What the other end's kernel has said that it has, of all that went there:
 * neither ours nor TLS keeps count.  It goes on only as somebody reads. */
static uint64_t
bytes_read(const struct line *l)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(l->fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
		return 0;
	return info.tcpi_bytes_acked;
}

void
line_move(struct line *l, enum line_at at)
{
	l->at = at;
	l->holds = false;
	l->since = clock_mono();
	l->bytes = at == LINE_ANSWER ? bytes_read(l) : 0;
	l->looked = l->since;
}

/* In each while by itself: who has taken much at once, into buffers, need not
 * be reading still. */
static bool
reads_slowly(struct line *l, int64_t now)
{
	uint64_t had = l->bytes, ms = (uint64_t)(now - l->looked);

	if (now - l->looked < HTTP_ANSWER_GRACE_MS)
		return false;
	l->bytes = bytes_read(l);
	l->looked = now;
	return l->bytes - had < ms / 1000 * HTTP_ANSWER_RATE;
}

static bool
is_slow(struct line *l, int64_t now)
{
	int64_t ms = now - l->since;

	switch (l->at) {
	case LINE_HEAD:
		return ms > HTTP_HEAD_MS;
	case LINE_IDLE:
		return ms > HTTP_TIMEOUT * 1000ll;
	case LINE_BODY:
		return (l->holds && ms > HTTP_LONG_MS) ||
		       (ms > HTTP_BODY_GRACE_MS &&
			   (int64_t)l->bytes < ms / 1000 *
						   (l->holds ? HTTP_LONG_RATE
							     : HTTP_BODY_RATE));
	case LINE_ANSWER:
		return ms > HTTP_ANSWER_MS || reads_slowly(l, now);
	default:
		return false;
	}
}

void
line_sweep(struct lines *all)
{
	int64_t now = clock_mono();
	struct line *l;

	for (l = all->first; l != NULL; l = l->next)
		if (!l->cut && is_slow(l, now))
			cut(l);
}

bool
line_left(const struct line *l)
{
	struct pollfd fd = {.fd = l->fd, .events = POLLRDHUP};

	return poll(&fd, 1, 0) == 1;
}

size_t
line_streams(const struct lines *all, const char *peer)
{
	const struct line *l;
	size_t n = 0;

	for (l = all->first; l != NULL; l = l->next)
		n += l->at == LINE_STREAM && strcmp(l->peer, peer) == 0;
	return n;
}

bool
line_busy(const struct lines *all)
{
	const struct line *l;

	for (l = all->first; l != NULL; l = l->next)
		if (l->at == LINE_WORK || l->at == LINE_ANSWER)
			return true;
	return false;
}
