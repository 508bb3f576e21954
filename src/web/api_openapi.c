/* The API's description, OpenAPI 3.1, written from the table of routes and
 * from the kinds that this replica knows. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "desk.h"
#include "model/kind.h"
#include "replica.h"
#include "route.h"
#include "schema.h"

/*
 * Objects that stand in replies.  Members are "NAME TYPE", a ? behind the
 * name where one may be missing, a ~ behind the type where it may be null,
 * [TYPE] for lists; a capital begins another object's name.
 */
static const struct {
	const char *name, *members;
} objects[] = {
    {"Account", "login text, name text, role text, failures int, locked bool,"
		" totp bool, once bool, idle_minutes int, last text~"},
    {"Change", "id text, chain text, seq int, time text, station text,"
	       " stream text, author text, subject text, verified bool,"
	       " accepted bool, op object"},
    {"Changeset", "id text, chain text, seq int, time text, station text,"
		  " stream text, author text, subject text, ops int"},
    {"Code", "code text, label_zh text, label_en text"},
    {"Conflict", "kind text, id text, title text, register text,"
		 " label_zh text, label_en text, values [ConflictValue]"},
    {"ConflictValue", "value any, shown bool, station text, author text,"
		      " time text, changeset text"},
    {"Entry", "no int, at text, login text, peer text, what text, about text,"
	      " result text"},
    {"Error", "error ErrorBody, fields? object"},
    {"ErrorBody", "code text, message text"},
    {"Field", "name text, of text, label_zh text, label_en text, type text,"
	      " elem text, unit text, scale int, required bool,"
	      " personal bool, group text, min text, max text, max_len int,"
	      " target text, derived bool, ancestor_only bool, search bool,"
	      " note text, codes? [Code]"},
    {"Finding", "what text, good bool, text text"},
    {"HeldValue", "register text, label_zh text, label_en text, held any,"
		  " now any, same bool, several bool, station text~,"
		  " author text~, time text~, changeset text~"},
    {"Invitation",
	"code text, name text, made text, auto bool, request Request~"},
    {"Kind", "name text, base text, label_zh text, label_en text,"
	     " stream text, append_only bool, geo bool, title text,"
	     " when [text], count int~"},
    {"Peer", "code text, name text, relation text, last_contact text~,"
	     " last_complete text~, offset_ms int, trouble text,"
	     " trouble_words text, waiting int"},
    {"Person", "login text, name text, role text, powers [text], totp bool"},
    {"Quarantined", "kind text, id text, title text, owner text, may [text],"
		    " reason text, chain text, seq int, op int, time text~,"
		    " changeset text, author text, station text, bar text,"
		    " etag text, values [HeldValue], settled Settled~"},
    {"Record", "id text, kind text, owner text, title text, values object,"
	       " text object, removed bool, removed_reason? text,"
	       " created_at text, created_by text, metres? int,"
	       " conflicts [any]"},
    {"Request", "fingerprint text, received text"},
    {"Seen", "chain text, seq int"},
    {"Settled", "how text, login text, name text, at text"},
    {"Station",
	"code text, name text, parent text, keys int, written text~, news text~, quiet int, peer Peer~"},
    {"Stop", "what text, about text, at int, a text, b text, writer text,"
	     " decides text, why text, through text, usual int, last text~"},
    {"Token", "id text, name text, login text, role text, made_by text,"
	      " made text, last text~"},
};

#define N_OBJECTS (sizeof(objects) / sizeof(objects[0]))

/* --- members ---------------------------------------------------------------
 */

static struct json *
plain(const char *type)
{
	struct json *o = json_new_object();

	json_set(o, "type", json_text(type));
	return o;
}

static struct json *
reference(const char *name, size_t n)
{
	struct json *o = json_new_object();
	char *to = mem_printf("#/components/schemas/%.*s", (int)n, name);

	json_set(o, "$ref", json_text(to));
	free(to);
	return o;
}

static struct json *
simple_type(const char *s, size_t n)
{
	static const char *const types[][2] = {{"text", "string"},
	    {"int", "integer"}, {"number", "number"}, {"bool", "boolean"},
	    {"object", "object"}};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i][0]) == n && memcmp(types[i][0], s, n) == 0)
			return plain(types[i][1]);
	if (n == 3 && memcmp(s, "any", 3) == 0)
		return json_new_object();
	return reference(s, n);
}

static struct json *
member_type(const char *s, size_t n)
{
	bool null = n > 0 && s[n - 1] == '~';
	struct json *o, *either, *list;

	if (null)
		n--;
	if (s[0] == '[') {
		o = plain("array");
		json_set(o, "items", simple_type(s + 1, n - 2));
	} else {
		o = simple_type(s, n);
	}
	if (!null)
		return o;
	either = json_new_object();
	list = json_new_array();
	json_add(list, o);
	json_add(list, plain("null"));
	json_set(either, "anyOf", list);
	return either;
}

