/*
 * What a power cut leaves of a folder (disk.h): images of it, drawn by chance
 * from all that a disk may have kept.  What was synced is there.  Of what was
 * written since, each write is there, is not, or is there up to some sector.
 * Of entries of folders there are those up to some moment since the last sync:
 *
 *	CRASH_JOURNAL	any fsync keeps all entries before it, as ext4 and XFS
 *do CRASH_STRICT	only the fsync of a folder keeps its entries, and no
 *other's, which is all that POSIX promises
 */
#ifndef TEST_CRASH_H
#define TEST_CRASH_H

#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

#include "disk.h"

#define CRASH_SECTOR 512

enum crash_model { CRASH_JOURNAL, CRASH_STRICT };
enum crash_mood { CRASH_ALL, CRASH_LEAST, CRASH_CHANCE };

struct crash {
	size_t cut;   /* ops before it were called */
	int exits;    /* so many commands had ended */
	size_t *kept; /* of each op: 0, or 1 + the bytes of it that are there */
	uint64_t hash; /* of kept and exits: two alike are one image */
};

static inline unsigned
crash_roll(uint64_t *seed, unsigned n)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(*seed >> 33) % n;
}

static inline bool
crash_is_entry(const struct disk_op *op)
{
	return op->kind == DISK_ENTER || op->kind == DISK_LEAVE ||
	       op->kind == DISK_MOVE;
}

/* Until which op entries are there: of folder dir, or (-1) of all. */
static inline size_t
crash_entries_until(const struct disk *d, size_t cut, int dir,
    enum crash_mood mood, uint64_t *seed)
{
	size_t i, safe = 0;

	for (i = 0; i < cut; i++)
		if (dir < 0 ? d->ops[i].kind == DISK_SYNC_DIR ||
				  d->ops[i].kind == DISK_SYNC
			    : d->ops[i].kind == DISK_SYNC_DIR &&
				  d->ops[i].node == dir)
			safe = i;
	return mood == CRASH_ALL ? cut
	       : mood == CRASH_LEAST
		   ? safe
		   : safe + crash_roll(seed, (unsigned)(cut - safe + 1));
}

static inline size_t
crash_bytes(const struct disk_op *op, enum crash_mood mood, uint64_t *seed)
{
	unsigned how = crash_roll(seed, 4);

	if (mood == CRASH_ALL || (mood == CRASH_CHANCE && how < 2))
		return 1 + op->len;
	if (mood == CRASH_LEAST || how == 2 || op->len <= CRASH_SECTOR)
		return 0;
	return 1 + crash_roll(seed, (unsigned)(op->len / CRASH_SECTOR)) *
		       CRASH_SECTOR;
}

/* Draw what is there after a cut before op number cut. */
static inline void
crash_draw(struct crash *c, const struct disk *d, size_t cut,
    enum crash_model model, enum crash_mood mood, uint64_t *seed)
{
	size_t *until = mem_calloc(d->n_nodes, sizeof(*until));
	size_t *synced = mem_calloc(d->n_nodes, sizeof(*synced));
	size_t i, all = crash_entries_until(d, cut, -1, mood, seed);

	c->cut = cut;
	c->exits = 0;
	free(c->kept);
	c->kept = mem_calloc(d->n_ops + 1, sizeof(*c->kept));
	for (i = 0; i < d->n_nodes; i++)
		if (d->nodes[i].folder)
			until[i] = model == CRASH_JOURNAL
				       ? all
				       : crash_entries_until(
					     d, cut, (int)i, mood, seed);
	for (i = 0; i < cut; i++) {
		if (d->ops[i].kind == DISK_SYNC)
			synced[d->ops[i].node] = i;
		c->exits += d->ops[i].kind == DISK_EXIT;
	}
	for (i = 0; i < cut; i++) {
		const struct disk_op *op = &d->ops[i];

		if (crash_is_entry(op))
			c->kept[i] =
			    i <=
			    until[op->kind == DISK_MOVE ? op->to_dir : op->dir];
		else if (op->kind == DISK_WRITE || op->kind == DISK_SIZE)
			c->kept[i] = i <= synced[op->node]
					 ? 1 + op->len
					 : crash_bytes(op, mood, seed);
	}
	for (i = cut; i > 0 && c->kept[i - 1] == 0; i--)
		; /* what was not kept at the end makes no difference */
	for (c->hash = (uint64_t)c->exits + 1; i > 0; i--)
		c->hash = (c->hash ^ c->kept[i - 1]) * 1099511628211ull;
	free(until);
	free(synced);
}

