#include "config.h"

#include <errno.h>

#include "base/buf.h"
#include "base/catalogue.h"
#include "base/err.h"
#include "base/json.h"
#include "http.h"
#include "reply.h"

/* What a browser is to forbid itself (security.md, T24). */
void
reply_safety(struct http_reply *p, bool tls)
{
	http_reply_header(p, "Content-Security-Policy", "%s",
	    "default-src 'none'; script-src 'self'; style-src 'self';"
	    " img-src 'self' data: blob:; connect-src 'self';"
	    " font-src 'self'; manifest-src 'self'; form-action 'self';"
	    " frame-ancestors 'none'; base-uri 'none'");
	http_reply_header(p, "X-Content-Type-Options", "nosniff");
	http_reply_header(p, "Referrer-Policy", "no-referrer");
	http_reply_header(p, "Cross-Origin-Opener-Policy", "same-origin");
	http_reply_header(p, "Cross-Origin-Resource-Policy", "same-origin");
	if (tls)
		http_reply_header(
		    p, "Strict-Transport-Security", "max-age=31536000");
}

int
reply_fault(
    struct http_reply *p, int fault, const char **special, struct err *err)
{
	p->status = fault;
	if (fault != 503)
		return err_set(err, YZ_EINVAL, "the request is too long");
	http_reply_header(p, "Retry-After", "%d", HTTP_LONG_AGAIN);
	*special = "busy";
	return err_set(err, YZ_EIO,
	    "too many files are being sent at once: send this one again in a "
	    "few seconds");
}

struct json *
reply_words(const char *line, bool zh)
{
	struct buf words = BUF_INIT;
	struct json *out;

	if (!zh)
		return json_text(line);
	catalogue_line(&words, line);
	out = json_text(buf_str(&words));
	buf_free(&words);
	return out;
}

void
reply_error(struct http_reply *p, int rc, const char *special, bool zh,
    const struct err *err)
{
	static const struct {
		int rc, status;
		const char *code;
	} table[] = {{YZ_EINVAL, 400, "invalid"},
	    {YZ_ENOTFOUND, 404, "missing"}, {YZ_EDENIED, 403, "denied"},
	    {YZ_ECONFLICT, 409, "conflict"}};
	struct json *o = json_new_object(), *e = json_new_object();
	const char *code = "io";
	int status = 500;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].rc == rc) {
			status = table[i].status;
			code = table[i].code;
		}
	if (rc == YZ_EIO && err->sys == ENOSPC) {
		status = 507;
		code = "full";
	}
	if (p->status == 200 || p->status == 201)
		p->status = status;
	if (special != NULL)
		code = special;
	json_set(e, "code", json_text(code));
	json_set(e, "message", reply_words(err->msg, zh));
	json_set(o, "error", e);
	p->type = "application/json; charset=utf-8";
	buf_clear(&p->body);
	json_write(&p->body, o, 0);
	json_free(o);
}
