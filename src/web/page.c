/* The pages' files: what the browser loads before it asks the API. */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/archive.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "desk.h"

#define FILE_MAX (4u << 20)
#define PAGES_MAX 256 /* files that are kept at one time */
#define NAME_CHARS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/"

static const char *
type_of(const char *path)
{
	static const char *const types[][2] = {
	    {".html", "text/html; charset=utf-8"},
	    {".js", "text/javascript; charset=utf-8"},
	    {".mjs", "text/javascript; charset=utf-8"},
	    {".css", "text/css; charset=utf-8"},
	    {".json", "application/json; charset=utf-8"},
	    {".svg", "image/svg+xml"}, {".png", "image/png"},
	    {".woff2", "font/woff2"}};
	const char *dot = strrchr(path, '.');
	size_t i;

	for (i = 0; dot != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	return NULL;
}

/* Where the files lie: folders with ":" between them. */
static const char *
folders(void)
{
	const char *s = getenv("YIZHAN_UI");

	return s != NULL && *s != '\0' ? s : DATADIR "/ui";
}

/* --- what was read stays, in both forms -------------------------------------
 */

struct page {
	struct page *next;
	char *path;
	struct timespec mtime;
	off_t size;
	struct buf plain, packed; /* packed is empty where it saves nothing */
	char etag[33];
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct page *pages; /* that asked for last in front */

static bool
is_fresh(const struct page *page, const struct stat *st)
{
	return page->size == st->st_size &&
	       page->mtime.tv_sec == st->st_mtim.tv_sec &&
	       page->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

static int
load(struct page *page, const struct stat *st, struct err *err)
{
	struct digest hash;
	int rc;

	buf_clear(&page->plain);
	buf_clear(&page->packed);
	page->size = -1;
	rc = file_read(&page->plain, page->path, FILE_MAX, err);
	if (rc == 0)
		rc = archive_gzip(
		    &page->packed, page->plain.b, page->plain.len, err);
	if (rc != 0)
		return rc;
	if (page->packed.len >= page->plain.len)
		buf_clear(&page->packed);
	digest_sha256(&hash, page->plain.b, page->plain.len);
	digest_hex(page->etag, hash.b, 16);
	page->size = st->st_size;
	page->mtime = st->st_mtim;
	return 0;
}

static void
page_free(struct page *page)
{
	buf_free(&page->plain);
	buf_free(&page->packed);
	free(page->path);
	free(page);
}

/* Taken out of the list; NULL: it is not there. */
static struct page *
take_page(const char *path)
{
	struct page **at, *page;

	for (at = &pages; (page = *at) != NULL; at = &page->next)
		if (strcmp(page->path, path) == 0) {
			*at = page->next;
			return page;
		}
	return NULL;
}

static void
forget_oldest(void)
{
	struct page **at = &pages, *page;
	int n;

	for (n = 0; n < PAGES_MAX && *at != NULL; n++)
		at = &(*at)->next;
	while ((page = *at) != NULL) {
		*at = page->next;
		page_free(page);
	}
}

/* Of a file that is there: what is kept is bounded by what exists, and where
 * somebody has put very much there, by PAGES_MAX. */
static struct page *
find_page(const char *path)
{
	struct page *page = take_page(path);

	if (page == NULL) {
		page = mem_calloc(1, sizeof(*page));
		page->path = mem_strdup(path);
		page->size = -1;
	}
	page->next = pages;
	pages = page;
	forget_oldest();
	return page;
}

/* The folders' first file of that name. */
static bool
find_file(char path[4096], struct stat *st, const char *name)
{
	const char *dir = folders();
	size_t n;

	for (; *dir != '\0'; dir += n) {
		n = strcspn(dir, ":");
		snprintf(path, 4096, "%.*s%s", (int)n, dir, name);
		if (stat(path, st) == 0 && S_ISREG(st->st_mode))
			return true;
		if (dir[n] == ':')
			n++;
	}
	return false;
}

static bool
takes_gzip(const struct http_request *q)
{
	const char *s = http_header(q, "Accept-Encoding");

	return s != NULL && strstr(s, "gzip") != NULL &&
	       strstr(s, "gzip;q=0") == NULL;
}

/* Under the lock: nothing of the page is used after it. */
static void
put_page(struct call *c, const struct page *page)
{
	bool packed = takes_gzip(c->q) && page->packed.len > 0;
	const struct buf *body = packed ? &page->packed : &page->plain;
	const char *had = http_header(c->q, "If-None-Match");

	http_reply_header(
	    c->p, "ETag", "\"%s%s\"", page->etag, packed ? "-gz" : "");
	http_reply_header(c->p, "Cache-Control", "no-cache");
	http_reply_header(c->p, "Vary", "Accept-Encoding");
	if (had != NULL && strstr(had, page->etag) != NULL) {
		c->p->status = 304;
		return;
	}
	if (packed)
		http_reply_header(c->p, "Content-Encoding", "gzip");
	buf_put(&c->p->body, body->b, body->len);
}

static int
read_page(struct call *c, const char *name, struct err *err)
{
	struct page *page;
	char path[4096];
	struct stat st;
	int rc = 0;

	if (!find_file(path, &st, name))
		return err_set(err, YZ_ENOTFOUND, "there is no such page");
	pthread_mutex_lock(&lock);
	page = find_page(path);
	if (!is_fresh(page, &st))
		rc = load(page, &st, err);
	if (rc == 0)
		put_page(c, page);
	pthread_mutex_unlock(&lock);
	return rc;
}

/*
 * Names are letters, digits and "._-/", no piece is empty or begins with a
 * dot, so that a file has one name and is kept once; a name without a type is
 * an address within the console, whose page is the one and only.
 */
DESK_HANDLER(page_get)
{
	const char *name = c->q->path, *type;

	if (strcmp(c->q->method, "GET") != 0 &&
	    strcmp(c->q->method, "HEAD") != 0) {
		c->p->status = 405;
		return err_set(err, YZ_EINVAL, "pages are only read");
	}
	type = type_of(name);
	if (type == NULL) {
		name = "/index.html";
		type = type_of(name);
	}
	if (name[strspn(name, NAME_CHARS)] != '\0' ||
	    strstr(name, "/.") != NULL || strstr(name, "//") != NULL)
		return err_set(err, YZ_ENOTFOUND, "there is no such page");
	c->p->type = type;
	return read_page(c, name, err);
}
