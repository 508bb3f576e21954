/*
 * Folders, whole.
 */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include <stdint.h>

struct err;

/*
 * Call fn for every regular file below path, with its name relative to it
 * ("ledger/lock"), size, and time of change in seconds; links and devices
 * are passed over.  Stops when fn fails.  An absent folder has no files.
 */
int folder_walk(const char *path,
    int (*fn)(void *arg, const char *name, int64_t size, int64_t mtime,
	struct err *err),
    void *arg, struct err *err);

/* file_sweep() everywhere in it where we may look. */
void folder_sweep(const char *path);

/* Lock the folder itself, which leaves no file behind, until *fd is closed.
 * YZ_ECONFLICT if another process has it. */
int folder_lock(int *fd, const char *path, struct err *err);

/* Remove it and all in it; absent is no error.  Follows no links. */
int folder_remove(const char *path, struct err *err);

#endif
