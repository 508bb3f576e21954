#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "canon.h"
#include "code.h"
#include "record.h"
#include "replica.h"
#include "schema.h"
#include "value.h"

#define PHONE_MIN 3
#define PHONE_MAX 32
#define TEXT_MAX 20000 /* characters of a text without its own bound */

/* --- numbers ------------------------------------------------------------ */

void
value_decimal(char out[VALUE_DECIMAL_LEN], int64_t v, int scale)
{
	char digits[VALUE_DECIMAL_LEN];
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
	size_t n = 0, o = 0;

	do {
		digits[n++] = (char)('0' + u % 10);
		u /= 10;
	} while (u != 0 || n <= (size_t)scale);
	if (v < 0)
		out[o++] = '-';
	while (n > 0) {
		if (n == (size_t)scale)
			out[o++] = '.';
		out[o++] = digits[--n];
	}
	out[o] = '\0';
}

/*
 * A plain decimal number times 10^scale.  Digits beyond the scale must be
 * zeros: nothing is rounded away silently.
 */
static int
number_parse(int64_t *out, const char *s, int scale, struct err *err)
{
	bool minus = *s == '-', point = false, some = false;
	int64_t v = 0;
	int after = 0, digits = 0;

	if (*s == '-' || *s == '+')
		s++;
	for (; *s != '\0'; s++) {
		if (*s == '.' && !point) {
			point = true;
			continue;
		}
		if (!isdigit((unsigned char)*s))
			return err_set(err, YZ_EINVAL, "not a number");
		some = true;
		if (point && after == scale) {
			if (*s != '0')
				return err_set(err, YZ_EINVAL,
				    "more than %d digits after the point",
				    scale);
			continue;
		}
		after += point;
		digits += v != 0 || *s != '0';
		if (digits > VALUE_NUMBER_MAX)
			return err_set(err, YZ_EINVAL, "too many digits");
		v = v * 10 + (*s - '0');
	}
	if (!some)
		return err_set(err, YZ_EINVAL, "not a number");
	for (; after < scale; after++) {
		digits += v != 0;
		v *= 10;
		if (digits > VALUE_NUMBER_MAX)
			return err_set(err, YZ_EINVAL, "too many digits");
	}
	*out = minus ? -v : v;
	return 0;
}

static int
parse_number(
    struct buf *json, const struct field *f, const char *text, struct err *err)
{
	int scale = f->type == FIELD_DECIMAL ? f->scale : 0;
	char out[VALUE_DECIMAL_LEN];
	int64_t v, bound;
	int rc;

	rc = number_parse(&v, text, scale, err);
	if (rc != 0)
		return rc;
	if (f->min[0] != '\0' &&
	    number_parse(&bound, f->min, scale, err) == 0 && v < bound)
		return err_set(err, YZ_EINVAL, "%s is below %s", text, f->min);
	if (f->max[0] != '\0' &&
	    number_parse(&bound, f->max, scale, err) == 0 && v > bound)
		return err_set(err, YZ_EINVAL, "%s is above %s", text, f->max);
	value_decimal(out, v, scale);
	if (f->type == FIELD_DECIMAL)
		canon_put_text(json, out, strlen(out));
	else
		buf_puts(json, out);
	return 0;
}

/* --- the other types ----------------------------------------------------- */

static int
parse_bool(struct buf *json, const char *text, struct err *err)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
	    {"true", true},
	    {"false", false},
	    {"1", true},
	    {"0", false},
	    {"yes", true},
	    {"no", false},
	    {"y", true},
	    {"n", false},
	    {"是", true},
	    {"否", false},
	    {"有", true},
	    {"无", false},
	    {"已", true},
	    {"未", false},
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(words[i].word, text) != 0)
			continue;
		buf_puts(json, words[i].value ? "true" : "false");
		return 0;
	}
	return err_set(err, YZ_EINVAL, "%.32s is neither yes nor no", text);
}

static int
parse_text(
    struct buf *json, const struct field *f, const char *text, struct err *err)
{
	size_t n = strlen(text), chars = text_chars(text, n);
	int64_t max = f->max_len > 0 ? f->max_len : TEXT_MAX;

	if ((int64_t)chars > max)
		return err_set(err, YZ_EINVAL, "%zu characters are over %lld",
		    chars, (long long)max);
	if (f->type == FIELD_TEXT && !code_matches(f, text))
		return err_set(err, YZ_EINVAL, "%.64s is not of the form %s",
		    text, f->values);
	canon_put_text(json, text, n);
	return 0;
}

