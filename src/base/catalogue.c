#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/catalogue.h"
#include "base/err.h"
#include "base/file.h"

#define MAGIC 0x950412deu
#define FILE_MAX (4u << 20)
#define HEAD 28 /* bytes before anything else */

static struct buf file;            /* lives as long as the process */
static uint32_t count, ids, texts; /* and what its head says */

static uint32_t
word(size_t at)
{
	uint32_t v;

	memcpy(&v, file.b + at, sizeof(v)); /* msgfmt's and ours alike */
	return v;
}

/* The i-th of a table of (length, place); checked when it was read. */
static const char *
text(uint32_t table, uint32_t i)
{
	return (const char *)file.b + word(table + 8 * (size_t)i + 4);
}

static int
is_whole(void)
{
	const uint32_t tables[] = {ids, texts};
	size_t t, at, n, place;

	for (t = 0; t < 2; t++) {
		if (tables[t] > file.len || count > (file.len - tables[t]) / 8)
			return 0;
		for (at = tables[t]; at < tables[t] + 8 * (size_t)count;
		     at += 8) {
			n = word(at);
			place = word(at + 4);
			if (place >= file.len || n >= file.len - place ||
			    file.b[place + n] != '\0')
				return 0;
		}
	}
	return 1;
}

int
catalogue_load(const char *path, struct err *err)
{
	int rc;

	buf_clear(&file);
	count = 0;
	rc = file_read(&file, path, FILE_MAX, err);
	if (rc != 0)
		return rc;
	if (file.len >= HEAD && word(0) == MAGIC) {
		count = word(8);
		ids = word(12);
		texts = word(16);
		if (is_whole())
			return 0;
	}
	count = 0;
	return err_set(err, YZ_ECORRUPT, "%s is no catalogue", path);
}

const char *
catalogue_find(const char *id)
{
	uint32_t low = 0, high = count, at;
	int order;

	while (id[0] != '\0' && low < high) { /* in the order of their bytes */
		at = low + (high - low) / 2;
		order = strcmp(id, text(ids, at));
		if (order == 0)
			return text(texts, at);
		if (order < 0)
			high = at;
		else
			low = at + 1;
	}
	return id;
}

bool
catalogue_entry(size_t i, const char **id, const char **out)
{
	if (i >= count)
		return false;
	*id = text(ids, (uint32_t)i);
	*out = text(texts, (uint32_t)i);
	return true;
}
