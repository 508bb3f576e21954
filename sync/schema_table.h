/*
 * The typed table of a base kind, and the numbers that its registers have in
 * this replica's clocks.
 */
#ifndef SYNC_SCHEMA_TABLE_H
#define SYNC_SCHEMA_TABLE_H

#include <stdbool.h>

struct db;
struct err;
struct kind;
struct reg;

/* Fill r->no; a register without one gets the next if create is set. */
int schema_table_number(struct db *db, const struct kind *k, struct reg *r,
    bool create, struct err *err);
/* Make the kind's table, or add the columns that it lacks; and what is found
 * and counted by. */
int schema_table_create(struct db *db, const struct kind *k, struct err *err);
/* Fill k->tallied. */
void schema_table_tallied(struct kind *k);
/* Fill k->sql. */
void schema_table_sql(struct kind *k);

#endif
