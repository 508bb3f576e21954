#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "refusal.h"
#include "user.h"

#define ANY "*" /* no address, and no account, is called that */
#define TEXT_MAX 200

/* What is counted together. */
struct row {
	char peer[64], login[USER_LOGIN_MAX + 4];
	char what[64], result[TEXT_MAX + 1];
	int64_t n, first, last;
};
/* Two threads would say the same twice. */
static pthread_mutex_t saying = PTHREAD_MUTEX_INITIALIZER;

/* --- counting --------------------------------------------------------------
 */

/* At most size - 1 bytes of it, and never a part of a character. */
static void
copy(char *out, size_t size, const char *s)
{
	size_t n = s == NULL ? 0 : strnlen(s, size);

	if (n == size)
		for (n--; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80;)
			n--;
	if (n > 0)
		memcpy(out, s, n);
	out[n] = '\0';
}

#define MATCH "peer = ?1 AND login = ?2 AND what = ?3 AND result = ?4"

static int
count_row(int64_t *entries, bool *there, struct db *db, const struct row *row,
    struct err *err)
{
	int rc = db_get_int(entries, db, err,
	    "SELECT coalesce((SELECT entries FROM refused WHERE " MATCH
	    "), -1)",
	    "ssss", row->peer, row->login, row->what, row->result);

	*there = rc == 0 && *entries >= 0;
	if (!*there)
		*entries = 0;
	return rc;
}

struct tally {
	int64_t rows, rows_peer, entries, entries_peer, known;
};

static int
count_all(
    struct tally *out, struct db *db, const struct row *row, struct err *err)
{
	struct db_stmt *st;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = db_query(&st, db, err,
	    "SELECT count(*), coalesce(sum(peer = ?1), 0),"
	    " coalesce(sum(entries), 0),"
	    " coalesce(sum(entries * (peer = ?1)), 0),"
	    " EXISTS (SELECT 1 FROM user WHERE login = ?2) FROM refused",
	    "ss", row->peer, row->login);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		out->rows = db_int(st, 0);
		out->rows_peer = db_int(st, 1);
		out->entries = db_int(st, 2);
		out->entries_peer = db_int(st, 3);
		out->known = db_int(st, 4);
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

/* Where it is counted, and whether it gets an entry of its own. */
static int
place(struct row *row, bool *own, struct db *db, bool shut, struct err *err)
{
	int64_t most = shut ? 1 : REFUSAL_ENTRIES_ROW, entries;
	struct tally all;
	bool there;
	int rc;

	rc = count_row(&entries, &there, db, row, err);
	if (rc == 0)
		rc = count_all(&all, db, row, err);
	if (rc != 0)
		return rc;
	if (there ||
	    (all.rows < REFUSAL_ROWS && all.rows_peer < REFUSAL_ROWS_PEER)) {
		*own = entries < most && all.entries < REFUSAL_ENTRIES &&
		       all.entries_peer < REFUSAL_ENTRIES_PEER;
		return 0;
	}
	if (all.rows >= REFUSAL_ROWS)
		copy(row->peer, sizeof(row->peer), ANY);
	if (!all.known)
		copy(row->login, sizeof(row->login), ANY);
	rc = count_row(&entries, &there, db, row, err);
	*own = all.known && !there;
	return rc;
}

static int
count(bool *own, struct db *db, struct row *row, bool shut, int64_t now,
    struct err *err)
{
	int rc;

