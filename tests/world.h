/*
 * A small federation in one process, for tests: a province, two cities and
 * counties, each a replica in its own folder; changesets are carried from
 * one to another as a session would, packed and unpacked.
 *
 *	520000  520300 (520302, 520303)  520400 (520402)
 */
#ifndef WORLD_H
#define WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "changeset.h"
#include "home.h"
#include "op.h"
#include "replica.h"
#include "roster.h"
#include "roster_change.h"
#include "roster_doc.h"
#include "sign.h"
#include "tap.h"

enum { PROVINCE, CITY, COUNTY, SIBLING, OTHER_CITY, OTHER, WORLD_N };

static const struct {
	const char *code, *parent;
} world_tree[WORLD_N] = {{"520000", ""}, {"520300", "520000"},
    {"520302", "520300"}, {"520303", "520300"}, {"520400", "520000"},
    {"520402", "520400"}};

struct world {
	char dir[64];
	struct replica *at[WORLD_N];
	int64_t now[WORLD_N]; /* each station's wall clock, ms */
	struct sign_key root;
};

#define WORLD_START 1795449600000ll /* 2026-11-23T16:00:00Z */

/* Stop the test: what follows would say nothing. */
static inline void
must(int rc, const struct err *err, const char *what)
{
	if (rc != 0) {
		printf("Bail out! %s: %s\n", what, err->msg);
		exit(1);
	}
}

static inline int64_t
world_clock(void *arg)
{
	int64_t *now = arg;

	return (*now)++; /* every look is a millisecond later */
}

/* The station as the roster is to list it, from its home. */
static inline void
world_entry(struct roster_station *out, struct roster_key *key,
    const struct home *home, int i)
{
	static char inc[WORLD_N][1][CHAIN_INC_LEN + 1];
	static char name[] = "station";

	memset(out, 0, sizeof(*out));
	memset(key, 0, sizeof(*key));
	memcpy(key->sign, home->sign.pub, 32);
	memcpy(key->ssh, home->ssh.pub, 32);
	memcpy(inc[i][0], home->inc, sizeof(inc[i][0]));
	key->incs = inc[i];
	key->n_incs = 1;
	strcpy(out->code, world_tree[i].code);
	strcpy(out->parent, world_tree[i].parent);
	out->name = name;
	out->keys = key;
	out->n_keys = 1;
	strcpy(out->scope, "root");
}

/* Homes and replicas that nobody lists yet. */
static inline void
world_homes(struct world *w)
{
	struct home *home;
	struct err err;
	char path[128];
	int i;

	strcpy(w->dir, "/tmp/yizhan-world-XXXXXX");
	must(mkdtemp(w->dir) == NULL, &(struct err){.msg = "mkdtemp"}, "tmp");
	sign_generate(&w->root);
	for (i = 0; i < WORLD_N; i++) {
		snprintf(
		    path, sizeof(path), "%s/%s", w->dir, world_tree[i].code);
		must(home_create(&home, path, world_tree[i].code, &err), &err,
		    "home");
		must(replica_open(&w->at[i], home, &err), &err, "replica");
		w->now[i] = WORLD_START;
		replica_set_clock(w->at[i], world_clock, &w->now[i]);
	}
}

/* The next document of a scope lists the entry, and everybody takes it in.  It
 * is made as a liar's program would: what else is listed does not matter. */
static inline void
world_list(struct world *w, const char *scope, const struct sign_key *signer,
    const struct roster_station *entry)
{
	struct roster_change *change;
	struct roster_doc doc = {.version = 0}, cur = {.version = 0};
	struct err err;
	int j, rc;

	rc = replica_roster_doc(w->at[0], &cur, scope, 0, &err);
	if (rc != YZ_ENOTFOUND)
		must(rc, &err, "roster");
	must(roster_change_begin(
		 &change, rc == 0 ? &cur : NULL, NULL, scope, &err),
	    &err, "change");
	roster_change_put(change, entry);
	if (rc != 0 && strcmp(scope, "root") == 0)
		must(roster_change_root_keys(
			 change, (const uint8_t(*)[32])signer->pub, 1, 1, &err),
		    &err, "root key");
	must(roster_change_write(&doc, change, &err), &err, "write");
	must(roster_doc_sign(&doc, signer, &err), &err, "sign");
	roster_change_free(change);
	for (j = 0; j < WORLD_N; j++)
		must(replica_adopt(w->at[j], &doc, &err), &err, "adopt");
	roster_doc_free(&cur);
	roster_doc_free(&doc);
}

