#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#define FILE_CHUNK (64u << 10) /* bytes read or written at once */

static int
read_fd(struct buf *out, int fd, const char *path, size_t max, struct err *err)
{
	uint8_t *chunk = mem_alloc(FILE_CHUNK);
	size_t before = out->len;
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = read(fd, chunk, FILE_CHUNK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = err_sys(err, "%s", path);
		else if ((size_t)n > max - (out->len - before))
			rc = err_set(
			    err, YZ_EINVAL, "%s is over %zu bytes", path, max);
		else
			buf_put(out, chunk, (size_t)n);
	}
	free(chunk);
	return rc;
}

int
file_read(struct buf *out, const char *path, size_t max, struct err *err)
{
	int fd, rc;

	if (strcmp(path, "-") == 0)
		return read_fd(
		    out, STDIN_FILENO, N_("standard input"), max, err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		rc = err_sys(err, "%s", path);
		if (err->sys == ENOENT || err->sys == ENOTDIR)
			rc = err->code = YZ_ENOTFOUND;
		return rc;
	}
	rc = read_fd(out, fd, path, max, err);
	close(fd);
	return rc;
}

bool
file_put(int fd, const void *data, size_t n)
{
	const uint8_t *p = data;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

/* Not every file system can do it in one step: there it is looked at first. */
int
file_rename_new(const char *from, const char *to, struct err *err)
{
	struct stat st;
	int rc;

	rc = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
	if (rc != 0 && (errno == EINVAL || errno == ENOSYS)) {
		if (lstat(to, &st) == 0)
			errno = EEXIST;
		else if (errno == ENOENT)
			rc = rename(from, to);
	}
	if (rc != 0 && errno == EEXIST)
		return err_set(err, YZ_ECONFLICT, "%s is there already", to);
	return rc == 0 ? 0 : err_sys(err, "%s", to);
}

int
file_sync_folder(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int fd, rc = 0;

	if (slash == NULL)
		folder = mem_strdup(".");
	else if (slash == path)
		folder = mem_strdup("/");
	else
		folder = mem_strndup(path, (size_t)(slash - path));
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		rc = err_sys(err, "%s", folder);
	if (fd >= 0)
		close(fd);
	free(folder);
	return rc;
}

struct bytes {
	const void *data;
	size_t n;
};

static int
fill_bytes(void *arg, struct buf *out, int fd, struct err *err)
{
	const struct bytes *bytes = arg;

	(void)fd;
	(void)err;
	buf_put(out, bytes->data, bytes->n);
	return 0;
}

int
file_write(
    const char *path, const void *data, size_t n, mode_t mode, struct err *err)
{
	struct bytes bytes = {data, n};

	return file_write_with(path, mode, fill_bytes, &bytes, err);
}

/* What goes behind the name of a file that is not whole yet: nobody's own file
 * is called so, and git takes it for no ref. */
#define TEMP_MARK ".new-"
#define TEMP_CHANCE "XXXXXX"
#define TEMP_END ".lock"

/* Who writes it has an flock on it.  Without one it is of somebody who was
 * killed, and may be gone before we have it: then there is another. */
static int
open_temp(char **out, const char *path, struct err *err)
{
	struct stat st;
	int fd;

	for (;;) {
		char *temp =
		    mem_printf("%s" TEMP_MARK TEMP_CHANCE TEMP_END, path);

		fd = mkostemps(temp, sizeof(TEMP_END) - 1, O_CLOEXEC);
		if (fd < 0) {
			fd = err_sys(err, "%s", path);
			free(temp);
			return fd;
		}
		/* Not every file system has locks: nor is it swept then. */
		(void)flock(fd, LOCK_EX);
		if (fstat(fd, &st) != 0 || st.st_nlink > 0) {
			*out = temp;
			return fd;
		}
		close(fd);
		free(temp);
	}
}

int
file_write_with(const char *path, mode_t mode,
    int (*fill)(void *arg, struct buf *out, int fd, struct err *err), void *arg,
    struct err *err)
{
	struct buf data = BUF_INIT;
	char *temp;
	int fd, rc;

	fd = open_temp(&temp, path, err);
	if (fd < 0)
		return fd;
	rc = fill(arg, &data, fd, err);
	if (rc == 0 && (fchmod(fd, mode) != 0 ||
			   !file_put(fd, data.b, data.len) || fsync(fd) != 0))
		rc = err_sys(err, "%s", path);
	/* Before it is closed, which lets go of it. */
	if (rc == 0 && rename(temp, path) != 0)
		rc = err_sys(err, "%s", path);
	if (rc != 0)
		unlink(temp);
	if (close(fd) != 0 && rc == 0)
		rc = err_sys(err, "%s", path);
	if (rc == 0)
		rc = file_sync_folder(path, err);
	buf_free(&data);
	free(temp);
	return rc;
}

static bool
is_temp(const char *path)
{
	static const char alike[] = TEMP_MARK TEMP_CHANCE TEMP_END;
	size_t n = strlen(path), m = sizeof(alike) - 1, i;
	const char *s;

	/* A file's name is before it. */
	if (n <= m || path[n - m - 1] == '/')
		return false;
	s = path + n - m;
	for (i = 0; i < m; i++)
		if (alike[i] == 'X' ? !isalnum((unsigned char)s[i])
				    : s[i] != alike[i])
			return false;
	return true;
}

bool
file_sweep(const char *path)
{
	bool gone = false;
	int fd;

	if (!is_temp(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		gone = unlink(path) == 0;
	close(fd);
	return gone;
}

/* An existing folder is as good as a new one, whatever mkdir() says of it.  A
 * new one is on disk only once the folder that it is in is; where that may not
 * be read (mode 0711) the file system has to do without being asked. */
static int
make_folder(const char *path, mode_t mode, struct err *err)
{
	struct stat st;
	int rc, saved;

	if (mkdir(path, mode) == 0) {
		rc = file_sync_folder(path, err);
		if (rc == 0 || err->sys == EACCES)
			return 0;
		rmdir(path);
		return rc;
	}
	saved = errno;
	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		saved = ENOTDIR;
	}
	errno = saved;
	return err_sys(err, "%s", path);
}

int
file_mkdir(const char *path, mode_t mode, struct err *err)
{
	char *part = mem_strdup(path), *slash = part;
	int rc = 0;

	while (rc == 0 && *slash != '\0') {
		slash += strspn(slash, "/");
		slash += strcspn(slash, "/");
		if (*slash == '\0')
			break;
		*slash = '\0';
		rc = make_folder(part, mode, err);
		*slash = '/';
	}
	if (rc == 0)
		rc = make_folder(part, mode, err);
	free(part);
	return rc;
}

bool
file_exists(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0;
}

int
file_lock(int *fd, const char *path, bool wait, struct err *err)
{
	int rc, f = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (f < 0)
		return err_sys(err, "%s", path);
	do {
		rc = flock(f, LOCK_EX | (wait ? 0 : LOCK_NB));
	} while (rc != 0 && errno == EINTR);
	if (rc != 0) {
		if (errno == EWOULDBLOCK)
			rc = err_set(err, YZ_ECONFLICT, "%s is locked", path);
		else
			rc = err_sys(err, "%s", path);
		close(f);
		return rc;
	}
	*fd = f;
	return 0;
}
