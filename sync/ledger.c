#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "lane.h"
#include "ledger.h"

#define QUEUE_MAX (7u << 20) /* bytes of objects queued; buffers double */

struct move { /* of a ref */
	enum stream stream;
	char *name;
	uint8_t oid[20];
};

struct ledger {
	char *path;
	int lock_fd;
	unsigned locks; /* taken by this handle */
	struct lane *lanes[STREAM_COUNT];
	size_t queued; /* bytes, in all lanes */
	struct move *moves;
	size_t n_moves;
};

/* --- opening ------------------------------------------------------------ */

/* Remove what stopped processes left, if nobody is writing now. */
static void
sweep(struct ledger *ledger)
{
	char *lock = mem_printf("%s/lock", ledger->path);
	struct err ignored;
	size_t s;
	int fd;

	if (file_lock(&fd, lock, false, &ignored) == 0) {
		for (s = 0; s < STREAM_COUNT; s++)
			lane_sweep(ledger->lanes[s]);
		close(fd);
	}
	free(lock);
}

int
ledger_open(struct ledger **out, const char *home, int create, struct err *err)
{
	struct ledger *ledger = mem_calloc(1, sizeof(*ledger));
	size_t s;
	int rc;

	ledger->path = mem_printf("%s/ledger", home);
	ledger->lock_fd = -1;
	for (s = 0; s < STREAM_COUNT; s++)
		ledger->lanes[s] =
		    lane_new(ledger->path, (enum stream)s, create != 0);
	rc = lane_library(err);
	if (rc == 0 && create)
		rc = file_mkdir(ledger->path, 0755, err);
	else if (rc == 0 && !file_exists(ledger->path))
		rc = err_set(
		    err, YZ_ENOTFOUND, "there is no ledger in %s", home);
	if (rc != 0) {
		ledger_close(ledger);
		return rc;
	}
	if (create)
		sweep(ledger);
	*out = ledger;
	return 0;
}

static void
forget_objects(struct ledger *ledger)
{
	size_t s;

	for (s = 0; s < STREAM_COUNT; s++)
		lane_forget(ledger->lanes[s]);
	ledger->queued = 0;
}

static void
forget_moves(struct ledger *ledger)
{
	size_t i;

	for (i = 0; i < ledger->n_moves; i++)
		free(ledger->moves[i].name);
	ledger->n_moves = 0;
}

void
ledger_close(struct ledger *ledger)
{
	size_t i;

	if (ledger == NULL)
		return;
	for (i = 0; i < STREAM_COUNT; i++)
		lane_free(ledger->lanes[i]);
	forget_moves(ledger);
	free(ledger->moves);
	if (ledger->lock_fd >= 0)
		close(ledger->lock_fd);
	free(ledger->path);
	free(ledger);
	lane_library_end();
}

int
ledger_lock(struct ledger *ledger, struct err *err)
{
	char *path;
	int rc;

	if (ledger->locks == 0) {
		path = mem_printf("%s/lock", ledger->path);
		rc = file_lock(&ledger->lock_fd, path, true, err);
		free(path);
		if (rc != 0)
			return rc;
	}
	ledger->locks++;
	return 0;
}

void
ledger_unlock(struct ledger *ledger)
{
	assert(ledger->locks > 0);
	if (--ledger->locks == 0) {
		close(ledger->lock_fd);
		ledger->lock_fd = -1;
	}
}

/* --- writing ------------------------------------------------------------ */

static int
flush_objects(struct ledger *ledger, struct err *err)
{
	size_t s;
	int rc;

	rc = ledger_lock(ledger, err);
	if (rc == 0) {
		for (s = 0; rc == 0 && s < STREAM_COUNT; s++)
			rc = lane_write(ledger->lanes[s], err);
		ledger_unlock(ledger);
	}
	forget_objects(ledger);
	if (rc != 0)
		forget_moves(ledger);
	return rc;
}

int
ledger_put(struct ledger *ledger, enum stream stream, const char *type,
    const void *data, size_t n, uint8_t oid[20], struct err *err)
{
	int rc = lane_put(ledger->lanes[stream], type, data, n, oid, err);

	if (rc != 0)
		return rc;
	ledger->queued += n;
	return ledger->queued > QUEUE_MAX ? flush_objects(ledger, err) : 0;
}

