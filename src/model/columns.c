#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/columns.h"
#include "model/kind.h"
#include "schema.h"

#define MAP_MAX (64u << 10)

/* How sure a match is; surer ones take the field first. */
enum rank { RANK_MAP, RANK_LABEL, RANK_ALIAS, RANK_BRACKET, RANK_COUNT };

struct column {
	char *header;
	enum column_sort sort;
	const char *mapped; /* the map's field, or NULL; in map_text */
};

struct layout { /* the columns in a record of one sub-kind */
	const struct kind *sub;
	const struct field **fields; /* per column, or NULL */
};

struct columns {
	const struct kind *base;
	struct column *v;
	size_t n;
	struct layout *layouts;
	size_t n_layouts;
	struct buf map_text;
};

/* Without what a template puts around a header: stars, spaces, full-width
 * brackets. */
static void
tidy(struct buf *out, const char *header)
{
	static const char *const drop[] = {
	    "*", "＊", " ", "\n", "\t", "　", "(必填)", "（必填）", "必填:"};
	size_t i;

	while (*header != '\0') {
		for (i = 0; i < sizeof(drop) / sizeof(drop[0]); i++)
			if (strncmp(header, drop[i], strlen(drop[i])) == 0)
				break;
		if (i < sizeof(drop) / sizeof(drop[0])) {
			header += strlen(drop[i]);
		} else if (strncmp(header, "（", 3) == 0) {
			buf_putc(out, '(');
			header += 3;
		} else if (strncmp(header, "）", 3) == 0) {
			buf_putc(out, ')');
			header += 3;
		} else {
			buf_putc(out, *header++);
		}
	}
}

static const struct field *
by_english(const struct columns *c, const struct kind *sub, const char *label)
{
	const struct kind *kinds[2] = {sub, c->base};
	const struct field *f;
	size_t k, i;

	for (k = 0; k < 2; k++) {
		for (i = 0; kinds[k] != NULL && i < kinds[k]->n_fields; i++) {
			f = kinds[k]->fields[i];
			if (strcasecmp(f->label_en, label) != 0 &&
			    strcasecmp(f->name, label) != 0)
				continue;
			if (kind_field(c->base, sub, f->name) == f)
				return f;
		}
	}
	return NULL;
}

static const struct field *
match(enum rank *rank, const struct columns *c, const struct kind *sub,
    const char *header)
{
	struct buf text = BUF_INIT;
	const struct field *f = NULL;
	struct err err;
	char *bracket;

	tidy(&text, header);
	*rank = RANK_LABEL;
	f = by_english(c, sub, header);
	if (f == NULL &&
	    kind_field_find(&f, c->base, sub, buf_str(&text), &err) != 0)
		f = NULL;
	if (f != NULL && strcmp(f->label_zh, buf_str(&text)) != 0 &&
	    strcasecmp(f->label_en, header) != 0 &&
	    strcasecmp(f->name, header) != 0)
		*rank = RANK_ALIAS;
	bracket = f == NULL ? strchr(buf_str(&text), '(') : NULL;
	if (bracket != NULL && bracket > buf_str(&text)) {
		*bracket = '\0';
		*rank = RANK_BRACKET;
		if (kind_field_find(&f, c->base, sub, buf_str(&text), &err) !=
		    0)
			f = NULL;
	}
	buf_free(&text);
	return f;
}

/* --- the map ----------------------------------------------------------------
 */

static int
map_entry(struct columns *c, char *entry, struct err *err)
{
	char *eq = strrchr(entry, '=');
	const char *name = entry;
	size_t len, i;

	if (eq == NULL)
		return err_set(
		    err, YZ_EINVAL, "map: %.60s is not HEADER=FIELD", entry);
	*eq = '\0';
	len = text_trim(&name, strlen(name));
	eq++;
	eq[strcspn(eq, " \t\r")] = '\0';
	for (i = 0; i < c->n; i++) {
		if (strlen(c->v[i].header) != len ||
		    memcmp(c->v[i].header, name, len) != 0)
			continue;
		c->v[i].mapped = eq;
		return 0;
	}
	return err_set(err, YZ_EINVAL, "map: the table has no column %.*s",
	    (int)len, name);
}

