#include "config.h"

#include <stdint.h>

#include "base/db.h"
#include "base/err.h"
#include "book.h"

/* Numbered by place; earlier ones never change. */
static const char *const migrations[] = {
    "CREATE TABLE IF NOT EXISTS user(login TEXT PRIMARY KEY,"
    " name TEXT, role TEXT, password TEXT, failures INTEGER DEFAULT 0,"
    " locked INTEGER DEFAULT 0, last INTEGER DEFAULT 0) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS guess(peer TEXT PRIMARY KEY,"
    " failures INTEGER, locked INTEGER) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS login(token BLOB PRIMARY KEY, login TEXT,"
    " csrf TEXT, began INTEGER, seen INTEGER) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS audit(no INTEGER PRIMARY KEY, at INTEGER,"
    " login TEXT, peer TEXT, what TEXT, about TEXT, result TEXT, hash BLOB);",
    /* changed: when the password was set; idle: ms without a request after
     * which a session of his ends, 0: as everybody's. */
    "ALTER TABLE user ADD COLUMN changed INTEGER DEFAULT 0;"
    "ALTER TABLE user ADD COLUMN idle INTEGER DEFAULT 0;"
    "UPDATE user SET changed = strftime('%s', 'now') * 1000;"
    "CREATE TABLE password_old(login TEXT, at INTEGER, password TEXT,"
    " PRIMARY KEY(login, at)) WITHOUT ROWID;"
    /* What machines show; of each the hash only. */
    "CREATE TABLE token(id TEXT PRIMARY KEY, hash BLOB UNIQUE, name TEXT,"
    " login TEXT, role TEXT, made_by TEXT, made INTEGER, last INTEGER)"
    " WITHOUT ROWID;"
    /* confirmed: a code was shown; step: of the last code that was used. */
    "CREATE TABLE totp(login TEXT PRIMARY KEY, secret BLOB,"
    " confirmed INTEGER, step INTEGER) WITHOUT ROWID;"
    "CREATE TABLE totp_spare(login TEXT, hash BLOB,"
    " PRIMARY KEY(login, hash)) WITHOUT ROWID;"
    /* run: of the running time, when the entry was made (audit.h). */
    "ALTER TABLE audit ADD COLUMN run INTEGER;"
    /* The entry before the first that is kept. */
    "CREATE TABLE audit_base(no INTEGER, hash BLOB);"
    /* How often something was done, for who counts it. */
    "CREATE TABLE counted(name TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;",
    /* Of the quarantine (settled.h). */
    "CREATE TABLE settled(changeset BLOB, op INTEGER, taken INTEGER,"
    " login TEXT, name TEXT, at INTEGER, PRIMARY KEY(changeset, op))"
    " WITHOUT ROWID;",
    /* What was refused (refusal.h): entries of the audit log that it has, n
     * that it has not yet, when the first and the last of them was. */
    "CREATE TABLE refused(peer TEXT, login TEXT, what TEXT, result TEXT,"
    " entries INTEGER, n INTEGER, first INTEGER, last INTEGER,"
    " PRIMARY KEY(peer, login, what, result)) WITHOUT ROWID;",
    /* once: the password is known to another, and good for one login. */
    "ALTER TABLE user ADD COLUMN once INTEGER DEFAULT 0;"
    /* Whose password was tried last from there, if anybody's. */
    "ALTER TABLE guess ADD COLUMN login TEXT DEFAULT '';"
    /* Where accounts were opened from, and wrong passwords since. */
    "CREATE TABLE known(login TEXT, peer TEXT, at INTEGER,"
    " failures INTEGER, locked INTEGER, PRIMARY KEY(login, peer))"
    " WITHOUT ROWID;"
    /* Logins that are nobody's, hashed. */
    "CREATE TABLE stranger(name BLOB PRIMARY KEY, failures INTEGER,"
    " locked INTEGER, at INTEGER) WITHOUT ROWID;",
    /* Of the spare codes (totp.c); NULL: they are not salted yet.  And when
     * somebody guessed from there last. */
    ("ALTER TABLE totp ADD COLUMN salt BLOB;"
     "ALTER TABLE guess ADD COLUMN at INTEGER DEFAULT 0;"),
};

#define N_MIGRATIONS ((int64_t)(sizeof(migrations) / sizeof(migrations[0])))

#define READ_VERSION \
	"SELECT coalesce((SELECT CAST(value AS INTEGER) FROM setting" \
	" WHERE name = 'console'), 0)"

static int
migrate(struct db *db, struct err *err)
{
	int64_t version;
	int rc;

	/* Again, now that nobody else can: another process may have done it. */
	rc = db_get_int(&version, db, err, READ_VERSION, "");
	if (rc == 0 && (version < 0 || version > N_MIGRATIONS))
		rc = err_set(err, YZ_EINVAL,
		    "local.db is of a newer program (console %lld, this one "
		    "knows %lld): install that version again",
		    (long long)version, (long long)N_MIGRATIONS);
	for (; rc == 0 && version < N_MIGRATIONS; version++)
		rc = db_exec(db, migrations[version], err);
	return rc != 0 ? rc
		       : db_run(db, err,
			     "REPLACE INTO setting VALUES ('console', ?)", "i",
			     N_MIGRATIONS);
}

int
book_open(struct db *db, struct err *err)
{
	int64_t version;
	int rc;

	rc = db_exec(db, "PRAGMA synchronous=FULL", err);
	if (rc == 0)
		rc = db_get_int(&version, db, err, READ_VERSION, "");
	if (rc != 0 || version == N_MIGRATIONS)
		return rc;
	rc = db_begin(db, err);
	if (rc != 0)
		return rc;
	rc = migrate(db, err);
	if (rc == 0)
		rc = db_commit(db, err);
	if (rc != 0)
		db_rollback(db);
	return rc;
}
