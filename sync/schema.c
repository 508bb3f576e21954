#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "limit.h"
#include "schema.h"
#include "schema_reg.h"
#include "schema_table.h"

#define KINDS_MAX 1000
#define FIELDS_MAX 500  /* of one kind; SQLite allows 2,000 columns */
#define COMMON "common" /* the kind whose fields every kind has */

struct schema {
	struct kind *kinds;
	size_t n;
	struct field **common; /* borrowed by every base kind */
	size_t n_common;
	struct field **all; /* owns every field */
	size_t n_all;
};

/*
 * The kinds that describe kinds.  Their fields are all plain texts but
 * extra, so that they can hold whatever a later release puts in.
 */
static const struct {
	const char *name;
	const char *title;
	const char *fields; /* separated by spaces; json after a colon */
} builtin[] = {
    {"kind", "name",
	"name extends when stream append_only title_field geo corrects_field "
	"label_zh label_en note"},
    {"field", "field",
	"kind field type elem target values code_rule scale unit min max "
	"max_len required personal merge_group writer search label_zh "
	"label_en aliases since note"},
    {"list", "name", "name key_column may_differ note"},
    {"code", "label_zh", "list code parent label_zh label_en extra:json"},
};

static char *
text_or_empty(const char *s)
{
	return mem_strdup(s == NULL ? "" : s);
}

static void
field_free(struct field *f)
{
	free(f->name);
	free(f->member);
	free(f->of);
	free(f->target);
	free(f->values);
	free(f->code_rule);
	free(f->unit);
	free(f->min);
	free(f->max);
	free(f->group);
	free(f->label_zh);
	free(f->label_en);
	free(f->aliases);
	free(f->note);
	free(f);
}

static void
kind_free(struct kind *k)
{
	size_t i;

	free(k->name);
	free(k->extends);
	free(k->when);
	free(k->title);
	free(k->corrects);
	free(k->label_zh);
	free(k->label_en);
	free(k->note);
	for (i = 0; i < k->n_regs; i++) {
		free(k->regs[i].name);
		free(k->regs[i].fields);
	}
	free(k->regs);
	free(k->slots);
	free(k->sql.insert);
	free(k->sql.clock);
	free(k->sql.words);
	free(k->sql.records);
	free(k->sql.tallied);
	free(k->fields);
}

void
schema_free(struct schema *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->n; i++)
		kind_free(&s->kinds[i]);
	for (i = 0; i < s->n_all; i++)
		field_free(s->all[i]);
	free(s->kinds);
	free(s->all);
	free(s->common);
	free(s);
}

static enum field_type
type_of(const char *s)
{
	static const char *const names[] = {"text", "int", "decimal", "bool",
	    "code", "ref", "time", "date", "phone", "json", "blob"};
	size_t i;

	for (i = 0; s != NULL && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(s, names[i]) == 0)
			return (enum field_type)i;
	return FIELD_TEXT; /* a type of a later release shows as text */
}

static bool
is_yes(const char *s)
{
	return s != NULL && strcmp(s, "y") == 0;
}

static int64_t
number(const char *s, int64_t max)
{
	long long v = s == NULL ? 0 : strtoll(s, NULL, 10);

	return v < 0 || v > max ? 0 : v;
}

static struct field *
add_field(struct schema *s, const char *of, const char *name)
{
	struct field *f = mem_calloc(1, sizeof(*f));
	struct buf member = BUF_INIT;

	f->name = mem_strdup(name);
	f->name_len = strlen(name);
	buf_puts(&member, ",\"");
	buf_puts(&member, name);
	buf_puts(&member, "\":");
	f->member_len = member.len;
	f->member = buf_take(&member);
	f->of = mem_strdup(of);
	s->all = mem_realloc(s->all, (s->n_all + 1) * sizeof(*s->all));
	s->all[s->n_all++] = f;
	return f;
}

static void
fill_empty(struct field *f)
{
	char **texts[] = {&f->target, &f->values, &f->code_rule, &f->unit,
	    &f->min, &f->max, &f->group, &f->label_zh, &f->label_en,
	    &f->aliases, &f->note};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (*texts[i] == NULL)
			*texts[i] = mem_strdup("");
}

static struct kind *
add_kind(struct schema *s, const char *name)
{
	struct kind *k;

	s->kinds = mem_realloc(s->kinds, (s->n + 1) * sizeof(*s->kinds));
	k = &s->kinds[s->n++];
	memset(k, 0, sizeof(*k));
	k->name = mem_strdup(name);
	return k;
}

