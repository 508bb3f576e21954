#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "limit.h"
#include "roster_member.h"
#include "sign.h"

static const struct digest zero;

int
roster_member(struct canon *out, struct canon object, const char *key,
    enum canon_type type, struct err *err)
{
	if (canon_type(object) != CANON_OBJECT)
		return err_set(err, YZ_ECORRUPT, "roster: not an object");
	if (!canon_member(object, key, out))
		return err_set(err, YZ_ECORRUPT, "roster: no \"%s\"", key);
	if (canon_type(*out) != type)
		return err_set(err, YZ_ECORRUPT,
		    "roster: \"%s\" is of the wrong type", key);
	return 0;
}

int
roster_member_int(int64_t *out, struct canon object, const char *key,
    int64_t min, int64_t max, struct err *err)
{
	struct canon v = {NULL, 0};
	int rc;

	rc = roster_member(&v, object, key, CANON_INT, err);
	if (rc != 0)
		return rc;
	*out = canon_int(v);
	if (*out < min || *out > max)
		return err_set(
		    err, YZ_ECORRUPT, "roster: \"%s\" is out of bounds", key);
	return 0;
}

int
roster_member_list(struct canon *out, size_t *n, struct canon object,
    const char *key, size_t max, struct err *err)
{
	struct canon item;
	size_t at = 0;
	int rc;

	rc = roster_member(out, object, key, CANON_LIST, err);
	if (rc != 0)
		return rc;
	for (*n = 0; canon_next(*out, &at, &item); ++*n)
		if (*n == max)
			return err_set(err, YZ_ECORRUPT,
			    "roster: over %zu in \"%s\"", max, key);
	return 0;
}

int
roster_member_text_of(
    char **out, struct canon v, const char *key, size_t max, struct err *err)
{
	struct buf b = BUF_INIT;

	if (canon_type(v) != CANON_TEXT)
		return err_set(err, YZ_ECORRUPT,
		    "roster: \"%s\" is of the wrong type", key);
	canon_text(&b, v);
	if (b.len > max) {
		buf_free(&b);
		return err_set(err, YZ_ECORRUPT,
		    "roster: \"%s\" is over %zu bytes", key, max);
	}
	buf_str(&b);
	*out = buf_take(&b);
	return 0;
}

int
roster_member_text(char **out, struct canon object, const char *key, size_t max,
    struct err *err)
{
	struct canon v = {NULL, 0};
	int rc;

	rc = roster_member(&v, object, key, CANON_TEXT, err);
	return rc != 0 ? rc : roster_member_text_of(out, v, key, max, err);
}

int
roster_member_name(char **out, struct canon object, struct err *err)
{
	const char *s;
	size_t n;
	int rc;

	rc = roster_member_text(out, object, "name", LIMIT_NAME, err);
	if (rc != 0)
		return rc;
	s = *out;
	n = strlen(s);
	if (!text_is_clean(s, n, false) || text_trim(&s, n) != n)
		return err_set(err, YZ_ECORRUPT, "roster: bad name");
	return 0;
}

int
roster_member_code_of(char out[CHAIN_CODE_LEN + 1], struct canon v,
    const char *key, struct err *err)
{
	char *s = NULL;
	int rc;

	rc = roster_member_text_of(&s, v, key, CHAIN_CODE_LEN, err);
	if (rc != 0 || s == NULL)
		return rc;
	if (chain_is_code(s, strlen(s)))
		memcpy(out, s, CHAIN_CODE_LEN + 1);
	else
		rc = err_set(
		    err, YZ_ECORRUPT, "roster: \"%s\" is no station code", key);
	free(s);
	return rc;
}

int
roster_member_code(char out[CHAIN_CODE_LEN + 1], struct canon object,
    const char *key, bool may_be_empty, struct err *err)
{
	struct canon v = {NULL, 0};
	int rc;

	rc = roster_member(&v, object, key, CANON_TEXT, err);
	if (rc != 0)
		return rc;
	if (may_be_empty && canon_is_text(v, "")) {
		out[0] = '\0';
		return 0;
	}
	return roster_member_code_of(out, v, key, err);
}

int
roster_member_hash(
    struct digest *out, struct canon object, const char *key, struct err *err)
{
	char *s = NULL;
	int rc;

	rc = roster_member_text(&s, object, key, DIGEST_HEX_LEN, err);
	if (rc != 0)
		return rc;
	*out = zero;
	assert(s != NULL);
	if (*s != '\0' && !digest_unhex(out->b, sizeof(out->b), s, strlen(s)))
		rc =
		    err_set(err, YZ_ECORRUPT, "roster: \"%s\" is no hash", key);
	free(s);
	return rc;
}

int
roster_member_key_of(
    uint8_t out[32], struct canon v, const char *key, struct err *err)
{
	char *s = NULL;
	int rc;

	rc = roster_member_text_of(&s, v, key, 127, err);
	if (rc != 0)
		return rc;
	rc = sign_public_parse(out, s, strlen(s), err);
	if (rc == 0)
		rc = sign_check_public(out, err);
	free(s);
	return rc != 0 ? err_within(err, "roster: \"%s\"", key) : 0;
}

int
roster_member_key(
    uint8_t out[32], struct canon object, const char *key, struct err *err)
{
	struct canon v = {NULL, 0};
	int rc;

	rc = roster_member(&v, object, key, CANON_TEXT, err);
	return rc != 0 ? rc : roster_member_key_of(out, v, key, err);
}

int
roster_member_unsorted(const char *key, struct err *err)
{
	return err_set(err, YZ_ECORRUPT,
	    "roster: \"%s\" is not in order, or has one twice", key);
}
