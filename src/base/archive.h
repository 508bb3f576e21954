/*
 * Archives: tar in zstd, of regular files only; and bytes as gzip has them,
 * for browsers.  The only file that knows libarchive.  Bytes go out and come in
 * through functions of the caller; nothing is ever extracted by libarchive
 * itself.
 */
#ifndef BASE_ARCHIVE_H
#define BASE_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

struct archive_in;
struct archive_out;
struct buf;
struct err;

#define ARCHIVE_NAME_MAX 256 /* bytes of an entry's name */

/* write is given the archive's bytes in order. */
int archive_out_new(struct archive_out **ret,
    int (*write)(void *arg, const void *data, size_t n, struct err *err),
    void *arg, struct err *err);
/* An entry of exactly size bytes, which follow by archive_out_put(). */
int archive_out_entry(struct archive_out *out, const char *name, int64_t size,
    int64_t mtime, struct err *err);
int archive_out_put(
    struct archive_out *out, const void *data, size_t n, struct err *err);
int archive_out_finish(struct archive_out *out, struct err *err);
void archive_out_free(struct archive_out *out);

/* Append n bytes in gzip's form; the same bytes give the same. */
int archive_gzip(struct buf *out, const void *data, size_t n, struct err *err);

/* read gives the next bytes, borrowed until it is called again; n = 0 at the
 * end.  Its failure is the reader's. */
int archive_in_new(struct archive_in **ret,
    int (*read)(void *arg, const void **data, size_t *n, struct err *err),
    void *arg, struct err *err);
struct archive_item {
	char name[ARCHIVE_NAME_MAX + 1];
	int64_t size;
};
/* 1: the next entry; 0: no more.  YZ_ECORRUPT for what is no regular file, has
 * a name too long or with control characters, or no size, and for bytes that
 * are no such archive.  What is left of the entry before is passed over. */
int archive_in_next(
    struct archive_in *in, struct archive_item *item, struct err *err);
/* 1: the next bytes of the entry, borrowed; 0: no more. */
int archive_in_get(
    struct archive_in *in, const void **data, size_t *n, struct err *err);
void archive_in_free(struct archive_in *in);

#endif