static void
kind_add(struct kind *k, struct field *f)
{
	k->fields =
	    mem_realloc(k->fields, (k->n_fields + 1) * sizeof(*k->fields));
	k->fields[k->n_fields++] = f;
}

static void
load_builtin(struct schema *s)
{
	size_t i, len;

	for (i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++) {
		struct kind *k = add_kind(s, builtin[i].name);
		const char *p = builtin[i].fields;

		k->extends = mem_strdup("");
		k->when = mem_strdup("");
		k->title = mem_strdup(builtin[i].title);
		k->corrects = mem_strdup("");
		k->label_zh = mem_strdup(builtin[i].name);
		k->label_en = mem_strdup(builtin[i].name);
		k->note = mem_strdup("");
		k->stream = STREAM_ROSTER;
		for (; *p != '\0'; p += len + strspn(p + len, " ")) {
			char name[32] = "";
			struct field *f;

			len = strcspn(p, " ");
			memcpy(name, p, strcspn(p, " :"));
			f = add_field(s, k->name, name);
			f->type = memchr(p, ':', len) ? FIELD_JSON : FIELD_TEXT;
			f->label_en = mem_strdup(name);
			f->label_zh = mem_strdup(name);
			f->stream = STREAM_ROSTER;
			fill_empty(f);
			kind_add(k, f);
		}
	}
}

/*
 * A name that may stand in SQL beside our own: a foreign root must not be
 * able to stop a replica with one.
 */
static bool
is_usable(const char *name)
{
	static const char *const own[] = {
	    "rec", "removed", "removed_reason", "created_at", "created_by"};
	size_t i, n = strlen(name);

	if (n > LIMIT_FIELD || strncmp(name, "sqlite", 6) == 0 ||
	    name[0] < 'a' || name[0] > 'z' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") != n)
		return false;
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(name, own[i]) == 0)
			return false;
	return true;
}

static int
load_kinds(struct schema *s, struct db *db, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, db, err,
	    "SELECT \"name\", \"extends\", \"when\", \"stream\","
	    " \"append_only\", \"title_field\", \"geo\", \"corrects_field\","
	    " \"label_zh\", \"label_en\", \"note\" FROM \"kind\" JOIN _record"
	    " USING (rec) WHERE removed = 0 AND \"name\" IS NOT NULL"
	    " ORDER BY \"name\", id",
	    "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const char *name = db_text(st, 0), *stream = db_text(st, 3);
		enum stream lane;
		struct kind *k;

		/* A kind without a known stream waits for a program that
		 * knows it; a built-in one is fixed. */
		if (stream == NULL ||
		    !stream_parse(&lane, stream, strlen(stream)) ||
		    lane == STREAM_ROSTER || schema_kind(s, name) != NULL ||
		    !is_usable(name) || s->n >= KINDS_MAX)
			continue;
		k = add_kind(s, name);
		k->extends = text_or_empty(db_text(st, 1));
		k->when = text_or_empty(db_text(st, 2));
		k->stream = lane;
		k->append_only = is_yes(db_text(st, 4));
		k->title = text_or_empty(db_text(st, 5));
		k->geo = is_yes(db_text(st, 6));
		k->corrects = text_or_empty(db_text(st, 7));
		k->label_zh = text_or_empty(db_text(st, 8));
		k->label_en = text_or_empty(db_text(st, 9));
		k->note = text_or_empty(db_text(st, 10));
	}
	db_done(st);
	return rc;
}

static struct field **
find_field(struct kind *k, const char *name)
{
	size_t i;

	for (i = 0; i < k->n_fields; i++)
		if (strcmp(k->fields[i]->name, name) == 0)
			return &k->fields[i];
	return NULL;
}

/* Where fields of one name differ all the same, the base kind's own stands
 * for them, else that of the first sub-kind by name: not the first to come. */
static bool
stands_before(
    const struct kind *base, const struct field *a, const struct field *b)
{
	if (strcmp(b->of, base->name) == 0)
		return false;
	return strcmp(a->of, base->name) == 0 || strcmp(a->of, b->of) < 0;
}

