#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "member.h"
#include "sign.h"

static const struct digest zero;

/* --- writing ------------------------------------------------------------ */

void
member_put_key(struct buf *out, const char *name, const uint8_t key[32])
{
	buf_printf(out, "\"%s\":\"", name);
	sign_public_line(out, key);
	buf_putc(out, '"');
}

void
member_put_hash(struct buf *out, const char *name, const struct digest *hash)
{
	char hex[DIGEST_HEX_LEN + 1] = "";

	if (!digest_equal(hash, &zero))
		digest_hex(hex, hash->b, sizeof(hash->b));
	buf_printf(out, "\"%s\":\"%s\"", name, hex);
}

void
member_put_sig(struct buf *out, const char *name, const uint8_t sig[64])
{
	buf_printf(out, "\"%s\":\"", name);
	digest_base64(out, sig, 64);
	buf_putc(out, '"');
}

/* --- reading ------------------------------------------------------------ */

bool
member_get_key(uint8_t key[32], struct canon object, const char *name)
{
	struct buf s = BUF_INIT;
	struct err err;
	bool good = canon_member_text(&s, object, name) &&
		    sign_public_parse(key, buf_str(&s), s.len, &err) == 0;

	buf_free(&s);
	return good;
}

bool
member_get_hash(struct digest *hash, struct canon object, const char *name)
{
	struct buf s = BUF_INIT;
	bool good = canon_member_text(&s, object, name);

	*hash = zero;
	if (good && s.len > 0)
		good =
		    digest_unhex(hash->b, sizeof(hash->b), buf_str(&s), s.len);
	buf_free(&s);
	return good;
}

bool
member_get_sig(uint8_t sig[64], struct canon object, const char *name)
{
	struct buf s = BUF_INIT, b = BUF_INIT;
	bool good = canon_member_text(&s, object, name) &&
		    digest_unbase64(&b, buf_str(&s), s.len) && b.len == 64;

	if (good)
		memcpy(sig, b.b, 64);
	buf_free(&s);
	buf_free(&b);
	return good;
}

bool
member_get_fixed(char *out, size_t n, struct canon object, const char *name)
{
	struct buf s = BUF_INIT;
	bool good = canon_member_text(&s, object, name) && s.len == n;

	if (good)
		memcpy(out, buf_str(&s), n + 1);
	buf_free(&s);
	return good;
}
