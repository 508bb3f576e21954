#include "config.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include <sqlite3.h>

#include "base/db_page.h"
#include "base/err.h"

#define SUMMED (DB_PAGE - DB_PAGE_SUM)
#define SECTOR 512
#define FILE_HEAD 100  /* bytes of the first page before its own head */
#define RESERVED_AT 20 /* in a database's head: bytes left free in a page */

/* --- the checksum -----------------------------------------------------------
 */

static uint64_t
get_word(const uint8_t *p)
{
	uint64_t w = 0;
	int i;

	for (i = 7; i >= 0; i--)
		w = w << 8 | p[i];
	return w;
}

static uint64_t
step(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

static uint64_t
sum(const uint8_t *page, uint32_t number)
{
	uint64_t h = number;
	size_t at;

	for (at = 0; at < SUMMED; at += 8)
		h = step(h, get_word(page + at));
	return h;
}

void
db_page_seal(uint8_t page[DB_PAGE], uint32_t number)
{
	uint64_t h = sum(page, number);
	int i;

	for (i = 0; i < 8; i++)
		page[SUMMED + i] = (uint8_t)(h >> 8 * i);
}

static bool
is_blank(const uint8_t page[DB_PAGE])
{
	return page[0] == 0 && memcmp(page, page + 1, DB_PAGE - 1) == 0;
}

static unsigned
get_pair(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Does a cell of this page of a tree begin in its last sector?  (SQLite's
 * file format, "B-tree Pages".) */
static bool
cell_at_end(const uint8_t page[DB_PAGE], uint32_t number)
{
	const uint8_t *head = page + (number == 1 ? FILE_HEAD : 0), *cell;
	unsigned cells = get_pair(head + 3), at;

	if (head[0] == 0x0a || head[0] == 0x0d) /* leaves */
		cell = head + 8;
	else if (head[0] == 0x02 || head[0] == 0x05)
		cell = head + 12;
	else
		return false; /* no page of a tree */
	for (; cells > 0 && cell < page + SUMMED; cells--, cell += 2) {
		at = get_pair(cell);
		if (at >= DB_PAGE - SECTOR && at < SUMMED)
			return true;
	}
	return false;
}

/*
 * The pages that SQLite works on have zeros for a sum, and so have those in
 * the log.  Another program that looks at the database when nobody else has
 * it open copies the log into the file as it goes, without our sums.  Such a
 * page is taken as it is; but not if its whole end is zero although a cell,
 * whose first four bytes never are, begins there: so looks a sector that was
 * lost.
 */
bool
db_page_is_plain(const uint8_t page[DB_PAGE], uint32_t number)
{
	size_t i;

	if (get_word(page + SUMMED) != 0 || is_blank(page))
		return false;
	for (i = DB_PAGE - SECTOR; i < SUMMED; i++)
		if (page[i] != 0)
			return true;
	return !cell_at_end(page, number);
}

bool
db_page_holds(const uint8_t page[DB_PAGE], uint32_t number)
{
	return sum(page, number) == get_word(page + SUMMED) ||
	       db_page_is_plain(page, number) || is_blank(page);
}

/* What h was before a step that ended in after, but for the word. */
static uint64_t
step_back(uint64_t after)
{
	return (after ^ after >> 32) * 0xf1de83e19937733du;
}

static bool
is_one_bit(uint64_t w)
{
	return w != 0 && (w & (w - 1)) == 0;
}

bool
db_page_mend(uint8_t page[DB_PAGE], uint32_t number)
{
	uint64_t want[SUMMED / 8 + 1], h = number, turned;
	size_t i, n = SUMMED / 8;
	int b;

	/* What h must be before each word, were all from it on as they
	 * were. */
	want[n] = get_word(page + SUMMED);
	for (i = n; i > 0; i--)
		want[i - 1] = step_back(want[i]) ^ get_word(page + 8 * (i - 1));
	for (i = 0; i < n; i++) {
		turned = h ^ want[i];
		if (is_one_bit(turned)) {
			for (b = 0; b < 8; b++)
				page[8 * i + (size_t)b] ^=
				    (uint8_t)(turned >> 8 * b);
			return true;
		}
		h = step(h, get_word(page + 8 * i));
	}
	/* Or in the sum itself. */
	if (!is_one_bit(h ^ want[n]))
		return false;
	db_page_seal(page, number);
	return true;
}

/* --- below SQLite -----------------------------------------------------------
 */

/*
 * Files of databases get the system's methods but for two.  The struct that
 * the system's own methods work on begins with the pointer to the methods,
 * which they never look at.
 */
static const sqlite3_io_methods *real; /* the system's */
static sqlite3_io_methods mine;
static sqlite3_vfs *base, vfs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local bool is_lenient;

void
db_page_lenient(bool lenient)
{
	is_lenient = lenient;
}

static int
check(uint8_t page[DB_PAGE], sqlite3_int64 offset)
{
	uint32_t number = (uint32_t)(offset / DB_PAGE) + 1;

	if (db_page_holds(page, number) || db_page_mend(page, number) ||
	    is_lenient)
		return SQLITE_OK;
	return SQLITE_IOERR_DATA;
}

/*
 * Parts of a page are only read ahead of the whole, of the first one when a
 * database is opened.  The power may have gone while that was copied out of
 * the log, which still has it: so one that does not hold fails later, if it
 * is this one that is wanted.
 */
static int
page_read(sqlite3_file *file, void *out, int n, sqlite3_int64 offset)
{
	sqlite3_int64 start = offset - offset % DB_PAGE;
	uint8_t page[DB_PAGE];
	int rc;

	if (n == (int)DB_PAGE && start == offset) {
		rc = real->xRead(file, out, n, offset);
		if (rc == SQLITE_OK)
			rc = check(out, offset);
		if (rc == SQLITE_OK) /* see db_page_is_plain() */
			memset((uint8_t *)out + SUMMED, 0, DB_PAGE_SUM);
		return rc;
	}
	if (n < 0 || offset + n > start + (sqlite3_int64)DB_PAGE)
		return real->xRead(file, out, n, offset);
	rc = real->xRead(file, page, DB_PAGE, start);
	if (rc != SQLITE_OK) /* no whole page is there */
		return real->xRead(file, out, n, offset);
	(void)check(page, start);
	memcpy(out, page + (offset - start), (size_t)n);
	return SQLITE_OK;
}

static int
page_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 offset)
{
	uint8_t page[DB_PAGE];

	if (n != (int)DB_PAGE || offset % DB_PAGE != 0)
		return real->xWrite(file, data, n, offset);
	memcpy(page, data, DB_PAGE);
	db_page_seal(page, (uint32_t)(offset / DB_PAGE) + 1);
	return real->xWrite(file, page, n, offset);
}

/*
 * Is it a database whose pages have room for a sum?  Asked through SQLite's
 * own file: to open and close it besides would give up the process's locks.
 */
static int
check_head(sqlite3_file *file)
{
	uint8_t page[DB_PAGE];
	sqlite3_int64 size;
	int rc;

	rc = real->xFileSize(file, &size);
	if (rc != SQLITE_OK || size == 0 || is_lenient)
		return rc;
	rc = real->xRead(file, page, DB_PAGE, 0);
	if (rc == SQLITE_IOERR_SHORT_READ)
		return SQLITE_NOTADB; /* less than a page */
	if (rc != SQLITE_OK)
		return rc;
	(void)check(page, 0); /* as in page_read() */
	return page[RESERVED_AT] == DB_PAGE_SUM ? SQLITE_OK : SQLITE_NOTADB;
}

static int
page_open(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags,
    int *out_flags)
{
	int rc = base->xOpen(base, name, file, flags, out_flags);

	(void)self;
	if (rc != SQLITE_OK || (flags & SQLITE_OPEN_MAIN_DB) == 0)
		return rc;
	pthread_mutex_lock(&lock);
	if (real == NULL) {
		real = file->pMethods;
		mine = *real;
		mine.xRead = page_read;
		mine.xWrite = page_write;
	}
	if (file->pMethods != real)
		rc = SQLITE_CANTOPEN;
	pthread_mutex_unlock(&lock);
	if (rc == SQLITE_OK)
		rc = check_head(file);
	if (rc != SQLITE_OK)
		file->pMethods->xClose(file);
	file->pMethods = rc == SQLITE_OK ? &mine : NULL;
	return rc;
}

static void
do_register(void)
{
	base = sqlite3_vfs_find(NULL);
	if (base == NULL)
		return;
	vfs = *base;
	vfs.pNext = NULL;
	vfs.zName = "yizhan";
	vfs.xOpen = page_open;
	if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
		base = NULL;
}

int
db_page_register(struct err *err)
{
	pthread_once(&once, do_register);
	return base != NULL ? 0
			    : err_set(err, YZ_EIO, "SQLite takes no checksums");
}

bool
db_page_get(struct sqlite3_file *file, uint8_t page[DB_PAGE], uint32_t number)
{
	return real->xRead(file, page, DB_PAGE,
		   (sqlite3_int64)(number - 1) * DB_PAGE) == SQLITE_OK;
}

bool
db_page_put(
    struct sqlite3_file *file, const uint8_t page[DB_PAGE], uint32_t number)
{
	return page_write(file, page, DB_PAGE,
		   (sqlite3_int64)(number - 1) * DB_PAGE) == SQLITE_OK;
}
