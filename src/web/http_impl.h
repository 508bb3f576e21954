/*
 * What the files of the HTTP server share; they alone know libmicrohttpd.
 * Nobody else includes this.
 *
 *	http.c         starting, requests, replies
 *	http_stream.c  replies that stay open
 */
#ifndef WEB_HTTP_IMPL_H
#define WEB_HTTP_IMPL_H

#include <microhttpd.h>
#include <pthread.h>

#include "door.h"
#include "http.h"
#include "line.h"

/* A request on its way in, and what became of it. */
struct http_connection {
	struct MHD_Connection *mhd;
	struct http *h;
	struct http_request q;
	struct line *line;
	bool admitted; /* its body may be long */
	char *owner;   /* whose account the long body or the stream is */
	/* A long body; in the server's list, under its lock. */
	struct http_connection *next_long;
	/* An open stream; in the server's list, under its lock. */
	struct http_connection *next;
	struct buf queue; /* what is to be sent */
	char *name;       /* for whom */
	bool streams, suspended, cut;
};

struct http {
	struct MHD_Daemon *daemon;
	struct http_options o;
	struct door *door;
	pthread_mutex_t lock; /* of all that follows, and of queues */
	size_t n_lines;
	size_t coming;     /* connections that MHD has not told of yet */
	int64_t last_came; /* mono ms */
	struct http_connection *streams;
	size_t n_streams;
	struct http_connection *longs;
	struct lines lines;
	bool stopping;
};

/* --- http_stream.c; http_publish(), http_review(), http_streams() too */
/* May its address have one more? */
bool http_stream_has_room(struct http_connection *c);
/* The reply becomes a stream, and the oldest of its owner ends if he has as
 * many as he may. */
struct MHD_Response *http_stream_open(
    struct http_connection *c, struct http_reply *p);
void http_stream_close(struct http_connection *c);
/* End those whose browser has left. */
void http_stream_sweep(struct http *h);
/* The server stops: each says what it has to say, and ends. */
void http_stream_stop(struct http *h);

#endif
