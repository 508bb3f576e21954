#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/db_impl.h"
#include "base/db_page.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#define DB_HEAP_MAX (1ll << 30) /* bytes of all connections of a process */
#define DB_SLOTS 256            /* first size of the table of statements */

/* What the connection must be like, set and then read back. */
static const struct {
	const char *name;
	const char *value;
	const char *reads; /* what it must read as */
	bool writer;       /* means nothing to a reader */
} pragmas[] = {
    {"page_size", "4096", "4096", true},
    {"journal_mode", "WAL", "wal", true},
    {"synchronous", "FULL", "2", false},
    {"foreign_keys", "ON", "1", false},
    {"recursive_triggers", "ON", "1", false},
    {"cell_size_check", "ON", "1", false},
    {"mmap_size", "0", "0", false},
    {"temp_store", "MEMORY", "2", false},
    /* Debian's default wipes freed pages with writes of their own. */
    {"secure_delete", "FAST", "2", true},
    {"cache_size", "-65536", "-65536", false},
    {"wal_autocheckpoint", "4000", "4000", false},
    {"journal_size_limit", "67108864", "67108864", false},
};

static const struct {
	int op;
	int value;
} configs[] = {
    {SQLITE_DBCONFIG_DEFENSIVE, 1},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
    {SQLITE_DBCONFIG_DQS_DML, 0},
    {SQLITE_DBCONFIG_DQS_DDL, 0},
    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    /* What we have no use for cannot be planted in a file either. */
    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
    {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
    {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
    {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0},
};

static const struct {
	int id;
	int max;
} limits[] = {
    {SQLITE_LIMIT_LENGTH, 16 << 20},
    {SQLITE_LIMIT_SQL_LENGTH, 1 << 20},
    {SQLITE_LIMIT_EXPR_DEPTH, 200},
    {SQLITE_LIMIT_COMPOUND_SELECT, 50},
    {SQLITE_LIMIT_VDBE_OP, 250000},
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 32766},
    {SQLITE_LIMIT_TRIGGER_DEPTH, 10},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int
db_describe(struct db *db, struct err *err)
{
	int code = YZ_EIO, rc = sqlite3_errcode(db->h) & 0xff;

	if (sqlite3_extended_errcode(db->h) == SQLITE_IOERR_DATA) {
		err_set(err, YZ_ECORRUPT,
		    "database: a page is damaged: yizhan scrub");
		return YZ_ECORRUPT;
	}
	if (rc == SQLITE_FULL ||
	    (rc == SQLITE_IOERR && sqlite3_system_errno(db->h) == ENOSPC)) {
		err_set(err, YZ_EIO,
		    "the disk is full: nothing was saved, and nothing can be"
		    " until there is room again");
		err->sys = ENOSPC;
		return YZ_EIO;
	}
	if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB)
		code = YZ_ECORRUPT;
	err_set(err, code, "database: %s", sqlite3_errmsg(db->h));
	if (code == YZ_EIO)
		err->sys = sqlite3_system_errno(db->h);
	return code;
}

static int
set_pragma(struct db *db, size_t i, bool readonly, struct err *err)
{
	char *sql = NULL;
	struct db_stmt *st = NULL;
	const char *got;
	int rc;

	if (!readonly || !pragmas[i].writer) {
		sql = mem_printf(
		    "PRAGMA %s=%s", pragmas[i].name, pragmas[i].value);
		rc = db_exec(db, sql, err);
		free(sql);
		if (rc != 0)
			return rc;
	} else if (strcmp(pragmas[i].name, "journal_mode") != 0) {
		return 0;
	}
	sql = mem_printf("PRAGMA %s", pragmas[i].name);
	rc = db_query(&st, db, err, sql, "");
	if (rc == 0)
		rc = db_step(st, err);
	if (rc >= 0) {
		got = rc == 1 ? db_text(st, 0) : NULL;
		rc = 0;
		if (got == NULL || strcmp(got, pragmas[i].reads) != 0)
			rc = err_set(err, YZ_EIO, "database: %s is %s, not %s",
			    pragmas[i].name, got == NULL ? "unknown" : got,
			    pragmas[i].reads);
	}
	db_done(st);
	free(sql);
	return rc;
}

/* SQLite's own handler sleeps 100 ms at last, and would so miss every gap
 * between the transactions of a busy writer. */
static int
wait_busy(void *arg, int tries)
{
	struct timespec piece = {0, (tries < 50 ? 1 : 5) * 1000000};

	(void)arg;
	if (tries >= 50 + DB_BUSY_MS / 5)
		return 0;
	nanosleep(&piece, NULL);
	return 1;
}

static int
set_up(struct db *db, bool readonly, struct err *err)
{
	int reserve = DB_PAGE_SUM;
	size_t i;
	int got, rc;

	sqlite3_extended_result_codes(db->h, 1);
	sqlite3_busy_handler(db->h, wait_busy, NULL);
	if (sqlite3_file_control(db->h, "main", SQLITE_FCNTL_RESERVE_BYTES,
		&reserve) != SQLITE_OK)
		return db_failed(db, err);
	for (i = 0; i < COUNT(configs); i++) {
		if (sqlite3_db_config(db->h, configs[i].op, configs[i].value,
			&got) != SQLITE_OK ||
		    got != configs[i].value)
			return err_set(err, YZ_EIO,
			    "database: setting %d is refused", configs[i].op);
	}
	for (i = 0; i < COUNT(limits); i++) {
		sqlite3_limit(db->h, limits[i].id, limits[i].max);
		if (sqlite3_limit(db->h, limits[i].id, -1) > limits[i].max)
			return err_set(err, YZ_EIO,
			    "database: limit %d is refused", limits[i].id);
	}
	for (i = 0; i < COUNT(pragmas); i++) {
		rc = set_pragma(db, i, readonly, err);
		if (rc != 0)
			return rc;
	}
	return db_take_register(db, err);
}

/* SQLite would make it readable by all; its journals copy the mode. */
int
db_make_file(const char *path, bool create, struct err *err)
{
	int fd;

	if (access(path, F_OK) == 0)
		return 0;
	if (!create)
		return err_set(err, YZ_ENOTFOUND, "%s is absent", path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "%s", path);
	close(fd);
	return 0;
}

static int
open_turn(struct db *db, const char *path, struct err *err)
{
	char *turn = mem_printf("%s-turn", path);
	int rc = 0;

	db->turn = open(turn, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (db->turn < 0)
		rc = err_sys(err, "%s", turn);
	free(turn);
	return rc;
}

int
db_open(struct db **out, const char *path, int flags, struct err *err)
{
	bool readonly = (flags & DB_READONLY) != 0;
	struct db *db;
	int rc;

	rc = db_make_file(path, !readonly && (flags & DB_CREATE) != 0, err);
	if (rc != 0)
		return rc;
	rc = db_page_register(err);
	if (rc != 0)
		return rc;
	if (sqlite3_libversion_number() < SQLITE_VERSION_NUMBER)
		return err_set(err, YZ_EIO, "SQLite %s is older than %s",
		    sqlite3_libversion(), SQLITE_VERSION);
	sqlite3_hard_heap_limit64(DB_HEAP_MAX);
	if (sqlite3_hard_heap_limit64(-1) != DB_HEAP_MAX)
		return err_set(err, YZ_EIO, "SQLite takes no heap limit");
	db = mem_calloc(1, sizeof(*db));
	db->turn = -1;
	db->gate = -1;
	db->n_slots = DB_SLOTS;
	db->slots = mem_calloc(db->n_slots, sizeof(*db->slots));
	rc = sqlite3_open_v2(path, &db->h,
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
		(readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE),
	    NULL);
	if (rc != SQLITE_OK)
		rc = db_failed(db, err);
	else
		rc = set_up(db, readonly, err);
	/* The WAL's name is to last before anything in it is acknowledged:
	 * SQLite syncs the folder too, but goes on when that fails.  The WAL is
	 * there now, and stays while it is open. */
	if (rc == 0 && !readonly)
		rc = file_sync_folder(path, err);
	if (rc == 0 && (flags & DB_TURNS) != 0)
		rc = open_turn(db, path, err);
	if (rc != 0) {
		err_within(err, "%s", path);
		db_close(db);
		return rc;
	}
	*out = db;
	return 0;
}

void
db_close(struct db *db)
{
	size_t i;
	int rc;

	if (db == NULL)
		return;
	for (i = 0; i < db->n_slots; i++)
		if (db->slots[i] != NULL)
			db_stmt_free(db->slots[i]);
	free(db->slots);
	rc = sqlite3_close(db->h);
	assert(rc == SQLITE_OK);
	(void)rc;
	if (db->turn >= 0)
		close(db->turn);
	if (db->gate >= 0)
		close(db->gate);
	free(db);
}

int
db_exec(struct db *db, const char *sql, struct err *err)
{
	if (sqlite3_exec(db->h, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_failed(db, err);
	return 0;
}

int
db_cache(struct db *db, int kib, struct err *err)
{
	char *sql = mem_printf("PRAGMA cache_size=-%d", kib);
	int rc = db_exec(db, sql, err);

	free(sql);
	return rc;
}

/* Who comes first is next.  The turn is a courtesy: after 30 s one goes on
 * without it, and SQLite says whether it may. */
static bool
turn_take(struct db *db)
{
	int64_t until = clock_mono() + DB_BUSY_MS;
	struct timespec piece = {0, 1000000};

	if (db->turn < 0 || db->held)
		return false;
	while (flock(db->turn, LOCK_EX | LOCK_NB) != 0) {
		if (clock_mono() > until)
			return false;
		nanosleep(&piece, NULL);
	}
	return true;
}

int
db_begin(struct db *db, struct err *err)
{
	bool turn;
	int rc;

	if (db->gate < 0) {
		db->gate =
		    db_gate_open(sqlite3_db_filename(db->h, "main"), err);
		if (db->gate < 0)
			return db->gate;
	}
	rc = db_gate_pass(db->gate, LOCK_SH, err);
	if (rc != 0)
		return rc;
	turn = turn_take(db);
	rc = db_run(db, err, "BEGIN IMMEDIATE", "");
	if (turn)
		(void)flock(db->turn, LOCK_UN);
	if (rc != 0)
		(void)flock(db->gate, LOCK_UN);
	return rc;
}

bool
db_wanted(struct db *db)
{
	if (db->turn < 0 || db->held)
		return false;
	if (flock(db->turn, LOCK_EX | LOCK_NB) != 0)
		return true;
	(void)flock(db->turn, LOCK_UN);
	return false;
}

void
db_hold(struct db *db)
{
	db->held = turn_take(db);
}

void
db_let_go(struct db *db)
{
	if (db->held)
		(void)flock(db->turn, LOCK_UN);
	db->held = false;
}

int
db_commit(struct db *db, struct err *err)
{
	int rc = db_run(db, err, "COMMIT", "");

	if (rc == 0 && db->gate >= 0)
		(void)flock(db->gate, LOCK_UN);
	return rc;
}

void
db_rollback(struct db *db)
{
	/* SQLite may have rolled back by itself, which is as good. */
	if (db_in_transaction(db))
		sqlite3_exec(db->h, "ROLLBACK", NULL, NULL, NULL);
	if (db->gate >= 0)
		(void)flock(db->gate, LOCK_UN);
}

bool
db_in_transaction(struct db *db)
{
	return sqlite3_get_autocommit(db->h) == 0;
}

int64_t
db_last_rowid(struct db *db)
{
	return sqlite3_last_insert_rowid(db->h);
}

int64_t
db_changes(struct db *db)
{
	return sqlite3_changes64(db->h);
}

int64_t
db_version(struct db *db)
{
	struct err err;
	int64_t v = 0;

	if (db_get_int(&v, db, &err, "PRAGMA data_version", "") != 0)
		return 0;
	return v;
}

/* In one read transaction: in WAL mode nobody waits for it. */
int
db_copy_pages(sqlite3 *to, struct db *from, struct err *err)
{
	sqlite3_backup *copy = sqlite3_backup_init(to, "main", from->h, "main");
	int rc;

	if (copy == NULL)
		return err_set(err, YZ_EIO, "database: %s", sqlite3_errmsg(to));
	do {
		rc = sqlite3_backup_step(copy, -1);
		if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
			sqlite3_sleep(50);
	} while (rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
	rc = sqlite3_backup_finish(copy);
	if (rc != SQLITE_OK)
		return err_set(err, YZ_EIO, "database: %s", sqlite3_errstr(rc));
	return 0;
}

int
db_backup(struct db *db, const char *path, struct err *err)
{
	sqlite3 *to = NULL;
	int rc, fd;

	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "%s", path);
	close(fd);
	if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK)
		rc = err_set(err, YZ_EIO, "database: %s",
		    to == NULL ? N_("no memory") : sqlite3_errmsg(to));
	else
		rc = db_copy_pages(to, db, err);
	sqlite3_close(to);
	if (rc != 0) {
		unlink(path);
		return err_within(err, "%s", path);
	}
	return 0;
}

void
db_quote(struct buf *sql, const char *name)
{
	buf_putc(sql, '"');
	for (; *name != '\0'; name++) {
		if (*name == '"')
			buf_putc(sql, '"');
		buf_putc(sql, *name);
	}
	buf_putc(sql, '"');
}
