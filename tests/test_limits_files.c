/*
 * Goal of this test: the bounds on files that people carry, and on what a
 * receiver may take of the machine, hold to the byte: an invitation, requests,
 * signatures, a backup, and memory.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include "backup.h"
#include "base/buf.h"
#include "base/cipher.h"
#include "base/db.h"
#include "base/file.h"
#include "base/mem.h"
#include "enrol.h"
#include "limits.h"
#include "proposal.h"
#include "receipt.h"
#include "request.h"
#include "roster_change.h"
#include "rotation.h"
#include "sign.h"

static struct sign_key key;

static void
put_bytes(struct buf *b, int c, size_t n)
{
	while (n-- > 0)
		buf_putc(b, (char)c);
}

/* --- joining and rotating --------------------------------------------------
 */

/* People may look at it: white space is allowed there. */
static int
invitation(int64_t n, struct err *err)
{
	static const struct enrol_invitation none;
	struct enrol_invitation in;
	struct buf text = BUF_INIT;
	int rc;

	buf_puts(&text, "{\"yizhan-invitation\":1,\"code\":\"520300\","
			"\"name\":\"遵义市\",\"parent\":\"520000\","
			"\"address\":\"127.0.0.1:22\",\"host_key\":\"");
	sign_public_line(&text, key.pub);
	buf_puts(&text, "\",\"roster_version\":1,\"roster_hash\":\"");
	put_bytes(&text, 'a', 64);
	buf_puts(&text, "\",\"once\":\"");
	put_bytes(&text, 'b', 64);
	buf_puts(&text, "\"");
	put_bytes(&text, ' ', (size_t)n - text.len - 2);
	buf_puts(&text, "}\n");
	rc = enrol_read(&in, text.b, text.len, err);
	if (rc != 0 && memcmp(&in, &none, sizeof(in)) != 0)
		rc = LIMITS_LEFT;
	buf_free(&text);
	return rc;
}

/* Every member of a request has its length, so none is so long. */
static int
join_request(int64_t n, struct err *err)
{
	static const struct request none;
	struct buf text = BUF_INIT;
	struct request q;
	int rc;

	buf_puts(&text, "{\"code\":\"");
	put_bytes(&text, '5', (size_t)n - text.len - 3);
	buf_puts(&text, "\"}\n");
	rc = request_read(&q, buf_str(&text), text.len, err);
	if (memcmp(&q, &none, sizeof(q)) != 0)
		rc = LIMITS_LEFT;
	buf_free(&text);
	return limits_only(rc, err, "is over 2048");
}

static int
rotation_with(size_t n_ends, struct err *err)
{
	struct roster_end *ends = mem_calloc(n_ends, sizeof(*ends));
	struct rotation q = {.code = "520302", .inc = "1f0c9a7e"}, back;
	struct buf text = BUF_INIT;
	struct sign_key sign, ssh;
	size_t i;
	int rc;

	for (i = 0; i < n_ends; i++) {
		memcpy(ends[i].chain.writer, "520302", 7);
		snprintf(ends[i].chain.inc, sizeof(ends[i].chain.inc), "%08x",
		    (unsigned)i);
		ends[i].chain.stream = STREAM_RESOURCE;
		ends[i].seq = 1;
		ends[i].id.b[0] = 1;
	}
	sign_generate(&sign);
	sign_generate(&ssh);
	memcpy(q.after, key.pub, 32);
	q.ends = ends;
	q.n_ends = n_ends;
	if (rotation_sign(&q, &key, &sign, &ssh, err) != 0)
		abort();
	rotation_write(&text, &q);
	rc = rotation_read(&back, text.b, text.len, err);
	if (rc == 0 ? back.n_ends != n_ends : back.ends != NULL)
		rc = LIMITS_LEFT;
	rotation_free(&back);
	buf_free(&text);
	free(ends);
	return rc;
}

static int
rotation_ends(int64_t n, struct err *err)
{
	return rotation_with((size_t)n, err);
}

