/*
 * The vocabulary a federation starts with: kinds, fields, code lists and
 * divisions from the data files, as records of the built-in kinds in the
 * roster stream (design.md section 9).  After that the records are the
 * truth and the files are not read again.
 *
 * A thing's record id follows from its name, so that a second definition of
 * one thing is the same record: CODE-, then the first 32 hex digits of the
 * SHA-256 of "kind:NAME", "field:KIND.FIELD", "list:NAME" or
 * "code:LIST:CODE".
 */
#ifndef MODEL_VOCABULARY_H
#define MODEL_VOCABULARY_H

#include "chain.h"

struct act;
struct buf;
struct err;

void vocabulary_id(
    char id[RECORD_ID_LEN + 1], const char *root, const char *what);

/*
 * Add everything to act, as records of the station root.  divisions: path
 * of a table like divisions/guizhou-divisions.tsv, "none" for no divisions,
 * NULL for the ones installed.  With act NULL the files are only checked.
 */
int vocabulary_add(
    struct act *act, const char *root, const char *divisions, struct err *err);

/* Append the name of the division code; YZ_ENOTFOUND.  divisions as above. */
int vocabulary_division(
    struct buf *name, const char *divisions, const char *code, struct err *err);

#endif
