/*
 * Goal of this test: a changeset is the bytes that FORMAT.md says, for ever.
 * The frozen samples in tests/data are what this program writes today, bit
 * for bit; git, ssh-keygen and sha256sum agree with them; and no bit can be
 * flipped unnoticed.
 */
#include "config.h"

#include <unistd.h>

#include "base/file.h"
#include "run.h"
#include "sample.h"
#include "tap.h"

/* The ids, and git's addresses, of the samples: they never change. */
static const char *const ids[SAMPLES] = {
    "4ae5555ae0456b0e275690d9dccd90f920cb589e6a95e40322af0f5c8fa1a8c3",
    "cd8338c3c109b6ed39a9c2ec07a46b453dafb2f8c51464c4d473f1b9e5ed52a6",
    "eb37d34b572fd2ea11d851361f400edd890311d747bcc830e009261d875da253",
};
static const char *const oids[SAMPLES] = {
    "68d5b6f17d4ecb22267ba0f71115bf6ce41f2806",
    "c4347931c451bd42a357bc977d72abc0a52e0b23",
    "fe2cb18694cfcbd728051f059bbd0170147fb356",
};

/* --- frozen bytes --------------------------------------------------------- */

static char *
data_path(const char *name)
{
	const char *top = getenv("top_srcdir");

	return mem_printf("%s/tests/data/%s", top == NULL ? "." : top, name);
}

static void
is_file(const char *name, const void *bytes, size_t n, const char *what)
{
	char *path = data_path(name);
	struct buf frozen = BUF_INIT;
	struct err err = {0};

	if (file_read(&frozen, path, 1 << 20, &err) != 0)
		printf("# %s\n", err.msg);
	ok(frozen.len == n && (n == 0 || memcmp(frozen.b, bytes, n) == 0),
	    "%s is what tests/data/%s has", what, name);
	buf_free(&frozen);
	free(path);
}

static void
frozen(void)
{
	struct buf key = BUF_INIT;
	struct sign_key seed;
	char name[64], hex[DIGEST_HEX_LEN + 1];
	int i;

	for (i = 0; i < SAMPLES; i++) {
		snprintf(name, sizeof(name), "changeset-%d.commit", i + 1);
		is_file(name, sample_commit[i].b, sample_commit[i].len,
		    "the commit");
		snprintf(name, sizeof(name), "changeset-%d.ops", i + 1);
		is_file(name, sample[i].ops.b, sample[i].ops.len, "ops");
		digest_hex(hex, sample[i].id.b, 32);
		is_str(hex, ids[i], "the id of sample %d is fixed", i + 1);
		digest_hex(hex, sample[i].oid, 20);
		is_str(hex, oids[i], "and so is its address in git");
	}
	sample_key(&seed);
	buf_puts(&key, "520302@yizhan.invalid namespaces=\"git\" ");
	sign_public_line(&key, seed.pub);
	buf_putc(&key, '\n');
	is_file("changeset.signers", key.b, key.len, "the key of seed 00..1f");
	buf_free(&key);
}

static void
there_and_back(void)
{
	struct buf again = BUF_INIT;
	struct changeset cs;
	struct err err = {0};
	int i;

	for (i = 0; i < SAMPLES; i++) {
		is_int(changeset_parse(&cs, sample_commit[i].b,
			   sample_commit[i].len, sample[i].ops.b,
			   sample[i].ops.len, &err),
		    0, "sample %d parses", i + 1);
		buf_clear(&again);
		changeset_commit(&again, &cs);
		ok(again.len == sample_commit[i].len &&
			memcmp(again.b, sample_commit[i].b, again.len) == 0 &&
			digest_equal(&cs.id, &sample[i].id),
		    "and written again it is the same");
		is_int(changeset_verify(&cs, &err), 0, "its signature holds");
		changeset_free(&cs);
	}
	buf_free(&again);
}

/* --- the wire form -------------------------------------------------------- */

static int
unpack(struct changeset *out, struct buf_reader *in, int which,
    const struct changeset *before)
{
	struct err err;
	int rc;

	*out = (struct changeset)CHANGESET_INIT;
	out->chain = sample[which].chain;
	out->seq = sample[which].seq;
	out->prev = sample[which].prev;
	memcpy(out->parent_oid, sample[which].parent_oid, 20);
	memcpy(out->key, sample[which].key, 32);
	rc = changeset_unpack(out, in, before, &err);
	if (rc == 0)
		changeset_derive(out);
	return rc;
}

static void
wire(void)
{
	struct buf plain = BUF_INIT, run = BUF_INIT, opened = BUF_INIT;
	struct run head = {.first = 1, .last = 2};
	struct changeset cs[2];
	struct buf_reader in;
	struct err err = {0};
	char *path = data_path("run-1.zst");
	int i;

	changeset_pack(&plain, &sample[0], NULL);
	changeset_pack(&plain, &sample[1], &sample[0]);
	is_file("run-1.plain", plain.b, plain.len,
	    "the wire form of samples 1 and 2");
	buf_reader_init(&in, plain.b, plain.len);
	for (i = 0; i < 2; i++) {
		is_int(unpack(&cs[i], &in, i, i == 0 ? NULL : &cs[0]), 0,
		    "sample %d is unpacked", i + 1);
		ok(digest_equal(&cs[i].id, &sample[i].id) &&
			memcmp(cs[i].oid, sample[i].oid, 20) == 0,
		    "and has its id and its address again");
	}
	is_int(buf_reader_left(&in), 0, "nothing is left over");

	/* zstd may pack otherwise one day; what it packed must open. */
	if (file_read(&run, path, 1 << 20, &err) != 0)
		printf("# %s\n", err.msg);
	head.chain = sample[0].chain;
	head.plain = plain.len;
	head.size = run.len;
	digest_sha256(&head.hash, run.b, run.len);
	is_int(run_open(&opened, &head, run.b, run.len, &err), 0,
	    "the frozen run opens");
	ok(opened.len == plain.len && memcmp(opened.b, plain.b, plain.len) == 0,
	    "and is the same wire form");
	free(path);
	changeset_free(&cs[0]);
	changeset_free(&cs[1]);
	buf_free(&plain);
	buf_free(&run);
	buf_free(&opened);
}

