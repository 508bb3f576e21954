#include "config.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "pack.h"
#include "repo.h"

#define HEAD_LEN 12               /* of a pack: "PACK", version, objects */
#define SHA_LEN 20                /* at the end of a pack and of an index */
#define INDEX_MIN (8 + 1024 + 40) /* bytes of an index of no objects */
#define INDEX_MAX (64u << 20)     /* bytes of an index that is read */
#define LOOSE_SAMPLE "17"         /* one of 256 folders of loose objects; */
#define LOOSE_MANY 8              /* so many there: about 2,000 in all */

bool
repo_exists(const char *repo)
{
	char *head = mem_printf("%s/HEAD", repo);
	bool there = file_exists(head);

	free(head);
	return there;
}

/* HEAD last, for without it there is no repository. */
static const struct {
	const char *name, *text;
} made[] = {
    {"config", "[core]\n"
	       "\trepositoryformatversion = 0\n"
	       "\tfilemode = true\n"
	       "\tbare = true\n"
	       "[gc]\n"
	       "\tauto = 0\n"},
    {"HEAD", "ref: refs/heads/main\n"},
};

#define N_MADE (sizeof(made) / sizeof(made[0]))

int
repo_make(const char *repo, struct err *err)
{
	static const char *const folders[] = {
	    "objects/info", "objects/pack", "refs/heads", "refs/tags"};
	char *path;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(folders) / sizeof(*folders); i++) {
		path = mem_printf("%s/%s", repo, folders[i]);
		rc = file_mkdir(path, 0755, err);
		free(path);
	}
	for (i = 0; rc == 0 && i < N_MADE; i++) {
		path = mem_printf("%s/%s", repo, made[i].name);
		rc = file_write(
		    path, made[i].text, strlen(made[i].text), 0644, err);
		free(path);
	}
	return rc;
}

int
repo_mend_files(const char *repo, bool *mended, struct err *err)
{
	struct buf text = BUF_INIT;
	char *path;
	size_t i;

	*mended = false;
	for (i = 0; i < N_MADE; i++) {
		path = mem_printf("%s/%s", repo, made[i].name);
		buf_clear(&text);
		*mended |= file_read(&text, path, 4096, err) != 0 ||
			   strcmp(buf_str(&text), made[i].text) != 0;
		free(path);
	}
	buf_free(&text);
	return *mended ? repo_make(repo, err) : 0;
}

/* --- merging ------------------------------------------------------------ */

struct entry { /* an object in one of the packs merged */
	uint8_t oid[20];
	uint32_t crc;     /* of its bytes there */
	uint32_t at, end; /* where they lie, */
	size_t from;      /* and in which pack */
};

struct entries {
	struct entry *v;
	size_t n;
};

static int
by_oid(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return memcmp(x->oid, y->oid, sizeof(x->oid));
}

static int
by_place(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

static uint32_t
get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

struct small {
	char name[PACK_NAME_LEN + 1];
	size_t size;
	bool loaded;
};

struct small_list {
	struct small *v;
	size_t n;
};

static bool
has_suffix(const char *name, const char *suffix)
{
	return strncmp(name, "pack-", 5) == 0 && strlen(name) > PACK_NAME_LEN &&
	       strcmp(name + PACK_NAME_LEN, suffix) == 0;
}

static bool
exists(const char *folder, const char *name, const char *suffix)
{
	char *path =
	    mem_printf("%s/%.*s%s", folder, PACK_NAME_LEN, name, suffix);
	bool there = file_exists(path);

	free(path);
	return there;
}

static int
by_size(const void *a, const void *b)
{
	const struct small *x = a, *y = b;

	return (x->size > y->size) - (x->size < y->size);
}

/* The small packs of folder, smallest first. */
static int
list_small(struct small_list *out, const char *folder, struct err *err)
{
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	dir = opendir(folder);
	if (dir == NULL)
		return err_sys(err, "%s", folder);
	while ((entry = readdir(dir)) != NULL) {
		if (!has_suffix(entry->d_name, ".pack") ||
		    !exists(folder, entry->d_name, ".idx") ||
		    exists(folder, entry->d_name, ".keep") ||
		    fstatat(dirfd(dir), entry->d_name, &st, 0) != 0 ||
		    (size_t)st.st_size > REPO_SMALL_MAX)
			continue;
		out->v = mem_realloc(out->v, (out->n + 1) * sizeof(*out->v));
		memcpy(out->v[out->n].name, entry->d_name, PACK_NAME_LEN);
		out->v[out->n].name[PACK_NAME_LEN] = '\0';
		out->v[out->n++].size = (size_t)st.st_size;
	}
	closedir(dir);
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), by_size);
	return 0;
}

