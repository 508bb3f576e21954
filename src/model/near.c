#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "kind.h"
#include "near.h"
#include "record.h"
#include "replica.h"
#include "schema.h"

#define RADIUS \
	6371008.7714 /* metres: mean radius of CGCS2000, (2a + b) / 3 \
		      */
#define RAD (M_PI / 180)

double
near_distance(double lon1, double lat1, double lon2, double lat2)
{
	double dlat = sin((lat2 - lat1) * RAD / 2);
	double dlon = sin((lon2 - lon1) * RAD / 2);
	double h =
	    dlat * dlat + cos(lat1 * RAD) * cos(lat2 * RAD) * dlon * dlon;

	return 2 * RADIUS * asin(sqrt(h > 1 ? 1 : h));
}

struct place { /* a row within the box */
	int64_t rec;
	double metres;
};

struct places {
	struct place *v;
	size_t n, cap;
};

static int
compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->metres != y->metres)
		return x->metres < y->metres ? -1 : 1;
	return (x->rec > y->rec) - (x->rec < y->rec);
}

static void
keep(struct places *places, int64_t rec, double metres)
{
	if (places->n == places->cap) {
		places->cap = places->cap == 0 ? 256 : places->cap * 2;
		places->v =
		    mem_realloc(places->v, places->cap * sizeof(*places->v));
	}
	places->v[places->n].rec = rec;
	places->v[places->n++].metres = metres;
}

static double
power10(int scale)
{
	double p = 1;

	while (scale-- > 0)
		p *= 10;
	return p;
}

static bool
filters_on(const struct record_filter *filters, size_t n, const char *field)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(filters[i].field, field) == 0)
			return true;
	return false;
}

/*
 * The place index begins with the category.  Where none is asked for, step
 * through those there are, which is a look-up for each, instead of reading
 * the whole table.
 */
static void
put_every_category(
    struct buf *sql, const struct kind *base, const char *chooser)
{
	struct buf f = BUF_INIT, t = BUF_INIT;

	db_quote(&f, chooser);
	db_quote(&t, base->name);
	buf_printf(sql,
	    " AND t.%s IN (WITH RECURSIVE c(x) AS (SELECT min(%s) FROM %s"
	    " UNION ALL SELECT (SELECT min(%s) FROM %s WHERE %s > x) FROM c"
	    " WHERE x IS NOT NULL) SELECT x FROM c WHERE x IS NOT NULL)",
	    buf_str(&f), buf_str(&f), buf_str(&t), buf_str(&f), buf_str(&t),
	    buf_str(&f));
	buf_free(&f);
	buf_free(&t);
}

static int
put_select(struct buf *sql, struct buf *args, struct replica *r,
    const struct record_filter *filters, size_t n, const struct kind *kind,
    const struct kind *base, struct err *err)
{
	struct buf chooser = BUF_INIT;

	buf_puts(sql, "SELECT t.rec, t.\"lon\", t.\"lat\" FROM ");
	db_quote(sql, base->name);
	buf_puts(sql, " t");
	if (filters_on(filters, n, "owner"))
		buf_puts(sql, " JOIN _record r ON r.rec = t.rec");
	buf_puts(sql,
	    " WHERE t.\"lat\" BETWEEN ?2 AND ?3 AND t.\"lon\" BETWEEN ?4 AND"
	    " ?5");
	if (kind == base && kind_chooser(&chooser, replica_schema(r), base) &&
	    !filters_on(filters, n, buf_str(&chooser)))
		put_every_category(sql, base, buf_str(&chooser));
	buf_free(&chooser);
	return record_where(sql, args, r, kind, filters, n, err);
}

/* By how much the columns of base's positions are scaled. */
static int
find_scales(double *lon, double *lat, const struct kind *base, struct err *err)
{
	const struct field *x = schema_field(base, "lon", 3);
	const struct field *y = schema_field(base, "lat", 3);

	if (x == NULL || y == NULL)
		return err_set(
		    err, YZ_EINVAL, "%s has no position", base->name);
	*lon = power10(x->scale);
	*lat = power10(y->scale);
	return 0;
}

/* Every row of the box that lies in the circle. */
static int
gather(struct places *out, struct replica *r, const struct near_query *q,
    const struct kind *kind, const struct kind *base, struct err *err)
{
	double to_lon, to_lat, angle = q->km * 1000 / RADIUS, dlat, dlon = 180;
	struct buf sql = BUF_INIT, args = BUF_INIT;
	struct db_stmt *st = NULL;
	int rc;

	rc = find_scales(&to_lon, &to_lat, base, err);
	if (rc != 0)
		return rc;
	dlat = angle / RAD;
	if (sin(angle) < cos(q->lat * RAD) && angle < M_PI / 2)
		dlon = asin(sin(angle) / cos(q->lat * RAD)) / RAD;
	rc = put_select(
	    &sql, &args, r, q->filters, q->n_filters, kind, base, err);
	if (rc == 0)
		rc = db_query(&st, replica_db(r), err, buf_str(&sql), "tiiii",
		    buf_str(&args), args.len,
		    (int64_t)floor((q->lat - dlat) * to_lat),
		    (int64_t)ceil((q->lat + dlat) * to_lat),
		    (int64_t)floor((q->lon - dlon) * to_lon),
		    (int64_t)ceil((q->lon + dlon) * to_lon));
	while (rc == 0 && (rc = db_step(st, err)) == 1) {
		double metres = near_distance(q->lon, q->lat,
		    (double)db_int(st, 1) / to_lon,
		    (double)db_int(st, 2) / to_lat);

		if (metres <= q->km * 1000)
			keep(out, db_int(st, 0), metres);
		rc = 0;
	}
	db_done(st);
	buf_free(&sql);
	buf_free(&args);
	return rc;
}

