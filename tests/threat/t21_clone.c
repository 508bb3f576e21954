/*
 * Goal of this test: threat T21, two copies of one station.  A whole disk set
 * back, anchor and all; and a copy that runs beside the original and has
 * an anchor that fits.  Neither goes unnoticed: in the end they write under
 * different incarnations, what each of them wrote is everywhere, all agree, and
 * somebody is told.
 *
 *	T21_RUNS=N	pairs of copies (default 50; 8 under sanitizers)
 *	T21_SEED=N	of the choices (printed)
 */
#include "config.h"

#include "../line.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/summed.h"
#include "resign.h"

static unsigned seed;
static int n_records;

static unsigned
roll(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return seed / 65536u % n;
}

static void
write_one(struct replica *r, int record, const char *value)
{
	static const struct {
		enum stream stream;
		const char *kind;
	} kinds[] = {{STREAM_RESOURCE, "team"}, {STREAM_COMMAND, "incident"},
	    {STREAM_OVERSIGHT, "hazard"}};
	char id[RECORD_ID_LEN + 1], json[64];
	struct op_draft *op;
	struct act *act;
	struct err err;

	snprintf(id, sizeof(id), "520302-%032d", record);
	snprintf(json, sizeof(json), "\"%s\"", value);
	op = op_draft_new(kinds[record % 3].kind, id);
	op_draft_set(op, "name", json);
	act = act_new(r, "值班员甲", "duty1", "test");
	act_add(act, kinds[record % 3].stream, op);
	must(act_commit(act, NULL, &err), &err, "write");
	act_free(act);
	op_draft_free(op);
}

static bool
has(struct world *w, int at, int record, const char *value)
{
	static const char *const kinds[] = {"team", "incident", "hazard"};
	char id[RECORD_ID_LEN + 1];

	snprintf(id, sizeof(id), "520302-%032d", record);
	return strcmp(world_get(w, at, kinds[record % 3], id, "name"), value) ==
	       0;
}

/* What a copy of a disk has and a copy of a file has not: make the anchor fit
 * the file that it is in now. */
static void
fit_anchor(const char *dir)
{
	struct buf text = BUF_INIT, fit = BUF_INIT;
	char path[256], *at, *end;
	struct statx st;
	struct err err;
	FILE *f;

	snprintf(path, sizeof(path), "%s/anchor", dir);
	memset(&st, 0, sizeof(st));
	must(statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &st),
	    &(struct err){.msg = "statx"}, path);
	must(summed_read(&text, path, 8192, &err), &err, path);
	at = strstr(buf_str(&text), "file ");
	end = strchr(at, '\n');
	buf_put(&fit, text.b, (size_t)(at - buf_str(&text)));
	buf_printf(&fit, "file %llu %llu%s", (unsigned long long)st.stx_ino,
	    (st.stx_mask & STATX_BTIME) == 0
		? 0ull
		: (unsigned long long)st.stx_btime.tv_sec * 1000000000u +
		      st.stx_btime.tv_nsec,
	    end);
	summed_end(&fit);
	f = fopen(path, "w"); /* the same inode */
	if (f == NULL || fwrite(fit.b, 1, fit.len, f) != fit.len ||
	    fclose(f) != 0)
		abort();
	buf_free(&text);
	buf_free(&fit);
}

/* The county's folder becomes that of its other life. */
static void
swap(struct world *w)
{
	char path[128];

	station_path(path, w, COUNTY);
	station_close(w, COUNTY);
	shell("mv %s %s/aside && mv %s/clone %s && mv %s/aside %s/clone", path,
	    w->dir, w->dir, path, w->dir, w->dir);
	station_open(w, COUNTY);
}

static int
sync_now(struct world *w, const char *what)
{
	struct session_result res;
	struct err err = {.msg = ""};
	int rc = line_sync(w, &res, COUNTY, CITY, &err);

	if (rc != 0)
		ok(false, "%s: %s", what, err.msg);
	return rc;
}

static void
start(struct world *w)
{
	int i;

	world_open(w);
	world_kinds(w);
	world_carry(w, PROVINCE, CITY);
	n_records = 0;
	for (i = 0; i < 4; i++)
		write_one(w->at[COUNTY], n_records++, "old");
	sync_now(w, "first");
}

/* The whole disk is set back to an earlier day: every file to what it said,
 * in the same inode.  So the anchor is content. */
