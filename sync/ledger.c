#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <git2.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"
#include "ledger.h"
#include "pack.h"
#include "repo.h"

#define QUEUE_MAX (7u << 20)     /* bytes of objects queued; buffers double */
#define PACK_FROM 100            /* objects: fewer are written loose */
#define CACHE_MAX (16ll << 20)   /* bytes of objects libgit2 keeps */
#define WINDOW (4ull << 20)      /* bytes of a pack it maps at once, */
#define MAPPED_MAX (16ull << 20) /* and in all */
#define OBJECT_MAX (32ull << 20) /* bytes of an object in a pack */
#define OBJECTS_MAX (1ull << 24) /* objects in a pack */
#define REF_MAX 4096             /* bytes of a ref's file, */
#define REF_LEN 41               /* if it is whole: an address and \n */

struct queued {
	uint8_t oid[20];
	const char *type;
	size_t at, n; /* its bytes in the lane's buffer */
	bool skip;    /* there already */
};

struct lane { /* one stream's repository */
	char *path;
	git_repository *repo; /* NULL until it is needed */
	git_odb *odb;
	struct buf bytes;
	struct queued *v;
	size_t n, cap;
};

struct move { /* of a ref */
	enum stream stream;
	char *name;
	uint8_t oid[20];
};

struct ledger {
	char *path;
	bool create;
	int lock_fd;
	unsigned locks; /* taken by this handle */
	struct lane lanes[STREAM_COUNT];
	size_t queued; /* bytes, in all lanes */
	struct move *moves;
	size_t n_moves;
};

/* --- errors and settings ------------------------------------------------ */

/* libgit2's refusal as ours. */
static int
refused(struct err *err, int rc, const char *what)
{
	const git_error *last = git_error_last();
	int code = YZ_EIO;

	if (rc == GIT_ENOTFOUND)
		code = YZ_ENOTFOUND;
	else if (rc == GIT_EINVALIDSPEC)
		code = YZ_EINVAL;
	else if (rc == GIT_EMISMATCH ||
		 (last != NULL && (last->klass == GIT_ERROR_ODB ||
				      last->klass == GIT_ERROR_ZLIB ||
				      last->klass == GIT_ERROR_OBJECT)))
		code = YZ_ECORRUPT;
	code = err_set(err, code, "%s: %s", what,
	    last != NULL && last->message != NULL ? last->message
						  : N_("unknown failure"));
	if (strstr(err->msg, strerror(ENOSPC)) != NULL)
		err->sys = ENOSPC;
	return code;
}

/* Nothing outside HOME is ever read. */
static bool
set_paths(void)
{
	static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA,
	    GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
	    GIT_CONFIG_LEVEL_GLOBAL};
	bool good = true;
	size_t i;

	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		git_buf path = GIT_BUF_INIT;

		good &= git_libgit2_opts(
			    GIT_OPT_SET_SEARCH_PATH, levels[i], "") == 0 &&
			git_libgit2_opts(
			    GIT_OPT_GET_SEARCH_PATH, levels[i], &path) == 0 &&
			path.size == 0;
		git_buf_dispose(&path);
	}
	return good;
}

/* Set, and read back. */
static bool
set_sizes(void)
{
	static const struct {
		int set, get;
		size_t value;
	} sizes[] = {
		{GIT_OPT_SET_MWINDOW_SIZE, GIT_OPT_GET_MWINDOW_SIZE, WINDOW},
		{GIT_OPT_SET_MWINDOW_MAPPED_LIMIT,
		    GIT_OPT_GET_MWINDOW_MAPPED_LIMIT, MAPPED_MAX},
		{GIT_OPT_SET_PACK_MAX_OBJECTS, GIT_OPT_GET_PACK_MAX_OBJECTS,
		    OBJECTS_MAX},
#if HAVE_DECL_GIT_OPT_SET_PACK_MAX_OBJECT_SIZE
		{GIT_OPT_SET_PACK_MAX_OBJECT_SIZE,
		    GIT_OPT_GET_PACK_MAX_OBJECT_SIZE, OBJECT_MAX},
#endif
	};
	ssize_t used, most = 0;
	bool good = true;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t got = 0;

		good &= git_libgit2_opts(sizes[i].set, sizes[i].value) == 0 &&
			git_libgit2_opts(sizes[i].get, &got) == 0 &&
			got == sizes[i].value;
	}
	good &=
	    git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)CACHE_MAX) ==
		0 &&
	    git_libgit2_opts(GIT_OPT_GET_CACHED_MEMORY, &used, &most) == 0 &&
	    most == CACHE_MAX;
	return good;
}

