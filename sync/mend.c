#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "mend.h"
#include "pack.h"
#include "repo.h"

#define PACK_MAX (1u << 30)   /* bytes of a pack */
#define TRIED_MAX 16384       /* bytes in which a turned bit is looked for */
#define TEXT_MAX TRIED_MAX    /* of a file of lines */
#define HEAD_LEN 12           /* of a pack */
#define SHA_LEN 20            /* at the end of a pack and of an index */
#define INDEX_HEAD (8 + 1024) /* of an index, before the addresses */

static void
turn(uint8_t *b, size_t bit)
{
	b[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

static int
read_fd(struct buf *out, int fd, const char *path, struct err *err)
{
	uint8_t piece[4096];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0) {
		buf_put(out, piece, (size_t)n);
		if (out->len > TEXT_MAX) {
			n = 0;
			buf_clear(out); /* too long to try */
			break;
		}
	}
	explicit_bzero(piece, sizeof(piece));
	return n < 0 ? err_sys(err, "%s", path) : 0;
}

int
mend_text(const char *path, bool (*good)(void *arg, const char *text, size_t n),
    void *arg, struct err *err)
{
	struct buf text = BUF_INIT;
	size_t bit = 0;
	int rc, fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_sys(err, "%s", path);
	rc = read_fd(&text, fd, path, err);
	for (; rc == 0 && bit < 8 * text.len; bit++) {
		turn(text.b, bit);
		if (good(arg, buf_str(&text), text.len))
			break;
		turn(text.b, bit);
	}
	if (rc == 0 && bit == 8 * text.len)
		rc = err_set(err, YZ_ENOTFOUND, "%s is damaged", path);
	else if (rc == 0 &&
		 (pwrite(fd, text.b + bit / 8, 1, (off_t)(bit / 8)) != 1 ||
		     fsync(fd) != 0))
		rc = err_sys(err, "%s", path);
	close(fd);
	if (text.b != NULL)
		explicit_bzero(text.b, text.cap);
	buf_free(&text);
	return rc;
}

/* --- loose objects ----------------------------------------------------------
 */

static bool
mend_loose_bytes(struct buf *file, const uint8_t oid[20])
{
	size_t bit;

	if (file->len > TRIED_MAX)
		return false;
	for (bit = 0; bit < 8 * file->len; bit++) {
		turn(file->b, bit);
		if (pack_loose_holds(file, oid))
			return true;
		turn(file->b, bit);
	}
	return false;
}

static int
mend_loose(
    struct mend *out, const char *path, const uint8_t oid[20], struct err *err)
{
	struct buf file = BUF_INIT;
	int rc = 0;

	out->objects++;
	/* What the disk does not give back is as good as damaged. */
	if (file_read(&file, path, PACK_LOOSE_MAX, err) == 0 &&
	    pack_loose_holds(&file, oid)) {
		buf_free(&file);
		return 0;
	}
	if (mend_loose_bytes(&file, oid)) {
		out->mended++;
		rc = file_write(path, file.b, file.len, 0444, err);
	} else {
		out->lost++;
		if (unlink(path) != 0)
			rc = err_sys(err, "%s", path);
	}
	buf_free(&file);
	return rc;
}

static int
mend_folder(struct mend *out, const char *repo, uint8_t first, struct err *err)
{
	char two[3], *folder, *path;
	struct dirent *e;
	uint8_t oid[20];
	int rc = 0;
	DIR *dir;

	digest_hex(two, &first, 1);
	folder = mem_printf("%s/objects/%s", repo, two);
	dir = opendir(folder);
	while (rc == 0 && dir != NULL && (e = readdir(dir)) != NULL) {
		oid[0] = first;
		if (strlen(e->d_name) != 38 ||
		    !digest_unhex(oid + 1, 19, e->d_name, 38))
			continue;
		path = mem_printf("%s/%s", folder, e->d_name);
		rc = mend_loose(out, path, oid, err);
		free(path);
	}
	if (dir != NULL)
		closedir(dir);
	free(folder);
	return rc;
}

/* --- packs ------------------------------------------------------------------
 */

struct salvage { /* one pack being gone through */
	struct mend *out;
	struct buf body, index;
	struct pack *pack; /* what is good of it */
};

static uint32_t
get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* A file that ends with the SHA-1 of all before. */
static bool
sha_holds(const struct buf *file)
{
	uint8_t sha[SHA_LEN];

	if (file->len < SHA_LEN)
		return false;
	digest_sha1(sha, file->b, file->len - SHA_LEN);
	return memcmp(sha, file->b + file->len - SHA_LEN, SHA_LEN) == 0;
}

static bool
pack_is_whole(const struct salvage *s)
{
	return sha_holds(&s->body) && sha_holds(&s->index) &&
	       s->index.len >= INDEX_HEAD + 2 * SHA_LEN &&
	       memcmp(s->index.b + s->index.len - 2 * SHA_LEN,
		   s->body.b + s->body.len - SHA_LEN, SHA_LEN) == 0;
}

static void
take(struct salvage *s, const uint8_t oid[20], const uint8_t *raw, size_t n)
{
	pack_copy(s->pack, oid, raw, n);
	s->out->objects++;
}

/* One that its index names: at raw, before limit. */
static void
take_named(struct salvage *s, const uint8_t want[20], uint8_t *raw, size_t max,
    size_t next)
{
	uint8_t oid[20];
	size_t used, bit, span = next < max ? next : max;

	if (pack_object(oid, &used, raw, max) && memcmp(oid, want, 20) == 0) {
		take(s, oid, raw, used);
		return;
	}
	for (bit = 0; span <= TRIED_MAX && bit < 8 * span; bit++) {
		turn(raw, bit);
		if (pack_object(oid, &used, raw, max) &&
		    memcmp(oid, want, 20) == 0) {
			s->out->mended++;
			take(s, oid, raw, used);
			return;
		}
		turn(raw, bit);
	}
	s->out->lost++;
}

/* Where the object after the one at at begins, or the end of them. */
static size_t
next_place(const uint8_t *places, size_t n, size_t at, size_t end)
{
	size_t i, next = end;

	for (i = 0; i < n; i++) {
		size_t p = get_be32(places + 4 * i);

		if (p > at && p < next)
			next = p;
	}
	return next;
}

static void
take_by_index(struct salvage *s)
{
	size_t n, i, at, end = s->body.len - SHA_LEN;
	const uint8_t *oids = s->index.b + INDEX_HEAD, *places;
	uint8_t oid[20];
	size_t used;

	n = (s->index.len - INDEX_HEAD - 2 * SHA_LEN) / 28;
	places = oids + 24 * n;
	for (i = 0; i < n; i++) {
		at = get_be32(places + 4 * i);
		if (at < HEAD_LEN || at >= end)
			continue;
		/* Only where one is damaged does it matter how far it goes. */
		if (pack_object(oid, &used, s->body.b + at, end - at) &&
		    memcmp(oid, oids + 20 * i, 20) == 0)
			take(s, oid, s->body.b + at, used);
		else
			take_named(s, oids + 20 * i, s->body.b + at, end - at,
			    next_place(places, n, at, end) - at);
	}
}

/* Without an index: one after the other, as far as they go. */
static void
take_in_order(struct salvage *s)
{
	size_t at = HEAD_LEN, used;
	uint8_t oid[20];

	while (at + SHA_LEN < s->body.len &&
	       pack_object(
		   oid, &used, s->body.b + at, s->body.len - SHA_LEN - at)) {
		take(s, oid, s->body.b + at, used);
		at += used;
	}
	if (at + SHA_LEN < s->body.len)
		s->out->lost++;
}

static int
replace(
    struct salvage *s, const char *folder, const char *name, struct err *err)
{
	char stored[PACK_NAME_LEN + 1] = "";
	int rc = 0;

	if (pack_count(s->pack) > 0)
		rc = pack_store(stored, s->pack, folder, err);
	if (rc == 0 && strcmp(stored, name) != 0) {
		char *path = mem_printf("%s/%s.pack", folder, name);

		if (unlink(path) != 0)
			rc = err_sys(err, "%s", path);
		free(path);
		path = mem_printf("%s/%s.idx", folder, name);
		(void)unlink(path);
		free(path);
	}
	return rc;
}

static int
mend_pack(
    struct mend *out, const char *folder, const char *name, struct err *err)
{
	struct salvage s = {.out = out};
	char *path = mem_printf("%s/%s.pack", folder, name);
	int rc = 0;

	(void)file_read(&s.body, path, PACK_MAX, err);
	free(path);
	path = mem_printf("%s/%s.idx", folder, name);
	(void)file_read(&s.index, path, PACK_MAX, err);
	free(path);
	if (!pack_is_whole(&s)) {
		int64_t before = out->mended + out->lost;

		s.pack = pack_new();
		if (s.body.len >= HEAD_LEN + SHA_LEN && sha_holds(&s.index) &&
		    s.index.len >= INDEX_HEAD + 2 * SHA_LEN)
			take_by_index(&s);
		else if (s.body.len >= HEAD_LEN + SHA_LEN)
			take_in_order(&s);
		else
			out->lost++;
		rc = replace(&s, folder, name, err);
		/* The damage was in what belongs to no object. */
		if (out->mended + out->lost == before)
			out->mended++;
		pack_free(s.pack);
	}
	buf_free(&s.body);
	buf_free(&s.index);
	return rc;
}

static int
is_pack(const struct dirent *e)
{
	return strncmp(e->d_name, "pack-", 5) == 0 &&
	       strlen(e->d_name) == PACK_NAME_LEN + 5 &&
	       strcmp(e->d_name + PACK_NAME_LEN, ".pack") == 0;
}

static int
mend_packs(struct mend *out, const char *repo, struct err *err)
{
	char *folder = mem_printf("%s/objects/pack", repo);
	struct dirent **v = NULL;
	int i, n, rc = 0;

	n = scandir(folder, &v, is_pack, alphasort);
	for (i = 0; i < n; i++) {
		v[i]->d_name[PACK_NAME_LEN] = '\0';
		if (rc == 0)
			rc = mend_pack(out, folder, v[i]->d_name, err);
		free(v[i]);
	}
	free(v);
	free(folder);
	return rc;
}

int
mend_repo(struct mend *out, const char *repo, struct err *err)
{
	bool mended;
	int byte, rc = repo_mend_files(repo, &mended, err);

	out->mended += mended;
	if (rc == 0)
		rc = mend_packs(out, repo, err);
	for (byte = 0; rc == 0 && byte < 256; byte++)
		rc = mend_folder(out, repo, (uint8_t)byte, err);
	return rc;
}
