/*
 * What rots in a ledger's files is found and, where that can be, put right
 * from what is there: every object is hashed; where one bit has turned, it is
 * turned back; what else is damaged is taken out, so that the next to write
 * that object writes it.  All else of a pack goes on in a new one.  The
 * caller holds the ledger's lock.
 */
#ifndef SYNC_MEND_H
#define SYNC_MEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct mend {
	int64_t objects; /* looked at; of a pack that holds as a whole, none */
	int64_t mended;  /* put right */
	int64_t lost;    /* taken out */
};

/* Add what is found in a bare repository to out. */
int mend_repo(struct mend *out, const char *repo, struct err *err);

/*
 * A file of a few lines in which one bit may have turned: try each, until
 * good says yes, and turn it back in that very file, so that one which has
 * just taken its place is left alone.  YZ_ENOTFOUND if none does.
 */
int mend_text(const char *path,
    bool (*good)(void *arg, const char *text, size_t n), void *arg,
    struct err *err);

#endif
