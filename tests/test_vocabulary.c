/*
 * Goal of this test: everything that the tables of the vocabulary say
 * arrives in the schema and the code lists: every kind, every field with
 * every property, every code; and defining it again changes nothing.
 */
#include "config.h"

#include <stdbool.h>

#include "base/buf.h"
#include "model/data.h"
#include "model/vocabulary.h"
#include "schema.h"
#include "world.h"

static int64_t
count(struct replica *r, const char *sql)
{
	struct err err;
	int64_t n;

	must(db_get_int(&n, replica_db(r), &err, sql, ""), &err, sql);
	return n;
}

static void
found(struct replica *r)
{
	struct act *act = act_new(r, "值班员甲", "duty1", "vocabulary");
	struct err err;

	must(vocabulary_add(act, "520000", NULL, &err), &err, "vocabulary");
	must(act_commit(act, NULL, &err), &err, "commit");
	act_free(act);
}

static bool
same(const char *what, const char *got, const char *want)
{
	if (strcmp(got, want) == 0)
		return true;
	printf("# %s is \"%s\", not \"%s\"\n", what, got, want);
	return false;
}

static const struct field *
field_of(const struct schema *schema, const char *kind, const char *name)
{
	const struct kind *k;
	size_t i;

	/* Common fields stand in every base kind. */
	k = schema_kind(schema, strcmp(kind, "common") == 0 ? "org" : kind);
	for (i = 0; k != NULL && i < k->n_fields; i++)
		if (strcmp(k->fields[i]->name, name) == 0 &&
		    strcmp(k->fields[i]->of, kind) == 0)
			return k->fields[i];
	return NULL;
}

static const char *const types[] = {"text", "int", "decimal", "bool", "code",
    "ref", "time", "date", "phone", "json", "blob"};
static const char *const elems[] = {"one", "set", "list"};

/* What every record has is fixed, not in the schema. */
static bool
is_frame(const struct data_table *t)
{
	static const char *const frame[] = {"id", "kind", "owner", "created_at",
	    "created_by", "removed", "removed_reason"};
	size_t i;

	for (i = 0; i < sizeof(frame) / sizeof(frame[0]); i++)
		if (strcmp(data_get(t, "kind"), "common") == 0 &&
		    strcmp(data_get(t, "field"), frame[i]) == 0)
			return true;
	return false;
}

/* Does the schema have the row's field, with all that the row says? */
static bool
field_arrived(const struct schema *schema, const struct data_table *t)
{
	const struct field *f =
	    field_of(schema, data_get(t, "kind"), data_get(t, "field"));
	const char *writer = data_get(t, "writer");

	if (is_frame(t))
		return true;
	if (f == NULL) {
		printf("# %s.%s is absent\n", data_get(t, "kind"),
		    data_get(t, "field"));
		return false;
	}
	return same("type", types[f->type], data_get(t, "type")) &&
	       same("elem", elems[f->elem], data_get(t, "elem")) &&
	       same("target", f->target, data_get(t, "target")) &&
	       same("values", f->values, data_get(t, "values")) &&
	       same("code_rule", f->code_rule, data_get(t, "code_rule")) &&
	       same("unit", f->unit, data_get(t, "unit")) &&
	       same("min", f->min, data_get(t, "min")) &&
	       same("max", f->max, data_get(t, "max")) &&
	       f->scale == atoi(data_get(t, "scale")) &&
	       f->max_len == atoi(data_get(t, "max_len")) &&
	       f->required == (data_get(t, "required")[0] == 'y') &&
	       f->personal == (data_get(t, "personal")[0] == 'y') &&
	       f->search == (data_get(t, "search")[0] == 'y') &&
	       f->derived == (strcmp(writer, "derived") == 0) &&
	       f->ancestor_only == (strcmp(writer, "ancestor") == 0) &&
	       same("group", f->group, data_get(t, "merge_group")) &&
	       same("label_zh", f->label_zh, data_get(t, "label_zh")) &&
	       same("label_en", f->label_en, data_get(t, "label_en")) &&
	       same("aliases", f->aliases, data_get(t, "aliases")) &&
	       (strcmp(f->of, "common") == 0 ||
		   same("note", f->note, data_get(t, "note")));
}

static void
fields(const struct schema *schema, const char *file, int want)
{
	struct data_table *t;
	struct err err;
	int rc, good = 0, all = 0;

	must(data_open(&t, file, &err), &err, file);
	for (; (rc = data_row(t, &err)) == 1; all++)
		good += field_arrived(schema, t);
	is_int(rc, 0, "%s is read to its end", file);
	is_int(all, want, "%s has %d fields", file, want);
	is_int(good, all, "all of them are in the schema as written");
	data_close(t);
}

