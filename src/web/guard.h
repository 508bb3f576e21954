/*
 * What is asked before a request is looked at any closer.
 */
#ifndef WEB_GUARD_H
#define WEB_GUARD_H

#include <stdbool.h>

struct err;
struct http_request;

/* Is a what b is?  a may be NULL: then it is not. */
bool guard_same(const char *a, const char *b);
/* YZ_EDENIED: a page of another origin had the browser call us. */
int guard_origin(const struct http_request *q, struct err *err);

#endif
