#include "config.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "http_impl.h"

#define PATH_LEN_MAX 1024
/* GnuTLS's default takes TLS 1.0 and 1.1 as well. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define DESCRIPTORS 2048
#define COMING_MS 1000 /* that a connection is on its way to its thread */
#define COMING_MAX 8   /* of those, at one time */
#define STOP_MS 2000   /* that answers under way may take at the end */
#define MEMORY_PER_CONNECTION (32u << 10) /* for headers, MHD's own pool */

/* --- reading a request ---------------------------------------------------- */

const char *
http_header(const struct http_request *q, const char *name)
{
	return MHD_lookup_connection_value(
	    q->connection->mhd, MHD_HEADER_KIND, name);
}

const char *
http_query(const struct http_request *q, const char *name)
{
	const char *s = MHD_lookup_connection_value(
	    q->connection->mhd, MHD_GET_ARGUMENT_KIND, name);

	return s;
}

struct each {
	void (*fn)(void *arg, const char *name, const char *value);
	void *arg;
};

static enum MHD_Result
each_value(
    void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct each *each = arg;

	(void)kind;
	each->fn(each->arg, name, value == NULL ? "" : value);
	return MHD_YES;
}

void
http_each_query(const struct http_request *q,
    void (*fn)(void *arg, const char *name, const char *value), void *arg)
{
	struct each each = {fn, arg};

	MHD_get_connection_values(
	    q->connection->mhd, MHD_GET_ARGUMENT_KIND, each_value, &each);
}

const char *
http_cookie(const struct http_request *q, const char *name)
{
	return MHD_lookup_connection_value(
	    q->connection->mhd, MHD_COOKIE_KIND, name);
}

/* --- a reply ---------------------------------------------------------------
 */

void
http_reply_header(struct http_reply *p, const char *name, const char *fmt, ...)
{
	char value[1024];
	va_list ap;

	if (p->n_headers == HTTP_HEADERS)
		return;
	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	p->headers[p->n_headers].name = name;
	p->headers[p->n_headers++].value = mem_strdup(value);
}

static void
put_headers(struct MHD_Response *r, const struct http_reply *p)
{
	size_t i;

	if (p->type != NULL)
		MHD_add_response_header(r, "Content-Type", p->type);
	for (i = 0; i < p->n_headers; i++)
		MHD_add_response_header(
		    r, p->headers[i].name, p->headers[i].value);
}

static void
reply_free(struct http_reply *p)
{
	size_t i;

	for (i = 0; i < p->n_headers; i++)
		free(p->headers[i].value);
	buf_free(&p->body);
	free(p->stream);
	free(p->owner);
}

/* --- lines -------------------------------------------------------------------
 */

static void
move(struct http_connection *c, enum line_at at)
{
	pthread_mutex_lock(&c->h->lock);
	if (c->line != NULL)
		line_move(c->line, at);
	pthread_mutex_unlock(&c->h->lock);
}

void
http_sweep(struct http *h)
{
	http_stream_sweep(h);
	pthread_mutex_lock(&h->lock);
	line_sweep(&h->lines);
	pthread_mutex_unlock(&h->lock);
}

/* --- MHD's calls ------------------------------------------------------------
 */

static void
write_peer(char *out, size_t n, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	socklen_t len;

	snprintf(out, n, "?");
	if (info == NULL || info->client_addr == NULL)
		return;
	len = info->client_addr->sa_family == AF_INET6
		  ? sizeof(struct sockaddr_in6)
		  : sizeof(struct sockaddr_in);
	getnameinfo(
	    info->client_addr, len, out, (socklen_t)n, NULL, 0, NI_NUMERICHOST);
}

static struct line *
line_new(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct line *l = mem_calloc(1, sizeof(*l));

	l->fd = info == NULL ? -1 : info->connect_fd;
	write_peer(l->peer, sizeof(l->peer), mhd);
	return l;
}

static struct line *
line_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info == NULL ? NULL : info->socket_context;
}

static enum MHD_Result
add_length(
    void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	*(size_t *)arg +=
	    strlen(name) + (value == NULL ? 0 : strlen(value)) + 4;
	return MHD_YES;
}

static int
find_fault(struct MHD_Connection *mhd, const char *url)
{
	size_t n = strlen(url);

	MHD_get_connection_values(mhd,
	    (enum MHD_ValueKind)(MHD_HEADER_KIND | MHD_GET_ARGUMENT_KIND),
	    add_length, &n);
	if (strlen(url) > PATH_LEN_MAX)
		return MHD_HTTP_URI_TOO_LONG;
	return n > HTTP_HEAD_MAX ? MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE : 0;
}

