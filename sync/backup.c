#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup.h"
#include "base/archive.h"
#include "base/buf.h"
#include "base/caller.h"
#include "base/cipher.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"
#include "home.h"
#include "ledger.h"
#include "limit.h"
#include "local.h"
#include "replica.h"
#include "roster.h"

#define TEMP "backup.tmp" /* in HOME: the moment's files, while we write */
#define LOCK "backup.lock"
#define FAILURE "backup failed" /* wall ms and why */
#define SETTING "backup"
#define UNFINISHED ".unfinished"
#define AUDIT_TRIES 5
#define PIECE (64u << 10) /* bytes read at once */
#define KEY_MAX 4096      /* of a key's */

int
backup_room(const struct backup_info *has, int64_t size, struct err *err)
{
	if (has->files >= LIMIT_BACKUP_FILES)
		return err_set(err, YZ_EINVAL, "it would hold over %d files",
		    LIMIT_BACKUP_FILES);
	if (size > LIMIT_BACKUP - has->bytes)
		return err_set(err, YZ_EINVAL, "it would hold over %lld bytes",
		    LIMIT_BACKUP);
	return 0;
}

/* --- the moment -------------------------------------------------------------
 */

struct backup {
	struct replica *r;
	struct local *local;
	char *temp;
	bool keys;
	void (*step)(void *, int64_t, int64_t);
	void *arg;
	int64_t done, total; /* bytes */
	const char *from;    /* the folder being walked, */
	const char *prefix;  /* and how its names begin in the backup */
	struct archive_out *archive;
	struct backup_info has; /* files and bytes, in this round */
	struct cipher_sum sum;  /* of the file */
};

/* Names below from, as they stand in a backup; malloced. */
static char *
full_name(const struct backup *b, const char *name)
{
	return mem_printf("%s%s", b->prefix, name);
}

/* The ledger's files are never changed in place, so another link to each is
 * its state of now. */
static int
link_file(
    void *arg, const char *name, int64_t size, int64_t mtime, struct err *err)
{
	struct backup *b = arg;
	char *full = full_name(b, name);
	char *from = mem_printf("%s/%s", b->from, name);
	char *to = mem_printf("%s/%s", b->temp, full);
	char *slash;
	int rc = 0;

	(void)size;
	(void)mtime;
	if (backup_place(full) >= 0 && link(from, to) != 0) {
		/* The first of its folder.  Whoever seals is waiting, so we
		 * do not look for folders that are there. */
		slash = strrchr(to, '/');
		*slash = '\0';
		rc = errno == ENOENT ? file_mkdir(to, 0700, err)
				     : err_sys(err, "%s", from);
		*slash = '/';
		if (rc == 0 && link(from, to) != 0)
			rc = err_sys(err, "%s", from);
	}
	free(full);
	free(from);
	free(to);
	return rc;
}

static int
copy_db(struct backup *b, struct db *db, const char *name, struct err *err)
{
	char *path = mem_printf("%s/%s", b->temp, name);
	int rc = db_backup(db, path, err);

	free(path);
	return rc;
}

/* A file of HOME that is written anew, never in place: a link holds it as it
 * is now. */
static int
hold_file(struct backup *b, const char *name, struct err *err)
{
	char *from = home_file(replica_home(b->r), name);
	char *to = mem_printf("%s/%s", b->temp, name);
	int rc = 0;

	if (link(from, to) != 0 && errno != ENOENT)
		rc = err_sys(err, "%s", from);
	free(from);
	free(to);
	return rc;
}

