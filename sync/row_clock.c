#include "config.h"

#include <string.h>

#include "replica_impl.h"
#include "row_clock.h"

static void
put_place(struct buf *out, struct row_place p)
{
	buf_put_varint(out, (uint64_t)p.chain);
	buf_put_varint(out, (uint64_t)p.seq);
}

static struct row_place
get_place(struct buf_reader *in)
{
	struct row_place p;

	p.chain = (int64_t)buf_get_varint(in);
	p.seq = (int64_t)buf_get_varint(in);
	return p;
}

void
row_clock_write(struct buf *out, const struct row_clock *clock)
{
	size_t i, streams = 0;

	put_place(out, clock->created);
	buf_put_zigzag(out, clock->created_time);
	for (i = 0; i < STREAM_COUNT; i++)
		streams += clock->by_stream[i].chain != 0;
	buf_put_varint(out, streams);
	for (i = 0; i < STREAM_COUNT; i++) {
		if (clock->by_stream[i].chain == 0)
			continue;
		buf_put_varint(out, i);
		put_place(out, clock->by_stream[i]);
	}
	for (i = 0; i < clock->n_except; i++) {
		buf_put_varint(out, clock->except[i].reg);
		put_place(out, clock->except[i].place);
	}
}

int
row_clock_read(
    struct row_clock *out, const void *data, size_t n, struct err *err)
{
	struct buf_reader in;
	uint64_t streams, s;

	memset(out, 0, offsetof(struct row_clock, except));
	out->n_except = 0;
	buf_reader_init(&in, data, n);
	out->created = get_place(&in);
	out->created_time = buf_get_zigzag(&in);
	for (streams = buf_get_varint(&in); streams > 0 && !in.bad; streams--) {
		s = buf_get_varint(&in);
		if (s >= STREAM_COUNT)
			goto bad;
		out->by_stream[s] = get_place(&in);
	}
	while (!in.bad && buf_reader_left(&in) > 0) {
		if (out->n_except == ROW_EXCEPTIONS_MAX)
			goto bad;
		out->except[out->n_except].reg = (unsigned)buf_get_varint(&in);
		out->except[out->n_except++].place = get_place(&in);
	}
	if (!in.bad)
		return 0;
bad:
	return err_set(err, YZ_ECORRUPT,
	    "a record's clock is damaged: run yizhan rebuild");
}

struct row_place
row_clock_get(
    const struct row_clock *clock, const struct reg *reg, bool *several)
{
	size_t i;

	for (i = 0; i < clock->n_except; i++) {
		if (clock->except[i].reg == reg->no) {
			*several = clock->except[i].place.chain == 0;
			return clock->except[i].place;
		}
	}
	*several = false;
	return clock->by_stream[reg->stream];
}

void
row_clock_set(
    struct row_clock *clock, const struct reg *reg, struct row_place place)
{
	size_t i;

	for (i = 0; i < clock->n_except; i++)
		if (clock->except[i].reg == reg->no)
			break;
	if (i == ROW_EXCEPTIONS_MAX)
		return; /* a kind has fewer registers: FIELDS_MAX */
	if (i == clock->n_except)
		clock->n_except++;
	clock->except[i].reg = reg->no;
	clock->except[i].place = place;
}

int
row_clock_load(struct replica *r, struct row_clock *out,
    const struct kind *kind, int64_t rec, struct err *err)
{
	struct db_stmt *st;
	const void *p;
	size_t n;
	int rc;

	rc = db_query(&st, r->db, err, kind->sql.clock, "i", rec);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		p = db_blob(st, 0, &n);
		if (row_clock_read(out, p, n, err) != 0)
			rc = YZ_ECORRUPT;
	}
	db_done(st);
	return rc;
}
