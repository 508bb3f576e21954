#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup.h"
#include "base/cipher.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "home.h"
#include "local.h"
#include "model/doctor_impl.h"
#include "replica.h"
#include "roster.h"

#define OLD_MS (2 * 24ll * 3600 * 1000) /* without one for so long is said */
#define WHOLE_MAX (2ll << 30) /* bytes that are read while somebody waits */
#define PIECE (64u << 10)

/* --- the file ---------------------------------------------------------------
 */

/* Its bytes are those that were written: 1, 0, or an error. */
static int
is_same(const struct backup_last *last, int fd, struct err *err)
{
	uint8_t *piece = mem_alloc(PIECE);
	struct digest_ctx *ctx = digest_begin();
	struct digest hash;
	ssize_t n = -1;

	if (lseek(fd, 0, SEEK_SET) == 0)
		while ((n = read(fd, piece, PIECE)) > 0 ||
		       (n < 0 && errno == EINTR))
			if (n > 0)
				digest_add(ctx, piece, (size_t)n);
	if (n < 0)
		err_sys(err, "%s", last->path);
	digest_end(ctx, &hash);
	free(piece);
	return n < 0 ? err->code : digest_equal(&hash, &last->hash);
}

/* Is it the recovery key of now that opens it? */
static bool
is_listed(struct doctor *d, const uint8_t whose[32])
{
	const struct roster_station *st =
	    roster_find(replica_roster(d->r), replica_home(d->r)->code);

	return st == NULL ||
	       memcmp(st->recovery.b, whose, sizeof(st->recovery.b)) == 0;
}

/* The configured passphrase, which has to open the next one as well. */
static bool
opens(struct doctor *d, const struct backup_last *last, int fd)
{
	const struct cipher_key key = {.passphrase = d->seen->passphrase};
	struct backup_info info;
	struct err err;
	int rc = backup_check(&info, fd, &key, &err);

	if (rc == YZ_EDENIED)
		doctor_find(d, "backup",
		    _("the passphrase in %s does not open %s: find the one "
		      "that it was written with, and make a new backup"),
		    d->seen->passphrase_file, last->path);
	else if (rc != 0)
		doctor_find(d, "backup",
		    _("%s does not restore (%s): make a new backup, on "
		      "another disk"),
		    last->path, doctor_words(d, err.msg));
	return rc == 0;
}

static bool
looks_whole(struct doctor *d, const struct backup_last *last, int fd,
    struct cipher_look *look)
{
	struct stat st;
	struct err err;
	int rc;

	if (fstat(fd, &st) != 0) {
		doctor_find(d, "backup", "%s: %s", last->path,
		    doctor_words(d, strerror(errno)));
		return false;
	}
	if (st.st_size != last->bytes) {
		doctor_find(d, "backup",
		    _("%s has %lld bytes and had %lld when it was written: "
		      "make a new backup, on another disk"),
		    last->path, (long long)st.st_size, (long long)last->bytes);
		return false;
	}
	rc = cipher_look(look, fd, st.st_size, &err);
	if (rc == 0 && st.st_size <= WHOLE_MAX) {
		rc = is_same(last, fd, &err);
		if (rc == 0)
			rc = err_set(
			    &err, YZ_ECORRUPT, "it is not as it was written");
		else if (rc == 1)
			rc = 0;
	}
	if (rc != 0)
		doctor_find(d, "backup",
		    _("%s is damaged (%s): make a new backup, on another "
		      "disk"),
		    last->path, doctor_words(d, err.msg));
	return rc == 0;
}

/* What it has to be opened with, or NULL when something was found. */
static const char *
look_into(struct doctor *d, const struct backup_last *last, int fd)
{
	struct cipher_look look;

	if (!looks_whole(d, last, fd, &look))
		return NULL;
	if (look.sealed) {
		if (is_listed(d, look.whose))
			return _("opened by the recovery key on paper");
		doctor_find(d, "backup",
		    _("%s is encrypted to a recovery key that was replaced: "
		      "make a new one (yizhan backup FILE --to-recovery), and "
		      "keep the old sheet as long as that file"),
		    last->path);
		return NULL;
	}
	if (d->seen->passphrase == NULL)
		return _("opened by its passphrase");
	return opens(d, last, fd) ? _("opened with the passphrase just now")
				  : NULL;
}

static void
look_at(struct doctor *d, const struct backup_last *last, const char *when)
{
	char *folder = mem_strdup(last->path), *slash = strrchr(folder, '/');
	const char *how;
	int fd = open(last->path, O_RDONLY | O_CLOEXEC), sys = errno;

	if (slash != NULL)
		*slash = '\0';
	if (fd >= 0) {
		how = look_into(d, last, fd);
		close(fd);
		if (how != NULL && last->bytes <= WHOLE_MAX)
			doctor_good(d, "backup",
			    _("the last is of %s, as it was written (%s): %s"),
			    when, how, last->path);
		else if (how != NULL)
			doctor_good(d, "backup",
			    _("the last is of %s; it is too large to be read "
			      "here, its head and length are right (%s): %s"),
			    when, how, last->path);
	} else if (sys == ENOENT && slash != NULL && file_exists(folder))
		doctor_find(d, "backup",
		    _("the last, of %s, is not there any more: %s; if it was "
		      "not carried elsewhere, make a new one"),
		    when, last->path);
	else if (sys == ENOENT)
		doctor_good(d, "backup",
		    _("the last is of %s; it is on a disk that is not here "
		      "now, so it was not looked at: %s"),
		    when, last->path);
	else if (sys == EACCES) /* root made it by hand */
		doctor_good(d, "backup",
		    _("the last is of %s; the station's user may not look "
		      "where it is, so it was not looked at: %s"),
		    when, last->path);
	else
		doctor_find(d, "backup",
		    _("the last, of %s, cannot be read: %s: %s"), when,
		    last->path, doctor_words(d, strerror(sys)));
	free(folder);
}

static void
look_for_failure(struct doctor *d)
{
	struct buf why = BUF_INIT;
	char when[CLOCK_LEN];
	struct err ignored;
	int64_t time;

	if (backup_failure(&time, &why, d->local, &ignored) == 0) {
		clock_format(when, time);
		doctor_find(d, "backup",
		    _("the one of %s was not made (%s): see to that, then "
		      "yizhan backup FILE"),
		    when, doctor_words(d, buf_str(&why)));
	}
	buf_free(&why);
}

void
doctor_backup(struct doctor *d)
{
	struct backup_last last;
	char when[CLOCK_LEN];
	struct err ignored;

	look_for_failure(d);
	if (d->seen->passphrase_bad != NULL)
		doctor_find(d, "backup",
		    _("no more will be made at night: %s: %s"),
		    d->seen->passphrase_file,
		    doctor_words(d, d->seen->passphrase_bad));
	if (backup_last(&last, d->local, &ignored) != 0) {
		doctor_find(d, "backup",
		    _("none was ever made: yizhan backup FILE, on another "
		      "disk; for one every night put a passphrase into "
		      "/etc/yizhan/backup.passphrase, or have a recovery key "
		      "(yizhan rotate --new FILE)"));
		return;
	}
	clock_format(when, last.time);
	if (clock_wall() - last.time > OLD_MS)
		doctor_find(d, "backup",
		    _("the last is of %s: yizhan backup FILE; systemctl "
		      "status yizhan-backup says why none was made since"),
		    when);
	else
		look_at(d, &last, when);
	free(last.path);
}