	rc = db_begin(db, err);
	if (rc != 0)
		return rc;
	rc = place(row, own, db, shut, err);
	if (rc == 0)
		rc = db_run(db, err,
		    "INSERT INTO refused VALUES (?1,?2,?3,?4,?5,1 - ?5,?6,?6)"
		    " ON CONFLICT DO UPDATE SET entries = entries + ?5,"
		    " n = n + 1 - ?5, last = ?6",
		    "ssssii", row->peer, row->login, row->what, row->result,
		    (int64_t)*own, now);
	if (rc == 0)
		rc = db_commit(db, err);
	if (rc != 0)
		db_rollback(db);
	return rc;
}

int
refusal_add(struct db *db, const struct home *home, const struct roster *keys,
    const struct audit_what *what, bool shut, int64_t now, struct err *err)
{
	struct err why;
	struct row row;
	bool own;
	int rc;

	rc = refusal_say(db, home, keys, now, err);
	copy(row.peer, sizeof(row.peer), what->peer);
	copy(row.login, sizeof(row.login), what->login);
	copy(row.what, sizeof(row.what), what->what);
	copy(row.result, sizeof(row.result), what->result);
	if (rc == 0)
		rc = count(&own, db, &row, shut, now, err);
	if (rc != 0 || !own)
		return rc;
	rc = audit_add(db, home, keys, what, err);
	if (rc != 0) /* then it is one of those that are said later */
		(void)db_run(db, &why,
		    "UPDATE refused SET n = n + 1 WHERE " MATCH, "ssss",
		    row.peer, row.login, row.what, row.result);
	return rc;
}

/* --- saying ----------------------------------------------------------------
 */

/* 1: one whose time is over.  One that begins ahead is the work of a clock
 * that was set back. */
static int
find_due(struct row *out, struct db *db, int64_t now, struct err *err)
{
	struct db_stmt *st;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = db_query(&st, db, err,
	    "SELECT peer, login, what, result, n, first, last FROM refused"
	    " WHERE first NOT BETWEEN ?1 - ?2 + 1 AND ?1"
	    " ORDER BY first LIMIT 1",
	    "ii", now, (int64_t)REFUSAL_MS);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		copy(out->peer, sizeof(out->peer), db_text(st, 0));
		copy(out->login, sizeof(out->login), db_text(st, 1));
		copy(out->what, sizeof(out->what), db_text(st, 2));
		copy(out->result, sizeof(out->result), db_text(st, 3));
		out->n = db_int(st, 4);
		out->first = db_int(st, 5);
		out->last = db_int(st, 6);
	}
	db_done(st);
	return rc;
}

/* Others may have been counted since it was read: those begin anew. */
static int
forget(struct db *db, const struct row *row, int64_t now, struct err *err)
{
	int rc;

	rc = db_run(db, err, "DELETE FROM refused WHERE " MATCH " AND n = ?5",
	    "ssssi", row->peer, row->login, row->what, row->result, row->n);
	if (rc == 0 && db_changes(db) == 0)
		rc = db_run(db, err,
		    "UPDATE refused SET n = n - ?5, entries = 0, first = ?6,"
		    " last = ?6 WHERE " MATCH,
		    "ssssii", row->peer, row->login, row->what, row->result,
		    row->n, now);
	return rc;
}

/* Said first: a power cut between has it said twice, and never not. */
static int
say_one(struct db *db, const struct home *home, const struct roster *keys,
    const struct row *row, int64_t now, struct err *err)
{
	char from[CLOCK_LEN], to[CLOCK_LEN], about[2 * CLOCK_LEN + 40];
	struct audit_what what = {.login = row->login,
	    .peer = row->peer,
	    .what = row->what,
	    .about = about,
	    .result = row->result};
	int rc = 0;

	clock_format(from, row->first);
	clock_format(to, row->last);
	snprintf(
	    about, sizeof(about), "×%lld %s – %s", (long long)row->n, from, to);
	if (row->n > 0)
		rc = audit_add(db, home, keys, &what, err);
	return rc == 0 ? forget(db, row, now, err) : rc;
}

int
refusal_say(struct db *db, const struct home *home, const struct roster *keys,
    int64_t now, struct err *err)
{
	struct row row;
	int rc;

	if (pthread_mutex_trylock(&saying) != 0)
		return 0; /* somebody does it */
	while ((rc = find_due(&row, db, now, err)) == 1) {
		rc = say_one(db, home, keys, &row, now, err);
		if (rc != 0)
			break;
	}
	pthread_mutex_unlock(&saying);
	return rc;
}
