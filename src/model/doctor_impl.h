/*
 * What the files that make up the doctor share.  Nobody else includes this.
 */
#ifndef MODEL_DOCTOR_IMPL_H
#define MODEL_DOCTOR_IMPL_H

#include <libintl.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/doctor.h"

#define _(text) gettext(text)

struct local;
struct replica;

struct doctor {
	const char *home;
	doctor_say say;
	void *arg;
	int findings;
	struct replica *r;   /* NULL if HOME does not open */
	struct local *local; /* likewise */
	const struct doctor_seen *seen;
	struct buf words; /* of doctor_words() */
};

/* A line about what (a word of the table in doctor.c). */
void doctor_good(struct doctor *d, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void doctor_find(struct doctor *d, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A line of an err or of another station as the reader has it (catalogue_line).
 * Borrowed until the next call. */
const char *doctor_words(struct doctor *d, const char *line);

/*
 * Run a program of the system without a shell, /usr/sbin too, and append what
 * it prints, up to 1 MiB.  Returns its exit status, or -1 if it is not here.
 */
int doctor_run(struct buf *out, const char *const argv[]);

/* Each looks at one thing; those of the station want r and local. */
void doctor_libraries(struct doctor *d);
void doctor_disk(struct doctor *d);
void doctor_theft(struct doctor *d);
void doctor_files(struct doctor *d);
void doctor_clock(struct doctor *d);
void doctor_database(struct doctor *d);
void doctor_sshd(struct doctor *d);
void doctor_backup(struct doctor *d);
void doctor_certificate(struct doctor *d);
void doctor_scrub(struct doctor *d);
void doctor_rosters(struct doctor *d);
void doctor_peers(struct doctor *d);

#endif
