/* The beginning: stations, the register, and everyone knows everything that
 * it may know. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "demo.h"
#include "model/data.h"
#include "model/register.h"
#include "replica.h"

#define SEED 1
#define CATEGORIES 19
#define DATABASE_MAX (256u << 20)

static int
lines(struct buf *text)
{
	const char *s = buf_str(text);
	int n = 0;

	for (; (s = strchr(s, '\n')) != NULL; s++)
		n++;
	return n;
}

/* --- founding and joining --------------------------------------------------
 */

/* Rows of the table of divisions, counted without the program's help. */
static int
divisions_in_file(struct err *err)
{
	struct data_table *t;
	int rc, n = 0;

	if (data_open(&t, "divisions/guizhou-divisions.tsv", err) != 0)
		return -1;
	while ((rc = data_row(t, err)) == 1)
		n++;
	data_close(t);
	return rc == 0 ? n : -1;
}

static bool
found_top(struct demo *d)
{
	const struct demo_station *st = &d->st[PROVINCE];
	struct err err = {0};
	int want, got;

	if (demo_run(d, PROVINCE, "init", st->code, "--top", NULL) != CMD_DONE)
		return demo_check(
		    d, false, _("%s %s founded"), st->code, st->name);
	want = divisions_in_file(&err);
	(void)demo_run(
	    d, PROVINCE, "list", "code", "list=division", "--json", NULL);
	got = lines(&d->out);
	return demo_check(d, got == want,
	    _("%s %s founded, with %d divisions down to the village"), st->code,
	    st->name, got);
}

static bool
open_line(struct demo *d, int station)
{
	const struct demo_station *st = &d->st[station];
	struct err err = {0};

	if (demo_line_open(d, station, &err) != 0) {
		buf_clear(&d->err);
		buf_puts(&d->err, cmd_words(err.msg));
		return demo_check(
		    d, false, _("%s %s has an sshd"), st->code, st->name);
	}
	return true;
}

/* Does the parent's roster give the child the key that the child says is its
 * own? */
static bool
roster_names(struct demo *d, int station)
{
	const struct demo_station *st = &d->st[station];
	char key[128] = "", *want;
	const char *s;
	bool good;

	if (demo_run(d, station, "keys", NULL) == CMD_DONE) {
		s = strstr(buf_str(&d->out), "ssh-ed25519 ");
		if (s != NULL)
			snprintf(key, sizeof(key), "%.*s",
			    (int)strcspn(s + 12, " \n"), s + 12);
	}
	(void)demo_run(d, st->parent, "roster", "--allowed-signers", NULL);
	want = mem_printf("%s@yizhan.invalid ", st->code);
	s = strstr(buf_str(&d->out), want);
	free(want);
	good = s != NULL && key[0] != '\0' && strstr(s, key) != NULL &&
	       strchr(s, '\n') > strstr(s, key);
	return good;
}

static bool
join(struct demo *d, int station)
{
	const struct demo_station *st = &d->st[station];
	const struct demo_station *up = &d->st[st->parent];
	char *file = mem_printf("%s/invitation-%s.json", d->dir, st->code);
	char *key = demo_sshd_file(&up->sshd, "host_key.pub");
	char *at = mem_printf("127.0.0.1:%d", up->sshd.port);
	struct err err = {0};
	bool good;

	good = demo_run(d, st->parent, "invite", st->code, "--address", at,
		   "--host-key", key, "--auto", "-o", file, NULL) == CMD_DONE &&
	       demo_line_keys(d, st->parent, &err) == 0 &&
	       demo_run(d, station, "join", file, NULL) == CMD_DONE &&
	       demo_line_keys(d, st->parent, &err) == 0 &&
	       roster_names(d, station) && demo_sync(d, station);
	free(file);
	free(key);
	free(at);
	return demo_check(d, good,
	    _("%s %s joined %s over SSH, port %d; the roster has its key"),
	    st->code, st->name, up->name, up->sshd.port);
}

bool
demo_step_found(struct demo *d)
{
	return found_top(d) && open_line(d, PROVINCE) && join(d, CITY) &&
	       open_line(d, CITY) && join(d, COUNTY) && join(d, SIBLING);
}

/* --- the register ------------------------------------------------------------
 */

