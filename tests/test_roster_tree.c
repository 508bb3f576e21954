/*
 * Goal of this test: what a set of roster documents says of stations, of whose
 * parent is whose and of who may call whom does not depend on the order in
 * which they came; what is listed twice counts nowhere.
 */
#include "config.h"

#include "found.h"
#include "roster_rule.h"

static void
lookups(void)
{
	struct chain_name c = {"520302", "1f0c9a7e", STREAM_COMMAND, "520302"};
	struct sign_key k;

	is_int((long long)roster_count(found_small), 4, "four stations");
	is_str(roster_root(found_small), "520000", "the root");
	is_str(roster_at(found_small, 1)->code, "520100", "they are sorted");
	ok(roster_at(found_small, 4) == NULL, "nothing after the last");
	is_str(roster_find(found_small, "520302")->scope, "520300",
	    "the county is listed by its city");
	is_str(roster_find(found_small, "520302")->name, "红花岗区",
	    "by its name");
	ok(roster_find(found_small, "520303") == NULL, "an unknown code");
	ok(roster_find(found_small, "52030") == NULL, "no code at all");
	ok(roster_is_ancestor(found_small, "520000", "520302"),
	    "the province is above the county");
	ok(roster_is_ancestor(found_small, "520300", "520302"),
	    "so is the city");
	ok(!roster_is_ancestor(found_small, "520100", "520302"),
	    "the other city is not");
	ok(!roster_is_ancestor(found_small, "520302", "520302"),
	    "a station is not above itself");
	ok(!roster_is_ancestor(found_small, "520302", "520300"),
	    "nor upside down");
	ok(!roster_is_ancestor(found_small, "520000", "999999"),
	    "nothing is above an unknown code");
	is_int(
	    roster_version(found_small, "root"), 3, "the root part's version");
	is_int(roster_version(found_small, "520300"), 1, "the sub-roster's");
	is_int(roster_version(found_small, "520100"), 0, "no such sub-roster");
	is_int(roster_threshold(found_small), 1, "one root key must sign");
	found_key(&k, 40);
	ok(memcmp(roster_key(found_small, &c, 0)->sign, k.pub, 32) == 0,
	    "the county's chains are signed with its key");
	ok(roster_key(found_small, &c, 1) == NULL, "and no other");
	ok(roster_lists(found_small, &c), "its incarnation is listed");
	memcpy(c.inc, "00000000", 9);
	ok(!roster_lists(found_small, &c), "another one is not");
	ok(roster_key(found_small, &c, 0) != NULL,
	    "though the key may sign for it");
	is_int(roster_key_until(roster_key(found_small, &c, 0), &c), INT64_MAX,
	    "without end");
}

static void
may_list(void)
{
	ok(roster_rule_may_list("root", "530102"), "the root lists any");
	ok(roster_rule_may_list("520300", "520302"), "a city its counties");
	ok(roster_rule_may_list("520000", "520302"), "a province all of its");
	ok(!roster_rule_may_list("520300", "520402"), "not another's");
	ok(!roster_rule_may_list("520300", "530302"), "nor another province's");
	ok(!roster_rule_may_list("520300", "520300"), "nor itself");
	ok(!roster_rule_may_list("520302", "520303"), "a county none");
	ok(!roster_rule_may_list("000000", "000000"), "nor itself, above all");
	ok(roster_rule_may_list("000000", "520000"), "but those below");
}

