/*
 * Goal of this test: the connection is set up as the appliance depends on,
 * every type goes through unchanged, statements are kept and found again,
 * failures leave the connection usable, and a process that writes without end
 * lets others have their turn.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "tap.h"

static struct err err;

static int64_t
one(struct db *db, const char *sql)
{
	int64_t v = -1;

	if (db_get_int(&v, db, &err, sql, "") != 0)
		return -1;
	return v;
}

static void
settings(struct db *db)
{
	struct stat st;

	is_int(one(db, "PRAGMA synchronous"), 2, "commits are synced");
	is_int(one(db, "PRAGMA foreign_keys"), 1, "foreign keys hold");
	is_int(one(db, "PRAGMA trusted_schema"), 0, "the schema is suspect");
	is_int(one(db, "SELECT count(*) FROM pragma_journal_mode"
		       " WHERE journal_mode = 'wal'"),
	    1, "the journal is a WAL");
	ok(db_exec(db, "SELECT \"text\"", &err) != 0,
	    "double quotes are for names only");
	ok(db_exec(db,
	       "PRAGMA writable_schema=ON;"
	       "DELETE FROM sqlite_schema",
	       &err) != 0,
	    "the schema table is not to be written");
	ok(db_exec(db, "ATTACH ':memory:' AS other", &err) != 0,
	    "no other database is attached");
	ok(db_exec(db, "CREATE VIEW v AS SELECT 1; SELECT * FROM v", &err) != 0,
	    "views are not used");
	is_int(db_cache(db, 1000, &err), 0, "a smaller cache");
	is_int(one(db, "PRAGMA cache_size"), -1000, "is what it says");
	ok(stat("x.db", &st) == 0 && (st.st_mode & 077) == 0 &&
		stat("x.db-wal", &st) == 0 && (st.st_mode & 077) == 0,
	    "nobody else may read the files");
}

static void
types(struct db *db)
{
	struct db_stmt *st;
	size_t n;

	is_int(db_exec(db, "CREATE TABLE t (i, d, s, t, b, n, e) STRICT", &err),
	    YZ_EIO, "a STRICT table wants types");
	is_int(db_exec(db, "CREATE TABLE t (i, d, s, t, b, n, e)", &err), 0,
	    "make a table: %s", err.msg);
	is_int(db_run(db, &err, "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)",
		   "idstbnb", INT64_MIN, 0.5, "桴㯊镇", "a\0bc", (size_t)3,
		   "\0\1", (size_t)2, "", (size_t)0),
	    0, "put one of each type");
	is_int(db_changes(db), 1, "one row changed");
	db_query(&st, db, &err, "SELECT * FROM t", "");
	is_int(db_step(st, &err), 1, "a row is there");
	ok(db_type(st, 0) == DB_INT && db_int(st, 0) == INT64_MIN, "integer");
	ok(db_type(st, 1) == DB_REAL && db_real(st, 1) == 0.5, "real");
	is_str(db_text(st, 2), "桴㯊镇", "text");
	ok(memcmp(db_blob(st, 3, &n), "a\0b", 3) == 0 && n == 3 &&
		db_type(st, 3) == DB_TEXT,
	    "text with its length");
	ok(memcmp(db_blob(st, 4, &n), "\0\1", 2) == 0 && n == 2, "blob");
	ok(db_type(st, 5) == DB_NULL && db_text(st, 5) == NULL &&
		db_blob(st, 5, &n) == NULL && n == 0,
	    "NULL");
	ok(db_type(st, 6) == DB_BLOB && db_blob(st, 6, &n) != NULL && n == 0,
	    "an empty blob is not NULL");
	ok(db_columns(st) == 7 && strcmp(db_column_name(st, 6), "e") == 0,
	    "columns have their names");
	is_int(db_step(st, &err), 0, "no more rows");
	db_done(st);
	is_int(db_prepare(&st, db, "SELECT ?, ?, ?, ?", &err), 0, "prepare");
	db_bind_blob(st, 1, "\0\1", 2);
	db_bind_text(st, 2, "ab", 1);
	db_bind_int(st, 4, -7);
	ok(db_step(st, &err) == 1 && db_type(st, 0) == DB_BLOB &&
		strcmp(db_text(st, 1), "a") == 0 && db_type(st, 2) == DB_NULL &&
		db_int(st, 3) == -7,
	    "values are bound by place, NULL where there is none");
	db_done(st);
	db_prepare(&st, db, "SELECT ?, ?, ?, ?", &err);
	ok(db_step(st, &err) == 1 && db_type(st, 3) == DB_NULL,
	    "the next use starts with nothing bound");
	db_done(st);
	db_prepare(&st, db, "SELECT ?, ?, ?, ?", &err);
	db_bind_text(st, 1, "x", (17 << 20) + 0ul);
	db_bind_int(st, 2, 1);
	is_int(db_step(st, &err), YZ_EINVAL, "a value too long: %s", err.msg);
	db_done(st);
	db_query(&st, db, &err, "SELECT ?, ?, ?", "stb", NULL, NULL, (size_t)5,
	    NULL, (size_t)5);
	ok(db_step(st, &err) == 1 && db_type(st, 0) == DB_NULL &&
		db_type(st, 1) == DB_NULL && db_type(st, 2) == DB_NULL,
	    "a NULL pointer binds NULL");
	db_done(st);
}

static void
statements(struct db *db)
{
	char sql[64];
	struct db_stmt *a, *b;
	int64_t v, i, wrong = 0;

	db_query(&a, db, &err, "SELECT ?", "i", (int64_t)1);
	db_step(a, &err);
	db_done(a);
	snprintf(sql, sizeof(sql), "SELECT %s", "?");
	db_query(&b, db, &err, sql, "i", (int64_t)2);
	ok(a == b && db_step(b, &err) == 1 && db_int(b, 0) == 2,
	    "the same text from elsewhere is the same statement");
	/* b stays in use while thousands of others come and go. */
	for (i = 0; i < 3000; i++) {
		snprintf(sql, sizeof(sql), "SELECT ? + %d", (int)i);
		if (db_get_int(&v, db, &err, sql, "i", i) != 0 || v != 2 * i)
			wrong++;
	}
	is_int(wrong, 0, "three thousand statements");
	is_int(db_int(b, 0), 2, "one in use is not dropped");
	db_done(b);
	ok(db_query(&a, db, &err, "SELEKT 1", "") == YZ_EIO && a == NULL &&
		strstr(err.msg, "SELEKT") != NULL,
	    "SQLite's message is kept: %s", err.msg);
	db_done(a);
	is_int(db_get_int(&v, db, &err, "SELECT 1 WHERE 0", ""), YZ_ENOTFOUND,
	    "no row is told apart");
}

