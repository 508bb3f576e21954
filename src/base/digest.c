#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"

/*
 * Fetching an algorithm by name takes longer than hashing a changeset, so
 * each is fetched once per thread, together with a context that is used again.
 * They live as long as the thread.
 */
enum { SHA256, SHA1, SHA512, ALGORITHMS };

static const char *const names[ALGORITHMS] = {"SHA256", "SHA1", "SHA512"};

struct mine { /* of one thread */
	EVP_MD *algorithms[ALGORITHMS];
	EVP_MD_CTX *contexts[ALGORITHMS];
};
static _Thread_local struct mine mine;
static pthread_key_t at_end; /* has a thread's mine freed when it ends */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
must(int good)
{
	if (good)
		return;
	fprintf(stderr, "yizhan: libcrypto refuses to work\n");
	abort();
}

static void
forget(void *arg)
{
	struct mine *m = arg;
	int i;

	for (i = 0; i < ALGORITHMS; i++) {
		EVP_MD_CTX_free(m->contexts[i]);
		EVP_MD_free(m->algorithms[i]);
	}
	memset(m, 0, sizeof(*m));
}

static void
make_key(void)
{
	must(pthread_key_create(&at_end, forget) == 0);
}

static const EVP_MD *
algorithm(int which)
{
	if (mine.algorithms[which] == NULL) {
		pthread_once(&once, make_key);
		must(pthread_setspecific(at_end, &mine) == 0);
		mine.algorithms[which] = EVP_MD_fetch(NULL, names[which], NULL);
	}
	must(mine.algorithms[which] != NULL);
	return mine.algorithms[which];
}

/* The thread's own context, ready for a new message. */
static EVP_MD_CTX *
fresh(int which)
{
	const EVP_MD *md = algorithm(which);

	if (mine.contexts[which] == NULL)
		mine.contexts[which] = EVP_MD_CTX_new();
	must(mine.contexts[which] != NULL);
	must(EVP_DigestInit_ex2(mine.contexts[which], md, NULL));
	return mine.contexts[which];
}

static void
whole(uint8_t *out, int which, const void *data, size_t n)
{
	EVP_MD_CTX *ctx = fresh(which);

	must(EVP_DigestUpdate(ctx, data, n));
	must(EVP_DigestFinal_ex(ctx, out, NULL));
}

void
digest_sha256(struct digest *out, const void *data, size_t n)
{
	whole(out->b, SHA256, data, n);
}

void
digest_sha1(uint8_t out[20], const void *data, size_t n)
{
	whole(out, SHA1, data, n);
}

void
digest_git(uint8_t out[20], const char *type, const void *data, size_t n)
{
	EVP_MD_CTX *ctx = fresh(SHA1);
	char head[64];
	int len = snprintf(head, sizeof(head), "%s %zu", type, n);

	/* The header's NUL is hashed too. */
	must(len > 0 && (size_t)len < sizeof(head));
	must(EVP_DigestUpdate(ctx, head, (size_t)len + 1));
	must(EVP_DigestUpdate(ctx, data, n));
	must(EVP_DigestFinal_ex(ctx, out, NULL));
}

void
digest_sha512(uint8_t out[64], const void *data, size_t n)
{
	whole(out, SHA512, data, n);
}

void
digest_hmac_sha1(uint8_t out[20], const void *key, size_t key_len,
    const void *data, size_t n)
{
	must(HMAC(EVP_sha1(), key, (int)key_len, data, n, out, NULL) != NULL);
}

bool
digest_equal(const struct digest *a, const struct digest *b)
{
	return CRYPTO_memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

struct digest_ctx {
	EVP_MD_CTX *md;
};

struct digest_ctx *
digest_begin(void)
{
	struct digest_ctx *ctx = mem_alloc(sizeof(*ctx));

	ctx->md = EVP_MD_CTX_new();
	must(ctx->md != NULL);
	must(EVP_DigestInit_ex2(ctx->md, algorithm(SHA256), NULL));
	return ctx;
}

void
digest_add(struct digest_ctx *ctx, const void *data, size_t n)
{
	must(EVP_DigestUpdate(ctx->md, data, n));
}

void
digest_end(struct digest_ctx *ctx, struct digest *out)
{
	must(EVP_DigestFinal_ex(ctx->md, out->b, NULL));
	EVP_MD_CTX_free(ctx->md);
	free(ctx);
}

void
digest_hex(char *out, const void *data, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = data;
	size_t i;

	for (i = 0; i < n; i++) {
		*out++ = digits[b[i] >> 4];
		*out++ = digits[b[i] & 15];
	}
	*out = '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool
digest_unhex(void *out, size_t n, const char *hex, size_t hexlen)
{
	uint8_t *b = out;
	size_t i;

	if (hexlen / 2 != n || hexlen % 2 != 0)
		return false;
	for (i = 0; i < n; i++) {
		int high = hex_value(hex[2 * i]);
		int low = hex_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		b[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
digest_base64(struct buf *out, const void *data, size_t n)
{
	const uint8_t *b = data;
	char four[4];

	for (; n > 0; b += 3) {
		size_t have = n < 3 ? n : 3;
		uint32_t v = (uint32_t)b[0] << 16;

		if (have > 1)
			v |= (uint32_t)b[1] << 8;
		if (have > 2)
			v |= b[2];
		four[0] = base64[v >> 18];
		four[1] = base64[v >> 12 & 63];
		four[2] = '=';
		four[3] = '=';
		if (have > 1)
			four[2] = base64[v >> 6 & 63];
		if (have > 2)
			four[3] = base64[v & 63];
		buf_put(out, four, sizeof(four));
		n -= have;
	}
}

static int
base64_value(char c)
{
	const char *p = c == '\0' ? NULL : strchr(base64, c);

	return p == NULL ? -1 : (int)(p - base64);
}

bool
digest_unbase64(struct buf *out, const char *text, size_t n)
{
	uint8_t three[3];
	size_t i, j, want;

	if (n % 4 != 0)
		return false;
	for (i = 0; i < n; i += 4) {
		uint32_t v = 0;

		want = 3;
		if (i + 4 == n && text[i + 3] == '=')
			want = text[i + 2] == '=' ? 1 : 2;
		for (j = 0; j < 4; j++) {
			int six = j <= want ? base64_value(text[i + j]) : 0;

			if (six < 0)
				return false;
			v = v << 6 | (uint32_t)six;
		}
		/* Bits under the padding must be zero: one form a value. */
		if ((want == 1 && (v & 0xffff) != 0) ||
		    (want == 2 && (v & 0xff) != 0))
			return false;
		three[0] = (uint8_t)(v >> 16);
		three[1] = (uint8_t)(v >> 8);
		three[2] = (uint8_t)v;
		buf_put(out, three, want);
	}
	return true;
}

void
digest_random(void *out, size_t n)
{
	must(RAND_bytes(out, (int)n) == 1);
}
