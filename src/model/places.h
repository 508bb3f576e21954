/*
 * Real places of an area, for the demonstration register: the villages of
 * its divisions, each at a made-up position inside its county, and the real
 * points known there.
 *
 * Positions: a county's centroid is known; its townships lie scattered
 * around it and villages around their township, by a hash of their codes,
 * so the same everywhere and always.
 */
#ifndef MODEL_PLACES_H
#define MODEL_PLACES_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct places;

struct place {
	char code[13];      /* the village's, 12 digits */
	char town[10];      /* its township's */
	char county[7];     /* its county's */
	char name[100];     /* 红花岗社区 */
	char town_name[64]; /* 老城街道 */
	char county_name[64];
	double lon, lat;
};

enum point_sort {
	POINT_HYDRO,
	POINT_PLANT,
	POINT_AIRPORT,
	POINT_SCHOOL,
	POINT_WEATHER
};

struct point {
	enum point_sort sort;
	char name[100];
	char county[7];
	char county_name[64];
	double lon, lat;
};

/* Everything at or below division area; YZ_ENOTFOUND if that is empty. */
int places_load(struct places **out, const char *area, struct err *err);
void places_free(struct places *places);

size_t places_count(const struct places *places);
const struct place *places_at(const struct places *places, size_t i);
size_t places_point_count(const struct places *places);
const struct point *places_point(const struct places *places, size_t i);

/* The same number for the same arguments, evenly spread over 64 bits. */
uint64_t places_hash(const char *text, uint64_t seed);

#endif