int
ledger_ref(struct ledger *ledger, enum stream stream, const char *name,
    const uint8_t oid[20], struct err *err)
{
	struct move *move;
	size_t i;

	if (!lane_ref_valid(name))
		return err_set(
		    err, YZ_EINVAL, "%.100s is no name of a ref", name);
	/* A ref that moves again before it was written moves once. */
	for (i = ledger->n_moves; i > 0; i--)
		if (ledger->moves[i - 1].stream == stream &&
		    strcmp(ledger->moves[i - 1].name, name) == 0)
			break;
	if (i == 0) {
		ledger->moves = mem_realloc(ledger->moves,
		    (ledger->n_moves + 1) * sizeof(*ledger->moves));
		i = ++ledger->n_moves;
		ledger->moves[i - 1].stream = stream;
		ledger->moves[i - 1].name = mem_strdup(name);
	}
	move = &ledger->moves[i - 1];
	memcpy(move->oid, oid, sizeof(move->oid));
	return 0;
}

int
ledger_flush(struct ledger *ledger, struct err *err)
{
	size_t i;
	int rc;

	rc = ledger_lock(ledger, err);
	if (rc == 0) {
		rc = flush_objects(ledger, err);
		for (i = 0; rc == 0 && i < ledger->n_moves; i++) {
			const struct move *move = &ledger->moves[i];

			rc = lane_ref_set(ledger->lanes[move->stream],
			    move->name, move->oid, err);
		}
		ledger_unlock(ledger);
	}
	forget_objects(ledger);
	forget_moves(ledger);
	return rc;
}

/* --- reading ------------------------------------------------------------ */

int
ledger_read(struct ledger *ledger, enum stream stream, const uint8_t oid[20],
    const char *type, struct buf *out, struct err *err)
{
	return lane_read(ledger->lanes[stream], oid, type, out, err);
}

/* The blob of a tree's one entry: mode, space, name, NUL, address. */
static bool
only_entry(uint8_t oid[20], const struct buf *tree)
{
	const uint8_t *nul = NULL;

	if (tree->len > 0)
		nul = memchr(tree->b, '\0', tree->len);
	if (nul == NULL || tree->b + tree->len - nul != 1 + 20)
		return false;
	memcpy(oid, nul + 1, 20);
	return true;
}

int
ledger_read_commit(struct ledger *ledger, enum stream stream,
    const uint8_t oid[20], struct buf *commit, struct buf *ops, struct err *err)
{
	struct buf tree = BUF_INIT;
	size_t start = commit->len;
	uint8_t tree_oid[20], blob_oid[20];
	char hex[41];
	int rc;

	digest_hex(hex, oid, 20);
	rc = ledger_read(ledger, stream, oid, "commit", commit, err);
	if (rc != 0)
		goto out;
	if (commit->len - start < 46 ||
	    memcmp(commit->b + start, "tree ", 5) != 0 ||
	    !digest_unhex(tree_oid, sizeof(tree_oid),
		(char *)commit->b + start + 5, 40)) {
		rc = err_set(err, YZ_ECORRUPT, "commit %s names no tree", hex);
		goto out;
	}
	rc = ledger_read(ledger, stream, tree_oid, "tree", &tree, err);
	if (rc != 0)
		goto out;
	if (!only_entry(blob_oid, &tree)) {
		rc = err_set(err, YZ_ECORRUPT,
		    "the tree of commit %s has not one entry", hex);
		goto out;
	}
	rc = ledger_read(ledger, stream, blob_oid, "blob", ops, err);
out:
	buf_free(&tree);
	return rc;
}

int
ledger_ref_get(struct ledger *ledger, enum stream stream, const char *name,
    uint8_t oid[20], struct err *err)
{
	return lane_ref_get(ledger->lanes[stream], name, oid, err);
}

int
ledger_refs(struct ledger *ledger, enum stream stream, const char *prefix,
    int (*fn)(
	void *arg, const char *name, const uint8_t oid[20], struct err *err),
    void *arg, struct err *err)
{
	return lane_refs(ledger->lanes[stream], prefix, fn, arg, err);
}