/* Put a field with its base kind, and with its sub-kind if it has one. */
static void
place_field(struct schema *s, struct field *f, bool personal)
{
	struct kind *k = (struct kind *)schema_kind(s, f->of), *base;
	struct field **same;

	if (strcmp(f->of, COMMON) == 0) {
		s->common = mem_realloc(
		    s->common, (s->n_common + 1) * sizeof(*s->common));
		s->common[s->n_common++] = f;
		return;
	}
	if (k == NULL || k->stream == STREAM_ROSTER)
		return; /* its kind is not known yet */
	if (!is_usable(f->name) || strchr(f->name, '.') != NULL ||
	    k->n_fields >= FIELDS_MAX)
		return;
	base = (struct kind *)schema_base(s, k);
	f->stream = personal ? STREAM_PERSONAL : base->stream;
	if (k != base)
		kind_add(k, f);
	/* Fields of one name should be equal: one column. */
	same = find_field(base, f->name);
	if (same == NULL)
		kind_add(base, f);
	else if (stands_before(base, f, *same))
		*same = f;
}

static int
load_fields(struct schema *s, struct db *db, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, db, err,
	    "SELECT f.\"kind\", \"field\", \"type\", \"elem\", \"target\","
	    " \"values\", \"code_rule\", \"scale\", \"unit\", \"min\","
	    " \"max\", \"max_len\", \"required\", \"personal\","
	    " \"merge_group\", \"writer\", \"search\", \"label_zh\","
	    " \"label_en\", \"aliases\", \"note\", min(id)"
	    /* of two records that define one field, that of the lowest id */
	    " FROM \"field\" AS f JOIN _record"
	    " USING (rec) WHERE removed = 0 AND f.\"kind\" IS NOT NULL AND"
	    " \"field\" IS NOT NULL GROUP BY f.\"kind\", \"field\""
	    " ORDER BY instr(f.\"kind\", '.') > 0, rec",
	    "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		struct field *f = add_field(s, db_text(st, 0), db_text(st, 1));
		const char *elem = db_text(st, 3), *writer = db_text(st, 15);

		f->type = type_of(db_text(st, 2));
		f->elem = elem == NULL                ? ELEM_ONE
			  : strcmp(elem, "set") == 0  ? ELEM_SET
			  : strcmp(elem, "list") == 0 ? ELEM_LIST
						      : ELEM_ONE;
		f->target = text_or_empty(db_text(st, 4));
		f->values = text_or_empty(db_text(st, 5));
		f->code_rule = text_or_empty(db_text(st, 6));
		f->scale = (int)number(db_text(st, 7), 9);
		f->unit = text_or_empty(db_text(st, 8));
		f->min = text_or_empty(db_text(st, 9));
		f->max = text_or_empty(db_text(st, 10));
		f->max_len = number(db_text(st, 11), INT32_MAX);
		f->required = is_yes(db_text(st, 12));
		f->personal = is_yes(db_text(st, 13));
		f->group = text_or_empty(db_text(st, 14));
		f->derived = writer != NULL && strcmp(writer, "derived") == 0;
		f->ancestor_only =
		    writer != NULL && strcmp(writer, "ancestor") == 0;
		f->search = is_yes(db_text(st, 16));
		f->label_zh = text_or_empty(db_text(st, 17));
		f->label_en = text_or_empty(db_text(st, 18));
		f->aliases = text_or_empty(db_text(st, 19));
		f->note = text_or_empty(db_text(st, 20));
		place_field(s, f, f->personal);
	}
	db_done(st);
	return rc;
}

