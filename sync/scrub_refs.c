#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"
#include "branch.h"
#include "mend.h"
#include "proof.h"
#include "replica_impl.h"
#include "scrub_impl.h"
#include "trust.h"

#define REF_LEN 41 /* an address and a newline */

struct refs { /* the files of refs being looked at */
	struct scrubbing *s;
	struct ledger *ledger;
	enum stream stream;
	bool alone; /* there is no replica that knows where they stood */
};

static bool
leads_somewhere(void *arg, const char *text, size_t n)
{
	struct refs *refs = arg;
	struct buf commit = BUF_INIT;
	struct err ignored;
	uint8_t oid[20];
	bool good;

	good = n == REF_LEN && text[n - 1] == '\n' &&
	       digest_unhex(oid, sizeof(oid), text, n - 1) &&
	       ledger_read(refs->ledger, refs->stream, oid, "commit", &commit,
		   &ignored) == 0;
	buf_free(&commit);
	return good;
}

/* Is the chain there from this head on back to its first changeset? */
static bool
chain_is_whole(struct refs *refs, const struct buf *ref)
{
	struct buf commit = BUF_INIT, ops = BUF_INIT;
	struct err ignored;
	uint8_t oid[20];
	bool more, good;

	more =
	    leads_somewhere(refs, (const char *)ref->b, ref->len) &&
	    digest_unhex(oid, sizeof(oid), (const char *)ref->b, REF_LEN - 1);
	good = more;
	while (more) {
		buf_clear(&commit);
		buf_clear(&ops);
		good = ledger_read_commit(refs->ledger, refs->stream, oid,
			   &commit, &ops, &ignored) == 0;
		more = good && branch_parent(oid, &commit);
	}
	buf_free(&commit);
	buf_free(&ops);
	return good;
}

/* Are all files of the commit there? */
static bool
has_files(struct refs *refs, const uint8_t oid[20], const char *const names[],
    size_t n)
{
	struct buf text = BUF_INIT;
	struct err ignored;
	bool good = true;
	size_t i;

	for (i = 0; good && i < n; i++) {
		buf_clear(&text);
		good = rebuild_file(refs->ledger, refs->stream, oid, names[i],
			   &text, &ignored) == 0;
	}
	buf_free(&text);
	return good;
}

static bool
pair_is_whole(struct refs *refs, const struct buf *ref)
{
	uint8_t oid[20];

	return leads_somewhere(refs, (const char *)ref->b, ref->len) &&
	       digest_unhex(
		   oid, sizeof(oid), (const char *)ref->b, REF_LEN - 1) &&
	       has_files(refs, oid, proof_part_names, PROOF_PARTS);
}

/* From this roster on back to the first. */
static bool
roster_is_whole(struct refs *refs, const struct buf *ref)
{
	static const char *const names[] = {"roster", "signatures"};
	struct buf commit = BUF_INIT;
	struct err ignored;
	uint8_t oid[20];
	bool more, good;

	more =
	    leads_somewhere(refs, (const char *)ref->b, ref->len) &&
	    digest_unhex(oid, sizeof(oid), (const char *)ref->b, REF_LEN - 1);
	good = more;
	while (more) {
		buf_clear(&commit);
		good = has_files(refs, oid, names, 2) &&
		       ledger_read(refs->ledger, refs->stream, oid, "commit",
			   &commit, &ignored) == 0;
		more = good && branch_parent(oid, &commit);
	}
	buf_free(&commit);
	return good;
}

static bool
begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/*
 * Before anything is read by refs: turn a bit back where that leads somewhere
 * again.  A chain that is whole neither in the replica nor in the ledger would
 * keep all others from being folded: it is let go, and comes anew from a peer.
 */
static int
mend_ref(
    void *arg, const char *name, int64_t size, int64_t mtime, struct err *err)
{
	struct refs *refs = arg;
	char *path = mem_printf("%s/ledger/%s.git/refs/%s", refs->s->home,
	    stream_name(refs->stream), name);
	struct buf text = BUF_INIT;
	int rc = 0;

	(void)size;
	(void)mtime;
	if (strstr(name, ".lock") != NULL ||
	    file_read(&text, path, 4096, err) != 0)
		goto out;
	if (!leads_somewhere(refs, buf_str(&text), text.len) &&
	    mend_text(path, leads_somewhere, refs, err) == 0) {
		scrub_say(refs->s, RIGHT, 1, "refs/%s put right", name);
		buf_clear(&text);
		rc = file_read(&text, path, 4096, err);
	}
	if (rc == 0 && refs->alone && begins(name, "chains/") &&
	    !chain_is_whole(refs, &text)) {
		scrub_say(refs->s, WANTED, 1,
		    "refs/%s: its chain is damaged, and so is the replica",
		    name);
		if (unlink(path) != 0)
			rc = err_sys(err, "%s", path);
	}
	/* It would keep all else from being folded, and comes anew too. */
	if (rc == 0 && refs->alone && begins(name, "forks/") &&
	    strcmp(strrchr(name, '/'), "/pair") == 0 &&
	    !pair_is_whole(refs, &text)) {
		scrub_say(refs->s, WANTED, 1,
		    "refs/%s: the proof is damaged, and so is the replica",
		    name);
		if (unlink(path) != 0)
			rc = err_sys(err, "%s", path);
	}
out:
	buf_free(&text);
	free(path);
	return rc;
}

/* 0 also if it is none of a roster's. */
static int
judge_roster(
    struct refs *refs, const char *name, const char *path, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	if (!begins(name, "rosters/") && !begins(name, "forks/roster/"))
		return 0;
	rc = file_read(&text, path, 4096, err);
	if (rc == 0 && !roster_is_whole(refs, &text))
		rc = err_set(err, YZ_ECORRUPT, "%s is damaged", path);
	buf_free(&text);
	return rc;
}

