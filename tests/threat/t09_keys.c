/*
 * Goal of this test: threat T09, key substitution.  What is no honest key is
 * refused: low order, not canonical, no point of the curve.  A signature over
 * one sort of thing never verifies as one over another.
 */
#include "config.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "sign.h"
#include "../tap.h"

#define POINTS 1000

/* The points of order 1, 2, 4 and 8: y, in both signs of x, and what else
 * reduces to them. */
static const char *const low[] = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

static void
low_order(void)
{
	struct buf line = BUF_INIT;
	uint8_t key[32], back[32];
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(low) / sizeof(low[0]); i++) {
		ok(digest_unhex(key, 32, low[i], 64), "%s", low[i]);
		is_int(sign_check_public(key, &err), YZ_EDENIED,
		    "is refused: %s", err.msg);
		buf_clear(&line);
		sign_public_line(&line, key);
		if (sign_public_parse(back, buf_str(&line), line.len, &err) ==
		    0)
			is_int(sign_check_public(back, &err), YZ_EDENIED,
			    "read from a line too");
	}
	buf_free(&line);
}

/* y from 2^255 - 19 on: the same point has a smaller y as well. */
static void
not_canonical(void)
{
	uint8_t key[32];
	struct err err;
	int i, passed = 0;

	memset(key, 0xff, sizeof(key));
	for (i = 0; i < 19; i++) {
		key[0] = (uint8_t)(0xed + i);
		key[31] = 0x7f;
		passed += sign_check_public(key, &err) == 0;
		key[31] = 0xff;
		passed += sign_check_public(key, &err) == 0;
	}
	is_int(passed, 0, "none of 38 encodings of y >= p passes");
}

/* Numbers modulo 2^255 - 19 in 16 limbs of 16 bits: just enough to tell by
 * another way than the library's which y have no x. */
struct number {
	int64_t limb[16];
};

static void
carry(struct number *a)
{
	int i;

	for (i = 0; i < 16; i++) {
		int64_t c = a->limb[i] >> 16;

		a->limb[i] -= c * 65536;
		if (i < 15)
			a->limb[i + 1] += c;
		else
			a->limb[0] += 38 * c;
	}
}

static struct number
mul(const struct number *a, const struct number *b)
{
	struct number out;
	int64_t t[31] = {0};
	int i, j;

	for (i = 0; i < 16; i++)
		for (j = 0; j < 16; j++)
			t[i + j] += a->limb[i] * b->limb[j];
	for (i = 0; i < 15; i++)
		t[i] += 38 * t[i + 16];
	memcpy(out.limb, t, sizeof(out.limb));
	carry(&out);
	carry(&out);
	return out;
}

/* Is it n modulo p?  Its forms below 2^256 are n, n + p and, for small n,
 * n + 2p. */
static bool
equals(struct number a, int n)
{
	struct number m = {{n}};
	int i, times;

	carry(&a);
	carry(&a);
	for (times = 0; times < 3; times++) {
		if (memcmp(&a, &m, sizeof(a)) == 0)
			return true;
		m.limb[0] += 0xffed;
		for (i = 1; i < 15; i++)
			m.limb[i] += 0xffff;
		m.limb[15] += 0x7fff;
		for (i = 0; i < 15; i++) {
			m.limb[i + 1] += m.limb[i] >> 16;
			m.limb[i] &= 0xffff;
		}
	}
	return false;
}

/* Is there an x with -x^2 + y^2 = 1 + d x^2 y^2?  x^2 = u / v is a square
 * iff u v is: (u v)^((p - 1) / 2) is 1 or 0. */
