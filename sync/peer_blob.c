/* Attachments: last of all, by offset (PROTOCOL.md, "Blobs"). */
#include "config.h"

#include <string.h>

#include "peer_state.h"

#define ASK_AT_ONCE 4096 /* missing blobs looked at */

static bool
was_tried(const struct peer *p, const char *hex)
{
	size_t at;

	for (at = 0; at < p->tried.len; at += DIGEST_HEX_LEN) {
		if (memcmp(p->tried.b + at, hex, DIGEST_HEX_LEN) == 0)
			return true;
	}
	return false;
}

static bool
put_hash(struct buf *out, const char *hex)
{
	struct digest hash;

	if (!digest_unhex(hash.b, sizeof(hash.b), hex, DIGEST_HEX_LEN))
		return false;
	buf_put(out, hash.b, sizeof(hash.b));
	return true;
}

int
peer_blob_ask(struct peer *p, struct err *err)
{
	struct buf missing = BUF_INIT;
	size_t at, room = LIMIT_WANTS;
	int rc;

	p->asked = true;
	if (p->s.blob_room != NULL)
		room = p->s.blob_room(p->s.arg);
	rc = p->s.blob_missing(p->s.arg, &missing, ASK_AT_ONCE, err);
	for (at = 0; rc == 0 && at + DIGEST_HEX_LEN <= missing.len &&
		     p->n_wants < LIMIT_WANTS && p->n_wants < room;
	     at += DIGEST_HEX_LEN) {
		const char *hex = (const char *)missing.b + at;
		struct peer_want *w = &p->wants[p->n_wants];

		if (was_tried(p, hex) || !put_hash(&p->scratch, hex))
			continue;
		memcpy(w->hex, hex, DIGEST_HEX_LEN);
		w->hex[DIGEST_HEX_LEN] = '\0';
		w->offset = p->s.blob_held(p->s.arg, w->hex);
		buf_put_varint(&p->scratch, (uint64_t)w->offset);
		peer_say(p, MSG_WANT);
		p->n_wants++;
	}
	p->coming = LIMIT_WANTS;
	/* Later there may be room for more. */
	p->waits = room < LIMIT_WANTS && missing.len > 0;
	if (p->waits)
		p->tried_time = p->now;
	buf_free(&missing);
	return rc;
}

/* --- giving ------------------------------------------------------------ */

static bool
get_hash(struct buf_reader *in, char hex[DIGEST_HEX_LEN + 1])
{
	const uint8_t *b = buf_get_bytes(in, 32);

	if (b == NULL)
		return false;
	digest_hex(hex, b, 32);
	return true;
}

int
peer_blob_want(struct peer *p, struct buf_reader *in, struct err *err)
{
	struct peer_want *w = &p->queue[p->n_queue];
	uint64_t offset;

	if (p->n_queue == LIMIT_WANTS)
		return err_set(
		    err, YZ_EPEER, "more than %d blobs asked for", LIMIT_WANTS);
	if (!get_hash(in, w->hex))
		return 0; /* in->bad: the caller says so */
	offset = buf_get_varint(in);
	if (offset > LIMIT_BLOB)
		return err_set(
		    err, YZ_EPEER, "a blob's offset is over %u", LIMIT_BLOB);
	w->offset = (int64_t)offset;
	p->n_queue++;
	return 0;
}

static void
next_in_queue(struct peer *p)
{
	p->n_queue--;
	memmove(p->queue, p->queue + 1, p->n_queue * sizeof(*p->queue));
	p->queue_begun = false;
}

static void
say_none(struct peer *p)
{
	put_hash(&p->scratch, p->queue[0].hex);
	peer_say(p, MSG_BLOB_NONE);
	next_in_queue(p);
}

