/*
 * Many stations for tests of threats: a province, its cities and their
 * counties, all in one roster; with a replica each, or as names and keys.
 * Include world.h first.
 */
#ifndef FLEET_H
#define FLEET_H

#define FLEET_MAX 98 /* a province of 9 cities and 88 counties */

struct fleet_station {
	char code[CHAIN_CODE_LEN + 1], parent[CHAIN_CODE_LEN + 1];
	char inc[1][CHAIN_INC_LEN + 1];
	struct sign_key sign, ssh;
	struct replica *r; /* NULL: a name and keys only */
	int64_t now;       /* its wall clock, ms */
};

struct fleet {
	char dir[64];
	int n;
	struct fleet_station at[FLEET_MAX];
};

static inline void
fleet_replica(struct fleet *f, struct fleet_station *s)
{
	struct home *home;
	struct err err;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->dir, s->code);
	must(home_create(&home, path, s->code, &err), &err, "home");
	memcpy(s->inc[0], home->inc, sizeof(s->inc[0]));
	s->sign = home->sign;
	s->ssh = home->ssh;
	must(replica_open(&s->r, home, &err), &err, "replica");
	replica_set_clock(s->r, world_clock, &s->now);
	/* Twenty stations share a disk here, and none of them loses power. */
	must(db_exec(replica_db(s->r), "PRAGMA synchronous=OFF", &err), &err,
	    "no fsync");
}

/* The root's documents, version by version, adopted by every replica. */
static inline void
fleet_enrol(struct fleet *f, int i, const struct sign_key *root)
{
	static char name[] = "station";
	struct fleet_station *s = &f->at[i];
	struct roster_key key = {.incs = s->inc, .n_incs = 1};
	struct roster_station entry = {.name = name, .keys = &key, .n_keys = 1};
	struct replica *first = f->at[0].r;
	struct roster_doc doc, cur;
	struct err err;
	int j;

	memcpy(key.sign, s->sign.pub, 32);
	memcpy(key.ssh, s->ssh.pub, 32);
	strcpy(entry.code, s->code);
	strcpy(entry.parent, s->parent);
	strcpy(entry.scope, "root");
	if (i > 0)
		must(replica_roster_doc(first, &cur, "root", 0, &err), &err,
		    "roster");
	must(roster_enrol(&doc, replica_roster(first), i == 0 ? NULL : &cur,
		 "root", &entry, root, &err),
	    &err, "enrol");
	for (j = 0; j < f->n; j++)
		if (f->at[j].r != NULL)
			must(replica_adopt(f->at[j].r, &doc, &err), &err,
			    "adopt");
	if (i > 0)
		roster_doc_free(&cur);
	roster_doc_free(&doc);
}

/* n stations of which so many are cities; only the first so many have a
 * replica. */
static inline void
fleet_open(struct fleet *f, int n, int cities, int replicas)
{
	struct sign_key root;
	int i;

	memset(f, 0, sizeof(*f));
	strcpy(f->dir, "/tmp/yizhan-fleet-XXXXXX");
	must(mkdtemp(f->dir) == NULL, &(struct err){.msg = "mkdtemp"}, "tmp");
	sign_generate(&root);
	f->n = n;
	for (i = 0; i < n; i++) {
		struct fleet_station *s = &f->at[i];
		int city = i <= cities ? i : (i - 1 - cities) % cities + 1;

		s->now = WORLD_START;
		snprintf(s->code, sizeof(s->code), "52%02d%02d", city % 100,
		    i <= cities ? 0 : (i - 1 - cities) / cities % 99 + 1);
		if (i > cities)
			snprintf(s->parent, sizeof(s->parent), "52%02d00",
			    city % 100);
		else if (i > 0)
			strcpy(s->parent, "520000");
		if (i < replicas) {
			fleet_replica(f, s);
			continue;
		}
		sign_generate(&s->sign);
		sign_generate(&s->ssh);
		snprintf(s->inc[0], sizeof(s->inc[0]), "%08x", i + 1);
	}
	for (i = 0; i < n; i++)
		fleet_enrol(f, i, &root);
}

/* What b lacks of a's chains and may hold, packed and unpacked. */
static inline void
fleet_carry(struct fleet *f, int from, int to)
{
	struct replica *a = f->at[from].r, *b = f->at[to].r;
	enum receive_result result;
	struct replica_head *heads, have;
	struct err err;
	int64_t seq;
	size_t i, n;

	must(replica_heads(a, &heads, &n, &err), &err, "heads");
	must(replica_begin(b, &err), &err, "begin");
	for (i = 0; i < n; i++) {
		const struct chain_name *c = &heads[i].chain;

		if (!chain_reaches(replica_roster(a), c, f->at[to].code))
			continue;
		must(replica_head(b, &have, c, &err), &err, "head");
		for (seq = have.seq + 1; seq <= heads[i].seq; seq++) {
			struct changeset cs;

			must(replica_read(a, &cs, c, seq, &err), &err, "read");
			must(receive_changeset(b, &cs, &result, &err), &err,
			    "receive");
			changeset_free(&cs);
		}
	}
	must(replica_commit(b, &err), &err, "commit");
	free(heads);
}

static inline int
fleet_parent(const struct fleet *f, int i)
{
	int j;

	for (j = 0; strcmp(f->at[j].code, f->at[i].parent) != 0; j++)
		;
	return j;
}

/* Up along every line, then down: all is everywhere. */
static inline void
fleet_sync(struct fleet *f)
{
	int i;

	for (i = f->n - 1; i > 0; i--)
		fleet_carry(f, i, fleet_parent(f, i));
	for (i = 1; i < f->n; i++)
		fleet_carry(f, fleet_parent(f, i), i);
}

static inline void
fleet_close(struct fleet *f)
{
	char command[128];
	int i;

	for (i = 0; i < f->n; i++)
		replica_close(f->at[i].r);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	if (system(command) != 0)
		printf("# could not remove %s\n", f->dir);
}

#endif
