#include "config.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/summed.h"
#include "sign.h"

#define KEY_TYPE "ssh-ed25519"
#define MAGIC "SSHSIG"
#define LINE_LEN 70 /* of armour, as ssh-keygen breaks it */
#define SIG_BEGIN "-----BEGIN SSH SIGNATURE-----\n"
#define SIG_END "-----END SSH SIGNATURE-----\n"
#define KEY_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define KEY_END "-----END OPENSSH PRIVATE KEY-----\n"
#define CHECK_NS "yizhan-check"
#define ARMOUR_MAX 1024 /* bytes of any armoured signature of ours */

/*
 * y of every point whose order divides 8 (sign bit aside): such a "key" holds
 * for signatures that nobody made.
 */
static const uint8_t low_order[][32] = {
    {0}, /* order 4 */
    {1}, /* order 1 */
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89,
	0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39,
	0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05}, /* order 8 */
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76,
	0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6,
	0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}, /* order 8 */
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, /* order 2 */
};

/* libcrypto refused what cannot be refused. */
static void
must(int good, const char *what)
{
	if (!good) {
		fprintf(stderr, "yizhan: libcrypto: %s failed\n", what);
		abort();
	}
}

void
sign_from_seed(struct sign_key *out, const uint8_t seed[32])
{
	size_t n = sizeof(out->pub);
	EVP_PKEY *pkey;

	memcpy(out->seed, seed, sizeof(out->seed));
	pkey = EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_ED25519, NULL, seed, sizeof(out->seed));
	must(pkey != NULL, "Ed25519 private key");
	must(EVP_PKEY_get_raw_public_key(pkey, out->pub, &n) == 1 &&
		 n == sizeof(out->pub),
	    "Ed25519 public key");
	EVP_PKEY_free(pkey);
}

void
sign_generate(struct sign_key *out)
{
	uint8_t seed[32];

	digest_random(seed, sizeof(seed));
	sign_from_seed(out, seed);
	OPENSSL_cleanse(seed, sizeof(seed));
}

int
sign_save(const struct sign_key *key, const char *path, struct err *err)
{
	char digits[2 * sizeof(key->seed) + 1];
	struct buf text = BUF_INIT;
	int rc;

	digest_hex(digits, key->seed, sizeof(key->seed));
	buf_printf(&text, "%s\n", digits);
	summed_end(&text);
	rc = file_write(path, text.b, text.len, 0600, err);
	OPENSSL_cleanse(digits, sizeof(digits));
	OPENSSL_cleanse(text.b, text.cap);
	buf_free(&text);
	return rc;
}

int
sign_load(struct sign_key *out, const char *path, struct err *err)
{
	const size_t digits = 2 * sizeof(out->seed);
	struct buf text = BUF_INIT;
	uint8_t seed[32];
	int rc;

	rc = summed_read(&text, path, digits + 1 + SUMMED_LEN, err);
	if (rc != 0)
		goto out;
	if (text.len != digits + 1 || text.b[digits] != '\n' ||
	    !digest_unhex(seed, sizeof(seed), (char *)text.b, digits)) {
		rc = err_set(err, YZ_ECORRUPT, "%s is not a key", path);
		goto out;
	}
	sign_from_seed(out, seed);
out:
	OPENSSL_cleanse(seed, sizeof(seed));
	if (text.b != NULL)
		OPENSSL_cleanse(text.b, text.cap);
	buf_free(&text);
	return rc;
}

/*
 * Is there an x for this y?  On -x^2 + y^2 = 1 + d x^2 y^2 that is: is
 * u/v = (y^2 - 1) / (d y^2 + 1) a square mod p, which holds when u v is.
 * Public data and rarely asked, so neither constant time nor fast.
 */
