/*
 * Goal of this test: rosters.  A frozen document parses and prints back;
 * ssh-keygen agrees with its signature; versions follow each other only under
 * the rules of FORMAT.md; and what a roster says of stations, keys and places
 * does not depend on the order in which its documents came.
 */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "limit.h"
#include "roster.h"
#include "roster_change.h"
#include "roster_doc.h"
#include "rotation.h"
#include "sign.h"
#include "tap.h"

static struct sign_key root_key;

/* Keys as fixed as their names: byte n, 32 times, is the seed. */
static void
key(struct sign_key *out, int n)
{
	uint8_t seed[32];

	memset(seed, n, sizeof(seed));
	sign_from_seed(out, seed);
}

/* A station whose signing key is key(n) and whose SSH key is key(n + 1). */
static void
station(struct roster_station *st, struct roster_key *k, const char *code,
    const char *parent, int n)
{
	static char inc[1][CHAIN_INC_LEN + 1] = {"1f0c9a7e"};
	struct sign_key sk;

	memset(st, 0, sizeof(*st));
	memset(k, 0, sizeof(*k));
	snprintf(st->code, sizeof(st->code), "%s", code);
	snprintf(st->parent, sizeof(st->parent), "%s", parent);
	st->name = (char *)"红花岗区";
	key(&sk, n);
	memcpy(k->sign, sk.pub, 32);
	key(&sk, n + 1);
	memcpy(k->ssh, sk.pub, 32);
	k->incs = inc;
	k->n_incs = 1;
	st->keys = k;
	st->n_keys = 1;
}

static int
enrol(struct roster_doc *out, const struct roster *roster,
    const struct roster_doc *cur, const char *scope, const char *code,
    const char *parent, int n, const struct sign_key *signer, struct err *err)
{
	struct roster_station st;
	struct roster_key k;

	station(&st, &k, code, parent, n);
	return roster_enrol(out, roster, cur, scope, &st, signer, err);
}

/* Documents of a small federation: the province 520000 and the cities 520300
 * and 520100 in the root part; county 520302 in the city's. */
static struct roster_doc r1, r2, r3, c1;
static struct roster *small;

static void
found(void)
{
	struct sign_key city;
	struct err err = {0};
	struct roster_doc docs[2];
	struct roster *r = NULL;

	key(&root_key, 1);
	key(&city, 20);
	is_int(
	    enrol(&r1, NULL, NULL, "root", "520000", "", 10, &root_key, &err),
	    0, "version 1 of the root part");
	is_int(enrol(&r2, NULL, &r1, "root", "520300", "520000", 20, &root_key,
		   &err),
	    0, "version 2 adds a city");
	is_int(enrol(&r3, NULL, &r2, "root", "520100", "520000", 30, &root_key,
		   &err),
	    0, "version 3 adds another, which sorts before it");
	is_int(roster_build(&r, &r3, 1, &err), 0, "a roster of the root part");
	is_int(
	    enrol(&c1, r, NULL, "520300", "520302", "520300", 40, &city, &err),
	    0, "the city enrols a county in its own document");
	roster_free(r);
	docs[0] = c1;
	docs[1] = r3;
	is_int(roster_build(&small, docs, 2, &err), 0,
	    "a roster of both, the sub-roster first: %s", err.msg);
}

static void
frozen(void)
{
	const char *top = getenv("top_srcdir");
	char *path =
	    mem_printf("%s/tests/data/roster-1", top == NULL ? "." : top);
	struct buf want = BUF_INIT, again = BUF_INIT;
	struct roster_part part;
	struct err err = {0};
	char hex[DIGEST_HEX_LEN + 1];

	is_int(file_read(&want, path, LIMIT_ROSTER, &err), 0,
	    "the frozen document is there");
	is_str(buf_str(&r2.text), buf_str(&want),
	    "the same stations and keys give the frozen bytes");
	digest_hex(hex, r2.hash.b, sizeof(r2.hash.b));
	is_str(hex,
	    "7696db44421e03bf067c1cc290027d6e520960dabbcda4f08f26a20113c8812e",
	    "its hash is the SHA-256 of those bytes");
	is_int(
	    roster_parse_part(&part, want.b, want.len, &err), 0, "it parses");
	roster_doc_write(&again, &part);
	is_str(buf_str(&again), buf_str(&want), "and prints back");
	roster_doc_release(&part);
	buf_free(&again);
	buf_free(&want);
	free(path);
}

static void
put(const char *dir, const char *name, const void *data, size_t n)
{
	char *path = mem_printf("%s/%s", dir, name);
	struct err err = {0};

	if (file_write(path, data, n, 0600, &err) != 0)
		printf("Bail out! %s\n", err.msg);
	free(path);
}