/* --- flips ---------------------------------------------------------------- */

static void
flips(void)
{
	struct changeset cs;
	struct err err;
	size_t bit;
	int i, held, same;

	for (i = 0; i < SAMPLES; i++) {
		struct buf *c = &sample_commit[i];

		held = same = 0;
		for (bit = 0; bit < 8 * c->len; bit++) {
			c->b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (changeset_parse(&cs, c->b, c->len, sample[i].ops.b,
				sample[i].ops.len, &err) == 0) {
				held += changeset_verify(&cs, &err) == 0;
				/* The same id: then in the signature. */
				same +=
				    digest_equal(&cs.id, &sample[i].id) &&
				    memcmp(cs.sig, sample[i].sig, 64) == 0 &&
				    memcmp(cs.key, sample[i].key, 32) == 0;
				changeset_free(&cs);
			}
			c->b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		is_int(held, 0, "no flipped bit of commit %d passes", i + 1);
		is_int(same, 0, "nor leaves id, key and signature");
		held = 0;
		for (bit = 0; bit < 8 * sample[i].ops.len; bit++) {
			struct buf *o = &sample[i].ops;

			o->b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (changeset_parse(
				&cs, c->b, c->len, o->b, o->len, &err) == 0) {
				held++;
				changeset_free(&cs);
			}
			o->b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		is_int(held, 0, "nor one of its ops");
	}
}

static void
wire_flips(void)
{
	struct buf plain = BUF_INIT;
	struct buf_reader in;
	struct changeset cs;
	struct err err;
	size_t bit, n;
	int held = 0, cut = 0;

	changeset_pack(&plain, &sample[2], NULL);
	for (bit = 0; bit < 8 * plain.len; bit++) {
		plain.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		buf_reader_init(&in, plain.b, plain.len);
		held += unpack(&cs, &in, 2, NULL) == 0 &&
			buf_reader_left(&in) == 0 &&
			changeset_verify(&cs, &err) == 0;
		changeset_free(&cs);
		plain.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	is_int(held, 0, "no flipped bit of the wire form passes");
	for (n = 0; n < plain.len; n++) {
		buf_reader_init(&in, plain.b, n);
		cut += unpack(&cs, &in, 2, NULL) == 0;
		changeset_free(&cs);
	}
	is_int(cut, 0, "nor any beginning of it");
	buf_free(&plain);
}

/* --- git's opinion -------------------------------------------------------- */

static int
shell(const char *script)
{
	char *line = mem_printf("{ %s\n} >out 2>&1", script);
	int rc = system(line);

	free(line);
	return rc;
}

static void
git(void)
{
	static const char setup[] =
	    "git init -q --bare r.git && printf '%s\\n' '[gpg]' 'format=ssh'"
	    " '[gpg \"ssh\"]' \"allowedSignersFile=$PWD/signers\""
	    " >>r.git/config";
	static const char take[] =
	    "export GIT_DIR=r.git; b=$(git hash-object -w d/changeset-$N.ops)"
	    " && printf '100644 blob %s\\tops\\n' $b | git mktree >/dev/null &&"
	    " c=$(git hash-object -t commit -w --stdin"
	    " <d/changeset-$N.commit) && test $c = $OID &&"
	    " git update-ref refs/n/$N $c";
	static const char id[] =
	    "awk '/^gpgsig /{s=1;next} s&&/^ /{next} {s=0;print}'"
	    " d/changeset-$N.commit | sha256sum | grep -q \"^$ID \"";
	char *top = data_path(""), *real = realpath(top, NULL), n[2] = "1";
	char dir[] = "/tmp/test_changeset.XXXXXX";

	if (real == NULL || mkdtemp(dir) == NULL || chdir(dir) != 0 ||
	    symlink(real, "d") != 0 ||
	    symlink("d/changeset.signers", "signers") != 0)
		abort();
	is_int(shell(setup), 0, "a scratch repository");
	for (; n[0] <= '0' + SAMPLES; n[0]++) {
		setenv("N", n, 1);
		setenv("ID", ids[n[0] - '1'], 1);
		setenv("OID", oids[n[0] - '1'], 1);
		is_int(shell(take), 0,
		    "git hash-object finds sample %s's address", n);
		is_int(shell("git --git-dir=r.git verify-commit $OID"), 0,
		    "git verify-commit accepts its signature");
		is_int(shell(id), 0, "sha256sum finds its id");
		ok(shell("sed s/duty1/duty2/ d/changeset-$N.commit >t &&"
			 " git --git-dir=r.git verify-commit $(git"
			 " --git-dir=r.git hash-object -t commit -w t)") != 0,
		    "and with a letter changed git refuses it");
	}
	is_int(shell("git --git-dir=r.git fsck --strict"), 0,
	    "git fsck --strict has no objection");
	if (chdir("/") != 0 || shell("true") < 0)
		abort();
	setenv("DIR", dir, 1);
	is_int(system("rm -rf \"$DIR\""), 0, "cleaned up");
	free(top);
	free(real);
}

int
main(void)
{
	sample_make();
	frozen();
	there_and_back();
	wire();
	flips();
	wire_flips();
	git();
	sample_free();
	return tap_done();
}
