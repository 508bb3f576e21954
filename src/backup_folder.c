#include "config.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "backup_folder.h"
#include "base/caller.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define STAMP_LEN 15 /* 20261124-031500 */
#define DAY_S (24ll * 3600)

char *
backup_folder_path(const char *dir, const char *code)
{
	char stamp[32], *path = NULL;
	time_t now = (time_t)(clock_wall() / 1000) + 8 * 3600;
	struct tm tm;

	do {
		free(path);
		gmtime_r(&now, &tm);
		strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
		path = mem_printf("%s/yizhan-%s-%s.backup", dir, code, stamp);
		now++;
	} while (caller_has(path));
	return path;
}

/* Is it one that backup_folder_path() named? */
static bool
is_ours(const char *name, const char *code)
{
	char head[32];
	size_t n = (size_t)snprintf(head, sizeof(head), "yizhan-%s-", code);

	return strncmp(name, head, n) == 0 &&
	       strspn(name + n, "0123456789-") == STAMP_LEN &&
	       strcmp(name + n + STAMP_LEN, ".backup") == 0;
}

struct copy {
	char *path;
	bool written; /* just now, by us */
	bool ahead;   /* of our clock, */
	struct timespec time;
	off_t bytes;
};

struct copies {
	struct copy *v;
	size_t n;
};

/*
 * The one written last comes first.  Names are of no use where the clock was
 * wrong once, nor are times in the future: but whatever is dated after today
 * was there before today, so it was written before all that is not.
 */
static int
compare(const void *a, const void *b)
{
	const struct copy *x = a, *y = b;

	if (x->written != y->written)
		return x->written ? -1 : 1;
	if (x->ahead != y->ahead)
		return x->ahead ? 1 : -1;
	if (x->time.tv_sec != y->time.tv_sec)
		return x->time.tv_sec > y->time.tv_sec ? -1 : 1;
	if (x->time.tv_nsec != y->time.tv_nsec)
		return x->time.tv_nsec > y->time.tv_nsec ? -1 : 1;
	return strcmp(y->path, x->path);
}

static void
add(struct copies *all, const char *dir, const char *name, const char *written)
{
	struct copy c = {.path = mem_printf("%s/%s", dir, name)};
	struct stat st;

	if (lstat(c.path, &st) != 0 || !S_ISREG(st.st_mode)) {
		free(c.path);
		return;
	}
	c.written = written != NULL && strcmp(c.path, written) == 0;
	c.time = st.st_mtim;
	c.bytes = st.st_size;
	c.ahead = st.st_mtim.tv_sec > clock_wall() / 1000 + DAY_S;
	all->v = mem_realloc(all->v, (all->n + 1) * sizeof(*all->v));
	all->v[all->n++] = c;
}

static int
find(struct copies *all, const char *dir, const char *code, const char *written,
    struct err *err)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	if (d == NULL)
		return err_sys(err, "%s", dir);
	while ((e = readdir(d)) != NULL)
		if (is_ours(e->d_name, code))
			add(all, dir, e->d_name, written);
	closedir(d);
	if (all->n > 0)
		qsort(all->v, all->n, sizeof(*all->v), compare);
	return 0;
}

int
backup_folder_thin(const char *dir, const char *code, int64_t keep,
    const char *written, struct err *err)
{
	struct copies all = {.n = 0};
	int rc = find(&all, dir, code, written, err);
	size_t i;

	for (i = 0; i < all.n; i++) {
		if ((int64_t)i >= keep && !all.v[i].written &&
		    unlink(all.v[i].path) != 0 && rc == 0)
			rc = err_sys(err, "%s", all.v[i].path);
		free(all.v[i].path);
	}
	free(all.v);
	return rc;
}

static double
room(const char *path)
{
	struct statvfs v;

	return statvfs(path, &v) == 0 ? (double)v.f_bavail * (double)v.f_frsize
				      : 0;
}

static bool
is_elsewhere(const char *dir, const char *home)
{
	struct stat a, b;

	return stat(dir, &a) == 0 && stat(home, &b) == 0 &&
	       a.st_dev != b.st_dev && room(home) < room(dir);
}

int
backup_folder_make_room(const char *dir, const char *code, const char *home)
{
	struct copies all = {.n = 0};
	struct err ignored;
	int taken = 0;
	size_t i;

	if (!is_elsewhere(dir, home) &&
	    find(&all, dir, code, NULL, &ignored) == 0)
		for (i = all.n; i > 1; i--) {
			if (taken > 0 &&
			    room(dir) > 1.05 * (double)all.v[0].bytes)
				break;
			taken += unlink(all.v[i - 1].path) == 0;
		}
	for (i = 0; i < all.n; i++)
		free(all.v[i].path);
	free(all.v);
	return taken;
}
