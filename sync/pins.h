/*
 * HOME/pins: the root parts that a person at this station has pinned by hand,
 * by their fingerprints (FORMAT.md, section 8, "Pinned by hand").  What the
 * station goes by is the replica's copy of it (replica_pins()).
 */
#ifndef SYNC_PINS_H
#define SYNC_PINS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "sign.h"

struct buf;
struct err;
struct home;

#define PINS_MAX 16

struct pins { /* oldest first */
	char v[PINS_MAX][SIGN_FINGERPRINT_LEN];
	size_t n;
};

/* A fingerprint as people say or type it: 40 digits, whatever stands between
 * them.  YZ_EINVAL. */
int pins_parse(
    char out[SIGN_FINGERPRINT_LEN], const char *typed, struct err *err);
/* The fingerprint of a roster document, by its hash. */
void pins_fingerprint(
    char out[SIGN_FINGERPRINT_LEN], const struct digest *hash);

/* As a text, and back: false if it is none. */
void pins_write_text(struct buf *out, const struct pins *pins);
bool pins_read_text(struct pins *out, const char *text);

/* None if the file is absent; YZ_ECORRUPT. */
int pins_read(struct pins *out, const struct home *home, struct err *err);
/* Written and durable when this returns. */
int pins_write(
    const struct pins *pins, const struct home *home, struct err *err);
/* The document's place among them, 1 for the oldest; 0: nobody pinned it. */
size_t pins_place(const struct pins *pins, const struct digest *hash);
/* As the newest, whether it was there or not.  YZ_EINVAL: there is no room. */
int pins_add(struct pins *pins, const char *fingerprint, struct err *err);
/* Was it there? */
bool pins_remove(struct pins *pins, const char *fingerprint);

#endif
