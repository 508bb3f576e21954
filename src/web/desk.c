#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "book.h"
#include "desk.h"
#include "guard.h"
#include "home.h"
#include "lang.h"
#include "listener.h"
#include "local.h"
#include "limit.h"
#include "replica.h"
#include "refusal.h"
#include "reply.h"
#include "route.h"
#include "shelf.h"
#include "token.h"

#define COUNT_DIGITS 18 /* of a number in a question */

/* --- seats: a replica for each request that is being answered ----------------
 */

struct seat {
	struct replica *r;
	struct local *local;
	int64_t version; /* of the replica, as this connection last saw it */
	struct seat *next;
};

struct desk {
	char *home, *exe;
	pthread_mutex_t lock;
	struct seat *free;
	int64_t state; /* another whenever something may have changed */
	struct shelf *shelf;
	struct seat *watch; /* for desk_version() and desk_contact() */
	int64_t local_version;
	struct digest outline; /* of what is known of neighbours */
	int64_t contact;       /* how often it was another */
};

static void
seat_free(struct seat *s)
{
	if (s == NULL)
		return;
	replica_close(s->r);
	local_close(s->local);
	free(s);
}

static int
seat_new(struct seat **out, struct desk *desk, struct err *err)
{
	struct seat *s = mem_calloc(1, sizeof(*s));
	struct home *home;
	int rc;

	rc = home_open(&home, desk->home, err);
	if (rc == 0)
		rc = replica_open(&s->r, home, err);
	/* A connection a thread: each keeps no more than a receiver does. */
	if (rc == 0)
		rc = db_cache(replica_db(s->r), LIMIT_CACHE_KIB, err);
	if (rc == 0)
		rc = local_open(&s->local, desk->home, err);
	if (rc == 0)
		rc = book_open(local_db(s->local), err);
	if (rc == 0)
		*out = s;
	else
		seat_free(s);
	return rc;
}

static int
seat_take(struct seat **out, struct desk *desk, struct err *err)
{
	pthread_mutex_lock(&desk->lock);
	*out = desk->free;
	if (*out != NULL)
		desk->free = (*out)->next;
	pthread_mutex_unlock(&desk->lock);
	return *out != NULL ? 0 : seat_new(out, desk, err);
}

static void
seat_leave(struct desk *desk, struct seat *s)
{
	pthread_mutex_lock(&desk->lock);
	s->next = desk->free;
	desk->free = s;
	pthread_mutex_unlock(&desk->lock);
}

int
desk_open(struct desk **out, const char *home, const char *exe, struct err *err)
{
	struct desk *desk = mem_calloc(1, sizeof(*desk));
	int rc;

	desk->home = mem_strdup(home);
	desk->exe = mem_strdup(exe);
	desk->shelf = shelf_new();
	pthread_mutex_init(&desk->lock, NULL);
	rc = seat_new(&desk->watch, desk, err);
	if (rc == 0)
		rc = audit_open(local_db(desk->watch->local),
		    replica_home(desk->watch->r),
		    replica_roster(desk->watch->r), err);
	if (rc == 0)
		rc = desk_tick(desk, 0, err);
	if (rc == 0)
		*out = desk;
	else
		desk_close(desk);
	return rc;
}

void
desk_close(struct desk *desk)
{
	struct seat *s;

	if (desk == NULL)
		return;
	while ((s = desk->free) != NULL) {
		desk->free = s->next;
		seat_free(s);
	}
	seat_free(desk->watch);
	pthread_mutex_destroy(&desk->lock);
	free(desk->home);
	free(desk->exe);
	shelf_free(desk->shelf);
	free(desk);
}

int
desk_version(struct desk *desk, int64_t *out, struct err *err)
{
	(void)err;
	*out = db_version(replica_db(desk->watch->r));
	return 0;
}

int
desk_held(struct desk *desk, int64_t *out, struct err *err)
{
	return db_get_int(out, replica_db(desk->watch->r), err,
	    "SELECT coalesce(sum(head), 0) FROM _chain", "");
}

void
desk_news(struct call *c)
{
	pthread_mutex_lock(&c->desk->lock);
	c->desk->contact++;
	pthread_mutex_unlock(&c->desk->lock);
}

