/*
 * A console on a free port of 127.0.0.1: "yizhan serve" of a station, and a
 * browser of the demonstration's own that asks it as the pages do.
 */
#ifndef DEMO_CONSOLE_H
#define DEMO_CONSOLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

struct err;
struct json;

#define DEMO_PASSWORD "Yizhan-Demo-2026" /* of every demonstration login */

struct demo_console {
	int port;        /* of the last start, 0 before */
	pid_t pid;       /* 0: not running */
	char cookie[96]; /* of who is logged in, "" if nobody */
	char csrf[96];
};

/* Returns when it listens; on the port of last time if that is free. */
int demo_console_start(
    struct demo_console *c, const char *exe, const char *home, struct err *err);
void demo_console_stop(struct demo_console *c);

/* One request; *out, to be freed, is the answer if that is JSON, else NULL.
 * The HTTP status, or -1 and err.  etag may be NULL. */
int demo_console_ask(struct demo_console *c, struct json **out,
    const char *method, const char *path, const char *etag, const char *body,
    struct err *err);
/* Log in with the demonstration's password. */
bool demo_console_login(
    struct demo_console *c, const char *login, struct err *err);

#endif
