/*
 * Administrative acts by command, in the same audit log as the console's
 * (web/audit.h): said before they are done, and how they ended.  A HOME
 * without a log begins one.
 */
#ifndef LOGGED_H
#define LOGGED_H

struct cmd;
struct err;

/* Who ran the program is about to do this, as the owner of HOME by now.  If
 * that cannot be written down, it is not to be done. */
int logged_ask(const struct cmd *cmd, const char *what, const char *about,
    struct err *err);
/* It was done, or failed with rc and err: returns rc, or why that could not be
 * written down.  For what makes HOME itself this is all. */
int logged_end(const struct cmd *cmd, const char *what, const char *about,
    int rc, struct err *err);

#endif
