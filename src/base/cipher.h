/*
 * A file encrypted with a passphrase, in chunks that are authenticated one by
 * one: a flipped byte, a chunk left out or moved, and an end cut off are all
 * found before a byte of the chunk is given out.
 *
 *	head   = magic "yizhan-cipher-1\n", cost (1 byte, log2 of scrypt's N),
 *	         salt (16 bytes), check (16 bytes)
 *	file   = head, chunks
 *	chunk  = AES-256-GCM of up to 65536 bytes, then its tag of 16
 *	key    = scrypt(passphrase, salt, N = 2^cost, r = 8, p = 1), 32 bytes
 *	nonce  = 3 zero bytes, 1 in the last chunk and 0 in the others, the
 *	         chunk's number from 0 (8 bytes, big-endian)
 *
 * Every chunk but the last is full; there is always a last one, which may be
 * empty.  The bytes of head before check are additional data of all; check is
 * the tag of nothing under nonce 2, 0: it tells a wrong passphrase.
 */
#ifndef BASE_CIPHER_H
#define BASE_CIPHER_H

#include <stddef.h>

struct cipher_in;
struct cipher_out;
struct err;

#define CIPHER_COST 17 /* 128 MiB and about half a second */
#define CIPHER_COST_MAX 20

/* Begin to write at fd, which stays the caller's. */
int cipher_out_new(struct cipher_out **out, int fd, const char *passphrase,
    int cost, struct err *err);
int cipher_write(
    struct cipher_out *out, const void *data, size_t n, struct err *err);
int cipher_finish(struct cipher_out *out, struct err *err);
void cipher_out_free(struct cipher_out *out);

/*
 * Read the head: YZ_EDENIED when the passphrase is wrong, YZ_ECORRUPT when
 * this is no such file.  cipher_read() gives bytes that hold, borrowed until
 * the next call, n = 0 at the end; YZ_ECORRUPT where the file was cut or
 * changed, with the offset of the chunk.
 */
int cipher_in_new(
    struct cipher_in **out, int fd, const char *passphrase, struct err *err);
int cipher_read(
    struct cipher_in *in, const void **data, size_t *n, struct err *err);
void cipher_in_free(struct cipher_in *in);

#endif
