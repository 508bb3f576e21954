/*
 * Goal of this test: threat T13, replay.  Everything that a county ever said is
 * kept by somebody and said again: whole sessions in random order, single
 * messages in random order and at every state of a session of today, five
 * hundred in all, and its signed changesets at other places and in other
 * chains.  Nothing of it changes what a station holds, no roster falls back to
 * an older version, and no receipt goes back.
 */
#include "config.h"

#include "../world.h"

#include "../forge.h"
#include "../peering.h"
#include "peer_state.h"

#define KEPT_MAX 4096

static struct { /* what the county said to the city */
	unsigned type[KEPT_MAX];
	struct buf payload[KEPT_MAX];
	size_t n, session[8]; /* where each session begins */
} kept;
static bool keeping;

static bool
keep(void *arg, int from, unsigned type, struct buf *payload)
{
	(void)arg;
	if (keeping && from == COUNTY && kept.n < KEPT_MAX) {
		kept.type[kept.n] = type;
		buf_put(&kept.payload[kept.n++], payload->b, payload->len);
	}
	return true;
}

static int64_t
version_of(struct world *w, int who)
{
	return roster_scope(replica_roster(w->at[who]), "root")->version;
}

/* Rows, heads, rosters, refs of receipts: what the city's state comes to. */
static void
state_of(struct world *w, char out[DIGEST_HEX_LEN + 1])
{
	struct replica_head *heads;
	struct buf text = BUF_INIT;
	struct digest sum;
	char command[256], line[256];
	struct err err;
	size_t n, i;
	FILE *f;
	int s;

	for (s = 0; s < STREAM_COUNT; s++)
		buf_puts(&text, world_digest(w, CITY, (enum stream)s, NULL));
	must(replica_heads(w->at[CITY], &heads, &n, &err), &err, "heads");
	for (i = 0; i < n; i++) {
		char name[CHAIN_NAME_MAX];

		chain_format(name, &heads[i].chain);
		buf_printf(&text, "%s %lld", name, (long long)heads[i].seq);
		buf_put(&text, heads[i].oid, 20);
	}
	free(heads);
	for (i = 0; i < 8; i++) {
		const struct roster_scope *scope =
		    roster_scope_at(replica_roster(w->at[CITY]), i);

		if (scope == NULL)
			break;
		buf_printf(&text, "%s %lld %lld %d", scope->scope,
		    (long long)scope->version, (long long)scope->held,
		    scope->contested);
		buf_put(&text, scope->hash.b, sizeof(scope->hash.b));
	}
	for (s = 0; s < STREAM_COUNT; s++) {
		snprintf(command, sizeof(command),
		    "git --git-dir %s/520300/ledger/%s.git for-each-ref"
		    " refs/receipts/520302 refs/forks 2>/dev/null",
		    w->dir, stream_name((enum stream)s));
		f = popen(command, "r");
		while (f != NULL && fgets(line, sizeof(line), f) != NULL)
			buf_puts(&text, line);
		if (f != NULL)
			pclose(f);
	}
	digest_sha256(&sum, text.b, text.len);
	digest_hex(out, sum.b, 32);
	buf_free(&text);
}

/* A machine of the city, called by whoever says what he likes. */
struct victim {
	struct peering_end e;
	struct peering_end county; /* for the greeting of today */
};

static void
say(struct peering *g, struct victim *v, unsigned type, const struct buf *b)
{
	struct buf out = BUF_INIT;

	frame_put(&out, type, b->b, b->len);
	if (v->e.rc == 0)
		v->e.rc =
		    peer_receive(v->e.p, out.b, out.len, ++g->now, &v->e.err);
	peering_turn(g, &v->e);
	buf_free(&out);
}

static void
leave(struct peering_end *e)
{
	peer_close(e->p);
	peer_free(e->p);
	peer_replica_free(e->store);
}

static size_t
roll(size_t n)
{
	static uint32_t dice = 13;

	dice = dice * 1103515245u + 12345u;
	return dice / 65536u % n;
}

