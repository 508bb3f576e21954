/*
 * Goal of this test: the bounds that a replica keeps hold to the byte: how
 * large an attachment may be at each door, how many incarnations go on from
 * each other; and no backup is written that could not be read back.
 */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "backup.h"
#include "base/cipher.h"
#include "base/file.h"
#include "limits.h"
#include "local.h"
#include "world.h"

#include "forge.h"

static struct world w;

/* --- attachments -----------------------------------------------------------
 */

static char *
blob_file(const char *hex)
{
	return mem_printf(
	    "%s/blobs/%.2s/%s", replica_home(w.at[COUNTY])->path, hex, hex);
}

/* Does it lie there?  If so it goes, for the next. */
static bool
clear(const char *hex)
{
	char *path = blob_file(hex);
	bool there = unlink(path) == 0;

	free(path);
	return there;
}

static void
hash_zeros(char hex[DIGEST_HEX_LEN + 1], const void *zeros, size_t n)
{
	struct digest hash;

	digest_sha256(&hash, zeros, n);
	digest_hex(hex, hash.b, sizeof(hash.b));
}

static int
put(int64_t n, struct err *err)
{
	char hex[DIGEST_HEX_LEN + 1];
	void *zeros = mem_calloc(1, (size_t)n);
	int rc;

	hash_zeros(hex, zeros, (size_t)n);
	rc = blob_put(w.at[COUNTY], hex, zeros, (size_t)n, err);
	if (clear(hex) != (rc == 0))
		rc = LIMITS_LEFT;
	free(zeros);
	return rc;
}

/* What came in pieces, and is of so many bytes in the end. */
static int
take(int64_t n, struct err *err)
{
	char hex[DIGEST_HEX_LEN + 1];
	char *partial = mem_printf("%s/partial", w.dir);
	void *zeros = mem_calloc(1, (size_t)n);
	int rc;

	hash_zeros(hex, zeros, (size_t)n);
	must(file_write(partial, zeros, (size_t)n, 0600, err), err, "partial");
	rc = blob_take(w.at[COUNTY], partial, hex, err);
	if (clear(hex) != (rc == 0))
		rc = LIMITS_LEFT;
	(void)unlink(partial);
	free(partial);
	free(zeros);
	return rc;
}

/* Somebody put it there; it does hash to its name. */
static char *
place(int64_t n)
{
	char hex[DIGEST_HEX_LEN + 1], *path;
	void *zeros = mem_calloc(1, (size_t)n);
	struct err err;

	hash_zeros(hex, zeros, 1);
	must(blob_put(w.at[COUNTY], hex, zeros, 1, &err), &err, "folder");
	clear(hex);
	hash_zeros(hex, zeros, (size_t)n);
	path =
	    mem_printf("%s/blobs/%.2s", replica_home(w.at[COUNTY])->path, hex);
	must(file_mkdir(path, 0700, &err), &err, path);
	free(path);
	path = blob_file(hex);
	must(file_write(path, zeros, (size_t)n, 0600, &err), &err, path);
	free(path);
	free(zeros);
	return mem_strdup(hex);
}

static int
get(int64_t n, struct err *err)
{
	char *hex = place(n);
	struct buf out = BUF_INIT;
	int rc = blob_get(w.at[COUNTY], &out, hex, err);

	if (rc == 0 && out.len != (size_t)n)
		rc = LIMITS_LEFT;
	clear(hex);
	buf_free(&out);
	free(hex);
	return rc;
}

static int
give_out(int64_t n, struct err *err)
{
	char *hex = place(n);
	int64_t size = 0;
	int fd = -1, rc = blob_open(w.at[COUNTY], &fd, &size, hex, err);

	if (rc == 0 && size != n)
		rc = LIMITS_LEFT;
	if (rc == 0)
		close(fd);
	clear(hex);
	free(hex);
	return rc;
}

/* --- backups ---------------------------------------------------------------
 */

static const struct cipher_key pass = {.passphrase = "pass", .cost = 10};

static int
write_backup(struct err *err)
{
	char *path = mem_printf("%s/backup", w.dir);
	struct local *local;
	struct backup_info info;
	int rc, fd;

	must(local_open(&local, replica_home(w.at[COUNTY])->path, err), err,
	    "local");
	rc = backup_write(
	    w.at[COUNTY], local, path, &pass, false, NULL, NULL, err);
	local_close(local);
	if (rc != 0 && file_exists(path))
		rc = LIMITS_LEFT;
	fd = rc == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (rc == 0 && backup_check(&info, fd, &pass, err) != 0)
		rc = LIMITS_LEFT;
	if (fd >= 0)
		close(fd);
	(void)unlink(path);
	free(path);
	return rc;
}

static int
backup_blob(int64_t n, struct err *err)
{
	char *hex = place(n);
	int rc = write_backup(err);

	clear(hex);
	free(hex);
	return rc;
}