/* The nearest, on their way to fn. */
struct giving {
	int (*fn)(void *arg, const struct record *rec, double metres,
	    struct err *err);
	void *arg;
	const struct place *places; /* of the rows being read */
	int64_t given, limit;
};

static int
give(void *arg, size_t i, const struct record *rec, struct err *err)
{
	struct giving *g = arg;

	if (rec->removed || g->given == g->limit)
		return 0;
	g->given++;
	return g->fn(g->arg, rec, g->places[i].metres, err);
}

#define READ_AT_ONCE 32

/* Few of those in the circle are asked for: read no more than that. */
static int
give_nearest(struct replica *r, const struct kind *base,
    const struct places *places, struct giving *g, struct err *err)
{
	int64_t rows[READ_AT_ONCE];
	size_t i, n;
	int rc = 0;

	for (i = 0; rc == 0 && i < places->n && g->given < g->limit; i += n) {
		g->places = places->v + i;
		for (n = 0; n < READ_AT_ONCE && i + n < places->n &&
			    (int64_t)n < g->limit - g->given;
		     n++)
			rows[n] = places->v[i + n].rec;
		rc = record_each(r, base, rows, n, give, g, err);
	}
	return rc;
}

int
near_find(struct replica *r, const struct near_query *q,
    int (*fn)(
	void *arg, const struct record *rec, double metres, struct err *err),
    void *arg, struct err *err)
{
	const struct schema *schema = replica_schema(r);
	struct giving g = {.fn = fn, .arg = arg, .limit = q->limit};
	struct places places = {NULL, 0, 0};
	const struct kind *kind, *base;
	int rc;

	if (!(q->km > 0 && q->km <= NEAR_KM_MAX) || !(fabs(q->lat) <= 90) ||
	    !(fabs(q->lon) <= 180))
		return err_set(err, YZ_EINVAL,
		    "a place is LON LAT in degrees, and a distance up to %d "
		    "km",
		    NEAR_KM_MAX);
	rc = kind_find(&kind, schema, q->kind, err);
	if (rc != 0)
		return rc;
	base = schema_base(schema, kind);
	rc = gather(&places, r, q, kind, base, err);
	if (rc == 0 && places.n > 0)
		qsort(places.v, places.n, sizeof(*places.v), compare);
	if (rc == 0)
		rc = give_nearest(r, base, &places, &g, err);
	free(places.v);
	return rc;
}

/* --- a box ----------------------------------------------------------------
 */

static bool
is_box(const struct near_box *q)
{
	return fabs(q->west) <= 180 && fabs(q->east) <= 180 &&
	       fabs(q->south) <= 90 && fabs(q->north) <= 90 &&
	       q->west <= q->east && q->south <= q->north;
}

/* The rows of the box, at most one more than asked for. */
static int
gather_box(struct places *out, struct replica *r, const struct near_box *q,
    const struct kind *kind, const struct kind *base, struct err *err)
{
	struct buf sql = BUF_INIT, args = BUF_INIT;
	struct db_stmt *st = NULL;
	double to_lon, to_lat;
	int rc;

	rc = find_scales(&to_lon, &to_lat, base, err);
	if (rc == 0)
		rc = put_select(
		    &sql, &args, r, q->filters, q->n_filters, kind, base, err);
	buf_puts(&sql, " AND t.removed = 0 LIMIT ?6");
	if (rc == 0)
		rc = db_query(&st, replica_db(r), err, buf_str(&sql), "tiiiii",
		    buf_str(&args), args.len, (int64_t)ceil(q->south * to_lat),
		    (int64_t)floor(q->north * to_lat),
		    (int64_t)ceil(q->west * to_lon),
		    (int64_t)floor(q->east * to_lon), q->limit + 1);
	while (rc == 0 && (rc = db_step(st, err)) == 1) {
		keep(out, db_int(st, 0), 0);
		rc = 0;
	}
	db_done(st);
	buf_free(&sql);
	buf_free(&args);
	return rc;
}

struct giving_box {
	int (*fn)(void *arg, const struct record *rec, struct err *err);
	void *arg;
};

static int
give_in_box(void *arg, size_t i, const struct record *rec, struct err *err)
{
	const struct giving_box *g = arg;

	(void)i;
	return g->fn(g->arg, rec, err);
}

int
near_find_box(struct replica *r, const struct near_box *q,
    int (*fn)(void *arg, const struct record *rec, struct err *err), void *arg,
    bool *more, struct err *err)
{
	const struct schema *schema = replica_schema(r);
	struct giving_box g = {fn, arg};
	struct places places = {NULL, 0, 0};
	const struct kind *kind, *base;
	int64_t *rows = NULL;
	size_t i, n;
	int rc;

	*more = false;
	if (!is_box(q))
		return err_set(err, YZ_EINVAL,
		    "a box is west <= east and south <= north, in degrees");
	rc = kind_find(&kind, schema, q->kind, err);
	if (rc != 0)
		return rc;
	base = schema_base(schema, kind);
	rc = gather_box(&places, r, q, kind, base, err);
	*more = (int64_t)places.n > q->limit;
	n = *more ? (size_t)q->limit : places.n;
	rows = mem_calloc(n + 1, sizeof(*rows));
	for (i = 0; i < n; i++)
		rows[i] = places.v[i].rec;
	if (rc == 0)
		rc = record_each(r, base, rows, n, give_in_box, &g, err);
	free(rows);
	free(places.v);
	return rc;
}
