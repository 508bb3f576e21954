#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "base/err.h"
#include "base/exchange.h"

/* libcrypto refused what cannot be refused. */
static void
must(int good, const char *what)
{
	if (!good) {
		fprintf(stderr, "yizhan: libcrypto: %s failed\n", what);
		abort();
	}
}

/* OSSL_PARAM wants to write where it never does. */
static void *
unconst(const void *p)
{
	return (void *)(uintptr_t)p;
}

void
exchange_derive(uint8_t out[EXCHANGE_LEN], const uint8_t secret[EXCHANGE_LEN],
    const void *salt, size_t salt_len, const char *info)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(
		OSSL_KDF_PARAM_DIGEST, unconst("SHA256"), 0),
	    OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_KEY, unconst(secret), EXCHANGE_LEN),
	    OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_INFO, unconst(info), strlen(info)),
	    OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_SALT, unconst(salt), salt_len),
	    OSSL_PARAM_construct_end(),
	};

	/* No salt is 32 zeros (RFC 5869, 2.2); an empty one is none. */
	if (salt_len == 0)
		params[3] = OSSL_PARAM_construct_end();
	must(ctx != NULL && EVP_KDF_derive(ctx, out, EXCHANGE_LEN, params) == 1,
	    "HKDF");
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static EVP_PKEY *
private_key(const uint8_t secret[EXCHANGE_LEN])
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_X25519, NULL, secret, EXCHANGE_LEN);

	must(pkey != NULL, "X25519 private key");
	return pkey;
}

void
exchange_public(uint8_t pub[EXCHANGE_LEN], const uint8_t secret[EXCHANGE_LEN])
{
	EVP_PKEY *pkey = private_key(secret);
	size_t n = EXCHANGE_LEN;

	must(EVP_PKEY_get_raw_public_key(pkey, pub, &n) == 1 &&
		 n == EXCHANGE_LEN,
	    "X25519 public key");
	EVP_PKEY_free(pkey);
}

int
exchange_agree(uint8_t out[EXCHANGE_LEN], const uint8_t secret[EXCHANGE_LEN],
    const uint8_t pub[EXCHANGE_LEN], struct err *err)
{
	EVP_PKEY *mine = private_key(secret);
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_X25519, NULL, pub, EXCHANGE_LEN);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
	size_t n = EXCHANGE_LEN;
	int good;

	good = theirs != NULL && ctx != NULL &&
	       EVP_PKEY_derive_init(ctx) == 1 &&
	       EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
	       EVP_PKEY_derive(ctx, out, &n) == 1 && n == EXCHANGE_LEN;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(mine);
	return good ? 0
		    : err_set(err, YZ_EDENIED,
			  "a public key that leaves no secret");
}
