#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "chain.h"
#include "model/vocabulary.h"
#include "setup.h"
#include "setup_station.h"
#include "web/desk.h"
#include "web/guard.h"
#include "web/http.h"
#include "web/lang.h"
#include "web/reply.h"
#include "web/setup_code.h"

struct setup {
	char *home, *exe, *station;
	struct setup_code *code;
	pthread_mutex_t work; /* one does something at a time */
	struct http *http;
};

struct step { /* a request of somebody who knows the code */
	struct setup *s;
	const struct http_request *q;
	struct http_reply *p;
	struct setup_station station;
	struct json *in; /* the body; never NULL */
};

bool
setup_is_wanted(const char *home)
{
	char *station = mem_printf("%s/station", home);
	struct stat st;
	bool yes;

	yes = stat(home, &st) == 0 && S_ISDIR(st.st_mode) &&
	      !file_exists(station);
	free(station);
	return yes;
}

static const char *
member(const struct step *step, const char *name)
{
	const char *text = json_get_text(step->in, name);

	return text == NULL ? "" : text;
}

/* --- what can be asked -----------------------------------------------------
 */

static int
get_about(struct step *step, struct err *err)
{
	struct json *o = json_new_object();
	int rc;

	json_set(o, "home", json_text(step->s->home));
	rc = setup_station_about(o, &step->station, err);
	if (rc == 0)
		json_write(&step->p->body, o, 0);
	json_free(o);
	return rc;
}

static int
get_division(struct step *step, struct err *err)
{
	const char *code = http_query(step->q, "code");
	struct json *o = json_new_object();
	struct buf name = BUF_INIT;
	int rc;

	if (code == NULL || !chain_is_code(code, strlen(code)))
		rc = err_set(err, YZ_EINVAL, "a station's code has six digits");
	else
		rc = vocabulary_division(&name, NULL, code, err);
	json_set(o, "name", json_text(buf_str(&name)));
	if (rc == 0)
		json_write(&step->p->body, o, 0);
	json_free(o);
	buf_free(&name);
	return rc;
}

static int
post_station(struct step *step, struct err *err)
{
	const char *how = member(step, "how");
	const char *text = member(step, "invitation");
	int rc;

	if (strcmp(how, "found") == 0)
		rc = setup_station_found(&step->station, member(step, "code"),
		    member(step, "name"), member(step, "person"), err);
	else if (strcmp(how, "join") == 0)
		rc =
		    setup_station_join(&step->station, text, strlen(text), err);
	else
		rc = err_set(err, YZ_EINVAL,
		    "a station is the first of a tree, or it joins one");
	return rc != 0 ? rc : get_about(step, err);
}

static int
post_finish(struct step *step, struct err *err)
{
	const struct json *list = json_get(step->in, "accounts"), *one;
	static const char *const names[] = {
	    "role", "login", "name", "password"};
	struct setup_account a[SETUP_ACCOUNTS];
	const char *text[4];
	size_t i, k;
	int rc;

	if (json_length(list) != SETUP_ACCOUNTS)
		return err_set(
		    err, YZ_EINVAL, "the three powers want an account each");
	for (i = 0; i < SETUP_ACCOUNTS; i++) {
		one = json_at(list, i);
		for (k = 0; k < 4; k++) {
			text[k] = json_get_text(one, names[k]);
			if (text[k] == NULL)
				return err_set(err, YZ_EINVAL,
				    "the three powers want an account each");
		}
		a[i].role = text[0];
		a[i].login = text[1];
		a[i].name = text[2];
		a[i].password = text[3];
	}
	rc = setup_station_finish(
	    &step->station, a, member(step, "check"), step->q->peer, err);
	if (rc == 0)
		buf_puts(&step->p->body, "{}");
	return rc;
}

static int
drop(struct step *step, struct err *err)
{
	int rc = setup_station_drop(step->s->home, err);

	if (rc == 0)
		buf_puts(&step->p->body, "{}");
	return rc;
}

static const struct {
	const char *method, *path;
	int (*handle)(struct step *step, struct err *err);
} routes[] = {
    {"GET", "/api/setup", get_about},
    {"GET", "/api/setup/division", get_division},
    {"POST", "/api/setup/station", post_station},
    {"POST", "/api/setup/finish", post_finish},
    {"DELETE", "/api/setup", drop},
};

