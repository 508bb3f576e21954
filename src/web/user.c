#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "base/text.h"
#include "password.h"
#include "totp.h"
#include "user.h"

/* --- roles ------------------------------------------------------------------
 */

static const struct {
	const char *name;
	unsigned powers; /* a bit each */
} roles[ROLE_COUNT] = {
    [ROLE_SYSTEM] = {"system",
	1u << POWER_READ | 1u << POWER_USERS | 1u << POWER_STATIONS},
    [ROLE_SECURITY] = {"security",
	1u << POWER_READ | 1u << POWER_RIGHTS | 1u << POWER_CONFIRM},
    [ROLE_AUDIT] = {"audit", 1u << POWER_READ | 1u << POWER_AUDIT},
    [ROLE_OFFICER] = {"officer",
	1u << POWER_READ | 1u << POWER_REGISTER | 1u << POWER_WRITE},
    [ROLE_EDITOR] = {"editor", 1u << POWER_READ | 1u << POWER_REGISTER},
    [ROLE_VIEWER] = {"viewer", 1u << POWER_READ},
    [ROLE_NONE] = {"none", 0},
};

const char *
user_role_name(enum role role)
{
	return roles[role].name;
}

int
user_role_parse(enum role *out, const char *name, struct err *err)
{
	int i;

	for (i = 0; i < ROLE_COUNT; i++)
		if (strcmp(roles[i].name, name) == 0) {
			*out = (enum role)i;
			return 0;
		}
	return err_set(err, YZ_EINVAL,
	    "no role is called %.40s: system, security, audit, officer, "
	    "editor, viewer, none",
	    name);
}

const char *
user_power_name(enum power power)
{
	static const char *const names[POWER_COUNT] = {[POWER_READ] = "read",
	    [POWER_REGISTER] = "register",
	    [POWER_WRITE] = "write",
	    [POWER_USERS] = "users",
	    [POWER_RIGHTS] = "rights",
	    [POWER_STATIONS] = "stations",
	    [POWER_CONFIRM] = "confirm",
	    [POWER_AUDIT] = "audit"};

	return names[power];
}

bool
user_may(enum role role, enum power power)
{
	return (roles[role].powers >> power & 1) != 0;
}

bool
user_role_within(enum role role, enum role other)
{
	return (roles[role].powers & ~roles[other].powers) == 0;
}

/* --- accounts ---------------------------------------------------------------
 */

static int
check_login(const char *login, struct err *err)
{
	size_t n = strspn(login, "abcdefghijklmnopqrstuvwxyz0123456789._-");

	if (n == 0 || login[n] != '\0' || n > USER_LOGIN_MAX ||
	    strchr("._-", login[0]) != NULL)
		return err_set(err, YZ_EINVAL,
		    "a login is 1 to %d small letters, digits, and . _ - but "
		    "not in front",
		    USER_LOGIN_MAX);
	return 0;
}

static int
check_name(const char *name, struct err *err)
{
	if (*name == '\0' || strlen(name) > LIMIT_NAME ||
	    strpbrk(name, "<>") != NULL || !text_is_plain(name, strlen(name)))
		return err_set(err, YZ_EINVAL,
		    "a name has 1 to %d bytes, without < and > and without "
		    "characters that do not show",
		    LIMIT_NAME);
	return 0;
}

int
user_add(struct db *db, const char *login, const char *name, enum role role,
    const char *password, struct err *err)
{
	char hash[PASSWORD_STORED_MAX];
	struct user had;
	int rc;

	rc = check_login(login, err);
	if (rc == 0)
		rc = check_name(name, err);
	if (rc == 0)
		rc = password_good(password, login, err);
	if (rc != 0)
		return rc;
	rc = user_get(db, &had, login, err);
	if (rc == 0)
		return err_set(
		    err, YZ_ECONFLICT, "there is a user %s already", login);
	if (rc != YZ_ENOTFOUND)
		return rc;
	password_hash(hash, password);
	return db_run(db, err,
	    "INSERT INTO user(login, name, role, password, changed)"
	    " VALUES (?,?,?,?,?)",
	    "ssssi", login, name, user_role_name(role), hash, clock_wall());
}

static int
must_exist(struct db *db, const char *login, struct err *err)
{
	if (db_changes(db) == 0)
		return err_set(
		    err, YZ_ENOTFOUND, "there is no user %.40s", login);
	return 0;
}

/* Not the one there is, nor one of those before it. */
static int
check_old(
    struct db *db, const char *login, const char *password, struct err *err)
{
	char stored[PASSWORD_STORED_MAX];
	struct db_stmt *st;
	bool had = false;
	int rc;

