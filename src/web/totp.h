/*
 * A second factor: codes of six digits that an app in a telephone makes from
 * a shared secret and the time (RFC 6238: HMAC-SHA1, steps of 30 s).  A code
 * of the step before or after does too, each only once.  Spare codes are for
 * when the telephone is lost or a clock is wrong.
 */
#ifndef WEB_TOTP_H
#define WEB_TOTP_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct db;
struct err;

#define TOTP_SECRET_LEN 20
#define TOTP_SPARES 10
#define TOTP_SPARE_LEN 11 /* 12345-67890 */

/* The code of a step (wall ms / 30000). */
uint32_t totp_code(const uint8_t secret[TOTP_SECRET_LEN], int64_t step);
/* Append a secret as people type it, base32. */
void totp_base32(struct buf *out, const uint8_t secret[TOTP_SECRET_LEN]);

/* A new secret, which counts once confirmed; YZ_ECONFLICT: one does. */
int totp_begin(struct db *db, uint8_t secret[TOTP_SECRET_LEN],
    const char *login, struct err *err);
/* The app has the secret: it shows a right code.  Makes new spare codes. */
int totp_confirm(struct db *db, char spares[TOTP_SPARES][TOTP_SPARE_LEN + 1],
    const char *login, const char *code, int64_t now, struct err *err);
int totp_is_on(bool *out, struct db *db, const char *login, struct err *err);
/* A code or a spare one, which is used up. */
int totp_check(bool *good, struct db *db, const char *login, const char *code,
    int64_t now, struct err *err);
int totp_off(struct db *db, const char *login, struct err *err);

#endif