static int
keygen(const char *dir, const char *who, const char *sig, const char *doc)
{
	char *line = mem_printf("cd %s && ssh-keygen -q -Y verify -f allowed "
				"-I %s@yizhan.invalid -n yizhan-roster "
				"-s %s <%s >/dev/null 2>&1",
	    dir, who, sig, doc);
	int rc = system(line);

	free(line);
	return rc;
}

/* The independent judge. */
static void
ssh_keygen(void)
{
	char dir[] = "/tmp/test_roster.XXXXXX", *line;
	struct buf b = BUF_INIT;

	if (mkdtemp(dir) == NULL)
		printf("Bail out! mkdtemp\n");
	roster_allowed_signers(&b, small);
	put(dir, "allowed", b.b, b.len);
	buf_clear(&b);
	sign_armour(&b, r3.sigs[0].sig, r3.sigs[0].key, SIGN_NS_ROSTER);
	put(dir, "root.sig", b.b, b.len);
	put(dir, "root", r3.text.b, r3.text.len);
	buf_clear(&b);
	sign_armour(&b, r2.sigs[0].sig, r2.sigs[0].key, SIGN_NS_ROSTER);
	put(dir, "two.sig", b.b, b.len);
	buf_clear(&b);
	sign_armour(&b, c1.sigs[0].sig, c1.sigs[0].key, SIGN_NS_ROSTER);
	put(dir, "city.sig", b.b, b.len);
	put(dir, "city", c1.text.b, c1.text.len);
	is_int(keygen(dir, "root", "root.sig", "root"), 0,
	    "ssh-keygen accepts the root part's signature");
	is_int(keygen(dir, "520300", "city.sig", "city"), 0,
	    "and the city's on its sub-roster");
	put(dir, "two", r2.text.b, r2.text.len);
	is_int(keygen(dir, "root", "two.sig", "two"), 0,
	    "and the one on the frozen document");
	ok(keygen(dir, "520302", "city.sig", "city") != 0,
	    "but not as the county's");
	ok(keygen(dir, "root", "root.sig", "city") != 0,
	    "and not the root's under the city's document");
	line = mem_printf("rm -r %s", dir);
	is_int(system(line), 0, "clean up");
	free(line);
	buf_free(&b);
}

static void
allowed(void)
{
	struct buf b = BUF_INIT;

	roster_allowed_signers(&b, small);
	is_str(buf_str(&b),
	    "root@yizhan.invalid namespaces=\"yizhan-roster\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\n"
	    "520000@yizhan.invalid namespaces=\"git,yizhan-receipt\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEOnLnFEAXYt9mtowm373yaCquyfJHTspGE+QkoPuv08\n"
	    "520100@yizhan.invalid namespaces=\"git,yizhan-receipt\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzbDil0PwzLhobQoQTLluBavv7BU4dl51lYaffcjEmq\n"
	    "520300@yizhan.invalid namespaces=\"git,yizhan-receipt,yizhan-roster\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICCCi/XFvcrLaEhjM2wgL7VZnaSL5VlmFXQhcHBb7Kn3\n"
	    "520302@yizhan.invalid namespaces=\"git,yizhan-receipt\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOkutgVP6bxoKhvPO3WfZas4pM+9gcTR8zQuTMnN7YsL\n",
	    "allowed_signers is fixed");
	buf_free(&b);
}

static void
lookups(void)
{
	struct chain_name c = {"520302", "1f0c9a7e", STREAM_COMMAND, "520302"};
	struct sign_key k;

	is_int((long long)roster_count(small), 4, "four stations");
	is_str(roster_root(small), "520000", "the root");
	is_str(roster_at(small, 1)->code, "520100", "they are sorted");
	ok(roster_at(small, 4) == NULL, "nothing after the last");
	is_str(roster_find(small, "520302")->scope, "520300",
	    "the county is listed by its city");
	is_str(roster_find(small, "520302")->name, "红花岗区", "by its name");
	ok(roster_find(small, "520303") == NULL, "an unknown code");
	ok(roster_find(small, "52030") == NULL, "no code at all");
	ok(roster_is_ancestor(small, "520000", "520302"),
	    "the province is above the county");
	ok(roster_is_ancestor(small, "520300", "520302"), "so is the city");
	ok(!roster_is_ancestor(small, "520100", "520302"),
	    "the other city is not");
	ok(!roster_is_ancestor(small, "520302", "520302"),
	    "a station is not above itself");
	ok(!roster_is_ancestor(small, "520302", "520300"), "nor upside down");
	ok(!roster_is_ancestor(small, "520000", "999999"),
	    "nothing is above an unknown code");
	is_int(roster_version(small, "root"), 3, "the root part's version");
	is_int(roster_version(small, "520300"), 1, "the sub-roster's");
	is_int(roster_version(small, "520100"), 0, "no such sub-roster");
	is_int(roster_threshold(small), 1, "one root key must sign");
	key(&k, 41);
	is_str(roster_by_ssh(small, k.pub), "520302", "who logs in with it");
	key(&k, 40);
	ok(roster_by_ssh(small, k.pub) == NULL, "a signing key logs nobody in");
	ok(memcmp(roster_key(small, &c, 0)->sign, k.pub, 32) == 0,
	    "the county's chains are signed with its key");
	ok(roster_key(small, &c, 1) == NULL, "and no other");
	ok(roster_lists(small, &c), "its incarnation is listed");
	memcpy(c.inc, "00000000", 9);
	ok(!roster_lists(small, &c), "another one is not");
	ok(roster_key(small, &c, 0) != NULL, "though the key may sign for it");
	is_int(roster_key_until(roster_key(small, &c, 0), &c), INT64_MAX,
	    "without end");
}

