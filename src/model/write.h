/*
 * Writing: from "F=V" to one signed act.
 *
 * A struct write is one act of one person; records are added, set and
 * dropped in it, checked one by one, and written together by write_commit().
 * The database is locked for writing from write_new() on, so that what was
 * checked still stands when it is written.  Nothing in it can be read before
 * the commit, and what fails leaves the rest of the act as it was.
 */
#ifndef MODEL_WRITE_H
#define MODEL_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "chain.h"
#include "draft.h"

struct err;
struct replica;
struct write;

/* author, login, subject: as act_new().  If a transaction is open already
 * it is the caller's to end. */
int write_new(struct write **out, struct replica *r, const char *author,
    const char *login, const char *subject, struct err *err);
/* Let F=@FILE read files of this machine: for commands, never for what
 * comes from a browser or a table. */
void write_allow_files(struct write *w);
/* Let a new emergency lack what is required but its title: a first report is
 * never held back.  Gaps stay visible as gaps. */
void write_allow_gaps(struct write *w);
/* Say the subject that write_new() was given, also of one record. */
void write_say_subject(struct write *w);
/* Without write_commit() before it, nothing was written. */
void write_free(struct write *w);

/* A new record of a kind or sub-kind; id is filled. */
int write_add(struct write *w, char id[RECORD_ID_LEN + 1], const char *kind,
    const struct assign *v, size_t n, struct err *err);
/* Change one; *changed is false if everything stands so already. */
int write_set(struct write *w, bool *changed, const char *kind, const char *id,
    const struct assign *v, size_t n, struct err *err);
/* Drop it in every stream it may have. */
int write_rm(struct write *w, const char *kind, const char *id, const char *why,
    struct err *err);

/* Ops waiting. */
size_t write_count(const struct write *w);
/* Nothing waiting: nothing is written, and that is no failure. */
int write_commit(struct write *w, struct err *err);

#endif
