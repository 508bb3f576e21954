#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "recovery.h"

#define PREFIX "yizhan-recovery:"
#define PART (32 / RECOVERY_LINES) /* bytes of a line */

void
recovery_line(
    char out[RECOVERY_LINE_MAX], const char *code, const struct sign_key *key)
{
	char hex[65];

	digest_hex(hex, key->seed, sizeof(key->seed));
	snprintf(out, RECOVERY_LINE_MAX, PREFIX "%s:%s", code, hex);
	explicit_bzero(hex, sizeof(hex));
}

/* Two digits that one wrong digit, two swapped, or another line's number
 * betray. */
static uint8_t
check(int line, const uint8_t part[PART])
{
	uint8_t bytes[1 + PART] = {(uint8_t)line};
	struct digest sum;

	memcpy(bytes + 1, part, PART);
	digest_sha256(&sum, bytes, sizeof(bytes));
	return sum.b[0];
}

void
recovery_digits(struct buf *out, const struct sign_key *key)
{
	int line, i;

	for (line = 1; line <= RECOVERY_LINES; line++) {
		const uint8_t *part = key->seed + (line - 1) * PART;

		buf_printf(out, "%d ", line);
		for (i = 0; i < PART; i += 2)
			buf_printf(out, " %02x%02x", part[i], part[i + 1]);
		buf_printf(out, "  %02x\n", check(line, part));
	}
}

/* The digits of one line, spaces left out; false if it is none of ours. */
static bool
line_of(int *line, uint8_t part[PART + 1], const char *s, size_t n)
{
	char hex[2 * (PART + 1)];
	size_t i, have = 0;

	while (n > 0 && isspace((unsigned char)*s))
		s++, n--;
	if (n < 2 || *s < '1' || *s > '0' + RECOVERY_LINES || s[1] != ' ')
		return false;
	*line = *s - '0';
	for (i = 1; i < n; i++) {
		if (isspace((unsigned char)s[i]))
			continue;
		if (!isxdigit((unsigned char)s[i]) || have == sizeof(hex))
			return false;
		hex[have++] = (char)tolower((unsigned char)s[i]);
	}
	return have == sizeof(hex) && digest_unhex(part, PART + 1, hex, have);
}

bool
recovery_typed(struct buf *out, int line, const char *typed)
{
	struct buf with = BUF_INIT;
	uint8_t part[PART + 1];
	const char *s[2];
	bool good = false;
	int i, is;

	buf_printf(&with, "%d %s", line, typed);
	s[0] = typed;
	s[1] = buf_str(&with);
	for (i = 0; !good && i < 2; i++) {
		good = line_of(&is, part, s[i], strlen(s[i])) && is == line &&
		       check(line, part) == part[PART];
		if (good)
			buf_printf(out, "%s\n", s[i]);
	}
	explicit_bzero(part, sizeof(part));
	explicit_bzero(with.b, with.cap);
	buf_free(&with);
	return good;
}

static int
read_digits(uint8_t seed[32], const char *text, size_t n, struct err *err)
{
	bool have[RECOVERY_LINES] = {false};
	uint8_t part[PART + 1];
	const char *end = text + n, *s, *next;
	int line;

	for (s = text; s < end; s = next) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));

		next = nl == NULL ? end : nl + 1;
		if (!line_of(
			&line, part, s, (size_t)((nl == NULL ? end : nl) - s)))
			continue;
		if (check(line, part) != part[PART])
			return err_set(err, YZ_EINVAL,
			    "line %d of the recovery key is mistyped", line);
		memcpy(seed + (line - 1) * PART, part, PART);
		have[line - 1] = true;
	}
	explicit_bzero(part, sizeof(part));
	for (line = 0; line < RECOVERY_LINES; line++)
		if (!have[line])
			return err_set(err, YZ_EINVAL,
			    "line %d of the recovery key is missing or not 18 "
			    "digits long",
			    line + 1);
	return 0;
}

int
recovery_read(struct sign_key *out, char code[CHAIN_CODE_LEN + 1],
    const char *text, size_t n, struct err *err)
{
	const char *s = memmem(text, n, PREFIX, strlen(PREFIX));
	size_t left;
	uint8_t seed[32];
	int rc = 0;

	memset(code, 0, CHAIN_CODE_LEN + 1);
	if (s != NULL) {
		s += strlen(PREFIX);
		left = n - (size_t)(s - text);
		if (left < CHAIN_CODE_LEN + 1 + 64 ||
		    !chain_is_code(s, CHAIN_CODE_LEN) ||
		    s[CHAIN_CODE_LEN] != ':' ||
		    !digest_unhex(seed, 32, s + CHAIN_CODE_LEN + 1, 64))
			return err_set(err, YZ_EINVAL,
			    "the line of the recovery key is damaged");
		memcpy(code, s, CHAIN_CODE_LEN);
	} else
		rc = read_digits(seed, text, n, err);
	if (rc == 0)
		sign_from_seed(out, seed);
	explicit_bzero(seed, sizeof(seed));
	return rc;
}

void
recovery_hash(struct digest *out, const struct sign_key *key)
{
	digest_sha256(out, key->pub, sizeof(key->pub));
}
