/*
 * Goal of this test: an archive reads back as it was written, and one with
 * anything but regular files, or cut anywhere, is refused.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/archive.h"
#include "base/buf.h"
#include "base/err.h"
#include "tap.h"

static int
put(void *arg, const void *data, size_t n, struct err *err)
{
	(void)err;
	buf_put(arg, data, n);
	return 0;
}

static int
refuse(void *arg, const void *data, size_t n, struct err *err)
{
	(void)arg;
	(void)data;
	(void)n;
	return err_set(err, YZ_EDENIED, "the disk says no");
}

struct source {
	const uint8_t *b;
	size_t n;
};

static int
get(void *arg, const void **data, size_t *n, struct err *err)
{
	struct source *s = arg;

	(void)err;
	*data = s->b;
	*n = s->n < 4096 ? s->n : 4096;
	s->b += *n;
	s->n -= *n;
	return 0;
}

/* Read all: the code, or how many entries there are; their names and bytes
 * are appended to out. */
static int
read_all(struct buf *out, const void *data, size_t n, struct err *err)
{
	struct source s = {data, n};
	struct archive_in *in;
	struct archive_item item;
	const void *p;
	size_t len;
	int rc, entries = 0;

	rc = archive_in_new(&in, get, &s, err);
	if (rc != 0)
		return rc;
	while ((rc = archive_in_next(in, &item, err)) == 1) {
		entries++;
		buf_printf(out, "%s:", item.name);
		while ((rc = archive_in_get(in, &p, &len, err)) == 1)
			buf_put(out, p, len);
		if (rc != 0)
			break;
		buf_puts(out, ";");
	}
	archive_in_free(in);
	return rc < 0 ? rc : entries;
}

static void
write_two(struct buf *out)
{
	struct archive_out *a;
	struct err err;

	is_int(archive_out_new(&a, put, out, &err), 0, "an archive begins");
	is_int(archive_out_entry(a, "one", 3, 0, &err), 0, "an entry");
	is_int(archive_out_put(a, "abcd", 4, &err), YZ_EINVAL,
	    "more than it was to have is refused");
	is_int(archive_out_put(a, "ab", 2, &err), 0, "its bytes");
	is_int(archive_out_put(a, "c", 1, &err), 0, "in pieces");
	is_int(archive_out_entry(a, "x/two", 0, 0, &err), 0, "an empty one");
	is_int(archive_out_finish(a, &err), 0, "and the end");
	archive_out_free(a);
}

/* A tar header as tar makes it, and a block of zeros at the end. */
static void
tar(struct buf *out, const char *name, char type, const char *link,
    const char *size)
{
	uint8_t h[512] = {0};
	unsigned sum = 0;
	size_t i;

	snprintf((char *)h, 100, "%s", name);
	memcpy(h + 100, "0000644", 7);
	memcpy(h + 108, "0000000", 7);
	memcpy(h + 116, "0000000", 7);
	memcpy(h + 124, size, strlen(size));
	memcpy(h + 136, "00000000000", 11);
	memset(h + 148, ' ', 8);
	h[156] = (uint8_t)type;
	snprintf((char *)h + 157, 100, "%s", link);
	memcpy(h + 257, "ustar\00000", 8);
	for (i = 0; i < sizeof(h); i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", sum);
	buf_clear(out);
	buf_put(out, h, sizeof(h));
	memset(h, 0, sizeof(h));
	buf_put(out, h, sizeof(h));
	buf_put(out, h, sizeof(h));
}

static void
only_files(void)
{
	static const struct {
		char type;
		const char *link, *what;
	} types[] = {
	    {'1', "passwd", "a hard link"},
	    {'2', "/etc/passwd", "a symbolic link"},
	    {'3', "", "a character device"},
	    {'4', "", "a block device"},
	    {'5', "", "a folder"},
	    {'6', "", "a fifo"},
	};
	struct buf a = BUF_INIT, out = BUF_INIT;
	struct err err;
	size_t i;

	tar(&a, "file", '0', "", "00000000000");
	is_int(read_all(&out, a.b, a.len, &err), 1, "a plain tar is read");
	for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
		tar(&a, "file", types[i].type, types[i].link, "00000000000");
		is_int(read_all(&out, a.b, a.len, &err), YZ_ECORRUPT,
		    "%s is refused", types[i].what);
	}
	tar(&a, "a\nb", '0', "", "00000000000");
	is_int(read_all(&out, a.b, a.len, &err), YZ_ECORRUPT,
	    "so is a name of two lines");
	tar(&a, "file", '0', "", "77777777777");
	is_int(read_all(&out, a.b, a.len, &err), YZ_ECORRUPT,
	    "and 8 GiB that are not there");
	buf_free(&a);
	buf_free(&out);
}

int
main(void)
{
	struct buf a = BUF_INIT, out = BUF_INIT;
	struct archive_out *w;
	struct err err;
	size_t i, bad = 0;

	write_two(&a);
	is_int(read_all(&out, a.b, a.len, &err), 2, "both entries are read");
	is_str(buf_str(&out), "one:abc;x/two:;", "as they were written");
	for (i = 0; i < a.len; i++) {
		buf_clear(&out);
		bad += read_all(&out, a.b, i, &err) == 2;
	}
	/* zstd's checksum and tar's last zeros may be cut without loss. */
	ok(bad < 24, "cut, it is refused, but for %zu places at its end", bad);
	is_int(
	    archive_out_new(&w, refuse, NULL, &err), 0, "where nothing fits");
	is_int(archive_out_entry(w, "one", 1, 0, &err), 0, "it begins");
	is_int(archive_out_put(w, "x", 1, &err), 0, "but does not end:");
	is_int(archive_out_finish(w, &err), YZ_EDENIED, "the reason is ours");
	is_str(err.msg, "the disk says no", "word by word");
	archive_out_free(w);
	only_files();
	buf_free(&a);
	buf_free(&out);
	return tap_done();
}