int
peer_blob_say(struct peer *p, struct err *err)
{
	struct peer_want *w = &p->queue[0];
	struct buf bytes = BUF_INIT;
	size_t max = peer_send_room(p);
	int64_t size = 0;
	int rc = YZ_ENOTFOUND;

	if (max > PEER_PIECE)
		max = PEER_PIECE;
	if ((int64_t)max > p->allowed)
		max = (size_t)p->allowed;
	if (p->s.blob_reaches(p->s.arg, w->hex))
		rc = p->s.blob_read(
		    p->s.arg, &bytes, &size, w->hex, w->offset, max, err);
	if (rc == 0 && (w->offset > size || size > LIMIT_BLOB))
		rc = YZ_ENOTFOUND;
	if (rc == YZ_ENOTFOUND || rc == YZ_ECORRUPT) {
		/* Once begun the size is promised; a blob that vanishes
		 * under our hands ends the session. */
		if (p->queue_begun)
			rc = err_set(err, YZ_EIO, "blob %s is gone", w->hex);
		else {
			say_none(p);
			rc = 0;
		}
		goto out;
	}
	if (rc != 0)
		goto out;
	if (!p->queue_begun) {
		put_hash(&p->scratch, w->hex);
		buf_put_varint(&p->scratch, (uint64_t)size);
		buf_put_varint(&p->scratch, (uint64_t)w->offset);
		peer_say(p, MSG_BLOB);
		p->queue_begun = true;
	}
	if (bytes.len > 0) {
		buf_put(&p->scratch, bytes.b, bytes.len);
		peer_say(p, MSG_BLOB_DATA);
		peer_send_said(p, bytes.len);
		w->offset += (int64_t)bytes.len;
	}
	if (w->offset >= size) {
		p->result.blobs_sent++;
		next_in_queue(p);
	}
out:
	buf_free(&bytes);
	return rc;
}

/* --- taking ------------------------------------------------------------ */

static size_t
find_want(const struct peer *p, const char *hex)
{
	size_t i;

	for (i = 0; i < p->n_wants; i++) {
		if (strcmp(p->wants[i].hex, hex) == 0)
			break;
	}
	return i;
}

static void
drop_want(struct peer *p, size_t i, bool failed)
{
	if (failed) {
		buf_put(&p->tried, p->wants[i].hex, DIGEST_HEX_LEN);
		p->tried_time = p->now;
	}
	p->n_wants--;
	memmove(&p->wants[i], &p->wants[i + 1],
	    (p->n_wants - i) * sizeof(*p->wants));
	p->coming = LIMIT_WANTS;
	/* There may be more than were asked for at once. */
	if (p->n_wants == 0)
		p->asked = false;
}

static int
finish(struct peer *p, struct err *err)
{
	size_t i = p->coming;
	int rc = p->s.blob_finish(p->s.arg, p->wants[i].hex, err);

	if (rc == YZ_EIO)
		return rc;
	if (rc == 0)
		p->result.blobs_received++;
	drop_want(p, i, rc != 0);
	return 0;
}

int
peer_blob_begin(struct peer *p, struct buf_reader *in, struct err *err)
{
	char hex[DIGEST_HEX_LEN + 1];
	uint64_t size, offset;
	size_t i;

	if (!get_hash(in, hex))
		return 0;
	size = buf_get_varint(in);
	offset = buf_get_varint(in);
	if (in->bad)
		return 0;
	i = find_want(p, hex);
	if (i == p->n_wants || p->coming < p->n_wants)
		return err_set(err, YZ_EPEER, "a blob nobody asked for");
	if (size > LIMIT_BLOB)
		return err_set(err, YZ_EPEER,
		    "blob %.16s: %llu bytes are over %u", hex,
		    (unsigned long long)size, LIMIT_BLOB);
	if (offset > size || (int64_t)offset != p->wants[i].offset)
		return err_set(err, YZ_EPEER,
		    "blob %.16s: %llu bytes from %llu", hex,
		    (unsigned long long)size, (unsigned long long)offset);
	p->coming = i;
	p->coming_size = (int64_t)size;
	return offset == size ? finish(p, err) : 0;
}

int
peer_blob_data(struct peer *p, struct buf_reader *in, struct err *err)
{
	size_t n = buf_reader_left(in);
	const uint8_t *data = buf_get_bytes(in, n);
	struct peer_want *w;
	int rc;

	if (p->coming >= p->n_wants)
		return err_set(err, YZ_EPEER, "a blob's bytes before its name");
	w = &p->wants[p->coming];
	if (n == 0 || (int64_t)n > p->coming_size - w->offset)
		return err_set(
		    err, YZ_EPEER, "blob %.16s: %zu bytes too many", w->hex, n);
	p->held += (int64_t)n;
	rc = p->s.blob_append(p->s.arg, w->hex, data, n, err);
	if (rc != 0)
		return rc;
	w->offset += (int64_t)n;
	return w->offset == p->coming_size ? finish(p, err) : 0;
}

int
peer_blob_none(struct peer *p, struct buf_reader *in, struct err *err)
{
	char hex[DIGEST_HEX_LEN + 1];
	size_t i;

	if (!get_hash(in, hex))
		return 0;
	i = find_want(p, hex);
	if (i == p->n_wants || i == p->coming)
		return err_set(err, YZ_EPEER, "a blob nobody asked for");
	drop_want(p, i, true);
	return 0;
}