struct member {
	char name[32];
	bool optional;
	const char *type;
	size_t type_len;
};

/* The next of "NAME TYPE, NAME TYPE"; NULL past the last. */
static const char *
next_member(struct member *out, const char *s)
{
	size_t n;

	s += strspn(s, " ,");
	if (*s == '\0')
		return NULL;
	n = strcspn(s, " ?");
	snprintf(out->name, sizeof(out->name), "%.*s", (int)n, s);
	out->optional = s[n] == '?';
	s += n + out->optional;
	s += strspn(s, " ");
	out->type = s;
	out->type_len = strcspn(s, ",");
	return s + out->type_len;
}

static struct json *
object_schema(const char *members)
{
	struct json *o = plain("object"), *properties = json_new_object();
	struct json *required = json_new_array();
	struct member m;

	while ((members = next_member(&m, members)) != NULL) {
		json_set(properties, m.name, member_type(m.type, m.type_len));
		if (!m.optional)
			json_add(required, json_text(m.name));
	}
	json_set(o, "properties", properties);
	json_set(o, "required", required);
	json_set(o, "additionalProperties", json_bool(false));
	return o;
}

/* --- kinds ------------------------------------------------------------------
 */

static struct json *
element_schema(const struct field *f)
{
	switch (f->type) {
	case FIELD_INT:
		return plain("integer");
	case FIELD_BOOL:
		return plain("boolean");
	case FIELD_JSON:
		return json_new_object();
	default:
		return plain("string");
	}
}

/* A record's "values", of one base kind. */
static struct json *
values_schema(const struct kind *base)
{
	struct json *o = plain("object"), *properties = json_new_object();
	struct json *one, *list;
	size_t i;

	for (i = 0; i < base->n_fields; i++) {
		const struct field *f = base->fields[i];

		one = element_schema(f);
		if (f->elem != ELEM_ONE) {
			list = plain("array");
			json_set(list, "items", one);
			one = list;
		}
		json_set(one, "title", json_text(f->label_zh));
		json_set(properties, f->name, one);
	}
	json_set(o, "title", json_text(base->label_zh));
	json_set(o, "properties", properties);
	json_set(o, "additionalProperties", json_bool(false));
	return o;
}

static struct json *
components(struct call *c)
{
	const struct schema *schema = replica_schema(c->r);
	struct json *o = json_new_object(), *schemas = json_new_object();
	struct json *security = json_new_object(), *one;
	char *name;
	size_t i;

	for (i = 0; i < N_OBJECTS; i++)
		json_set(schemas, objects[i].name,
		    object_schema(objects[i].members));
	for (i = 0; i < schema_count(schema); i++) {
		const struct kind *kind = schema_at(schema, i);

		if (schema_base(schema, kind) != kind)
			continue;
		name = mem_printf("values.%s", kind->name);
		json_set(schemas, name, values_schema(kind));
		free(name);
	}
	json_set(o, "schemas", schemas);
	one = plain("http");
	json_set(one, "scheme", json_text("bearer"));
	json_set(security, "token", one);
	one = plain("apiKey");
	json_set(one, "in", json_text("cookie"));
	json_set(one, "name", json_text(c->q->tls ? "__Host-yz" : "yz"));
	json_set(security, "session", one);
	json_set(o, "securitySchemes", security);
	return o;
}

/* --- routes
 * -------------------------------------------------------------------
 */

/* The i-th of words between blanks; false past the last. */
static bool
word(char out[32], const char *words, size_t i)
{
	size_t n;

	for (;; words += n + 1) {
		n = strcspn(words, " ");
		if (i-- == 0)
			break;
		if (words[n] == '\0')
			return false;
	}
	snprintf(out, 32, "%.*s", (int)n, words);
	return n > 0;
}

/* "/api/records/{kind}/{id}" */
static void
put_path(struct buf *out, const struct route *route)
{
	char name[32];
	const char *p;
	size_t i = 0;

	for (p = route->path; *p != '\0'; p++)
		if (*p != '*')
			buf_putc(out, *p);
		else if (word(name, route->pieces, i++))
			buf_printf(out, "{%s}", name);
}

static void
add_parameter(struct json *list, const char *name, const char *in,
    bool required, struct json *type)
{
	struct json *o = json_new_object();

	json_set(o, "name", json_text(name));
	json_set(o, "in", json_text(in));
	json_set(o, "required", json_bool(required));
	json_set(o, "schema", type);
	json_add(list, o);
}

static struct json *
parameters(const struct route *route)
{
	struct json *list = json_new_array();
	const char *query = route->query;
	struct member m;
	char name[32];
	size_t i;

	for (i = 0; word(name, route->pieces, i); i++)
		add_parameter(list, name, "path", true, plain("string"));
	while ((query = next_member(&m, query)) != NULL)
		add_parameter(list, m.name, "query", !m.optional,
		    member_type(m.type, m.type_len));
	if ((route->flags & ROUTE_MATCH) != 0)
		add_parameter(
		    list, "If-Match", "header", true, plain("string"));
	return list;
}