static int
map_read(struct columns *c, const char *map, struct err *err)
{
	struct buf raw = BUF_INIT;
	char *s, *save, *line;
	const char *trimmed;
	int rc = 0;

	if (strchr(map, '=') == NULL) {
		rc = file_read(&raw, map, MAP_MAX, err);
		if (rc == 0)
			rc = text_decode(
			    &c->map_text, NULL, NULL, raw.b, raw.len, err);
		buf_free(&raw);
		if (rc != 0)
			return err_within(err, "map");
	} else {
		buf_puts(&c->map_text, map);
	}
	s = buf_str(&c->map_text);
	for (line = strtok_r(s, ",\r\n", &save); rc == 0 && line != NULL;
	     line = strtok_r(NULL, ",\r\n", &save)) {
		trimmed = line;
		if (text_trim(&trimmed, strlen(line)) > 0 && *trimmed != '#')
			rc = map_entry(c, line, err);
	}
	return rc;
}

static const struct field *
map_field(const struct columns *c, const struct kind *sub, const char *name)
{
	const struct field *f;
	struct err err;

	if (kind_field_find(&f, c->base, sub, name, &err) != 0 ||
	    kind_field_derived(f))
		return NULL;
	return f;
}

/* --- layouts ----------------------------------------------------------------
 */

static bool
taken(const struct columns *c, const struct layout *l, const struct field *f)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (l->fields[i] != NULL &&
		    strcmp(l->fields[i]->name, f->name) == 0)
			return true;
	return false;
}

static const struct field *
column_match(const struct columns *c, const struct kind *sub,
    const struct column *col, enum rank want)
{
	const struct field *f;
	enum rank rank;

	if (col->mapped != NULL)
		return want == RANK_MAP ? map_field(c, sub, col->mapped) : NULL;
	if (want == RANK_MAP)
		return NULL;
	f = match(&rank, c, sub, col->header);
	if (f == NULL || rank != want || kind_field_derived(f))
		return NULL;
	return f;
}

static void
layout_add(struct columns *c, const struct kind *sub)
{
	struct layout *l;
	const struct field *f;
	enum rank rank;
	size_t i;

	c->layouts =
	    mem_realloc(c->layouts, (c->n_layouts + 1) * sizeof(*c->layouts));
	l = &c->layouts[c->n_layouts++];
	l->sub = sub;
	l->fields = mem_calloc(c->n + 1, sizeof(*l->fields));
	for (rank = RANK_MAP; rank < RANK_COUNT; rank++) {
		for (i = 0; i < c->n; i++) {
			if (l->fields[i] != NULL || c->v[i].sort == COLUMN_ID ||
			    c->v[i].sort == COLUMN_IGNORED)
				continue;
			f = column_match(c, sub, &c->v[i], rank);
			if (f != NULL && !taken(c, l, f))
				l->fields[i] = f;
		}
	}
}

/* Columns that are no data: of an earlier errors file, without a header, a
 * running number, what the map leaves out. */
static bool
is_ours(const struct column *col)
{
	static const char *const ours[] = {"", "-", "行号", "原因", "序号"};
	const char *h = col->mapped != NULL ? col->mapped : col->header;
	size_t i;

	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(h, ours[i]) == 0)
			return true;
	return false;
}

