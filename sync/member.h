/*
 * Members of a line of canonical JSON that is signed: requests to join and to
 * rotate, the key that backups are encrypted to.
 */
#ifndef SYNC_MEMBER_H
#define SYNC_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "canon.h"

struct buf;

/* Append "NAME":"VALUE": a public key as ssh-keygen writes it; a hash in hex,
 * or nothing for zero; a signature in base64. */
void member_put_key(struct buf *out, const char *name, const uint8_t key[32]);
void member_put_hash(
    struct buf *out, const char *name, const struct digest *hash);
void member_put_sig(struct buf *out, const char *name, const uint8_t sig[64]);

/* Read it; false if there is none, or another thing. */
bool member_get_key(uint8_t key[32], struct canon object, const char *name);
bool member_get_hash(
    struct digest *hash, struct canon object, const char *name);
bool member_get_sig(uint8_t sig[64], struct canon object, const char *name);
/* Exactly n bytes of text, and a NUL. */
bool member_get_fixed(
    char *out, size_t n, struct canon object, const char *name);

#endif
