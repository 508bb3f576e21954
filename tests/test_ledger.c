/*
 * Goal: what the ledger holds, stock git finds whole and in order, however it
 * was written, whoever was stopped in between; and damage is noticed.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "ledger.h"
#include "repo.h"
#include "tap.h"

#define S STREAM_COMMAND
#define REF "refs/chains/520302-1f0c9a7e/520302"
#define MANY 300 /* changesets in a test; BENCH=1 makes it 20,000 */

static char dir[] = "/tmp/test_ledger.XXXXXX";
static struct err err;
static int many = MANY;

/* A shell command in HOME/ledger/command.git: its exit status; *out, if not
 * NULL, gets its output without the last newline. */
static int
run(char out[256], const char *command)
{
	char line[1024], rest[256];
	FILE *f;
	size_t n;

	snprintf(line, sizeof(line),
	    "cd '%s/ledger/command.git' && { %s; } 2>&1", dir, command);
	f = popen(line, "r");
	if (f == NULL)
		return -1;
	n = fread(out, 1, 255, f);
	while (fread(rest, 1, sizeof(rest), f) > 0)
		;
	out[n] = '\0';
	if (n > 0 && out[n - 1] == '\n')
		out[n - 1] = '\0';
	return pclose(f);
}

static void
fsck(const char *when)
{
	char out[256];

	if (!ok(run(out, "git fsck --strict --full") == 0, "git fsck %s", when))
		printf("# %s\n", out);
}

static int
count(const char *command)
{
	char out[256];

	return run(out, command) == 0 ? atoi(out) : -1;
}

/* One changeset on top of parent; oid gets its address. */
static int
put(struct ledger *ledger, uint8_t oid[20], int seq)
{
	struct buf b = BUF_INIT;
	uint8_t blob[20], tree[20];
	char hex[41], parent[41];
	int rc;

	buf_printf(&b, "{\"id\":\"520302-%032d\",\"kind\":\"task\"}\n", seq);
	rc = ledger_put(ledger, S, "blob", b.b, b.len, blob, &err);
	buf_clear(&b);
	buf_puts(&b, "100644 ops");
	buf_put(&b, "", 1);
	buf_put(&b, blob, 20);
	if (rc == 0)
		rc = ledger_put(ledger, S, "tree", b.b, b.len, tree, &err);
	buf_clear(&b);
	digest_hex(hex, tree, 20);
	buf_printf(&b, "tree %s\n", hex);
	digest_hex(parent, oid, 20);
	if (seq > 1)
		buf_printf(&b, "parent %s\n", parent);
	buf_printf(&b,
	    "author 值班员甲 <duty1@520302.yizhan.invalid> 1763913600 +0800\n"
	    "committer 520302 <520302@yizhan.invalid> 1763913600 +0800\n"
	    "\n任务 %d\n",
	    seq);
	if (rc == 0)
		rc = ledger_put(ledger, S, "commit", b.b, b.len, oid, &err);
	buf_free(&b);
	return rc;
}

static int
flush(struct ledger *ledger, const uint8_t oid[20])
{
	int rc = ledger_ref(ledger, S, REF, oid, &err);

	if (rc == 0)
		rc = ledger_flush(ledger, &err);
	if (rc != 0)
		printf("# %s\n", err.msg);
	return rc;
}

/* Is changeset seq readable at oid? */
static int
has(struct ledger *ledger, const uint8_t oid[20], int seq)
{
	struct buf commit = BUF_INIT, ops = BUF_INIT;
	char want[128];
	int rc;

	snprintf(want, sizeof(want),
	    "{\"id\":\"520302-%032d\",\"kind\":\"task\"}\n", seq);
	rc = ledger_read_commit(ledger, S, oid, &commit, &ops, &err);
	if (rc == 0 && strcmp(buf_str(&ops), want) != 0)
		rc = -100;
	buf_free(&commit);
	buf_free(&ops);
	return rc;
}

