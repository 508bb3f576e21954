/*
 * A record as the API gives it.
 */
#ifndef WEB_REC_H
#define WEB_REC_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct field;
struct record;
struct replica;

/*
 * Append {"id","kind","owner","title","values","text","removed",
 * "created_at","created_by","conflicts"}; metres >= 0 adds a distance.  The
 * object is left open when open is set: the caller adds members and "}".
 */
int rec_put(struct buf *out, struct replica *r, const struct record *rec,
    double metres, bool zh, bool open, struct err *err);

/*
 * The record's fields as a short text that changes with any of them: for
 * each with a value, 8 digits of its name's and of its value's SHA-256; where
 * several values stand, of all of them.
 */
int rec_etag(struct buf *out, struct replica *r, const struct record *rec,
    struct err *err);
/* Is this field as it was when etag was made? */
int rec_same(bool *out, struct replica *r, const struct record *rec,
    const char *etag, const struct field *f, struct err *err);

#endif