/* Everyone stands in the root part: the shape is what counts. */
static inline void
world_open(struct world *w)
{
	struct roster_station entry;
	struct roster_key key;
	int i;

	world_homes(w);
	for (i = 0; i < WORLD_N; i++) {
		world_entry(&entry, &key, replica_home(w->at[i]), i);
		world_list(w, "root", &w->root, &entry);
	}
}

static inline void
world_close(struct world *w)
{
	char command[128];
	int i;

	for (i = 0; i < WORLD_N; i++)
		replica_close(w->at[i]);
	snprintf(command, sizeof(command), "rm -rf %s", w->dir);
	if (system(command) != 0)
		printf("# could not remove %s\n", w->dir);
}

/* One op by one station. */
static inline void
world_write(struct world *w, int who, enum stream stream, struct op_draft *op)
{
	struct act *act = act_new(w->at[who], "值班员甲", "duty1", "test");
	struct err err;

	act_add(act, stream, op);
	must(act_commit(act, NULL, &err), &err, "write");
	act_free(act);
	op_draft_free(op);
}

static inline void
world_set(struct world *w, int who, enum stream stream, const char *kind,
    const char *id, const char *field, const char *json)
{
	struct op_draft *op = op_draft_new(kind, id);

	op_draft_set(op, field, json);
	world_write(w, who, stream, op);
}

/* A field of a kind, as the province defines it. */
static inline void
world_field(struct world *w, const char *kind, const char *field,
    const char *type, const char *elem, const char *group, const char *personal)
{
	char id[RECORD_ID_LEN + 1], text[128], json[160];
	struct digest sum;
	struct op_draft *op;
	const char *const pairs[][2] = {{"kind", kind}, {"field", field},
	    {"type", type}, {"elem", elem}, {"merge_group", group},
	    {"personal", personal}, {"scale", "2"}, {"search", "y"}};
	size_t i;

	snprintf(text, sizeof(text), "field:%s.%s", kind, field);
	digest_sha256(&sum, text, strlen(text));
	memcpy(id, "520000-", 7);
	digest_hex(id + 7, sum.b, 16);
	op = op_draft_new("field", id);
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		snprintf(json, sizeof(json), "\"%s\"", pairs[i][1]);
		if (pairs[i][1][0] != '\0')
			op_draft_set(op, pairs[i][0], json);
	}
	world_write(w, PROVINCE, STREAM_ROSTER, op);
}

static inline void
world_kind(struct world *w, const char *name, const char *stream)
{
	char id[RECORD_ID_LEN + 1], text[128];
	struct digest sum;
	struct op_draft *op;

	snprintf(text, sizeof(text), "kind:%s", name);
	digest_sha256(&sum, text, strlen(text));
	memcpy(id, "520000-", 7);
	digest_hex(id + 7, sum.b, 16);
	op = op_draft_new("kind", id);
	snprintf(text, sizeof(text), "\"%s\"", name);
	op_draft_set(op, "name", text);
	snprintf(text, sizeof(text), "\"%s\"", stream);
	op_draft_set(op, "stream", text);
	world_write(w, PROVINCE, STREAM_ROSTER, op);
}

/* A few kinds, one for each stream, with a field of each sort. */
static inline void
world_kinds(struct world *w)
{
	static const char *const kinds[][2] = {{"team", "resource"},
	    {"incident", "command"}, {"task", "command"},
	    {"task_feedback", "command"}, {"hazard", "oversight"},
	    {"contact", "personal"}};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *k = kinds[i][0];

		world_kind(w, k, kinds[i][1]);
		world_field(w, k, "name", "text", "one", "", "n");
		world_field(w, k, "status", "text", "one", "", "n");
		world_field(w, k, "skills", "text", "set", "", "n");
		world_field(w, k, "lon", "decimal", "one", "position", "n");
		world_field(w, k, "lat", "decimal", "one", "position", "n");
	}
	world_field(w, "team", "leader", "text", "one", "", "y");
}

/*
 * Carry one changeset to another station: packed, unpacked, received, as in
 * a session.  Returns what the door says.
 */