/* Its line that says where the log begins, which changes when it is pruned. */
static int
audit_base(struct buf *out, const char *folder, struct err *err)
{
	char *path = mem_printf("%s/" BACKUP_AUDIT, folder);
	const char *line;
	int rc = file_read(out, path, KEY_MAX, err);

	line = strstr(buf_str(out), "\nbase ");
	if (line != NULL)
		out->len = (size_t)(strchrnul(line + 1, '\n') - buf_str(out));
	free(path);
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

/*
 * Where the audit log ends is written after each entry.  So that is held
 * first, and the log may have more; but it has to begin where that says.
 */
static int
hold_local(struct backup *b, struct err *err)
{
	struct buf was = BUF_INIT, is = BUF_INIT;
	char *db = mem_printf("%s/local.db", b->temp);
	char *audit = mem_printf("%s/" BACKUP_AUDIT, b->temp);
	char *lock = home_file(replica_home(b->r), BACKUP_AUDIT ".lock");
	bool same = false;
	int rc = 0, tries, fd;

	for (tries = 0; rc == 0 && !same && tries < AUDIT_TRIES; tries++) {
		buf_clear(&was);
		buf_clear(&is);
		(void)unlink(db);
		(void)unlink(audit);
		rc = hold_file(b, BACKUP_AUDIT, err);
		if (rc == 0)
			rc = copy_db(b, local_db(b->local), "local.db", err);
		if (rc == 0)
			rc = audit_base(&was, b->temp, err);
		/* Whoever prunes has the lock until both are written. */
		if (rc == 0)
			rc = file_lock(&fd, lock, true, err);
		if (rc == 0) {
			rc = audit_base(&is, replica_home(b->r)->path, err);
			close(fd);
		}
		same = strcmp(buf_str(&was), buf_str(&is)) == 0;
	}
	if (rc == 0 && !same)
		rc = err_set(err, YZ_ECONFLICT,
		    "the audit log is being pruned: again later");
	buf_free(&was);
	buf_free(&is);
	free(db);
	free(audit);
	free(lock);
	return rc;
}

/* Replica and ledger of one moment: whoever seals waits for the lock. */
static int
hold_moment(struct backup *b, struct err *err)
{
	struct ledger *ledger = replica_ledger(b->r);
	char *path = home_file(replica_home(b->r), "ledger");
	int rc;

	rc = replica_seal(b->r, err);
	if (rc == 0)
		rc = ledger_lock(ledger, err);
	if (rc == 0) {
		rc = copy_db(b, replica_db(b->r), "yizhan.db", err);
		b->from = path;
		b->prefix = "ledger/";
		if (rc == 0)
			rc = folder_walk(path, link_file, b, err);
		ledger_unlock(ledger);
	}
	if (rc == 0)
		rc = hold_local(b, err);
	if (rc == 0)
		rc = hold_file(b, BACKUP_KEYS, err);
	if (rc == 0) /* of a root part that is in yizhan.db it is there now */
		rc = hold_file(b, "pins", err);
	free(path);
	return rc;
}

/* --- into the file ----------------------------------------------------------
 */

static int
put_file(struct backup *b, const char *path, const char *name, int64_t size,
    int64_t mtime, struct err *err)
{
	uint8_t *piece = mem_alloc(PIECE);
	int64_t left = size;
	int rc, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0) {
		free(piece);
		return err_sys(err, "%s", path);
	}
	rc = archive_out_entry(b->archive, name, size, mtime, err);
	while (rc == 0 && left > 0) {
		ssize_t n = read(
		    fd, piece, left < (int64_t)PIECE ? (size_t)left : PIECE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			rc = n < 0 ? err_sys(err, "%s", path)
				   : err_set(err, YZ_EIO,
					 "%s was cut while it was read", path);
			break;
		}
		rc = archive_out_put(b->archive, piece, (size_t)n, err);
		left -= n;
		b->done += n;
		if (b->step != NULL)
			b->step(b->arg, b->done, b->total);
	}
	close(fd);
	free(piece);
	return rc;
}

/* A file that folder_walk() found: counted first, put later. */
static int
add_file(
    void *arg, const char *name, int64_t size, int64_t mtime, struct err *err)
{
	struct backup *b = arg;
	char *full = full_name(b, name), *path;
	int64_t most = backup_place(full);
	bool goes = most >= 0;
	int rc = 0;

	/* Nobody is to have a backup that no program takes back. */
	if (goes && size > most)
		rc = err_set(err, YZ_EINVAL,
		    "%s/%s of %lld bytes is over %lld: it is no file of this "
		    "program's, move it away",
		    b->from, name, (long long)size, (long long)most);
	else if (goes)
		rc = backup_room(&b->has, size, err);
	b->has.files++;
	b->has.bytes += size;
	if (rc == 0 && goes && b->archive == NULL)
		b->total += size;
	else if (rc == 0 && goes) {
		path = mem_printf("%s/%s", b->from, name);
		rc = put_file(b, path, full, size, mtime, err);
		free(path);
	}
	free(full);
	return rc;
}

static int
add_folder(
    struct backup *b, const char *from, const char *prefix, struct err *err)
{
	b->from = from;
	b->prefix = prefix;
	return folder_walk(from, add_file, b, err);
}

