#include "config.h"

#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/summed.h"

#define DIGITS 8
#define FILE_MAX (4u << 20) /* bytes */

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

static bool
has_line(const struct buf *text)
{
	const uint8_t *line;

	if (text->len < SUMMED_LEN)
		return false;
	line = text->b + text->len - SUMMED_LEN;
	return memcmp(line, "sum ", 4) == 0 && line[SUMMED_LEN - 1] == '\n';
}

int
summed_read(struct buf *out, const char *path, size_t max, struct err *err)
{
	int rc = file_read(out, path, max, err);

	if (rc != 0 || !has_line(out))
		return rc;
	if (!summed_holds(buf_str(out), out->len))
		return err_set(
		    err, YZ_ECORRUPT, "%s is damaged: yizhan scrub", path);
	out->len -= SUMMED_LEN;
	out->b[out->len] = '\0';
	return 0;
}

static void
forget(struct buf *text)
{
	if (text->b != NULL)
		explicit_bzero(text->b, text->cap);
	buf_free(text);
}

bool
summed_lacks(const char *path)
{
	struct buf text = BUF_INIT;
	struct err ignored;
	bool lacks =
	    file_read(&text, path, FILE_MAX, &ignored) == 0 && !has_line(&text);

	forget(&text);
	return lacks;
}

int
summed_add(const char *path, struct err *err)
{
	struct buf text = BUF_INIT;
	struct stat st;
	int rc = file_read(&text, path, FILE_MAX, err);

	if (rc == 0 && !has_line(&text)) {
		summed_end(&text);
		rc = stat(path, &st) != 0 ? err_sys(err, "%s", path)
					  : file_write(path, text.b, text.len,
						st.st_mode & 0777, err);
	}
	forget(&text);
	return rc;
}
