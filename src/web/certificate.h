/*
 * The certificate of the console's HTTPS server.
 */
#ifndef WEB_CERTIFICATE_H
#define WEB_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;

/*
 * HOME/keys/console.crt and console.key as PEM texts: those that an
 * administrator put there, else made at the first call (P-256, self-signed,
 * for the machine's host name and the addresses that it has then, without an
 * end: clocks may be wrong).  HOME
 * itself must be there.
 */
int certificate_get(
    struct buf *cert, struct buf *key, const char *home, struct err *err);

/* Every address that this machine has now, but for itself: before is put
 * before each. */
void certificate_addresses(struct buf *out, const char *before);

/* What browsers will make of it, without making one: YZ_ENOTFOUND if there is
 * none, YZ_ECORRUPT with what is wrong with the pair. */
struct certificate_look {
	bool endless;
	int64_t from, until; /* wall ms */
};
int certificate_look(
    struct certificate_look *out, const char *home, struct err *err);

/* "AB:CD:..." of HOME/keys/console.crt, as browsers show it; YZ_ENOTFOUND if
 * it is not made yet. */
#define CERTIFICATE_PRINT_LEN 95
int certificate_print(
    char out[CERTIFICATE_PRINT_LEN + 1], const char *home, struct err *err);

#endif
