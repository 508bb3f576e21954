/*
 * Goal of this test: threat T08, a hostile city between a county and the
 * province.  Its program is its own: it alters what it relays, writes in the
 * other's name, shows old heads or none, answers Ask with what never was, and
 * sends evidence of forks that nobody made.  Neither the county nor the
 * province takes in what the other did not sign, or forgets what it holds; what
 * is withheld shows as contacts without news, and an honest session afterwards
 * brings everything.
 */
#include "config.h"

#include "../world.h"

#include "../forge.h"
#include "../peering.h"
#include "fork.h"

enum lie {
	HONEST,
	ALTERED,    /* what it relays says something else */
	IN_NAME_OF, /* one more, signed with its own key */
	OTHER_HEAD, /* its head of the chain is another one */
	SHORTER,    /* it never heard of more than one */
	NOTHING,    /* nor of any */
	FORGED_FORK,
	SAME_FORK, /* one changeset twice */
	LIES
};

static const char *const names[LIES] = {"honest", "altered", "in name of",
    "another head", "shorter", "nothing", "forged fork", "one changeset twice"};

static struct {
	enum lie lie;
	struct chain_name chain; /* which it lies about */
	struct peer_store honest;
	const struct sign_key *key;
} city;

static int
lie_heads(void *arg, struct peer_head **out, size_t *n, struct err *err)
{
	int rc = city.honest.heads(arg, out, n, err);
	size_t i;

	for (i = 0; rc == 0 && i < *n; i++) {
		struct peer_head *h = &(*out)[i];

		if (!chain_equal(&h->chain, &city.chain))
			continue;
		if (city.lie == IN_NAME_OF) {
			h->seq++;
			memset(&h->id, 7, sizeof(h->id));
		} else if (city.lie == OTHER_HEAD)
			memset(&h->id, 7, sizeof(h->id));
		else if (city.lie == SHORTER) {
			h->seq = 1;
			rc = city.honest.place(
			    arg, &h->chain, 1, &h->id, h->oid, err);
		} else if (city.lie == NOTHING)
			*h = (*out)[--*n];
		else if (city.lie == FORGED_FORK || city.lie == SAME_FORK) {
			memset(&h->id, 0, sizeof(h->id));
			memset(h->oid, 0, sizeof(h->oid));
			h->seq = 0;
			h->fork = 1;
		}
	}
	return rc;
}

static int
lie_place(void *arg, const struct chain_name *chain, int64_t seq,
    struct digest *id, uint8_t oid[20], struct err *err)
{
	int rc = city.honest.place(arg, chain, seq, id, oid, err);

	if (city.lie == OTHER_HEAD && chain_equal(chain, &city.chain) &&
	    seq > 2)
		memset(id, 7, sizeof(*id));
	return rc == YZ_ENOTFOUND ? 0 : rc;
}

static void
sign_as_city(struct changeset *cs)
{
	free(cs->subject);
	cs->subject = mem_strdup("what the city would like");
	pen_sign(cs, city.key);
}

static int
lie_read(void *arg, struct changeset *out, const struct chain_name *chain,
    int64_t seq, struct err *err)
{
	bool one_more = city.lie == IN_NAME_OF;
	int rc;

	if (!chain_equal(chain, &city.chain))
		return city.honest.read(arg, out, chain, seq, err);
	rc = city.honest.read(arg, out, chain, seq, err);
	if (rc == YZ_ENOTFOUND && one_more) {
		rc = city.honest.read(arg, out, chain, seq - 1, err);
		if (rc != 0)
			return rc;
		out->prev = out->id;
		memcpy(out->parent_oid, out->oid, 20);
		out->seq = seq;
		sign_as_city(out);
	} else if (rc == 0 && city.lie != IN_NAME_OF) {
		free(out->subject);
		out->subject = mem_strdup("what the city would like");
		changeset_derive(out);
	}
	return rc;
}

static int
lie_fork_get(void *arg, struct changeset *a, struct changeset *b,
    const struct chain_name *chain, struct err *err)
{
	int rc = city.honest.read(arg, a, chain, 1, err);

	if (rc == 0)
		rc = city.honest.read(arg, b, chain, 1, err);
	if (rc == 0 && city.lie == FORGED_FORK)
		sign_as_city(b);
	return rc;
}

/* It believes whatever helps it, and keeps nothing. */
static int
lie_fork_take(
    void *arg, struct changeset *a, struct changeset *b, struct err *err)
{
	(void)arg;
	(void)err;
	changeset_derive(a);
	changeset_derive(b);
	return 0;
}

static void
bend(void *arg, int at, struct peer_store *s)
{
	(void)arg;
	if (at != CITY || city.lie == HONEST)
		return;
	city.honest = *s;
	s->heads = lie_heads;
	s->place = lie_place;
	if (city.lie != SHORTER && city.lie != NOTHING)
		s->read = lie_read;
	s->fork_get = lie_fork_get;
	s->fork_take = lie_fork_take;
}

