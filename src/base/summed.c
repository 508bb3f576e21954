#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/summed.h"

#define DIGITS 8

static void
line_of(char line[SUMMED_LEN + 1], const void *text, size_t n)
{
	struct digest sum;

	digest_sha256(&sum, text, n);
	memcpy(line, "sum ", 4);
	digest_hex(line + 4, sum.b, DIGITS / 2);
	line[4 + DIGITS] = '\n';
	line[SUMMED_LEN] = '\0';
}

void
summed_end(struct buf *text)
{
	char line[SUMMED_LEN + 1];

	line_of(line, text->b, text->len);
	buf_puts(text, line);
}

bool
summed_holds(const char *text, size_t n)
{
	char line[SUMMED_LEN + 1];

	if (n < SUMMED_LEN)
		return false;
	n -= SUMMED_LEN;
	line_of(line, text, n);
	return memcmp(text + n, line, SUMMED_LEN) == 0;
}

int
summed_read(struct buf *out, const char *path, size_t max, struct err *err)
{
	int rc = file_read(out, path, max, err);

	if (rc != 0)
		return rc;
	if (!summed_holds(buf_str(out), out->len))
		return err_set(
		    err, YZ_ECORRUPT, "%s is damaged: yizhan scrub", path);
	out->len -= SUMMED_LEN;
	out->b[out->len] = '\0';
	return 0;
}
