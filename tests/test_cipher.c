/*
 * Goal of this test: what was encrypted reads back, with the passphrase or
 * with the private half of the key that it was encrypted to; a wrong one,
 * every cut and every flipped byte are refused, and nothing changed is given
 * out.
 */
#include "config.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cipher.h"
#include "base/err.h"
#include "base/mem.h"
#include "tap.h"

#define COST 10 /* scrypt's least: this test is about chunks */
#define PASS "correct horse"
#define CHUNK (65536 + 16)

static uint8_t plain[200000];

/* One form after the other. */
static struct form {
	const char *what;
	size_t head; /* bytes */
	struct cipher_key lock, other;
	const char *refusal; /* of other */
} forms[] = {
    {"passphrase", 49, {.passphrase = PASS, .cost = COST},
	{.passphrase = PASS " "},
	"the passphrase is not the one it was written with"},
    {"key", 96, {.whose = {1}}, {.whose = {2}},
	"this is not the key that it was encrypted to"},
};
static struct form *form;

static int
file_of(const void *data, size_t n)
{
	int fd = memfd_create("cipher", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, n) != (ssize_t)n ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return fd;
}

/* The encrypted form of the first n bytes of plain, written in odd pieces. */
static void
encrypt(struct buf *out, size_t n)
{
	int fd = memfd_create("cipher", MFD_CLOEXEC);
	struct cipher_out *o;
	uint8_t chunk[4096];
	size_t at, piece;
	struct err err;
	ssize_t got;

	if (cipher_out_new(&o, fd, &form->lock, &err) != 0)
		abort();
	for (at = 0; at < n; at += piece) {
		piece = n - at < 7777 ? n - at : 7777;
		if (cipher_write(o, plain + at, piece, &err) != 0)
			abort();
	}
	if (cipher_finish(o, NULL, &err) != 0 || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	cipher_out_free(o);
	while ((got = read(fd, chunk, sizeof(chunk))) > 0)
		buf_put(out, chunk, (size_t)got);
	close(fd);
}

/* Decrypt: the code; *good is how many bytes came out, all equal to plain. */
static int
decrypt_by(const struct cipher_key *key, const void *data, size_t n,
    size_t *good, struct err *err)
{
	int rc, fd = file_of(data, n);
	struct cipher_in *in = NULL;
	const void *p;
	size_t len;

	*good = 0;
	rc = cipher_in_new(&in, fd, key, err);
	while (rc == 0) {
		rc = cipher_read(in, &p, &len, err);
		if (rc != 0 || len == 0)
			break;
		if (memcmp(p, plain + *good, len) != 0) {
			rc = 1; /* the worst that could be */
			break;
		}
		*good += len;
	}
	cipher_in_free(in);
	close(fd);
	return rc;
}

static int
decrypt(const void *data, size_t n, size_t *good, struct err *err)
{
	return decrypt_by(&form->lock, data, n, good, err);
}

static void
reads_back(void)
{
	static const size_t sizes[] = {
	    0, 1, 65535, 65536, 65537, 131072, 200000};
	struct buf enc = BUF_INIT;
	struct err err;
	size_t good, i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		buf_clear(&enc);
		encrypt(&enc, sizes[i]);
		is_int(decrypt(enc.b, enc.len, &good, &err), 0,
		    "%zu bytes are read", sizes[i]);
		is_int(good, sizes[i], "all of them");
	}
	is_int(decrypt_by(&form->other, enc.b, enc.len, &good, &err),
	    YZ_EDENIED, "another %s is refused", form->what);
	is_str(err.msg, form->refusal, "and told from damage");
	ok(memmem(enc.b, enc.len, plain, 32) == NULL, "nothing stands plain");
	buf_free(&enc);
}

/* Every cut, and a flip of every byte, of a file of one short chunk; of a long
 * one, around each edge. */
static void
damage(size_t n, bool all)
{
	struct buf enc = BUF_INIT;
	size_t at, good, bad = 0, tried = 0;
	struct err err;

	encrypt(&enc, n);
	for (at = 0; at < enc.len; at++) {
		size_t in = at < form->head ? 0 : (at - form->head) % CHUNK;

		if (!all && at != enc.len - 1 && in > 1 && in != CHUNK / 2 &&
		    in < CHUNK - 2)
			continue;
		tried++;
		bad += decrypt(enc.b, at, &good, &err) >= 0;
		enc.b[at] ^= 0x10;
		bad += decrypt(enc.b, enc.len, &good, &err) >= 0;
		enc.b[at] ^= 0x10;
	}
	is_int(bad, 0, "%zu cuts and flips of %zu bytes are all refused", tried,
	    n);
	buf_put(&enc, "x", 1);
	ok(decrypt(enc.b, enc.len, &good, &err) < 0, "so is a byte too many");
	buf_free(&enc);
}

