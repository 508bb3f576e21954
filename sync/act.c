#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "fork.h"
#include "home.h"
#include "limit.h"
#include "replica_impl.h"
#include "reserve.h"
#include "resign.h"

/* One changeset of the act. */
struct part {
	struct chain_name chain;
	struct buf ops;
	size_t n;
};

struct act {
	bool keeps; /* there is more in it than drops */
	struct replica *r;
	char *author;
	char *login;
	char *subject;
	uint8_t id[8];
	bool machine; /* nobody wrote it: nobody is asked about the clock */
	bool all;     /* Seen lines about all that is held */
	struct part *parts;
	size_t n;
};

struct act *
act_new(struct replica *r, const char *author, const char *login,
    const char *subject)
{
	struct act *act = mem_calloc(1, sizeof(*act));

	act->r = r;
	act->author = mem_strdup(author);
	act->login = mem_strdup(login);
	act->subject = mem_strdup(subject);
	digest_random(act->id, sizeof(act->id));
	return act;
}

void
act_free(struct act *act)
{
	size_t i;

	if (act == NULL)
		return;
	for (i = 0; i < act->n; i++)
		buf_free(&act->parts[i].ops);
	free(act->parts);
	free(act->author);
	free(act->login);
	free(act->subject);
	free(act);
}

void
act_subject(struct act *act, const char *subject)
{
	free(act->subject);
	act->subject = mem_strdup(subject);
}

/* This station's chain in a stream about owner. */
static void
own_chain(struct chain_name *out, const struct replica *r, enum stream stream,
    const char *owner)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->writer, r->home->code, CHAIN_CODE_LEN);
	memcpy(out->inc, r->home->inc, CHAIN_INC_LEN);
	out->stream = stream;
	if (!stream_everyone(stream))
		memcpy(out->owner, owner, CHAIN_CODE_LEN);
}

/* The last part of a chain if n more bytes fit, else a new one. */
static struct part *
part_for(struct act *act, const struct chain_name *chain, size_t n)
{
	struct part *p;
	size_t i;

	for (i = act->n; i > 0; i--) {
		p = &act->parts[i - 1];
		if (!chain_equal(&p->chain, chain))
			continue;
		if (p->n < LIMIT_OPS && p->ops.len + n <= LIMIT_OPS_BYTES)
			return p;
		break;
	}
	act->parts =
	    mem_realloc(act->parts, (act->n + 1) * sizeof(*act->parts));
	p = &act->parts[act->n++];
	memset(p, 0, sizeof(*p));
	p->chain = *chain;
	return p;
}

void
act_add(struct act *act, enum stream stream, const struct op_draft *op)
{
	struct chain_name chain;
	struct buf line = BUF_INIT;
	struct part *p;

	op_draft_write(&line, op);
	act->keeps |= !op_draft_is_drop(op);
	own_chain(&chain, act->r, stream, op_draft_id(op));
	p = part_for(act, &chain, line.len);
	buf_put(&p->ops, line.b, line.len);
	p->n++;
	buf_free(&line);
}

/*
 * What this chain has to say it has seen: every nameable chain whose head
 * moved since the chain's own last changeset.
 */
static void
add_seen(struct replica *r, struct changeset *cs, int64_t since)
{
	size_t i;

	cs->seen = mem_calloc(r->n_chains + 1, sizeof(*cs->seen));
	for (i = 0; i < r->n_chains && cs->n_seen < LIMIT_SEEN; i++) {
		const struct chain *d = &r->chains[i];
		struct changeset_seen *s = &cs->seen[cs->n_seen];

		if (d->head == 0 || d->stamp <= since ||
		    chain_equal(&d->name, &cs->chain) ||
		    !chain_nameable(r->roster, &cs->chain, &d->name))
			continue;
		s->chain = d->name;
		s->seq = d->head;
		memcpy(s->id, d->id.b, sizeof(s->id));
		cs->n_seen++;
	}
}

