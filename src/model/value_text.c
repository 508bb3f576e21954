#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/memo.h"
#include "canon.h"
#include "code.h"
#include "record.h"
#include "replica.h"
#include "schema.h"
#include "value.h"

#define ID_SHOWN 15 /* characters of an id beside a title */

void
value_plain(struct buf *out, const char *json)
{
	struct canon v = {json, strlen(json)};

	if (canon_type(v) == CANON_TEXT)
		canon_text(out, v);
	else if (canon_type(v) != CANON_NULL)
		buf_puts(out, json);
}

/* A code with its label, or a record's id with its title. */
static int
explain(struct buf *out, struct replica *r, const struct field *f,
    const char *plain, bool zh, struct err *err)
{
	struct buf label = BUF_INIT;
	int rc;

	if (f->type == FIELD_CODE)
		rc = code_label(&label, r, f, plain, zh, err);
	else
		rc = record_title(&label, r, f->target, plain, err);
	if (label.len > 0) {
		buf_put(out, label.b, label.len);
		buf_puts(out, " (");
		buf_put(out, plain,
		    f->type == FIELD_CODE ? strlen(plain)
					  : strnlen(plain, ID_SHOWN));
		buf_putc(out, ')');
	} else {
		buf_puts(out, plain);
	}
	buf_free(&label);
	return rc;
}

/* The same, remembered while the state is the same: a page of a list has the
 * same few codes again and again. */
static int
explain_again(struct buf *out, struct replica *r, const struct field *f,
    const char *plain, bool zh, struct err *err)
{
	/* Two languages: two addresses of one field. */
	const void *about = zh ? (const void *)&f->label_zh : &f->label_en;
	struct memo *memo = replica_memo(r);
	const char *known = memo == NULL ? NULL : memo_get(memo, about, plain);
	size_t before = out->len;
	int rc;

	if (known != NULL) {
		buf_puts(out, known);
		return 0;
	}
	rc = explain(out, r, f, plain, zh, err);
	if (rc == 0 && memo != NULL)
		memo_put(memo, about, plain, buf_str(out) + before);
	return rc;
}

bool
value_is_plain(const struct field *f, const char *json)
{
	return f->elem == ELEM_ONE && f->type != FIELD_CODE &&
	       f->type != FIELD_REF && *json == '"';
}

static int
text_one(struct buf *out, struct replica *r, const struct field *f,
    struct canon v, bool zh, struct err *err)
{
	struct buf plain = BUF_INIT;
	int rc = 0;

	if (canon_type(v) == CANON_BOOL) {
		buf_puts(out,
		    canon_bool(v) ? (zh ? "是" : "yes") : (zh ? "否" : "no"));
	} else if (canon_type(v) != CANON_TEXT) {
		buf_put(out, v.s, v.n);
	} else if (f->type == FIELD_CODE || f->type == FIELD_REF) {
		canon_text(&plain, v);
		rc = explain_again(out, r, f, buf_str(&plain), zh, err);
		buf_free(&plain);
	} else {
		canon_text(out, v);
	}
	return rc;
}

int
value_text(struct buf *out, struct replica *r, const struct field *f,
    const char *json, bool zh, struct err *err)
{
	struct canon v = {json, strlen(json)}, item;
	size_t at = 0, n = 0;
	int rc = 0;

	if (canon_type(v) == CANON_NULL)
		return 0;
	if (canon_type(v) != CANON_LIST || f->elem == ELEM_ONE)
		return text_one(out, r, f, v, zh, err);
	while (rc == 0 && canon_next(v, &at, &item)) {
		if (n++ > 0)
			buf_puts(out, zh ? "、" : ", ");
		rc = text_one(out, r, f, item, zh, err);
	}
	return rc;
}
