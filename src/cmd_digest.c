#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cmd.h"
#include "replica.h"

static int
print_stream(
    struct replica *r, enum stream s, const char *owner, struct err *err)
{
	char hex[DIGEST_HEX_LEN + 1];
	struct digest sum;
	int64_t records;
	int rc;

	rc = replica_digest(r, s, owner, &records, &sum, err);
	if (rc != 0)
		return rc;
	digest_hex(hex, sum.b, sizeof(sum.b));
	printf("%s %lld %s\n", stream_name(s), (long long)records, hex);
	return 0;
}

int
cmd_digest(struct cmd *cmd, int argc, char **argv)
{
	const char *stream = NULL, *owner = NULL;
	enum stream only = STREAM_ROSTER;
	struct replica *r;
	struct err err;
	int rc, s;

	if (cmd_option(&argc, argv, "--stream", &stream) < 0 ||
	    cmd_option(&argc, argv, "--owner", &owner) < 0 || argc != 1)
		return cmd_usage(cmd);
	if (stream != NULL && !stream_parse(&only, stream, strlen(stream))) {
		err_set(&err, YZ_EINVAL,
		    "%s is no stream: roster, command, resource, personal"
		    " or oversight",
		    stream);
		return cmd_fail(cmd, &err);
	}
	if (owner != NULL && !chain_is_code(owner, strlen(owner))) {
		err_set(&err, YZ_EINVAL,
		    "%s is no station: six digits, e.g. 520302", owner);
		return cmd_fail(cmd, &err);
	}
	rc = cmd_open(&r, cmd, &err);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	for (s = 0; rc == 0 && s < STREAM_COUNT; s++)
		if (stream == NULL || (enum stream)s == only)
			rc = print_stream(r, (enum stream)s, owner, &err);
	replica_close(r);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
