/*
 * Goal of this test: our digests are those of sha256sum, sha1sum, sha512sum
 * and git, and hex and base64 have one form per value.
 */
#include "config.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/digest.h"
#include "tap.h"

/* printf abc | sha256sum, and so on; git hash-object of "depot\n". */
static const char abc256[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char none256[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char abc1[] = "a9993e364706816aba3e25717850c26c9cd0d89d";
static const char abc512[] =
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
static const char empty_tree[] = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

static void
digests_are_the_known_ones(void)
{
	struct digest_ctx *ctx;
	struct digest a, b;
	uint8_t sha1[20], sha512[64];
	char hex[129];

	digest_sha256(&a, "abc", 3);
	digest_hex(hex, a.b, 32);
	is_str(hex, abc256, "SHA-256 of abc");
	digest_sha256(&b, NULL, 0);
	digest_hex(hex, b.b, 32);
	is_str(hex, none256, "SHA-256 of nothing");
	ok(!digest_equal(&a, &b), "they differ");

	ctx = digest_begin();
	digest_add(ctx, "a", 1);
	digest_sha256(&b, "between", 7);
	digest_add(ctx, "bc", 2);
	digest_end(ctx, &b);
	ok(digest_equal(&a, &b), "SHA-256 of abc in pieces, others between");

	digest_sha1(sha1, "abc", 3);
	digest_hex(hex, sha1, 20);
	is_str(hex, abc1, "SHA-1 of abc");
	digest_sha512(sha512, "abc", 3);
	digest_hex(hex, sha512, 64);
	is_str(hex, abc512, "SHA-512 of abc");
	digest_git(sha1, "tree", "", 0);
	digest_hex(hex, sha1, 20);
	is_str(hex, empty_tree, "git's address of the empty tree");
}

/* Ask git itself about bytes that have a NUL and a newline in them. */
static void
git_agrees(void)
{
	FILE *p = popen("printf 'a\\000b\\nc' | git hash-object --stdin", "r");
	char line[64] = "", hex[41];
	uint8_t oid[20];

	if (p != NULL) {
		ok(fgets(line, sizeof(line), p) != NULL, "git answers");
		pclose(p);
	}
	line[strcspn(line, "\n")] = '\0';
	digest_git(oid, "blob", "a\0b\nc", 5);
	digest_hex(hex, oid, 20);
	is_str(hex, line, "git gives a blob the same address");
}

static void
hex_is_strict(void)
{
	uint8_t b[2];

	ok(digest_unhex(b, 2, "0aff", 4) && b[0] == 0x0a && b[1] == 0xff,
	    "hex reads back");
	ok(!digest_unhex(b, 2, "0AFF", 4), "capitals are another form");
	ok(!digest_unhex(b, 2, "0aff0", 5), "five digits are not two bytes");
	ok(!digest_unhex(b, 2, "0af", 3), "nor are three");
	ok(!digest_unhex(b, 2, "0a f", 4), "a space is no digit");
}

static void
base64_is_strict(void)
{
	/* RFC 4648, section 10. */
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="},
	    {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"},
	    {"\xfb\xff", "+/8="}};
	static const char *const bad[] = {"Zg=", "Zg",
	    "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Zm-v",
	    "Z g=", "=Zg="};
	struct buf out = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		buf_clear(&out);
		digest_base64(&out, pairs[i][0], strlen(pairs[i][0]));
		is_str(buf_str(&out), pairs[i][1], "base64 of vector %zu", i);
		buf_clear(&out);
		ok(digest_unbase64(&out, pairs[i][1], strlen(pairs[i][1])) &&
			strcmp(buf_str(&out), pairs[i][0]) == 0,
		    "and back");
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_clear(&out);
		ok(!digest_unbase64(&out, bad[i], strlen(bad[i])),
		    "malformed base64 %zu is refused", i);
	}
	buf_free(&out);
}

int
main(void)
{
	struct digest a = {{0}}, b = {{0}};

	digests_are_the_known_ones();
	git_agrees();
	hex_is_strict();
	base64_is_strict();
	digest_random(&a, sizeof(a));
	digest_random(&b, sizeof(b));
	ok(!digest_equal(&a, &b), "two random values differ");
	return tap_done();
}
