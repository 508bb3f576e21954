#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "canon.h"
#include "limit.h"
#include "member.h"
#include "request.h"
#include "sign.h"

void
request_write(struct buf *out, const struct request *q, bool proofs)
{
	buf_printf(out, "{\"code\":\"%s\",\"inc\":\"%s\",", q->code, q->inc);
	if (proofs) {
		member_put_sig(out, "proof", q->proof);
		buf_putc(out, ',');
		member_put_sig(out, "proof_ssh", q->proof_ssh);
		buf_putc(out, ',');
	}
	member_put_hash(out, "recovery", &q->recovery);
	buf_putc(out, ',');
	member_put_key(out, "sign", q->sign);
	buf_putc(out, ',');
	member_put_key(out, "ssh", q->ssh);
	buf_puts(out, "}\n");
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
	good = member_get_fixed(q->code, CHAIN_CODE_LEN, v, "code") &&
	       chain_is_code(q->code, CHAIN_CODE_LEN) &&
	       member_get_fixed(q->inc, CHAIN_INC_LEN, v, "inc") &&
	       digest_unhex(inc, sizeof(inc), q->inc, CHAIN_INC_LEN) &&
	       member_get_hash(&q->recovery, v, "recovery") &&
	       member_get_key(q->sign, v, "sign") &&
	       member_get_key(q->ssh, v, "ssh") &&
	       member_get_sig(q->proof, v, "proof") &&
	       member_get_sig(q->proof_ssh, v, "proof_ssh");
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