static void
shuffle(size_t *v, size_t n)
{
	size_t i, j, was;

	for (i = n; i > 1; i--) {
		j = roll(i);
		was = v[i - 1];
		v[i - 1] = v[j];
		v[j] = was;
	}
}

#define AGAIN 500 /* sessions and messages said again */

/* Sessions of other days, from their first word to their last. */
static size_t
whole_sessions(struct world *w, struct peering *g, int times)
{
	char before[DIGEST_HEX_LEN + 1], after[DIGEST_HEX_LEN + 1];
	size_t i, k, order[3 * 8], n = 0, said = 0, changed = 0;
	const int64_t version = version_of(w, CITY);
	struct victim v;

	for (n = 0; n < 3 * (size_t)times; n++)
		order[n] = n % 3;
	shuffle(order, n);
	state_of(w, before);
	for (k = 0; k < n; k++) {
		peering_end(g, &v.e, CITY, COUNTY, false);
		for (i = kept.session[order[k]]; i < kept.session[order[k] + 1];
		     i++, said++)
			say(g, &v, kept.type[i], &kept.payload[i]);
		leave(&v.e);
		state_of(w, after);
		changed += strcmp(after, before) != 0 ||
			   version_of(w, CITY) != version;
	}
	is_int(changed, 0,
	    "three sessions said again %d times in random order, %zu messages, "
	    "change nothing",
	    times, said);
	return n;
}

/* Each message of other days, in sessions of today, at any state. */
static void
each_message(struct world *w, struct peering *g, size_t times)
{
	char before[DIGEST_HEX_LEN + 1], after[DIGEST_HEX_LEN + 1];
	size_t *order = mem_calloc(kept.n, sizeof(*order));
	const int64_t version = version_of(w, CITY);
	size_t i, k, ended = 0, fell = 0, rosters = 0;
	struct victim v;
	int turn, turns;

	keeping = false;
	state_of(w, before);
	for (i = 0; i < kept.n; i++)
		order[i] = i;
	for (k = 0; k < times; k++) {
		if (k % kept.n == 0)
			shuffle(order, kept.n);
		i = order[k % kept.n];
		peering_end(g, &v.e, CITY, COUNTY, false);
		peering_end(g, &v.county, COUNTY, CITY, true);
		/* A roster is heard early only; most else in runs. */
		turns = kept.type[i] == MSG_ROSTER ? 1 : (int)roll(4);
		for (turn = 0; turn < turns; turn++) {
			peering_carry(g, &v.county, &v.e);
			peering_carry(g, &v.e, &v.county);
		}
		say(g, &v, kept.type[i], &kept.payload[i]);
		rosters += kept.type[i] == MSG_ROSTER && v.e.rc == 0;
		ended += v.e.rc != 0;
		fell += version_of(w, CITY) != version;
		leave(&v.e);
		leave(&v.county);
	}
	free(order);
	state_of(w, after);
	is_str(after, before,
	    "%zu messages said again at any state change nothing", times);
	ok(ended > 0 && ended < times,
	    "%zu of them end the session, as no message of that state", ended);
	ok(rosters > 0, "%zu were rosters, and were heard", rosters);
	is_int(
	    fell, 0, "the roster's version, %lld, stays", (long long)version);
}

/* Every changeset of the county at every other place: in its own chain and in
 * others. */