static void
few(struct ledger *ledger, uint8_t head[20])
{
	char out[256], hex[41];
	uint8_t oid[20], none[20] = {0};
	struct buf b = BUF_INIT;

	is_int(ledger_ref_get(ledger, S, REF, oid, &err), YZ_ENOTFOUND,
	    "no ref yet");
	is_int(put(ledger, head, 1), 0, "queue a changeset");
	is_int(put(ledger, head, 2), 0, "and another");
	is_int(flush(ledger, head), 0, "flush");
	fsck("after a few");
	is_int(
	    count("find objects -type f | wc -l"), 6, "6 objects, all loose");
	run(out, "git log --format=%an:%s --reverse " REF " | tr '\\n' ,");
	is_str(out, "值班员甲:任务 1,值班员甲:任务 2,",
	    "git log shows them in order");
	run(out, "git rev-parse " REF);
	digest_hex(hex, head, 20);
	is_str(out, hex, "git finds the same head");
	run(out, "git cat-file blob " REF ":ops");
	is_str(out,
	    "{\"id\":\"520302-00000000000000000000000000000002\","
	    "\"kind\":\"task\"}",
	    "and the ops");
	run(out, "git config gc.auto");
	is_str(out, "0", "git's own gc is off");

	is_int(ledger_ref_get(ledger, S, REF, oid, &err), 0, "read the ref");
	ok(memcmp(oid, head, 20) == 0, "it is the head");
	is_int(has(ledger, head, 2), 0, "read the changeset back");
	is_int(ledger_read(ledger, S, none, "blob", &b, &err), YZ_ENOTFOUND,
	    "what is not there is not found");
	is_int(ledger_read(ledger, S, head, "blob", &b, &err), YZ_ECORRUPT,
	    "a commit is no blob");
	ok(strstr(err.msg, "is a commit, not a blob") != NULL, "%s", err.msg);
	is_int(ledger_put(ledger, S, "tag", "x", 1, NULL, &err), YZ_EINVAL,
	    "no other types");
	is_int(ledger_ref(ledger, S, "refs/a..b", head, &err), YZ_EINVAL,
	    "no malformed refs");
	buf_free(&b);
}

static void
lots(struct ledger *ledger, uint8_t head[20])
{
	uint8_t(*oids)[20] = calloc((size_t)many + 1, 20);
	int i, bad = 0, from = 3;

	memcpy(oids[2], head, 20);
	for (i = from; i <= many; i++) {
		bad += put(ledger, head, i) != 0;
		memcpy(oids[i], head, 20);
	}
	is_int(put(ledger, oids[2], 3), 0, "queue one of them twice");
	is_int(flush(ledger, head), 0, "flush");
	fsck("after many");
	is_int(count("ls objects/pack/*.pack | wc -l"), 1, "they are one pack");
	is_int(count("git rev-list --count " REF), many, "git counts them");
	is_int(count("git count-objects -v | sed -n 's/^in-pack: //p'"),
	    3 * (many - 2), "each object is there once");
	is_int(count("git verify-pack -v objects/pack/*.idx | grep -c '^chain'"
		     " || true"),
	    0, "without deltas");
	for (i = from; i <= many; i++)
		bad += has(ledger, oids[i], i) != 0;
	is_int(bad, 0, "all are read back");

	i = put(ledger, oids[many - 1], many);
	is_int(i, 0, "queue again what is there");
	is_int(ledger_flush(ledger, &err), 0, "flush");
	is_int(count("git count-objects -v | sed -n 's/^count: //p'"), 6,
	    "nothing more was written");
	free(oids);
}

