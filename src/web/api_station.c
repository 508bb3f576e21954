/* This station and its neighbours: contact, what waits, what is wrong. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "canon.h"
#include "changeset.h"
#include "desk.h"
#include "enrol.h"
#include "home.h"
#include "lang.h"
#include "local.h"
#include "model/conflict.h"
#include "model/kind.h"
#include "model/record.h"
#include "model/stop.h"
#include "model/waiting.h"
#include "replica.h"
#include "reply.h"
#include "roster.h"
#include "settled.h"

static struct json *
time_or_null(int64_t ms)
{
	char text[CLOCK_LEN];

	if (ms == 0)
		return json_new_null();
	clock_format(text, ms);
	return json_text(text);
}

static const char *
relation(struct call *c, const char *code)
{
	const struct roster *roster = replica_roster(c->r);
	const char *self = replica_home(c->r)->code;
	const struct roster_station *me = roster_find(roster, self);
	const struct roster_station *other = roster_find(roster, code);

	if (me != NULL && strcmp(me->parent, code) == 0)
		return "parent";
	if (other != NULL && strcmp(other->parent, self) == 0)
		return "child";
	return "peer";
}

struct peers {
	struct local_peer *v;
	size_t n;
	struct replica_head *heads;
	size_t n_heads;
	struct local_news *news; /* through any of them */
	size_t n_news;
};

static int
add_news(
    struct peers *out, struct local *local, const char *code, struct err *err)
{
	struct local_news *v = NULL;
	size_t n = 0;
	int rc;

	rc = local_news(local, &v, &n, code, err);
	if (rc == 0 && n > 0) {
		out->news =
		    mem_realloc(out->news, (out->n_news + n) * sizeof(*v));
		memcpy(out->news + out->n_news, v, n * sizeof(*v));
		out->n_news += n;
	}
	free(v);
	return rc;
}

static int
read_peers(struct peers *out, struct call *c, struct err *err)
{
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = local_peers(c->local, &out->v, &out->n, err);
	if (rc == 0)
		rc = replica_heads(c->r, &out->heads, &out->n_heads, err);
	for (i = 0; rc == 0 && i < out->n; i++)
		rc = add_news(out, c->local, out->v[i].code, err);
	return rc;
}

static void
free_peers(struct peers *peers)
{
	free(peers->v);
	free(peers->heads);
	free(peers->news);
}

static int
describe_peer(struct json **out, struct call *c, const struct peers *peers,
    const struct local_peer *p, struct err *err)
{
	const struct roster_station *st =
	    roster_find(replica_roster(c->r), p->code);
	int64_t waiting;
	int rc;

	rc = waiting_count(&waiting, c->r, c->local, peers->heads,
	    peers->n_heads, p->code, NULL, NULL, err);
	if (rc != 0)
		return rc;
	*out = json_new_object();
	json_set(*out, "code", json_text(p->code));
	json_set(*out, "name", json_text(st == NULL ? "" : st->name));
	json_set(*out, "relation", json_text(relation(c, p->code)));
	json_set(*out, "last_contact", time_or_null(p->last_contact));
	json_set(*out, "last_complete", time_or_null(p->last_complete));
	json_set(*out, "offset_ms", json_int(p->offset));
	json_set(*out, "trouble", json_text(p->trouble));
	json_set(
	    *out, "trouble_words", reply_words(p->trouble, lang_asks_zh(c)));
	json_set(*out, "waiting", json_int(waiting));
	return 0;
}

/* --- this station
 * ------------------------------------------------------------------ */

static int
put_counts(struct json *o, struct call *c, struct err *err)
{
	static const struct {
		const char *name, *sql;
	} counts[] = {
	    {"records", "SELECT count(*) FROM _record"},
	    {"conflicts",
		"SELECT count(*) FROM (SELECT 1 FROM _standing GROUP BY rec,"
		" register HAVING count(DISTINCT CASE WHEN register GLOB '@*'"
		" THEN value = 'true' ELSE value END) > 1)"},
	    {"quarantined", "SELECT count(*) FROM _quarantine"},
	    {"chains", "SELECT count(*) FROM _chain WHERE head > 0"},
	    {"changesets", "SELECT coalesce(sum(head), 0) FROM _chain"},
	};
	struct buf missing = BUF_INIT;
	int64_t n;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(counts) / sizeof(counts[0]); i++) {
		rc = db_get_int(&n, replica_db(c->r), err, counts[i].sql, "");
		if (rc == 0)
			json_set(o, counts[i].name, json_int(n));
	}
	if (rc == 0)
		rc = settled_open(&n, desk_local(c), c->r, err);
	if (rc == 0)
		json_set(o, "undecided", json_int(n));
	if (rc == 0)
		rc = blob_missing(c->r, &missing, 1000, err);
	json_set(o, "missing_blobs",
	    json_int((int64_t)missing.len / DIGEST_HEX_LEN));
	buf_free(&missing);
	return rc;
}