static void
disk_set_back(bool ahead)
{
	char path[128], inc[CHAIN_INC_LEN + 1];
	struct world w;
	int i, lost, later = 0;

	start(&w);
	station_path(path, &w, COUNTY);
	station_close(&w, COUNTY);
	shell("cp -a %s %s/old", path, w.dir);
	station_open(&w, COUNTY);
	lost = n_records;
	for (i = 0; i < 3; i++)
		write_one(w.at[COUNTY], n_records++, "lost");
	sync_now(&w, "before");
	memcpy(inc, replica_home(w.at[COUNTY])->inc, sizeof(inc));
	station_close(&w, COUNTY);
	shell("rm -f %s/*.db-wal %s/*.db-shm && cd %s/old && find . -type f"
	      " ! -name 'anchor*' | while read f; do cat $f >%s/$f; done",
	    path, path, w.dir, path);
	shell("cat %s/old/anchor >%s/anchor", w.dir, path);
	fit_anchor(path);
	station_open(&w, COUNTY);
	ok(replica_restored(w.at[COUNTY]) == NULL,
	    "nothing shows that the disk was set back");
	/* More, or less, than it had written. */
	later = n_records;
	for (i = 0; i < (ahead ? 6 : 2); i++)
		write_one(w.at[COUNTY], n_records++, "later");
	sync_now(&w, "after");
	sync_now(&w, "once more");
	ok(strcmp(inc, replica_home(w.at[COUNTY])->inc) != 0,
	    "the first contact has it go on under a new incarnation");
	is_int(world_count(&w, CITY, "SELECT count(*) FROM _fork"), 0,
	    "before any of its changesets had left twice");
	ok(line_agree(&w, COUNTY, CITY, "520302"), "both agree");
	for (i = 0; i < n_records; i++)
		if (!has(&w, CITY, i,
			i < lost    ? "old"
			: i < later ? "lost"
				    : "later") ||
		    !has(&w, COUNTY, i,
			i < lost    ? "old"
			: i < later ? "lost"
				    : "later"))
			break;
	is_int(i, n_records, "all that was ever written is at both");
	is_int(world_count(&w, CITY, "SELECT count(*) FROM _quarantine"), 0,
	    "and all of it counts");
	world_close(&w);
}

/* Two live copies write and call in some order. */
static void
two_copies(int run)
{
	char path[128], value[32], inc[CHAIN_INC_LEN + 1],
	    other[CHAIN_INC_LEN + 1];
	int i, k, told = 0, mine[64], n = 0, last;
	struct world w;

	start(&w);
	station_path(path, &w, COUNTY);
	station_close(&w, COUNTY);
	shell("cp -a %s %s/clone", path, w.dir);
	station_open(&w, COUNTY);
	swap(&w);
	fit_anchor(path);
	station_close(&w, COUNTY);
	station_open(&w, COUNTY);
	ok(replica_restored(w.at[COUNTY]) == NULL, "run %d: a perfect copy",
	    run);
	for (i = 0; i < 8; i++) {
		for (k = (int)roll(3); k > 0; k--) {
			snprintf(value, sizeof(value), "v%d", n);
			mine[n] = n_records++;
			write_one(w.at[COUNTY], mine[n], value);
			n++;
		}
		if (roll(2))
			sync_now(&w, "in between");
		if (roll(2))
			swap(&w);
	}
	last = n_records;
	write_one(w.at[COUNTY], n_records++, "one");
	for (i = 0; i < 6; i++) {
		sync_now(&w, "in the end");
		swap(&w);
		if (i == 1) {
			write_one(w.at[COUNTY], n_records++, "two");
			swap(&w);
			write_one(w.at[COUNTY], n_records++, "three");
		}
	}
	told += resign_other(w.at[COUNTY], other);
	memcpy(inc, replica_home(w.at[COUNTY])->inc, sizeof(inc));
	ok(line_agree(&w, COUNTY, CITY, "520302"), "one agrees with the city");
	swap(&w);
	told += resign_other(w.at[COUNTY], other);
	ok(line_agree(&w, COUNTY, CITY, "520302"), "so does the other");
	ok(strcmp(inc, replica_home(w.at[COUNTY])->inc) != 0,
	    "they are different incarnations");
	ok(told > 0, "at least one is told of the other");
	for (i = 0, k = 0; i < n; i++) {
		snprintf(value, sizeof(value), "v%d", i);
		k += has(&w, CITY, mine[i], value);
	}
	is_int(k, n, "what either wrote is at the city");
	ok(has(&w, CITY, last, "one"), "what the one wrote last, too");
	ok(has(&w, CITY, last + 1, "two") && has(&w, CITY, last + 2, "three"),
	    "and both after they met");
	is_int(world_count(&w, CITY, "SELECT count(*) FROM _fork"), 0,
	    "no number of a chain left twice");
	is_int(world_count(&w, CITY, "SELECT count(*) FROM _quarantine"), 0,
	    "and counts");
	world_close(&w);
}

int
main(void)
{
	const char *runs = getenv("T21_RUNS"), *s = getenv("T21_SEED");
	int i, n = runs == NULL ? tap_amount(50, 8) : atoi(runs);

	seed = s == NULL ? (unsigned)getpid() : (unsigned)atoi(s);
	printf("# T21_SEED=%u\n", seed);
	disk_set_back(false);
	disk_set_back(true);
	for (i = 0; i < n; i++)
		two_copies(i);
	return tap_done();
}
