#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "anchor.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"
#include "base/summed.h"
#include "home_impl.h"

#define UNMADE "unmade"
#define STATION_LEN 25 /* "code 520302\ninc 1f0c9a7e\n" */

char *
home_file(const struct home *home, const char *name)
{
	return mem_printf("%s/%s", home->path, name);
}

void
home_station_text(struct buf *out, const struct home *home)
{
	buf_printf(out, "code %s\ninc %s\n", home->code, home->inc);
	summed_end(out);
}

int
home_station_write(const struct home *home, struct err *err)
{
	char *path = home_file(home, "station");
	struct buf text = BUF_INIT;
	int rc;

	home_station_text(&text, home);
	rc = file_write(path, text.b, text.len, 0644, err);
	buf_free(&text);
	free(path);
	return rc;
}

static int
station_read(struct home *home, struct err *err)
{
	char *path = home_file(home, "station");
	struct buf text = BUF_INIT;
	uint8_t inc[CHAIN_INC_LEN / 2];
	const char *s;
	int rc;

	rc = summed_read(&text, path, 4096, err);
	if (rc == YZ_ENOTFOUND)
		rc = err_set(err, YZ_ENOTFOUND,
		    "there is no station in %s: yizhan join, init or "
		    "restore makes one",
		    home->path);
	if (rc != 0)
		goto out;
	s = buf_str(&text);
	if (text.len != STATION_LEN || memcmp(s, "code ", 5) != 0 ||
	    !chain_is_code(s + 5, CHAIN_CODE_LEN) ||
	    memcmp(s + 11, "\ninc ", 5) != 0 ||
	    !digest_unhex(inc, sizeof(inc), s + 16, CHAIN_INC_LEN) ||
	    s[24] != '\n') {
		rc = err_set(err, YZ_ECORRUPT, "%s is damaged", path);
		goto out;
	}
	memcpy(home->code, s + 5, CHAIN_CODE_LEN);
	memcpy(home->inc, s + 16, CHAIN_INC_LEN);
out:
	buf_free(&text);
	free(path);
	return rc;
}

int
home_key_save(const struct home *home, const char *name,
    const struct sign_key *key, struct err *err)
{
	char *path = home_file(home, name);
	int rc = sign_save(key, path, err);

	free(path);
	return rc;
}

static int
key_load(struct sign_key *out, const struct home *home, const char *name,
    struct err *err)
{
	char *path = home_file(home, name);
	int rc = sign_load(out, path, err);

	free(path);
	return rc;
}

void
home_make_incarnation(char inc[CHAIN_INC_LEN + 1])
{
	uint8_t b[CHAIN_INC_LEN / 2];

	digest_random(b, sizeof(b));
	digest_hex(inc, b, sizeof(b));
}

static struct home *
home_new(const char *path)
{
	struct home *home = mem_calloc(1, sizeof(*home));

	home->path = mem_strdup(path);
	home->unmade = -1;
	return home;
}

/* What one that was stopped has left.  What else is there is not ours. */
static int
sweep(const char *path, struct err *err)
{
	static const char *const names[] = {"keys", "anchor", "audit",
	    "backup-keys", "trust", "ledger", "pins", "yizhan.db",
	    "yizhan.db-wal", "yizhan.db-shm", "local.db", "local.db-wal",
	    "local.db-shm"};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
		char *name = mem_printf("%s/%s", path, names[i]);

		rc = folder_remove(name, err);
		free(name);
	}
	folder_sweep(path);
	return rc;
}

/* HOME is ours to make from here on; *left: somebody was stopped before.  The
 * lock dies with who has it, so what is left without one is of the dead. */
static int
claim(struct home *home, bool *left, struct err *err)
{
	char *unmade = home_file(home, UNMADE);
	struct stat held, is;
	int rc;

	*left = file_exists(unmade);
	rc = file_lock(&home->unmade, unmade, false, err);
	/* Whoever had it may be through, and has removed the file. */
	if (rc == 0 && (fstat(home->unmade, &held) != 0 ||
			   stat(unmade, &is) != 0 || held.st_ino != is.st_ino))
		rc = YZ_ECONFLICT;
	if (rc == YZ_ECONFLICT)
		rc = err_set(err, YZ_ECONFLICT,
		    "another set-up is under way in %s", home->path);
	free(unmade);
	return rc;
}

