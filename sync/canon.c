#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "canon.h"
#include "limit.h"

#define INT_LIMIT ((1ll << 53) - 1) /* what every JSON reader holds exactly */
#define KEY_SHOWN 64                /* bytes of a key in a message */

struct scan {
	const char *start; /* where bytes are counted from */
	const char *p;     /* next byte */
	const char *end;   /* one past the last */
	struct err *err;
};

static int scan_value(struct scan *in, int depth);

static int
scan_bad(const struct scan *in, const char *what)
{
	return err_set(in->err, YZ_ECORRUPT, "byte %zu: %s",
	    (size_t)(in->p - in->start), what);
}

static int
peek(const struct scan *in)
{
	return in->p < in->end ? (unsigned char)*in->p : -1;
}

/* The length of the UTF-8 character at p, 0 if it is none, or a C1 control. */
static size_t
utf8_len(const char *text, const char *end)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t left = (size_t)(end - text), i, n;
	uint32_t c;

	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		n = 2;
		c = p[0] & 0x1fu;
	} else if ((p[0] & 0xf0) == 0xe0) {
		n = 3;
		c = p[0] & 0x0fu;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		n = 4;
		c = p[0] & 0x07u;
	} else {
		return 0;
	}
	if (left < n)
		return 0;
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < 0xa0 || (n == 3 && c < 0x800) || (n == 4 && c < 0x10000) ||
	    (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return 0;
	return n;
}

static int
scan_text(struct scan *in)
{
	size_t n;

	assert(*in->p == '"');
	in->p++;
	for (;;) {
		unsigned char c;

		if (in->p == in->end)
			return scan_bad(in, N_("text is not closed"));
		c = (unsigned char)*in->p;
		if (c == '"') {
			in->p++;
			return 0;
		}
		if (c == '\\') {
			if (in->end - in->p < 2 ||
			    memchr("nt\"\\", in->p[1], 4) == NULL)
				return scan_bad(in,
				    N_("an escape other than \\n \\t \\\" \\\\"));
			in->p += 2;
		} else if (c < 0x20 || c == 0x7f) {
			return scan_bad(in, N_("a control character"));
		} else if (c < 0x80) {
			in->p++;
		} else {
			n = utf8_len(in->p, in->end);
			if (n == 0)
				return scan_bad(in,
				    N_("not UTF-8, or a control character"));
			in->p += n;
		}
	}
}

static int
scan_int(struct scan *in)
{
	bool negative = *in->p == '-';
	const char *first;
	int64_t v = 0;

	in->p += negative;
	first = in->p;
	while (peek(in) >= '0' && peek(in) <= '9') {
		v = v * 10 + (*in->p - '0');
		if (v > INT_LIMIT)
			return scan_bad(in, N_("an integer over 2^53-1"));
		in->p++;
	}
	if (in->p == first)
		return scan_bad(in, N_("not a value"));
	if (peek(in) == '.' || peek(in) == 'e' || peek(in) == 'E')
		return scan_bad(in, "a float");
	if (*first == '0' && (in->p - first > 1 || negative))
		return scan_bad(in, N_("an integer with a needless zero"));
	return 0;
}

static int
scan_word(struct scan *in, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(in->end - in->p) < n || memcmp(in->p, word, n) != 0)
		return scan_bad(in, N_("not a value"));
	in->p += n;
	return 0;
}

static int
scan_list(struct scan *in, int depth)
{
	int rc;

	in->p++;
	if (peek(in) == ']') {
		in->p++;
		return 0;
	}
	for (;;) {
		rc = scan_value(in, depth);
		if (rc != 0)
			return rc;
		if (peek(in) == ']') {
			in->p++;
			return 0;
		}
		if (peek(in) != ',')
			return scan_bad(in, N_("neither , nor ] in a list"));
		in->p++;
	}
}

/* The next byte of a text between its quotes, escapes undone. */
static unsigned char
text_byte(const char **p)
{
	char c = *(*p)++;

	if (c != '\\')
		return (unsigned char)c;
	c = *(*p)++;
	return c == 'n' ? '\n' : c == 't' ? '\t' : (unsigned char)c;
}

/* Keys are ordered by their bytes with escapes undone, as other programs
 * order them. */
static int
key_order(struct canon a, struct canon b)
{
	const char *p = a.s + 1, *q = b.s + 1;
	const char *p_end = a.s + a.n - 1, *q_end = b.s + b.n - 1;

	while (p < p_end && q < q_end) {
		int x = text_byte(&p), y = text_byte(&q);

		if (x != y)
			return x - y;
	}
	return (p < p_end) - (q < q_end);
}

