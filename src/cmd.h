/*
 * Subcommands.  Each lives in cmd_<name>.c, gets its own name as argv[0],
 * and returns an exit status: 0 done; 1 failed, with one line on stderr;
 * 2 usage; 3 done, but there is something to look at.  main.c holds the
 * table.  A cmd_ file turns arguments into one call and prints the result;
 * the logic is in the module.
 */
#ifndef CMD_H
#define CMD_H

#include <libintl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define _(text) gettext(text)

struct buf;
struct record;
struct replica;

enum { CMD_DONE = 0, CMD_FAILED = 1, CMD_USAGE = 2, CMD_LOOK = 3 };

struct cmd { /* what stands before and around the command's arguments */
	const char *home;    /* -C HOME */
	const char *name;    /* the subcommand */
	const char *exe;     /* absolute path of this program */
	const char *who;     /* the login of who ran it */
	bool clock_is_right; /* --clock-is-right: a person says so */
};

/* Find out whether people here read Chinese; once. */
void cmd_speak(const struct cmd *cmd);
/* A line of an err, a refusal or another station (catalogue_line) as people
 * here read it.  Borrowed until the next call. */
const char *cmd_words(const char *line);
/* Print "yizhan: NAME: message" and return CMD_FAILED. */
int cmd_fail(const struct cmd *cmd, const struct err *err);
/* Print the command's usage line and return CMD_USAGE. */
int cmd_usage(const struct cmd *cmd);
/* As root: go on as the owner of HOME, if that is another, so that nothing
 * there becomes root's (base/caller.h). */
int cmd_become_owner(const struct cmd *cmd, struct err *err);
/* As root, where somebody has moved the package's HOME away: an empty one of
 * the package's user, so that what is made there becomes his. */
int cmd_house(const struct cmd *cmd, struct err *err);
/* Where the Chinese messages of this program lie, beside where it was built or
 * installed.  Malloced. */
#define CMD_CATALOGUE "zh_CN/LC_MESSAGES/yizhan.mo"
char *cmd_catalogue(const struct cmd *cmd);
/* " -C HOME" as it is to be typed, "" for the default.  Borrowed, static. */
const char *cmd_at(const struct cmd *cmd);
/* Open HOME's replica for reading and writing. */
int cmd_open(struct replica **out, const struct cmd *cmd, struct err *err);
/* The same and local.db, for who listens to another station: within
 * LIMIT_MEMORY, and with small caches.  Nothing is open on failure. */
struct local;
int cmd_open_receiver(struct replica **out, struct local **local,
    const struct cmd *cmd, struct err *err);
/* Commit was done: seal, close; keeps the first error. */
int cmd_close(struct replica *r, int rc, struct err *err);
/* A record on standard output: a JSON object, or a line with the distance,
 * unless metres is below 0, and the kind, if with_kind. */
int cmd_print_record(struct replica *r, const struct record *rec, double metres,
    bool with_kind, bool json, struct err *err);
/* The person: as (from --as) or the login name; and the login, reduced to
 * what a changeset's address allows.  Borrowed, static. */
const char *cmd_person(const char *as);
const char *cmd_login(void);
/* The login of who ran the program, through sudo too: to be asked before it
 * goes on as the owner of HOME.  Borrowed, static. */
const char *cmd_operator(void);
/* Do the locale's messages begin with zh?  Then labels are Chinese. */
bool cmd_chinese(void);
/* Append a fingerprint's digits as they are typed, line by line as they are
 * read out over the telephone, until there are as many as one has. */
void cmd_ask_fingerprint(struct buf *out);
/* A whole number from 1 up; false if s is none. */
bool cmd_number(int64_t *out, const char *s);

/*
 * Take one option out of argv wherever it stands before "--": a flag
 * (value = NULL) or with a value ("--name V" or "--name=V").  Returns 1 if
 * it was there, 0 if not, -1 if its value is missing.
 */
int cmd_option(int *argc, char **argv, const char *name, const char **value);
/* After all options were taken: is something left that looks like one?  Then
 * print it and return true. */
bool cmd_unknown_option(const struct cmd *cmd, int argc, char **argv);

int cmd_add(struct cmd *cmd, int argc, char **argv);
int cmd_backup(struct cmd *cmd, int argc, char **argv);
int cmd_confirm(struct cmd *cmd, int argc, char **argv);
int cmd_conflicts(struct cmd *cmd, int argc, char **argv);
int cmd_demo(struct cmd *cmd, int argc, char **argv);
int cmd_digest(struct cmd *cmd, int argc, char **argv);
int cmd_doctor(struct cmd *cmd, int argc, char **argv);
int cmd_export(struct cmd *cmd, int argc, char **argv);
int cmd_find(struct cmd *cmd, int argc, char **argv);
int cmd_get(struct cmd *cmd, int argc, char **argv);
int cmd_import(struct cmd *cmd, int argc, char **argv);
int cmd_init(struct cmd *cmd, int argc, char **argv);
int cmd_invite(struct cmd *cmd, int argc, char **argv);
int cmd_join(struct cmd *cmd, int argc, char **argv);
int cmd_keys(struct cmd *cmd, int argc, char **argv);
int cmd_link(struct cmd *cmd, int argc, char **argv);
int cmd_list(struct cmd *cmd, int argc, char **argv);
int cmd_log(struct cmd *cmd, int argc, char **argv);
int cmd_near(struct cmd *cmd, int argc, char **argv);
int cmd_peer(struct cmd *cmd, int argc, char **argv);
int cmd_quarantine(struct cmd *cmd, int argc, char **argv);
int cmd_rebuild(struct cmd *cmd, int argc, char **argv);
int cmd_restore(struct cmd *cmd, int argc, char **argv);
int cmd_resolve(struct cmd *cmd, int argc, char **argv);
int cmd_resume(struct cmd *cmd, int argc, char **argv);
int cmd_revoke(struct cmd *cmd, int argc, char **argv);
int cmd_rm(struct cmd *cmd, int argc, char **argv);
struct roster;
int cmd_roster(struct cmd *cmd, int argc, char **argv);
/* If two documents of that scope are held: a line that says so. */
bool cmd_roster_contested(
    struct buf *out, const struct roster *roster, const char *scope);
/* roster SUBCOMMAND, argv[0] being the latter */
int cmd_roster_change(struct cmd *cmd, int argc, char **argv);
/* roster pin; CMD_USAGE, or 0 or an error. */
int cmd_roster_pin(
    const struct cmd *cmd, int argc, char **argv, struct err *err);
int cmd_rotate(struct cmd *cmd, int argc, char **argv);
int cmd_scrub(struct cmd *cmd, int argc, char **argv);
int cmd_serve(struct cmd *cmd, int argc, char **argv);
int cmd_set(struct cmd *cmd, int argc, char **argv);
int cmd_setup_code(struct cmd *cmd, int argc, char **argv);
int cmd_show(struct cmd *cmd, int argc, char **argv);
int cmd_status(struct cmd *cmd, int argc, char **argv);
int cmd_sync(struct cmd *cmd, int argc, char **argv);
int cmd_user(struct cmd *cmd, int argc, char **argv);
int cmd_verify(struct cmd *cmd, int argc, char **argv);

#endif
