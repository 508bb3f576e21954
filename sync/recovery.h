/*
 * The recovery key: an Ed25519 key on paper that can only replace a station's
 * keys.  It is made, printed and forgotten; the roster has the SHA-256 of its
 * public half.
 */
#ifndef SYNC_RECOVERY_H
#define SYNC_RECOVERY_H

#include <stdbool.h>
#include <stddef.h>

#include "chain.h"
#include "sign.h"

struct buf;
struct digest;
struct err;

#define RECOVERY_LINES 4     /* of digits */
#define RECOVERY_LINE_MAX 96 /* "yizhan-recovery:520302:" and 64 digits */

/* The one line that the QR code holds. */
void recovery_line(
    char out[RECOVERY_LINE_MAX], const char *code, const struct sign_key *key);
/* Four numbered lines of 16 digits and a check of two, to be typed. */
void recovery_digits(struct buf *out, const struct sign_key *key);
/*
 * From a file that was printed or typed: the line of the QR code, or, if it
 * is not there, the four lines of digits; whatever else stands around them.
 * code is "" if it is not said.  YZ_EINVAL names the line that is wrong.
 */
int recovery_read(struct sign_key *out, char code[CHAIN_CODE_LEN + 1],
    const char *text, size_t n, struct err *err);
/* Is this the n-th of the four lines, its number left out or not?  For who
 * types them one by one; buf is given the line as recovery_read() wants it. */
bool recovery_typed(struct buf *out, int line, const char *typed);
/* What the roster has of it. */
void recovery_hash(struct digest *out, const struct sign_key *key);

#endif