static bool
on_curve(const uint8_t y_bytes[32])
{
	static const char p_hex[] = "7fffffffffffffffffffffffffffffff"
				    "ffffffffffffffffffffffffffffffed";
	static const char d_hex[] = "52036cee2b6ffe738cc740797779e898"
				    "00700a4d4141d8ab75eb4dca135978a3";
	BIGNUM *p = NULL, *d = NULL, *y, *u = BN_new(), *v = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	bool below, square;

	y = BN_lebin2bn(y_bytes, 32, NULL);
	must(y != NULL && u != NULL && v != NULL && ctx != NULL &&
		 BN_hex2bn(&p, p_hex) != 0 && BN_hex2bn(&d, d_hex) != 0,
	    "numbers");
	below = BN_cmp(y, p) < 0;
	must(BN_mod_sqr(u, y, p, ctx) && BN_mod_mul(v, u, d, p, ctx) &&
		 BN_sub_word(u, 1) && BN_add_word(v, 1) &&
		 BN_mod_mul(u, u, v, p, ctx),
	    "curve equation");
	square = BN_kronecker(u, p, ctx) >= 0;
	BN_free(p);
	BN_free(d);
	BN_free(y);
	BN_free(u);
	BN_free(v);
	BN_CTX_free(ctx);
	return below && square;
}

int
sign_check_public(const uint8_t pub[32], struct err *err)
{
	uint8_t y[32];
	size_t i;

	memcpy(y, pub, sizeof(y));
	y[31] &= 0x7f;
	for (i = 0; i < sizeof(low_order) / sizeof(low_order[0]); i++)
		if (memcmp(y, low_order[i], sizeof(y)) == 0)
			return err_set(
			    err, YZ_EDENIED, "a public key of low order");
	if (!on_curve(y))
		return err_set(err, YZ_EDENIED,
		    "a public key that is no point, or not in canonical form");
	return 0;
}

static void
put_string(struct buf *out, const void *data, size_t n)
{
	buf_put_u32(out, (uint32_t)n);
	buf_put(out, data, n);
}

static void
put_text(struct buf *out, const char *s)
{
	put_string(out, s, strlen(s));
}

/* What is signed: the namespace and a SHA-512 of the message. */
static void
put_tbs(struct buf *out, const char *ns, const void *message, size_t n)
{
	uint8_t hash[64];

	digest_sha512(hash, message, n);
	buf_puts(out, MAGIC);
	put_text(out, ns);
	put_text(out, "");
	put_text(out, "sha512");
	put_string(out, hash, sizeof(hash));
}

int
sign_make(uint8_t sig[64], const struct sign_key *key, const char *ns,
    const void *message, size_t n, struct err *err)
{
	struct buf tbs = BUF_INIT;
	EVP_PKEY *pkey;
	EVP_MD_CTX *ctx;
	size_t sig_len = 64;
	int rc = 0;

	put_tbs(&tbs, ns, message, n);
	pkey = EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_ED25519, NULL, key->seed, sizeof(key->seed));
	ctx = EVP_MD_CTX_new();
	if (pkey == NULL || ctx == NULL ||
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) != 1 ||
	    EVP_DigestSign(ctx, sig, &sig_len, tbs.b, tbs.len) != 1 ||
	    sig_len != 64)
		rc = err_set(err, YZ_EIO, "libcrypto cannot sign");
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	buf_free(&tbs);
	return rc;
}

int
sign_verify(const uint8_t sig[64], const uint8_t pub[32], const char *ns,
    const void *message, size_t n, struct err *err)
{
	struct buf tbs = BUF_INIT;
	EVP_PKEY *pkey;
	EVP_MD_CTX *ctx;
	int rc = 0;

	put_tbs(&tbs, ns, message, n);
	pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, 32);
	ctx = EVP_MD_CTX_new();
	if (pkey == NULL || ctx == NULL ||
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) != 1 ||
	    EVP_DigestVerify(ctx, sig, 64, tbs.b, tbs.len) != 1)
		rc = err_set(err, YZ_EDENIED, "the signature does not hold");
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	buf_free(&tbs);
	return rc;
}

static void
put_public(struct buf *out, const uint8_t pub[32])
{
	struct buf blob = BUF_INIT;

	put_text(&blob, KEY_TYPE);
	put_string(&blob, pub, 32);
	put_string(out, blob.b, blob.len);
	buf_free(&blob);
}

/* Base64 in lines between begin and end. */
static void
put_armour(
    struct buf *out, const char *begin, const struct buf *data, const char *end)
{
	struct buf text = BUF_INIT;
	size_t at, n;

	digest_base64(&text, data->b, data->len);
	buf_puts(out, begin);
	for (at = 0; at < text.len; at += n) {
		n = text.len - at < LINE_LEN ? text.len - at : LINE_LEN;
		buf_put(out, text.b + at, n);
		buf_putc(out, '\n');
	}
	buf_puts(out, end);
	OPENSSL_cleanse(text.b, text.cap);
	buf_free(&text);
}

