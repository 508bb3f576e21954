/*
 * The roster in a folder, for auditors: every document as the file
 * SCOPE-VERSION, its exact text, with its signatures in SCOPE-VERSION.1.sig
 * and on, as ssh-keygen checks them.  A document that does not count has the
 * beginning of its hash in its name, too.
 */
#ifndef SYNC_ROSTER_FILES_H
#define SYNC_ROSTER_FILES_H

struct err;
struct pins;
struct replica;
struct roster;

/* Every document held, those that do not count too.  Makes the folder. */
int roster_files_write(struct replica *r, const char *dir, struct err *err);

/*
 * The roster that the files in a folder come to.  Each version of the root
 * part there must follow the one before it, if that is there too, or be one of
 * pins; so whoever knows the first, and what was pinned, or the newest, knows
 * that the others are good.  Of other
 * files in the folder nothing is asked.  YZ_ENOTFOUND: no root part is there.
 */
int roster_files_read(struct roster **out, const char *dir,
    const struct pins *pins, struct err *err);

#endif
