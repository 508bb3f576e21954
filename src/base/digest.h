/*
 * Digests, hexadecimal and base64, and random bytes.  All digests come from
 * OpenSSL; a refusal by libcrypto stops the process (it has no answer).
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* A SHA-256. */
struct digest {
	uint8_t b[32];
};

#define DIGEST_HEX_LEN 64

void digest_sha256(struct digest *out, const void *data, size_t n);
void digest_sha1(uint8_t out[20], const void *data, size_t n);
/* SHA-1 of "TYPE LENGTH\0" and the bytes: the address git gives an object */
void digest_git(uint8_t out[20], const char *type, const void *data, size_t n);
void digest_sha512(uint8_t out[64], const void *data, size_t n);
/* HMAC with SHA-1 (RFC 2104), as one-time codes want it. */
void digest_hmac_sha1(uint8_t out[20], const void *key, size_t key_len,
    const void *data, size_t n);
bool digest_equal(const struct digest *a, const struct digest *b);

/* Incremental SHA-256. */
struct digest_ctx;
struct digest_ctx *digest_begin(void);
void digest_add(struct digest_ctx *ctx, const void *data, size_t n);
void digest_end(struct digest_ctx *ctx, struct digest *out); /* frees ctx */

/* Lower-case hex of n bytes; out holds 2n + 1. */
void digest_hex(char *out, const void *data, size_t n);
/* Exactly n bytes from exactly 2n lower-case digits; false otherwise. */
bool digest_unhex(void *out, size_t n, const char *hex, size_t hexlen);

/* Base64 with padding, no line breaks, appended to out. */
void digest_base64(struct buf *out, const void *data, size_t n);
/* Strict inverse, appended; false if anything is not canonical base64. */
bool digest_unbase64(struct buf *out, const char *text, size_t n);

/* n bytes from the system's generator. */
void digest_random(void *out, size_t n);

#endif
