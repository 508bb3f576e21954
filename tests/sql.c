/*
 * For tests: run SQL on one of a station's databases, through the program's
 * own pages (base/db_page.h), which the sqlite3 tool does not write.
 *
 *	sql FILE STATEMENT
 */
#include "config.h"

#include <stdio.h>

#include "base/db.h"
#include "base/err.h"

int
main(int argc, char **argv)
{
	struct db *db = NULL;
	struct err err;
	int rc;

	if (argc != 3) {
		fprintf(stderr, "usage: sql FILE STATEMENT\n");
		return 2;
	}
	rc = db_open(&db, argv[1], 0, &err);
	if (rc == 0)
		rc = db_exec(db, argv[2], &err);
	if (rc != 0)
		fprintf(stderr, "sql: %s\n", err.msg);
	db_close(db);
	return rc != 0;
}
