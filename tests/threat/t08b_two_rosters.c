/*
 * Goal of this test: threat T08, a city that signs two rosters of one
 * version, one for each of two neighbours, each with a county of its own
 * making in it.  Whoever comes to hold both believes neither, nor what builds
 * on them, and tells everybody; in whatever order they come all fall back to
 * the same version, go on with everything else, and come out the same when
 * the root's k of n have decided; a rebuild from the ledger says the same.  The
 * root part itself is no exception: who decides there has k of n of the last
 * version that nobody disputes.
 */
#include "config.h"

#include <sys/wait.h>

#include "../world.h"

#include "../forge.h"
#include "../peering.h"
#include "ledger.h"
#include "roster_doc.h"

#define SCOPE "520300"

/* --- documents -------------------------------------------------------------
 */

static struct sign_key made[12]; /* keys of stations that nobody runs */

/* A county under the city, whose keys are made[n] and made[n + 1]. */
static void
county(struct roster_station *st, struct roster_key *k, const char *code, int n)
{
	static char inc[1][CHAIN_INC_LEN + 1] = {"0a0b0c0d"};
	static char name[] = "县";

	memset(st, 0, sizeof(*st));
	memset(k, 0, sizeof(*k));
	memcpy(k->sign, made[n].pub, 32);
	memcpy(k->ssh, made[n + 1].pub, 32);
	k->incs = inc;
	k->n_incs = 1;
	memcpy(st->code, code, 7);
	memcpy(st->parent, SCOPE, 7);
	memcpy(st->scope, SCOPE, 7);
	st->name = name;
	st->keys = k;
	st->n_keys = 1;
}

/* The next version of the city's document after cur, signed by the city. */
static void
city_doc(struct roster_doc *out, struct world *w, const struct roster_doc *cur,
    const char *code, int n)
{
	struct roster_change *change;
	struct roster_station st;
	struct roster_key k;
	struct err err;

	county(&st, &k, code, n);
	must(roster_change_begin(&change, cur, NULL, SCOPE, &err), &err, "doc");
	roster_change_put(change, &st);
	must(roster_change_write(out, change, &err), &err, "doc");
	roster_change_free(change);
	must(roster_doc_sign(out, &replica_home(w->at[CITY])->sign, &err), &err,
	    "sign");
}

/* What the root part decides about that document. */
static void
decision(struct roster_doc *out, struct world *w, const char *scope,
    const struct roster_doc *after, const struct roster_doc *chosen)
{
	struct roster_doc cur = {.version = 0};
	struct roster_change *change;
	struct err err;

	if (after == NULL)
		must(replica_roster_doc(w->at[PROVINCE], &cur, "root", 0, &err),
		    &err, "root");
	must(roster_change_begin(
		 &change, after == NULL ? &cur : after, NULL, "root", &err),
	    &err, "begin");
	must(roster_change_decide(
		 change, scope, chosen->version, &chosen->hash, &err),
	    &err, "decide");
	must(roster_change_write(out, change, &err), &err, "write");
	must(roster_doc_sign(out, &w->root, &err), &err, "sign");
	roster_change_free(change);
	roster_doc_free(&cur);
}

/* --- what a station says of it ---------------------------------------------
 */

static int64_t
counts(struct replica *r, const char *scope)
{
	const struct roster_scope *s = roster_scope(replica_roster(r), scope);

	return s == NULL ? -1 : s->version;
}

static bool
contested(struct replica *r, const char *scope)
{
	const struct roster_scope *s = roster_scope(replica_roster(r), scope);

	return s != NULL && s->contested;
}

/* Whose key is it that it takes for the county's? */
static int
key_of(struct replica *r, const char *code)
{
	const struct roster_station *st = roster_find(replica_roster(r), code);
	int i;

	for (i = 0; st != NULL && i < 12; i++)
		if (memcmp(st->keys[0].sign, made[i].pub, 32) == 0)
			return i;
	return -1;
}

