#include "config.h"

#include "base/err.h"
#include "frame.h"
#include "limit.h"

void
frame_put(struct buf *out, unsigned type, const void *payload, size_t n)
{
	const uint8_t *p = payload;

	while (n > LIMIT_FRAME) {
		buf_put_u8(out, type | FRAME_MORE);
		buf_put_u16(out, LIMIT_FRAME);
		buf_put(out, p, LIMIT_FRAME);
		p += LIMIT_FRAME;
		n -= LIMIT_FRAME;
	}
	buf_put_u8(out, type);
	buf_put_u16(out, (unsigned)n);
	if (n > 0)
		buf_put(out, p, n);
}

void
frame_reader_free(struct frame_reader *r)
{
	buf_free(&r->in);
	buf_free(&r->joined);
}

void
frame_feed(struct frame_reader *r, const void *data, size_t n)
{
	buf_drop(&r->in, r->at);
	r->at = 0;
	buf_put(&r->in, data, n);
}

/* A frame of a long message: 1 if it was the last. */
static int
join(struct frame_reader *r, unsigned type, bool more, const uint8_t *payload,
    size_t n, struct err *err)
{
	if (r->type == 0)
		buf_clear(&r->joined);
	if (type > 31 || !(r->longs >> type & 1))
		return err_set(
		    err, YZ_EPEER, "message %u may not be long", type);
	if (n > LIMIT_MESSAGE - r->joined.len)
		return err_set(err, YZ_EPEER, "message %u of over %u bytes",
		    type, LIMIT_MESSAGE);
	if (more && n == 0)
		return err_set(err, YZ_EPEER, "an empty frame goes on");
	r->type = type;
	buf_put(&r->joined, payload, n);
	if (more)
		return 0;
	r->type = 0;
	return 1;
}

int
frame_next(struct frame_reader *r, struct frame *out, struct err *err)
{
	for (;;) {
		const uint8_t *p = r->in.b + r->at;
		size_t left = r->in.len - r->at, n;
		unsigned type;
		bool more;
		int rc;

		if (left < FRAME_HEADER)
			return 0;
		type = p[0] & ~FRAME_MORE;
		more = (p[0] & FRAME_MORE) != 0;
		n = (size_t)p[1] << 8 | p[2];
		if (n > LIMIT_FRAME)
			return err_set(err, YZ_EPEER,
			    "a frame of %zu bytes is over %u", n, LIMIT_FRAME);
		if (r->type != 0 && type != r->type)
			return err_set(err, YZ_EPEER,
			    "message %u begins inside message %u", type,
			    r->type);
		if (left < FRAME_HEADER + n)
			return 0;
		r->at += FRAME_HEADER + n;
		out->type = type;
		out->payload = p + FRAME_HEADER;
		out->n = n;
		if (!more && r->type == 0)
			return 1;
		rc = join(r, type, more, p + FRAME_HEADER, n, err);
		if (rc < 0)
			return rc;
		if (rc == 1) {
			out->payload = r->joined.b;
			out->n = r->joined.len;
			return 1;
		}
	}
}
