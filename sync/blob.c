#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "home.h"
#include "limit.h"
#include "replica_impl.h"
#include "reserve.h"
#include "roster.h"

static bool
is_hash(const char *hex)
{
	return strlen(hex) == DIGEST_HEX_LEN &&
	       strspn(hex, "0123456789abcdef") == DIGEST_HEX_LEN;
}

/* HOME/blobs/xx/HASH; malloced. */
static char *
blob_path(const struct replica *r, const char *hex)
{
	return mem_printf("%s/blobs/%.2s/%s", r->home->path, hex, hex);
}

int
blob_put(struct replica *r, char hex[DIGEST_HEX_LEN + 1], const void *data,
    size_t n, struct err *err)
{
	char *path, *folder;
	struct digest hash;
	int rc;

	if (n > LIMIT_BLOB)
		return err_set(err, YZ_EINVAL,
		    "attachment of %zu bytes is over %u", n, LIMIT_BLOB);
	rc = reserve_check(r->home->path, err);
	if (rc != 0)
		return rc;
	digest_sha256(&hash, data, n);
	digest_hex(hex, hash.b, sizeof(hash.b));
	folder = mem_printf("%s/blobs/%.2s", r->home->path, hex);
	path = blob_path(r, hex);
	rc = file_mkdir(folder, 0700, err);
	if (rc == 0 && !file_exists(path))
		rc = file_write(path, data, n, 0600, err);
	free(folder);
	free(path);
	return rc;
}

int
blob_get(struct replica *r, struct buf *out, const char *hex, struct err *err)
{
	struct digest hash;
	char *path, now[DIGEST_HEX_LEN + 1];
	size_t before = out->len;
	int rc;

	if (!is_hash(hex))
		return err_set(
		    err, YZ_EINVAL, "an attachment is named by 64 hex digits");
	path = blob_path(r, hex);
	rc = file_read(out, path, LIMIT_BLOB, err);
	free(path);
	if (rc == YZ_ENOTFOUND)
		return err_set(
		    err, YZ_ENOTFOUND, "attachment %s is not here yet", hex);
	if (rc != 0)
		return rc;
	digest_sha256(&hash, out->b + before, out->len - before);
	digest_hex(now, hash.b, sizeof(hash.b));
	if (strcmp(now, hex) != 0)
		return err_set(
		    err, YZ_ECORRUPT, "attachment %s is damaged on disk", hex);
	return 0;
}

int
blob_read(struct replica *r, struct buf *out, int64_t *size, const char *hex,
    int64_t offset, size_t max, struct err *err)
{
	struct buf whole = BUF_INIT;
	size_t left;
	int rc;

	rc = blob_get(r, &whole, hex, err);
	if (rc == 0) {
		*size = (int64_t)whole.len;
		if (offset < 0 || (uint64_t)offset > whole.len)
			rc = err_set(
			    err, YZ_EINVAL, "offset is beyond the attachment");
	}
	if (rc == 0) {
		left = whole.len - (size_t)offset;
		buf_put(out, whole.b + offset, left < max ? left : max);
	}
	buf_free(&whole);
	return rc;
}

int
blob_missing(struct replica *r, struct buf *out, size_t max, struct err *err)
{
	struct db_stmt *st;
	size_t found = 0;
	int rc;

	rc = db_query(&st, r->db, err,
	    "SELECT DISTINCT hash FROM _blob ORDER BY hash", "");
	if (rc != 0)
		return rc;
	while (found < max && (rc = db_step(st, err)) == 1) {
		const char *hex = db_text(st, 0);
		char *path;

		if (hex == NULL || !is_hash(hex))
			continue;
		path = blob_path(r, hex);
		if (!file_exists(path)) {
			buf_puts(out, hex);
			found++;
		}
		free(path);
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

bool
blob_reaches(struct replica *r, const char *hex, const char *code)
{
	struct chain_name c;
	bool reaches = false;
	struct db_stmt *st;
	struct err ignored;

	if (db_query(&st, r->db, &ignored,
		"SELECT DISTINCT stream, owner FROM _blob WHERE hash = ?", "s",
		hex) != 0)
		return false;
	while (!reaches && db_step(st, &ignored) == 1) {
		memset(&c, 0, sizeof(c));
		c.stream = (enum stream)db_int(st, 0);
		snprintf(c.owner, sizeof(c.owner), "%s", db_text(st, 1));
		reaches = chain_reaches(r->roster, &c, code);
	}
	db_done(st);
	return reaches;
}
