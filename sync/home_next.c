/* The keys that come next: made, kept, and taken over. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/summed.h"
#include "home.h"
#include "home_impl.h"

#define NEXT_LEN 152 /* sign and ssh with 64 digits each, inc with 8 */

static int
damaged(const struct home *home, const char *name, struct err *err)
{
	return err_set(err, YZ_ECORRUPT, "%s/%s is damaged", home->path, name);
}

static int
load(struct buf *out, const struct home *home, const char *name, size_t max,
    struct err *err)
{
	char *path = home_file(home, name);
	int rc = summed_read(out, path, max, err);

	free(path);
	return rc;
}

static int
save(const struct home *home, const char *name, struct buf *text,
    struct err *err)
{
	char *path = home_file(home, name);
	int rc;

	summed_end(text);
	rc = file_write(path, text->b, text->len, 0600, err);

	free(path);
	return rc;
}

static void
put_seed(struct buf *out, const char *name, const struct sign_key *key)
{
	char hex[2 * sizeof(key->seed) + 1];

	digest_hex(hex, key->seed, sizeof(key->seed));
	buf_printf(out, "%s %s\n", name, hex);
	explicit_bzero(hex, sizeof(hex));
}

static void
forget(struct buf *text)
{
	if (text->cap > 0)
		explicit_bzero(text->b, text->cap);
	buf_free(text);
}

int
home_next_load(struct home_next *out, const struct home *home, struct err *err)
{
	uint8_t sign[32], ssh[32], inc[CHAIN_INC_LEN / 2];
	struct buf text = BUF_INIT;
	const char *s;
	int rc;

	rc = load(&text, home, "keys/next", 4096, err);
	if (rc == 0) {
		s = buf_str(&text);
		if (text.len != NEXT_LEN || memcmp(s, "sign ", 5) != 0 ||
		    !digest_unhex(sign, 32, s + 5, 64) ||
		    memcmp(s + 69, "\nssh ", 5) != 0 ||
		    !digest_unhex(ssh, 32, s + 74, 64) ||
		    memcmp(s + 138, "\ninc ", 5) != 0 ||
		    !digest_unhex(inc, sizeof(inc), s + 143, CHAIN_INC_LEN) ||
		    s[NEXT_LEN - 1] != '\n')
			rc = damaged(home, "keys/next", err);
	}
	if (rc == 0) {
		memset(out, 0, sizeof(*out));
		sign_from_seed(&out->sign, sign);
		sign_from_seed(&out->ssh, ssh);
		memcpy(out->inc, s + 143, CHAIN_INC_LEN);
		explicit_bzero(sign, sizeof(sign));
		explicit_bzero(ssh, sizeof(ssh));
	}
	forget(&text);
	return rc;
}

int
home_next_make(struct home_next *out, const struct home *home, bool new_inc,
    struct err *err)
{
	struct buf text = BUF_INIT;
	uint8_t inc[CHAIN_INC_LEN / 2];
	int rc;

	rc = home_next_load(out, home, err);
	if (rc == 0 && (strcmp(out->inc, home->inc) != 0) == new_inc)
		return 0;
	if (rc != 0 && rc != YZ_ENOTFOUND)
		return rc;
	memset(out, 0, sizeof(*out));
	sign_generate(&out->sign);
	sign_generate(&out->ssh);
	memcpy(out->inc, home->inc, sizeof(out->inc));
	if (new_inc) {
		digest_random(inc, sizeof(inc));
		digest_hex(out->inc, inc, sizeof(inc));
	}
	put_seed(&text, "sign", &out->sign);
	put_seed(&text, "ssh", &out->ssh);
	buf_printf(&text, "inc %s\n", out->inc);
	rc = save(home, "keys/next", &text, err);
	forget(&text);
	return rc;
}

int
home_fill_keys(const char *path, struct err *err)
{
	static const char *const names[] = {"keys/sign", "keys/ssh"};
	struct home home = {.path = (char *)path};
	char *station = home_file(&home, "station");
	char *keys = home_file(&home, "keys");
	bool there = file_exists(station);
	struct sign_key key;
	size_t i;
	int rc;

	rc = there ? file_mkdir(keys, 0700, err) : 0;
	free(station);
	free(keys);
	for (i = 0; rc == 0 && there && i < 2; i++) {
		char *file = home_file(&home, names[i]);

		sign_generate(&key);
		if (!file_exists(file))
			rc = home_key_save(&home, names[i], &key, err);
		explicit_bzero(&key, sizeof(key));
		free(file);
	}
	return rc;
}

int
home_next_drop(const struct home *home, struct err *err)
{
	char *next = home_file(home, "keys/next");
	char *request = home_file(home, "rotation");
	int rc = 0;

	if (unlink(request) != 0 && file_exists(request))
		rc = err_sys(err, "%s", request);
	if (unlink(next) != 0 && file_exists(next))
		rc = err_sys(err, "%s", next);
	free(next);
	free(request);
	return rc;
}

/* The files one by one, keys/next last: until then all is done again. */
static int
take(struct home *home, const struct home_next *next, struct err *err)
{
	int rc;

	rc = home_key_save(home, "keys/ssh", &next->ssh, err);
	if (rc == 0)
		rc = home_key_save(home, "keys/sign", &next->sign, err);
	if (rc != 0)
		return rc;
	home->sign = next->sign;
	home->ssh = next->ssh;
	return home_next_drop(home, err);
}

int
home_follow(struct home *home, const uint8_t sign[32], const uint8_t ssh[32],
    struct err *err)
{
	struct home_next next;
	struct home *again;
	int rc;

	if (memcmp(home->sign.pub, sign, 32) == 0 &&
	    memcmp(home->ssh.pub, ssh, 32) == 0)
		return 0;
	rc = home_next_load(&next, home, err);
	if (rc == 0 && memcmp(next.sign.pub, sign, 32) == 0 &&
	    memcmp(next.ssh.pub, ssh, 32) == 0) {
		rc = take(home, &next, err);
		explicit_bzero(&next, sizeof(next));
		return rc;
	}
	explicit_bzero(&next, sizeof(next));
	if (rc != 0 && rc != YZ_ENOTFOUND)
		return rc;
	rc = home_open(&again, home->path, err);
	if (rc != 0)
		return rc;
	if (memcmp(again->sign.pub, sign, 32) == 0) {
		home->sign = again->sign;
		home->ssh = again->ssh;
	}
	home_free(again);
	return 0;
}

/* --- the recovery key's hash ---------------------------------------------- */

int
home_recovery_load(struct digest *out, const struct home *home, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = load(&text, home, "keys/recovery", 4096, err);
	if (rc == 0 && (text.len != DIGEST_HEX_LEN + 1 ||
			   !digest_unhex(out->b, sizeof(out->b), (char *)text.b,
			       DIGEST_HEX_LEN)))
		rc = damaged(home, "keys/recovery", err);
	buf_free(&text);
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

int
home_recovery_save(
    const struct digest *hash, const struct home *home, struct err *err)
{
	char hex[DIGEST_HEX_LEN + 1];
	struct buf text = BUF_INIT;
	int rc;

	digest_hex(hex, hash->b, sizeof(hash->b));
	buf_printf(&text, "%s\n", hex);
	rc = save(home, "keys/recovery", &text, err);
	buf_free(&text);
	return rc;
}
