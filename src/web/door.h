/*
 * The door: an address of this machine, and a thread that hands out the
 * connections that come to it.
 */
#ifndef WEB_DOOR_H
#define WEB_DOOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct err;
struct door;

struct door_calls {
	/* May another one come?  Else it waits, in the kernel. */
	bool (*room)(void *arg);
	/* It came; fd, non-blocking, is the callee's. */
	void (*take)(
	    void *arg, int fd, const struct sockaddr *from, socklen_t from_len);
	void *arg;
};

/* port 0: any free one.  Connections come from door_run() on. */
int door_open(
    struct door **out, const char *address, uint16_t port, struct err *err);
uint16_t door_port(const struct door *l);
int door_run(struct door *l, const struct door_calls *calls, struct err *err);
void door_close(struct door *l); /* its thread has ended then */

#endif
