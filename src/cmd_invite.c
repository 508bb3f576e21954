/* invite: write the file with which a child asks to join. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/caller.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cmd.h"
#include "enrol.h"
#include "home.h"
#include "limit.h"
#include "local.h"
#include "logged.h"
#include "model/vocabulary.h"
#include "replica.h"

#define SSHD_DROP_IN "/etc/ssh/sshd_config.d/yizhan.conf"

struct invite { /* the command's arguments */
	const char *code;
	const char *name;     /* or NULL: the division's */
	const char *address;  /* or NULL: this machine's name, port 22 */
	const char *host_key; /* path of sshd's public key */
	const char *out;      /* path, or NULL: stdout */
	bool auto_confirm;
};

static int
write_invitation(const struct invite *in, const char *name, const char *address,
    const char *host_key, const struct cmd *cmd, struct err *err)
{
	struct buf text = BUF_INIT;
	struct local *local = NULL;
	struct replica *r;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = local_open(&local, cmd->home, err);
	if (rc == 0)
		rc = enrol_invite(&text, r, local, in->code, name, address,
		    host_key, in->auto_confirm, err);
	if (rc == 0 && in->out != NULL)
		rc = caller_write(in->out, text.b, text.len, 0600, err);
	else if (rc == 0 && (fwrite(text.b, 1, text.len, stdout) != text.len ||
				fflush(stdout) != 0))
		rc = err_sys(err, "standard output");
	rc = cmd_close(r, rc, err);
	local_close(local);
	if (text.len > 0)
		explicit_bzero(text.b, text.len);
	buf_free(&text);
	return rc;
}

static void
say_next(const struct cmd *cmd, const struct invite *in)
{
	const char *file = in->out == NULL ? "FILE" : in->out;
	const char *at = cmd_at(cmd);
	int n = 1;

	/* The package's sshd asks by itself. */
	if (*at != '\0' || !file_exists(SSHD_DROP_IN))
		fprintf(stderr,
		    _("%d. Let sshd take the key of the invitation: the lines "
		      "of \"yizhan%s keys --authorized\" belong into its "
		      "AuthorizedKeysFile, or let its AuthorizedKeysCommand "
		      "run that.\n"),
		    n++, at);
	fprintf(stderr,
	    _("%d. Carry %s to station %s, and show it to nobody else; there: "
	      "yizhan join %s\n"),
	    n, file, in->code, file);
	if (in->auto_confirm)
		fprintf(stderr,
		    _("%d. Nobody will be asked: whoever comes first with this "
		      "file becomes %s. That is for demonstrations and "
		      "tests.\n"),
		    n + 1, in->code);
	else
		fprintf(stderr,
		    _("%d. Have the eight groups of digits that it prints read "
		      "to you over the telephone; here: yizhan%s confirm %s\n"),
		    n + 1, at, in->code);
}

static int
invite(const struct cmd *cmd, const struct invite *in, struct err *err)
{
	struct buf name = BUF_INIT, key = BUF_INIT;
	char host[200] = "localhost", *address;
	struct err why;
	int rc;

	if (in->name != NULL)
		buf_puts(&name, in->name);
	else if (vocabulary_division(&name, NULL, in->code, &why) != 0)
		buf_puts(&name, in->code);
	gethostname(host, sizeof(host) - 1);
	address = in->address != NULL ? mem_strdup(in->address)
				      : mem_printf("%s:22", host);
	rc = enrol_host_key(&key, in->host_key, err);
	if (rc != 0)
		rc = err_within(err,
		    "sshd's host key (ssh-keygen -A makes one, --host-key "
		    "names another)");
	if (rc == 0)
		rc = logged_ask(cmd, "invite", in->code, err);
	if (rc == 0) {
		rc = write_invitation(
		    in, buf_str(&name), address, buf_str(&key), cmd, err);
		rc = logged_end(cmd, "invite", in->code, rc, err);
	}
	if (rc == 0)
		say_next(cmd, in);
	free(address);
	buf_free(&name);
	buf_free(&key);
	return rc;
}

int
cmd_invite(struct cmd *cmd, int argc, char **argv)
{
	struct invite in = {.host_key = ENROL_HOST_KEY_DEFAULT};
	struct err err = {0};
	int is_auto;

	if (cmd_option(&argc, argv, "--name", &in.name) < 0 ||
	    cmd_option(&argc, argv, "--address", &in.address) < 0 ||
	    cmd_option(&argc, argv, "--host-key", &in.host_key) < 0 ||
	    cmd_option(&argc, argv, "-o", &in.out) < 0 ||
	    (is_auto = cmd_option(&argc, argv, "--auto", NULL)) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 2)
		return cmd_usage(cmd);
	in.auto_confirm = is_auto == 1;
	in.code = argv[1];
	if (invite(cmd, &in, &err) != 0)
		return cmd_fail(cmd, &err);
	return CMD_DONE;
}