static int
clock_offset(struct replica *r, int64_t *ms, struct err *err)
{
	int rc = db_get_int(ms, r->db, err,
	    "SELECT value FROM _meta WHERE name = 'offset'", "");

	if (rc == YZ_ENOTFOUND) {
		*ms = 0;
		rc = 0;
	}
	return rc;
}

static int
write_part(struct act *act, const struct part *p, int64_t now, int64_t offset,
    struct digest *id, struct err *err)
{
	struct changeset cs = CHANGESET_INIT;
	struct replica *r = act->r;
	struct ops ops = {NULL, 0, NULL};
	struct buf commit = BUF_INIT;
	struct chain *c;
	int rc;

	rc = replica_chain(r, &c, &p->chain, err);
	if (rc != 0)
		return rc;
	/* What is written beyond a stop counts nowhere. */
	if (replica_stop(r, &p->chain) != INT64_MAX)
		return err_set(err, YZ_EDENIED,
		    "what station %s writes here has ended: see yizhan status",
		    r->home->code);
	cs.chain = p->chain;
	cs.seq = c->head + 1;
	cs.prev = c->id;
	memcpy(cs.parent_oid, c->oid, sizeof(cs.parent_oid));
	cs.author = mem_strdup(act->author);
	cs.login = mem_strdup(act->login);
	cs.time = now;
	cs.offset = offset;
	memcpy(cs.act, act->id, sizeof(cs.act));
	cs.kinds = r->kinds;
	cs.subject = mem_strdup(act->subject);
	buf_put(&cs.ops, p->ops.b, p->ops.len);
	add_seen(r, &cs, act->all ? 0 : c->stamp);
	rc = resign_continue(r, &cs, err);
	if (rc == 0)
		rc = changeset_sign(&cs, &r->home->sign, err);
	if (rc == 0)
		rc = ops_parse(&ops, buf_str(&cs.ops), cs.ops.len, err);
	if (rc == 0) {
		changeset_commit(&commit, &cs);
		rc = store_changeset(r, &cs, &commit, &ops, err);
	}
	buf_free(&commit);
	ops_free(&ops);
	if (rc == 0 && id != NULL)
		*id = cs.id;
	changeset_free(&cs);
	return rc;
}

/* Is there a key here whose changesets others will take? */
static int
may_write(struct replica *r, struct err *err)
{
	const struct roster_station *st = roster_find(r->roster, r->home->code);
	const struct roster_key *key;
	struct home_next next;
	bool recovering;
	char *path;

	if (st == NULL)
		return err_set(err, YZ_EDENIED,
		    "station %s is not in the roster yet: it must be"
		    " confirmed by its parent first",
		    r->home->code);
	key = roster_current(st);
	if (key == NULL)
		return err_set(err, YZ_EDENIED,
		    "the key of %s was revoked: nothing can be written until"
		    " the recovery key has replaced it: yizhan rotate"
		    " --recovery SHEET --new FILE -o REQUEST",
		    r->home->code);
	if (memcmp(key->sign, r->home->sign.pub, sizeof(key->sign)) != 0)
		return err_set(err, YZ_EDENIED,
		    "the keys in %s/keys are not those of %s in the roster",
		    r->home->path, r->home->code);
	path = home_file(r->home, "rotation");
	/* Not once the key in use is the one that was asked for. */
	recovering =
	    file_exists(path) && !(home_next_load(&next, r->home, err) == 0 &&
				     memcmp(next.sign.pub, key->sign, 32) == 0);
	explicit_bzero(&next, sizeof(next));
	free(path);
	if (recovering)
		return err_set(err, YZ_EDENIED,
		    "the recovery key was used: sync until the new keys of %s"
		    " are in the roster",
		    r->home->code);
	return 0;
}

