/*
 * Goal of this test: whatever part of a station's folder rots, the scrub puts
 * it right from another part, or says that it cannot; and what it put right is
 * as it was, so that the next part may rot.  A bit that turns is never an
 * answer.
 *
 * SCRUB_FLIPS: how many bits (1,000 for the long form); SCRUB_SEED: where they
 * begin.
 */
#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/folder.h"
#include "scrub.h"
#include "world.h"

#define TEAM "520302-00112233445566778899aabbccddeeff"

static struct world w;
static char home[128]; /* the county's */
static struct buf said;

static char *
in_home(const char *name)
{
	return mem_printf("%s/%s", home, name);
}

static void
hear(void *arg, int bad, const char *text)
{
	(void)arg;
	buf_printf(&said, "%c %s\n", bad ? '!' : ' ', text);
}

/* Scrub the county: what is left, or -1 if it could not be done. */
static int64_t
scrub(struct scrub *out)
{
	struct err err;

	buf_clear(&said);
	if (scrub_run(out, home, true, hear, NULL, &err) != 0) {
		printf("# scrub: %s\n", err.msg);
		return -1;
	}
	return out->wanted + out->faults;
}

static bool
heard(const char *what)
{
	bool is = strstr(buf_str(&said), what) != NULL;

	if (!is)
		printf("# heard: %s\n", buf_str(&said));
	return is;
}

static struct buf
bytes_of(const char *path)
{
	struct buf out = BUF_INIT;
	struct err err;

	must(file_read(&out, path, 1u << 24, &err), &err, "read");
	return out;
}

static void
put_bytes(const char *path, size_t at, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		abort();
	if (pwrite(fd, p, n, (off_t)at) != (ssize_t)n)
		abort();
	close(fd);
}

static void
turn(const char *path, size_t bit)
{
	struct buf text = bytes_of(path);
	uint8_t byte = text.b[bit / 8] ^ (uint8_t)(1u << bit % 8);

	put_bytes(path, bit / 8, &byte, 1);
	buf_free(&text);
}

/* What is there is no longer what was. */
static void
lose(const char *path, size_t at, size_t n)
{
	uint8_t *noise = mem_alloc(n);

	digest_random(noise, n);
	put_bytes(path, at, noise, n);
	free(noise);
}

static void
lose_replica(void)
{
	char *path = in_home("yizhan.db");

	lose(path, 0, 512);
	lose(path, 8192, 512);
	free(path);
}

/* The county's program is stopped while something rots, and started. */
static void
stop(void)
{
	replica_close(w.at[COUNTY]);
	w.at[COUNTY] = NULL;
}

static void
start(void)
{
	struct home *h;
	struct err err;

	must(home_open(&h, home, &err), &err, "home");
	must(replica_open(&w.at[COUNTY], h, &err), &err, "replica");
	replica_set_clock(w.at[COUNTY], world_clock, &w.now[COUNTY]);
}

static bool
same_digests(char want[STREAM_COUNT][DIGEST_HEX_LEN + 1], bool keep)
{
	bool same = true;
	int i;

	start();
	for (i = 0; i < STREAM_COUNT; i++) {
		const char *now =
		    world_digest(&w, COUNTY, (enum stream)i, NULL);

		if (keep)
			strcpy(want[i], now);
		same &= strcmp(want[i], now) == 0;
	}
	stop();
	return same;
}

static char digests[STREAM_COUNT][DIGEST_HEX_LEN + 1];

/* --- the small files ---------------------------------------------------- */

static void
small_files(void)
{
	static const char *const names[] = {
	    "station", "keys/sign", "keys/ssh", "anchor"};
	struct scrub out;
	struct stat before, after;
	size_t i, bit;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = in_home(names[i]);
		struct buf was = bytes_of(path), now;
		bool good = true;

		if (stat(path, &before) != 0)
			abort();
		/* Every byte, and in each another bit. */
		for (bit = 0; bit < 8 * was.len; bit += 37) {
			turn(path, bit);
			good &= scrub(&out) == 0 && out.mended == 1 &&
				heard(" put right");
			now = bytes_of(path);
			good &= now.len == was.len &&
				memcmp(now.b, was.b, was.len) == 0;
			buf_free(&now);
		}
		ok(good && stat(path, &after) == 0 &&
			after.st_ino == before.st_ino &&
			after.st_mode == before.st_mode,
		    "any bit of %s is turned back, in the same file", names[i]);
		buf_free(&was);
		free(path);
	}
}

