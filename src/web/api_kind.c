/* The kinds: what there is to be recorded, and how. */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "base/json.h"
#include "desk.h"
#include "model/code.h"
#include "model/kind.h"
#include "replica.h"
#include "schema.h"

#define CODES_MAX 500 /* a longer list is searched, not sent whole */

static int
count_records(
    int64_t *out, struct call *c, const struct kind *base, struct err *err)
{
	return db_get_int(out, replica_db(c->r), err,
	    "SELECT coalesce(sum(n), 0) FROM _tally WHERE kind = ?", "s",
	    base->name);
}

/* The codes of its base kind's chooser that a sub-kind stands for. */
static struct json *
codes_when(const struct kind *kind)
{
	struct json *list = json_new_array();
	struct buf code = BUF_INIT;
	size_t i;

	for (i = 0; kind->extends[0] != '\0' && kind_when_at(&code, kind, i);
	     i++) {
		json_add(list, json_text(buf_str(&code)));
		buf_clear(&code);
	}
	buf_free(&code);
	return list;
}

static int
describe(struct json **out, struct call *c, const struct kind *kind, bool count,
    struct err *err)
{
	const struct kind *base = schema_base(replica_schema(c->r), kind);
	int64_t n = 0;
	int rc = 0;

	if (count && kind == base)
		rc = count_records(&n, c, base, err);
	if (rc != 0)
		return rc;
	*out = json_new_object();
	json_set(*out, "name", json_text(kind->name));
	json_set(*out, "base", json_text(base->name));
	json_set(*out, "label_zh", json_text(kind->label_zh));
	json_set(*out, "label_en", json_text(kind->label_en));
	json_set(*out, "stream", json_text(stream_name(base->stream)));
	json_set(*out, "append_only", json_bool(base->append_only));
	json_set(*out, "geo", json_bool(base->geo));
	json_set(*out, "title", json_text(base->title));
	json_set(*out, "when", codes_when(kind));
	json_set(*out, "count", kind == base ? json_int(n) : json_new_null());
	return 0;
}

DESK_HANDLER(api_kinds)
{
	const struct schema *schema = replica_schema(c->r);
	struct json *all = json_new_array(), *o = json_new_object(), *one;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < schema_count(schema); i++) {
		rc = describe(&one, c, schema_at(schema, i), true, err);
		if (rc == 0)
			json_add(all, one);
	}
	json_set(o, "kinds", all);
	if (rc == 0)
		json_write(&c->p->body, o, 0);
	json_free(o);
	return rc;
}

static const char *
type_name(const struct field *f)
{
	static const char *const names[] = {[FIELD_TEXT] = "text",
	    [FIELD_INT] = "int",
	    [FIELD_DECIMAL] = "decimal",
	    [FIELD_BOOL] = "bool",
	    [FIELD_CODE] = "code",
	    [FIELD_REF] = "ref",
	    [FIELD_TIME] = "time",
	    [FIELD_DATE] = "date",
	    [FIELD_PHONE] = "phone",
	    [FIELD_JSON] = "json",
	    [FIELD_BLOB] = "blob"};

	return names[f->type];
}

static struct json *
code_object(const char *code, const char *zh, const char *en)
{
	struct json *o = json_new_object();

	json_set(o, "code", json_text(code));
	json_set(o, "label_zh", json_text(zh));
	json_set(o, "label_en", json_text(en == NULL ? zh : en));
	return o;
}

/* The choices that stand in the field itself; their labels too, or else the
 * list's. */
static int
put_choices(
    struct json *list, struct call *c, const struct field *f, struct err *err)
{
	struct buf code = BUF_INIT, zh = BUF_INIT, en = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && code_choice(&code, &zh, f, i); i++) {
		if (zh.len == 0)
			rc =
			    code_label(&zh, c->r, f, buf_str(&code), true, err);
		if (rc == 0)
			rc = code_label(
			    &en, c->r, f, buf_str(&code), false, err);
		json_add(list, code_object(buf_str(&code), buf_str(&zh),
				   en.len == 0 ? NULL : buf_str(&en)));
		buf_clear(&code);
		buf_clear(&zh);
		buf_clear(&en);
	}
	buf_free(&code);
	buf_free(&zh);
	buf_free(&en);
	return rc;
}