void
sign_armour(struct buf *out, const uint8_t sig[64], const uint8_t pub[32],
    const char *ns)
{
	struct buf blob = BUF_INIT, inner = BUF_INIT;

	buf_puts(&blob, MAGIC);
	buf_put_u32(&blob, 1);
	put_public(&blob, pub);
	put_text(&blob, ns);
	put_text(&blob, "");
	put_text(&blob, "sha512");
	put_text(&inner, KEY_TYPE);
	put_string(&inner, sig, 64);
	put_string(&blob, inner.b, inner.len);
	put_armour(out, SIG_BEGIN, &blob, SIG_END);
	buf_free(&inner);
	buf_free(&blob);
}

/*
 * One form only: read the key and the signature from where they must lie,
 * write the armour again and compare.
 */
int
sign_unarmour(uint8_t sig[64], uint8_t pub[32], const char *ns,
    const char *text, size_t n, struct err *err)
{
	const size_t begin = strlen(SIG_BEGIN), end = strlen(SIG_END);
	const size_t pub_at = strlen(MAGIC) + 4 + 4 + 4 + strlen(KEY_TYPE) + 4;
	struct buf plain = BUF_INIT, blob = BUF_INIT, again = BUF_INIT;
	size_t i;
	int rc;

	rc = err_set(err, YZ_ECORRUPT, "not an SSH signature by ssh-ed25519");
	if (n < begin + end || n > ARMOUR_MAX)
		goto out;
	for (i = begin; i < n - end; i++)
		if (text[i] != '\n')
			buf_putc(&plain, text[i]);
	if (!digest_unbase64(&blob, buf_str(&plain), plain.len) ||
	    blob.len < pub_at + 32 + 64)
		goto out;
	memcpy(pub, blob.b + pub_at, 32);
	memcpy(sig, blob.b + blob.len - 64, 64);
	sign_armour(&again, sig, pub, ns);
	if (again.len == n && memcmp(again.b, text, n) == 0)
		rc = 0;
out:
	buf_free(&plain);
	buf_free(&blob);
	buf_free(&again);
	return rc;
}

void
sign_public_line(struct buf *out, const uint8_t pub[32])
{
	struct buf blob = BUF_INIT;

	put_public(&blob, pub);
	buf_puts(out, KEY_TYPE " ");
	digest_base64(out, blob.b + 4, blob.len - 4);
	buf_free(&blob);
}

int
sign_public_parse(uint8_t pub[32], const char *line, size_t n, struct err *err)
{
	const size_t type = strlen(KEY_TYPE " ");
	struct buf blob = BUF_INIT, again = BUF_INIT;
	size_t len = type;
	int rc;

	rc = err_set(err, YZ_EINVAL, "not an ssh-ed25519 public key");
	if (n < type || memcmp(line, KEY_TYPE " ", type) != 0)
		goto out;
	while (len < n && line[len] != ' ' && line[len] != '\n')
		len++;
	if (len > ARMOUR_MAX ||
	    !digest_unbase64(&blob, line + type, len - type) || blob.len < 32)
		goto out;
	memcpy(pub, blob.b + blob.len - 32, 32);
	sign_public_line(&again, pub);
	if (again.len == len && memcmp(again.b, line, len) == 0)
		rc = 0;
out:
	buf_free(&blob);
	buf_free(&again);
	return rc;
}

/* The format is OpenSSH's PROTOCOL.key. */
void
sign_openssh_private(struct buf *out, const struct sign_key *key)
{
	struct buf blob = BUF_INIT, secret = BUF_INIT;
	uint8_t pair[64];
	unsigned pad;

	memcpy(pair, key->seed, 32);
	memcpy(pair + 32, key->pub, 32);
	/* The same number twice tells a wrong passphrase; here there is none,
	 * so any will do. */
	buf_put(&secret, key->pub, 4);
	buf_put(&secret, key->pub, 4);
	put_text(&secret, KEY_TYPE);
	put_string(&secret, key->pub, 32);
	put_string(&secret, pair, sizeof(pair));
	put_text(&secret, "");
	for (pad = 1; secret.len % 8 != 0; pad++)
		buf_put_u8(&secret, pad);

	buf_put(&blob, "openssh-key-v1", sizeof("openssh-key-v1"));
	put_text(&blob, "none");
	put_text(&blob, "none");
	put_text(&blob, "");
	buf_put_u32(&blob, 1);
	put_public(&blob, key->pub);
	put_string(&blob, secret.b, secret.len);
	put_armour(out, KEY_BEGIN, &blob, KEY_END);

	OPENSSL_cleanse(pair, sizeof(pair));
	OPENSSL_cleanse(secret.b, secret.cap);
	OPENSSL_cleanse(blob.b, blob.cap);
	buf_free(&secret);
	buf_free(&blob);
}

