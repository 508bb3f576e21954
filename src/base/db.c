#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/db_page.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#define DB_HEAP_MAX (1ll << 30) /* bytes of all connections of a process */
#define DB_BUSY_MS 30000        /* wait for another writer */
#define DB_SLOTS 256            /* first size of the table of statements */
#define PAGES_AT 28             /* in a database's head: how many it has */
#define DB_STATEMENTS_MAX 1024  /* kept before the idle ones are dropped */

struct db_stmt {
	struct db *db;
	sqlite3_stmt *st;
	char *sql;     /* the key */
	size_t len;    /* its length */
	uint64_t hash; /* of it */
	int params;    /* how many ? it has */
	int refused;   /* what SQLite said to a db_bind_, or 0 */
	bool busy;     /* between db_query and db_done */
};

struct db {
	sqlite3 *h;
	struct db_stmt **slots; /* open addressing, by hash; NULL is free */
	size_t n_slots;         /* a power of two */
	size_t used;            /* slots in use, at most half */
	int turn;               /* PATH-turn, whose lock is the next turn; -1 */
	bool held;              /* the next turn is kept (db_hold) */
	int gate;               /* the lock's file, or -1 */
};

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

static int
describe(struct db *db, struct err *err)
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

/* Record SQLite's own message for the failure just seen; never 0. */
static int
failed(struct db *db, struct err *err)
{
	int code = describe(db, err);

	assert(code != 0);
	return code;
}

/* --- statements ---------------------------------------------------------- */