/* A document with a member altered and signed again properly. */
static void
alter(struct roster_doc *out, const struct roster_doc *doc, const char *from,
    const char *to, const struct sign_key *signer)
{
	char *text = buf_str((struct buf *)&doc->text);
	char *at = strstr(text, from);
	struct err err = {0};

	memset(out, 0, sizeof(*out));
	if (at == NULL) {
		printf("Bail out! no %s\n", from);
		return;
	}
	buf_put(&out->text, text, (size_t)(at - text));
	buf_puts(&out->text, to);
	buf_puts(&out->text, at + strlen(from));
	memcpy(out->scope, doc->scope, sizeof(out->scope));
	out->version = doc->version;
	digest_sha256(&out->hash, out->text.b, out->text.len);
	out->sigs = mem_calloc(1, sizeof(*out->sigs));
	out->n_sigs = 1;
	memcpy(out->sigs[0].key, signer->pub, 32);
	sign_make(out->sigs[0].sig, signer, SIGN_NS_ROSTER, out->text.b,
	    out->text.len, &err);
}

#define HASH "7696db44421e03bf067c1cc290027d6e520960dabbcda4f08f26a20113c8812e"

static void
strict(void)
{
	static const struct {
		const char *from, *to, *why;
	} t[] = {
	    {"{\"auditors\"", "{\"a\":0,\"auditors\"", "an unknown member"},
	    {"\"ended\":false", "\"ended\":false,\"ende\":1",
		"unsorted members"},
	    {"\"auditors\":[],", "", "a member left out"},
	    {"\"version\":2", "\"version\":0", "version 0"},
	    {"\"version\":2", "\"version\":2.0", "a float"},
	    {"\"version\":2", "\"version\": 2", "a space"},
	    {"\"version\":2", "\"version\":1", "version 1 with a prev"},
	    {"\"scope\":\"root\"", "\"scope\":\"rood\"", "an unknown scope"},
	    {"\"threshold\":1", "\"threshold\":2", "a threshold over the keys"},
	    {"\"threshold\":1", "\"threshold\":0", "a threshold of nothing"},
	    {"\"root\":\"520000\"", "\"root\":\"520300\"",
		"a root with parent"},
	    {"\"code\":\"520000\"", "\"code\":\"520400\"", "unsorted stations"},
	    {"\"code\":\"520000\"", "\"code\":\"520300\"", "a code twice"},
	    {"\"parent\":\"520000\"", "\"parent\":\"520001\"",
		"no such parent"},
	    {"\"parent\":\"\"", "\"parent\":\"520300\"", "parents in a ring"},
	    {"1f0c9a7e", "1F0C9A7E", "an incarnation in capitals"},
	    {"红花岗区", " 红花岗区", "a name with a space before it"},
	    {"\"recovery\":\"\"", "\"recovery\":\"00\"", "half a hash"},
	    {"\"ends\":[]", "\"ends\":[1]", "an end that is no end"},
	    {"\"peers\":[]", "\"peers\":[[\"520300\",\"520000\"]]",
		"peers the wrong way round"},
	    {"\"peers\":[]", "\"peers\":[[\"520300\",\"520300\"]]",
		"a peer of itself"},
	    {"\"peers\":[]", "\"peers\":[[\"520000\"]]", "one peer"},
	    {"\"peers\":[]", "\"peers\":[[\"520000\",\"520100\",\"520300\"]]",
		"three peers"},
	    {"\"peers\":[]",
		"\"peers\":[[\"520000\",\"520300\"],"
		"[\"520000\",\"520300\"]]",
		"peers twice"},
	    {"\"peers\":[]", "\"peers\":[\"520000\"]", "peers of nobody"},
	    {"\"decided\":[]",
		"\"decided\":[{\"hash\":\"\",\"scope\":\"root\","
		"\"version\":1}]",
		"a decision for nothing"},
	    {"\"decided\":[]",
		"\"decided\":[{\"hash\":\"" HASH "\",\"scope\":\"rood\","
		"\"version\":1}]",
		"a decision about no scope"},
	    {"\"decided\":[]",
		"\"decided\":[{\"hash\":\"" HASH "\",\"scope\":\"root\","
		"\"version\":1},{\"hash\":\"" HASH
		"\",\"scope\":\"root\",\"version\":1}]",
		"two decisions about one version"},
	    {"}\n", "}\n\n", "a second newline"},
	    {"}\n", "}", "no newline"},
	};
	struct roster_doc doc;
	struct roster_part part;
	struct err err = {0};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		alter(&doc, &r2, t[i].from, t[i].to, &root_key);
		ok(roster_parse_part(&part, doc.text.b, doc.text.len, &err) !=
			0,
		    "refused: %s (%s)", t[i].why, err.msg);
		roster_doc_free(&doc);
	}
}

