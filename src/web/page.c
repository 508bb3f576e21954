/* The pages' files: what the browser loads before it asks the API. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "desk.h"

#define FILE_MAX (4u << 20)
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

static int
read_page(struct buf *out, const char *name, struct err *err)
{
	const char *dir = folders();
	char path[4096];
	size_t n;
	int rc = YZ_ENOTFOUND;

	for (; rc == YZ_ENOTFOUND && *dir != '\0'; dir += n) {
		n = strcspn(dir, ":");
		snprintf(path, sizeof(path), "%.*s%s", (int)n, dir, name);
		rc = file_read(out, path, FILE_MAX, err);
		if (dir[n] == ':')
			n++;
	}
	return rc;
}

/*
 * Names are letters, digits and "._-/", no piece begins with a dot; a name
 * without a type is an address within the console, whose page is the one
 * and only.
 */
DESK_HANDLER(page_get)
{
	const char *name = c->q->path, *type, *had;
	struct digest hash;
	char etag[DIGEST_HEX_LEN + 1];
	int rc;

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
	    strstr(name, "/.") != NULL)
		return err_set(err, YZ_ENOTFOUND, "there is no such page");
	c->p->type = type;
	rc = read_page(&c->p->body, name, err);
	if (rc == YZ_ENOTFOUND)
		return err_set(err, YZ_ENOTFOUND, "there is no such page");
	if (rc != 0)
		return rc;
	digest_sha256(&hash, c->p->body.b, c->p->body.len);
	digest_hex(etag, hash.b, 16);
	http_reply_header(c->p, "ETag", "\"%s\"", etag);
	http_reply_header(c->p, "Cache-Control", "no-cache");
	had = http_header(c->q, "If-None-Match");
	if (had != NULL && strstr(had, etag) != NULL) {
		c->p->status = 304;
		buf_clear(&c->p->body);
	}
	return 0;
}
