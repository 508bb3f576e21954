/*
 * The first page: what a machine without a station serves.  Who has the
 * set-up code (setup_code.h) makes the first station of a tree, or joins one,
 * keeps the recovery key and makes the first accounts; then the page is gone
 * for ever, because there is a station.
 */
#ifndef SETUP_H
#define SETUP_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct http_options;
struct setup;

/* Is there a folder, but no station in it? */
bool setup_is_wanted(const char *home);
/* http: where to listen; exe: this program. */
int setup_start(struct setup **out, const char *home, const char *exe,
    const struct http_options *http, struct err *err);
uint16_t setup_port(const struct setup *s);
/* There is a station now, made here or elsewhere. */
bool setup_is_over(const struct setup *s);
/* Answers what is under way. */
void setup_stop(struct setup *s);

#endif
