/*
 * A folder of backups, as the one of every night: what one is called there,
 * and how many are kept.
 */
#ifndef BACKUP_FOLDER_H
#define BACKUP_FOLDER_H

#include <stdint.h>

struct err;

/* DIR/yizhan-520302-20261124-031500.backup, malloced; one second on where there
 * is such a file already, as often as need be. */
char *backup_folder_path(const char *dir, const char *code);

/* Keep that many of them, of which written, the path of the newest, is one
 * always; NULL if it is still to come. */
int backup_folder_thin(const char *dir, const char *code, int64_t keep,
    const char *written, struct err *err);

/*
 * There was no room for another: take away the oldest one, and more until there
 * is room for one like the newest; never the newest one, and none if what is
 * full is the disk of home, which is another.  How many it took.
 */
int backup_folder_make_room(
    const char *dir, const char *code, const char *home);

#endif
