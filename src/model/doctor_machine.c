#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "home.h"
#include "local.h"
#include "model/doctor_impl.h"
#include "replica.h"
#include "reserve.h"
#include "roster.h"

#define FREE_PARTS 20          /* one part in so many must be free, */
#define FREE_BYTES (1ll << 30) /* and so many bytes */
#define DAY_MS (24ll * 3600 * 1000)
#define OFFSET_MS (60 * 1000) /* a clock so far from the parent's is wrong */
#define TIMESYNC "/run/systemd/timesync/synchronized"
#define LISTED 3 /* files named of many */

void
doctor_disk(struct doctor *d)
{
	struct statvfs fs;
	double free_gb;

	if (statvfs(d->home, &fs) != 0) {
		doctor_find(d, "disk", "%s: %s", d->home,
		    doctor_words(d, strerror(errno)));
		return;
	}
	if (reserve_held(d->home) == 0) {
		doctor_find(d, "disk",
		    _("it was full, and the reserve is used up: make room "
		      "for %s; saving goes on by itself then"),
		    d->home);
		return;
	}
	free_gb = (double)fs.f_bavail * (double)fs.f_frsize / 1e9;
	if (fs.f_bavail < fs.f_blocks / FREE_PARTS ||
	    fs.f_bavail * fs.f_frsize < FREE_BYTES)
		doctor_find(d, "disk",
		    _("%.1f GB are free for %s: make room, or move it to a "
		      "larger disk, where it counts as a copy and writes after "
		      "yizhan sync only (at the top: yizhan resume --alone); "
		      "when it is full nothing can be saved"),
		    free_gb, d->home);
	else if (fs.f_files > 0 && fs.f_favail < fs.f_files / FREE_PARTS)
		doctor_find(d, "disk",
		    _("only %llu more files fit where %s is: remove small "
		      "files there"),
		    (unsigned long long)fs.f_favail, d->home);
	else
		doctor_good(
		    d, "disk", _("%.1f GB are free for %s"), free_gb, d->home);
}

/* --- files ------------------------------------------------------------------
 */

struct files {
	struct doctor *d;
	struct stat home;
	int strangers; /* of another owner */
	int open;      /* that others may read or write */
};

#define USER_MAX 64

static const char *
user_name(char out[USER_MAX], uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);

	if (pw == NULL)
		snprintf(out, USER_MAX, "%u", (unsigned)uid);
	else
		snprintf(out, USER_MAX, "%s", pw->pw_name);
	return out;
}

/* Secrets: nobody but the owner; all else, a certificate too: nobody else
 * writes. */
static void
look_at(struct files *f, const char *path, bool secret)
{
	char is[USER_MAX], should[USER_MAX];
	struct stat st;

	if (lstat(path, &st) != 0)
		return;
	if (st.st_uid != f->home.st_uid && ++f->strangers <= LISTED)
		doctor_find(f->d, "files",
		    _("%s belongs to %s, not to %s who runs the station: "
		      "chown -R %s: %s"),
		    path, user_name(is, st.st_uid),
		    user_name(should, f->home.st_uid), should, f->d->home);
	if (S_ISLNK(st.st_mode) || (st.st_mode & (secret ? 077 : 022)) == 0)
		return;
	if (++f->open <= LISTED)
		doctor_find(f->d, "files",
		    secret ? _("others may read or write %s: chmod %s %s")
			   : _("others may write %s: chmod %s %s"),
		    path,
		    !secret               ? "go-w"
		    : S_ISDIR(st.st_mode) ? "u=rwx,go="
					  : "u=rw,go=",
		    path);
}

static void
look_below(struct files *f, const char *folder, bool secret)
{
	DIR *dir = opendir(folder);
	struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		char *path;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		path = mem_printf("%s/%s", folder, e->d_name);
		look_at(f, path,
		    (secret && strcmp(e->d_name, "console.crt") != 0) ||
			strstr(e->d_name, ".db") != NULL ||
			strcmp(e->d_name, "keys") == 0);
		free(path);
	}
	if (dir != NULL)
		closedir(dir);
}

void
doctor_files(struct doctor *d)
{
	struct files f = {.d = d};
	char owner[USER_MAX];
	char *keys, *ledger;

	if (stat(d->home, &f.home) != 0)
		return; /* doctor_disk() has said why */
	keys = mem_printf("%s/keys", d->home);
	ledger = mem_printf("%s/ledger", d->home);
	look_at(&f, d->home, false);
	look_below(&f, d->home, false);
	look_below(&f, keys, true);
	look_below(&f, ledger, false);
	if (f.strangers + f.open == 0)
		doctor_good(d, "files",
		    _("all belong to %s, and nobody else reads the keys"),
		    user_name(owner, f.home.st_uid));
	free(keys);
	free(ledger);
}

/* --- clock ------------------------------------------------------------------
 */

/* When this station wrote last, if the clock is far behind that and no contact
 * since has shown it to be right; else 0.  What others wrote says nothing of
 * our clock (doctor_peer.c tells). */