static struct json *
content(const char *type, struct json *schema)
{
	struct json *o = json_new_object(), *media = json_new_object();

	if (schema != NULL)
		json_set(media, "schema", schema);
	json_set(o, type, media);
	return o;
}

static struct json *
response(const char *says, struct json *body)
{
	struct json *o = json_new_object();

	json_set(o, "description", json_text(says));
	json_set(o, "content", body);
	return o;
}

static struct json *
responses(const struct route *route)
{
	struct json *o = json_new_object(), *body;
	char status[8];

	if (route->out == NULL)
		body = content("*/*", NULL);
	else
		body = content("application/json", object_schema(route->out));
	snprintf(status, sizeof(status), "%d", route->status);
	json_set(o, status, response("Done", body));
	if ((route->flags & ROUTE_MATCH) != 0)
		json_set(o, "412",
		    response("A field was changed since it was read",
			content("application/json", reference("Error", 5))));
	if ((route->flags & ROUTE_BYTES) != 0)
		json_set(o, "503",
		    response("Too many files are being sent at once: again "
			     "after as many seconds as Retry-After says",
			content("application/json", reference("Error", 5))));
	json_set(o, "default",
	    response("Refused, or it failed",
		content("application/json", reference("Error", 5))));
	return o;
}

static struct json *
request_body(const struct route *route)
{
	struct json *o = json_new_object();

	json_set(o, "required", json_bool(true));
	json_set(o, "content",
	    (route->flags & ROUTE_BYTES) != 0
		? content("application/octet-stream", NULL)
		: content("application/json", object_schema(route->in)));
	return o;
}

static struct json *
security(const struct route *route)
{
	struct json *list = json_new_array(), *one;

	if ((route->flags & ROUTE_OPEN) != 0)
		return list;
	one = json_new_object();
	json_set(one, "session", json_new_array());
	json_add(list, one);
	if ((route->flags & ROUTE_PERSON) != 0)
		return list;
	one = json_new_object();
	json_set(one, "token", json_new_array());
	json_add(list, one);
	return list;
}

static struct json *
powers(const struct route *route)
{
	struct json *list = json_new_array();
	int i;

	for (i = 0; i < POWER_COUNT; i++)
		if ((route->powers >> i & 1) != 0)
			json_add(
			    list, json_text(user_power_name((enum power)i)));
	return list;
}

static struct json *
operation(const struct route *route)
{
	struct json *o = json_new_object();

	json_set(o, "summary", json_text(route->summary));
	json_set(o, "parameters", parameters(route));
	if ((route->flags & (ROUTE_JSON | ROUTE_BYTES)) != 0)
		json_set(o, "requestBody", request_body(route));
	json_set(o, "responses", responses(route));
	json_set(o, "security", security(route));
	/* Any of these will do; none: whoever is logged in. */
	json_set(o, "x-powers", powers(route));
	json_set(o, "x-logged", json_bool((route->flags & ROUTE_LOGGED) != 0));
	return o;
}

static const char *
lower(const char *method)
{
	static const char *const names[][2] = {{"GET", "get"}, {"POST", "post"},
	    {"PATCH", "patch"}, {"DELETE", "delete"}};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i][0], method) == 0)
			return names[i][1];
	return "put";
}

/* Routes of one path stand together. */
static struct json *
paths(void)
{
	struct json *o = json_new_object(), *one;
	struct buf path = BUF_INIT;
	size_t i, j;

	for (i = 0; i < route_count(); i++) {
		buf_clear(&path);
		put_path(&path, route_at(i));
		if (json_get(o, buf_str(&path)) != NULL)
			continue;
		one = json_new_object();
		for (j = i; j < route_count(); j++)
			if (strcmp(route_at(j)->path, route_at(i)->path) == 0)
				json_set(one, lower(route_at(j)->method),
				    operation(route_at(j)));
		json_set(o, buf_str(&path), one);
	}
	buf_free(&path);
	return o;
}

DESK_HANDLER(api_openapi)
{
	struct json *o = json_new_object(), *info = json_new_object();

	(void)err;
	json_set(o, "openapi", json_text("3.1.0"));
	json_set(info, "title", json_text("Yizhan"));
	json_set(info, "version", json_text(PACKAGE_VERSION));
	json_set(info, "description",
	    json_text("A station's records, changes and people.  A machine "
		      "shows a token (Authorization: Bearer); a browser's "
		      "session also sends X-Yizhan-Token, the csrf of its "
		      "login, with whatever changes something.  A record's "
		      "values are as components/schemas/values.KIND says; "
		      "set, add and remove take texts, as a person types "
		      "them."));
	json_set(o, "info", info);
	json_set(o, "paths", paths());
	json_set(o, "components", components(c));
	json_write(&c->p->body, o, 0);
	json_free(o);
	return 0;
}
