#include "config.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "audit_head.h"
#include "audit_row.h"
#include "audit_tail.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "home.h"

#define TEXT_MAX 200

/* One line of it: what would end a line is a space. */
static void
put_clean(struct buf *out, const char *s)
{
	size_t i, n = s == NULL ? 0 : strnlen(s, TEXT_MAX);

	while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--; /* never within a character */
	for (i = 0; i < n; i++)
		buf_putc(out,
		    (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? ' ' : s[i]);
}

static int
run_time(int64_t *out, struct db *db, struct err *err)
{
	return db_get_int(out, db, err,
	    "SELECT coalesce((SELECT CAST(value AS INTEGER) FROM setting"
	    " WHERE name = 'audit_run'), 0)",
	    "");
}

int
audit_run(struct db *db, int64_t ms, struct err *err)
{
	return db_run(db, err,
	    "REPLACE INTO setting VALUES ('audit_run', coalesce((SELECT"
	    " CAST(value AS INTEGER) FROM setting WHERE name = 'audit_run'),"
	    " 0) + ?)",
	    "i", ms);
}

/* --- writing ---------------------------------------------------------------
 */

/*
 * Behind the last entry there is, or behind the one that HOME/audit knows of
 * and that is here no more: then the gap stays to be seen.
 */
static int
insert(struct db *db, const struct audit_head *head,
    const struct audit_what *what, struct err *err)
{
	const char *given[5] = {
	    what->login, what->peer, what->what, what->about, what->result};
	struct audit_place prev;
	struct audit_entry e;
	struct digest hash;
	struct buf text[5];
	size_t i;
	int rc;

	memset(text, 0, sizeof(text));
	for (i = 0; i < 5; i++)
		put_clean(&text[i], given[i]);
	rc = audit_row_last(&prev, db, err);
	if (rc == 0 && head->last.no > prev.no)
		prev = head->last;
	if (rc == 0)
		rc = run_time(&e.run, db, err);
	e.no = prev.no + 1;
	e.at = clock_wall();
	e.login = buf_str(&text[0]);
	e.peer = buf_str(&text[1]);
	e.what = buf_str(&text[2]);
	e.about = buf_str(&text[3]);
	e.result = buf_str(&text[4]);
	audit_row_hash(&hash, &prev.hash, &e);
	if (rc == 0)
		rc = db_run(db, err,
		    "INSERT INTO audit(no, at, run, login, peer, what, about,"
		    " result, hash) VALUES (?,?,?,?,?,?,?,?,?)",
		    "iiisssssb", e.no, e.at, e.run, e.login, e.peer, e.what,
		    e.about, e.result, hash.b, sizeof(hash.b));
	for (i = 0; i < 5; i++)
		buf_free(&text[i]);
	return rc;
}

/* One writer at a time, in whatever process: HOME/audit is never behind what
 * another has written there. */
static int
take_lock(int *fd, const struct home *home, struct err *err)
{
	char *path = home_file(home, "audit.lock");
	int rc = file_lock(fd, path, true, err);

	free(path);
	return rc;
}

static int
write_head(struct db *db, const struct home *home, struct err *err)
{
	struct audit_head head;
	int rc;

	rc = audit_row_base(&head.base, db, err);
	if (rc == 0)
		rc = audit_row_last(&head.last, db, err);
	return rc != 0 ? rc : audit_head_write(&head, home, err);
}

/* Under the lock: an entry, and then what says that it is there. */
static int
append(struct db *db, const struct home *home, const struct audit_what *what,
    bool sign, struct err *err)
{
	struct audit_head head;
	struct err why;
	int rc;

	(void)audit_head_read(&head, home, &why); /* mark() says the rest */
	rc = db_begin(db, err);
	if (rc != 0)
		return rc;
	rc = insert(db, &head, what, err);
	if (rc == 0)
		rc = db_commit(db, err);
	if (rc != 0)
		db_rollback(db);
	return rc != 0 || !sign ? rc : write_head(db, home, err);
}

/* Under the lock, before the first entry of all: it is signed that there is
 * none.  Who is stopped before that entry is signed for leaves what any other
 * would, and not a log that looks robbed of its end. */
static int
begin_head(struct db *db, const struct home *home, struct err *err)
{
	struct audit_place last;
	struct audit_head head;
	struct err why;
	int rc;

	if (audit_head_read(&head, home, &why) != YZ_ENOTFOUND)
		return 0;
	rc = audit_row_last(&last, db, err);
	return rc != 0 || last.no > 0 ? rc : write_head(db, home, err);
}

/* Under the lock: whatever is not as it was signed for gets an entry before
 * anything is signed anew, which would hide it. */
static int
mark(struct db *db, const struct home *home, const struct roster *keys,
    struct err *err)
{
	struct audit_what what = {.login = "",
	    .peer = "this machine",
	    .what = AUDIT_FAULT,
	    .about = ""};
	struct buf found = BUF_INIT;
	bool fault;
	int rc;

	rc = audit_tail_look(&found, &fault, db, home, keys, err);
	if (rc == 0 && found.len > 0) {
		what.result = buf_str(&found);
		if (!fault)
			what.what = AUDIT_NOTE;
		rc = append(db, home, &what, true, err);
	}
	buf_free(&found);
	return rc;
}

int
audit_add(struct db *db, const struct home *home, const struct roster *keys,
    const struct audit_what *what, struct err *err)
{
	int fd, rc;

	assert(!db_in_transaction(db));
	rc = take_lock(&fd, home, err);
	if (rc == 0) {
		/* A key that nobody will know is none to sign with: the next
		 * that is one finds these entries not signed for. */
		if (audit_head_lent(home, keys)) {
			rc = append(db, home, what, false, err);
		} else {
			rc = begin_head(db, home, err);
			if (rc == 0)
				rc = mark(db, home, keys, err);
			if (rc == 0)
				rc = append(db, home, what, true, err);
		}
		close(fd);
	}
	return rc == 0 ? 0 : err_within(err, "the audit log");
}

int
audit_open(struct db *db, const struct home *home, const struct roster *keys,
    struct err *err)
{
	int fd, rc;

	rc = take_lock(&fd, home, err);
	if (rc != 0)
		return rc;
	rc = mark(db, home, keys, err);
	if (rc == 0)
		rc = write_head(db, home, err);
	close(fd);
	return rc == 0 ? 0 : err_within(err, "the audit log");
}

/* --- reading ----------------------------------------------------------------
 */

int
audit_list(struct db *db, int64_t below, int64_t limit,
    int (*fn)(void *arg, const struct audit_entry *e, struct err *err),
    void *arg, struct err *err)
{
	struct audit_entry e;
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, db, err,
	    "SELECT " AUDIT_ROW_COLUMNS " FROM audit"
	    " WHERE ?1 = 0 OR no < ?1 ORDER BY no DESC LIMIT ?2",
	    "ii", below, limit);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		audit_row_read(&e, st);
		rc = fn(arg, &e, err);
		if (rc != 0)
			break;
	}
	db_done(st);
	return rc;
}