static int
add_all(struct backup *b, struct err *err)
{
	const struct home *home = replica_home(b->r);
	char *blobs = home_file(home, "blobs");
	char *keys = home_file(home, "keys");
	int rc;

	b->has.files = 2; /* put_info() */
	b->has.bytes = 2 * (int64_t)KEY_MAX;
	rc = add_folder(b, b->temp, "", err);
	if (rc == 0)
		rc = add_folder(b, blobs, "blobs/", err);
	if (rc == 0 && b->keys)
		rc = add_folder(b, keys, "keys/", err);
	free(blobs);
	free(keys);
	return rc;
}

static int
put_info(struct backup *b, int64_t now, struct err *err)
{
	const struct home *home = replica_home(b->r);
	struct buf text = BUF_INIT;
	int rc;

	buf_printf(&text, "yizhan-backup 1\ncode %s\ntime %lld\nkeys %d\n",
	    home->code, (long long)now, b->keys);
	rc = archive_out_entry(
	    b->archive, BACKUP_INFO, (int64_t)text.len, now / 1000, err);
	if (rc == 0)
		rc = archive_out_put(b->archive, text.b, text.len, err);
	buf_clear(&text);
	home_station_text(&text, home);
	if (rc == 0)
		rc = archive_out_entry(
		    b->archive, "station", (int64_t)text.len, now / 1000, err);
	if (rc == 0)
		rc = archive_out_put(b->archive, text.b, text.len, err);
	buf_free(&text);
	return rc;
}

static int
write_cipher(void *arg, const void *data, size_t n, struct err *err)
{
	return cipher_write(arg, data, n, err);
}

static int
fill(struct backup *b, int fd, const struct cipher_key *key, int64_t now,
    struct err *err)
{
	struct cipher_out *cipher = NULL;
	int rc;

	rc = add_all(b, err); /* counts */
	if (rc == 0)
		rc = cipher_out_new(&cipher, fd, key, err);
	if (rc == 0)
		rc = archive_out_new(&b->archive, write_cipher, cipher, err);
	if (rc == 0)
		rc = put_info(b, now, err);
	if (rc == 0)
		rc = add_all(b, err);
	if (rc == 0)
		rc = archive_out_finish(b->archive, err);
	if (rc == 0)
		rc = cipher_finish(cipher, &b->sum, err);
	archive_out_free(b->archive);
	b->archive = NULL;
	cipher_out_free(cipher);
	return rc;
}

static int
write_file(struct backup *b, const char *path, const struct cipher_key *key,
    int64_t now, struct err *err)
{
	char *temp = mem_printf("%s" UNFINISHED, path);
	int rc, fd = -1;

	/* Ours alone: whoever else would write it waits for the lock. */
	caller_begin_at(path);
	if (unlink(temp) == 0 || errno == ENOENT)
		fd = open(temp,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	rc = fd < 0 ? err_sys(err, "%s", path) : 0;
	caller_end();
	if (rc != 0) {
		free(temp);
		return rc;
	}
	rc = fill(b, fd, key, now, err);
	if (rc == 0 && fsync(fd) != 0)
		rc = err_sys(err, "%s", path);
	if (close(fd) != 0 && rc == 0)
		rc = err_sys(err, "%s", path);
	caller_begin_at(path);
	if (rc == 0)
		rc = file_rename_new(temp, path, err);
	if (rc != 0)
		unlink(temp);
	else
		rc = file_sync_folder(path, err);
	caller_end();
	free(temp);
	return rc;
}

/* Of one that was killed, beside ours and under a name by time, which no later
 * one has again. */
static void
sweep(const char *path, const char *code)
{
	char *folder = mem_strdup(path), *slash = strrchr(folder, '/');
	char head[32];
	struct dirent *e;
	DIR *dir;
	int n = snprintf(head, sizeof(head), "yizhan-%s-", code);

	if (slash != NULL)
		slash[1] = '\0';
	caller_begin_at(path);
	dir = opendir(slash == NULL ? "." : folder);
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		const char *s = e->d_name;

		if (strncmp(s, head, (size_t)n) != 0)
			continue;
		s += n + strspn(s + n, "0123456789-");
		if (strcmp(s, ".backup" UNFINISHED) == 0)
			unlinkat(dirfd(dir), e->d_name, 0);
	}
	if (dir != NULL)
		closedir(dir);
	caller_end();
	free(folder);
}

