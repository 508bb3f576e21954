/*
 * The daemon: the console's server, the sealer, and a child process for each
 * peer that this station calls, in one loop.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>
#include <stdint.h>

struct err;

struct daemon_options {
	const char *home;
	const char *exe;               /* this program, for the children */
	const char *address;           /* to listen on, in digits */
	uint16_t port;                 /* 0: any */
	const char *certificate, *key; /* PEM texts, or NULL: plain HTTP */
	bool sync;                     /* call the peers */
};

/*
 * Runs until SIGTERM or SIGINT.  ready is called once it listens.  In a folder
 * without a station it first serves the set-up of one (setup.h), which it
 * says to ready, and then goes on at the same port.
 */
int daemon_run(const struct daemon_options *o,
    void (*ready)(void *arg, uint16_t port, bool setup), void *arg,
    struct err *err);

#endif
