#include "config.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "canon.h"
#include "code.h"
#include "replica.h"
#include "schema.h"

#define CODE_BELOW_MAX 65536 /* codes of one list */

static bool
has_rule(const struct field *f, const char *rule)
{
	return strcmp(f->code_rule, rule) == 0;
}

static bool
has_pattern(const struct field *f)
{
	size_t n = strlen(f->values);

	return n > 2 && f->values[0] == '/' && f->values[n - 1] == '/';
}

bool
code_matches(const struct field *f, const char *text)
{
	regex_t re;
	char *pattern;
	bool match;

	if (!has_pattern(f))
		return true;
	pattern = mem_strndup(f->values + 1, strlen(f->values) - 2);
	match = regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) == 0;
	if (match) {
		match = regexec(&re, text, 0, NULL, 0) == 0;
		regfree(&re);
	}
	free(pattern);
	return match;
}

bool
code_choice(
    struct buf *code, struct buf *label, const struct field *f, size_t i)
{
	const char *s = f->values;
	size_t len, eq;

	if (*s == '\0' || has_pattern(f))
		return false;
	while (i-- > 0) {
		s += strcspn(s, "|");
		if (*s++ == '\0')
			return false;
	}
	len = strcspn(s, "|");
	eq = strcspn(s, "=|");
	if (code != NULL)
		buf_put(code, s, eq);
	if (label != NULL && eq < len)
		buf_put(label, s + eq + 1, len - eq - 1);
	return true;
}

void
code_list(struct buf *out, const struct field *f)
{
	size_t n = strlen(f->target);

	if (n > 4 && strcmp(f->target + n - 4, ".tsv") == 0)
		n -= 4;
	buf_put(out, f->target, n);
}

/* May a person enter this code of the list?  Yes if values names none. */
static bool
may_enter(const struct field *f, const char *code)
{
	struct buf c = BUF_INIT;
	bool found = false;
	size_t i;

	for (i = 0; !found && code_choice(&c, NULL, f, i); i++) {
		found = strcmp(buf_str(&c), code) == 0;
		buf_clear(&c);
	}
	buf_free(&c);
	return found || (i == 0 && code_matches(f, code));
}

static int
resolve_choice(
    struct buf *out, const struct field *f, const char *text, struct err *err)
{
	struct buf code = BUF_INIT, label = BUF_INIT, all = BUF_INIT;
	bool found = false;
	size_t i;

	for (i = 0; !found && code_choice(&code, &label, f, i); i++) {
		found = strcmp(buf_str(&code), text) == 0 ||
			strcmp(buf_str(&label), text) == 0;
		if (found)
			buf_puts(out, buf_str(&code));
		buf_printf(&all, "%s%s", i == 0 ? "" : ", ", buf_str(&code));
		buf_clear(&code);
		buf_clear(&label);
	}
	if (!found)
		err_set(
		    err, YZ_EINVAL, "%.64s is none of %s", text, buf_str(&all));
	buf_free(&code);
	buf_free(&label);
	buf_free(&all);
	return found ? 0 : YZ_EINVAL;
}

#define CODE_WHERE \
	"SELECT \"code\" FROM \"code\" WHERE \"list\"=? AND removed=0 AND "

/*
 * Codes of the list that sql finds and a person may enter: the first into
 * out, all counted in *n, those after the first listed in others.
 */
