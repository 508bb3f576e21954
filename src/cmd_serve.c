/* serve: the console and the daemon. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "cmd.h"
#include "daemon.h"
#include "web/certificate.h"

#define PORT_DEFAULT 8480
#define PEM_MAX (64u << 10)

struct serve {
	struct daemon_options o;
	char address[64];
};

/* ADDRESS:PORT, [ADDRESS]:PORT or PORT. */
static bool
parse_listen(struct serve *s, const char *text)
{
	const char *colon = strrchr(text, ':'), *from = text;
	size_t n = colon == NULL ? 0 : (size_t)(colon - text);
	char *end;
	long port;

	port = strtol(colon == NULL ? text : colon + 1, &end, 10);
	if (*end != '\0' || port < 0 || port > 65535)
		return false;
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		from++;
		n -= 2;
	}
	if (n >= sizeof(s->address))
		return false;
	if (n > 0)
		snprintf(s->address, sizeof(s->address), "%.*s", (int)n, from);
	s->o.port = (uint16_t)port;
	return true;
}

static bool
is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static void
say_ready(void *arg, uint16_t port)
{
	const struct serve *s = arg;
	bool six = strchr(s->address, ':') != NULL;

	printf("%s://%s%s%s:%u/\n", s->o.certificate == NULL ? "http" : "https",
	    six ? "[" : "", s->address, six ? "]" : "", port);
	fflush(stdout);
}

int
cmd_serve(struct cmd *cmd, int argc, char **argv)
{
	struct serve s = {{.home = cmd->home,
			      .exe = cmd->exe,
			      .port = PORT_DEFAULT,
			      .sync = true},
	    "127.0.0.1"};
	struct buf cert = BUF_INIT, key = BUF_INIT;
	const char *listen = NULL;
	struct err err;
	int rc = 0;

	s.o.sync = cmd_option(&argc, argv, "--no-sync", NULL) != 1;
	if (cmd_option(&argc, argv, "--listen", &listen) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 1 ||
	    (listen != NULL && !parse_listen(&s, listen)))
		return cmd_usage(cmd);
	s.o.address = s.address;
	/* Plain HTTP never leaves the machine. */
	if (!is_loopback(s.address))
		rc = certificate_get(&cert, &key, cmd->home, &err);
	if (rc == 0 && cert.len > 0) {
		s.o.certificate = buf_str(&cert);
		s.o.key = buf_str(&key);
	}
	if (rc == 0)
		rc = daemon_run(&s.o, say_ready, &s, &err);
	if (key.b != NULL)
		explicit_bzero(key.b, key.len);
	buf_free(&cert);
	buf_free(&key);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
