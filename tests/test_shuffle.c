/*
 * Goal of this test: a replica's state is a function of the chains and
 * rosters it holds, whatever the order in which they came.  A federation
 * writes a history of contradictions: concurrent edits, drops and revivals,
 * wrong writers, kinds, fields and a roster that come late, a revoked key.  It
 * is recorded once and brought to fresh replicas in a thousand random
 * orders, with random ends of transactions, rollbacks, sealing and reopening
 * between; each must come to the same digests, rows, standing writes and
 * quarantine, and to the same once more when it is rebuilt.
 *
 *	SHUFFLE_SEED=N   the histories and orders to try (default: a fixed one)
 *	SHUFFLE_ORDERS=N how many orders (default 1000; 100 under sanitizers)
 */
#include "config.h"

#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"

#include "world.h"

#include "forge.h"
#include "shuffle.h"

#define HISTORIES 4
#define WORKERS 2           /* processes that try orders */
#ifdef __SANITIZE_ADDRESS__ /* the plain build tries them all */
#define ORDERS 100
#else
#define ORDERS 1000
#endif
#define REBUILD_EVERY 50
#define BASE_ROSTERS 4

static const int observers[] = {PROVINCE, CITY, COUNTY, OTHER, SIBLING};
#define N_OBSERVERS (sizeof(observers) / sizeof(observers[0]))

/* What a fresh replica came to. */
struct state {
	char digest[STREAM_COUNT][DIGEST_HEX_LEN + 1];
	struct buf dump;
};

/* --- a fresh replica ------------------------------------------------------ */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

struct fresh {
	char dir[64];
	const char *code;
	struct replica *r;
	int64_t now;
};

static void
fresh_open(struct fresh *f)
{
	struct home *home;
	struct err err;

	must(home_open(&home, f->dir, &err), &err, "home");
	must(replica_open(&f->r, home, &err), &err, "replica");
	replica_set_clock(f->r, world_clock, &f->now);
}

static void
fresh_folder(struct fresh *f, const char *code)
{
	snprintf(f->dir, sizeof(f->dir), "%s/yizhan-shuffle-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	must(mkdtemp(f->dir) == NULL, &(struct err){.msg = "mkdtemp"}, "tmp");
	f->code = code;
	f->now = WORLD_START;
}

static void
fresh_make(struct fresh *f, const char *code)
{
	struct home *home;
	struct err err;

	fresh_folder(f, code);
	must(home_create(&home, f->dir, code, &err), &err, "home");
	home_free(home);
	fresh_open(f);
}

/* As from, which is closed and holds rosters and nothing else. */
static void
fresh_copy(struct fresh *f, const struct fresh *from)
{
	static const char *const names[] = {
	    "station", "keys/sign", "keys/ssh", "yizhan.db"};
	char path[128];
	struct buf bytes = BUF_INIT;
	struct err err;
	size_t i;

	fresh_folder(f, from->code);
	snprintf(path, sizeof(path), "%s/keys", f->dir);
	must(mkdir(path, 0700), &(struct err){.msg = "mkdir"}, "keys");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", from->dir, names[i]);
		buf_clear(&bytes);
		must(file_read(&bytes, path, 16u << 20, &err), &err, path);
		snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		must(file_write(path, bytes.b, bytes.len, 0600, &err), &err,
		    path);
	}
	buf_free(&bytes);
	fresh_open(f);
	/* Its ledger is a new one. */
	must(db_exec(replica_db(f->r), "UPDATE _roster SET oid = NULL", &err),
	    &err, "rosters");
}