static int
parse_phone(struct buf *json, const char *text, struct err *err)
{
	size_t n = strlen(text), digits = 0, i;

	for (i = 0; i < n; i++) {
		if (isdigit((unsigned char)text[i]))
			digits++;
		else if (strchr("+-() ", text[i]) == NULL)
			return err_set(err, YZ_EINVAL,
			    "%.32s is not a telephone number", text);
	}
	if (n < PHONE_MIN || n > PHONE_MAX || digits < PHONE_MIN)
		return err_set(err, YZ_EINVAL,
		    "a telephone number has %d to %d characters", PHONE_MIN,
		    PHONE_MAX);
	canon_put_text(json, text, n);
	return 0;
}

static int
parse_time(struct buf *json, const char *text, struct err *err)
{
	char out[CLOCK_LEN];
	int64_t ms;
	int rc;

	rc = clock_parse(&ms, text, err);
	if (rc != 0)
		return rc;
	clock_format(out, ms);
	canon_put_text(json, out, strlen(out));
	return 0;
}

static int
parse_date(struct buf *json, const char *text, struct err *err)
{
	char out[11];
	int rc;

	rc = clock_parse_date(out, text, err);
	if (rc == 0)
		canon_put_text(json, out, strlen(out));
	return rc;
}

/* Ordinary JSON; sorted and closed up here, then held to the strict form. */
static int
parse_json(struct buf *json, const char *text, struct err *err)
{
	struct buf out = BUF_INIT;
	struct json *v;
	struct canon c;
	int rc;

	rc = json_parse(&v, text, strlen(text), err);
	if (rc != 0)
		return err_set(err, YZ_EINVAL, "not JSON");
	json_write_sorted(&out, v);
	json_free(v);
	rc = canon_whole(&c, buf_str(&out), out.len, err);
	if (rc == 0)
		buf_put(json, c.s, c.n);
	buf_free(&out);
	if (rc != 0)
		return err_set(err, YZ_EINVAL,
		    "this JSON cannot be kept (a fraction must be a text)");
	return 0;
}

static int
parse_blob(struct buf *json, const char *text, struct err *err)
{
	struct digest d;

	if (!digest_unhex(d.b, sizeof(d.b), text, strlen(text)))
		return err_set(err, YZ_EINVAL,
		    "not an attachment: give @FILE or 64 hex digits");
	canon_put_text(json, text, strlen(text));
	return 0;
}

static int
parse_ref(struct buf *json, struct replica *r, const struct field *f,
    const char *text, struct err *err)
{
	char id[RECORD_ID_LEN + 1];
	int rc;

	rc = record_resolve(id, r, f->target, text, err);
	if (rc == 0)
		canon_put_text(json, id, RECORD_ID_LEN);
	return rc;
}

static int
parse_code(struct buf *json, struct replica *r, const struct field *f,
    const char *text, struct err *err)
{
	struct buf code = BUF_INIT;
	int rc;

	rc = code_resolve(&code, r, f, text, err);
	if (rc == 0)
		rc = parse_text(json, f, buf_str(&code), err);
	buf_free(&code);
	return rc;
}

static int
parse_type(struct buf *json, struct replica *r, const struct field *f,
    const char *text, struct err *err)
{
	switch (f->type) {
	case FIELD_INT:
	case FIELD_DECIMAL:
		return parse_number(json, f, text, err);
	case FIELD_BOOL:
		return parse_bool(json, text, err);
	case FIELD_CODE:
		return parse_code(json, r, f, text, err);
	case FIELD_REF:
		return parse_ref(json, r, f, text, err);
	case FIELD_TIME:
		return parse_time(json, text, err);
	case FIELD_DATE:
		return parse_date(json, text, err);
	case FIELD_PHONE:
		return parse_phone(json, text, err);
	case FIELD_JSON:
		return parse_json(json, text, err);
	case FIELD_BLOB:
		return parse_blob(json, text, err);
	case FIELD_TEXT:
		break;
	}
	return parse_text(json, f, text, err);
}

int
value_parse(struct buf *json, struct replica *r, const struct field *f,
    const char *text, struct err *err)
{
	const char *s = text;
	size_t n = strlen(text), before = json->len;
	char *copy;
	int rc;

	if (!text_is_utf8(text, n) || !text_is_clean(text, n, true))
		return err_set(err, YZ_EINVAL,
		    "%s: not clean UTF-8 text (control characters)", f->name);
	n = text_trim(&s, n);
	if (n == 0)
		return err_set(err, YZ_EINVAL, "%s: empty", f->name);
	copy = mem_strndup(s, n);
	rc = parse_type(json, r, f, copy, err);
	free(copy);
	if (rc != 0) {
		json->len = before;
		return err_within(err, "%s", f->name);
	}
	return 0;
}

/* --- sets and lists ------------------------------------------------------ */

/* Bytes of the separator at s, 0 if there is none. */
static size_t
separator(const struct field *f, const char *s)
{
	static const char *const always[] = {"|", ";", "、", "；"};
	static const char *const names[] = {",", "，"};
	size_t i;

	for (i = 0; i < 4; i++)
		if (strncmp(s, always[i], strlen(always[i])) == 0)
			return strlen(always[i]);
	if (f->type == FIELD_TEXT || f->type == FIELD_JSON)
		return 0;
	for (i = 0; i < 2; i++)
		if (strncmp(s, names[i], strlen(names[i])) == 0)
			return strlen(names[i]);
	return 0;
}