/* Two things at once, so that neither can be asked about the other. */
static void
with_replica(void)
{
	char *station = in_home("station"), *key = in_home("keys/sign");
	struct buf was = bytes_of(station), now;
	struct scrub out;

	turn(station, 8 * 18 + 2); /* a digit into another digit */
	turn(key, 8 * 40);
	lose_replica();
	is_int(scrub(&out), 0,
	    "a turned bit of station and key, and the replica lost");
	now = bytes_of(station);
	is_str(buf_str(&now), buf_str(&was), "the station is who it was");
	ok(same_digests(digests, false), "and holds what it held");
	buf_free(&now);
	buf_free(&was);
	free(station);
	free(key);
}

static void
lost_station(void)
{
	char *station = in_home("station");
	struct buf was = bytes_of(station), now;
	struct scrub out;

	lose(station, 0, 512);
	is_int(scrub(&out), 0, "HOME/station lost as a whole");
	now = bytes_of(station);
	is_str(buf_str(&now), buf_str(&was), "is written anew by its key");
	buf_free(&now);
	lose(station, 0, 512);
	lose_replica();
	is_int(scrub(&out), -1, "but not without the replica");
	put_bytes(station, 0, was.b, was.len);
	if (truncate(station, (off_t)was.len) != 0)
		abort();
	is_int(scrub(&out), 0, "from a backup it is as before");
	buf_free(&was);
	free(station);
}

static void
lost_key(void)
{
	char *key = in_home("keys/ssh");
	struct buf was = bytes_of(key);
	struct scrub out;

	lose(key, 3, 20);
	is_int(scrub(&out), -1, "a lost key is not made up");
	ok(heard("! keys/ssh is damaged: ") && heard("rotate --recovery"),
	    "what to do is said");
	lose(key, 0, 512);
	is_int(scrub(&out), -1, "nor one of which nothing is left");
	ok(heard("! keys/ssh is damaged: "), "which is said too");
	put_bytes(key, 0, was.b, was.len);
	if (truncate(key, (off_t)was.len) != 0)
		abort();
	is_int(scrub(&out), 0, "put back, all is well");
	buf_free(&was);
	free(key);
}

/* --- rosters ---------------------------------------------------------------
 */

static void
rosters(void)
{
	char *ref = in_home("ledger/roster.git/refs/rosters/root");
	struct buf was = bytes_of(ref), now;
	struct scrub out;
	struct err err;
	struct home *h;
	struct replica *r;

	turn(ref, 8 * 7 + 1);
	is_int(scrub(&out), 0, "a turned bit of a roster's ref");
	now = bytes_of(ref);
	is_str(buf_str(&now), buf_str(&was), "is turned back");
	buf_free(&now);

	lose(ref, 0, was.len);
	must(home_open(&h, home, &err), &err, "home");
	must(replica_open(&r, h, &err), &err, "replica");
	ok(replica_rebuild(r, NULL, NULL, &err) != 0 &&
		strstr(err.msg, "refs/rosters/root is damaged") != NULL,
	    "nothing is rebuilt from a ledger with a damaged ref: %s", err.msg);
	replica_close(r);
	is_int(scrub(&out), 0, "a roster's ref that is lost");
	now = bytes_of(ref);
	is_str(buf_str(&now), buf_str(&was), "is written again");
	buf_free(&now);
	is_int(scrub(&out), 0, "and then");
	is_int(out.mended, 0, "there is nothing to put right");
	lose_replica();
	is_int(scrub(&out), 0, "so that the replica may be lost");
	ok(heard("yizhan.db was damaged: folded anew"), "which is said");
	ok(same_digests(digests, false), "and comes back as it was");

	buf_free(&was);
	free(ref);
}

