/*
 * A file encrypted with a passphrase, or to a public key, in chunks that are
 * authenticated one by one: a flipped byte, a chunk left out or moved, and an
 * end cut off are all found before a byte of the chunk is given out.
 *
 *	head   = magic "yizhan-cipher-1\n", cost (1 byte, log2 of scrypt's N),
 *	         salt (16 bytes), check (16 bytes)
 *	key    = scrypt(passphrase, salt, N = 2^cost, r = 8, p = 1), 32 bytes
 * or
 *	head   = magic "yizhan-sealed-1\n", whose (32 bytes: a name of the
 *	         public key's owner), share (32 bytes: an X25519 public key made
 *	         for this file and forgotten), check (16 bytes)
 *	key    = HKDF-SHA256(X25519(share, public key), salt = share, public
 *	         key; info = "yizhan backup 1"), 32 bytes
 *
 *	file   = head, chunks
 *	chunk  = AES-256-GCM of up to 65536 bytes, then its tag of 16
 *	nonce  = 3 zero bytes, 1 in the last chunk and 0 in the others, the
 *	         chunk's number from 0 (8 bytes, big-endian)
 *
 * Every chunk but the last is full; there is always a last one, which may be
 * empty.  The bytes of head before check are additional data of all; check is
 * the tag of nothing under nonce 2, 0: it tells a wrong passphrase or key.
 */
#ifndef BASE_CIPHER_H
#define BASE_CIPHER_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/exchange.h"

struct cipher_in;
struct cipher_out;
struct err;

#define CIPHER_COST 17 /* 128 MiB and about half a second */
#define CIPHER_COST_MAX 20

/* What locks a file, and what opens it. */
struct cipher_key {
	const char *passphrase;       /* borrowed; NULL: the pair below */
	int cost;                     /* of scrypt, to write */
	uint8_t whose[EXCHANGE_LEN];  /* the name of who opens it */
	uint8_t pub[EXCHANGE_LEN];    /* that one's public key */
	uint8_t secret[EXCHANGE_LEN]; /* its other half, to read */
};

/* Begin to write at fd, which stays the caller's. */
int cipher_out_new(struct cipher_out **out, int fd, const struct cipher_key *to,
    struct err *err);
int cipher_write(
    struct cipher_out *out, const void *data, size_t n, struct err *err);
/* written, if not NULL: the file's bytes and their SHA-256 from then on. */
struct cipher_sum {
	struct digest hash;
	int64_t bytes;
};
int cipher_finish(
    struct cipher_out *out, struct cipher_sum *written, struct err *err);
void cipher_out_free(struct cipher_out *out);

/* What can be said of a file of so many bytes without what opens it, from its
 * head, which is read from fd: YZ_ECORRUPT if no such file is so long. */
struct cipher_look {
	int sealed;                  /* to a public key, */
	uint8_t whose[EXCHANGE_LEN]; /* of this one; else by a passphrase */
};
int cipher_look(
    struct cipher_look *out, int fd, int64_t bytes, struct err *err);

/*
 * Read the head: YZ_EDENIED when the passphrase or the key is wrong,
 * YZ_ECORRUPT when this is no such file.  cipher_read() gives bytes that hold,
 * borrowed until the next call, n = 0 at the end; YZ_ECORRUPT where the file
 * was cut or changed, with the offset of the chunk.
 */
int cipher_in_new(struct cipher_in **out, int fd, const struct cipher_key *by,
    struct err *err);
int cipher_read(
    struct cipher_in *in, const void **data, size_t *n, struct err *err);
void cipher_in_free(struct cipher_in *in);

#endif
