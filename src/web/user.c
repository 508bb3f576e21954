#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "base/text.h"
#include "password.h"
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
user_is_administrator(enum role role)
{
	return user_may(role, POWER_USERS) || user_may(role, POWER_RIGHTS) ||
	       user_may(role, POWER_AUDIT);
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
    const char *password, bool once, struct err *err)
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
	    "INSERT INTO user(login, name, role, password, changed, once)"
	    " VALUES (?,?,?,?,?,?)",
	    "ssssii", login, name, user_role_name(role), hash, clock_wall(),
	    (int64_t)once);
}

static int
must_exist(struct db *db, const char *login, struct err *err)
{
	if (db_changes(db) == 0)
		return err_set(
		    err, YZ_ENOTFOUND, "there is no user %.40s", login);
	return 0;
}

int
user_password_new(
    struct db *db, const char *login, const char *password, struct err *err)
{
	char stored[PASSWORD_STORED_MAX];
	struct db_stmt *st;
	bool had = false;
	int rc = password_good(password, login, err);

	if (rc != 0)
		return rc;
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
user_unlock(struct db *db, const char *login, struct err *err)
{
	int rc;

	rc = db_run(db, err,
	    "UPDATE user SET failures = 0, locked = 0 WHERE login = ?", "s",
	    login);
	if (rc == 0)
		rc = must_exist(db, login, err);
	/* The desk he sits at may be shut by his own tries. */
	if (rc == 0)
		rc = db_run(db, err,
		    "DELETE FROM guess WHERE login = ?1 OR peer IN"
		    " (SELECT peer FROM known WHERE login = ?1)",
		    "s", login);
	if (rc == 0)
		rc = db_run(db, err,
		    "UPDATE known SET failures = 0, locked = 0 WHERE login = ?",
		    "s", login);
	return rc;
}

/* Within a transaction: hash is of a password that was found good. */
static int
put_password(struct db *db, const char *login, const char *hash, bool once,
    int64_t now, struct err *err)
{
	int rc = keep_old(db, login, err);

	if (rc == 0)
		rc = db_run(db, err,
		    "UPDATE user SET password = ?, changed = ?, once = ?"
		    " WHERE login = ?",
		    "siis", hash, now, (int64_t)once, login);
	return rc != 0 ? rc : user_unlock(db, login, err);
}

int
user_passwd(struct db *db, const char *login, const char *password, int64_t now,
    struct err *err)
{
	char hash[PASSWORD_STORED_MAX];
	int rc;

	rc = user_password_new(db, login, password, err);
	if (rc != 0)
		return rc;
	password_hash(hash, password);
	rc = db_begin(db, err);
	if (rc != 0)
		return rc;
	rc = put_password(db, login, hash, false, now, err);
	if (rc == 0)
		rc = db_commit(db, err);
	if (rc != 0)
		db_rollback(db);
	return rc;
}

/* Whoever sets another's password can be him for a while.  None of the three
 * powers is to be had that way from afar. */
static int
check_reach(struct db *db, const char *login, struct err *err)
{
	struct user user;
	int rc = user_get(db, &user, login, err);

	if (rc == 0 && user_is_administrator(user.role))
		rc = err_set(err, YZ_EDENIED,
		    "%s is an administrator, whose password nobody else sets "
		    "here: at the machine, yizhan user passwd %s",
		    login, login);
	return rc;
}

int
user_reset(struct db *db, const char *login, const char *password, bool here,
    int64_t now, struct err *err)
{
	char hash[PASSWORD_STORED_MAX];
	int rc;

	rc = here ? 0 : check_reach(db, login, err); /* before the work */
	if (rc == 0)
		rc = user_password_new(db, login, password, err);
	if (rc != 0)
		return rc;
	password_hash(hash, password);
	rc = db_begin(db, err);
	if (rc != 0)
		return rc;
	if (!here) /* again: a role may just have been given */
		rc = check_reach(db, login, err);
	if (rc == 0)
		rc = put_password(db, login, hash, true, now, err);
	if (rc == 0)
		rc = db_run(
		    db, err, "DELETE FROM login WHERE login = ?", "s", login);
	if (rc == 0)
		rc = db_run(
		    db, err, "DELETE FROM token WHERE login = ?", "s", login);
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

/* Where another still knows the password he would get the power, too. */
int
user_set_role(struct db *db, const char *login, enum role role, bool here,
    struct err *err)
{
	bool any = here || !user_is_administrator(role);
	struct user user;
	int rc = user_get(db, &user, login, err);

	if (rc == 0)
		rc = db_run(db, err,
		    "UPDATE user SET role = ?1 WHERE login = ?2 AND"
		    " (?3 OR NOT once)",
		    "ssi", user_role_name(role), login, (int64_t)any);
	if (rc == 0 && db_changes(db) == 0)
		rc = err_set(err, YZ_ECONFLICT,
		    "another has set the password of %s: first %s logs in and "
		    "chooses one, then this role can be given",
		    login, login);
	return rc;
}

#define COLUMNS \
	"login, name, role, failures, locked, last, changed, idle, once," \
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
	out->once = db_int(st, 8) != 0;
	out->totp = db_int(st, 9) != 0;
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
