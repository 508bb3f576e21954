/*
 * Goal of this test: the audit log keeps every entry for 180 days by the wall
 * clock and by the time that the station has run, and gives none up that was
 * not exported; what is kept then still proves itself; and codes of a second
 * factor are those of RFC 6238, used once, a step early or late.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "home.h"
#include "local.h"
#include "tap.h"
#include "web/audit.h"
#include "web/audit_head.h"
#include "web/book.h"
#include "web/totp.h"

#define DAY (24ll * 60 * 60 * 1000)

static const struct audit_what done = {
    "aud1", "127.0.0.1", "prune", "10", "done"};

static void
count_fault(void *arg, const char *text)
{
	printf("# %s\n", text);
	++*(int *)arg;
}

static int
faults(struct db *db, const struct home *home, int64_t *entries)
{
	struct err err;
	int n = 0;

	if (audit_verify(db, home, NULL, 0, entries, count_fault, &n, &err) !=
	    0)
		return -1;
	return n;
}

static void
export_hash(char hex[DIGEST_HEX_LEN + 1], struct db *db, int64_t through)
{
	struct buf text = BUF_INIT;
	struct digest hash;
	struct err err;
	int64_t last;

	is_int(audit_export(db, &text, through, &last, &err), 0, "an export");
	is_int(last, through, "goes as far as asked for");
	digest_sha256(&hash, text.b, text.len);
	digest_hex(hex, hash.b, sizeof(hash.b));
	buf_free(&text);
}

static void
pruning(struct db *db, const struct home *home)
{
	int64_t now = clock_wall(), entries;
	char hex[DIGEST_HEX_LEN + 1];
	struct err err;
	int i;

	for (i = 0; i < 20; i++)
		is_int(audit_add(db, home, NULL, &done, &err), 0, "an entry");
	export_hash(hex, db, 10);
	is_int(audit_prune(db, home, NULL, 10, hex, now, &done, &err),
	    YZ_EDENIED, "nothing goes at once: %s", err.msg);
	is_int(
	    audit_prune(db, home, NULL, 10, hex, now + 200 * DAY, &done, &err),
	    YZ_EDENIED, "nor where only the clock has moved 200 days");
	is_int(audit_run(db, 181 * DAY, &err), 0, "the station runs 181 days");
	is_int(
	    audit_prune(db, home, NULL, 10, hex, now + 179 * DAY, &done, &err),
	    YZ_EDENIED, "nor where the clock says 179");
	is_int(
	    audit_prune(db, home, NULL, 11, hex, now + 181 * DAY, &done, &err),
	    YZ_EDENIED, "nor what was not exported");
	hex[0] = hex[0] == '0' ? '1' : '0';
	is_int(
	    audit_prune(db, home, NULL, 10, hex, now + 181 * DAY, &done, &err),
	    YZ_EDENIED, "nor for another export");
	is_int(faults(db, home, &entries), 0, "all that left no trace");
	is_int(entries, 20, "nor took anything");
	export_hash(hex, db, 10);
	is_int(
	    audit_prune(db, home, NULL, 10, hex, now + 181 * DAY, &done, &err),
	    0, "old by both clocks, and exported: it goes");
	is_int(faults(db, home, &entries), 0, "the rest proves itself");
	is_int(entries, 11, "with an entry that says so");
	export_hash(hex, db, 21);
	is_int(
	    audit_prune(db, home, NULL, 21, hex, now + 181 * DAY, &done, &err),
	    YZ_EDENIED, "which is young itself");
	is_int(db_exec(db, "UPDATE audit_base SET no = 11", &err), 0,
	    "somebody claims more was pruned");
	ok(faults(db, home, &entries) > 0, "which shows");
	is_int(db_exec(db, "UPDATE audit_base SET no = 10", &err), 0, "undone");
}

/* What the newest entry of the log itself says, or "". */
static int
keep_own(void *arg, const struct audit_entry *e, struct err *err)
{
	char *out = arg;

	(void)err;
	if (out[0] == '\0' && (strcmp(e->what, AUDIT_FAULT) == 0 ||
				  strcmp(e->what, AUDIT_NOTE) == 0))
		snprintf(out, 300, "%s: %s", e->what, e->result);
	return 0;
}

/* Of the newest two: what the last act has made of what it found. */
static const char *
own(struct db *db)
{
	static char out[300];
	struct err err;

	out[0] = '\0';
	(void)audit_list(db, 0, 2, keep_own, out, &err);
	return out;
}

