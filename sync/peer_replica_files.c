/* The station's attachments and receipts, for the peer machine. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "home.h"
#include "limit.h"
#include "local.h"
#include "peer_replica_impl.h"
#include "receipt.h"
#include "replica.h"
#include "reserve.h"

#define PIECE 4096 /* bytes of an attachment read at once */

/* --- blobs ---------------------------------------------------------------- */

static char *
partial_path(const struct peer_replica *pr, const char *hex)
{
	return mem_printf(
	    "%s/blobs/partial/%s", replica_home(pr->r)->path, hex);
}

static int
do_blob_missing(void *arg, struct buf *out, size_t max, struct err *err)
{
	struct peer_replica *pr = arg;
	struct err full;

	/* Without room nothing is asked for. */
	if (reserve_check(replica_home(pr->r)->path, &full) != 0)
		return 0;
	return blob_missing(pr->r, out, max, err);
}

static int64_t
do_blob_held(void *arg, const char *hex)
{
	char *path = partial_path(arg, hex);
	struct stat st;
	int rc = stat(path, &st);

	free(path);
	return rc == 0 && st.st_size <= LIMIT_BLOB ? st.st_size : 0;
}

static int
do_blob_append(
    void *arg, const char *hex, const void *data, size_t n, struct err *err)
{
	struct peer_replica *pr = arg;
	char *folder =
	    mem_printf("%s/blobs/partial", replica_home(pr->r)->path);
	char *path = partial_path(pr, hex);
	ssize_t wrote;
	int fd, rc;

	rc = peer_replica_take_bytes(pr, n, err);
	if (rc == 0)
		rc = file_mkdir(folder, 0700, err);
	if (rc != 0)
		goto out;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	wrote = fd < 0 ? -1 : write(fd, data, n);
	if (wrote != (ssize_t)n) {
		if (wrote >= 0)
			errno = ENOSPC;
		rc = err_sys(err, "%s", path);
	}
	if (fd >= 0 && close(fd) != 0 && rc == 0)
		rc = err_sys(err, "%s", path);
out:
	free(folder);
	free(path);
	return rc;
}

static int
do_blob_finish(void *arg, const char *hex, struct err *err)
{
	struct peer_replica *pr = arg;
	char *path = partial_path(pr, hex);
	int rc = blob_take(pr->r, path, hex, err);

	if (rc == YZ_ECORRUPT)
		(void)unlink(path);
	free(path);
	return rc;
}

/* Checked once, then given out in pieces. */
static int
do_blob_read(void *arg, struct buf *out, int64_t *size, const char *hex,
    int64_t offset, size_t max, struct err *err)
{
	struct peer_replica *pr = arg;
	uint8_t piece[PIECE];
	ssize_t n;
	int rc;

	if (strcmp(pr->blob_hex, hex) != 0) {
		pr->blob_hex[0] = '\0';
		if (pr->blob_fd >= 0)
			close(pr->blob_fd);
		pr->blob_fd = -1;
		rc = blob_open(pr->r, &pr->blob_fd, &pr->blob_size, hex, err);
		if (rc != 0) {
			pr->blob_fd = -1;
			return rc;
		}
		memcpy(pr->blob_hex, hex, sizeof(pr->blob_hex));
	}
	*size = pr->blob_size;
	if (offset >= *size)
		return 0;
	if (max > sizeof(piece))
		max = sizeof(piece);
	n = pread(pr->blob_fd, piece, max, (off_t)offset);
	if (n <= 0)
		return n < 0 ? err_sys(err, "attachment %s", hex)
			     : err_set(err, YZ_EIO,
				   "attachment %s became shorter", hex);
	buf_put(out, piece, (size_t)n);
	return 0;
}

static bool
do_blob_reaches(void *arg, const char *hex)
{
	struct peer_replica *pr = arg;

	return blob_reaches(pr->r, hex, pr->other);
}

/* --- receipts
 * ----------------------------------------------------------------- */

/* The name under which local.db keeps the hash of what was last receipted. */
static char *
receipt_setting(const struct peer_replica *pr, enum stream stream)
{
	return mem_printf("receipt.%s.%s", pr->other, stream_name(stream));
}

static int
is_news(struct peer_replica *pr, const struct receipt *receipt, bool *news,
    struct err *err)
{
	char hex[DIGEST_HEX_LEN + 1], *name;
	struct receipt timeless = *receipt;
	struct buf text = BUF_INIT, last = BUF_INIT;
	struct digest hash;
	int rc;

	timeless.time = 0;
	receipt_write(&text, &timeless);
	digest_sha256(&hash, text.b, text.len);
	digest_hex(hex, hash.b, sizeof(hash.b));
	name = receipt_setting(pr, receipt->stream);
	rc = local_get(pr->local, &last, name, err);
	*news = (rc != 0 || strcmp(buf_str(&last), hex) != 0) &&
		strcmp(pr->receipts[receipt->stream], hex) != 0;
	if (rc == YZ_ENOTFOUND)
		rc = 0;
	if (rc == 0 && *news)
		memcpy(pr->receipts[receipt->stream], hex, sizeof(hex));
	free(name);
	buf_free(&text);
	buf_free(&last);
	return rc;
}

static int
do_receipt_make(void *arg, struct buf *text, uint8_t key[32], uint8_t sig[64],
    bool *news, enum stream stream, const struct peer_head *heads, size_t n,
    struct err *err)
{
	struct peer_replica *pr = arg;
	const struct sign_key *sign = &replica_home(pr->r)->sign;
	struct receipt receipt;
	int rc;

