/*
 * The HTTP server, on libmicrohttpd, which only http*.c know.
 *
 * A pool of threads reads requests; each whole request is given to one
 * handler, which fills a reply.  Bounds are checked here: a request that is
 * too slow or malformed never reaches the handler, and one that is too long
 * only as a fault.
 */
#ifndef WEB_HTTP_H
#define WEB_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;
struct http;
struct http_connection;

#define HTTP_BODY_MAX (17u << 20)  /* bytes of a request's body */
#define HTTP_BODY_ANY (256u << 10) /* of one that nobody asked about */
#define HTTP_HEAD_MAX (8u << 10)   /* of its path and headers */
#define HTTP_HEAD_MS 10000         /* that a first request's head may take */
#define HTTP_BODY_RATE 512         /* bytes/s that a body keeps up */
#define HTTP_BODY_GRACE_MS 10000   /* before that is asked for */
/* Of a body over HTTP_BODY_ANY, which takes one of few places. */
#define HTTP_LONG_RATE 4096        /* bytes/s, from its beginning on */
#define HTTP_LONG_MS (30 * 60000)  /* in all */
#define HTTP_ANSWER_MS 600000      /* that a reply may take to be read */
#define HTTP_ANSWER_RATE 1024      /* bytes/s at which it is read */
#define HTTP_ANSWER_GRACE_MS 10000 /* how often that is asked for */
#define HTTP_TIMEOUT 30            /* seconds without a byte */
#define HTTP_CONNECTIONS 512       /* at one time, in all */
/* Connections that wait for the other end, to ask or to read: one more, and the
 * oldest of whoever has the most is cut, so that who is slow shuts nobody out.
 */
#define HTTP_OPEN 192            /* in all */
#define HTTP_OPEN_PER_PEER 32    /* from one address */
#define HTTP_OPEN_FROM_HERE 128  /* from this machine */
#define HTTP_STREAMS 256         /* in all: the others are for requests */
#define HTTP_STREAMS_PER_PEER 64 /* from one address */
#define HTTP_STREAMS_PER_OWNER 8 /* of one account; then its oldest ends */
/* Bodies over HTTP_BODY_ANY, which are held in memory, at one time. */
#define HTTP_LONG 8
#define HTTP_LONG_PER_OWNER 3 /* of one account */
#define HTTP_LONG_AGAIN 5     /* seconds after which others may try again */
#define HTTP_THREADS 4        /* that run handlers */
#define HTTP_HEADERS 16       /* that a reply may set */

struct http_request {
	const char *method;
	const char *path; /* decoded, without the query */
	struct buf body;
	char peer[64]; /* its address */
	bool tls;
	int fault; /* it came to nothing: the status that says why; else 0 */
	struct http_connection *connection;
};
/* A header or a query's parameter, decoded; NULL if it is not there. */
const char *http_header(const struct http_request *q, const char *name);
const char *http_query(const struct http_request *q, const char *name);
/* Call fn for every parameter of the query. */
void http_each_query(const struct http_request *q,
    void (*fn)(void *arg, const char *name, const char *value), void *arg);
const char *http_cookie(const struct http_request *q, const char *name);

struct http_reply {
	int status;       /* 200 unless set */
	const char *type; /* Content-Type; static text */
	struct buf body;
	struct {
		const char *name; /* static text */
		char *value;      /* freed with the reply */
	} headers[HTTP_HEADERS];
	size_t n_headers;
	/* Not NULL: stay open, http_publish() says what follows; for whom, as
	 * http_review() asks.  Freed with the reply. */
	char *stream;
	char *owner; /* of the stream: the account.  Freed with the reply. */
};
void http_reply_header(struct http_reply *p, const char *name, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

struct http_options {
	const char *address;           /* "127.0.0.1", "0.0.0.0", "::" */
	uint16_t port;                 /* 0: any free one */
	const char *certificate, *key; /* PEM; NULL: plain HTTP */
	/* Called in one of HTTP_THREADS threads for each whole request. */
	void (*handle)(
	    void *arg, const struct http_request *q, struct http_reply *p);
	/* Asked once, when a body grows over HTTP_BODY_ANY: may it?  Who is
	 * nobody here should not fill the memory.  *owner is then the account
	 * whose it is, to be freed. */
	bool (*admit)(void *arg, const struct http_request *q, char **owner);
	void *arg;
};

int http_start(
    struct http **out, const struct http_options *options, struct err *err);
/* Ends streams and waits for requests under way. */
void http_stop(struct http *h);
uint16_t http_port(const struct http *h);
/* Send text to every open stream; who is too slow is cut off. */
void http_publish(struct http *h, const char *text, size_t n);
/* Ask of each open stream whether it may go on, and end those that may not;
 * name is what its reply had as stream. */
void http_review(
    struct http *h, bool (*stays)(void *arg, const char *name), void *arg);
/* Let go of streams whose browser has left, and cut who is too slow; to be
 * called several times a second. */
void http_sweep(struct http *h);
/* How many streams are open. */
size_t http_streams(struct http *h);

#endif
