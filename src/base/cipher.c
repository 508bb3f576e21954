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
#include "base/file.h"
#include "base/mem.h"

#define MAGIC_LEN 16
#define SALT_LEN 16
#define KEY_LEN EXCHANGE_LEN
#define NONCE_LEN 12
#define TAG_LEN 16
#define CHUNK 65536u
#define COST_MIN 10
#define INFO "yizhan backup 1"

/* Where things stand in a head: after the magic the cost and the salt, or
 * whose it is and the share; the check is last. */
#define COST_AT MAGIC_LEN
#define SALT_AT (COST_AT + 1)
#define WHOSE_AT MAGIC_LEN
#define SHARE_AT (WHOSE_AT + EXCHANGE_LEN)
#define SAID_MAX (SHARE_AT + EXCHANGE_LEN)

static const struct form {
	const char *magic;
	size_t said; /* bytes of head before check */
} forms[] = {
    {"yizhan-cipher-1\n", SALT_AT + SALT_LEN},
    {"yizhan-sealed-1\n", SAID_MAX},
};
enum { BY_PASSPHRASE, SEALED, FORMS };

enum { MIDDLE = 0, LAST = 1, CHECK = 2 }; /* what a nonce is for */

struct cipher {
	EVP_CIPHER_CTX *ctx;
	int form;
	uint8_t said[SAID_MAX];
	uint64_t number; /* of the next chunk */
};

