#include "config.h"

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
#include "lane.h"
#include "pack.h"
#include "repo.h"

#define PACK_FROM 100         /* objects: fewer are written loose */
#define KEPT_MAX (896u << 10) /* bytes of a buffer that is kept */
#define REF_MAX 4096          /* bytes of a ref's file, */
#define REF_LEN 41            /* if it is whole: an address and \n */

struct queued {
	uint8_t oid[20];
	const char *type;
	size_t at, n; /* its bytes in the lane's buffer */
	bool skip;    /* there already */
};

struct lane {
	enum stream stream;
	char *path;
	bool create;
	git_repository *repo; /* NULL until it is needed */
	git_odb *odb;
	struct buf bytes;
	struct queued *v;
	size_t n, cap;
};

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

/* --- opening ------------------------------------------------------------ */

struct lane *
lane_new(const char *folder, enum stream stream, bool create)
{
	struct lane *lane = mem_calloc(1, sizeof(*lane));

	lane->stream = stream;
	lane->path = mem_printf("%s/%s.git", folder, stream_name(stream));
	lane->create = create;
	return lane;
}

static void
let_go(struct lane *lane)
{
	git_odb_free(lane->odb);
	git_repository_free(lane->repo);
	lane->odb = NULL;
	lane->repo = NULL;
}

static int
open_repo(struct lane *lane, struct err *err)
{
	int rc;

	if (lane->repo != NULL)
		return 0;
	if (!repo_exists(lane->path)) {
		if (!lane->create)
			return err_set(err, YZ_ENOTFOUND,
			    "there is no ledger of %s",
			    stream_name(lane->stream));
		rc = repo_make(lane->path, err);
		if (rc != 0)
			return rc;
	}
	rc = git_repository_open_bare(&lane->repo, lane->path);
	if (rc == 0)
		rc = git_repository_odb(&lane->odb, lane->repo);
	if (rc != 0) {
		rc = refused(err, rc, lane->path);
		let_go(lane);
	}
	return rc;
}

void
lane_free(struct lane *lane)
{
	if (lane == NULL)
		return;
	let_go(lane);
	free(lane->path);
	free(lane->v);
	buf_free(&lane->bytes);
	free(lane);
}

void
lane_sweep(const struct lane *lane)
{
	repo_sweep(lane->path);
}

/* --- writing ------------------------------------------------------------ */

int
lane_put(struct lane *lane, const char *type, const void *data, size_t n,
    uint8_t oid[20], struct err *err)
{
	git_object_t known = git_object_string2type(type);
	struct queued *q;

	if (known != GIT_OBJECT_BLOB && known != GIT_OBJECT_TREE &&
	    known != GIT_OBJECT_COMMIT)
		return err_set(
		    err, YZ_EINVAL, "%.16s is no type of object", type);
	if (n > LANE_OBJECT_MAX)
		return err_set(err, YZ_EINVAL,
		    "an object of %zu bytes is over %llu", n, LANE_OBJECT_MAX);
	if (lane->n == lane->cap) {
		lane->cap = lane->cap == 0 ? 64 : lane->cap * 2;
		lane->v = mem_realloc(lane->v, lane->cap * sizeof(*lane->v));
	}
	q = &lane->v[lane->n++];
	q->type = git_object_type2string(known);
	q->at = lane->bytes.len;
	q->n = n;
	q->skip = false;
	digest_git(q->oid, type, data, n);
	buf_put(&lane->bytes, data, n);
	if (oid != NULL)
		memcpy(oid, q->oid, sizeof(q->oid));
	return 0;
}

void
lane_forget(struct lane *lane)
{
	if (lane->bytes.cap > KEPT_MAX)
		buf_free(&lane->bytes);
	buf_clear(&lane->bytes);
	lane->n = 0;
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
		let_go(lane);
	else if (rc == 0 && git_odb_refresh(lane->odb) != 0)
		rc = refused(err, -1, lane->path);
	return rc;
}

