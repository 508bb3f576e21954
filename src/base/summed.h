/*
 * Small files of lines of which there is no other copy.  The last line is a
 * checksum of those before it, so that whoever reads the file finds that a bit
 * has turned, and the scrub can turn it back without asking anything else:
 *
 *	sum 1f0c9a7e	the first eight hex digits of the SHA-256 of all
 *			before this line
 */
#ifndef BASE_SUMMED_H
#define BASE_SUMMED_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

#define SUMMED_LEN 13u /* bytes of that line */

/* Append the line. */
void summed_end(struct buf *text);
bool summed_holds(const char *text, size_t n);
/*
 * A file of at most max bytes into the empty out, without that line.
 * YZ_ENOTFOUND; YZ_ECORRUPT: it is damaged.  One that has no such line, as
 * programs before wrote it, is given as it is: its reader knows the form.
 */
int summed_read(struct buf *out, const char *path, size_t max, struct err *err);
/* Has the file no such line? */
bool summed_lacks(const char *path);
/* Then give it one. */
int summed_add(const char *path, struct err *err);

#endif