static uint64_t
hash_text(const char *s, size_t n)
{
	uint64_t h = n, word;

	for (; n >= 8; n -= 8, s += 8) {
		memcpy(&word, s, 8);
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, s, n);
	h = (h ^ word) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

/* The statement's slot, or the free one where it would stand. */
static struct db_stmt **
slot_of(struct db *db, const char *sql, size_t len, uint64_t hash)
{
	size_t i = hash & (db->n_slots - 1);
	struct db_stmt *st;

	while ((st = db->slots[i]) != NULL) {
		if (st->hash == hash && st->len == len &&
		    memcmp(st->sql, sql, len) == 0)
			break;
		i = (i + 1) & (db->n_slots - 1);
	}
	return &db->slots[i];
}

static void
stmt_free(struct db_stmt *st)
{
	sqlite3_finalize(st->st);
	free(st->sql);
	free(st);
}

/* Move all to a new table: larger, or, once there are too many, one without
 * those not in use. */
static void
resize(struct db *db)
{
	bool drop = db->used >= DB_STATEMENTS_MAX;
	struct db_stmt **old = db->slots;
	size_t i, n = db->n_slots;

	if (!drop)
		db->n_slots *= 2;
	db->slots = mem_calloc(db->n_slots, sizeof(*db->slots));
	db->used = 0;
	for (i = 0; i < n; i++) {
		struct db_stmt *st = old[i];

		if (st == NULL)
			continue;
		if (drop && !st->busy) {
			stmt_free(st);
			continue;
		}
		*slot_of(db, st->sql, st->len, st->hash) = st;
		db->used++;
	}
	assert(db->used <= DB_STATEMENTS_MAX / 2 || !drop);
	free(old);
}

static int
prepare(struct db_stmt **out, struct db *db, const char *sql, struct err *err)
{
	size_t len = strlen(sql);
	uint64_t hash = hash_text(sql, len);
	struct db_stmt **slot = slot_of(db, sql, len, hash), *st;
	sqlite3_stmt *raw;

	if (*slot != NULL) {
		*out = *slot;
		return 0;
	}
	if (sqlite3_prepare_v3(db->h, sql, (int)len + 1,
		SQLITE_PREPARE_PERSISTENT, &raw, NULL) != SQLITE_OK)
		return failed(db, err);
	if (raw == NULL) {
		err_set(err, YZ_EINVAL, "an empty SQL statement");
		return YZ_EINVAL;
	}
	if (db->used >= db->n_slots / 2) {
		resize(db);
		slot = slot_of(db, sql, len, hash);
	}
	st = mem_calloc(1, sizeof(*st));
	st->db = db;
	st->st = raw;
	st->sql = mem_strdup(sql);
	st->len = len;
	st->hash = hash;
	st->params = sqlite3_bind_parameter_count(raw);
	*slot = st;
	db->used++;
	*out = st;
	return 0;
}

static int
bind_text(sqlite3_stmt *st, int i, const char *s, size_t n)
{
	if (s == NULL)
		return sqlite3_bind_null(st, i);
	return sqlite3_bind_text64(st, i, s, n, SQLITE_STATIC, SQLITE_UTF8);
}

static int
bind(struct db_stmt *st, const char *fmt, va_list ap)
{
	const void *p;
	int i, rc = SQLITE_OK;

	for (i = 1; rc == SQLITE_OK && *fmt != '\0'; i++, fmt++) {
		switch (*fmt) {
		case 'i':
			rc = sqlite3_bind_int64(st->st, i, va_arg(ap, int64_t));
			break;
		case 'd':
			rc = sqlite3_bind_double(st->st, i, va_arg(ap, double));
			break;
		case 's':
			p = va_arg(ap, const char *);
			rc = bind_text(st->st, i, p, p == NULL ? 0 : strlen(p));
			break;
		case 't':
			p = va_arg(ap, const char *);
			rc = bind_text(st->st, i, p, va_arg(ap, size_t));
			break;
		case 'b':
			p = va_arg(ap, const void *);
			rc = sqlite3_bind_blob64(
			    st->st, i, p, va_arg(ap, size_t), SQLITE_STATIC);
			break;
		case 'n':
			rc = sqlite3_bind_null(st->st, i);
			break;
		default:
			assert(*fmt == '\0'); /* no such letter */
		}
	}
	return rc;
}

static int
query(struct db_stmt **out, struct db *db, struct err *err, const char *sql,
    const char *fmt, va_list ap)
{
	struct db_stmt *st = NULL;
	int rc;

	*out = NULL;
	rc = prepare(&st, db, sql, err);
	if (rc != 0)
		return rc;
	/* In use: a missing db_done(), or one statement in two loops. */
	assert(!st->busy);
	assert((size_t)st->params == strlen(fmt));
	if (bind(st, fmt, ap) != SQLITE_OK)
		return failed(db, err);
	st->busy = true;
	*out = st;
	return 0;
}

int
db_query(struct db_stmt **out, struct db *db, struct err *err, const char *sql,
    const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = query(out, db, err, sql, fmt, ap);
	va_end(ap);
	return rc;
}

int
db_prepare(
    struct db_stmt **out, struct db *db, const char *sql, struct err *err)
{
	struct db_stmt *st = NULL;
	int rc;

	*out = NULL;
	rc = prepare(&st, db, sql, err);
	if (rc != 0)
		return rc;
	assert(!st->busy);
	sqlite3_clear_bindings(st->st);
	st->busy = true;
	*out = st;
	return 0;
}

/* Keep the first refusal (a value too long) for db_step to tell. */
static void
bound(struct db_stmt *st, int rc)
{
	assert(st->busy && rc != SQLITE_RANGE);
	if (st->refused == 0)
		st->refused = rc;
}

void
db_bind_int(struct db_stmt *st, int place, int64_t v)
{
	bound(st, sqlite3_bind_int64(st->st, place, v));
}

void
db_bind_text(struct db_stmt *st, int place, const char *s, size_t n)
{
	bound(st, bind_text(st->st, place, s, n));
}

void
db_bind_blob(struct db_stmt *st, int place, const void *p, size_t n)
{
	bound(st, sqlite3_bind_blob64(st->st, place, p, n, SQLITE_STATIC));
}

void
db_bind_null(struct db_stmt *st, int place)
{
	bound(st, sqlite3_bind_null(st->st, place));
}

int
db_step(struct db_stmt *st, struct err *err)
{
	int rc;

	if (st->refused != 0)
		return err_set(err, YZ_EINVAL, "database: %s",
		    sqlite3_errstr(st->refused));
	rc = sqlite3_step(st->st);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return failed(st->db, err);
}

void
db_done(struct db_stmt *st)
{
	if (st == NULL)
		return;
	sqlite3_reset(st->st);
	st->refused = 0;
	st->busy = false;
}

int
db_run(struct db *db, struct err *err, const char *sql, const char *fmt, ...)
{
	struct db_stmt *st;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = query(&st, db, err, sql, fmt, ap);
	va_end(ap);
	if (rc != 0)
		return rc;
	do {
		rc = db_step(st, err);
	} while (rc == 1);
	db_done(st);
	return rc;
}

int
db_get_int(int64_t *out, struct db *db, struct err *err, const char *sql,
    const char *fmt, ...)
{
	struct db_stmt *st;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = query(&st, db, err, sql, fmt, ap);
	va_end(ap);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		*out = db_int(st, 0);
		rc = 0;
	} else if (rc == 0) {
		rc = err_set(err, YZ_ENOTFOUND, "no such row");
	}
	db_done(st);
	return rc;
}

