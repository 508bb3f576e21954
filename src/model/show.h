/*
 * Records as text: lines of label and value, one line of JSON, and the
 * history of who changed what when.
 */
#ifndef MODEL_SHOW_H
#define MODEL_SHOW_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;
struct record;
struct replica;

/*
 * Append one JSON object, without a newline: id, kind, owner, the fields
 * that have a value (decimals as texts), created_at, created_by; removed and
 * removed_reason; conflicts: the registers in conflict.  metres >= 0 is a
 * distance.
 */
int show_json(struct buf *out, struct replica *r, const struct record *rec,
    double metres, struct err *err);

/* Append the names of the registers in conflict, as a JSON array. */
int show_conflicts(struct buf *out, struct replica *r, const struct record *rec,
    struct err *err);

/* Append "label: value" lines, units and labels of codes with them, and
 * under a field in conflict every value with who wrote it and when. */
int show_lines(struct buf *out, struct replica *r, const struct record *rec,
    bool zh, struct err *err);

/* Append "ID  TITLE" and a newline, the kind between them if with_kind. */
void show_line(struct buf *out, const struct record *rec, bool with_kind);

/* Append what changed the record, oldest first: lines, or a JSON object a
 * line. */
int show_history(struct buf *out, struct replica *r, const struct record *rec,
    bool json, bool zh, struct err *err);

#endif