static void
run(const char *fmt)
{
	char *command = mem_printf("cd %s && %s", home, fmt);

	if (system(command) != 0)
		abort();
	free(command);
}

static void
roster_documents(void)
{
	struct scrub out;

	run("cp -r ledger/roster.git/objects kept");
	run("find ledger/roster.git/objects -type f -delete");
	ok(scrub(&out) > 0, "of a repository lost as a whole much is wanted");
	ok(heard(" rosters written to the ledger again"),
	    "but its rosters are written from the replica");
	run("test $(git --git-dir=ledger/roster.git rev-list"
	    " refs/rosters/root | wc -l) = 6");
	ok(true, "git finds all versions");
	run("cp -rn kept/. ledger/roster.git/objects && rm -rf kept");
	is_int(scrub(&out), 0, "the rest brought back, all is well");
	lose_replica();
	is_int(scrub(&out), 0, "so that the replica may be lost");
	ok(same_digests(digests, false), "and comes back as it was");
}

/* A page of a table is no more than noise: SQLite can open it, and read the
 * rest. */
static void
lose_table(const char *name)
{
	char *path = in_home("yizhan.db");
	struct err err;
	struct db *db;
	int64_t page = 0;

	must(db_open(&db, path, 0, &err), &err, "open");
	must(
	    db_get_int(&page, db, &err,
		"SELECT rootpage FROM sqlite_schema WHERE name = ?", "s", name),
	    &err, "rootpage");
	db_close(db);
	lose(path, (size_t)(page - 1) * 4096, 512);
	free(path);
}

/* In the ledger a roster is lost, and the replica is damaged too, elsewhere. */
static void
roster_in_one(void)
{
	char *ref = in_home("ledger/roster.git/refs/rosters/root"), *object;
	struct buf was = bytes_of(ref), now;
	struct scrub out;

	object = mem_printf("%s/ledger/roster.git/objects/%.2s/%.38s", home,
	    buf_str(&was), buf_str(&was) + 2);
	run("cp -r ledger kept && cp yizhan.db kept.db");
	lose(object, 0, 40);
	lose(ref, 0, was.len);
	lose_table("_touch");
	is_int(scrub(&out), 0,
	    "a roster lost in the ledger, in a replica that is damaged itself");
	ok(heard("rosters that the ledger had lost were in yizhan.db") &&
		heard("yizhan.db was damaged: folded anew"),
	    "is put back from there, and the replica folded anew");
	now = bytes_of(ref);
	is_str(buf_str(&now), buf_str(&was), "its ref stands where it stood");
	buf_free(&now);
	ok(same_digests(digests, false), "and all is as it was");
	is_int(scrub(&out) + out.mended, 0, "for good");

	lose(object, 0, 40);
	lose_table("_touch");
	lose_table("_roster");
	is_int(scrub(&out), -1, "lost in both it is not made up");
	run("rm -rf ledger && mv kept ledger && mv kept.db yizhan.db &&"
	    " rm -f yizhan.db-wal yizhan.db-shm");
	is_int(scrub(&out), 0, "put back, all is well");
	free(object);
	free(ref);
	buf_free(&was);
}

/* --- records ----------------------------------------------------------------
 */

static void
tell(const char *sql)
{
	char *path = in_home("yizhan.db");
	struct err err;
	struct db *db;

	must(db_open(&db, path, 0, &err), &err, "open");
	must(db_exec(db, sql, &err), &err, sql);
	db_close(db);
	free(path);
}

