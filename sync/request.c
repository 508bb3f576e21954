#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "canon.h"
#include "limit.h"
#include "request.h"
#include "sign.h"

static void
put_base64(struct buf *out, const char *key, const uint8_t sig[64])
{
	buf_printf(out, "\"%s\":\"", key);
	digest_base64(out, sig, 64);
	buf_puts(out, "\",");
}

void
request_write(struct buf *out, const struct request *q, bool proofs)
{
	static const struct digest zero;
	char hex[DIGEST_HEX_LEN + 1] = "";

	buf_printf(out, "{\"code\":\"%s\",\"inc\":\"%s\",", q->code, q->inc);
	if (proofs) {
		put_base64(out, "proof", q->proof);
		put_base64(out, "proof_ssh", q->proof_ssh);
	}
	if (!digest_equal(&q->recovery, &zero))
		digest_hex(hex, q->recovery.b, sizeof(q->recovery.b));
	buf_printf(out, "\"recovery\":\"%s\",\"sign\":\"", hex);
	sign_public_line(out, q->sign);
	buf_puts(out, "\",\"ssh\":\"");
	sign_public_line(out, q->ssh);
	buf_puts(out, "\"}\n");
}

static bool
get_sig(uint8_t sig[64], struct canon v, const char *key)
{
	struct buf s = BUF_INIT, b = BUF_INIT;
	bool good;

	good = canon_member_text(&s, v, key) &&
	       digest_unbase64(&b, (char *)s.b, s.len) && b.len == 64;
	if (good)
		memcpy(sig, b.b, 64);
	buf_free(&s);
	buf_free(&b);
	return good;
}

static bool
get_key(uint8_t key[32], struct canon v, const char *name)
{
	struct buf s = BUF_INIT;
	struct err err;
	bool good;

	good = canon_member_text(&s, v, name) &&
	       sign_public_parse(key, (char *)s.b, s.len, &err) == 0;
	buf_free(&s);
	return good;
}

/* A fixed-length text member. */
static bool
get_fixed(char *out, size_t len, struct canon v, const char *key)
{
	struct buf s = BUF_INIT;
	bool good = canon_member_text(&s, v, key) && s.len == len;

	if (good)
		memcpy(out, buf_str(&s), len + 1);
	buf_free(&s);
	return good;
}

/* 64 hex digits, or none for zero. */
static bool
get_hash(struct digest *hash, struct canon v, const char *key)
{
	struct buf s = BUF_INIT;
	bool good = canon_member_text(&s, v, key);

	if (good && s.len > 0)
		good =
		    digest_unhex(hash->b, sizeof(hash->b), (char *)s.b, s.len);
	buf_free(&s);
	return good;
}

/* Form only: printing it again must give the same bytes. */
static bool
parse(struct request *q, const char *text, size_t n)
{
	uint8_t inc[CHAIN_INC_LEN / 2];
	struct buf again = BUF_INIT;
	struct canon v;
	struct err err;
	bool good;

	if (n == 0 || text[n - 1] != '\n' ||
	    canon_whole(&v, text, n - 1, &err) != 0 ||
	    canon_type(v) != CANON_OBJECT)
		return false;
	good = get_fixed(q->code, CHAIN_CODE_LEN, v, "code") &&
	       chain_is_code(q->code, CHAIN_CODE_LEN) &&
	       get_fixed(q->inc, CHAIN_INC_LEN, v, "inc") &&
	       digest_unhex(inc, sizeof(inc), q->inc, CHAIN_INC_LEN) &&
	       get_hash(&q->recovery, v, "recovery") &&
	       get_key(q->sign, v, "sign") && get_key(q->ssh, v, "ssh") &&
	       get_sig(q->proof, v, "proof") &&
	       get_sig(q->proof_ssh, v, "proof_ssh");
	if (good) {
		request_write(&again, q, true);
		good = again.len == n && memcmp(again.b, text, n) == 0;
		buf_free(&again);
	}
	return good;
}

int
request_read(struct request *q, const char *text, size_t n, struct err *err)
{
	struct buf plain = BUF_INIT;
	int rc;

	memset(q, 0, sizeof(*q));
	if (n > LIMIT_REQUEST)
		return err_set(err, YZ_ECORRUPT,
		    "a request to join of %zu bytes is over %d", n,
		    LIMIT_REQUEST);
	if (!parse(q, text, n))
		return err_set(err, YZ_ECORRUPT, "this is no request to join");
	if (memcmp(q->sign, q->ssh, sizeof(q->sign)) == 0)
		return err_set(err, YZ_EDENIED,
		    "the signing and the SSH key are the same");
	request_write(&plain, q, false);
	if ((rc = sign_check_public(q->sign, err)) == 0 &&
	    (rc = sign_check_public(q->ssh, err)) == 0 &&
	    (rc = sign_verify(q->proof, q->sign, SIGN_NS_JOIN, plain.b,
		 plain.len, err)) == 0)
		rc = sign_verify(q->proof_ssh, q->ssh, SIGN_NS_JOIN, plain.b,
		    plain.len, err);
	buf_free(&plain);
	return rc != 0 ? err_within(err, "request to join of %s", q->code) : 0;
}
