/*
 * What the files that make up the database share among themselves.  Nobody
 * else includes this.
 *
 *	db.c         connections, transactions, copies
 *	db_stmt.c    statements and their rows
 *	db_take.c    the values of a row, given away while it is made
 *	db_health.c  damage, and a whole database in the place of another
 */
#ifndef BASE_DB_IMPL_H
#define BASE_DB_IMPL_H

#include <assert.h>
#include <sqlite3.h>

#include "base/db.h"

#define DB_BUSY_MS 30000 /* wait for another writer */

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
	/* Who gets what taken() is called with (db_take), or NULL. */
	void (*take)(void *arg, size_t place, enum db_type type,
	    const struct db_value *value);
	void *take_arg;
};

/* --- db.c */
/* Record SQLite's own message for the failure just seen. */
int db_describe(struct db *db, struct err *err);
/* The same, and never 0: here, so that who checks a caller sees that. */
static inline int
db_failed(struct db *db, struct err *err)
{
	int code = db_describe(db, err);

	assert(code != 0);
	return code;
}
/* An empty database's file, of mode 0600, unless there is one. */
int db_make_file(const char *path, bool create, struct err *err);
/* All pages of from. */
int db_copy_pages(sqlite3 *to, struct db *from, struct err *err);

/* --- db_stmt.c */
void db_stmt_free(struct db_stmt *st);

/* --- db_take.c */
int db_take_register(struct db *db, struct err *err);

/* --- db_health.c */
/* A file beside the database, on which whoever writes holds a shared lock: so
 * that all of it can be replaced (db_gate).  Its fd, or negative. */
int db_gate_open(const char *path, struct err *err);
/* Wait for the lock: LOCK_SH or LOCK_EX. */
int db_gate_pass(int fd, int how, struct err *err);

#endif