/* What the appliance depends on; without it nothing is opened. */
static int
set_options(struct err *err)
{
	int owner = 0;
	bool good = set_paths() && set_sizes();

	good &=
	    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1) == 0;
	good &= git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 1) == 0;
	good &= git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1) == 0;
	good &= git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, NULL, (size_t)0) == 0;
	good &= git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 1) == 0 &&
		git_libgit2_opts(GIT_OPT_GET_OWNER_VALIDATION, &owner) == 0 &&
		owner == 1;
	if (!good)
		return err_set(err, YZ_EIO, "libgit2 refuses its settings");
	return 0;
}

/* --- opening ------------------------------------------------------------ */

static void
lane_close(struct lane *lane)
{
	git_odb_free(lane->odb);
	git_repository_free(lane->repo);
	lane->odb = NULL;
	lane->repo = NULL;
}

static int
lane_open(struct ledger *ledger, enum stream stream, struct err *err)
{
	struct lane *lane = &ledger->lanes[stream];
	int rc;

	if (lane->repo != NULL)
		return 0;
	if (!repo_exists(lane->path)) {
		if (!ledger->create)
			return err_set(err, YZ_ENOTFOUND,
			    "there is no ledger of %s", stream_name(stream));
		rc = repo_make(lane->path, err);
		if (rc != 0)
			return rc;
	}
	rc = git_repository_open_bare(&lane->repo, lane->path);
	if (rc == 0)
		rc = git_repository_odb(&lane->odb, lane->repo);
	if (rc != 0) {
		rc = refused(err, rc, lane->path);
		lane_close(lane);
	}
	return rc;
}

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
			repo_sweep(ledger->lanes[s].path);
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

	git_libgit2_init();
	ledger->path = mem_printf("%s/ledger", home);
	ledger->create = create != 0;
	ledger->lock_fd = -1;
	for (s = 0; s < STREAM_COUNT; s++)
		ledger->lanes[s].path = mem_printf(
		    "%s/%s.git", ledger->path, stream_name((enum stream)s));
	rc = set_options(err);
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

	for (s = 0; s < STREAM_COUNT; s++) {
		struct lane *lane = &ledger->lanes[s];

		if (lane->bytes.cap > QUEUE_MAX / 8)
			buf_free(&lane->bytes);
		buf_clear(&lane->bytes);
		lane->n = 0;
	}
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
	for (i = 0; i < STREAM_COUNT; i++) {
		lane_close(&ledger->lanes[i]);
		free(ledger->lanes[i].path);
		free(ledger->lanes[i].v);
		buf_free(&ledger->lanes[i].bytes);
	}
	forget_moves(ledger);
	free(ledger->moves);
	if (ledger->lock_fd >= 0)
		close(ledger->lock_fd);
	free(ledger->path);
	free(ledger);
	git_libgit2_shutdown();
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

static const char *
type_name(git_object_t type)
{
	return git_object_type2string(type);
}

static int
by_oid(const void *a, const void *b)
{
	const struct queued *const *x = a, *const *y = b;
	int order = memcmp((*x)->oid, (*y)->oid, sizeof((*x)->oid));

	return order != 0 ? order : (*x > *y) - (*x < *y);
}

/* Mark what is queued twice or written before; return how many are new. */
static size_t
mark_new(struct lane *lane)
{
	struct queued **sorted = mem_alloc(lane->n * sizeof(*sorted));
	size_t i, fresh = 0;

	for (i = 0; i < lane->n; i++)
		sorted[i] = &lane->v[i];
	qsort(sorted, lane->n, sizeof(*sorted), by_oid);
	for (i = 0; i < lane->n; i++) {
		git_oid oid;

		memcpy(oid.id, sorted[i]->oid, sizeof(oid.id));
		sorted[i]->skip = (i > 0 && memcmp(sorted[i]->oid,
						sorted[i - 1]->oid, 20) == 0) ||
				  git_odb_exists_ext(lane->odb, &oid,
				      GIT_ODB_LOOKUP_NO_REFRESH);
		fresh += !sorted[i]->skip;
	}
	free(sorted);
	return fresh;
}

