#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "seat.h"

#define PUSH_MS 5000 /* for who sits there to leave */
#define LOOK_MS 20

struct seat {
	int fd;
	uint8_t mine[16]; /* what the file says while nobody newer came */
};

static void
read_wish(uint8_t out[16], int fd)
{
	if (pread(fd, out, 16, 0) != 16)
		memset(out, 0, 16); /* nobody ever asked */
}

static void
look_again(void)
{
	struct timespec piece = {0, LOOK_MS * 1000000};

	nanosleep(&piece, NULL);
}

/* false: somebody sits there still. */
static bool
wait_free(struct seat *seat, bool push, bool (*stop)(void))
{
	int64_t until = clock_mono() + PUSH_MS;

	for (;;) {
		/* Before trying: whoever asks from now on is newer. */
		if (!push)
			read_wish(seat->mine, seat->fd);
		if (flock(seat->fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if ((push && clock_mono() > until) || (stop != NULL && stop()))
			return false;
		look_again();
	}
}

int
seat_take(struct seat **out, const char *home, const char *code, bool push,
    bool (*stop)(void), struct err *err)
{
	struct seat *seat = mem_calloc(1, sizeof(*seat));
	char *folder = mem_printf("%s/sessions", home);
	char *path = mem_printf("%s/%s", folder, code);
	int rc;

	seat->fd = -1;
	digest_random(seat->mine, sizeof(seat->mine));
	rc = file_mkdir(folder, 0700, err);
	if (rc != 0)
		goto out;
	seat->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (seat->fd < 0) {
		rc = err_sys(err, "%s", path);
		goto out;
	}
	/* Asking is writing: the one who sits there looks now and then. */
	if (push && pwrite(seat->fd, seat->mine, sizeof(seat->mine), 0) < 0)
		rc = err_sys(err, "%s", path);
	else if (!wait_free(seat, push, stop) && !push)
		rc = err_set(err, YZ_EPEER, "stopped");
out:
	free(folder);
	free(path);
	if (rc != 0)
		seat_leave(seat);
	else
		*out = seat;
	return rc;
}

bool
seat_wanted(const struct seat *seat)
{
	uint8_t now[16];

	if (seat == NULL)
		return false;
	read_wish(now, seat->fd);
	return memcmp(now, seat->mine, sizeof(now)) != 0;
}

void
seat_leave(struct seat *seat)
{
	if (seat == NULL)
		return;
	if (seat->fd >= 0)
		close(seat->fd);
	free(seat);
}