/* Whoever can write the database knows how hashes are made: the end of the
 * log is made another, whole in itself, and then somebody does something. */
static void
rehash(struct db *db, int64_t from)
{
	struct digest prev = {{0}}, hash;
	struct buf text = BUF_INIT;
	struct db_stmt *st;
	struct err err;
	size_t n;
	const void *b;

	for (;; from++) {
		if (db_query(&st, db, &err,
			"SELECT a.hash, b.no || char(10) || b.at || char(10) ||"
			" b.login || char(10) || b.peer || char(10) || b.what"
			" || char(10) || b.about || char(10) || b.result ||"
			" char(10) || b.run || char(10) FROM audit AS b JOIN"
			" audit AS a ON a.no = b.no - 1 WHERE b.no = ?",
			"i", from) != 0)
			return;
		if (db_step(st, &err) != 1) {
			db_done(st);
			break;
		}
		b = db_blob(st, 0, &n);
		memcpy(prev.b, b, sizeof(prev.b));
		buf_clear(&text);
		buf_put(&text, prev.b, sizeof(prev.b));
		buf_puts(&text, db_text(st, 1));
		db_done(st);
		digest_sha256(&hash, text.b, text.len);
		(void)db_run(db, &err, "UPDATE audit SET hash = ? WHERE no = ?",
		    "bi", hash.b, sizeof(hash.b), from);
	}
	buf_free(&text);
}

static int64_t
last_no(struct db *db)
{
	struct err err;
	int64_t no = 0;

	(void)db_get_int(&no, db, &err, "SELECT max(no) FROM audit", "");
	return no;
}

static void
put_back(struct db *db, const char *home)
{
	char *cmd = mem_printf("cp %s/audit.kept %s/audit", home, home);
	struct err err;

	(void)db_exec(db,
	    "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept", &err);
	if (system(cmd) != 0)
		printf("# cannot put back\n");
	free(cmd);
}

#define LAST "(SELECT max(no) FROM audit)"

static void
tampered(struct db *db, const struct home *home)
{
	char *keep =
	    mem_printf("cp %s/audit %s/audit.kept", home->path, home->path);
	int64_t entries, no = last_no(db);
	char said[300];
	struct err err;
	static const struct {
		const char *how, *sql;
		bool rehashed;
		const char *found, *of; /* with its number between */
	} ways[] = {
	    {"the last entry is another, whole in itself",
		"UPDATE audit SET login = 'x' WHERE no = " LAST, true,
		"log: entry ",
		" is another than the one that HOME/audit was signed for"},
	    {"the last entry is another, its hash as it was",
		"UPDATE audit SET login = 'x' WHERE no = " LAST, false,
		"log: entry ", " was changed"},
	    {"the last entry is gone", "DELETE FROM audit WHERE no = " LAST,
		false, "log: entries ", " to "},
	    {"an entry behind it that nobody signed for",
		"INSERT INTO audit SELECT no + 1, at, login, peer, what, about,"
		" result, x'00', run FROM audit WHERE no = " LAST,
		true, "log, perhaps: entries ", " to "},
	};
	size_t i;

	is_int(system(keep), 0, "what is there is kept");
	is_int(db_exec(db, "CREATE TABLE kept AS SELECT * FROM audit", &err), 0,
	    "all of it");
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		is_int(db_exec(db, ways[i].sql, &err), 0, "%s", ways[i].how);
		if (ways[i].rehashed)
			rehash(db, no);
		is_int(audit_add(db, home, NULL, &done, &err), 0,
		    "the next act is done");
		snprintf(said, sizeof(said), "%s%lld%s", ways[i].found,
		    (long long)no + (ways[i].found[3] == ','), ways[i].of);
		ok(strncmp(own(db), said, strlen(said)) == 0,
		    "and before it the log says so: %s", own(db));
		is_int(audit_add(db, home, NULL, &done, &err), 0, "another");
		is_str(own(db), "", "the next but one finds nothing new");
		if (strncmp(ways[i].found, "log:", 4) == 0)
			ok(faults(db, home, &entries) > 0,
			    "verify complains for ever");
		put_back(db, home->path);
		is_int(faults(db, home, &entries), 0, "(as it was)");
	}
	is_int(db_exec(db, "UPDATE audit_base SET no = 9", &err), 0,
	    "it seems to begin elsewhere");
	is_int(audit_open(db, home, NULL, &err), 0, "the daemon starts");
	ok(strncmp(own(db), "log: it begins behind entry 9, but", 34) == 0,
	    "and says so: %s", own(db));
	is_int(db_exec(db, "UPDATE audit_base SET no = 10", &err), 0, "undone");
	put_back(db, home->path);
	is_int(faults(db, home, &entries), 0, "(as it was)");
	free(keep);
}

