#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "canon.h"
#include "changeset.h"
#include "code.h"
#include "kind.h"
#include "op.h"
#include "record.h"
#include "replica.h"
#include "schema.h"
#include "show.h"
#include "value.h"

#define ID_SHOWN 16 /* digits of a changeset's id */

static void
put_member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, ",\"%s\":", name);
	canon_put_text(out, text, strlen(text));
}

int
show_conflicts(struct buf *out, struct replica *r, const struct record *rec,
    struct err *err)
{
	const char *between = "";
	struct db_stmt *st;
	int rc;

	buf_putc(out, '[');
	rc = db_query(&st, replica_db(r), err,
	    "SELECT register FROM _standing WHERE rec = ? GROUP BY register"
	    " HAVING count(DISTINCT CASE WHEN register GLOB '@*'"
	    " THEN value = 'true' ELSE value END) > 1 ORDER BY register",
	    "i", rec->rec);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const char *name = db_text(st, 0);

		buf_puts(out, between);
		canon_put_text(out, name, strlen(name));
		between = ",";
	}
	db_done(st);
	buf_putc(out, ']');
	return rc;
}

int
show_json(struct buf *out, struct replica *r, const struct record *rec,
    double metres, struct err *err)
{
	size_t i;
	int rc;

	buf_printf(out, "{\"id\":\"%s\"", rec->id);
	put_member(out, "kind", rec->kind->name);
	put_member(out, "owner", rec->owner);
	if (metres >= 0)
		buf_printf(out, ",\"metres\":%lld", (long long)(metres + 0.5));
	for (i = 0; i < rec->n; i++) {
		const char *name = rec->kind->fields[i]->name;

		if (rec->values[i] == NULL)
			continue;
		/* A definition of a field says of which kind it is. */
		buf_printf(out, ",\"%s%s\":%s",
		    strcmp(name, "kind") == 0 ? "of_" : "", name,
		    rec->values[i]);
	}
	put_member(out, "created_at", rec->created_at);
	put_member(out, "created_by", rec->created_by);
	if (rec->removed) {
		buf_puts(out, ",\"removed\":true");
		put_member(out, "removed_reason", rec->removed_reason);
	}
	rc = 0;
	if (rec->conflicts > 0) {
		buf_puts(out, ",\"conflicts\":");
		rc = show_conflicts(out, r, rec, err);
	}
	buf_putc(out, '}');
	return rc;
}

/* --- lines ------------------------------------------------------------------
 */

/* A text of several lines goes on indented. */
static void
put_text(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		buf_putc(out, *s);
		if (*s == '\n')
			buf_puts(out, "    ");
	}
}

/* The unit's label, from the list unit; "{qty_unit}" is another field. */
static int
put_unit(struct buf *out, struct replica *r, const struct record *rec,
    const struct field *f, bool zh, struct err *err)
{
	struct buf text = BUF_INIT, label = BUF_INIT;
	const struct field *of;
	const char *value;
	size_t n = strlen(f->unit);
	int rc = 0;

	if (n == 0 || strcmp(f->unit, "1") == 0)
		return 0;
	if (n > 2 && f->unit[0] == '{') {
		char *name = mem_strndup(f->unit + 1, n - 2);

		of = schema_field(rec->kind, name, n - 2);
		value = record_value(rec, name);
		free(name);
		if (of == NULL || value == NULL)
			return 0;
		value_plain(&text, value);
		if (of->type == FIELD_CODE)
			rc = code_label(&label, r, of, buf_str(&text), zh, err);
	} else {
		buf_puts(&text, f->unit);
		rc = code_list_label(&label, r, "unit", f->unit, zh, err);
	}
	buf_printf(out, " %s", buf_str(label.len > 0 ? &label : &text));
	buf_free(&text);
	buf_free(&label);
	return rc;
}

static int
put_value(struct buf *out, struct replica *r, const struct record *rec,
    const struct field *f, const char *json, bool zh, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	if (strcmp(json, "null") == 0) {
		buf_puts(out, "-");
		return 0;
	}
	rc = value_text(&text, r, f, json, zh, err);
	put_text(out, buf_str(&text));
	buf_free(&text);
	if (rc == 0 && (f->type == FIELD_INT || f->type == FIELD_DECIMAL))
		rc = put_unit(out, r, rec, f, zh, err);
	return rc;
}

