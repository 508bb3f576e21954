/*
 * Goal of this test: of a backup only what has a place in HOME is read back,
 * and a backup with anything else, or too much, leaves no HOME at all, even
 * if whoever made it knew the passphrase.
 */
#include "config.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "base/archive.h"
#include "base/cipher.h"
#include "base/err.h"
#include "base/file.h"
#include "base/folder.h"
#include "tap.h"

#define INFO "yizhan-backup 1\ncode 520302\ntime 1795000000000\nkeys 0\n"
#define STATION "code 520302\ninc 1f0c9a7e\nsum 69d0b30d\n"
#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct cipher_key pass = {.passphrase = "pass", .cost = 10};

struct item {
	const char *name, *bytes;
};

static int
write_cipher(void *arg, const void *data, size_t n, struct err *err)
{
	return cipher_write(arg, data, n, err);
}

/* An encrypted backup of these and one more; its descriptor. */
static int
make(const struct item *items, size_t n, const struct item *more)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);
	struct cipher_out *c;
	struct archive_out *a;
	struct err err;
	size_t i;

	if (fd < 0 || cipher_out_new(&c, fd, &pass, &err) != 0 ||
	    archive_out_new(&a, write_cipher, c, &err) != 0)
		abort();
	for (i = 0; i < n + (more != NULL); i++) {
		const struct item *it = i < n ? &items[i] : more;
		size_t len = strlen(it->bytes);

		if (archive_out_entry(a, it->name, (int64_t)len, 0, &err) !=
			0 ||
		    archive_out_put(a, it->bytes, len, &err) != 0)
			abort();
	}
	if (archive_out_finish(a, &err) != 0 ||
	    cipher_finish(c, NULL, &err) != 0)
		abort();
	archive_out_free(a);
	cipher_out_free(c);
	return fd;
}

static const struct item good[] = {
    {BACKUP_INFO, INFO},
    {"station", STATION},
    {"yizhan.db", ""},
};
#define N_GOOD (sizeof(good) / sizeof(*good))

static int
restore(const struct item *items, size_t n, const struct item *more,
    struct err *err)
{
	struct backup_info info;
	int fd = make(items, n, more);
	int rc = backup_restore(&info, "home", fd, &pass, NULL, NULL, err);

	close(fd);
	return rc;
}

static void
bad_names(void)
{
	static const char *const names[] = {"anchor", "../x", "/etc/x", "x",
	    "keys/../x", "keys/", "keys/A", "keys/a/b", "blobs/e3/x",
	    "blobs/00/" HASH, "blobs/e3/" HASH "0", "ledger/lock",
	    "ledger/other.git/refs/x", "ledger/roster.git/config",
	    "ledger/roster.git/HEAD", "ledger/roster.git/hooks/post-receive",
	    "ledger/roster.git/refs/../config", "ledger/roster.git/refs/.x",
	    "ledger/roster.git/refs/a//b", "ledger/roster.git/refs/",
	    "ledger/roster.git/objects/info/alternates",
	    "ledger/roster.git/objects/pack/pack-1.pack",
	    "ledger/roster.git/objects/00/../x", "yizhan.db-wal", "Station",
	    "station ", BACKUP_INFO, "station"};
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct item more = {names[i], "x"};
		int rc = restore(good, N_GOOD, &more, &err);

		ok(rc < 0 && !file_exists("home"), "%s is refused: %s",
		    names[i], rc < 0 ? err.msg : "it was not");
	}
}

static void
places(void)
{
	ok(backup_place("blobs/e3/" HASH) == 16 << 20, "an attachment");
	ok(backup_place("keys/root") > 0, "a key");
	ok(backup_place("ledger/command.git/refs/chains/520302-1f0c9a7e/all") >
		0,
	    "a ref");
	ok(backup_place("ledger/command.git/objects/pack/pack-"
			"fa6fdac72d78a9403326fdaa4b7805dea18d9b56.idx") > 0,
	    "a pack's index");
	ok(backup_place("ledger/roster.git/objects/8c/"
			"6dcbbefb9f0cfb7f630330ef0c2b52993a5691") > 0,
	    "an object");
}

int
main(void)
{
	struct item big = {"keys/sign", NULL};
	char dir[] = "/tmp/yizhan-test.XXXXXX";
	struct err err;
	char *text;

	if (mkdtemp(dir) == NULL || chdir(dir) != 0)
		return 1;
	places();
	bad_names();
	text = malloc(5001);
	memset(text, 'x', 5000);
	text[5000] = '\0';
	big.bytes = text;
	ok(restore(good, N_GOOD, &big, &err) == YZ_ECORRUPT,
	    "a key of 5,000 bytes is refused");
	free(text);
	ok(restore(good + 1, N_GOOD - 1, NULL, &err) == YZ_ECORRUPT,
	    "so is what does not begin as a backup");
	ok(restore(good, N_GOOD - 1, NULL, &err) == YZ_ECORRUPT,
	    "and one without a replica");
	ok(!file_exists("home"), "nothing was written");
	is_int(restore(good, N_GOOD, NULL, &err), 0,
	    "what has its place is taken");
	ok(file_exists("home/station") && file_exists("home/keys/sign") &&
		!file_exists("home/restore.tmp"),
	    "a station with new keys");
	is_int(restore(good, N_GOOD, NULL, &err), YZ_ECONFLICT,
	    "but not over another");
	ok(chdir("/") == 0 && folder_remove(dir, &err) == 0, "cleared away");
	return tap_done();
}