static void
false_rows(void)
{
	static const char *const lies[] = {
	    "UPDATE team SET status = '\"lost\"'",
	    "UPDATE team SET removed = 1",
	    "DELETE FROM team",
	    "INSERT INTO _quarantine VALUES (1, 1, 0, 1, 'x', 'team', 'x')",
	};
	struct scrub out;
	size_t i;

	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		tell(lies[i]);
		ok(!same_digests(digests, false), "a lie: %s", lies[i]);
		ok(scrub(&out) == 0 && out.mended == 1 &&
			heard("yizhan.db said what the ledger does not"),
		    "is found");
		ok(same_digests(digests, false), "and taken back");
		is_int(scrub(&out) + out.mended, 0, "for good");
	}
}

static int64_t
found(const char *word)
{
	char *path = in_home("yizhan.db");
	struct err err;
	struct db *db;
	int64_t n = 0;

	must(db_open(&db, path, 0, &err), &err, "open");
	must(db_get_int(&n, db, &err,
		 "SELECT count(*) FROM _search WHERE _search MATCH ?", "s",
		 word),
	    &err, "search");
	db_close(db);
	free(path);
	return n;
}

/* What only helps to find and to count is no record, and may lie too. */
static void
false_index(void)
{
	static const char *const lies[] = {
	    "INSERT INTO _search(_search) VALUES ('delete-all')",
	    "INSERT INTO _search(rowid, words) VALUES (1, 'nowhere')",
	    "INSERT INTO _search(rowid, words) VALUES (999999, 'nowhere')",
	    "UPDATE _tally SET n = n + 1 WHERE kind = 'team'",
	    "DELETE FROM _tally WHERE kind = 'team'",
	};
	struct scrub out;
	size_t i;
	int64_t n = found("红花");

	ok(n > 0 && found("nowhere") == 0, "the search finds a team");
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		tell(lies[i]);
		ok(same_digests(digests, false),
		    "the records are as they were,"
		    " but: %s",
		    lies[i]);
		ok(scrub(&out) == 0 && out.mended == 1 &&
			heard("yizhan.db said what the ledger does not"),
		    "that is found");
		ok(found("红花") == n && found("nowhere") == 0,
		    "and searching finds what it should");
		is_int(scrub(&out) + out.mended, 0, "for good");
	}
}

/* What nobody here knows any more does not keep the rest from coming back. */
static void
lost_chain(void)
{
	char name[128], *ref;
	struct replica_head *heads;
	struct scrub out;
	struct err err;
	size_t i, n, found = 0;

	start();
	must(replica_heads(w.at[COUNTY], &heads, &n, &err), &err, "heads");
	for (i = 0; i < n; i++)
		if (strcmp(heads[i].chain.writer, "520000") == 0 &&
		    heads[i].chain.stream == STREAM_ROSTER)
			found = i;
	snprintf(name, sizeof(name), "ledger/roster.git/refs/chains/%s-%s/all",
	    heads[found].chain.writer, heads[found].chain.inc);
	free(heads);
	stop();
	ref = in_home(name);
	lose(ref, 0, 41);
	lose_replica();
	is_int(scrub(&out), 1, "a chain lost in the ledger, and the replica");
	ok(heard("its chain is damaged, and so is the replica") &&
		heard("yizhan.db was damaged: folded anew"),
	    "the rest is folded anew");
	start();
	world_carry(&w, CITY, COUNTY);
	stop();
	ok(same_digests(digests, false), "and a peer brings the chain");
	is_int(scrub(&out) + out.mended, 0, "then nothing is amiss");
	free(ref);
}

/* --- any bit
 * ------------------------------------------------------------------
 */

struct place { /* a bit of all files, or of any file */
	uint32_t seed;
	int64_t left; /* bytes or files before it */
	bool by_size;
	char *path;
	int64_t size;
};

static int64_t
rnd(uint32_t *seed, int64_t n)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 3; i++) {
		*seed = *seed * 1664525u + 1013904223u;
		v = v << 16 | *seed >> 16;
	}
	return (int64_t)(v % (uint64_t)n);
}

static bool
is_picked(const char *name, int64_t size)
{
	const char *end = strrchr(name, '-');

	return size > 0 && (end == NULL || (strcmp(end, "-wal") != 0 &&
					       strcmp(end, "-shm") != 0));
}

