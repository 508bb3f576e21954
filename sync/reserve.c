#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "reserve.h"

#define RESERVE (64ll << 20) /* bytes, or */
#define PART 16              /* of a small disk a part of so many */

struct room {
	int64_t free; /* for us */
	int64_t held; /* in the reserve; -1: there is none */
	int64_t want; /* to be held in it */
	int64_t margin;
};

static bool
look(struct room *room, const char *home)
{
	char *path = mem_printf("%s/reserve", home);
	struct statvfs fs;
	struct stat st;
	bool known = statvfs(home, &fs) == 0;

	memset(room, 0, sizeof(*room));
	if (known) {
		room->free = (int64_t)(fs.f_bavail * fs.f_frsize);
		room->want = (int64_t)(fs.f_blocks * fs.f_frsize) / PART;
		if (room->want > RESERVE)
			room->want = RESERVE;
		room->margin = room->want / 4;
	}
	/* An empty one was given up; none was ever wanted. */
	room->held = stat(path, &st) == 0 ? (int64_t)st.st_blocks * 512 : -1;
	free(path);
	return known;
}

/* Blocks, not a hole: what is promised has to be there. */
static void
fill(const char *home, int64_t size)
{
	char *path = mem_printf("%s/reserve", home);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0) {
		if (posix_fallocate(fd, 0, size) != 0 && ftruncate(fd, 0) != 0)
			(void)unlink(path);
		close(fd);
	}
	free(path);
}

void
reserve_keep(const char *home, bool make)
{
	char *path;
	struct room room;

	if (!look(&room, home))
		return;
	if (room.held > 0 && room.free < room.margin / 2) {
		path = mem_printf("%s/reserve", home);
		(void)truncate(path, 0);
		free(path);
	} else if (make && room.held < room.want &&
		   room.free + (room.held > 0 ? room.held : 0) >=
		       room.want + 2 * room.margin)
		fill(home, room.want);
}

int
reserve_check(const char *home, struct err *err)
{
	struct room room;
	int64_t beyond;

	if (!look(&room, home))
		return 0; /* whoever writes will be told */
	beyond = room.held < 0 ? room.free : room.free + room.held - room.want;
	if (beyond >= room.margin)
		return 0;
	err_set(err, YZ_EIO,
	    "the disk is full: nothing new is kept until there is room for"
	    " %s again; reading goes on",
	    home);
	err->sys = ENOSPC;
	return YZ_EIO;
}

long long
reserve_held(const char *home)
{
	struct room room;

	return look(&room, home) ? room.held : -1;
}