static int
put_element(struct buf *json, struct replica *r, const struct field *f,
    const char *text, size_t *n, struct err *err)
{
	if (++*n > VALUE_ELEMS_MAX)
		return err_set(err, YZ_EINVAL, "%s: more than %d elements",
		    f->name, VALUE_ELEMS_MAX);
	if (*n > 1)
		buf_putc(json, ',');
	return value_parse(json, r, f, text, err);
}

static int
parse_array(struct buf *json, struct replica *r, const struct field *f,
    const char *text, struct err *err)
{
	struct json *v;
	const char *s;
	size_t i, n = 0;
	int rc;

	rc = json_parse(&v, text, strlen(text), err);
	if (rc != 0)
		return err_within(err, "%s", f->name);
	for (i = 0; rc == 0 && i < json_length(v); i++) {
		struct buf item = BUF_INIT;

		s = f->type == FIELD_JSON ? NULL : json_as_text(json_at(v, i));
		if (s == NULL) {
			json_write_sorted(&item, json_at(v, i));
			s = buf_str(&item);
		}
		rc = put_element(json, r, f, s, &n, err);
		buf_free(&item);
	}
	json_free(v);
	return rc;
}

static int
parse_separated(struct buf *json, struct replica *r, const struct field *f,
    const char *text, struct err *err)
{
	size_t n = 0, len, sep;
	int rc = 0;

	for (; rc == 0; text += len + sep) {
		const char *s = text;
		char *one;

		for (len = 0; text[len] != '\0'; len++)
			if (separator(f, text + len) > 0)
				break;
		sep = separator(f, text + len);
		one = mem_strndup(text, len);
		if (text_trim(&s, len) > 0)
			rc = put_element(json, r, f, one, &n, err);
		free(one);
		if (sep == 0)
			break;
	}
	return rc;
}

int
value_parse_field(struct buf *json, struct replica *r, const struct field *f,
    const char *text, struct err *err)
{
	const char *s = text;
	int rc;

	if (text_trim(&s, strlen(text)) == 0) {
		buf_puts(json, "null");
		return 0;
	}
	if (f->elem == ELEM_ONE)
		return value_parse(json, r, f, text, err);
	if (!text_is_utf8(text, strlen(text)))
		return err_set(err, YZ_EINVAL, "%s: not UTF-8", f->name);
	buf_putc(json, '[');
	rc = *s == '[' ? parse_array(json, r, f, text, err)
		       : parse_separated(json, r, f, text, err);
	buf_putc(json, ']');
	return rc;
}

/* --- columns ------------------------------------------------------------- */

bool
value_taken(struct buf *json, const struct field *f, enum db_type type,
    const struct db_value *value)
{
	bool whole = f->elem != ELEM_ONE || f->type == FIELD_JSON ||
		     f->type == FIELD_INT || f->type == FIELD_DECIMAL ||
		     f->type == FIELD_BOOL;
	char out[VALUE_DECIMAL_LEN];

	switch (type) {
	case DB_INT:
		if (f->type == FIELD_BOOL) {
			buf_puts(json, value->number != 0 ? "true" : "false");
		} else if (f->type == FIELD_DECIMAL) {
			value_decimal(out, value->number, f->scale);
			canon_put_text(json, out, strlen(out));
		} else {
			canon_put_int(json, value->number);
		}
		return true;
	case DB_TEXT:
		/* Text where a number belongs is the canonical JSON of what
		 * another's program wrote. */
		if (whole)
			buf_put(json, value->text, value->len);
		else
			canon_put_text(json, value->text, value->len);
		return true;
	default:
		return false;
	}
}

bool
value_column(
    struct buf *json, const struct field *f, struct db_stmt *st, int col)
{
	struct db_value v;
	enum db_type type = db_value(&v, st, col);

	return value_taken(json, f, type, &v);
}

void
value_stored(struct buf *json, const struct field *f, const char *value)
{
	struct canon v = {value, strlen(value)};
	struct buf text = BUF_INIT;
	struct err err;
	int64_t n;

	if (f->type == FIELD_BOOL) {
		buf_puts(json, strcmp(value, "true") == 0 ? "1" : "0");
		return;
	}
	if (f->type == FIELD_JSON || canon_type(v) == CANON_LIST) {
		canon_put_text(json, value, strlen(value));
		return;
	}
	value_plain(&text, value);
	if (f->type == FIELD_DECIMAL &&
	    number_parse(&n, buf_str(&text), f->scale, &err) == 0)
		canon_put_int(json, n);
	else
		buf_puts(json, value);
	buf_free(&text);
}