	rc = db_query(&st, db, err,
	    "SELECT password FROM user WHERE login = ?1 UNION ALL"
	    " SELECT password FROM password_old WHERE login = ?1",
	    "s", login);
	if (rc != 0)
		return rc;
	while (!had && (rc = db_step(st, err)) == 1) {
		snprintf(stored, sizeof(stored), "%s", db_text(st, 0));
		had = password_holds(stored, password);
	}
	db_done(st);
	if (rc < 0)
		return rc;
	return had ? err_set(err, YZ_EINVAL,
			 "this password was one of the last %d: take another",
			 USER_PASSWORDS)
		   : 0;
}

static int
keep_old(struct db *db, const char *login, struct err *err)
{
	int rc;

	rc = db_run(db, err,
	    "INSERT OR REPLACE INTO password_old SELECT login, coalesce((SELECT"
	    " max(at) + 1 FROM password_old WHERE login = ?1), 1), password"
	    " FROM user WHERE login = ?1",
	    "s", login);
	if (rc == 0)
		rc = db_run(db, err,
		    "DELETE FROM password_old WHERE login = ?1 AND at <="
		    " (SELECT max(at) FROM password_old WHERE login = ?1) - ?2",
		    "si", login, (int64_t)USER_PASSWORDS - 1);
	return rc;
}

int
user_passwd(struct db *db, const char *login, const char *password, int64_t now,
    struct err *err)
{
	char hash[PASSWORD_STORED_MAX];
	int rc;

	rc = password_good(password, login, err);
	if (rc == 0)
		rc = check_old(db, login, password, err);
	if (rc != 0)
		return rc;
	password_hash(hash, password);
	rc = db_begin(db, err);
	if (rc != 0)
		return rc;
	rc = keep_old(db, login, err);
	if (rc == 0)
		rc = db_run(db, err,
		    "UPDATE user SET password = ?, changed = ?, failures = 0,"
		    " locked = 0 WHERE login = ?",
		    "sis", hash, now, login);
	if (rc == 0)
		rc = must_exist(db, login, err);
	if (rc == 0)
		rc = db_commit(db, err);
	if (rc != 0)
		db_rollback(db);
	return rc;
}

bool
user_password_old(const struct user *user, int64_t now)
{
	return now - user->changed > USER_PASSWORD_MS;
}

int
user_unlock(struct db *db, const char *login, struct err *err)
{
	int rc;

	rc = db_run(db, err,
	    "UPDATE user SET failures = 0, locked = 0 WHERE login = ?", "s",
	    login);
	return rc != 0 ? rc : must_exist(db, login, err);
}

int
user_set_idle(struct db *db, const char *login, int64_t ms, struct err *err)
{
	int rc;

	if (ms != 0 && (ms < 60000 || ms > USER_IDLE_MAX_MS))
		return err_set(err, YZ_EINVAL,
		    "1 to %lld minutes, or 0: as everybody",
		    USER_IDLE_MAX_MS / 60000);
	rc = db_run(db, err, "UPDATE user SET idle = ? WHERE login = ?", "is",
	    ms, login);
	return rc != 0 ? rc : must_exist(db, login, err);
}

int
user_set_role(struct db *db, const char *login, enum role role, struct err *err)
{
	int rc;

	rc = db_run(db, err, "UPDATE user SET role = ? WHERE login = ?", "ss",
	    user_role_name(role), login);
	return rc != 0 ? rc : must_exist(db, login, err);
}

#define COLUMNS \
	"login, name, role, failures, locked, last, changed, idle," \
	" EXISTS (SELECT 1 FROM totp WHERE totp.login = user.login AND" \
	" confirmed)"

static int
read_user(struct user *out, struct db_stmt *st, struct err *err)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->login, sizeof(out->login), "%s", db_text(st, 0));
	snprintf(out->name, sizeof(out->name), "%s", db_text(st, 1));
	out->failures = db_int(st, 3);
	out->locked = db_int(st, 4);
	out->last = db_int(st, 5);
	out->changed = db_int(st, 6);
	out->idle = db_int(st, 7);
	out->totp = db_int(st, 8) != 0;
	return user_role_parse(&out->role, db_text(st, 2), err);
}

int
user_get(struct db *db, struct user *out, const char *login, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, db, err,
	    "SELECT " COLUMNS " FROM user WHERE login = ?", "s", login);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1)
		rc = read_user(out, st, err);
	else if (rc == 0)
		rc =
		    err_set(err, YZ_ENOTFOUND, "there is no user %.40s", login);
	db_done(st);
	return rc;
}