static bool
fill_one(struct demo *d, int station, size_t *points)
{
	const struct demo_station *st = &d->st[station];
	struct cmd cmd = {.home = st->home,
	    .name = d->cmd->name,
	    .exe = d->cmd->exe,
	    .who = d->cmd->who};
	struct register_order order = {
	    st->code, (size_t)st->share, SEED, _("demonstration"), "demo"};
	struct err err = {0};
	struct replica *r;
	int rc;

	rc = cmd_open(&r, &cmd, &err);
	if (rc == 0) {
		rc = register_villages(r, &order, &err);
		if (rc == 0 && station == PROVINCE)
			rc = register_points(r, &order, points, &err);
		rc = cmd_close(r, rc, &err);
	}
	if (rc != 0) {
		buf_clear(&d->err);
		buf_puts(&d->err, cmd_words(err.msg));
		return demo_check(
		    d, false, _("the register of %s %s"), st->code, st->name);
	}
	return true;
}

struct tally {
	int records, categories, unmarked;
	bool seen[100];
};

/* Of what "list resource --json" printed. */
static void
count_resources(struct tally *t, struct demo *d)
{
	char *line, *save = NULL;
	const char *rkind;
	struct json *o;
	struct err err;

	memset(t, 0, sizeof(*t));
	for (line = strtok_r(buf_str(&d->out), "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (json_parse(&o, line, strlen(line), &err) != 0)
			continue;
		t->records++;
		if (strstr(line, "\"exercise\":true") == NULL)
			t->unmarked++;
		rkind = json_get_text(o, "rkind");
		if (rkind != NULL && rkind[0] == 'R') {
			bool *seen = &t->seen[atoi(rkind + 1) % 100];

			t->categories += !*seen;
			*seen = true;
		}
		json_free(o);
	}
}

static bool
fill_all(struct demo *d, size_t *points)
{
	int i;

	*points = 0;
	for (i = 0; i < DEMO_STATIONS; i++)
		if (!fill_one(d, i, points))
			return false;
	return true;
}

/* What each county has of the other streams. */
static bool
fill_county(struct demo *d, int station, char hazard[RECORD_ID_LEN + 1],
    char contact[RECORD_ID_LEN + 1])
{
	const char *code = d->st[station].code;
	char *no = mem_printf("%s-YH-001", code);
	char *org_name = mem_printf("%s应急管理局", d->st[station].name);
	char org[RECORD_ID_LEN + 1], notice[RECORD_ID_LEN + 1], *v[2];
	bool good;

	v[0] = mem_printf("name=%s", org_name);
	good = demo_add(
	    d, org, station, "org", v[0], "otype=em", "exercise=true", NULL);
	free(v[0]);
	v[0] = mem_printf("org=%s", org);
	good = good &&
	       demo_add(d, contact, station, "contact", "name=演示员", v[0],
		   "post=值班员", "mobile=13800000000", "exercise=true", NULL);
	free(v[0]);
	v[0] = mem_printf("hazard_no=%s", no);
	v[1] = mem_printf("found_by=%s", contact);
	good = good &&
	       demo_add(d, hazard, station, "hazard", v[0], v[1],
		   "found_at=2026-06-01T09:00", "source=grid", "grade=major",
		   "content=边坡出现裂缝", "state=registered", "exercise=true",
		   NULL) &&
	       demo_add(d, notice, station, "notice", "title=汛期值守提醒",
		   "body=今夜有大雨", "channels=system", "exercise=true", NULL);
	free(v[0]);
	free(v[1]);
	free(no);
	free(org_name);
	return good;
}

static bool
make_records(struct demo *d)
{
	char hazard[RECORD_ID_LEN + 1], contact[RECORD_ID_LEN + 1];
	struct tally t;
	size_t points;

	if (!fill_all(d, &points))
		return false;
	if (!fill_county(d, SIBLING, hazard, contact) ||
	    !fill_county(d, COUNTY, d->hazard, d->contact) ||
	    !demo_add(d, d->team, COUNTY, "resource.team",
		"name=红花岗区消防救援大队", "rkind=R01", "level=county",
		"persons=32", "status=ready", "exercise=true", NULL))
		return demo_check(d, false, _("the counties' records"));
	if (!demo_sync_all(d, true))
		return demo_check(d, false, _("the first sync"));
	if (demo_run(d, PROVINCE, "list", "resource", "--json", NULL) != 0)
		return demo_check(d, false, _("the register is read"));
	count_resources(&t, d);
	if (!demo_check(d, t.records == DEMO_RECORDS + (int)points + 1,
		_("%s lists %d resources: %d at real villages, %zu real "
		  "points, a team"),
		d->st[PROVINCE].name, t.records, DEMO_RECORDS, points))
		return false;
	return demo_check(d, t.categories == CATEGORIES && t.unmarked == 0,
	    _("in %d categories, all of them marked as demonstration data"),
	    t.categories);
}

/* --- who knows what ----------------------------------------------------------
 */

/* Do these stations print the same digest? */
static bool
agree(struct demo *d, const int *who, int n, const char *what,
    const char *which, char first[DEMO_DIGEST_MAX])
{
	char next[DEMO_DIGEST_MAX];
	int i;

	demo_digest(d, first, who[0], what, which);
	for (i = 1; first[0] != '\0' && i < n; i++) {
		demo_digest(d, next, who[i], what, which);
		if (strcmp(first, next) != 0)
			return false;
	}
	return first[0] != '\0';
}

bool
demo_converged(struct demo *d)
{
	static const int all[] = {PROVINCE, CITY, COUNTY, SIBLING};
	static const int county[] = {PROVINCE, CITY, COUNTY};
	static const int sibling[] = {PROVINCE, CITY, SIBLING};
	char roster[DEMO_DIGEST_MAX], text[DEMO_DIGEST_MAX];
	char a[DEMO_DIGEST_MAX], b[DEMO_DIGEST_MAX];
	int records = 0;
	char hex[13] = "";
	bool good;

	good = agree(d, all, 4, "--stream", "roster", roster) &&
	       agree(d, all, 4, "--stream", "resource", text) &&
	       sscanf(text, "resource %d %12s", &records, hex) == 2;
	if (!demo_check(d, good,
		_("all four agree on roster and resource: %d records, digest "
		  "%s"),
		records, hex))
		return false;
	/* An empty stream would agree too: there is something in each. */
	good = agree(d, county, 3, "--owner", d->st[COUNTY].code, a) &&
	       agree(d, sibling, 3, "--owner", d->st[SIBLING].code, b) &&
	       strstr(a, "command 0") == NULL &&
	       strstr(a, "personal 0") == NULL &&
	       strstr(a, "oversight 0") == NULL;
	return demo_check(d, good,
	    _("a county's command, personal, oversight: it, %s, %s agree"),
	    d->st[CITY].name, d->st[PROVINCE].name);
}

/* Is text anywhere in the bytes of the station's database? */
static bool
database_holds(struct demo *d, int station, const char *text)
{
	static const char *const files[] = {"yizhan.db", "yizhan.db-wal"};
	struct buf bytes = BUF_INIT;
	bool found = false;
	struct err err;
	char *path;
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		path = mem_printf("%s/%s", d->st[station].home, files[i]);
		buf_clear(&bytes);
		if (file_read(&bytes, path, DATABASE_MAX, &err) == 0)
			found = found || memmem(bytes.b, bytes.len, text,
					     strlen(text)) != NULL;
		free(path);
	}
	buf_free(&bytes);
	return found;
}