	memset(&receipt, 0, sizeof(receipt));
	memcpy(receipt.from, peer_replica_self(pr), sizeof(receipt.from));
	memcpy(receipt.to, pr->other, sizeof(receipt.to));
	receipt.stream = stream;
	receipt.time = replica_now(pr->r);
	receipt.heads = (struct peer_head *)heads;
	receipt.n = n;
	rc = is_news(pr, &receipt, news, err);
	if (rc != 0 || !*news)
		return rc;
	receipt_write(text, &receipt);
	memcpy(key, sign->pub, 32);
	return sign_make(sig, sign, SIGN_NS_RECEIPT, text->b, text->len, err);
}

/* Every place named must be what stands there, as far as it is here. */
static int
check_heads(
    struct peer_replica *pr, const struct receipt *receipt, struct err *err)
{
	char name[CHAIN_NAME_MAX];
	struct digest id;
	uint8_t oid[20];
	size_t i;
	int rc;

	for (i = 0; i < receipt->n; i++) {
		const struct peer_head *head = &receipt->heads[i];

		chain_format(name, &head->chain);
		if (head->chain.stream != receipt->stream ||
		    !peer_replica_reaches(
			pr, &head->chain, peer_replica_self(pr)))
			return err_set(err, YZ_EDENIED,
			    "a receipt about %s, which is not for %s", name,
			    peer_replica_self(pr));
		rc = peer_replica_place(
		    pr, &head->chain, head->seq, &id, oid, err);
		if (rc == YZ_ENOTFOUND)
			continue;
		if (rc != 0)
			return rc;
		if (!digest_equal(&id, &head->id))
			return err_set(err, YZ_ECONFLICT,
			    "chain %s differs at seq %lld: fork", name,
			    (long long)head->seq);
	}
	return 0;
}

/* The name under which local.db keeps the last receipt that was given. */
static char *
given_setting(const struct peer_replica *pr, enum stream stream)
{
	return mem_printf("given.%s.%s", pr->other, stream_name(stream));
}

static bool
is_more(const struct receipt *last, const struct peer_head *head)
{
	size_t i;

	for (i = 0; i < last->n; i++) {
		const struct peer_head *was = &last->heads[i];

		if (chain_equal(&was->chain, &head->chain))
			return head->seq > was->seq ||
			       (head->seq == was->seq &&
				   !digest_equal(&head->id, &was->id));
	}
	return true;
}

/* Does it go beyond the last one?  If not it is an old one said again. */
static int
says_more(struct peer_replica *pr, const struct receipt *receipt, bool *more,
    struct err *err)
{
	char *name = given_setting(pr, receipt->stream);
	struct buf text = BUF_INIT;
	struct receipt last;
	size_t i;
	int rc;

	*more = true;
	rc = local_get(pr->local, &text, name, err);
	if (rc == 0)
		rc = receipt_parse(&last, text.b, text.len, err);
	if (rc == 0) {
		*more = false;
		for (i = 0; i < receipt->n && !*more; i++)
			*more = is_more(&last, &receipt->heads[i]);
		receipt_free(&last);
	}
	free(name);
	buf_free(&text);
	return rc == YZ_EIO ? rc : 0;
}

static int
keep_last(struct peer_replica *pr, const struct receipt *receipt,
    const void *text, size_t n, struct err *err)
{
	char *name = given_setting(pr, receipt->stream);
	struct buf copy = BUF_INIT;
	int rc;

	buf_put(&copy, text, n);
	rc = local_set(pr->local, name, buf_str(&copy), err);
	buf_free(&copy);
	free(name);
	return rc;
}

static int
do_receipt_take(void *arg, const void *text, size_t n, const uint8_t key[32],
    const uint8_t sig[64], struct err *err)
{
	struct peer_replica *pr = arg;
	struct receipt receipt;
	bool more = false;
	int rc;

	rc = receipt_parse(&receipt, text, n, err);
	if (rc != 0)
		return rc;
	if (strcmp(receipt.from, pr->other) != 0 ||
	    strcmp(receipt.to, peer_replica_self(pr)) != 0)
		rc = err_set(err, YZ_EDENIED, "a receipt of %s for %s",
		    receipt.from, receipt.to);
	if (rc == 0)
		rc = receipt_verify(
		    replica_roster(pr->r), &receipt, text, n, key, sig, err);
	if (rc == 0)
		rc = check_heads(pr, &receipt, err);
	if (rc == 0)
		rc = says_more(pr, &receipt, &more, err);
	if (rc == 0 && more)
		rc = peer_replica_settle(pr, err);
	if (rc == 0 && more)
		rc = receipt_store(
		    replica_ledger(pr->r), &receipt, text, n, key, sig, err);
	if (rc == 0 && more)
		rc = keep_last(pr, &receipt, text, n, err);
	receipt_free(&receipt);
	return rc;
}

static int
do_receipts_kept(void *arg, struct err *err)
{
	struct peer_replica *pr = arg;
	int s, rc = 0;

	for (s = 0; s < STREAM_COUNT && rc == 0; s++) {
		char *name;

		if (pr->receipts[s][0] == '\0')
			continue;
		name = receipt_setting(pr, (enum stream)s);
		rc = local_set(pr->local, name, pr->receipts[s], err);
		pr->receipts[s][0] = '\0';
		free(name);
	}
	return rc;
}

void
peer_replica_files_store(struct peer_store *store)
{
	store->blob_missing = do_blob_missing;
	store->blob_room = peer_replica_take_room;
	store->blob_held = do_blob_held;
	store->blob_append = do_blob_append;
	store->blob_finish = do_blob_finish;
	store->blob_read = do_blob_read;
	store->blob_reaches = do_blob_reaches;
	store->receipt_make = do_receipt_make;
	store->receipt_take = do_receipt_take;
	store->receipts_kept = do_receipts_kept;
}