/* All that it comes to: rosters and digests, as text. */
static void
sum_up(struct buf *out, struct replica *r)
{
	char hex[DIGEST_HEX_LEN + 1];
	const struct roster_scope *s;
	struct digest sum;
	int64_t records;
	struct err err;
	size_t i;
	int stream;

	for (i = 0; (s = roster_scope_at(replica_roster(r), i)) != NULL; i++) {
		digest_hex(hex, s->hash.b, 32);
		buf_printf(out, "%s %lld %s %d\n", s->scope,
		    (long long)s->version, hex, s->contested);
	}
	buf_printf(out, "%d %d\n", key_of(r, "520304"), key_of(r, "520305"));
	for (stream = 0; stream < STREAM_COUNT; stream++) {
		must(replica_digest(
			 r, (enum stream)stream, NULL, &records, &sum, &err),
		    &err, "digest");
		digest_hex(hex, sum.b, 32);
		buf_printf(out, "%s %lld %s\n", stream_name(stream),
		    (long long)records, hex);
	}
	buf_str(out);
}

static bool
rebuilds(struct replica *r)
{
	struct buf before = BUF_INIT, after = BUF_INIT;
	struct err err;
	bool same;

	sum_up(&before, r);
	must(replica_rebuild(r, NULL, NULL, &err), &err, "rebuild");
	sum_up(&after, r);
	same = strcmp(buf_str(&before), buf_str(&after)) == 0;
	if (!same)
		printf("# %s\n# %s\n", buf_str(&before), buf_str(&after));
	buf_free(&before);
	buf_free(&after);
	return same;
}

/* --- a city's program of its own -------------------------------------------
 */

static struct {
	bool lies;
	struct peer_store honest;
	const struct roster_doc *shown; /* of version 2 */
} city;

static int
lie_scopes(void *arg, struct peer_scope **out, size_t *n, struct err *err)
{
	int rc = city.honest.scopes(arg, out, n, err);
	size_t i;

	for (i = 0; rc == 0 && i < *n; i++) {
		struct peer_scope *s = &(*out)[i];

		if (strcmp(s->scope, SCOPE) != 0)
			continue;
		s->version = 2;
		s->hash = city.shown->hash;
		s->contested = false;
	}
	return rc;
}

static void
copy_doc(struct roster_doc *out, const struct roster_doc *doc)
{
	struct buf bytes = BUF_INIT;
	struct err err;

	roster_doc_pack(&bytes, doc);
	must(roster_doc_unpack(out, bytes.b, bytes.len, &err), &err, "copy");
	buf_free(&bytes);
}

static int
lie_get(void *arg, struct roster_doc *out, const char *scope, int64_t version,
    struct err *err)
{
	if (strcmp(scope, SCOPE) != 0 || version != 2)
		return city.honest.roster_get(arg, out, scope, version, err);
	copy_doc(out, city.shown);
	return 0;
}

/* It takes nothing in that would show it up. */
static int
lie_put(void *arg, const struct roster_doc *doc, struct err *err)
{
	return strcmp(doc->scope, SCOPE) == 0
		   ? 0
		   : city.honest.roster_put(arg, doc, err);
}

static void
bend(void *arg, int at, struct peer_store *s)
{
	(void)arg;
	if (at != CITY || !city.lies)
		return;
	city.honest = *s;
	s->scopes = lie_scopes;
	s->roster_get = lie_get;
	s->roster_put = lie_put;
	s->roster_hashes = NULL;
}

/* Nobody loses power here. */
static void
no_fsync(struct world *w)
{
	struct err err;
	int i;

	for (i = 0; i < WORLD_N; i++)
		must(db_exec(
			 replica_db(w->at[i]), "PRAGMA synchronous=OFF", &err),
		    &err, "no fsync");
}

/* --- in sessions -----------------------------------------------------------
 */

static void
team(struct world *w, int who, int n, const char *name)
{
	char id[RECORD_ID_LEN + 1], json[64];

	snprintf(id, sizeof(id), "%s-%032x", world_tree[who].code, (unsigned)n);
	snprintf(json, sizeof(json), "\"%s\"", name);
	world_set(w, who, STREAM_RESOURCE, "team", id, "name", json);
}

