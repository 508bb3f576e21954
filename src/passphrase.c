#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/caller.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd.h"
#include "passphrase.h"
#include "unseen.h"

#define FILE_MAX 4096

/* A line typed without being shown, malloced. */
static int
ask(char **out, const char *prompt, struct err *err)
{
	char line[1024] = "";
	FILE *tty = fopen("/dev/tty", "re");
	int rc = 0;

	if (tty == NULL || !isatty(fileno(tty)))
		rc = err_set(err, YZ_EINVAL,
		    "there is no terminal to ask for the passphrase: "
		    "--passphrase FILE");
	else if (!unseen_line(line, sizeof(line), tty, prompt))
		rc = err_set(err, YZ_EINVAL, "no passphrase was given");
	if (tty != NULL)
		fclose(tty);
	if (rc == 0)
		*out = mem_strdup(line);
	explicit_bzero(line, sizeof(line));
	return rc;
}

static int
ask_twice(char **out, struct err *err)
{
	char *again = NULL;
	int rc = ask(out, _("new passphrase: "), err);

	if (rc == 0)
		rc = ask(&again, _("once more: "), err);
	if (rc == 0 && strcmp(*out, again) != 0)
		rc = err_set(err, YZ_EINVAL, "the two differ");
	passphrase_free(again);
	return rc;
}

static int
from_file(char **out, const char *file, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc = caller_read(&text, file, FILE_MAX, err);

	if (rc == 0)
		*out = mem_strndup(
		    buf_str(&text), strcspn(buf_str(&text), "\r\n"));
	if (text.b != NULL)
		explicit_bzero(text.b, text.cap);
	buf_free(&text);
	return rc;
}

int
passphrase_check(const char *p, struct err *err)
{
	if (!text_is_utf8(p, strlen(p)) ||
	    text_chars(p, strlen(p)) < PASSPHRASE_MIN)
		return err_set(err, YZ_EINVAL,
		    "a passphrase has %d characters or more", PASSPHRASE_MIN);
	return 0;
}

int
passphrase_get(char **out, const char *file, bool fresh, struct err *err)
{
	char *p = NULL;
	int rc;

	if (file != NULL)
		rc = from_file(&p, file, err);
	else if (fresh)
		rc = ask_twice(&p, err);
	else
		rc = ask(&p, _("passphrase: "), err);
	if (rc == 0 && fresh)
		rc = passphrase_check(p, err);
	if (rc != 0) {
		passphrase_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void
passphrase_free(char *p)
{
	if (p == NULL)
		return;
	explicit_bzero(p, strlen(p));
	free(p);
}
