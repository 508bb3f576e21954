/*
 * The book of people: the console's tables in local.db, and their migrations.
 * What is written there is durable when it returns, unlike local.db's other
 * contents.
 */
#ifndef WEB_BOOK_H
#define WEB_BOOK_H

struct db;
struct err;

/* To be called on each connection before anything of src/web/ uses it. */
int book_open(struct db *db, struct err *err);

#endif