/* Sessions of people lie in local.db too, and are no news. */
int
desk_contact(struct desk *desk, int64_t *out, struct err *err)
{
	int64_t version = db_version(local_db(desk->watch->local));
	struct digest outline;
	int rc = 0;

	if (version != desk->local_version) {
		rc = local_outline(&outline, desk->watch->local, err);
		if (rc != 0)
			return rc;
		pthread_mutex_lock(&desk->lock);
		desk->contact += !digest_equal(&outline, &desk->outline);
		pthread_mutex_unlock(&desk->lock);
		desk->outline = outline;
		desk->local_version = version;
	}
	pthread_mutex_lock(&desk->lock);
	*out = desk->contact;
	pthread_mutex_unlock(&desk->lock);
	return 0;
}

bool
desk_stays(void *arg, const char *listener)
{
	struct desk *desk = arg;

	return listener_stays(
	    local_db(desk->watch->local), listener, clock_wall());
}

const char *
desk_home(const struct call *c)
{
	return c->desk->home;
}

const char *
desk_exe(const struct call *c)
{
	return c->desk->exe;
}

struct db *
desk_local(struct call *c)
{
	return local_db(c->local);
}

int
desk_log(struct call *c, const char *login, const char *what, const char *about,
    const char *result, struct err *err)
{
	struct audit_what entry = {.login = login,
	    .peer = c->q->peer,
	    .what = what,
	    .about = about,
	    .result = result};

	return audit_add(desk_local(c), replica_home(c->r),
	    replica_roster(c->r), &entry, err);
}

int
desk_log_refused(struct call *c, const char *login, const char *what,
    const char *about, const char *result, bool shut, struct err *err)
{
	struct audit_what entry = {.login = login,
	    .peer = c->q->peer,
	    .what = what,
	    .about = about,
	    .result = result};

	return refusal_add(desk_local(c), replica_home(c->r),
	    replica_roster(c->r), &entry, shut, clock_wall(), err);
}

int
desk_tick(struct desk *desk, int64_t ms, struct err *err)
{
	struct db *db = local_db(desk->watch->local);
	int rc = audit_run(db, ms, err);

	return rc != 0 ? rc
		       : refusal_say(db, replica_home(desk->watch->r),
			     replica_roster(desk->watch->r), clock_wall(), err);
}

/* --- answering
 * ---------------------------------------------------------------- */

static bool
may_any(const struct call *c, unsigned powers)
{
	int i;

	for (i = 0; i < POWER_COUNT; i++)
		if ((powers >> i & 1) != 0 &&
		    user_may(c->login.user.role, (enum power)i))
			return true;
	return false;
}

/* A machine: no browser sends its token by itself, so nothing of another
 * page need be feared. */
static int
admit_machine(struct call *c, const char *bearer, struct err *err)
{
	struct token *token = &c->login.token;
	int rc;

	rc = token_find(
	    desk_local(c), token, &c->login.user, bearer, clock_wall(), err);
	if (rc == YZ_EDENIED)
		c->p->status = 401;
	if (rc != 0)
		return rc;
	c->login.machine = true;
	/* What either may not, this token may not. */
	if (user_role_within(token->role, c->login.user.role))
		c->login.user.role = token->role;
	else if (!user_role_within(c->login.user.role, token->role))
		c->login.user.role = ROLE_NONE;
	return 0;
}

static int
admit_person(struct call *c, const struct route *route, struct err *err)
{
	const char *token = http_cookie(c->q, c->q->tls ? "__Host-yz" : "yz");
	bool reads = strcmp(c->q->method, "GET") == 0;
	/* A browser opens a stream of events without our headers. */
	bool here = http_header(c->q, "X-Yizhan-Background") == NULL &&
		    (route->flags & ROUTE_ALONE) == 0;
	int rc;

	rc = login_find(
	    desk_local(c), &c->login, token, here, clock_wall(), err);
	if (rc != 0) {
		if (rc == YZ_EDENIED)
			c->p->status = 401;
		return rc;
	}
	memcpy(c->token, token, sizeof(c->token));
	if (!reads &&
	    !guard_same(http_header(c->q, "X-Yizhan-Token"), c->login.csrf))
		return err_set(err, YZ_EDENIED,
		    "the request has no token of this session: load the page "
		    "again");
	return 0;
}

