/*
 * Positions in the shifted datums of Chinese maps, brought back to CGCS2000
 * (which agrees with WGS 84 to centimetres).
 */
#ifndef MODEL_DATUM_H
#define MODEL_DATUM_H

#include <stdbool.h>

enum datum { DATUM_CGCS2000, DATUM_WGS84, DATUM_GCJ02, DATUM_BD09 };

/* By its code (GCJ02, gcj-02, bd09, wgs84, ...); false if it is none. */
bool datum_parse(enum datum *out, const char *name);
const char *datum_code(enum datum d);

/* From a position in datum d to CGCS2000 and back, to within 1e-7 degree.
 * Outside of China's surroundings GCJ-02 is not shifted. */
void datum_to_cgcs(enum datum d, double *lon, double *lat);
void datum_from_cgcs(enum datum d, double *lon, double *lat);

#endif