int
lane_write(struct lane *lane, struct err *err)
{
	size_t fresh;
	int rc;

	if (lane->n == 0)
		return 0;
	rc = open_repo(lane, err);
	if (rc != 0)
		return rc;
	fresh = mark_new(lane);
	if (fresh >= PACK_FROM)
		rc = write_pack(lane, err);
	else if (fresh > 0)
		rc = write_loose(lane, err);
	return rc == 0 && fresh > 0 ? tidy(lane, err) : rc;
}

bool
lane_ref_valid(const char *name)
{
	int valid;

	return git_reference_name_is_valid(&valid, name) == 0 && valid &&
	       strncmp(name, "refs/", 5) == 0;
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

int
lane_ref_set(
    struct lane *lane, const char *name, const uint8_t oid[20], struct err *err)
{
	git_oid id;
	int rc;

	rc = open_repo(lane, err);
	if (rc == 0)
		rc = make_folder_of(lane, name, err);
	if (rc != 0)
		return rc;
	memcpy(id.id, oid, sizeof(id.id));
	rc = set_ref(lane, name, &id);
	if (rc == GIT_ELOCKED) {
		/* We hold the ledger's lock, so a stopped process left it. */
		unlink_ref(lane, name, ".lock");
		rc = set_ref(lane, name, &id);
	} else if (rc == GIT_ERROR && git_error_last() != NULL &&
		   git_error_last()->klass == GIT_ERROR_REFERENCE) {
		/* What stands there is damaged, and is not needed. */
		unlink_ref(lane, name, "");
		rc = set_ref(lane, name, &id);
	}
	return rc != 0 ? refused(err, rc, name) : 0;
}

/* --- reading ------------------------------------------------------------ */

/*
 * libgit2 looks for new packs when it misses an object, and verifies the hash
 * of what it reads.  But it goes on asking for a pack that another process
 * has merged away: so once, with a new handle.
 */
static int
read_object(git_odb_object **out, struct lane *lane, const uint8_t oid[20],
    struct err *err)
{
	char hex[41];
	git_oid id;
	int rc = 0, tries;

	memcpy(id.id, oid, sizeof(id.id));
	digest_hex(hex, oid, 20);
	for (tries = 0; tries < 2; tries++) {
		rc = open_repo(lane, err);
		if (rc != 0)
			return rc;
		rc = git_odb_read(out, lane->odb, &id);
		if (rc == 0)
			return 0;
		rc = refused(err, rc, hex);
		if (rc == YZ_ENOTFOUND)
			break;
		let_go(lane);
	}
	return err_within(err, "ledger of %s", stream_name(lane->stream));
}

int
lane_read(struct lane *lane, const uint8_t oid[20], const char *type,
    struct buf *out, struct err *err)
{
	git_odb_object *object = NULL;
	git_object_t found;
	char hex[41];
	int rc;

	rc = read_object(&object, lane, oid, err);
	if (rc != 0)
		return rc;
	found = git_odb_object_type(object);
	if (found == git_object_string2type(type)) {
		buf_put(out, git_odb_object_data(object),
		    git_odb_object_size(object));
	} else {
		digest_hex(hex, oid, 20);
		rc = err_set(err, YZ_ECORRUPT,
		    "ledger of %s: %s is a %s, not a %s",
		    stream_name(lane->stream), hex,
		    git_object_type2string(found), type);
	}
	git_odb_object_free(object);
	return rc;
}

int
lane_ref_get(
    struct lane *lane, const char *name, uint8_t oid[20], struct err *err)
{
	git_oid id;
	int rc;

	rc = open_repo(lane, err);
	if (rc != 0)
		return rc;
	rc = git_reference_name_to_id(&id, lane->repo, name);
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
lane_refs(struct lane *lane, const char *prefix,
    int (*fn)(
	void *arg, const char *name, const uint8_t oid[20], struct err *err),
    void *arg, struct err *err)
{
	git_reference_iterator *iterator = NULL;
	git_reference *ref = NULL;
	int rc;

	rc = open_repo(lane, err);
	if (rc == 0)
		rc = look_at_refs(lane, prefix, err);
	if (rc != 0)
		return rc;
	rc = git_reference_iterator_new(&iterator, lane->repo);
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
