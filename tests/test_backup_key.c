/*
 * Goal of this test: backups are encrypted to the key that the paper's own
 * signature names, and to no other: of HOME/backup-keys only the line of the
 * recovery key that counts is used, and none that was altered; the file stays
 * within its limit, the newest papers first.
 */
#include "config.h"

#include "backup_key.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/folder.h"
#include "limits.h"
#include "recovery.h"
#include "world.h"

static char home_path[128];
static char file_path[160];

static void
keep(const struct sign_key *paper)
{
	struct err err;

	must(backup_key_keep(home_path, "520302", paper, &err), &err, "keep");
}

static void
read_lines(struct buf *out)
{
	struct err err;

	buf_clear(out);
	must(file_read(out, file_path, 1 << 20, &err), &err, "read");
}

static void
write_lines(const void *p, size_t n)
{
	struct err err;

	must(file_write(file_path, p, n, 0644, &err), &err, "write");
}

/* A station that has this recovery key and has not joined yet. */
static struct replica *
station(const struct sign_key *paper)
{
	struct replica *r;
	struct digest hash;
	struct home *home;
	struct err err;

	must(home_create(&home, home_path, "520302", &err), &err, "home");
	recovery_hash(&hash, paper);
	must(home_recovery_save(&hash, home, &err), &err, "hash");
	must(replica_open(&r, home, &err), &err, "replica");
	return r;
}

static void
own_key(struct replica *r, const struct sign_key *paper)
{
	struct cipher_key to, open;
	struct err err;

	is_int(backup_key_find(&to, r, &err), YZ_ENOTFOUND,
	    "before the paper was at hand nothing is known");
	keep(paper);
	is_int(backup_key_find(&to, r, &err), 0, "then its key is");
	backup_key_open(&open, paper);
	ok(memcmp(to.pub, open.pub, 32) == 0 &&
		memcmp(to.whose, open.whose, 32) == 0,
	    "the one that the paper opens");
	ok(memcmp(to.secret, (uint8_t[32]){0}, 32) == 0,
	    "and without its private half");
}

/* Any byte of its line altered: the key is not used. */
static void
altered(struct replica *r)
{
	struct buf text = BUF_INIT;
	struct cipher_key to;
	struct err err;
	size_t i, used = 0;

	read_lines(&text);
	for (i = 0; i < text.len; i++) {
		text.b[i] ^= 1;
		write_lines(text.b, text.len);
		used += backup_key_find(&to, r, &err) == 0;
		text.b[i] ^= 1;
	}
	is_int(used, 0, "no altered line of %zu is used", text.len);
	for (i = 0, used = 0; i < text.len; i++) {
		write_lines(text.b, i);
		used += backup_key_find(&to, r, &err) == 0;
	}
	is_int(used, 0, "nor one that was cut");
	write_lines(text.b, text.len);
	buf_free(&text);
}

static void
others(struct replica *r, const struct sign_key *paper)
{
	struct buf text = BUF_INIT;
	struct cipher_key to;
	struct sign_key other;
	struct err err;
	int i;

	sign_generate(&other);
	is_int(backup_key_learn(&to, r, &other, &err), YZ_EDENIED,
	    "another paper is not learned from");
	for (i = 0; i < 4; i++) {
		sign_generate(&other);
		keep(&other);
	}
	is_int(
	    backup_key_find(&to, r, &err), 0, "papers of later leave it found");
	for (i = 0; i < 40; i++) {
		sign_generate(&other);
		keep(&other);
	}
	read_lines(&text);
	ok(text.len <= LIMIT_BACKUP_KEYS && text.len > LIMIT_BACKUP_KEYS / 2,
	    "%zu bytes are kept of many", text.len);
	is_int(backup_key_find(&to, r, &err), YZ_ENOTFOUND, "the oldest went");
	is_int(backup_key_learn(&to, r, paper, &err), 0,
	    "and come back with the paper");
	keep(paper);
	read_lines(&text);
	ok(memmem(text.b + 1, text.len - 1, "{\"code\"", 7) != NULL &&
		memchr(text.b, '\n', text.len) != NULL,
	    "one a line");
	buf_free(&text);
}

static struct replica *of;
static struct sign_key sheet;

/* So many bytes, of which the line is the first. */
static int
bytes(int64_t n, struct err *err)
{
	struct buf text = BUF_INIT;
	struct cipher_key to;
	struct err ignored;
	int rc;

	write_lines("", 0);
	keep(&sheet);
	read_lines(&text);
	while (text.len < (size_t)n)
		buf_putc(&text, '\n');
	write_lines(text.b, text.len);
	rc = backup_key_find(&to, of, err);
	/* The paper makes good what is too long, as the line says. */
	keep(&sheet);
	if (backup_key_find(&to, of, &ignored) != 0)
		rc = LIMITS_LEFT;
	buf_free(&text);
	return rc;
}

int
main(void)
{
	static const struct limits_row rows[] = {
	    {LIMIT(LIMIT_BACKUP_KEYS), "bytes of backup-keys",
		"once, with the sheet, yizhan backup", bytes},
	};
	char dir[] = "/tmp/yizhan-test.XXXXXX";
	struct sign_key paper;
	struct replica *r;
	struct err err;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(home_path, sizeof(home_path), "%s/home", dir);
	snprintf(file_path, sizeof(file_path), "%s/backup-keys", home_path);
	sign_generate(&paper);
	r = station(&paper);
	own_key(r, &paper);
	altered(r);
	others(r, &paper);
	of = r;
	sheet = paper;
	limits_run(rows, sizeof(rows) / sizeof(*rows));
	replica_close(r);
	must(folder_remove(dir, &err), &err, dir);
	return tap_done();
}
