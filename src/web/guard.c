#include "config.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

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

/* Without TLS this machine alone listens, and nobody calls it by a name: whose
 * name leads here has made it do so, for his page to be of our origin. */
static bool
is_ours(const char *host)
{
	char at[64];
	size_t n = strcspn(host, ":");
	struct in6_addr six;
	struct in_addr four;

	if (host[0] == '[') {
		host++;
		n = strcspn(host, "]");
	}
	if (n >= sizeof(at))
		return false;
	memcpy(at, host, n);
	at[n] = '\0';
	return strcasecmp(at, "localhost") == 0 ||
	       inet_pton(AF_INET, at, &four) == 1 ||
	       inet_pton(AF_INET6, at, &six) == 1;
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
	if (host != NULL && !q->tls && !is_ours(host))
		return err_set(err, YZ_EDENIED,
		    "this machine is not called %.40s: use its address, or "
		    "localhost",
		    host);
	if (origin == NULL)
		return 0;
	at = strstr(origin, "://");
	if (at == NULL || host == NULL || strcmp(at + 3, host) != 0)
		return err_set(
		    err, YZ_EDENIED, "the call comes from elsewhere");
	return 0;
}