/* One that has asked to join and is in no roster: what is read out. */
static void
put_fingerprint(struct json *o, struct call *c)
{
	char fingerprint[SIGN_FINGERPRINT_LEN];
	struct buf request = BUF_INIT;

	enrol_request(&request, replica_home(c->r));
	enrol_fingerprint(fingerprint, request.b, request.len);
	json_set(o, "fingerprint", json_text(fingerprint));
	buf_free(&request);
}

struct stops {
	struct json *list;
	bool zh;
};

static void
put_stop(void *arg, const struct stop *stop)
{
	static const char *const kinds[] = {[STOP_FORK] = "fork",
	    [STOP_ROSTER] = "roster",
	    [STOP_RESTORED] = "restored",
	    [STOP_COPY] = "copy",
	    [STOP_SILENT] = "silent",
	    [STOP_UNPINNED] = "unpinned"};
	struct stops *stops = arg;
	struct json *one = json_new_object();

	json_set(one, "what", json_text(kinds[stop->kind]));
	json_set(one, "about", json_text(stop->about));
	json_set(one, "at", json_int(stop->at));
	json_set(one, "a", json_text(stop->a));
	json_set(one, "b", json_text(stop->b));
	json_set(one, "writer", json_text(stop->writer));
	json_set(one, "decides", json_text(stop->decides));
	json_set(one, "why", reply_words(stop->why, stops->zh));
	json_set(one, "through", json_text(stop->through));
	json_set(one, "usual", json_int(stop->usual));
	json_set(one, "last", time_or_null(stop->last));
	json_add(stops->list, one);
}

DESK_HANDLER(api_station)
{
	const struct home *home = replica_home(c->r);
	const struct roster_station *me =
	    roster_find(replica_roster(c->r), home->code);
	struct json *o = json_new_object(), *list = json_new_array(), *one;
	struct stops stops = {json_new_array(), lang_asks_zh(c)};
	struct peers peers;
	size_t i;
	int rc;

	json_set(o, "code", json_text(home->code));
	json_set(o, "name", json_text(me == NULL ? "" : me->name));
	json_set(o, "inc", json_text(home->inc));
	json_set(o, "parent", json_text(me == NULL ? "" : me->parent));
	json_set(o, "time", time_or_null(clock_wall()));
	if (me == NULL)
		put_fingerprint(o, c);
	json_set(o, "peers", list);
	json_set(o, "stops", stops.list);
	rc = read_peers(&peers, c, err);
	if (rc == 0)
		rc = stop_each(c->r, c->local, put_stop, &stops, err);
	for (i = 0; rc == 0 && i < peers.n; i++) {
		rc = describe_peer(&one, c, &peers, &peers.v[i], err);
		if (rc == 0)
			json_add(list, one);
	}
	if (rc == 0)
		rc = put_counts(o, c, err);
	if (rc == 0)
		json_write(&c->p->body, o, 0);
	free_peers(&peers);
	json_free(o);
	return rc;
}

/* When something new of a station last came, by whatever way, and how many
 * contacts since brought nothing. */
static void
put_news(struct json *one, const struct peers *peers, const char *code)
{
	const struct local_news *best = NULL;
	size_t i;

	for (i = 0; i < peers->n_news; i++)
		if (strcmp(peers->news[i].writer, code) == 0 &&
		    (best == NULL || peers->news[i].last > best->last))
			best = &peers->news[i];
	json_set(one, "news", time_or_null(best == NULL ? 0 : best->last));
	json_set(one, "quiet", json_int(best == NULL ? 0 : best->contacts));
}

/* When it last wrote, by its own clock, of what is held here: there ends what
 * we know of it, whoever has brought it. */
static int
put_written(struct json *one, struct call *c, const char *code, struct err *err)
{
	int64_t written;
	int rc;

	rc = db_get_int(&written, replica_db(c->r), err,
	    "SELECT coalesce(max(s.time + s.offset), 0) FROM _chain AS h"
	    " JOIN _changeset AS s ON s.chain = h.no AND s.seq = h.head"
	    " WHERE h.name > ?1 || '-' AND h.name < ?1 || '.'",
	    "s", code);
	if (rc == 0)
		json_set(one, "written", time_or_null(written));
	return rc;
}

DESK_HANDLER(api_stations)
{
	const struct roster *roster = replica_roster(c->r);
	struct json *o = json_new_object(), *list = json_new_array();
	struct json *one, *peer;
	struct peers peers;
	size_t i, j;
	int rc;

	json_set(o, "stations", list);
	rc = read_peers(&peers, c, err);
	for (i = 0; rc == 0 && i < roster_count(roster); i++) {
		const struct roster_station *st = roster_at(roster, i);

		one = json_new_object();
		json_add(list, one);
		json_set(one, "code", json_text(st->code));
		json_set(one, "name", json_text(st->name));
		json_set(one, "parent", json_text(st->parent));
		json_set(one, "keys", json_int((int64_t)st->n_keys));
		put_news(one, &peers, st->code);
		rc = put_written(one, c, st->code, err);
		peer = NULL;
		for (j = 0; rc == 0 && j < peers.n; j++)
			if (strcmp(peers.v[j].code, st->code) == 0)
				rc = describe_peer(
				    &peer, c, &peers, &peers.v[j], err);
		json_set(one, "peer", peer == NULL ? json_new_null() : peer);
	}
	if (rc == 0)
		json_write(&c->p->body, o, 0);
	free_peers(&peers);
	json_free(o);
	return rc;
}

