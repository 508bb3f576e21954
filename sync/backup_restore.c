#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "backup.h"
#include "base/archive.h"
#include "base/buf.h"
#include "base/cipher.h"
#include "base/err.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"
#include "home.h"
#include "limit.h"
#include "repo.h"
#include "sign.h"

#define TEMP "restore.tmp" /* in HOME, until it is whole */

struct restore {
	struct backup_info *info;
	const char *home;
	char *temp; /* HOME/restore.tmp, or NULL: only look */
	struct cipher_in *cipher;
	void (*step)(void *, int64_t, int64_t);
	void *arg;
	int64_t done;
	bool station, replica; /* these were in it */
};

/* --- an entry ---------------------------------------------------------------
 */

/* "yizhan-backup 1\ncode 520302\ntime 1795000000000\nkeys 1\n" */
static int
read_info(struct backup_info *info, struct buf *text, struct err *err)
{
	long long time;
	int keys;

	if (sscanf(buf_str(text),
		"yizhan-backup 1\ncode %6[0-9]\ntime %15lld\nkeys %1d\n",
		info->code, &time, &keys) != 3 ||
	    !chain_is_code(info->code, strlen(info->code)))
		return err_set(err, YZ_ECORRUPT,
		    "it was written by a later version of this program");
	info->time = time;
	info->keys = keys != 0;
	return 0;
}

/* Make the folders of path below temp. */
static int
make_folders(const char *path, struct err *err)
{
	char *folder = mem_strdup(path);
	int rc;

	*strrchr(folder, '/') = '\0';
	rc = file_mkdir(folder, 0700, err);
	free(folder);
	return rc;
}

/* The entry's bytes, to fd unless it is -1, and to text if that is wanted. */
static int
copy_bytes(struct restore *s, struct archive_in *in, int fd, struct buf *text,
    struct err *err)
{
	const void *p;
	size_t n;
	int rc;

	while ((rc = archive_in_get(in, &p, &n, err)) == 1) {
		s->done += (int64_t)n;
		if (s->step != NULL)
			s->step(s->arg, s->done, 2 * s->info->bytes);
		if (text != NULL)
			buf_put(text, p, n);
		if (fd >= 0 && !file_put(fd, p, n))
			return err_sys(err, "%s", s->home);
	}
	return rc;
}

/* A name that comes twice is refused here. */
static int
create(const char *path, const char *name)
{
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    strcmp(name, "station") == 0 ? 0644 : 0600);
}

static int
take_file(
    struct restore *s, struct archive_in *in, const char *name, struct err *err)
{
	char *path = mem_printf("%s/%s", s->temp, name);
	int rc = 0, fd = create(path, name);

	if (fd < 0 && errno == ENOENT) { /* the first of its folder */
		rc = make_folders(path, err);
		if (rc == 0)
			fd = create(path, name);
	}
	if (rc == 0 && fd < 0)
		rc = err_sys(err, "%s", path);
	if (rc == 0)
		rc = copy_bytes(s, in, fd, NULL, err);
	if (fd >= 0 && close(fd) != 0 && rc == 0)
		rc = err_sys(err, "%s", path);
	free(path);
	return rc;
}

static int
take_entry(struct restore *s, struct archive_in *in,
    const struct archive_item *item, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	if (item->size > backup_place(item->name))
		return err_set(err, YZ_ECORRUPT,
		    "it holds %.100s of %lld bytes, which has no place here",
		    item->name, (long long)item->size);
	if ((s->info->files == 0) != (strcmp(item->name, BACKUP_INFO) == 0))
		return err_set(
		    err, YZ_ECORRUPT, "it does not begin as a backup does");
	rc = backup_room(s->info, item->size, err);
	if (rc != 0)
		return rc;
	s->info->files++;
	s->info->bytes += item->size;
	s->station |= strcmp(item->name, "station") == 0;
	s->replica |= strcmp(item->name, "yizhan.db") == 0;
	if (s->info->files == 1) {
		rc = copy_bytes(s, in, -1, &text, err);
		if (rc == 0)
			rc = read_info(s->info, &text, err);
		buf_free(&text);
		return rc;
	}
	if (s->temp == NULL)
		return copy_bytes(s, in, -1, NULL, err);
	return take_file(s, in, item->name, err);
}

