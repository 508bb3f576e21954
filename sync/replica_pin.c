#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "local.h"
#include "pins.h"
#include "replica_impl.h"
#include "replica_pin.h"
#include "roster.h"

#define SETTING "unpinned" /* of local.db: VERSION HASH CODE */

/* --- what is pinned --------------------------------------------------------
 */

/* The replica's own copy: false if it has none.  It changes in one transaction
 * with all that is judged by it, and goes on when the file is lost. */
static bool
own_copy(struct pins *out, struct replica *r)
{
	struct err ignored;
	struct db_stmt *st;
	bool there = false;

	if (db_query(&st, r->db, &ignored,
		"SELECT value FROM _meta WHERE name = 'pins'", "") != 0)
		return false;
	if (db_step(st, &ignored) == 1 && db_text(st, 0) != NULL)
		there = pins_read_text(out, db_text(st, 0));
	db_done(st);
	return there;
}

static int
known(struct pins *out, struct replica *r, struct err *err)
{
	return own_copy(out, r) ? 0 : pins_read(out, r->home, err);
}

void
replica_pins(struct pins *out, struct replica *r)
{
	struct err ignored;

	(void)known(out, r, &ignored);
}

static int
put_copy(struct replica *r, const struct pins *pins, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	pins_write_text(&text, pins);
	rc = db_run(r->db, err,
	    "INSERT OR REPLACE INTO _meta(name, value) VALUES ('pins', ?)", "s",
	    buf_str(&text));
	buf_free(&text);
	return rc;
}

int
replica_pins_keep(struct replica *r, struct err *err)
{
	struct err ignored;
	struct pins pins;

	if (own_copy(&pins, r) || pins_read(&pins, r->home, &ignored) != 0 ||
	    pins.n == 0)
		return 0;
	return put_copy(r, &pins, err);
}

int
replica_pins_mend(struct replica *r, bool *put, struct err *err)
{
	struct pins pins, written;
	int rc;

	*put = false;
	if (!own_copy(&pins, r)) {
		rc = pins_read(&written, r->home, err);
		return rc == 0 ? 0 : YZ_ENOTFOUND;
	}
	if (pins_read(&written, r->home, err) == 0 && written.n == pins.n &&
	    memcmp(written.v, pins.v, pins.n * sizeof(*pins.v)) == 0)
		return 0;
	rc = pins_write(&pins, r->home, err);
	*put = rc == 0;
	return rc;
}

/* The number of the root part with that fingerprint; 0: it is not held. */
static int
find(int64_t *no, struct replica *r, const char *fingerprint, struct err *err)
{
	struct pins one = {.n = 1};
	struct db_stmt *st;
	int rc;

	*no = 0;
	memcpy(one.v[0], fingerprint, sizeof(one.v[0]));
	rc = db_query(&st, r->db, err,
	    "SELECT no, hash FROM _roster WHERE scope = 'root'", "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		struct digest hash;
		size_t n;
		const void *p = db_blob(st, 1, &n);

		if (n != sizeof(hash.b))
			continue;
		memcpy(hash.b, p, n);
		if (pins_place(&one, &hash) != 0)
			*no = db_int(st, 0);
	}
	db_done(st);
	return rc;
}

/* The pins with that one as the newest, or without it. */
static int
change(struct replica *r, const char *fingerprint, bool add, struct err *err)
{
	struct pins pins;
	int rc;

	rc = known(&pins, r, err);
	if (rc == 0 && add)
		rc = pins_add(&pins, fingerprint, err);
	else if (rc == 0 && !pins_remove(&pins, fingerprint))
		rc =
		    err_set(err, YZ_ENOTFOUND, "%s is not pinned", fingerprint);
	/* First where it outlives the replica. */
	if (rc == 0)
		rc = pins_write(&pins, r->home, err);
	return rc == 0 ? put_copy(r, &pins, err) : rc;
}

int
replica_pin(
    struct replica *r, const char *fingerprint, bool *held, struct err *err)
{
	int64_t no = 0;
	int rc;

	rc = replica_roster_begin(r, err); /* and two do not pin at once */
	if (rc != 0)
		return rc;
	rc = change(r, fingerprint, true, err);
	if (rc == 0)
		rc = find(&no, r, fingerprint, err);
	/* As if it came now: whoever has the station open sees it so. */
	if (rc == 0 && no != 0)
		rc = db_run(r->db, err,
		    "UPDATE _roster SET no = 1 + (SELECT max(no) FROM _roster)"
		    " WHERE no = ?",
		    "i", no);
	if (rc == 0 && no != 0)
		rc = replica_roster_replace(r, err);
	rc = replica_roster_end(r, rc, err);
	*held = rc == 0 && no != 0;
	return rc;
}

int
replica_unpin(struct replica *r, const char *fingerprint, struct err *err)
{
	int64_t no;
	int rc;

	rc = replica_begin(r, err);
	if (rc != 0)
		return rc;
	rc = find(&no, r, fingerprint, err);
	if (rc == 0 && no != 0)
		rc = err_set(err, YZ_EDENIED,
		    "the root part %s is held here and stays: nothing goes back",
		    fingerprint);
	if (rc == 0)
		rc = change(r, fingerprint, false, err);
	if (rc == 0)
		return replica_commit(r, err);
	replica_rollback(r);
	return rc;
}

/* --- what waits ------------------------------------------------------------
 */

int
replica_unpinned_note(struct replica *r, struct local *local,
    const struct roster_doc *doc, const struct roster_doc *before,
    const char *from, struct err *err)
{
	char hex[DIGEST_HEX_LEN + 1], *value;
	int rc;

	if (!replica_roster_unpinned(r, doc, before))
		return 0;
	digest_hex(hex, doc->hash.b, sizeof(doc->hash.b));
	value = mem_printf("%lld %s %s", (long long)doc->version, hex, from);
	rc = local_set(local, SETTING, value, err);
	free(value);
	return rc;
}

int
replica_unpinned_forget(struct local *local, struct err *err)
{
	return local_set(local, SETTING, "", err);
}

int
replica_unpinned_get(struct replica_unpinned *out, struct replica *r,
    struct local *local, struct err *err)
{
	char hex[DIGEST_HEX_LEN + 1] = "";
	struct buf value = BUF_INIT;
	struct digest hash;
	long long version = 0;
	int64_t no;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = local_get(local, &value, SETTING, err);
	if (rc == 0 &&
	    (sscanf(buf_str(&value), "%lld %64s %6s", &version, hex,
		 out->from) != 3 ||
		!digest_unhex(hash.b, sizeof(hash.b), hex, strlen(hex))))
		rc = err_set(err, YZ_ENOTFOUND, "no root part waits");
	buf_free(&value);
	if (rc != 0)
		return rc;
	out->version = version;
	pins_fingerprint(out->fingerprint, &hash);
	rc = find(&no, r, out->fingerprint, err);
	if (rc == 0 && no != 0)
		rc = err_set(err, YZ_ENOTFOUND, "no root part waits");
	return rc;
}