/* Two cities list one county; and the root lists it, too. */
static void
clashes(void)
{
	struct roster_doc other, docs[3];
	struct sign_key k;
	struct roster *r;
	struct err err = {0};
	int i;

	found_key(&k, 30);
	if (found_enrol(&other, found_small, NULL, "520100", "520102", "520100",
		60, &k, &err) != 0)
		printf("Bail out! %s\n", err.msg);
	docs[0] = found_r3;
	docs[1] = found_c1;
	docs[2] = other;
	is_int(roster_build(&r, docs, 3, &err), 0, "two sub-rosters");
	is_int((long long)roster_count(r), 5, "five stations");
	ok(roster_clash(r, 0) == NULL, "no clash");
	roster_free(r);
	roster_doc_free(&other);
	found_alter(&other, &found_c1, "\"scope\":\"520300\"",
	    "\"scope\":\"520100\"", &k);
	{
		struct roster_doc moved;

		found_alter(&moved, &other, "\"parent\":\"520300\"",
		    "\"parent\":\"520100\"", &k);
		memcpy(moved.scope, "520100", 7);
		roster_doc_free(&other);
		other = moved;
	}
	for (i = 0; i < 2; i++) {
		docs[1] = i == 0 ? found_c1 : other;
		docs[2] = i == 0 ? other : found_c1;
		is_int(roster_build(&r, docs, 3, &err), 0,
		    "two cities list one county: %s", err.msg);
		ok(roster_find(r, "520302") != NULL &&
			strcmp(roster_find(r, "520302")->scope, "520300") == 0,
		    "it is its own city's, in order %d", i);
		ok(roster_clash(r, 0) != NULL &&
			strcmp(roster_clash(r, 0)->scope, "520100") == 0 &&
			roster_clash(r, 1) == NULL,
		    "the other's listing is named");
		ok(roster_find(r, "520300") != NULL, "the cities stay");
		roster_free(r);
	}
	roster_doc_free(&other);
	is_int(found_enrol(&other, NULL, &found_r3, "root", "520302", "520300",
		   70, &found_root, &err),
	    0, "the root part lists the county too: %s", err.msg);
	docs[0] = found_c1;
	docs[1] = other;
	is_int(roster_build(&r, docs, 2, &err), 0, "with the sub-roster");
	is_str(roster_find(r, "520302")->scope, "root", "the root's counts");
	roster_free(r);
	roster_doc_free(&other);
	is_int(roster_build(&r, &found_c1, 1, &err), 0, "without a root part");
	is_int((long long)roster_count(r), 0, "there is no station");
	is_str(roster_root(r), "", "nor root");
	roster_free(r);
	is_int(roster_build(&r, NULL, 0, &err), 0, "nothing builds too");
	ok(roster_find(r, "520000") == NULL, "and finds nothing");
	roster_free(r);
}

/* The next version of a document, with two peers in it. */
static void
list_peers(struct roster_doc *out, const struct roster_doc *cur, const char *a,
    const char *b, const struct sign_key *signer)
{
	struct roster_change *change = NULL;
	struct err err = {0};
	int rc;

	rc = roster_change_begin(&change, cur, NULL, cur->scope, &err);
	if (rc == 0)
		rc = roster_change_peers(change, a, b, &err);
	if (rc == 0)
		rc = roster_change_write(out, change, &err);
	if (rc == 0)
		rc = roster_doc_sign(out, signer, &err);
	is_int(rc, 0, "%s lists %s and %s: %s", cur->scope, a, b, err.msg);
	roster_change_free(change);
}

/* Who may call whom when the city says so, and when the root does. */
static bool
may_call(const struct roster_doc *root, const struct roster_doc *sub,
    const char *caller, const char *called)
{
	struct roster_doc docs[2] = {*root, *sub};
	struct roster *r = NULL;
	struct err err;
	bool may;

	if (roster_build(&r, docs, 2, &err) != 0)
		return false;
	may = roster_may_call(r, caller, called);
	roster_free(r);
	return may;
}

static void
peers(void)
{
	struct roster_doc by_root, by_city, about_others;
	struct sign_key city;

	found_key(&city, 20);
	ok(may_call(&found_r3, &found_c1, "520302", "520300"),
	    "a child calls its parent");
	ok(!may_call(&found_r3, &found_c1, "520300", "520302"),
	    "not the other way");
	ok(!may_call(&found_r3, &found_c1, "520302", "520000"), "nor past it");
	list_peers(&by_root, &found_r3, "520302", "520000", &found_root);
	ok(may_call(&by_root, &found_c1, "520302", "520000") &&
		may_call(&by_root, &found_c1, "520000", "520302"),
	    "peers call each other");
	ok(!may_call(&by_root, &found_c1, "520302", "520100"),
	    "and nobody else");
	list_peers(&by_city, &found_c1, "520302", "520300", &city);
	ok(may_call(&found_r3, &by_city, "520300", "520302"),
	    "a city lists itself and what is below it");
	list_peers(&about_others, &found_c1, "520302", "520000", &city);
	ok(!may_call(&found_r3, &about_others, "520302", "520000"),
	    "what it says of the province counts nothing");
	roster_doc_free(&about_others);
	list_peers(&about_others, &found_c1, "520302", "520100", &city);
	ok(!may_call(&found_r3, &about_others, "520302", "520100"),
	    "nor of another city");
	roster_doc_free(&by_root);
	roster_doc_free(&by_city);
	roster_doc_free(&about_others);
}

int
main(void)
{
	found_begin();
	peers();
	lookups();
	may_list();
	clashes();
	found_end();
	return tap_done();
}
