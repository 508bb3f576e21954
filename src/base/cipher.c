#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/cipher.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"

#define MAGIC "yizhan-cipher-1\n"
#define MAGIC_LEN 16
#define SALT_LEN 16
#define SAID_LEN (MAGIC_LEN + 1 + SALT_LEN) /* of head, before check */
#define KEY_LEN 32
#define NONCE_LEN 12
#define TAG_LEN 16
#define HEAD_LEN (SAID_LEN + TAG_LEN)
#define CHUNK 65536u
#define COST_MIN 10

enum { MIDDLE = 0, LAST = 1, CHECK = 2 }; /* what a nonce is for */

struct cipher {
	EVP_CIPHER_CTX *ctx;
	uint8_t said[SAID_LEN];
	uint64_t number; /* of the next chunk */
};

struct cipher_out {
	struct cipher c;
	int fd;
	uint8_t plain[CHUNK]; /* not yet written: */
	size_t n;
	uint8_t chunk[CHUNK + TAG_LEN];
};

struct cipher_in {
	struct cipher c;
	int fd;
	uint8_t plain[CHUNK];
	/* What was read: a chunk and the first byte of the next. */
	uint8_t chunk[CHUNK + TAG_LEN + 1];
	size_t held;
	int ended; /* the last chunk was given out */
};

/* --- the cipher -------------------------------------------------------------
 */

static int
derive(uint8_t key[KEY_LEN], const char *passphrase, const uint8_t *salt,
    int cost, struct err *err)
{
	uint64_t n = 1ull << cost;

	if (EVP_PBE_scrypt(passphrase, strlen(passphrase), salt, SALT_LEN, n, 8,
		1, 2 * 128 * 8 * n, key, KEY_LEN) != 1)
		return err_set(err, YZ_EIO, "scrypt at cost %d fails", cost);
	return 0;
}

/* Key and head are set; c.said is complete. */
static int
begin(struct cipher *c, const char *passphrase, struct err *err)
{
	uint8_t key[KEY_LEN];
	int rc;

	rc = derive(
	    key, passphrase, c->said + MAGIC_LEN + 1, c->said[MAGIC_LEN], err);
	if (rc != 0)
		return rc;
	c->ctx = EVP_CIPHER_CTX_new();
	if (c->ctx == NULL || EVP_CipherInit_ex2(c->ctx, EVP_aes_256_gcm(), key,
				  NULL, 1, NULL) != 1)
		rc = err_set(err, YZ_EIO, "AES-256-GCM is not there");
	OPENSSL_cleanse(key, sizeof(key));
	return rc;
}

/* Work on n bytes; tag is made if encrypting, else compared.  False when it
 * does not hold. */
static bool
work(struct cipher *c, int what, bool encrypting, uint8_t *out,
    const uint8_t *in, size_t n, uint8_t tag[TAG_LEN])
{
	uint8_t nonce[NONCE_LEN] = {0};
	int i, len;

	nonce[3] = (uint8_t)what;
	for (i = 0; what != CHECK && i < 8; i++)
		nonce[4 + i] = (uint8_t)(c->number >> (56 - 8 * i));
	if (EVP_CipherInit_ex2(c->ctx, NULL, NULL, nonce, encrypting, NULL) !=
		1 ||
	    EVP_CipherUpdate(c->ctx, NULL, &len, c->said, SAID_LEN) != 1 ||
	    (n > 0 && EVP_CipherUpdate(c->ctx, out, &len, in, (int)n) != 1))
		return false;
	if (!encrypting && EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG,
			       TAG_LEN, tag) != 1)
		return false;
	/* Without room for more: GCM keeps nothing back. */
	if (EVP_CipherFinal_ex(c->ctx, out, &len) != 1)
		return false;
	return !encrypting || EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG,
				  TAG_LEN, tag) == 1;
}

/* --- writing ----------------------------------------------------------------
 */

static int
put(int fd, const uint8_t *p, size_t n, struct err *err)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_sys(err, "write");
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int
cipher_out_new(struct cipher_out **out, int fd, const char *passphrase,
    int cost, struct err *err)
{
	struct cipher_out *o = mem_calloc(1, sizeof(*o));
	uint8_t check[TAG_LEN];
	int rc;

	assert(cost >= COST_MIN && cost <= CIPHER_COST_MAX);
	o->fd = fd;
	memcpy(o->c.said, MAGIC, MAGIC_LEN);
	o->c.said[MAGIC_LEN] = (uint8_t)cost;
	digest_random(o->c.said + MAGIC_LEN + 1, SALT_LEN);
	rc = begin(&o->c, passphrase, err);
	if (rc == 0 && !work(&o->c, CHECK, true, o->plain, NULL, 0, check))
		rc = err_set(err, YZ_EIO, "AES-256-GCM fails");
	if (rc == 0)
		rc = put(fd, o->c.said, SAID_LEN, err);
	if (rc == 0)
		rc = put(fd, check, TAG_LEN, err);
	if (rc != 0) {
		cipher_out_free(o);
		return rc;
	}
	*out = o;
	return 0;
}

