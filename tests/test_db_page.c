/*
 * Goal of this test: a turned bit in a database's file never becomes an
 * answer: a single one is read as it was, more fail the reading; and what
 * another program wrote is not taken for ours.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/db.h"
#include "base/db_page.h"
#include "base/digest.h"
#include "base/err.h"
#include "tap.h"

static struct err err;

static void
one_page(void)
{
	uint8_t page[DB_PAGE], flipped[DB_PAGE];
	char sum[2 * DB_PAGE_SUM + 1];
	int i, mended = 0, found = 0;

	for (i = 0; i < (int)DB_PAGE; i++)
		page[i] = (uint8_t)(i * 31 + i / 256);
	db_page_seal(page, 7);
	/* A literal sum: changing it must break this, not a station. */
	digest_hex(sum, page + DB_PAGE - DB_PAGE_SUM, DB_PAGE_SUM);
	is_str(sum, "732296a4b9fedb08", "the checksum is fixed");
	ok(db_page_holds(page, 7), "a sealed page holds");
	ok(!db_page_holds(page, 8), "not at another place");
	for (i = 0; i < (int)DB_PAGE * 8; i += 41) {
		memcpy(flipped, page, DB_PAGE);
		flipped[i / 8] ^= (uint8_t)(1 << i % 8);
		found += !db_page_holds(flipped, 7);
		mended += db_page_mend(flipped, 7) &&
			  memcmp(flipped, page, DB_PAGE) == 0;
	}
	is_int(found, 800, "every turned bit is found");
	is_int(mended, 800, "and turned back");
	memcpy(flipped, page, DB_PAGE);
	flipped[100] ^= 1;
	flipped[3000] ^= 4;
	ok(!db_page_mend(flipped, 7), "two of them are not guessed at");
	/* A leaf with a cell in its last sector. */
	memcpy(page, "\x0d\0\0\0\x01\x0f\x00\0\x0f\x00", 10);
	db_page_seal(page, 7);
	memcpy(flipped, page, DB_PAGE);
	memset(flipped + DB_PAGE - 512, 0, 512);
	ok(!db_page_holds(flipped, 7) && !db_page_mend(flipped, 7),
	    "a sector that is gone at the end is seen");
	memset(page, 0, DB_PAGE);
	ok(db_page_holds(page, 3), "a page never written is blank");
}

/* Of the rows, or -1 with err. */
static int64_t
count(void)
{
	struct db *db = NULL;
	int64_t n = -1;

	if (db_open(&db, "x.db", 0, &err) == 0 &&
	    db_get_int(&n, db, &err,
		"SELECT sum(length(v)) FROM t WHERE v GLOB 'abc*'", "") != 0)
		n = -1;
	db_close(db);
	return n;
}

static void
turn(int fd, off_t at, uint8_t bits)
{
	uint8_t b;

	if (pread(fd, &b, 1, at) != 1)
		abort();
	b ^= bits;
	if (pwrite(fd, &b, 1, at) != 1)
		abort();
}

static void
in_a_file(void)
{
	int wrong = 0, failed = 0, fd;
	struct db *db;
	int64_t want;
	off_t at, end;

	is_int(db_open(&db, "x.db", DB_CREATE, &err), 0, "a new database");
	is_int(db_exec(db,
		   "CREATE TABLE t(v TEXT);"
		   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
		   " FROM n WHERE i < 400) INSERT INTO t"
		   " SELECT 'abc' || hex(zeroblob(50)) || i FROM n",
		   &err),
	    0, "with rows in it");
	db_close(db);
	want = count();
	ok(want > 40000, "they are read");
	fd = open("x.db", O_RDWR);
	end = lseek(fd, 0, SEEK_END);
	for (at = 0; at < end; at += 97) {
		turn(fd, at, (uint8_t)(1 << at % 8));
		wrong += count() != want;
		turn(fd, at, (uint8_t)(1 << at % 8));
	}
	is_int(wrong, 0, "wherever a bit turns, the answer is the same");
	wrong = 0;
	for (at = 0; at < end; at += 397) {
		turn(fd, at, 0x11);
		if (count() >= 0)
			wrong++;
		else
			failed += err.code == YZ_ECORRUPT;
		turn(fd, at, 0x11);
	}
	is_int(wrong, 0, "two bits of a page that is read: no answer at all");
	is_int(failed, (int)((end + 396) / 397), "but one clear line");
	close(fd);
	is_int(count(), want, "and put right, it is as before");
}

