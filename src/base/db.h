/*
 * SQLite, the only file that knows it.
 *
 * Statements are prepared once per connection and kept by their text, so
 * db_query(db, "SELECT ...") in a loop costs a look-up.  A statement in use
 * must not be asked for again before db_done() (assert).  Errors carry
 * SQLite's own message.
 */
#ifndef BASE_DB_H
#define BASE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct db;
struct db_stmt;

enum {
	DB_READONLY = 1, /* never writes; the file must exist */
	DB_CREATE = 2,   /* make the file if it is absent */
	DB_TURNS = 4,    /* writers of several processes take turns */
};

/*
 * Open with the settings the appliance depends on, and verify them: WAL,
 * synchronous=FULL, foreign_keys, cell_size_check, no mmap, DEFENSIVE,
 * TRUSTED_SCHEMA off, double-quoted strings, triggers, views and extensions
 * off, no older library than built for, busy timeout 30 s.
 * Fails with YZ_EIO, or YZ_ENOTFOUND if absent without DB_CREATE.
 */
int db_open(struct db **out, const char *path, int flags, struct err *err);
void db_close(struct db *db);

/* Run SQL text of any number of statements, no parameters. */
int db_exec(struct db *db, const char *sql, struct err *err);

/* Keep at most so many KiB of pages in memory (64 MiB unless told). */
int db_cache(struct db *db, int kib, struct err *err);

/* BEGIN IMMEDIATE / COMMIT / ROLLBACK.  rollback never fails. */
int db_begin(struct db *db, struct err *err);
int db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);
bool db_in_transaction(struct db *db);

/*
 * Turns (DB_TURNS), by a lock on PATH-turn: SQLite lets whoever comes write,
 * and a busy writer would come first each time.  So who begins a transaction
 * waits in front of it, and who has one open asks now and then whether
 * somebody does, and commits.  db_hold() keeps the next turn, so that no
 * transaction but ours begins until db_let_go().
 */
bool db_wanted(struct db *db);
void db_hold(struct db *db);
void db_let_go(struct db *db);

/*
 * Prepare (or find again) and bind.  fmt has a letter per parameter:
 *	i int64_t	d double	s const char * (NULL binds NULL)
 *	t const char *, size_t (text with length; NULL pointer binds NULL)
 *	b const void *, size_t (blob; NULL pointer binds NULL)	n NULL
 * Text and blobs are borrowed until db_done().
 */
int db_query(struct db_stmt **out, struct db *db, struct err *err,
    const char *sql, const char *fmt, ...);

/* Prepare (or find again) with nothing bound; then bind by place, from 1.
 * Text and blobs are borrowed until db_done(); NULL binds NULL.  A value too
 * long fails at db_step(). */
int db_prepare(
    struct db_stmt **out, struct db *db, const char *sql, struct err *err);
void db_bind_int(struct db_stmt *st, int place, int64_t v);
void db_bind_text(struct db_stmt *st, int place, const char *s, size_t n);
void db_bind_blob(struct db_stmt *st, int place, const void *p, size_t n);
void db_bind_null(struct db_stmt *st, int place);

/* 1: a row is there; 0: no more; negative: failed. */
int db_step(struct db_stmt *st, struct err *err);
void db_done(struct db_stmt *st); /* reset; NULL is fine */

/* db_query, db_step until done, db_done. */
int db_run(
    struct db *db, struct err *err, const char *sql, const char *fmt, ...);

/* One integer from the first row into *out; YZ_ENOTFOUND if no row. */
int db_get_int(int64_t *out, struct db *db, struct err *err, const char *sql,
    const char *fmt, ...);

/* Columns of the current row, from 0; pointers are borrowed until the next
 * step.  A NULL column gives 0, NULL, length 0. */
enum db_type { DB_NULL, DB_INT, DB_REAL, DB_TEXT, DB_BLOB };
enum db_type db_type(struct db_stmt *st, int col);
int64_t db_int(struct db_stmt *st, int col);
double db_real(struct db_stmt *st, int col);
const char *db_text(struct db_stmt *st, int col);
const void *db_blob(struct db_stmt *st, int col, size_t *len);
/* Copy a blob of exactly size bytes; else false, and out is as before. */
bool db_bytes(void *out, size_t size, struct db_stmt *st, int col);
/* Type and value in one call, for rows of many columns: number with DB_INT,
 * text and len with DB_TEXT. */
struct db_value {
	int64_t number;
	const char *text;
	size_t len;
};
enum db_type db_value(struct db_value *out, struct db_stmt *st, int col);
/*
 * Of a row of a hundred columns most are empty, and to ask for each is what
 * costs most: in SQL, taken(FIRST, COLUMN, ...) is NULL, but while the row is
 * made fn gets those of the columns, DB_TAKEN_MAX at most, that have a value;
 * their places count from FIRST on.  NULL: nobody gets them.
 */
#define DB_TAKEN_MAX 100
void db_take(struct db *db,
    void (*fn)(void *arg, size_t place, enum db_type type,
	const struct db_value *value),
    void *arg);
int db_columns(struct db_stmt *st);
const char *db_column_name(struct db_stmt *st, int col);

int64_t db_last_rowid(struct db *db);
int64_t db_changes(struct db *db); /* rows the last statement changed */
/* A number that differs once another connection has committed. */
int64_t db_version(struct db *db);

/* Copy the database as it is at one moment to a new file of mode 0600, while
 * others go on writing; on failure the file is removed. */
int db_backup(struct db *db, const char *path, struct err *err);

/*
 * Read every page (base/db_page.h), also those that nothing uses, and turn
 * single bits back in the file, while others go on.  What is left damaged is
 * counted: such a page cannot be read.  What another program has written
 * without a checksum gets one.
 */
struct db_health {
	int64_t pages, mended, damaged;
	int64_t sealed; /* given a checksum */
};
int db_scrub(struct db *db, struct db_health *out, struct err *err);
/*
 * Put fresh's content in the place of the whole database at path, however
 * damaged that is, as one transaction; others who have it open see it then.
 * Nobody is between db_begin() and its end meanwhile.
 */
int db_replace(const char *path, struct db *fresh, struct err *err);
/* Nobody else begins a transaction at path until the lock's *fd is closed;
 * for db_replace(), which expects it. */
int db_gate(int *fd, const char *path, struct err *err);

/* Append NAME as an SQL identifier, in double quotes. */
struct buf;
void db_quote(struct buf *sql, const char *name);

#endif