/*
 * How many to merge, from the smallest: up to the last one that is no larger
 * than all before it together.  So an object is copied about as often as
 * the ledger doubles, not at every merge.
 */
static size_t
how_many(const struct small_list *small)
{
	size_t i, sum = 0, n = 0;

	for (i = 0; i < small->n; i++) {
		if (i > 0 && small->v[i].size <= sum)
			n = i + 1;
		sum += small->v[i].size;
		if (sum > REPO_MERGED_MAX)
			break;
	}
	return n;
}

/* Fill v[0..n) from an index and set each one's end. */
static int
read_entries(struct entry *v, size_t n, const struct buf *index,
    const struct buf *body, size_t from)
{
	const uint8_t *oids = index->b + 8 + 1024, *crcs = oids + 20 * n,
		      *places = crcs + 4 * n;
	size_t i;

	for (i = 0; i < n; i++) {
		memcpy(v[i].oid, oids + 20 * i, 20);
		v[i].crc = get_be32(crcs + 4 * i);
		v[i].at = get_be32(places + 4 * i);
		v[i].from = from;
	}
	qsort(v, n, sizeof(*v), by_place);
	for (i = 0; i < n; i++) {
		const uint8_t *p = body->b + v[i].at;
		unsigned type;

		v[i].end =
		    i + 1 < n ? v[i + 1].at : (uint32_t)(body->len - SHA_LEN);
		if (v[i].at < HEAD_LEN || v[i].at >= v[i].end ||
		    v[i].end > body->len - SHA_LEN)
			return -1;
		type = p[0] >> 4 & 7;
		if (type < 1 || type > 3 || /* a delta, or nothing */
		    pack_crc(p, v[i].end - v[i].at) != v[i].crc)
			return -1;
	}
	return 0;
}

/* Load a pack and append its entries, if it is whole and without deltas. */
static bool
load(struct entries *all, struct buf *body, const char *folder,
    const char *name, size_t from)
{
	char *pack_path = mem_printf("%s/%s.pack", folder, name);
	char *index_path = mem_printf("%s/%s.idx", folder, name);
	struct buf index = BUF_INIT;
	uint8_t sha[SHA_LEN];
	struct err ignored;
	bool good = false;
	size_t n;

	if (file_read(body, pack_path, REPO_SMALL_MAX, &ignored) != 0 ||
	    file_read(&index, index_path, INDEX_MAX, &ignored) != 0 ||
	    index.len < INDEX_MIN || body->len < HEAD_LEN + SHA_LEN ||
	    memcmp(index.b, "\377tOc\0\0\0\2", 8) != 0 ||
	    memcmp(body->b, "PACK\0\0\0\2", 8) != 0)
		goto out;
	n = get_be32(body->b + 8);
	digest_sha1(sha, index.b, index.len - SHA_LEN);
	if (n == 0 || index.len != INDEX_MIN + n * (20 + 4 + 4) ||
	    memcmp(sha, index.b + index.len - SHA_LEN, SHA_LEN) != 0 ||
	    memcmp(index.b + index.len - 2 * SHA_LEN,
		body->b + body->len - SHA_LEN, SHA_LEN) != 0)
		goto out;
	all->v = mem_realloc(all->v, (all->n + n) * sizeof(*all->v));
	if (read_entries(all->v + all->n, n, &index, body, from) != 0)
		goto out;
	all->n += n;
	good = true;
out:
	buf_free(&index);
	free(pack_path);
	free(index_path);
	return good;
}

/* Every object once, in the order in which the packs have them. */
static void
copy(struct pack *pack, struct entries *all, const struct buf *bodies)
{
	size_t i, kept = 0;

	qsort(all->v, all->n, sizeof(*all->v), by_oid);
	for (i = 0; i < all->n; i++)
		if (i == 0 || by_oid(&all->v[i], &all->v[kept - 1]) != 0)
			all->v[kept++] = all->v[i];
	all->n = kept;
	qsort(all->v, all->n, sizeof(*all->v), by_place);
	for (i = 0; i < all->n; i++) {
		const struct entry *e = &all->v[i];

		pack_copy(
		    pack, e->oid, bodies[e->from].b + e->at, e->end - e->at);
	}
}

/* The pack before its index, so that only an index can be left over. */
static void
drop(const char *folder, const char *name)
{
	char *path = mem_printf("%s/%s.pack", folder, name);

	unlink(path);
	free(path);
	path = mem_printf("%s/%s.idx", folder, name);
	unlink(path);
	free(path);
}

