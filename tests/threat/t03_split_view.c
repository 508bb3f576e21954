/*
 * Goal of this test: threat T03, split view.  Who has a station's key writes
 * several histories of its chains and shows each station another one.  Once
 * the stations have lines again, all that may hold such a chain know after two
 * rounds of sessions, whatever place the branches part at, how long they are
 * and who was shown which; they end the chain before it, hold the same, keep
 * the branch they were shown, and say nothing of it again.  Chains of honest
 * stations go on all the while.  (So this holds of threat T02, too: up to three
 * stations' keys make the forks of a round.)
 *
 * YIZHAN_SEEDS: so many chains with several histories (default 200; 60 under
 * sanitizers).
 */
#include "config.h"

#include "../world.h"

#include "../forge.h"
#include "../peering.h"
#include "fork.h"

#define BATCH 20
#define TIP_MAX (16 + 1 + 8 + 1)

struct split {
	struct chain_name chain;
	int common;
	char tip[WORLD_N][TIP_MAX]; /* the last of it, by station; or "" */
};

static uint32_t state;

static int
pick(int n)
{
	state = state * 1103515245u + 12345u;
	return (int)((state >> 16) % (uint32_t)n);
}

/* Shown to station `to`: what follows its head there. */
static void
show(struct world *w, int to, struct changeset *cs)
{
	enum receive_result result;
	struct changeset copy = CHANGESET_INIT;
	struct buf bytes = BUF_INIT;
	struct buf_reader in;
	struct err err;

	changeset_pack(&bytes, cs, NULL);
	copy.chain = cs->chain;
	copy.seq = cs->seq;
	copy.prev = cs->prev;
	memcpy(copy.parent_oid, cs->parent_oid, 20);
	buf_reader_init(&in, bytes.b, bytes.len);
	must(changeset_unpack(&copy, &in, NULL, &err), &err, "unpack");
	must(replica_begin(w->at[to], &err), &err, "begin");
	must(receive_changeset(w->at[to], &copy, &result, &err), &err, "show");
	must(replica_commit(w->at[to], &err), &err, "commit");
	changeset_free(&copy);
	buf_free(&bytes);
}

/* Write n more with this pen, different from all other branches, and show
 * them to those in the set. */
static void
write_and_show(struct world *w, struct pen *pen, int n, const char *what,
    const bool to[WORLD_N])
{
	int i, j;

	for (i = 0; i < n; i++) {
		struct changeset cs;

		pen_draft(&cs, pen, "", 0);
		free(cs.subject);
		cs.subject = mem_strdup(what);
		pen_sign(&cs, &pen->key);
		for (j = 0; j < WORLD_N; j++) {
			if (to[j])
				show(w, j, &cs);
		}
		pen_advance(pen, &cs);
		changeset_free(&cs);
	}
}

/* As a branch that was cut off is named under refs/forks. */
static void
tip_of(char out[TIP_MAX], const struct pen *pen)
{
	digest_hex(out, pen->id.b, 8);
	out[16] = '-';
	digest_hex(out + 17, pen->oid, 4);
}

/* One chain with up to three histories, by a writer picked at random. */
static void
split(struct world *w, struct split *s, int seed)
{
	static const char *const about[] = {"resource", "command@520302",
	    "personal@520302", "oversight@520302"};
	bool entitled[WORLD_N], to[WORLD_N];
	int of[WORLD_N]; /* the branch that a station is shown */
	struct pen trunk, pen;
	char name[CHAIN_NAME_MAX];
	int writer = (int[]){COUNTY, CITY, PROVINCE}[pick(3)], branch, i;
	int branches = 2 + pick(2);
	unsigned shown; /* a bit for each branch */

	snprintf(name, sizeof(name), "%s-%08x/%s", world_tree[writer].code,
	    0x10000 + seed, about[pick(4)]);
	pen_new(&trunk, name, &replica_home(w->at[writer])->sign);
	s->chain = trunk.chain;
	s->common = pick(4) == 0 ? 0 : pick(12);
	memset(s->tip, 0, sizeof(s->tip));
	for (i = 0; i < WORLD_N; i++)
		entitled[i] = chain_reaches(
		    replica_roster(w->at[i]), &s->chain, world_tree[i].code);
	write_and_show(w, &trunk, s->common, "trunk", entitled);
	do { /* until there are two that differ */
		shown = 0;
		for (i = 0; i < WORLD_N; i++) {
			of[i] = pick(branches);
			if (entitled[i])
				shown |= 1u << of[i];
		}
	} while ((shown & (shown - 1)) == 0);
	for (branch = 0; branch < branches; branch++) {
		char what[16];

		for (i = 0; i < WORLD_N; i++)
			to[i] = entitled[i] && of[i] == branch;
		snprintf(what, sizeof(what), "branch %d", branch);
		pen = trunk;
		write_and_show(w, &pen, 1 + pick(9), what, to);
		for (i = 0; i < WORLD_N; i++)
			if (to[i])
				tip_of(s->tip[i], &pen);
	}
}

