/*
 * Goal of this test: integers have the literal bytes FORMAT.md and
 * PROTOCOL.md give them, and no input makes the reader pass its end or
 * accept two forms of one value.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/digest.h"
#include "tap.h"

static const char *
hex(const struct buf *buf)
{
	static char out[256];

	digest_hex(out, buf->b, buf->len);
	return out;
}

static void
integers_have_fixed_bytes(void)
{
	struct buf buf = BUF_INIT;

	buf_put_u8(&buf, 0xfe);
	buf_put_u16(&buf, 0x0102);
	buf_put_u32(&buf, 0xdeadbeef);
	buf_put_varint(&buf, 0);
	buf_put_varint(&buf, 127);
	buf_put_varint(&buf, 300);
	buf_put_varint(&buf, UINT64_MAX);
	buf_put_zigzag(&buf, 0);
	buf_put_zigzag(&buf, -1);
	buf_put_zigzag(&buf, 1);
	buf_put_zigzag(&buf, INT64_MIN);
	buf_put_string(&buf, "ab", 2);
	is_str(hex(&buf),
	    "fe"
	    "0102"
	    "deadbeef"
	    "00"
	    "7f"
	    "ac02"
	    "ffffffffffffffffff01"
	    "00"
	    "01"
	    "02"
	    "ffffffffffffffffff01"
	    "026162",
	    "integers and strings have the bytes that the formats name");
	buf_free(&buf);
}

static void
what_is_written_reads_back(void)
{
	static const int64_t values[] = {0, 1, -1, 63, 64, -64, -65, 127, 128,
	    16383, 16384, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
	struct buf buf = BUF_INIT;
	struct buf_reader r;
	size_t i, len, wrong = 0;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		buf_put_zigzag(&buf, values[i]);
		buf_put_varint(&buf, (uint64_t)values[i]);
		buf_put_string(&buf, &values[i], sizeof(values[i]));
	}
	buf_reader_init(&r, buf.b, buf.len);
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		wrong += buf_get_zigzag(&r) != values[i];
		wrong += buf_get_varint(&r) != (uint64_t)values[i];
		wrong +=
		    memcmp(buf_get_string(&r, 8, &len), &values[i], 8) != 0;
		wrong += len != 8;
	}
	is_int(wrong, 0, "every edge of the integers reads back");
	ok(!r.bad && buf_reader_left(&r) == 0, "and nothing is left");
	buf_free(&buf);
}

static bool
refuses_varint(const char *bytes, size_t n)
{
	struct buf_reader r;

	buf_reader_init(&r, bytes, n);
	return buf_get_varint(&r) == 0 && r.bad && buf_get_u8(&r) == 0 &&
	       buf_get_bytes(&r, 0) == NULL && buf_reader_left(&r) == 0;
}

static void
malformed_is_bad_for_good(void)
{
	struct buf_reader r;
	size_t len;

	ok(refuses_varint("", 0), "no bytes are no varint");
	ok(refuses_varint("\x80", 1), "a varint cut short is bad");
	ok(refuses_varint("\x80\x00", 2), "an overlong zero is bad");
	ok(refuses_varint("\xff\x00", 2), "an overlong 127 is bad");
	ok(refuses_varint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10),
	    "a varint of 65 bits is bad");
	ok(refuses_varint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11),
	    "a varint of eleven bytes is bad");

	buf_reader_init(&r,
	    "\x05"
	    "abcd",
	    5);
	ok(buf_get_string(&r, 10, &len) == NULL && r.bad && len == 0,
	    "a string longer than the input is bad");
	buf_reader_init(&r,
	    "\x04"
	    "abcd",
	    5);
	ok(buf_get_string(&r, 3, &len) == NULL && r.bad,
	    "a string over the caller's bound is bad");
	buf_reader_init(&r,
	    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
	    "a",
	    11);
	ok(buf_get_string(&r, SIZE_MAX, &len) == NULL && r.bad,
	    "a length of 2^64 - 1 is bad, not a wrap");
	buf_reader_init(&r, "abc", 3);
	ok(buf_get_u32(&r) == 0 && r.bad && buf_get_u16(&r) == 0,
	    "half an integer is bad, and what follows too");
}

static void
text_is_terminated(void)
{
	struct buf buf = BUF_INIT;
	char *s;
	int i;

	is_str(buf_str(&buf), "", "an empty buffer is the empty text");
	for (i = 0; i < 100; i++)
		buf_printf(&buf, "%d,", i);
	buf_drop(&buf, 5);
	is_int(buf.len, 285, "a hundred numbers less five bytes");
	ok(strncmp(buf_str(&buf), ",3,4,5,", 7) == 0, "the front is gone");
	buf_clear(&buf);
	buf_printf(&buf, "%300d", 7);
	is_int(
	    strlen(buf_str(&buf)), 300, "printf of more than fits the stack");
	s = buf_take(&buf);
	ok(buf.b == NULL && buf.len == 0 && s[299] == '7',
	    "taking leaves the buffer empty");
	free(s);
}

int
main(void)
{
	integers_have_fixed_bytes();
	what_is_written_reads_back();
	malformed_is_bad_for_good();
	text_is_terminated();
	return tap_done();
}
