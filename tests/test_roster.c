/*
 * Goal of this test: roster documents.  A frozen one parses and prints back;
 * ssh-keygen agrees with its signature; and there is one form of each, with
 * keys that are keys, and nothing more in it.
 */
#include "config.h"

#include <unistd.h>

#include "base/file.h"
#include "found.h"

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
	is_str(buf_str(&found_r2.text), buf_str(&want),
	    "the same stations and keys give the frozen bytes");
	digest_hex(hex, found_r2.hash.b, sizeof(found_r2.hash.b));
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
	roster_allowed_signers(&b, found_small);
	put(dir, "allowed", b.b, b.len);
	buf_clear(&b);
	sign_armour(
	    &b, found_r3.sigs[0].sig, found_r3.sigs[0].key, SIGN_NS_ROSTER);
	put(dir, "root.sig", b.b, b.len);
	put(dir, "root", found_r3.text.b, found_r3.text.len);
	buf_clear(&b);
	sign_armour(
	    &b, found_r2.sigs[0].sig, found_r2.sigs[0].key, SIGN_NS_ROSTER);
	put(dir, "two.sig", b.b, b.len);
	buf_clear(&b);
	sign_armour(
	    &b, found_c1.sigs[0].sig, found_c1.sigs[0].key, SIGN_NS_ROSTER);
	put(dir, "city.sig", b.b, b.len);
	put(dir, "city", found_c1.text.b, found_c1.text.len);
	is_int(keygen(dir, "root", "root.sig", "root"), 0,
	    "ssh-keygen accepts the root part's signature");
	is_int(keygen(dir, "520300", "city.sig", "city"), 0,
	    "and the city's on its sub-roster");
	put(dir, "two", found_r2.text.b, found_r2.text.len);
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

	roster_allowed_signers(&b, found_small);
	is_str(buf_str(&b),
	    "root@yizhan.invalid namespaces=\"yizhan-roster\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\n"
	    "520000@yizhan.invalid namespaces=\"git,yizhan-receipt\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEOnLnFEAXYt9mtowm373yaCquyfJHTspGE+QkoPuv08\n"
	    "520100@yizhan.invalid namespaces=\"git,yizhan-receipt\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzbDil0PwzLhobQoQTLluBavv7BU4dl51lYaffcjEmq\n"
	    "520300@yizhan.invalid namespaces=\"git,yizhan-receipt,yizhan-roster\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICCCi/XFvcrLaEhjM2wgL7VZnaSL5VlmFXQhcHBb7Kn3\n"
	    "520302@yizhan.invalid namespaces=\"git,yizhan-receipt\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOkutgVP6bxoKhvPO3WfZas4pM+9gcTR8zQuTMnN7YsL\n",
	    "allowed_signers is fixed");
	buf_free(&b);
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
		found_alter(&doc, &found_r2, t[i].from, t[i].to, &found_root);
		ok(roster_parse_part(&part, doc.text.b, doc.text.len, &err) !=
			0,
		    "refused: %s (%s)", t[i].why, err.msg);
		roster_doc_free(&doc);
	}
}

static void
packing(void)
{
	struct buf b = BUF_INIT;
	struct roster_doc doc;
	struct err err = {0};
	size_t n, bad = 0;

	roster_doc_pack(&b, &found_r3);
	is_int(roster_doc_unpack(&doc, b.b, b.len, &err), 0, "unpack");
	ok(digest_equal(&doc.hash, &found_r3.hash) && doc.version == 3 &&
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

	rc = roster_change_begin(&change, &found_r2, NULL, "root", &err);
	if (rc == 0)
		rc = roster_change_peers(change, "520300", "520000", &err);
	if (rc == 0)
		rc = roster_change_decide(
		    change, "root", found_r2.version, &found_r2.hash, &err);
	if (rc == 0)
		rc = roster_change_decide(
		    change, "520300", found_c1.version, &found_c1.hash, &err);
	if (rc == 0)
		rc = roster_change_write(&doc, change, &err);
	roster_change_free(change);
	is_int(rc, 0, "peers and decisions: %s", err.msg);
	is_int(file_read(&want, path, LIMIT_ROSTER, &err), 0, "it is frozen");
	is_str(buf_str(&doc.text), buf_str(&want), "and gives the same bytes");
	found_sign(&doc);
	is_int(roster_follows(NULL, &found_r2, &doc, &err), 0, "it follows: %s",
	    err.msg);
	/* What was decided may not be left out again. */
	is_int(roster_change_begin(&change, &doc, NULL, "root", &err), 0, "on");
	is_int(roster_change_decide(
		   change, "520300", found_c1.version, &found_r1.hash, &err),
	    0, "decided otherwise");
	is_int(roster_change_write(&after, change, &err), 0, "written");
	roster_change_free(change);
	found_sign(&after);
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
	found_begin();
	frozen();
	frozen_more();
	ssh_keygen();
	allowed();
	strict();
	packing();
	found_end();
	return tap_done();
}
