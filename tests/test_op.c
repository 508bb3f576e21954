/*
 * Goal: ops are read exactly in the one form op_draft writes, and whatever is
 * refused is refused with its line and reason.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "op.h"
#include "tap.h"

#define ID "520302-0123456789abcdef0123456789abcdef"
#define REST "\"id\":\"" ID "\",\"kind\":\"resource\""

static int
parse(const char *text, struct err *err)
{
	struct ops ops;
	int rc = ops_parse(&ops, text, strlen(text), err);

	if (rc == 0)
		ops_free(&ops);
	return rc;
}

/* A literal line: changing the format must break this test. */
static void
draft(void)
{
	struct op_draft *d = op_draft_new("resource", ID);
	struct buf out = BUF_INIT;

	op_draft_set(d, "status", "\"idle\"");
	op_draft_add(d, "tags", "\"救援\"");
	op_draft_set(d, "name", "\"红花岗区消防救援大队\"");
	op_draft_add(d, "tags", "\"fire\"");
	op_draft_add(d, "tags", "\"fire\"");
	op_draft_set(d, "status", "\"ready\"");
	op_draft_remove(d, "phones", "\"119\"");
	op_draft_add(d, "also", "7");
	op_draft_write(&out, d);
	is_str(buf_str(&out),
	    "{\"add\":{\"also\":[7],\"tags\":[\"fire\",\"救援\"]}," REST
	    ",\"remove\":{\"phones\":[\"119\"]},\"set\":{\"name\":"
	    "\"红花岗区消防救援大队\",\"status\":\"ready\"}}\n",
	    "a draft is written in canonical form");
	buf_clear(&out);
	op_draft_write(&out, d);
	ok(out.len > 0 && strstr(buf_str(&out), "\"status\":\"ready\"") != NULL,
	    "and again, the later value still standing");
	op_draft_free(d);

	d = op_draft_new("resource", ID);
	buf_clear(&out);
	op_draft_write(&out, d);
	is_str(buf_str(&out), "{" REST "}\n", "an empty draft only marks");
	op_draft_drop(d, "重复登记");
	buf_clear(&out);
	op_draft_write(&out, d);
	is_str(buf_str(&out), "{\"drop\":\"重复登记\"," REST "}\n",
	    "a drop is written");
	op_draft_free(d);
	buf_free(&out);
}

static void
read_back(void)
{
	static const char text[] =
	    "{\"add\":{\"t\":[1,2]}," REST ",\"remove\":{\"t\":[3]},"
	    "\"set\":{\"a\":{\"x\":[1]},\"b\":null}}\n"
	    "{\"drop\":\"\\\"x\\\"\"," REST "}\n"
	    "{\"id\":\"" ID "\",\"kind\":\"resource.team\"}\n";
	struct err err;
	struct ops ops;

	is_int(ops_parse(&ops, text, strlen(text), &err), 0, "three ops");
	is_int((long long)ops.n, 3, "are three");
	is_str(ops.v[0].id, ID, "the id is read");
	is_str(ops.v[0].kind, "resource", "the kind is read");
	is_int((long long)ops.v[0].n, 5, "five items");
	ok(ops.v[0].items[1].what == OP_ADD &&
		canon_int(ops.v[0].items[1].value) == 2,
	    "the second adds 2");
	ok(ops.v[0].items[2].what == OP_REMOVE &&
		ops.v[0].items[2].field_len == 1 &&
		*ops.v[0].items[2].field == 't',
	    "the third removes from t");
	ok(ops.v[0].items[4].what == OP_SET &&
		canon_type(ops.v[0].items[4].value) == CANON_NULL,
	    "the fifth sets b to null");
	ok(ops.v[1].drop && ops.v[1].n == 0 &&
		canon_is_text(ops.v[1].reason, "\"x\""),
	    "the second op drops, with its reason");
	ok(!ops.v[2].drop && ops.v[2].n == 0, "the third only marks");
	ok(ops.v[2].line + ops.v[2].line_len == text + strlen(text) - 1,
	    "a line is without its newline");
	ops_free(&ops);
	is_int(ops_parse(&ops, "", 0, &err), 0, "no bytes");
	is_int((long long)ops.n, 0, "are no ops");
}

