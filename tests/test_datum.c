/*
 * Goal of this test: positions in GCJ-02 and BD-09 come back to where they
 * belong, and cells of tables become what value_parse() reads.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "model/cell.h"
#include "model/datum.h"
#include "schema.h"
#include "tap.h"

/* Published example of the open coordinate converters: 116.404, 39.915. */
static void
known(void)
{
	double lon = 116.404, lat = 39.915;

	datum_from_cgcs(DATUM_GCJ02, &lon, &lat);
	ok(fabs(lon - 116.41024449916938) < 1e-9 &&
		fabs(lat - 39.91640428150164) < 1e-9,
	    "WGS 84 to GCJ-02 as published");
	datum_to_cgcs(DATUM_GCJ02, &lon, &lat);
	ok(fabs(lon - 116.404) < 1e-9 && fabs(lat - 39.915) < 1e-9, "and back");
	lon = 2.35;
	lat = 48.85;
	datum_to_cgcs(DATUM_GCJ02, &lon, &lat);
	ok(lon == 2.35 && lat == 48.85, "Paris is not shifted");
}

static void
everywhere(enum datum d)
{
	double worst = 0, x, y, lon, lat;

	for (lon = 103; lon < 110; lon += 0.137)
		for (lat = 24; lat < 30; lat += 0.131) {
			x = lon;
			y = lat;
			datum_from_cgcs(d, &x, &y);
			datum_to_cgcs(d, &x, &y);
			worst = fmax(worst, fmax(fabs(x - lon), fabs(y - lat)));
		}
	ok(worst < 1e-7, "%s and back within 1e-7 degree all over Guizhou",
	    datum_code(d));
}

static void
names(void)
{
	enum datum d = DATUM_CGCS2000;

	ok(datum_parse(&d, "gcj-02") && d == DATUM_GCJ02, "gcj-02 is known");
	ok(datum_parse(&d, "BD09") && d == DATUM_BD09, "BD09 is known");
	ok(!datum_parse(&d, "BD0"), "half a name is not");
	ok(!datum_parse(&d, ""), "nothing is not");
}

static void
cell(enum field_type type, int scale, const char *unit, const char *text,
    const char *want)
{
	char u[16];
	struct field f = {.type = type, .scale = scale, .unit = u};
	struct buf out = BUF_INIT;

	strcpy(u, unit);
	cell_tidy(&out, &f, text);
	is_str(buf_str(&out), want, "%s", text);
	buf_free(&out);
}

static void
cells(void)
{
	cell(FIELD_INT, 0, "person", "１，２００", "1200");
	cell(FIELD_INT, 0, "person", "1,200", "1200");
	cell(FIELD_DECIMAL, 2, "m2", "12.300000000000001", "12.30");
	cell(FIELD_DECIMAL, 2, "m2", "12.345", "12.345");
	cell(FIELD_DECIMAL, 7, "deg", "106.8010025024414", "106.8010025");
	cell(FIELD_DECIMAL, 7, "deg", "106°42'13.5\"", "106.7037500");
	cell(FIELD_DECIMAL, 7, "deg", "26度30分", "26.5000000");
	cell(FIELD_DECIMAL, 7, "deg", "106°75'", "106°75'");
	cell(FIELD_TEXT, 0, "", "'=1+1", "=1+1");
	cell(FIELD_TEXT, 0, "", "1,200", "1,200");
	cell(FIELD_REF, 0, "", "第一仓库 (520302-1f0c9a7e)", "520302-1f0c9a7e");
	cell(FIELD_REF, 0, "", "仓库(北)", "仓库(北)");
}

static void
phones(void)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	ok(cell_mobile(&a, "138 0000-0000"), "a mobile number with spaces");
	is_str(buf_str(&a), "13800000000", "its digits");
	buf_clear(&a);
	ok(cell_mobile(&a, "+86 13800000000"), "with the country's code");
	is_str(buf_str(&a), "13800000000", "its digits");
	buf_clear(&a);
	ok(!cell_mobile(&a, "0851-28221234"), "an institution's number");
	ok(!cell_mobile(&a, "2380000000"), "ten digits");
	ok(!cell_mobile(&a, ""), "nothing");
	is_int((long long)a.len, 0, "nothing is left of those");
	ok(cell_two_phones(&a, &b, "13800000000、0851-28221234"), "two in one");
	is_str(buf_str(&a), "0851-28221234", "the institution's");
	is_str(buf_str(&b), "13800000000", "the person's");
	buf_clear(&a);
	buf_clear(&b);
	ok(!cell_two_phones(&a, &b, "13800000000/13900000000"),
	    "two mobile numbers are not chosen from");
	buf_free(&a);
	buf_free(&b);
}

int
main(void)
{
	known();
	everywhere(DATUM_GCJ02);
	everywhere(DATUM_BD09);
	names();
	cells();
	phones();
	return tap_done();
}
