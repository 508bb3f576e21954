#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "canon.h"
#include "limit.h"
#include "member.h"
#include "roster_doc.h"
#include "rotation.h"

void
rotation_free(struct rotation *q)
{
	free(q->ends);
	memset(q, 0, sizeof(*q));
}

/* --- writing ------------------------------------------------------------ */

/* What the proof signs: all that the roster will say of the new key's right
 * to stand there. */
static void
proof_text(struct buf *out, const char *code, const uint8_t after[32],
    const struct digest *recovery, const uint8_t sign[32],
    const uint8_t ssh[32])
{
	buf_putc(out, '{');
	member_put_key(out, "after", after);
	buf_printf(out, ",\"code\":\"%s\",", code);
	member_put_hash(out, "recovery", recovery);
	buf_putc(out, ',');
	member_put_key(out, "sign", sign);
	buf_putc(out, ',');
	member_put_key(out, "ssh", ssh);
	buf_puts(out, "}\n");
}

static void
write_request(struct buf *out, const struct rotation *q, bool signatures)
{
	buf_putc(out, '{');
	member_put_key(out, "after", q->after);
	buf_putc(out, ',');
	member_put_key(out, "by", q->by);
	buf_printf(out, ",\"code\":\"%s\",", q->code);
	roster_doc_put_ends(out, q->ends, q->n_ends);
	buf_printf(out, ",\"inc\":\"%s\",", q->inc);
	member_put_sig(out, "proof", q->proof);
	buf_putc(out, ',');
	member_put_hash(out, "recovery", &q->recovery);
	buf_putc(out, ',');
	if (q->restored)
		buf_puts(out, "\"restored\":true,");
	member_put_hash(out, "roster", &q->roster);
	buf_putc(out, ',');
	if (signatures) {
		member_put_sig(out, "sig_by", q->sig_by);
		buf_putc(out, ',');
		member_put_sig(out, "sig_sign", q->sig_sign);
		buf_putc(out, ',');
		member_put_sig(out, "sig_ssh", q->sig_ssh);
		buf_putc(out, ',');
	}
	member_put_key(out, "sign", q->sign);
	buf_putc(out, ',');
	member_put_key(out, "ssh", q->ssh);
	buf_puts(out, "}\n");
}

void
rotation_write(struct buf *out, const struct rotation *q)
{
	write_request(out, q, true);
}

static int
make(uint8_t sig[64], const struct sign_key *key, const struct buf *text,
    struct err *err)
{
	return sign_make(sig, key, SIGN_NS_ROTATE, text->b, text->len, err);
}

int
rotation_sign(struct rotation *q, const struct sign_key *by,
    const struct sign_key *sign, const struct sign_key *ssh, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	memcpy(q->by, by->pub, sizeof(q->by));
	memcpy(q->sign, sign->pub, sizeof(q->sign));
	memcpy(q->ssh, ssh->pub, sizeof(q->ssh));
	proof_text(&text, q->code, q->after, &q->recovery, q->sign, q->ssh);
	rc = make(q->proof, by, &text, err);
	buf_clear(&text);
	write_request(&text, q, false);
	if (rc == 0)
		rc = make(q->sig_by, by, &text, err);
	if (rc == 0)
		rc = make(q->sig_sign, sign, &text, err);
	if (rc == 0)
		rc = make(q->sig_ssh, ssh, &text, err);
	buf_free(&text);
	return rc;
}

/* --- reading ------------------------------------------------------------ */

/* Form only: written again it must give the same bytes.  Of what is wrong only
 * too many ends are worth a word of their own. */
static bool
parse(struct rotation *q, const char *text, size_t n, struct err *err)
{
	uint8_t inc[CHAIN_INC_LEN / 2];
	struct buf again = BUF_INIT;
	struct canon v, restored;
	struct err ignored;
	bool good;

	err_set(err, YZ_ECORRUPT, "this is no request to rotate");
	if (n == 0 || text[n - 1] != '\n' ||
	    canon_whole(&v, text, n - 1, &ignored) != 0 ||
	    canon_type(v) != CANON_OBJECT)
		return false;
	if (!member_get_fixed(q->code, CHAIN_CODE_LEN, v, "code") ||
	    !chain_is_code(q->code, CHAIN_CODE_LEN))
		return false;
	if (roster_parse_ends(&q->ends, &q->n_ends, v, q->code, err) != 0) {
		err_within(err, "this is no request to rotate");
		return false;
	}
	good = member_get_fixed(q->inc, CHAIN_INC_LEN, v, "inc") &&
	       digest_unhex(inc, sizeof(inc), q->inc, CHAIN_INC_LEN) &&
	       member_get_key(q->after, v, "after") &&
	       member_get_key(q->by, v, "by") &&
	       member_get_key(q->sign, v, "sign") &&
	       member_get_key(q->ssh, v, "ssh") &&
	       member_get_hash(&q->recovery, v, "recovery") &&
	       member_get_hash(&q->roster, v, "roster") &&
	       member_get_sig(q->proof, v, "proof") &&
	       member_get_sig(q->sig_by, v, "sig_by") &&
	       member_get_sig(q->sig_sign, v, "sig_sign") &&
	       member_get_sig(q->sig_ssh, v, "sig_ssh");
	if (good) {
		q->restored = canon_member(v, "restored", &restored);
		rotation_write(&again, q);
		good = again.len == n && memcmp(again.b, text, n) == 0;
		buf_free(&again);
	}
	return good;
}

static int
check(const uint8_t sig[64], const uint8_t key[32], const struct buf *text,
    struct err *err)
{
	int rc = sign_check_public(key, err);

	return rc != 0 ? rc
		       : sign_verify(
			     sig, key, SIGN_NS_ROTATE, text->b, text->len, err);
}

int
rotation_check_proof(const struct roster_key *key, const char *code,
    const uint8_t after[32], const struct digest *recovery, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	proof_text(&text, code, after, recovery, key->sign, key->ssh);
	rc = check(key->proof, key->by, &text, err);
	buf_free(&text);
	return rc;
}

static int
verify(const struct rotation *q, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	if (memcmp(q->sign, q->ssh, 32) == 0)
		return err_set(err, YZ_EDENIED,
		    "the signing and the SSH key are the same");
	proof_text(&text, q->code, q->after, &q->recovery, q->sign, q->ssh);
	rc = check(q->proof, q->by, &text, err);
	buf_clear(&text);
	write_request(&text, q, false);
	if (rc == 0)
		rc = check(q->sig_by, q->by, &text, err);
	if (rc == 0)
		rc = check(q->sig_sign, q->sign, &text, err);
	if (rc == 0)
		rc = check(q->sig_ssh, q->ssh, &text, err);
	buf_free(&text);
	return rc;
}

int
rotation_read(struct rotation *q, const void *text, size_t n, struct err *err)
{
	int rc;

	memset(q, 0, sizeof(*q));
	if (n > LIMIT_ROTATION)
		rc = err_set(err, YZ_ECORRUPT,
		    "a request to rotate of %zu bytes is over %u", n,
		    LIMIT_ROTATION);
	else if (!parse(q, text, n, err))
		rc = YZ_ECORRUPT;
	else if ((rc = verify(q, err)) != 0)
		rc = err_within(err, "request to rotate of %s", q->code);
	if (rc != 0)
		rotation_free(q);
	return rc;
}