/* One of the writes that stand: its value, person, station, time, id. */
static int
put_standing(struct buf *out, struct replica *r, const struct record *rec,
    const struct reg *reg, struct db_stmt *st, bool zh, struct err *err)
{
	struct changeset cs = CHANGESET_INIT;
	const char *chain = db_text(st, 0), *value = db_text(st, 2);
	const char *element = strchr(db_text(st, 3), '=');
	struct chain_name name;
	char time[CLOCK_LEN], hex[DIGEST_HEX_LEN + 1];
	int rc;

	rc = chain_parse(&name, chain, strlen(chain), err);
	if (rc == 0)
		rc = replica_read(r, &cs, &name, db_int(st, 1), err);
	if (rc != 0)
		return rc;
	clock_format(time, cs.time);
	digest_hex(hex, cs.id.b, sizeof(cs.id.b));
	buf_printf(out, "  %c ", db_int(st, 4) ? '*' : '!');
	if (element != NULL)
		buf_printf(out, "%s ", element + 1);
	if (reg->type == REG_FIELD)
		rc = put_value(out, r, rec, reg->fields[0], value, zh, err);
	else
		buf_puts(out, value);
	buf_printf(out, "  (%s %s, %s, %.*s)\n", name.writer, cs.author, time,
	    ID_SHOWN, hex);
	changeset_free(&cs);
	return rc;
}

/* Under what shows ("*"): what else stands ("!"). */
static int
put_conflict(struct buf *out, struct replica *r, const struct record *rec,
    const struct reg *reg, bool zh, struct err *err)
{
	struct db_stmt *st;
	bool conflict;
	int rc;

	rc = record_in_conflict(&conflict, r, rec, reg, err);
	if (rc != 0 || !conflict)
		return rc;
	rc = db_query(&st, replica_db(r), err,
	    "SELECT c.name, s.seq, s.value, s.register, s.shown"
	    " FROM _standing s JOIN _chain c ON c.no = s.chain"
	    " WHERE s.rec = ?1 AND (s.register = ?2 OR"
	    " substr(s.register, 1, length(?2) + 1) = ?2 || '=')"
	    " ORDER BY s.register, s.shown DESC, c.name",
	    "is", rec->rec, reg->name);
	if (rc != 0)
		return rc;
	while (rc == 0 && (rc = db_step(st, err)) == 1)
		rc = put_standing(out, r, rec, reg, st, zh, err);
	db_done(st);
	return rc;
}

static void
put_head(struct buf *out, struct replica *r, const struct record *rec, bool zh)
{
	const struct kind *sub = record_sub(r, rec);

	buf_printf(out, "%s\n", rec->id);
	buf_printf(out, "%s: %s\n", zh ? "类型" : "Kind",
	    kind_label(sub == NULL ? rec->kind : sub, zh));
	if (rec->removed)
		buf_printf(out, "%s: %s\n", zh ? "已撤销" : "Removed",
		    rec->removed_reason);
}

int
show_lines(struct buf *out, struct replica *r, const struct record *rec,
    bool zh, struct err *err)
{
	const struct kind *base = rec->kind;
	size_t i;
	int rc;

	put_head(out, r, rec, zh);
	rc = put_conflict(out, r, rec, &base->regs[0], zh, err);
	for (i = 0; rc == 0 && i < rec->n; i++) {
		const struct field *f = base->fields[i];
		bool last = f->reg != NULL && f->reg->n_fields > 0 &&
			    f->reg->fields[f->reg->n_fields - 1] == f;

		if (rec->values[i] != NULL) {
			buf_printf(out, "%s: ", kind_field_label(f, zh));
			rc = put_value(out, r, rec, f, rec->values[i], zh, err);
			buf_putc(out, '\n');
		}
		/* A group's conflict is told once, after its last field. */
		if (rc == 0 && last)
			rc = put_conflict(out, r, rec, f->reg, zh, err);
	}
	if (rec->created_at[0] != '\0')
		buf_printf(out, "%s: %s %s\n", zh ? "建档" : "Created",
		    rec->created_at, rec->created_by);
	return rc;
}

