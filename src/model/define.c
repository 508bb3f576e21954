#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "define.h"
#include "draft.h"
#include "limit.h"
#include "record.h"
#include "replica.h"
#include "schema.h"
#include "value.h"
#include "vocabulary.h"

#define MEMBERS_MAX 12

/* What each built-in kind needs, and what never changes once written. */
static const struct {
	const char *kind;
	char between; /* the two names in its id's key */
	const char *key_fields[2];
	const char *needed[MEMBERS_MAX];
	const char *fixed[MEMBERS_MAX];
} definitions[] = {
    {"kind", 0, {"name"}, {"name", "stream", "label_zh"},
	{"name", "extends", "stream", "append_only"}},
    {"field", '.', {"kind", "field"}, {"kind", "field", "type", "label_zh"},
	{"kind", "field", "type", "elem", "scale", "unit", "personal",
	    "merge_group"}},
    {"list", 0, {"name"}, {"name"}, {"name"}},
    {"code", ':', {"list", "code"}, {"list", "code", "label_zh"},
	{"list", "code"}},
};

/* What an absent value of a field's definition means. */
static const struct {
	const char *name;
	const char *value;
} absent[] = {
    {"elem", "one"},
    {"personal", "n"},
    {"append_only", "n"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int
definition_of(const struct kind *base)
{
	size_t i;

	for (i = 0; i < COUNT(definitions); i++)
		if (strcmp(definitions[i].kind, base->name) == 0)
			return (int)i;
	return -1;
}

bool
define_is(const struct kind *base)
{
	return definition_of(base) >= 0;
}

/* The value as it will be; "" if none.  buf is cleared first. */
static const char *
text_of(struct buf *buf, const struct draft *d, const char *name)
{
	buf_clear(buf);
	draft_text(buf, d, name);
	return buf_str(buf);
}

static const char *
meaning(const char *name, const char *value)
{
	size_t i;

	for (i = 0; *value == '\0' && i < COUNT(absent); i++)
		if (strcmp(absent[i].name, name) == 0)
			return absent[i].value;
	return value;
}

static bool
is_word(const char *s, size_t n)
{
	return n > 0 && s[0] >= 'a' && s[0] <= 'z' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") >= n;
}

/* [a-z][a-z0-9_]*, with one dot allowed if dotted. */
static int
check_name(const char *s, bool dotted, struct err *err)
{
	const char *dot = dotted ? strchr(s, '.') : NULL;
	size_t n = strlen(s);

	if (n > LIMIT_FIELD || strncmp(s, "sqlite_", 7) == 0 ||
	    !is_word(s, dot == NULL ? n : (size_t)(dot - s)) ||
	    (dot != NULL && !is_word(dot + 1, strlen(dot + 1))))
		return err_set(err, YZ_EINVAL,
		    "%.64s is no name: a letter, then letters, digits and _, "
		    "all small",
		    s);
	return 0;
}

static int
check_one_of(const struct draft *d, const char *name, const char *const *words,
    struct err *err)
{
	struct buf value = BUF_INIT, list = BUF_INIT;
	const char *s = text_of(&value, d, name);
	bool found = *s == '\0';
	size_t i;

	for (i = 0; words[i] != NULL; i++) {
		found = found || strcmp(words[i], s) == 0;
		buf_printf(&list, "%s%s", i == 0 ? "" : ", ", words[i]);
	}
	if (!found)
		err_set(err, YZ_EINVAL, "%s: %.32s is none of %s", name, s,
		    buf_str(&list));
	buf_free(&value);
	buf_free(&list);
	return found ? 0 : YZ_EINVAL;
}

static const char *const yes_no[] = {"y", "n", NULL};

/* --- each built-in kind ----------------------------------------------------
 */

static int
check_kind(const struct draft *d, struct err *err)
{
	static const char *const streams[] = {
	    "command", "resource", "personal", "oversight", NULL};
	const struct schema *schema = replica_schema(d->r);
	struct buf a = BUF_INIT, b = BUF_INIT;
	const char *name = text_of(&a, d, "name");
	const char *up = text_of(&b, d, "extends");
	const struct kind *base = *up == '\0' ? NULL : schema_kind(schema, up);
	size_t n = strlen(up);
	int rc;

	rc = check_name(name, *up != '\0', err);
	if (rc == 0 && *up != '\0' &&
	    (base == NULL || base->extends[0] != '\0' ||
		strncmp(name, up, n) != 0 || name[n] != '.'))
		rc = err_set(err, YZ_EINVAL,
		    "a kind that extends %.32s is called %.32s.SOMETHING, and "
		    "%.32s is a base kind",
		    up, up, up);
	if (rc == 0 && *up == '\0' &&
	    (strcmp(name, "common") == 0 ||
		(d->before == NULL && schema_kind(schema, name) != NULL)))
		rc = err_set(err, YZ_EINVAL, "%s is there already", name);
	if (rc == 0)
		rc = check_one_of(d, "stream", streams, err);
	if (rc == 0 && base != NULL &&
	    strcmp(text_of(&a, d, "stream"), stream_name(base->stream)) != 0)
		rc = err_set(err, YZ_EINVAL, "%s is in the stream %s", up,
		    stream_name(base->stream));
	if (rc == 0 && base != NULL &&
	    strchr(text_of(&a, d, "when"), '=') == NULL)
		rc = err_set(err, YZ_EINVAL,
		    "a kind that extends another needs when=FIELD=CODE,...");
	if (rc == 0)
		rc = check_one_of(d, "append_only", yes_no, err);
	if (rc == 0)
		rc = check_one_of(d, "geo", yes_no, err);
	buf_free(&a);
	buf_free(&b);
	return rc;
}

/* Names that every table and every record has. */
static bool
is_taken(const char *name)
{
	static const char *const taken[] = {"id", "kind", "owner", "rec",
	    "rowid", "oid", "removed", "removed_reason", "created_at",
	    "created_by"};
	size_t i;

	for (i = 0; i < COUNT(taken); i++)
		if (strcmp(name, taken[i]) == 0)
			return true;
	return false;
}

static bool
has_records(struct replica *r, const char *kind)
{
	struct err err;
	int64_t one;

	return db_get_int(&one, replica_db(r), &err,
		   "SELECT 1 FROM _record WHERE kind = ? LIMIT 1", "s",
		   kind) == 0;
}

/* Fields of one name are one column: they must agree.  And a merge group
 * never gets a new member once there are values. */
static int
check_beside(const struct draft *d, const struct kind *base, struct err *err)
{
	static const char *const types[] = {"text", "int", "decimal", "bool",
	    "code", "ref", "time", "date", "phone", "json", "blob"};
	static const char *const elems[] = {"one", "set", "list"};
	struct buf a = BUF_INIT, b = BUF_INIT;
	const char *name = text_of(&a, d, "field");
	const struct field *f = schema_field(base, name, strlen(name));
	const char *group = text_of(&b, d, "merge_group");
	int rc = 0;

	if (f != NULL) {
		if (strcmp(types[f->type], text_of(&a, d, "type")) != 0 ||
		    strcmp(elems[f->elem],
			meaning("elem", text_of(&a, d, "elem"))) != 0 ||
		    f->scale != atoi(text_of(&a, d, "scale")) ||
		    strcmp(f->unit, text_of(&a, d, "unit")) != 0 ||
		    f->personal !=
			(strcmp(text_of(&a, d, "personal"), "y") == 0) ||
		    strcmp(f->group, group) != 0)
			rc = err_set(err, YZ_EINVAL,
			    "%s has this field already, of another type",
			    f->of);
	} else if (*group != '\0' && has_records(d->r, base->name)) {
		rc = err_set(err, YZ_EINVAL,
		    "a merge group is complete once there are records");
	}
	buf_free(&a);
	buf_free(&b);
	return rc;
}

static int
check_number(const struct draft *d, const char *name, long max, struct err *err)
{
	struct buf value = BUF_INIT;
	const char *s = text_of(&value, d, name);
	bool good =
	    *s == '\0' || (strspn(s, "0123456789") == strlen(s) &&
			      strlen(s) < 10 && strtol(s, NULL, 10) <= max);

	if (!good)
		err_set(err, YZ_EINVAL, "%s: %.32s is no number up to %ld",
		    name, s, max);
	buf_free(&value);
	return good ? 0 : YZ_EINVAL;
}

static int
check_field_words(const struct draft *d, struct err *err)
{
	static const char *const types[] = {"text", "int", "decimal", "bool",
	    "code", "ref", "time", "date", "phone", "json", "blob", NULL};
	static const char *const elems[] = {"one", "set", "list", NULL};
	static const char *const rules[] = {
	    "exact", "prefix", "pattern", "open", NULL};
	static const char *const writers[] = {
	    "owner", "ancestor", "derived", NULL};
	static const struct {
		const char *name;
		const char *const *words;
	} choices[] = {{"type", types}, {"elem", elems}, {"code_rule", rules},
	    {"writer", writers}, {"required", yes_no}, {"personal", yes_no},
	    {"search", yes_no}};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < COUNT(choices); i++)
		rc = check_one_of(d, choices[i].name, choices[i].words, err);
	if (rc == 0)
		rc = check_number(d, "scale", 9, err);
	if (rc == 0)
		rc = check_number(d, "max_len", 20000, err);
	return rc;
}

static int
check_field(const struct draft *d, struct err *err)
{
	const struct schema *schema = replica_schema(d->r);
	struct buf a = BUF_INIT, b = BUF_INIT;
	const char *of = text_of(&a, d, "kind");
	const char *name = text_of(&b, d, "field");
	const struct kind *k = schema_kind(schema, of), *base = NULL;
	int rc;

	if (k != NULL)
		base = schema_base(schema, k);
	rc = check_name(name, false, err);
	if (rc == 0 && is_taken(name))
		rc = err_set(err, YZ_EINVAL,
		    "%s is what every record has: take another name", name);
	if (rc == 0 && strcmp(of, "common") != 0 &&
	    (k == NULL || base->stream == STREAM_ROSTER))
		rc = err_set(err, YZ_EINVAL, "no kind %.64s", of);
	if (rc == 0)
		rc = check_field_words(d, err);
	if (rc == 0 && base != NULL && base->stream == STREAM_PERSONAL &&
	    strcmp(text_of(&a, d, "personal"), "y") != 0)
		rc = err_set(err, YZ_EINVAL,
		    "every field of %s is personal: personal=y", base->name);
	if (rc == 0 && base != NULL && d->before == NULL)
		rc = check_beside(d, base, err);
	buf_free(&a);
	buf_free(&b);
	return rc;
}

static int
check_list(const struct draft *d, struct err *err)
{
	struct buf a = BUF_INIT;
	int rc = check_name(text_of(&a, d, "name"), false, err);

	buf_free(&a);
	return rc;
}

static int
check_code(const struct draft *d, struct err *err)
{
	struct buf list = BUF_INIT, code = BUF_INIT;
	int64_t one;
	int rc;

	text_of(&list, d, "list");
	rc = db_get_int(&one, replica_db(d->r), err,
	    "SELECT 1 FROM \"list\" WHERE \"name\" = ? AND removed = 0", "s",
	    buf_str(&list));
	if (rc == YZ_ENOTFOUND)
		rc = err_set(err, YZ_EINVAL, "no list %.64s", buf_str(&list));
	text_of(&code, d, "parent");
	if (rc == 0 && code.len > 0) {
		rc = db_get_int(&one, replica_db(d->r), err,
		    "SELECT 1 FROM \"code\" WHERE \"list\" = ? AND \"code\" = "
		    "?",
		    "ss", buf_str(&list), buf_str(&code));
		if (rc == YZ_ENOTFOUND)
			rc = err_set(err, YZ_EINVAL, "no code %.64s in %.64s",
			    buf_str(&code), buf_str(&list));
	}
	text_of(&code, d, "code");
	if (rc == 0 && code.len > LIMIT_FIELD)
		rc = err_set(err, YZ_EINVAL, "a code of %zu bytes is over %d",
		    code.len, LIMIT_FIELD);
	buf_free(&list);
	buf_free(&code);
	return rc;
}

/* --- what holds for all ----------------------------------------------------
 */

static int
check_needed(const struct draft *d, int which, struct err *err)
{
	struct buf value = BUF_INIT, names = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; i < MEMBERS_MAX; i++) {
		const char *name = definitions[which].needed[i];

		if (name != NULL && *text_of(&value, d, name) == '\0')
			buf_printf(
			    &names, "%s%s", names.len > 0 ? ", " : "", name);
	}
	if (names.len > 0)
		rc = err_set(err, YZ_EINVAL, "required: %s", buf_str(&names));
	buf_free(&value);
	buf_free(&names);
	return rc;
}