struct look {
	void (*fault)(void *arg, const char *text);
	void *arg;
	struct audit_place at; /* the entry before, as it should be */
	bool gap;              /* its hash is not known */
	struct audit_head head;
	bool has_head;
	int64_t entries;
};

static void __attribute__((format(printf, 2, 3)))
say(struct look *look, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	look->fault(look->arg, text);
}

static void
say_gone(struct look *look, int64_t from, int64_t to)
{
	say(look, "audit log: entries %lld to %lld are gone", (long long)from,
	    (long long)to);
}

static void
look_at(struct look *look, struct db_stmt *st)
{
	struct digest want, hash;
	struct audit_entry e;

	audit_row_read(&e, st);
	audit_row_read_hash(&hash, st, 8);
	if (e.no != look->at.no + 1) {
		say_gone(look, look->at.no + 1, e.no - 1);
		look->gap = true;
	}
	audit_row_hash(&want, &look->at.hash, &e);
	if (!look->gap && !digest_equal(&want, &hash))
		say(look, "audit log: entry %lld was changed", (long long)e.no);
	if (look->has_head && e.no == look->head.last.no &&
	    !digest_equal(&hash, &look->head.last.hash))
		say(look,
		    "audit log: entry %lld is another than the one that "
		    "HOME/audit was signed for",
		    (long long)e.no);
	if (strcmp(e.what, AUDIT_FAULT) == 0 && *e.login == '\0')
		say(look, "audit log: entry %lld says: %s", (long long)e.no,
		    e.result);
	look->gap = false;
	look->at.no = e.no;
	look->at.hash = hash;
	look->entries++;
}

