/* Records, read: a page of a list, one, search, what is near. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "canon.h"
#include "desk.h"
#include "home.h"
#include "lang.h"
#include "local.h"
#include "model/conflict.h"
#include "model/near.h"
#include "model/record.h"
#include "model/search.h"
#include "rec.h"
#include "replica.h"
#include "roster.h"
#include "stand.h"

#define LIMIT_DEFAULT 50
#define PAGE_MAX 500
#define FILTERS_MAX 32
#define COUNT_MAX 1000    /* found records are counted up to here */
#define RECORD_USUAL 1500 /* bytes of one in an answer, mostly */

/* --- lists
 * --------------------------------------------------------------------- */

struct page {
	struct call *c;
	int64_t limit, n;
	char last[RECORD_ID_LEN + 1];
	bool more;
};

static int
put_one(void *arg, const struct record *rec, double metres, struct err *err)
{
	struct page *page = arg;

	if (page->n == page->limit) {
		page->more = true;
		return 0;
	}
	if (page->n++ > 0)
		buf_putc(&page->c->p->body, ',');
	memcpy(page->last, rec->id, sizeof(page->last));
	return rec_put(&page->c->p->body, page->c->r, rec, metres,
	    lang_zh(page->c), false, err);
}

static int
put_record(void *arg, const struct record *rec, struct err *err)
{
	return put_one(arg, rec, -1, err);
}

static int64_t
ask_limit(struct call *c)
{
	const char *s = http_query(c->q, "_limit");
	int64_t n = s == NULL ? LIMIT_DEFAULT : strtoll(s, NULL, 10);

	return n < 1 ? 1 : n > PAGE_MAX ? PAGE_MAX : n;
}

struct filters {
	struct record_filter v[FILTERS_MAX];
	size_t n;
	bool many;
	const char *const *own; /* what the question itself is called by */
};

static void
add_filter(void *arg, const char *name, const char *value)
{
	struct filters *f = arg;
	const char *const *own;

	if (name[0] == '_')
		return;
	for (own = f->own; own != NULL && *own != NULL; own++)
		if (strcmp(*own, name) == 0)
			return;
	if (f->n == FILTERS_MAX) {
		f->many = true;
		return;
	}
	f->v[f->n].field = name;
	f->v[f->n++].text = value;
}

static int
ask_filters(struct filters *f, struct call *c, struct err *err)
{
	http_each_query(c->q, add_filter, f);
	return !f->many
		   ? 0
		   : err_set(err, YZ_EINVAL, "over %d filters", FILTERS_MAX);
}

/* Once, and not by halves while it is filled. */
static void
reserve(struct call *c, int64_t limit)
{
	buf_reserve(&c->p->body, (size_t)limit * RECORD_USUAL);
}

DESK_HANDLER(api_records)
{
	struct page page = {.c = c, .limit = ask_limit(c)};
	struct record_query query = {.kind = c->arg[0]};
	struct filters filters = {.n = 0};
	int rc = ask_filters(&filters, c, err);

	if (rc != 0)
		return rc;
	query.filters = filters.v;
	query.n_filters = filters.n;
	query.sort = http_query(c->q, "_sort");
	query.after = http_query(c->q, "_after");
	query.limit = page.limit + 1;
	query.came = true;
	query.removed = http_query(c->q, "_removed") != NULL;
	reserve(c, page.limit);
	buf_puts(&c->p->body, "{\"records\":[");
	rc = record_list(c->r, &query, put_record, &page, err);
	buf_puts(&c->p->body, "],\"next\":");
	if (page.more)
		buf_printf(&c->p->body, "\"%s\"}", page.last);
	else
		buf_puts(&c->p->body, "null}");
	return rc;
}

DESK_HANDLER(api_find)
{
	struct page page = {.c = c, .limit = ask_limit(c)};
	const char *after = http_query(c->q, "_after");
	struct search search = {.text = http_query(c->q, "q"),
	    .limit = page.limit,
	    .count_max = COUNT_MAX};
	char *end;
	int rc;

	if (search.text == NULL)
		return err_set(err, YZ_EINVAL, "q is missing: what to find");
	if (after != NULL) {
		search.after = strtoll(after, &end, 10);
		if (end == after || *end != '\0' || search.after < 0)
			return err_set(err, YZ_EINVAL,
			    "_after is what next of the page before said");
	}
	reserve(c, page.limit);
	buf_puts(&c->p->body, "{\"records\":[");
	rc = search_find(c->r, &search, put_record, &page, err);
	buf_puts(&c->p->body, "],\"next\":");
	if (search.next != 0)
		buf_printf(&c->p->body, "\"%lld\"", (long long)search.next);
	else
		buf_puts(&c->p->body, "null");
	buf_printf(&c->p->body, ",\"total\":%lld,\"more\":%s}",
	    (long long)search.total, search.beyond ? "true" : "false");
	return rc;
}