static char *
ref_path(const struct refs *refs, const char *name)
{
	return mem_printf("%s/ledger/%s.git/refs/%s", refs->s->home,
	    stream_name(refs->stream), name);
}

static int
look_at_roster(
    void *arg, const char *name, int64_t size, int64_t mtime, struct err *err)
{
	struct refs *refs = arg;
	char *path = ref_path(refs, name);
	int rc = judge_roster(refs, name, path, err);

	(void)size;
	(void)mtime;
	free(path);
	return rc;
}

/* What a peer sent takes the place of what counts; of what does not count it
 * may have nothing. */
static int
forget_ref(
    void *arg, const char *name, int64_t size, int64_t mtime, struct err *err)
{
	struct refs *refs = arg;
	char *path = ref_path(refs, name);
	struct err ignored;
	int rc = 0;

	(void)size;
	(void)mtime;
	if (judge_roster(refs, name, path, &ignored) != 0 && unlink(path) != 0)
		rc = err_sys(err, "%s", path);
	free(path);
	return rc;
}

/* Those that only the ledger has, receipts and branches cut off, once all else
 * has been written that the replica knows. */
static int
judge_ref(
    void *arg, const char *name, int64_t size, int64_t mtime, struct err *err)
{
	struct refs *refs = arg;
	struct scrubbing *s = refs->s;
	struct buf text = BUF_INIT;
	char *path;
	int rc = 0;

	(void)size;
	(void)mtime;
	if ((!begins(name, "receipts/") && !begins(name, "forks/")) ||
	    strstr(name, ".lock") != NULL)
		return 0;
	path = mem_printf("%s/ledger/%s.git/refs/%s", s->home,
	    stream_name(refs->stream), name);
	if (file_read(&text, path, 4096, err) != 0 ||
	    leads_somewhere(refs, buf_str(&text), text.len))
		goto out;
	if (begins(name, "receipts/")) {
		/* The next one of that peer begins anew. */
		rc = unlink(path) == 0 ? 0 : err_sys(err, "%s", path);
		scrub_say(s, FAULT, 1,
		    "receipts of %s in %s are damaged and gone", name + 9,
		    stream_name(refs->stream));
	} else {
		scrub_say(s, FAULT, 1, "what was cut off in refs/%s is damaged",
		    name);
	}
out:
	buf_free(&text);
	free(path);
	return rc;
}

static int
walk_refs(struct refs *refs,
    int (*fn)(void *arg, const char *name, int64_t size, int64_t mtime,
	struct err *err),
    struct err *err)
{
	char *path = mem_printf(
	    "%s/ledger/%s.git/refs", refs->s->home, stream_name(refs->stream));
	int rc = folder_walk(path, fn, refs, err);

	free(path);
	return rc;
}

int
scrub_refs_mend(struct scrubbing *s, struct ledger *ledger, enum stream stream,
    bool alone, struct err *err)
{
	struct refs refs = {s, ledger, stream, alone};

	return walk_refs(&refs, mend_ref, err);
}

/* --- what the replica and the ledger say of each other -----------------------
 */

int
scrub_refs(struct scrubbing *s, struct err *err)
{
	struct replica *r = s->r;
	char ref[REPLICA_REF_MAX];
	struct err ignored;
	int64_t unsealed;
	uint8_t oid[20];
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < r->n_chains; i++) {
		const struct chain *c = &r->chains[i];

		if (c->head == 0)
			continue;
		rc = db_get_int(&unsealed, r->db, err,
		    "SELECT count(*) FROM _unsealed WHERE chain = ?", "i",
		    c->no);
		if (rc != 0 || unsealed > 0)
			continue;
		replica_chain_ref(ref, &c->name);
		if (ledger_ref_get(
			r->ledger, c->name.stream, ref, oid, &ignored) == 0 &&
		    memcmp(oid, c->oid, sizeof(oid)) == 0)
			continue;
		rc = ledger_ref(r->ledger, c->name.stream, ref, c->oid, err);
		if (rc == 0)
			scrub_say(s, RIGHT, 1, "%s stood elsewhere", ref);
	}
	return rc == 0 ? ledger_flush(r->ledger, err) : rc;
}

int
scrub_refs_judge(struct scrubbing *s, struct err *err)
{
	struct refs refs = {.s = s, .ledger = s->r->ledger};
	int i, rc = 0;

	for (i = 0; rc == 0 && i < STREAM_COUNT; i++) {
		refs.stream = (enum stream)i;
		rc = walk_refs(&refs, judge_ref, err);
	}
	return rc;
}

bool
scrub_refs_rosters(struct scrubbing *s, struct ledger *ledger)
{
	struct refs refs = {s, ledger, STREAM_ROSTER, true};
	struct trust trust;
	struct err ignored;
	bool good = walk_refs(&refs, look_at_roster, &ignored) == 0;
	uint8_t oid[20];
	char ref[64];
	size_t i;

	if (trust_read(&trust, s->home, &ignored) != 0)
		return good;
	for (i = 0; good && i < trust.n; i++) {
		snprintf(ref, sizeof(ref), "refs/rosters/%s", trust.v[i].scope);
		good = trust.v[i].pair || ledger_ref_get(ledger, STREAM_ROSTER,
					      ref, oid, &ignored) == 0;
	}
	trust_free(&trust);
	return good;
}

int
scrub_refs_forget(struct scrubbing *s, struct ledger *ledger, struct err *err)
{
	struct refs refs = {s, ledger, STREAM_ROSTER, true};

	return walk_refs(&refs, forget_ref, err);
}
