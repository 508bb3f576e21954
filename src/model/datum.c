#include "config.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>

#include "model/datum.h"

/*
 * GCJ-02: the offset polynomial made public in 2010 ("Mars coordinates",
 * WGStoGCJ, as repeated in Wikipedia's "Restrictions on geographic data in
 * China"); the ellipsoid is Krasovsky 1940.  BD-09: the conversion that
 * Baidu's users published and its own service agrees with.
 */
#define KRASOVSKY_A 6378245.0
#define KRASOVSKY_EE 0.00669342162296594323
#define BD_PI (M_PI * 3000.0 / 180.0)
#define STEPS_MAX 30
#define NEAR 1e-10 /* degrees */

static const char *const codes[] = {
    [DATUM_CGCS2000] = "CGCS2000",
    [DATUM_WGS84] = "WGS84",
    [DATUM_GCJ02] = "GCJ02",
    [DATUM_BD09] = "BD09",
};

bool
datum_parse(enum datum *out, const char *name)
{
	const char *a, *b;
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		for (a = name, b = codes[i]; *a != '\0'; a++) {
			if (*a == '-' || *a == '_' || *a == ' ')
				continue;
			if (toupper((unsigned char)*a) != *b)
				break;
			b++;
		}
		if (*a == '\0' && *b == '\0') {
			*out = (enum datum)i;
			return true;
		}
	}
	return false;
}

const char *
datum_code(enum datum d)
{
	return codes[d];
}

static bool
shifted(double lon, double lat)
{
	return lon >= 72.004 && lon <= 137.8347 && lat >= 0.8293 &&
	       lat <= 55.8271;
}

static double
wave(double t, double a, double b)
{
	return (a * sin(6 * t * M_PI) + b * sin(2 * t * M_PI)) * 2 / 3;
}

static double
slow_wave(double t)
{
	return (20 * sin(t * M_PI) + 40 * sin(t / 3 * M_PI)) * 2 / 3;
}

static void
gcj_from_wgs(double *lon, double *lat)
{
	double x = *lon - 105, y = *lat - 35, phi = *lat / 180 * M_PI;
	double m = 1 - KRASOVSKY_EE * sin(phi) * sin(phi), east, north;

	if (!shifted(*lon, *lat))
		return;
	north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y +
		0.2 * sqrt(fabs(x)) + wave(x, 20, 20) + slow_wave(y) +
		(160 * sin(y / 12 * M_PI) + 320 * sin(y * M_PI / 30)) * 2 / 3;
	east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y +
	       0.1 * sqrt(fabs(x)) + wave(x, 20, 20) + slow_wave(x) +
	       (150 * sin(x / 12 * M_PI) + 300 * sin(x / 30 * M_PI)) * 2 / 3;
	*lat += north * 180 /
		(KRASOVSKY_A * (1 - KRASOVSKY_EE) / (m * sqrt(m)) * M_PI);
	*lon += east * 180 / (KRASOVSKY_A / sqrt(m) * cos(phi) * M_PI);
}

static void
bd_from_gcj(double *lon, double *lat)
{
	double r = hypot(*lon, *lat) + 0.00002 * sin(*lat * BD_PI);
	double a = atan2(*lat, *lon) + 0.000003 * cos(*lon * BD_PI);

	*lon = r * cos(a) + 0.0065;
	*lat = r * sin(a) + 0.006;
}

void
datum_from_cgcs(enum datum d, double *lon, double *lat)
{
	if (d == DATUM_GCJ02 || d == DATUM_BD09)
		gcj_from_wgs(lon, lat);
	if (d == DATUM_BD09)
		bd_from_gcj(lon, lat);
}

/* The shift changes slowly, so subtracting what is left of it converges. */
void
datum_to_cgcs(enum datum d, double *lon, double *lat)
{
	double x = *lon, y = *lat, u, v;
	int i;

	if (d != DATUM_GCJ02 && d != DATUM_BD09)
		return;
	for (i = 0; i < STEPS_MAX; i++) {
		u = x;
		v = y;
		datum_from_cgcs(d, &u, &v);
		x -= u - *lon;
		y -= v - *lat;
		if (fabs(u - *lon) < NEAR && fabs(v - *lat) < NEAR)
			break;
	}
	*lon = x;
	*lat = y;
}