/* Change one key of the text for another's. */
static void
swap_key(struct roster_doc *out, const struct roster_doc *doc, int from,
    const uint8_t to[32], const struct sign_key *signer)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct sign_key k;

	key(&k, from);
	sign_public_line(&a, k.pub);
	sign_public_line(&b, to);
	alter(out, doc, buf_str(&a), buf_str(&b), signer);
	buf_free(&a);
	buf_free(&b);
}

static void
keys(void)
{
	static const uint8_t low[32] = {1};
	struct roster_part part;
	struct roster_doc doc;
	struct sign_key k;
	struct err err = {0};

	swap_key(&doc, &r2, 20, low, &root_key);
	is_int(roster_parse_part(&part, doc.text.b, doc.text.len, &err),
	    YZ_EDENIED, "a key of low order is refused: %s", err.msg);
	roster_doc_free(&doc);
	key(&k, 11);
	swap_key(&doc, &r2, 21, k.pub, &root_key);
	ok(roster_parse_part(&part, doc.text.b, doc.text.len, &err) != 0,
	    "a key listed twice is refused: %s", err.msg);
	roster_doc_free(&doc);
	swap_key(&doc, &r3, 20, root_key.pub, &root_key);
	ok(roster_parse_part(&part, doc.text.b, doc.text.len, &err) != 0,
	    "the root key is no station's: %s", err.msg);
	roster_doc_free(&doc);
	key(&k, 90);
	swap_key(&doc, &r3, 20, k.pub, &root_key);
	is_int(roster_follows(NULL, &r2, &doc, &err), YZ_EDENIED,
	    "another key for an enrolled code is refused: %s", err.msg);
	roster_doc_free(&doc);
}

