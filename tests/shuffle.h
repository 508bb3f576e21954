/*
 * The history of test_shuffle: written by a federation (world.h) as the
 * dice fall, then recorded chain by chain, as it would travel.  Include
 * world.h and forge.h first.
 */
#ifndef SHUFFLE_H
#define SHUFFLE_H

#include "replica_impl.h"
#include "roster_change.h"

/* --- dice -------------------------------------------------------------------
 */

static uint64_t roll_state;

static inline void
roll_seed(unsigned seed)
{
	roll_state = (uint64_t)seed << 32;
}

/* 0 .. n - 1 (splitmix64) */
static inline unsigned
roll(unsigned n)
{
	uint64_t z = (roll_state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return (unsigned)((z ^ (z >> 31)) % n);
}

/* --- a recorded history ------------------------------------------------------
 */

struct source { /* a chain, or the rosters of a scope */
	struct chain_name chain;
	struct buf *packed;
	struct digest *prev;
	uint8_t (*parent)[20];
	struct roster_doc *docs; /* or NULL: a chain */
	size_t n;
};

struct history {
	struct source *v;
	size_t n;
	struct world w;
	const struct roster *roster; /* the last */
	size_t changesets;
	int64_t quarantined, conflicts;
};

static inline void
source_unpack(struct changeset *cs, const struct source *s, size_t i)
{
	struct buf_reader in;
	struct err err;

	memset(cs, 0, sizeof(*cs));
	cs->chain = s->chain;
	cs->seq = (int64_t)i + 1;
	cs->prev = s->prev[i];
	memcpy(cs->parent_oid, s->parent[i], 20);
	buf_reader_init(&in, s->packed[i].b, s->packed[i].len);
	must(changeset_unpack(cs, &in, NULL, &err), &err, "unpack");
}

static inline struct source *
history_source(struct history *h)
{
	h->v = mem_realloc(h->v, (h->n + 1) * sizeof(*h->v));
	memset(&h->v[h->n], 0, sizeof(*h->v));
	return &h->v[h->n++];
}

static inline void
record_chain(
    struct history *h, struct replica *r, const struct replica_head *head)
{
	struct source *s = history_source(h);
	struct changeset cs;
	struct err err;
	size_t i;

	s->chain = head->chain;
	s->n = (size_t)head->seq;
	s->packed = mem_calloc(s->n, sizeof(*s->packed));
	s->prev = mem_calloc(s->n, sizeof(*s->prev));
	s->parent = mem_calloc(s->n, sizeof(*s->parent));
	for (i = 0; i < s->n; i++) {
		must(replica_read(r, &cs, &s->chain, (int64_t)i + 1, &err),
		    &err, "read");
		changeset_pack(&s->packed[i], &cs, NULL);
		s->prev[i] = cs.prev;
		memcpy(s->parent[i], cs.parent_oid, 20);
		changeset_free(&cs);
	}
	h->changesets += s->n;
}

static inline void
record_rosters(struct history *h, const char *scope)
{
	struct source *s = history_source(h);
	struct replica *r = h->w.at[PROVINCE];
	struct err err;

	for (s->n = 0;; s->n++) {
		s->docs = mem_realloc(s->docs, (s->n + 1) * sizeof(*s->docs));
		if (replica_roster_doc(
			r, &s->docs[s->n], scope, (int64_t)s->n + 1, &err) != 0)
			break;
	}
}

/* Rosters, then what each station wrote itself and what was given it. */
static inline void
record(struct history *h)
{
	struct replica_head *heads;
	struct err err;
	size_t i, j, n;
	int at;

	record_rosters(h, "root");
	record_rosters(h, "520300");
	for (at = 0; at < WORLD_N; at++) {
		must(replica_heads(h->w.at[at], &heads, &n, &err), &err,
		    "heads");
		for (i = 0; i < n; i++) {
			bool own = strcmp(heads[i].chain.writer,
				       world_tree[at].code) == 0;

			for (j = 0; j < h->n; j++)
				if (chain_equal(
					&h->v[j].chain, &heads[i].chain))
					break;
			/* The forged ones begin at the city. */
			if (own ||
			    (at == CITY && j == h->n &&
				strcmp(heads[i].chain.writer, "520304") == 0))
				record_chain(h, h->w.at[at], &heads[i]);
		}
		free(heads);
	}
}

static inline void
history_free(struct history *h)
{
	size_t i, j;

	for (i = 0; i < h->n; i++) {
		for (j = 0; j < h->v[i].n; j++) {
			if (h->v[i].docs != NULL)
				roster_doc_free(&h->v[i].docs[j]);
			else
				buf_free(&h->v[i].packed[j]);
		}
		free(h->v[i].docs);
		free(h->v[i].packed);
		free(h->v[i].prev);
		free(h->v[i].parent);
	}
	free(h->v);
	world_close(&h->w);
}

/* --- definitions -------------------------------------------------------------
 */

struct define {
	const char *kind, *field, *type, *elem, *group, *personal;
};

static inline void
define_id(
    char id[RECORD_ID_LEN + 1], const char *what, const char *a, const char *b)
{
	struct digest sum;
	char text[128];

	snprintf(text, sizeof(text), "%s:%s%s%s", what, a, b == NULL ? "" : ".",
	    b == NULL ? "" : b);
	digest_sha256(&sum, text, strlen(text));
	memcpy(id, "520000-", 7);
	digest_hex(id + 7, sum.b, 16);
}

static inline struct op_draft *
define_field(const struct define *d)
{
	char id[RECORD_ID_LEN + 1], json[160];
	const char *const pairs[][2] = {{"kind", d->kind}, {"field", d->field},
	    {"type", d->type}, {"elem", d->elem}, {"merge_group", d->group},
	    {"personal", d->personal}, {"scale", "2"}, {"search", "y"}};
	struct op_draft *op;
	size_t i;

	define_id(id, "field", d->kind, d->field);
	op = op_draft_new("field", id);
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		snprintf(json, sizeof(json), "\"%s\"", pairs[i][1]);
		if (pairs[i][1][0] != '\0')
			op_draft_set(op, pairs[i][0], json);
	}
	return op;
}

