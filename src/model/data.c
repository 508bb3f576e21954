#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/csv.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/data.h"

#define DATA_MAX (64u << 20) /* bytes of one table */
#define DATA_UP 5            /* folders between a program and its tree */
#define DATA_PATH_MAX 4096   /* bytes of the program's own path */

struct data_table {
	struct buf text;          /* the whole file */
	struct csv *csv;          /* reads text */
	char **names;             /* the header line */
	size_t n_names;           /* columns */
	const char *const *cells; /* the current row, of csv */
	size_t n_cells;
};

/* dir/name if that file exists, else NULL. */
static char *
data_beside(const char *dir, const char *name)
{
	char *path = mem_printf("%s/%s", dir, name);

	if (file_exists(path))
		return path;
	free(path);
	return NULL;
}

/* In the source tree, when the program runs from a build folder inside it. */
static char *
data_around(const char *name)
{
	char dir[DATA_PATH_MAX], *slash, *base, *path = NULL;
	ssize_t n;
	int i;

	n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	dir[n > 0 ? n : 0] = '\0';
	for (i = 0; path == NULL && i < DATA_UP; i++) {
		slash = strrchr(dir, '/');
		if (slash == NULL)
			break;
		*slash = '\0';
		base = mem_printf("%s/src/data", dir);
		path = data_beside(base, name);
		free(base);
	}
	return path;
}

int
data_file(char **out, const char *name, struct err *err)
{
	const char *dir = getenv("YIZHAN_DATA");

	if (dir != NULL && dir[0] != '\0') {
		*out = data_beside(dir, name);
	} else {
		dir = DATADIR;
		*out = data_beside(dir, name);
		if (*out == NULL)
			*out = data_around(name);
	}
	if (*out == NULL)
		return err_set(
		    err, YZ_ENOTFOUND, "data file %s/%s is absent", dir, name);
	return 0;
}

int
data_open(struct data_table **out, const char *name, struct err *err)
{
	char *path;
	int rc;

	rc = data_file(&path, name, err);
	if (rc != 0)
		return rc;
	rc = data_open_path(out, path, err);
	free(path);
	return rc;
}

int
data_open_path(struct data_table **out, const char *path, struct err *err)
{
	struct data_table *t = mem_calloc(1, sizeof(*t));
	struct buf raw = BUF_INIT;
	size_t i;
	int rc;

	rc = file_read(&raw, path, DATA_MAX, err);
	if (rc == 0)
		rc = text_decode(&t->text, NULL, "UTF-8", raw.b, raw.len, err);
	if (rc != 0)
		goto out;
	t->csv = csv_open(buf_str(&t->text), t->text.len, '\t', false);
	rc = csv_row(t->csv, &t->cells, &t->n_cells, err);
	if (rc < 0)
		goto out;
	if (rc == 0) {
		rc = err_set(err, YZ_EINVAL, "there is no header line");
		goto out;
	}
	rc = 0;
	t->names = mem_calloc(t->n_cells, sizeof(*t->names));
	for (i = 0; i < t->n_cells; i++)
		t->names[i] = mem_strdup(t->cells[i]);
	t->n_names = t->n_cells;
	t->n_cells = 0;
	*out = t;
	t = NULL;
out:
	buf_free(&raw);
	data_close(t);
	return rc == 0 ? 0 : err_within(err, "%s", path);
}

void
data_close(struct data_table *t)
{
	size_t i;

	if (t == NULL)
		return;
	csv_close(t->csv);
	for (i = 0; i < t->n_names; i++)
		free(t->names[i]);
	free(t->names);
	buf_free(&t->text);
	free(t);
}

size_t
data_columns(const struct data_table *t)
{
	return t->n_names;
}

const char *
data_column_name(const struct data_table *t, size_t i)
{
	return t->names[i];
}

int
data_column(size_t *out, const struct data_table *t, const char *header,
    struct err *err)
{
	for (*out = 0; *out < t->n_names; (*out)++)
		if (strcmp(t->names[*out], header) == 0)
			return 0;
	return err_set(err, YZ_EINVAL, "there is no column %s", header);
}

int
data_row(struct data_table *t, struct err *err)
{
	int rc = csv_row(t->csv, &t->cells, &t->n_cells, err);

	if (rc < 1)
		t->n_cells = 0;
	return rc;
}

const char *
data_cell(const struct data_table *t, size_t column)
{
	return column < t->n_cells ? t->cells[column] : "";
}

size_t
data_line(const struct data_table *t)
{
	return csv_line(t->csv);
}

const char *
data_get(const struct data_table *t, const char *header)
{
	struct err err;
	size_t i;

	return data_column(&i, t, header, &err) == 0 ? data_cell(t, i) : "";
}
