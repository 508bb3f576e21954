/*
 * Goal of this test: versions of a roster follow each other only under the
 * rules of FORMAT.md: signed by who may, by enough of them, going on from the
 * one held; and a key that has ended counts up to its ends.
 */
#include "config.h"

#include "found.h"

static void
keys(void)
{
	static const uint8_t low[32] = {1};
	struct roster_part part;
	struct roster_doc doc;
	struct sign_key k;
	struct err err = {0};

	found_swap_key(&doc, &found_r2, 20, low, &found_root);
	is_int(roster_parse_part(&part, doc.text.b, doc.text.len, &err),
	    YZ_EDENIED, "a key of low order is refused: %s", err.msg);
	roster_doc_free(&doc);
	found_key(&k, 11);
	found_swap_key(&doc, &found_r2, 21, k.pub, &found_root);
	ok(roster_parse_part(&part, doc.text.b, doc.text.len, &err) != 0,
	    "a key listed twice is refused: %s", err.msg);
	roster_doc_free(&doc);
	found_swap_key(&doc, &found_r3, 20, found_root.pub, &found_root);
	ok(roster_parse_part(&part, doc.text.b, doc.text.len, &err) != 0,
	    "the root key is no station's: %s", err.msg);
	roster_doc_free(&doc);
	found_key(&k, 90);
	found_swap_key(&doc, &found_r3, 20, k.pub, &found_root);
	is_int(roster_follows(NULL, &found_r2, &doc, &err), YZ_EDENIED,
	    "another key for an enrolled code is refused: %s", err.msg);
	roster_doc_free(&doc);
}

static void
versions(void)
{
	struct sign_key other, city;
	struct roster_doc doc;
	struct err err = {0};

	found_key(&other, 2);
	found_key(&city, 20);
	is_int(
	    roster_follows(NULL, NULL, &found_r1, &err), 0, "1 is a beginning");
	is_int(
	    roster_follows(NULL, &found_r1, &found_r2, &err), 0, "2 follows 1");
	ok(roster_follows(NULL, NULL, &found_r2, &err) != 0,
	    "2 is no beginning");
	ok(roster_follows(NULL, &found_r1, &found_r3, &err) != 0,
	    "3 does not follow 1");
	ok(roster_follows(NULL, &found_r2, &found_r2, &err) != 0,
	    "2 does not follow 2");
	ok(roster_follows(NULL, &found_r2, &found_r1, &err) != 0,
	    "nothing goes back");
	is_int(roster_follows(found_small, NULL, &found_c1, &err), 0,
	    "the sub-roster is a beginning of its scope");
	ok(roster_follows(NULL, NULL, &found_c1, &err) != 0,
	    "not where its station is unknown: %s", err.msg);

	found_alter(&doc, &found_r3, "\"version\":3", "\"version\":3", &other);
	is_int(roster_follows(NULL, &found_r2, &doc, &err), YZ_EDENIED,
	    "signed by no root key: %s", err.msg);
	memcpy(doc.sigs[0].key, found_root.pub, 32);
	is_int(roster_follows(NULL, &found_r2, &doc, &err), YZ_EDENIED,
	    "a root key's name under another's signature: %s", err.msg);
	roster_doc_free(&doc);
	found_swap_key(&doc, &found_r3, 1, other.pub, &other);
	is_int(roster_follows(NULL, &found_r2, &doc, &err), YZ_EDENIED,
	    "a new root key signs itself in: %s", err.msg);
	roster_doc_free(&doc);
	found_alter(&doc, &found_r3, "\"prev\":\"", "\"prev\":\"", &found_root);
	doc.text.b[strstr((char *)doc.text.b, "\"prev\":\"") -
		   (char *)doc.text.b + 8] ^= 1;
	ok(roster_follows(NULL, &found_r2, &doc, &err) != 0,
	    "another version before: %s", err.msg);
	roster_doc_free(&doc);
	found_alter(&doc, &found_c1, "\"name\"", "\"name\"", &found_root);
	is_int(roster_follows(found_small, NULL, &doc, &err), YZ_EDENIED,
	    "a sub-roster signed by the root key: %s", err.msg);
	roster_doc_free(&doc);
	is_int(found_enrol(&doc, found_small, NULL, "520300", "520303",
		   "520000", 50, &city, &err),
	    YZ_ECORRUPT, "a city enrols only its own children: %s", err.msg);
	is_int(found_enrol(&doc, found_small, NULL, "520300", "520100",
		   "520300", 50, &city, &err),
	    YZ_EDENIED, "and none that is enrolled already: %s", err.msg);
	is_int(found_enrol(&doc, found_small, &found_c1, "520300", "520302",
		   "520300", 50, &city, &err),
	    YZ_EDENIED, "not its own with another key: %s", err.msg);
	is_int(found_enrol(&doc, found_small, &found_c1, "520300", "520303",
		   "520300", 30, &city, &err),
	    YZ_EDENIED, "nor with another station's key: %s", err.msg);
}

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