static bool
on_curve(const uint8_t y[32])
{
	static const struct number d = {{0x78a3, 0x1359, 0x4dca, 0x75eb, 0xd8ab,
	    0x4141, 0x0a4d, 0x0070, 0xe898, 0x7779, 0x4079, 0x8cc7, 0xfe73,
	    0x2b6f, 0x6cee, 0x5203}};
	struct number f, u, v, w, power = {{1}};
	int i;

	for (i = 0; i < 16; i++)
		f.limb[i] = y[2 * i] + (int64_t)y[2 * i + 1] * 256;
	f.limb[15] &= 0x7fff;
	u = mul(&f, &f);
	v = mul(&u, &d);
	u.limb[0] -= 1;
	v.limb[0] += 1;
	w = mul(&u, &v);
	/* (p - 1) / 2 = 2^254 - 10: all bits but those of 9. */
	for (i = 253; i >= 0; i--) {
		power = mul(&power, &power);
		if (i != 0 && i != 3)
			power = mul(&power, &w);
	}
	return equals(power, 1) || equals(power, 0);
}

static void
no_points(void)
{
	int i, points = 0, others = 0, passed = 0, refused = 0, n = 0;
	struct sign_key key;
	struct err err;
	uint8_t y[32];

	for (i = 0; i < 100; i++) {
		sign_generate(&key);
		points += on_curve(key.pub);
	}
	is_int(points, 100, "100 real keys are points, by our arithmetic");
	/* Fixed ones, so that a failure can be repeated. */
	for (n = 0; others < POINTS; n++) {
		struct digest hash;

		digest_sha256(&hash, &n, sizeof(n));
		memcpy(y, hash.b, sizeof(y));
		y[31] &= 0x7f;
		if (on_curve(y)) {
			refused += sign_check_public(y, &err) != 0;
			continue;
		}
		others++;
		passed += sign_check_public(y, &err) == 0;
	}
	is_int(passed, 0, "none of %d that are no point passes", POINTS);
	is_int(refused, 0, "and none of %d points is refused", n - POINTS);
}

/* --- all pairs of sorts ------------------------------------------------------
 */

/* As many as the program's header names. */
static int
declared(void)
{
	const char *top = getenv("top_srcdir");
	char path[512], line[256] = ""; /* strncmp() reads on by words */
	int n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/sync/sign.h", top == NULL ? "." : top);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		n += strncmp(line, "#define SIGN_NS_", 16) == 0;
	if (f != NULL)
		fclose(f);
	return n;
}

static void
namespaces(void)
{
	static const char *const ns[] = {SIGN_NS_CHANGESET, SIGN_NS_ROSTER,
	    SIGN_NS_RECEIPT, SIGN_NS_JOIN, SIGN_NS_ROTATE, SIGN_NS_BACKUP,
	    SIGN_NS_AUDIT};
	static const char message[] = "{\"code\":\"520302\"}\n";
	size_t n = sizeof(ns) / sizeof(ns[0]), i, j, good = 0, bad = 0;
	struct buf armour = BUF_INIT;
	uint8_t sig[64], back[64], pub[32];
	struct sign_key key;
	struct err err;

	is_int((long long)n, declared(), "every sort that is signed is tried");
	sign_generate(&key);
	for (i = 0; i < n; i++) {
		if (sign_make(sig, &key, ns[i], message, sizeof(message) - 1,
			&err) != 0)
			continue;
		buf_clear(&armour);
		sign_armour(&armour, sig, key.pub, ns[i]);
		for (j = 0; j < n; j++) {
			bool holds = sign_verify(sig, key.pub, ns[j], message,
					 sizeof(message) - 1, &err) == 0;
			bool reads =
			    sign_unarmour(back, pub, ns[j], buf_str(&armour),
				armour.len, &err) == 0;

			if (i == j)
				good += holds && reads;
			else
				bad += holds || reads;
		}
	}
	is_int((long long)good, (long long)n, "each sort verifies as itself");
	is_int((long long)bad, 0, "and in none of %zu pairs as another",
	    n * (n - 1));
	buf_free(&armour);
}

int
main(void)
{
	low_order();
	not_canonical();
	no_points();
	namespaces();
	return tap_done();
}