static inline struct op_draft *
define_kind(const char *name, const char *stream, const char *extends)
{
	char id[RECORD_ID_LEN + 1], json[80];
	struct op_draft *op;

	define_id(id, "kind", name, NULL);
	op = op_draft_new("kind", id);
	snprintf(json, sizeof(json), "\"%s\"", name);
	op_draft_set(op, "name", json);
	snprintf(json, sizeof(json), "\"%s\"", stream);
	op_draft_set(op, "stream", json);
	snprintf(json, sizeof(json), "\"%s\"", extends);
	if (extends[0] != '\0')
		op_draft_set(op, "extends", json);
	return op;
}

static inline void
define(struct world *w, const char *const (*kinds)[3], size_t n_kinds,
    const struct define *fields, size_t n)
{
	struct act *act = act_new(w->at[PROVINCE], "省厅", "duty", "define");
	struct op_draft *op;
	struct err err;
	size_t i;

	for (i = 0; i < n_kinds; i++) {
		op = define_kind(kinds[i][0], kinds[i][1], kinds[i][2]);
		act_add(act, STREAM_ROSTER, op);
		op_draft_free(op);
	}
	for (i = 0; i < n; i++) {
		op = define_field(&fields[i]);
		act_add(act, STREAM_ROSTER, op);
		op_draft_free(op);
	}
	must(act_commit(act, NULL, &err), &err, "define");
	act_free(act);
}

static const char *const first_kinds[][3] = {{"team", "resource", ""},
    {"team.a", "resource", "team"}, {"team.b", "resource", "team"},
    {"incident", "command", ""}, {"hazard", "oversight", ""}};
static const struct define first_fields[] = {
    {"team", "name", "text", "one", "", "n"},
    {"team", "status", "code", "one", "", "n"},
    {"team", "skills", "text", "set", "", "n"},
    {"team", "lon", "decimal", "one", "position", "n"},
    {"team", "lat", "decimal", "one", "position", "n"},
    {"team", "files", "blob", "list", "", "n"},
    {"team.a", "size", "int", "one", "", "n"},
    {"incident", "name", "text", "one", "", "n"},
    {"incident", "status", "code", "one", "", "n"},
    {"incident", "skills", "text", "set", "", "n"},
    {"incident", "contact", "phone", "one", "", "y"},
    {"hazard", "name", "text", "one", "", "n"},
    {"hazard", "status", "code", "one", "", "n"},
};
/* What is defined later, one by one. */
static const char *const late_kinds[][3] = {{"robot", "resource", ""}};
static const struct define late_fields[] = {
    {"team", "drones", "int", "one", "", "n"},
    {"team", "leader", "text", "one", "", "y"},
    {"team", "alt", "decimal", "one", "position", "n"},
    {"team.b", "size", "text", "one", "", "n"},
    {"hazard", "contact", "phone", "one", "", "y"},
    {"robot", "name", "text", "one", "", "n"},
    {"robot", "status", "code", "one", "", "n"},
};
#define LATE (sizeof(late_fields) / sizeof(late_fields[0]))