/* --- answering ----------------------------------------------------------- */

/* From here, and with the code. */
static int
admit(struct step *step, struct err *err)
{
	const char *code = http_header(step->q, "X-Yizhan-Setup");
	int rc;

	rc = guard_origin(step->q, err);
	if (rc != 0)
		return rc;
	if (code == NULL) {
		step->p->status = 401;
		return err_set(err, YZ_EDENIED,
		    "the set-up code is wanted: yizhan setup-code");
	}
	return setup_code_check(step->s->code, step->s->home, code,
	    step->q->peer, clock_mono(), err);
}

static int
serve(struct step *step, struct err *err)
{
	struct setup *s = step->s;
	const struct http_request *q = step->q;
	size_t i, n = sizeof(routes) / sizeof(routes[0]);
	int rc;

	for (i = 0; i < n; i++)
		if (strcmp(routes[i].method, q->method) == 0 &&
		    strcmp(routes[i].path, q->path) == 0)
			break;
	if (i == n) {
		step->p->status = 503;
		return err_set(err, YZ_EIO, "this machine is not set up yet");
	}
	rc = admit(step, err);
	if (rc != 0)
		return rc;
	if (q->body.len > 0)
		rc = json_parse_object(
		    &step->in, (const char *)q->body.b, q->body.len, err);
	else
		step->in = json_new_object();
	if (rc != 0)
		return rc;
	if (pthread_mutex_trylock(&s->work) != 0)
		return err_set(err, YZ_ECONFLICT,
		    "a step of the set-up is under way: wait for its end");
	rc = setup_is_over(s) ? err_set(err, YZ_ENOTFOUND, "the set-up is over")
			      : routes[i].handle(step, err);
	pthread_mutex_unlock(&s->work);
	return rc;
}

static void
handle(void *arg, const struct http_request *q, struct http_reply *p)
{
	struct call call = {.q = q, .p = p};
	struct step step = {.s = arg, .q = q, .p = p};
	const char *special = NULL;
	struct err err;
	int rc;

	step.station.home = step.s->home;
	step.station.exe = step.s->exe;
	step.station.zh = lang_zh(&call);
	reply_safety(p, q->tls);
	if (q->fault != 0) {
		rc = reply_fault(p, q->fault, &special, &err);
	} else if (strncmp(q->path, "/api/", 5) != 0) {
		rc = page_get(&call, &err);
	} else {
		p->type = "application/json; charset=utf-8";
		http_reply_header(p, "Cache-Control", "no-store");
		rc = serve(&step, &err);
		if (p->status == 503)
			special = "setup";
	}
	if (rc != 0)
		reply_error(p, rc, special, lang_asks_zh(&call), &err);
	json_free(step.in);
}

static bool
admit_nothing(void *arg, const struct http_request *q, char **owner)
{
	(void)arg;
	(void)q;
	(void)owner;
	return false; /* nothing long is sent here */
}

int
setup_start(struct setup **out, const char *home, const char *exe,
    const struct http_options *http, struct err *err)
{
	struct setup *s = mem_calloc(1, sizeof(*s));
	struct http_options options = *http;
	char code[SETUP_CODE_LEN + 1];
	int rc;

	s->home = mem_strdup(home);
	s->exe = mem_strdup(exe);
	s->station = mem_printf("%s/station", home);
	s->code = setup_code_new();
	pthread_mutex_init(&s->work, NULL);
	options.handle = handle;
	options.admit = admit_nothing;
	options.arg = s;
	rc = setup_code_get(code, home, err);
	explicit_bzero(code, sizeof(code));
	if (rc == 0)
		rc = http_start(&s->http, &options, err);
	if (rc == 0)
		*out = s;
	else
		setup_stop(s);
	return rc;
}

uint16_t
setup_port(const struct setup *s)
{
	return http_port(s->http);
}

bool
setup_is_over(const struct setup *s)
{
	return file_exists(s->station);
}

void
setup_stop(struct setup *s)
{
	if (s == NULL)
		return;
	http_stop(s->http);
	setup_code_free(s->code);
	pthread_mutex_destroy(&s->work);
	free(s->home);
	free(s->exe);
	free(s->station);
	free(s);
}
