#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "sign.h"

#define KEY_FILE_MAX 16384
#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define END "-----END OPENSSH PRIVATE KEY-----"
#define MAGIC "openssh-key-v1"

struct reader { /* of SSH's strings; bad once something is cut short */
	const uint8_t *p, *end;
	bool bad;
};

static const uint8_t *
take(struct reader *in, size_t n)
{
	const uint8_t *p = in->p;

	if (in->bad || n > (size_t)(in->end - in->p)) {
		in->bad = true;
		return NULL;
	}
	in->p += n;
	return p;
}

static uint32_t
number(struct reader *in)
{
	const uint8_t *p = take(in, 4);

	return p == NULL ? 0
			 : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
			       (uint32_t)p[2] << 8 | p[3];
}

static const uint8_t *
string(struct reader *in, size_t *n)
{
	*n = number(in);
	return take(in, *n);
}

static bool
is(struct reader *in, const char *want)
{
	size_t n;
	const uint8_t *p = string(in, &n);

	return p != NULL && n == strlen(want) && memcmp(p, want, n) == 0;
}

/* What OpenSSH's PROTOCOL.key says, of one key without passphrase. */
static bool
parse(struct sign_key *out, const struct buf *blob)
{
	struct reader in = {blob->b, blob->b + blob->len, false};
	const uint8_t *p;
	uint32_t once;
	size_t n;

	p = take(&in, sizeof(MAGIC));
	if (p == NULL || memcmp(p, MAGIC, sizeof(MAGIC)) != 0 ||
	    !is(&in, "none") || !is(&in, "none") || !is(&in, "") ||
	    number(&in) != 1)
		return false;
	(void)string(&in, &n);
	p = string(&in, &n);
	if (p == NULL)
		return false;
	in.p = p;
	in.end = p + n;
	/* Two numbers of one value say that the key was opened. */
	once = number(&in);
	if (once != number(&in) || !is(&in, "ssh-ed25519"))
		return false;
	(void)string(&in, &n);
	p = string(&in, &n);
	if (p == NULL || n != 64)
		return false;
	sign_from_seed(out, p);
	return memcmp(out->pub, p + 32, 32) == 0;
}

static bool
unarmour(struct buf *blob, const char *text)
{
	const char *s = strstr(text, BEGIN), *end;
	struct buf digits = BUF_INIT;
	bool good;

	end = s == NULL ? NULL : strstr(s, END);
	if (end == NULL)
		return false;
	for (s += strlen(BEGIN); s < end; s++)
		if (*s != '\n' && *s != '\r')
			buf_putc(&digits, *s);
	good = digest_unbase64(blob, buf_str(&digits), digits.len);
	explicit_bzero(digits.b, digits.len);
	buf_free(&digits);
	return good;
}

int
sign_load_file(struct sign_key *out, const char *path, struct err *err)
{
	struct buf text = BUF_INIT, blob = BUF_INIT;
	int rc;

	rc = file_read(&text, path, KEY_FILE_MAX, err);
	if (rc != 0)
		return rc;
	if (strstr(buf_str(&text), BEGIN) == NULL)
		rc = sign_load(out, path, err);
	else if (!unarmour(&blob, buf_str(&text)) || !parse(out, &blob))
		rc = err_set(err, YZ_EINVAL,
		    "%s: not an Ed25519 key without passphrase: ssh-keygen -Y "
		    "sign -n yizhan-roster signs with others",
		    path);
	explicit_bzero(text.b, text.len);
	if (blob.len > 0)
		explicit_bzero(blob.b, blob.len);
	buf_free(&text);
	buf_free(&blob);
	return rc;
}
