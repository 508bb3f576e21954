#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http_impl.h"

#define QUEUE_MAX (256u << 10) /* bytes a slow reader may lag behind */

/* MHD asks what to send next; nothing: sleep until http_publish(). */
static ssize_t
next_bytes(void *arg, uint64_t pos, char *out, size_t max)
{
	struct http_connection *c = arg;
	struct http *h = c->h;
	size_t n;

	(void)pos;
	pthread_mutex_lock(&h->lock);
	n = c->queue.len < max ? c->queue.len : max;
	if (c->cut || (h->stopping && n == 0)) {
		pthread_mutex_unlock(&h->lock);
		return MHD_CONTENT_READER_END_OF_STREAM;
	}
	memcpy(out, buf_str(&c->queue), n);
	buf_drop(&c->queue, n);
	if (n == 0) {
		c->suspended = true;
		MHD_suspend_connection(c->mhd);
	}
	pthread_mutex_unlock(&h->lock);
	return (ssize_t)n;
}

static void
wake(struct http_connection *c)
{
	if (c->suspended) {
		c->suspended = false;
		MHD_resume_connection(c->mhd);
	}
}

void
http_publish(struct http *h, const char *text, size_t n)
{
	struct http_connection *c;

	pthread_mutex_lock(&h->lock);
	for (c = h->streams; c != NULL; c = c->next) {
		if (c->queue.len + n > QUEUE_MAX)
			c->cut = true; /* the browser calls again */
		else
			buf_put(&c->queue, text, n);
		wake(c);
	}
	pthread_mutex_unlock(&h->lock);
}

/* One that may not go on says nothing more, not even what waits. */
static void
end_streams(struct http *h, const char *name)
{
	struct http_connection *c;

	pthread_mutex_lock(&h->lock);
	for (c = h->streams; c != NULL; c = c->next)
		if (strcmp(c->name, name) == 0) {
			c->cut = true;
			wake(c);
		}
	pthread_mutex_unlock(&h->lock);
}

void
http_review(
    struct http *h, bool (*stays)(void *arg, const char *name), void *arg)
{
	struct http_connection *c;
	char **names;
	size_t i, n = 0;

	/* Not asked under the lock: the answer may take a database. */
	pthread_mutex_lock(&h->lock);
	names = mem_calloc(h->n_streams + 1, sizeof(*names));
	for (c = h->streams; c != NULL; c = c->next)
		names[n++] = mem_strdup(c->name);
	pthread_mutex_unlock(&h->lock);
	for (i = 0; i < n; i++) {
		if (!stays(arg, names[i]))
			end_streams(h, names[i]);
		free(names[i]);
	}
	free(names);
}

size_t
http_streams(struct http *h)
{
	size_t n;

	pthread_mutex_lock(&h->lock);
	n = h->n_streams;
	pthread_mutex_unlock(&h->lock);
	return n;
}

bool
http_stream_has_room(struct http_connection *c)
{
	struct http *h = c->h;
	bool room;

	pthread_mutex_lock(&h->lock);
	room = h->n_streams < HTTP_STREAMS &&
	       line_streams(&h->lines, c->q.peer) < HTTP_STREAMS_PER_PEER;
	pthread_mutex_unlock(&h->lock);
	return room;
}

/* The oldest of who has as many as he may: his other pages go on. */
static void
end_oldest(struct http *h, const char *owner)
{
	struct http_connection *c, *oldest = NULL;
	size_t n = 0;

	for (c = h->streams; c != NULL; c = c->next)
		if (!c->cut && strcmp(c->owner, owner) == 0) {
			n++;
			oldest = c; /* the newest are in front */
		}
	if (n >= HTTP_STREAMS_PER_OWNER) {
		oldest->cut = true;
		wake(oldest);
	}
}

struct MHD_Response *
http_stream_open(struct http_connection *c, struct http_reply *p)
{
	struct http *h = c->h;

	pthread_mutex_lock(&h->lock);
	c->streams = true;
	c->queue = p->body;
	p->body = (struct buf)BUF_INIT;
	c->name = p->stream;
	p->stream = NULL;
	c->owner = p->owner;
	p->owner = NULL;
	end_oldest(h, c->owner);
	c->next = h->streams;
	h->streams = c;
	h->n_streams++;
	pthread_mutex_unlock(&h->lock);
	return MHD_create_response_from_callback(
	    MHD_SIZE_UNKNOWN, 4096, next_bytes, c, NULL);
}

void
http_stream_close(struct http_connection *c)
{
	struct http_connection **at;

	pthread_mutex_lock(&c->h->lock);
	for (at = &c->h->streams; *at != NULL; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			c->h->n_streams--;
			break;
		}
	pthread_mutex_unlock(&c->h->lock);
}

void
http_stream_sweep(struct http *h)
{
	struct http_connection *c;

	pthread_mutex_lock(&h->lock);
	/* MHD does not look at a connection while it is suspended. */
	for (c = h->streams; c != NULL; c = c->next)
		if (c->suspended && c->line != NULL && line_left(c->line)) {
			c->cut = true;
			wake(c);
		}
	pthread_mutex_unlock(&h->lock);
}

void
http_stream_stop(struct http *h)
{
	struct http_connection *c;

	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	for (c = h->streams; c != NULL; c = c->next)
		wake(c);
	pthread_mutex_unlock(&h->lock);
}