/* Whole chunks in another order, left out, or from another file. */
static void
exchanged(void)
{
	struct buf a = BUF_INIT, b = BUF_INIT, c = BUF_INIT;
	struct err err;
	char place[80];
	size_t good;

	encrypt(&a, 150000);
	encrypt(&b, 150000);
	buf_put(&c, a.b, form->head);
	buf_put(&c, a.b + form->head + CHUNK, CHUNK);
	buf_put(&c, a.b + form->head, CHUNK);
	buf_put(
	    &c, a.b + form->head + 2 * CHUNK, a.len - form->head - 2 * CHUNK);
	is_int(decrypt(c.b, c.len, &good, &err), YZ_ECORRUPT,
	    "chunks in another order are refused");
	is_int(good, 0, "before the first");
	buf_clear(&c);
	buf_put(&c, a.b, form->head + CHUNK);
	buf_put(
	    &c, a.b + form->head + 2 * CHUNK, a.len - form->head - 2 * CHUNK);
	is_int(decrypt(c.b, c.len, &good, &err), YZ_ECORRUPT,
	    "so is one left out");
	snprintf(place, sizeof(place),
	    "cut or changed in the 64 KiB from byte %zu on",
	    form->head + CHUNK);
	is_str(err.msg, place, "and the place is named");
	is_int(decrypt(a.b, form->head + 2 * CHUNK, &good, &err), YZ_ECORRUPT,
	    "and a cut between chunks");
	buf_clear(&c);
	buf_put(&c, a.b, form->head);
	buf_put(&c, b.b + form->head, b.len - form->head);
	is_int(decrypt(c.b, c.len, &good, &err), YZ_ECORRUPT,
	    "and another file's chunks");
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
}

/* What can be said without what opens it. */
static void
looks(void)
{
	struct buf enc = BUF_INIT;
	struct cipher_look look;
	struct err err;
	int fd;

	encrypt(&enc, 140000);
	fd = file_of(enc.b, enc.len);
	is_int(cipher_look(&look, fd, (int64_t)enc.len, &err), 0,
	    "it looks like one");
	ok(look.sealed == (form->lock.passphrase == NULL) &&
		(!look.sealed || memcmp(look.whose, form->lock.whose, 32) == 0),
	    "encrypted with a %s", form->what);
	lseek(fd, 0, SEEK_SET);
	is_int(
	    cipher_look(&look, fd, (int64_t)form->head + 2 * CHUNK + 15, &err),
	    YZ_ECORRUPT, "of that length there is none");
	is_int(cipher_look(&look, fd, 0, &err), YZ_ECORRUPT,
	    "and none begins in the middle");
	close(fd);
	buf_free(&enc);
}

/* The one does not open what wants the other, and says so. */
static void
mixed(void)
{
	struct buf enc = BUF_INIT;
	struct err err;
	size_t good;

	form = &forms[0];
	encrypt(&enc, 10);
	is_int(decrypt_by(&forms[1].lock, enc.b, enc.len, &good, &err),
	    YZ_EDENIED, "a key does not open what wants a passphrase");
	buf_clear(&enc);
	form = &forms[1];
	encrypt(&enc, 10);
	is_int(decrypt_by(&forms[0].lock, enc.b, enc.len, &good, &err),
	    YZ_EDENIED, "nor the other way round");
	/* Somebody else who calls himself the same. */
	memcpy(forms[1].other.whose, forms[1].lock.whose, 32);
	is_int(decrypt_by(&forms[1].other, enc.b, enc.len, &good, &err),
	    YZ_ECORRUPT, "a name alone opens nothing");
	buf_free(&enc);
}

/* Files of former days: changing a form must break this, not a backup. */
static void
frozen(void)
{
	static const char text[] = "a sample of this form\n";
	const char *names[] = {"cipher-1", "sealed-1"};
	const char *top = getenv("top_srcdir");
	struct cipher_key key = {.passphrase = PASS};
	struct cipher_in *in;
	uint8_t seed[32];
	struct err err;
	const void *p;
	size_t i, n;
	int fd;

	for (i = 0; i < 2; i++) {
		char *path = mem_printf(
		    "%s/tests/data/%s", top == NULL ? "." : top, names[i]);

		fd = open(path, O_RDONLY | O_CLOEXEC);
		in = NULL;
		ok(fd >= 0 && cipher_in_new(&in, fd, &key, &err) == 0 &&
			cipher_read(in, &p, &n, &err) == 0 &&
			n == strlen(text) && memcmp(p, text, n) == 0,
		    "tests/data/%s is read", names[i]);
		cipher_in_free(in);
		if (fd >= 0)
			close(fd);
		free(path);
		/* As a backup key is made from a paper. */
		memset(&key, 0, sizeof(key));
		memset(seed, 7, sizeof(seed));
		memset(key.whose, 9, sizeof(key.whose));
		exchange_derive(
		    key.secret, seed, NULL, 0, "yizhan backup key 1");
		exchange_public(key.pub, key.secret);
	}
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)(i * 2654435761u >> 13);
	memset(forms[1].lock.secret, 7, 32);
	exchange_public(forms[1].lock.pub, forms[1].lock.secret);
	memset(forms[1].other.secret, 8, 32);
	exchange_public(forms[1].other.pub, forms[1].other.secret);
	for (form = forms; form < forms + 2; form++) {
		reads_back();
		damage(40, true);
		damage(131072, false);
		exchanged();
		looks();
	}
	mixed();
	frozen();
	return tap_done();
}
