#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "pack.h"

#define SHA_LEN 20 /* at the end of both files */
#define LEVEL 1    /* objects are small: more effort saves next to nothing */

struct entry {
	uint8_t oid[20];
	uint32_t crc; /* of its bytes in the pack */
	uint32_t at;  /* where they begin */
};

struct pack {
	struct buf body;
	struct entry *v;
	size_t n, cap;
	z_stream z;
};

static const char *const types[] = {NULL, "commit", "tree", "blob"};
#define TYPES (sizeof(types) / sizeof(types[0]))

/* zlib refuses only when there is no memory, and then nothing goes on. */
static void
must(bool good)
{
	if (!good) {
		fputs("yizhan: zlib failed\n", stderr);
		abort();
	}
}

struct pack *
pack_new(void)
{
	struct pack *pack = mem_calloc(1, sizeof(*pack));

	must(deflateInit(&pack->z, LEVEL) == Z_OK);
	buf_puts(&pack->body, "PACK");
	buf_put_u32(&pack->body, 2);
	buf_put_u32(&pack->body, 0);
	return pack;
}

void
pack_free(struct pack *pack)
{
	if (pack == NULL)
		return;
	deflateEnd(&pack->z);
	buf_free(&pack->body);
	free(pack->v);
	free(pack);
}

size_t
pack_size(const struct pack *pack)
{
	return pack->body.len;
}

size_t
pack_count(const struct pack *pack)
{
	return pack->n;
}

uint32_t
pack_crc(const void *raw, size_t n)
{
	return (uint32_t)crc32(0, raw, (uInt)n);
}

/* An object has been written from at to the end of the body. */
static void
note(struct pack *pack, const uint8_t oid[20], size_t at)
{
	struct entry *e;

	if (pack->n == pack->cap) {
		pack->cap = pack->cap == 0 ? 256 : pack->cap * 2;
		pack->v = mem_realloc(pack->v, pack->cap * sizeof(*pack->v));
	}
	e = &pack->v[pack->n++];
	memset(e, 0, sizeof(*e));
	memcpy(e->oid, oid, sizeof(e->oid));
	e->at = (uint32_t)at;
	e->crc = pack_crc(pack->body.b + at, pack->body.len - at);
}

static void
put_deflated(struct pack *pack, const void *data, size_t n)
{
	uint8_t chunk[16384];
	int rc;

	must(deflateReset(&pack->z) == Z_OK);
	pack->z.next_in = (z_const Bytef *)data;
	pack->z.avail_in = (uInt)n;
	do {
		pack->z.next_out = chunk;
		pack->z.avail_out = sizeof(chunk);
		rc = deflate(&pack->z, Z_FINISH);
		must(rc == Z_OK || rc == Z_STREAM_END);
		buf_put(&pack->body, chunk, sizeof(chunk) - pack->z.avail_out);
	} while (rc != Z_STREAM_END);
}

void
pack_add(struct pack *pack, const char *type, const uint8_t oid[20],
    const void *data, size_t n)
{
	size_t at = pack->body.len, left = n >> 4;
	unsigned code, byte;

	for (code = 1; code < TYPES - 1; code++)
		if (strcmp(types[code], type) == 0)
			break;
	byte = code << 4 | (unsigned)(n & 0x0f);
	while (left > 0) {
		buf_put_u8(&pack->body, byte | 0x80);
		byte = left & 0x7f;
		left >>= 7;
	}
	buf_put_u8(&pack->body, byte);
	put_deflated(pack, data, n);
	note(pack, oid, at);
}

void
pack_copy(struct pack *pack, const uint8_t oid[20], const void *raw, size_t n)
{
	size_t at = pack->body.len;

	buf_put(&pack->body, raw, n);
	note(pack, oid, at);
}

static int
by_oid(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return memcmp(x->oid, y->oid, sizeof(x->oid));
}

static void
put_sha(struct buf *out)
{
	uint8_t sha[SHA_LEN];

	digest_sha1(sha, out->b, out->len);
	buf_put(out, sha, sizeof(sha));
}

/* Version 2: a fan-out by first byte, then ids, CRCs and offsets. */
static void
put_index(struct buf *out, struct pack *pack, const uint8_t sha[SHA_LEN])
{
	size_t i, byte;

	qsort(pack->v, pack->n, sizeof(*pack->v), by_oid);
	buf_put(out, "\377tOc", 4);
	buf_put_u32(out, 2);
	for (byte = 0, i = 0; byte < 256; byte++) {
		while (i < pack->n && pack->v[i].oid[0] <= byte)
			i++;
		buf_put_u32(out, (uint32_t)i);
	}
	for (i = 0; i < pack->n; i++)
		buf_put(out, pack->v[i].oid, sizeof(pack->v[i].oid));
	for (i = 0; i < pack->n; i++)
		buf_put_u32(out, pack->v[i].crc);
	for (i = 0; i < pack->n; i++)
		buf_put_u32(out, pack->v[i].at);
	buf_put(out, sha, SHA_LEN);
	put_sha(out);
}

