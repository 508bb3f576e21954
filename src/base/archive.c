#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/archive.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

struct archive_out {
	struct archive *a;
	int (*write)(void *arg, const void *data, size_t n, struct err *err);
	void *arg;
	struct err failed; /* of write: code 0 while it has not */
	int64_t left;      /* bytes of the entry still to come */
};

struct archive_in {
	struct archive *a;
	int (*read)(void *arg, const void **data, size_t *n, struct err *err);
	void *arg;
	struct err failed;
	int64_t at;   /* in the entry */
	int64_t size; /* of it */
};

/* Our own failure if there was one, else what libarchive says. */
static int
explain(struct archive *a, const struct err *failed, int code, struct err *err)
{
	const char *said = archive_error_string(a);

	if (failed->code != 0) {
		*err = *failed;
		return err_failed(failed->code);
	}
	return err_set(err, code, "archive: %s",
	    said == NULL ? N_("no reason given") : said);
}

/* --- writing ----------------------------------------------------------------
 */

static la_ssize_t
give(struct archive *a, void *arg, const void *data, size_t n)
{
	struct archive_out *out = arg;

	if (out->write(out->arg, data, n, &out->failed) == 0)
		return (la_ssize_t)n;
	archive_set_error(a, EIO, "%s", out->failed.msg);
	return -1;
}

int
archive_out_new(struct archive_out **ret,
    int (*write)(void *arg, const void *data, size_t n, struct err *err),
    void *arg, struct err *err)
{
	struct archive_out *out = mem_calloc(1, sizeof(*out));
	int rc;

	out->write = write;
	out->arg = arg;
	out->a = archive_write_new();
	if (out->a == NULL || archive_write_add_filter_zstd(out->a) != 0 ||
	    archive_write_set_format_gnutar(out->a) != 0 ||
	    archive_write_set_bytes_in_last_block(out->a, 1) != 0 ||
	    archive_write_open(out->a, out, NULL, give, NULL) != 0) {
		rc = out->a == NULL
			 ? err_set(err, YZ_EIO, "libarchive does not start")
			 : explain(out->a, &out->failed, YZ_EIO, err);
		archive_out_free(out);
		return rc;
	}
	*ret = out;
	return 0;
}

int
archive_out_entry(struct archive_out *out, const char *name, int64_t size,
    int64_t mtime, struct err *err)
{
	struct archive_entry *e = archive_entry_new();
	int rc = 0;

	archive_entry_set_pathname(e, name);
	archive_entry_set_size(e, size);
	archive_entry_set_mtime(e, mtime, 0);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0600);
	if (archive_write_header(out->a, e) != ARCHIVE_OK)
		rc = explain(out->a, &out->failed, YZ_EIO, err);
	archive_entry_free(e);
	out->left = size;
	return rc;
}

int
archive_out_put(
    struct archive_out *out, const void *data, size_t n, struct err *err)
{
	if ((int64_t)n > out->left)
		return err_set(err, YZ_EINVAL,
		    "an entry has more bytes than it was to have");
	out->left -= (int64_t)n;
	if (n > 0 && archive_write_data(out->a, data, n) != (la_ssize_t)n)
		return explain(out->a, &out->failed, YZ_EIO, err);
	return 0;
}

int
archive_out_finish(struct archive_out *out, struct err *err)
{
	if (archive_write_close(out->a) != ARCHIVE_OK)
		return explain(out->a, &out->failed, YZ_EIO, err);
	return 0;
}

static ssize_t
append(struct archive *a, void *arg, const void *data, size_t n)
{
	(void)a;
	buf_put(arg, data, n);
	return (ssize_t)n;
}

