#include "config.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define BUF_FIRST 64 /* bytes of the first allocation */

/* Make room for n more bytes and a NUL, and return where they go. */
static uint8_t *
grow(struct buf *buf, size_t n)
{
	size_t need = buf->len + n + 1;
	size_t cap = buf->cap;

	assert(need > buf->len);
	if (need > cap) {
		if (cap == 0)
			cap = BUF_FIRST;
		while (cap < need)
			cap = cap > SIZE_MAX / 2 ? need : cap * 2;
		buf->b = mem_realloc(buf->b, cap);
		buf->cap = cap;
	}
	return buf->b + buf->len;
}

static inline void
grown(struct buf *buf, size_t n)
{
	buf->len += n;
	buf->b[buf->len] = '\0';
}

void
buf_free(struct buf *buf)
{
	free(buf->b);
	*buf = (struct buf)BUF_INIT;
}

void
buf_clear(struct buf *buf)
{
	buf->len = 0;
	if (buf->b != NULL)
		buf->b[0] = '\0';
}

void
buf_reserve(struct buf *buf, size_t n)
{
	*grow(buf, n) = '\0';
}

void
buf_printf(struct buf *buf, const char *fmt, ...)
{
	char small[256];
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	assert(n >= 0);
	if ((size_t)n < sizeof(small)) {
		buf_put(buf, small, (size_t)n);
	} else {
		vsnprintf(
		    (char *)grow(buf, (size_t)n), (size_t)n + 1, fmt, again);
		grown(buf, (size_t)n);
	}
	va_end(again);
}

void
buf_drop(struct buf *buf, size_t n)
{
	assert(n <= buf->len);
	if (n == 0)
		return;
	memmove(buf->b, buf->b + n, buf->len - n);
	buf->len -= n;
	buf->b[buf->len] = '\0';
}

char *
buf_str(struct buf *buf)
{
	grow(buf, 0);
	grown(buf, 0);
	return (char *)buf->b;
}

char *
buf_take(struct buf *buf)
{
	char *s = buf_str(buf);

	*buf = (struct buf)BUF_INIT;
	return s;
}

void
buf_put_u8(struct buf *buf, unsigned v)
{
	assert(v <= UINT8_MAX);
	buf_putc(buf, (char)v);
}

void
buf_put_u16(struct buf *buf, unsigned v)
{
	uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	assert(v <= UINT16_MAX);
	buf_put(buf, b, sizeof(b));
}

void
buf_put_u32(struct buf *buf, uint32_t v)
{
	uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16),
	    (uint8_t)(v >> 8), (uint8_t)v};

	buf_put(buf, b, sizeof(b));
}

void
buf_put_varint(struct buf *buf, uint64_t v)
{
	uint8_t b[10];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		b[n++] = (uint8_t)(v | 0x80);
	b[n++] = (uint8_t)v;
	buf_put(buf, b, n);
}

void
buf_put_zigzag(struct buf *buf, int64_t v)
{
	uint64_t sign = v < 0 ? UINT64_MAX : 0;

	buf_put_varint(buf, ((uint64_t)v << 1) ^ sign);
}

void
buf_put_string(struct buf *buf, const void *data, size_t n)
{
	buf_put_varint(buf, n);
	buf_put(buf, data, n);
}

void
buf_reader_init(struct buf_reader *r, const void *data, size_t n)
{
	static const uint8_t none[1];

	r->p = n == 0 ? none : data;
	r->end = r->p + n;
	r->bad = false;
}

size_t
buf_reader_left(const struct buf_reader *r)
{
	return r->bad ? 0 : (size_t)(r->end - r->p);
}

const uint8_t *
buf_get_bytes(struct buf_reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || n > (size_t)(r->end - r->p)) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	return p;
}

unsigned
buf_get_u8(struct buf_reader *r)
{
	const uint8_t *p = buf_get_bytes(r, 1);

	return p == NULL ? 0 : p[0];
}

unsigned
buf_get_u16(struct buf_reader *r)
{
	const uint8_t *p = buf_get_bytes(r, 2);

	return p == NULL ? 0 : (unsigned)p[0] << 8 | p[1];
}

uint32_t
buf_get_u32(struct buf_reader *r)
{
	const uint8_t *p = buf_get_bytes(r, 4);

	return p == NULL ? 0
			 : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
			       (uint32_t)p[2] << 8 | p[3];
}

uint64_t
buf_get_varint(struct buf_reader *r)
{
	const uint8_t *p = r->p;
	uint64_t v = 0;
	unsigned shift;

	if (r->bad)
		return 0;
	for (shift = 0; shift < 64 && p < r->end; shift += 7) {
		uint8_t b = *p++;

		/* The tenth byte has room for one bit only. */
		if (shift == 63 && b > 1)
			break;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) {
			/* A zero last byte adds nothing: a longer form. */
			if (b == 0 && shift > 0)
				break;
			r->p = p;
			return v;
		}
	}
	r->bad = true;
	return 0;
}

int64_t
buf_get_zigzag(struct buf_reader *r)
{
	uint64_t v = buf_get_varint(r);

	return (int64_t)((v >> 1) ^ (~(v & 1) + 1));
}

const uint8_t *
buf_get_string(struct buf_reader *r, size_t max, size_t *len)
{
	uint64_t n = buf_get_varint(r);
	const uint8_t *p = NULL;

	if (n > max)
		r->bad = true;
	else
		p = buf_get_bytes(r, (size_t)n);
	*len = p == NULL ? 0 : (size_t)n;
	return p;
}