/* --- random writes
 * -------------------------------------------------------------
 */

static const struct {
	const char *kind, *id;
	enum stream stream;
} things[] = {
    {"team", "520302-00000000000000000000000000000001", STREAM_RESOURCE},
    {"team", "520302-00000000000000000000000000000001", STREAM_RESOURCE},
    {"team", "520300-00000000000000000000000000000002", STREAM_RESOURCE},
    {"team", "520304-00000000000000000000000000000003", STREAM_RESOURCE},
    {"incident", "520302-00000000000000000000000000000004", STREAM_COMMAND},
    {"incident", "520300-00000000000000000000000000000005", STREAM_COMMAND},
    {"hazard", "520302-00000000000000000000000000000006", STREAM_OVERSIGHT},
    {"hazard", "520000-00000000000000000000000000000007", STREAM_OVERSIGHT},
    {"robot", "520302-00000000000000000000000000000008", STREAM_RESOURCE},
    {"team", "520303-00000000000000000000000000000009", STREAM_RESOURCE},
    {"team", "520303-0000000000000000000000000000000a", STREAM_RESOURCE},
    {"team", "520303-0000000000000000000000000000000b", STREAM_RESOURCE},
    {"team", "520303-0000000000000000000000000000000c", STREAM_RESOURCE},
    {"team", "520303-0000000000000000000000000000000d", STREAM_RESOURCE},
};
#define THINGS (sizeof(things) / sizeof(things[0]))

static inline void
random_set(struct op_draft *op, const char *kind)
{
	static const char *const values[] = {
	    "\"甲队\"", "\"乙队\"", "\"c\\\"d\"", "null", "7", "true"};
	const char *v = values[roll(4) > 0 ? roll(2) : roll(6)];
	bool team = strcmp(kind, "team") == 0;

	switch (roll(team ? 12 : 5)) {
	case 0:
	case 1:
	case 2:
		op_draft_set(op, "status", v);
		break;
	case 3:
		op_draft_set(op, "name", v);
		break;
	case 4:
		op_draft_set(op, "drones", roll(2) ? "3" : v);
		break;
	case 5:
	case 6:
	case 7:
		op_draft_set(op, "lon", roll(2) ? "\"106.90\"" : "\"107.01\"");
		if (roll(4) > 0)
			op_draft_set(op, "lat", "\"27.70\"");
		if (roll(3) == 0)
			op_draft_set(op, "alt", roll(4) ? "\"1.00\"" : v);
		break;
	case 8:
		op_draft_set(op, "size", roll(2) ? "12" : v);
		break;
	case 9:
		op_draft_set(op, "files",
		    "[\"0000000000000000000000000000000000000000000000000000"
		    "000000000001\"]");
		break;
	default:
		op_draft_set(op, "status", v);
		op_draft_set(op, "name", values[roll(2)]);
		break;
	}
}

static inline void
random_elements(struct op_draft *op)
{
	static const char *const elements[] = {"\"x\"", "\"y\"", "9"};
	unsigned i = roll(3);

	if (roll(2))
		op_draft_add(op, "skills", elements[i]);
	else
		op_draft_remove(op, "skills", elements[i]);
	if (roll(3) == 0)
		op_draft_add(op, "skills", elements[(i + 1) % 3]);
	if (roll(3) == 0)
		op_draft_set(op, "status", "\"甲队\"");
}