/* Is a chain about the county's records in the sibling's ledger? */
static bool
ledger_holds(struct demo *d, enum stream stream)
{
	char *repo = mem_printf(
	    "%s/ledger/%s.git", d->st[SIBLING].home, stream_name(stream));
	char *want = mem_printf("/%s\n", d->st[COUNTY].code);
	bool found;

	found = file_exists(repo) &&
		(demo_tool(d, "git", "-C", repo, "for-each-ref",
		     "--format=%(refname)", NULL) != 0 ||
		    strstr(buf_str(&d->out), want) != NULL);
	free(repo);
	free(want);
	return found;
}

bool
demo_kept_from_sibling(struct demo *d)
{
	char text[DEMO_DIGEST_MAX];
	bool none;

	demo_digest(d, text, SIBLING, "--owner", d->st[COUNTY].code);
	none = strstr(text, "command 0 ") != NULL &&
	       strstr(text, "personal 0 ") != NULL &&
	       strstr(text, "oversight 0 ") != NULL &&
	       !ledger_holds(d, STREAM_COMMAND) &&
	       !ledger_holds(d, STREAM_PERSONAL) &&
	       !ledger_holds(d, STREAM_OVERSIGHT);
	return demo_check(d,
	    none && database_holds(d, COUNTY, d->hazard) &&
		!database_holds(d, SIBLING, d->hazard),
	    _("%s has no record, no ref, no byte of those of %s"),
	    d->st[SIBLING].name, d->st[COUNTY].name);
}

bool
demo_step_first(struct demo *d)
{
	return make_records(d) && demo_converged(d) &&
	       demo_kept_from_sibling(d);
}