static int
clear(struct home *home, struct err *err)
{
	char *station = home_file(home, "station");
	char *unmade = home_file(home, UNMADE);
	bool left = false;
	int rc = 0;

	if (!file_exists(station))
		rc = file_mkdir(home->path, 0700, err);
	if (rc == 0 && !file_exists(station))
		rc = claim(home, &left, err);
	if (rc == 0 && file_exists(station)) {
		rc = err_set(err, YZ_ECONFLICT,
		    "there is a station in %s already", home->path);
		if (home->unmade >= 0)
			(void)unlink(unmade);
	}
	if (rc == 0 && left)
		rc = sweep(home->path, err);
	free(station);
	free(unmade);
	return rc;
}

int
home_begin(
    struct home **out, const char *path, const char *code, struct err *err)
{
	struct home *home = home_new(path);
	char *keys = home_file(home, "keys");
	int rc;

	if (!chain_is_code(code, strlen(code))) {
		rc = err_set(
		    err, YZ_EINVAL, "%.32s is not a code of six digits", code);
		goto out;
	}
	memcpy(home->code, code, CHAIN_CODE_LEN);
	home_make_incarnation(home->inc);
	sign_generate(&home->sign);
	sign_generate(&home->ssh);

	rc = clear(home, err);
	if (rc == 0)
		rc = file_mkdir(keys, 0700, err);
	if (rc == 0)
		rc = home_key_save(home, "keys/sign", &home->sign, err);
	if (rc == 0)
		rc = home_key_save(home, "keys/ssh", &home->ssh, err);
	if (rc == 0)
		rc = anchor_create(home, err);
	if (rc == 0) {
		*out = home;
		home = NULL;
	}
out:
	free(keys);
	home_free(home);
	return rc;
}

int
home_finish(struct home *home, struct err *err)
{
	char *unmade = home_file(home, UNMADE);
	int rc = home_station_write(home, err);

	/* Who opens the station may have been quicker. */
	if (rc == 0 && unlink(unmade) != 0 && errno != ENOENT)
		rc = err_sys(err, "%s", unmade);
	if (home->unmade >= 0)
		close(home->unmade);
	home->unmade = -1;
	free(unmade);
	return rc;
}

int
home_create(
    struct home **out, const char *path, const char *code, struct err *err)
{
	struct home *home = NULL;
	int rc = home_begin(&home, path, code, err);

	if (rc == 0)
		rc = home_finish(home, err);
	if (rc == 0)
		*out = home;
	else
		home_free(home);
	return rc;
}

/* Files of a program that knew no checksums get theirs; station last, by which
 * it is seen.  The anchor gets it when it is written next. */
static void
add_sums(const struct home *home)
{
	static const char *const names[] = {"keys/sign", "keys/ssh",
	    "keys/root", "keys/next", "keys/recovery", "station"};
	char *station = home_file(home, "station");
	bool lacks = summed_lacks(station);
	struct err ignored;
	size_t i;

	free(station);
	for (i = 0; lacks && i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = home_file(home, names[i]);

		(void)summed_add(path, &ignored);
		free(path);
	}
}

int
home_open(struct home **out, const char *path, struct err *err)
{
	struct home *home = home_new(path);
	char *unmade = home_file(home, UNMADE);
	int rc;

	rc = station_read(home, err);
	/* Stopped when all was done but this. */
	if (rc == 0)
		(void)unlink(unmade);
	free(unmade);
	if (rc == 0)
		rc = key_load(&home->sign, home, "keys/sign", err);
	if (rc == 0)
		rc = key_load(&home->ssh, home, "keys/ssh", err);
	if (rc != 0) {
		home_free(home);
		return rc;
	}
	add_sums(home);
	*out = home;
	return 0;
}

void
home_free(struct home *home)
{
	if (home == NULL)
		return;
	if (home->unmade >= 0)
		close(home->unmade);
	free(home->path);
	explicit_bzero(home, sizeof(*home));
	free(home);
}

int
home_keep_incarnation(const struct home *home, struct err *err)
{
	return home_station_write(home, err);
}

int
home_root_key(struct sign_key *out, const struct home *home, struct err *err)
{
	return key_load(out, home, "keys/root", err);
}
