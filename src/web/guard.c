#include "config.h"

#include <string.h>

#include "base/err.h"
#include "guard.h"
#include "http.h"

/* In a time that does not tell how much of it is right. */
bool
guard_same(const char *a, const char *b)
{
	unsigned char differ = 0;
	size_t i, n = strlen(b);

	if (a == NULL || strlen(a) != n)
		return false;
	for (i = 0; i < n; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return differ == 0;
}

/* A page of another origin may not make a browser call us. */
int
guard_origin(const struct http_request *q, struct err *err)
{
	const char *origin = http_header(q, "Origin");
	const char *site = http_header(q, "Sec-Fetch-Site");
	const char *host = http_header(q, "Host");
	const char *at;

	if (site != NULL && strcmp(site, "same-origin") != 0 &&
	    strcmp(site, "none") != 0)
		return err_set(
		    err, YZ_EDENIED, "the call comes from elsewhere");
	if (origin == NULL)
		return 0;
	at = strstr(origin, "://");
	if (at == NULL || host == NULL || strcmp(at + 3, host) != 0)
		return err_set(
		    err, YZ_EDENIED, "the call comes from elsewhere");
	return 0;
}
