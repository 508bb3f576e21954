#include "config.h"

#include <string.h>

#include "replica_impl.h"

/*
 * Does a Seen line count: is its id that of the accepted changeset at that
 * place?  (design.md section 6)
 */
static int
line_counts(struct replica *r, const struct chain *of, int64_t seq,
    const void *id, size_t n, struct err *err)
{
	if (of == NULL || seq > of->accepted || n != CHANGESET_SEEN_ID)
		return 0;
	return replica_is_at(r, of, seq, id, n, err);
}

int
merge_knows(struct replica *r, int64_t *place, int64_t c, int64_t seq,
    int64_t of, struct err *err)
{
	const struct chain *other = replica_chain_no(r, of);
	struct { /* lines to try, highest first; nearly always the first */
		int64_t seq;
		uint8_t id[CHANGESET_SEEN_ID];
	} line[16];
	int64_t below = INT64_MAX;
	size_t i, n;
	int rc;

	*place = 0;
	if (c == of) {
		*place = seq;
		return 0;
	}
	do {
		struct db_stmt *st;

		n = 0;
		rc = db_query(&st, r->db, err,
		    "SELECT other_seq, id FROM _seen WHERE chain = ? AND"
		    " other = ? AND seq <= ? AND other_seq < ?"
		    " ORDER BY other_seq DESC LIMIT 16",
		    "iiii", c, of, seq, below);
		if (rc != 0)
			return rc;
		while ((rc = db_step(st, err)) == 1 && n < 16) {
			line[n].seq = db_int(st, 0);
			memset(line[n].id, 0, sizeof(line[n].id));
			db_bytes(line[n].id, sizeof(line[n].id), st, 1);
			n++;
		}
		db_done(st);
		for (i = 0; rc >= 0 && i < n; i++) {
			rc = line_counts(r, other, line[i].seq, line[i].id,
			    sizeof(line[i].id), err);
			if (rc == 1) {
				*place = line[i].seq;
				return 0;
			}
			below = line[i].seq;
		}
	} while (rc >= 0 && n == 16);
	return rc < 0 ? rc : 0;
}