static struct http_connection *
begin(struct http *h, struct MHD_Connection *mhd, const char *url,
    const char *method)
{
	struct http_connection *c = mem_calloc(1, sizeof(*c));

	c->mhd = mhd;
	c->h = h;
	c->line = line_of(mhd);
	c->q.method = mem_strdup(method);
	c->q.path = mem_strdup(url);
	c->q.tls = h->o.certificate != NULL;
	c->q.connection = c;
	c->q.fault = find_fault(mhd, url);
	if (c->line != NULL)
		memcpy(c->q.peer, c->line->peer, sizeof(c->q.peer));
	move(c, LINE_BODY);
	return c;
}

static struct MHD_Response *
respond(struct http_connection *c, struct http_reply *p)
{
	size_t n;

	if (p->stream != NULL) {
		if (http_stream_has_room(c)) {
			move(c, LINE_STREAM);
			return http_stream_open(c, p);
		}
		p->status = MHD_HTTP_SERVICE_UNAVAILABLE;
		p->type = "text/plain; charset=utf-8";
		buf_clear(&p->body);
		buf_puts(&p->body, "too many streams are open\n");
	}
	n = p->body.len;
	return MHD_create_response_from_buffer(
	    n, buf_take(&p->body), MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result
answer(struct http_connection *c)
{
	struct http_reply p = {.status = 200, .body = BUF_INIT};
	struct MHD_Response *r;
	enum MHD_Result ok;

	move(c, LINE_WORK);
	c->h->o.handle(c->h->o.arg, &c->q, &p);
	move(c, LINE_ANSWER);
	r = respond(c, &p);
	put_headers(r, &p);
	ok = MHD_queue_response(c->mhd, (unsigned)p.status, r);
	MHD_destroy_response(r);
	reply_free(&p);
	return ok;
}

/* --- long bodies -------------------------------------------------------------
 */

static bool
begin_long(struct http_connection *c)
{
	struct http *h = c->h;
	const struct http_connection *at;
	size_t all = 0, own = 0;
	bool room;

	pthread_mutex_lock(&h->lock);
	for (at = h->longs; at != NULL; at = at->next_long) {
		all++;
		own += strcmp(at->owner, c->owner) == 0;
	}
	room = all < HTTP_LONG && own < HTTP_LONG_PER_OWNER;
	if (room) {
		if (c->line != NULL)
			c->line->holds = true;
		c->next_long = h->longs;
		h->longs = c;
	}
	pthread_mutex_unlock(&h->lock);
	return room;
}

static void
end_long(struct http_connection *c)
{
	struct http_connection **at;

	pthread_mutex_lock(&c->h->lock);
	for (at = &c->h->longs; *at != NULL; at = &(*at)->next_long)
		if (*at == c) {
			*at = c->next_long;
			break;
		}
	pthread_mutex_unlock(&c->h->lock);
}

static int
ask_long(struct http_connection *c)
{
	if (!c->h->o.admit(c->h->o.arg, &c->q, &c->owner))
		return MHD_HTTP_CONTENT_TOO_LARGE;
	c->admitted = true;
	return begin_long(c) ? 0 : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static void
take_body(struct http_connection *c, const char *data, size_t n)
{
	size_t len = c->q.body.len + n;

	if (len > HTTP_BODY_ANY && !c->admitted && c->q.fault == 0)
		c->q.fault = ask_long(c);
	if (len > HTTP_BODY_MAX && c->q.fault == 0)
		c->q.fault = MHD_HTTP_CONTENT_TOO_LARGE;
	/* Read on all the same, keep nothing, then say so. */
	if (c->q.fault != 0)
		buf_free(&c->q.body);
	else
		buf_put(&c->q.body, data, n);
	pthread_mutex_lock(&c->h->lock);
	if (c->line != NULL)
		c->line->bytes += n;
	pthread_mutex_unlock(&c->h->lock);
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *data, size_t *n,
    void **state)
{
	struct http_connection *c = *state;

	(void)version;
	if (c == NULL) {
		*state = begin(arg, mhd, url, method);
		return MHD_YES;
	}
	if (*n == 0)
		return answer(c);
	take_body(c, data, *n);
	*n = 0;
	return MHD_YES;
}

static void
on_end(void *arg, struct MHD_Connection *mhd, void **state,
    enum MHD_RequestTerminationCode why)
{
	struct http_connection *c = *state;

	(void)arg;
	(void)mhd;
	(void)why;
	if (c == NULL)
		return;
	if (c->streams)
		http_stream_close(c);
	if (c->admitted)
		end_long(c);
	move(c, LINE_IDLE);
	buf_free(&c->queue);
	free(c->owner);
	free(c->name);
	buf_free(&c->q.body);
	free((void *)c->q.method);
	free((void *)c->q.path);
	free(c);
	*state = NULL;
}

/* MHD calls this when it has accepted a connection, and before it closes
 * one. */
static void
on_connection(void *arg, struct MHD_Connection *mhd, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	struct http *h = arg;
	struct line *l;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		l = line_new(mhd);
		*context = l;
		pthread_mutex_lock(&h->lock);
		line_add(&h->lines, l);
		h->n_lines++;
		h->coming -= h->coming > 0;
		pthread_mutex_unlock(&h->lock);
		return;
	}
	l = *context;
	pthread_mutex_lock(&h->lock);
	line_remove(&h->lines, l);
	h->n_lines--;
	pthread_mutex_unlock(&h->lock);
	*context = NULL;
	free(l);
}

/* --- starting and stopping --------------------------------------------------
 */

/* A descriptor for each connection, and those of the databases. */
static void
want_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < DESCRIPTORS) {
		limit.rlim_cur =
		    limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Is one more connection within HTTP_CONNECTIONS?  Those on their way to a
 * thread of MHD's are counted too; for a second, should one never arrive. */
static bool
has_room(void *arg)
{
	struct http *h = arg;
	int64_t now = clock_mono();
	bool room;

	pthread_mutex_lock(&h->lock);
	if (now - h->last_came > COMING_MS)
		h->coming = 0;
	room =
	    h->coming < COMING_MAX && h->n_lines + h->coming < HTTP_CONNECTIONS;
	pthread_mutex_unlock(&h->lock);
	return room;
}

/* MHD gives it to the thread whose turn it is: where its threads accept
 * themselves, whoever wakes first takes all there are, and theirs wait while
 * others idle. */
static void
take_connection(
    void *arg, int fd, const struct sockaddr *from, socklen_t from_len)
{
	struct http *h = arg;

	pthread_mutex_lock(&h->lock);
	h->coming++;
	h->last_came = clock_mono();
	pthread_mutex_unlock(&h->lock);
	(void)MHD_add_connection(h->daemon, fd, from, from_len);
}

static struct MHD_Daemon *
start_mhd(struct http *h)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD |
			 MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET |
			 MHD_USE_ITC;
	struct MHD_OptionItem tls[4] = {{MHD_OPTION_END, 0, NULL},
	    {MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL},
	    {MHD_OPTION_END, 0, NULL}};

	if (h->o.certificate != NULL) {
		flags |= MHD_USE_TLS;
		tls[0] = (struct MHD_OptionItem){
		    MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)h->o.certificate};
		tls[1] = (struct MHD_OptionItem){
		    MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)h->o.key};
		tls[2] = (struct MHD_OptionItem){
		    MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES};
	}
	/* The limit is has_room()'s: each thread could have them all. */
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, h,
	    MHD_OPTION_NOTIFY_COMPLETED, on_end, h, MHD_OPTION_THREAD_POOL_SIZE,
	    (unsigned)HTTP_THREADS, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)(HTTP_CONNECTIONS * HTTP_THREADS),
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_TIMEOUT,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_PER_CONNECTION,
	    MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