/* How many of the stations say the same as the province? */
static int
like_province(struct world *w)
{
	struct buf want = BUF_INIT, got = BUF_INIT;
	int i, n = 0;

	/* The resource stream is everybody's; the others differ by reach. */
	for (i = 0; i < WORLD_N; i++) {
		buf_clear(&got);
		buf_printf(&got, "%lld %d %s %s",
		    (long long)counts(w->at[i], SCOPE),
		    contested(w->at[i], SCOPE),
		    world_digest(w, i, STREAM_RESOURCE, NULL),
		    world_digest(w, i, STREAM_ROSTER, NULL));
		if (i == 0)
			buf_put(&want, buf_str(&got), got.len);
		n += strcmp(buf_str(&want), buf_str(&got)) == 0;
	}
	buf_free(&want);
	buf_free(&got);
	return n;
}

/* The county may call the province, past its city: the root says so. */
static void
allow_skip(struct world *w)
{
	struct roster_doc cur, doc;
	struct roster_change *change;
	struct err err;
	int i;

	must(replica_roster_doc(w->at[PROVINCE], &cur, "root", 0, &err), &err,
	    "root");
	must(roster_change_begin(&change, &cur, NULL, "root", &err), &err, "b");
	must(roster_change_peers(change, world_tree[PROVINCE].code,
		 world_tree[COUNTY].code, &err),
	    &err, "peers");
	must(roster_change_write(&doc, change, &err), &err, "write");
	must(roster_doc_sign(&doc, &w->root, &err), &err, "sign");
	for (i = 0; i < WORLD_N; i++)
		must(replica_adopt(w->at[i], &doc, &err), &err, "adopt");
	roster_change_free(change);
	roster_doc_free(&cur);
	roster_doc_free(&doc);
}

static void
all_go_on(struct world *w, struct peering *g, int n, const char *name)
{
	bool complete;
	char id[RECORD_ID_LEN + 1];
	int i, have = 0;

	team(w, COUNTY, n, name);
	(void)peering_round(g, &complete);
	ok(complete, "a round is complete, with two rosters in the world");
	snprintf(
	    id, sizeof(id), "%s-%032x", world_tree[COUNTY].code, (unsigned)n);
	for (i = 0; i < WORLD_N; i++)
		have += strcmp(world_get(w, i, "team", id, "name"), name) == 0;
	is_int(have, WORLD_N, "and what the county writes reaches everybody");
}

/* What the real program says at the province, and with which exit. */
static int
program(struct world *w, const char *arguments, struct buf *out)
{
	const char *build = getenv("top_builddir");
	char command[512], line[512];
	FILE *f;

	snprintf(command, sizeof(command), "%s/yizhan -C %s/520000 %s 2>&1",
	    build == NULL ? "." : build, w->dir, arguments);
	buf_clear(out);
	f = popen(command, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		buf_puts(out, line);
	buf_str(out);
	return f == NULL ? -1 : WEXITSTATUS(pclose(f));
}

/* What people see of it, and how the province decides. */
static void
by_people(struct world *w, const struct roster_doc *a)
{
	static const char *const shown[] = {
	    "roster", "roster --json", "status", "status --json", "verify"};
	char hex[17], line[128], path[128];
	struct buf out = BUF_INIT;
	struct err err;
	size_t i;
	int rc;

	digest_hex(hex, a->hash.b, 8);
	for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		rc = program(w, shown[i], &out);
		ok(strstr(buf_str(&out), hex) != NULL &&
			strstr(buf_str(&out), SCOPE) != NULL,
		    "yizhan %s shows the two", shown[i]);
		if (strchr(shown[i], ' ') == NULL)
			is_int(rc, 3, "as something to look at");
	}
	rc = program(w, "roster decide " SCOPE " ffff", &out);
	is_int(rc, 1, "neither is called so: %s", strtok(buf_str(&out), "\n"));
	snprintf(path, sizeof(path), "%s/520000/keys/root", w->dir);
	must(sign_save(&w->root, path, &err), &err, "root key");
	snprintf(line, sizeof(line), "roster decide %s %s", SCOPE, hex);
	is_int(program(w, line, &out), 0, "the province decides: %s",
	    strtok(buf_str(&out), "\n"));
	is_int(program(w, "verify", &out), 0, "and verify finds nothing more");
	is_int(program(w, line, &out), 1, "there is nothing to decide twice");
	buf_free(&out);
}

