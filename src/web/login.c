#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/db.h"
#include "base/err.h"
#include "login.h"

#define SEEN_STEP_MS 60000 /* how exact "last seen" is kept */

static void
make_token(char out[LOGIN_TOKEN_LEN + 1])
{
	uint8_t bytes[LOGIN_TOKEN_LEN / 2];

	digest_random(bytes, sizeof(bytes));
	digest_hex(out, bytes, sizeof(bytes));
}

static void
hash_token(struct digest *out, const char *token)
{
	digest_sha256(out, token, strlen(token));
}

/*
 * Of a session and its user's row, with now, the whole and the idle time.  A
 * time that lies ahead is the work of a clock that was set back.
 */
#define ALIVE \
	"began BETWEEN ?1 - max(?2, idle) AND ?1 AND" \
	" seen >= ?1 - (CASE idle WHEN 0 THEN ?3 ELSE idle END)"

/* What is over goes, and the oldest of who has too many. */
static int
tidy(struct db *db, const char *login, int64_t now, struct err *err)
{
	int rc;

	rc = db_run(db, err,
	    "DELETE FROM login WHERE NOT EXISTS (SELECT 1 FROM user WHERE"
	    " user.login = login.login AND " ALIVE ")",
	    "iii", now, (int64_t)LOGIN_WHOLE_MS, (int64_t)LOGIN_IDLE_MS);
	if (rc == 0)
		rc = db_run(db, err,
		    "DELETE FROM login WHERE login = ?1 AND token NOT IN"
		    " (SELECT token FROM login WHERE login = ?1 ORDER BY began"
		    " DESC LIMIT ?2)",
		    "si", login, (int64_t)LOGIN_PER_USER - 1);
	return rc;
}

int
login_begin(struct db *db, struct login *out, char token[LOGIN_TOKEN_LEN + 1],
    const struct user *user, int64_t now, struct err *err)
{
	struct digest hash;
	int rc;

	out->user = *user;
	make_token(token);
	make_token(out->csrf);
	hash_token(&hash, token);
	rc = tidy(db, user->login, now, err);
	if (rc != 0)
		return rc;
	return db_run(db, err, "INSERT INTO login VALUES (?,?,?,?,?)", "bssii",
	    hash.b, sizeof(hash.b), user->login, out->csrf, now, now);
}

int
login_find(struct db *db, struct login *out, const char *token, bool here,
    int64_t now, struct err *err)
{
	char login[USER_LOGIN_MAX + 1] = "";
	struct digest hash;
	struct db_stmt *st;
	int64_t seen = 0;
	int rc;

	if (token == NULL || strlen(token) != LOGIN_TOKEN_LEN)
		return err_set(err, YZ_EDENIED, "nobody is logged in");
	hash_token(&hash, token);
	rc = db_query(&st, db, err,
	    "SELECT login.login, csrf, seen FROM login JOIN user ON"
	    " user.login = login.login WHERE token = ?4 AND " ALIVE,
	    "iiib", now, (int64_t)LOGIN_WHOLE_MS, (int64_t)LOGIN_IDLE_MS,
	    hash.b, sizeof(hash.b));
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		snprintf(login, sizeof(login), "%s", db_text(st, 0));
		snprintf(out->csrf, sizeof(out->csrf), "%s", db_text(st, 1));
		seen = db_int(st, 2);
	}
	db_done(st);
	if (rc == 0)
		return err_set(err, YZ_EDENIED, "nobody is logged in");
	if (rc < 0)
		return rc;
	rc = user_get(db, &out->user, login, err);
	if (rc == 0 && here && now - seen >= SEEN_STEP_MS)
		rc =
		    db_run(db, err, "UPDATE login SET seen = ? WHERE token = ?",
			"ib", now, hash.b, sizeof(hash.b));
	return rc == YZ_ENOTFOUND
		   ? err_set(err, YZ_EDENIED, "nobody is logged in")
		   : rc;
}

int
login_end(struct db *db, const char *token, struct err *err)
{
	struct digest hash;

	hash_token(&hash, token);
	return db_run(db, err, "DELETE FROM login WHERE token = ?", "b", hash.b,
	    sizeof(hash.b));
}

int
login_end_all(struct db *db, const char *login, struct err *err)
{
	return db_run(db, err, "DELETE FROM login WHERE login = ?", "s", login);
}

int
login_end_others(
    struct db *db, const char *login, const char *token, struct err *err)
{
	struct digest hash;

	hash_token(&hash, token);
	return db_run(db, err,
	    "DELETE FROM login WHERE login = ? AND token <> ?", "sb", login,
	    hash.b, sizeof(hash.b));
}
