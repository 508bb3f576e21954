/* serve: the console and the daemon. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/catalogue.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cmd.h"
#include "daemon.h"
#include "setup.h"
#include "web/certificate.h"

#define PORT_DEFAULT 8480
#define PEM_MAX (64u << 10)

struct serve {
	struct daemon_options o;
	char address[64];
	const char *at; /* " -C HOME" */
	bool set_up;    /* it was said that there is no station */
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

static bool
is_any(const char *address)
{
	return strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

static void
print_address(const struct serve *s, const char *address, uint16_t port)
{
	bool six = strchr(address, ':') != NULL;

	printf("%s://%s%s%s:%u/\n", s->o.certificate == NULL ? "http" : "https",
	    six ? "[" : "", address, six ? "]" : "", port);
}

/* What one types elsewhere, where it listens at every address: false if the
 * machine has none now. */
static bool
print_each(const struct serve *s, uint16_t port)
{
	bool six = strchr(s->address, ':') != NULL, any = false;
	struct buf all = BUF_INIT;
	char *next, *one;

	certificate_addresses(&all, "\n");
	next = (char *)buf_str(&all);
	while ((one = strsep(&next, "\n")) != NULL) {
		/* A link-local one is none that a browser takes. */
		if (*one == '\0' || strncmp(one, "fe80:", 5) == 0 ||
		    (!six && strchr(one, ':') != NULL))
			continue;
		print_address(s, one, port);
		any = true;
	}
	buf_free(&all);
	return any;
}

static void
say_ready(void *arg, uint16_t port, bool setup)
{
	struct serve *s = arg;
	if (s->set_up) { /* the address is what it was */
		puts(_("there is a station now"));
		fflush(stdout);
		return;
	}
	s->set_up = setup;
	if (!is_any(s->address) || !print_each(s, port))
		print_address(s, s->address, port);
	if (setup)
		printf(_("there is no station here yet: set one up at that "
			 "address, with the code of yizhan%s setup-code\n"),
		    s->at);
	fflush(stdout);
}

/* Before there is a station, its certificate waits in HOME/setup. */
static int
find_certificate(
    struct buf *cert, struct buf *key, const char *home, struct err *err)
{
	char *setup = mem_printf("%s/setup", home);
	bool wanted = setup_is_wanted(home);
	int rc = wanted ? file_mkdir(setup, 0700, err) : 0;
	struct certificate_look look;
	struct err why;

	if (rc == 0)
		rc = certificate_get(cert, key, wanted ? setup : home, err);
	/* The listener would not say what is wrong with a pair. */
	if (rc == 0 &&
	    certificate_look(&look, wanted ? setup : home, &why) != 0)
		rc = err_set(err, why.code,
		    "%s: put the right pair into %s/keys, or remove both "
		    "console.crt and console.key, and one is made; then "
		    "systemctl restart yizhan",
		    why.msg, home);
	free(setup);
	return rc;
}

int
cmd_serve(struct cmd *cmd, int argc, char **argv)
{
	struct serve s = {{.home = cmd->home,
			      .exe = cmd->exe,
			      .port = PORT_DEFAULT,
			      .sync = true},
	    "127.0.0.1", cmd_at(cmd), false};
	struct buf cert = BUF_INIT, key = BUF_INIT;
	const char *listen = NULL;
	char *catalogue;
	struct err err;
	int rc = 0;

	s.o.sync = cmd_option(&argc, argv, "--no-sync", NULL) != 1;
	if (cmd_option(&argc, argv, "--listen", &listen) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 1 ||
	    (listen != NULL && !parse_listen(&s, listen)))
		return cmd_usage(cmd);
	s.o.address = s.address;
	/* Who reads Chinese gets English where it is not there. */
	catalogue = cmd_catalogue(cmd);
	(void)catalogue_load(catalogue, &err);
	free(catalogue);
	/* Plain HTTP never leaves the machine. */
	if (!is_loopback(s.address))
		rc = find_certificate(&cert, &key, cmd->home, &err);
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
