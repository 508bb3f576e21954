#include "config.h"

#include <stdint.h>

#include "audit.h"
#include "audit_head.h"
#include "audit_row.h"
#include "audit_tail.h"
#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"

/* Entries are added one by one, each signed for: those from the last that was
 * on are one, or a few that were not signed for. */
static int
look_at_rows(struct buf *out, struct db *db, const struct audit_head *head,
    struct err *err)
{
	struct digest prev, want, hash;
	struct audit_place before;
	struct audit_entry e;
	struct db_stmt *st;
	int rc;

	rc = audit_row_place(&before, db,
	    "SELECT no, hash FROM (SELECT no, hash FROM audit UNION ALL"
	    " SELECT no, hash FROM audit_base) WHERE no < ? ORDER BY no DESC"
	    " LIMIT 1",
	    head->last.no, err);
	if (rc == 0)
		rc = db_query(&st, db, err,
		    "SELECT " AUDIT_ROW_COLUMNS ", hash FROM audit"
		    " WHERE no >= ? ORDER BY no",
		    "i", head->last.no);
	if (rc != 0)
		return rc;
	prev = before.hash;
	while ((rc = db_step(st, err)) == 1 && out->len == 0) {
		audit_row_read(&e, st);
		audit_row_read_hash(&hash, st, 8);
		audit_row_hash(&want, &prev, &e);
		if (!digest_equal(&want, &hash))
			buf_printf(
			    out, N_("entry %lld was changed"), (long long)e.no);
		prev = hash;
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

static int
look_at_last(struct buf *out, struct db *db, const struct audit_head *head,
    const struct audit_place *last, struct err *err)
{
	struct audit_place there;
	int rc;

	if (head->last.no > last->no) {
		buf_printf(out, N_("entries %lld to %lld are gone"),
		    (long long)last->no + 1, (long long)head->last.no);
		return 0;
	}
	rc = audit_row_place(&there, db,
	    "SELECT no, hash FROM (SELECT no, hash FROM audit UNION ALL"
	    " SELECT no, hash FROM audit_base) WHERE no = ?",
	    head->last.no, err);
	if (rc != 0)
		return rc;
	if (there.no != head->last.no)
		buf_printf(
		    out, N_("entry %lld is gone"), (long long)head->last.no);
	else if (!digest_equal(&there.hash, &head->last.hash))
		buf_printf(out,
		    N_("entry %lld is another than the one that HOME/audit was "
		       "signed for"),
		    (long long)head->last.no);
	return out->len > 0 ? 0 : look_at_rows(out, db, head, err);
}

/* What HOME/audit was signed for, against what is there. */
static int
look_at_head(struct buf *out, struct db *db, const struct audit_head *head,
    const struct audit_place *last, struct err *err)
{
	struct audit_place base;
	int rc;

	rc = audit_row_base(&base, db, err);
	if (rc == 0 && (base.no != head->base.no ||
			   !digest_equal(&base.hash, &head->base.hash)))
		buf_printf(out,
		    N_("it begins behind entry %lld, but HOME/audit was signed "
		       "for one that begins behind %lld"),
		    (long long)base.no, (long long)head->base.no);
	else if (rc == 0)
		rc = look_at_last(out, db, head, last, err);
	return rc;
}

/* What can have come about without anybody's doing. */
static void
look_for_notes(struct buf *out, const struct audit_head *head,
    const struct audit_place *last, const struct home *home,
    const struct roster *keys)
{
	if (!audit_head_ours(head->key, home, keys))
		buf_puts(
		    out, N_("HOME/audit was signed by another key: this "
			    "station's was replaced, or somebody else wrote "
			    "it"));
	else if (last->no > head->last.no)
		buf_printf(out,
		    N_("entries %lld to %lld were not signed for: this machine "
		       "stopped then, or somebody else wrote them"),
		    (long long)head->last.no + 1, (long long)last->no);
}

int
audit_tail_look(struct buf *out, bool *fault, struct db *db,
    const struct home *home, const struct roster *keys, struct err *err)
{
	struct audit_place last;
	struct audit_head head;
	int rc, has;

	*fault = true;
	rc = audit_row_last(&last, db, err);
	if (rc != 0)
		return rc;
	has = audit_head_read(&head, home, err);
	if (has != 0 && has != YZ_ENOTFOUND && has != YZ_ECORRUPT)
		return has;
	if (has != 0) { /* before the first entry there is none */
		if (last.no > 0)
			buf_puts(out, N_("HOME/audit was missing or damaged"));
		return 0;
	}
	if (keys != NULL && !audit_head_ours(head.key, home, keys))
		buf_puts(out, N_("HOME/audit was signed by a key that this "
				 "station never had"));
	else
		rc = look_at_head(out, db, &head, &last, err);
	if (rc == 0 && out->len == 0) {
		*fault = false;
		look_for_notes(out, &head, &last, home, keys);
	}
	return rc;
}