/* With all the ends that it may have one has half of that. */
static int
rotation(int64_t n, struct err *err)
{
	struct buf text = BUF_INIT;
	struct rotation q;
	int rc;

	buf_puts(&text, "{\"code\":\"");
	put_bytes(&text, '5', (size_t)n - text.len - 3);
	buf_puts(&text, "\"}\n");
	rc = rotation_read(&q, text.b, text.len, err);
	rotation_free(&q);
	buf_free(&text);
	return limits_only(rc, err, "is over 1048576");
}

/* --- signatures and root keys ----------------------------------------------
 */

/* Good ones again and again, as far as they go into n bytes; ssh-keygen makes
 * none that would fill the rest. */
static int
signatures(int64_t n, struct err *err)
{
	struct roster_doc doc = {.scope = "root"};
	struct buf armours = BUF_INIT;
	uint8_t sig[64];
	size_t one;
	int rc;

	buf_puts(&doc.text, "the document\n");
	if (sign_make(
		sig, &key, SIGN_NS_ROSTER, doc.text.b, doc.text.len, err) != 0)
		abort();
	sign_armour(&armours, sig, key.pub, SIGN_NS_ROSTER);
	one = armours.len;
	while (armours.len + one <= (size_t)n)
		sign_armour(&armours, sig, key.pub, SIGN_NS_ROSTER);
	if (n <= LIMIT_PROPOSAL_SIGS &&
	    (proposal_add_signatures(&doc, armours.b, armours.len, err) != 0 ||
		doc.n_sigs != 1))
		abort();
	put_bytes(&armours, '\n', (size_t)n - armours.len);
	doc.n_sigs = 0;
	rc = proposal_add_signatures(&doc, armours.b, armours.len, err);
	if (n > LIMIT_PROPOSAL_SIGS && doc.n_sigs != 0)
		rc = LIMITS_LEFT;
	roster_doc_free(&doc);
	buf_free(&armours);
	return limits_only(rc, err, "over 16384 bytes");
}

static int
root_keys_file(const struct buf *text, size_t *n, struct err *err)
{
	uint8_t keys[LIMIT_ROSTER_KEYS][32];
	int rc;

	if (file_write("root-keys", text->b, text->len, 0600, err) != 0)
		abort();
	rc = proposal_root_keys(keys, n, "root-keys", err);
	return rc;
}

static int
root_keys_bytes(int64_t n, struct err *err)
{
	struct buf text = BUF_INIT;
	size_t found;
	int rc;

	sign_public_line(&text, key.pub);
	buf_puts(&text, "\n# ");
	put_bytes(&text, 'c', (size_t)n - text.len - 1);
	buf_puts(&text, "\n");
	rc = root_keys_file(&text, &found, err);
	if (found != (rc == 0))
		rc = LIMITS_LEFT;
	buf_free(&text);
	return rc;
}

static int
root_keys(int64_t n, struct err *err)
{
	struct buf text = BUF_INIT;
	size_t found;
	int64_t i;
	int rc;

	for (i = 0; i < n; i++) {
		sign_public_line(&text, key.pub);
		buf_puts(&text, " a custodian\n");
	}
	rc = root_keys_file(&text, &found, err);
	buf_free(&text);
	return rc;
}

/* --- receipts --------------------------------------------------------------
 */

static int
receipt(int64_t n, struct err *err)
{
	struct receipt r = {.from = "520302",
	    .to = "520300",
	    .stream = STREAM_RESOURCE,
	    .time = 1790000000000,
	    .n = (size_t)n};
	struct receipt got;
	struct buf text = BUF_INIT;
	int64_t i;
	int rc;

	r.heads = mem_calloc((size_t)n, sizeof(*r.heads));
	for (i = 0; i < n; i++) {
		struct peer_head *h = &r.heads[i];

		memcpy(h->chain.writer, "520300", 7);
		snprintf(
		    h->chain.inc, sizeof(h->chain.inc), "%08x", (unsigned)i);
		h->chain.stream = STREAM_RESOURCE;
		h->seq = LIMIT_SEQ;
	}
	receipt_write(&text, &r);
	rc = receipt_parse(&got, text.b, text.len, err);
	if (rc == 0 ? got.n != r.n : got.heads != NULL)
		rc = LIMITS_LEFT;
	receipt_free(&got);
	receipt_free(&r);
	buf_free(&text);
	return rc;
}