/* The choices in the field itself, else its list; NULL if it is too long. */
static int
codes_of(
    struct json **out, struct call *c, const struct field *f, struct err *err)
{
	struct json *list = json_new_array();
	struct buf name = BUF_INIT;
	struct db_stmt *st;
	int rc;

	*out = list;
	rc = put_choices(list, c, f, err);
	code_list(&name, f);
	if (rc != 0 || json_length(list) > 0 || name.len == 0) {
		buf_free(&name);
		return rc;
	}
	rc = db_query(&st, replica_db(c->r), err,
	    "SELECT code, label_zh, label_en FROM \"code\" WHERE removed = 0"
	    " AND list = ? ORDER BY code LIMIT ?",
	    "si", buf_str(&name), (int64_t)CODES_MAX + 1);
	if (rc == 0) {
		while ((rc = db_step(st, err)) == 1)
			json_add(list, code_object(db_text(st, 0),
					   db_text(st, 1), db_text(st, 2)));
		db_done(st);
	}
	buf_free(&name);
	if (json_length(list) > CODES_MAX) {
		json_free(list);
		*out = NULL;
	}
	return rc;
}

static int
describe_field(
    struct json **out, struct call *c, const struct field *f, struct err *err)
{
	struct json *o = json_new_object(), *codes = NULL;
	int rc = 0;

	json_set(o, "name", json_text(f->name));
	json_set(o, "of", json_text(f->of));
	json_set(o, "label_zh", json_text(f->label_zh));
	json_set(o, "label_en", json_text(f->label_en));
	json_set(o, "type", json_text(type_name(f)));
	json_set(o, "elem",
	    json_text(f->elem == ELEM_SET    ? "set"
		      : f->elem == ELEM_LIST ? "list"
					     : "one"));
	json_set(o, "unit", json_text(f->unit));
	json_set(o, "scale", json_int(f->scale));
	json_set(o, "required", json_bool(f->required));
	json_set(o, "personal", json_bool(f->personal));
	json_set(o, "group", json_text(f->group));
	json_set(o, "min", json_text(f->min));
	json_set(o, "max", json_text(f->max));
	json_set(o, "max_len", json_int(f->max_len));
	json_set(o, "target", json_text(f->target));
	json_set(o, "derived", json_bool(kind_field_derived(f)));
	json_set(o, "ancestor_only", json_bool(f->ancestor_only));
	json_set(o, "search", json_bool(f->search));
	json_set(o, "note", json_text(f->note));
	if (f->type == FIELD_CODE)
		rc = codes_of(&codes, c, f, err);
	if (codes != NULL)
		json_set(o, "codes", codes);
	*out = o;
	return rc;
}

DESK_HANDLER(api_kind)
{
	const struct schema *schema = replica_schema(c->r);
	const struct kind *kind, *base;
	struct json *o = NULL, *fields, *one;
	const struct field *f;
	size_t i;
	int rc;

	rc = kind_find(&kind, schema, c->arg[0], err);
	if (rc == 0)
		rc = describe(&o, c, kind, true, err);
	if (rc != 0)
		return rc;
	base = schema_base(schema, kind);
	fields = json_new_array();
	json_set(o, "fields", fields);
	/* Of a sub-kind: what its own records may carry. */
	for (i = 0; rc == 0 && i < base->n_fields; i++) {
		f = kind == base
			? base->fields[i]
			: kind_field(base, kind, base->fields[i]->name);
		if (f == NULL)
			continue;
		rc = describe_field(&one, c, f, err);
		json_add(fields, one);
	}
	if (rc == 0)
		json_write(&c->p->body, o, 0);
	json_free(o);
	return rc;
}