/* --- columns ------------------------------------------------------------- */

enum db_type
db_type(struct db_stmt *st, int col)
{
	switch (sqlite3_column_type(st->st, col)) {
	case SQLITE_INTEGER:
		return DB_INT;
	case SQLITE_FLOAT:
		return DB_REAL;
	case SQLITE_TEXT:
		return DB_TEXT;
	case SQLITE_BLOB:
		return DB_BLOB;
	default:
		return DB_NULL;
	}
}

int64_t
db_int(struct db_stmt *st, int col)
{
	return sqlite3_column_int64(st->st, col);
}

double
db_real(struct db_stmt *st, int col)
{
	return sqlite3_column_double(st->st, col);
}

const char *
db_text(struct db_stmt *st, int col)
{
	return (const char *)sqlite3_column_text(st->st, col);
}

const void *
db_blob(struct db_stmt *st, int col, size_t *len)
{
	const void *p = sqlite3_column_blob(st->st, col);

	*len = (size_t)sqlite3_column_bytes(st->st, col);
	/* SQLite gives no pointer for an empty blob, which is not NULL. */
	if (p == NULL && sqlite3_column_type(st->st, col) != SQLITE_NULL)
		return "";
	return p;
}

int
db_columns(struct db_stmt *st)
{
	return sqlite3_column_count(st->st);
}

const char *
db_column_name(struct db_stmt *st, int col)
{
	return sqlite3_column_name(st->st, col);
}

/* --- connections --------------------------------------------------------- */

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
		return failed(db, err);
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
	return 0;
}

/* SQLite would make the file readable by all; its journals copy the mode. */
static int
make_file(const char *path, bool create, struct err *err)
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

	rc = make_file(path, !readonly && (flags & DB_CREATE) != 0, err);
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
		rc = failed(db, err);
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
			stmt_free(db->slots[i]);
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
		return failed(db, err);
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

/* A file beside the database, on which whoever writes holds a shared lock:
 * so that all of it can be replaced (db_gate). */
static int
open_gate(const char *path, struct err *err)
{
	char *name = mem_printf("%s-gate", path);
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		fd = err_sys(err, "%s", name);
	free(name);
	return fd;
}

static int
pass_gate(int fd, int how, struct err *err)
{
	while (flock(fd, how) != 0)
		if (errno != EINTR)
			return err_sys(err, "lock");
	return 0;
}

int
db_begin(struct db *db, struct err *err)
{
	bool turn;
	int rc;

	if (db->gate < 0) {
		db->gate = open_gate(sqlite3_db_filename(db->h, "main"), err);
		if (db->gate < 0)
			return db->gate;
	}
	rc = pass_gate(db->gate, LOCK_SH, err);
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

/* All pages in one read transaction: in WAL mode nobody waits for it. */
static int
copy_pages(sqlite3 *to, struct db *from, struct err *err)
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
		    to == NULL ? "no memory" : sqlite3_errmsg(to));
	else
		rc = copy_pages(to, db, err);
	sqlite3_close(to);
	if (rc != 0) {
		unlink(path);
		return err_within(err, "%s", path);
	}
	return 0;
}

/* --- damage -----------------------------------------------------------------
 */

static struct sqlite3_file *
file_of(sqlite3 *h, int64_t *pages)
{
	struct sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;

	if (sqlite3_file_control(h, "main", SQLITE_FCNTL_FILE_POINTER, &file) !=
		SQLITE_OK ||
	    file == NULL || file->pMethods == NULL ||
	    file->pMethods->xFileSize(file, &size) != SQLITE_OK)
		return NULL;
	*pages = size / DB_PAGE;
	return file;
}

/* Nobody commits, and nobody is copying pages into the file. */
static int
stand_still(struct db *db, struct db *other, struct err *err)
{
	int rc = db_begin(other, err), log, done, tries;

	if (rc != 0)
		return rc;
	for (tries = 0; tries < 200; tries++) {
		rc = sqlite3_wal_checkpoint_v2(
		    db->h, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &done);
		if (rc != SQLITE_BUSY && rc != SQLITE_LOCKED)
			break;
		sqlite3_sleep(50);
	}
	return rc == SQLITE_OK ? 0 : failed(db, err);
}