void
show_line(struct buf *out, const struct record *rec, bool with_kind)
{
	const char *json = record_value(rec, rec->kind->title), *s;
	struct buf title = BUF_INIT;

	if (json != NULL)
		value_plain(&title, json);
	buf_puts(out, rec->id);
	if (with_kind)
		buf_printf(out, "  %s", rec->kind->name);
	buf_puts(out, "  ");
	for (s = buf_str(&title); *s != '\0'; s++)
		buf_putc(out, *s == '\n' || *s == '\t' ? ' ' : *s);
	buf_puts(out, rec->removed ? "  (x)\n" : "\n");
	buf_free(&title);
}

/* --- history ----------------------------------------------------------------
 */

struct history {
	struct buf *out;
	struct replica *r;
	const struct record *rec;
	bool json, zh;
};

static int
put_item(struct history *h, const struct op_item *item, struct err *err)
{
	const struct field *f =
	    schema_field(h->rec->kind, item->field, item->field_len);
	char *json = mem_strndup(item->value.s, item->value.n);
	int rc = 0;

	buf_puts(h->out, "    ");
	if (f != NULL)
		buf_puts(h->out, kind_field_label(f, h->zh));
	else
		buf_put(h->out, item->field, item->field_len);
	buf_puts(h->out, item->what == OP_ADD      ? " + "
			 : item->what == OP_REMOVE ? " - "
						   : ": ");
	if (f != NULL)
		rc = put_value(h->out, h->r, h->rec, f, json, h->zh, err);
	else
		buf_puts(h->out, json);
	buf_putc(h->out, '\n');
	free(json);
	return rc;
}

static int
history_lines(struct history *h, const struct changeset *cs,
    const struct op *op, bool accepted, bool good, struct err *err)
{
	char time[CLOCK_LEN], hex[DIGEST_HEX_LEN + 1];
	size_t i;
	int rc = 0;

	clock_format(time, cs->time);
	digest_hex(hex, cs->id.b, sizeof(cs->id.b));
	buf_printf(h->out, "%s  %s  %s  %.*s  %s%s\n", time, cs->chain.writer,
	    cs->author, ID_SHOWN, hex,
	    good ? (h->zh ? "签名有效" : "signature good")
		 : (h->zh ? "签名无效" : "SIGNATURE BAD"),
	    accepted ? "" : (h->zh ? "  未采纳" : "  not accepted"));
	if (op->drop) {
		struct buf why = BUF_INIT;

		canon_text(&why, op->reason);
		buf_printf(h->out, "    %s: %s\n", h->zh ? "撤销" : "removed",
		    buf_str(&why));
		buf_free(&why);
	}
	for (i = 0; rc == 0 && i < op->n; i++)
		rc = put_item(h, &op->items[i], err);
	return rc;
}

static void
history_json(struct history *h, const struct changeset *cs, const struct op *op,
    bool accepted, bool good)
{
	char time[CLOCK_LEN], hex[DIGEST_HEX_LEN + 1], chain[CHAIN_NAME_MAX];

	clock_format_ms(time, cs->time);
	digest_hex(hex, cs->id.b, sizeof(cs->id.b));
	chain_format(chain, &cs->chain);
	buf_printf(h->out, "{\"time\":\"%s\"", time);
	put_member(h->out, "station", cs->chain.writer);
	put_member(h->out, "person", cs->author);
	put_member(h->out, "changeset", hex);
	put_member(h->out, "chain", chain);
	buf_printf(h->out,
	    ",\"seq\":%lld,\"signature\":\"%s\",\"accepted\":%s"
	    ",\"op\":",
	    (long long)cs->seq, good ? "good" : "bad",
	    accepted ? "true" : "false");
	buf_put(h->out, op->line, op->line_len);
	buf_puts(h->out, "}\n");
}

static int
history_entry(void *arg, const struct changeset *cs, const struct op *op,
    bool accepted, struct err *err)
{
	struct history *h = arg;
	bool good = replica_signed(h->r, cs);

	if (!h->json)
		return history_lines(h, cs, op, accepted, good, err);
	history_json(h, cs, op, accepted, good);
	return 0;
}

int
show_history(struct buf *out, struct replica *r, const struct record *rec,
    bool json, bool zh, struct err *err)
{
	struct history h = {out, r, rec, json, zh};

	return replica_history(
	    r, rec->kind->name, rec->id, history_entry, &h, err);
}
