#include "config.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "password.h"

/* OWASP's second choice for scrypt: 32 MiB and about 0.1 s each. */
#define COST 32768u /* N */
#define BLOCK 8u    /* r */
#define LANES 1u    /* p */
#define MEMORY (64u << 20)
#define SALT_LEN 16
#define HASH_LEN PASSWORD_STRETCHED
#define AT_ONCE 2 /* computations: 64 MiB in all */

int
password_good(const char *password, const char *login, struct err *err)
{
	bool lower = false, upper = false, digit = false, other = false;
	size_t characters = 0;
	const char *p;

	for (p = password; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		lower |= islower(c) != 0 && c < 0x80;
		upper |= isupper(c) != 0 && c < 0x80;
		digit |= isdigit(c) != 0;
		other |= c >= 0x80 || ispunct(c) != 0 || c == ' ';
		characters += (c & 0xc0) != 0x80;
	}
	if (strlen(password) > PASSWORD_MAX)
		return err_set(err, YZ_EINVAL,
		    "a password has at most %d bytes", PASSWORD_MAX);
	if (characters < PASSWORD_MIN)
		return err_set(err, YZ_EINVAL,
		    "a password has at least %d characters", PASSWORD_MIN);
	if (lower + upper + digit + other < 3)
		return err_set(err, YZ_EINVAL,
		    "a password has three of: small letters, capitals, digits, "
		    "others");
	if (strcasestr(password, login) != NULL)
		return err_set(
		    err, YZ_EINVAL, "a password does not hold the login");
	return 0;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t turns;

static void
make_turns(void)
{
	sem_init(&turns, 0, AT_ONCE);
}

static bool
derive(uint8_t out[HASH_LEN], const char *password, const void *salt,
    size_t salt_len, uint64_t cost, uint64_t block, uint64_t lanes)
{
	bool ok;

	pthread_once(&once, make_turns);
	while (sem_wait(&turns) != 0)
		;
	ok = EVP_PBE_scrypt(password, strlen(password), salt, salt_len, cost,
		 block, lanes, MEMORY, out, HASH_LEN) == 1;
	sem_post(&turns);
	return ok;
}

void
password_hash(char out[PASSWORD_STORED_MAX], const char *password)
{
	struct buf salt64 = BUF_INIT, hash64 = BUF_INIT;
	uint8_t salt[SALT_LEN], hash[HASH_LEN];

	digest_random(salt, sizeof(salt));
	if (!derive(hash, password, salt, sizeof(salt), COST, BLOCK, LANES))
		abort(); /* no memory: as any other lack of it */
	digest_base64(&salt64, salt, sizeof(salt));
	digest_base64(&hash64, hash, sizeof(hash));
	snprintf(out, PASSWORD_STORED_MAX, "scrypt$%u$%u$%u$%s$%s", COST, BLOCK,
	    LANES, buf_str(&salt64), buf_str(&hash64));
	OPENSSL_cleanse(hash, sizeof(hash));
	buf_free(&salt64);
	buf_free(&hash64);
}

void
password_stretch(uint8_t out[PASSWORD_STRETCHED], const char *secret,
    const void *salt, size_t salt_len)
{
	if (!derive(out, secret, salt, salt_len, COST, BLOCK, LANES))
		abort(); /* as above */
}

bool
password_holds(const char *stored, const char *password)
{
	struct buf salt = BUF_INIT, hash = BUF_INIT;
	char salt64[64], hash64[64];
	uint8_t got[HASH_LEN];
	unsigned n = COST, r = BLOCK, p = LANES;
	bool known;

	known = stored != NULL &&
		sscanf(stored, "scrypt$%u$%u$%u$%63[^$]$%63s", &n, &r, &p,
		    salt64, hash64) == 5 &&
		digest_unbase64(&salt, salt64, strlen(salt64)) &&
		digest_unbase64(&hash, hash64, strlen(hash64)) &&
		hash.len == HASH_LEN;
	if (!known) { /* nobody: take as long */
		buf_clear(&salt);
		buf_put(&salt, "nobody's salt...", SALT_LEN);
		n = COST;
		r = BLOCK;
		p = LANES;
	}
	if (!derive(got, password, salt.b, salt.len, n, r, p))
		known = false;
	if (known)
		known = CRYPTO_memcmp(got, hash.b, HASH_LEN) == 0;
	buf_free(&salt);
	buf_free(&hash);
	return known;
}