int
http_start(
    struct http **out, const struct http_options *options, struct err *err)
{
	struct http *h = mem_calloc(1, sizeof(*h));
	struct door_calls calls = {has_room, take_connection, h};
	int rc;

	want_descriptors();
	h->o = *options;
	pthread_mutex_init(&h->lock, NULL);
	rc = door_open(&h->door, options->address, options->port, err);
	if (rc == 0) {
		h->daemon = start_mhd(h);
		if (h->daemon == NULL)
			rc = err_set(err, YZ_EIO,
			    "the web server does not start: is the certificate "
			    "no good");
	}
	if (rc == 0)
		rc = door_run(h->door, &calls, err);
	if (rc != 0) {
		door_close(h->door);
		if (h->daemon != NULL)
			MHD_stop_daemon(h->daemon);
		pthread_mutex_destroy(&h->lock);
		free(h);
		return rc;
	}
	*out = h;
	return 0;
}

/* What is being answered is answered: whoever was told to come back later, or
 * that something is done, has to hear it. */
static void
let_answer(struct http *h)
{
	int64_t end = clock_mono() + STOP_MS;
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
	bool busy;

	do {
		pthread_mutex_lock(&h->lock);
		busy = line_busy(&h->lines);
		pthread_mutex_unlock(&h->lock);
		if (busy)
			nanosleep(&pause, NULL);
	} while (busy && clock_mono() < end);
}

void
http_stop(struct http *h)
{
	if (h == NULL)
		return;
	door_close(h->door);
	let_answer(h);
	http_stream_stop(h);
	MHD_stop_daemon(h->daemon);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

uint16_t
http_port(const struct http *h)
{
	return door_port(h->door);
}
