/*
 * Room on the disk.  HOME/reserve is a file of 64 MiB (a sixteenth of a small
 * disk) that the daemon makes and that nothing reads.  While less is free than
 * a margin beyond it, nothing new is saved or received: that is said in one
 * sentence.  If the disk fills all the same it is given up, so that reading,
 * shutting down, the audit log, sealing and dropping records go on; and made
 * again once there is room.
 */
#ifndef SYNC_RESERVE_H
#define SYNC_RESERVE_H

#include <stdbool.h>

struct err;

/* Give the reserve up or, if make, make it (again), as the room is. */
void reserve_keep(const char *home, bool make);
/* May something new be kept?  YZ_EIO with sys ENOSPC and the sentence. */
int reserve_check(const char *home, struct err *err);
/* Bytes held in reserve now; -1: there never was one. */
long long reserve_held(const char *home);

#endif