/* Merge v[0..n). */
static int
merge(const char *folder, struct small *v, size_t n, struct err *err)
{
	struct buf *bodies = mem_calloc(n, sizeof(*bodies));
	struct entries all = {NULL, 0};
	struct pack *pack = pack_new();
	char name[PACK_NAME_LEN + 1];
	size_t i;
	int rc = 0;

	for (i = 0; i < n; i++)
		v[i].loaded = load(&all, &bodies[i], folder, v[i].name, i);
	if (all.n > 0) {
		copy(pack, &all, bodies);
		rc = pack_store(name, pack, folder, err);
		for (i = 0; rc == 0 && i < n; i++)
			if (v[i].loaded && strcmp(v[i].name, name) != 0)
				drop(folder, v[i].name);
	}
	for (i = 0; i < n; i++)
		buf_free(&bodies[i]);
	free(bodies);
	free(all.v);
	pack_free(pack);
	return rc;
}

int
repo_merge(const char *repo, bool *merged, struct err *err)
{
	char *folder = mem_printf("%s/objects/pack", repo);
	struct small_list small = {NULL, 0};
	size_t n;
	int rc;

	*merged = false;
	rc = list_small(&small, folder, err);
	if (rc == 0 && small.n > REPO_PACKS) {
		n = how_many(&small);
		*merged = n > 1;
		if (n > 1)
			rc = merge(folder, small.v, n, err);
	}
	free(small.v);
	free(folder);
	return rc;
}

/* --- loose objects ------------------------------------------------------- */

static bool
many_loose(const char *repo)
{
	char *folder = mem_printf("%s/objects/" LOOSE_SAMPLE, repo);
	DIR *dir = opendir(folder);
	int n = -2; /* . and .. */

	free(folder);
	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		closedir(dir);
	return n >= LOOSE_MANY;
}

/* Add the loose objects of one folder, e.g. "17", and append their paths. */
static void
add_folder(
    struct pack *pack, struct buf *paths, const char *repo, const char *two)
{
	char *folder = mem_printf("%s/objects/%s", repo, two), *path;
	DIR *dir = opendir(folder);
	struct dirent *entry;
	struct err ignored;
	uint8_t oid[20];

	while (dir != NULL && (entry = readdir(dir)) != NULL &&
	       pack_size(pack) < REPO_SMALL_MAX / 2) {
		if (!digest_unhex(oid, 1, two, 2) ||
		    !digest_unhex(
			oid + 1, 19, entry->d_name, strlen(entry->d_name)))
			continue;
		path = mem_printf("%s/%s", folder, entry->d_name);
		/* What is damaged stays, and is reported when it is read. */
		if (pack_add_loose(pack, path, oid, &ignored) == 0)
			buf_put(paths, path, strlen(path) + 1);
		free(path);
	}
	if (dir != NULL)
		closedir(dir);
	free(folder);
}

int
repo_pack_loose(const char *repo, bool *packed, struct err *err)
{
	struct buf paths = BUF_INIT;
	struct pack *pack;
	char name[PACK_NAME_LEN + 1], two[3], *folder;
	unsigned i;
	size_t at;
	int rc = 0;

	*packed = false;
	if (!many_loose(repo))
		return 0;
	pack = pack_new();
	for (i = 0; i < 256; i++) {
		uint8_t byte = (uint8_t)i;

		digest_hex(two, &byte, 1);
		add_folder(pack, &paths, repo, two);
	}
	if (pack_count(pack) > 0) {
		folder = mem_printf("%s/objects/pack", repo);
		rc = pack_store(name, pack, folder, err);
		free(folder);
		*packed = rc == 0;
	}
	/* They are durable in the pack now. */
	for (at = 0; rc == 0 && at < paths.len;
	     at += strlen((char *)paths.b + at) + 1)
		unlink((char *)paths.b + at);
	buf_free(&paths);
	pack_free(pack);
	return rc;
}

/* --- sweeping ------------------------------------------------------------ */

static bool
pack_leftover(const char *folder, const char *name)
{
	bool whole =
	    strncmp(name, "pack-", 5) == 0 && strlen(name) > PACK_NAME_LEN;

	return strncmp(name, "pack_git2_", 10) == 0 ||
	       (whole && strncmp(name + PACK_NAME_LEN, ".idx.", 5) == 0) ||
	       (whole && strncmp(name + PACK_NAME_LEN, ".pack.", 6) == 0) ||
	       (has_suffix(name, ".idx") && !exists(folder, name, ".pack"));
}

static bool
object_leftover(const char *folder, const char *name)
{
	(void)folder;
	return strncmp(name, "tmp_object_", 11) == 0;
}

static void
sweep_folder(const char *repo, const char *name,
    bool (*leftover)(const char *folder, const char *name))
{
	char *folder = mem_printf("%s/%s", repo, name);
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (leftover(folder, entry->d_name))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
	free(folder);
}

void
repo_sweep(const char *repo)
{
	sweep_folder(repo, "objects/pack", pack_leftover);
	sweep_folder(repo, "objects", object_leftover);
}
