#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"

/* struct json is jansson's json_t under our name; it is never defined, and
 * only the next two functions know.  Readers take const, jansson does not. */
static json_t *
theirs(const struct json *v)
{
	return (json_t *)(uintptr_t)v;
}

static struct json *
ours(const json_t *v)
{
	return (struct json *)(uintptr_t)v;
}

static void
must(int good)
{
	if (good)
		return;
	fprintf(stderr, "yizhan: no memory for JSON\n");
	abort();
}

static struct json *
made(json_t *v)
{
	must(v != NULL);
	return ours(v);
}

struct json *
json_new_object(void)
{
	return made(json_object());
}

struct json *
json_new_array(void)
{
	return made(json_array());
}

struct json *
json_new_null(void)
{
	return made(json_null());
}

struct json *
json_text(const char *s)
{
	struct buf fixed = BUF_INIT;
	struct json *v;
	size_t good;

	if (s == NULL)
		return json_new_null();
	if (text_is_utf8(s, strlen(s)))
		return made(json_string_nocheck(s));
	/* A file's name may be any bytes; what is printed must be JSON. */
	while (*s != '\0') {
		good = text_good(s);
		buf_put(&fixed, s, good);
		s += good;
		if (*s != '\0') {
			buf_puts(&fixed, "\xef\xbf\xbd");
			s++;
		}
	}
	v = made(json_string_nocheck(buf_str(&fixed)));
	buf_free(&fixed);
	return v;
}

struct json *
json_int(int64_t v)
{
	return made(json_integer(v));
}

struct json *
json_bool(int v)
{
	return made(json_boolean(v));
}

void
json_free(struct json *v)
{
	json_decref(theirs(v));
}

void
json_set(struct json *object, const char *key, struct json *v)
{
	must(json_object_set_new(theirs(object), key, theirs(v)) == 0);
}

void
json_add(struct json *array, struct json *v)
{
	must(json_array_append_new(theirs(array), theirs(v)) == 0);
}

/* jansson's parser recurses up to 2048 deep; ours stops sooner. */
static bool
too_deep(const char *text, size_t n)
{
	bool quoted = false;
	size_t i, depth = 0;

	for (i = 0; i < n; i++) {
		if (quoted) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				quoted = false;
		} else if (text[i] == '"') {
			quoted = true;
		} else if (text[i] == '[' || text[i] == '{') {
			if (++depth > JSON_DEPTH_MAX)
				return true;
		} else if (text[i] == ']' || text[i] == '}') {
			depth -= depth > 0;
		}
	}
	return false;
}

int
json_parse(struct json **out, const char *text, size_t n, struct err *err)
{
	json_error_t why;
	json_t *v;

	if (n > JSON_BYTES_MAX)
		return err_set(err, YZ_EINVAL, "JSON of %zu bytes is over %u",
		    n, JSON_BYTES_MAX);
	if (too_deep(text, n))
		return err_set(err, YZ_EINVAL, "JSON is nested over %d deep",
		    JSON_DEPTH_MAX);
	v = json_loadb(text, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why);
	if (v == NULL)
		return err_set(
		    err, YZ_EINVAL, "JSON, line %d: %s", why.line, why.text);
	*out = ours(v);
	return 0;
}

int
json_parse_object(
    struct json **out, const char *text, size_t n, struct err *err)
{
	int rc = json_parse(out, text, n, err);

	if (rc != 0 || json_is_object(theirs(*out)))
		return rc;
	json_free(*out);
	*out = NULL;
	return err_set(err, YZ_EINVAL, "one JSON object is wanted: {...}");
}

const struct json *
json_get(const struct json *object, const char *key)
{
	return ours(json_object_get(theirs(object), key));
}

const char *
json_get_text(const struct json *object, const char *key)
{
	return json_as_text(json_get(object, key));
}

int
json_get_bool(const struct json *object, const char *key)
{
	return json_is_true(theirs(json_get(object, key)));
}

int64_t
json_get_int(const struct json *object, const char *key)
{
	return json_integer_value(theirs(json_get(object, key)));
}

bool
json_has_int(const struct json *object, const char *key)
{
	return json_is_integer(theirs(json_get(object, key)));
}

size_t
json_length(const struct json *array)
{
	return json_array_size(theirs(array));
}

const struct json *
json_at(const struct json *array, size_t i)
{
	return ours(json_array_get(theirs(array), i));
}

const char *
json_as_text(const struct json *v)
{
	return json_string_value(theirs(v));
}

size_t
json_members(const struct json *object)
{
	return json_object_size(theirs(object));
}

static void *
nth_member(const struct json *object, size_t i)
{
	json_t *o = (json_t *)theirs(object);
	void *at = json_object_iter(o);

	while (at != NULL && i-- > 0)
		at = json_object_iter_next(o, at);
	return at;
}

const struct json *
json_member(const struct json *object, size_t i)
{
	void *at = nth_member(object, i);

	return at == NULL ? NULL : ours(json_object_iter_value(at));
}

const char *
json_name(const struct json *object, size_t i)
{
	void *at = nth_member(object, i);

	return at == NULL ? NULL : json_object_iter_key(at);
}

static int
to_buf(const char *text, size_t n, void *out)
{
	buf_put(out, text, n);
	return 0;
}

void
json_write(struct buf *out, const struct json *v, int indent)
{
	size_t how = JSON_ENCODE_ANY;

	how |= indent > 0 ? JSON_INDENT((size_t)indent) : JSON_COMPACT;
	must(json_dump_callback(theirs(v), to_buf, out, how) == 0);
}

void
json_write_sorted(struct buf *out, const struct json *v)
{
	size_t how = JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS;

	must(json_dump_callback(theirs(v), to_buf, out, how) == 0);
}

void
json_print(FILE *f, const struct json *v)
{
	struct buf line = BUF_INIT;

	json_write(&line, v, 0);
	buf_putc(&line, '\n');
	fwrite(line.b, 1, line.len, f);
	buf_free(&line);
}
