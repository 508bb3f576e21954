/*
 * Goal of this test: threat T18, a power cut at any moment.  What a station
 * does to its disk while it saves, changes, drops, takes an attachment, makes a
 * user and invites a child is written down call by call; of that, images are
 * made of what the disk may hold if the power fails then, with writes since the
 * last sync that came, that did not, or in part.  Every image opens without
 * help and verifies; whatever a command had acknowledged is there, what was
 * under way is there whole or not at all, and the station writes on, in the
 * ledger too.
 *
 *	T18_IMAGES=N	so many different images (default 600; 100 sanitized)
 *	T18_SEED=N	of the choices (printed)
 */
#include "config.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "../crash.h"
#include "../world.h"

#include "base/summed.h"
#include "local.h"
#include "model/record.h"
#include "web/book.h"

#define WORKERS 2
#define STEPS 10

/* A field of a record, after each command: NULL while there is no such. */
struct want {
	const char *kind, *field;
	char id[RECORD_ID_LEN + 1];
	const char *value[STEPS + 1];
};

static char dir[64], home[80], base[80], *yizhan;
static struct want wants[] = {{"org", "name", "", {NULL}},
    {"incident", "title", "", {NULL}}, {"resource.team", "name", "", {NULL}},
    {"org", "name", "", {NULL}}};
/* What must be in local.db after so many. */
static struct {
	int step;
	const char *sql;
} rows[] = {{0, "SELECT count(*) FROM user WHERE login = 'duty1'"},
    {0, "SELECT count(*) FROM invitation WHERE code = '520302'"}};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* --- the commands ------------------------------------------------------------
 */

__attribute__((format(printf, 2, 3))) static void
run(char *out, const char *fmt, ...)
{
	char args[512];
	char *command;
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	command = mem_printf(
	    "ASAN_OPTIONS=detect_leaks=0 strace -f --seccomp-bpf -y -xx"
	    " -s 99999999 -A -o %s/log -e signal=none"
	    " -e trace=%s %s -C %s %s 2>%s/said",
	    dir, DISK_CALLS, yizhan, home, args, dir);
	f = popen(command, "r");
	must(f == NULL, &(struct err){.msg = "popen"}, command);
	if (fscanf(f, "%42s", out) != 1)
		out[0] = '\0';
	must(pclose(f) != 0, &(struct err){.msg = "failed"}, command);
	free(command);
}

/* From this step on the record's field is value. */
static void
from(struct want *w, int step, const char *value)
{
	for (; step <= STEPS; step++)
		w->value[step] = value;
}

static void
live(void)
{
	char out[64];
	int n = 0;

	run(wants[0].id, "add org otype=em name=一");
	from(&wants[0], ++n, "\"一\"");
	run(wants[1].id, "add incident title=山洪 type=11D01 --incomplete");
	from(&wants[1], ++n, "\"山洪\"");
	run(out, "set org %s name=二", wants[0].id);
	from(&wants[0], ++n, "\"二\"");
	run(wants[2].id,
	    "add resource.team name=甲 rkind=R01 level=县级 persons=3"
	    " files=@%s/photo",
	    dir);
	from(&wants[2], ++n, "\"甲\"");
	run(wants[3].id, "add org otype=em name=三");
	from(&wants[3], ++n, "\"三\"");
	run(out, "user add duty1 --name 值班员 --role officer <%s/word", dir);
	rows[0].step = ++n;
	run(out, "rm org %s --why 误录", wants[3].id);
	from(&wants[3], ++n, NULL);
	run(out, "invite 520302 --name 县 -o %s/invitation", dir);
	rows[1].step = ++n;
	run(out, "set incident %s title=山洪二", wants[1].id);
	from(&wants[1], ++n, "\"山洪二\"");
	run(out, "set org %s name=四", wants[0].id);
	from(&wants[0], ++n, "\"四\"");
	must(n != STEPS, &(struct err){.msg = "miscounted"}, "steps");
}

/* --- an image ----------------------------------------------------------------
 */

static char what[512]; /* what is wrong with it, first */

