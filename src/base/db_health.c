#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/db_impl.h"
#include "base/db_page.h"
#include "base/err.h"
#include "base/mem.h"

#define PAGES_AT 28 /* in a database's head: how many it has */

static struct sqlite3_file *
file_of(sqlite3 *h, int64_t *pages)
{
	struct sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;

	if (sqlite3_file_control(h, "main", SQLITE_FCNTL_FILE_POINTER, &file) !=
		SQLITE_OK ||
	    file == NULL || file->pMethods == NULL ||
	    file->pMethods->xFileSize(file, &size) != SQLITE_OK)
		return NULL;
	*pages = size / DB_PAGE;
	return file;
}

/* Nobody commits, and nobody is copying pages into the file. */
static int
stand_still(struct db *db, struct db *other, struct err *err)
{
	int rc = db_begin(other, err), log, done, tries;

	if (rc != 0)
		return rc;
	for (tries = 0; tries < 200; tries++) {
		rc = sqlite3_wal_checkpoint_v2(
		    db->h, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &done);
		if (rc != SQLITE_BUSY && rc != SQLITE_LOCKED)
			break;
		sqlite3_sleep(50);
	}
	return rc == SQLITE_OK ? 0 : db_failed(db, err);
}

static int
mend_pages(struct db *db, struct db_health *out, struct err *err)
{
	struct sqlite3_file *file;
	uint8_t page[DB_PAGE];
	int64_t i, n;
	bool plain;

	file = file_of(db->h, &n);
	if (file == NULL)
		return err_set(err, YZ_EIO, "database: no file");
	out->damaged = 0;
	for (i = 1; i <= n; i++) {
		if (!db_page_get(file, page, (uint32_t)i))
			return err_set(err, YZ_EIO,
			    "database: page %lld cannot be read", (long long)i);
		plain = db_page_is_plain(page, (uint32_t)i);
		if (!plain && db_page_holds(page, (uint32_t)i))
			continue;
		if (!plain && !db_page_mend(page, (uint32_t)i))
			out->damaged++;
		else if (db_page_put(file, page, (uint32_t)i))
			*(plain ? &out->sealed : &out->mended) += 1;
		else
			return err_set(err, YZ_EIO,
			    "database: page %lld cannot be written",
			    (long long)i);
	}
	if (out->mended + out->sealed > 0 &&
	    file->pMethods->xSync(file, SQLITE_SYNC_FULL) != SQLITE_OK)
		return err_set(err, YZ_EIO, "database: sync failed");
	return 0;
}

int
db_scrub(struct db *db, struct db_health *out, struct err *err)
{
	struct sqlite3_file *file = file_of(db->h, &out->pages);
	struct db *other = NULL;
	uint8_t page[DB_PAGE];
	int64_t i, plain = 0;
	int rc = 0;

	out->mended = out->damaged = out->sealed = 0;
	if (file == NULL)
		return err_set(err, YZ_EIO, "database: no file");
	for (i = 1; i <= out->pages; i++) {
		bool there = db_page_get(file, page, (uint32_t)i);

		out->damaged += !there || !db_page_holds(page, (uint32_t)i);
		plain += there && db_page_is_plain(page, (uint32_t)i);
	}
	if (out->damaged + plain == 0)
		return 0;
	/* A page may just have been written: again, with nobody about. */
	db_page_lenient(true);
	rc = db_open(&other, sqlite3_db_filename(db->h, "main"), 0, err);
	if (rc == 0)
		rc = stand_still(db, other, err);
	if (rc == 0)
		rc = mend_pages(db, out, err);
	if (other != NULL)
		db_rollback(other);
	db_close(other);
	db_page_lenient(false);
	return rc;
}

/* --- all of it anew ---------------------------------------------------------
 */

int
db_gate_open(const char *path, struct err *err)
{
	char *name = mem_printf("%s-gate", path);
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		fd = err_sys(err, "%s", name);
	free(name);
	return fd;
}

int
db_gate_pass(int fd, int how, struct err *err)
{
	while (flock(fd, how) != 0)
		if (errno != EINTR)
			return err_sys(err, "lock");
	return 0;
}

int
db_gate(int *fd, const char *path, struct err *err)
{
	int rc;

	*fd = db_gate_open(path, err);
	if (*fd < 0)
		return *fd;
	rc = db_gate_pass(*fd, LOCK_EX, err);
	if (rc != 0)
		close(*fd);
	return rc;
}

/* A file whose first page is none is no database to SQLite, which then will
 * not write over it either: so that page first, with the number of pages that
 * are there. */
static int
put_head(sqlite3 *to, struct db *fresh, struct err *err)
{
	struct sqlite3_file *from_file, *to_file;
	uint8_t page[DB_PAGE], old[DB_PAGE];
	int64_t n;
	int i;

	(void)sqlite3_wal_checkpoint_v2(
	    fresh->h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	from_file = file_of(fresh->h, &n);
	to_file = file_of(to, &n);
	if (from_file == NULL || to_file == NULL ||
	    !db_page_get(from_file, page, 1))
		return err_set(err, YZ_EIO, "database: no file");
	if (n == 0 || (db_page_get(to_file, old, 1) && db_page_holds(old, 1)))
		return 0;
	for (i = 0; i < 4; i++)
		page[PAGES_AT + i] = (uint8_t)(n >> (24 - 8 * i));
	return db_page_put(to_file, page, 1)
		   ? 0
		   : err_set(err, YZ_EIO, "database: cannot be written");
}

int
db_replace(const char *path, struct db *fresh, struct err *err)
{
	sqlite3 *to = NULL;
	int rc = db_make_file(path, true, err);

	if (rc != 0)
		return rc;
	db_page_lenient(true);
	if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK)
		rc = err_set(err, YZ_EIO, "database: %s",
		    to == NULL ? N_("no memory") : sqlite3_errmsg(to));
	if (rc == 0) {
		sqlite3_busy_timeout(to, DB_BUSY_MS);
		rc = put_head(to, fresh, err);
	}
	if (rc == 0)
		rc = db_copy_pages(to, fresh, err);
	if (rc == 0 && sqlite3_wal_checkpoint_v2(to, NULL,
			   SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) != SQLITE_OK)
		rc = 0; /* later, then */
	sqlite3_close(to);
	db_page_lenient(false);
	return rc == 0 ? 0 : err_within(err, "%s", path);
}