static void
kinds(const struct schema *schema)
{
	static const char *const streams[] = {
	    "roster", "command", "resource", "personal", "oversight"};
	const struct kind *k;
	struct data_table *t;
	struct err err;
	int good = 0, all = 0;

	must(data_open(&t, "codes/kinds.tsv", &err), &err, "kinds");
	for (; data_row(t, &err) == 1; all++) {
		k = schema_kind(schema, data_get(t, "kind"));
		good +=
		    k != NULL &&
		    same("extends", k->extends, data_get(t, "extends")) &&
		    same("when", k->when, data_get(t, "when")) &&
		    same("stream", streams[k->stream], data_get(t, "stream")) &&
		    same("title", k->title, data_get(t, "title_field")) &&
		    same("corrects", k->corrects,
			data_get(t, "corrects_field")) &&
		    same("label", k->label_zh, data_get(t, "label_zh")) &&
		    k->append_only == (data_get(t, "append_only")[0] == 'y') &&
		    k->geo == (data_get(t, "geo")[0] == 'y');
	}
	is_int(all, 61, "there are 61 kinds");
	is_int(good, all, "all of them are in the schema as written");
	data_close(t);
}

static void
codes(struct replica *r)
{
	is_int(count(r, "SELECT count(*) FROM \"field\""), 621,
	    "every field has its record");
	is_int(count(r, "SELECT count(*) FROM \"list\""), 52,
	    "50 lists of codes, units, and the divisions");
	is_int(count(r, "SELECT count(*) FROM \"code\" WHERE "
			"\"list\" = 'division'"),
	    19572, "every division of Guizhou");
	is_int(count(r, "SELECT count(*) FROM \"code\" c WHERE "
			"\"list\" = 'division' AND \"code\" <> '520000' "
			"AND NOT EXISTS (SELECT 1 FROM \"code\" p WHERE "
			"p.\"list\" = 'division' AND "
			"p.\"code\" = c.\"parent\")"),
	    0, "none without its parent");
	is_int(count(r, "SELECT count(*) FROM \"code\" WHERE "
			"\"list\" = 'division' AND \"code\" = '520324116' "
			"AND \"label_zh\" = '桴㯊镇' AND "
			"\"extra\" = '{\"level\":\"township\"}'"),
	    1, "桴㯊镇, with a character that GBK lacks");
	is_int(count(r, "SELECT count(*) FROM \"code\" WHERE \"list\" = "
			"'event_type' AND \"code\" = '11A00' AND "
			"\"parent\" = '11000' AND \"label_zh\" = '水旱灾害'"),
	    1, "a code of a tree has its parent");
	is_int(count(r, "SELECT count(*) FROM \"code\" WHERE \"list\" = "
			"'unit' AND \"code\" = 'm3/s'"),
	    1, "units are a list too");
	is_int(count(r, "SELECT count(*) FROM \"code\" WHERE \"extra\" IS NOT "
			"NULL AND NOT json_valid(\"extra\")"),
	    0, "what else a list says is an object");
}

static void
ids(void)
{
	char id[RECORD_ID_LEN + 1];

	/* printf kind:resource | sha256sum | cut -c1-32 */
	vocabulary_id(id, "520000", "kind:resource");
	is_str(id, "520000-c61593e9e650ae97c296ac022b0c2494",
	    "the id follows from the name");
}

static void
names(void)
{
	struct buf name = BUF_INIT;
	struct err err;

	is_int(vocabulary_division(&name, NULL, "520302", &err), 0,
	    "a division is found by its code");
	is_str(buf_str(&name), "红花岗区", "and has its name");
	is_int(vocabulary_division(&name, NULL, "110000", &err), YZ_ENOTFOUND,
	    "another province is not there: %s", err.msg);
	is_int(vocabulary_division(&name, "none", "520302", &err), YZ_ENOTFOUND,
	    "nor anything without divisions");
	is_int(vocabulary_add(NULL, "520000", "/nonexistent", &err),
	    YZ_ENOTFOUND, "a file of divisions that is absent is said so");
	buf_free(&name);
}

int
main(void)
{
	struct world w;
	struct replica *r;
	int64_t records;

	world_open(&w);
	r = w.at[PROVINCE];
	ids();
	names();
	found(r);
	kinds(replica_schema(r));
	fields(replica_schema(r), "codes/common.tsv", 11);
	fields(replica_schema(r), "codes/fields.tsv", 610);
	codes(r);
	records = count(r, "SELECT count(*) FROM _record");
	ok(count(r, "SELECT count(*) FROM _changeset") < 200,
	    "a few dozen changesets hold it");
	found(r);
	is_int(count(r, "SELECT count(*) FROM _record"), records,
	    "defining it again defines nothing new");
	world_close(&w);
	return tap_done();
}