static void
transactions(struct db *db)
{
	struct db *other;
	int64_t before;

	db_exec(db, "CREATE TABLE u (x UNIQUE)", &err);
	is_int(db_begin(db, &err), 0, "begin");
	ok(db_in_transaction(db), "a transaction is open");
	db_run(db, &err, "INSERT INTO u VALUES (1)", "");
	is_int(db_run(db, &err, "INSERT INTO u VALUES (1)", ""), YZ_EIO,
	    "a constraint holds: %s", err.msg);
	is_int(db_run(db, &err, "INSERT INTO u VALUES (2)", ""), 0,
	    "and the connection goes on");
	db_rollback(db);
	db_rollback(db);
	is_int(one(db, "SELECT count(*) FROM u"), 0, "rollback takes it back");

	before = db_version(db);
	is_int(db_open(&other, "x.db", 0, &err), 0, "open it again");
	db_begin(other, &err);
	db_run(other, &err, "INSERT INTO u VALUES (3)", "");
	is_int(db_version(db), before, "nothing new before the commit");
	is_int(db_commit(other, &err), 0, "commit");
	ok(db_version(db) != before, "another's commit shows in the version");
	db_close(other);
	is_int(db_open(&other, "x.db", DB_READONLY, &err), 0, "only to read");
	is_int(one(other, "SELECT x FROM u"), 3, "it reads");
	ok(db_run(other, &err, "DELETE FROM u", "") != 0, "it cannot write");
	db_close(other);
}