int
act_commit(struct act *act, struct digest *last, struct err *err)
{
	struct replica *r = act->r;
	bool own = !db_in_transaction(r->db);
	int64_t now = replica_now(r), offset = 0;
	size_t i;
	int rc;

	/* What only drops records makes room, in the end. */
	rc = act->keeps ? reserve_check(r->home->path, err) : 0;
	if (rc == 0 && own)
		rc = replica_begin(r, err);
	if (rc != 0)
		return rc;
	rc = replica_may_sign(r, err);
	if (rc == 0)
		rc = may_write(r, err);
	if (rc == 0 && !act->machine)
		rc = replica_clock_check(r, now, err);
	if (rc == 0)
		rc = resign_settle(r, err);
	if (rc == 0)
		rc = clock_offset(r, &offset, err);
	for (i = 0; rc == 0 && i < act->n; i++) {
		/* The incarnation may have changed meanwhile. */
		memcpy(act->parts[i].chain.inc, r->home->inc,
		    sizeof(r->home->inc));
		rc = write_part(act, &act->parts[i], now, offset, last, err);
	}
	if (!own)
		return rc;
	if (rc == 0)
		return replica_commit(r, err);
	replica_rollback(r);
	return rc;
}

/* --- standing receipts ------------------------------------------------------
 */

#define RECEIPT_INTERVAL (10 * 60 * 1000) /* ms; design.md section 5 */

/* Is there news in command about owner since this station last spoke? */
static bool
has_news(struct replica *r, const char *owner, int64_t since)
{
	size_t i;

	for (i = 0; i < r->n_chains; i++) {
		const struct chain *d = &r->chains[i];

		if (d->name.stream == STREAM_COMMAND &&
		    strcmp(d->name.owner, owner) == 0 &&
		    strcmp(d->name.writer, r->home->code) != 0 &&
		    d->news > since)
			return true;
	}
	return false;
}

int
replica_note_seen(struct replica *r, struct err *err)
{
	struct act *act = NULL;
	int64_t now = replica_now(r);
	struct err ignored;
	size_t i;
	int rc;

	rc = replica_refresh(r, err);
	if (rc != 0 || replica_restored(r) != NULL ||
	    may_write(r, &ignored) != 0)
		return rc;
	for (i = 0; i < r->n_chains; i++) {
		const struct chain *d = &r->chains[i], *mine;
		struct chain_name name;

		if (d->name.stream != STREAM_COMMAND || d->news == 0)
			continue;
		own_chain(&name, r, STREAM_COMMAND, d->name.owner);
		mine = replica_chain_find(r, &name);
		/* A clock set back must not silence the station. */
		if (mine != NULL && mine->head > 0 && now >= mine->time &&
		    now - mine->time < RECEIPT_INTERVAL)
			continue;
		if (!has_news(r, d->name.owner, mine == NULL ? 0 : mine->stamp))
			continue;
		if (act == NULL)
			act = act_new(r, r->home->code, r->home->code, "seen");
		part_for(act, &name, 0);
	}
	if (act != NULL) {
		act->machine = true;
		rc = act_commit(act, NULL, err);
	}
	act_free(act);
	return rc;
}

int
act_note(struct replica *r, const struct chain_name *chain, const char *subject,
    bool all, struct err *err)
{
	struct act *act = act_new(r, r->home->code, r->home->code, subject);
	int rc;

	act->all = all;
	act->machine = true;
	part_for(act, chain, 0);
	rc = act_commit(act, NULL, err);
	act_free(act);
	return rc;
}

int
replica_note_joined(struct replica *r, struct err *err)
{
	const struct chain *mine;
	struct chain_name name;
	struct err ignored;
	int rc;

	rc = replica_refresh(r, err);
	if (rc != 0 || replica_restored(r) != NULL ||
	    may_write(r, &ignored) != 0)
		return rc;
	own_chain(&name, r, STREAM_RESOURCE, "");
	mine = replica_chain_find(r, &name);
	if (!roster_lists(r->roster, &name) || (mine != NULL && mine->head > 0))
		return 0;
	return act_note(r, &name, "joined", false, err);
}
