#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup_key.h"
#include "base/buf.h"
#include "base/caller.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cmd.h"
#include "home.h"
#include "paper.h"
#include "recovery.h"
#include "web/qr.h"

#define PAPER_BYTES_MAX 65536

static void
forget(struct buf *b)
{
	if (b->len > 0)
		explicit_bzero(b->b, b->len);
	buf_free(b);
}

int
paper_write(const char *path, const char *code, const struct sign_key *key,
    struct err *err)
{
	char *svg = mem_printf("%s.svg", path), line[RECOVERY_LINE_MAX];
	struct buf text = BUF_INIT, image = BUF_INIT;
	int rc = 0;

	if (caller_has(path) || caller_has(svg))
		rc = err_set(
		    err, YZ_ECONFLICT, "%s or %s is there already", path, svg);
	recovery_line(line, code, key);
	buf_printf(&text, _("Recovery key of station %s\n\n"), code);
	buf_puts(&text,
	    _("Whoever has this sheet can replace the keys of the station.\n"
	      "Print it, seal it in an envelope, keep it at the parent, and\n"
	      "remove the file.\n\n"));
	recovery_digits(&text, key);
	buf_printf(&text, "\n%s\n\n", line);
	if (rc == 0)
		rc = qr_text(&text, line, err);
	if (rc == 0)
		rc = qr_svg(&image, line, err);
	if (rc == 0)
		rc = caller_write(path, text.b, text.len, 0600, err);
	if (rc == 0)
		rc = caller_write(svg, image.b, image.len, 0600, err);
	explicit_bzero(line, sizeof(line));
	forget(&text);
	forget(&image);
	free(svg);
	return rc;
}

int
paper_make(const char *path, const struct home *home, struct err *err)
{
	struct sign_key key;
	struct digest hash;
	int rc;

	sign_generate(&key);
	recovery_hash(&hash, &key);
	rc = paper_write(path, home->code, &key, err);
	if (rc == 0)
		rc = backup_key_keep(home->path, home->code, &key, err);
	explicit_bzero(&key, sizeof(key));
	return rc != 0 ? rc : home_recovery_save(&hash, home, err);
}

int
paper_read(
    struct sign_key *out, const char *path, const char *code, struct err *err)
{
	char of[CHAIN_CODE_LEN + 1];
	struct buf text = BUF_INIT;
	int rc;

	rc = caller_read(&text, path, PAPER_BYTES_MAX, err);
	if (rc == 0)
		rc = recovery_read(out, of, buf_str(&text), text.len, err);
	forget(&text);
	if (rc == 0 && code != NULL && of[0] != '\0' && strcmp(of, code) != 0)
		rc = err_set(err, YZ_EINVAL,
		    "this is the recovery key of %s, not of %s", of, code);
	return rc;
}

int
paper_ask(struct sign_key *out, struct err *err)
{
	FILE *tty = fopen("/dev/tty", "re");
	char typed[256], of[CHAIN_CODE_LEN + 1];
	struct buf text = BUF_INIT;
	int rc = 0, line = 1;

	if (tty == NULL)
		return err_set(err, YZ_EINVAL,
		    "there is no terminal to ask for the recovery key: "
		    "--recovery SHEET");
	fprintf(stderr,
	    _("this backup was encrypted to the recovery key: type the four "
	      "lines of digits on its sheet\n"));
	while (rc == 0 && line <= RECOVERY_LINES) {
		fprintf(stderr, _("line %d: "), line);
		if (fgets(typed, sizeof(typed), tty) == NULL)
			rc = err_set(
			    err, YZ_EINVAL, "no recovery key was given");
		else {
			typed[strcspn(typed, "\n")] = '\0';
			if (recovery_typed(&text, line, typed))
				line++;
			else
				fprintf(stderr, _("not as it was printed\n"));
		}
	}
	fclose(tty);
	explicit_bzero(typed, sizeof(typed));
	if (rc == 0)
		rc = recovery_read(out, of, buf_str(&text), text.len, err);
	forget(&text);
	return rc;
}
