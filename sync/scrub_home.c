#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"
#include "base/summed.h"
#include "home.h"
#include "mend.h"
#include "replica_pin.h"
#include "roster.h"
#include "scrub_impl.h"

#define FILE_MAX (4u << 20) /* bytes; the anchor is the largest */
#define NEW_KEYS \
	N_("move it away and run yizhan rotate --recovery FILE, or take it " \
	   "from a backup")

/* Each ends with a checksum (base/summed.h); and what to do once more has
 * gone than a bit (NULL: scrub_home_pins() sees to it). */
static const struct {
	const char *name;
	int what;
	const char *hint;
	bool
	    late; /* an earlier program's gets its checksum when next written */
} files[] = {
    {"keys/sign", FAULT, NEW_KEYS, false},
    {"keys/ssh", FAULT, NEW_KEYS, false},
    {"keys/next", FAULT, NEW_KEYS, false},
    {"keys/root", FAULT, N_("take it from where its copy is kept"), false},
    {"keys/recovery", FAULT, N_("move it away and join again"), false},
    {"pins", FAULT, NULL, false},
    {"audit", FAULT, N_("the next entry of the audit log will say so"), true},
    {"trust", RIGHT, NULL, false}, /* the rosters say it too */
    {"anchor", WANTED, N_("the station goes on after a session"), true},
};

static bool
holds(void *arg, const char *text, size_t n)
{
	(void)arg;
	return summed_holds(text, n);
}

static bool
is_damaged(const char *path)
{
	struct buf text = BUF_INIT;
	struct err ignored;
	int rc = file_read(&text, path, FILE_MAX, &ignored);
	bool damaged = rc != YZ_ENOTFOUND &&
		       (rc != 0 || !summed_holds(buf_str(&text), text.len));

	if (text.b != NULL)
		explicit_bzero(text.b, text.cap);
	buf_free(&text);
	return damaged;
}

/* Turn a bit back: 0, or YZ_ENOTFOUND if more has gone. */
static int
mend(struct scrubbing *s, const char *name, const char *path, struct err *err)
{
	int rc = mend_text(path, holds, NULL, err);

	if (rc == 0)
		scrub_say(s, RIGHT, 1, "%s put right", name);
	return rc;
}

int
scrub_home(struct scrubbing *s, struct err *err)
{
	struct home *home;
	struct err ignored;
	size_t i;
	int rc = 0;

	/* An earlier program's files get their checksums when they are opened,
	 * if they are whole. */
	if (home_open(&home, s->home, &ignored) == 0)
		home_free(home);
	folder_sweep(s->home);
	for (i = 0; rc == 0 && i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = mem_printf("%s/%s", s->home, files[i].name);

		if (is_damaged(path))
			rc = mend(s, files[i].name, path, err);
		if (rc == YZ_ENOTFOUND &&
		    (files[i].hint == NULL ||
			(files[i].late && summed_lacks(path)))) {
			rc = 0; /* who reads it judges it */
		} else if (rc == YZ_ENOTFOUND) {
			rc = 0;
			scrub_say(s, files[i].what, 1, "%s is damaged: %s",
			    files[i].name, files[i].hint);
		}
		free(path);
	}
	return rc;
}

int
scrub_home_pins(struct scrubbing *s, struct err *err)
{
	bool put;
	int rc = replica_pins_mend(s->r, &put, err);

	if (rc == 0 && put)
		scrub_say(s, RIGHT, 1, "%s put right", "pins");
	if (rc != YZ_ENOTFOUND)
		return rc;
	scrub_say(s, FAULT, 1, "%s is damaged: %s", "pins",
	    N_("take it from a backup, or move it away and run yizhan roster "
	       "pin for each root part that was pinned here"));
	return 0;
}

/* --- a name that is lost -----------------------------------------------------
 */

