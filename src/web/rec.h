/*
 * A record as the API gives it.
 */
#ifndef WEB_REC_H
#define WEB_REC_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
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
 * each with a value, 8 digits of its name's and of its value's SHA-256.
 */
void rec_etag(struct buf *out, const struct record *rec);
/* Is this field as it was when etag was made? */
bool rec_same(const struct record *rec, const char *etag, const char *field);

#endif
