/*
 * Pages of a database file, each with a checksum of itself and its number in
 * its last eight bytes, which SQLite leaves to us.  Made when a page is
 * written to the file, compared whenever one is read: so bit rot never
 * becomes an answer.  Where a single bit has turned, the page is read as it
 * was; where more is gone, reading fails.
 *
 *	sum = h after all words, little-endian; words are the page's first
 *	4088 bytes, eight at a time, little-endian; h begins as the page's
 *	number (1 is the first);
 *	h = (h ^ word) * 0x9e3779b97f4a7c15, h = h ^ (h >> 32)
 */
#ifndef BASE_DB_PAGE_H
#define BASE_DB_PAGE_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct sqlite3_file; /* SQLite's own, of a database */

#define DB_PAGE 4096u  /* bytes of a page */
#define DB_PAGE_SUM 8u /* of these the last */

void db_page_seal(uint8_t page[DB_PAGE], uint32_t number);
/* A page that was never written is all zeros, and holds. */
bool db_page_holds(const uint8_t page[DB_PAGE], uint32_t number);
/* Was it written by another program than ours, without a sum?  A page that was
 * never written was by nobody. */
bool db_page_is_plain(const uint8_t page[DB_PAGE], uint32_t number);
/* Turn the one bit back after which it holds; false if there is none. */
bool db_page_mend(uint8_t page[DB_PAGE], uint32_t number);

/* Have SQLite read and write all databases so; once per process. */
int db_page_register(struct err *err);
/* In this thread: pages that do not hold are read as they are, because they
 * are about to be written over. */
void db_page_lenient(bool lenient);

/* Page by page, below SQLite's cache.  Counted from 1; false: no such page. */
bool db_page_get(
    struct sqlite3_file *file, uint8_t page[DB_PAGE], uint32_t number);
bool db_page_put(
    struct sqlite3_file *file, const uint8_t page[DB_PAGE], uint32_t number);

#endif