static int
key_bad(const struct scan *in, struct canon key, bool twice)
{
	size_t n = key.n - 2;

	if (n > KEY_SHOWN) {
		n = KEY_SHOWN;
		while (n > 0 && (key.s[1 + n] & 0xc0) == 0x80)
			n--;
	}
	return err_set(in->err, YZ_ECORRUPT,
	    twice ? "byte %zu: key \"%.*s\" twice"
		  : "byte %zu: keys not sorted at \"%.*s\"",
	    (size_t)(key.s - in->start), (int)n, key.s + 1);
}

static int
scan_object(struct scan *in, int depth)
{
	struct canon before = {NULL, 0}, key;
	int order, rc;

	in->p++;
	if (peek(in) == '}') {
		in->p++;
		return 0;
	}
	for (;;) {
		if (peek(in) != '"')
			return scan_bad(in, N_("a key is missing"));
		key.s = in->p;
		rc = scan_text(in);
		if (rc != 0)
			return rc;
		key.n = (size_t)(in->p - key.s);
		if (before.s != NULL) {
			order = key_order(before, key);
			if (order >= 0)
				return key_bad(in, key, order == 0);
		}
		before = key;
		if (peek(in) != ':')
			return scan_bad(in, N_("no : after a key"));
		in->p++;
		rc = scan_value(in, depth);
		if (rc != 0)
			return rc;
		if (peek(in) == '}') {
			in->p++;
			return 0;
		}
		if (peek(in) != ',')
			return scan_bad(in, N_("neither , nor } in an object"));
		in->p++;
	}
}

/* depth: lists and objects around this value. */
static int
scan_value(struct scan *in, int depth)
{
	int c = peek(in);

	if ((c == '[' || c == '{') && depth == LIMIT_DEPTH)
		return scan_bad(in, N_("nested too deep"));
	switch (c) {
	case '"':
		return scan_text(in);
	case '{':
		return scan_object(in, depth + 1);
	case '[':
		return scan_list(in, depth + 1);
	case 't':
		return scan_word(in, "true");
	case 'f':
		return scan_word(in, "false");
	case 'n':
		return scan_word(in, "null");
	case -1:
		return scan_bad(in, N_("a value is missing"));
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return scan_bad(in, N_("white space between values"));
	default:
		if (c == '-' || (c >= '0' && c <= '9'))
			return scan_int(in);
		return scan_bad(in, N_("not a value"));
	}
}

int
canon_check(size_t *used, const char *s, size_t n, struct err *err)
{
	struct scan in = {s, s, s + n, err};
	int rc;

	rc = scan_value(&in, 0);
	if (rc == 0)
		*used = (size_t)(in.p - s);
	return rc;
}

int
canon_whole(struct canon *out, const char *s, size_t n, struct err *err)
{
	size_t used;
	int rc;

	rc = canon_check(&used, s, n, err);
	if (rc != 0)
		return rc;
	if (used != n)
		return err_set(err, YZ_ECORRUPT,
		    "byte %zu: something follows the value", used);
	out->s = s;
	out->n = n;
	return 0;
}

enum canon_type
canon_type(struct canon v)
{
	switch (*v.s) {
	case '"':
		return CANON_TEXT;
	case '{':
		return CANON_OBJECT;
	case '[':
		return CANON_LIST;
	case 't':
	case 'f':
		return CANON_BOOL;
	case 'n':
		return CANON_NULL;
	default:
		return CANON_INT;
	}
}

bool
canon_bool(struct canon v)
{
	assert(canon_type(v) == CANON_BOOL);
	return *v.s == 't';
}

int64_t
canon_int(struct canon v)
{
	bool negative = *v.s == '-';
	int64_t n = 0;
	size_t i;

	assert(canon_type(v) == CANON_INT);
	for (i = negative; i < v.n; i++)
		n = n * 10 + (v.s[i] - '0');
	return negative ? -n : n;
}

void
canon_text(struct buf *out, struct canon v)
{
	const char *p = v.s + 1, *end = v.s + v.n - 1, *plain;

	assert(canon_type(v) == CANON_TEXT);
	while (p < end) {
		plain = memchr(p, '\\', (size_t)(end - p));
		if (plain == NULL)
			plain = end;
		buf_put(out, p, (size_t)(plain - p));
		p = plain;
		if (p < end)
			buf_putc(out, (char)text_byte(&p));
	}
}