/* --- the file ---------------------------------------------------------------
 */

static int
read_cipher(void *arg, const void **data, size_t *n, struct err *err)
{
	return cipher_read(arg, data, n, err);
}

/* To the end of the file, which the archive's may come before. */
static int
drain(struct cipher_in *cipher, struct err *err)
{
	const void *p;
	size_t n;
	int rc;

	do {
		rc = cipher_read(cipher, &p, &n, err);
	} while (rc == 0 && n > 0);
	return rc;
}

static int
read_file(
    struct restore *s, int fd, const struct cipher_key *key, struct err *err)
{
	struct archive_in *in = NULL;
	struct archive_item item;
	int rc;

	memset(s->info, 0, sizeof(*s->info));
	s->station = s->replica = false;
	if (lseek(fd, 0, SEEK_SET) != 0)
		return err_sys(err, "read");
	rc = cipher_in_new(&s->cipher, fd, key, err);
	if (rc == 0)
		rc = archive_in_new(&in, read_cipher, s->cipher, err);
	while (rc == 0 && (rc = archive_in_next(in, &item, err)) == 1)
		rc = take_entry(s, in, &item, err);
	if (rc == 0)
		rc = drain(s->cipher, err);
	archive_in_free(in);
	cipher_in_free(s->cipher);
	s->cipher = NULL;
	if (rc == 0 && (!s->station || !s->replica))
		rc = err_set(err, YZ_ECORRUPT, "it holds no station");
	return rc;
}

/* --- HOME -------------------------------------------------------------------
 */

/* What HOME is moved into place by; station last: it makes the rest one. */
static const char *const names[] = {"keys", BACKUP_KEYS, "blobs", "ledger",
    BACKUP_AUDIT, "local.db", "pins", "yizhan.db", "station"};
#define NAMES (sizeof(names) / sizeof(*names))

static bool
is_there(const char *home, const char *name)
{
	char *path = mem_printf("%s/%s", home, name);
	bool there = file_exists(path);

	free(path);
	return there;
}

/* Did a restore end here before its end?  While TEMP is there and no station
 * yet, all that has a name of ours is ours. */
static bool
was_cut(const char *home)
{
	return is_there(home, TEMP) && !is_there(home, "station");
}

static bool
may_stay(const char *name, bool cut)
{
	size_t i;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strcmp(name, TEMP) == 0 || strcmp(name, "setup") == 0 ||
	    strcmp(name, "lost+found") == 0)
		return true;
	for (i = 0; cut && i < NAMES; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Absent, or a folder with nothing in it but what we left, or a set-up that
 * was not brought to its end. */
int
backup_has_place(const char *home, struct err *err)
{
	bool cut = was_cut(home);
	DIR *dir = opendir(home);
	struct dirent *e;
	int rc = 0;

	if (dir == NULL)
		return errno == ENOENT ? 0 : err_sys(err, "%s", home);
	while (rc == 0 && (e = readdir(dir)) != NULL)
		if (!may_stay(e->d_name, cut))
			rc = err_set(err, YZ_ECONFLICT,
			    "%s is not empty (%s is there): move it away first "
			    "(systemctl stop yizhan; mv %s %s.old)",
			    home, e->d_name, home, home);
	closedir(dir);
	return rc;
}

/* What one that was cut short has moved; then TEMP, which says so. */
static int
clear(const char *home, struct err *err)
{
	bool cut = was_cut(home);
	char *path;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && cut && i < NAMES; i++) {
		path = mem_printf("%s/%s", home, names[i]);
		rc = folder_remove(path, err);
		free(path);
	}
	path = mem_printf("%s/" TEMP, home);
	if (rc == 0)
		rc = folder_remove(path, err);
	free(path);
	return rc;
}