/* Fields that no operation carries: they follow from others. */
static bool
is_derived_common(const char *name)
{
	static const char *const names[] = {"id", "kind", "owner", "created_at",
	    "created_by", "removed", "removed_reason"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Every base kind has its own copy of the common fields, since their stream
 * is the kind's. */
static void
spread_common(struct schema *s)
{
	size_t i, j;

	for (i = 0; i < s->n; i++) {
		struct kind *k = &s->kinds[i];

		if (k->extends[0] != '\0' || k->stream == STREAM_ROSTER)
			continue;
		for (j = 0; j < s->n_common; j++) {
			struct field *c = s->common[j], *f;

			if (is_derived_common(c->name) ||
			    schema_field(k, c->name, strlen(c->name)) != NULL)
				continue;
			f = add_field(s, COMMON, c->name);
			f->type = c->type;
			f->elem = c->elem;
			f->scale = c->scale;
			f->max_len = c->max_len;
			f->required = c->required;
			f->search = c->search;
			f->target = mem_strdup(c->target);
			f->values = mem_strdup(c->values);
			f->code_rule = mem_strdup(c->code_rule);
			f->label_zh = mem_strdup(c->label_zh);
			f->label_en = mem_strdup(c->label_en);
			f->aliases = mem_strdup(c->aliases);
			fill_empty(f);
			f->stream = k->stream;
			kind_add(k, f);
		}
	}
}

static int
prepare_kind(struct db *db, struct kind *k, bool create, struct err *err)
{
	size_t i;
	int rc = 0;

	schema_reg_make(k);
	schema_table_tallied(k);
	for (i = 0; rc == 0 && i < k->n_regs; i++)
		rc = schema_table_number(db, k, &k->regs[i], create, err);
	if (rc == 0 && create)
		rc = schema_table_create(db, k, err);
	return rc;
}

static size_t
hash_name(const char *name, size_t n)
{
	const unsigned char *p = (const unsigned char *)name;

	/* Names of one kind differ in these, mostly. */
	return n == 0 ? 0 : n + 7u * p[0] + 31u * p[n / 2] + 131u * p[n - 1];
}

/* Every op looks up its fields: a table at most half full. */
static void
hash_fields(struct kind *k)
{
	size_t i, at, n = 8;

	while (n < 2 * k->n_fields + 1)
		n *= 2;
	k->slots = mem_calloc(n, sizeof(*k->slots));
	k->n_slots = n;
	for (i = 0; i < k->n_fields; i++) {
		const char *name = k->fields[i]->name;

		at = hash_name(name, strlen(name)) & (n - 1);
		while (k->slots[at] != NULL)
			at = (at + 1) & (n - 1);
		k->slots[at] = k->fields[i];
	}
}

int
schema_load(struct schema **out, struct db *db, bool create, struct err *err)
{
	struct schema *s = mem_calloc(1, sizeof(*s));
	size_t i, n_builtin;
	int rc = 0;

	load_builtin(s);
	n_builtin = s->n;
	for (i = 0; rc == 0 && i < n_builtin; i++)
		rc = prepare_kind(db, &s->kinds[i], create, err);
	if (rc == 0)
		rc = load_kinds(s, db, err);
	if (rc == 0)
		rc = load_fields(s, db, err);
	if (rc == 0)
		spread_common(s);
	for (i = n_builtin; rc == 0 && i < s->n; i++)
		if (s->kinds[i].extends[0] == '\0')
			rc = prepare_kind(db, &s->kinds[i], create, err);
	if (rc != 0) {
		schema_free(s);
		return rc;
	}
	for (i = 0; i < s->n; i++)
		hash_fields(&s->kinds[i]);
	for (i = 0; i < s->n; i++)
		if (s->kinds[i].n_regs > 0)
			schema_table_sql(&s->kinds[i]);
	*out = s;
	return 0;
}

/* --- looking things up --------------------------------------------------- */

size_t
schema_count(const struct schema *s)
{
	return s->n;
}

const struct kind *
schema_at(const struct schema *s, size_t i)
{
	return &s->kinds[i];
}

const struct kind *
schema_kind(const struct schema *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->kinds[i].name, name) == 0)
			return &s->kinds[i];
	return NULL;
}

const struct kind *
schema_base(const struct schema *s, const struct kind *kind)
{
	const struct kind *base;

	if (kind->extends[0] == '\0')
		return kind;
	base = schema_kind(s, kind->extends);
	/* One level only: a sub-kind of a sub-kind stands alone. */
	return base == NULL || base->extends[0] != '\0' ? kind : base;
}

const struct reg *
schema_mark(const struct kind *kind, enum stream stream)
{
	size_t i;

	for (i = 0; i < kind->n_regs && kind->regs[i].type == REG_MARK; i++)
		if (kind->regs[i].stream == stream)
			return &kind->regs[i];
	return NULL;
}

const struct field *
schema_field(const struct kind *kind, const char *name, size_t n)
{
	const struct field *f;
	size_t i;

	if (kind->slots == NULL) { /* while loading */
		for (i = 0; i < kind->n_fields; i++)
			if (strncmp(kind->fields[i]->name, name, n) == 0 &&
			    kind->fields[i]->name[n] == '\0')
				return kind->fields[i];
		return NULL;
	}
	for (i = hash_name(name, n) & (kind->n_slots - 1);
	     (f = kind->slots[i]) != NULL; i = (i + 1) & (kind->n_slots - 1))
		if (f->name_len == n && memcmp(f->name, name, n) == 0)
			break;
	return f;
}