/* libgit2 makes the folders of what it writes and syncs these, but not the
 * folders that they are in: on disk, nothing need lead to them.  So they are
 * made before it looks. */
static int
make_folder_of(const struct lane *lane, const char *name, struct err *err)
{
	char *path = mem_printf("%s/%s", lane->path, name);
	int rc;

	*strrchr(path, '/') = '\0';
	rc = file_exists(path) ? 0 : file_mkdir(path, 0755, err);
	free(path);
	return rc;
}

static int
write_loose(struct lane *lane, struct err *err)
{
	char name[] = "objects/00/";
	const git_error *last;
	size_t i;
	git_oid oid;
	int rc;

	for (i = 0; i < lane->n; i++) {
		const struct queued *q = &lane->v[i];

		if (q->skip)
			continue;
		digest_hex(name + 8, q->oid, 1);
		name[10] = '/';
		rc = make_folder_of(lane, name, err);
		if (rc != 0)
			return rc;
		git_error_clear();
		rc = git_odb_write(&oid, lane->odb, lane->bytes.b + q->at, q->n,
		    git_object_string2type(q->type));
		/* What failed to be synced libgit2 writes once more, and is
		 * content if that goes well; but a disk that lost one write
		 * is not to be the only one that holds a changeset. */
		last = git_error_last();
		if (rc == 0 && last != NULL && last->klass == GIT_ERROR_OS)
			rc = -1;
		if (rc != 0)
			return refused(err, rc, lane->path);
		if (memcmp(oid.id, q->oid, sizeof(q->oid)) != 0)
			return err_set(err, YZ_ECORRUPT,
			    "%s: an object was written under another address",
			    lane->path);
	}
	return 0;
}

static int
write_pack(struct lane *lane, struct err *err)
{
	char *folder = mem_printf("%s/objects/pack", lane->path);
	char name[PACK_NAME_LEN + 1];
	struct pack *pack = pack_new();
	size_t i;
	int rc;

	for (i = 0; i < lane->n; i++) {
		const struct queued *q = &lane->v[i];

		if (!q->skip)
			pack_add(
			    pack, q->type, q->oid, lane->bytes.b + q->at, q->n);
	}
	rc = pack_store(name, pack, folder, err);
	pack_free(pack);
	free(folder);
	return rc;
}

/* Keep the repository's files few, and see what is there now. */
static int
tidy(struct lane *lane, struct err *err)
{
	bool packed = false, merged = false;
	int rc;

	rc = repo_pack_loose(lane->path, &packed, err);
	if (rc == 0)
		rc = repo_merge(lane->path, &merged, err);
	/* A handle never forgets a pack that is gone: take a new one. */
	if (merged)
		lane_close(lane);
	else if (rc == 0 && git_odb_refresh(lane->odb) != 0)
		rc = refused(err, -1, lane->path);
	return rc;
}

static int
write_lane(struct ledger *ledger, enum stream stream, struct err *err)
{
	struct lane *lane = &ledger->lanes[stream];
	size_t fresh;
	int rc;

	if (lane->n == 0)
		return 0;
	rc = lane_open(ledger, stream, err);
	if (rc != 0)
		return rc;
	fresh = mark_new(lane);
	if (fresh >= PACK_FROM)
		rc = write_pack(lane, err);
	else if (fresh > 0)
		rc = write_loose(lane, err);
	return rc == 0 && fresh > 0 ? tidy(lane, err) : rc;
}