static void
versions(void)
{
	struct sign_key other, city;
	struct roster_doc doc;
	struct err err = {0};

	key(&other, 2);
	key(&city, 20);
	is_int(roster_follows(NULL, NULL, &r1, &err), 0, "1 is a beginning");
	is_int(roster_follows(NULL, &r1, &r2, &err), 0, "2 follows 1");
	ok(roster_follows(NULL, NULL, &r2, &err) != 0, "2 is no beginning");
	ok(roster_follows(NULL, &r1, &r3, &err) != 0, "3 does not follow 1");
	ok(roster_follows(NULL, &r2, &r2, &err) != 0, "2 does not follow 2");
	ok(roster_follows(NULL, &r2, &r1, &err) != 0, "nothing goes back");
	is_int(roster_follows(small, NULL, &c1, &err), 0,
	    "the sub-roster is a beginning of its scope");
	ok(roster_follows(NULL, NULL, &c1, &err) != 0,
	    "not where its station is unknown: %s", err.msg);

	alter(&doc, &r3, "\"version\":3", "\"version\":3", &other);
	is_int(roster_follows(NULL, &r2, &doc, &err), YZ_EDENIED,
	    "signed by no root key: %s", err.msg);
	memcpy(doc.sigs[0].key, root_key.pub, 32);
	is_int(roster_follows(NULL, &r2, &doc, &err), YZ_EDENIED,
	    "a root key's name under another's signature: %s", err.msg);
	roster_doc_free(&doc);
	swap_key(&doc, &r3, 1, other.pub, &other);
	is_int(roster_follows(NULL, &r2, &doc, &err), YZ_EDENIED,
	    "a new root key signs itself in: %s", err.msg);
	roster_doc_free(&doc);
	alter(&doc, &r3, "\"prev\":\"", "\"prev\":\"", &root_key);
	doc.text.b[strstr((char *)doc.text.b, "\"prev\":\"") -
		   (char *)doc.text.b + 8] ^= 1;
	ok(roster_follows(NULL, &r2, &doc, &err) != 0,
	    "another version before: %s", err.msg);
	roster_doc_free(&doc);
	alter(&doc, &c1, "\"name\"", "\"name\"", &root_key);
	is_int(roster_follows(small, NULL, &doc, &err), YZ_EDENIED,
	    "a sub-roster signed by the root key: %s", err.msg);
	roster_doc_free(&doc);
	is_int(enrol(&doc, small, NULL, "520300", "520303", "520000", 50, &city,
		   &err),
	    YZ_ECORRUPT, "a city enrols only its own children: %s", err.msg);
	is_int(enrol(&doc, small, NULL, "520300", "520100", "520300", 50, &city,
		   &err),
	    YZ_EDENIED, "and none that is enrolled already: %s", err.msg);
	is_int(enrol(&doc, small, &c1, "520300", "520302", "520300", 50, &city,
		   &err),
	    YZ_EDENIED, "not its own with another key: %s", err.msg);
	is_int(enrol(&doc, small, &c1, "520300", "520303", "520300", 30, &city,
		   &err),
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

	key(&two, 2);
	key(&three, 3);
	if (roster_parse_part(&part, r2.text.b, r2.text.len, &err) != 0)
		printf("Bail out! %s\n", err.msg);
	part.root_keys = mem_realloc(part.root_keys, 3 * 32);
	memcpy(part.root_keys[1], two.pub, 32);
	memcpy(part.root_keys[2], three.pub, 32);
	qsort(part.root_keys, 3, 32, by_bytes);
	part.n_root_keys = 3;
	part.threshold = 2;
	part.version = 3;
	part.prev = r2.hash;
	memset(&doc, 0, sizeof(doc));
	roster_doc_write(&doc.text, &part);
	digest_sha256(&doc.hash, doc.text.b, doc.text.len);
	memcpy(doc.scope, "root", 5);
	doc.version = 3;
	doc.sigs = mem_calloc(2, sizeof(*doc.sigs));
	memcpy(doc.sigs[0].key, root_key.pub, 32);
	sign_make(doc.sigs[0].sig, &root_key, SIGN_NS_ROSTER, doc.text.b,
	    doc.text.len, &err);
	doc.n_sigs = 1;
	is_int(roster_follows(NULL, &r2, &doc, &err), YZ_EDENIED,
	    "the rule of the new version is not met by one: %s", err.msg);
	doc.sigs[1] = doc.sigs[0];
	doc.n_sigs = 2;
	ok(roster_follows(NULL, &r2, &doc, &err) != 0,
	    "nor by one who signs twice: %s", err.msg);
	i = memcmp(two.pub, root_key.pub, 32) > 0;
	doc.sigs[!i] = doc.sigs[0];
	memcpy(doc.sigs[i].key, two.pub, 32);
	sign_make(doc.sigs[i].sig, &two, SIGN_NS_ROSTER, doc.text.b,
	    doc.text.len, &err);
	is_int(roster_follows(NULL, &r2, &doc, &err), 0,
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

static void
packing(void)
{
	struct buf b = BUF_INIT;
	struct roster_doc doc;
	struct err err = {0};
	size_t n, bad = 0;

	roster_doc_pack(&b, &r3);
	is_int(roster_doc_unpack(&doc, b.b, b.len, &err), 0, "unpack");
	ok(digest_equal(&doc.hash, &r3.hash) && doc.version == 3 &&
		doc.n_sigs == 1 && strcmp(doc.scope, "root") == 0,
	    "the same document comes back");
	roster_doc_free(&doc);
	for (n = 0; n < b.len; n++)
		if (roster_doc_unpack(&doc, b.b, n, &err) == 0)
			bad++;
	is_int((long long)bad, 0, "none of %zu shorter ones passes", b.len);
	buf_putc(&b, 'x');
	ok(roster_doc_unpack(&doc, b.b, b.len, &err) != 0, "nor a longer one");
	buf_free(&b);
}

/* Two cities list one county's code, or one county's key. */
static void
clashes(void)
{
	struct roster_doc other, docs[3];
	struct sign_key k;
	struct roster *r;
	struct err err = {0};
	int i;

	key(&k, 30);
	if (enrol(&other, small, NULL, "520100", "520102", "520100", 60, &k,
		&err) != 0)
		printf("Bail out! %s\n", err.msg);
	docs[0] = r3;
	docs[1] = c1;
	docs[2] = other;
	is_int(roster_build(&r, docs, 3, &err), 0, "two sub-rosters");
	is_int((long long)roster_count(r), 5, "five stations");
	ok(roster_clash(r, 0) == NULL, "no clash");
	roster_free(r);
	roster_doc_free(&other);
	alter(&other, &c1, "\"scope\":\"520300\"", "\"scope\":\"520100\"", &k);
	{
		struct roster_doc moved;

		alter(&moved, &other, "\"parent\":\"520300\"",
		    "\"parent\":\"520100\"", &k);
		memcpy(moved.scope, "520100", 7);
		roster_doc_free(&other);
		other = moved;
	}
	for (i = 0; i < 2; i++) {
		docs[1] = i == 0 ? c1 : other;
		docs[2] = i == 0 ? other : c1;
		is_int(roster_build(&r, docs, 3, &err), 0,
		    "two cities list one county: %s", err.msg);
		ok(roster_find(r, "520302") == NULL,
		    "it counts under neither, in order %d", i);
		ok(roster_clash(r, 1) != NULL && roster_clash(r, 2) == NULL,
		    "both listings are named");
		ok(roster_find(r, "520300") != NULL, "the cities stay");
		roster_free(r);
	}
	roster_doc_free(&other);
	is_int(enrol(&other, NULL, &r3, "root", "520302", "520300", 70,
		   &root_key, &err),
	    0, "the root part lists the county too: %s", err.msg);
	docs[0] = c1;
	docs[1] = other;
	is_int(roster_build(&r, docs, 2, &err), 0, "with the sub-roster");
	is_str(roster_find(r, "520302")->scope, "root", "the root's counts");
	roster_free(r);
	roster_doc_free(&other);
	is_int(roster_build(&r, &c1, 1, &err), 0, "without a root part");
	is_int((long long)roster_count(r), 0, "there is no station");
	is_str(roster_root(r), "", "nor root");
	roster_free(r);
	is_int(roster_build(&r, NULL, 0, &err), 0, "nothing builds too");
	ok(roster_find(r, "520000") == NULL, "and finds nothing");
	roster_free(r);
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

	station(&st, &first, "520300", "520000", 80);
	k[1] = first;
	station(&st, &first, "520300", "520000", 20);
	k[0] = first;
	k[0].ended = true;
	k[0].ends = &end;
	k[0].n_ends = 1;
	st.keys = k;
	st.n_keys = 2;
	is_int(roster_enrol(&doc, small, &r3, "root", &st, &root_key, &err), 0,
	    "the root ends a key and gives another: %s", err.msg);
	docs[0] = doc;
	docs[1] = c1;
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
	k[0].roster = c1.hash;
	is_int(roster_enrol(&doc, small, &r3, "root", &st, &root_key, &err), 0,
	    "unless the end names it: %s", err.msg);
	docs[0] = doc;
	is_int(roster_build(&r, docs, 2, &err), 0, "it builds");
	ok(roster_find(r, "520302") != NULL, "then it counts");
	roster_free(r);
	is_int(roster_follows(small, &doc, &r3, &err), YZ_ECONFLICT,
	    "and no older version comes after: %s", err.msg);
	roster_doc_free(&doc);
}

/* --- a further key in a sub-roster ------------------------------------- */

/* The county's next key in the city's document: new keys are key(n) and
 * key(n + 1), proved by the key of seed by. */
static int
rotate(struct roster_doc *out, const struct roster_doc *cur, int n, int by,
    const struct digest *recovery, bool tell, struct err *err)
{
	struct sign_key prover, sign, ssh, city;
	struct roster_change *change = NULL;
	struct roster_key next = {.n_incs = 0};
	const struct roster_station *st;
	struct rotation q;
	int rc;

	key(&prover, by);
	key(&sign, n);
	key(&ssh, n + 1);
	key(&city, 20);
	memset(&q, 0, sizeof(q));
	rc = roster_change_begin(&change, cur, NULL, "520300", err);
	if (rc != 0)
		return rc;
	st = roster_change_station(change, "520302");
	memcpy(q.code, st->code, sizeof(q.code));
	memcpy(q.inc, "1f0c9a7e", sizeof(q.inc));
	memcpy(q.after, st->keys[st->n_keys - 1].sign, 32);
	q.recovery = *recovery;
	rc = rotation_sign(&q, &prover, &sign, &ssh, err);
	memcpy(next.sign, q.sign, 32);
	memcpy(next.ssh, q.ssh, 32);
	memcpy(next.by, q.by, 32);
	memcpy(next.proof, q.proof, 64);
	next.proved = true;
	if (rc == 0)
		rc = roster_change_end_key(
		    change, "520302", q.after, NULL, 0, NULL, err);
	if (rc == 0)
		rc = roster_change_add_key(change, "520302", &next, err);
	if (rc == 0 && tell)
		rc = roster_change_recovery(change, "520302", recovery, err);
	if (rc == 0)
		rc = roster_change_write(out, change, err);
	if (rc == 0)
		rc = roster_doc_sign(out, &city, err);
	roster_change_free(change);
	return rc;
}

/* The county's key has ended, and it has a recovery key of seed 77. */
static void
revoked(struct roster_doc *out, const struct roster_doc *cur)
{
	struct sign_key paper, city;
	struct roster_change *change;
	struct digest hash;
	struct err err = {0};

	key(&paper, 77);
	key(&city, 20);
	digest_sha256(&hash, paper.pub, 32);
	if (roster_change_begin(&change, cur, NULL, "520300", &err) != 0 ||
	    roster_change_end_key(change, "520302",
		roster_change_station(change, "520302")->keys[0].sign, NULL, 0,
		NULL, &err) != 0 ||
	    roster_change_recovery(change, "520302", &hash, &err) != 0 ||
	    roster_change_write(out, change, &err) != 0 ||
	    roster_doc_sign(out, &city, &err) != 0)
		printf("Bail out! %s\n", err.msg);
	roster_change_free(change);
}

static void
proofs(void)
{
	static const struct digest none;
	struct roster_doc doc = {.version = 0}, gone = {.version = 0};
	struct sign_key paper, other;
	struct digest hash, hash2;
	struct roster_part part;
	struct err err = {0};

	key(&paper, 77);
	digest_sha256(&hash, paper.pub, 32);
	key(&other, 78);
	digest_sha256(&hash2, other.pub, 32);
	is_int(rotate(&doc, &c1, 50, 40, &none, false, &err), 0, "rotate");
	is_int(roster_follows(small, &c1, &doc, &err), 0,
	    "a further key, proved by the one in use: %s", err.msg);
	is_int(roster_parse_part(&part, doc.text.b, doc.text.len, &err), 0,
	    "it parses");
	ok(part.stations[0].n_keys == 2 && part.stations[0].keys[1].proved,
	    "and has the proof");
	roster_doc_release(&part);
	doc.text.b[strstr((char *)doc.text.b, "\"sig\":\"") -
		   (char *)doc.text.b + 9] ^= 2;
	ok(roster_follows(small, &c1, &doc, &err) != 0,
	    "another signature there: %s", err.msg);
	roster_doc_free(&doc);
	rotate(&doc, &c1, 50, 20, &none, false, &err);
	is_int(roster_follows(small, &c1, &doc, &err), YZ_EDENIED,
	    "not proved by the city's key: %s", err.msg);
	roster_doc_free(&doc);
	rotate(&doc, &c1, 50, 50, &none, false, &err);
	is_int(roster_follows(small, &c1, &doc, &err), YZ_EDENIED,
	    "nor by the new key itself: %s", err.msg);
	roster_doc_free(&doc);
	rotate(&doc, &c1, 50, 40, &hash, false, &err);
	is_int(roster_follows(small, &c1, &doc, &err), YZ_EDENIED,
	    "nor for another recovery key than is listed: %s", err.msg);
	roster_doc_free(&doc);

	revoked(&gone, &c1);
	is_int(roster_follows(small, &c1, &gone, &err), 0,
	    "a city may end a county's key, and set a recovery key: %s",
	    err.msg);
	rotate(&doc, &gone, 50, 40, &hash, false, &err);
	is_int(roster_follows(small, &gone, &doc, &err), YZ_EDENIED,
	    "an ended key proves no other: %s", err.msg);
	roster_doc_free(&doc);
	rotate(&doc, &gone, 50, 77, &hash, false, &err);
	is_int(roster_follows(small, &gone, &doc, &err), 0,
	    "the recovery key does: %s", err.msg);
	roster_doc_free(&doc);
	rotate(&doc, &gone, 50, 77, &hash2, true, &err);
	is_int(roster_follows(small, &gone, &doc, &err), 0,
	    "and names the next recovery key: %s", err.msg);
	roster_doc_free(&doc);
	rotate(&doc, &gone, 50, 78, &hash, false, &err);
	is_int(roster_follows(small, &gone, &doc, &err), YZ_EDENIED,
	    "another paper does not: %s", err.msg);
	roster_doc_free(&doc);
	roster_doc_free(&gone);
}

/* What the station sends: it reads back, and no bit of it may differ. */
static void
requests(void)
{
	struct roster_end ends[2] = {
	    {{"520302", "1f0c9a7e", STREAM_RESOURCE, ""}, 7, {{1}}},
	    {{"520302", "1f0c9a7e", STREAM_ROSTER, ""}, 9, {{2}}}};
	struct sign_key by, sign, ssh;
	struct buf text = BUF_INIT;
	struct rotation q, back;
	size_t i, passed = 0;
	struct err err = {0};

	key(&by, 40);
	key(&sign, 50);
	key(&ssh, 51);
	memset(&q, 0, sizeof(q));
	memcpy(q.code, "520302", 7);
	memcpy(q.inc, "1f0c9a7e", 9);
	memcpy(q.after, by.pub, 32);
	q.ends = ends;
	q.n_ends = 2;
	is_int(rotation_sign(&q, &by, &sign, &ssh, &err), 0, "a request");
	rotation_write(&text, &q);
	is_int(rotation_read(&back, text.b, text.len, &err), 0,
	    "it reads back: %s", err.msg);
	ok(back.n_ends == 2 && back.ends[1].seq == 9 &&
		memcmp(back.ssh, ssh.pub, 32) == 0,
	    "the same");
	ok(!back.restored, "and not of a restored station");
	rotation_free(&back);
	buf_clear(&text);
	q.restored = true;
	is_int(rotation_sign(&q, &by, &sign, &ssh, &err), 0, "one that is");
	rotation_write(&text, &q);
	ok(rotation_read(&back, text.b, text.len, &err) == 0 && back.restored,
	    "says so");
	rotation_free(&back);
	for (i = 0; i < text.len; i++) {
		text.b[i] ^= 1;
		if (rotation_read(&back, text.b, text.len, &err) == 0) {
			rotation_free(&back);
			passed++;
		}
		text.b[i] ^= 1;
	}
	is_int((long long)passed, 0, "with any byte of %zu altered it does not",
	    text.len);
	buf_free(&text);
}

static void
must_sign(struct roster_doc *doc)
{
	struct err err;

	is_int(roster_doc_sign(doc, &root_key, &err), 0, "it is signed");
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

	key(&city, 20);
	ok(may_call(&r3, &c1, "520302", "520300"), "a child calls its parent");
	ok(!may_call(&r3, &c1, "520300", "520302"), "not the other way");
	ok(!may_call(&r3, &c1, "520302", "520000"), "nor past it");
	list_peers(&by_root, &r3, "520302", "520000", &root_key);
	ok(may_call(&by_root, &c1, "520302", "520000") &&
		may_call(&by_root, &c1, "520000", "520302"),
	    "peers call each other");
	ok(!may_call(&by_root, &c1, "520302", "520100"), "and nobody else");
	list_peers(&by_city, &c1, "520302", "520300", &city);
	ok(may_call(&r3, &by_city, "520300", "520302"),
	    "a city lists itself and what is below it");
	list_peers(&about_others, &c1, "520302", "520000", &city);
	ok(!may_call(&r3, &about_others, "520302", "520000"),
	    "what it says of the province counts nothing");
	roster_doc_free(&about_others);
	list_peers(&about_others, &c1, "520302", "520100", &city);
	ok(!may_call(&r3, &about_others, "520302", "520100"),
	    "nor of another city");
	roster_doc_free(&by_root);
	roster_doc_free(&by_city);
	roster_doc_free(&about_others);
}

/* A document with everything new in it: frozen too. */
static void
frozen_more(void)
{
	const char *top = getenv("top_srcdir");
	char *path =
	    mem_printf("%s/tests/data/roster-2", top == NULL ? "." : top);
	struct buf want = BUF_INIT;
	struct roster_change *change = NULL;
	struct roster_doc doc = {.version = 0}, after = {.version = 0};
	struct err err = {0};
	int rc;

	rc = roster_change_begin(&change, &r2, NULL, "root", &err);
	if (rc == 0)
		rc = roster_change_peers(change, "520300", "520000", &err);
	if (rc == 0)
		rc = roster_change_decide(
		    change, "root", r2.version, &r2.hash, &err);
	if (rc == 0)
		rc = roster_change_decide(
		    change, "520300", c1.version, &c1.hash, &err);
	if (rc == 0)
		rc = roster_change_write(&doc, change, &err);
	roster_change_free(change);
	is_int(rc, 0, "peers and decisions: %s", err.msg);
	is_int(file_read(&want, path, LIMIT_ROSTER, &err), 0, "it is frozen");
	is_str(buf_str(&doc.text), buf_str(&want), "and gives the same bytes");
	must_sign(&doc);
	is_int(roster_follows(NULL, &r2, &doc, &err), 0, "it follows: %s",
	    err.msg);
	/* What was decided may not be left out again. */
	is_int(roster_change_begin(&change, &doc, NULL, "root", &err), 0, "on");
	is_int(
	    roster_change_decide(change, "520300", c1.version, &r1.hash, &err),
	    0, "decided otherwise");
	is_int(roster_change_write(&after, change, &err), 0, "written");
	roster_change_free(change);
	must_sign(&after);
	is_int(roster_follows(NULL, &doc, &after, &err), YZ_EDENIED,
	    "is refused: %s", err.msg);
	roster_doc_free(&doc);
	roster_doc_free(&after);
	buf_free(&want);
	free(path);
}

int
main(void)
{
	found();
	frozen();
	frozen_more();
	peers();
	ssh_keygen();
	allowed();
	lookups();
	strict();
	keys();
	versions();
	threshold();
	packing();
	clashes();
	ends();
	proofs();
	requests();
	roster_doc_free(&r1);
	roster_doc_free(&r2);
	roster_doc_free(&r3);
	roster_doc_free(&c1);
	roster_free(small);
	return tap_done();
}
