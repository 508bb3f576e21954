#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "attempt.h"
#include "base/db.h"
#include "base/digest.h"
#include "base/err.h"
#include "password.h"
#include "totp.h"
#include "user.h"

enum fault { NONE, WRONG, WANTS_CODE, BAD_CODE, EXPIRED, ONCE, SHUT };

static int
refuse(enum fault fault, const char **wants, struct err *err)
{
	static const char *const codes[] = {[WANTS_CODE] = "code",
	    [EXPIRED] = "expired",
	    [ONCE] = "once",
	    [SHUT] = "shut"};

	if (wants != NULL)
		*wants = codes[fault];
	switch (fault) {
	case WANTS_CODE:
		return err_set(
		    err, YZ_EDENIED, "the code of the second factor is wanted");
	case BAD_CODE:
		return err_set(
		    err, YZ_EDENIED, "the code is wrong, or was used already");
	case EXPIRED:
		return err_set(err, YZ_EDENIED,
		    "the password is over 90 days old: give a new one too");
	case ONCE:
		return err_set(err, YZ_EDENIED,
		    "this password was set by another: give one of your own "
		    "too");
	case SHUT:
		return err_set(err, YZ_EDENIED,
		    "too many wrong passwords: try again in a quarter of an "
		    "hour, or where you have logged in before; the security "
		    "administrator can unlock it, or at the machine: yizhan "
		    "user unlock");
	default:
		return err_set(
		    err, YZ_EDENIED, "the login or the password is wrong");
	}
}

/* By what an attempt is counted, besides its address. */
struct count {
	bool here;            /* at the machine itself */
	bool exists;          /* the login is somebody's */
	bool known;           /* and was opened from this address */
	struct digest nobody; /* of a login that is nobody's */
};

static bool
at_the_machine(const char *peer)
{
	return strcmp(peer, "127.0.0.1") == 0 || strcmp(peer, "::1") == 0;
}

/* People type passwords where the login belongs: none is kept here. */
static void
name_nobody(struct digest *out, const struct attempt *try, bool here)
{
	struct digest_ctx *ctx = digest_begin();

	digest_add(ctx, here ? "h" : "e", 1);
	digest_add(ctx, try->login, strlen(try->login));
	digest_end(ctx, out);
}

static int
find_count(struct count *out, struct db *db, const struct attempt *try,
    struct err *err)
{
	int64_t n = 0;
	int rc;

	memset(out, 0, sizeof(*out));
	out->here = at_the_machine(try->peer);
	name_nobody(&out->nobody, try, out->here);
	rc = db_get_int(&n, db, err,
	    "SELECT count(*) FROM user WHERE login = ?", "s", try->login);
	out->exists = n > 0;
	if (rc == 0)
		rc = db_get_int(&n, db, err,
		    "SELECT count(*) FROM known WHERE login = ? AND peer = ?"
		    " AND at BETWEEN ? AND ?",
		    "ssii", try->login, try->peer, try->now - ATTEMPT_KNOWN_MS,
		    try->now);
	out->known = out->exists && (n > 0 || out->here);
	return rc;
}

/* 1: shut.  A lock that lies further ahead than one can be set is the work
 * of a clock that jumped, and does not hold. */
static int
lock_holds(int rc, int64_t until, int64_t now)
{
	if (rc == YZ_ENOTFOUND)
		return 0;
	return rc != 0 ? rc : until > now && until <= now + ATTEMPT_LOCK_MS;
}

static int
is_shut(struct db *db, const struct attempt *try, const struct count *by,
    struct err *err)
{
	int64_t until = 0;
	int rc;

	rc = db_get_int(&until, db, err,
	    "SELECT locked FROM guess WHERE peer = ?", "s", try->peer);
	rc = lock_holds(rc, until, try->now);
	if (rc != 0)
		return rc;
	if (by->known)
		rc = db_get_int(&until, db, err,
		    "SELECT locked FROM known WHERE login = ? AND peer = ?",
		    "ss", try->login, try->peer);
	else if (by->exists)
		rc = db_get_int(&until, db, err,
		    "SELECT locked FROM user WHERE login = ?", "s", try->login);
	else
		rc = db_get_int(&until, db, err,
		    "SELECT locked FROM stranger WHERE name = ?", "b",
		    by->nobody.b, sizeof(by->nobody.b));
	return lock_holds(rc, until, try->now);
}