/*
 * One that writes without end and gives way when asked, and ten who want one
 * transaction each: how many of the busy one's begin while one waits?  Without
 * turns it would be dozens, by luck.
 */
#define WAITERS 10

static void
write_on(const char *path, const char *column, int n)
{
	struct db *db;
	int i, k;

	if (db_open(&db, path, DB_TURNS, &err) != 0)
		_exit(1);
	for (i = 0; i < n; i++) {
		if (db_begin(db, &err) != 0)
			_exit(1);
		for (k = 0; k < 200 && !db_wanted(db); k++)
			(void)poll(NULL, 0, 1);
		if (db_run(db, &err, column, "") != 0 ||
		    db_commit(db, &err) != 0)
			_exit(1);
	}
	db_close(db);
	_exit(0);
}

static void
turns(struct db *db)
{
	int64_t before, after, most = 0;
	int status, i;
	pid_t busy;

	db_exec(db, "CREATE TABLE w (n); INSERT INTO w VALUES (0)", &err);
	fflush(stdout);
	busy = fork();
	if (busy == 0)
		write_on("turns.db", "UPDATE w SET n = n + 1", 1000000);
	while (one(db, "SELECT n FROM w") == 0)
		(void)poll(NULL, 0, 1);
	for (i = 0; i < WAITERS; i++) {
		before = one(db, "SELECT n FROM w");
		if (db_begin(db, &err) != 0)
			break;
		after = one(db, "SELECT n FROM w");
		db_commit(db, &err);
		if (after - before > most)
			most = after - before;
		(void)poll(NULL, 0, 5);
	}
	is_int(i, WAITERS, "beside one that writes without end others write");
	/* What was begun, and one more where the turn was just being tried. */
	ok(most <= 3, "after at most %lld of its transactions",
	    (long long)most);
	db_hold(db);
	db_begin(db, &err);
	db_commit(db, &err);
	before = one(db, "SELECT n FROM w");
	for (i = 0; i < 20; i++) {
		if (db_begin(db, &err) != 0 || db_commit(db, &err) != 0)
			break;
		(void)poll(NULL, 0, 2);
	}
	is_int(one(db, "SELECT n FROM w") - before, 0,
	    "who keeps the turn is alone");
	db_let_go(db);
	before = one(db, "SELECT n FROM w");
	while (one(db, "SELECT n FROM w") == before)
		(void)poll(NULL, 0, 1);
	ok(1, "until it lets go");
	kill(busy, SIGKILL);
	waitpid(busy, &status, 0);
	is_int(db_begin(db, &err), 0, "one that was killed keeps no turn");
	db_rollback(db);
}

/* Many at once beside the busy one: each wants its turn again and again. */
#define MANY 14
#define TIMES 5

static void
want_turns(void)
{
	struct db *db;
	int i;

	if (db_open(&db, "turns.db", DB_TURNS, &err) != 0)
		_exit(1);
	for (i = 0; i < TIMES; i++)
		if (db_begin(db, &err) != 0 ||
		    db_run(db, &err, "UPDATE o SET n = n + 1", "") != 0 ||
		    db_commit(db, &err) != 0)
			_exit(1);
	db_close(db);
	_exit(0);
}

static void
turns_of_many(struct db *db)
{
	int64_t before, after;
	pid_t busy, other[MANY];
	int status, i, good = 0;

	db_exec(db, "CREATE TABLE o (n); INSERT INTO o VALUES (0)", &err);
	fflush(stdout);
	busy = fork();
	if (busy == 0)
		write_on("turns.db", "UPDATE w SET n = n + 1", 1000000);
	before = one(db, "SELECT n FROM w");
	while (one(db, "SELECT n FROM w") == before)
		(void)poll(NULL, 0, 1);
	before = one(db, "SELECT n FROM w");
	for (i = 0; i < MANY; i++) {
		other[i] = fork();
		if (other[i] == 0)
			want_turns();
	}
	for (i = 0; i < MANY; i++)
		good += waitpid(other[i], &status, 0) == other[i] &&
			WIFEXITED(status) && WEXITSTATUS(status) == 0;
	after = one(db, "SELECT n FROM w");
	is_int(good, MANY, "beside it %d write at once", MANY);
	is_int(one(db, "SELECT n FROM o"), MANY * TIMES,
	    "each as often as it wants");
	/* One of fifteen, by chance; not as often as all others together. */
	ok(after - before < MANY * TIMES, "the busy one had %lld of %lld turns",
	    (long long)(after - before),
	    (long long)(after - before) + MANY * TIMES);
	kill(busy, SIGKILL);
	waitpid(busy, &status, 0);
}

