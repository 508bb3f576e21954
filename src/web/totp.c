#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/digest.h"
#include "base/err.h"
#include "password.h"
#include "totp.h"

#define STEP_MS 30000
#define WINDOW 1 /* steps that a clock may be off */
#define DIGITS 6
#define SPARE_DIGITS 10
#define SALT_LEN 16
#define MODULUS 1000000u

uint32_t
totp_code(const uint8_t secret[TOTP_SECRET_LEN], int64_t step)
{
	uint8_t text[8], mac[20];
	unsigned at;
	int i;

	for (i = 7; i >= 0; i--, step >>= 8)
		text[i] = (uint8_t)(step & 0xff);
	digest_hmac_sha1(mac, secret, TOTP_SECRET_LEN, text, sizeof(text));
	at = mac[19] & 15u; /* RFC 4226, 5.3 */
	return ((mac[at] & 0x7fu) << 24 | (uint32_t)mac[at + 1] << 16 |
		   (uint32_t)mac[at + 2] << 8 | mac[at + 3]) %
	       MODULUS;
}

void
totp_base32(struct buf *out, const uint8_t secret[TOTP_SECRET_LEN])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	unsigned bits = 0, have = 0;
	size_t i;

	for (i = 0; i < TOTP_SECRET_LEN; i++) {
		bits = bits << 8 | secret[i];
		for (have += 8; have >= 5; have -= 5)
			buf_putc(out, letters[bits >> (have - 5) & 31]);
	}
}

static int
read_secret(uint8_t out[TOTP_SECRET_LEN], bool *confirmed, int64_t *step,
    struct db *db, const char *login, struct err *err)
{
	struct db_stmt *st;
	const void *p;
	size_t n;
	int rc;

	rc = db_query(&st, db, err,
	    "SELECT secret, confirmed, step FROM totp WHERE login = ?", "s",
	    login);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		p = db_blob(st, 0, &n);
		*confirmed = db_int(st, 1) != 0;
		*step = db_int(st, 2);
		rc = 0;
		if (p == NULL || n != TOTP_SECRET_LEN)
			rc = err_set(err, YZ_ECORRUPT,
			    "the secret of %s is damaged", login);
		else
			memcpy(out, p, n);
	} else if (rc == 0) {
		rc = err_set(
		    err, YZ_ENOTFOUND, "%s has no second factor", login);
	}
	db_done(st);
	return rc;
}