/* One more of them, and shut at each fifth. */
#define ONE_MORE \
	"failures = failures + 1, locked = CASE WHEN (failures + 1) % ?2 = 0" \
	" THEN ?3 ELSE locked END"

static int
count_stranger(struct db *db, const struct attempt *try, const struct count *by,
    struct err *err)
{
	int rc;

	rc = db_run(db, err,
	    "INSERT INTO stranger VALUES (?1, 1, 0, ?4) ON CONFLICT(name) DO"
	    " UPDATE SET at = ?4, " ONE_MORE,
	    "biii", by->nobody.b, sizeof(by->nobody.b),
	    (int64_t)ATTEMPT_FAILURES, try->now + ATTEMPT_LOCK_MS, try->now);
	if (rc == 0)
		rc = db_run(db, err,
		    "DELETE FROM stranger WHERE name NOT IN (SELECT name FROM"
		    " stranger ORDER BY locked > ?1 DESC, at DESC LIMIT ?2)",
		    "ii", try->now, (int64_t)ATTEMPT_STRANGERS);
	return rc;
}

static int
count_login(struct db *db, const struct attempt *try, const struct count *by,
    struct err *err)
{
	if (!by->exists)
		return count_stranger(db, try, by, err);
	if (by->known) /* the machine itself has no line yet */
		return db_run(db, err,
		    "INSERT INTO known VALUES (?1, ?4, ?5, 1, 0)"
		    " ON CONFLICT(login, peer) DO UPDATE SET " ONE_MORE,
		    "siisi", try->login, (int64_t)ATTEMPT_FAILURES,
		    try->now + ATTEMPT_LOCK_MS, try->peer, try->now);
	return db_run(db, err, "UPDATE user SET " ONE_MORE " WHERE login = ?1",
	    "sii", try->login, (int64_t)ATTEMPT_FAILURES,
	    try->now + ATTEMPT_LOCK_MS);
}

/* Of more addresses than are kept those that are shut stay, then the latest:
 * who has thousands loses what was counted of them, and wins nothing, since
 * what an account has counted against it lies with the account. */
static int
count_address(struct db *db, const struct attempt *try, const struct count *by,
    struct err *err)
{
	int rc;

	rc = db_run(db, err,
	    "INSERT INTO guess VALUES (?1, 1, 0, ?4, ?5) ON CONFLICT(peer)"
	    " DO UPDATE SET login = ?4, at = ?5, " ONE_MORE,
	    "siisi", try->peer, (int64_t)ATTEMPT_FAILURES,
	    try->now + ATTEMPT_LOCK_MS, by->exists ? try->login : "", try->now);
	if (rc == 0)
		rc = db_run(db, err,
		    "DELETE FROM guess WHERE peer NOT IN (SELECT peer FROM"
		    " guess ORDER BY peer = ?3 DESC, locked > ?1 DESC, at DESC"
		    " LIMIT ?2)",
		    "iis", try->now, (int64_t)ATTEMPT_ADDRESSES, try->peer);
	return rc;
}

static int
count_failure(struct db *db, const struct attempt *try, const struct count *by,
    struct err *err)
{
	int rc;

	rc = count_login(db, try, by, err);
	return rc != 0 ? rc : count_address(db, try, by, err);
}

static int
stored_password(char out[PASSWORD_STORED_MAX], bool *known, struct db *db,
    const char *login, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, db, err, "SELECT password FROM user WHERE login = ?",
	    "s", login);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	*known = rc == 1;
	if (*known)
		snprintf(out, PASSWORD_STORED_MAX, "%s", db_text(st, 0));
	db_done(st);
	return rc < 0 ? rc : 0;
}

/* What the evaluations of scrypt by strangers come to. */
static int
count_evaluation(struct db *db, struct err *err)
{
	return db_run(db, err,
	    "INSERT INTO counted VALUES ('password', 1) ON CONFLICT(name) DO"
	    " UPDATE SET n = n + 1",
	    "");
}

