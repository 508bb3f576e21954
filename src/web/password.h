/*
 * Passwords: scrypt (RFC 7914) by OpenSSL, and what makes a good one.
 * Stored as "scrypt$N$r$p$SALT$HASH", salt and hash in base64.
 */
#ifndef WEB_PASSWORD_H
#define WEB_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define PASSWORD_STORED_MAX 160
#define PASSWORD_MIN 10  /* characters */
#define PASSWORD_MAX 200 /* bytes */

/* YZ_EINVAL says what is missing: at least PASSWORD_MIN characters, three of
 * lower case, upper case, digits, others; not the login. */
int password_good(const char *password, const char *login, struct err *err);
void password_hash(char out[PASSWORD_STORED_MAX], const char *password);
/* What a short secret is kept as, by itself as costly to guess at as a
 * password: PASSWORD_STRETCHED bytes of scrypt. */
#define PASSWORD_STRETCHED 32
void password_stretch(uint8_t out[PASSWORD_STRETCHED], const char *secret,
    const void *salt, size_t salt_len);
/* Takes as long for a wrong one, and for stored NULL (nobody), as for a right
 * one.  At most two are computed at once in the process; others wait. */
bool password_holds(const char *stored, const char *password);

#endif