static int
admit(struct call *c, const struct route *route, struct err *err)
{
	const char *bearer = http_header(c->q, "Authorization");
	bool reads = strcmp(c->q->method, "GET") == 0;
	int rc = 0;

	if (!reads)
		rc = guard_origin(c->q, err);
	if (rc != 0 || (route->flags & ROUTE_OPEN) != 0)
		return rc;
	if (bearer != NULL && strncmp(bearer, "Bearer ", 7) == 0)
		rc = admit_machine(c, bearer + 7, err);
	else
		rc = admit_person(c, route, err);
	if (rc != 0)
		return rc;
	if (c->login.machine && (route->flags & ROUTE_PERSON) != 0)
		return err_set(
		    err, YZ_EDENIED, "this is for people, not for tokens");
	if (route->powers != 0 && !may_any(c, route->powers))
		return err_set(err, YZ_EDENIED, "the role %s may not do this",
		    user_role_name(c->login.user.role));
	return 0;
}

static int
read_body(struct call *c, const struct route *route, struct err *err)
{
	if ((route->flags & ROUTE_JSON) == 0) {
		c->in = json_new_object();
		return 0;
	}
	return json_parse_object(
	    &c->in, (const char *)c->q->body.b, c->q->body.len, err);
}

/* Others' commits show in each connection's version, this desk's own in none
 * of their makers': those are counted when they are made. */
static int64_t
find_state(struct call *c)
{
	int64_t version = db_version(replica_db(c->r)), state;

	pthread_mutex_lock(&c->desk->lock);
	if (version != c->seat->version)
		c->desk->state++;
	c->seat->version = version;
	state = c->desk->state;
	pthread_mutex_unlock(&c->desk->lock);
	return state;
}

/* What only reads sees one moment: kinds do not change under its feet. */
static int
run(struct call *c, const struct route *route, struct err *err)
{
	bool reads = strcmp(route->method, "GET") == 0;
	int rc = 0;

	if (reads)
		rc = replica_look(c->r, err);
	if (rc != 0)
		return rc;
	rc = route->handle(c, err);
	if (reads)
		replica_look_end(c->r);
	return rc;
}

static void
add_question(void *arg, const char *name, const char *value)
{
	/* With lengths, so that no two questions are one text. */
	buf_printf(
	    arg, " %zu:%s %zu:%s", strlen(name), name, strlen(value), value);
}

static int
run_kept(struct call *c, const struct route *route, struct err *err)
{
	int64_t state = find_state(c);
	struct buf key = BUF_INIT;
	int rc = 0;

	/* Who asks for no language gets Chinese labels, but English lines. */
	buf_printf(&key, "%s %zu:%s",
	    lang_asks_zh(c) ? "zh"
	    : lang_zh(c)    ? "any"
			    : "en",
	    strlen(c->q->path), c->q->path);
	http_each_query(c->q, add_question, &key);
	if (!shelf_get(c->desk->shelf, &c->p->body, buf_str(&key), state)) {
		rc = run(c, route, err);
		if (rc == 0 && c->p->status == 200)
			shelf_put(
			    c->desk->shelf, &c->p->body, buf_str(&key), state);
	}
	buf_free(&key);
	return rc;
}

static const char *
about(const struct call *c)
{
	return c->arg[0] != NULL ? c->arg[0] : c->about;
}

/* An act of administration: said before it is done, so that none is done of
 * which the log does not say so; and how it ended. */
static int
run_logged(struct call *c, const struct route *route, struct err *err)
{
	const char *login = c->login.user.login;
	struct err why;
	int rc;

	rc = desk_log(c, login, route->path, c->arg[0], "asked", err);
	if (rc != 0)
		return err_within(err, "nothing was done");
	rc = run(c, route, err);
	if (desk_log(c, login, route->path, about(c),
		rc == 0 ? "done" : err->msg, &why) != 0 &&
	    rc == 0) {
		*err = why;
		rc = why.code;
	}
	return rc;
}

