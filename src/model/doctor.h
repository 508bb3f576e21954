/*
 * doctor: what an administrator should know of this machine and this station,
 * a line each, in words that say what to do.  A finding is what somebody has
 * to act on; everything else is said to be good.
 */
#ifndef MODEL_DOCTOR_H
#define MODEL_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

struct buf;

/* what is a word of a fixed set, e.g. "disk", to be translated with
 * gettext(); text is one line in the locale's language. */
typedef void (*doctor_say)(
    void *arg, const char *what, bool good, const char *text);

/* What the caller has looked at, being another user or in another room. */
struct doctor_seen {
	const char *sshd; /* what doctor_ask_sshd() gave; NULL: there is none */
	/* What the backups of every night are encrypted with, and the file
	 * that has it; NULL: not known. */
	const char *passphrase, *passphrase_file;
	const char *passphrase_bad; /* why tonight's will not do, or NULL */
	struct {                    /* of the console's HTTPS */
		bool there;
		const char *broken; /* what is wrong with it, or NULL: */
		bool endless;
		int64_t from, until; /* wall ms */
	} certificate;
};

/*
 * Look at everything, with connections of its own, and call say for each
 * line; how many findings there were is returned.  Takes some seconds where
 * the databases or the last backup are large.  No lock is held, and nothing is
 * written.
 */
int doctor_examine(const char *home, const struct doctor_seen *seen,
    doctor_say say, void *arg);

/* What sshd would do for the user who owns home; to be asked while we are
 * still root, if we are.  false: there is no sshd. */
bool doctor_ask_sshd(struct buf *out, const char *home);

#endif
