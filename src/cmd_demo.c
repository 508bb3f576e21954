#include "config.h"

#include "cmd.h"

int
cmd_demo(struct cmd *cmd, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return cmd_usage(cmd);
}
