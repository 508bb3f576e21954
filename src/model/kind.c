#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "kind.h"

#define NEAR_MAX 3      /* names suggested */
#define NEAR_LEN 64     /* bytes of a name compared */
#define NEAR_DISTANCE 2 /* edits that may have been a slip */

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edits (insert, delete, replace a byte) between two short names. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[NEAR_LEN + 1], i, j, diag, above;
	size_t n = strlen(a), m = strlen(b);

	if (n > NEAR_LEN || m > NEAR_LEN)
		return NEAR_LEN;
	for (j = 0; j <= m; j++)
		row[j] = j;
	for (i = 1; i <= n; i++) {
		diag = row[0];
		row[0] = i;
		for (j = 1; j <= m; j++) {
			above = row[j];
			row[j] = min3(above + 1, row[j - 1] + 1,
			    diag + (a[i - 1] != b[j - 1]));
			diag = above;
		}
	}
	return row[m];
}

/* How far a candidate is from what was typed; a part of it counts as near. */
static size_t
farness(const char *typed, const char *name, const char *label)
{
	if (strlen(typed) >= 3 &&
	    (strstr(name, typed) != NULL || strstr(label, typed) != NULL))
		return 1;
	return distance(typed, name);
}

static bool
is_ascii(const char *s)
{
	while (*s != '\0' && (unsigned char)*s < 0x80)
		s++;
	return *s == '\0';
}

struct near { /* the nearest names so far, nearest first */
	const char *name[NEAR_MAX];
	size_t far[NEAR_MAX];
	size_t n;
};

static void
near_add(
    struct near *near, const char *typed, const char *name, const char *label)
{
	size_t far = farness(typed, name, label), i;

	if (far > NEAR_DISTANCE || far >= strlen(name))
		return;
	for (i = 0; i < near->n; i++)
		if (strcmp(near->name[i], name) == 0 ||
		    strcmp(near->name[i], label) == 0)
			return;
	for (i = near->n; i > 0 && near->far[i - 1] > far; i--) {
		if (i < NEAR_MAX) {
			near->name[i] = near->name[i - 1];
			near->far[i] = near->far[i - 1];
		}
	}
	if (i == NEAR_MAX)
		return;
	/* Whoever typed Chinese reads it. */
	near->name[i] = is_ascii(typed) ? name : label;
	near->far[i] = far;
	if (near->n < NEAR_MAX)
		near->n++;
}

/* "a, b": what was perhaps meant; "" if nothing comes near. */
static void
near_list(struct buf *list, const struct near *near)
{
	size_t i;

	for (i = 0; i < near->n; i++)
		buf_printf(list, "%s%s", i == 0 ? "" : ", ", near->name[i]);
}

int
kind_find(const struct kind **out, const struct schema *schema,
    const char *name, struct err *err)
{
	struct near near = {.n = 0};
	struct buf list = BUF_INIT;
	const struct kind *k = schema_kind(schema, name);
	size_t i, n = schema_count(schema);

	for (i = 0; k == NULL && i < n; i++)
		if (strcmp(schema_at(schema, i)->label_zh, name) == 0)
			k = schema_at(schema, i);
	if (k != NULL) {
		*out = k;
		return 0;
	}
	for (i = 0; i < n; i++)
		near_add(&near, name, schema_at(schema, i)->name,
		    schema_at(schema, i)->label_zh);
	near_list(&list, &near);
	if (near.n == 0)
		err_set(err, YZ_EINVAL, "no kind %.64s", name);
	else
		err_set(err, YZ_EINVAL, "no kind %.64s; perhaps %s", name,
		    buf_str(&list));
	buf_free(&list);
	return YZ_EINVAL;
}

bool
kind_chooser(
    struct buf *out, const struct schema *schema, const struct kind *base)
{
	size_t i, n = schema_count(schema);
	const char *eq;

	for (i = 0; i < n; i++) {
		const struct kind *k = schema_at(schema, i);

		if (strcmp(k->extends, base->name) != 0)
			continue;
		eq = strchr(k->when, '=');
		if (eq == NULL)
			continue;
		buf_put(out, k->when, (size_t)(eq - k->when));
		return true;
	}
	return false;
}

bool
kind_when_at(struct buf *out, const struct kind *sub, size_t i)
{
	const char *s = strchr(sub->when, '=');
	size_t len;

	if (s == NULL)
		return false;
	for (s++;; s += len + 1) {
		len = strcspn(s, ",");
		if (i-- == 0) {
			buf_put(out, s, len);
			return true;
		}
		if (s[len] == '\0')
			return false;
	}
}

