#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "check.h"
#include "define.h"
#include "home.h"
#include "kind.h"
#include "limit.h"
#include "op.h"
#include "record.h"
#include "replica.h"
#include "schema.h"
#include "value.h"
#include "write.h"

struct write {
	struct replica *r;
	struct act *act;
	size_t ops;     /* added to act */
	size_t records; /* that the act is about */
	char *subject;  /* as given, for an act about several */
	bool begun;     /* the transaction is ours */
	bool files;     /* may "@FILE" be read? */
	bool gaps;      /* may a new emergency lack what is required? */
	bool says;      /* the subject stands as given */
};

int
write_new(struct write **out, struct replica *r, const char *author,
    const char *login, const char *subject, struct err *err)
{
	bool begin = !db_in_transaction(replica_db(r));
	struct write *w;
	int rc;

	if (begin) {
		rc = replica_begin(r, err);
		if (rc != 0)
			return rc;
	}
	w = mem_calloc(1, sizeof(*w));
	w->r = r;
	w->begun = begin;
	w->act = act_new(r, author, login, subject);
	w->subject = mem_strdup(subject);
	*out = w;
	return 0;
}

void
write_allow_files(struct write *w)
{
	w->files = true;
}

void
write_allow_gaps(struct write *w)
{
	w->gaps = true;
}

void
write_say_subject(struct write *w)
{
	w->says = true;
}

void
write_free(struct write *w)
{
	if (w == NULL)
		return;
	if (w->begun)
		replica_rollback(w->r);
	act_free(w->act);
	free(w->subject);
	free(w);
}

size_t
write_count(const struct write *w)
{
	return w->ops;
}

int
write_commit(struct write *w, struct err *err)
{
	int rc = 0;

	if (w->ops > 0)
		rc = act_commit(w->act, NULL, err);
	if (rc == 0 && w->begun) {
		rc = replica_commit(w->r, err);
		w->begun = rc != 0;
	}
	return rc;
}

/* --- kinds -----------------------------------------------------------------
 */

/* The chooser's value among the assignments: its code, or "" if absent. */
static int
assigned_code(struct buf *out, struct replica *r, const struct kind *base,
    const char *chooser, const struct assign *v, size_t n, struct err *err)
{
	const struct field *f = kind_field(base, NULL, chooser), *given;
	struct buf json = BUF_INIT;
	struct err unknown;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && f != NULL && i < n; i++) {
		/* Mostly a name, of this field or another: no search then. */
		given = schema_field(base, v[i].field, strlen(v[i].field));
		if (given != NULL && given != f)
			continue;
		if (kind_field_find(&given, base, NULL, v[i].field, &unknown) !=
			0 ||
		    given != f)
			continue;
		buf_clear(&json);
		buf_clear(out);
		rc = value_parse_field(&json, r, f, v[i].text, err);
		if (rc == 0)
			value_plain(out, buf_str(&json));
	}
	buf_free(&json);
	return rc;
}

/*
 * The sub-kind of what is being written: by its own value once assigned,
 * else by the kind that was named.  *implied is the code to be filled in, or
 * stays "".
 */
static int
choose_sub(const struct kind **sub, struct buf *implied, struct buf *chooser,
    struct replica *r, const struct kind *named, const struct record *before,
    const struct assign *v, size_t n, struct err *err)
{
	const struct schema *schema = replica_schema(r);
	const struct kind *base = schema_base(schema, named);
	struct buf code = BUF_INIT, second = BUF_INIT;
	int rc;

	*sub = NULL;
	if (!kind_chooser(chooser, schema, base))
		return 0;
	rc = assigned_code(&code, r, base, buf_str(chooser), v, n, err);
	if (rc != 0)
		goto out;
	if (code.len > 0)
		*sub = kind_chosen(schema, base, buf_str(&code));
	else if (before != NULL)
		*sub = record_sub(r, before);
	else if (named != base) {
		*sub = named;
		/* Several codes: one of them has to be said. */
		if (!kind_when_at(&second, named, 1))
			kind_when_at(implied, named, 0);
	}
	if (named != base && *sub != named)
		rc = err_set(err, YZ_EINVAL, "this %s is no %s: %s is %s",
		    base->name, named->name, buf_str(chooser),
		    code.len > 0   ? buf_str(&code)
		    : *sub != NULL ? (*sub)->when
				   : N_("none of its codes"));
out:
	buf_free(&code);
	buf_free(&second);
	return rc;
}

/* --- ops -------------------------------------------------------------------
 */

static int
add_op(
    struct write *w, enum stream stream, struct op_draft *op, struct err *err)
{
	struct buf line = BUF_INIT;
	size_t len;

