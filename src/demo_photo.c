/* A picture made by arithmetic: what a PNG file is made of is in its
 * specification, RFC 2083; zlib's format, in stored blocks, in RFC 1950. */
#include "config.h"

#include "demo.h"

#define WIDTH 200
#define HEIGHT 150
#define BLOCK 60000 /* of stored bytes; at most 65535 */

static uint32_t
crc32_of(const uint8_t *p, size_t n)
{
	uint32_t crc = 0xffffffff;
	int bit;

	for (; n > 0; n--, p++) {
		crc ^= *p;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static uint32_t
adler32_of(const uint8_t *p, size_t n)
{
	uint32_t a = 1, b = 0;

	for (; n > 0; n--, p++) {
		a = (a + *p) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

static void
put_chunk(struct buf *png, const char *type, const struct buf *data)
{
	size_t start;

	buf_put_u32(png, (uint32_t)data->len);
	start = png->len;
	buf_puts(png, type);
	buf_put(png, data->b, data->len);
	buf_put_u32(png, crc32_of(png->b + start, png->len - start));
}

/* Sky, a green mountain, and earth that came down its middle. */
static void
put_pixel(struct buf *rows, int x, int y)
{
	int slope = 40 + (x > 90 ? x - 90 : 90 - x) / 2;
	int slide = x - 100 - (y - 60) / 4;
	int grain = (x * 7919 + y * 104729) % 23;

	if (y < slope) {
		buf_put_u8(rows, (unsigned)(150 + y));
		buf_put_u8(rows, (unsigned)(190 + y / 2));
		buf_put_u8(rows, 225);
	} else if (slide * slide < (y - slope) * 12) {
		buf_put_u8(rows, (unsigned)(140 + grain));
		buf_put_u8(rows, (unsigned)(100 + grain));
		buf_put_u8(rows, (unsigned)(60 + grain));
	} else {
		buf_put_u8(rows, (unsigned)(50 + grain));
		buf_put_u8(rows, (unsigned)(110 + grain));
		buf_put_u8(rows, (unsigned)(60 + grain));
	}
}

static void
put_stored(struct buf *out, const struct buf *rows)
{
	size_t at, n;

	buf_put_u16(out, 0x7801);
	for (at = 0; at < rows->len; at += n) {
		n = rows->len - at < BLOCK ? rows->len - at : BLOCK;
		buf_put_u8(out, at + n == rows->len); /* the last one? */
		buf_put_u8(out, n & 0xff);
		buf_put_u8(out, n >> 8 & 0xff);
		buf_put_u8(out, ~n & 0xff);
		buf_put_u8(out, ~n >> 8 & 0xff);
		buf_put(out, rows->b + at, n);
	}
	buf_put_u32(out, adler32_of(rows->b, rows->len));
}

void
demo_photo(struct buf *png)
{
	static const uint8_t signature[] = {
	    0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
	struct buf rows = BUF_INIT, data = BUF_INIT;
	int x, y;

	for (y = 0; y < HEIGHT; y++) {
		buf_put_u8(&rows, 0);
		for (x = 0; x < WIDTH; x++)
			put_pixel(&rows, x, y);
	}
	buf_put(png, signature, sizeof(signature));
	buf_put_u32(&data, WIDTH);
	buf_put_u32(&data, HEIGHT);
	buf_put(&data, "\x08\x02\0\0", 5); /* 8 bits, RGB, plain */
	put_chunk(png, "IHDR", &data);
	buf_clear(&data);
	put_stored(&data, &rows);
	put_chunk(png, "IDAT", &data);
	buf_clear(&data);
	put_chunk(png, "IEND", &data);
	buf_free(&rows);
	buf_free(&data);
}
