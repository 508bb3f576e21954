/*
 * A message catalogue (what msgfmt writes), for programs that speak several
 * languages at once: gettext() knows one per process.
 */
#ifndef BASE_CATALOGUE_H
#define BASE_CATALOGUE_H

struct err;

/* Read a .mo file; once, before there are threads. */
int catalogue_load(const char *path, struct err *err);
/* What stands there for id; id itself if nothing does. */
const char *catalogue_find(const char *id) __attribute__((format_arg(1)));

#endif
