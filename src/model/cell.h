/*
 * Cells of tables that people keep: what a spreadsheet or a habit puts around
 * a value is taken off, so that value_parse() sees the value.
 */
#ifndef MODEL_CELL_H
#define MODEL_CELL_H

#include <stdbool.h>

struct buf;
struct field;

/*
 * Append the text to be parsed as a value of f: an apostrophe that kept a
 * spreadsheet from calculating; "１，２００" -> "1200"; 12.300000000000001 ->
 * 12.3; degrees rounded to the field's digits, also from 106°42'13.5";
 * "第一仓库 (520302-1f0c9a7e)" -> "520302-1f0c9a7e" for a reference.
 */
void cell_tidy(struct buf *out, const struct field *f, const char *text);

/* Is it one mobile number (11 digits beginning with 1, also with +86,
 * spaces or dashes)?  Its digits are appended. */
bool cell_mobile(struct buf *digits, const char *text);

/* Is it an institution's number and a mobile number in one cell?  Both are
 * appended. */
bool cell_two_phones(struct buf *phone, struct buf *mobile, const char *text);

#endif
