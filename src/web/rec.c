#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/memo.h"
#include "canon.h"
#include "model/conflict.h"
#include "model/kind.h"
#include "model/record.h"
#include "model/show.h"
#include "model/value.h"
#include "rec.h"
#include "replica.h"
#include "schema.h"

/* The name of a field within an object; the first has no comma before it. */
static void
put_name(struct buf *out, bool first, const struct field *f)
{
	buf_put(out, f->member + first, f->member_len - first);
}

static void
put_member(struct buf *out, const char *name, const char *text)
{
	buf_puts(out, ",\"");
	buf_puts(out, name);
	buf_puts(out, "\":");
	canon_put_text(out, text, strlen(text));
}

static void
put_title(struct buf *out, const struct record *rec)
{
	const char *value = record_value(rec, rec->kind->title);
	struct buf text = BUF_INIT;

	if (value != NULL && *value == '"') {
		buf_puts(out, ",\"title\":");
		buf_puts(out, value);
		return;
	}
	if (value != NULL)
		value_plain(&text, value);
	put_member(out, "title", buf_str(&text));
	buf_free(&text);
}

static void
put_values(struct buf *out, const struct record *rec)
{
	bool first = true;
	size_t i;

	buf_puts(out, ",\"values\":{");
	for (i = 0; i < rec->n; i++) {
		if (rec->values[i] == NULL)
			continue;
		put_name(out, first, rec->kind->fields[i]);
		buf_put(out, rec->values[i], rec->lengths[i]);
		first = false;
	}
	buf_putc(out, '}');
}

/* A value as people read it, as JSON: remembered, since a page of a list has
 * the same few codes again and again. */
static int
put_text(struct buf *out, struct replica *r, const struct field *f,
    const char *value, bool zh, struct err *err)
{
	/* Two languages: two addresses of one field. */
	const void *about = zh ? (const void *)&f->name : &f->of;
	struct memo *memo = f->type == FIELD_INT ? NULL : replica_memo(r);
	const char *known = memo == NULL ? NULL : memo_get(memo, about, value);
	struct buf text = BUF_INIT;
	size_t before = out->len;
	int rc;

	if (known != NULL) {
		buf_puts(out, known);
		return 0;
	}
	rc = value_text(&text, r, f, value, zh, err);
	canon_put_text(out, buf_str(&text), text.len);
	if (rc == 0 && memo != NULL)
		memo_put(memo, about, value, buf_str(out) + before);
	buf_free(&text);
	return rc;
}

static int
put_texts(struct buf *out, struct replica *r, const struct record *rec, bool zh,
    struct err *err)
{
	bool first = true;
	size_t i;
	int rc = 0;

	buf_puts(out, ",\"text\":{");
	for (i = 0; rc == 0 && i < rec->n; i++) {
		const struct field *f = rec->kind->fields[i];

		if (rec->values[i] == NULL)
			continue;
		put_name(out, first, f);
		first = false;
		if (value_is_plain(f, rec->values[i]))
			buf_put(out, rec->values[i], rec->lengths[i]);
		else
			rc = put_text(out, r, f, rec->values[i], zh, err);
	}
	buf_putc(out, '}');
	return rc;
}

int
rec_put(struct buf *out, struct replica *r, const struct record *rec,
    double metres, bool zh, bool open, struct err *err)
{
	int rc;

	buf_puts(out, "{\"id\":\"");
	buf_puts(out, rec->id);
	buf_putc(out, '"');
	put_member(out, "kind", rec->kind->name);
	put_member(out, "owner", rec->owner);
	put_title(out, rec);
	put_values(out, rec);
	rc = put_texts(out, r, rec, zh, err);
	if (rc != 0)
		return rc;
	buf_puts(
	    out, rec->removed ? ",\"removed\":true" : ",\"removed\":false");
	if (rec->removed)
		put_member(out, "removed_reason", rec->removed_reason);
	put_member(out, "created_at", rec->created_at);
	put_member(out, "created_by", rec->created_by);
	if (metres >= 0)
		buf_printf(out, ",\"metres\":%lld", (long long)(metres + 0.5));
	buf_puts(out, ",\"conflicts\":");
	if (rec->conflicts == 0)
		buf_puts(out, "[]");
	else
		rc = show_conflicts(out, r, rec, err);
	if (!open)
		buf_putc(out, '}');
	return rc;
}