static int
put_chunk(struct cipher_out *o, int what, struct err *err)
{
	if (!work(&o->c, what, true, o->chunk, o->plain, o->n, o->chunk + o->n))
		return err_set(err, YZ_EIO, "AES-256-GCM fails");
	o->c.number++;
	return put(o->fd, o->chunk, o->n + TAG_LEN, err);
}

int
cipher_write(struct cipher_out *o, const void *data, size_t n, struct err *err)
{
	const uint8_t *p = data;
	size_t take;
	int rc = 0;

	while (rc == 0 && n > 0) {
		if (o->n == CHUNK) {
			/* More follows, so it is not the last. */
			rc = put_chunk(o, MIDDLE, err);
			o->n = 0;
		}
		take = CHUNK - o->n < n ? CHUNK - o->n : n;
		memcpy(o->plain + o->n, p, take);
		o->n += take;
		p += take;
		n -= take;
	}
	return rc;
}

int
cipher_finish(struct cipher_out *o, struct err *err)
{
	return put_chunk(o, LAST, err);
}

void
cipher_out_free(struct cipher_out *o)
{
	if (o == NULL)
		return;
	EVP_CIPHER_CTX_free(o->c.ctx);
	OPENSSL_cleanse(o->plain, sizeof(o->plain));
	free(o);
}

/* --- reading ----------------------------------------------------------------
 */

/* Up to n bytes, fewer only at the end. */
static int
get(int fd, uint8_t *p, size_t n, size_t *got, struct err *err)
{
	ssize_t r;

	*got = 0;
	while (*got < n) {
		r = read(fd, p + *got, n - *got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(err, "read");
		if (r == 0)
			break;
		*got += (size_t)r;
	}
	return 0;
}

int
cipher_in_new(
    struct cipher_in **out, int fd, const char *passphrase, struct err *err)
{
	struct cipher_in *in = mem_calloc(1, sizeof(*in));
	uint8_t head[HEAD_LEN];
	size_t n;
	int rc;

	in->fd = fd;
	rc = get(fd, head, sizeof(head), &n, err);
	if (rc == 0 &&
	    (n < sizeof(head) || memcmp(head, MAGIC, MAGIC_LEN) != 0 ||
		head[MAGIC_LEN] < COST_MIN ||
		head[MAGIC_LEN] > CIPHER_COST_MAX))
		rc = err_set(err, YZ_ECORRUPT,
		    "not a backup, or its first %d bytes are damaged",
		    HEAD_LEN);
	memcpy(in->c.said, head, SAID_LEN);
	if (rc == 0)
		rc = begin(&in->c, passphrase, err);
	if (rc == 0 &&
	    !work(&in->c, CHECK, false, in->plain, NULL, 0, head + SAID_LEN))
		rc = err_set(err, YZ_EDENIED,
		    "the passphrase is not the one it was written with");
	if (rc != 0) {
		cipher_in_free(in);
		return rc;
	}
	*out = in;
	return 0;
}

int
cipher_read(struct cipher_in *in, const void **data, size_t *n, struct err *err)
{
	size_t got, len;
	bool last;
	int rc;

	*data = in->plain;
	*n = 0;
	if (in->ended)
		return 0;
	rc = get(in->fd, in->chunk + in->held, sizeof(in->chunk) - in->held,
	    &got, err);
	if (rc != 0)
		return rc;
	got += in->held;
	/* A byte beyond a whole chunk: another one follows. */
	last = got < sizeof(in->chunk);
	len = last ? got : CHUNK + TAG_LEN;
	if (len < TAG_LEN ||
	    !work(&in->c, last ? LAST : MIDDLE, false, in->plain, in->chunk,
		len - TAG_LEN, in->chunk + len - TAG_LEN))
		return err_set(err, YZ_ECORRUPT,
		    "cut or changed in the 64 KiB from byte %llu on",
		    HEAD_LEN +
			(unsigned long long)in->c.number * (CHUNK + TAG_LEN));
	in->c.number++;
	in->chunk[0] = in->chunk[sizeof(in->chunk) - 1];
	in->held = 1;
	in->ended = last;
	*n = len - TAG_LEN;
	return 0;
}

void
cipher_in_free(struct cipher_in *in)
{
	if (in == NULL)
		return;
	EVP_CIPHER_CTX_free(in->c.ctx);
	OPENSSL_cleanse(in->plain, sizeof(in->plain));
	free(in);
}
