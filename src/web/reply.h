/*
 * What every reply has: the headers of caution, and one form of refusal.
 */
#ifndef WEB_REPLY_H
#define WEB_REPLY_H

#include <stdbool.h>

struct err;
struct http_reply;
struct json;

/* What a browser is to forbid itself. */
void reply_safety(struct http_reply *p, bool tls);
/* Of a request that came to nothing (http_request.fault): the status, and the
 * error to reply; *special as for reply_error(). */
int reply_fault(
    struct http_reply *p, int fault, const char **special, struct err *err);
/* {"error":{"code","message"}} with a status after rc, unless one is set;
 * special: the code where rc says too little, or NULL; zh: in Chinese. */
void reply_error(struct http_reply *p, int rc, const char *special, bool zh,
    const struct err *err);
/* A line of the program (catalogue_line) as text, in Chinese if zh. */
struct json *reply_words(const char *line, bool zh);

#endif
