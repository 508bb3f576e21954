/*
 * Frames: how messages are cut out of a stream of bytes (PROTOCOL.md,
 * section 1).
 *
 *	type u8, length u16 big-endian, payload
 *
 * A long message goes over several frames; all but its last have FRAME_MORE
 * set in the type.
 */
#ifndef SYNC_FRAME_H
#define SYNC_FRAME_H

#include <stdint.h>

#include "base/buf.h"

struct err;

#define FRAME_HEADER 3
#define FRAME_MORE 0x80u

/* Append a message of n bytes as one frame, or as several if it is longer
 * than LIMIT_FRAME. */
void frame_put(struct buf *out, unsigned type, const void *payload, size_t n);

struct frame_reader {
	struct buf in;     /* bytes not yet read as frames begin at */
	size_t at;         /* this place in in */
	struct buf joined; /* what came of a long message */
	unsigned type;     /* its type, 0 between messages */
	uint32_t longs;    /* bit t: messages of type t may be long */
};

#define FRAME_READER_INIT(long_types) \
	{ \
		.longs = (long_types) \
	}

void frame_reader_free(struct frame_reader *r);
void frame_feed(struct frame_reader *r, const void *data, size_t n);

struct frame {
	unsigned type;
	const uint8_t *payload; /* borrowed until the next call */
	size_t n;
};

/* 1: a whole message; 0: more bytes are needed; YZ_EPEER: these bytes are
 * no frames (a length over a limit, frames of two messages mixed). */
int frame_next(struct frame_reader *r, struct frame *out, struct err *err);

#endif
