#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "limit.h"
#include "local.h"

struct local {
	struct db *db;
};

/* Numbered by place; earlier ones never change. */
static const char *const migrations[] = {
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE peer (code TEXT PRIMARY KEY, address TEXT NOT NULL,"
    " host_key TEXT NOT NULL, last_contact INTEGER NOT NULL,"
    " last_complete INTEGER NOT NULL, offset INTEGER NOT NULL,"
    " trouble TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE acked (code TEXT, chain TEXT, seq INTEGER NOT NULL,"
    " PRIMARY KEY (code, chain)) WITHOUT ROWID;"
    "CREATE TABLE refusal (code TEXT, chain TEXT, seq INTEGER NOT NULL,"
    " reason TEXT NOT NULL, PRIMARY KEY (code, chain)) WITHOUT ROWID;"
    "CREATE TABLE partial (code TEXT, chain TEXT, first INTEGER NOT NULL,"
    " last INTEGER NOT NULL, hash BLOB NOT NULL, total INTEGER NOT NULL,"
    " held INTEGER NOT NULL, PRIMARY KEY (code, chain)) WITHOUT ROWID;"
    /* A run's bytes, a row for each frame that brought some. */
    "CREATE TABLE partial_bytes (code TEXT, chain TEXT, at INTEGER,"
    " bytes BLOB NOT NULL, PRIMARY KEY (code, chain, at),"
    " FOREIGN KEY (code, chain) REFERENCES partial ON DELETE CASCADE);"
    /* Of an open invitation, the public half of its one-time key. */
    "CREATE TABLE invitation (code TEXT PRIMARY KEY, name TEXT NOT NULL,"
    " once BLOB NOT NULL, auto INTEGER NOT NULL, created INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE joining (code TEXT PRIMARY KEY, request BLOB NOT NULL,"
    " received INTEGER NOT NULL) WITHOUT ROWID;",
    /* fresh: something came since the last contact. */
    "CREATE TABLE news (code TEXT, writer TEXT, last INTEGER NOT NULL,"
    " contacts INTEGER NOT NULL, fresh INTEGER NOT NULL,"
    " PRIMARY KEY (code, writer)) WITHOUT ROWID;",
    /* Links (local_link.h): what is granted, and what was used of it. */
    "CREATE TABLE link (code TEXT PRIMARY KEY, rate INTEGER NOT NULL,"
    " day INTEGER NOT NULL, from_min INTEGER NOT NULL,"
    " to_min INTEGER NOT NULL, take_hour INTEGER NOT NULL,"
    " take_day INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE traffic (code TEXT PRIMARY KEY, day INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE taken (code TEXT PRIMARY KEY, at INTEGER NOT NULL,"
    " changesets INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;",
    /* Requests to rotate that go on upwards. */
    "CREATE TABLE rotation (code TEXT PRIMARY KEY, request BLOB NOT NULL);",
    /* Changesets held whose bytes were damaged: from that seq of a chain on
     * they are named to nobody, until they have come again (hole.h). */
    "CREATE TABLE hole(chain TEXT PRIMARY KEY, seq INTEGER) WITHOUT ROWID;",
    /* The longest wait for news so far, in contacts, and how many there
     * were. */
    "ALTER TABLE news ADD COLUMN usual INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE news ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;",
};

#define N_MIGRATIONS (sizeof(migrations) / sizeof(migrations[0]))

static int
migrate(struct db *db, struct err *err)
{
	int64_t version;
	char sql[64];
	int rc;

	/* Lost after a power cut: what the next session finds out again. */
	rc = db_exec(db, "PRAGMA synchronous=NORMAL", err);
	if (rc == 0)
		rc = db_get_int(&version, db, err, "PRAGMA user_version", "");
	if (rc != 0 || version == (int64_t)N_MIGRATIONS)
		return rc;
	rc = db_begin(db, err);
	if (rc != 0)
		return rc;
	/* Again: another process may just have done it. */
	rc = db_get_int(&version, db, err, "PRAGMA user_version", "");
	if (rc == 0 && (version < 0 || version > (int64_t)N_MIGRATIONS))
		rc = err_set(err, YZ_EINVAL,
		    "local.db is of a newer program (level %lld, this one "
		    "knows %zu): install that version again",
		    (long long)version, N_MIGRATIONS);
	for (; rc == 0 && version < (int64_t)N_MIGRATIONS; version++)
		rc = db_exec(db, migrations[version], err);
	if (rc == 0) {
		snprintf(
		    sql, sizeof(sql), "PRAGMA user_version=%zu", N_MIGRATIONS);
		rc = db_exec(db, sql, err);
	}
	if (rc == 0)
		rc = db_commit(db, err);
	if (rc != 0)
		db_rollback(db);
	return rc;
}

int
local_open(struct local **out, const char *home, struct err *err)
{
	struct local *local = mem_calloc(1, sizeof(*local));
	char *path = mem_printf("%s/local.db", home);
	int rc;

	rc = db_open(&local->db, path, DB_CREATE, err);
	free(path);
	if (rc == 0)
		rc = migrate(local->db, err);
	if (rc != 0)
		local_close(local);
	else
		*out = local;
	return rc;
}

void
local_close(struct local *local)
{
	if (local == NULL)
		return;
	if (local->db != NULL)
		db_close(local->db);
	free(local);
}

struct db *
local_db(struct local *local)
{
	return local->db;
}

/* --- settings ----------------------------------------------------------- */

int
local_set(
    struct local *local, const char *name, const char *value, struct err *err)
{
	if (value == NULL)
		return db_run(local->db, err,
		    "DELETE FROM setting WHERE name=?", "s", name);
	return db_run(local->db, err, "REPLACE INTO setting VALUES (?,?)", "ss",
	    name, value);
}

int
local_get(
    struct local *local, struct buf *out, const char *name, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, local->db, err,
	    "SELECT value FROM setting WHERE name=?", "s", name);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1)
		buf_puts(out, db_text(st, 0));
	db_done(st);
	if (rc == 0)
		return err_set(err, YZ_ENOTFOUND, "no setting %s", name);
	return rc < 0 ? rc : 0;
}