struct cipher_out {
	struct cipher c;
	int fd;
	struct digest_ctx *sum; /* of what was written: */
	int64_t bytes;
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
from_passphrase(uint8_t key[KEY_LEN], const struct cipher *c,
    const char *passphrase, struct err *err)
{
	uint64_t n = 1ull << c->said[COST_AT];

	if (EVP_PBE_scrypt(passphrase, strlen(passphrase), c->said + SALT_AT,
		SALT_LEN, n, 8, 1, 2 * 128 * 8 * n, key, KEY_LEN) != 1)
		return err_set(err, YZ_EIO, "scrypt at cost %d fails",
		    (int)c->said[COST_AT]);
	return 0;
}

/* One of secret and peer is of the file alone, the other is pub's half. */
static int
from_pair(uint8_t key[KEY_LEN], const struct cipher *c,
    const uint8_t secret[EXCHANGE_LEN], const uint8_t peer[EXCHANGE_LEN],
    const uint8_t pub[EXCHANGE_LEN], struct err *err)
{
	uint8_t agreed[EXCHANGE_LEN], salt[2 * EXCHANGE_LEN];
	int rc = exchange_agree(agreed, secret, peer, err);

	memcpy(salt, c->said + SHARE_AT, EXCHANGE_LEN);
	memcpy(salt + EXCHANGE_LEN, pub, EXCHANGE_LEN);
	if (rc == 0)
		exchange_derive(key, agreed, salt, sizeof(salt), INFO);
	OPENSSL_cleanse(agreed, sizeof(agreed));
	return rc;
}

/* c->said is complete; key is wiped. */
static int
begin(struct cipher *c, uint8_t key[KEY_LEN], struct err *err)
{
	int rc = 0;

	c->ctx = EVP_CIPHER_CTX_new();
	if (c->ctx == NULL || EVP_CipherInit_ex2(c->ctx, EVP_aes_256_gcm(), key,
				  NULL, 1, NULL) != 1)
		rc = err_set(err, YZ_EIO, "AES-256-GCM is not there");
	OPENSSL_cleanse(key, KEY_LEN);
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
	    EVP_CipherUpdate(
		c->ctx, NULL, &len, c->said, (int)forms[c->form].said) != 1 ||
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
put(struct cipher_out *o, const uint8_t *p, size_t n, struct err *err)
{
	digest_add(o->sum, p, n);
	o->bytes += (int64_t)n;
	return file_put(o->fd, p, n) ? 0 : err_sys(err, "write");
}

/* The head's bytes before check, and the key. */
static int
make_head(struct cipher *c, uint8_t key[KEY_LEN], const struct cipher_key *to,
    struct err *err)
{
	uint8_t once[EXCHANGE_LEN];
	int rc;

	c->form = to->passphrase != NULL ? BY_PASSPHRASE : SEALED;
	memcpy(c->said, forms[c->form].magic, MAGIC_LEN);
	if (c->form == BY_PASSPHRASE) {
		assert(to->cost >= COST_MIN && to->cost <= CIPHER_COST_MAX);
		c->said[COST_AT] = (uint8_t)to->cost;
		digest_random(c->said + SALT_AT, SALT_LEN);
		return from_passphrase(key, c, to->passphrase, err);
	}
	memcpy(c->said + WHOSE_AT, to->whose, EXCHANGE_LEN);
	digest_random(once, sizeof(once));
	exchange_public(c->said + SHARE_AT, once);
	rc = from_pair(key, c, once, to->pub, to->pub, err);
	OPENSSL_cleanse(once, sizeof(once));
	return rc;
}

int
cipher_out_new(struct cipher_out **out, int fd, const struct cipher_key *to,
    struct err *err)
{
	struct cipher_out *o = mem_calloc(1, sizeof(*o));
	uint8_t check[TAG_LEN], key[KEY_LEN];
	int rc;

	o->fd = fd;
	o->sum = digest_begin();
	rc = make_head(&o->c, key, to, err);
	if (rc == 0)
		rc = begin(&o->c, key, err);
	if (rc == 0 && !work(&o->c, CHECK, true, o->plain, NULL, 0, check))
		rc = err_set(err, YZ_EIO, "AES-256-GCM fails");
	if (rc == 0)
		rc = put(o, o->c.said, forms[o->c.form].said, err);
	if (rc == 0)
		rc = put(o, check, TAG_LEN, err);
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
	return put(o, o->chunk, o->n + TAG_LEN, err);
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
cipher_finish(struct cipher_out *o, struct cipher_sum *written, struct err *err)
{
	int rc = put_chunk(o, LAST, err);

	if (rc == 0 && written != NULL) {
		digest_end(o->sum, &written->hash);
		o->sum = NULL;
		written->bytes = o->bytes;
	}
	return rc;
}

void
cipher_out_free(struct cipher_out *o)
{
	if (o == NULL)
		return;
	if (o->sum != NULL) {
		struct digest ignored;

		digest_end(o->sum, &ignored);
	}
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

/* The form is read from the magic, then what belongs to it, and check. */
static int
read_head(struct cipher *c, uint8_t check[TAG_LEN], int fd, struct err *err)
{
	size_t n;
	int rc;

	rc = get(fd, c->said, MAGIC_LEN, &n, err);
	if (rc != 0)
		return rc;
	for (c->form = 0; c->form < FORMS; c->form++)
		if (n == MAGIC_LEN &&
		    memcmp(c->said, forms[c->form].magic, MAGIC_LEN) == 0)
			break;
	if (c->form < FORMS) {
		const size_t left = forms[c->form].said - MAGIC_LEN;

		rc = get(fd, c->said + MAGIC_LEN, left, &n, err);
		if (rc == 0 && n == left)
			rc = get(fd, check, TAG_LEN, &n, err);
		if (rc != 0)
			return rc;
		if (n == TAG_LEN &&
		    (c->form != BY_PASSPHRASE ||
			(c->said[COST_AT] >= COST_MIN &&
			    c->said[COST_AT] <= CIPHER_COST_MAX)))
			return 0;
	}
	return err_set(err, YZ_ECORRUPT,
	    "not a backup, or its beginning is cut off or damaged");
}

int
cipher_look(struct cipher_look *out, int fd, int64_t bytes, struct err *err)
{
	struct cipher c = {.ctx = NULL};
	uint8_t check[TAG_LEN];
	int64_t last;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = read_head(&c, check, fd, err);
	if (rc != 0)
		return rc;
	out->sealed = c.form == SEALED;
	if (out->sealed)
		memcpy(out->whose, c.said + WHOSE_AT, sizeof(out->whose));
	/* Of the last chunk the tag at least must be there. */
	last = bytes - (int64_t)forms[c.form].said - TAG_LEN;
	if (last < TAG_LEN || (last % (CHUNK + TAG_LEN) > 0 &&
				  last % (CHUNK + TAG_LEN) < TAG_LEN))
		return err_set(err, YZ_ECORRUPT,
		    "cut: no backup has %lld bytes", (long long)bytes);
	return 0;
}

static int
open_head(struct cipher *c, uint8_t key[KEY_LEN], const struct cipher_key *by,
    struct err *err)
{
	if ((c->form == BY_PASSPHRASE) != (by->passphrase != NULL))
		return err_set(err, YZ_EDENIED,
		    c->form == SEALED ? "no passphrase opens it, but a key"
				      : "a passphrase opens it, and no key");
	if (c->form == BY_PASSPHRASE)
		return from_passphrase(key, c, by->passphrase, err);
	if (memcmp(c->said + WHOSE_AT, by->whose, EXCHANGE_LEN) != 0)
		return err_set(err, YZ_EDENIED,
		    "this is not the key that it was encrypted to");
	return from_pair(key, c, by->secret, c->said + SHARE_AT, by->pub, err);
}

int
cipher_in_new(struct cipher_in **out, int fd, const struct cipher_key *by,
    struct err *err)
{
	struct cipher_in *in = mem_calloc(1, sizeof(*in));
	uint8_t check[TAG_LEN], key[KEY_LEN];
	int rc;

	in->fd = fd;
	rc = read_head(&in->c, check, fd, err);
	if (rc == 0)
		rc = open_head(&in->c, key, by, err);
	if (rc == 0)
		rc = begin(&in->c, key, err);
	if (rc == 0 && !work(&in->c, CHECK, false, in->plain, NULL, 0, check))
		/* Of a sealed one the head has said whose it is. */
		rc = in->c.form == SEALED
			 ? err_set(err, YZ_ECORRUPT, "its head is damaged")
			 : err_set(err, YZ_EDENIED,
			       "the passphrase is not the one it was written "
			       "with");
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
		    forms[in->c.form].said + TAG_LEN +
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
