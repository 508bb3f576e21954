/*
 * A real sshd on a free port of 127.0.0.1, with a configuration and a host
 * key of its own, for a station that others call.
 */
#ifndef DEMO_SSHD_H
#define DEMO_SSHD_H

#include <sys/types.h>

struct err;

struct demo_sshd {
	char *dir; /* config, host_key, host_key.pub, authorized_keys, log */
	int port;  /* of the last start, kept in dir; 0 before the first */
	pid_t pid; /* 0: not running */
};

/* Can this user run sshd at all?  If not, one line why. */
int demo_sshd_allowed(struct err *err);
/* Make dir and the host key, unless they are there. */
int demo_sshd_prepare(struct demo_sshd *s, const char *dir, struct err *err);
/* On the port of last time if that is free; returns when it listens. */
int demo_sshd_start(struct demo_sshd *s, struct err *err);
void demo_sshd_stop(struct demo_sshd *s);
/* DIR/NAME, malloced. */
char *demo_sshd_file(const struct demo_sshd *s, const char *name);

#endif
