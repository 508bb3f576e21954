/*
 * Whole files, safely: a file is either as before or wholly new.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct buf;
struct err;

/* Append the whole file to out; over max bytes is YZ_EINVAL, absent
 * YZ_ENOTFOUND. "-" reads standard input. */
int file_read(struct buf *out, const char *path, size_t max, struct err *err);

/* Write to a temporary name, fsync, rename, fsync the folder. */
int file_write(
    const char *path, const void *data, size_t n, mode_t mode, struct err *err);

/* Remove path if it is a temporary name of a file_write() that was killed; true
 * if so.  One that is at work keeps its file. */
bool file_sweep(const char *path);

/* All of it to fd; false: errno says why not. */
bool file_put(int fd, const void *data, size_t n);

/* rename(), but never over another: YZ_ECONFLICT if to is there. */
int file_rename_new(const char *from, const char *to, struct err *err);

/* fsync the folder that path is in: a rename is on disk only then. */
int file_sync_folder(const char *path, struct err *err);

/* mkdir -p, and new folders are on disk; an existing one is no error. */
int file_mkdir(const char *path, mode_t mode, struct err *err);

/* The same; its bytes are made by fill once there is a new file to hold them,
 * for what has to say which file it is. */
int file_write_with(const char *path, mode_t mode,
    int (*fill)(void *arg, struct buf *out, int fd, struct err *err), void *arg,
    struct err *err);

bool file_exists(const char *path);

/* Take an exclusive flock on path (created if absent); *fd is to be closed
 * to let go.  wait = false gives YZ_ECONFLICT when somebody holds it. */
int file_lock(int *fd, const char *path, bool wait, struct err *err);

#endif