/* --- backups ---------------------------------------------------------------
 */

#define INFO "yizhan-backup 1\ncode 520302\ntime 1795000000000\nkeys 0\n"
#define BLOB_NAME \
	"blobs/e3/" \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct cipher_key pass = {.passphrase = "pass", .cost = 10};

/* The head of an entry as GNU tar writes it, with a size in base 256. */
static void
put_entry(struct buf *tar, const char *name, int64_t size)
{
	char head[512] = {0};
	unsigned sum = 0;
	size_t i;

	memcpy(head, name, strlen(name));
	memcpy(head + 100, "0000600\0000000000\0000000000\0", 24);
	head[124] = (char)0x80;
	for (i = 0; i < 8; i++)
		head[135 - i] = (char)(size >> 8 * i);
	memcpy(head + 136, "00000000000\0        0", 21);
	memcpy(head + 257, "ustar  ", 8);
	for (i = 0; i < sizeof(head); i++)
		sum += (uint8_t)head[i];
	snprintf(head + 148, 8, "%06o", sum);
	head[155] = ' ';
	buf_put(tar, head, sizeof(head));
}

/* A backup whose last entry says that it is of that size, and is cut there. */
static int
backup_of(const char *name, int64_t size, struct err *err)
{
	struct buf tar = BUF_INIT;
	struct backup_info info;
	struct cipher_out *c;
	uint8_t *z;
	size_t bound, n;
	int rc, fd;

	put_entry(&tar, BACKUP_INFO, (int64_t)strlen(INFO));
	buf_puts(&tar, INFO);
	put_bytes(&tar, 0, 512 - strlen(INFO));
	put_entry(&tar, name, size);
	put_bytes(&tar, 0, 512);
	bound = ZSTD_compressBound(tar.len);
	z = mem_alloc(bound);
	n = ZSTD_compress(z, bound, tar.b, tar.len, 1);
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	if (fd < 0 || cipher_out_new(&c, fd, &pass, err) != 0 ||
	    cipher_write(c, z, n, err) != 0 || cipher_finish(c, NULL, err) != 0)
		abort();
	cipher_out_free(c);
	rc = backup_restore(&info, "home", fd, &pass, NULL, NULL, err);
	if (rc == 0 || file_exists("home"))
		rc = LIMITS_LEFT;
	close(fd);
	free(z);
	buf_free(&tar);
	return rc;
}

/* Nobody makes 256 GiB for this: up to the bound the entry is begun, and then
 * found cut. */
static int
backup_bytes(int64_t n, struct err *err)
{
	return limits_only(
	    backup_of("yizhan.db", n - (int64_t)strlen(INFO), err), err,
	    "over 274877906944 bytes");
}

static int
backup_blob(int64_t n, struct err *err)
{
	return limits_only(
	    backup_of(BLOB_NAME, n, err), err, "which has no place here");
}

/* And 10,000,000 entries would take minutes: the same function is asked. */
static int
backup_files(int64_t n, struct err *err)
{
	struct backup_info has = {.files = n - 1};

	return backup_room(&has, 1, err);
}

/* --- the machine -----------------------------------------------------------
 */

/* Bytes that this process maps. */
static int64_t
mapped(void)
{
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		abort();
	close(fd);
	return strtoll(text, NULL, 10) * sysconf(_SC_PAGESIZE);
}

/* A process of its own that maps as much as makes n bytes in all, in whole
 * pages; if it may not, what the program says then. */
