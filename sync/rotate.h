/*
 * Rotating keys (FORMAT.md section 8): a station asks for new ones, the one
 * that enrols it lists them, and when that roster has come the station goes
 * over to them.
 */
#ifndef SYNC_ROTATE_H
#define SYNC_ROTATE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct local;
struct replica;
struct sign_key;

/* May a first recovery key be made?  YZ_ECONFLICT: there is one. */
int rotate_lacks_recovery(struct replica *r, struct err *err);

/*
 * At the station: make the next keys and ask for them.  by NULL: by the key
 * in use; a request is then made anew for each session, with the places of
 * that moment, and writing goes on.  Else by the recovery key, with a new
 * incarnation; fresh, or NULL, is the recovery key from then on.  Nothing can
 * be written until that has been answered.
 */
int rotate_begin(struct replica *r, const struct sign_key *by,
    const struct sign_key *fresh, struct err *err);
/* Append the request; YZ_ENOTFOUND: no rotation is under way. */
int rotate_request(struct buf *out, struct replica *r, struct err *err);

/*
 * A request came, from the station or from one below it.  Where its entry can
 * be issued the roster is adopted or waits as a proposal; else it is kept to
 * go on upwards.  One that was granted already is no error.
 */
int rotate_take(struct replica *r, struct local *local, const void *text,
    size_t n, struct err *err);
/* What has to go up to station other, the i-th: own or kept; YZ_ENOTFOUND:
 * there are no more. */
int rotate_upward(struct buf *out, struct replica *r, struct local *local,
    const char *other, size_t i, struct err *err);

#endif