void
sign_fingerprint(char out[SIGN_FINGERPRINT_LEN], const void *data, size_t n)
{
	struct digest hash;
	char *p = out;
	int i;

	digest_sha256(&hash, data, n);
	for (i = 0; i < 8; i++) {
		const uint8_t *b = hash.b + 4 * i;
		uint32_t v = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
			     (uint32_t)b[2] << 8 | b[3];

		p += snprintf(p, 7, "%s%05u", i > 0 ? "-" : "", v % 100000);
	}
	assert(p - out == SIGN_FINGERPRINT_LEN - 1);
}

/* --- the library --------------------------------------------------------- */

int
sign_check_library(struct err *err)
{
	/* Of the seed 7, 7, ...; frozen, and checked with openssl(1). */
	static const uint8_t pub[32] = {0xea, 0x4a, 0x6c, 0x63, 0xe2, 0x9c,
	    0x52, 0x0a, 0xbe, 0xf5, 0x50, 0x7b, 0x13, 0x2e, 0xc5, 0xf9, 0x95,
	    0x47, 0x76, 0xae, 0xbe, 0xbe, 0x7b, 0x92, 0x42, 0x1e, 0xea, 0x69,
	    0x14, 0x46, 0xd2, 0x2c};
	static const uint8_t sig[64] = {0x42, 0xb7, 0x27, 0x2a, 0x1e, 0x02,
	    0x78, 0x4d, 0x39, 0xa5, 0xf8, 0x84, 0xf5, 0xc6, 0xa2, 0x7b, 0x91,
	    0xa5, 0x0d, 0x75, 0x7a, 0x18, 0xd4, 0x61, 0x4a, 0x3c, 0x0b, 0x77,
	    0x82, 0x82, 0x41, 0x43, 0x4e, 0x81, 0x72, 0x3e, 0x7a, 0xe1, 0xe9,
	    0x9a, 0x69, 0xe6, 0xec, 0x67, 0x7a, 0x40, 0xf7, 0x3d, 0xd9, 0xd4,
	    0xd4, 0xc8, 0x8a, 0x00, 0xc1, 0x53, 0xdb, 0x94, 0x88, 0xc6, 0x73,
	    0xfa, 0x8a, 0x08};
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63,
	    0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
	    0x14, [31] = 0x10};
	static bool checked;
	uint8_t seed[32], made[64];
	struct sign_key key;
	struct err ignored;
	unsigned i, carry = 0;
	bool good;

	if (checked)
		return 0;
	memset(seed, 7, sizeof(seed));
	sign_from_seed(&key, seed);
	good =
	    memcmp(key.pub, pub, sizeof(pub)) == 0 &&
	    sign_make(made, &key, CHECK_NS, "abc", 3, err) == 0 &&
	    memcmp(made, sig, sizeof(sig)) == 0 &&
	    sign_verify(sig, pub, CHECK_NS, "abc", 3, &ignored) == 0 &&
	    sign_verify(sig, pub, CHECK_NS, "abd", 3, &ignored) != 0 &&
	    sign_verify(sig, pub, SIGN_NS_CHANGESET, "abc", 3, &ignored) != 0;
	/* The same point, another number: S + L must not hold too. */
	for (i = 0; good && i < sizeof(order); i++) {
		carry += made[32 + i] + order[i];
		made[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	good =
	    good && sign_verify(made, pub, CHECK_NS, "abc", 3, &ignored) != 0;
	if (!good)
		return err_set(err, YZ_EIO,
		    "libcrypto %s fails the check of its signatures",
		    OpenSSL_version(OPENSSL_VERSION_STRING));
	checked = true;
	return 0;
}