	op_draft_write(&line, op);
	len = line.len;
	buf_free(&line);
	if (len > LIMIT_OPS_BYTES) {
		op_draft_free(op);
		return err_set(err, YZ_EINVAL,
		    "%zu bytes are over %u for one record at once", len,
		    LIMIT_OPS_BYTES);
	}
	act_add(w->act, stream, op);
	op_draft_free(op);
	w->ops++;
	return 0;
}

/*
 * The human line of an act about one record: "set resource 某某大队".  The
 * title travels at least as far as the rest of the record, or is left out.
 */
static void
describe(struct write *w, const char *verb, const struct kind *base,
    const char *title)
{
	const struct field *f =
	    schema_field(base, base->title, strlen(base->title));
	struct buf line = BUF_INIT;
	char *text;
	size_t i, n;

	if (++w->records > 1 || w->says) {
		act_subject(w->act, w->subject);
		return;
	}
	buf_printf(&line, "%s %s", verb, base->name);
	if (f != NULL && f->stream == base->stream && title[0] != '\0')
		buf_printf(&line, " %s", title);
	text = buf_str(&line);
	for (n = line.len; n > LIMIT_SUBJECT || (text[n] & 0xc0) == 0x80;)
		n--; /* never within a character */
	text[n] = '\0';
	for (i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' ||
		    strchr("<>", text[i]) != NULL)
			text[i] = ' ';
	while (n > 0 && text[n - 1] == ' ')
		text[--n] = '\0';
	if (text_is_clean(text, n, false))
		act_subject(w->act, text);
	buf_free(&line);
}

static void
describe_draft(struct write *w, const char *verb, const struct draft *d)
{
	struct buf title = BUF_INIT;

	draft_text(&title, d, d->base->title);
	describe(w, verb, d->base, buf_str(&title));
	buf_free(&title);
}

/* mark: also write the record present in the streams without values. */
static int
add_ops(struct write *w, const struct draft *d, const char *id, bool mark,
    struct err *err)
{
	const struct kind *base = d->base;
	struct op_draft *ops[2] = {draft_op(d, id, base->stream), NULL};
	int rc = 0;

	if (base->stream != STREAM_PERSONAL)
		ops[1] = draft_op(d, id, STREAM_PERSONAL);
	if (mark && ops[0] == NULL)
		ops[0] = op_draft_new(base->name, id);
	if (ops[0] != NULL)
		rc = add_op(w, base->stream, ops[0], err);
	if (ops[1] != NULL && rc == 0)
		rc = add_op(w, STREAM_PERSONAL, ops[1], err);
	else
		op_draft_free(ops[1]);
	return rc;
}

static int
assign_all(struct draft *d, const struct assign *v, size_t n, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++)
		rc = draft_assign(d, &v[i], err);
	return rc;
}

static void
new_id(char id[RECORD_ID_LEN + 1], struct replica *r)
{
	uint8_t random[16];
	char hex[2 * sizeof(random) + 1];

	digest_random(random, sizeof(random));
	digest_hex(hex, random, sizeof(random));
	snprintf(id, RECORD_ID_LEN + 1, "%.6s-%s", replica_home(r)->code, hex);
}

static int
define_add(struct write *w, char id[RECORD_ID_LEN + 1], struct draft *d,
    struct err *err)
{
	struct record before = RECORD_INIT;
	int rc;

	rc = define_check(d, err);
	if (rc != 0)
		return rc;
	define_id(id, replica_home(w->r)->code, d);
	rc = record_read(&before, w->r, d->base->name, id, err);
	if (rc == 0 && !before.removed)
		rc = err_set(err, YZ_ECONFLICT,
		    "it is defined already, as %s: set changes it", id);
	else if (rc == YZ_ENOTFOUND)
		rc = 0;
	record_free(&before);
	return rc;
}

int
write_add(struct write *w, char id[RECORD_ID_LEN + 1], const char *kind,
    const struct assign *v, size_t n, struct err *err)
{
	const struct schema *schema = replica_schema(w->r);
	const char *self = replica_home(w->r)->code;
	struct buf implied = BUF_INIT, chooser = BUF_INIT;
	const struct kind *named, *base, *sub;
	struct draft d = {.n = 0};
	struct assign a;
	int rc;

	rc = kind_find(&named, schema, kind, err);
	if (rc != 0)
		return rc;
	base = schema_base(schema, named);
	rc = check_writer(w->r, base, self, err);
	if (rc == 0)
		rc = choose_sub(
		    &sub, &implied, &chooser, w->r, named, NULL, v, n, err);
	if (rc != 0)
		goto out;
	draft_init(&d, w->r, base, sub, NULL);
	d.files = w->files;
	rc = assign_all(&d, v, n, err);
	if (rc == 0 && implied.len > 0) {
		a = (struct assign){
		    buf_str(&chooser), ASSIGN_SET, buf_str(&implied)};
		rc = draft_assign(&d, &a, err);
	}
	if (rc == 0)
		rc = check_defaults(&d, err);
	if (rc == 0)
		rc = check_fields(&d, self, w->gaps, err);
	if (rc == 0 && define_is(base))
		rc = define_add(w, id, &d, err);
	else
		new_id(id, w->r);
	if (rc == 0)
		rc = draft_settle(&d, err);
	if (rc == 0)
		describe_draft(w, "add", &d);
	if (rc == 0)
		rc = add_ops(w, &d, id, true, err);
out:
	draft_free(&d);
	buf_free(&implied);
	buf_free(&chooser);
	return rc;
}

