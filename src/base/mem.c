#include "config.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"

/* No allocation, no unwinding: the transaction under way is rolled back by
 * SQLite at the next open, and systemd starts us again. */
__attribute__((noreturn)) static void
out_of_memory(size_t n)
{
	fprintf(stderr, "yizhan: no memory for %zu bytes\n", n);
	abort();
}

void *
mem_alloc(size_t n)
{
	void *p = malloc(n == 0 ? 1 : n);

	if (p == NULL)
		out_of_memory(n);
	return p;
}

void *
mem_calloc(size_t n, size_t size)
{
	void *p;

	if (n == 0 || size == 0)
		n = size = 1;
	p = calloc(n, size);
	if (p == NULL)
		out_of_memory(n);
	return p;
}

void *
mem_realloc(void *p, size_t n)
{
	void *q = realloc(p, n == 0 ? 1 : n);

	if (q == NULL)
		out_of_memory(n);
	return q;
}

char *
mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

char *
mem_strndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = mem_alloc(len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory(strlen(fmt));
	return s;
}

bool
mem_limit(size_t n)
{
#ifdef __SANITIZE_ADDRESS__
	(void)n;
	return true;
#else
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) != 0)
		return false;
	if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > n)
		limit.rlim_max = n;
	if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	/* Each further arena would reserve 64 MiB for a thread. */
	mallopt(M_ARENA_MAX, 1);
	return setrlimit(RLIMIT_AS, &limit) == 0;
#endif
}