/* Another handle, as another process has it, reads on while packs go. */
static void
merging(struct ledger *ledger, uint8_t head[20])
{
	struct ledger *other;
	uint8_t first[20], middle[20];
	int seq = many, i, round;

	is_int(ledger_open(&other, dir, 0, &err), 0, "a second handle");
	is_int(has(other, head, seq), 0, "reads");
	memcpy(first, head, 20);
	for (round = 0; round < 30; round++) {
		for (i = 0; i < 40; i++)
			if (put(ledger, head, ++seq) != 0)
				break;
		if (flush(ledger, head) != 0)
			break;
		if (round == 5) {
			memcpy(middle, head, 20);
			is_int(has(other, middle, seq), 0,
			    "the second handle finds a new pack");
		}
	}
	is_int(round, 30, "30 packs were written");
	ok(count("ls objects/pack/*.pack | wc -l") <= REPO_PACKS,
	    "but there are at most %d", REPO_PACKS);
	fsck("after merging");
	is_int(count("git rev-list --count " REF), seq, "git counts all");
	is_int(has(ledger, head, seq), 0, "the newest is read");
	is_int(has(other, head, seq), 0, "by the second handle too");
	is_int(has(other, first, many), 0, "and the oldest");
	is_int(has(other, middle, many + 240), 0,
	    "and one in a pack that is gone");
	ledger_close(other);
}

/* Loose objects do not grow without end: the folder 17 stands for all, so
 * eight there look like 2,000. */
static void
many_loose(struct ledger *ledger, uint8_t head[20])
{
	uint8_t oid[20];
	char text[32];
	int i, n = 0, bad = 0, seq = count("git rev-list --count " REF);

	is_int(put(ledger, head, ++seq), 0, "queue a changeset");
	is_int(flush(ledger, head), 0, "flush it");
	ok(count("git count-objects -v | sed -n 's/^count: //p'") >= 3,
	    "it is loose");
	for (i = 0; n < 8; i++) {
		snprintf(text, sizeof(text), "blob %d", i);
		digest_git(oid, "blob", text, strlen(text));
		if (oid[0] != 0x17)
			continue;
		n++;
		bad += ledger_put(ledger, S, "blob", text, strlen(text), NULL,
			   &err) != 0;
	}
	is_int(bad, 0, "queue eight for one folder");
	is_int(ledger_flush(ledger, &err), 0, "flush");
	is_int(count("git count-objects -v | sed -n 's/^count: //p'"), 0,
	    "now none is loose");
	fsck("after packing them");
	is_int(count("git rev-list --count " REF), seq, "git counts all");
	is_int(has(ledger, head, seq), 0, "the newest is read");
}

static void
leftovers(struct ledger **ledger, uint8_t head[20])
{
	char out[256];
	int seq = count("git rev-list --count " REF);

	run(out, "touch objects/pack/pack_git2_x objects/tmp_object_git2_y "
		 "objects/pack/pack-$(printf %040d 7).idx "
		 "objects/pack/pack-$(printf %040d 7).pack.abcdef "
		 "refs/chains/520302-1f0c9a7e/520302.lock");
	ledger_close(*ledger);
	is_int(ledger_open(ledger, dir, 1, &err), 0, "open after a kill");
	is_int(count("find objects -name '*git2*' -o -name '*0007*' | wc -l"),
	    0, "leftovers are gone");
	is_int(put(*ledger, head, seq + 1), 0, "go on");
	is_int(flush(*ledger, head), 0, "in spite of a ref's stale lock");
	is_int(count("git rev-list --count " REF), seq + 1, "git counts on");
}

static int
see_ref(void *arg, const char *name, const uint8_t oid[20], struct err *e)
{
	(void)oid;
	(void)e;
	strcat(arg, name + strlen("refs/chains/"));
	strcat(arg, ",");
	return 0;
}

static void
refs(struct ledger *ledger, const uint8_t head[20])
{
	char seen[256] = "";
	uint8_t none[20] = {1};

	is_int(ledger_ref(
		   ledger, S, "refs/chains/520300-00000000/520302", head, &err),
	    0, "a second ref");
	is_int(ledger_ref(ledger, S, "refs/other/x", head, &err), 0,
	    "and one elsewhere");
	is_int(ledger_flush(ledger, &err), 0, "flush");
	is_int(ledger_refs(ledger, S, "refs/chains/", see_ref, seen, &err), 0,
	    "list them");
	is_str(seen, "520300-00000000/520302,520302-1f0c9a7e/520302,",
	    "those below the prefix, sorted");
	is_int(ledger_ref(ledger, S, REF, none, &err), 0,
	    "a ref to what is not there");
	ok(ledger_flush(ledger, &err) != 0, "is not written: %s", err.msg);
	is_int(ledger_flush(ledger, &err), 0, "and forgotten");
}