int
write_set(struct write *w, bool *changed, const char *kind, const char *id,
    const struct assign *v, size_t n, struct err *err)
{
	const struct schema *schema = replica_schema(w->r);
	struct buf implied = BUF_INIT, chooser = BUF_INIT;
	struct record before = RECORD_INIT;
	const struct kind *named, *sub;
	struct draft d = {.n = 0};
	bool mark = false;
	int rc;

	*changed = false;
	rc = kind_find(&named, schema, kind, err);
	if (rc == 0)
		rc = record_read(&before, w->r, kind, id, err);
	if (rc == 0)
		rc = check_mutable(before.kind, err);
	if (rc == 0)
		rc = check_writer(w->r, before.kind, before.owner, err);
	if (rc == 0)
		rc = choose_sub(
		    &sub, &implied, &chooser, w->r, named, &before, v, n, err);
	if (rc != 0)
		goto out;
	draft_init(&d, w->r, before.kind, sub, &before);
	d.files = w->files;
	rc = assign_all(&d, v, n, err);
	if (rc == 0)
		rc = check_fields(&d, before.owner, false, err);
	if (rc == 0 && define_is(before.kind))
		rc = define_check(&d, err);
	if (rc == 0)
		rc = draft_settle(&d, err);
	/* Whoever has seen a drop and writes revives the record whole. */
	if (rc == 0)
		rc = record_in_conflict(
		    &mark, w->r, &before, &before.kind->regs[0], err);
	mark = mark || before.removed;
	*changed = draft_any(&d) || mark;
	if (rc == 0 && *changed) {
		describe_draft(w, "set", &d);
		rc = add_ops(w, &d, before.id, mark, err);
	}
out:
	draft_free(&d);
	record_free(&before);
	buf_free(&implied);
	buf_free(&chooser);
	return rc;
}

int
write_rm(struct write *w, const char *kind, const char *id, const char *why,
    struct err *err)
{
	struct record before = RECORD_INIT;
	enum stream streams[2] = {STREAM_PERSONAL, STREAM_PERSONAL};
	size_t i, n = 1, len = text_trim(&why, strlen(why));
	char *reason = mem_strndup(why, len);
	struct buf title = BUF_INIT;
	bool open = false;
	struct err ignored;
	int rc = 0;

	if (len == 0 || len > LIMIT_REASON ||
	    !text_is_clean(reason, len, false))
		rc = err_set(err, YZ_EINVAL,
		    "the reason is a text of 1 to %d bytes", LIMIT_REASON);
	if (rc == 0)
		rc = record_read(&before, w->r, kind, id, err);
	if (rc == 0)
		rc = check_mutable(before.kind, err);
	if (rc == 0)
		rc = check_writer(w->r, before.kind, before.owner, err);
	if (rc == 0 && define_is(before.kind))
		rc = define_check_drop(before.kind, err);
	if (rc == 0)
		rc = record_in_conflict(
		    &open, w->r, &before, &before.kind->regs[0], err);
	if (rc == 0 && before.removed && !open)
		rc = err_set(err, YZ_EINVAL, "%s is removed already: %.100s",
		    before.id, before.removed_reason);
	if (rc != 0)
		goto out;
	record_title(&title, w->r, kind, before.id, &ignored);
	describe(w, "rm", before.kind, buf_str(&title));
	streams[0] = before.kind->stream;
	if (streams[0] != STREAM_PERSONAL &&
	    schema_mark(before.kind, STREAM_PERSONAL) != NULL)
		n = 2;
	for (i = 0; rc == 0 && i < n; i++) {
		struct op_draft *op =
		    op_draft_new(before.kind->name, before.id);

		op_draft_drop(op, reason);
		rc = add_op(w, streams[i], op, err);
	}
out:
	buf_free(&title);
	record_free(&before);
	free(reason);
	return rc;
}
