#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "home.h"
#include "limit.h"
#include "replica_impl.h"
#include "reserve.h"
#include "roster.h"

#define PIECE 65536 /* bytes read at once */

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

/* The hash of what fd, at its beginning, holds; in pieces, since a receiver is
 * to stay small. */
static int
hash_file(char hex[DIGEST_HEX_LEN + 1], int64_t *size, int fd, const char *path,
    struct err *err)
{
	struct digest_ctx *ctx = digest_begin();
	struct digest hash;
	uint8_t piece[PIECE];
	ssize_t n;

	*size = 0;
	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		digest_add(ctx, piece, (size_t)n);
		*size += n;
		if (*size > LIMIT_BLOB)
			break;
	}
	digest_end(ctx, &hash);
	digest_hex(hex, hash.b, sizeof(hash.b));
	if (n < 0)
		return err_sys(err, "%s", path);
	if (*size > LIMIT_BLOB)
		return err_set(
		    err, YZ_ECORRUPT, "%s is over %u bytes", path, LIMIT_BLOB);
	return 0;
}

int
blob_open(
    struct replica *r, int *fd, int64_t *size, const char *hex, struct err *err)
{
	char *path, now[DIGEST_HEX_LEN + 1] = "";
	int rc;

	if (!is_hash(hex))
		return err_set(
		    err, YZ_EINVAL, "an attachment is named by 64 hex digits");
	path = blob_path(r, hex);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		rc = errno == ENOENT ? err_set(err, YZ_ENOTFOUND,
					   "attachment %s is not here yet", hex)
				     : err_sys(err, "%s", path);
	else
		rc = hash_file(now, size, *fd, path, err);
	if (rc == 0 && strcmp(now, hex) != 0)
		rc = err_set(
		    err, YZ_ECORRUPT, "attachment %s is damaged on disk", hex);
	if (rc != 0 && *fd >= 0)
		close(*fd);
	free(path);
	return rc;
}

static int
move_in(const char *from, const char *to, int fd, struct err *err)
{
	if (fchmod(fd, 0600) != 0 || fsync(fd) != 0)
		return err_sys(err, "%s", from);
	if (rename(from, to) != 0)
		return err_sys(err, "%s", to);
	return file_sync_folder(to, err);
}

int
blob_take(
    struct replica *r, const char *partial, const char *hex, struct err *err)
{
	char now[DIGEST_HEX_LEN + 1];
	char *path = blob_path(r, hex);
	char *folder = mem_printf("%s/blobs/%.2s", r->home->path, hex);
	int64_t size;
	int fd, rc;

	rc = reserve_check(r->home->path, err);
	/* What is empty came in no piece. */
	fd = rc != 0 ? -1 : open(partial, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (rc == 0)
		rc = fd < 0 ? err_sys(err, "%s", partial)
			    : hash_file(now, &size, fd, partial, err);
	if (rc == 0 && strcmp(now, hex) != 0)
		rc = err_set(err, YZ_ECORRUPT,
		    "attachment %.16s does not hash to its name", hex);
	if (rc == 0)
		rc = file_mkdir(folder, 0700, err);
	if (rc == 0)
		rc = move_in(partial, path, fd, err);
	if (fd >= 0)
		close(fd);
	free(folder);
	free(path);
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