/* Numbers of any handler's question: digits, and no more than fit. */
static int
check_counts(const struct call *c, struct err *err)
{
	static const char *const names[] = {"_limit", "_below"};
	const char *s;
	size_t i, n;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		s = http_query(c->q, names[i]);
		n = s == NULL ? 0 : strlen(s);
		if (s != NULL && (n == 0 || n > COUNT_DIGITS ||
				     s[strspn(s, "0123456789")] != '\0'))
			return err_set(err, YZ_EINVAL,
			    "%s is a whole number, not %.40s", names[i], s);
	}
	return 0;
}

static int
serve(struct call *c, const struct route *route, struct err *err)
{
	bool logged = (route->flags & ROUTE_LOGGED) != 0;
	struct err why;
	int rc;

	rc = admit(c, route, err);
	if (rc != 0) {
		if (logged && c->login.user.login[0] != '\0')
			(void)desk_log_refused(c, c->login.user.login,
			    route->path, c->arg[0], err->msg, false, &why);
		return rc;
	}
	rc = read_body(c, route, err);
	if (rc == 0)
		rc = check_counts(c, err);
	if (rc != 0)
		return rc;
	if ((route->flags & ROUTE_KEPT) != 0)
		return run_kept(c, route, err);
	rc = logged ? run_logged(c, route, err) : run(c, route, err);
	if (strcmp(route->method, "GET") != 0) {
		pthread_mutex_lock(&c->desk->lock);
		c->desk->state++;
		pthread_mutex_unlock(&c->desk->lock);
	}
	return rc;
}

static int
answer(struct call *c, struct err *err)
{
	const struct route *route;
	struct seat *seat;
	bool other_method;
	int rc;

	if (strncmp(c->q->path, "/api/", 5) != 0)
		return page_get(c, err);
	c->p->type = "application/json; charset=utf-8";
	http_reply_header(c->p, "Cache-Control", "no-store");
	route = route_find(c->q->method, c->q->path, c->arg, &other_method);
	if (route == NULL) {
		c->p->status = other_method ? 405 : 404;
		return err_set(err, YZ_ENOTFOUND,
		    other_method ? "this path does not take %.16s"
				 : "%.100s is not part of the API",
		    other_method ? c->q->method : c->q->path);
	}
	rc = seat_take(&seat, c->desk, err);
	if (rc != 0)
		return rc;
	c->r = seat->r;
	c->local = seat->local;
	c->seat = seat;
	rc = serve(c, route, err);
	seat_leave(c->desk, seat);
	return rc;
}

bool
desk_admit(void *arg, const struct http_request *q, char **owner)
{
	struct http_reply ignored = {.status = 200};
	struct call c = {.desk = arg, .q = q, .p = &ignored};
	const struct route *route;
	struct seat *seat = NULL;
	bool other, may = false;
	struct err err;
	size_t i;

	route = route_find(q->method, q->path, c.arg, &other);
	if (route != NULL && (route->flags & ROUTE_BYTES) != 0 &&
	    seat_take(&seat, c.desk, &err) == 0) {
		c.r = seat->r;
		c.local = seat->local;
		may = admit(&c, route, &err) == 0;
		if (may)
			*owner = mem_strdup(c.login.user.login);
		seat_leave(c.desk, seat);
	}
	for (i = 0; i < 3; i++)
		free(c.arg[i]);
	return may;
}

void
desk_handle(void *arg, const struct http_request *q, struct http_reply *p)
{
	struct call c = {.desk = arg, .q = q, .p = p};
	struct err err;
	size_t i;
	int rc;

	reply_safety(p, q->tls);
	if (q->fault != 0) {
		http_reply_header(p, "Cache-Control", "no-store");
		rc = reply_fault(p, q->fault, &c.code, &err);
	} else {
		rc = answer(&c, &err);
	}
	if (rc != 0)
		reply_error(p, rc, c.code, lang_asks_zh(&c), &err);
	json_free(c.in);
	for (i = 0; i < 3; i++)
		free(c.arg[i]);
}