static int64_t
wrote_ahead(struct doctor *d, int64_t now)
{
	if (d->r == NULL || replica_clock_confirmed(d->r, now))
		return 0;
	return replica_clock_ahead(d->r, replica_home(d->r)->code, now);
}

enum keeper { NOBODY, SERVICE, UNKNOWN };

/* The kernel says; where a sandbox lets it not be asked, as in the daemon's
 * unit, systemd-timesyncd's mark. */
static enum keeper
clock_keeper(void)
{
	struct timex tx = {.modes = 0};
	int state = adjtimex(&tx);

	if (state == TIME_ERROR)
		return NOBODY;
	return state >= 0 || access(TIMESYNC, F_OK) == 0 ? SERVICE : UNKNOWN;
}

void
doctor_clock(struct doctor *d)
{
	char now[CLOCK_LEN], then[CLOCK_LEN];
	struct local_peer parent = {.offset = 0};
	const struct roster_station *me;
	enum keeper keeper = clock_keeper();
	int64_t wall = clock_wall(), last = wrote_ahead(d, wall);
	struct err ignored;

	clock_format(now, wall);
	if (last != 0) {
		clock_format(then, last);
		doctor_find(d, "clock",
		    _("it says %s, but this station last wrote at %s: compare "
		      "it with a telephone; if it is wrong, timedatectl "
		      "set-time; if it is right, save once with "
		      "--clock-is-right"),
		    now, then);
		return;
	}
	me = d->r == NULL
		 ? NULL
		 : roster_find(replica_roster(d->r), replica_home(d->r)->code);
	if (me != NULL && me->parent[0] != '\0')
		(void)local_peer_get(d->local, &parent, me->parent, &ignored);
	if (llabs(parent.offset) > OFFSET_MS)
		doctor_find(d, "clock",
		    _("it says %s, which is %+.0f s from the parent's: set one "
		      "of them with timedatectl set-time"),
		    now, (double)-parent.offset / 1000);
	else if (keeper == NOBODY)
		doctor_good(d, "clock",
		    _("%s, kept by no time service: compare it with a "
		      "telephone"),
		    now);
	else if (keeper == SERVICE)
		doctor_good(d, "clock", _("%s, kept by a time service"), now);
	else
		doctor_good(d, "clock",
		    _("%s; whether a time service keeps it could not be asked "
		      "here: timedatectl tells"),
		    now);
}

/* --- certificate
 * --------------------------------------------------------------
 */

#define SOON_MS (30 * DAY_MS) /* so long before its end it is said */

void
doctor_certificate(struct doctor *d)
{
	int64_t from = d->seen->certificate.from, now = clock_wall();
	int64_t until = d->seen->certificate.until;
	char first[CLOCK_LEN], last[CLOCK_LEN];
	long long left = (until - now) / DAY_MS;

	clock_format(first, from);
	clock_format(last, until);
	if (!d->seen->certificate.there)
		return;
	if (d->seen->certificate.broken != NULL)
		doctor_find(d, "certificate",
		    _("%s: put the right pair into %s/keys, or remove both "
		      "console.crt and console.key, and one is made; then "
		      "systemctl restart yizhan"),
		    doctor_words(d, d->seen->certificate.broken), d->home);
	else if (d->seen->certificate.endless)
		doctor_good(d, "certificate",
		    _("the console's was made here and has no end"));
	else if (now < from)
		doctor_find(d, "certificate",
		    _("the console's is good from %s on only: set the clock, "
		      "or put another into %s/keys/console.crt and "
		      "console.key; then systemctl restart yizhan"),
		    first, d->home);
	else if (now >= until)
		doctor_find(d, "certificate",
		    _("the console's ended at %s, and browsers warn of it: put "
		      "a new one into %s/keys/console.crt and console.key; "
		      "then systemctl restart yizhan"),
		    last, d->home);
	else if (until - now < SOON_MS)
		doctor_find(d, "certificate",
		    _("the console's ends at %s, days left: %lld: put a new "
		      "one into %s/keys/console.crt and console.key before; "
		      "then systemctl restart yizhan"),
		    last, left, d->home);
	else
		doctor_good(d, "certificate",
		    _("the console's is good until %s, days left: %lld"), last,
		    left);
}

/* --- database ---------------------------------------------------------------
 */

static void
check_database(struct doctor *d, const char *name, struct db *db)
{
	struct db_stmt *st;
	struct err err;
	const char *said = NULL;
	int rc;

	rc = db_query(&st, db, &err, "PRAGMA quick_check(1)", "");
	if (rc == 0)
		rc = db_step(st, &err);
	if (rc == 1)
		said = db_text(st, 0);
	if (said != NULL && strcmp(said, "ok") == 0)
		doctor_good(d, "database", _("%s is whole"), name);
	else
		doctor_find(d, "database",
		    _("%s is damaged (%s): stop the station and restore a "
		      "backup; the disk may be dying"),
		    name, doctor_words(d, said == NULL ? err.msg : said));
	db_done(st);
}

void
doctor_database(struct doctor *d)
{
	check_database(d, "yizhan.db", replica_db(d->r));
	check_database(d, "local.db", local_db(d->local));
}