static int
read_head(struct look *look, const struct home *home, const struct roster *keys,
    struct err *err)
{
	int rc = audit_head_read(&look->head, home, err);

	look->has_head = rc == 0;
	if (rc == YZ_ECORRUPT)
		say(look, "audit log: %s", err->msg);
	else if (rc != 0 && rc != YZ_ENOTFOUND)
		return rc;
	else if (rc == 0 && !audit_head_ours(look->head.key, home, keys))
		say(look, "audit log: HOME/audit is signed by a key that this "
			  "station never had");
	return 0;
}

/* Where to begin: at the base, or so many before the last. */
static int
begin(struct look *look, struct db *db, int64_t newest, struct err *err)
{
	struct audit_place base, last;
	int rc;

	rc = audit_row_base(&base, db, err);
	if (rc == 0)
		rc = audit_row_last(&last, db, err);
	if (rc != 0)
		return rc;
	look->at = base;
	if (newest > 0 && last.no - newest > base.no)
		rc = audit_row_place(&look->at, db,
		    "SELECT no, hash FROM audit WHERE no <= ? ORDER BY no DESC"
		    " LIMIT 1",
		    last.no - newest, err);
	if (rc == 0 && look->has_head &&
	    (base.no != look->head.base.no ||
		!digest_equal(&base.hash, &look->head.base.hash)))
		say(look,
		    "audit log: it begins behind entry %lld, but HOME/audit "
		    "was signed for one that begins behind %lld",
		    (long long)base.no, (long long)look->head.base.no);
	return rc;
}

int
audit_verify(struct db *db, const struct home *home, const struct roster *keys,
    int64_t newest, int64_t *entries,
    void (*fault)(void *arg, const char *text), void *arg, struct err *err)
{
	struct look look = {.fault = fault, .arg = arg};
	struct db_stmt *st;
	int rc;

	*entries = 0;
	rc = read_head(&look, home, keys, err);
	if (rc == 0)
		rc = begin(&look, db, newest, err);
	if (rc == 0)
		rc = db_query(&st, db, err,
		    "SELECT " AUDIT_ROW_COLUMNS ", hash FROM audit WHERE no > ?"
		    " ORDER BY no",
		    "i", look.at.no);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1)
		look_at(&look, st);
	db_done(st);
	if (rc == 0 && look.has_head && look.head.last.no > look.at.no)
		say_gone(&look, look.at.no + 1, look.head.last.no);
	if (rc == 0 && !look.has_head && look.entries > 0)
		say(&look, "audit log: HOME/audit, which says where it ends, "
			   "is not there");
	*entries = look.entries;
	return rc;
}

/* --- exporting and pruning
 * ----------------------------------------------------
 */

static void
put_line(
    struct buf *out, const struct audit_entry *e, const struct digest *hash)
{
	struct json *o = json_new_object();
	char hex[DIGEST_HEX_LEN + 1];

	digest_hex(hex, hash->b, sizeof(hash->b));
	json_set(o, "no", json_int(e->no));
	json_set(o, "at", json_int(e->at));
	json_set(o, "run", e->run < 0 ? json_new_null() : json_int(e->run));
	json_set(o, "login", json_text(e->login));
	json_set(o, "peer", json_text(e->peer));
	json_set(o, "what", json_text(e->what));
	json_set(o, "about", json_text(e->about));
	json_set(o, "result", json_text(e->result));
	json_set(o, "hash", json_text(hex));
	json_write(out, o, 0);
	buf_putc(out, '\n');
	json_free(o);
}