static int
memory(int64_t n, struct err *err)
{
	char line[200] = "";
	int ends[2], status;
	ssize_t got;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		abort();
	pid = fork();
	if (pid == 0) {
		const struct rlimit no_core = {0, 0};

		(void)setrlimit(RLIMIT_CORE, &no_core);
		dup2(ends[1], STDERR_FILENO);
		if (!mem_limit(LIMIT_MEMORY))
			_exit(2);
		if (mmap(NULL, (size_t)(n - mapped()), PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			(void)mem_alloc((size_t)n);
		_exit(0);
	}
	close(ends[1]);
	got = read(ends[0], line, sizeof(line) - 1);
	close(ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && got == 0)
		return 0;
	line[strcspn(line, "\n")] = '\0';
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT
		   ? err_set(err, YZ_EIO, "%s", line)
		   : LIMITS_LEFT;
}

/* Of pages read SQLite keeps so many KiB, and no more. */
static void
cache(void)
{
	int64_t before, kept, sum = 0;
	struct db *db = NULL;
	struct err err;

	if (db_open(&db, "cache.db", DB_CREATE, &err) != 0 ||
	    db_exec(db,
		"CREATE TABLE t(b BLOB);"
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
		" SELECT i + 1 FROM n WHERE i < 1024)"
		" INSERT INTO t SELECT zeroblob(32768) FROM n",
		&err) != 0) {
		printf("Bail out! %s\n", err.msg);
		exit(1);
	}
	db_close(db);
	if (db_open(&db, "cache.db", DB_CREATE, &err) != 0 ||
	    db_cache(db, LIMIT_CACHE_KIB, &err) != 0)
		abort();
	before = sqlite3_memory_used();
	if (db_get_int(&sum, db, &err,
		"SELECT sum(length(CAST(b AS TEXT) || 'x')) FROM t", "") != 0)
		abort();
	kept = sqlite3_memory_used() - before;
	ok(kept > (LIMIT_CACHE_KIB << 10) / 2 &&
		kept < (LIMIT_CACHE_KIB << 10) + (1 << 20),
	    "of 32 MiB read LIMIT_CACHE_KIB are kept (%lld bytes)",
	    (long long)kept);
	db_close(db);
}

int
main(void)
{
	static const struct limits_row rows[] = {
	    {LIMIT(LIMIT_INVITATION), "bytes of an invitation",
		"it has 4097 bytes, one has 4096 at most", invitation},
	    {LIMIT(LIMIT_REQUEST), "bytes of a request to join",
		"2049 bytes is over 2048", join_request},
	    {LIMIT(LIMIT_ROTATION), "bytes of a request to rotate",
		"1048577 bytes is over 1048576", rotation},
	    {LIMIT(LIMIT_ENDS), "ends in a request to rotate",
		"over 4096 in \"ends\"", rotation_ends},
	    {LIMIT(LIMIT_PROPOSAL_SIGS), "bytes of signatures",
		"over 16384 bytes of signatures", signatures},
	    {LIMIT(LIMIT_PROPOSAL_SIGS), "bytes of a file of root keys",
		"root-keys is over 16384 bytes", root_keys_bytes},
	    {LIMIT(LIMIT_ROSTER_KEYS), "root keys in a file",
		"more than 16 root keys", root_keys},
	    {LIMIT(LIMIT_HEADS), "chains in a receipt", "over 32768 chains",
		receipt},
	    {LIMIT(LIMIT_BACKUP), "bytes of a backup",
		"over 274877906944 bytes", backup_bytes},
	    {LIMIT(LIMIT_BLOB), "bytes of an attachment in a backup",
		"which has no place here", backup_blob},
	    {LIMIT(LIMIT_BACKUP_FILES), "files of a backup",
		"over 10000000 files", backup_files},
	};
	static const struct limits_row weighed = {LIMIT(LIMIT_MEMORY),
	    "bytes that a receiver maps", "no memory for", memory};
	char dir[] = "/tmp/yizhan-test.XXXXXX";

	if (mkdtemp(dir) == NULL || chdir(dir) != 0)
		return 1;
	sign_generate(&key);
	limits_run(rows, sizeof(rows) / sizeof(*rows));
	if (tap_weighs())
		limits_try(&weighed);
	cache();
	(void)unlink("root-keys");
	(void)unlink("cache.db");
	ok(chdir("/") == 0 && rmdir(dir) == 0, "nothing else was written");
	return tap_done();
}