static void
refused(void)
{
	static const struct {
		const char *text;
		const char *msg;
	} bad[] = {
	    {"{" REST "}", "op 1: the line is not ended"},
	    {"{" REST "}\n\n", "op 2: byte 0: a value is missing"},
	    {"{" REST "}\r\n", "op 1: byte 66: something follows the value"},
	    {"[]\n", "op 1: not an object"},
	    {"{}\n", "op 1: id or kind is missing"},
	    {"{\"kind\":\"resource\"}\n", "op 1: id or kind is missing"},
	    {"{\"id\":\"" ID "\"}\n", "op 1: id or kind is missing"},
	    {"{" REST ",\"set\":{\"a\":1.5}}\n", "op 1: byte 78: a float"},
	    {"{" REST "}\n{" REST ",\"set\":{\"name\":1,\"name\":2}}\n",
		"op 2: byte 82: key \"name\" twice"},
	    {"{\"kind\":\"k\",\"id\":\"" ID "\"}\n",
		"op 1: byte 12: keys not sorted at \"id\""},
	    {"{\"id\":\"520302-0123\",\"kind\":\"k\"}\n",
		"op 1: a malformed record id"},
	    {"{\"id\":7,\"kind\":\"k\"}\n", "op 1: a malformed record id"},
	    {"{\"id\":\"" ID "\",\"kind\":\"Resource\"}\n",
		"op 1: a malformed kind"},
	    {"{\"id\":\"" ID "\",\"kind\":\"\"}\n", "op 1: a malformed kind"},
	    {"{\"id\":\"" ID "\",\"kind\":\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
	     "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\"}\n",
		"op 1: a malformed kind"},
	    {"{" REST ",\"x\":1}\n", "op 1: an unknown member"},
	    {"{" REST ",\"set\":{}}\n",
		"op 1: set, add or remove without fields"},
	    {"{" REST ",\"set\":[]}\n",
		"op 1: set, add or remove without fields"},
	    {"{" REST ",\"set\":{\"a.b\":1}}\n",
		"op 1: a field's name is malformed"},
	    {"{" REST ",\"set\":{\"\":1}}\n",
		"op 1: a field's name is malformed"},
	    {"{\"add\":{\"t\":[]}," REST "}\n", "op 1: an empty add or remove"},
	    {"{\"add\":{\"t\":1}," REST "}\n",
		"op 1: an add or remove that is not a list"},
	    {"{\"add\":{\"t\":[[]]}," REST "}\n",
		"op 1: a set element that is not a scalar"},
	    {"{\"add\":{\"t\":[2,1]}," REST "}\n",
		"op 1: set elements not sorted or not unique"},
	    {"{\"add\":{\"t\":[1,1]}," REST "}\n",
		"op 1: set elements not sorted or not unique"},
	    {"{\"add\":{\"s\":[1],\"t\":[1,3,5]}," REST
	     ",\"remove\":{\"t\":[2,4,5]}}\n",
		"op 1: an element both added and removed"},
	    {"{\"add\":{\"t\":[1]}," REST ",\"set\":{\"s\":1,\"t\":2}}\n",
		"op 1: a field both in set and in add"},
	    {"{" REST ",\"remove\":{\"t\":[1]},\"set\":{\"t\":2}}\n",
		"op 1: a field both in set and in remove"},
	    {"{\"drop\":\"\"," REST "}\n", "op 1: a drop without a reason"},
	    {"{\"drop\":true," REST "}\n", "op 1: a drop without a reason"},
	    {"{\"drop\":\"x\"," REST ",\"set\":{\"a\":1}}\n",
		"op 1: a drop that also writes"},
	};
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		is_int(parse(bad[i].text, &err), YZ_ECORRUPT,
		    "refuse number %zu", i);
		is_str(err.msg, bad[i].msg, "and say why");
	}
}

/* Each limit at its value and one beyond. */
static void
limits(void)
{
	struct buf text = BUF_INIT;
	struct op_draft *d;
	struct err err;
	char *reason;
	size_t i, n;

	for (i = 0; i < LIMIT_OPS; i++)
		buf_puts(&text, "{" REST "}\n");
	is_int(parse(buf_str(&text), &err), 0, "take 500 ops");
	buf_puts(&text, "{" REST "}\n");
	is_int(parse(buf_str(&text), &err), YZ_ECORRUPT, "refuse 501");
	is_str(err.msg, "over 500 ops", "and say so");

	for (n = LIMIT_REASON; n <= LIMIT_REASON + 1; n++) {
		reason = malloc(n + 1);
		memset(reason, '"', n);
		reason[n] = '\0';
		d = op_draft_new("resource", ID);
		op_draft_drop(d, reason);
		buf_clear(&text);
		op_draft_write(&text, d);
		is_int(parse(buf_str(&text), &err),
		    n > LIMIT_REASON ? YZ_ECORRUPT : 0, "a reason of %zu bytes",
		    n);
		op_draft_free(d);
		free(reason);
	}

	buf_clear(&text);
	buf_puts(&text, "{" REST ",\"set\":{\"a\":\"");
	while (text.len < LIMIT_OPS_BYTES - 4)
		buf_putc(&text, 'x');
	buf_puts(&text, "\"}}\n");
	is_int((long long)text.len, LIMIT_OPS_BYTES, "an op of 64 KiB");
	is_int(parse(buf_str(&text), &err), 0, "is taken");
	buf_putc(&text, '\n');
	is_int(parse(buf_str(&text), &err), YZ_ECORRUPT, "one byte more not");
	buf_free(&text);
}

int
main(void)
{
	draft();
	read_back();
	refused();
	limits();
	return tap_done();
}
