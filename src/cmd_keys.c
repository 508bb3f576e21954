/* keys: this station's public keys, or what sshd must know. */
#include "config.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd.h"
#include "enrol.h"
#include "home.h"
#include "link_ssh.h"
#include "local.h"
#include "replica.h"
#include "sign.h"
#include "web/certificate.h"

static void
print_key(const char *what, const uint8_t pub[32], const char *code)
{
	struct buf line = BUF_INIT;

	sign_public_line(&line, pub);
	printf("%-12s %s %s\n", what, buf_str(&line), code);
	buf_free(&line);
}

/* By which those who call know this machine; NULL: sshd's own, if it is there.
 */
static int
print_host_key(const char *path, struct err *err)
{
	char print[SIGN_FINGERPRINT_LEN];
	struct buf line = BUF_INIT;
	int rc;

	rc = enrol_host_key(
	    &line, path == NULL ? ENROL_HOST_KEY_DEFAULT : path, err);
	if (rc == 0)
		rc = link_ssh_fingerprint(print, buf_str(&line), err);
	if (rc == 0)
		printf("%-12s %s\n", "host key", print);
	buf_free(&line);
	return path == NULL ? 0 : rc;
}

static int
print_keys(const struct cmd *cmd, const char *host_key, struct err *err)
{
	char fingerprint[SIGN_FINGERPRINT_LEN];
	char print[CERTIFICATE_PRINT_LEN + 1];
	struct buf request = BUF_INIT;
	struct home *home;
	struct err none;
	int rc;

	rc = home_open(&home, cmd->home, err);
	if (rc != 0)
		return rc;
	print_key("sign", home->sign.pub, home->code);
	print_key("ssh", home->ssh.pub, home->code);
	enrol_request(&request, home);
	enrol_fingerprint(fingerprint, request.b, request.len);
	printf("%-12s %s\n", "fingerprint", fingerprint);
	buf_free(&request);
	home_free(home);
	/* What people compare with what their browser shows. */
	if (certificate_print(print, cmd->home, &none) == 0)
		printf("%-12s SHA-256 %s\n", "console", print);
	return print_host_key(host_key, err);
}

static int
print_authorized(const struct cmd *cmd, struct err *err)
{
	struct buf lines = BUF_INIT;
	struct local *local = NULL;
	struct replica *r;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = local_open(&local, cmd->home, err);
	if (rc == 0)
		rc = enrol_authorized(&lines, r, local, cmd->exe, err);
	/* All of it or nothing: sshd would take half a list for a whole one. */
	if (rc == 0 && fputs(buf_str(&lines), stdout) == EOF)
		rc = err_sys(err, "standard output");
	buf_free(&lines);
	local_close(local);
	replica_close(r);
	return rc;
}

int
cmd_keys(struct cmd *cmd, int argc, char **argv)
{
	const char *host_key = NULL;
	struct err err = {0};
	int authorized, rc;

	authorized = cmd_option(&argc, argv, "--authorized", NULL);
	if (cmd_option(&argc, argv, "--host-key", &host_key) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 1)
		return cmd_usage(cmd);
	rc = authorized == 1 ? print_authorized(cmd, &err)
			     : print_keys(cmd, host_key, &err);
	return rc != 0 ? cmd_fail(cmd, &err) : CMD_DONE;
}
