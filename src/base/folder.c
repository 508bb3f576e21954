#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"

#define DEPTH_MAX 32 /* folders in folders */

struct walk {
	const char *path;
	int (*fn)(void *arg, const char *name, int64_t size, int64_t mtime,
	    struct err *err);
	void *arg;
	bool lenient; /* what cannot be read is passed over */
};

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int
walk(const struct walk *w, const char *below, int depth, struct err *err)
{
	char *path = mem_printf("%s/%s", w->path, below);
	DIR *dir = opendir(path);
	struct dirent *e;
	struct stat st;
	int rc = 0;

	if (dir == NULL && errno != ENOENT && !w->lenient)
		rc = err_sys(err, "%s", path);
	if (depth > DEPTH_MAX && !w->lenient)
		rc = err_set(
		    err, YZ_EINVAL, "%s: too many folders in folders", path);
	while (rc == 0 && dir != NULL && (e = readdir(dir)) != NULL) {
		char *name;

		if (is_dots(e->d_name) || fstatat(dirfd(dir), e->d_name, &st,
					      AT_SYMLINK_NOFOLLOW) != 0)
			continue; /* it has just gone */
		name = mem_printf(
		    "%s%s%s", below, below[0] == '\0' ? "" : "/", e->d_name);
		if (S_ISDIR(st.st_mode) && (depth < DEPTH_MAX || !w->lenient))
			rc = walk(w, name, depth + 1, err);
		else if (S_ISREG(st.st_mode))
			rc = w->fn(w->arg, name, st.st_size, st.st_mtime, err);
		free(name);
	}
	if (dir != NULL)
		closedir(dir);
	free(path);
	return rc;
}

int
folder_walk(const char *path,
    int (*fn)(void *arg, const char *name, int64_t size, int64_t mtime,
	struct err *err),
    void *arg, struct err *err)
{
	struct walk w = {path, fn, arg, false};

	return walk(&w, "", 0, err);
}

int
folder_remove(const char *path, struct err *err)
{
	struct dirent *e;
	struct stat st;
	DIR *dir;
	int rc = 0;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : err_sys(err, "%s", path);
	if (!S_ISDIR(st.st_mode))
		return unlink(path) == 0 ? 0 : err_sys(err, "%s", path);
	dir = opendir(path);
	if (dir == NULL)
		return err_sys(err, "%s", path);
	while (rc == 0 && (e = readdir(dir)) != NULL) {
		char *name;

		if (is_dots(e->d_name))
			continue;
		name = mem_printf("%s/%s", path, e->d_name);
		rc = folder_remove(name, err);
		free(name);
	}
	closedir(dir);
	if (rc == 0 && rmdir(path) != 0)
		rc = err_sys(err, "%s", path);
	return rc;
}

static int
sweep(void *arg, const char *name, int64_t size, int64_t mtime, struct err *err)
{
	char *path = mem_printf("%s/%s", (const char *)arg, name);

	(void)size;
	(void)mtime;
	(void)err;
	(void)file_sweep(path);
	free(path);
	return 0;
}

void
folder_sweep(const char *path)
{
	struct walk w = {path, sweep, (void *)path, true};
	struct err ignored;

	(void)walk(&w, "", 0, &ignored);
}

int
folder_lock(int *fd, const char *path, struct err *err)
{
	int rc, f = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (f < 0)
		return err_sys(err, "%s", path);
	do {
		rc = flock(f, LOCK_EX | LOCK_NB);
	} while (rc != 0 && errno == EINTR);
	if (rc == 0) {
		*fd = f;
		return 0;
	}
	rc = errno == EWOULDBLOCK
		 ? err_set(err, YZ_ECONFLICT, "%s is locked", path)
		 : err_sys(err, "%s", path);
	close(f);
	return rc;
}