/* A pack of so many bytes, none of which is on the disk. */
static void
backup_bytes(void)
{
	char *path =
	    mem_printf("%s/ledger/roster.git/objects/pack/"
		       "pack-fa6fdac72d78a9403326fdaa4b7805dea18d9b56.pack",
		replica_home(w.at[COUNTY])->path);
	struct err err = {0};
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), rc;

	if (fd < 0 || ftruncate(fd, LIMIT_BACKUP) != 0)
		must(-1, &(struct err){.msg = "ftruncate"}, path);
	close(fd);
	rc = write_backup(&err);
	ok(rc < 0 && strstr(err.msg, "over 274877906944 bytes") != NULL,
	    "no backup is written of more than LIMIT_BACKUP: %s", err.msg);
	(void)unlink(path);
	free(path);
	is_int(write_backup(&err), 0, "without that there is one");
}

/* --- incarnations ----------------------------------------------------------
 */

static struct changeset last; /* of the newest incarnation, as it was signed */
static int64_t given;

static void
give(const struct changeset *cs)
{
	enum receive_result result;
	struct buf bytes = BUF_INIT;
	struct changeset got = CHANGESET_INIT;
	struct buf_reader in;
	struct err err;

	changeset_pack(&bytes, cs, NULL);
	got.chain = cs->chain;
	got.seq = cs->seq;
	buf_reader_init(&in, bytes.b, bytes.len);
	must(changeset_unpack(&got, &in, NULL, &err), &err, "unpack");
	must(replica_begin(w.at[CITY], &err), &err, "begin");
	must(receive_changeset(w.at[CITY], &got, &result, &err), &err,
	    "receive");
	must(replica_commit(w.at[CITY], &err), &err, "commit");
	changeset_free(&got);
	buf_free(&bytes);
}

/* The county's first changeset under one more incarnation, which goes on from
 * the one before; the first of all is the one that the roster lists. */
static void
incarnate(void)
{
	const struct home *home = replica_home(w.at[COUNTY]);
	char name[CHAIN_NAME_MAX], op[200];
	struct changeset cs;
	struct pen pen;

	if (given == 0)
		snprintf(name, sizeof(name), "520302-%s/resource", home->inc);
	else
		snprintf(name, sizeof(name), "520302-%08x/resource",
		    (unsigned)given);
	snprintf(op, sizeof(op),
	    "{\"id\":\"520302-%032x\",\"kind\":\"team\",\"set\":{\"a\":1}}\n",
	    (unsigned)given);
	pen_new(&pen, name, &home->sign);
	pen_draft(&cs, &pen, op, strlen(op));
	if (given > 0) {
		cs.continues = true;
		cs.continued.chain = last.chain;
		cs.continued.seq = last.seq;
		memcpy(cs.continued.id, last.id.b, sizeof(cs.continued.id));
	}
	pen_sign(&cs, &pen.key);
	give(&cs);
	changeset_free(&last);
	last = cs;
	given++;
}

/* The n-th that goes on from a listed one: it counts, or what it says is in
 * quarantine, under its reason. */
static int
incarnations(int64_t n, struct err *err)
{
	struct db_stmt *st;
	int rc;

	while (given <= n)
		incarnate();
	must(db_query(&st, replica_db(w.at[CITY]), err,
		 "SELECT reason FROM _quarantine", ""),
	    err, "quarantine");
	rc = db_step(st, err);
	if (rc == 1)
		rc = err_set(err, YZ_EDENIED, "%s", db_text(st, 0));
	db_done(st);
	if (world_count(&w, CITY, "SELECT count(*) FROM _quarantine") !=
		(n > LIMIT_INCS) ||
	    world_count(&w, CITY, "SELECT count(*) FROM _touch") != n + 1)
		rc = LIMITS_LEFT;
	return rc;
}

int
main(void)
{
	static const struct limits_row rows[] = {
	    {LIMIT(LIMIT_BLOB), "bytes of an attachment to store",
		"is over 16777216", put},
	    {LIMIT(LIMIT_BLOB), "bytes of one that came", "over 16777216 bytes",
		take},
	    {LIMIT(LIMIT_BLOB), "bytes of one that is read",
		"over 16777216 bytes", get},
	    {LIMIT(LIMIT_BLOB), "bytes of one that is given out",
		"over 16777216 bytes", give_out},
	    {LIMIT(LIMIT_BLOB), "bytes of one in a backup", "is over 16777216",
		backup_blob},
	    {LIMIT(LIMIT_INCS), "incarnations that go on from each other",
		"goes on from none that counts here", incarnations},
	};

	world_open(&w);
	limits_run(rows, sizeof(rows) / sizeof(*rows));
	backup_bytes();
	changeset_free(&last);
	world_close(&w);
	return tap_done();
}
