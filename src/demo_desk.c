/* The last step: a console on every station, asked as a browser asks. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "demo.h"

#define ARRIVE_MS 60000

static const struct {
	const char *login, *name, *role;
} people[] = {
    {"duty1", "值班员甲", "officer"},
    {"editor1", "资料员乙", "editor"},
    {"sys1", "系统管理员", "system"},
    {"sec1", "安全管理员", "security"},
    {"aud1", "审计管理员", "audit"},
};

#define N_PEOPLE (sizeof(people) / sizeof(people[0]))

/* Accounts of this demonstration; those of an earlier run are there. */
static bool
make_accounts(struct demo *d, int station)
{
	static const char script[] =
	    "printf '%s\\n' \"$1\" | \"$0\" -C \"$2\" user add \"$3\""
	    " --name \"$4\" --role \"$5\"";
	size_t i;

	if (demo_run(d, station, "user", "list", NULL) != CMD_DONE)
		return false;
	if (strstr(buf_str(&d->out), people[0].login) != NULL)
		return true;
	for (i = 0; i < N_PEOPLE; i++)
		if (demo_tool(d, "/bin/sh", "-c", script, d->cmd->exe,
			DEMO_PASSWORD, d->st[station].home, people[i].login,
			people[i].name, people[i].role, NULL) != CMD_DONE)
			return false;
	return true;
}

static char *
port_file(const struct demo *d, int station)
{
	return mem_printf("%s/console.port", d->st[station].home);
}

/* On the port of last time, so that a page's address stays good. */
static int
start(struct demo *d, int station, struct err *err)
{
	struct demo_console *c = &d->st[station].console;
	char *path = port_file(d, station);
	struct buf text = BUF_INIT;
	struct err absent;
	int rc;

	(void)file_read(&text, path, 32, &absent);
	c->port = atoi(buf_str(&text));
	rc = demo_console_start(c, d->cmd->exe, d->st[station].home, err);
	if (rc == 0) {
		buf_clear(&text);
		buf_printf(&text, "%d\n", c->port);
		rc = file_write(path, text.b, text.len, 0600, err);
	}
	buf_free(&text);
	free(path);
	return rc;
}

/* The page, and behind it the station that it should be. */
static bool
is_the_station(struct demo *d, int station, struct err *err)
{
	struct demo_console *c = &d->st[station].console;
	struct json *o = NULL;
	bool good;

	good = demo_console_ask(c, NULL, "GET", "/", NULL, NULL, err) == 200 &&
	       demo_console_login(c, people[0].login, err) &&
	       demo_console_ask(
		   c, &o, "GET", "/api/station", NULL, NULL, err) == 200 &&
	       json_get_text(o, "code") != NULL &&
	       strcmp(json_get_text(o, "code"), d->st[station].code) == 0;
	json_free(o);
	return good;
}

/* What a check that did not hold has to say. */
static void
complain(struct demo *d, const struct err *err)
{
	buf_clear(&d->err);
	buf_puts(&d->err, cmd_words(err->msg));
}

bool
demo_consoles(struct demo *d)
{
	struct err err = {0};
	int i;

	for (i = 0; i < DEMO_STATIONS; i++) {
		const struct demo_station *st = &d->st[i];
		bool good = make_accounts(d, i);

		if (good) {
			good = start(d, i, &err) == 0 &&
			       is_the_station(d, i, &err);
			complain(d, &err);
		}
		if (!demo_check(d, good,
			_("%s %s has a console, which lets the duty officer "
			  "in"),
			st->code, st->name))
			return false;
	}
	return true;
}

/* The record's status as a station's console gives it. */
static bool
shows(struct demo *d, int station, const char *path, const char *status,
    char etag[DEMO_ETAG_MAX], struct err *err)
{
	struct json *o = NULL;
	const char *s = NULL, *tag;

	if (demo_console_ask(&d->st[station].console, &o, "GET", path, NULL,
		NULL, err) == 200) {
		s = json_get_text(json_get(o, "values"), "status");
		tag = json_get_text(o, "etag");
		if (etag != NULL)
			snprintf(
			    etag, DEMO_ETAG_MAX, "%s", tag == NULL ? "" : tag);
		s = s != NULL && strcmp(s, status) == 0 ? status : NULL;
	}
	json_free(o);
	return s != NULL;
}

/* The daemons keep the line themselves: nobody syncs. */
static bool
travels(struct demo *d, struct err *err)
{
	static const struct timespec pause = {0, 50000000};
	char *path = mem_printf("/api/records/resource/%s", d->team);
	char etag[DEMO_ETAG_MAX] = "", body[64];
	const char *to;
	int64_t began = clock_mono();
	bool good;

	to = shows(d, COUNTY, path, "ready", etag, err) ? "busy" : "ready";
	snprintf(body, sizeof(body), "{\"set\":{\"status\":\"%s\"}}", to);
	good = demo_console_ask(&d->st[COUNTY].console, NULL, "PATCH", path,
		   etag, body, err) == 200;
	while (good && !shows(d, PROVINCE, path, to, NULL, err)) {
		good = !demo_stopped() && clock_mono() - began < ARRIVE_MS;
		nanosleep(&pause, NULL);
	}
	free(path);
	if (good)
		demo_say(_("%lld ms after the click, over two lines"),
		    (long long)(clock_mono() - began));
	return good;
}

bool
demo_step_consoles(struct demo *d)
{
	struct err err = {0};
	bool good;

	if (!demo_consoles(d))
		return false;
	good = travels(d, &err);
	complain(d, &err);
	return demo_check(d, good,
	    _("what is clicked at the county's console shows at the "
	      "province's"));
}

void
demo_print_consoles(const struct demo *d)
{
	size_t i;
	int s;

	printf(_("\nconsoles, to be opened in a browser:\n"));
	for (s = 0; s < DEMO_STATIONS; s++)
		printf("  http://127.0.0.1:%d/  %s %s\n", d->st[s].console.port,
		    d->st[s].code, d->st[s].name);
	printf(_("demonstration logins, all with the password %s:\n"),
	    DEMO_PASSWORD);
	for (i = 0; i < N_PEOPLE; i++)
		printf("  %-8s %s\n", people[i].login, people[i].name);
}