/* --- making the image --------------------------------------------------------
 */

static inline void
crash_file(struct disk *d, const struct crash *c, int node, const char *path)
{
	struct disk_node *n = &d->nodes[node];
	struct buf bytes = BUF_INIT;
	size_t i;
	FILE *f;

	/* Objects of the ledger are never written again. */
	if (n->base != NULL && !n->touched &&
	    strstr(n->base, "/objects/") != NULL && link(n->base, path) == 0)
		return;
	if (n->base != NULL && !n->read) {
		char part[65536];
		size_t got;

		f = fopen(n->base, "r");
		if (f == NULL)
			disk_stop("fopen", n->base);
		while ((got = fread(part, 1, sizeof(part), f)) > 0)
			buf_put(&n->bytes, part, got);
		fclose(f);
		n->read = true;
	}
	buf_put(&bytes, n->bytes.b, n->bytes.len);
	for (i = 0; i < c->cut && n->touched; i++) {
		const struct disk_op *op = &d->ops[i];
		size_t end = (size_t)op->at + c->kept[i] - 1;

		if (op->node != node || c->kept[i] == 0 ||
		    (op->kind != DISK_WRITE && op->kind != DISK_SIZE))
			continue;
		if (op->kind == DISK_SIZE)
			end = (size_t)op->at;
		if (end > bytes.len) {
			size_t more = end - bytes.len;

			buf_reserve(&bytes, more);
			memset(bytes.b + bytes.len, 0, more);
			bytes.len = end;
		}
		if (op->kind == DISK_SIZE)
			bytes.len = (size_t)op->at;
		else if (c->kept[i] > 1)
			memcpy(bytes.b + op->at, op->data, c->kept[i] - 1);
	}
	f = fopen(path, "w");
	if (f == NULL ||
	    (bytes.len > 0 && fwrite(bytes.b, 1, bytes.len, f) != bytes.len) ||
	    fclose(f) != 0 || chmod(path, 0600) != 0)
		disk_stop("writing", path);
	buf_free(&bytes);
}

static inline void
crash_folder(struct disk *d, const struct crash *c, const struct disk_entry *at,
    size_t n, int dir, const char *path)
{
	size_t i;

	if (mkdir(path, 0700) != 0)
		disk_stop("mkdir", path);
	for (i = 0; i < n; i++) {
		size_t len = strlen(at[i].name);
		char *sub;

		/* SQLite makes it anew when nobody has it open. */
		if (at[i].dir != dir ||
		    (len > 4 && strcmp(at[i].name + len - 4, "-shm") == 0))
			continue;
		sub = mem_printf("%s/%s", path, at[i].name);
		if (d->nodes[at[i].node].folder)
			crash_folder(d, c, at, n, at[i].node, sub);
		else
			crash_file(d, c, at[i].node, sub);
		free(sub);
	}
}

static inline int
crash_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* The folder as it is after the cut, at path; what was there is removed. */
static inline void
crash_make(struct disk *d, const struct crash *c, const char *path)
{
	struct disk_entry *at = NULL;
	size_t i, n = 0;

	nftw(path, crash_remove, 16, FTW_DEPTH | FTW_PHYS);
	for (i = 0; i < d->n_before; i++) /* no two alike */
		disk_enter(&at, &n, d->before[i].dir, d->before[i].name,
		    d->before[i].node);
	for (i = 0; i < c->cut; i++) {
		const struct disk_op *op = &d->ops[i];

		if (c->kept[i] == 0 || !crash_is_entry(op))
			continue;
		if (op->kind != DISK_ENTER)
			disk_leave(at, &n, op->dir, op->name);
		if (op->kind == DISK_ENTER)
			disk_enter(&at, &n, op->dir, op->name, op->node);
		else if (op->kind == DISK_MOVE)
			disk_enter(&at, &n, op->to_dir, op->to_name, op->node);
	}
	crash_folder(d, c, at, n, 0, path);
	for (i = 0; i < n; i++)
		free(at[i].name);
	free(at);
}

#endif