static void
put_be32(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

int
pack_store(char name[PACK_NAME_LEN + 1], struct pack *pack, const char *folder,
    struct err *err)
{
	struct buf index = BUF_INIT;
	const uint8_t *sha;
	char *path;
	int rc;

	put_be32(pack->body.b + 8, pack->n);
	put_sha(&pack->body);
	sha = pack->body.b + pack->body.len - SHA_LEN;
	put_index(&index, pack, sha);
	memcpy(name, "pack-", 5);
	digest_hex(name + 5, sha, SHA_LEN);

	/* The index first: alone it is nothing to any reader, and swept. */
	path = mem_printf("%s/%s.idx", folder, name);
	rc = file_write(path, index.b, index.len, 0444, err);
	free(path);
	if (rc == 0) {
		path = mem_printf("%s/%s.pack", folder, name);
		rc = file_write(path, pack->body.b, pack->body.len, 0444, err);
		free(path);
	}
	buf_free(&index);
	return rc;
}

/* --- loose objects ------------------------------------------------------- */

static int
inflate_some(
    struct buf *out, const uint8_t *in, size_t n, size_t max, size_t *used)
{
	uint8_t chunk[16384];
	z_stream z;
	int rc = Z_OK;

	memset(&z, 0, sizeof(z));
	must(inflateInit(&z) == Z_OK);
	z.next_in = (z_const Bytef *)in;
	z.avail_in = (uInt)n;
	while (rc == Z_OK && out->len <= max) {
		z.next_out = chunk;
		z.avail_out = sizeof(chunk);
		rc = inflate(&z, Z_NO_FLUSH);
		if (rc == Z_OK || rc == Z_STREAM_END)
			buf_put(out, chunk, sizeof(chunk) - z.avail_out);
	}
	*used = n - z.avail_in;
	inflateEnd(&z);
	return rc == Z_STREAM_END && out->len <= max ? 0 : -1;
}

static int
inflate_all(struct buf *out, const struct buf *in, size_t max)
{
	size_t used;

	return inflate_some(out, in->b, in->len, max, &used) == 0 &&
		       used == in->len
		   ? 0
		   : -1;
}

bool
pack_loose_holds(const struct buf *file, const uint8_t oid[20])
{
	struct buf text = BUF_INIT;
	uint8_t sha[SHA_LEN];
	bool holds = inflate_all(&text, file, PACK_LOOSE_MAX) == 0;

	if (holds) {
		digest_sha1(sha, text.b, text.len);
		holds = memcmp(sha, oid, sizeof(sha)) == 0;
	}
	buf_free(&text);
	return holds;
}

bool
pack_object(uint8_t oid[20], size_t *used, const void *raw, size_t n)
{
	const uint8_t *p = raw;
	struct buf data = BUF_INIT;
	size_t at = 0, size, shift = 4, took;
	unsigned type;
	bool good;

	if (n == 0)
		return false;
	type = p[0] >> 4 & 7;
	size = p[0] & 0x0f;
	while ((p[at++] & 0x80) != 0) {
		if (at == n || shift > 28)
			return false;
		size |= (size_t)(p[at] & 0x7f) << shift;
		shift += 7;
	}
	if (type < 1 || type >= TYPES || size > PACK_LOOSE_MAX)
		return false;
	good = inflate_some(&data, p + at, n - at, size, &took) == 0 &&
	       data.len == size;
	if (good) {
		digest_git(oid, types[type], data.b, data.len);
		*used = at + took;
	}
	buf_free(&data);
	return good;
}

int
pack_add_loose(
    struct pack *pack, const char *path, const uint8_t oid[20], struct err *err)
{
	struct buf file = BUF_INIT, text = BUF_INIT;
	uint8_t sha[20], *body;
	size_t i, n;
	int rc;

	rc = file_read(&file, path, PACK_LOOSE_MAX, err);
	if (rc != 0)
		goto out;
	rc = err_set(err, YZ_ECORRUPT, "%s is damaged", path);
	if (inflate_all(&text, &file, PACK_LOOSE_MAX) != 0)
		goto out;
	digest_sha1(sha, text.b, text.len);
	body = text.len == 0 ? NULL : memchr(text.b, '\0', text.len);
	if (memcmp(sha, oid, sizeof(sha)) != 0 || body == NULL)
		goto out;
	body++;
	for (i = 1; i < TYPES; i++) {
		n = strlen(types[i]);
		if (strncmp((char *)text.b, types[i], n) != 0 ||
		    text.b[n] != ' ')
			continue;
		pack_add(pack, types[i], oid, body,
		    text.len - (size_t)(body - text.b));
		rc = 0;
	}
out:
	buf_free(&file);
	buf_free(&text);
	return rc;
}
