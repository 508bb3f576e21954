/*
 * A passphrase: from a file's first line, or asked for at the terminal.
 */
#ifndef PASSPHRASE_H
#define PASSPHRASE_H

#include <stdbool.h>

struct err;

#define PASSPHRASE_MIN 8 /* characters of a new one */

/* file NULL: ask, twice if it is a new one.  *out is freed by
 * passphrase_free(). */
int passphrase_get(char **out, const char *file, bool fresh, struct err *err);
/* Would it do for a new one? */
int passphrase_check(const char *passphrase, struct err *err);
void passphrase_free(char *passphrase); /* wiped */

#endif