/* --- peers -------------------------------------------------------------- */

int
local_peer_put(
    struct local *local, const struct local_peer *peer, struct err *err)
{
	return db_run(local->db, err,
	    "REPLACE INTO peer VALUES (?,?,?,?,?,?,?)", "sssiiis", peer->code,
	    peer->address, peer->host_key, peer->last_contact,
	    peer->last_complete, peer->offset, peer->trouble);
}

#define PEER_SELECT \
	"SELECT code, address, host_key, last_contact, last_complete," \
	" offset, trouble FROM peer "

static void
read_peer(struct local_peer *out, struct db_stmt *st)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->code, sizeof(out->code), "%s", db_text(st, 0));
	snprintf(out->address, sizeof(out->address), "%s", db_text(st, 1));
	snprintf(out->host_key, sizeof(out->host_key), "%s", db_text(st, 2));
	out->last_contact = db_int(st, 3);
	out->last_complete = db_int(st, 4);
	out->offset = db_int(st, 5);
	snprintf(out->trouble, sizeof(out->trouble), "%s", db_text(st, 6));
}

int
local_peer_get(struct local *local, struct local_peer *out, const char *code,
    struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(
	    &st, local->db, err, PEER_SELECT "WHERE code=?", "s", code);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1)
		read_peer(out, st);
	db_done(st);
	if (rc == 0)
		return err_set(err, YZ_ENOTFOUND, "no peer %s", code);
	return rc < 0 ? rc : 0;
}

int
local_peers(
    struct local *local, struct local_peer **out, size_t *n, struct err *err)
{
	struct db_stmt *st;
	int rc;

	*out = NULL;
	*n = 0;
	rc = db_query(&st, local->db, err, PEER_SELECT "ORDER BY code", "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		*out = mem_realloc(*out, (*n + 1) * sizeof(**out));
		read_peer(&(*out)[(*n)++], st);
	}
	db_done(st);
	if (rc != 0) {
		free(*out);
		*out = NULL;
		*n = 0;
	}
	return rc;
}

int
local_outline(struct digest *out, struct local *local, struct err *err)
{
	struct digest_ctx *ctx;
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, local->db, err,
	    "SELECT code || ' ' || last_contact || ' ' || last_complete || ' '"
	    " || offset || ' ' || trouble FROM peer"
	    " UNION ALL SELECT 'acked ' || coalesce(sum(seq), 0) FROM acked"
	    " UNION ALL SELECT code || chain || seq || reason FROM refusal"
	    " UNION ALL SELECT 'invited ' || code || created FROM invitation"
	    " UNION ALL SELECT 'asks ' || code || received FROM joining",
	    "");
	if (rc != 0)
		return rc;
	ctx = digest_begin();
	while ((rc = db_step(st, err)) == 1)
		digest_add(ctx, db_text(st, 0), strlen(db_text(st, 0)) + 1);
	db_done(st);
	digest_end(ctx, out);
	return rc;
}

/* --- acknowledged, refused ---------------------------------------------- */

int
local_acked_put(struct local *local, const char *code, const char *chain,
    int64_t seq, struct err *err)
{
	return db_run(local->db, err, "REPLACE INTO acked VALUES (?,?,?)",
	    "ssi", code, chain, seq);
}

int
local_acked_get(struct local *local, const char *code, const char *chain,
    int64_t *seq, struct err *err)
{
	*seq = 0;
	return db_get_int(seq, local->db, err,
	    "SELECT coalesce(max(seq), 0) FROM acked"
	    " WHERE code=? AND chain=?",
	    "ss", code, chain);
}