/* k of n: 2 of 3 root keys, and the way there. */
static void
threshold(void)
{
	struct sign_key two, three;
	struct roster_doc doc;
	struct roster_part part;
	struct roster *r;
	struct err err = {0};
	int i;

	found_key(&two, 2);
	found_key(&three, 3);
	if (roster_parse_part(
		&part, found_r2.text.b, found_r2.text.len, &err) != 0)
		printf("Bail out! %s\n", err.msg);
	part.root_keys = mem_realloc(part.root_keys, 3 * 32);
	memcpy(part.root_keys[1], two.pub, 32);
	memcpy(part.root_keys[2], three.pub, 32);
	qsort(part.root_keys, 3, 32, by_bytes);
	part.n_root_keys = 3;
	part.threshold = 2;
	part.version = 3;
	part.prev = found_r2.hash;
	memset(&doc, 0, sizeof(doc));
	roster_doc_write(&doc.text, &part);
	digest_sha256(&doc.hash, doc.text.b, doc.text.len);
	memcpy(doc.scope, "root", 5);
	doc.version = 3;
	doc.sigs = mem_calloc(2, sizeof(*doc.sigs));
	memcpy(doc.sigs[0].key, found_root.pub, 32);
	sign_make(doc.sigs[0].sig, &found_root, SIGN_NS_ROSTER, doc.text.b,
	    doc.text.len, &err);
	doc.n_sigs = 1;
	is_int(roster_follows(NULL, &found_r2, &doc, &err), YZ_EDENIED,
	    "the rule of the new version is not met by one: %s", err.msg);
	doc.sigs[1] = doc.sigs[0];
	doc.n_sigs = 2;
	ok(roster_follows(NULL, &found_r2, &doc, &err) != 0,
	    "nor by one who signs twice: %s", err.msg);
	i = memcmp(two.pub, found_root.pub, 32) > 0;
	doc.sigs[!i] = doc.sigs[0];
	memcpy(doc.sigs[i].key, two.pub, 32);
	sign_make(doc.sigs[i].sig, &two, SIGN_NS_ROSTER, doc.text.b,
	    doc.text.len, &err);
	is_int(roster_follows(NULL, &found_r2, &doc, &err), 0,
	    "but by two, of whom one meets the old rule");
	is_int(roster_build(&r, &doc, 1, &err), 0, "and builds");
	is_int(roster_threshold(r), 2, "with the new threshold");
	roster_free(r);
	doc.sigs[0].sig[5] ^= 1;
	is_int(roster_build(&r, &doc, 1, &err), YZ_EDENIED,
	    "one altered bit of a signature: %s", err.msg);
	roster_doc_free(&doc);
	roster_doc_release(&part);
}

/* A revoked key counts up to its ends; the next one takes over. */
static void
ends(void)
{
	struct roster_station st;
	struct roster_key k[2], first;
	struct roster_end end = {
	    {"520300", "1f0c9a7e", STREAM_RESOURCE, ""}, 7, {{1}}};
	struct chain_name c = end.chain;
	struct roster_doc doc, docs[2];
	struct roster *r;
	struct err err = {0};

	found_station(&st, &first, "520300", "520000", 80);
	k[1] = first;
	found_station(&st, &first, "520300", "520000", 20);
	k[0] = first;
	k[0].ended = true;
	k[0].ends = &end;
	k[0].n_ends = 1;
	st.keys = k;
	st.n_keys = 2;
	is_int(roster_enrol(&doc, found_small, &found_r3, "root", &st,
		   &found_root, &err),
	    0, "the root ends a key and gives another: %s", err.msg);
	docs[0] = doc;
	docs[1] = found_c1;
	is_int(roster_build(&r, docs, 2, &err), 0, "it builds");
	is_int(roster_key_until(roster_key(r, &c, 0), &c), 7,
	    "the old key counts up to its end");
	is_int(roster_key_until(roster_key(r, &c, 1), &c), INT64_MAX,
	    "the new one without end");
	c.stream = STREAM_ROSTER;
	is_int(roster_key_until(roster_key(r, &c, 0), &c), 0,
	    "in a chain without an end the old one does not count");
	ok(roster_find(r, "520302") == NULL,
	    "the sub-roster signed with it is left out");
	roster_free(r);
	roster_doc_free(&doc);
	k[0].roster = found_c1.hash;
	is_int(roster_enrol(&doc, found_small, &found_r3, "root", &st,
		   &found_root, &err),
	    0, "unless the end names it: %s", err.msg);
	docs[0] = doc;
	is_int(roster_build(&r, docs, 2, &err), 0, "it builds");
	ok(roster_find(r, "520302") != NULL, "then it counts");
	roster_free(r);
	is_int(roster_follows(found_small, &doc, &found_r3, &err), YZ_ECONFLICT,
	    "and no older version comes after: %s", err.msg);
	roster_doc_free(&doc);
}

int
main(void)
{
	found_begin();
	keys();
	versions();
	threshold();
	ends();
	found_end();
	return tap_done();
}
