/*
 * Goal: our keys and signatures are OpenSSH's, byte for byte and in its own
 * opinion, and what no honest key can be is refused.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "home.h"
#include "sign.h"
#include "tap.h"

static const char message[] = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n";
static char dir[] = "/tmp/test_sign.XXXXXX";

static void
put(const char *name, const struct buf *data, mode_t mode)
{
	char path[256];
	struct err err;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (file_write(path, data->b, data->len, mode, &err) != 0)
		printf("# %s\n", err.msg);
}

/* Run a shell command in dir; out gets its standard output. */
static int
run(struct buf *out, const char *command)
{
	char line[1024], chunk[256];
	FILE *f;
	size_t n;

	snprintf(line, sizeof(line), "cd '%s' && { %s; } 2>&1", dir, command);
	f = popen(line, "r");
	while (f != NULL && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_put(out, chunk, n);
	buf_putc(out, '\0');
	out->len--;
	return f == NULL ? -1 : pclose(f);
}

static void
test_key(struct sign_key *key)
{
	uint8_t seed[32];
	int i;

	for (i = 0; i < 32; i++)
		seed[i] = (uint8_t)i;
	sign_from_seed(key, seed);
}

/* Literal bytes: Ed25519 is deterministic, so all of it is fixed. */
static void
known(void)
{
	struct sign_key key;
	struct buf text = BUF_INIT;
	uint8_t sig[64];
	char hex[129], print[SIGN_FINGERPRINT_LEN];
	struct err err;

	test_key(&key);
	digest_hex(hex, key.pub, 32);
	is_str(hex,
	    "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
	    "the public key of seed 00..1f");
	sign_public_line(&text, key.pub);
	is_str(buf_str(&text),
	    "ssh-ed25519 "
	    "AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQS"
	    "VTG4",
	    "in OpenSSH's form");
	is_int(sign_make(sig, &key, SIGN_NS_CHANGESET, message, strlen(message),
		   &err),
	    0, "sign");
	buf_clear(&text);
	sign_armour(&text, sig, key.pub, SIGN_NS_CHANGESET);
	is_int((long long)text.len,
	    (long long)strlen("-----BEGIN SSH SIGNATURE-----\n") + 232 + 4 +
		(long long)strlen("-----END SSH SIGNATURE-----\n"),
	    "the armour is 232 digits in 4 lines");
	sign_fingerprint(print, "abc", 3);
	/* ba7816bf 8f01cfea 414140de 5dae2223 b00361a3 96177a9c b410ff61
	 * f20015ad, each modulo 100000 */
	is_str(print, "32319-60650-95486-93091-11619-21116-12833-91821",
	    "the fingerprint of abc");
	buf_free(&text);
}

static void
ssh_keygen(void)
{
	struct sign_key key;
	struct buf text = BUF_INIT, line = BUF_INIT, out = BUF_INIT;
	uint8_t sig[64], pub[32], sig2[64];
	struct err err;

	test_key(&key);
	sign_public_line(&line, key.pub);
	sign_openssh_private(&text, &key);
	put("key", &text, 0600);
	is_int(run(&out, "ssh-keygen -y -f key"), 0,
	    "ssh-keygen reads the private key");
	ok(strncmp((char *)out.b, buf_str(&line), line.len) == 0,
	    "and finds the same public key");

	buf_clear(&text);
	buf_puts(&text, "520100@yizhan.invalid namespaces=\"git\" ");
	buf_put(&text, line.b, line.len);
	buf_putc(&text, '\n');
	put("allowed", &text, 0600);
	buf_clear(&text);
	buf_put(&text, message, strlen(message));
	put("message", &text, 0600);
	is_int(sign_make(sig, &key, SIGN_NS_CHANGESET, message, strlen(message),
		   &err),
	    0, "sign");
	buf_clear(&text);
	sign_armour(&text, sig, key.pub, SIGN_NS_CHANGESET);
	put("ours.sig", &text, 0600);
	buf_clear(&out);
	is_int(run(&out, "ssh-keygen -Y verify -n git -f allowed"
			 " -I 520100@yizhan.invalid -s ours.sig < message"),
	    0, "ssh-keygen accepts our signature");
	ok(run(&out, "ssh-keygen -Y verify -n file -f allowed"
		     " -I 520100@yizhan.invalid -s ours.sig < message") != 0,
	    "and refuses it in another namespace");

	buf_clear(&out);
	is_int(
	    run(&out, "ssh-keygen -q -Y sign -n git -f key < message > its.sig"
		      " && cmp ours.sig its.sig"),
	    0, "ssh-keygen's own signature is the same bytes");
	is_int(sign_unarmour(sig2, pub, SIGN_NS_CHANGESET, (char *)text.b,
		   text.len, &err),
	    0, "read the armour");
	ok(memcmp(sig, sig2, 64) == 0 && memcmp(pub, key.pub, 32) == 0,
	    "key and signature come back");

	buf_clear(&out);
	run(&out, "ssh-keygen -l -f key");
	ok(strstr((char *)out.b, "256 SHA256:") != NULL &&
		strstr((char *)out.b, "(ED25519)") != NULL,
	    "ssh-keygen -l knows the key's type");
	buf_free(&text);
	buf_free(&line);
	buf_free(&out);
}

static void
verify(void)
{
	struct sign_key key;
	struct err err;
	uint8_t sig[64];
	int bit, held = 0;

	sign_generate(&key);
	is_int(sign_make(sig, &key, SIGN_NS_ROSTER, "abc", 3, &err), 0, "sign");
	is_int(sign_verify(sig, key.pub, SIGN_NS_ROSTER, "abc", 3, &err), 0,
	    "it holds");
	is_int(sign_verify(sig, key.pub, SIGN_NS_RECEIPT, "abc", 3, &err),
	    YZ_EDENIED, "not in another namespace");
	is_int(sign_verify(sig, key.pub, SIGN_NS_ROSTER, "abd", 3, &err),
	    YZ_EDENIED, "not for another message");
	for (bit = 0; bit < 512; bit++) {
		sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
		held += sign_verify(
			    sig, key.pub, SIGN_NS_ROSTER, "abc", 3, &err) == 0;
		sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	is_int(held, 0, "not with any one bit flipped");
}

/* The 8 torsion points, in every encoding that decodes to one of them. */
static void
no_keys(void)
{
	static const char *const bad[] = {"00000000000000000000000000000000"
					  "00000000000000000000000000000000",
	    "01000000000000000000000000000000"
	    "00000000000000000000000000000000",
	    "26e8958fc2b227b045c3f489f2ef98f0"
	    "d5dfac05d3c63339b13802886d53fc05",
	    "c7176a703d4dd84fba3c0b760d10670f"
	    "2a2053fa2c39ccc64ec7fd7792ac037a",
	    "ecffffffffffffffffffffffffffffff"
	    "ffffffffffffffffffffffffffffff7f",
	    /* y = p and p + 1: 0 and 1 in disguise */
	    "edffffffffffffffffffffffffffffff"
	    "ffffffffffffffffffffffffffffff7f",
	    "eeffffffffffffffffffffffffffffff"
	    "ffffffffffffffffffffffffffffff7f",
	    /* y = p + 9: a good point, but in a second form */
	    "f6ffffffffffffffffffffffffffffff"
	    "ffffffffffffffffffffffffffffff7f",
	    /* y = 2: no point has it */
	    "02000000000000000000000000000000"
	    "00000000000000000000000000000000"};
	struct sign_key key;
	struct err err;
	uint8_t pub[32];
	int i, refused = 0, good = 0;
	size_t k;

	for (k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
		ok(digest_unhex(pub, 32, bad[k], 64), "key %zu", k);
		is_int(sign_check_public(pub, &err), YZ_EDENIED,
		    "is refused: %s", err.msg);
		pub[31] ^= 0x80;
		is_int(sign_check_public(pub, &err), YZ_EDENIED,
		    "and with the other sign");
	}
	for (i = 0; i < 200; i++) {
		sign_generate(&key);
		good += sign_check_public(key.pub, &err) == 0;
		digest_random(pub, 32);
		refused += sign_check_public(pub, &err) != 0;
	}
	is_int(good, 200, "200 generated keys are taken");
	ok(refused > 50 && refused < 150,
	    "of 200 random numbers about half are no point (%d)", refused);
}

/* Every one-byte change of a text is refused or gives the very same text. */
static void
one_form(void)
{
	struct sign_key key;
	struct buf text = BUF_INIT, line = BUF_INIT, again = BUF_INIT;
	uint8_t sig[64] = {7}, pub[32];
	struct err err;
	size_t i;
	int two = 0;

	test_key(&key);
	sign_armour(&text, sig, key.pub, SIGN_NS_JOIN);
	for (i = 0; i < text.len; i++) {
		text.b[i] ^= 1;
		if (sign_unarmour(sig, pub, SIGN_NS_JOIN, (char *)text.b,
			text.len, &err) == 0) {
			buf_clear(&again);
			sign_armour(&again, sig, pub, SIGN_NS_JOIN);
			two += memcmp(again.b, text.b, text.len) != 0;
		}
		text.b[i] ^= 1;
	}
	is_int(two, 0, "no armour has two forms");
	is_int(sign_unarmour(
		   sig, pub, SIGN_NS_CHANGESET, (char *)text.b, text.len, &err),
	    YZ_ECORRUPT, "nor is one read in another namespace");
	for (i = 0; i < text.len; i++)
		two += sign_unarmour(sig, pub, SIGN_NS_JOIN, (char *)text.b, i,
			   &err) == 0;
	is_int(two, 0, "no armour cut short is read");

	sign_public_line(&line, key.pub);
	is_int(sign_public_parse(pub, (char *)line.b, line.len, &err), 0,
	    "a public key is read");
	ok(memcmp(pub, key.pub, 32) == 0, "and is the same");
	buf_puts(&line, " root@station\n");
	is_int(sign_public_parse(pub, (char *)line.b, line.len, &err), 0,
	    "so it is with a comment");
	line.b[20] ^= 1;
	is_int(sign_public_parse(pub, (char *)line.b, line.len, &err),
	    YZ_EINVAL, "but not with another type inside");
	buf_free(&text);
	buf_free(&line);
	buf_free(&again);
}

static void
homes(void)
{
	struct home *home = NULL, *again = NULL;
	struct sign_key root;
	char path[256], inc[CHAIN_INC_LEN + 1];
	struct stat st;
	struct err err;

	snprintf(path, sizeof(path), "%s/home", dir);
	is_int(home_open(&again, path, &err), YZ_ENOTFOUND, "no station yet");
	is_int(home_create(&home, path, "52030", &err), YZ_EINVAL,
	    "refuse a code of five digits");
	is_int(home_create(&home, path, "520302", &err), 0, "make a station");
	is_int(home_create(&again, path, "520302", &err), YZ_ECONFLICT,
	    "but only once");
	is_int(home_open(&again, path, &err), 0, "open it");
	is_str(again->code, "520302", "the code is kept");
	is_str(again->inc, home->inc, "the incarnation too");
	ok(memcmp(&again->sign, &home->sign, sizeof(home->sign)) == 0 &&
		memcmp(&again->ssh, &home->ssh, sizeof(home->ssh)) == 0 &&
		memcmp(&again->ssh, &home->sign, sizeof(home->ssh)) != 0,
	    "and the two keys, which differ");
	memcpy(inc, home->inc, sizeof(inc));
	home_make_incarnation(home->inc);
	is_int(home_keep_incarnation(home, &err), 0, "a new incarnation");
	ok(strcmp(inc, home->inc) != 0, "is another");
	is_int(home_root_key(&root, home, &err), YZ_ENOTFOUND, "no root key");
	home_free(home);
	home_free(again);
	again = NULL;
	is_int(home_open(&again, path, &err), 0, "open it again");
	ok(strcmp(inc, again->inc) != 0, "the new incarnation is kept");
	home_free(again);

	snprintf(path, sizeof(path), "%s/home/keys/sign", dir);
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600,
	    "keys are for the owner only");
	snprintf(path, sizeof(path), "%s/home/keys", dir);
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0700,
	    "and so is their folder");
}

int
main(void)
{
	struct buf out = BUF_INIT;
	struct err err;

	if (mkdtemp(dir) == NULL)
		return 1;
	is_int(sign_check_library(&err), 0, "libcrypto passes its check");
	known();
	ssh_keygen();
	verify();
	no_keys();
	one_form();
	homes();
	run(&out, "rm -rf home ./*");
	buf_free(&out);
	rmdir(dir);
	return tap_done();
}
