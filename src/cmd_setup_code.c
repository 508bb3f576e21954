/* setup-code: what lets an administrator set this machine up in a browser. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd.h"
#include "setup.h"
#include "web/certificate.h"
#include "web/setup_code.h"

int
cmd_setup_code(struct cmd *cmd, int argc, char **argv)
{
	char code[SETUP_CODE_LEN + 1], print[CERTIFICATE_PRINT_LEN + 1];
	char *setup = mem_printf("%s/setup", cmd->home);
	struct err err;
	int rc = 0;

	if (cmd_unknown_option(cmd, argc, argv) || argc != 1) {
		free(setup);
		return cmd_usage(cmd);
	}
	if (!setup_is_wanted(cmd->home))
		rc = err_set(&err, YZ_ECONFLICT,
		    "%s is no folder without a station: there is nothing to "
		    "set up",
		    cmd->home);
	if (rc == 0)
		rc = setup_code_get(code, cmd->home, &err);
	if (rc == 0)
		printf("%s\n", code);
	/* Who opens the page from another machine compares it. */
	if (rc == 0 && certificate_print(print, setup, &err) == 0)
		printf(_("certificate  SHA-256 %s\n"), print);
	free(setup);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