int
user_list(struct db *db,
    int (*fn)(void *arg, const struct user *user, struct err *err), void *arg,
    struct err *err)
{
	struct db_stmt *st;
	struct user user;
	int rc;

	rc = db_query(
	    &st, db, err, "SELECT " COLUMNS " FROM user ORDER BY login", "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		rc = read_user(&user, st, err);
		if (rc == 0)
			rc = fn(arg, &user, err);
		if (rc != 0)
			break;
	}
	db_done(st);
	return rc;
}

/* --- logging in --------------------------------------------------------------
 */

/* 1: shut.  A lock that lies further ahead than one can be set is the work
 * of a clock that jumped, and does not hold. */
static int
is_shut(struct db *db, const char *sql, const char *who, int64_t now,
    struct err *err)
{
	int64_t until = 0;
	int rc;

	rc = db_get_int(&until, db, err, sql, "s", who);
	if (rc == YZ_ENOTFOUND)
		return 0;
	if (rc != 0)
		return rc;
	return until > now && until <= now + USER_LOCK_MS;
}

static int
count_failure(struct db *db, const char *login, const char *peer, int64_t now,
    struct err *err)
{
	int rc;

	rc = db_run(db, err,
	    "UPDATE user SET failures = failures + 1, locked ="
	    " CASE WHEN (failures + 1) % ?2 = 0 THEN ?3 ELSE locked END"
	    " WHERE login = ?1",
	    "sii", login, (int64_t)USER_FAILURES, now + USER_LOCK_MS);
	if (rc == 0)
		rc = db_run(db, err,
		    "INSERT INTO guess VALUES (?1, 1, 0) ON CONFLICT(peer) DO"
		    " UPDATE SET failures = failures + 1, locked ="
		    " CASE WHEN (failures + 1) % ?2 = 0 THEN ?3 ELSE locked"
		    " END",
		    "sii", peer, (int64_t)USER_FAILURES, now + USER_LOCK_MS);
	return rc;
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

static int
let_in(struct db *db, struct user *out, const struct user_try *try,
    struct err *err)
{
	int rc;

	rc = db_run(db, err,
	    "UPDATE user SET failures = 0, locked = 0, last = ?"
	    " WHERE login = ?",
	    "is", try->now, try->login);
	if (rc == 0)
		rc = db_run(db, err, "DELETE FROM guess WHERE peer = ?", "s",
		    try->peer);
	return rc != 0 ? rc : user_get(db, out, try->login, err);
}

/* The password was looked at: within one transaction, what follows. */
static int
judge(struct db *db, struct user *out, const struct user_try *try, bool good,
    const char **fault, struct err *err)
{
	bool second = false;
	int rc;

	*fault = NULL;
	if (!good) {
		*fault = N_("the login or the password is wrong");
	} else {
		rc = totp_is_on(&second, db, try->login, err);
		if (rc != 0)
			return rc;
	}
	if (second && try->code == NULL) {
		*fault = USER_WANTS_CODE;
		return 0; /* not yet a wrong one */
	}
	if (second) {
		rc =
		    totp_check(&good, db, try->login, try->code, try->now, err);
		if (rc != 0)
			return rc;
		if (!good)
			*fault = N_("the code is wrong, or was used already");
	}
	return good ? let_in(db, out, try, err)
		    : count_failure(db, try->login, try->peer, try->now, err);
}

int
user_login(struct db *db, struct user *out, const struct user_try *try,
    struct err *err)
{
	char stored[PASSWORD_STORED_MAX];
	const char *fault;
	bool known, good;
	int rc;

	rc = is_shut(db, "SELECT locked FROM user WHERE login = ?", try->login,
	    try->now, err);
	if (rc == 0)
		rc = is_shut(db, "SELECT locked FROM guess WHERE peer = ?",
		    try->peer, try->now, err);
	if (rc == 1)
		return err_set(err, YZ_EDENIED,
		    "too many wrong passwords: try again in a quarter of an "
		    "hour");
	if (rc == 0)
		rc = stored_password(stored, &known, db, try->login, err);
	if (rc == 0)
		rc = count_evaluation(db, err);
	if (rc != 0)
		return rc;
	good = password_holds(known ? stored : NULL, try->password);
	rc = db_begin(db, err);
	if (rc != 0)
		return rc;
	rc = judge(db, out, try, good, &fault, err);
	if (rc == 0)
		rc = db_commit(db, err);
	if (rc != 0)
		db_rollback(db);
	if (rc == 0 && fault != NULL)
		rc = err_set(err, YZ_EDENIED, "%s", fault);
	return rc;
}
