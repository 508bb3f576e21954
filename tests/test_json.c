/*
 * Goal of this test: what is printed is JSON whatever is put in, and what
 * people carry here is bounded.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "tap.h"

static int
parses(const char *text)
{
	struct json *v = NULL;
	struct err err;
	int rc = json_parse(&v, text, strlen(text), &err);

	if (rc == 0)
		json_free(v);
	return rc;
}

static void
write_and_read(void)
{
	struct json *v = json_new_object(), *list = json_new_array(), *back;
	struct buf out = BUF_INIT;
	struct err err;

	json_set(v, "name", json_text("驿站 \"1\""));
	json_set(v, "absent", json_text(NULL));
	json_set(v, "least", json_int(INT64_MIN));
	json_set(v, "list", list);
	json_add(list, json_bool(1));
	json_add(list, json_text("坏 \xff 名"));
	json_write(&out, v, 0);
	is_str(buf_str(&out),
	    "{\"name\":\"驿站 \\\"1\\\"\",\"absent\":null,"
	    "\"least\":-9223372036854775808,"
	    "\"list\":[true,\"坏 \xef\xbf\xbd 名\"]}",
	    "keys stay in order; what is no UTF-8 is shown as such");
	json_free(v);

	is_int(json_parse(&back, buf_str(&out), out.len, &err), 0, "it parses");
	is_str(json_get_text(back, "name"), "驿站 \"1\"", "a text");
	ok(json_get_int(back, "least") == INT64_MIN, "an integer");
	ok(json_get_text(back, "least") == NULL &&
		json_get_int(back, "name") == 0 &&
		json_get_text(back, "nosuch") == NULL,
	    "of another type or absent is nothing");
	is_int(json_length(json_get(back, "list")), 2, "a list has its length");
	ok(json_as_text(json_at(json_get(back, "list"), 1)) != NULL &&
		json_at(json_get(back, "list"), 2) == NULL,
	    "its items are found by number");
	json_free(back);
	buf_free(&out);
}

static void
bounds(void)
{
	struct buf deep = BUF_INIT;
	int i;

	is_int(
	    parses("{\"a\":1,\"a\":2}"), YZ_EINVAL, "a key twice is refused");
	is_int(parses("[1] 2"), YZ_EINVAL, "and anything after the value");
	is_int(parses(""), YZ_EINVAL, "and nothing at all");
	is_int(parses("\"[[[[\\\"[[[[\""), 0, "brackets in text do not nest");
	for (i = 0; i < JSON_DEPTH_MAX; i++)
		buf_putc(&deep, '[');
	for (i = 0; i < JSON_DEPTH_MAX; i++)
		buf_putc(&deep, ']');
	is_int(parses(buf_str(&deep)), 0, "nesting to the bound parses");
	buf_clear(&deep);
	for (i = 0; i < 100000; i++)
		buf_putc(&deep, '[');
	is_int(parses(buf_str(&deep)), YZ_EINVAL, "beyond it is refused");
	buf_free(&deep);
}

int
main(void)
{
	write_and_read();
	bounds();
	return tap_done();
}