static void
locked(struct ledger *ledger)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/ledger/lock", dir);
	is_int(ledger_lock(ledger, &err), 0, "take the lock");
	is_int(ledger_lock(ledger, &err), 0, "twice");
	ledger_unlock(ledger);
	is_int(file_lock(&fd, path, false, &err), YZ_ECONFLICT,
	    "no other has it meanwhile");
	ledger_unlock(ledger);
	is_int(file_lock(&fd, path, false, &err), 0, "then it is free");
	close(fd);
}

/* Over 7 MiB are written without being asked. */
static void
large(struct ledger *ledger)
{
	const size_t mib = 1 << 20;
	uint8_t *data = calloc(1, mib), oid[20];
	struct buf b = BUF_INIT;
	int i, bad = 0;

	for (i = 0; i < 8; i++) {
		data[0] = (uint8_t)i;
		bad += ledger_put(ledger, STREAM_ROSTER, "blob", data, mib, oid,
			   &err) != 0;
	}
	free(data);
	is_int(bad, 0, "queue 8 MiB");
	is_int(ledger_read(ledger, STREAM_ROSTER, oid, "blob", &b, &err), 0,
	    "they are there without a flush");
	buf_free(&b);
}

/* Change one byte in the middle of a file. */
static void
spoil(const char *file, long at)
{
	char path[512];
	int fd, c;
	uint8_t byte;

	snprintf(path, sizeof(path), "%s/ledger/command.git/%s", dir, file);
	chmod(path, 0644);
	fd = open(path, O_RDWR);
	c = pread(fd, &byte, 1, at) == 1;
	byte ^= 0x10;
	ok(c && pwrite(fd, &byte, 1, at) == 1, "spoil a byte");
	close(fd);
}

static void
damage(struct ledger *ledger, uint8_t head[20])
{
	char file[256], hex[256];
	int seq = count("git rev-list --count " REF);
	struct buf b = BUF_INIT;
	struct ledger *fresh;
	uint8_t old[20];

	is_int(put(ledger, head, seq + 1), 0, "one more, loose");
	is_int(ledger_flush(ledger, &err), 0, "flush");
	digest_hex(hex, head, 20);
	snprintf(file, sizeof(file), "objects/%.2s/%.38s", hex, hex + 2);
	spoil(file, 60);
	is_int(ledger_open(&fresh, dir, 0, &err), 0, "open");
	is_int(has(fresh, head, seq + 1), YZ_ECORRUPT, "noticed: %s", err.msg);
	ledger_close(fresh);

	run(file, "ls -S objects/pack/*.pack | head -1");
	spoil(file, 30);
	run(hex, "git show-index < $(ls -S objects/pack/*.idx | head -1) |"
		 " sort -n | head -1 | cut -d' ' -f2");
	ok(digest_unhex(old, 20, hex, 40), "the first object of a pack");
	is_int(ledger_open(&fresh, dir, 0, &err), 0, "open");
	is_int(ledger_read(fresh, S, old, "blob", &b, &err), YZ_ECORRUPT,
	    "noticed: %s", err.msg);
	buf_free(&b);
	ledger_close(fresh);
}

int
main(void)
{
	struct ledger *ledger;
	uint8_t head[20] = {0};
	char out[256];

	if (getenv("BENCH") != NULL)
		many = 20000;
	if (mkdtemp(dir) == NULL)
		return 1;
	is_int(ledger_open(&ledger, dir, 0, &err), YZ_ENOTFOUND,
	    "there is no ledger");
	is_int(ledger_open(&ledger, dir, 1, &err), 0, "make one");
	few(ledger, head);
	lots(ledger, head);
	merging(ledger, head);
	many_loose(ledger, head);
	leftovers(&ledger, head);
	locked(ledger);
	large(ledger);
	refs(ledger, head);
	damage(ledger, head);
	ledger_close(ledger);
	run(out, "cd ../.. && rm -rf ledger");
	rmdir(dir);
	return tap_done();
}