/* local.db remembers it, for doctor: as the setting "backup", which is wall
 * ms, the file's bytes, their SHA-256 and its path. */
static int
remember(const struct backup *b, const char *path, int64_t now, struct err *err)
{
	char hex[DIGEST_HEX_LEN + 1], *whole, *value;
	int rc;

	caller_begin();
	whole = realpath(path, NULL);
	caller_end();
	digest_hex(hex, b->sum.hash.b, sizeof(b->sum.hash.b));
	value = mem_printf("%lld %lld %s %s", (long long)now,
	    (long long)b->sum.bytes, hex, whole == NULL ? path : whole);
	rc = local_set(b->local, SETTING, value, err);
	if (rc == 0)
		rc = local_set(b->local, FAILURE, NULL, err);
	free(whole);
	free(value);
	return rc;
}

void
backup_note_failure(struct local *local, const char *why)
{
	char *value = mem_printf("%lld %s", (long long)clock_wall(), why);
	struct err ignored;

	(void)local_set(local, FAILURE, value, &ignored);
	free(value);
}

int
backup_failure(
    int64_t *time, struct buf *why, struct local *local, struct err *err)
{
	struct buf value = BUF_INIT;
	long long ms = 0;
	int rc, at = 0;

	rc = local_get(local, &value, FAILURE, err);
	if (rc == 0 && sscanf(buf_str(&value), "%15lld %n", &ms, &at) != 1)
		rc = err_set(err, YZ_ENOTFOUND,
		    "of the last backup nothing certain is known");
	if (rc == 0) {
		*time = ms;
		buf_puts(why, buf_str(&value) + at);
	}
	buf_free(&value);
	return rc;
}

int
backup_last(struct backup_last *out, struct local *local, struct err *err)
{
	long long time = 0, bytes = 0;
	struct buf value = BUF_INIT;
	char hex[DIGEST_HEX_LEN + 1];
	int rc, at = 0;

	memset(out, 0, sizeof(*out));
	rc = local_get(local, &value, SETTING, err);
	if (rc == 0 && (sscanf(buf_str(&value), "%15lld %15lld %64[0-9a-f] %n",
			    &time, &bytes, hex, &at) != 3 ||
			   at == 0 ||
			   !digest_unhex(out->hash.b, sizeof(out->hash.b), hex,
			       strlen(hex))))
		rc = err_set(err, YZ_ENOTFOUND,
		    "of the last backup nothing certain is known");
	if (rc == 0) {
		out->time = time;
		out->bytes = bytes;
		out->path = mem_strdup(buf_str(&value) + at);
	}
	buf_free(&value);
	return rc;
}

bool
backup_needs_keys(struct replica *r)
{
	static const struct digest none;
	const struct roster_station *st =
	    roster_find(replica_roster(r), replica_home(r)->code);

	return st == NULL || st->parent[0] == '\0' ||
	       digest_equal(&st->recovery, &none);
}

int
backup_write(struct replica *r, struct local *local, const char *path,
    const struct cipher_key *key, bool keys,
    void (*step)(void *, int64_t, int64_t), void *arg, struct err *err)
{
	struct backup b = {.r = r,
	    .local = local,
	    .temp = home_file(replica_home(r), TEMP),
	    .keys = keys,
	    .step = step,
	    .arg = arg};
	char *lock = home_file(replica_home(r), LOCK);
	int64_t now = clock_wall();
	struct err ignored;
	int rc, fd = -1;

	rc = file_lock(&fd, lock, false, err);
	if (rc == YZ_ECONFLICT)
		rc = err_set(err, YZ_ECONFLICT, "another backup is under way");
	/* Before hours of work, too: it is not written over. */
	if (rc == 0 && caller_has(path)) {
		rc = err_set(err, YZ_ECONFLICT, "%s is there already", path);
		close(fd);
	}
	if (rc == 0) {
		/* What one that was killed has left. */
		rc = folder_remove(b.temp, err);
		if (rc == 0)
			rc = file_mkdir(b.temp, 0700, err);
		if (rc == 0) {
			sweep(path, replica_home(r)->code);
			rc = hold_moment(&b, err);
		}
		if (rc == 0)
			rc = write_file(&b, path, key, now, err);
		(void)folder_remove(b.temp, &ignored);
		if (rc == 0)
			rc = remember(&b, path, now, err);
		close(fd);
	}
	free(lock);
	free(b.temp);
	return rc;
}