static void
other_places(struct world *w)
{
	const struct home *home = replica_home(w->at[COUNTY]);
	static const char *const others[] = {"resource", "command@520302",
	    "oversight@520302", "personal@520302", "command@520300"};
	char before[DIGEST_HEX_LEN + 1], after[DIGEST_HEX_LEN + 1];
	struct replica_head *heads, place;
	int64_t tried = 0, refused = 0;
	struct chain_name to;
	struct err err;
	size_t n, i, j;
	int64_t seq;

	state_of(w, before);
	must(replica_heads(w->at[COUNTY], &heads, &n, &err), &err, "heads");
	for (i = 0; i < n; i++) {
		for (seq = 1; seq <= heads[i].seq; seq++) {
			struct changeset cs;

			if (strcmp(heads[i].chain.writer, home->code) != 0)
				continue;
			must(replica_read(w->at[COUNTY], &cs, &heads[i].chain,
				 seq, &err),
			    &err, "read");
			for (j = 0; j < sizeof(others) / sizeof(others[0]);
			     j++) {
				char name[CHAIN_NAME_MAX];
				struct buf bytes = BUF_INIT;
				struct changeset got = CHANGESET_INIT;
				enum receive_result result;
				struct buf_reader in;

				snprintf(name, sizeof(name), "%s-%s/%s",
				    home->code, home->inc, others[j]);
				must(chain_parse(&to, name, strlen(name), &err),
				    &err, name);
				must(replica_head(
					 w->at[CITY], &place, &to, &err),
				    &err, "head");
				changeset_pack(&bytes, &cs, NULL);
				got.chain = to;
				got.seq = place.seq + 1;
				got.prev = place.id;
				memcpy(got.parent_oid, place.oid, 20);
				buf_reader_init(&in, bytes.b, bytes.len);
				must(replica_begin(w->at[CITY], &err), &err,
				    "begin");
				tried++;
				refused += changeset_unpack(
					       &got, &in, NULL, &err) != 0 ||
					   receive_changeset(w->at[CITY], &got,
					       &result, &err) != 0;
				replica_rollback(w->at[CITY]);
				changeset_free(&got);
				buf_free(&bytes);
			}
			changeset_free(&cs);
		}
	}
	free(heads);
	ok(tried >= 50, "%lld places are tried", (long long)tried);
	is_int(refused, tried, "each changeset is good for one place only");
	state_of(w, after);
	is_str(after, before, "and nothing has changed");
}

/* A roster that the county has heard of first: two may speak to each other. */
static void
next_roster(struct world *w, int other)
{
	struct roster_change *change;
	struct roster_doc doc, cur;
	struct err err;

	must(replica_roster_doc(w->at[COUNTY], &cur, "root", 0, &err), &err,
	    "roster");
	must(roster_change_begin(&change, &cur, NULL, "root", &err), &err,
	    "begin");
	must(roster_change_peers(
		 change, world_tree[COUNTY].code, world_tree[other].code, &err),
	    &err, "peers");
	must(roster_change_write(&doc, change, &err), &err, "write");
	must(roster_doc_sign(&doc, &w->root, &err), &err, "sign");
	must(replica_adopt(w->at[COUNTY], &doc, &err), &err, "adopt");
	roster_change_free(change);
	roster_doc_free(&doc);
	roster_doc_free(&cur);
}

int
main(void)
{
	struct peering_result res;
	int64_t version;
	struct peering g;
	struct world w;
	char id[RECORD_ID_LEN + 1];
	size_t i;
	int day;

	world_open(&w);
	world_kinds(&w);
	world_sync(&w);
	peering_open(&g, &w);
	version = version_of(&w, CITY);
	g.tamper = keep;
	keeping = true;
	for (day = 0; day < 3; day++) {
		for (i = 0; i < 3; i++) {
			snprintf(id, sizeof(id), "520302-%032x",
			    (unsigned)(day * 3 + (int)i + 1));
			world_set(&w, COUNTY, STREAM_RESOURCE, "team", id,
			    "name", "\"队\"");
			world_set(&w, COUNTY, STREAM_COMMAND, "incident", id,
			    "name", "\"事\"");
			w.now[COUNTY] += 3600000;
			w.now[CITY] += 3600000;
		}
		if (day > 0)
			next_roster(&w, day == 1 ? SIBLING : OTHER);
		kept.session[day] = kept.n;
		peering_once(&g, &res, COUNTY, CITY);
		ok(res.complete, "day %d is complete", day);
	}
	kept.session[day] = kept.n;
	keeping = false;
	is_int(version_of(&w, CITY), version + 2,
	    "two versions of the roster came with them");
	i = whole_sessions(&w, &g, 8);
	each_message(&w, &g, AGAIN - i);
	other_places(&w);
	for (i = 0; i < kept.n; i++)
		buf_free(&kept.payload[i]);
	peering_close(&g);
	world_close(&w);
	return tap_done();
}