static void
in_sessions(void)
{
	struct roster_doc first, a, a3, b;
	struct peering_result res;
	struct peering g;
	struct world w;
	struct err err;
	bool complete;
	int i, round, same;

	world_open(&w);
	no_fsync(&w);
	world_kinds(&w);
	allow_skip(&w);
	city_doc(&first, &w, NULL, "520305", 4);
	for (i = 0; i < WORLD_N; i++)
		must(replica_adopt(w.at[i], &first, &err), &err, "first");
	city_doc(&a, &w, &first, "520304", 0);
	city_doc(&b, &w, &first, "520304", 2);
	city_doc(&a3, &w, &a, "520306", 6);
	peering_open(&g, &w);
	g.bend = bend;
	(void)peering_round(&g, &complete);
	ok(complete, "everybody holds version 1");

	city.lies = true;
	city.shown = &a;
	peering_once(&g, &res, CITY, PROVINCE);
	city.shown = &b;
	peering_once(&g, &res, COUNTY, CITY);
	is_int(key_of(w.at[PROVINCE], "520304"), 0,
	    "the province is told one county");
	is_int(key_of(w.at[COUNTY], "520304"), 2, "the county another");
	ok(!contested(w.at[PROVINCE], SCOPE) && !contested(w.at[COUNTY], SCOPE),
	    "neither can know");
	must(replica_adopt(w.at[PROVINCE], &a3, &err), &err, "a3");

	/* The county gets through to the province, past its city. */
	peering_once(&g, &res, COUNTY, PROVINCE);
	ok(res.complete, "they meet, and the session is whole");
	ok(contested(w.at[PROVINCE], SCOPE) && contested(w.at[COUNTY], SCOPE),
	    "both know of both at once");
	is_int(counts(w.at[PROVINCE], SCOPE), 1,
	    "the province falls back before it, from what built on it too");
	is_int(counts(w.at[COUNTY], SCOPE), 1, "so does the county");
	is_int(key_of(w.at[PROVINCE], "520304"), -1, "neither county is one");
	is_int(key_of(w.at[PROVINCE], "520305"), 4, "who was one stays one");

	/* The city goes on lying; it is silent about it, no more. */
	city.shown = &b;
	peering_once(&g, &res, COUNTY, CITY);
	ok(contested(w.at[COUNTY], SCOPE), "no lie unsays it");
	city.lies = false;
	for (round = 0, same = 0; same < WORLD_N && round < 5; round++) {
		(void)peering_round(&g, &complete);
		same = like_province(&w);
	}
	is_int(same, WORLD_N, "all six stations come to the same");
	ok(round <= 2, "within two rounds: %d", round);
	ok(contested(w.at[OTHER], SCOPE),
	    "one that never spoke to the city knows too");
	g.messages[2] = g.messages[28] = 0;
	all_go_on(&w, &g, 1, "一队");
	is_int(g.messages[2] + g.messages[28], 0, "and nobody repeats it");
	for (i = 0; i < WORLD_N; i++)
		ok(rebuilds(w.at[i]), "%s: a rebuild says the same",
		    world_tree[i].code);

	by_people(&w, &a);
	team(&w, PROVINCE, 1, "省队");
	is_int(counts(w.at[PROVINCE], SCOPE), 3,
	    "the root decides: what was chosen counts, and what follows it");
	for (round = 0, same = 0; same < WORLD_N && round < 5; round++) {
		(void)peering_round(&g, &complete);
		same = like_province(&w);
	}
	is_int(same, WORLD_N, "everybody hears of it");
	ok(round <= 2, "within two rounds: %d", round);
	is_int(key_of(w.at[COUNTY], "520304"), 0,
	    "who had been told the other county has the right one");
	ok(!contested(w.at[COUNTY], SCOPE), "there is nothing left to decide");
	all_go_on(&w, &g, 2, "二队");
	for (i = 0; i < WORLD_N; i++)
		ok(rebuilds(w.at[i]), "%s: a rebuild says the same",
		    world_tree[i].code);
	peering_close(&g);
	world_close(&w);
	roster_doc_free(&first);
	roster_doc_free(&a);
	roster_doc_free(&a3);
	roster_doc_free(&b);
}

