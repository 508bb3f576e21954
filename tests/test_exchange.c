/*
 * Goal of this test: X25519 and HKDF give what the RFCs say, and a public key
 * that leaves no secret is refused.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/exchange.h"
#include "tap.h"

static void
unhex(uint8_t out[32], const char *hex)
{
	if (!digest_unhex(out, 32, hex, strlen(hex)))
		abort();
}

static void
is_hex(const uint8_t got[32], const char *want, const char *what)
{
	char hex[65];

	digest_hex(hex, got, 32);
	is_str(hex, want, "%s", what);
}

/* RFC 7748, 6.1. */
static void
agreement(void)
{
	static const char shared[] = "4a5d9d5ba4ce2de1728e3bf480350f25"
				     "e07e21c947d19e3376f09b3c1e161742";
	uint8_t alice[32], bob[32], a[32], b[32], out[32], none[32] = {0};
	struct err err;

	unhex(alice,
	    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
	unhex(bob,
	    "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
	exchange_public(a, alice);
	is_hex(a,
	    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
	    "Alice's public key");
	exchange_public(b, bob);
	is_hex(b,
	    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
	    "Bob's");
	is_int(exchange_agree(out, alice, b, &err), 0, "she agrees with him");
	is_hex(out, shared, "on the secret of the RFC");
	is_int(exchange_agree(out, bob, a, &err), 0, "and he with her");
	is_hex(out, shared, "on the same");
	is_int(exchange_agree(out, alice, none, &err), YZ_EDENIED,
	    "a point of low order is refused");
	none[0] = 1;
	is_int(
	    exchange_agree(out, alice, none, &err), YZ_EDENIED, "and another");
}

/* As "openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:… -kdfopt
 * info:yizhan [-kdfopt hexsalt:000102] HKDF" prints them. */
static void
derivation(void)
{
	uint8_t secret[32], out[32];
	static const uint8_t salt[] = {0, 1, 2};

	memset(secret, 0x0b, sizeof(secret));
	exchange_derive(out, secret, NULL, 0, "yizhan");
	is_hex(out,
	    "904bef749c7e6f006cbec46296a17d476c393397252f28d70db41fed836fa7df",
	    "without a salt");
	exchange_derive(out, secret, salt, sizeof(salt), "yizhan");
	is_hex(out,
	    "5d58b3e9fc39ee1c1929f118fb13a27bd43b4cc83270e989a66ca54c34458304",
	    "with one");
}

int
main(void)
{
	agreement();
	derivation();
	return tap_done();
}
