#include "config.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/data.h"
#include "model/places.h"

#define KM_PER_DEG 111.32

struct division {
	char code[13];
	char parent[13];
	char name[100];
	bool inside;     /* at or below the area */
	double lon, lat; /* of its middle; counties: by centroid */
	double radius;   /* km, about which what is below it is spread */
};

struct places {
	struct division *divisions; /* sorted by code */
	size_t n_divisions;
	struct place *v; /* villages inside */
	size_t n;
	struct point *points;
	size_t n_points;
};

uint64_t
places_hash(const char *text, uint64_t seed)
{
	uint64_t x = seed ^ 14695981039346656037ull;

	for (; *text != '\0'; text++) /* FNV-1a, then a mixer */
		x = (x ^ (unsigned char)*text) * 1099511628211ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

static int
compare_codes(const void *a, const void *b)
{
	const struct division *x = a, *y = b;

	return strcmp(x->code, y->code);
}

static struct division *
find(const struct places *p, const char *code)
{
	struct division key = {.code = ""};

	snprintf(key.code, sizeof(key.code), "%s", code);
	return bsearch(&key, p->divisions, p->n_divisions,
	    sizeof(*p->divisions), compare_codes);
}

static int
load_divisions(struct places *p, struct err *err)
{
	struct data_table *t;
	struct division *d;
	size_t cap = 0;
	int rc;

	rc = data_open(&t, "divisions/guizhou-divisions.tsv", err);
	if (rc != 0)
		return rc;
	while ((rc = data_row(t, err)) == 1) {
		if (p->n_divisions == cap) {
			cap = cap == 0 ? 4096 : cap * 2;
			p->divisions = mem_realloc(
			    p->divisions, cap * sizeof(*p->divisions));
		}
		d = &p->divisions[p->n_divisions++];
		memset(d, 0, sizeof(*d));
		snprintf(d->code, sizeof(d->code), "%s", data_cell(t, 0));
		snprintf(d->parent, sizeof(d->parent), "%s", data_cell(t, 1));
		snprintf(d->name, sizeof(d->name), "%s", data_cell(t, 3));
	}
	data_close(t);
	if (rc == 0)
		qsort(p->divisions, p->n_divisions, sizeof(*p->divisions),
		    compare_codes);
	return rc;
}

static int
load_centroids(struct places *p, struct err *err)
{
	struct data_table *t;
	struct division *d;
	int rc;

	rc = data_open(&t, "boundaries/guizhou-centroids.tsv", err);
	if (rc != 0)
		return rc;
	while ((rc = data_row(t, err)) == 1) {
		d = find(p, data_get(t, "code"));
		if (d == NULL)
			continue;
		d->lon = strtod(data_get(t, "label_lon"), NULL);
		d->lat = strtod(data_get(t, "label_lat"), NULL);
		/* Half the radius of a disc of that area stays inside of
		 * all but the oddest counties. */
		d->radius =
		    sqrt(strtod(data_get(t, "area_km2"), NULL) / M_PI) / 2;
	}
	data_close(t);
	return rc;
}

/* Put d somewhere within its parent's radius. */
static void
scatter(struct division *d, const struct division *parent)
{
	uint64_t h = places_hash(d->code, 0);
	double angle = 2 * M_PI * (double)(h & 0xffff) / 65536;
	double r = parent->radius * sqrt((double)(h >> 40) / (1 << 24));

	d->lat = parent->lat + r * sin(angle) / KM_PER_DEG;
	d->lon = parent->lon +
		 r * cos(angle) / (KM_PER_DEG * cos(parent->lat * M_PI / 180));
	d->radius = parent->radius / 4;
}

/* Is d at or below area?  Levels are few, so walk up. */
static bool
is_inside(const struct places *p, const struct division *d, const char *area)
{
	int level;

	for (level = 0; d != NULL && level < 8; level++) {
		if (strcmp(d->code, area) == 0)
			return true;
		d = find(p, d->parent);
	}
	return false;
}

/* 红花岗社区居民委员会 is known as 红花岗社区, 新兴村委会 as 新兴村. */
static void
short_name(char *out, size_t size, const char *name)
{
	static const struct {
		const char *tail, *instead;
	} tails[] = {{"居民委员会", ""}, {"居委会", ""}, {"村民委员会", "村"},
	    {"村委会", "村"}, {"民委员会", ""}, {"委会", ""}};
	size_t n = strlen(name), tail, i;
	const char *end = "";

	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		tail = strlen(tails[i].tail);
		if (n <= tail || strcmp(name + n - tail, tails[i].tail) != 0)
			continue;
		n -= tail;
		/* 新兴村村委会 is said too. */
		if (n < 3 || memcmp(name + n - 3, "村", 3) != 0)
			end = tails[i].instead;
		break;
	}
	snprintf(out, size, "%.*s%s", (int)n, name, end);
}