/* This address is known from now on; of many the latest are. */
static int
know(struct db *db, const struct attempt *try, struct err *err)
{
	int rc;

	rc = db_run(db, err, "REPLACE INTO known VALUES (?,?,?,0,0)", "ssi",
	    try->login, try->peer, try->now);
	if (rc == 0)
		rc = db_run(db, err,
		    "DELETE FROM known WHERE login = ?1 AND peer NOT IN"
		    " (SELECT peer FROM known WHERE login = ?1 ORDER BY at"
		    " DESC LIMIT ?2)",
		    "si", try->login, (int64_t)ATTEMPT_KNOWN);
	return rc;
}

/* What others try elsewhere stays shut: his coming in gives them no more. */
static int
let_in(
    struct db *db, struct user *out, const struct attempt *try, struct err *err)
{
	int rc;

	rc = db_run(db, err,
	    "UPDATE user SET last = ?1, failures = CASE WHEN locked > ?1 THEN"
	    " failures ELSE 0 END WHERE login = ?2",
	    "is", try->now, try->login);
	if (rc == 0)
		rc = know(db, try, err);
	if (rc == 0)
		rc = db_run(db, err, "DELETE FROM guess WHERE peer = ?", "s",
		    try->peer);
	return rc != 0 ? rc : user_get(db, out, try->login, err);
}

/* A password that is too old, or not his own, opens nothing but its own
 * replacement, which must do before a code is spent. */
static int
ask_renewal(enum fault *fault, struct db *db, const struct attempt *try,
    struct err *err)
{
	struct user user;
	int rc = user_get(db, &user, try->login, err);

	*fault = NONE;
	if (rc != 0 || (!user.once && !user_password_old(&user, try->now)))
		return rc;
	if (try->next == NULL) {
		*fault = user.once ? ONCE : EXPIRED;
		return 0;
	}
	return user_password_new(db, try->login, try->next, err);
}

/* The password was looked at: within one transaction, what follows. */
static int
judge(struct db *db, struct user *out, const struct attempt *try, bool good,
    const struct count *by, enum fault *fault, struct err *err)
{
	bool second = false;
	int rc;

	*fault = NONE;
	if (!good) {
		*fault = WRONG;
	} else {
		rc = totp_is_on(&second, db, try->login, err);
		if (rc != 0)
			return rc;
	}
	if (second && try->code == NULL) {
		*fault = WANTS_CODE;
		return 0; /* not yet a wrong one */
	}
	if (second) {
		rc =
		    totp_check(&good, db, try->login, try->code, try->now, err);
		if (rc != 0)
			return rc;
		if (!good)
			*fault = BAD_CODE;
	}
	return good ? let_in(db, out, try, err)
		    : count_failure(db, try, by, err);
}

static int
look(struct db *db, struct user *out, const struct attempt *try,
    const struct count *by, enum fault *fault, struct err *err)
{
	char stored[PASSWORD_STORED_MAX];
	bool known, good;
	int rc;

	rc = stored_password(stored, &known, db, try->login, err);
	if (rc == 0)
		rc = count_evaluation(db, err);
	if (rc != 0)
		return rc;
	good = password_holds(known ? stored : NULL, try->password);
	if (good) {
		rc = ask_renewal(fault, db, try, err);
		if (rc != 0 || *fault != NONE)
			return rc;
	}
	rc = db_begin(db, err);
	if (rc != 0)
		return rc;
	rc = judge(db, out, try, good, by, fault, err);
	if (rc == 0)
		rc = db_commit(db, err);
	if (rc != 0)
		db_rollback(db);
	return rc;
}

int
attempt_judge(struct db *db, struct user *out, const char **wants,
    const struct attempt *try, struct err *err)
{
	enum fault fault = NONE;
	struct count by;
	int rc;

	if (wants != NULL)
		*wants = NULL;
	rc = find_count(&by, db, try, err);
	if (rc == 0)
		rc = is_shut(db, try, &by, err);
	if (rc == 1)
		return refuse(SHUT, wants, err);
	if (rc == 0)
		rc = look(db, out, try, &by, &fault, err);
	if (rc == 0 && fault != NONE)
		rc = refuse(fault, wants, err);
	return rc;
}