/* --- what is wrong
 * ------------------------------------------------------------------- */

#define PAGE 100
#define PAGE_MAX 500

static int64_t
ask_page(struct call *c)
{
	const char *s = http_query(c->q, "_limit");
	long long n = s == NULL ? PAGE : strtoll(s, NULL, 10);

	return n < 1 ? 1 : n > PAGE_MAX ? PAGE_MAX : n;
}

#define PAGE_FULL 1 /* returned to end a list */

struct conflicts {
	struct call *c;
	char *at; /* "KIND ID REGISTER" being written, NULL: none yet */
	int64_t n, limit;
};

static void
put_member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, ",\"%s\":", name);
	canon_put_text(out, text, strlen(text));
}

static int
begin_conflict(
    struct conflicts *f, const struct conflict_value *v, struct err *err)
{
	struct buf *out = &f->c->p->body, title = BUF_INIT;
	const struct kind *kind = schema_kind(replica_schema(f->c->r), v->kind);
	const struct field *field =
	    kind == NULL ? NULL : schema_field(kind, v->reg, strlen(v->reg));
	int rc;

	rc = record_title(&title, f->c->r, v->kind, v->id, err);
	buf_printf(out, "%s{\"kind\":\"%s\",\"id\":\"%s\"",
	    f->at == NULL ? "" : "]},", v->kind, v->id);
	put_member(out, "title", buf_str(&title));
	put_member(out, "register", v->reg);
	put_member(out, "label_zh", field == NULL ? v->reg : field->label_zh);
	put_member(out, "label_en", field == NULL ? v->reg : field->label_en);
	buf_puts(out, ",\"values\":[");
	buf_free(&title);
	return rc;
}

static int
put_conflict(void *arg, const struct conflict_value *v, struct err *err)
{
	struct conflicts *f = arg;
	struct buf *out = &f->c->p->body;
	char *at = mem_printf("%s %s %s", v->kind, v->id, v->reg);
	char when[CLOCK_LEN];
	int rc = 0;

	if (f->at != NULL && strcmp(at, f->at) == 0)
		buf_putc(out, ',');
	else if (f->n++ == f->limit)
		rc = PAGE_FULL;
	else
		rc = begin_conflict(f, v, err);
	if (rc != 0) {
		free(at);
		return rc;
	}
	free(f->at);
	f->at = at;
	clock_format(when, v->time);
	buf_printf(out, "{\"value\":%s,\"shown\":%s,\"station\":\"%s\"",
	    v->value, v->shown ? "true" : "false", v->writer);
	put_member(out, "author", v->author);
	put_member(out, "time", when);
	put_member(out, "changeset", v->changeset);
	buf_putc(out, '}');
	return rc;
}

/* Where a page goes on: KIND ID REGISTER, as it ended. */
static int
ask_conflict(struct conflict_place *out, char *copy, struct err *err)
{
	char *id, *reg;

	out->kind = out->id = out->reg = NULL;
	if (copy == NULL)
		return 0;
	id = strchr(copy, ' ');
	reg = id == NULL ? NULL : strchr(id + 1, ' ');
	if (reg == NULL)
		return err_set(err, YZ_EINVAL,
		    "_after is what next of the page before said");
	*id++ = *reg++ = '\0';
	out->kind = copy;
	out->id = id;
	out->reg = reg;
	return 0;
}

DESK_HANDLER(api_conflicts)
{
	const char *after = http_query(c->q, "_after");
	char *copy = after == NULL ? NULL : mem_strdup(after);
	struct conflicts f = {c, NULL, 0, ask_page(c)};
	struct conflict_place place;
	int rc;

	buf_puts(&c->p->body, "{\"conflicts\":[");
	rc = ask_conflict(&place, copy, err);
	if (rc == 0)
		rc = conflict_list_after(c->r, &place, put_conflict, &f, err);
	buf_puts(&c->p->body, f.at == NULL ? "]" : "]}]");
	buf_puts(&c->p->body, ",\"next\":");
	if (rc == PAGE_FULL && f.at != NULL)
		canon_put_text(&c->p->body, f.at, strlen(f.at));
	else
		buf_puts(&c->p->body, "null");
	buf_putc(&c->p->body, '}');
	free(f.at);
	free(copy);
	return rc < 0 ? rc : 0;
}