static int
check_room(const char *home, int64_t bytes, struct err *err)
{
	struct statvfs fs;
	int64_t room;

	if (statvfs(home, &fs) != 0)
		return err_sys(err, "%s", home);
	room = (int64_t)(fs.f_bavail * fs.f_frsize);
	bytes += bytes / 8;
	if (room < bytes)
		return err_set(err, YZ_EIO,
		    "it needs %.1f GB, and %.1f GB are free for %s",
		    (double)bytes / 1e9, (double)room / 1e9, home);
	return 0;
}

/* What is not in a backup: HEAD and config of each repository, and keys if
 * they were left out. */
static int
complete(struct restore *s, struct err *err)
{
	char *path;
	int i, rc = 0;

	for (i = 0; rc == 0 && i < STREAM_COUNT; i++) {
		path = mem_printf(
		    "%s/ledger/%s.git", s->temp, stream_name((enum stream)i));
		if (file_exists(path))
			rc = repo_make(path, err);
		free(path);
	}
	for (i = 0; rc == 0 && !s->info->keys && i < 2; i++) {
		struct sign_key key;

		path =
		    mem_printf("%s/keys/%s", s->temp, i == 0 ? "sign" : "ssh");
		sign_generate(&key);
		rc = make_folders(path, err);
		if (rc == 0)
			rc = sign_save(&key, path, err);
		explicit_bzero(&key, sizeof(key));
		free(path);
	}
	return rc;
}

/* Is it a station, and the one that the backup says? */
static int
check_home(struct restore *s, struct err *err)
{
	struct home *home;
	int rc = home_open(&home, s->temp, err);

	if (rc != 0)
		return rc;
	if (strcmp(home->code, s->info->code) != 0)
		rc = err_set(err, YZ_ECORRUPT, "it is of two stations");
	home_free(home);
	return rc;
}

static int
move_up(struct restore *s, const char *name, struct err *err)
{
	char *from = mem_printf("%s/%s", s->temp, name);
	char *to = mem_printf("%s/%s", s->home, name);
	int rc = 0;

	if (rename(from, to) != 0 && errno != ENOENT)
		rc = err_sys(err, "%s", to);
	free(from);
	free(to);
	return rc;
}

/* On disk first; then into their places, station last: it makes the rest a
 * station. */
static int
settle(struct restore *s, struct err *err)
{
	char *station = mem_printf("%s/station", s->home);
	int rc = 0, fd = open(s->temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t i;

	if (fd < 0 || syncfs(fd) != 0)
		rc = err_sys(err, "%s", s->home);
	if (fd >= 0)
		close(fd);
	for (i = 0; rc == 0 && i < NAMES; i++) {
		if (i == NAMES - 1)
			rc = file_sync_folder(station, err);
		if (rc == 0)
			rc = move_up(s, names[i], err);
	}
	if (rc == 0)
		rc = file_sync_folder(station, err);
	free(station);
	return rc;
}

int
backup_restore(struct backup_info *out, const char *home, int fd,
    const struct cipher_key *key, void (*step)(void *, int64_t, int64_t),
    void *arg, struct err *err)
{
	struct restore s = {
	    .info = out, .home = home, .step = step, .arg = arg};
	char *temp = mem_printf("%s/" TEMP, home);
	bool made = !file_exists(home);
	struct err ignored;
	int rc;

	rc = backup_has_place(home, err);
	/* All of it is looked at before anything is written. */
	if (rc == 0)
		rc = read_file(&s, fd, key, err);
	if (rc == 0) {
		rc = file_mkdir(home, 0700, err);
		if (rc == 0)
			rc = check_room(home, out->bytes, err);
		s.temp = temp;
		if (rc == 0)
			rc = clear(home, err);
		if (rc == 0)
			rc = file_mkdir(temp, 0700, err);
		if (rc == 0)
			rc = read_file(&s, fd, key, err);
		if (rc == 0)
			rc = complete(&s, err);
		if (rc == 0)
			rc = check_home(&s, err);
		if (rc == 0)
			rc = settle(&s, err);
		(void)clear(home, &ignored);
		if (rc != 0 && made)
			(void)rmdir(home);
	}
	free(temp);
	return rc;
}

int
backup_check(struct backup_info *out, int fd, const struct cipher_key *key,
    struct err *err)
{
	struct restore s = {.info = out, .home = ""};

	return read_file(&s, fd, key, err);
}
