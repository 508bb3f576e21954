#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_head.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/summed.h"
#include "home.h"
#include "roster.h"
#include "sign.h"

#define BYTES_MAX 4096

static void
put_place(struct buf *out, const char *name, const struct audit_place *p)
{
	char hex[DIGEST_HEX_LEN + 1];

	digest_hex(hex, p->hash.b, sizeof(p->hash.b));
	buf_printf(out, "%s %lld %s\n", name, (long long)p->no, hex);
}

static void
put_text(struct buf *out, const struct audit_head *head)
{
	buf_puts(out, "yizhan-audit 1\n");
	put_place(out, "base", &head->base);
	put_place(out, "last", &head->last);
}

int
audit_head_write(
    const struct audit_head *head, const struct home *home, struct err *err)
{
	char *path = home_file(home, "audit");
	struct buf text = BUF_INIT;
	uint8_t sig[64];
	int rc;

	put_text(&text, head);
	rc = sign_make(sig, &home->sign, SIGN_NS_AUDIT, text.b, text.len, err);
	if (rc == 0) {
		sign_armour(&text, sig, home->sign.pub, SIGN_NS_AUDIT);
		summed_end(&text);
		rc = file_write(path, text.b, text.len, 0600, err);
	}
	buf_free(&text);
	free(path);
	return rc;
}

/* "NAME NO HASH\n" */
static bool
take_place(struct audit_place *out, const char *name, const char **at)
{
	size_t n = strlen(name);
	const char *s = *at;
	char *end;

	if (strncmp(s, name, n) != 0 || s[n] != ' ')
		return false;
	out->no = strtoll(s + n + 1, &end, 10);
	if (*end != ' ' || strcspn(end + 1, "\n") != DIGEST_HEX_LEN)
		return false;
	*at = end + 1 + DIGEST_HEX_LEN + 1;
	return digest_unhex(
	    out->hash.b, sizeof(out->hash.b), end + 1, DIGEST_HEX_LEN);
}

/* Written again, it must be what was read: so there is one form only. */
static bool
parse(struct audit_head *out, struct buf *file, struct err *err)
{
	const char *at = buf_str(file), *first = at;
	struct buf text = BUF_INIT;
	uint8_t sig[64];
	bool good;

	if (strncmp(at, "yizhan-audit 1\n", 15) != 0)
		return false;
	at += 15;
	if (!take_place(&out->base, "base", &at) ||
	    !take_place(&out->last, "last", &at))
		return false;
	put_text(&text, out);
	good = strncmp(first, buf_str(&text), text.len) == 0 &&
	       sign_unarmour(sig, out->key, SIGN_NS_AUDIT, first + text.len,
		   file->len - text.len, err) == 0 &&
	       sign_verify(
		   sig, out->key, SIGN_NS_AUDIT, text.b, text.len, err) == 0;
	buf_free(&text);
	return good;
}

int
audit_head_read(
    struct audit_head *out, const struct home *home, struct err *err)
{
	char *path = home_file(home, "audit");
	struct buf file = BUF_INIT;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = summed_read(&file, path, BYTES_MAX, err);
	if (rc == YZ_ECORRUPT || (rc == 0 && !parse(out, &file, err))) {
		memset(out, 0, sizeof(*out));
		rc = err_set(err, YZ_ECORRUPT,
		    "%s is not what this station wrote", path);
	}
	buf_free(&file);
	free(path);
	return rc;
}

static bool
is_listed(const uint8_t key[32], const struct roster_station *me)
{
	size_t i;

	for (i = 0; i < me->n_keys; i++)
		if (memcmp(key, me->keys[i].sign, 32) == 0)
			return true;
	return false;
}

bool
audit_head_lent(const struct home *home, const struct roster *keys)
{
	const struct roster_station *me =
	    keys == NULL ? NULL : roster_find(keys, home->code);

	return me != NULL && !is_listed(home->sign.pub, me);
}

bool
audit_head_ours(
    const uint8_t key[32], const struct home *home, const struct roster *keys)
{
	const struct roster_station *me =
	    keys == NULL ? NULL : roster_find(keys, home->code);

	return memcmp(key, home->sign.pub, 32) == 0 ||
	       (me != NULL && is_listed(key, me));
}