/* Do all who may hold it know, and end it there? */
static bool
is_known(struct world *w, const struct split *s)
{
	int i;

	for (i = 0; i < WORLD_N; i++) {
		struct replica_head head;
		struct err err;

		if (!chain_reaches(replica_roster(w->at[i]), &s->chain,
			world_tree[i].code))
			continue;
		must(replica_head(w->at[i], &head, &s->chain, &err), &err,
		    "head");
		if (fork_seq(w->at[i], &s->chain) != s->common + 1 ||
		    head.seq != s->common)
			return false;
	}
	return true;
}

/* All refs of branches cut off at that station, and of pairs. */
static void
forks_of(struct buf *out, struct world *w, int at)
{
	char command[256], line[256];
	struct err err;
	FILE *f;
	int s;

	must(replica_seal(w->at[at], &err), &err, "seal");
	for (s = 0; s < STREAM_COUNT; s++) {
		snprintf(command, sizeof(command),
		    "git --git-dir %s/%s/ledger/%s.git for-each-ref"
		    " --format='%%(refname)' refs/forks 2>/dev/null",
		    w->dir, world_tree[at].code, stream_name((enum stream)s));
		f = popen(command, "r");
		while (f != NULL && fgets(line, sizeof(line), f) != NULL)
			buf_puts(out, line);
		if (f != NULL)
			pclose(f);
	}
}

/* Branches shown to a station that it has no more. */
static int
lost(struct world *w, const struct split *s, int n, int *kept)
{
	int at, i, gone = 0;

	*kept = 0;
	for (at = 0; at < WORLD_N; at++) {
		struct buf refs = BUF_INIT;

		forks_of(&refs, w, at);
		for (i = 0; i < n; i++) {
			if (s[i].tip[at][0] == '\0')
				continue;
			if (strstr(buf_str(&refs), s[i].tip[at]) != NULL) {
				++*kept;
				continue;
			}
			printf("# %s has not %s any more\n",
			    world_tree[at].code, s[i].tip[at]);
			gone++;
		}
		buf_free(&refs);
	}
	return gone;
}

static bool
same_digests(struct world *w)
{
	static const struct {
		enum stream stream;
		int at[5];
	} who[] = {
	    {STREAM_RESOURCE, {PROVINCE, CITY, COUNTY, SIBLING, OTHER}},
	    {STREAM_COMMAND, {PROVINCE, CITY, COUNTY, -1}},
	    {STREAM_PERSONAL, {PROVINCE, CITY, COUNTY, -1}},
	    {STREAM_OVERSIGHT, {PROVINCE, CITY, COUNTY, -1}},
	};
	size_t i;
	int j;

	for (i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
		const char *first = world_digest(w, PROVINCE, who[i].stream,
		    who[i].stream == STREAM_RESOURCE ? NULL : "520302");

		for (j = 1; j < 5 && who[i].at[j] >= 0; j++) {
			if (strcmp(first,
				world_digest(w, who[i].at[j], who[i].stream,
				    who[i].stream == STREAM_RESOURCE
					? NULL
					: "520302")) != 0)
				return false;
		}
	}
	return true;
}

static void
batch(struct world *w, struct peering *g, int seeds[2])
{
	struct split s[BATCH];
	int i, n = 0, known = 0, kept;
	int64_t said, honest;
	bool complete;

	for (i = seeds[0]; i < seeds[1]; i++, n++) {
		state = (uint32_t)i * 2654435761u;
		split(w, &s[n], i);
	}
	honest = world_count(w, PROVINCE, "SELECT count(*) FROM team");
	world_set(w, OTHER, STREAM_RESOURCE, "team",
	    "520402-00000000000000000000000000000001", "name", "\"a\"");
	ok(peering_round(g, &complete) > 0,
	    "chains %d to %d: the first round finds forks", seeds[0],
	    seeds[1] - 1);
	(void)peering_round(g, &complete);
	for (i = 0; i < n; i++) {
		char name[CHAIN_NAME_MAX];

		if (is_known(w, &s[i])) {
			known++;
			continue;
		}
		chain_format(name, &s[i].chain);
		printf("# %s parts after %d\n", name, s[i].common);
	}
	is_int(known, n, "after the second everyone knows all and ends them");
	said = g->messages[26];
	(void)peering_round(g, &complete);
	ok(complete && g->messages[26] == said,
	    "the third is complete and repeats nothing");
	i = lost(w, s, n, &kept);
	is_int(
	    i, 0, "each station still has the branch it was shown: %d", kept);
	ok(same_digests(w), "all hold the same");
	ok(world_count(w, PROVINCE, "SELECT count(*) FROM team") == 1 &&
		honest <= 1,
	    "what the honest wrote has arrived");
}

int
main(void)
{
	const char *env = getenv("YIZHAN_SEEDS");
	int n = env == NULL ? tap_amount(200, 60) : atoi(env), i;
	struct peering g;
	struct world w;

	world_open(&w);
	world_kinds(&w);
	world_sync(&w);
	peering_open(&g, &w);
	for (i = 0; i < n; i += BATCH)
		batch(&w, &g, (int[]){i, i + BATCH < n ? i + BATCH : n});
	peering_close(&g);
	world_close(&w);
	return tap_done();
}
