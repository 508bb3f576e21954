/*
 * relay: from sshd's forced command to the receiver in its sandbox.
 *
 * What sshd starts runs outside every sandbox.  So "yizhan peer" there does
 * nothing but this: it connects to the receiver's socket, says whose key has
 * logged in, hands over its standard input, output and error (SCM_RIGHTS),
 * and waits.  No byte of the caller's passes through it.  The receiver, one
 * process a connection, is started by systemd (yizhan-peer.socket); it
 * believes the caller's name because only the station's own user, which is
 * the one sshd runs the command as, can reach the socket, and it checks that.
 *
 *	to the receiver		"as CODE\n" or "invited CODE\n", with 3
 *descriptors back, at the end	one byte: the exit status
 */
#ifndef RELAY_H
#define RELAY_H

#include <stdbool.h>

#include "chain.h"

struct err;

/* Is a receiver to be asked for this HOME?  That of HOME_DEFAULT, if there is
 * a socket; one that does not answer is no reason to do without. */
bool relay_wanted(const char *home);

/* Hand over to the receiver at socket; *status is the one that it ends with. */
int relay_to(int *status, const char *socket, const char *code, bool invited,
    struct err *err);

/*
 * The receiver: take over from the connection on standard input.  From then
 * on standard input, output and error are the caller's; *connection is for
 * relay_end(), which tells the status.
 */
int relay_take(int *connection, char code[CHAIN_CODE_LEN + 1], bool *invited,
    struct err *err);
void relay_end(int connection, int status);

#endif
