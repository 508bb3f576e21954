/*
 * The files that a person names on the command line are his: where root runs a
 * command for a station that belongs to another user, the program goes on as
 * that user, who may neither look into root's folders nor leave anything
 * there.  So these files, and nothing else, are opened and made as root.
 *
 * Where nobody stepped down all this does nothing, or what file.h does.
 */
#ifndef BASE_CALLER_H
#define BASE_CALLER_H

#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct buf;
struct err;

/* Go on as that user, for everything but these files. */
int caller_step_down(const struct passwd *user, struct err *err);
/* And for these too: for who listens to a network from here on. */
int caller_forget(struct err *err);

/* Between the two, as who ran the program; not nested. */
void caller_begin(void);
/* The same to make or remove path; where the user himself may, it stays his. */
void caller_begin_at(const char *path);
void caller_end(void);

/* file_read(), file_write() and file_exists() of such a file. */
int caller_read(struct buf *out, const char *path, size_t max, struct err *err);
int caller_write(
    const char *path, const void *data, size_t n, mode_t mode, struct err *err);
bool caller_has(const char *path);

#endif
