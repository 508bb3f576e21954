#include "config.h"

#include <string.h>

#include "replica_impl.h"
#include "tally.h"

/* Does a field merge and travel as before? */
static bool
same_meaning(const struct field *a, const struct field *b)
{
	return b != NULL && a->type == b->type && a->elem == b->elem &&
	       a->scale == b->scale && a->stream == b->stream &&
	       a->derived == b->derived &&
	       a->ancestor_only == b->ancestor_only &&
	       strcmp(a->group, b->group) == 0;
}

/* Has b a field in a merge group of a that a does not know?  A group may be
 * defined field by field, and its value names them all. */
static bool
group_grows(const struct kind *a, const struct kind *b)
{
	size_t i, j;

	for (i = 0; i < b->n_fields; i++) {
		const struct field *f = b->fields[i];

		if (f->group[0] == '\0' ||
		    schema_field(a, f->name, strlen(f->name)) != NULL)
			continue;
		for (j = 0; j < a->n_fields; j++)
			if (strcmp(a->fields[j]->group, f->group) == 0)
				return true;
	}
	return false;
}

/*
 * Definitions are only ever added by those who keep the rule; should a root
 * change one all the same, what was folded by the old one is folded again,
 * so that every replica comes out alike.
 */
static int
dirty_changed(struct replica *r, const struct schema *before,
    const struct schema *after, struct err *err)
{
	size_t i, j;
	int rc = 0;

	for (i = 0; rc == 0 && i < schema_count(before); i++) {
		const struct kind *a = schema_at(before, i);
		const struct kind *b = schema_kind(after, a->name);
		bool same = b != NULL && a->stream == b->stream;

		if (a->n_regs == 0)
			continue;
		for (j = 0; same && j < a->n_fields; j++)
			same = same_meaning(
			    a->fields[j], schema_field(b, a->fields[j]->name,
					      strlen(a->fields[j]->name)));
		if (!same || group_grows(a, b))
			rc = db_run(r->db, err,
			    "INSERT OR IGNORE INTO temp._dirty"
			    " SELECT rec FROM _record WHERE kind = ?",
			    "s", a->name);
	}
	return rc;
}

int
refold_schema(struct replica *r, struct err *err)
{
	struct schema *fresh;
	int rc;

	/* The sums are by the fields that were tallied so far. */
	rc = tally_flush(r, err);
	if (rc != 0)
		return rc;
	rc = schema_load(&fresh, r->db, true, err);
	if (rc != 0)
		return rc;
	rc = dirty_changed(r, r->schema, fresh, err);
	if (rc != 0) {
		schema_free(fresh);
		return rc;
	}
	schema_free(r->schema);
	r->schema = fresh;
	r->schema_stale = false;
	r->schema_kinds = r->kinds;
	r->dirty = true;
	/* What waits, and what a kind that knew less refused.  Not the
	 * records of built-in kinds: no definition changes them, but folding
	 * them brings us here again. */
	return db_exec(r->db,
	    "INSERT OR IGNORE INTO temp._dirty SELECT w.rec FROM"
	    " (SELECT rec FROM _unknown UNION SELECT rec FROM _quarantine) AS w"
	    " JOIN _record USING (rec)"
	    " WHERE kind NOT IN ('kind', 'field', 'list', 'code')",
	    err);
}