static int
flush_objects(struct ledger *ledger, struct err *err)
{
	size_t s;
	int rc;

	rc = ledger_lock(ledger, err);
	if (rc == 0) {
		for (s = 0; rc == 0 && s < STREAM_COUNT; s++)
			rc = write_lane(ledger, (enum stream)s, err);
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
	struct lane *lane = &ledger->lanes[stream];
	git_object_t known = git_object_string2type(type);
	struct queued *q;

	if (known != GIT_OBJECT_BLOB && known != GIT_OBJECT_TREE &&
	    known != GIT_OBJECT_COMMIT)
		return err_set(
		    err, YZ_EINVAL, "%.16s is no type of object", type);
	if (n > OBJECT_MAX)
		return err_set(err, YZ_EINVAL,
		    "an object of %zu bytes is over %llu", n, OBJECT_MAX);
	if (lane->n == lane->cap) {
		lane->cap = lane->cap == 0 ? 64 : lane->cap * 2;
		lane->v = mem_realloc(lane->v, lane->cap * sizeof(*lane->v));
	}
	q = &lane->v[lane->n++];
	q->type = type_name(known);
	q->at = lane->bytes.len;
	q->n = n;
	q->skip = false;
	digest_git(q->oid, type, data, n);
	buf_put(&lane->bytes, data, n);
	ledger->queued += n;
	if (oid != NULL)
		memcpy(oid, q->oid, sizeof(q->oid));
	return ledger->queued > QUEUE_MAX ? flush_objects(ledger, err) : 0;
}

int
ledger_ref(struct ledger *ledger, enum stream stream, const char *name,
    const uint8_t oid[20], struct err *err)
{
	struct move *move;
	int valid;
	size_t i;

	if (git_reference_name_is_valid(&valid, name) != 0 || !valid ||
	    strncmp(name, "refs/", 5) != 0)
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

static int
set_ref(struct lane *lane, const char *name, const git_oid *oid)
{
	git_reference *ref = NULL;
	int rc;

	if (git_oid_is_zero(oid)) {
		rc = git_reference_remove(lane->repo, name);
		return rc == GIT_ENOTFOUND ? 0 : rc;
	}
	rc = git_reference_create(&ref, lane->repo, name, oid, 1, NULL);
	git_reference_free(ref);
	return rc;
}

static void
unlink_ref(const struct lane *lane, const char *name, const char *suffix)
{
	char *path = mem_printf("%s/%s%s", lane->path, name, suffix);

	unlink(path);
	free(path);
}

static int
write_ref(struct ledger *ledger, const struct move *move, struct err *err)
{
	struct lane *lane = &ledger->lanes[move->stream];
	git_oid oid;
	int rc;

	rc = lane_open(ledger, move->stream, err);
	if (rc == 0)
		rc = make_folder_of(lane, move->name, err);
	if (rc != 0)
		return rc;
	memcpy(oid.id, move->oid, sizeof(oid.id));
	rc = set_ref(lane, move->name, &oid);
	if (rc == GIT_ELOCKED) {
		/* We hold the ledger's lock, so a stopped process left it. */
		unlink_ref(lane, move->name, ".lock");
		rc = set_ref(lane, move->name, &oid);
	} else if (rc == GIT_ERROR && git_error_last() != NULL &&
		   git_error_last()->klass == GIT_ERROR_REFERENCE) {
		/* What stands there is damaged, and is not needed. */
		unlink_ref(lane, move->name, "");
		rc = set_ref(lane, move->name, &oid);
	}
	return rc != 0 ? refused(err, rc, move->name) : 0;
}

int
ledger_flush(struct ledger *ledger, struct err *err)
{
	size_t i;
	int rc;

	rc = ledger_lock(ledger, err);
	if (rc == 0) {
		rc = flush_objects(ledger, err);
		for (i = 0; rc == 0 && i < ledger->n_moves; i++)
			rc = write_ref(ledger, &ledger->moves[i], err);
		ledger_unlock(ledger);
	}
	forget_objects(ledger);
	forget_moves(ledger);
	return rc;
}

/* --- reading ------------------------------------------------------------ */

/*
 * libgit2 looks for new packs when it misses an object, and verifies the hash
 * of what it reads.  But it goes on asking for a pack that another process
 * has merged away: so once, with a new handle.
 */
static int
read_object(git_odb_object **out, struct ledger *ledger, enum stream stream,
    const uint8_t oid[20], struct err *err)
{
	struct lane *lane = &ledger->lanes[stream];
	char hex[41];
	git_oid id;
	int rc = 0, tries;

	memcpy(id.id, oid, sizeof(id.id));
	digest_hex(hex, oid, 20);
	for (tries = 0; tries < 2; tries++) {
		rc = lane_open(ledger, stream, err);
		if (rc != 0)
			return rc;
		rc = git_odb_read(out, lane->odb, &id);
		if (rc == 0)
			return 0;
		rc = refused(err, rc, hex);
		if (rc == YZ_ENOTFOUND)
			break;
		lane_close(lane);
	}
	return err_within(err, "ledger of %s", stream_name(stream));
}

int
ledger_read(struct ledger *ledger, enum stream stream, const uint8_t oid[20],
    const char *type, struct buf *out, struct err *err)
{
	git_odb_object *object = NULL;
	git_object_t found;
	char hex[41];
	int rc;

	rc = read_object(&object, ledger, stream, oid, err);
	if (rc != 0)
		return rc;
	found = git_odb_object_type(object);
	if (found == git_object_string2type(type)) {
		buf_put(out, git_odb_object_data(object),
		    git_odb_object_size(object));
	} else {
		digest_hex(hex, oid, 20);
		rc = err_set(err, YZ_ECORRUPT,
		    "ledger of %s: %s is a %s, not a %s", stream_name(stream),
		    hex, type_name(found), type);
	}
	git_odb_object_free(object);
	return rc;
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
	git_oid id;
	int rc;

	rc = lane_open(ledger, stream, err);
	if (rc != 0)
		return rc;
	rc = git_reference_name_to_id(&id, ledger->lanes[stream].repo, name);
	if (rc != 0)
		return refused(err, rc, name);
	memcpy(oid, id.id, sizeof(id.id));
	return 0;
}

struct looking { /* at the files of refs */
	const struct lane *lane;
	const char *prefix;
};

static int
look_at_ref(
    void *arg, const char *name, int64_t size, int64_t mtime, struct err *err)
{
	const struct looking *l = arg;
	char *ref = mem_printf("refs/%s", name);
	char *path = mem_printf("%s/%s", l->lane->path, ref);
	bool wanted = strncmp(ref, l->prefix, strlen(l->prefix)) == 0 &&
		      strstr(ref, ".lock") == NULL;
	struct buf text = BUF_INIT;
	uint8_t oid[20];
	int rc = 0;

	(void)size;
	(void)mtime;
	if (wanted)
		rc = file_read(&text, path, REF_MAX, err);
	if (rc == 0 && wanted &&
	    (text.len != REF_LEN || text.b[REF_LEN - 1] != '\n' ||
		!digest_unhex(oid, sizeof(oid), (char *)text.b, REF_LEN - 1)))
		rc = err_set(
		    err, YZ_ECORRUPT, "%s is damaged: yizhan scrub", path);
	buf_free(&text);
	free(path);
	free(ref);
	return rc == YZ_ENOTFOUND ? 0 : rc; /* it has just gone */
}

/* libgit2 passes over a ref that makes no sense to it, as if there were none;
 * and what it leads to would be missing without a word. */
static int
look_at_refs(const struct lane *lane, const char *prefix, struct err *err)
{
	struct looking l = {lane, prefix};
	char *path = mem_printf("%s/refs", lane->path);
	int rc = folder_walk(path, look_at_ref, &l, err);

	free(path);
	return rc;
}

int
ledger_refs(struct ledger *ledger, enum stream stream, const char *prefix,
    int (*fn)(
	void *arg, const char *name, const uint8_t oid[20], struct err *err),
    void *arg, struct err *err)
{
	git_reference_iterator *iterator = NULL;
	git_reference *ref = NULL;
	int rc;

	rc = lane_open(ledger, stream, err);
	if (rc == 0)
		rc = look_at_refs(&ledger->lanes[stream], prefix, err);
	if (rc != 0)
		return rc;
	rc = git_reference_iterator_new(&iterator, ledger->lanes[stream].repo);
	if (rc != 0)
		return refused(err, rc, prefix);
	while (rc == 0) {
		rc = git_reference_next(&ref, iterator);
		if (rc == GIT_ITEROVER) {
			rc = 0;
			break;
		}
		if (rc != 0) {
			rc = refused(err, rc, prefix);
			break;
		}
		if (strncmp(git_reference_name(ref), prefix, strlen(prefix)) ==
			0 &&
		    git_reference_target(ref) != NULL)
			rc = fn(arg, git_reference_name(ref),
			    git_reference_target(ref)->id, err);
		git_reference_free(ref);
	}
	git_reference_iterator_free(iterator);
	return rc;
}