bool
kind_when(const struct kind *sub, const char *code)
{
	struct buf one = BUF_INIT;
	bool found = false;
	size_t i;

	for (i = 0; !found && kind_when_at(&one, sub, i); i++) {
		found = strcmp(buf_str(&one), code) == 0;
		buf_clear(&one);
	}
	buf_free(&one);
	return found;
}

const struct kind *
kind_chosen(
    const struct schema *schema, const struct kind *base, const char *code)
{
	size_t i, n = schema_count(schema);

	for (i = 0; i < n; i++) {
		const struct kind *k = schema_at(schema, i);

		if (strcmp(k->extends, base->name) == 0 && kind_when(k, code))
			return k;
	}
	return NULL;
}

/* The base kind's table has its sub-kinds' columns too: those do not count
 * as the base kind's own. */
static bool
own_field(const struct kind *base, const struct field *f)
{
	return strcmp(f->of, base->name) == 0 || strcmp(f->of, "common") == 0;
}

const struct field *
kind_field(const struct kind *base, const struct kind *sub, const char *name)
{
	const struct field *f = NULL;

	if (sub != NULL && sub != base)
		f = schema_field(sub, name, strlen(name));
	if (f != NULL)
		return f;
	f = schema_field(base, name, strlen(name));
	return f != NULL && own_field(base, f) ? f : NULL;
}

/* Is name one of the words between bars? */
static bool
has_word(const char *words, const char *name)
{
	size_t n = strlen(name), len;

	for (; *words != '\0'; words += words[len] == '|' ? len + 1 : len) {
		len = strcspn(words, "|");
		if (len == n && memcmp(words, name, n) == 0)
			return true;
	}
	return false;
}

/* The n-th field that a record of base or sub may carry, or NULL. */
static const struct field *
field_at(const struct kind *base, const struct kind *sub, size_t n)
{
	size_t i;

	if (sub != NULL && sub != base) {
		if (n < sub->n_fields)
			return sub->fields[n];
		n -= sub->n_fields;
	}
	for (i = 0; i < base->n_fields; i++)
		if (own_field(base, base->fields[i]) && n-- == 0)
			return base->fields[i];
	return NULL;
}

int
kind_field_find(const struct field **out, const struct kind *base,
    const struct kind *sub, const char *name, struct err *err)
{
	struct near near = {.n = 0};
	struct buf list = BUF_INIT;
	const struct field *f = kind_field(base, sub, name);
	const struct field *by_alias = NULL;
	bool twice = false;
	size_t i;

	*out = f;
	if (f != NULL)
		return 0;
	for (i = 0; (f = field_at(base, sub, i)) != NULL; i++) {
		if (strcmp(f->label_zh, name) == 0) {
			*out = f;
			return 0;
		}
		if (has_word(f->aliases, name)) {
			twice = by_alias != NULL;
			by_alias = f;
		}
	}
	if (by_alias != NULL && !twice) {
		*out = by_alias;
		return 0;
	}
	for (i = 0; (f = field_at(base, sub, i)) != NULL; i++)
		near_add(&near, name, f->name, f->label_zh);
	near_list(&list, &near);
	if (near.n == 0)
		err_set(err, YZ_EINVAL, "no field %.64s", name);
	else
		err_set(err, YZ_EINVAL, "no field %.64s; perhaps %s", name,
		    buf_str(&list));
	buf_free(&list);
	return YZ_EINVAL;
}

int
kind_index(const struct kind *base, const char *name)
{
	const struct field *f = schema_field(base, name, strlen(name));

	return f == NULL ? -1 : (int)f->column;
}

bool
kind_field_derived(const struct field *f)
{
	static const char *const frame[] = {"id", "kind", "owner", "created_at",
	    "created_by", "removed", "removed_reason"};
	size_t i;

	if (f->derived)
		return true;
	for (i = 0; i < sizeof(frame) / sizeof(frame[0]); i++)
		if (strcmp(f->of, "common") == 0 &&
		    strcmp(f->name, frame[i]) == 0)
			return true;
	return false;
}

const char *
kind_label(const struct kind *k, bool zh)
{
	if (zh && k->label_zh[0] != '\0')
		return k->label_zh;
	return k->label_en[0] != '\0' ? k->label_en : k->name;
}

const char *
kind_field_label(const struct field *f, bool zh)
{
	if (zh && f->label_zh[0] != '\0')
		return f->label_zh;
	return f->label_en[0] != '\0' ? f->label_en : f->name;
}
