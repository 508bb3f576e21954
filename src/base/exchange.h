/*
 * X25519 (RFC 7748) and HKDF with SHA-256 (RFC 5869): how two parties, one of
 * whom may be a sheet of paper, come to the same secret.
 */
#ifndef BASE_EXCHANGE_H
#define BASE_EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

struct err;

#define EXCHANGE_LEN 32 /* bytes of a secret, a public key, and an output */

/* out = HKDF(secret, salt, info).  info is text and says what for. */
void exchange_derive(uint8_t out[EXCHANGE_LEN],
    const uint8_t secret[EXCHANGE_LEN], const void *salt, size_t salt_len,
    const char *info);
void exchange_public(
    uint8_t pub[EXCHANGE_LEN], const uint8_t secret[EXCHANGE_LEN]);
/* YZ_EDENIED for a public key that leaves no secret (a point of low order). */
int exchange_agree(uint8_t out[EXCHANGE_LEN],
    const uint8_t secret[EXCHANGE_LEN], const uint8_t pub[EXCHANGE_LEN],
    struct err *err);

#endif