static int
ask_number(double *out, struct call *c, const char *name, struct err *err)
{
	const char *s = http_query(c->q, name);
	char *end;

	if (s == NULL)
		return err_set(err, YZ_EINVAL, "%s is missing", name);
	*out = strtod(s, &end);
	/* strtod() also takes 0x1p3, inf and nan. */
	if (end == s || *end != '\0' || s[strspn(s, "0123456789+-.eE")] != '\0')
		return err_set(
		    err, YZ_EINVAL, "%s: %.40s is no number", name, s);
	return 0;
}

static const char *
ask_kind(struct call *c)
{
	const char *kind = http_query(c->q, "kind");

	return kind == NULL ? "resource" : kind;
}

DESK_HANDLER(api_near)
{
	static const char *const own[] = {"lon", "lat", "km", "kind", NULL};
	struct page page = {.c = c, .limit = ask_limit(c)};
	struct near_query query = {.kind = ask_kind(c)};
	struct filters filters = {.own = own};
	int rc = ask_filters(&filters, c, err);

	if (rc == 0)
		rc = ask_number(&query.lon, c, "lon", err);
	if (rc == 0)
		rc = ask_number(&query.lat, c, "lat", err);
	if (rc == 0)
		rc = ask_number(&query.km, c, "km", err);
	if (rc != 0)
		return rc;
	query.filters = filters.v;
	query.n_filters = filters.n;
	query.limit = page.limit;
	buf_puts(&c->p->body, "{\"records\":[");
	rc = near_find(c->r, &query, put_one, &page, err);
	buf_puts(&c->p->body, "]}");
	return rc;
}

DESK_HANDLER(api_box)
{
	static const char *const own[] = {
	    "west", "south", "east", "north", "kind", NULL};
	struct page page = {.c = c, .limit = ask_limit(c)};
	struct near_box query = {.kind = ask_kind(c)};
	struct filters filters = {.own = own};
	bool more = false;
	int rc = ask_filters(&filters, c, err);

	if (rc == 0)
		rc = ask_number(&query.west, c, "west", err);
	if (rc == 0)
		rc = ask_number(&query.south, c, "south", err);
	if (rc == 0)
		rc = ask_number(&query.east, c, "east", err);
	if (rc == 0)
		rc = ask_number(&query.north, c, "north", err);
	if (rc != 0)
		return rc;
	query.filters = filters.v;
	query.n_filters = filters.n;
	query.limit = page.limit;
	buf_puts(&c->p->body, "{\"records\":[");
	rc = near_find_box(c->r, &query, put_record, &page, &more, err);
	buf_printf(&c->p->body, "],\"more\":%s}", more ? "true" : "false");
	return rc;
}

/* --- one
 * ------------------------------------------------------------------------ */

struct values {
	struct buf *out;
	char reg[128];
};

static int
put_value(void *arg, const struct conflict_value *v, struct err *err)
{
	struct values *values = arg;
	struct buf *out = values->out;
	char when[CLOCK_LEN];

	(void)err;
	if (strcmp(values->reg, v->reg) == 0) {
		buf_putc(out, ',');
	} else {
		buf_puts(out, values->reg[0] == '\0' ? "" : "],");
		canon_put_text(out, v->reg, strlen(v->reg));
		buf_puts(out, ":[");
		snprintf(values->reg, sizeof(values->reg), "%s", v->reg);
	}
	clock_format(when, v->time);
	buf_printf(out,
	    "{\"value\":%s,\"shown\":%s,\"station\":\"%s\",\"author\":",
	    v->value, v->shown ? "true" : "false", v->writer);
	canon_put_text(out, v->author, strlen(v->author));
	buf_printf(
	    out, ",\"time\":\"%s\",\"changeset\":\"%s\"}", when, v->changeset);
	return 0;
}

static int
put_conflict_values(struct call *c, const struct record *rec, struct err *err)
{
	struct values values = {&c->p->body, ""};
	int rc;

	buf_puts(&c->p->body, ",\"conflict_values\":{");
	rc = conflict_list(c->r, rec->rec, put_value, &values, err);
	buf_puts(&c->p->body, values.reg[0] == '\0' ? "}" : "]}");
	return rc;
}

DESK_HANDLER(api_record)
{
	struct record rec = RECORD_INIT;
	struct buf etag = BUF_INIT;
	bool superior, known;
	int rc;

	rc = record_read(&rec, c->r, c->arg[0], c->arg[1], err);
	if (rc == 0)
		rc =
		    rec_put(&c->p->body, c->r, &rec, -1, lang_zh(c), true, err);
	if (rc == 0)
		rc = stand_superior(
		    &superior, &known, c->r, c->local, rec.rec, err);
	if (rc == 0)
		rc = rec_etag(&etag, c->r, &rec, err);
	if (rc == 0) {
		http_reply_header(c->p, "ETag", "\"%s\"", buf_str(&etag));
		buf_printf(&c->p->body, ",\"etag\":\"%s\"", buf_str(&etag));
		buf_printf(&c->p->body,
		    ",\"stands\":{\"here\":true,\"superior\":%s}",
		    !known     ? "null"
		    : superior ? "true"
			       : "false");
		rc = put_conflict_values(c, &rec, err);
	}
	buf_putc(&c->p->body, '}');
	buf_free(&etag);
	record_free(&rec);
	return rc;
}