static inline int
world_carry_one(struct world *w, int from, int to,
    const struct chain_name *chain, int64_t seq, struct err *err)
{
	struct changeset cs, got = CHANGESET_INIT;
	struct replica_head head;
	enum receive_result result;
	struct buf bytes = BUF_INIT;
	struct buf_reader in;
	int rc;

	must(replica_read(w->at[from], &cs, chain, seq, err), err, "read");
	must(replica_head(w->at[to], &head, chain, err), err, "head");
	changeset_pack(&bytes, &cs, NULL);
	changeset_free(&cs);
	got.chain = *chain;
	got.seq = seq;
	got.prev = head.id;
	memcpy(got.parent_oid, head.oid, 20);
	buf_reader_init(&in, bytes.b, bytes.len);
	must(replica_begin(w->at[to], err), err, "begin");
	rc = changeset_unpack(&got, &in, NULL, err);
	if (rc == 0)
		rc = receive_changeset(w->at[to], &got, &result, err);
	if (rc == 0)
		rc = replica_commit(w->at[to], err);
	else
		replica_rollback(w->at[to]);
	changeset_free(&got);
	buf_free(&bytes);
	return rc;
}

/* Everything that `to` may hold and lacks, chain by chain. */
static inline void
world_carry(struct world *w, int from, int to)
{
	struct replica_head *heads, have;
	struct err err;
	int64_t seq;
	size_t i, n;

	must(replica_heads(w->at[from], &heads, &n, &err), &err, "heads");
	for (i = 0; i < n; i++) {
		if (!chain_reaches(replica_roster(w->at[from]), &heads[i].chain,
			world_tree[to].code))
			continue;
		must(replica_head(w->at[to], &have, &heads[i].chain, &err),
		    &err, "head");
		for (seq = have.seq + 1; seq <= heads[i].seq; seq++) {
			int rc = world_carry_one(
			    w, from, to, &heads[i].chain, seq, &err);

			if (rc == YZ_EDENIED)
				break; /* it ends here */
			must(rc, &err, "carry");
		}
	}
	free(heads);
}

/* Both ways along every line of the tree until all is everywhere. */
static inline void
world_sync(struct world *w)
{
	static const int lines[][2] = {{COUNTY, CITY}, {SIBLING, CITY},
	    {OTHER, OTHER_CITY}, {CITY, PROVINCE}, {OTHER_CITY, PROVINCE}};
	size_t i, n = sizeof(lines) / sizeof(lines[0]);

	for (i = 0; i < n; i++) /* up */
		world_carry(w, lines[i][0], lines[i][1]);
	for (i = n; i-- > 0;) /* down */
		world_carry(w, lines[i][1], lines[i][0]);
}

/* Digest of a stream and owner, in hex; static buffer by turns. */
static inline const char *
world_digest(struct world *w, int at, enum stream stream, const char *owner)
{
	static char hex[8][DIGEST_HEX_LEN + 1];
	static int turn;
	struct digest sum;
	int64_t records;
	struct err err;

	must(replica_digest(w->at[at], stream, owner, &records, &sum, &err),
	    &err, "digest");
	turn = (turn + 1) % 8;
	digest_hex(hex[turn], sum.b, 32);
	return hex[turn];
}

/* A column of a record as text, "" if NULL or no such record. */
static inline const char *
world_get(struct world *w, int at, const char *kind, const char *id,
    const char *column)
{
	static char value[8][256];
	static int turn;
	struct buf sql = BUF_INIT;
	struct db_stmt *st;
	struct err err;

	turn = (turn + 1) % 8;
	value[turn][0] = '\0';
	buf_printf(&sql,
	    "SELECT \"%s\" FROM \"%s\" JOIN _record USING (rec)"
	    " WHERE _record.id = ?",
	    column, kind);
	must(db_query(&st, replica_db(w->at[at]), &err, buf_str(&sql), "s", id),
	    &err, "get");
	if (db_step(st, &err) == 1 && db_text(st, 0) != NULL)
		snprintf(
		    value[turn], sizeof(value[turn]), "%s", db_text(st, 0));
	db_done(st);
	buf_free(&sql);
	return value[turn];
}

static inline int64_t
world_count(struct world *w, int at, const char *sql)
{
	int64_t n = -1;
	struct err err;

	must(db_get_int(&n, replica_db(w->at[at]), &err, sql, ""), &err,
	    "count");
	return n;
}

#endif
