#include "config.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#define IDEOGRAPHIC_SPACE "\xe3\x80\x80" /* U+3000 */

/* One character of s, n > 0; its length, or 0 if it is not strict UTF-8. */
static size_t
character(const char *s, size_t n, uint32_t *out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *b = (const uint8_t *)s;
	uint32_t c;
	size_t i, len;

	if (b[0] < 0x80) {
		*out = b[0];
		return 1;
	}
	if (b[0] < 0xc2 || b[0] > 0xf4)
		return 0;
	len = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
	if (len > n)
		return 0;
	c = b[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (b[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return len;
}

static bool
all_ascii(const char *s, size_t n)
{
	uint64_t word;

	for (; n >= 8; n -= 8, s += 8) {
		memcpy(&word, s, 8);
		if ((word & 0x8080808080808080u) != 0)
			return false;
	}
	for (; n > 0; n--, s++)
		if ((*s & 0x80) != 0)
			return false;
	return true;
}

bool
text_is_utf8(const char *s, size_t n)
{
	uint32_t c;
	size_t len;

	if (all_ascii(s, n))
		return true;
	for (; n > 0; s += len, n -= len) {
		len = character(s, n, &c);
		if (len == 0)
			return false;
	}
	return true;
}

bool
text_is_clean(const char *s, size_t n, bool lines)
{
	uint32_t c;
	size_t len;

	for (; n > 0; s += len, n -= len) {
		len = character(s, n, &c);
		if (len == 0)
			return false;
		if (lines && (c == '\n' || c == '\t'))
			continue;
		if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
			return false;
	}
	return true;
}

bool
text_is_plain(const char *s, size_t n)
{
	uint32_t c;
	size_t len;

	if (!text_is_clean(s, n, false))
		return false;
	for (; n > 0; s += len, n -= len) {
		len = character(s, n, &c);
		if (c == 0x61c || c == 0x200e || c == 0x200f ||
		    (c >= 0x2028 && c <= 0x202e) ||
		    (c >= 0x2066 && c <= 0x2069) || c == 0xfeff)
			return false;
	}
	return true;
}

size_t
text_good(const char *s)
{
	size_t n = strlen(s), at = 0, len;
	uint32_t c;

	while (at < n && (len = character(s + at, n - at, &c)) > 0)
		at += len;
	return at;
}

/* How many bytes at s begin a character that does not go on. */
static size_t
stump(const char *s)
{
	const uint8_t *b = (const uint8_t *)s;
	size_t n = 1;

	if (b[0] < 0xc2 || b[0] > 0xf4)
		return 0;
	while ((b[n] & 0xc0) == 0x80)
		n++;
	return n < (b[0] < 0xe0 ? 2u : b[0] < 0xf0 ? 3u : 4u) ? n : 0;
}

void
text_mend(char *s)
{
	char *to = s;
	size_t n;

	while (*s != '\0') {
		n = text_good(s);
		memmove(to, s, n);
		to += n;
		s += n;
		if (*s == '\0')
			break;
		n = stump(s);
		s += n;
		if (n == 0) {
			*to++ = '?';
			s++;
		}
	}
	*to = '\0';
}

size_t
text_cut(const char *s, size_t max)
{
	size_t n = strnlen(s, max + 1);

	if (n <= max)
		return n;
	for (n = max; n > 0 && (s[n] & 0xc0) == 0x80; n--)
		;
	return n;
}

size_t
text_chars(const char *s, size_t n)
{
	size_t i, chars = 0;

	for (i = 0; i < n; i++)
		chars += (s[i] & 0xc0) != 0x80;
	return chars;
}

/* Bytes of white space at the start of s. */
static size_t
space(const char *s, size_t n)
{
	if (n >= 1 && strchr(" \t\r\n\v\f", *s) != NULL && *s != '\0')
		return 1;
	if (n >= 3 && memcmp(s, IDEOGRAPHIC_SPACE, 3) == 0)
		return 3;
	return 0;
}

size_t
text_trim(const char **s, size_t n)
{
	const char *p = *s;
	size_t len;

	while ((len = space(p, n)) > 0) {
		p += len;
		n -= len;
	}
	while (n > 0) {
		if (space(p + n - 1, 1) > 0)
			n -= 1;
		else if (n >= 3 && space(p + n - 3, 3) == 3)
			n -= 3;
		else
			break;
	}
	*s = p;
	return n;
}

/* --- encodings ----------------------------------------------------------- */

/* UTF-16 without its mark shows by the zero halves of what is ASCII in it:
 * separators, digits and line ends, of which every table has some. */
static const char *
utf16_by_zeros(const uint8_t *b, size_t n)
{
	size_t i, even = 0, odd = 0;

	if (n % 2 != 0)
		return NULL;
	if (n > 4096)
		n = 4096;
	for (i = 0; i < n; i += 2) {
		even += b[i] == 0;
		odd += b[i + 1] == 0;
	}
	if (odd > 0 && even == 0)
		return "UTF-16LE";
	if (even > 0 && odd == 0)
		return "UTF-16BE";
	return NULL;
}

static const char *
find_out(const uint8_t *b, size_t n)
{
	const char *found;

	if (n >= 3 && memcmp(b, "\xef\xbb\xbf", 3) == 0)
		return "UTF-8";
	if (n >= 2 && b[0] == 0xff && b[1] == 0xfe)
		return "UTF-16LE";
	if (n >= 2 && b[0] == 0xfe && b[1] == 0xff)
		return "UTF-16BE";
	if (n >= 4 && memcmp(b, "\x84\x31\x95\x33", 4) == 0)
		return "GB18030";
	found = memchr(b, 0, n) == NULL ? NULL : utf16_by_zeros(b, n);
	if (found != NULL)
		return found;
	return text_is_utf8((const char *)b, n) ? "UTF-8" : "GB18030";
}

/* "UTF-16" is big-endian unless its mark says otherwise, here as in RFC 2781;
 * iconv's own would follow the machine. */
static const char *
utf16_by_mark(const uint8_t *b, size_t n)
{
	const char *found = n < 2 ? NULL : utf16_by_zeros(b, n);

	if (n >= 2 && b[0] == 0xff && b[1] == 0xfe)
		return "UTF-16LE";
	if (n >= 2 && b[0] == 0xfe && b[1] == 0xff)
		return "UTF-16BE";
	return found != NULL ? found : "UTF-16BE";
}

static int
convert(struct buf *out, const char *from, const char *in, size_t n,
    struct err *err)
{
	char chunk[8192], *start = (char *)(uintptr_t)in, *p = start, *to;
	iconv_t cd = iconv_open("UTF-8", from);
	size_t room, got;
	int rc = 0;

	if (cd == (iconv_t)-1)
		return err_set(err, YZ_EINVAL, "encoding %s is unknown", from);
	while (rc == 0 && n > 0) {
		to = chunk;
		room = sizeof(chunk);
		got = iconv(cd, &p, &n, &to, &room);
		buf_put(out, chunk, sizeof(chunk) - room);
		if (got == (size_t)-1 && errno != E2BIG)
			rc = err_set(err, YZ_EINVAL, "byte %td is not valid %s",
			    p - start, from);
	}
	iconv_close(cd);
	return rc;
}

static int
copy_utf8(struct buf *out, const char *s, size_t n, struct err *err)
{
	const char *p = s;
	size_t left, len;
	uint32_t c;

	if (!text_is_utf8(s, n)) {
		for (left = n; (len = character(p, left, &c)) > 0; p += len)
			left -= len;
		return err_set(
		    err, YZ_EINVAL, "byte %td is not valid UTF-8", p - s);
	}
	buf_put(out, s, n);
	return 0;
}

int
text_decode(struct buf *out, const char **used, const char *encoding,
    const void *data, size_t n, struct err *err)
{
	size_t start = out->len;
	int rc;

	if (encoding == NULL)
		encoding = find_out(data, n);
	else if (strcasecmp(encoding, "UTF-16") == 0)
		encoding = utf16_by_mark(data, n);
	if (used != NULL)
		*used = encoding;
	if (strcasecmp(encoding, "UTF-8") == 0)
		rc = copy_utf8(out, data, n, err);
	else
		rc = convert(out, encoding, data, n, err);
	if (rc != 0) {
		if (out->len > start) {
			out->len = start;
			out->b[start] = '\0';
		}
		return rc;
	}
	/* The byte order mark is U+FEFF in every one of them. */
	if (out->len - start >= 3 &&
	    memcmp(out->b + start, "\xef\xbb\xbf", 3) == 0) {
		out->len -= 3;
		memmove(out->b + start, out->b + start + 3, out->len - start);
		out->b[out->len] = '\0';
	}
	return 0;
}

/* --- search -------------------------------------------------------------- */

enum sort { SEPARATOR, WORD, CHARACTER }; /* what the index makes of it */

/* The next character, full-width ASCII folded and letters in lower case. */
static enum sort
next(const char *s, size_t n, uint32_t *c, size_t *len)
{
	*len = character(s, n, c);
	if (*len == 0) {
		*len = 1;
		return SEPARATOR;
	}
	if (*c >= 0xff01 && *c <= 0xff5e)
		*c -= 0xff01 - 0x21;
	if (*c >= 'A' && *c <= 'Z')
		*c += 'a' - 'A';
	if ((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9'))
		return WORD;
	/* Other ASCII and Latin-1 signs, general punctuation, CJK punctuation
	 * but the zero 〇, vertical and small forms, full-width signs. */
	if (*c < 0xc0 || (*c >= 0x2000 && *c <= 0x206f) ||
	    (*c >= 0x3000 && *c <= 0x303f && *c != 0x3007) ||
	    (*c >= 0xfe10 && *c <= 0xfe6f) || (*c >= 0xffe0 && *c <= 0xffff))
		return SEPARATOR;
	return CHARACTER;
}

void
text_bigrams(struct buf *out, const char *s, size_t n)
{
	enum sort before = SEPARATOR, sort;
	const char *last = NULL; /* the character before, if one */
	size_t len, last_len = 0;
	uint32_t c;

	for (; n > 0; s += len, n -= len, before = sort) {
		sort = next(s, n, &c, &len);
		if (before == WORD && sort != WORD)
			buf_putc(out, ' ');
		if (before == CHARACTER) {
			buf_put(out, last, last_len);
			if (sort == CHARACTER)
				buf_put(out, s, len);
			buf_putc(out, ' ');
		}
		if (sort == WORD)
			buf_putc(out, (char)c);
		last = s;
		last_len = len;
	}
	if (before == CHARACTER)
		buf_put(out, last, last_len);
	if (before != SEPARATOR)
		buf_putc(out, ' ');
}