/* What every record has and no kind's fields say: names, labels, aliases. */
static enum column_sort
frame_sort(const struct column *col)
{
	static const char *const id[] = {
	    "id", "record id", "记录编号", "唯一标识", "记录标识"};
	static const char *const computed[] = {"kind", "记录类型", "owner",
	    "owner station", "所属站", "归属站", "所属单位代码", "created_at",
	    "created at", "建档时间", "创建时间", "录入时间", "created_by",
	    "created by", "建档人", "创建人", "录入人", "removed", "已撤销",
	    "是否删除", "removed_reason", "reason for removal", "撤销原因",
	    "删除原因"};
	const char *h = col->mapped != NULL ? col->mapped : col->header;
	size_t i;

	for (i = 0; i < sizeof(id) / sizeof(id[0]); i++)
		if (strcasecmp(h, id[i]) == 0)
			return COLUMN_ID;
	for (i = 0; i < sizeof(computed) / sizeof(computed[0]); i++)
		if (strcasecmp(h, computed[i]) == 0)
			return COLUMN_IGNORED;
	return COLUMN_UNKNOWN;
}

static int
layouts_make(struct columns *c, const struct schema *schema,
    const struct kind *kind, struct err *err)
{
	struct column *col;
	size_t i, j;

	for (i = 0; i < c->n; i++)
		c->v[i].sort =
		    is_ours(&c->v[i]) ? COLUMN_IGNORED : COLUMN_UNKNOWN;
	if (kind != c->base) {
		layout_add(c, kind);
	} else {
		layout_add(c, NULL);
		for (i = 0; i < schema_count(schema); i++)
			if (strcmp(schema_at(schema, i)->extends,
				c->base->name) == 0)
				layout_add(c, schema_at(schema, i));
	}
	for (i = 0; i < c->n; i++) {
		col = &c->v[i];
		for (j = 0; j < c->n_layouts; j++)
			if (c->layouts[j].fields[i] != NULL)
				col->sort = COLUMN_FIELD;
		if (col->sort == COLUMN_UNKNOWN)
			col->sort = frame_sort(col);
		if (col->mapped != NULL && col->sort == COLUMN_UNKNOWN)
			return err_set(err, YZ_EINVAL,
			    "map: %s has no field %.60s", kind->name,
			    col->mapped);
	}
	return 0;
}

int
columns_new(struct columns **out, const struct schema *schema,
    const struct kind *kind, const char *const *headers, size_t n,
    const char *map, struct err *err)
{
	struct columns *c = mem_calloc(1, sizeof(*c));
	const char *h;
	size_t len, i;
	int rc = 0;

	c->base = schema_base(schema, kind);
	c->n = n;
	c->v = mem_calloc(n + 1, sizeof(*c->v));
	for (i = 0; i < n; i++) {
		h = headers[i];
		len = text_trim(&h, strlen(h));
		c->v[i].header = mem_strndup(h, len);
	}
	if (map != NULL)
		rc = map_read(c, map, err);
	if (rc == 0)
		rc = layouts_make(c, schema, kind, err);
	if (rc == 0)
		*out = c;
	else
		columns_free(c);
	return rc;
}

void
columns_free(struct columns *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->n; i++)
		free(c->v[i].header);
	for (i = 0; i < c->n_layouts; i++)
		free(c->layouts[i].fields);
	free(c->layouts);
	free(c->v);
	buf_free(&c->map_text);
	free(c);
}

size_t
columns_count(const struct columns *c)
{
	return c->n;
}

size_t
columns_matched(const struct columns *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->n; i++)
		n += c->v[i].sort == COLUMN_FIELD || c->v[i].sort == COLUMN_ID;
	return n;
}

const char *
columns_header(const struct columns *c, size_t i)
{
	return c->v[i].header;
}

enum column_sort
columns_sort(const struct columns *c, size_t i)
{
	return c->v[i].sort;
}

const struct field *
columns_field(const struct columns *c, const struct kind *sub, size_t i)
{
	size_t k;

	for (k = 0; k < c->n_layouts; k++)
		if (c->layouts[k].sub == sub)
			return c->layouts[k].fields[i];
	return NULL;
}