/* --- in any order ----------------------------------------------------------
 */

enum { A, A3, B, WRITTEN, DECIDED, EVENTS };

static struct {
	struct world w;
	struct roster_doc first, a, a3, b, choice;
	struct pen pen; /* of the county that A lists */
	char dir[64];   /* of the one who takes it all in, in memory */
} o;

/* The kinds, as the province defines them. */
static void
bring_kinds(struct replica *r)
{
	const struct home *home = replica_home(o.w.at[PROVINCE]);
	enum receive_result result;
	struct replica_head head;
	struct chain_name chain;
	struct changeset cs;
	char name[CHAIN_NAME_MAX];
	struct err err;
	int64_t seq;

	snprintf(name, sizeof(name), "%s-%s/roster", home->code, home->inc);
	must(chain_parse(&chain, name, strlen(name), &err), &err, name);
	must(replica_head(o.w.at[PROVINCE], &head, &chain, &err), &err, "head");
	must(replica_begin(r, &err), &err, "begin");
	for (seq = 1; seq <= head.seq; seq++) {
		must(replica_read(o.w.at[PROVINCE], &cs, &chain, seq, &err),
		    &err, "read");
		must(receive_changeset(r, &cs, &result, &err), &err, "kinds");
		changeset_free(&cs);
	}
	must(replica_commit(r, &err), &err, "commit");
}