/* The roster by the newest documents that the database has. */
static int
load_roster(struct roster **out, struct db *db, struct err *err)
{
	struct roster_doc *docs = NULL;
	struct db_stmt *st;
	size_t n = 0, i;
	int rc;

	rc = db_query(&st, db, err,
	    "SELECT doc FROM _roster AS a WHERE version = (SELECT max(version)"
	    " FROM _roster AS b WHERE b.scope = a.scope)",
	    "");
	while (rc == 0 && (rc = db_step(st, err)) == 1) {
		size_t len;
		const void *p = db_blob(st, 0, &len);

		docs = mem_realloc(docs, (n + 1) * sizeof(*docs));
		memset(&docs[n], 0, sizeof(*docs));
		rc = roster_doc_unpack(&docs[n], p, len, err);
		n += rc == 0;
	}
	db_done(st);
	if (rc == 0)
		rc = roster_build(out, docs, n, err);
	for (i = 0; i < n; i++)
		roster_doc_free(&docs[i]);
	free(docs);
	return rc;
}

/* The station that the roster gives this key. */
static const struct roster_station *
whose(const struct roster *roster, const uint8_t pub[32])
{
	size_t i;

	for (i = 0; i < roster_count(roster); i++) {
		const struct roster_station *st = roster_at(roster, i);
		const struct roster_key *key = roster_current(st);

		if (key != NULL && memcmp(key->sign, pub, 32) == 0)
			return st;
	}
	return NULL;
}

/* The incarnation that it goes on under; or the one that it wrote under last;
 * or, if it has written nothing, the one that the roster has. */
static void
find_incarnation(
    struct home *out, struct db *db, const struct roster_station *st)
{
	const struct roster_key *key = roster_current(st);
	struct db_stmt *q = NULL;
	struct err ignored;
	const char *inc = NULL;

	if (db_query(&q, db, &ignored,
		"SELECT value FROM (SELECT 1 AS n, 0 AS stamp, value FROM _meta"
		" WHERE name = 'inc' UNION ALL SELECT 2, stamp, inc FROM _chain"
		" WHERE writer = ?) ORDER BY n, stamp DESC LIMIT 1",
		"s", st->code) == 0 &&
	    db_step(q, &ignored) == 1)
		inc = db_text(q, 0);
	if (inc != NULL && strlen(inc) == CHAIN_INC_LEN)
		memcpy(out->inc, inc, CHAIN_INC_LEN);
	else if (key->n_incs > 0)
		memcpy(out->inc, key->incs[key->n_incs - 1], CHAIN_INC_LEN);
	db_done(q);
}

static int
name_by_key(struct home *out, struct db *db, const char *path, struct err *err)
{
	char *file = mem_printf("%s/keys/sign", path);
	const struct roster_station *st = NULL;
	struct roster *roster = NULL;
	int rc = sign_load(&out->sign, file, err);

	if (rc == 0)
		rc = load_roster(&roster, db, err);
	if (rc == 0) {
		st = whose(roster, out->sign.pub);
		rc = st == NULL ? YZ_ENOTFOUND : 0;
	}
	if (rc == 0) {
		memcpy(out->code, st->code, sizeof(out->code));
		find_incarnation(out, db, st);
	}
	explicit_bzero(&out->sign, sizeof(out->sign));
	roster_free(roster);
	free(file);
	return rc == 0 && out->inc[0] != '\0' ? 0 : YZ_ENOTFOUND;
}

int
scrub_home_name(struct scrubbing *s, struct db *db, struct err *err)
{
	char *path = mem_printf("%s/station", s->home);
	struct home home;
	struct err ignored;
	int rc = 0;

	memset(&home, 0, sizeof(home));
	home.path = (char *)s->home;
	if (is_damaged(path))
		rc = mend(s, "station", path, err);
	if (rc == YZ_ENOTFOUND && db != NULL &&
	    name_by_key(&home, db, s->home, &ignored) == 0) {
		rc = home_keep_incarnation(&home, err);
		if (rc == 0)
			scrub_say(s, RIGHT, 1,
			    "station was damaged: written anew, by its key and"
			    " the roster");
	} else if (rc == YZ_ENOTFOUND) {
		rc = err_set(err, YZ_ECORRUPT,
		    "%s is damaged beyond help: take it from a backup", path);
	}
	free(path);
	return rc;
}