/* Is everything that the victim holds of the chain what its writer wrote? */
static int64_t
held_and_true(struct world *w, int victim, int writer, bool *same)
{
	struct replica_head head;
	struct err err;
	int64_t seq;

	*same = true;
	must(replica_head(w->at[victim], &head, &city.chain, &err), &err,
	    "head");
	for (seq = 1; seq <= head.seq; seq++) {
		struct changeset a, b;

		if (replica_read(w->at[writer], &b, &city.chain, seq, &err) !=
		    0) {
			*same = false;
			break;
		}
		must(replica_read(w->at[victim], &a, &city.chain, seq, &err),
		    &err, "read");
		*same &=
		    digest_equal(&a.id, &b.id) && memcmp(a.oid, b.oid, 20) == 0;
		changeset_free(&a);
		changeset_free(&b);
	}
	return head.seq;
}

static int64_t
contacts(struct peering *g, int victim, const char *writer)
{
	struct local_news *v;
	int64_t found = -1;
	struct err err;
	size_t n, i;

	must(local_news(g->local[victim], &v, &n, world_tree[CITY].code, &err),
	    &err, "news");
	for (i = 0; i < n; i++) {
		if (strcmp(v[i].writer, writer) == 0)
			found = v[i].contacts;
	}
	free(v);
	return found;
}

static void
team(struct world *w, int who, int n)
{
	char id[RECORD_ID_LEN + 1];

	snprintf(id, sizeof(id), "%s-%032x", world_tree[who].code, (unsigned)n);
	world_set(w, who, STREAM_RESOURCE, "team", id, "name", "\"队\"");
}

static void
lies_to(struct world *w, struct peering *g, int victim, int writer)
{
	const struct home *home = replica_home(w->at[writer]);
	const char *from = home->code;
	struct peering_result res;
	char name[CHAIN_NAME_MAX];
	struct err err;
	int64_t before, after;
	bool same;
	int lie;

	snprintf(name, sizeof(name), "%s-%s/resource", home->code, home->inc);
	must(chain_parse(&city.chain, name, strlen(name), &err), &err, name);
	city.key = &replica_home(w->at[CITY])->sign;
	for (lie = 1; lie < LIES; lie++) {
		int caller = victim == COUNTY ? COUNTY : CITY;
		int called = victim == COUNTY ? CITY : PROVINCE;

		city.lie = HONEST;
		team(w, writer, 2 * lie);
		peering_once(g, &res, COUNTY, CITY);
		peering_once(g, &res, CITY, PROVINCE);
		peering_once(g, &res, COUNTY, CITY);
		/* One more that only the city has heard of. */
		team(w, writer, 2 * lie + 1);
		if (writer == COUNTY)
			peering_once(g, &res, COUNTY, CITY);
		else
			peering_once(g, &res, CITY, PROVINCE);
		before = held_and_true(w, victim, writer, &same);
		city.lie = (enum lie)lie;
		peering_once(g, &res, caller, called);
		peering_once(g, &res, caller, called);
		after = held_and_true(w, victim, writer, &same);
		ok(same && after >= before,
		    "%s: %s holds nothing that %s did not sign (%lld)",
		    names[lie], world_tree[victim].code, from,
		    (long long)after);
		is_int(fork_seq(w->at[victim], &city.chain), 0,
		    "and no fork that %s did not make", from);
		if (lie != SHORTER && lie != NOTHING)
			ok(!res.complete, "nor is complete said");
		/* What is true comes even with a lie behind it. */
		is_int(after, before + (lie == IN_NAME_OF), "and nothing came");
		is_int(contacts(g, victim, from), 2 - (lie == IN_NAME_OF),
		    "status: contacts without news of %s", from);
		city.lie = HONEST;
		peering_once(g, &res, caller, called);
		is_int(held_and_true(w, victim, writer, &same), before + 1,
		    "an honest session brings what was withheld");
		is_int(contacts(g, victim, from), 2 * (lie == IN_NAME_OF),
		    "and that is news");
	}
	is_str(world_digest(w, victim, STREAM_RESOURCE, NULL),
	    world_digest(w, writer, STREAM_RESOURCE, NULL),
	    "in the end %s and %s hold the same", world_tree[victim].code,
	    from);
}

int
main(void)
{
	struct peering g;
	struct world w;

	world_open(&w);
	world_kinds(&w);
	peering_open(&g, &w);
	g.bend = bend;
	lies_to(&w, &g, PROVINCE, COUNTY);
	lies_to(&w, &g, COUNTY, PROVINCE);
	peering_close(&g);
	world_close(&w);
	return tap_done();
}
