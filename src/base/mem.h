/*
 * Memory that does not fail: when there is none the process stops, and
 * SQLite's transaction keeps the data whole.  Every length that comes from
 * outside is compared with a named maximum before it gets here.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

void *mem_alloc(size_t n);
void *mem_calloc(size_t n, size_t size);
void *mem_realloc(void *p, size_t n);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * From now on this process maps no more than n bytes, whatever it is sent.
 * false if the system refuses; does nothing under AddressSanitizer, whose own
 * tables are larger.
 */
bool mem_limit(size_t n);

#endif