static void
add_village(struct places *p, struct division *village)
{
	struct division *town = find(p, village->parent);
	struct division *county = town == NULL ? NULL : find(p, town->parent);
	struct place *v;

	if (county == NULL || county->radius <= 0)
		return;
	scatter(town, county);
	scatter(village, town);
	v = &p->v[p->n++];
	snprintf(v->code, sizeof(v->code), "%s", village->code);
	snprintf(v->town, sizeof(v->town), "%.9s", town->code);
	snprintf(v->county, sizeof(v->county), "%.6s", county->code);
	short_name(v->name, sizeof(v->name), village->name);
	snprintf(v->town_name, sizeof(v->town_name), "%.63s", town->name);
	snprintf(v->county_name, sizeof(v->county_name), "%.63s", county->name);
	v->lon = village->lon;
	v->lat = village->lat;
}

static void
load_villages(struct places *p, const char *area)
{
	struct division *d;
	size_t i;

	p->v = mem_calloc(p->n_divisions, sizeof(*p->v));
	for (i = 0; i < p->n_divisions; i++) {
		d = &p->divisions[i];
		d->inside = is_inside(p, d, area);
		if (d->inside && strlen(d->code) == 12)
			add_village(p, d);
	}
}

static void
add_point(struct places *p, enum point_sort sort, const char *name,
    const struct division *county, double lon, double lat)
{
	struct point *point;

	p->points =
	    mem_realloc(p->points, (p->n_points + 1) * sizeof(*p->points));
	point = &p->points[p->n_points++];
	point->sort = sort;
	snprintf(point->name, sizeof(point->name), "%s", name);
	snprintf(point->county, sizeof(point->county), "%.6s", county->code);
	snprintf(point->county_name, sizeof(point->county_name), "%.63s",
	    county->name);
	point->lon = lon;
	point->lat = lat;
}

/* A table of points with lon, lat and county_code. */
static int
load_points(
    struct places *p, const char *file, enum point_sort sort, struct err *err)
{
	const struct division *county;
	struct data_table *t;
	enum point_sort s;
	int rc;

	rc = data_open(&t, file, err);
	if (rc != 0)
		return rc;
	while ((rc = data_row(t, err)) == 1) {
		county = find(p, data_get(t, "county_code"));
		if (county == NULL || !county->inside)
			continue;
		s = strcmp(data_get(t, "fuel"), "Hydro") == 0 ? POINT_HYDRO
							      : sort;
		add_point(p, s, data_get(t, "name_en"), county,
		    strtod(data_get(t, "lon"), NULL),
		    strtod(data_get(t, "lat"), NULL));
	}
	data_close(t);
	return rc;
}

/* Universities come with their city only: each gets one of its counties. */
static int
load_schools(struct places *p, struct err *err)
{
	struct division *city, *county, at;
	struct data_table *t;
	const char *name;
	size_t i, k;
	int rc;

	rc = data_open(&t, "points/universities-moe-list.tsv", err);
	if (rc != 0)
		return rc;
	while ((rc = data_row(t, err)) == 1) {
		name = data_get(t, "name");
		for (i = 0; i < p->n_divisions; i++)
			if (strcmp(p->divisions[i].name, data_get(t, "city")) ==
			    0)
				break;
		if (i == p->n_divisions)
			continue;
		city = &p->divisions[i];
		k = places_hash(name, 0) % 4; /* every city has more */
		for (county = NULL; ++i < p->n_divisions;) {
			if (strcmp(p->divisions[i].parent, city->code) != 0)
				continue;
			county = &p->divisions[i];
			if (k-- == 0)
				break;
		}
		if (county == NULL || !county->inside)
			continue;
		snprintf(
		    at.code, sizeof(at.code), "%.12s", data_get(t, "code"));
		scatter(&at, county);
		add_point(p, POINT_SCHOOL, name, county, at.lon, at.lat);
	}
	data_close(t);
	return rc;
}

int
places_load(struct places **out, const char *area, struct err *err)
{
	struct places *p = mem_calloc(1, sizeof(*p));
	int rc;

	rc = load_divisions(p, err);
	if (rc == 0)
		rc = load_centroids(p, err);
	if (rc != 0)
		goto out;
	load_villages(p, area);
	if (p->n == 0) {
		rc = err_set(err, YZ_ENOTFOUND,
		    "no villages are known in division %s", area);
		goto out;
	}
	rc = load_points(p, "points/power-plants-wri.tsv", POINT_PLANT, err);
	if (rc == 0)
		rc = load_points(p, "points/airports.tsv", POINT_AIRPORT, err);
	if (rc == 0)
		rc = load_points(
		    p, "points/weather-stations.tsv", POINT_WEATHER, err);
	if (rc == 0)
		rc = load_schools(p, err);
	if (rc != 0)
		goto out;
	*out = p;
	p = NULL;
out:
	places_free(p);
	return rc;
}

void
places_free(struct places *places)
{
	if (places == NULL)
		return;
	free(places->divisions);
	free(places->v);
	free(places->points);
	free(places);
}

size_t
places_count(const struct places *places)
{
	return places->n;
}

const struct place *
places_at(const struct places *places, size_t i)
{
	return &places->v[i];
}

size_t
places_point_count(const struct places *places)
{
	return places->n_points;
}

const struct point *
places_point(const struct places *places, size_t i)
{
	return &places->points[i];
}
