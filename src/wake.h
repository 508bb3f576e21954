/*
 * Sessions with peers that are under way beside this process: those of the
 * daemon, and those below sshd.
 */
#ifndef WAKE_H
#define WAKE_H

#include <stdbool.h>

struct replica;

bool wake_is_there(const char *home, const char *code);
/* Whoever is there ends, and calls anew at once. */
void wake_peer(const char *home, const char *code);
/* All of them. */
void wake_all(struct replica *r);

#endif