static int
check_fixed(const struct draft *d, int which, struct err *err)
{
	struct buf now = BUF_INIT, old = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && d->before != NULL && i < MEMBERS_MAX; i++) {
		const char *name = definitions[which].fixed[i], *stands;

		if (name == NULL)
			break;
		stands = record_value(d->before, name);
		buf_clear(&old);
		if (stands != NULL)
			value_plain(&old, stands);
		if (strcmp(meaning(name, buf_str(&old)),
			meaning(name, text_of(&now, d, name))) != 0)
			rc = err_set(err, YZ_EDENIED,
			    "%s never changes: a new meaning is a new name",
			    name);
	}
	buf_free(&now);
	buf_free(&old);
	return rc;
}

int
define_check(const struct draft *d, struct err *err)
{
	static int (*const check[])(const struct draft *, struct err *) = {
	    check_kind, check_field, check_list, check_code};
	int which = definition_of(d->base), rc;

	rc = check_needed(d, which, err);
	if (rc == 0)
		rc = check_fixed(d, which, err);
	if (rc == 0)
		rc = check[which](d, err);
	return rc;
}

void
define_id(char id[RECORD_ID_LEN + 1], const char *root, const struct draft *d)
{
	int which = definition_of(d->base);
	const char *const *names = definitions[which].key_fields;
	struct buf a = BUF_INIT, key = BUF_INIT;

	buf_printf(
	    &key, "%s:%s", definitions[which].kind, text_of(&a, d, names[0]));
	if (names[1] != NULL)
		buf_printf(&key, "%c%s", definitions[which].between,
		    text_of(&a, d, names[1]));
	vocabulary_id(id, root, buf_str(&key));
	buf_free(&a);
	buf_free(&key);
}

int
define_check_drop(const struct kind *base, struct err *err)
{
	if (strcmp(base->name, "code") == 0)
		return 0;
	return err_set(err, YZ_EDENIED,
	    "kinds, fields and lists are never dropped: stations hold data of "
	    "them");
}