static int
pick(void *arg, const char *name, int64_t size, int64_t mtime, struct err *err)
{
	struct place *p = arg;

	(void)mtime;
	(void)err;
	if (!is_picked(name, size) || p->path != NULL)
		return 0;
	if (p->left < (p->by_size ? size : 1)) {
		p->path = in_home(name);
		p->size = size;
	}
	p->left -= p->by_size ? size : 1;
	return 0;
}

static int
add_up(
    void *arg, const char *name, int64_t size, int64_t mtime, struct err *err)
{
	int64_t *sums = arg;

	(void)mtime;
	(void)err;
	if (is_picked(name, size)) {
		sums[0]++;
		sums[1] += size;
	}
	return 0;
}

/* 1: as before; 0: another answer; -1: none. */
static int
ask(void)
{
	struct replica *r = NULL;
	struct digest sum;
	struct home *h;
	struct err err;
	char hex[DIGEST_HEX_LEN + 1];
	int64_t records;
	int i, rc, same = 1;

	rc = home_open(&h, home, &err);
	if (rc == 0)
		rc = replica_open(&r, h, &err);
	for (i = 0; rc == 0 && i < STREAM_COUNT; i++) {
		rc = replica_digest(
		    r, (enum stream)i, NULL, &records, &sum, &err);
		digest_hex(hex, sum.b, sizeof(sum.b));
		if (rc == 0)
			same &= strcmp(hex, digests[i]) == 0;
	}
	replica_close(r);
	return rc == 0 ? same : -1;
}

static void
any_bit(void)
{
	const char *flips = getenv("SCRUB_FLIPS"), *seed = getenv("SCRUB_SEED");
	int n = flips == NULL ? 60 : atoi(flips), i, wrong = 0, left = 0;
	struct place p = {.seed = seed == NULL
				      ? (uint32_t)getpid()
				      : (uint32_t)strtoul(seed, NULL, 10)};
	int64_t bit;
	struct scrub out;
	struct err err;

	printf("# %d bits from seed %u\n", n, p.seed);
	for (i = 0; i < n; i++) {
		int64_t sums[2] = {0, 0};

		must(folder_walk(home, add_up, sums, &err), &err, "walk");
		p.by_size = i % 2 == 0;
		p.left = rnd(&p.seed, sums[p.by_size]);
		must(folder_walk(home, pick, &p, &err), &err, "walk");
		bit = rnd(&p.seed, 8 * p.size);
		turn(p.path, (size_t)bit);
		if (i % 4 < 2 && ask() == 0) {
			wrong++;
			printf(
			    "# wrong: %s bit %lld\n", p.path, (long long)bit);
		}
		if (scrub(&out) != 0 || ask() != 1) {
			left++;
			printf("# not right again: %s bit %lld: %s\n", p.path,
			    (long long)bit, buf_str(&said));
		}
		free(p.path);
		p.path = NULL;
	}
	printf("# %d bits: %d wrong answers, %d not right again\n", n, wrong,
	    left);
	is_int(wrong, 0, "no turned bit is an answer");
	ok(left * 100 <= n, "99 in 100 are put right without a peer");
}

int
main(void)
{
	struct scrub out;

	world_open(&w);
	world_kinds(&w);
	snprintf(home, sizeof(home), "%s/520302", w.dir);
	world_sync(&w);
	world_set(&w, COUNTY, STREAM_RESOURCE, "team", TEAM, "name",
	    "\"红花岗大队\"");
	world_set(
	    &w, COUNTY, STREAM_RESOURCE, "team", TEAM, "status", "\"ready\"");
	world_sync(&w);
	stop();
	is_int(scrub(&out), 0, "a station that is well");
	is_int(out.mended, 0, "has nothing to be put right");
	same_digests(digests, true);
	small_files();
	with_replica();
	lost_station();
	lost_key();
	rosters();
	roster_documents();
	roster_in_one();
	false_rows();
	false_index();
	any_bit();
	lost_chain();
	buf_free(&said);
	world_close(&w);
	return tap_done();
}
