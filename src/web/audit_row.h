/*
 * The rows of the audit log in local.db (audit.h): read and hashed.
 */
#ifndef WEB_AUDIT_ROW_H
#define WEB_AUDIT_ROW_H

#include <stdint.h>

struct audit_entry;
struct audit_place;
struct db;
struct db_stmt;
struct digest;
struct err;

/* As audit_row_read() wants them; a hash behind them is column 8. */
#define AUDIT_ROW_COLUMNS \
	"no, at, coalesce(run, -1), login, peer, what, about, result"

/* Texts hold as long as the statement's row does. */
void audit_row_read(struct audit_entry *e, struct db_stmt *st);
void audit_row_read_hash(struct digest *out, struct db_stmt *st, int col);
/* What the entry's hash is to be, behind one with the hash prev. */
void audit_row_hash(
    struct digest *out, const struct digest *prev, const struct audit_entry *e);

/* "SELECT no, hash" of one row, with one argument; none: all zero. */
int audit_row_place(struct audit_place *out, struct db *db, const char *sql,
    int64_t arg, struct err *err);
/* The one before the first that is kept, and the newest. */
int audit_row_base(struct audit_place *out, struct db *db, struct err *err);
int audit_row_last(struct audit_place *out, struct db *db, struct err *err);

#endif