/* An op on a thing, and the stream it goes into; not always the right one. */
static inline struct op_draft *
random_op(size_t thing, enum stream *stream)
{
	const char *kind = things[thing].kind;
	struct op_draft *op = op_draft_new(kind, things[thing].id);

	*stream = things[thing].stream;
	switch (roll(12)) {
	case 0:
		op_draft_drop(op, roll(2) ? "重复登记" : "撤销");
		break;
	case 1:
	case 2:
		if (strcmp(kind, "hazard") != 0)
			random_elements(op);
		break;
	case 3:
	case 4:
		*stream = STREAM_PERSONAL;
		if (roll(6) == 0)
			op_draft_drop(op, "离任");
		else if (strcmp(kind, "team") == 0)
			op_draft_set(
			    op, "leader", roll(2) ? "\"李四\"" : "\"王五\"");
		else
			op_draft_set(op, "contact",
			    roll(2) ? "\"13985200000\"" : "\"13985200001\"");
		break;
	case 5: /* a field where it does not belong */
		if (roll(2))
			*stream = STREAM_PERSONAL;
		op_draft_set(op, roll(2) ? "leader" : "status", "\"乙队\"");
		if (roll(2))
			op_draft_set(op, "drones", "1");
		break;
	default:
		random_set(op, kind);
		break;
	}
	return op;
}

/* Now and then a station that may not tries to define something. */
static inline void
usurp(struct world *w, int who)
{
	struct op_draft *op = roll(4) == 0
				  ? define_kind("robot", "command", "")
				  : define_field(&late_fields[roll(LATE)]);

	world_write(w, who, STREAM_ROSTER, op);
}

static inline void
random_write(struct world *w)
{
	static const int who[] = {PROVINCE, CITY, CITY, COUNTY, COUNTY, COUNTY,
	    SIBLING, SIBLING, OTHER_CITY};
	int at = who[roll(9)];
	struct act *act;
	struct err err;
	unsigned n = roll(6) == 0 ? 3 : 1;
	/* What the sibling writes about its own counts until it is revoked. */
	size_t thing =
	    at == SIBLING && roll(3) > 0 ? THINGS - 1 - roll(5) : roll(THINGS);

	if (at != PROVINCE && roll(20) == 0) {
		usurp(w, at);
		return;
	}
	act = act_new(
	    w->at[at], roll(2) ? "值班员甲" : "值班员乙", "duty", "write");
	for (; n > 0; n--) {
		enum stream stream;
		struct op_draft *op = random_op(thing, &stream);

		act_add(act, stream, op);
		op_draft_free(op);
		if (roll(3) == 0)
			thing = roll(THINGS);
	}
	/* Clocks that jump, and that agree to the millisecond. */
	w->now[at] = WORLD_START + roll(5) * 1000 + (roll(9) == 0 ? -50000 : 0);
	must(act_commit(act, NULL, &err), &err, "write");
	act_free(act);
}

static inline void
random_carry(struct world *w)
{
	static const int lines[][2] = {{COUNTY, CITY}, {SIBLING, CITY},
	    {OTHER, OTHER_CITY}, {CITY, PROVINCE}, {OTHER_CITY, PROVINCE}};
	unsigned i = roll(5);

	if (roll(2))
		world_carry(w, lines[i][0], lines[i][1]);
	else
		world_carry(w, lines[i][1], lines[i][0]);
}

/* --- rosters that come later -------------------------------------------------
 */

/* Everywhere but at one station (or -1). */
static inline void
adopt_but(struct world *w, struct roster_doc *doc, int but)
{
	struct err err;
	int i;

	for (i = 0; i < WORLD_N; i++)
		if (i != but)
			must(replica_adopt(w->at[i], doc, &err), &err, "adopt");
	roster_doc_free(doc);
}

/* The city enrols 520304 in a roster of its own. */
static inline void
enrol_below(struct world *w, struct pen *pen)
{
	static char name[] = "新区", inc[1][CHAIN_INC_LEN + 1] = {"0a0b0c0d"};
	struct roster_station st = {.name = name};
	struct roster_key key = {.incs = inc, .n_incs = 1};
	struct sign_key sign, ssh;
	struct roster_doc doc;
	struct err err;

	sign_generate(&sign);
	sign_generate(&ssh);
	memcpy(key.sign, sign.pub, 32);
	memcpy(key.ssh, ssh.pub, 32);
	memcpy(st.code, "520304", 7);
	memcpy(st.parent, "520300", 7);
	memcpy(st.scope, "520300", 7);
	st.keys = &key;
	st.n_keys = 1;
	must(roster_enrol(&doc, replica_roster(w->at[CITY]), NULL, "520300",
		 &st, &replica_home(w->at[CITY])->sign, &err),
	    &err, "enrol below");
	adopt_but(w, &doc, -1);
	pen_new(pen, "520304-0a0b0c0d/resource", &sign);
}