static struct replica *
fresh(void)
{
	struct roster_doc doc;
	struct replica *r;
	struct home *home;
	struct err err;
	int64_t v;

	snprintf(o.dir, sizeof(o.dir), "%s/yizhan-order-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	must(mkdtemp(o.dir) == NULL, &(struct err){.msg = "mkdtemp"}, "folder");
	must(home_create(&home, o.dir, "520402", &err), &err, "home");
	must(replica_open(&r, home, &err), &err, "replica");
	must(db_exec(replica_db(r), "PRAGMA synchronous=OFF", &err), &err, "s");
	for (v = 1; v <= WORLD_N; v++) {
		must(replica_roster_doc(o.w.at[OTHER], &doc, "root", v, &err),
		    &err, "root");
		must(replica_adopt(r, &doc, &err), &err, "adopt");
		roster_doc_free(&doc);
	}
	bring_kinds(r);
	must(replica_adopt(r, &o.first, &err), &err, "first");
	return r;
}

static int
bring(struct replica *r, int event, struct err *err)
{
	static const char ops[] =
	    "{\"id\":\"520304-00000000000000000000000000000001\",\"kind\":"
	    "\"team\",\"set\":{\"name\":\"甲队\"}}\n";
	const struct roster_doc *const docs[EVENTS] = {
	    [A] = &o.a, [A3] = &o.a3, [B] = &o.b, [DECIDED] = &o.choice};
	enum receive_result result;
	struct changeset cs;
	int rc;

	if (docs[event] != NULL)
		return replica_adopt(r, docs[event], err);
	pen_draft(&cs, &o.pen, ops, strlen(ops));
	o.pen.time--;
	pen_sign(&cs, &o.pen.key);
	rc = replica_begin(r, err);
	if (rc == 0)
		rc = receive_changeset(r, &cs, &result, err);
	if (rc == 0)
		rc = replica_commit(r, err);
	else
		replica_rollback(r);
	changeset_free(&cs);
	return rc;
}

/* What has no place yet is brought again when something else came. */
static void
bring_all(struct replica *r, const int *order, int n)
{
	bool done[EVENTS] = {false}, moved = true;
	struct err err;
	int i;

	while (moved) {
		moved = false;
		for (i = 0; i < n; i++) {
			if (done[i] || bring(r, order[i], &err) != 0)
				continue;
			done[i] = moved = true;
		}
	}
}

/* All orders of n events: every one has to come to *want, the first one's. */
static void
all_orders(int n, char **want, int *orders, int *wrong, int *rebuilt)
{
	int order[EVENTS], c[EVENTS] = {0}, i, swap, keep;
	struct buf text = BUF_INIT;
	char command[160];
	struct replica *r;

	for (i = 0; i < n; i++)
		order[i] = i;
	for (;;) {
		r = fresh();
		bring_all(r, order, n);
		buf_clear(&text);
		sum_up(&text, r);
		if (*want == NULL)
			*want = mem_strdup(buf_str(&text));
		*wrong += strcmp(*want, buf_str(&text)) != 0;
		if (*orders % 8 == 0)
			*rebuilt += !rebuilds(r);
		replica_close(r);
		(*orders)++;
		snprintf(command, sizeof(command), "rm -rf %s", o.dir);
		if (system(command) != 0)
			printf("# could not remove it\n");
		/* Heap's way to the next order. */
		for (i = 0; i < n && c[i] >= i; i++)
			c[i] = 0;
		if (i == n)
			break;
		swap = i % 2 == 0 ? 0 : c[i];
		keep = order[swap];
		order[swap] = order[i];
		order[i] = keep;
		c[i]++;
	}
	buf_free(&text);
}

static void
in_any_order(void)
{
	int orders = 0, wrong = 0, rebuilt = 0;
	char *want = NULL, *after = NULL;

	world_open(&o.w);
	no_fsync(&o.w);
	world_kinds(&o.w);
	city_doc(&o.first, &o.w, NULL, "520305", 4);
	city_doc(&o.a, &o.w, &o.first, "520304", 0);
	city_doc(&o.b, &o.w, &o.first, "520304", 2);
	city_doc(&o.a3, &o.w, &o.a, "520306", 6);
	decision(&o.choice, &o.w, SCOPE, NULL, &o.a);
	pen_new(&o.pen, "520304-0a0b0c0d/resource", &made[0]);

	all_orders(DECIDED, &want, &orders, &wrong, &rebuilt);
	is_int(orders, 24,
	    "both, what builds on one, and what its county wrote,"
	    " in every order");
	is_int(wrong, 0, "the same comes of each");
	ok(strstr(want, "\n-1 4\n") != NULL && strstr(want, "resource 0 "),
	    "the county is nobody, what it wrote is nothing");
	is_int(rebuilt, 0, "a rebuild says the same");

	orders = 0;
	all_orders(EVENTS, &after, &orders, &wrong, &rebuilt);
	is_int(orders, 120, "with the root's decision before, after, between");
	is_int(wrong, 0, "the same comes of each");
	ok(strstr(after, "\n0 4\n") != NULL && strstr(after, "resource 1 "),
	    "the county is one, and what it wrote counts");
	is_int(rebuilt, 0, "a rebuild says the same");
	free(want);
	free(after);
	roster_doc_free(&o.first);
	roster_doc_free(&o.a);
	roster_doc_free(&o.b);
	roster_doc_free(&o.a3);
	roster_doc_free(&o.choice);
	world_close(&o.w);
}

/* --- the root part itself --------------------------------------------------
 */

/* The next root part after cur: with the first n keys of these signing it,
 * and such root keys from now on. */
static void
root_doc(struct roster_doc *out, const struct roster_doc *cur,
    const struct sign_key *const *keys, size_t n, int64_t threshold,
    const struct sign_key *const *sign, size_t n_sign,
    const struct roster_doc *decides)
{
	uint8_t pub[8][32];
	struct roster_change *change;
	struct err err;
	size_t i;

	must(roster_change_begin(&change, cur, NULL, "root", &err), &err, "b");
	for (i = 0; i < n; i++)
		memcpy(pub[i], keys[i]->pub, 32);
	must(roster_change_root_keys(
		 change, (const uint8_t(*)[32])pub, n, threshold, &err),
	    &err, "keys");
	if (decides != NULL)
		must(roster_change_decide(change, "root", decides->version,
			 &decides->hash, &err),
		    &err, "decide");
	must(roster_change_write(out, change, &err), &err, "write");
	for (i = 0; i < n_sign; i++)
		must(roster_doc_sign(out, sign[i], &err), &err, "sign");
	roster_change_free(change);
}

static void
root_of_one(void)
{
	enum { MORE_A, DECIDE_B, DECIDE_A, LATER_B, LATER_A, DOCS };
	struct roster_doc cur, a, b, doc[DOCS];
	const struct sign_key *key, *two[2];
	struct world w;
	struct err err;
	int64_t v;
	int i;

	world_open(&w);
	no_fsync(&w);
	key = two[0] = &w.root;
	two[1] = &made[0];
	must(replica_roster_doc(w.at[PROVINCE], &cur, "root", 0, &err), &err,
	    "root");
	v = cur.version;
	root_doc(&a, &cur, &key, 1, 1, &key, 1, NULL);
	root_doc(&b, &cur, two, 2, 1, &key, 1, NULL);
	root_doc(&doc[MORE_A], &a, &key, 1, 1, &key, 1, NULL);
	root_doc(&doc[DECIDE_B], &b, &key, 1, 1, &key, 1, &b);
	root_doc(&doc[DECIDE_A], &doc[MORE_A], &key, 1, 1, &key, 1, &a);
	root_doc(&doc[LATER_B], &doc[DECIDE_B], &key, 1, 1, &key, 1, NULL);
	root_doc(&doc[LATER_A], &doc[DECIDE_A], &key, 1, 1, &key, 1, NULL);

	must(replica_adopt(w.at[0], &a, &err), &err, "a");
	must(replica_adopt(w.at[0], &doc[MORE_A], &err), &err, "more");
	is_int(counts(w.at[0], "root"), v + 2, "root part: two versions on");
	must(replica_adopt(w.at[0], &b, &err), &err, "b");
	is_int(counts(w.at[0], "root"), v, "two of one: back before them");
	ok(contested(w.at[0], "root"), "and that is known");
	ok(rebuilds(w.at[0]), "a rebuild says the same");
	must(replica_adopt(w.at[0], &doc[DECIDE_B], &err), &err, "decide");
	is_int(counts(w.at[0], "root"), v + 2, "one that names it decides");
	must(replica_adopt(w.at[0], &doc[DECIDE_A], &err), &err, "otherwise");
	is_int(counts(w.at[0], "root"), v + 3,
	    "of two that decide otherwise the higher version holds");
	must(replica_adopt(w.at[0], &doc[LATER_B], &err), &err, "later");
	is_int(counts(w.at[0], "root"), v, "of one version neither");
	ok(rebuilds(w.at[0]), "a rebuild says the same");
	must(replica_adopt(w.at[0], &doc[LATER_A], &err), &err, "later");
	is_int(counts(w.at[0], "root"), v + 4, "and on it goes");
	ok(rebuilds(w.at[0]), "a rebuild says the same");
	must(replica_adopt(w.at[1], &b, &err), &err, "b");
	must(replica_adopt(w.at[1], &a, &err), &err, "a");
	for (i = 0; i < DOCS; i++)
		must(replica_adopt(w.at[1], &doc[i], &err), &err, "others");
	is_int(counts(w.at[1], "root"), v + 4,
	    "in another order the same comes of it");
	roster_doc_free(&cur);
	roster_doc_free(&a);
	roster_doc_free(&b);
	for (i = 0; i < DOCS; i++)
		roster_doc_free(&doc[i]);
	world_close(&w);
}

static void
root_of_three(void)
{
	struct roster_doc cur, a, b, few, enough;
	const struct sign_key *three[] = {&made[1], &made[2], &made[3]};
	const struct sign_key *first[] = {NULL}, *thief[] = {&made[9]};
	const struct sign_key *who_a[] = {&made[1], &made[2], &made[9]};
	const struct sign_key *who_b[] = {&made[1], &made[3]};
	struct roster_doc base;
	struct world w;
	struct err err;
	int64_t v;

	world_open(&w);
	no_fsync(&w);
	first[0] = &w.root;
	must(replica_roster_doc(w.at[0], &base, "root", 0, &err), &err, "root");
	{
		const struct sign_key *sign[] = {first[0], &made[1], &made[2]};

		root_doc(&cur, &base, three, 3, 2, sign, 3, NULL);
	}
	must(replica_adopt(w.at[0], &cur, &err), &err, "two of three");
	v = cur.version;
	/* One of the two would make a thief's key the only one. */
	root_doc(&a, &cur, thief, 1, 1, who_a, 3, NULL);
	root_doc(&b, &cur, three, 3, 2, who_b, 2, NULL);
	must(replica_adopt(w.at[0], &a, &err), &err, "a");
	is_int(counts(w.at[0], "root"), v + 1, "the thief's key alone is root");
	must(replica_adopt(w.at[0], &b, &err), &err, "b");
	is_int(counts(w.at[0], "root"), v, "until another is known");
	root_doc(&few, &a, thief, 1, 1, thief, 1, &a);
	is_int(replica_adopt(w.at[0], &few, &err), YZ_ENOTFOUND,
	    "it does not decide for itself: %s", err.msg);
	is_int(counts(w.at[0], "root"), v, "nothing is decided");
	root_doc(&enough, &b, three, 3, 2, who_b, 2, &b);
	must(replica_adopt(w.at[0], &enough, &err), &err, "two of three");
	is_int(counts(w.at[0], "root"), v + 2,
	    "two of the last three that nobody disputes do");
	is_int(roster_threshold(replica_roster(w.at[0])), 2, "and stay two");
	ok(rebuilds(w.at[0]), "a rebuild says the same");
	roster_doc_free(&base);
	roster_doc_free(&cur);
	roster_doc_free(&a);
	roster_doc_free(&b);
	roster_doc_free(&few);
	roster_doc_free(&enough);
	world_close(&w);
}

/* --- what proves nothing ---------------------------------------------------
 */

static void
no_proof(void)
{
	struct roster_doc first, a, forged, third, b;
	struct world w;
	struct err err;

	world_open(&w);
	city_doc(&first, &w, NULL, "520305", 4);
	city_doc(&a, &w, &first, "520304", 0);
	city_doc(&b, &w, &first, "520304", 2);
	city_doc(&third, &w, &first, "520304", 6);
	must(replica_adopt(w.at[0], &first, &err), &err, "first");
	must(replica_adopt(w.at[0], &a, &err), &err, "a");
	city_doc(&forged, &w, &first, "520304", 8);
	forged.sigs[0].sig[7] ^= 1;
	is_int(replica_adopt(w.at[0], &forged, &err), YZ_EDENIED,
	    "a second one with a signature that does not hold is refused");
	forged.sigs[0].sig[7] ^= 1;
	free(forged.sigs);
	forged.sigs = NULL;
	forged.n_sigs = 0;
	must(roster_doc_sign(&forged, &made[9], &err), &err, "sign");
	ok(replica_adopt(w.at[0], &forged, &err) != 0,
	    "so is one by another's key");
	is_int(counts(w.at[0], SCOPE), 2, "the first goes on counting");
	must(replica_adopt(w.at[0], &b, &err), &err, "b");
	is_int(replica_adopt(w.at[0], &third, &err), YZ_ENOTFOUND,
	    "a third adds nothing, and is not kept");
	is_int(counts(w.at[0], SCOPE), 1, "nothing changes by it");
	roster_doc_free(&first);
	roster_doc_free(&a);
	roster_doc_free(&b);
	roster_doc_free(&third);
	roster_doc_free(&forged);
	world_close(&w);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		sign_generate(&made[i]);
	in_sessions();
	in_any_order();
	root_of_one();
	root_of_three();
	no_proof();
	return tap_done();
}