/* --- as it was
 * ---------------------------------------------------------------- */

#define PART 8 /* digits of a field's name, and of its value */

static void
put_part(char out[2 * PART + 1], const char *name, const char *value)
{
	struct digest d;
	char hex[DIGEST_HEX_LEN + 1];

	digest_sha256(&d, name, strlen(name));
	digest_hex(hex, d.b, PART / 2);
	memcpy(out, hex, PART);
	digest_sha256(&d, value, strlen(value));
	digest_hex(hex, d.b, PART / 2);
	memcpy(out + PART, hex, PART + 1);
}

/* A line for each register in conflict: its name, then what stands in it. */
static int
put_standing(void *arg, const struct conflict_value *v, struct err *err)
{
	struct buf *out = arg;

	(void)err;
	buf_printf(out, "%s %s\n", v->reg, v->changeset);
	return 0;
}

/*
 * A field as a person saw it: its value, and if several stand, which: one
 * that came since may not be decided unseen.
 */
static void
see(struct buf *out, const char *standing, const struct field *f,
    const char *value)
{
	const char *line = standing, *reg;
	size_t n;

	buf_clear(out);
	buf_puts(out, value == NULL ? "" : value);
	reg = f->reg == NULL ? f->name : f->reg->name;
	for (; *line != '\0'; line += n + 1) {
		n = strcspn(line, "\n");
		if (strncmp(line, reg, strlen(reg)) == 0 &&
		    line[strlen(reg)] == ' ')
			buf_put(out, line, n);
	}
}

static int
read_standing(struct buf *out, struct replica *r, const struct record *rec,
    struct err *err)
{
	return rec->conflicts == 0
		   ? 0
		   : conflict_list(r, rec->rec, put_standing, out, err);
}

int
rec_etag(struct buf *out, struct replica *r, const struct record *rec,
    struct err *err)
{
	struct buf standing = BUF_INIT, seen = BUF_INIT;
	char part[2 * PART + 1];
	size_t i;
	int rc;

	rc = read_standing(&standing, r, rec, err);
	buf_putc(out, rec->removed ? 'x' : 'y');
	for (i = 0; rc == 0 && i < rec->n; i++) {
		see(&seen, buf_str(&standing), rec->kind->fields[i],
		    rec->values[i]);
		if (seen.len == 0)
			continue;
		put_part(part, rec->kind->fields[i]->name, buf_str(&seen));
		buf_puts(out, part);
	}
	buf_free(&standing);
	buf_free(&seen);
	return rc;
}

int
rec_same(bool *out, struct replica *r, const struct record *rec,
    const char *etag, const struct field *f, struct err *err)
{
	struct buf standing = BUF_INIT, seen = BUF_INIT;
	char part[2 * PART + 1];
	const char *p;
	int rc;

	rc = read_standing(&standing, r, rec, err);
	see(&seen, buf_str(&standing), f, record_value(rec, f->name));
	put_part(part, f->name, buf_str(&seen));
	if (*etag == '"')
		etag++;
	if (*etag != '\0')
		etag++;
	*out = seen.len == 0;
	for (p = etag; strspn(p, "0123456789abcdef") >= 2 * PART; p += 2 * PART)
		if (memcmp(p, part, PART) == 0) {
			*out = memcmp(p, part, 2 * PART) == 0;
			break;
		}
	buf_free(&standing);
	buf_free(&seen);
	return rc;
}