int
archive_gzip(struct buf *out, const void *data, size_t n, struct err *err)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	bool good;

	archive_entry_set_pathname(e, "data");
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_size(e, (int64_t)n);
	good = a != NULL && archive_write_add_filter_gzip(a) == 0 &&
	       archive_write_set_format_raw(a) == 0 &&
	       archive_write_set_filter_option(a, "gzip", "timestamp", NULL) ==
		   0 &&
	       archive_write_set_filter_option(
		   a, "gzip", "compression-level", "9") == 0 &&
	       archive_write_set_bytes_in_last_block(a, 1) == 0 &&
	       archive_write_open(a, out, NULL, append, NULL) == 0 &&
	       archive_write_header(a, e) == 0 &&
	       (n == 0 || archive_write_data(a, data, n) == (ssize_t)n) &&
	       archive_write_close(a) == 0;
	archive_entry_free(e);
	archive_write_free(a);
	return good ? 0 : err_set(err, YZ_EIO, "libarchive does not compress");
}

void
archive_out_free(struct archive_out *out)
{
	if (out == NULL)
		return;
	if (out->a != NULL) {
		/* Or freeing would write the end, as if all were well. */
		(void)archive_write_fail(out->a);
		(void)archive_write_free(out->a);
	}
	free(out);
}

/* --- reading ----------------------------------------------------------------
 */

static la_ssize_t
take(struct archive *a, void *arg, const void **data)
{
	struct archive_in *in = arg;
	size_t n;

	if (in->read(in->arg, data, &n, &in->failed) == 0)
		return (la_ssize_t)n;
	archive_set_error(a, EIO, "%s", in->failed.msg);
	return -1;
}

int
archive_in_new(struct archive_in **ret,
    int (*read)(void *arg, const void **data, size_t *n, struct err *err),
    void *arg, struct err *err)
{
	struct archive_in *in = mem_calloc(1, sizeof(*in));
	int rc;

	in->read = read;
	in->arg = arg;
	in->a = archive_read_new();
	/* By name, never _all: each is a parser of what comes in. */
	if (in->a == NULL || archive_read_support_filter_zstd(in->a) != 0 ||
	    archive_read_support_format_tar(in->a) != 0 ||
	    archive_read_open(in->a, in, NULL, take, NULL) != 0) {
		rc = in->a == NULL
			 ? err_set(err, YZ_EIO, "libarchive does not start")
			 : explain(in->a, &in->failed, YZ_ECORRUPT, err);
		archive_in_free(in);
		return rc;
	}
	*ret = in;
	return 0;
}

int
archive_in_next(
    struct archive_in *in, struct archive_item *item, struct err *err)
{
	struct archive_entry *e;
	const char *name;
	size_t n;
	int rc = archive_read_next_header(in->a, &e);

	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc != ARCHIVE_OK)
		return explain(in->a, &in->failed, YZ_ECORRUPT, err);
	name = archive_entry_pathname(e);
	n = name == NULL ? 0 : strlen(name);
	if (n == 0 || n > ARCHIVE_NAME_MAX || !text_is_clean(name, n, false))
		return err_set(err, YZ_ECORRUPT, "archive: an entry's name");
	if (archive_entry_filetype(e) != AE_IFREG ||
	    archive_entry_hardlink(e) != NULL ||
	    archive_entry_sparse_count(e) > 0 ||
	    !archive_entry_size_is_set(e) || archive_entry_size(e) < 0)
		return err_set(
		    err, YZ_ECORRUPT, "archive: %s is no regular file", name);
	memcpy(item->name, name, n + 1);
	item->size = archive_entry_size(e);
	in->size = item->size;
	in->at = 0;
	return 1;
}

int
archive_in_get(
    struct archive_in *in, const void **data, size_t *n, struct err *err)
{
	la_int64_t at;
	int rc = archive_read_data_block(in->a, data, n, &at);

	if (rc == ARCHIVE_EOF) {
		if (in->at != in->size)
			return err_set(
			    err, YZ_ECORRUPT, "archive: an entry is cut");
		return 0;
	}
	if (rc != ARCHIVE_OK)
		return explain(in->a, &in->failed, YZ_ECORRUPT, err);
	if (at != in->at || (int64_t)*n > in->size - in->at)
		return err_set(err, YZ_ECORRUPT, "archive: an entry has holes");
	in->at += (int64_t)*n;
	return 1;
}

void
archive_in_free(struct archive_in *in)
{
	if (in == NULL)
		return;
	if (in->a != NULL)
		(void)archive_read_free(in->a);
	free(in);
}
