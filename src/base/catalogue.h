/*
 * A message catalogue (what msgfmt writes), for programs that speak several
 * languages at once: gettext() knows one per process.
 */
#ifndef BASE_CATALOGUE_H
#define BASE_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

/* Read a .mo file; once, before there are threads. */
int catalogue_load(const char *path, struct err *err);
/* What stands there for id; id itself if nothing does. */
const char *catalogue_find(const char *id) __attribute__((format_arg(1)));
/* The i-th pair, from 0 on; false if there are not so many. */
bool catalogue_entry(size_t i, const char **id, const char **text);
/*
 * A line as the catalogue has it.  The line was made of its formats, here and
 * now or long ago at another station, perhaps of several put together by ": "
 * or one in another: which, is read off the line.  So what is kept, sent and
 * compared is English everywhere, and each reader gets his own language.  What
 * is not found stays as it is.
 */
void catalogue_line(struct buf *out, const char *line);

#endif