int
totp_is_on(bool *out, struct db *db, const char *login, struct err *err)
{
	uint8_t secret[TOTP_SECRET_LEN];
	int64_t step;
	int rc;

	*out = false;
	rc = read_secret(secret, out, &step, db, login, err);
	explicit_bzero(secret, sizeof(secret));
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

int
totp_begin(struct db *db, uint8_t secret[TOTP_SECRET_LEN], const char *login,
    struct err *err)
{
	bool on;
	int rc;

	rc = totp_is_on(&on, db, login, err);
	if (rc == 0 && on)
		rc = err_set(err, YZ_ECONFLICT,
		    "there is a second factor already: take it off first");
	if (rc != 0)
		return rc;
	digest_random(secret, TOTP_SECRET_LEN);
	return db_run(db, err,
	    "REPLACE INTO totp(login, secret, confirmed, step)"
	    " VALUES (?,?,0,0)",
	    "sb", login, secret, (size_t)TOTP_SECRET_LEN);
}

static bool
is_code(const char *s)
{
	return strlen(s) == DIGITS && strspn(s, "0123456789") == DIGITS;
}

/* The step whose code this is, later than the last one used, or 0. */
static int64_t
find_step(const uint8_t secret[TOTP_SECRET_LEN], const char *code,
    int64_t after, int64_t now)
{
	int64_t step = now / STEP_MS, i;
	char want[DIGITS + 1];

	for (i = step - WINDOW; i <= step + WINDOW; i++) {
		snprintf(want, sizeof(want), "%06u", totp_code(secret, i));
		if (i > after && strcmp(want, code) == 0)
			return i;
	}
	return 0;
}

static int
use_code(bool *good, struct db *db, const char *login, const char *code,
    bool confirmed, int64_t now, struct err *err)
{
	uint8_t secret[TOTP_SECRET_LEN];
	int64_t used, step;
	bool is_on;
	int rc;

	rc = read_secret(secret, &is_on, &used, db, login, err);
	if (rc != 0 || is_on != confirmed)
		return rc;
	step = find_step(secret, code, used, now);
	explicit_bzero(secret, sizeof(secret));
	if (step == 0)
		return 0;
	/* Of two at once, one sees its change. */
	rc = db_run(db, err,
	    "UPDATE totp SET step = ?1, confirmed = 1 WHERE login = ?2 AND"
	    " step < ?1",
	    "is", step, login);
	*good = rc == 0 && db_changes(db) == 1;
	return rc;
}

/* --- spare codes ------------------------------------------------------------
 *
 * They are short, so that whoever has local.db could try them all: what is kept
 * is scrypt, under the account's salt, of the SHA-256 that earlier programs
 * kept.  So theirs are salted too, without the code.
 */

struct spares {
	uint8_t salt[SALT_LEN];
	struct digest hash[TOTP_SPARES];
	size_t n;
};

static void
stretch(struct digest *hash, const uint8_t salt[SALT_LEN])
{
	char hex[DIGEST_HEX_LEN + 1];

	digest_hex(hex, hash->b, sizeof(hash->b));
	password_stretch(hash->b, hex, salt, SALT_LEN);
}

/* False: it has not the form of one. */
static bool
sum_spare(struct digest *out, const char *login, const char *code)
{
	struct buf text = BUF_INIT;
	size_t digits = 0;

	buf_printf(&text, "%s\n", login);
	for (; *code != '\0'; code++)
		if (*code >= '0' && *code <= '9') {
			buf_putc(&text, *code);
			digits++;
		}
	digest_sha256(out, text.b, text.len);
	buf_free(&text);
	return digits == SPARE_DIGITS;
}

static int
store_spares(struct db *db, const char *login, const struct spares *spares,
    struct err *err)
{
	size_t i;
	int rc;

	rc = db_run(
	    db, err, "DELETE FROM totp_spare WHERE login = ?", "s", login);
	for (i = 0; rc == 0 && i < spares->n; i++)
		rc = db_run(db, err,
		    "INSERT OR IGNORE INTO totp_spare VALUES (?,?)", "sb",
		    login, spares->hash[i].b, sizeof(spares->hash[i].b));
	return rc != 0
		   ? rc
		   : db_run(db, err, "UPDATE totp SET salt = ? WHERE login = ?",
			 "bs", spares->salt, sizeof(spares->salt), login);
}

static int
read_spares(
    struct spares *out, struct db *db, const char *login, struct err *err)
{
	struct db_stmt *st;
	const void *p;
	size_t n;
	int rc;

	out->n = 0;
	rc = db_query(&st, db, err,
	    "SELECT hash FROM totp_spare WHERE login = ?", "s", login);
	if (rc != 0)
		return rc;
	while (out->n < TOTP_SPARES && (rc = db_step(st, err)) == 1) {
		p = db_blob(st, 0, &n);
		if (n == sizeof(out->hash[0].b))
			memcpy(out->hash[out->n++].b, p, n);
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

/* The account's salt; what was kept without one gets it now. */
static int
salt_spares(
    uint8_t salt[SALT_LEN], struct db *db, const char *login, struct err *err)
{
	struct spares spares;
	struct db_stmt *st;
	const void *p;
	bool salted = false;
	size_t i, n = 0;
	int rc;

	rc = db_query(
	    &st, db, err, "SELECT salt FROM totp WHERE login = ?", "s", login);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		p = db_blob(st, 0, &n);
		salted = p != NULL && n == SALT_LEN;
		if (salted)
			memcpy(salt, p, n);
	}
	db_done(st);
	if (rc != 1 || salted)
		return rc < 0 ? rc : 0;
	rc = read_spares(&spares, db, login, err);
	if (rc != 0)
		return rc;
	digest_random(spares.salt, SALT_LEN);
	for (i = 0; i < spares.n; i++)
		stretch(&spares.hash[i], spares.salt);
	memcpy(salt, spares.salt, SALT_LEN);
	return store_spares(db, login, &spares, err);
}

static int
use_spare(bool *good, struct db *db, const char *login, const char *code,
    const uint8_t salt[SALT_LEN], struct err *err)
{
	struct digest hash;
	int rc;

	if (!sum_spare(&hash, login, code))
		return 0;
	stretch(&hash, salt);
	rc = db_run(db, err,
	    "DELETE FROM totp_spare WHERE login = ? AND hash = ?", "sb", login,
	    hash.b, sizeof(hash.b));
	*good = rc == 0 && db_changes(db) == 1;
	return rc;
}

int
totp_check(bool *good, struct db *db, const char *login, const char *code,
    int64_t now, struct err *err)
{
	uint8_t salt[SALT_LEN] = {0};
	int rc;

	*good = false;
	rc = salt_spares(salt, db, login, err);
	if (rc != 0)
		return rc;
	return is_code(code) ? use_code(good, db, login, code, true, now, err)
			     : use_spare(good, db, login, code, salt, err);
}

/* This takes a second: before a transaction. */
static void
make_spares(struct spares *out, char text[TOTP_SPARES][TOTP_SPARE_LEN + 1],
    const char *login)
{
	uint32_t r[2];

	digest_random(out->salt, SALT_LEN);
	for (out->n = 0; out->n < TOTP_SPARES; out->n++) {
		digest_random(r, sizeof(r));
		snprintf(text[out->n], TOTP_SPARE_LEN + 1, "%05u-%05u",
		    r[0] % 100000, r[1] % 100000);
		(void)sum_spare(&out->hash[out->n], login, text[out->n]);
		stretch(&out->hash[out->n], out->salt);
	}
}

static int
is_wrong(struct err *err)
{
	return err_set(err, YZ_EDENIED,
	    "this is not the code that the app should show now: is "
	    "the telephone's clock right, and this machine's");
}

/* Would the code confirm the secret? */
static int
fits(bool *good, struct db *db, const char *login, const char *code,
    int64_t now, struct err *err)
{
	uint8_t secret[TOTP_SECRET_LEN];
	int64_t used;
	bool is_on;
	int rc;

	rc = read_secret(secret, &is_on, &used, db, login, err);
	*good = rc == 0 && !is_on && find_step(secret, code, used, now) != 0;
	explicit_bzero(secret, sizeof(secret));
	return rc;
}

int
totp_confirm(struct db *db, char spares[TOTP_SPARES][TOTP_SPARE_LEN + 1],
    const char *login, const char *code, int64_t now, struct err *err)
{
	struct spares kept;
	bool good = false;
	int rc;

	rc = fits(&good, db, login, code, now, err);
	if (rc == 0 && !good)
		rc = is_wrong(err);
	if (rc != 0)
		return rc;
	make_spares(&kept, spares, login);
	rc = db_begin(db, err);
	if (rc != 0)
		return rc;
	/* Again, now that nobody else can use it. */
	good = false;
	rc = use_code(&good, db, login, code, false, now, err);
	if (rc == 0 && !good)
		rc = is_wrong(err);
	if (rc == 0)
		rc = store_spares(db, login, &kept, err);
	if (rc == 0)
		rc = db_commit(db, err);
	if (rc != 0)
		db_rollback(db);
	return rc;
}

int
totp_off(struct db *db, const char *login, struct err *err)
{
	int rc;

	rc = db_run(
	    db, err, "DELETE FROM totp_spare WHERE login = ?", "s", login);
	if (rc == 0)
		rc = db_run(
		    db, err, "DELETE FROM totp WHERE login = ?", "s", login);
	if (rc == 0 && db_changes(db) == 0)
		rc = err_set(
		    err, YZ_ENOTFOUND, "%s has no second factor", login);
	return rc;
}
