/*
 * The demonstration: four stations in one folder, real sshd processes
 * between them, and a story in steps.  What a step says is read back through
 * the program, or asked of another tool, before it is printed as held.
 *
 * The story ends at the first check that does not hold: the steps after it
 * would stand on sand.
 */
#ifndef DEMO_H
#define DEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "chain.h"
#include "cmd.h"
#include "demo_console.h"
#include "demo_sshd.h"

struct err;
struct json;

enum { PROVINCE, CITY, COUNTY, SIBLING, DEMO_STATIONS };

#define DEMO_ETAG_MAX 4096 /* a record's, as its console gives it */
#define DEMO_RECORDS 2000  /* of the register, not counting real points */

struct demo_station {
	const char *code, *name;
	int parent; /* index, or -1 */
	int share;  /* of DEMO_RECORDS */
	bool calls; /* has children, so that it needs an sshd */
	char *home;
	struct demo_sshd sshd;
	struct demo_console console;
};

struct demo {
	const struct cmd *cmd;
	char *dir;
	struct demo_station st[DEMO_STATIONS];
	struct buf out, err; /* of the last command run */
	int checks;

	/* What later steps come back to. */
	char team[RECORD_ID_LEN + 1];
	char hazard[RECORD_ID_LEN + 1];
	char contact[RECORD_ID_LEN + 1];
	char photo[DIGEST_HEX_LEN + 1]; /* the attachment's name */
	struct buf photo_bytes;
};

/* --- telling (demo_story.c) --------------------------------------------- */

/* Print one line, "ok" or "NO"; on NO also what the last command said. */
bool demo_check(struct demo *d, bool held, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Print a line that claims nothing. */
void demo_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* All steps; false as soon as one did not hold. */
bool demo_story(struct demo *d);

/* --- stations (demo_station.c) ------------------------------------------- */

void demo_signal(int sig); /* for sigaction(): ends what runs, then us */
bool demo_stopped(void);

void demo_open(struct demo *d, const struct cmd *cmd, const char *dir);
/* Stop every sshd and let go of everything. */
void demo_close(struct demo *d);
/* How many of the stations' folders exist? */
int demo_found(const struct demo *d);

/* "yizhan -C HOME ARG ..." and any other program; arguments end with NULL.
 * The exit status; 127 if it did not run.  d->out and d->err are its. */
int demo_run(struct demo *d, int station, ...) __attribute__((sentinel));
int demo_tool(struct demo *d, ...) __attribute__((sentinel));
int demo_run_list(struct demo *d, const char *const *args);
/* The last line that the last command put on stderr, or stdout if none. */
const char *demo_last(struct demo *d);
/* How many lines it put on stderr. */
int demo_complaints(struct demo *d);

/* Add a record (KIND F=V ...); its id.  False if it was refused. */
bool demo_add(struct demo *d, char id[RECORD_ID_LEN + 1], int station, ...)
    __attribute__((sentinel));
/* A field of a record as that station shows it: text, "" if absent.  Valid
 * until the next call. */
const char *demo_value(struct demo *d, int station, const char *kind,
    const char *id, const char *field);
/* What "digest --stream S" or "digest --owner CODE" prints there; "" if it
 * failed. */
#define DEMO_DIGEST_MAX 512
void demo_digest(struct demo *d, char out[DEMO_DIGEST_MAX], int station,
    const char *what, const char *which);

/* Open the way in: sshd with today's keys; whoever calls it learns the
 * port.  Keys are written again by demo_line_keys(). */
int demo_line_open(struct demo *d, int station, struct err *err);
int demo_line_keys(struct demo *d, int station, struct err *err);
/* One sync, and the parent's list of keys after it. */
bool demo_sync(struct demo *d, int station);
/* Counties, city, counties: a word from any station reaches every other.
 * With answers city and counties once more: a station that applied news of
 * an incident says so under signature, and that is news below. */
bool demo_sync_all(struct demo *d, bool answers);

/* --- who knows what (demo_found.c) ---------------------------------------- */

/* Checks: whoever may know a stream knows the same of it; and the sibling
 * knows nothing of the county's own affairs. */
bool demo_converged(struct demo *d);
bool demo_kept_from_sibling(struct demo *d);

/* Does the station hold the photo's bytes? (demo_apart.c) */
bool demo_has_photo(struct demo *d, int station);
/* Check: no station finds a fault in what it holds. (demo_proof.c) */
bool demo_verified(struct demo *d);

/* --- the steps, in the order of the story --------------------------------- */

bool demo_step_found(struct demo *d); /* demo_found.c */
bool demo_step_first(struct demo *d);
bool demo_step_cut(struct demo *d); /* demo_apart.c */
bool demo_step_team(struct demo *d);
bool demo_step_incident(struct demo *d);
bool demo_step_mark(struct demo *d);
bool demo_step_field(struct demo *d);
bool demo_step_back(struct demo *d); /* demo_together.c */
bool demo_step_conflict(struct demo *d);
bool demo_step_git(struct demo *d); /* demo_proof.c */
bool demo_step_altered(struct demo *d);
bool demo_step_consoles(struct demo *d); /* demo_desk.c */

/* Checks: accounts, a running console and a login at every station. */
bool demo_consoles(struct demo *d);
/* Addresses and logins. */
void demo_print_consoles(const struct demo *d);

/* A small picture of a landslide, as PNG (demo_photo.c). */
void demo_photo(struct buf *png);

#endif