/*
 * The power went while pages were copied out of the log: half of the first
 * one is new, half old.  The log still has it whole.
 */
static void
torn(void)
{
	static char half[DB_PAGE / 2];
	struct db *db;
	int64_t n = -1;
	int fd;

	is_int(db_open(&db, "x.db", 0, &err), 0, "it is opened again");
	is_int(db_exec(db, "CREATE TABLE u AS SELECT 7 AS v", &err), 0,
	    "something is written that lies in the log");
	if (system("cp x.db y.db && cp x.db-wal y.db-wal") != 0)
		abort();
	db_close(db);
	fd = open("y.db", O_RDWR);
	memset(half, 0x5a, sizeof(half));
	if (pwrite(fd, half, sizeof(half), sizeof(half)) !=
	    (ssize_t)sizeof(half))
		abort();
	close(fd);
	ok(db_open(&db, "y.db", 0, &err) == 0 &&
		db_get_int(&n, db, &err, "SELECT v FROM u", "") == 0 && n == 7,
	    "a first page that is torn comes from the log");
	db_close(db);
}

/*
 * A station was killed, and somebody looks into its database with the stock
 * tool, which on leaving copies the log into the file without our sums.
 */
static void
looked_into(void)
{
	struct db_health health;
	struct db *db;
	int64_t n = -1;

	is_int(db_open(&db, "x.db", 0, &err), 0, "it is opened once more");
	is_int(db_exec(db,
		   "CREATE TABLE w AS SELECT v FROM t;"
		   "CREATE TABLE none(v);"
		   "CREATE TABLE long AS SELECT 'x' || hex(zeroblob(9000))"
		   " || substr(v, 4) AS v FROM t LIMIT 50;"
		   "UPDATE t SET v = 'abd' || substr(v, 4)",
		   &err),
	    0, "much is written that lies in the log");
	if (system("cp x.db z.db && cp x.db-wal z.db-wal") != 0)
		abort();
	is_int(db_exec(db, "UPDATE t SET v = 'abc' || substr(v, 4)", &err), 0,
	    "and written back");
	db_close(db);
	ok(system("test \"$(sqlite3 z.db 'SELECT count(*) FROM w')\" = 400 &&"
		  " test ! -e z.db-wal") == 0,
	    "another program looks at it, and copies the log");
	ok(db_open(&db, "z.db", 0, &err) == 0 &&
		db_get_int(&n, db, &err,
		    "SELECT (SELECT count(*) FROM t JOIN w ON substr(t.v, 4) ="
		    " substr(w.v, 4)) + (SELECT sum(length(v)) > 900000"
		    " FROM long) + (SELECT count(*) FROM none)",
		    "") == 0 &&
		n == 401,
	    "which harms nothing");
	ok(db_scrub(db, &health, &err) == 0 && health.sealed > 100 &&
		health.mended == 0 && health.damaged == 0,
	    "a scrub gives all its pages sums again");
	ok(db_scrub(db, &health, &err) == 0 && health.sealed == 0,
	    "once, and leaves those alone that have them");
	ok(db_get_int(&n, db, &err, "SELECT count(*) FROM w", "") == 0 &&
		n == 400,
	    "what they say is as before");
	db_close(db);
	unlink("z.db-gate");
}

static void
of_others(void)
{
	struct db *db = NULL;

	if (system("sqlite3 other.db 'CREATE TABLE t(v)'") != 0)
		abort();
	ok(db_open(&db, "other.db", 0, &err) != 0 && err.code == YZ_ECORRUPT,
	    "a file of another program is refused");
	ok(system("sqlite3 -readonly x.db 'SELECT count(*) FROM t'"
		  " >/dev/null") == 0,
	    "but everybody may look at ours");
}

int
main(void)
{
	char made[] = "/tmp/test_db_page.XXXXXX";

	if (mkdtemp(made) == NULL || chdir(made) != 0)
		return 1;
	one_page();
	in_a_file();
	torn();
	looked_into();
	of_others();
	/* The tool leaves these where it may only look. */
	unlink("x.db-wal");
	unlink("x.db-shm");
	unlink("x.db-gate");
	if (unlink("x.db") != 0 || unlink("y.db") != 0 || unlink("z.db") != 0 ||
	    unlink("other.db") != 0 || rmdir(made) != 0)
		ok(0, "closing leaves the databases alone in their folder");
	return tap_done();
}
