#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/summed.h"
#include "home.h"
#include "pins.h"

#define FIRST_LINE "yizhan-pins 1\n"
#define LINE "root "
#define FILE_MAX 4096 /* bytes; PINS_MAX lines are fewer */

int
pins_parse(char out[SIGN_FINGERPRINT_LEN], const char *typed, struct err *err)
{
	size_t n = 0;

	for (; *typed != '\0' && n < SIGN_FINGERPRINT_LEN; typed++) {
		if (*typed < '0' || *typed > '9')
			continue;
		if (n % 6 == 5)
			out[n++] = '-';
		if (n < SIGN_FINGERPRINT_LEN)
			out[n++] = *typed;
	}
	if (n != SIGN_FINGERPRINT_LEN - 1)
		return err_set(
		    err, YZ_EINVAL, "a fingerprint has 8 groups of 5 digits");
	out[n] = '\0';
	return 0;
}

void
pins_fingerprint(char out[SIGN_FINGERPRINT_LEN], const struct digest *hash)
{
	sign_fingerprint(out, hash->b, sizeof(hash->b));
}

/* --- the file --------------------------------------------------------------
 */

void
pins_write_text(struct buf *out, const struct pins *pins)
{
	size_t i;

	buf_puts(out, FIRST_LINE);
	for (i = 0; i < pins->n; i++)
		buf_printf(out, LINE "%s\n", pins->v[i]);
}

bool
pins_read_text(struct pins *out, const char *s)
{
	size_t n = strlen(FIRST_LINE);

	out->n = 0;
	if (strncmp(s, FIRST_LINE, n) != 0)
		return false;
	for (s += n; *s != '\0'; s += n + 1) {
		struct err ignored;
		char line[sizeof(LINE) + SIGN_FINGERPRINT_LEN];

		n = strcspn(s, "\n");
		if (out->n == PINS_MAX || n >= sizeof(line) || s[n] != '\n' ||
		    strncmp(s, LINE, strlen(LINE)) != 0)
			return false;
		memcpy(line, s, n);
		line[n] = '\0';
		if (pins_parse(out->v[out->n], line, &ignored) != 0)
			return false;
		out->n++;
	}
	return true;
}

int
pins_read(struct pins *out, const struct home *home, struct err *err)
{
	char *path = home_file(home, "pins");
	struct buf text = BUF_INIT;
	int rc;

	out->n = 0;
	rc = summed_read(&text, path, FILE_MAX, err);
	if (rc == 0 && !pins_read_text(out, buf_str(&text)))
		rc = err_set(
		    err, YZ_ECORRUPT, "%s is damaged: yizhan scrub", path);
	if (rc != 0)
		out->n = 0;
	buf_free(&text);
	free(path);
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

int
pins_write(const struct pins *pins, const struct home *home, struct err *err)
{
	char *path = home_file(home, "pins");
	struct buf text = BUF_INIT;
	int rc;

	pins_write_text(&text, pins);
	summed_end(&text);
	rc = file_write(path, text.b, text.len, 0600, err);
	buf_free(&text);
	free(path);
	return rc;
}

/* --- what is in it ---------------------------------------------------------
 */

size_t
pins_place(const struct pins *pins, const struct digest *hash)
{
	char fingerprint[SIGN_FINGERPRINT_LEN];
	size_t i;

	if (pins->n == 0)
		return 0;
	pins_fingerprint(fingerprint, hash);
	for (i = pins->n; i > 0; i--)
		if (strcmp(pins->v[i - 1], fingerprint) == 0)
			break;
	return i;
}

bool
pins_remove(struct pins *pins, const char *fingerprint)
{
	size_t i;

	for (i = 0; i < pins->n; i++)
		if (strcmp(pins->v[i], fingerprint) == 0)
			break;
	if (i == pins->n)
		return false;
	pins->n--;
	memmove(pins->v[i], pins->v[i + 1], (pins->n - i) * sizeof(*pins->v));
	return true;
}

int
pins_add(struct pins *pins, const char *fingerprint, struct err *err)
{
	(void)pins_remove(pins, fingerprint);
	if (pins->n == PINS_MAX)
		return err_set(err, YZ_EINVAL,
		    "%d root parts are pinned here already: take one back "
		    "first (yizhan roster pin --remove), the oldest is %s",
		    PINS_MAX, pins->v[0]);
	memcpy(pins->v[pins->n++], fingerprint, SIGN_FINGERPRINT_LEN);
	return 0;
}
