/* Attachments. */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "desk.h"
#include "replica.h"

DESK_HANDLER(api_blob_put)
{
	char hex[DIGEST_HEX_LEN + 1];
	int rc;

	if (c->q->body.len == 0)
		return err_set(err, YZ_EINVAL, "the file is empty");
	rc = blob_put(c->r, hex, c->q->body.b, c->q->body.len, err);
	if (rc == 0) {
		c->p->status = 201;
		buf_printf(&c->p->body, "{\"blob\":\"%s\"}", hex);
	}
	return rc;
}

/* Only what a browser cannot be made to run is shown in place; its type is
 * read from the bytes, never believed. */
static const char *
picture_type(const struct buf *bytes)
{
	const void *p = bytes->b;

	if (bytes->len > 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0)
		return "image/png";
	if (bytes->len > 3 && memcmp(p, "\xff\xd8\xff", 3) == 0)
		return "image/jpeg";
	if (bytes->len > 12 && memcmp(p, "RIFF", 4) == 0 &&
	    memcmp((const char *)p + 8, "WEBP", 4) == 0)
		return "image/webp";
	return NULL;
}

DESK_HANDLER(api_blob_get)
{
	const char *type;
	int rc;

	rc = blob_get(c->r, &c->p->body, c->arg[0], err);
	if (rc != 0)
		return rc;
	type = picture_type(&c->p->body);
	c->p->type = type == NULL ? "application/octet-stream" : type;
	http_reply_header(c->p, "Content-Disposition", "%s; filename=\"%.16s\"",
	    type == NULL ? "attachment" : "inline", c->arg[0]);
	return 0;
}
