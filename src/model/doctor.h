/*
 * doctor: what an administrator should know of this machine and this station,
 * a line each, in words that say what to do.  A finding is what somebody has
 * to act on; everything else is said to be good.
 */
#ifndef MODEL_DOCTOR_H
#define MODEL_DOCTOR_H

#include <stdbool.h>

struct buf;

/* what is a word of a fixed set, e.g. "disk", to be translated with
 * gettext(); text is one line in the locale's language. */
typedef void (*doctor_say)(
    void *arg, const char *what, bool good, const char *text);

/*
 * Look at everything, with connections of its own, and call say for each
 * line; how many findings there were is returned.  sshd is what
 * doctor_ask_sshd() gave, or NULL.  Takes some seconds where the databases
 * are large.  No lock is held, and nothing is written.
 */
int doctor_examine(
    const char *home, const char *sshd, doctor_say say, void *arg);

/* What sshd would do for the user who owns home; to be asked while we are
 * still root, if we are.  false: there is no sshd. */
bool doctor_ask_sshd(struct buf *out, const char *home);

#endif