bool
canon_is_text(struct canon v, const char *text)
{
	const char *p = v.s + 1, *end = v.s + v.n - 1;

	if (canon_type(v) != CANON_TEXT)
		return false;
	while (p < end) {
		if (*text == '\0' || text_byte(&p) != (unsigned char)*text)
			return false;
		text++;
	}
	return *text == '\0';
}

/* One form per value: equal values are equal bytes. */
bool
canon_equal(struct canon a, struct canon b)
{
	return a.n == b.n && memcmp(a.s, b.s, a.n) == 0;
}

int
canon_order(struct canon a, struct canon b)
{
	int order = memcmp(a.s, b.s, a.n < b.n ? a.n : b.n);

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* One past the checked text at p, which ends before end. */
static const char *
skip_text(const char *p, const char *end)
{
	const char *quote, *escape;

	for (p++;;) {
		quote = memchr(p, '"', (size_t)(end - p));
		escape = memchr(p, '\\', (size_t)(quote - p));
		if (escape == NULL)
			return quote + 1;
		p = escape + 2;
	}
}

/* One past the checked value at p, which ends before end. */
static const char *
skip_value(const char *p, const char *end)
{
	int depth = 0;

	if (*p == '"')
		return skip_text(p, end);
	do {
		switch (*p) {
		case '"':
			p = skip_text(p, end);
			break;
		case '[':
		case '{':
			depth++;
			p++;
			break;
		case ']':
		case '}':
			depth--;
			p++;
			if (depth == 0)
				return p;
			break;
		case ',':
			if (depth == 0)
				return p;
			p++;
			break;
		default:
			p++;
		}
	} while (p < end);
	return p;
}

/* Step over the bracket or comma; the last bracket ends the walk. */
static bool
walk(struct canon of, size_t *at)
{
	if (*at + 1 >= of.n || (*at == 0 && of.n == 2))
		return false;
	++*at;
	return true;
}

bool
canon_next(struct canon list, size_t *at, struct canon *item)
{
	assert(canon_type(list) == CANON_LIST);
	if (!walk(list, at))
		return false;
	item->s = list.s + *at;
	item->n = (size_t)(skip_value(item->s, list.s + list.n - 1) - item->s);
	*at += item->n;
	return true;
}

bool
canon_next_pair(
    struct canon object, size_t *at, struct canon *key, struct canon *value)
{
	assert(canon_type(object) == CANON_OBJECT);
	if (!walk(object, at))
		return false;
	key->s = object.s + *at;
	key->n = (size_t)(skip_text(key->s, object.s + object.n - 1) - key->s);
	value->s = key->s + key->n + 1;
	value->n =
	    (size_t)(skip_value(value->s, object.s + object.n - 1) - value->s);
	*at += key->n + 1 + value->n;
	return true;
}

bool
canon_member(struct canon object, const char *key, struct canon *value)
{
	struct canon k;
	size_t at = 0;

	while (canon_next_pair(object, &at, &k, value))
		if (canon_is_text(k, key))
			return true;
	return false;
}

bool
canon_member_text(struct buf *out, struct canon object, const char *key)
{
	struct canon member;

	buf_clear(out);
	if (!canon_member(object, key, &member) ||
	    canon_type(member) != CANON_TEXT)
		return false;
	canon_text(out, member);
	buf_str(out);
	return true;
}

/* How many bytes, eight at a time, are certainly none to be escaped. */
static size_t
skip_plain(const char *s, size_t n)
{
	static const uint64_t ones = 0x0101010101010101u;
	uint64_t word, quote, slash, hit;
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&word, s + i, 8);
		quote = word ^ (ones * '"'); /* a zero byte: found */
		slash = word ^ (ones * '\\');
		hit = ((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
		      ((word - ones * ' ') & ~word); /* a control character */
		if ((hit & ones << 7) != 0)
			break;
	}
	return i;
}

void
canon_put_text(struct buf *out, const char *s, size_t n)
{
	size_t i, plain = 0;

	buf_putc(out, '"');
	for (i = skip_plain(s, n); i < n; i++) {
		char c = s[i];

		if (c != '"' && c != '\\' && c != '\n' && c != '\t')
			continue;
		buf_put(out, s + plain, i - plain);
		buf_putc(out, '\\');
		buf_putc(out, c == '\n' ? 'n' : c == '\t' ? 't' : c);
		plain = i + 1;
	}
	buf_put(out, s + plain, n - plain);
	buf_putc(out, '"');
}

void
canon_put_int(struct buf *out, int64_t v)
{
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + u % 10);
		u /= 10;
	} while (u != 0);
	if (v < 0)
		digits[--at] = '-';
	buf_put(out, digits + at, sizeof(digits) - at);
}