static void
wiped(struct db *db, const struct home *home)
{
	struct audit_head head;
	int64_t entries;
	struct err err;

	is_int(db_exec(db, "DELETE FROM audit; DELETE FROM audit_base", &err),
	    0, "somebody wipes it all");
	ok(faults(db, home, &entries) > 0, "which shows");
	is_int(audit_open(db, home, NULL, &err), 0,
	    "the daemon starts all the same");
	ok(faults(db, home, &entries) > 0, "and it shows for ever");
	is_int(entries, 1, "beside an entry of what was found missing");
	is_int(audit_head_read(&head, home, &err), 0, "HOME/audit");
	is_int(head.last.no, 22, "goes on counting");
}

static void
codes(struct db *db)
{
	static const uint8_t secret[] = "12345678901234567890";
	static const struct {
		int64_t at;
		uint32_t code;
	} rfc[] = {{59, 287082}, {1111111109, 81804}, {1111111111, 50471},
	    {1234567890, 5924}, {2000000000, 279037}, {20000000000, 353130}};
	char spares[TOTP_SPARES][TOTP_SPARE_LEN + 1], code[8];
	const int64_t now = 1700000000000;
	uint8_t mine[TOTP_SECRET_LEN];
	struct err err;
	bool good;
	size_t i;

	for (i = 0; i < sizeof(rfc) / sizeof(rfc[0]); i++)
		is_int(totp_code(secret, rfc[i].at / 30), rfc[i].code,
		    "RFC 6238's code of second %lld", (long long)rfc[i].at);
	is_int(totp_begin(db, mine, "duty1", &err), 0, "a secret");
	snprintf(code, sizeof(code), "%06u", totp_code(mine, now / 30000 - 2));
	is_int(totp_confirm(db, spares, "duty1", code, now, &err), YZ_EDENIED,
	    "a code of two steps ago confirms nothing");
	snprintf(code, sizeof(code), "%06u", totp_code(mine, now / 30000 - 1));
	is_int(totp_confirm(db, spares, "duty1", code, now, &err), 0,
	    "one of the step before does");
	is_int(totp_check(&good, db, "duty1", code, now, &err), 0, "again");
	ok(!good, "it is used up");
	snprintf(code, sizeof(code), "%06u", totp_code(mine, now / 30000 + 1));
	is_int(totp_check(&good, db, "duty1", code, now, &err), 0, "the next");
	ok(good, "is good a step early");
	snprintf(code, sizeof(code), "%06u", totp_code(mine, now / 30000));
	is_int(totp_check(&good, db, "duty1", code, now, &err), 0, "now's");
	ok(!good, "is older than one that was used");
	is_int(totp_check(&good, db, "duty1", spares[3], now, &err), 0, "one");
	ok(good, "of the spare codes will do");
	is_int(totp_check(&good, db, "duty1", spares[3], now, &err), 0, "and");
	ok(!good, "once");
	is_int(totp_check(&good, db, "view1", spares[4], now, &err), 0, "not");
	ok(!good, "for another's account");
	is_int(totp_begin(db, mine, "duty1", &err), YZ_ECONFLICT,
	    "a second one is not begun: %s", err.msg);
	is_int(totp_off(db, "duty1", &err), 0, "off it goes");
	is_int(totp_is_on(&good, db, "duty1", &err), 0, "then");
	ok(!good, "it is off");
}

int
main(void)
{
	char dir[] = "/tmp/yizhan-test.XXXXXX";
	struct local *local = NULL;
	struct home *home = NULL;
	struct err err;
	char *path;

	if (mkdtemp(dir) == NULL)
		return 1;
	path = mem_printf("%s/home", dir);
	is_int(home_create(&home, path, "520302", &err), 0, "a station");
	is_int(local_open(&local, path, &err), 0, "with its local.db");
	is_int(book_open(local_db(local), &err), 0, "and the book of people");
	is_int(book_open(local_db(local), &err), 0, "opened twice");
	pruning(local_db(local), home);
	tampered(local_db(local), home);
	wiped(local_db(local), home);
	codes(local_db(local));
	local_close(local);
	home_free(home);
	free(path);
	path = mem_printf("rm -rf %s", dir);
	if (system(path) != 0)
		return 1;
	free(path);
	return tap_done();
}