int
audit_export(struct db *db, struct buf *out, int64_t through, int64_t *last,
    struct err *err)
{
	struct audit_entry e;
	struct digest hash;
	struct db_stmt *st;
	int rc;

	*last = 0;
	rc = db_query(&st, db, err,
	    "SELECT " AUDIT_ROW_COLUMNS
	    ", hash FROM audit WHERE ?1 = 0 OR no <= ?1"
	    " ORDER BY no LIMIT ?2",
	    "ii", through, (int64_t)AUDIT_EXPORT_MAX);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		audit_row_read(&e, st);
		audit_row_read_hash(&hash, st, 8);
		put_line(out, &e, &hash);
		*last = e.no;
	}
	db_done(st);
	return rc;
}

/* Old enough by both clocks, and exported as it is? */
static int
check_prune(struct db *db, int64_t through, const char *sha256, int64_t now,
    struct err *err)
{
	struct buf text = BUF_INIT;
	char hex[DIGEST_HEX_LEN + 1];
	int64_t young, run, last;
	struct digest hash;
	int rc;

	rc = run_time(&run, db, err);
	if (rc == 0)
		rc = db_get_int(&young, db, err,
		    "SELECT count(*) FROM audit WHERE no <= ? AND (at > ? OR"
		    " coalesce(run, 0) > ?)",
		    "iii", through, now - AUDIT_KEEP_MS, run - AUDIT_KEEP_MS);
	if (rc == 0 && young > 0)
		rc = err_set(err, YZ_EDENIED,
		    "%lld of these entries are not 180 days old, by the clock "
		    "and by the time that this station has run",
		    (long long)young);
	if (rc == 0)
		rc = audit_export(db, &text, through, &last, err);
	if (rc == 0) {
		digest_sha256(&hash, text.b, text.len);
		digest_hex(hex, hash.b, sizeof(hash.b));
		if (last != through || strcmp(hex, sha256) != 0)
			rc = err_set(err, YZ_EDENIED,
			    "this is not the SHA-256 of the export up to "
			    "entry %lld",
			    (long long)through);
	}
	buf_free(&text);
	return rc;
}

static int
prune(struct db *db, int64_t through, const struct audit_what *what,
    struct err *err)
{
	struct audit_head none = {.base = {.no = 0}};
	struct audit_place base;
	int rc;

	rc = audit_row_place(
	    &base, db, "SELECT no, hash FROM audit WHERE no = ?", through, err);
	if (rc == 0)
		rc = db_run(
		    db, err, "DELETE FROM audit WHERE no <= ?", "i", through);
	if (rc == 0)
		rc = db_run(db, err, "DELETE FROM audit_base", "");
	if (rc == 0)
		rc = db_run(db, err, "INSERT INTO audit_base VALUES (?,?)",
		    "ib", base.no, base.hash.b, sizeof(base.hash.b));
	return rc != 0 ? rc : insert(db, &none, what, err);
}

int
audit_prune(struct db *db, const struct home *home, const struct roster *keys,
    int64_t through, const char *sha256, int64_t now,
    const struct audit_what *what, struct err *err)
{
	int fd, rc;

	rc = take_lock(&fd, home, err);
	if (rc != 0)
		return rc;
	rc = mark(db, home, keys, err);
	if (rc == 0)
		rc = db_begin(db, err);
	if (rc == 0) {
		rc = check_prune(db, through, sha256, now, err);
		if (rc == 0)
			rc = prune(db, through, what, err);
		if (rc == 0)
			rc = db_commit(db, err);
		if (rc != 0)
			db_rollback(db);
	}
	if (rc == 0)
		rc = write_head(db, home, err);
	close(fd);
	return rc;
}