int
local_refusal_put(struct local *local, const char *code, const char *chain,
    int64_t seq, const char *reason, struct err *err)
{
	return db_run(local->db, err, "REPLACE INTO refusal VALUES (?,?,?,?)",
	    "ssis", code, chain, seq, reason);
}

int
local_refusal_clear(
    struct local *local, const char *code, const char *chain, struct err *err)
{
	return db_run(local->db, err,
	    "DELETE FROM refusal WHERE code=? AND chain=?", "ss", code, chain);
}

/* --- partial runs ------------------------------------------------------- */

int
local_partial_begin(struct local *local, const char *code,
    const struct local_partial *p, struct err *err)
{
	/* Replacing the row drops what was held of another run. */
	return db_run(local->db, err,
	    "REPLACE INTO partial VALUES (?,?,?,?,?,?,0)", "ssiibi", code,
	    p->chain, p->first, p->last, p->hash, sizeof(p->hash), p->total);
}

static int
append(struct local *local, const char *code, const char *chain,
    const void *data, size_t n, struct err *err)
{
	int rc;

	rc = db_run(local->db, err,
	    "INSERT INTO partial_bytes SELECT code, chain, held, ?"
	    " FROM partial WHERE code=? AND chain=? AND held + ? <= total",
	    "bssi", data, n, code, chain, (int64_t)n);
	if (rc == 0 && db_changes(local->db) == 0)
		rc = err_set(err, YZ_EINVAL,
		    "chain %s: more bytes than its run has", chain);
	if (rc == 0)
		rc = db_run(local->db, err,
		    "UPDATE partial SET held = held + ?"
		    " WHERE code=? AND chain=?",
		    "iss", (int64_t)n, code, chain);
	return rc;
}

int
local_partial_append(struct local *local, const char *code, const char *chain,
    const void *data, size_t n, struct err *err)
{
	bool outer = db_in_transaction(local->db);
	int rc = 0;

	if (n == 0)
		return 0;
	if (!outer)
		rc = db_begin(local->db, err);
	if (rc != 0)
		return rc;
	rc = append(local, code, chain, data, n, err);
	if (outer)
		return rc;
	if (rc == 0)
		rc = db_commit(local->db, err);
	if (rc != 0)
		db_rollback(local->db);
	return rc;
}

#define PARTIAL_SELECT \
	"SELECT chain, first, last, hash, total, held FROM partial "

static void
read_partial(struct local_partial *out, struct db_stmt *st)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->chain, sizeof(out->chain), "%s", db_text(st, 0));
	out->first = db_int(st, 1);
	out->last = db_int(st, 2);
	db_bytes(out->hash, sizeof(out->hash), st, 3);
	out->total = db_int(st, 4);
	out->held = db_int(st, 5);
}

static int
read_bytes(struct local *local, const char *code, const char *chain,
    struct buf *out, struct err *err)
{
	struct db_stmt *st;
	const void *b;
	size_t n;
	int rc;

	rc = db_query(&st, local->db, err,
	    "SELECT bytes FROM partial_bytes WHERE code=? AND chain=?"
	    " ORDER BY at",
	    "ss", code, chain);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		b = db_blob(st, 0, &n);
		buf_put(out, b, n);
	}
	db_done(st);
	return rc;
}

int
local_partial_get(struct local *local, const char *code, const char *chain,
    struct local_partial *p, struct buf *bytes, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, local->db, err,
	    PARTIAL_SELECT "WHERE code=? AND chain=?", "ss", code, chain);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1)
		read_partial(p, st);
	db_done(st);
	if (rc == 0)
		return err_set(err, YZ_ENOTFOUND,
		    "no part of a run of %s from %s", chain, code);
	if (rc < 0)
		return rc;
	return bytes == NULL ? 0 : read_bytes(local, code, chain, bytes, err);
}

int
local_partials(struct local *local, const char *code,
    struct local_partial **out, size_t *n, struct err *err)
{
	struct db_stmt *st;
	int rc;

	*out = NULL;
	*n = 0;
	rc = db_query(&st, local->db, err,
	    PARTIAL_SELECT "WHERE code=? ORDER BY chain", "s", code);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		*out = mem_realloc(*out, (*n + 1) * sizeof(**out));
		read_partial(&(*out)[(*n)++], st);
	}
	db_done(st);
	if (rc != 0) {
		free(*out);
		*out = NULL;
		*n = 0;
	}
	return rc;
}

int
local_partial_drop(
    struct local *local, const char *code, const char *chain, struct err *err)
{
	return db_run(local->db, err,
	    "DELETE FROM partial WHERE code=? AND chain=?", "ss", code, chain);
}
