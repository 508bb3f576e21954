#include "config.h"

#include "replica_impl.h"

/*
 * Migrations: numbered, never changed once released.  Names that begin with
 * an underscore are ours; a kind's table is named like the kind.
 */
static const char *const migrations[] = {
    "CREATE TABLE _meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE _roster(no INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT,"
    " version INTEGER, hash BLOB, prev BLOB, signer BLOB, decides BLOB,"
    " oid BLOB, doc BLOB, UNIQUE(scope, hash));"
    "CREATE TABLE _chain(no INTEGER PRIMARY KEY, name TEXT UNIQUE,"
    " writer TEXT, inc TEXT, stream INTEGER, owner TEXT,"
    " head INTEGER, head_id BLOB, head_oid BLOB, sealed INTEGER DEFAULT 0,"
    " time INTEGER, stamp INTEGER, news INTEGER, accepted INTEGER,"
    " may_write INTEGER);"
    "CREATE TABLE _changeset(chain INTEGER, seq INTEGER, id BLOB, oid BLOB,"
    " time INTEGER, offset INTEGER, ops INTEGER,"
    " PRIMARY KEY(chain, seq)) WITHOUT ROWID;"
    "CREATE TABLE _unsealed(chain INTEGER, seq INTEGER, text BLOB, ops BLOB,"
    " PRIMARY KEY(chain, seq)) WITHOUT ROWID;"
    "CREATE TABLE _seen(chain INTEGER, other INTEGER, seq INTEGER,"
    " other_seq INTEGER, id BLOB, PRIMARY KEY(chain, other,"
    " other_seq, seq)) WITHOUT ROWID;"
    "CREATE TABLE _waiting(other INTEGER, other_seq INTEGER, chain INTEGER,"
    " PRIMARY KEY(other, other_seq, chain)) WITHOUT ROWID;"
    "CREATE TABLE _register(kind TEXT, name TEXT, no INTEGER,"
    " PRIMARY KEY(kind, name)) WITHOUT ROWID;"
    "CREATE TABLE _record(rec INTEGER PRIMARY KEY, id TEXT, kind TEXT,"
    " owner TEXT, UNIQUE(id, kind));"
    "CREATE TABLE _touch(rec INTEGER, chain INTEGER, seq INTEGER,"
    " PRIMARY KEY(rec, chain, seq)) WITHOUT ROWID;"
    "CREATE TABLE _standing(rec INTEGER, register TEXT, chain INTEGER,"
    " seq INTEGER, value TEXT, shown INTEGER,"
    " PRIMARY KEY(rec, register, chain)) WITHOUT ROWID;"
    "CREATE INDEX _standing_chain ON _standing(chain);"
    "CREATE TABLE _quarantine(chain INTEGER, seq INTEGER, op INTEGER,"
    " rec INTEGER, id TEXT, kind TEXT, reason TEXT,"
    " PRIMARY KEY(chain, seq, op)) WITHOUT ROWID;"
    "CREATE INDEX _quarantine_rec ON _quarantine(rec);"
    "CREATE TABLE _unknown(rec INTEGER PRIMARY KEY);"
    "CREATE TABLE _blob(rec INTEGER, field TEXT, hash TEXT, stream INTEGER,"
    " owner TEXT, PRIMARY KEY(rec, field, hash)) WITHOUT ROWID;"
    "CREATE INDEX _blob_hash ON _blob(hash);"
    /* text_bigrams() has made the tokens; nobody asks for their number. */
    "CREATE VIRTUAL TABLE _search USING fts5(words, content='',"
    " columnsize=0, tokenize='ascii');",
    /* The very key that signed; where an unlisted incarnation goes on from;
     * pairs that prove a fork; and what is cut off and not yet in the
     * ledger: objects, and refs to move (oid NULL: the chain's own). */
    "CREATE TABLE _key(no INTEGER PRIMARY KEY, key BLOB UNIQUE);"
    "ALTER TABLE _changeset ADD COLUMN key INTEGER;"
    "CREATE TABLE _continues(chain INTEGER PRIMARY KEY, other INTEGER,"
    " seq INTEGER, id BLOB);"
    "CREATE INDEX _continues_other ON _continues(other);"
    "CREATE TABLE _fork(chain INTEGER PRIMARY KEY, seq INTEGER,"
    " active INTEGER, sealed INTEGER, a BLOB, a_ops BLOB, b BLOB,"
    " b_ops BLOB);"
    "CREATE TABLE _loose(no INTEGER PRIMARY KEY, stream INTEGER, text BLOB,"
    " ops BLOB);"
    "CREATE TABLE _cut(no INTEGER PRIMARY KEY, chain INTEGER, ref TEXT,"
    " oid BLOB);",
    /* Of this station's own: what was cut off after base and is to be signed
     * anew; from where on a chain came from others; incarnations it had. */
    "CREATE TABLE _aside(no INTEGER PRIMARY KEY, chain TEXT, base INTEGER,"
    " seq INTEGER, text BLOB, ops BLOB);"
    "CREATE TABLE _fetched(chain TEXT PRIMARY KEY, seq INTEGER)"
    " WITHOUT ROWID;"
    "CREATE TABLE _incarnation(inc TEXT PRIMARY KEY) WITHOUT ROWID;",
    /* How many records, by some fields, and by which (tally.h); changesets in
     * the order of the ledger's page. */
    "CREATE TABLE _tally(no INTEGER PRIMARY KEY, kind TEXT, a TEXT, b TEXT,"
    " c TEXT, d TEXT, n INTEGER);"
    "CREATE INDEX _tally_key ON _tally(kind, a, b, c, d);"
    "CREATE TABLE _tallied(kind TEXT PRIMARY KEY, fields TEXT)"
    " WITHOUT ROWID;"
    "CREATE INDEX _changeset_time ON _changeset(time + offset);",
    /* An owner's records as they came; what the ledger's page shows of a
     * changeset (NULL: kept since before, it is in the ledger). */
    "CREATE INDEX _record_owner ON _record(owner, kind);"
    "ALTER TABLE _changeset ADD COLUMN author TEXT;"
    "ALTER TABLE _changeset ADD COLUMN subject TEXT;",
};

#define N_MIGRATIONS ((int64_t)(sizeof(migrations) / sizeof(migrations[0])))

int
replica_migrate(struct replica *r, struct err *err)
{
	int64_t level;
	int rc;

	rc = db_get_int(&level, r->db, err, "PRAGMA user_version", "");
	if (rc != 0)
		return rc;
	if (level > N_MIGRATIONS)
		return err_set(err, YZ_EINVAL,
		    "yizhan.db is of a newer program (level %lld, this one"
		    " knows %lld): install that version again",
		    (long long)level, (long long)N_MIGRATIONS);
	if (level == N_MIGRATIONS)
		return 0;
	rc = db_begin(r->db, err);
	/* Again: another process may just have done it. */
	if (rc == 0)
		rc = db_get_int(&level, r->db, err, "PRAGMA user_version", "");
	for (; rc == 0 && level < N_MIGRATIONS; level++)
		rc = db_exec(r->db, migrations[level], err);
	if (rc == 0) {
		struct buf sql = BUF_INIT;

		buf_printf(&sql, "PRAGMA user_version = %d", (int)N_MIGRATIONS);
		rc = db_exec(r->db, buf_str(&sql), err);
		buf_free(&sql);
	}
	if (rc == 0)
		rc = schema_load(&r->schema, r->db, true, err);
	if (rc == 0)
		rc = db_commit(r->db, err);
	if (rc != 0)
		db_rollback(r->db);
	return rc;
}
