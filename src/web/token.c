#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/db.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/text.h"
#include "token.h"

#define PREFIX "yz_"
#define SEEN_STEP_MS 60000 /* how exact "last used" is kept */
#define COLUMNS "id, name, login, role, made_by, made, last"

static int
read_token(struct token *out, struct db_stmt *st, struct err *err)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->id, sizeof(out->id), "%s", db_text(st, 0));
	snprintf(out->name, sizeof(out->name), "%s", db_text(st, 1));
	snprintf(out->login, sizeof(out->login), "%s", db_text(st, 2));
	snprintf(out->made_by, sizeof(out->made_by), "%s", db_text(st, 4));
	out->made = db_int(st, 5);
	out->last = db_int(st, 6);
	return user_role_parse(&out->role, db_text(st, 3), err);
}

static int
check(struct db *db, const char *name, const char *login, enum role role,
    struct err *err)
{
	struct user user;
	int64_t n;
	int rc;

	if (*name == '\0' || strlen(name) > LIMIT_NAME ||
	    strpbrk(name, "<>") != NULL || !text_is_plain(name, strlen(name)))
		return err_set(err, YZ_EINVAL,
		    "a token's name has 1 to %d bytes, without < and > and "
		    "without characters that do not show",
		    LIMIT_NAME);
	rc = user_get(db, &user, login, err);
	if (rc != 0)
		return rc;
	if (!user_role_within(role, user.role) || role == ROLE_NONE)
		return err_set(err, YZ_EDENIED,
		    "a token of %s can be no %s: that is more than %s may",
		    login, user_role_name(role), user_role_name(user.role));
	rc = db_get_int(&n, db, err,
	    "SELECT count(*) FROM token WHERE login = ?", "s", login);
	if (rc == 0 && n >= TOKENS_PER_USER)
		rc = err_set(err, YZ_ECONFLICT,
		    "%s has %d tokens already: revoke one", login,
		    TOKENS_PER_USER);
	return rc;
}

int
token_make(struct db *db, char text[TOKEN_LEN + 1], struct token *out,
    const char *name, const char *login, enum role role, const char *made_by,
    int64_t now, struct err *err)
{
	uint8_t bytes[32], id[TOKEN_ID_LEN / 2];
	struct digest hash;
	int rc;

	rc = check(db, name, login, role, err);
	if (rc != 0)
		return rc;
	memset(out, 0, sizeof(*out));
	digest_random(bytes, sizeof(bytes));
	digest_random(id, sizeof(id));
	memcpy(text, PREFIX, strlen(PREFIX));
	digest_hex(text + strlen(PREFIX), bytes, sizeof(bytes));
	explicit_bzero(bytes, sizeof(bytes));
	digest_sha256(&hash, text, TOKEN_LEN);
	digest_hex(out->id, id, sizeof(id));
	snprintf(out->name, sizeof(out->name), "%s", name);
	snprintf(out->login, sizeof(out->login), "%s", login);
	snprintf(out->made_by, sizeof(out->made_by), "%s", made_by);
	out->role = role;
	out->made = now;
	return db_run(db, err, "INSERT INTO token VALUES (?,?,?,?,?,?,?,0)",
	    "sbssssi", out->id, hash.b, sizeof(hash.b), out->name, out->login,
	    user_role_name(role), out->made_by, now);
}

int
token_find(struct db *db, struct token *out, struct user *user,
    const char *text, int64_t now, struct err *err)
{
	struct digest hash;
	struct db_stmt *st;
	int rc;

	if (strlen(text) != TOKEN_LEN)
		return err_set(err, YZ_EDENIED, "this token is nobody's");
	digest_sha256(&hash, text, TOKEN_LEN);
	rc = db_query(&st, db, err,
	    "SELECT " COLUMNS " FROM token WHERE hash = ?", "b", hash.b,
	    sizeof(hash.b));
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1)
		rc = read_token(out, st, err);
	else if (rc == 0)
		rc = err_set(err, YZ_EDENIED, "this token is nobody's");
	db_done(st);
	if (rc == 0)
		rc = user_get(db, user, out->login, err);
	if (rc == YZ_ENOTFOUND)
		rc = err_set(err, YZ_EDENIED, "this token is nobody's");
	if (rc == 0 && (now < out->last || now - out->last >= SEEN_STEP_MS))
		rc = db_run(db, err, "UPDATE token SET last = ? WHERE id = ?",
		    "is", now, out->id);
	return rc;
}

int
token_get(struct db *db, struct token *out, const char *id, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, db, err,
	    "SELECT " COLUMNS " FROM token WHERE id = ?", "s", id);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1)
		rc = read_token(out, st, err);
	else if (rc == 0)
		rc = err_set(err, YZ_ENOTFOUND, "there is no token %.16s", id);
	db_done(st);
	return rc;
}

int
token_revoke(struct db *db, const char *id, struct err *err)
{
	int rc;

	rc = db_run(db, err, "DELETE FROM token WHERE id = ?", "s", id);
	if (rc == 0 && db_changes(db) == 0)
		rc = err_set(err, YZ_ENOTFOUND, "there is no token %.16s", id);
	return rc;
}

int
token_list(struct db *db, const char *login,
    int (*fn)(void *arg, const struct token *token, struct err *err), void *arg,
    struct err *err)
{
	struct db_stmt *st;
	struct token token;
	int rc;

	rc = db_query(&st, db, err,
	    "SELECT " COLUMNS " FROM token WHERE ?1 IS NULL OR login = ?1"
	    " ORDER BY login, made, id",
	    "s", login);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		rc = read_token(&token, st, err);
		if (rc == 0)
			rc = fn(arg, &token, err);
		if (rc != 0)
			break;
	}
	db_done(st);
	return rc;
}
