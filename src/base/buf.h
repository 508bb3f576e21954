/*
 * A growing run of bytes, and a reader that never passes its end.
 *
 * A struct buf starts as BUF_INIT and ends with buf_free().  b is NUL
 * terminated beyond len whenever len > 0 or buf_str() was called, so text
 * may be used as a C string.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	uint8_t *b; /* the bytes, or NULL */
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
};

#define BUF_INIT \
	{ \
		NULL, 0, 0 \
	}

/* Make room for n more bytes at once: what is known to come needs no growing
 * by halves. */
void buf_reserve(struct buf *buf, size_t n);
void buf_free(struct buf *buf);  /* and set to BUF_INIT */
void buf_clear(struct buf *buf); /* length 0, memory kept */
void buf_printf(struct buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_drop(struct buf *buf, size_t n); /* remove the first n bytes */
char *buf_str(struct buf *buf);           /* borrowed, NUL terminated */
char *buf_take(struct buf *buf); /* the caller frees; buf is empty after */

/* A page of a list is made of ten thousand of these: in line where there is
 * room already. */
static inline void
buf_put(struct buf *buf, const void *data, size_t n)
{
	if (n == 0)
		return;
	if (n >= buf->cap - buf->len)
		buf_reserve(buf, n);
	memcpy(buf->b + buf->len, data, n);
	buf->len += n;
	buf->b[buf->len] = '\0';
}

static inline void
buf_putc(struct buf *buf, char c)
{
	buf_put(buf, &c, 1);
}

static inline void
buf_puts(struct buf *buf, const char *s)
{
	buf_put(buf, s, strlen(s));
}

/* Integers: LEB128 (7 bits a byte, low first); signed ones as zigzag. */
void buf_put_u8(struct buf *buf, unsigned v);
void buf_put_u16(struct buf *buf, unsigned v); /* big-endian */
void buf_put_u32(struct buf *buf, uint32_t v); /* big-endian */
void buf_put_varint(struct buf *buf, uint64_t v);
void buf_put_zigzag(struct buf *buf, int64_t v);
/* varint length, then the bytes */
void buf_put_string(struct buf *buf, const void *data, size_t n);

/*
 * Reading: after any read past the end or malformed integer, bad is set,
 * every later read gives 0 or NULL, and nothing is touched.  Check bad once
 * at the end.  An overlong or > 64 bit varint is bad (one form per value).
 */
struct buf_reader {
	const uint8_t *p;   /* next byte */
	const uint8_t *end; /* one past the last */
	bool bad;           /* something was malformed */
};

void buf_reader_init(struct buf_reader *r, const void *data, size_t n);
size_t buf_reader_left(const struct buf_reader *r);
unsigned buf_get_u8(struct buf_reader *r);
unsigned buf_get_u16(struct buf_reader *r);
uint32_t buf_get_u32(struct buf_reader *r);
uint64_t buf_get_varint(struct buf_reader *r);
int64_t buf_get_zigzag(struct buf_reader *r);
/* n bytes, borrowed from the input; NULL when bad */
const uint8_t *buf_get_bytes(struct buf_reader *r, size_t n);
/* varint length <= max, then the bytes, borrowed; NULL when bad */
const uint8_t *buf_get_string(struct buf_reader *r, size_t max, size_t *len);

#endif
