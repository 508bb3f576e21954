/*
 * Goal of this test: while a station saves as fast as it can, each save
 * durable before the next, each backup is the state of one moment: all that
 * was saved before it began is in it, nothing that was saved after it ended,
 * every signature and reference holds, and the ledger folds to its records.
 *
 *	BACKUP_BUSY_SECONDS=N	save for so long, with a backup at the
 *beginning, in the middle and at the end (default: three at once)
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "backup.h"
#include "base/cipher.h"
#include "base/folder.h"
#include "local.h"
#include "world.h"

#define SEAL_US 1000000 /* as often as the daemon does */
#define LOOK_AT \
	3 /* backups that are restored: of the beginning, the \
	   * middle and the end */

struct shared { /* with the processes that save and seal */
	_Atomic long saved;
	_Atomic int stop;
};

struct taken { /* a backup */
	char *file;
	long least, most; /* saves that may be in it */
	double seconds;   /* that it took */
};

static const struct cipher_key pass = {.passphrase = "pass", .cost = 10};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct shared *
share(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct shared *s;

	if (fd < 0 || ftruncate(fd, sizeof(*s)) != 0)
		abort();
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (s == MAP_FAILED)
		abort();
	return s;
}

static struct replica *
open_home(const char *path)
{
	struct replica *r;
	struct home *home;
	struct err err;

	must(home_open(&home, path, &err), &err, path);
	must(replica_open(&r, home, &err), &err, path);
	return r;
}

/* --- processes of their own --------------------------------------------------
 */

/* A record a save, and its number once it is kept. */
static int
save_on(const char *path, const char *counter)
{
	struct replica *r = open_home(path);
	struct shared *s = share(counter);
	char id[RECORD_ID_LEN + 1];
	struct err err;

	while (!s->stop) {
		struct act *act = act_new(r, "值班员甲", "duty1", "test");
		struct op_draft *op;

		snprintf(id, sizeof(id), "520302-%032lx", s->saved + 1);
		op = op_draft_new("team", id);
		op_draft_set(op, "name", "\"队\"");
		act_add(act, STREAM_RESOURCE, op);
		must(act_commit(act, NULL, &err), &err, "save");
		act_free(act);
		op_draft_free(op);
		s->saved++;
	}
	replica_close(r);
	return 0;
}

/* As the daemon does: into the ledger with what was saved. */
static int
seal_on(const char *path, const char *counter)
{
	struct replica *r = open_home(path);
	struct shared *s = share(counter);
	struct err err;

	while (!s->stop) {
		must(replica_seal(r, &err), &err, "seal");
		usleep(SEAL_US);
	}
	replica_close(r);
	return 0;
}

/* Afresh: no database may be used on the other side of a fork.  They end
 * with us, however we end. */
static pid_t
start(const char *what, const char *home, const char *counter)
{
	pid_t us = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == us)
		execl("/proc/self/exe", what, home, counter, (char *)NULL);
	_exit(127);
}

static void
ended(pid_t pid, const char *what)
{
	int status = -1;

	ok(waitpid(pid, &status, 0) == pid && status == 0, "%s", what);
}

/* --- a backup, and what it holds --------------------------------------------
 */

static void
count_fault(void *arg, const char *fault)
{
	printf("# %s\n", fault);
	++*(int *)arg;
}

static long
records(struct replica *r, struct digest *digest)
{
	int64_t n;
	struct err err;

	must(replica_digest(r, STREAM_RESOURCE, NULL, &n, digest, &err), &err,
	    "digest");
	return (long)n;
}

static void
take(struct taken *t, struct replica *r, struct local *local, struct shared *s,
    const char *dir, int i)
{
	double began = now();
	struct err err;

	t->file = mem_printf("%s/%d.backup", dir, i);
	t->least = s->saved;
	must(backup_write(r, local, t->file, &pass, false, NULL, NULL, &err),
	    &err, "backup");
	t->most = s->saved + 1; /* one may be kept and not counted yet */
	t->seconds = now() - began;
}

static void
look_into(const struct taken *t, const char *dir)
{
	char *home = mem_printf("%s/restored", dir);
	struct digest before, after;
	struct backup_info info;
	struct replica *back;
	int fd, faults = 0;
	int64_t checked;
	struct err err;
	long n;

	fd = open(t->file, O_RDONLY | O_CLOEXEC);
	must(backup_restore(&info, home, fd, &pass, NULL, NULL, &err), &err,
	    "restore");
	close(fd);
	back = open_home(home);
	n = records(back, &before);
	ok(n >= t->least && n <= t->most,
	    "%ld saves before, %ld in the backup, %ld when it was done",
	    t->least, n, t->most);
	must(replica_verify(back, true, &checked, count_fault, &faults, &err),
	    &err, "verify");
	ok(faults == 0 && checked >= n, "%lld changesets verify",
	    (long long)checked);
	must(replica_rebuild(back, NULL, NULL, &err), &err, "rebuild");
	ok(records(back, &after) == n && digest_equal(&before, &after),
	    "and the ledger folds to the same records");
	replica_close(back);
	must(folder_remove(home, &err), &err, home);
	free(home);
}

/* One at the beginning of so many seconds, one in the middle, one at the end;
 * one after the other if there are none. */
static void
take_all(struct taken v[LOOK_AT], double seconds, struct replica *r,
    struct local *local, struct shared *s, const char *dir)
{
	double began = now(), in = 0;
	long from = s->saved, during = 0;
	int i;

	for (i = 0; i < LOOK_AT; i++) {
		while (now() - began < seconds * i / (LOOK_AT - 1))
			usleep(10000);
		take(&v[i], r, local, s, dir, i);
		in += v[i].seconds;
		during += v[i].most - 1 - v[i].least;
	}
	printf("# %.0f saves/s in %.1f s; %.0f saves/s in the %.1f s of a "
	       "backup\n",
	    (double)(s->saved - from) / (now() - began), now() - began,
	    (double)during / in, in);
}

int
main(int argc, char **argv)
{
	const char *seconds = getenv("BACKUP_BUSY_SECONDS");
	struct taken v[LOOK_AT];
	char *home, *counter;
	struct local *local;
	struct digest digest;
	struct shared *s;
	struct replica *r;
	struct world w;
	struct err err;
	pid_t pid, sealer;
	int i;

	if (argc == 3)
		return strcmp(argv[0], "seal") == 0 ? seal_on(argv[1], argv[2])
						    : save_on(argv[1], argv[2]);
	world_open(&w);
	world_kinds(&w);
	world_sync(&w);
	home = mem_printf("%s/520302", w.dir);
	counter = mem_printf("%s/counter", w.dir);
	s = share(counter);
	r = w.at[COUNTY];
	must(local_open(&local, home, &err), &err, "local");
	pid = start("save", home, counter);
	sealer = start("seal", home, counter);
	while (s->saved < 100 && waitpid(pid, NULL, WNOHANG) == 0)
		usleep(1000);
	take_all(v, seconds == NULL ? 0 : atof(seconds), r, local, s, w.dir);
	s->stop = 1;
	ended(pid, "whoever saved was never refused");
	ended(sealer, "nor who sealed it");
	ok(records(r, &digest) == s->saved, "and all %ld are there",
	    (long)s->saved);
	for (i = 0; i < LOOK_AT; i++) {
		look_into(&v[i], w.dir);
		free(v[i].file);
	}
	local_close(local);
	world_close(&w);
	free(home);
	free(counter);
	return tap_done();
}
