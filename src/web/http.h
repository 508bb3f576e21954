/*
 * The HTTP server, on libmicrohttpd, which only this file knows.
 *
 * A pool of threads reads requests; each whole request is given to one
 * handler, which fills a reply.  Bounds are checked here: a request that is
 * too long, too slow or malformed never reaches the handler.
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

#define HTTP_BODY_MAX (17u << 20)    /* bytes of a request's body */
#define HTTP_CONNECTIONS 256         /* at one time, in all */
#define HTTP_CONNECTIONS_PER_PEER 32 /* from one address */
#define HTTP_TIMEOUT 30              /* seconds without a byte */
#define HTTP_THREADS 4               /* that run handlers */
#define HTTP_HEADERS 16              /* that a reply may set */

struct http_request {
	const char *method;
	const char *path; /* decoded, without the query */
	struct buf body;
	char peer[64]; /* its address */
	bool tls;
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
	bool stream; /* stay open: http_publish() says what follows */
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
	void *arg;
};

int http_start(
    struct http **out, const struct http_options *options, struct err *err);
/* Ends streams and waits for requests under way. */
void http_stop(struct http *h);
uint16_t http_port(const struct http *h);
/* Send text to every open stream; who is too slow is cut off. */
void http_publish(struct http *h, const char *text, size_t n);
/* Let go of streams whose browser has left: they would count against its
 * address until the next word is sent to them. */
void http_sweep(struct http *h);
/* How many streams are open. */
size_t http_streams(struct http *h);

#endif