/* --- what is taken ---------------------------------------------------------
 */

struct taken {
	struct buf text;
};

static void
note(void *arg, size_t place, enum db_type type, const struct db_value *v)
{
	struct taken *t = arg;

	if (type == DB_INT)
		buf_printf(&t->text, "%zu=%lld ", place, (long long)v->number);
	else if (type == DB_TEXT)
		buf_printf(&t->text, "%zu=%.*s ", place, (int)v->len, v->text);
	else
		buf_printf(&t->text, "%zu?%d ", place, (int)type);
}

static void
taking(struct db *db)
{
	struct taken t = {BUF_INIT};
	struct db_stmt *st;

	db_take(db, note, &t);
	if (db_query(&st, db, &err,
		"SELECT column1, taken(0, column1, column2, NULL),"
		" taken(100, column3, '乙', 1.5, x'00') FROM"
		" (VALUES (1, NULL, '甲'), (2, '丙', NULL)) WHERE column1 > ?",
		"i", (int64_t)0) != 0)
		return;
	is_int(db_step(st, &err), 1, "a row whose values are taken");
	ok(db_type(st, 1) == DB_NULL, "what takes them is nothing itself");
	is_int(db_step(st, &err), 1, "the next");
	is_int(db_step(st, &err), 0, "no more");
	db_done(st);
	is_str(buf_str(&t.text),
	    "0=1 100=甲 101=乙 102?2 103?4 0=2 1=丙 101=乙 102?2 103?4 ",
	    "each value comes once, in order, and none where there is none");
	db_take(db, NULL, NULL);
	ok(db_run(db, &err, "SELECT taken(0, 1)", "") == 0 &&
		db_run(db, &err, "SELECT taken()", "") == 0,
	    "where nobody takes them, nothing happens");
	buf_free(&t.text);
}

int
main(void)
{
	char dir[] = "/tmp/test_db.XXXXXX";
	struct buf sql = BUF_INIT;
	struct db *db, *fair;
	FILE *f;

	if (mkdtemp(dir) == NULL || chdir(dir) != 0)
		return 1;
	is_int(db_open(&db, "x.db", 0, &err), YZ_ENOTFOUND, "nothing there");
	ok(access("x.db", F_OK) != 0, "and nothing made");
	is_int(db_open(&db, "x.db", DB_CREATE, &err), 0, "make one");
	types(db);
	settings(db);
	statements(db);
	transactions(db);
	taking(db);
	if (db_open(&fair, "turns.db", DB_CREATE | DB_TURNS, &err) != 0)
		return 1;
	turns(fair);
	turns_of_many(fair);
	db_close(fair);
	db_quote(&sql, "a\"b");
	is_str(buf_str(&sql), "\"a\"\"b\"", "names are quoted");
	buf_free(&sql);
	db_close(db);

	f = fopen("junk.db", "w");
	fprintf(f, "%2000s", "this is no database");
	fclose(f);
	is_int(
	    db_open(&db, "junk.db", 0, &err), YZ_ECORRUPT, "junk: %s", err.msg);
	/* The killed one's journal was the last thing it kept. */
	ok(unlink("turns.db-turn") == 0 && unlink("turns.db") == 0,
	    "turns are kept beside the database");
	ok(unlink("turns.db-gate") == 0 && unlink("x.db-gate") == 0,
	    "and so is the lock of who replaces it");
	if (unlink("x.db") != 0 || unlink("junk.db") != 0 || rmdir(dir) != 0)
		ok(0, "closing leaves the database alone in its folder");
	return tap_done();
}
