/*
 * A kind's registers, from its fields: one for each, or for each merge group,
 * and the mark that says in a stream whether a record is there.
 */
#ifndef SYNC_SCHEMA_REG_H
#define SYNC_SCHEMA_REG_H

struct kind;

/* For schema.c, when the kind has all its fields. */
void schema_reg_make(struct kind *k);

#endif
