/*
 * What home.c (the folder) and home_next.c (keys that come next) share.
 * Nobody else includes this.
 */
#ifndef SYNC_HOME_IMPL_H
#define SYNC_HOME_IMPL_H

#include "home.h"

/* Write HOME/station; a key's file. */
int home_station_write(const struct home *home, struct err *err);
int home_key_save(const struct home *home, const char *name,
    const struct sign_key *key, struct err *err);

#endif