static void
fresh_drop(struct fresh *f)
{
	replica_close(f->r);
	nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- what it holds, by names that are the same everywhere ------------------
 */

static void
dump_query(
    struct buf *out, struct replica *r, const char *label, const char *sql)
{
	struct db_stmt *st;
	struct err err;
	int rc, i;

	must(db_query(&st, replica_db(r), &err, sql, ""), &err, sql);
	while ((rc = db_step(st, &err)) == 1) {
		buf_puts(out, label);
		for (i = 0; i < db_columns(st); i++) {
			const char *s = db_text(st, i);

			buf_putc(out, '|');
			buf_puts(out, s == NULL ? "-" : s);
		}
		buf_putc(out, '\n');
	}
	must(rc, &err, sql);
	db_done(st);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
dump_kind(struct buf *out, struct replica *r, const struct kind *k)
{
	char *names[64];
	struct buf sql = BUF_INIT;
	size_t i, n = 0;

	for (i = 0; i < k->n_fields && n < 64; i++)
		names[n++] = k->fields[i]->name;
	qsort(names, n, sizeof(names[0]), compare_names);
	buf_puts(&sql,
	    "SELECT id, _conflicts, k.removed, removed_reason, created_at,"
	    " created_by");
	for (i = 0; i < n; i++)
		buf_printf(&sql, ", '%s', k.\"%s\"", names[i], names[i]);
	buf_printf(&sql,
	    " FROM \"%s\" AS k JOIN _record USING (rec) ORDER BY id", k->name);
	dump_query(out, r, k->name, buf_str(&sql));
	buf_free(&sql);
}

static long miscounted; /* kinds of which the tally is not what one counts */

/* The tally as it is kept, and as counting the rows gives it. */
static void
dump_tally(struct buf *out, struct replica *r, const struct kind *k)
{
	struct buf kept = BUF_INIT, counted = BUF_INIT, sql = BUF_INIT;
	size_t i;

	buf_printf(&sql,
	    "SELECT a, b, c, d, n FROM _tally WHERE kind = '%s'"
	    " ORDER BY a, b, c, d",
	    k->name);
	dump_query(&kept, r, k->name, buf_str(&sql));
	buf_clear(&sql);
	buf_puts(&sql, "SELECT ");
	for (i = 0; i < KIND_TALLIED_MAX; i++)
		if (i < k->n_tallied)
			buf_printf(&sql, "\"%s\", ", k->tallied[i]->name);
		else
			buf_puts(&sql, "NULL, ");
	buf_printf(&sql,
	    "count(*) FROM \"%s\" WHERE removed = 0"
	    " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
	    k->name);
	dump_query(&counted, r, k->name, buf_str(&sql));
	if (strcmp(buf_str(&kept), buf_str(&counted)) != 0) {
		printf("# kept: %s# counted: %s", buf_str(&kept),
		    buf_str(&counted));
		miscounted++;
	}
	buf_put(out, kept.b, kept.len);
	buf_free(&kept);
	buf_free(&counted);
	buf_free(&sql);
}

static void
dump(struct buf *out, struct replica *r)
{
	const struct schema *schema = replica_schema(r);
	const char *names[64];
	size_t i, n = 0;

	for (i = 0; i < schema_count(schema) && n < 64; i++)
		if (schema_at(schema, i)->n_regs > 0)
			names[n++] = schema_at(schema, i)->name;
	qsort(names, n, sizeof(names[0]), compare_names);
	for (i = 0; i < n; i++) {
		dump_kind(out, r, schema_kind(schema, names[i]));
		dump_tally(out, r, schema_kind(schema, names[i]));
	}
	dump_query(out, r, "standing",
	    "SELECT i.id, i.kind, register, hex(c.id), value, shown FROM"
	    " _standing AS s JOIN _record AS i USING (rec) JOIN _changeset AS c"
	    " USING (chain, seq) ORDER BY 1, 2, 3, 4");
	dump_query(out, r, "quarantine",
	    "SELECT hex(c.id), op, q.id, kind, reason FROM _quarantine AS q"
	    " JOIN _changeset AS c USING (chain, seq) ORDER BY 1, 2");
	dump_query(out, r, "touch",
	    "SELECT i.id, i.kind, hex(c.id) FROM _touch JOIN _record AS i"
	    " USING (rec) JOIN _changeset AS c USING (chain, seq)"
	    " ORDER BY 1, 2, 3");
	dump_query(out, r, "waits",
	    "SELECT id, kind FROM _unknown JOIN _record USING (rec)"
	    " ORDER BY 1, 2");
	dump_query(out, r, "blob",
	    "SELECT id, field, hash, stream, b.owner FROM _blob AS b"
	    " JOIN _record USING (rec) ORDER BY 1, 2, 3");
	dump_query(out, r, "head",
	    "SELECT name, head, hex(head_id), accepted, may_write FROM _chain"
	    " WHERE head > 0 ORDER BY 1");
	dump_query(out, r, "waiting for",
	    "SELECT o.name, other_seq, c.name FROM _waiting AS w JOIN _chain"
	    " AS o ON o.no = other JOIN _chain AS c ON c.no = w.chain"
	    " ORDER BY 1, 2, 3");
	/* The search index: every word and the record it finds. */
	dump_query(out, r, "word",
	    "SELECT term, id FROM temp.words JOIN _record ON rec = doc"
	    " ORDER BY 1, 2");
}

static void
state_of(struct state *out, struct replica *r)
{
	struct digest sum;
	int64_t records;
	struct err err;
	int s;

	for (s = 0; s < STREAM_COUNT; s++) {
		must(replica_digest(
			 r, (enum stream)s, NULL, &records, &sum, &err),
		    &err, "digest");
		digest_hex(out->digest[s], sum.b, sizeof(sum.b));
	}
	buf_clear(&out->dump);
	must(db_exec(replica_db(r),
		 "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING"
		 " fts5vocab(main, _search, instance)",
		 &err),
	    &err, "words");
	dump(&out->dump, r);
}

/* --- one order ---------------------------------------------------------------
 */

struct order {
	const struct history *h;
	struct fresh f;
	size_t *done;   /* of each source, how many are in */
	size_t *kept;   /* as of the last commit */
	unsigned *luck; /* of each source */
	bool *shut;     /* refused, until a roster comes */
	bool open;      /* a transaction is */
	bool *mine;     /* does the source reach the replica? */
	long cut, back; /* chains that a roster cut, and brought back */
};

static void
end_transaction(struct order *o)
{
	struct err err;

	if (!o->open)
		return;
	o->open = false;
	if (roll(12) == 0) {
		replica_rollback(o->f.r);
		memcpy(o->done, o->kept, o->h->n * sizeof(*o->done));
		memset(o->shut, 0, o->h->n * sizeof(*o->shut));
		return;
	}
	must(replica_commit(o->f.r, &err), &err, "commit");
	memcpy(o->kept, o->done, o->h->n * sizeof(*o->done));
	if (roll(12) == 0)
		must(replica_seal(o->f.r, &err), &err, "seal");
	if (roll(40) == 0) {
		replica_close(o->f.r);
		fresh_open(&o->f);
	}
}

/* A roster may have cut chains back, or taken what was cut off in again: go
 * on from there. */
static void
look_at_heads(struct order *o)
{
	struct replica_head head;
	struct err err;
	size_t i;

	for (i = 0; i < o->h->n; i++) {
		if (o->h->v[i].docs != NULL)
			continue;
		must(replica_head(o->f.r, &head, &o->h->v[i].chain, &err), &err,
		    "head");
		o->cut += (size_t)head.seq < o->done[i];
		o->back += (size_t)head.seq > o->done[i];
		o->done[i] = o->kept[i] = (size_t)head.seq;
	}
}

static int
bring_roster(struct order *o, size_t i, struct err *err)
{
	const struct source *s = &o->h->v[i];
	int rc;

	end_transaction(o);
	rc = replica_adopt(o->f.r, &s->docs[o->done[i]], err);
	if (rc == 0) {
		o->kept[i] = ++o->done[i];
		memset(o->shut, 0, o->h->n * sizeof(*o->shut));
		look_at_heads(o);
	}
	return rc;
}

static int
bring_changeset(struct order *o, size_t i, struct err *err)
{
	const struct source *s = &o->h->v[i];
	struct changeset cs;
	enum receive_result result;
	int rc;

	if (!o->open)
		must(replica_begin(o->f.r, err), err, "begin");
	o->open = true;
	source_unpack(&cs, s, o->done[i]);
	rc = receive_changeset(o->f.r, &cs, &result, err);
	if (rc == 0)
		o->done[i]++;
	changeset_free(&cs);
	return rc;
}

/* Of the sources that have something left, one by their luck; n if none. */
static size_t
pick(const struct order *o)
{
	unsigned sum = 0, at;
	size_t i;

	for (i = 0; i < o->h->n; i++)
		if (o->mine[i] && !o->shut[i] && o->done[i] < o->h->v[i].n)
			sum += o->luck[i];
	if (sum == 0)
		return o->h->n;
	at = roll(sum);
	for (i = 0; i < o->h->n; i++) {
		if (!o->mine[i] || o->shut[i] || o->done[i] == o->h->v[i].n)
			continue;
		if (at < o->luck[i])
			break;
		at -= o->luck[i];
	}
	return i;
}

/* Bring everything; plain: chain after chain, rosters first. */
static void
run_order(struct order *o, bool plain)
{
	static const unsigned luck[] = {1, 5, 25, 125, 625};
	struct err err;
	size_t i, burst;
	int rc;

	for (i = 0; i < o->h->n; i++)
		o->luck[i] = luck[roll(5)];
	for (;;) {
		i = pick(o);
		if (plain)
			for (i = 0;
			     i < o->h->n && (!o->mine[i] || o->shut[i] ||
						o->done[i] == o->h->v[i].n);
			     i++)
				;
		if (i == o->h->n) {
			end_transaction(o);
			if (pick(o) == o->h->n)
				break; /* no rollback brought some back */
			continue;
		}
		for (burst = roll(4) == 0 ? 5 : 1;
		     burst > 0 && o->done[i] < o->h->v[i].n; burst--) {
			rc = o->h->v[i].docs != NULL
				 ? bring_roster(o, i, &err)
				 : bring_changeset(o, i, &err);
			/* Who signed it, or what it follows, is to come. */
			if (rc == YZ_EDENIED ||
			    (rc == YZ_ENOTFOUND && o->h->v[i].docs != NULL)) {
				o->shut[i] = true;
				break;
			}
			must(rc, &err, "bring");
		}
		if (roll(6) == 0)
			end_transaction(o);
	}
}

/* base: begin with what it holds, so many versions of the first source, or
 * NULL: with nothing. */
static void
order_begin(struct order *o, const struct history *h, const char *code,
    const struct fresh *base, size_t rosters)
{
	size_t i;

	o->h = h;
	o->done = mem_calloc(h->n, sizeof(*o->done));
	o->kept = mem_calloc(h->n, sizeof(*o->kept));
	o->luck = mem_calloc(h->n, sizeof(*o->luck));
	o->shut = mem_calloc(h->n, sizeof(*o->shut));
	o->mine = mem_calloc(h->n, sizeof(*o->mine));
	o->open = false;
	o->cut = o->back = 0;
	for (i = 0; i < h->n; i++)
		o->mine[i] = h->v[i].docs != NULL ||
			     chain_reaches(h->roster, &h->v[i].chain, code);
	if (base == NULL) {
		fresh_make(&o->f, code);
		return;
	}
	fresh_copy(&o->f, base);
	o->done[0] = o->kept[0] = rosters;
}

static bool
order_complete(const struct order *o)
{
	size_t i;

	for (i = 0; i < o->h->n; i++)
		if (o->mine[i] && !o->shut[i] && o->done[i] < o->h->v[i].n)
			return false;
	return true;
}

static void
order_end(struct order *o)
{
	fresh_drop(&o->f);
	free(o->done);
	free(o->kept);
	free(o->luck);
	free(o->shut);
	free(o->mine);
}

/* --- comparing --------------------------------------------------------------
 */

/* Lines of a that b lacks. */
static void
show_missing(const char *sign, struct buf *a, struct buf *b)
{
	const char *p = buf_str(a), *end;
	int shown = 0;

	for (; *p != '\0' && shown < 8; p = end + 1) {
		char line[600];

		end = strchr(p, '\n');
		snprintf(line, sizeof(line), "%.*s\n", (int)(end - p), p);
		if (strstr(buf_str(b), line) == NULL) {
			printf("# %s %s", sign, line);
			shown++;
		}
	}
}

static bool
state_equal(struct state *got, struct state *want, const char *what)
{
	bool same = true;
	int s;

	for (s = 0; s < STREAM_COUNT; s++) {
		if (strcmp(got->digest[s], want->digest[s]) == 0)
			continue;
		printf("# %s: digest of %s differs\n", what,
		    stream_name((enum stream)s));
		same = false;
	}
	if (strcmp(buf_str(&got->dump), buf_str(&want->dump)) != 0) {
		printf("# %s: what is held differs\n", what);
		show_missing("got ", &got->dump, &want->dump);
		show_missing("want", &want->dump, &got->dump);
		same = false;
	}
	return same;
}

struct tally {
	long orders, incomplete, differ, rebuilt, rebuilt_differ, cut, back;
	long miscounted;
};

static void
try_order(struct tally *t, const struct history *h, struct state *want,
    const struct fresh *bases, long i)
{
	static struct state got;
	size_t at = (size_t)i % N_OBSERVERS;
	/* Three of four begin with some rosters: that is much quicker. */
	bool bare = i / (long)N_OBSERVERS % 4 == 0;
	struct order o;
	struct err err;
	char what[80];

	order_begin(&o, h, world_tree[observers[at]].code,
	    bare ? NULL : &bases[at], BASE_ROSTERS);
	run_order(&o, false);
	t->orders++;
	t->incomplete += !order_complete(&o);
	t->cut += o.cut;
	t->back += o.back;
	state_of(&got, o.f.r);
	snprintf(what, sizeof(what), "order %ld at %s", i, o.f.code);
	t->differ += !state_equal(&got, &want[at], what);
	if (i % REBUILD_EVERY == REBUILD_EVERY - 1 - (long)at) {
		must(replica_rebuild(o.f.r, NULL, NULL, &err), &err, "rebuild");
		state_of(&got, o.f.r);
		snprintf(what, sizeof(what), "order %ld rebuilt", i);
		t->rebuilt_differ += !state_equal(&got, &want[at], what);
		t->rebuilt++;
	}
	order_end(&o);
}

static void
shuffle(const struct history *h, struct state *want, const struct fresh *bases,
    long orders, unsigned seed)
{
	struct tally sum = {0}, t;
	int worker, fds[2];
	long i;

	must(pipe(fds), &(struct err){.msg = "pipe"}, "workers");
	fflush(stdout);
	for (worker = 0; worker < WORKERS; worker++) {
		if (fork() != 0)
			continue;
		memset(&t, 0, sizeof(t));
		for (i = worker; i < orders; i += WORKERS) {
			roll_seed(seed + 1000003u * (unsigned)i);
			try_order(&t, h, want, bases, i);
			if (t.differ + t.rebuilt_differ > 2)
				break;
		}
		t.miscounted = miscounted;
		fflush(stdout);
		_exit(write(fds[1], &t, sizeof(t)) != sizeof(t));
	}
	close(fds[1]);
	while (read(fds[0], &t, sizeof(t)) == sizeof(t)) {
		sum.orders += t.orders;
		sum.incomplete += t.incomplete;
		sum.cut += t.cut;
		sum.back += t.back;
		sum.differ += t.differ;
		sum.miscounted += t.miscounted;
		sum.rebuilt += t.rebuilt;
		sum.rebuilt_differ += t.rebuilt_differ;
	}
	close(fds[0]);
	while (wait(NULL) > 0)
		;
	is_int(sum.orders, orders, "orders tried");
	is_int(sum.incomplete, 0, "in none of them something stayed out");
	ok(sum.cut > 0 && sum.back > 0,
	    "rosters cut %ld chains back, and brought %ld back", sum.cut,
	    sum.back);
	is_int(sum.differ, 0, "all come to the same rows and digests");
	is_int(
	    sum.miscounted, 0, "and keep the figures that counting them gives");
	is_int(sum.rebuilt_differ, 0, "so do the %ld that were rebuilt",
	    sum.rebuilt);
}

/* For each observer a replica with the first rosters, closed. */
static void
make_bases(struct fresh *bases, const struct history *h)
{
	struct err err;
	size_t i, j;

	for (i = 0; i < N_OBSERVERS; i++) {
		fresh_make(&bases[i], world_tree[observers[i]].code);
		for (j = 0; j < BASE_ROSTERS; j++)
			must(replica_adopt(bases[i].r, &h->v[0].docs[j], &err),
			    &err, "adopt");
		replica_close(bases[i].r);
		bases[i].r = NULL;
	}
}

/* Streams that all the observers hold whole give one digest at all. */
static void
same_at_all(const struct state *want)
{
	size_t i, same = 0;

	for (i = 1; i < N_OBSERVERS; i++) {
		same += strcmp(want[i].digest[STREAM_ROSTER],
			    want[0].digest[STREAM_ROSTER]) == 0;
		same += strcmp(want[i].digest[STREAM_RESOURCE],
			    want[0].digest[STREAM_RESOURCE]) == 0;
	}
	is_int(same, 2 * (N_OBSERVERS - 1),
	    "what everyone holds has one digest at every station");
}

/* Digests per owner agree between all who may hold its chains. */
static void
same_in_reach(const struct history *h)
{
	static char first[STREAM_COUNT][WORLD_N][DIGEST_HEX_LEN + 1];
	char hex[DIGEST_HEX_LEN + 1];
	size_t i, bad = 0, compared = 0;
	int64_t records;
	struct order o;
	struct digest sum;
	struct err err;
	int s, owner;

	memset(first, 0, sizeof(first));
	for (i = 0; i < WORLD_N; i++) {
		order_begin(&o, h, world_tree[i].code, NULL, 0);
		run_order(&o, true);
		for (s = 0; s < STREAM_COUNT; s++) {
			for (owner = 0; owner < WORLD_N; owner++) {
				struct chain_name c = {
				    .stream = (enum stream)s};
				const char *code = world_tree[owner].code;

				if (!stream_everyone(c.stream))
					memcpy(c.owner, code, 6);
				if (!chain_reaches(h->roster, &c, o.f.code))
					continue;
				must(replica_digest(o.f.r, c.stream, code,
					 &records, &sum, &err),
				    &err, "digest");
				digest_hex(hex, sum.b, sizeof(sum.b));
				if (first[s][owner][0] == '\0') {
					memcpy(
					    first[s][owner], hex, sizeof(hex));
					continue;
				}
				compared++;
				if (strcmp(first[s][owner], hex) == 0)
					continue;
				printf("# %s of %s differs at %s\n",
				    stream_name(c.stream), code, o.f.code);
				bad++;
			}
		}
		order_end(&o);
	}
	is_int(
	    bad, 0, "%zu digests of an owner agree at all in reach", compared);
}

int
main(void)
{
	const char *seed_text = getenv("SHUFFLE_SEED");
	const char *orders_text = getenv("SHUFFLE_ORDERS");
	unsigned seed = seed_text == NULL
			    ? 20261124u
			    : (unsigned)strtoul(seed_text, NULL, 10);
	long orders =
	    orders_text == NULL ? ORDERS : strtol(orders_text, NULL, 10);
	int n;

	printf("# SHUFFLE_SEED=%u\n", seed);
	for (n = 0; n < HISTORIES; n++) {
		struct state want[N_OBSERVERS];
		struct fresh bases[N_OBSERVERS];
		struct history h;
		struct order o;
		size_t i;

		roll_seed(seed + (unsigned)n);
		history_write(&h);
		ok(h.changesets >= 50 && h.quarantined > 0 && h.conflicts > 0,
		    "history %d: %zu changesets in %zu chains, %lld ops in "
		    "quarantine, %lld conflicts",
		    n, h.changesets, h.n, (long long)h.quarantined,
		    (long long)h.conflicts);
		memset(want, 0, sizeof(want));
		for (i = 0; i < N_OBSERVERS; i++) {
			order_begin(
			    &o, &h, world_tree[observers[i]].code, NULL, 0);
			run_order(&o, true);
			state_of(&want[i], o.f.r);
			order_end(&o);
		}
		same_at_all(want);
		same_in_reach(&h);
		make_bases(bases, &h);
		shuffle(
		    &h, want, bases, orders / HISTORIES, seed + (unsigned)n);
		for (i = 0; i < N_OBSERVERS; i++) {
			buf_free(&want[i].dump);
			fresh_drop(&bases[i]);
		}
		history_free(&h);
	}
	return tap_done();
}