static int
mend_pages(struct db *db, struct db_health *out, struct err *err)
{
	struct sqlite3_file *file;
	uint8_t page[DB_PAGE];
	int64_t i, n;
	bool plain;

	file = file_of(db->h, &n);
	if (file == NULL)
		return err_set(err, YZ_EIO, "database: no file");
	out->damaged = 0;
	for (i = 1; i <= n; i++) {
		if (!db_page_get(file, page, (uint32_t)i))
			return err_set(err, YZ_EIO,
			    "database: page %lld cannot be read", (long long)i);
		plain = db_page_is_plain(page, (uint32_t)i);
		if (!plain && db_page_holds(page, (uint32_t)i))
			continue;
		if (!plain && !db_page_mend(page, (uint32_t)i))
			out->damaged++;
		else if (db_page_put(file, page, (uint32_t)i))
			*(plain ? &out->sealed : &out->mended) += 1;
		else
			return err_set(err, YZ_EIO,
			    "database: page %lld cannot be written",
			    (long long)i);
	}
	if (out->mended + out->sealed > 0 &&
	    file->pMethods->xSync(file, SQLITE_SYNC_FULL) != SQLITE_OK)
		return err_set(err, YZ_EIO, "database: sync failed");
	return 0;
}

int
db_scrub(struct db *db, struct db_health *out, struct err *err)
{
	struct sqlite3_file *file = file_of(db->h, &out->pages);
	struct db *other = NULL;
	uint8_t page[DB_PAGE];
	int64_t i, plain = 0;
	int rc = 0;

	out->mended = out->damaged = out->sealed = 0;
	if (file == NULL)
		return err_set(err, YZ_EIO, "database: no file");
	for (i = 1; i <= out->pages; i++) {
		bool there = db_page_get(file, page, (uint32_t)i);

		out->damaged += !there || !db_page_holds(page, (uint32_t)i);
		plain += there && db_page_is_plain(page, (uint32_t)i);
	}
	if (out->damaged + plain == 0)
		return 0;
	/* A page may just have been written: again, with nobody about. */
	db_page_lenient(true);
	rc = db_open(&other, sqlite3_db_filename(db->h, "main"), 0, err);
	if (rc == 0)
		rc = stand_still(db, other, err);
	if (rc == 0)
		rc = mend_pages(db, out, err);
	if (other != NULL)
		db_rollback(other);
	db_close(other);
	db_page_lenient(false);
	return rc;
}

int
db_gate(int *fd, const char *path, struct err *err)
{
	int rc;

	*fd = open_gate(path, err);
	if (*fd < 0)
		return *fd;
	rc = pass_gate(*fd, LOCK_EX, err);
	if (rc != 0)
		close(*fd);
	return rc;
}

/* A file whose first page is none is no database to SQLite, which then will
 * not write over it either: so that page first, with the number of pages that
 * are there. */
static int
put_head(sqlite3 *to, struct db *fresh, struct err *err)
{
	struct sqlite3_file *from_file, *to_file;
	uint8_t page[DB_PAGE], old[DB_PAGE];
	int64_t n;
	int i;

	(void)sqlite3_wal_checkpoint_v2(
	    fresh->h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	from_file = file_of(fresh->h, &n);
	to_file = file_of(to, &n);
	if (from_file == NULL || to_file == NULL ||
	    !db_page_get(from_file, page, 1))
		return err_set(err, YZ_EIO, "database: no file");
	if (n == 0 || (db_page_get(to_file, old, 1) && db_page_holds(old, 1)))
		return 0;
	for (i = 0; i < 4; i++)
		page[PAGES_AT + i] = (uint8_t)(n >> (24 - 8 * i));
	return db_page_put(to_file, page, 1)
		   ? 0
		   : err_set(err, YZ_EIO, "database: cannot be written");
}

int
db_replace(const char *path, struct db *fresh, struct err *err)
{
	sqlite3 *to = NULL;
	int rc = make_file(path, true, err);

	if (rc != 0)
		return rc;
	db_page_lenient(true);
	if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK)
		rc = err_set(err, YZ_EIO, "database: %s",
		    to == NULL ? "no memory" : sqlite3_errmsg(to));
	if (rc == 0) {
		sqlite3_busy_timeout(to, DB_BUSY_MS);
		rc = put_head(to, fresh, err);
	}
	if (rc == 0)
		rc = copy_pages(to, fresh, err);
	if (rc == 0 && sqlite3_wal_checkpoint_v2(to, NULL,
			   SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) != SQLITE_OK)
		rc = 0; /* later, then */
	sqlite3_close(to);
	db_page_lenient(false);
	return rc == 0 ? 0 : err_within(err, "%s", path);
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