static int
search_list(struct buf *out, struct buf *others, size_t *n, struct replica *r,
    const struct field *f, const char *sql, const char *list, const char *text,
    struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, replica_db(r), err, sql, "ss", list, text);
	if (rc != 0)
		return rc;
	while (*n < 4 && (rc = db_step(st, err)) == 1) {
		const char *code = db_text(st, 0);

		if (code == NULL || !may_enter(f, code))
			continue;
		if (*n == 0)
			buf_puts(out, code);
		buf_printf(others, "%s%s", *n == 0 ? "" : ", ", code);
		++*n;
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

static int
resolve_list(struct buf *out, struct replica *r, const struct field *f,
    const char *text, struct err *err)
{
	static const char *const sql[] = {
	    CODE_WHERE "\"code\"=?",
	    CODE_WHERE "\"label_zh\"=?",
	    CODE_WHERE "\"label_en\"=? COLLATE NOCASE",
	};
	struct buf list = BUF_INIT, found = BUF_INIT, all = BUF_INIT;
	size_t n = 0, i;
	int rc = 0;

	code_list(&list, f);
	for (i = 0; rc == 0 && n == 0 && i < 3; i++)
		rc = search_list(
		    &found, &all, &n, r, f, sql[i], buf_str(&list), text, err);
	if (rc == 0 && n == 1)
		buf_puts(out, buf_str(&found));
	else if (rc == 0 && n == 0)
		rc = err_set(err, YZ_ENOTFOUND, "%.64s is not in the list %s",
		    text, buf_str(&list));
	else if (rc == 0)
		rc = err_set(err, YZ_EINVAL,
		    n == 4 ? "%.64s may be %s, ..." : "%.64s may be %s", text,
		    buf_str(&all));
	buf_free(&list);
	buf_free(&found);
	buf_free(&all);
	return rc;
}

int
code_resolve(struct buf *out, struct replica *r, const struct field *f,
    const char *text, struct err *err)
{
	int rc;

	if (has_rule(f, "pattern") && code_matches(f, text)) {
		buf_puts(out, text);
		return 0;
	}
	if (f->target[0] != '\0')
		rc = resolve_list(out, r, f, text, err);
	else if (has_pattern(f))
		rc = err_set(err, YZ_EINVAL, "%.64s is not of the form %s",
		    text, f->values);
	else
		rc = resolve_choice(out, f, text, err);
	if (has_rule(f, "open") && (rc == YZ_EINVAL || rc == YZ_ENOTFOUND)) {
		buf_puts(out, text);
		return 0;
	}
	if (rc == YZ_ENOTFOUND && has_pattern(f))
		rc = err_set(err, YZ_EINVAL,
		    "%.64s is neither of the form %s nor a name in %s", text,
		    f->values, f->target);
	return rc;
}

int
code_list_label(struct buf *out, struct replica *r, const char *list,
    const char *code, bool zh, struct err *err)
{
	struct db_stmt *st;
	const char *label;
	int rc;

	rc = db_query(&st, replica_db(r), err,
	    "SELECT \"label_zh\", \"label_en\" FROM \"code\""
	    " WHERE \"list\"=? AND \"code\"=?",
	    "ss", list, code);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		label = db_text(st, zh ? 0 : 1);
		if (label == NULL || *label == '\0')
			label = db_text(st, zh ? 1 : 0);
		buf_puts(out, label == NULL ? "" : label);
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

int
code_label(struct buf *out, struct replica *r, const struct field *f,
    const char *code, bool zh, struct err *err)
{
	struct buf list = BUF_INIT, c = BUF_INIT;
	bool found = false;
	size_t i;
	int rc = 0;

	if (f->target[0] != '\0') {
		code_list(&list, f);
		rc = code_list_label(out, r, buf_str(&list), code, zh, err);
	}
	for (i = 0; zh && list.len == 0 && !found; i++) {
		struct buf label = BUF_INIT;

		if (!code_choice(&c, &label, f, i))
			break;
		found = strcmp(buf_str(&c), code) == 0;
		if (found)
			buf_puts(out, buf_str(&label));
		buf_clear(&c);
		buf_free(&label);
	}
	buf_free(&list);
	buf_free(&c);
	return rc;
}

struct tree { /* the codes of one list with their parents */
	struct {
		char *code, *parent;
		bool in;
	} * v;
	size_t n;
};

static int
tree_read(struct tree *t, struct replica *r, const char *list, struct err *err)
{
	struct db_stmt *st;
	size_t cap = 0;
	int rc;

	rc = db_query(&st, replica_db(r), err,
	    "SELECT \"code\", \"parent\" FROM \"code\" WHERE \"list\"=?", "s",
	    list);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1 && t->n < CODE_BELOW_MAX) {
		const char *code = db_text(st, 0), *up = db_text(st, 1);

		if (code == NULL)
			continue;
		if (t->n == cap) {
			cap = cap == 0 ? 256 : cap * 2;
			t->v = mem_realloc(t->v, cap * sizeof(*t->v));
		}
		t->v[t->n].code = mem_strdup(code);
		t->v[t->n].parent = mem_strdup(up == NULL ? "" : up);
		t->v[t->n++].in = false;
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

static bool
tree_has(const struct tree *t, const char *code)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->v[i].in && strcmp(t->v[i].code, code) == 0)
			return true;
	return false;
}

int
code_below(struct buf *out, struct replica *r, const struct field *f,
    const char *code, struct err *err)
{
	struct buf list = BUF_INIT;
	struct tree t = {NULL, 0};
	bool more = true;
	size_t i;
	int rc;

	code_list(&list, f);
	rc = tree_read(&t, r, buf_str(&list), err);
	buf_free(&list);
	/* Take in children until nothing is added; ends even if a wrong list
	 * goes in a circle. */
	while (rc == 0 && more) {
		more = false;
		for (i = 0; i < t.n; i++) {
			if (t.v[i].in || (strcmp(t.v[i].parent, code) != 0 &&
					     !tree_has(&t, t.v[i].parent)))
				continue;
			t.v[i].in = more = true;
		}
	}
	buf_putc(out, '[');
	canon_put_text(out, code, strlen(code));
	for (i = 0; i < t.n; i++) {
		if (t.v[i].in) {
			buf_putc(out, ',');
			canon_put_text(out, t.v[i].code, strlen(t.v[i].code));
		}
		free(t.v[i].code);
		free(t.v[i].parent);
	}
	buf_putc(out, ']');
	free(t.v);
	return rc;
}
