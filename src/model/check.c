#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "check.h"
#include "draft.h"
#include "home.h"
#include "kind.h"
#include "record.h"
#include "replica.h"
#include "roster.h"
#include "schema.h"
#include "value.h"

int
check_writer(struct replica *r, const struct kind *base, const char *owner,
    struct err *err)
{
	const struct roster *roster = replica_roster(r);
	const char *self = replica_home(r)->code;

	if (base->stream == STREAM_ROSTER) {
		if (strcmp(roster_root(roster), self) != 0)
			return err_set(err, YZ_EDENIED,
			    "kinds, fields and lists are defined at %s, the "
			    "root",
			    roster_root(roster));
		return 0;
	}
	if (!chain_may_write(roster, self, owner))
		return err_set(err, YZ_EDENIED,
		    "the record is %s's: only it and the stations above it "
		    "may write it",
		    owner);
	return 0;
}

int
check_mutable(const struct kind *base, struct err *err)
{
	if (!base->append_only)
		return 0;
	return err_set(err, YZ_EDENIED,
	    "%s is never changed: a correction is a new record: yizhan add %s "
	    "%s=ID ...",
	    base->name, base->name,
	    base->corrects[0] == '\0' ? "corrects" : base->corrects);
}

/* --- defaults ------------------------------------------------------------- */

/* The word after "default " at the start of a field's note. */
static bool
noted_default(struct buf *out, const struct field *f)
{
	const char *s = f->note;

	if (strncmp(s, "default ", 8) != 0)
		return false;
	s += 8;
	buf_put(out, s, strcspn(s, ";, "));
	return true;
}

/*
 * A number nobody has to think of: CODE-YYYYMMDD-NNN, one past the highest
 * of this station and day.
 */
static int
next_number(
    struct buf *out, struct draft *d, const struct field *f, struct err *err)
{
	char prefix[32], end[40], day[CLOCK_LEN];
	struct buf sql = BUF_INIT;
	struct db_stmt *st;
	long last = 0;
	int rc;

	clock_format(day, replica_now(d->r));
	snprintf(prefix, sizeof(prefix), "%s-%.4s%.2s%.2s-",
	    replica_home(d->r)->code, day, day + 5, day + 8);
	snprintf(end, sizeof(end), "%s~", prefix);
	buf_puts(&sql, "SELECT ");
	db_quote(&sql, f->name);
	buf_puts(&sql, " FROM ");
	db_quote(&sql, d->base->name);
	buf_puts(&sql, " WHERE ");
	db_quote(&sql, f->name);
	buf_puts(&sql, " BETWEEN ? AND ?");
	rc = db_query(
	    &st, replica_db(d->r), err, buf_str(&sql), "ss", prefix, end);
	buf_free(&sql);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const char *s = db_text(st, 0);
		long n = s == NULL ? 0 : strtol(s + strlen(prefix), NULL, 10);

		if (n > last)
			last = n;
	}
	db_done(st);
	buf_printf(out, "%s%03ld", prefix, last + 1);
	return rc;
}

static int
default_of(
    struct buf *out, struct draft *d, const struct field *f, struct err *err)
{
	if (strcmp(f->of, "common") == 0) {
		if (strcmp(f->name, "secrecy") == 0)
			buf_puts(out, "internal");
		else if (strcmp(f->name, "exercise") == 0)
			buf_puts(out, "false");
		return 0;
	}
	if (noted_default(out, f))
		return 0;
	if (f->required && strstr(f->note, "proposed by the program") != NULL)
		return next_number(out, d, f, err);
	return 0;
}

/* Call fn for each field that a record of d's kind may carry. */
static int
each_field(struct draft *d,
    int (*fn)(struct draft *, const struct field *, void *, struct err *),
    void *arg, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < d->n; i++) {
		const struct field *f =
		    kind_field(d->base, d->sub, d->base->fields[i]->name);

		if (f != NULL && !kind_field_derived(f))
			rc = fn(d, f, arg, err);
	}
	return rc;
}

static int
give_default(struct draft *d, const struct field *f, void *arg, struct err *err)
{
	struct buf text = BUF_INIT, json = BUF_INIT;
	int rc;

	(void)arg;
	if (draft_value(d, f->name) != NULL)
		return 0;
	rc = default_of(&text, d, f, err);
	if (rc == 0 && text.len > 0)
		rc = value_parse_field(&json, d->r, f, buf_str(&text), err);
	if (rc == 0 && json.len > 0)
		draft_put(d, f, buf_str(&json));
	buf_free(&text);
	buf_free(&json);
	return rc;
}

int
check_defaults(struct draft *d, struct err *err)
{
	return each_field(d, give_default, NULL, err);
}

/* --- fields ----------------------------------------------------------------
 */

#define MISSING_BYTES 160 /* of names in one line */

struct missing {
	const char *owner;
	bool gaps; /* may there be any? */
	struct buf names;
	size_t more;
};

/* Will the field have no value? */
static bool
is_empty(
    const struct draft *d, const struct draft_field *df, const struct field *f)
{
	bool set = df->field != NULL && df->value == NULL;

	if (set && (df->whole || d->before == NULL))
		return df->add.n == 0;
	return !set && draft_value(d, f->name) == NULL;
}

static int
check_field(struct draft *d, const struct field *f, void *arg, struct err *err)
{
	const struct draft_field *df = &d->v[kind_index(d->base, f->name)];
	struct missing *m = arg;

	if (df->field != NULL && f->ancestor_only &&
	    !roster_is_ancestor(
		replica_roster(d->r), replica_home(d->r)->code, m->owner))
		return err_set(err, YZ_EDENIED,
		    "%s is written by the stations above %s only", f->name,
		    m->owner);
	/* A gap that is there already stays one; a new one is not made. */
	if (!f->required || (d->before != NULL && df->field == NULL) ||
	    !is_empty(d, df, f))
		return 0;
	if (m->gaps && d->base->stream == STREAM_COMMAND &&
	    strcmp(f->name, d->base->title) != 0)
		return 0;
	if (m->names.len > MISSING_BYTES)
		m->more++;
	else
		buf_printf(&m->names, "%s%s %s", m->names.len > 0 ? ", " : "",
		    f->name, f->label_zh);
	return 0;
}

int
check_fields(
    const struct draft *d, const char *owner, bool gaps, struct err *err)
{
	struct missing m = {owner, gaps, BUF_INIT, 0};
	struct draft copy = *d;
	int rc;

	rc = each_field(&copy, check_field, &m, err);
	if (rc == 0 && m.more > 0)
		rc = err_set(err, YZ_EINVAL, "required: %s and %zu more",
		    buf_str(&m.names), m.more);
	else if (rc == 0 && m.names.len > 0)
		rc = err_set(err, YZ_EINVAL, "required: %s", buf_str(&m.names));
	buf_free(&m.names);
	return rc;
}