__attribute__((format(printf, 1, 2))) static void
wrong(const char *fmt, ...)
{
	va_list ap;

	if (what[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
}

static bool
as_after(const struct want *w, int step, const struct record *rec, int rc)
{
	const char *value = step > STEPS ? NULL : w->value[step];
	const char *have =
	    rc == 0 && !rec->removed ? record_value(rec, w->field) : NULL;

	return value == NULL || have == NULL ? value == have
					     : strcmp(value, have) == 0;
}

static void
look_at_record(struct replica *r, const struct want *w, int exits)
{
	struct record rec = RECORD_INIT;
	struct err err;
	int rc = record_read(&rec, r, w->kind, w->id, &err);

	if (rc != 0 && rc != YZ_ENOTFOUND)
		wrong("%s %s: %s", w->kind, w->id, err.msg);
	else if (!as_after(w, exits, &rec, rc) &&
		 (exits == STEPS || !as_after(w, exits + 1, &rec, rc)))
		wrong("%s %s after %d commands: %s", w->kind, w->id, exits,
		    rc != 0 ? "is not there" : "is another");
	record_free(&rec);
}

static void
look_at_local(const char *path, int exits)
{
	struct local *local;
	struct err err;
	int64_t n = 0;
	size_t i;
	int rc = local_open(&local, path, &err);

	if (rc != 0) {
		wrong("local.db: %s", err.msg);
		return;
	}
	rc = book_open(local_db(local), &err);
	for (i = 0; rc == 0 && i < N_ROWS; i++) {
		rc = db_get_int(&n, local_db(local), &err, rows[i].sql, "");
		if (rc == 0 && exits >= rows[i].step && n != 1)
			wrong("local.db: %s", rows[i].sql);
	}
	if (rc != 0)
		wrong("local.db: %s", err.msg);
	local_close(local);
}

static void
note_fault(void *arg, const char *fault)
{
	(void)arg;
	wrong("fault: %s", fault);
}

/* The anchor names its own file, which only the disk itself brings back; an
 * image's is another file, so it gets the name that it would have. */
static void
own_anchor(const char *home_path)
{
	char *path = mem_printf("%s/anchor", home_path), *line;
	struct buf text = BUF_INIT, out = BUF_INIT;
	struct statx st;
	struct err err;
	FILE *f;

	if (summed_read(&text, path, 65536, &err) == 0 && text.len > 0 &&
	    (line = strstr(buf_str(&text), "\nfile ")) != NULL) {
		must(statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &st),
		    &(struct err){.msg = "statx"}, path);
		buf_put(&out, text.b, (size_t)(line + 1 - (char *)text.b));
		buf_printf(&out, "file %llu %llu", st.stx_ino,
		    (unsigned long long)st.stx_btime.tv_sec * 1000000000u +
			st.stx_btime.tv_nsec);
		buf_puts(&out, strchr(line + 1, '\n'));
		summed_end(&out);
		f = fopen(path, "r+");
		must(f == NULL || ftruncate(fileno(f), 0) != 0 ||
			 fwrite(out.b, 1, out.len, f) != out.len ||
			 fclose(f) != 0,
		    &(struct err){.msg = "cannot be written"}, path);
	}
	buf_free(&text);
	buf_free(&out);
	free(path);
}

static void
look(const char *path, int exits)
{
	struct op_draft *op;
	struct replica *r;
	struct home *h;
	struct act *act;
	struct err err;
	int64_t n;
	size_t i;
	int rc = home_open(&h, path, &err);

	if (rc == 0)
		rc = replica_open(&r, h, &err);
	if (rc != 0) {
		wrong("opening: %s", err.msg);
		return;
	}
	for (i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		look_at_record(r, &wants[i], exits);
	look_at_local(path, exits);
	act = act_new(r, "值班员甲", "duty1", "test");
	op = op_draft_new("org", "520300-00000000000000000000000000000001");
	op_draft_set(op, "name", "\"后\"");
	act_add(act, STREAM_RESOURCE, op);
	rc = act_commit(act, NULL, &err);
	act_free(act);
	op_draft_free(op);
	if (rc == 0)
		rc = replica_seal(r, &err);
	if (rc == 0)
		rc = replica_verify(r, true, &n, note_fault, NULL, &err);
	if (rc != 0)
		wrong("writing on: %s", err.msg);
	replica_close(r);
}

/* In a process of its own: a crash is the image's fault, not the test's. */
static bool
holds(const char *path, int exits, char out[512])
{
	int pipes[2], status;
	ssize_t n;
	pid_t pid;

	must(pipe(pipes) != 0, &(struct err){.msg = "pipe"}, "look");
	pid = fork();
	if (pid == 0) {
		look(path, exits);
		if (write(pipes[1], what, strlen(what)) < 0)
			_exit(1);
		_exit(0);
	}
	close(pipes[1]);
	n = read(pipes[0], out, 511);
	out[n > 0 ? n : 0] = '\0';
	close(pipes[0]);
	waitpid(pid, &status, 0);
	if (status != 0)
		snprintf(out, 512, "the look at it ended with %x", status);
	return out[0] == '\0';
}

/* --- many
 * ---------------------------------------------------------------------
 */

struct tally {
	long images, bad;
	char first[600];
};

/* Every WORKERS-th image, beginning with mine. */
static void
draw(struct tally *t, struct disk *d, long images, int mine, uint64_t seed)
{
	uint64_t *seen = mem_calloc((size_t)images, 2 * sizeof(*seen));
	struct crash c = {.kept = NULL};
	char path[128], out[512];
	long tries;

	snprintf(path, sizeof(path), "%s/image%d", dir, mine);
	seed += (uint64_t)mine;
	for (tries = 0; t->images < images / WORKERS && tries < 20 * images;
	     tries++) {
		enum crash_model model =
		    crash_roll(&seed, 2) == 0 ? CRASH_JOURNAL : CRASH_STRICT;
		unsigned mood = crash_roll(&seed, 6);
		size_t cut = crash_roll(&seed, (unsigned)d->n_ops + 1), slot;

		crash_draw(&c, d, cut, model,
		    mood == 0   ? CRASH_ALL
		    : mood == 1 ? CRASH_LEAST
				: CRASH_CHANCE,
		    &seed);
		/* What one worker has seen, the other has not. */
		if (c.hash % WORKERS != (uint64_t)mine)
			continue;
		slot = c.hash / WORKERS % (size_t)(2 * images);
		while (seen[slot] != 0 && seen[slot] != c.hash)
			slot = (slot + 1) % (size_t)(2 * images);
		if (seen[slot] == c.hash)
			continue;
		seen[slot] = c.hash;
		crash_make(d, &c, path);
		own_anchor(path);
		t->images++;
		if (!holds(path, c.exits, out) && t->bad++ == 0)
			snprintf(t->first, sizeof(t->first),
			    "cut before call %zu, model %d, mood %u: %s", cut,
			    (int)model, mood, out);
	}
	free(seen);
	free(c.kept);
}

int
main(void)
{
	const char *images_text = getenv("T18_IMAGES");
	const char *seed_text = getenv("T18_SEED");
	long images =
	    images_text != NULL ? atol(images_text) : tap_amount(600, 100);
	uint64_t seed = seed_text != NULL ? strtoull(seed_text, NULL, 10) : 18;
	struct tally sum = {0, 0, ""};
	struct replica *warm;
	struct home *h;
	struct err err;
	struct disk d;
	char command[512];
	int i, pipes[2];

	snprintf(command, sizeof(command), "%s/yizhan",
	    getenv("top_builddir") != NULL ? getenv("top_builddir") : ".");
	yizhan = realpath(command, NULL);
	must(yizhan == NULL, &(struct err){.msg = "not built"}, command);
	/* What is synced here need not survive anything. */
	strcpy(dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/yizhan-XXXXXX"
						  : "/tmp/yizhan-XXXXXX");
	must(mkdtemp(dir) == NULL, &(struct err){.msg = "mkdtemp"}, "tmp");
	snprintf(home, sizeof(home), "%s/home", dir);
	snprintf(base, sizeof(base), "%s/base", dir);
	snprintf(command, sizeof(command),
	    "cd %s && echo 附件 >photo && echo Night-watch-1 >word &&"
	    " %s -C %s init 520300 --top --name 遵义市 --divisions none"
	    " >/dev/null && cp -a home base",
	    dir, yizhan, home);
	must(system(command) != 0, &(struct err){.msg = "failed"}, command);
	live();
	disk_open(&d, home, base);
	snprintf(command, sizeof(command), "%s/log", dir);
	disk_trace(&d, command);
	printf("# %zu calls that change the disk; seed %llu\n", d.n_ops,
	    (unsigned long long)seed);
	/* While one is open whoever looks finds the libraries begun: libgit2
	 * alone reads every certificate of the system first. */
	must(home_open(&h, home, &err), &err, home);
	must(replica_open(&warm, h, &err), &err, home);
	must(pipe(pipes) != 0, &(struct err){.msg = "pipe"}, "pipe");
	for (i = 0; i < WORKERS; i++)
		if (fork() == 0) {
			struct tally t = {0, 0, ""};

			draw(&t, &d, images, i, seed);
			_exit(write(pipes[1], &t, sizeof(t)) != sizeof(t));
		}
	close(pipes[1]);
	for (i = 0; i < WORKERS; i++) {
		struct tally t;

		if (read(pipes[0], &t, sizeof(t)) != sizeof(t))
			break;
		sum.images += t.images;
		sum.bad += t.bad;
		if (sum.first[0] == '\0')
			memcpy(sum.first, t.first, sizeof(t.first));
	}
	while (wait(NULL) > 0)
		;
	replica_close(warm);
	is_int(i, WORKERS, "both halves were looked at");
	ok(sum.images >= images / WORKERS * WORKERS, "%ld images, each another",
	    sum.images);
	is_int(sum.bad, 0,
	    "each opens, verifies, has what was acknowledged"
	    " and writes on");
	is_str(sum.first, "", "nothing was wrong");
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		printf("# could not remove %s\n", dir);
	disk_close(&d);
	free(yizhan);
	return tap_done();
}
