/*
 * doctor: what an administrator should know of this machine and this station,
 * a line each, in words that say what to do.  A finding is what somebody has
 * to act on; everything else is said to be good.
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdbool.h>

struct buf;
struct cmd;
struct err;
struct local;
struct replica;

struct doctor {
	const struct cmd *cmd;
	bool json;
	int findings;
	struct replica *r;   /* NULL if HOME does not open */
	struct local *local; /* likewise */
	const char *sshd;    /* what sshd -T printed; NULL if there is none */
};

/* A line about what (a word of the table in doctor.c). */
void doctor_good(struct doctor *d, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void doctor_find(struct doctor *d, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Run a program of the system without a shell, /usr/sbin too, and append what
 * it prints, up to 1 MiB.  Returns its exit status, or -1 if it is not here.
 */
int doctor_run(struct buf *out, const char *const argv[]);

/* What sshd would do for the user who owns HOME; to be asked while we are
 * still root, if we are.  false: there is no sshd. */
bool doctor_ask_sshd(struct buf *out, const char *user, const char *key);

/* Each looks at one thing; those of the station want r and local. */
void doctor_libraries(struct doctor *d);
void doctor_disk(struct doctor *d);
void doctor_files(struct doctor *d);
void doctor_clock(struct doctor *d);
void doctor_database(struct doctor *d);
void doctor_sshd(struct doctor *d);
void doctor_backup(struct doctor *d);
void doctor_peers(struct doctor *d);

#endif