/*
 * The sibling's key is revoked: of what it wrote by now only the first few
 * changesets of its resource chain count.  Again with another seq: the end
 * is moved.  Whoever has the key does not listen and goes on writing.
 */
static inline void
revoke_key(struct world *w, int64_t seq)
{
	const struct home *home = replica_home(w->at[SIBLING]);
	static struct sign_key sign, ssh;
	static char inc[1][CHAIN_INC_LEN + 1] = {"0e0e0e0e"};
	struct roster_end end = {.seq = seq};
	struct roster_key keys[2] = {{.ended = false}};
	struct roster_station st;
	struct roster_doc cur, doc;
	char name[CHAIN_NAME_MAX];
	struct changeset cs;
	struct err err;

	st = *roster_find(replica_roster(w->at[PROVINCE]), home->code);
	if (st.n_keys == 1) {
		sign_generate(&sign);
		sign_generate(&ssh);
	}
	keys[0] = st.keys[0];
	snprintf(name, sizeof(name), "%s-%s/resource", home->code, home->inc);
	must(chain_parse(&end.chain, name, strlen(name), &err), &err, name);
	must(replica_read(w->at[SIBLING], &cs, &end.chain, seq, &err), &err,
	    "the end");
	end.id = cs.id;
	changeset_free(&cs);
	keys[0].ended = true;
	keys[0].ends = &end;
	keys[0].n_ends = 1;
	memcpy(keys[1].sign, sign.pub, 32);
	memcpy(keys[1].ssh, ssh.pub, 32);
	keys[1].incs = inc;
	keys[1].n_incs = 1;
	st.keys = keys;
	st.n_keys = 2;
	must(replica_roster_doc(w->at[PROVINCE], &cur, "root", 0, &err), &err,
	    "roster");
	must(roster_enrol(&doc, replica_roster(w->at[PROVINCE]), &cur, "root",
		 &st, &w->root, &err),
	    &err, "revoke");
	roster_doc_free(&cur);
	adopt_but(w, &doc, SIBLING);
}

/* 520304 writes about a record of its own; the city takes it in. */
static inline void
write_below(struct world *w, struct pen *pen)
{
	static const char *const ops[] = {
	    "{\"id\":\"520304-00000000000000000000000000000003\",\"kind\":"
	    "\"team\",\"set\":{\"status\":\"甲队\"}}\n",
	    "{\"add\":{\"skills\":[\"x\"]},\"id\":\"520304-"
	    "00000000000000000000000000000003\",\"kind\":\"team\"}\n"};
	enum receive_result result;
	const char *op = ops[roll(2)];
	struct changeset cs;
	struct err err;

	pen_draft(&cs, pen, op, strlen(op));
	pen_sign(&cs, &pen->key);
	must(replica_begin(w->at[CITY], &err), &err, "begin");
	must(receive_changeset(w->at[CITY], &cs, &result, &err), &err, "take");
	must(replica_commit(w->at[CITY], &err), &err, "commit");
	pen_advance(pen, &cs);
	changeset_free(&cs);
}

static inline void
history_write(struct history *h)
{
	struct world *w = &h->w;
	size_t late = 0;
	struct pen pen;
	int step, i;

	memset(h, 0, sizeof(*h));
	world_open(w);
	define(w, first_kinds, 5, first_fields,
	    sizeof(first_fields) / sizeof(first_fields[0]));
	for (step = 0; step < 46; step++) {
		random_write(w);
		if (roll(3) > 0)
			random_carry(w);
		if (step % 6 == 5 && late < LATE) {
			define(w, late_kinds, late == 5, &late_fields[late], 1);
			late++;
		}
		if (step == 22)
			enrol_below(w, &pen);
		if (step > 22 && step % 6 == 0)
			write_below(w, &pen);
		/* The end is moved back and forth. */
		if (step == 30)
			revoke_key(w, 4);
		if (step == 38)
			revoke_key(w, 2);
		if (step == 43)
			revoke_key(w, 3);
	}
	for (i = 0; i < 2; i++)
		world_sync(w);
	h->roster = replica_roster(w->at[PROVINCE]);
	h->quarantined =
	    world_count(w, CITY, "SELECT count(*) FROM _quarantine");
	h->conflicts = world_count(w, CITY, "SELECT count(*) FROM _standing");
	record(h);
}

#endif
