/*
 * Goal: a root part counts that its own keys have signed and that a person has
 * pinned, and none that breaks any other rule; what is pinned is kept to the
 * digit, and a damaged file pins nothing.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "found.h"
#include "home.h"
#include "pins.h"
#include "roster_files.h"
#include "tap.h"

static char dir[] = "/tmp/test_pins.XXXXXX";
static struct err err;

static void
digits(void)
{
	static const char *const good[] = {
	    "12345-67890-12345-67890-12345-67890-12345-67890",
	    "1234567890123456789012345678901234567890",
	    " 12345 67890 12345 67890\n12345, 67890 12345 67890.\n"};
	static const char *const bad[] = {"", "12345",
	    "12345-67890-12345-67890-12345-67890-12345-6789",
	    "12345-67890-12345-67890-12345-67890-12345-678901",
	    "12345-67890-12345-67890-12345-67890-12345-67890 1"};
	char out[SIGN_FINGERPRINT_LEN];
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		is_int(pins_parse(out, good[i], &err), 0, "40 digits");
		is_str(
		    out, good[0], "are a fingerprint, however they are typed");
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(pins_parse(out, bad[i], &err), YZ_EINVAL,
		    "%zu characters are none", strlen(bad[i]));
}

static void
kept(const struct home *home)
{
	char *path = home_file(home, "pins"), v[SIGN_FINGERPRINT_LEN], line[64];
	struct pins pins = {.n = 0}, back;
	struct buf text = BUF_INIT;
	int i;

	is_int(pins_read(&back, home, &err), 0, "without a file");
	is_int((int)back.n, 0, "nothing is pinned");
	for (i = 0; i < PINS_MAX; i++) {
		snprintf(line, sizeof(line), "%040d", i);
		pins_parse(v, line, &err);
		is_int(pins_add(&pins, v, &err), 0, "number %d", i);
	}
	is_int(pins_write(&pins, home, &err), 0, "all are written");
	is_int(pins_read(&back, home, &err), 0, "and read");
	ok(back.n == PINS_MAX && memcmp(back.v, pins.v, sizeof(pins.v)) == 0,
	    "as they were");
	snprintf(line, sizeof(line), "%040d", PINS_MAX);
	pins_parse(v, line, &err);
	is_int(
	    pins_add(&back, v, &err), YZ_EINVAL, "one more not: %s", err.msg);
	is_int(pins_add(&back, pins.v[0], &err), 0, "one that is there is");
	is_str(back.v[PINS_MAX - 1], pins.v[0], "the newest then");
	ok(pins_remove(&back, pins.v[0]) && !pins_remove(&back, pins.v[0]),
	    "it is taken back once");
	is_int((int)back.n, PINS_MAX - 1, "and the others stay");

	file_read(&text, path, 4096, &err);
	text.b[30] ^= 1;
	file_write(path, text.b, text.len, 0600, &err);
	is_int(pins_read(&back, home, &err), YZ_ECORRUPT, "a turned bit: %s",
	    err.msg);
	is_int((int)back.n, 0, "pins nothing");
	unlink(path);
	buf_free(&text);
	free(path);
}

static void
rules(void)
{
	struct roster_doc doc, forged;
	struct sign_key other;

	found_key(&other, 77);
	found_swap_key(&doc, &found_r3, 1, other.pub, &other);
	is_int(roster_follows(NULL, &found_r2, &doc, &err), YZ_EDENIED,
	    "another root key alone does not sign itself in: %s", err.msg);
	is_int(roster_follows_pinned(&found_r2, &doc, &err), 0,
	    "unless a person pins it");
	is_int(roster_follows_pinned(&found_r1, &doc, &err), YZ_ECONFLICT,
	    "in its place: %s", err.msg);
	found_swap_key(&forged, &found_r3, 1, other.pub, &found_root);
	is_int(roster_follows_pinned(&found_r2, &forged, &err), YZ_EDENIED,
	    "signed by its own: %s", err.msg);
	roster_doc_free(&forged);
	if (doc.sigs == NULL)
		return;
	doc.sigs[0].sig[3] ^= 1;
	ok(roster_follows_pinned(&found_r2, &doc, &err) != 0, "properly: %s",
	    err.msg);
	doc.sigs[0].sig[3] ^= 1;
	found_alter(&forged, &doc, "\"code\":\"520300\"", "\"code\":\"520400\"",
	    &other);
	is_int(roster_follows_pinned(&found_r2, &forged, &err), YZ_EDENIED,
	    "no station is lost by it: %s", err.msg);
	roster_doc_free(&forged);
	is_int(roster_follows_pinned(NULL, &found_c1, &err), YZ_EINVAL,
	    "a city's roster is not pinned: %s", err.msg);
	roster_doc_free(&doc);
}

static void
put(const char *folder, const struct roster_doc *doc, const char *ending)
{
	char *path = mem_printf(
	    "%s/root-%lld%s", folder, (long long)doc->version, ending);
	char *sig = mem_printf("%s.1.sig", path);
	struct buf armour = BUF_INIT;

	sign_armour(
	    &armour, doc->sigs[0].sig, doc->sigs[0].key, SIGN_NS_ROSTER);
	if (file_write(path, doc->text.b, doc->text.len, 0644, &err) != 0 ||
	    file_write(sig, armour.b, armour.len, 0644, &err) != 0)
		printf("Bail out! %s\n", err.msg);
	buf_free(&armour);
	free(path);
	free(sig);
}

/* Where there is no station but its documents. */
static void
auditor(void)
{
	char *folder = mem_printf("%s/written", dir), v[SIGN_FINGERPRINT_LEN];
	struct roster *roster = NULL;
	struct pins pins = {.n = 0};
	struct roster_doc doc, theirs;
	struct sign_key other;

	found_key(&other, 77);
	found_swap_key(&doc, &found_r3, 1, other.pub, &other);
	mkdir(folder, 0755);
	put(folder, &found_r1, "");
	put(folder, &found_r2, "");
	put(folder, &doc, "");
	is_int(roster_files_read(&roster, folder, &pins, &err), YZ_EDENIED,
	    "an auditor is told: %s", err.msg);
	pins_fingerprint(v, &doc.hash);
	ok(strstr(err.msg, v) != NULL, "with the fingerprint");
	pins_add(&pins, v, &err);
	is_int(roster_files_read(&roster, folder, &pins, &err), 0,
	    "and goes by it when he gives that");
	is_int((int)roster_version(roster, "root"), 3, "as the newest");
	roster_free(roster);
	/* The station holds what somebody signed with the lost keys, too. */
	put(folder, &found_r3, ".0123456789abcdef");
	is_int(roster_files_read(&roster, folder, &pins, &err), 0,
	    "what the lost keys have signed beside it");
	ok(roster_scope(roster, "root")->version == 3 &&
		digest_equal(&roster_scope(roster, "root")->hash, &doc.hash),
	    "does not take its place");
	roster_free(roster);
	found_alter(
	    &theirs, &found_r2, "\"name\":\"", "\"name\":\"x", &found_root);
	put(folder, &theirs, ".fedcba9876543210");
	is_int(roster_files_read(&roster, folder, &pins, &err), 0,
	    "nor what they have signed before it");
	is_int((int)roster_version(roster, "root"), 3,
	    "changes what an auditor goes by");
	roster_free(roster);
	roster_doc_free(&theirs);
	roster_doc_free(&doc);
	free(folder);
}

int
main(void)
{
	struct home *home;
	char *path;

	if (mkdtemp(dir) == NULL)
		return 1;
	path = mem_printf("%s/home", dir);
	if (home_create(&home, path, "520302", &err) != 0) {
		printf("Bail out! %s\n", err.msg);
		return 1;
	}
	digits();
	kept(home);
	home_free(home);
	found_begin();
	rules();
	auditor();
	found_end();
	folder_remove(dir, &err);
	free(path);
	return tap_done();
}
